//! What becomes of a table or partition that is there already. Decided purely.

use catalog::{Column, Parameters, PartitionInput, TableInput, table};

use super::describe::{DEPRECATED_BY, STATISTICS, UPDATED_BY};
use crate::definition::UpdateBehavior;

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

pub(super) fn table(old: &table::Table, new: &TableInput, behavior: UpdateBehavior) -> Fate {
    let changed = definition_of(&old.input) != definition_of(new);
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
