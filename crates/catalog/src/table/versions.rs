//! Earlier versions of tables.

use serde::{Deserialize, Serialize};
use store::{Row, Scope, Tx, params};

use crate::error::{CatalogError, from_doc};
use crate::page::{self, Page};
use crate::registry::reference;
use crate::table::{Table, parse_version, stored};

/// A version of a table: the table as it was, with that version's number.
#[derive(Debug, Clone, PartialEq)]
pub struct TableVersion {
    /// The version's number.
    pub version: i64,
    /// The table as it was.
    pub table: Table,
}

fn from_row(current: &Table, row: &Row) -> Result<TableVersion, CatalogError> {
    let mut table = current.clone();
    table.version = row.get(0)?;
    table.updated_ms = row.get(1)?;
    table.input = from_doc("table version", &row.get::<String>(2)?)?;
    Ok(TableVersion { version: table.version, table })
}

/// Reads a version of a table; the current one when `version` is absent.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `VersionNotFound`.
pub async fn get_version(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
    version: Option<&str>,
) -> Result<TableVersion, CatalogError> {
    let table = stored(tx, scope, database, name).await?;
    let number = version.map(parse_version).transpose()?.unwrap_or(table.version);
    if number == table.version {
        return filled(tx, scope, TableVersion { version: number, table }).await;
    }
    let row = tx
        .query_opt(
            "SELECT version, updated_ms, doc FROM catalog_table_versions \
             WHERE table_uid = $1 AND version = $2",
            &params![table.uid.0, number],
        )
        .await?;
    match row {
        Some(row) => filled(tx, scope, from_row(&table, &row)?).await,
        None => Err(CatalogError::VersionNotFound { version: number.to_string() }),
    }
}

/// A version with the columns of the schema version that it refers to.
async fn filled(tx: &mut Tx, scope: &Scope, mut found: TableVersion) -> Result<TableVersion, CatalogError> {
    reference::fill(tx, scope, &mut found.table).await?;
    Ok(found)
}

#[derive(Serialize, Deserialize)]
struct Position {
    before: i64,
}

/// Lists the versions of a table, the current one first.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `InvalidToken`.
pub async fn list_versions(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
    token: Option<&str>,
    limit: usize,
) -> Result<Page<TableVersion>, CatalogError> {
    let table = stored(tx, scope, database, name).await?;
    let limit = limit.max(1);
    let before = page::position::<Position>(token)?.map(|at| at.before);
    let mut items = Vec::new();
    if before.is_none_or(|before| before > table.version) {
        items.push(TableVersion { version: table.version, table: table.clone() });
    }
    let rows = tx
        .query(
            "SELECT version, updated_ms, doc FROM catalog_table_versions \
             WHERE table_uid = $1 AND version < $2 ORDER BY version DESC LIMIT $3",
            &params![table.uid.0, before.unwrap_or(table.version), limit as i64 + 1],
        )
        .await?;
    for row in &rows {
        items.push(from_row(&table, row)?);
    }
    let more = page::cut(&mut items, limit);
    for found in &mut items {
        reference::fill_listed(tx, scope, &mut found.table).await?;
    }
    let next = match items.last() {
        Some(last) if more => Some(page::token(&Position { before: last.version })?),
        _ => None,
    };
    Ok(Page { items, next })
}

/// Deletes an archived version. The current version stays: it is the table.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `VersionNotFound`, `InvalidInput` for the current
/// version.
pub async fn delete_version(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
    version: &str,
) -> Result<(), CatalogError> {
    let table = stored(tx, scope, database, name).await?;
    let number = parse_version(version)?;
    if number == table.version {
        return Err(CatalogError::invalid("Cannot delete the current version of the table."));
    }
    let deleted = tx
        .execute(
            "DELETE FROM catalog_table_versions WHERE table_uid = $1 AND version = $2",
            &params![table.uid.0, number],
        )
        .await?;
    if deleted == 0 {
        return Err(CatalogError::VersionNotFound { version: version.to_owned() });
    }
    tx.execute(
        "UPDATE catalog_tables SET archived = archived - 1 WHERE database_uid = $1 AND name = $2",
        &params![table.database_uid, table.name.as_str()],
    )
    .await?;
    Ok(())
}
