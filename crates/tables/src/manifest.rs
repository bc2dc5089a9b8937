//! Manifests and lists of manifests, as a writer of format version 2 makes them.
//!
//! A manifest names data files; a list names the manifests of a snapshot. Only what every reader needs is written: counts
//! and sizes, no statistics of columns. Entries of a list that is carried on keep their summaries of partitions, and a
//! manifest that is written again, because some of its files leave the table, keeps all that it knew of its files.
//! Source: Apache Iceberg table specification, "Manifests", "Manifest Lists" and "Avro".

use serde_json::{Value, json};

use crate::avro::{self, Avro, AvroError, AvroFile};
use crate::metadata::{Schema, TableMetadata};
use crate::partitioning::{PartitionColumn, PartitionValue};

/// States of a manifest's entries.
const EXISTING: i64 = 0;
pub(crate) const DELETED: i64 = 2;

/// A data file that a commit adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedFile {
    /// Where it will be.
    pub location: String,
    /// Its size.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
    /// The value of each partition field of the table's default spec, in their order.
    pub partition: Vec<PartitionValue>,
}

/// What a manifest is to its list.
#[derive(Debug, Default)]
pub(crate) struct ManifestFile {
    pub(crate) location: String,
    pub(crate) bytes: usize,
    pub(crate) spec_id: i32,
    pub(crate) sequence_number: i64,
    /// The lowest data sequence number of its files.
    pub(crate) min_sequence_number: i64,
    pub(crate) snapshot_id: i64,
    pub(crate) added: Count,
    pub(crate) existing: Count,
    pub(crate) deleted: Count,
    /// What the list knew of its partitions, when it was written before.
    pub(crate) partitions: Option<Avro>,
}

/// Files of a manifest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) files: u64,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

