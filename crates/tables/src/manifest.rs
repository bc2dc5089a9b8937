//! Manifests and lists of manifests, as a writer of format version 2 makes them.
//!
//! A manifest names data files; a list names the manifests of a snapshot. Only what every reader needs is written: counts
//! and sizes, no statistics of columns. Entries of a list that is carried on keep their summaries of partitions.
//! Source: Apache Iceberg table specification, "Manifests", "Manifest Lists" and "Avro".

use serde_json::{Value, json};

use crate::avro::{self, Avro, AvroError};
use crate::metadata::{Schema, TableMetadata};

/// A data file that a commit adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedFile {
    /// Where it will be.
    pub location: String,
    /// Its size.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
}

/// What a manifest is to its list.
pub(crate) struct ManifestFile {
    pub(crate) location: String,
    pub(crate) bytes: usize,
    pub(crate) spec_id: i32,
    pub(crate) sequence_number: i64,
    pub(crate) snapshot_id: i64,
    pub(crate) files: usize,
    pub(crate) rows: u64,
}

fn record(fields: Vec<(&str, Avro)>) -> Avro {
    Avro::Record(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn count(number: u64) -> Avro {
    Avro::Long(i64::try_from(number).unwrap_or(i64::MAX))
}

fn field(name: &str, id: i32, kind: Value) -> Value {
    json!({"name": name, "type": kind, "field-id": id})
}

fn optional(name: &str, id: i32, kind: Value) -> Value {
    json!({"name": name, "type": ["null", kind], "default": null, "field-id": id})
}

fn entry_schema() -> Value {
    let partition = json!({"type": "record", "name": "r102", "fields": []});
    let file = json!({"type": "record", "name": "r2", "fields": [
        field("content", 134, json!("int")),
        field("file_path", 100, json!("string")),
        field("file_format", 101, json!("string")),
        field("partition", 102, partition),
        field("record_count", 103, json!("long")),
        field("file_size_in_bytes", 104, json!("long")),
    ]});
    json!({"type": "record", "name": "manifest_entry", "fields": [
        field("status", 0, json!("int")),
        optional("snapshot_id", 1, json!("long")),
        optional("sequence_number", 3, json!("long")),
        optional("file_sequence_number", 4, json!("long")),
        field("data_file", 2, file),
    ]})
}

/// A manifest of files that a snapshot adds to a table that is not partitioned.
pub(crate) fn manifest(
    metadata: &TableMetadata,
    schema: &Schema,
    snapshot_id: i64,
    files: &[AddedFile],
    sync: [u8; 16],
) -> Result<Vec<u8>, AvroError> {
    let entries: Vec<Avro> = files
        .iter()
        .map(|file| {
            let data = record(vec![
                ("content", Avro::Long(0)),
                ("file_path", Avro::String(file.location.clone())),
                ("file_format", Avro::String("PARQUET".to_owned())),
                ("partition", record(Vec::new())),
                ("record_count", count(file.rows)),
                ("file_size_in_bytes", count(file.bytes)),
            ]);
            // 1: added. Its sequence numbers are those of the manifest, once it has one.
            record(vec![
                ("status", Avro::Long(1)),
                ("snapshot_id", Avro::Long(snapshot_id)),
                ("data_file", data),
            ])
        })
        .collect();
    let text = |value: Result<String, serde_json::Error>| value.map_err(|error| AvroError(error.to_string()));
    let header = [
        ("schema", text(serde_json::to_string(schema))?),
        ("schema-id", schema.id().to_string()),
        ("partition-spec", "[]".to_owned()),
        ("partition-spec-id", metadata.default_spec_id.to_string()),
        ("format-version", "2".to_owned()),
        ("content", "data".to_owned()),
    ];
    avro::write(&entry_schema(), &header, sync, &entries)
}

fn list_schema() -> Value {
    let summary = json!({"type": "record", "name": "r508", "fields": [
        field("contains_null", 509, json!("boolean")),
        optional("contains_nan", 518, json!("boolean")),
        optional("lower_bound", 510, json!("bytes")),
        optional("upper_bound", 511, json!("bytes")),
    ]});
    let summaries = json!({"type": "array", "items": summary, "element-id": 508});
    json!({"type": "record", "name": "manifest_file", "fields": [
        field("manifest_path", 500, json!("string")),
        field("manifest_length", 501, json!("long")),
        field("partition_spec_id", 502, json!("int")),
        field("content", 517, json!("int")),
        field("sequence_number", 515, json!("long")),
        field("min_sequence_number", 516, json!("long")),
        field("added_snapshot_id", 503, json!("long")),
        field("added_files_count", 504, json!("int")),
        field("existing_files_count", 505, json!("int")),
        field("deleted_files_count", 506, json!("int")),
        field("added_rows_count", 512, json!("long")),
        field("existing_rows_count", 513, json!("long")),
        field("deleted_rows_count", 514, json!("long")),
        optional("partitions", 507, summaries),
    ]})
}

/// The list of a snapshot: those that its parent has, and one more.
pub(crate) fn list(
    before: &[Avro],
    added: &ManifestFile,
    parent: Option<i64>,
    sync: [u8; 16],
) -> Result<Vec<u8>, AvroError> {
    let mut entries = vec![added.entry()];
    for entry in before {
        entries.push(carried(entry)?);
    }
    let mut header = vec![
        ("snapshot-id", added.snapshot_id.to_string()),
        ("sequence-number", added.sequence_number.to_string()),
        ("format-version", "2".to_owned()),
    ];
    if let Some(parent) = parent {
        header.push(("parent-snapshot-id", parent.to_string()));
    }
    avro::write(&list_schema(), &header, sync, &entries)
}

impl ManifestFile {
    fn entry(&self) -> Avro {
        record(vec![
            ("manifest_path", Avro::String(self.location.clone())),
            ("manifest_length", count(self.bytes as u64)),
            ("partition_spec_id", Avro::Long(self.spec_id.into())),
            ("content", Avro::Long(0)),
            ("sequence_number", Avro::Long(self.sequence_number)),
            ("min_sequence_number", Avro::Long(self.sequence_number)),
            ("added_snapshot_id", Avro::Long(self.snapshot_id)),
            ("added_files_count", count(self.files as u64)),
            ("existing_files_count", Avro::Long(0)),
            ("deleted_files_count", Avro::Long(0)),
            ("added_rows_count", count(self.rows)),
            ("existing_rows_count", Avro::Long(0)),
            ("deleted_rows_count", Avro::Long(0)),
        ])
    }
}

/// An entry as this version writes it. Format version 1 has other names for counts, and no sequence numbers: these are 0.
fn carried(entry: &Avro) -> Result<Avro, AvroError> {
    if entry.field("key_metadata").is_some() {
        return Err(AvroError("it has encrypted manifests".to_owned()));
    }
    let Some(path) = entry.text("manifest_path") else {
        return Err(AvroError("an entry has no manifest_path".to_owned()));
    };
    let long = |names: &[&str]| Avro::Long(names.iter().find_map(|name| entry.long(name)).unwrap_or(0));
    Ok(record(vec![
        ("manifest_path", Avro::String(path.to_owned())),
        ("manifest_length", long(&["manifest_length"])),
        ("partition_spec_id", long(&["partition_spec_id"])),
        ("content", long(&["content"])),
        ("sequence_number", long(&["sequence_number"])),
        ("min_sequence_number", long(&["min_sequence_number"])),
        ("added_snapshot_id", long(&["added_snapshot_id"])),
        ("added_files_count", long(&["added_files_count", "added_data_files_count"])),
        ("existing_files_count", long(&["existing_files_count", "existing_data_files_count"])),
        ("deleted_files_count", long(&["deleted_files_count", "deleted_data_files_count"])),
        ("added_rows_count", long(&["added_rows_count"])),
        ("existing_rows_count", long(&["existing_rows_count"])),
        ("deleted_rows_count", long(&["deleted_rows_count"])),
        ("partitions", entry.field("partitions").cloned().unwrap_or(Avro::Null)),
    ]))
}
