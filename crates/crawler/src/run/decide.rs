//! What becomes of a table or partition that is there already. Decided purely, but for who its neighbour is.

use catalog::{Column, Parameters, PartitionInput, TableInput, table};

use store::Tx;

use super::Job;
use super::describe::{DEPRECATED_BY, STATISTICS, UPDATED_BY};
use crate::definition::UpdateBehavior;
use crate::error::CrawlerError;
use crate::rows;

/// What becomes of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing.
    Unchanged,
    /// Its statistics change.
    Statistics,
    /// It has changed and is left as it is.
    Logged,
    /// It is replaced.
    Updated,
    /// Its partition keys changed: it is made anew.
    Remade,
}

/// Whether a table's definition changes, and not its statistics alone.
pub(super) fn is_changed(old: &table::Table, new: &TableInput) -> bool {
    definition_of(&old.input) != definition_of(new)
}

pub(super) fn table(old: &table::Table, new: &TableInput, behavior: UpdateBehavior) -> Fate {
    let changed = is_changed(old, new);
    if changed && behavior == UpdateBehavior::Log {
        return Fate::Logged;
    }
    if !same_keys(old, new) {
        return Fate::Remade;
    }
    match (changed, old.input.parameters == new.parameters) {
        (true, _) => Fate::Updated,
        (false, true) => Fate::Unchanged,
        (false, false) => Fate::Statistics,
    }
}

/// The crawler that a table is of, when it is another one that is still there.
pub(super) async fn neighbour(
    job: &Job<'_>,
    tx: &mut Tx,
    old: &TableInput,
) -> Result<Option<String>, CrawlerError> {
    let by = old.parameters.as_ref().and_then(|all| all.get(UPDATED_BY));
    let Some(name) = by.filter(|name| **name != job.definition.name) else { return Ok(None) };
    match rows::get(tx, job.scope, name).await {
        Ok(_) => Ok(Some(name.clone())),
        Err(CrawlerError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The same table as if another crawler had found it.
pub(super) fn of_crawler(input: &TableInput, crawler: &str) -> TableInput {
    let mut input = input.clone();
    let descriptor = input.storage_descriptor.as_mut().and_then(|d| d.parameters.as_mut());
    for parameters in input.parameters.as_mut().into_iter().chain(descriptor) {
        if let Some(name) = parameters.get_mut(UPDATED_BY) {
            crawler.clone_into(name);
        }
    }
    input
}

/// Whether the partition keys have the same names.
pub(super) fn same_keys(old: &table::Table, new: &TableInput) -> bool {
    let names = |keys: &[Column]| keys.iter().map(|key| key.name.clone()).collect::<Vec<_>>();
    names(old.partition_keys()) == names(new.partition_keys.as_deref().unwrap_or_default())
}

/// What becomes of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Kept,
    /// Only its statistics change.
    Statistics,
    Changed,
}

pub(super) fn partition(old: &PartitionInput, new: &PartitionInput, behavior: UpdateBehavior) -> Part {
    if old == new {
        return Part::Kept;
    }
    if partition_definition(old) == partition_definition(new) {
        return Part::Statistics;
    }
    if behavior == UpdateBehavior::Log && !is_deprecated(old) {
        return Part::Kept;
    }
    Part::Changed
}

/// A table's definition without what changes with every file.
fn definition_of(input: &TableInput) -> serde_json::Value {
    let mut copy = input.clone();
    strip(copy.parameters.as_mut());
    strip(copy.storage_descriptor.as_mut().and_then(|d| d.parameters.as_mut()));
    serde_json::json!(copy)
}

/// A partition's definition without what changes with every file.
fn partition_definition(input: &PartitionInput) -> serde_json::Value {
    let mut copy = input.clone();
    strip(copy.parameters.as_mut());
    strip(copy.storage_descriptor.as_mut().and_then(|d| d.parameters.as_mut()));
    serde_json::json!(copy)
}

fn strip(parameters: Option<&mut Parameters>) {
    let Some(parameters) = parameters else { return };
    for name in STATISTICS {
        parameters.remove(name);
    }
    parameters.remove(UPDATED_BY);
}

fn is_deprecated(input: &PartitionInput) -> bool {
    input.parameters.as_ref().is_some_and(|p| p.contains_key(DEPRECATED_BY))
}

/// `MergeNewColumns`: the columns that are there stay, new ones follow.
pub(super) fn keep_columns(columns: Option<&mut Vec<Column>>, old: &[Column]) {
    let Some(columns) = columns else { return };
    let new = columns.iter().filter(|c| !old.iter().any(|o| o.name == c.name)).cloned();
    *columns = old.iter().cloned().chain(new.collect::<Vec<_>>()).collect();
}
