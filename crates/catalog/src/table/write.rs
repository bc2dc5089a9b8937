//! Making, changing and deleting tables.

use std::collections::BTreeSet;

use store::{Scope, Tx, params};

use crate::database::{self, Database};
use crate::error::{CatalogError, from_doc, to_doc};
use crate::layout::Layout;
use crate::model::TableInput;
use crate::registry::reference;
use crate::table::{MAX_VERSIONS, Table, TableUid, find, pointer, stored, stored_entry};
use crate::{arn, attached, link, names, partition, statistics};

/// Folds names, and refuses keys that no partition could have.
fn prepare(input: &mut TableInput) -> Result<(), CatalogError> {
    input.name = names::checked("Table", &input.name)?;
    names::fold_descriptor(input.storage_descriptor.as_mut());
    let Some(keys) = input.partition_keys.as_mut() else {
        return Ok(());
    };
    names::fold_columns(keys);
    let mut seen = BTreeSet::new();
    for key in keys.iter() {
        if key.parameters.as_ref().is_some_and(|found| !found.is_empty()) {
            return Err(CatalogError::invalid("Parameters not supported for partition columns"));
        }
        if !seen.insert(key.name.as_str()) {
            let message = format!("Partition key {} is given more than once.", key.name);
            return Err(CatalogError::invalid(message));
        }
    }
    Ok(())
}

/// Makes a table at version 0. `created_by` is the ARN of the caller.
/// Errors: `DatabaseNotFound`, `TableExists`, `InvalidInput`, `Registry` for the schema version that it refers to.
pub async fn create(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    mut input: TableInput,
    created_by: &str,
) -> Result<Table, CatalogError> {
    prepare(&mut input)?;
    let named = database::get(tx, scope, database).await?;
    if named.is_link() && input.other.contains_key(link::TARGET_TABLE) {
        let message = "A resource link to a table cannot be made through a resource link to a database.";
        return Err(CatalogError::invalid(message));
    }
    let database = link::resolve(tx, scope, named).await?;
    if find(tx, &database, &input.name).await?.is_some() {
        return Err(CatalogError::TableExists { table: input.name });
    }
    link::check_table(tx, scope, &database.name, &input).await?;
    reference::check(tx, scope, &input).await?;
    let now = tx.now_ms();
    let table = Table {
        uid: TableUid(database::new_uid(tx)?),
        database_name: database.name.clone(),
        name: input.name.clone(),
        version: 0,
        created_ms: now,
        updated_ms: now,
        created_by: created_by.to_owned(),
        layout: Layout::of(input.partition_keys.as_deref().unwrap_or_default()),
        database_uid: database.uid,
        archived: 0,
        input,
    };
    insert(tx, &table).await?;
    Ok(table)
}

async fn insert(tx: &mut Tx, table: &Table) -> Result<(), CatalogError> {
    tx.execute(
        "INSERT INTO catalog_tables \
         (database_uid, name, uid, version, archived, layout, created_ms, updated_ms, created_by, doc) \
         VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8, $9)",
        &params![
            table.database_uid,
            table.name.as_str(),
            table.uid.0,
            table.version,
            table.layout.to_text(),
            table.created_ms,
            table.updated_ms,
            table.created_by.as_str(),
            to_doc("table", &table.input)?
        ],
    )
    .await?;
    Ok(())
}

/// How to update a table.
#[derive(Debug, Clone, Copy, Default)]
pub struct Update<'a> {
    /// The version that the caller read; the update is refused when it is no longer the current one.
    pub version_id: Option<&'a str>,
    /// Whether to forget the version before instead of keeping it.
    pub skip_archive: bool,
}

/// Replaces a table's definition (that of `input.name`) by its next version. Through a resource link the target is
/// changed; where the link leads cannot be.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `VersionConflict`, `PointerMoved` for an Iceberg table that others have
/// committed to, `LimitExceeded` after [`MAX_VERSIONS`] archived versions, `InvalidInput`, also for another number of partition keys while partitions are
/// stored, `Registry` for the schema version that it refers to.
pub async fn update(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    mut input: TableInput,
    how: Update<'_>,
) -> Result<Table, CatalogError> {
    prepare(&mut input)?;
    let entry = stored_entry(tx, scope, database, &input.name).await?;
    let mut table = stored(tx, scope, database, &input.name).await?;
    link::check_update(entry.input.other.get(link::TARGET_TABLE), input.other.remove(link::TARGET_TABLE))?;
    input.name.clone_from(&table.name);
    let current = table.version;
    if let Some(given) = how.version_id.filter(|given| *given != current.to_string()) {
        return Err(CatalogError::VersionConflict { given: given.to_owned(), current });
    }
    pointer::check(&table, &input, how.version_id.is_some())?;
    reference::check(tx, scope, &input).await?;
    let layout = next_layout(tx, &table, &input).await?;
    partition::index::check_keys(tx, &table, &input).await?;
    if !how.skip_archive {
        archive(tx, &table).await?;
        table.archived += 1;
    }
    table.layout = layout;
    table.version = current + 1;
    table.updated_ms = tx.now_ms();
    statistics::keep_of(tx, &table, &input).await?;
    table.input = input;
    if replace(tx, &table, current).await? {
        return Ok(table);
    }
    Err(CatalogError::VersionConflict { given: current.to_string(), current })
}

