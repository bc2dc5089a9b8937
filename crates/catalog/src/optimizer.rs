//! Table optimizers: the configuration that clients give, kept. Nothing optimises by it here.

use serde_json::{Value, json};
use store::{Scope, Tx, params};

use crate::error::{CatalogError, from_doc, to_doc};
use crate::table::{self, Table};

/// Finds the table and refuses one that no optimizer is for.
async fn iceberg(tx: &mut Tx, scope: &Scope, database: &str, name: &str) -> Result<Table, CatalogError> {
    let table = table::get(tx, scope, database, name).await?;
    if table.parameter("table_type").is_some_and(|kind| kind.eq_ignore_ascii_case("ICEBERG")) {
        return Ok(table);
    }
    Err(CatalogError::invalid(format!(
        "Table {} is not an Iceberg table: optimizers are for those.",
        table.name
    )))
}

fn not_found(kind: &str) -> CatalogError {
    CatalogError::NotFound { what: "Table optimizer of type", name: kind.to_owned() }
}

/// Keeps the configuration of an optimizer that the table does not have yet.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `Exists`, `InvalidInput` when the table is not an Iceberg table.
pub async fn create(
    tx: &mut Tx,
    scope: &Scope,
    (database, name): (&str, &str),
    kind: &str,
    configuration: &Value,
) -> Result<(), CatalogError> {
    let table = iceberg(tx, scope, database, name).await?;
    if find(tx, &table, kind).await?.is_some() {
        return Err(CatalogError::Exists { what: "Table optimizer of type", name: kind.to_owned() });
    }
    tx.execute(
        "INSERT INTO catalog_optimizers (table_uid, kind, doc) VALUES ($1, $2, $3)",
        &params![table.uid.0, kind, to_doc("table optimizer", configuration)?],
    )
    .await?;
    Ok(())
}

async fn find(tx: &mut Tx, table: &Table, kind: &str) -> Result<Option<Value>, CatalogError> {
    let sql = "SELECT doc FROM catalog_optimizers WHERE table_uid = $1 AND kind = $2";
    let row = tx.query_opt(sql, &params![table.uid.0, kind]).await?;
    row.map(|row| from_doc("table optimizer", &row.get::<String>(0)?)).transpose()
}

/// An optimizer as Glue's `TableOptimizer` structure; it has never run.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `NotFound`.
pub async fn get(
    tx: &mut Tx,
    scope: &Scope,
    (database, name): (&str, &str),
    kind: &str,
) -> Result<Value, CatalogError> {
    let table = table::get(tx, scope, database, name).await?;
    let configuration = find(tx, &table, kind).await?.ok_or_else(|| not_found(kind))?;
    Ok(json!({ "type": kind, "configuration": configuration, "configurationSource": "table" }))
}

/// Replaces the configuration of an optimizer.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `NotFound`.
pub async fn update(
    tx: &mut Tx,
    scope: &Scope,
    (database, name): (&str, &str),
    kind: &str,
    configuration: &Value,
) -> Result<(), CatalogError> {
    let table = table::get(tx, scope, database, name).await?;
    let changed = tx
        .execute(
            "UPDATE catalog_optimizers SET doc = $3 WHERE table_uid = $1 AND kind = $2",
            &params![table.uid.0, kind, to_doc("table optimizer", configuration)?],
        )
        .await?;
    if changed == 0 { Err(not_found(kind)) } else { Ok(()) }
}

/// Deletes an optimizer.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `NotFound`.
pub async fn delete(
    tx: &mut Tx,
    scope: &Scope,
    (database, name): (&str, &str),
    kind: &str,
) -> Result<(), CatalogError> {
    let table = table::get(tx, scope, database, name).await?;
    let deleted = tx
        .execute(
            "DELETE FROM catalog_optimizers WHERE table_uid = $1 AND kind = $2",
            &params![table.uid.0, kind],
        )
        .await?;
    if deleted == 0 { Err(not_found(kind)) } else { Ok(()) }
}
