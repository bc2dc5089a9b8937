//! The changes that a commit is made of.
//!
//! Source: Apache Iceberg REST catalog specification, `TableUpdate`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metadata::{PartitionSpec, RefKind, Schema, Snapshot, SortOrder, StatisticsFile};

/// The id that means "the one that was added last".
pub const LAST_ADDED: i32 = -1;

/// One change of a table's metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum TableUpdate {
    /// Gives a new table its identity.
    AssignUuid {
        /// The identity.
        uuid: String,
    },
    /// Raises the format version.
    UpgradeFormatVersion {
        /// The version.
        format_version: u8,
    },
    /// Adds a schema.
    AddSchema {
        /// The schema; its id counts for nothing.
        schema: Schema,
        /// The highest column id, as older clients say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_column_id: Option<i32>,
    },
    /// Makes a schema the current one.
    SetCurrentSchema {
        /// Its id, or [`LAST_ADDED`].
        schema_id: i32,
    },
    /// Adds a partition spec.
    AddSpec {
        /// The spec; its id counts for nothing.
        spec: PartitionSpec,
    },
    /// Makes a partition spec the default.
    SetDefaultSpec {
        /// Its id, or [`LAST_ADDED`].
        spec_id: i32,
    },
    /// Adds a sort order.
    AddSortOrder {
        /// The order; its id counts for nothing.
        sort_order: SortOrder,
    },
    /// Makes a sort order the default.
    SetDefaultSortOrder {
        /// Its id, or [`LAST_ADDED`].
        sort_order_id: i32,
    },
    /// Adds a snapshot, which no branch names yet.
    AddSnapshot {
        /// The snapshot.
        snapshot: Snapshot,
    },
    /// Makes or moves a branch or tag.
    SetSnapshotRef {
        /// Its name.
        ref_name: String,
        /// Which of both.
        #[serde(rename = "type")]
        kind: RefKind,
        /// The snapshot.
        snapshot_id: i64,
        /// See [`crate::metadata::SnapshotRef`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min_snapshots_to_keep: Option<i64>,
        /// See [`crate::metadata::SnapshotRef`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_snapshot_age_ms: Option<i64>,
        /// See [`crate::metadata::SnapshotRef`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_ref_age_ms: Option<i64>,
    },
    /// Forgets snapshots, with the references to them.
    RemoveSnapshots {
        /// Their ids.
        snapshot_ids: Vec<i64>,
    },
    /// Forgets a branch or tag.
    RemoveSnapshotRef {
        /// Its name.
        ref_name: String,
    },
    /// Moves the table; files stay where they are.
    SetLocation {
        /// Where new files go.
        location: String,
    },
    /// Sets properties.
    SetProperties {
        /// Name → value.
        #[serde(alias = "updated")]
        updates: BTreeMap<String, String>,
    },
    /// Removes properties.
    RemoveProperties {
        /// Their names.
        #[serde(alias = "removed")]
        removals: Vec<String>,
    },
    /// Sets the statistics of a snapshot.
    SetStatistics {
        /// The file.
        statistics: StatisticsFile,
    },
    /// Removes the statistics of a snapshot.
    RemoveStatistics {
        /// Its id.
        snapshot_id: i64,
    },
    /// Sets the statistics of a snapshot's partitions.
    SetPartitionStatistics {
        /// The file.
        partition_statistics: StatisticsFile,
    },
    /// Removes the statistics of a snapshot's partitions.
    RemovePartitionStatistics {
        /// Its id.
        snapshot_id: i64,
    },
    /// Forgets partition specs.
    RemovePartitionSpecs {
        /// Their ids.
        spec_ids: Vec<i32>,
    },
    /// Forgets schemas.
    RemoveSchemas {
        /// Their ids.
        schema_ids: Vec<i32>,
    },
}