/// Writes a table over its version `expected`; tells whether that was still the current one.
async fn replace(tx: &mut Tx, table: &Table, expected: i64) -> Result<bool, CatalogError> {
    let changed = tx
        .execute(
            "UPDATE catalog_tables SET version = $4, archived = $5, layout = $6, updated_ms = $7, \
             doc = $8 WHERE database_uid = $1 AND name = $2 AND version = $3",
            &params![
                table.database_uid,
                table.name.as_str(),
                expected,
                table.version,
                table.archived,
                table.layout.to_text(),
                table.updated_ms,
                to_doc("table", &table.input)?
            ],
        )
        .await?;
    Ok(changed == 1)
}

async fn archive(tx: &mut Tx, table: &Table) -> Result<(), CatalogError> {
    if table.archived >= MAX_VERSIONS {
        let limit = MAX_VERSIONS;
        return Err(CatalogError::LimitExceeded { what: "table versions", limit });
    }
    tx.execute(
        "INSERT INTO catalog_table_versions (table_uid, version, updated_ms, doc) \
         VALUES ($1, $2, $3, $4)",
        &params![table.uid.0, table.version, table.updated_ms, to_doc("table version", &table.input)?],
    )
    .await?;
    Ok(())
}

/// Values that are stored keep the layout they were stored with; an empty table takes a new one.
///
/// Stored partitions have a value per key. With another number of keys they could neither be named nor read, so that
/// this is refused while there are any. (Going back to the number that they have is not: it brings them back.)
/// Another name or type of a key is harmless: values go by position, and filters read them as the new type.
async fn next_layout(tx: &mut Tx, table: &Table, input: &TableInput) -> Result<Layout, CatalogError> {
    let keys = input.partition_keys.as_deref().unwrap_or_default();
    let before = table.partition_keys().len();
    let wanted = Layout::of(keys);
    if wanted == table.layout && keys.len() == before {
        return Ok(wanted);
    }
    let partition = tx
        .query_opt("SELECT vals FROM catalog_partitions WHERE table_uid = $1 LIMIT 1", &params![table.uid.0])
        .await?;
    let Some(partition) = partition else {
        return Ok(wanted);
    };
    let values: Vec<String> = from_doc("partition", &partition.get::<String>(0)?)?;
    if keys.len() != before && keys.len() != values.len() {
        return Err(CatalogError::invalid(format!(
            "Table {} has partitions of {} values, so that the number of its PartitionKeys cannot change from {before} \
             to {}. Send the table's PartitionKeys along, or delete its partitions first (BatchDeletePartition).",
            table.name,
            values.len(),
            keys.len()
        )));
    }
    Ok(table.layout.clone())
}

/// Deletes a table with its versions and partitions, which leave through [`crate::purge`]; of a resource link only
/// itself.
/// Errors: `DatabaseNotFound`, `TableNotFound`.
pub async fn delete(tx: &mut Tx, scope: &Scope, database: &str, name: &str) -> Result<(), CatalogError> {
    let table = stored_entry(tx, scope, database, name).await?;
    attached::forget(tx, scope, &arn::table(scope, &table.database_name, &table.name)).await?;
    tx.execute("INSERT INTO catalog_purge (table_uid) VALUES ($1)", &params![table.uid.0]).await?;
    tx.execute(
        "DELETE FROM catalog_tables WHERE database_uid = $1 AND name = $2",
        &params![table.database_uid, table.name.as_str()],
    )
    .await?;
    Ok(())
}

/// Deletes all tables of a database.
pub(crate) async fn delete_all(tx: &mut Tx, scope: &Scope, database: &Database) -> Result<(), CatalogError> {
    for name in super::names(tx, database).await? {
        attached::forget(tx, scope, &arn::table(scope, &database.name, &name)).await?;
    }
    tx.execute(
        "INSERT INTO catalog_purge (table_uid) \
         SELECT uid FROM catalog_tables WHERE database_uid = $1",
        &params![database.uid],
    )
    .await?;
    tx.execute("DELETE FROM catalog_tables WHERE database_uid = $1", &params![database.uid]).await?;
    Ok(())
}
