//! Table metadata: the document that says what a table is, in format versions 1 to 3.
//!
//! Reading brings all versions into one form (format version 1 keeps a schema and a spec outside the lists too, and may
//! lack what later versions require); writing gives each version the members that its readers expect. Members that this
//! code does not know are kept. Source: Apache Iceberg table specification, "Table Metadata".

mod check;
mod partition;
mod schema;
mod snapshot;
#[cfg(test)]
mod tests;
mod types;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use partition::{
    Direction, FIRST_PARTITION_FIELD_ID, NullOrder, PartitionField, PartitionSpec, SortField, SortOrder,
    Transform,
};
pub use schema::{FieldInfo, NestedField, Schema};
pub use snapshot::{
    MAIN, MetadataLogEntry, RefKind, Snapshot, SnapshotLogEntry, SnapshotRef, StatisticsFile,
};
pub use types::{ListType, MapType, Nested, Primitive, StructType, Type, TypeError};

use crate::error::MetadataError;

/// The newest format version that this code reads and writes.
pub const MAX_FORMAT_VERSION: u8 = 3;

/// Everything that is known about a table. Build it with [`TableMetadata::from_slice`] or by applying updates: then
/// every id that it mentions exists.
#[derive(Clone, Debug, PartialEq)]
pub struct TableMetadata {
    /// 1 to 3.
    pub format_version: u8,
    /// The table's identity; tables of format version 1 may have none.
    pub table_uuid: Option<String>,
    /// Where its files are.
    pub location: String,
    /// The highest sequence number given; 0 in format version 1.
    pub last_sequence_number: i64,
    /// When the metadata last changed, epoch milliseconds.
    pub last_updated_ms: i64,
    /// The highest column id ever given.
    pub last_column_id: i32,
    /// All schemas.
    pub schemas: Vec<Schema>,
    /// Which of them is the current one.
    pub current_schema_id: i32,
    /// All partition specs.
    pub partition_specs: Vec<PartitionSpec>,
    /// Which of them writers use.
    pub default_spec_id: i32,
    /// The highest partition field id ever given.
    pub last_partition_id: i32,
    /// All sort orders.
    pub sort_orders: Vec<SortOrder>,
    /// Which of them writers use.
    pub default_sort_order_id: i32,
    /// Settings.
    pub properties: BTreeMap<String, String>,
    /// All snapshots that are kept.
    pub snapshots: Vec<Snapshot>,
    /// Branches and tags; the current snapshot is the one of [`MAIN`].
    pub refs: BTreeMap<String, SnapshotRef>,
    /// Which snapshot was the current one, oldest first.
    pub snapshot_log: Vec<SnapshotLogEntry>,
    /// Earlier metadata files, oldest first.
    pub metadata_log: Vec<MetadataLogEntry>,
    /// Statistics of snapshots.
    pub statistics: Vec<StatisticsFile>,
    /// Statistics of partitions.
    pub partition_statistics: Vec<StatisticsFile>,
    /// The row id of the next row; format version 3.
    pub next_row_id: Option<i64>,
    /// Members that this code does not know.
    pub other: Map<String, Value>,
}

/// The document as it is written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Document {
    format_version: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    table_uuid: Option<String>,
    location: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_sequence_number: Option<i64>,
    last_updated_ms: i64,
    last_column_id: i32,
    /// Format version 1: the current schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schema: Option<Schema>,
    #[serde(default)]
    schemas: Vec<Schema>,
    #[serde(default)]
    current_schema_id: Option<i32>,
    /// Format version 1: the fields of the default spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    partition_spec: Option<Vec<PartitionField>>,
    #[serde(default)]
    partition_specs: Vec<PartitionSpec>,
    #[serde(default)]
    default_spec_id: Option<i32>,
    #[serde(default)]
    last_partition_id: Option<i32>,
    #[serde(default)]
    properties: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    current_snapshot_id: Option<i64>,
    #[serde(default)]
    snapshots: Vec<Snapshot>,
    #[serde(default)]
    snapshot_log: Vec<SnapshotLogEntry>,
    #[serde(default)]
    metadata_log: Vec<MetadataLogEntry>,
    #[serde(default)]
    sort_orders: Vec<SortOrder>,
    #[serde(default)]
    default_sort_order_id: Option<i32>,
    #[serde(default)]
    refs: BTreeMap<String, SnapshotRef>,
    #[serde(default)]
    statistics: Vec<StatisticsFile>,
    #[serde(default)]
    partition_statistics: Vec<StatisticsFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_row_id: Option<i64>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

