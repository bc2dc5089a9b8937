//! Partitions that the catalog has already: what a run writes for one must lie where the catalog says that it lies, as
//! nobody who reads the table finds it elsewhere. It is looked at in the transaction that publishes, with or without
//! `EnableUpdateCatalog`.
//!
//! The catalog has names of keys in lower case, but a folder may be named after a column that is not (`Region=eu`). Files for
//! it go into that folder: what is staged has no place yet.

use std::collections::HashMap;

use catalog::{CatalogError, Table};
use engine::write::OutputPartition;
use store::{Scope, Tx};

use super::{RunFailure, Task, Written};
use crate::graph::{Destination, Node};
use crate::plan::PlanError;

/// Where the catalog has partitions, by their values; `None` for one that lies where its table says.
pub(super) type Known = HashMap<Vec<String>, Option<String>>;

/// Those of the partitions that the catalog has.
pub(super) async fn known(
    tx: &mut Tx,
    scope: &Scope,
    table: &Table,
    partitions: &[OutputPartition],
) -> Result<Known, CatalogError> {
    let values: Vec<Vec<String>> = partitions.iter().map(|partition| partition.values.clone()).collect();
    let (database, name) = (&table.database_name, &table.name);
    let found = catalog::partition::batch_get(tx, scope, database, name, &values).await?;
    let mut known = Known::new();
    for partition in found {
        let own = partition.location().filter(|text| !text.is_empty()).map(str::to_owned);
        known.insert(partition.values().to_vec(), own);
    }
    Ok(known)
}

/// Refuses files for a partition that lies at `own` when they would lie elsewhere.
pub(super) fn check(
    node: &Node,
    table: &Table,
    partition: &OutputPartition,
    own: &str,
) -> Result<(), RunFailure> {
    if place(own) == partition.location {
        return Ok(());
    }
    let what = format!(
        "partition {} of table {} lies at {own}, not at {}",
        partition.values.join(", "),
        table.name,
        partition.location
    );
    Err(RunFailure::node(node, PlanError::Refused(what)))
}

/// Lets files for partitions whose folders differ in the case of their keys' names lie in those folders, and refuses the
/// ones for partitions that lie elsewhere.
pub(super) async fn settle(task: &Task<'_>, tx: &mut Tx, target: &mut Written) -> Result<(), RunFailure> {
    let node = &target.node;
    let partitions = target.output.partitions();
    let Some((database, name)) = table_of(node) else { return Ok(()) };
    if partitions.is_empty() {
        return Ok(());
    }
    let scope = &task.run.scope;
    let may_be_made = target.resolved.follows.as_ref().is_some_and(|follows| follows.create);
    let table = match catalog::table::get(tx, scope, database, name).await {
        Ok(table) => table,
        Err(CatalogError::TableNotFound { .. }) if may_be_made => return Ok(()),
        Err(error) => return Err(RunFailure::catalog(node, error)),
    };
    let found = known(tx, scope, &table, &partitions).await;
    let found = found.map_err(|error| RunFailure::catalog(node, error))?;
    let root = target.resolved.location();
    let mut folders = HashMap::new();
    for partition in &partitions {
        let Some(Some(own)) = found.get(&partition.values) else { continue };
        match named_otherwise(&place(own), &partition.location, &root) {
            Some(folder) => {
                folders.insert(partition.values.clone(), folder);
            }
            None => check(node, &table, partition, own)?,
        }
    }
    let moved = target.output.move_to(&folders);
    moved.map_err(|error| RunFailure::node(node, PlanError::Engine(error)))
}

/// The table of the catalog whose files a node writes. Tables of open formats name their files themselves.
fn table_of(node: &Node) -> Option<(&str, &str)> {
    match &node.kind.target()?.destination {
        Destination::Path { catalog, .. } => {
            catalog.as_ref().map(|update| (update.database.as_str(), update.table.as_str()))
        }
        Destination::Table { database, table, .. } => Some((database.as_str(), table.as_str())),
        Destination::Iceberg(_) | Destination::Delta(_) | Destination::Database(_) => None,
    }
}

/// A location as those of outputs are written: `s3://bucket/folder/`.
fn place(location: &str) -> String {
    let rest = lake::s3_path(location);
    let Some(rest) = rest else { return location.to_owned() };
    let end = if rest.ends_with('/') { "" } else { "/" };
    format!("s3://{rest}{end}")
}

/// The folder below `root` of a partition whose place differs from the one expected in the case of its keys' names only.
fn named_otherwise(place: &str, expected: &str, root: &str) -> Option<String> {
    let (folder, expected) = (place.strip_prefix(root)?, expected.strip_prefix(root)?);
    (folder != expected && lowered(folder) == lowered(expected)).then(|| folder.to_owned())
}

/// Folders `Key=Value/` with the names of the keys in lower case.
fn lowered(folders: &str) -> String {
    let folders = folders.split('/').map(|folder| match folder.split_once('=') {
        Some((key, value)) => format!("{}={value}", key.to_lowercase()),
        None => folder.to_owned(),
    });
    folders.collect::<Vec<_>>().join("/")
}
