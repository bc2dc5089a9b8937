//! Snapshots, the references to them, and the logs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The branch that readers see by default.
pub const MAIN: &str = "main";

/// The state of a table at some time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Snapshot {
    /// Its id.
    pub snapshot_id: i64,
    /// The snapshot that it was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_snapshot_id: Option<i64>,
    /// Its place in the order of changes; absent in format version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<i64>,
    /// When it was made, epoch milliseconds.
    pub timestamp_ms: i64,
    /// Location of its list of manifests; absent in old tables of format version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_list: Option<String>,
    /// What it did: `operation` and counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<BTreeMap<String, String>>,
    /// The schema that was current when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_id: Option<i32>,
    /// The first row id of its rows; format version 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_row_id: Option<i64>,
    /// How many row ids it takes; format version 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_rows: Option<i64>,
    /// Members that this code does not know, `manifests` of format version 1 among them.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A branch or tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SnapshotRef {
    /// The snapshot.
    pub snapshot_id: i64,
    /// Which of both.
    #[serde(rename = "type")]
    pub kind: RefKind,
    /// A branch keeps at least so many snapshots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_snapshots_to_keep: Option<i64>,
    /// A branch keeps snapshots for so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_snapshot_age_ms: Option<i64>,
    /// The reference itself is kept for so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_ref_age_ms: Option<i64>,
}

/// Branch or tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RefKind {
    /// Moves with every commit to it.
    Branch,
    /// Stays.
    Tag,
}

/// Which snapshot was the current one from when on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SnapshotLogEntry {
    /// The snapshot.
    pub snapshot_id: i64,
    /// Since when, epoch milliseconds.
    pub timestamp_ms: i64,
}

/// An earlier metadata file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MetadataLogEntry {
    /// Its location.
    pub metadata_file: String,
    /// Its last change, epoch milliseconds.
    pub timestamp_ms: i64,
}

/// A file of statistics about a snapshot; of what is in it, only whose it is matters here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StatisticsFile {
    /// The snapshot that it describes.
    pub snapshot_id: i64,
    /// Its location.
    pub statistics_path: String,
    /// Everything else, as given.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}