impl TableMetadata {
    /// Reads a document and checks it.
    /// Errors: `Unreadable` when it is not one, `Version` for a version to come, `Invalid` when it contradicts itself.
    pub fn from_slice(bytes: &[u8]) -> Result<TableMetadata, MetadataError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        struct Version {
            format_version: u64,
        }
        let unreadable = |error: serde_json::Error| MetadataError::Unreadable { what: error.to_string() };
        let version: Version = serde_json::from_slice(bytes).map_err(unreadable)?;
        if !(1..=u64::from(MAX_FORMAT_VERSION)).contains(&version.format_version) {
            return Err(MetadataError::Version { given: version.format_version });
        }
        let document: Document = serde_json::from_slice(bytes).map_err(unreadable)?;
        let metadata = TableMetadata::from_document(document)?;
        metadata.check()?;
        Ok(metadata)
    }

    /// Writes the document.
    pub fn to_vec(&self) -> Result<Vec<u8>, MetadataError> {
        serde_json::to_vec(&self.document())
            .map_err(|error| MetadataError::Unreadable { what: error.to_string() })
    }

    /// The document as a value, for replies.
    pub fn to_value(&self) -> Result<Value, MetadataError> {
        serde_json::to_value(self.document())
            .map_err(|error| MetadataError::Unreadable { what: error.to_string() })
    }

    /// The current schema; there is one in metadata that was checked.
    pub fn current_schema(&self) -> Option<&Schema> {
        self.schema(self.current_schema_id)
    }

    /// A schema by its id.
    pub fn schema(&self, id: i32) -> Option<&Schema> {
        self.schemas.iter().find(|schema| schema.id() == id)
    }

    /// A partition spec by its id.
    pub fn spec(&self, id: i32) -> Option<&PartitionSpec> {
        self.partition_specs.iter().find(|spec| spec.id() == id)
    }

    /// A sort order by its id.
    pub fn sort_order(&self, id: i32) -> Option<&SortOrder> {
        self.sort_orders.iter().find(|order| order.order_id == id)
    }

    /// A snapshot by its id.
    pub fn snapshot(&self, id: i64) -> Option<&Snapshot> {
        self.snapshots.iter().find(|snapshot| snapshot.snapshot_id == id)
    }

    /// The id of the current snapshot; `None` for a table that nobody has written to.
    pub fn current_snapshot_id(&self) -> Option<i64> {
        self.refs.get(MAIN).map(|main| main.snapshot_id)
    }

    /// The same metadata with the snapshots that branches and tags name, and no others.
    pub fn with_referenced_snapshots(&self) -> TableMetadata {
        let mut fewer = self.clone();
        fewer.snapshots.retain(|snapshot| {
            self.refs.values().any(|reference| reference.snapshot_id == snapshot.snapshot_id)
        });
        fewer
    }

    /// Notes the metadata file that this metadata replaces, and forgets the oldest ones beyond
    /// `write.metadata.previous-versions-max`; returns the forgotten locations.
    pub fn log_previous(&mut self, location: &str, last_updated_ms: i64) -> Vec<String> {
        self.metadata_log
            .push(MetadataLogEntry { metadata_file: location.to_owned(), timestamp_ms: last_updated_ms });
        let given = self.properties.get("write.metadata.previous-versions-max");
        let max = given.and_then(|text| text.trim().parse::<usize>().ok()).unwrap_or(100).max(1);
        let excess = self.metadata_log.len().saturating_sub(max);
        self.metadata_log.drain(..excess).map(|entry| entry.metadata_file).collect()
    }

    fn from_document(mut document: Document) -> Result<TableMetadata, MetadataError> {
        let missing = |what: &str| MetadataError::invalid(format!("{what} is missing"));
        if document.format_version == 1 {
            fill_version_1(&mut document);
        }
        for (position, schema) in (0..).zip(&mut document.schemas) {
            schema.schema_id.get_or_insert(position);
        }
        let last_partition_id = document.last_partition_id.unwrap_or_else(|| {
            let highest = document.partition_specs.iter().map(PartitionSpec::highest_field_id).max();
            highest.unwrap_or(FIRST_PARTITION_FIELD_ID - 1)
        });
        let current = document.current_snapshot_id.filter(|id| *id != -1);
        match (document.refs.get(MAIN), current) {
            (None, Some(snapshot_id)) => {
                document.refs.insert(MAIN.to_owned(), branch(snapshot_id));
            }
            (Some(main), Some(id)) if main.snapshot_id != id => {
                let message = format!("the current snapshot is {id}, the one of main {}", main.snapshot_id);
                return Err(MetadataError::invalid(message));
            }
            _ => {}
        }
        if document.format_version > 1 && document.table_uuid.is_none() {
            return Err(missing("table-uuid"));
        }
        Ok(TableMetadata {
            format_version: document.format_version,
            table_uuid: document.table_uuid,
            location: document.location,
            last_sequence_number: document.last_sequence_number.unwrap_or(0),
            last_updated_ms: document.last_updated_ms,
            last_column_id: document.last_column_id,
            schemas: document.schemas,
            current_schema_id: document.current_schema_id.ok_or_else(|| missing("current-schema-id"))?,
            partition_specs: document.partition_specs,
            default_spec_id: document.default_spec_id.ok_or_else(|| missing("default-spec-id"))?,
            last_partition_id,
            sort_orders: document.sort_orders,
            default_sort_order_id: document
                .default_sort_order_id
                .ok_or_else(|| missing("default-sort-order-id"))?,
            properties: document.properties,
            snapshots: document.snapshots,
            refs: document.refs,
            snapshot_log: document.snapshot_log,
            metadata_log: document.metadata_log,
            statistics: document.statistics,
            partition_statistics: document.partition_statistics,
            next_row_id: document.next_row_id.or((document.format_version >= 3).then_some(0)),
            other: document.other,
        })
    }

    fn document(&self) -> Document {
        let first = self.format_version == 1;
        Document {
            format_version: self.format_version,
            table_uuid: self.table_uuid.clone(),
            location: self.location.clone(),
            last_sequence_number: (!first).then_some(self.last_sequence_number),
            last_updated_ms: self.last_updated_ms,
            last_column_id: self.last_column_id,
            schema: first.then(|| self.current_schema().cloned()).flatten(),
            schemas: self.schemas.clone(),
            current_schema_id: Some(self.current_schema_id),
            partition_spec: first
                .then(|| self.spec(self.default_spec_id).map(|spec| spec.fields.clone()))
                .flatten(),
            partition_specs: self.partition_specs.clone(),
            default_spec_id: Some(self.default_spec_id),
            last_partition_id: Some(self.last_partition_id),
            properties: self.properties.clone(),
            // Readers of format version 1 expect −1 for "none".
            current_snapshot_id: self.current_snapshot_id().or(first.then_some(-1)),
            snapshots: self.snapshots.clone(),
            snapshot_log: self.snapshot_log.clone(),
            metadata_log: self.metadata_log.clone(),
            sort_orders: self.sort_orders.clone(),
            default_sort_order_id: Some(self.default_sort_order_id),
            refs: self.refs.clone(),
            statistics: self.statistics.clone(),
            partition_statistics: self.partition_statistics.clone(),
            next_row_id: self.next_row_id,
            other: self.other.clone(),
        }
    }
}

