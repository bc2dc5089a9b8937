//! The actions of a log, and what they come to.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The most files of a table that are held.
const MAX_FILES: usize = 2_000_000;

/// A line of a commit, or a row of a checkpoint. Kinds that do not matter for reading are passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Action {
    add: Option<Add>,
    remove: Option<Remove>,
    meta_data: Option<Metadata>,
    protocol: Option<Protocol>,
    commit_info: Option<CommitInfo>,
    /// Where a checkpoint of version 2 has put its files.
    sidecar: Option<Sidecar>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Add {
    pub(super) path: String,
    #[serde(default)]
    pub(super) partition_values: BTreeMap<String, Option<String>>,
    #[serde(default)]
    pub(super) size: i64,
    pub(super) deletion_vector: Option<DeletionVector>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Remove {
    path: String,
    deletion_vector: Option<DeletionVector>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeletionVector {
    #[serde(default)]
    storage_type: String,
    #[serde(default)]
    path_or_inline_dv: String,
    offset: Option<i64>,
}

impl DeletionVector {
    fn id(&self) -> String {
        let offset = self.offset.map(|offset| format!("@{offset}")).unwrap_or_default();
        format!("{}{}{offset}", self.storage_type, self.path_or_inline_dv)
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) created_time: Option<i64>,
    pub(super) schema_string: String,
    #[serde(default)]
    pub(super) partition_columns: Vec<String>,
    #[serde(default)]
    pub(super) configuration: BTreeMap<String, Option<String>>,
    pub(super) description: Option<String>,
    pub(super) format: Option<Format>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Format {
    pub(super) provider: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Protocol {
    pub(super) min_reader_version: i64,
    pub(super) min_writer_version: i64,
    pub(super) reader_features: Option<Vec<String>>,
    pub(super) writer_features: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct CommitInfo {
    timestamp: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Sidecar {
    path: String,
}

/// What the actions so far come to.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) metadata: Option<Metadata>,
    pub(super) protocol: Option<Protocol>,
    pub(super) committed_ms: Option<i64>,
    /// By path and deletion vector: a commit may remove a file with one vector and add it with another, in any order.
    files: BTreeMap<(String, String), Add>,
}

impl State {
    /// Reads the lines of a commit, or rows of a checkpoint as lines. The error says which line is wrong.
    pub(super) fn read(&mut self, lines: &[u8]) -> Result<(), String> {
        for (at, line) in lines.split(|byte| *byte == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let action: Action =
                serde_json::from_slice(line).map_err(|error| format!("line {}: {error}", at + 1))?;
            self.take(action)?;
        }
        Ok(())
    }

    fn take(&mut self, action: Action) -> Result<(), String> {
        let id =
            |vector: &Option<DeletionVector>| vector.as_ref().map(DeletionVector::id).unwrap_or_default();
        if let Some(sidecar) = action.sidecar {
            let path = sidecar.path;
            return Err(format!("a checkpoint of version 2 (sidecar {path}), which is not read"));
        }
        if let Some(remove) = action.remove {
            self.files.remove(&(remove.path, id(&remove.deletion_vector)));
        }
        if let Some(add) = action.add {
            self.files.insert((add.path.clone(), id(&add.deletion_vector)), add);
            if self.files.len() > MAX_FILES {
                return Err(format!("the table has more than {MAX_FILES} files"));
            }
        }
        if let Some(metadata) = action.meta_data {
            self.metadata = Some(metadata);
        }
        if let Some(protocol) = action.protocol {
            self.protocol = Some(protocol);
        }
        if let Some(info) = action.commit_info {
            self.committed_ms = info.timestamp.or(self.committed_ms);
        }
        Ok(())
    }

    /// The files that are left.
    pub(super) fn into_files(self) -> impl Iterator<Item = Add> {
        self.files.into_values()
    }
}
