//! How far tables of databases were read.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use store::Tx;

use super::super::keys::{self, Keys};
use crate::JobsError;
use crate::definition::Job;

/// Up to which key a table of a database was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Table {
    /// The table, as messages call it; says nothing when a bookmark is set.
    #[serde(default)]
    pub table: String,
    /// The key's columns.
    pub keys: Vec<String>,
    /// Whether the key falls from row to row.
    #[serde(default)]
    pub descending: bool,
    /// The last key: a text per column.
    pub last: Vec<String>,
}

/// By source node.
pub type Tables = BTreeMap<String, Table>;

/// What counts as read.
pub(super) async fn read(tx: &mut Tx, job: &Job) -> Result<Tables, JobsError> {
    let known = keys::all(tx, &job.incarnation, i64::MAX).await?;
    let shown = |Keys { table, columns, descending, values }| Table {
        table,
        keys: columns,
        descending,
        last: values,
    };
    Ok(known.into_iter().map(|(node, keys)| (node, shown(keys))).collect())
}

/// The nodes whose tables were read up to different keys.
pub(super) fn differing<'t>(one: &'t Tables, other: &'t Tables) -> BTreeSet<&'t String> {
    let key = |table: &'t Table| (&table.keys, table.descending, &table.last);
    let nodes = one.keys().chain(other.keys());
    nodes.filter(|node| one.get(*node).map(key) != other.get(*node).map(key)).collect()
}

/// Notes up to which keys tables count as read from a version on; how many that changes.
pub(super) async fn set(
    tx: &mut Tx,
    job: &Job,
    version: i64,
    wanted: &Tables,
    read: &Tables,
) -> Result<u64, JobsError> {
    let changed = differing(wanted, read);
    for node in &changed {
        let keys = wanted.get(*node).map(|own| Keys {
            // Of a table that no run has read yet nobody knows what to call it.
            table: read.get(*node).map_or_else(|| own.table.clone(), |known| known.table.clone()),
            columns: own.keys.clone(),
            descending: own.descending,
            values: own.last.clone(),
        });
        keys::remember(tx, &job.incarnation, node, version, keys.as_ref()).await?;
    }
    Ok(changed.len() as u64)
}

/// Refuses nodes that are no sources, and keys that are none.
pub(super) fn check(job: &Job, tables: &Tables, read: &Tables) -> Result<(), JobsError> {
    let graph = job.spec.graph()?;
    for (node, table) in tables {
        let found = graph.as_ref().and_then(|graph| graph.node(node));
        if !found.is_some_and(|node| node.kind.is_source()) && !read.contains_key(node) {
            return Err(JobsError::invalid(format!("{node} is not a source of job {}", job.name)));
        }
        if table.keys.is_empty() || table.keys.len() != table.last.len() {
            return Err(JobsError::invalid(format!("{node}: Last must have a text for each of Keys")));
        }
    }
    Ok(())
}
