//! What becomes of a table or partition that is there already. Decided purely, but for who its neighbour is.

use catalog::{Column, Parameters, PartitionInput, StorageDescriptor, TableInput, table};

use store::Tx;

use super::Job;
use super::describe::{self, DEPRECATED_BY, STATISTICS, UPDATED_BY};
use crate::definition::UpdateBehavior;
use crate::error::CrawlerError;
use crate::plan::{Kind, Shape};
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

/// Why folders cannot be partitions of a table that stays as it is: their values would stand under other keys.
pub(super) fn other_keys(old: &table::Table, found: &TableInput) -> String {
    let listed = |keys: &[Column]| match keys {
        [] => "none".to_owned(),
        keys => keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join(", "),
    };
    format!(
        "the partition keys of table {} ({}) are not those of the folders ({}); the table is left as it is",
        old.name,
        listed(old.partition_keys()),
        listed(found.partition_keys.as_deref().unwrap_or_default())
    )
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

/// `MergeNewColumns`: the columns that are there stay, new ones follow. Where they are found by position, those of the files
/// come first, in the files' order, and what the files lack comes behind: a column at another place would have another
/// one's values. A file without a header names none of them, so that there what is known keeps its place. Returns remarks.
pub(super) fn keep_columns(
    descriptor: &mut StorageDescriptor,
    old: &[Column],
    shape: Option<&Shape>,
) -> Vec<String> {
    let found = descriptor.columns.take().unwrap_or_default();
    let kept = |name: &str| old.iter().find(|column| column.name.eq_ignore_ascii_case(name)).cloned();
    let columns: Vec<Column> = match shape.map(|shape| &shape.kind) {
        Some(Kind::Csv { header_lines: 0, .. }) => {
            let new = found.into_iter().skip(old.len());
            let new = new.filter(|column| kept(&column.name).is_none());
            old.iter().cloned().chain(new.collect::<Vec<_>>()).collect()
        }
        Some(Kind::Csv { .. }) => {
            let is_new = |column: &Column| found.iter().any(|f| f.name.eq_ignore_ascii_case(&column.name));
            let gone: Vec<Column> = old.iter().filter(|column| !is_new(column)).cloned().collect();
            found.iter().map(|c| kept(&c.name).unwrap_or_else(|| c.clone())).chain(gone).collect()
        }
        _ => {
            let new: Vec<Column> = found.into_iter().filter(|c| kept(&c.name).is_none()).collect();
            old.iter().cloned().chain(new).collect()
        }
    };
    let moved = old.iter().zip(&columns).any(|(old, now)| old.name != now.name);
    descriptor.columns = Some(columns);
    if let Some(shape) = shape {
        describe::tell_serde(descriptor, shape);
    }
    let note = "its files have their columns at other places than before, and are read by position: the table's columns \
                are put in the files' order";
    if moved { vec![note.to_owned()] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use formats::{InferOptions, MemorySource, infer};

    use super::*;

    fn shape(name: &str, text: &str) -> Shape {
        let source = Arc::new(MemorySource::new(name, text.as_bytes().to_vec()));
        let inferred = futures::executor::block_on(infer(source, &InferOptions::default()));
        Shape::of(inferred.unwrap(), text.len() as u64)
    }

    #[test]
    fn merged_columns_stand_where_the_files_have_them() {
        for (name, text, old, wanted) in [
            ("f.csv", "b,c,id\n20,30,10\n", "id b c", "b c id"),
            ("f.csv", "id,c\n10,30\n", "id b c", "id c b"),
            ("f.csv", "id,z,a\n1,5,x\n", "id a", "id z a"),
            ("f.csv", "id,b,c\n1,2,3\n", "id b", "id b c"),
            ("f.csv", "id,b\n1,2\n", "id b c", "id b c"),
            // Somebody gave the columns names.
            ("f.csv", "1,x,5\n2,y,6\n", "id who", "id who col2"),
            ("f.csv", "1,x\n2,y\n", "id who z", "id who z"),
            ("f.json", "{\"b\":1,\"z\":2}", "a b", "a b z"),
        ] {
            let shape = shape(name, text);
            let old: Vec<Column> = old.split(' ').map(|name| Column::new(name, "int")).collect();
            let mut descriptor = StorageDescriptor {
                columns: Some(describe::columns(&shape, &[], &shape.fields).0),
                serde_info: Some(catalog::SerDeInfo::default()),
                ..StorageDescriptor::default()
            };
            let notes = keep_columns(&mut descriptor, &old, Some(&shape));
            let columns = descriptor.columns.unwrap();
            let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
            assert_eq!(names.join(" "), wanted);
            assert_eq!(notes.len(), usize::from(old.iter().zip(&names).any(|(old, name)| old.name != *name)));
            for column in columns.iter().filter(|c| old.iter().any(|o| o.name == c.name)) {
                assert_eq!(column.hive_type(), "int", "types stay");
            }
            if name == "f.json" {
                let told = descriptor.serde_info.unwrap().parameters.unwrap();
                assert_eq!(told["paths"], "a,b,z");
            }
        }
    }
}
