//! Renaming a table, also into another database. Glue has no such operation; Iceberg's catalogs have.

use store::{Scope, Tx, params};

use crate::database;
use crate::error::{CatalogError, to_doc};
use crate::table::{Table, find, get_entry};
use crate::{arn, attached, link, names};

/// Renames a table (of a resource link: the link); it stays the same incarnation, with its version, versions and all that
/// hangs on it. The names may be in any case.
/// Errors: `DatabaseNotFound` (either), `TableNotFound`, `TableExists` for the new name, `InvalidInput`.
pub async fn rename(
    tx: &mut Tx,
    scope: &Scope,
    from: (&str, &str),
    to: (&str, &str),
) -> Result<Table, CatalogError> {
    let mut table = get_entry(tx, scope, from.0, from.1).await?;
    let named = database::get(tx, scope, to.0).await?;
    let database = link::resolve(tx, scope, named).await?;
    let name = names::checked("Table", to.1)?;
    if find(tx, &database, &name).await?.is_some() {
        return Err(CatalogError::TableExists { table: name });
    }
    let old_arn = arn::table(scope, &table.database_name, &table.name);
    attached::carry(tx, scope, &old_arn, &arn::table(scope, &database.name, &name)).await?;
    table.input.name.clone_from(&name);
    tx.execute(
        "UPDATE catalog_tables SET database_uid = $3, name = $4, doc = $5 WHERE database_uid = $1 AND name = $2",
        &params![
            table.database_uid,
            table.name.as_str(),
            database.uid,
            name.as_str(),
            to_doc("table", &table.input)?
        ],
    )
    .await?;
    table.database_uid = database.uid;
    table.database_name = database.name;
    table.name = name;
    Ok(table)
}
