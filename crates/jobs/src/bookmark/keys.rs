//! How far tables of databases were read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Tx, params};

use super::Window;
use crate::JobsError;

/// A key and the value up to which a table was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) struct Keys {
    /// The table, as messages call it.
    pub(crate) table: String,
    /// The key's columns.
    pub(crate) columns: Vec<String>,
    /// Whether the key falls from row to row.
    pub(crate) descending: bool,
    /// A text per column.
    pub(crate) values: Vec<String>,
}

/// Which rows a run is to read of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Since {
    /// All that are beyond this key; all when no run has read the table.
    New(Option<Keys>),
    /// Those that some runs have read: beyond the first key, up to the second. None when they have read nothing.
    Between(Option<Keys>, Option<Keys>),
}

/// Looks up which rows of a table the window wants.
pub(crate) async fn since(
    tx: &mut Tx,
    incarnation: &str,
    node: &str,
    window: Window,
) -> Result<Option<Since>, JobsError> {
    Ok(match window {
        Window::All => None,
        Window::New => Some(Since::New(at(tx, incarnation, node, i64::MAX).await?)),
        Window::Between { after, up_to } => {
            let first = at(tx, incarnation, node, after).await?;
            Some(Since::Between(first, at(tx, incarnation, node, up_to).await?))
        }
    })
}

/// How far a node had read when a version was the newest.
async fn at(tx: &mut Tx, incarnation: &str, node: &str, version: i64) -> Result<Option<Keys>, JobsError> {
    let sql = "SELECT document FROM jobs_bookmark_keys WHERE incarnation = $1 AND node = $2 AND version <= $3 \
               ORDER BY version DESC LIMIT 1";
    let row = tx.query_opt(sql, &params![incarnation, node, version]).await?;
    row.map_or(Ok(None), |row| parsed(&row.get::<String>(0)?))
}

/// `null` stands for a key that was forgotten by hand.
fn parsed(document: &str) -> Result<Option<Keys>, JobsError> {
    serde_json::from_str(document).map_err(damaged)
}

fn damaged(source: serde_json::Error) -> JobsError {
    JobsError::Damaged { what: "bookmark", source }
}

/// Notes how far a node has read, as of a version; without keys, that it counts as not read at all.
pub(crate) async fn remember(
    tx: &mut Tx,
    incarnation: &str,
    node: &str,
    version: i64,
    keys: Option<&Keys>,
) -> Result<(), JobsError> {
    let document = serde_json::to_string(&keys).map_err(damaged)?;
    tx.execute(
        "INSERT INTO jobs_bookmark_keys (incarnation, node, version, document) VALUES ($1, $2, $3, $4)",
        &params![incarnation, node, version, document],
    )
    .await?;
    Ok(())
}

/// How far each node had read when a version was the newest.
pub(super) async fn all(
    tx: &mut Tx,
    incarnation: &str,
    version: i64,
) -> Result<BTreeMap<String, Keys>, JobsError> {
    let sql = "SELECT node, document FROM jobs_bookmark_keys WHERE incarnation = $1 AND version <= $2 ORDER BY version";
    let mut nodes = BTreeMap::new();
    for row in &tx.query(sql, &params![incarnation, version]).await? {
        let node: String = row.get(0)?;
        match parsed(&row.get::<String>(1)?)? {
            Some(keys) => drop(nodes.insert(node, keys)),
            None => drop(nodes.remove(&node)),
        }
    }
    Ok(nodes)
}

impl Keys {
    /// As `GetJobBookmark` shows it.
    pub(super) fn summary(&self) -> Value {
        let order = if self.descending { "desc" } else { "asc" };
        json!({"table": self.table, "keys": self.columns, "order": order, "last": self.values})
    }
}