impl Count {
    pub(crate) fn add(&mut self, other: Count) {
        self.files += other.files;
        self.rows += other.rows;
        self.bytes += other.bytes;
    }
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

fn entry_schema(partition: &[PartitionColumn]) -> Value {
    let fields: Vec<Value> = partition.iter().filter_map(PartitionColumn::avro_field).collect();
    let partition = json!({"type": "record", "name": "r102", "fields": fields});
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

/// A manifest of files that a snapshot adds.
pub(crate) fn manifest(
    metadata: &TableMetadata,
    schema: &Schema,
    columns: &[PartitionColumn],
    snapshot_id: i64,
    files: &[AddedFile],
    sync: [u8; 16],
) -> Result<Vec<u8>, AvroError> {
    let entries: Vec<Avro> = files
        .iter()
        .map(|file| {
            let values = columns.iter().zip(&file.partition);
            let partition = values.map(|(column, value)| column.avro_value(value)).collect();
            let data = record(vec![
                ("content", Avro::Long(0)),
                ("file_path", Avro::String(file.location.clone())),
                ("file_format", Avro::String("PARQUET".to_owned())),
                ("partition", Avro::Record(partition)),
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
    let spec = metadata.spec(metadata.default_spec_id).map(|spec| spec.fields.as_slice()).unwrap_or_default();
    let header = [
        ("schema", text(serde_json::to_string(schema))?),
        ("schema-id", schema.id().to_string()),
        ("partition-spec", text(serde_json::to_string(spec))?),
        ("partition-spec-id", metadata.default_spec_id.to_string()),
        ("format-version", "2".to_owned()),
        ("content", "data".to_owned()),
    ];
    avro::write(&entry_schema(columns), &header, sync, &entries)
}

/// A manifest that is written again without some of its files.
pub(crate) struct Rewritten {
    pub(crate) bytes: Vec<u8>,
    pub(crate) existing: Count,
    pub(crate) deleted: Count,
    pub(crate) min_sequence_number: i64,
}

/// Writes a manifest again, in its own schema: files for which `leaves` is true are deleted by the snapshot, the others are kept,
/// and what earlier snapshots have deleted is let go. `None` when no file leaves. `entry` is that of the list.
/// Errors: what `leaves` says; a manifest of format version 1, whose files have no place for sequence numbers.
pub(crate) fn rewritten(
    file: &AvroFile,
    entry: &Avro,
    snapshot_id: i64,
    sequence_number: i64,
    sync: [u8; 16],
    mut leaves: impl FnMut(&Avro) -> Result<bool, AvroError>,
) -> Result<Option<Rewritten>, AvroError> {
    let (mut existing, mut deleted) = (Count::default(), Count::default());
    let (mut entries, mut min_sequence_number) = (Vec::new(), sequence_number);
    for own in file.records.iter().filter(|own| own.long("status") != Some(DELETED)) {
        let Some(data) = own.field("data_file") else {
            return Err(AvroError("an entry has no data_file".to_owned()));
        };
        let long = |name: &str| data.long(name).and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
        let own_count = Count { files: 1, rows: long("record_count"), bytes: long("file_size_in_bytes") };
        // What an added file leaves open is that of its manifest.
        let inherited = |name: &str| own.long(name).or_else(|| entry.long("sequence_number")).unwrap_or(0);
        let data_sequence = inherited("sequence_number");
        let mut next = own.clone();
        next.set("sequence_number", Avro::Long(data_sequence));
        next.set("file_sequence_number", Avro::Long(inherited("file_sequence_number")));
        if leaves(data)? {
            next.set("status", Avro::Long(DELETED));
            next.set("snapshot_id", Avro::Long(snapshot_id));
            deleted.add(own_count);
        } else {
            let by = own.long("snapshot_id").or_else(|| entry.long("added_snapshot_id")).unwrap_or(0);
            next.set("status", Avro::Long(EXISTING));
            next.set("snapshot_id", Avro::Long(by));
            existing.add(own_count);
            min_sequence_number = min_sequence_number.min(data_sequence);
        }
        entries.push(next);
    }
    if deleted.files == 0 {
        return Ok(None);
    }
    if file.header.get("format-version").map(String::as_str) != Some("2") {
        return Err(AvroError("it has manifests of format version 1: rewrite them first".to_owned()));
    }
    let header = file.header.iter().filter(|(name, _)| !name.starts_with("avro."));
    let header: Vec<(&str, String)> = header.map(|(name, text)| (name.as_str(), text.clone())).collect();
    let bytes = avro::write(&file.schema, &header, sync, &entries)?;
    Ok(Some(Rewritten { bytes, existing, deleted, min_sequence_number }))
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

/// The list of a snapshot.
pub(crate) fn list(
    entries: &[Avro],
    (snapshot_id, parent): (i64, Option<i64>),
    sequence_number: i64,
    sync: [u8; 16],
) -> Result<Vec<u8>, AvroError> {
    let mut header = vec![
        ("snapshot-id", snapshot_id.to_string()),
        ("sequence-number", sequence_number.to_string()),
        ("format-version", "2".to_owned()),
    ];
    if let Some(parent) = parent {
        header.push(("parent-snapshot-id", parent.to_string()));
    }
    avro::write(&list_schema(), &header, sync, entries)
}

impl ManifestFile {
    /// Its entry in a list.
    pub(crate) fn entry(&self) -> Avro {
        record(vec![
            ("manifest_path", Avro::String(self.location.clone())),
            ("manifest_length", count(self.bytes as u64)),
            ("partition_spec_id", Avro::Long(self.spec_id.into())),
            ("content", Avro::Long(0)),
            ("sequence_number", Avro::Long(self.sequence_number)),
            ("min_sequence_number", Avro::Long(self.min_sequence_number)),
            ("added_snapshot_id", Avro::Long(self.snapshot_id)),
            ("added_files_count", count(self.added.files)),
            ("existing_files_count", count(self.existing.files)),
            ("deleted_files_count", count(self.deleted.files)),
            ("added_rows_count", count(self.added.rows)),
            ("existing_rows_count", count(self.existing.rows)),
            ("deleted_rows_count", count(self.deleted.rows)),
            ("partitions", self.partitions.clone().unwrap_or(Avro::Null)),
        ])
    }
}

/// An entry as this version writes it. Format version 1 has other names for counts, and no sequence numbers: these are 0.
pub(crate) fn carried(entry: &Avro) -> Result<Avro, AvroError> {
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