/// A branch without rules of its own.
pub(crate) fn branch(snapshot_id: i64) -> SnapshotRef {
    SnapshotRef {
        snapshot_id,
        kind: RefKind::Branch,
        min_snapshots_to_keep: None,
        max_snapshot_age_ms: None,
        max_ref_age_ms: None,
    }
}

/// Gives a document of format version 1 what later versions require.
/// Source: Iceberg table specification, "Table Metadata and Snapshots", on reading version 1.
fn fill_version_1(document: &mut Document) {
    if document.schemas.is_empty()
        && let Some(schema) = document.schema.take()
    {
        document.current_schema_id = Some(schema.id());
        document.schemas = vec![schema];
    }
    if document.partition_specs.is_empty()
        && let Some(fields) = document.partition_spec.take()
    {
        document.partition_specs = vec![PartitionSpec { fields, ..PartitionSpec::unpartitioned(0) }];
        document.default_spec_id = Some(0);
    }
    for spec in &mut document.partition_specs {
        for (position, field) in (0..).zip(&mut spec.fields) {
            field.field_id.get_or_insert(FIRST_PARTITION_FIELD_ID + position);
        }
    }
    if document.sort_orders.is_empty() {
        document.sort_orders = vec![SortOrder::unsorted()];
        document.default_sort_order_id = Some(0);
    }
}
