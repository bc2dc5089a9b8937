//! Documents as the specification gives them, read and written.

use serde_json::{Value, json};

use super::*;

/// A table of format version 2 with a history, members of our own choosing.
fn second() -> Value {
    json!({
        "format-version": 2,
        "table-uuid": "0f1e2d3c-4b5a-4678-8796-a5b4c3d2e1f0",
        "location": "s3://lake/sales/orders",
        "last-sequence-number": 2,
        "last-updated-ms": 1_700_000_002_000_i64,
        "last-column-id": 4,
        "current-schema-id": 1,
        "schemas": [
            {"type": "struct", "schema-id": 0, "fields": [
                {"id": 1, "name": "order", "required": true, "type": "long"}]},
            {"type": "struct", "schema-id": 1, "identifier-field-ids": [1], "fields": [
                {"id": 1, "name": "order", "required": true, "type": "long", "doc": "number"},
                {"id": 2, "name": "price", "required": false, "type": "decimal(9, 2)"},
                {"id": 3, "name": "places", "required": false, "type": {
                    "type": "list", "element-id": 4, "element": "string", "element-required": false}}]}],
        "default-spec-id": 0,
        "partition-specs": [{"spec-id": 0, "fields": [
            {"source-id": 1, "field-id": 1000, "name": "order_bucket", "transform": "bucket[8]"}]}],
        "last-partition-id": 1000,
        "default-sort-order-id": 3,
        "sort-orders": [{"order-id": 3, "fields": [
            {"transform": "identity", "source-id": 1, "direction": "asc", "null-order": "nulls-first"}]}],
        "properties": {"read.split.target.size": "134217728"},
        "current-snapshot-id": 3_055_729_675_574_597_004_i64,
        "snapshots": [
            {"snapshot-id": 3_051_729_675_574_597_004_i64, "timestamp-ms": 1_700_000_001_000_i64, "sequence-number": 1,
             "summary": {"operation": "append"}, "manifest-list": "s3://lake/sales/orders/metadata/1.avro", "key-id": "k"},
            {"snapshot-id": 3_055_729_675_574_597_004_i64, "parent-snapshot-id": 3_051_729_675_574_597_004_i64,
             "timestamp-ms": 1_700_000_002_000_i64, "sequence-number": 2, "summary": {"operation": "append"},
             "manifest-list": "s3://lake/sales/orders/metadata/2.avro", "schema-id": 1}],
        "snapshot-log": [
            {"snapshot-id": 3_051_729_675_574_597_004_i64, "timestamp-ms": 1_700_000_001_000_i64},
            {"snapshot-id": 3_055_729_675_574_597_004_i64, "timestamp-ms": 1_700_000_002_000_i64}],
        "metadata-log": [{"metadata-file": "s3://lake/sales/orders/metadata/0.json", "timestamp-ms": 1_700_000_000_000_i64}],
        "refs": {"main": {"snapshot-id": 3_055_729_675_574_597_004_i64, "type": "branch"},
                 "audit": {"snapshot-id": 3_051_729_675_574_597_004_i64, "type": "tag", "max-ref-age-ms": 10}},
        "statistics": [{"snapshot-id": 3_051_729_675_574_597_004_i64, "statistics-path": "s3://lake/s.puffin",
                        "file-size-in-bytes": 413, "blob-metadata": []}],
        "partition-statistics": [],
        "member-of-tomorrow": {"a": [1, 2]}
    })
}

/// A table as the first format version wrote it: one schema, one spec, no ids where later versions have them.
fn first() -> Value {
    json!({
        "format-version": 1,
        "location": "s3://lake/old",
        "last-updated-ms": 1_600_000_000_000_i64,
        "last-column-id": 2,
        "schema": {"type": "struct", "fields": [
            {"id": 1, "name": "x", "required": true, "type": "long"},
            {"id": 2, "name": "y", "required": false, "type": "date"}]},
        "partition-spec": [{"name": "x", "transform": "identity", "source-id": 1},
                           {"name": "y_year", "transform": "year", "source-id": 2}],
        "properties": {},
        "current-snapshot-id": -1,
        "snapshots": [{"snapshot-id": 5, "timestamp-ms": 1_600_000_000_000_i64, "manifests": ["s3://lake/old/m.avro"]}]
    })
}

fn read(document: &Value) -> Result<TableMetadata, MetadataError> {
    TableMetadata::from_slice(document.to_string().as_bytes())
}

#[test]
fn what_is_read_is_written() {
    let document = second();
    let metadata = read(&document).expect("metadata");
    assert_eq!(metadata.current_snapshot_id(), Some(3_055_729_675_574_597_004));
    assert_eq!(metadata.to_value().expect("value"), document, "every member, known or not");
    assert_eq!(read(&metadata.to_value().expect("value")), Ok(metadata));
}

#[test]
fn the_first_version_is_brought_up() {
    let metadata = read(&first()).expect("metadata");
    assert_eq!((metadata.current_schema_id, metadata.default_spec_id), (0, 0));
    let ids: Vec<_> = metadata.partition_specs[0].fields.iter().map(|field| field.field_id).collect();
    assert_eq!((ids, metadata.last_partition_id), (vec![Some(1000), Some(1001)], 1001));
    assert_eq!((metadata.current_snapshot_id(), metadata.table_uuid.as_deref()), (None, None));
    assert_eq!(metadata.snapshots[0].other["manifests"][0], "s3://lake/old/m.avro");
    let written = metadata.to_value().expect("value");
    assert_eq!(written["schema"]["fields"], first()["schema"]["fields"], "readers of version 1 look here");
    assert_eq!(written["partition-spec"][1]["field-id"], 1001);
    assert_eq!(written["current-snapshot-id"], -1);
    assert!(written.get("last-sequence-number").is_none());
    assert_eq!(read(&written), Ok(metadata));
}

#[test]
fn documents_that_contradict_themselves_are_refused() {
    let cases: &[(&str, Value, &str)] = &[
        ("/format-version", json!(9), "format version 9"),
        ("/format-version", json!("two"), "cannot be read"),
        ("/table-uuid", Value::Null, "table-uuid"),
        ("/location", json!(""), "no location"),
        ("/current-schema-id", json!(7), "current schema 7"),
        ("/current-schema-id", Value::Null, "current-schema-id is missing"),
        ("/default-spec-id", json!(7), "default partition spec 7"),
        ("/default-sort-order-id", json!(0), "default sort order 0"),
        ("/current-snapshot-id", json!(5), "the one of main"),
        ("/refs/audit/snapshot-id", json!(5), "reference audit"),
        ("/refs/main/type", json!("tag"), "main must be a branch"),
        ("/last-sequence-number", json!(1), "sequence number"),
        ("/last-column-id", json!(3), "last column id"),
        ("/last-partition-id", json!(999), "last partition id"),
        ("/schemas/0/schema-id", json!(1), "two schemas of id 1"),
        ("/schemas/1/fields/0/type", json!("lnog"), "lnog"),
        ("/schemas/1/fields/2/type/element-id", json!(2), "both have the id 2"),
        ("/snapshots/0/snapshot-id", json!(3_055_729_675_574_597_004_i64), "two snapshots"),
        ("/partition-specs/0/fields/0/source-id", json!(3), "not of a primitive type"),
        ("/sort-orders/0/fields/0/source-id", json!(9), "no field 9"),
    ];
    for (pointer, value, message) in cases {
        let mut document = second();
        *document.pointer_mut(pointer).expect(pointer) = value.clone();
        let error = read(&document).expect_err(pointer).to_string();
        assert!(error.contains(message), "{pointer}: {error}");
    }
    for text in ["", "{}", "[]", "null", "{\"format-version\": 2}", "{\"format-version\": -1}"] {
        assert!(TableMetadata::from_slice(text.as_bytes()).is_err(), "{text}");
    }
    let deep = format!("{{\"format-version\": 2, \"x\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(TableMetadata::from_slice(deep.as_bytes()).is_err(), "depth is bounded");
}

#[test]
fn old_metadata_files_are_forgotten() {
    let mut metadata = read(&second()).expect("metadata");
    assert!(metadata.log_previous("s3://lake/a", 1).is_empty());
    metadata.properties.insert("write.metadata.previous-versions-max".to_owned(), "1".to_owned());
    let forgotten = metadata.log_previous("s3://lake/b", 2);
    assert_eq!(forgotten, ["s3://lake/sales/orders/metadata/0.json", "s3://lake/a"]);
    assert_eq!(metadata.metadata_log.len(), 1);
}

#[test]
fn files_are_named_and_compressed_as_properties_say() {
    let mut metadata = read(&second()).expect("metadata");
    let next = crate::files::next_location(&metadata, None, "u").expect("name");
    assert_eq!(next, "s3://lake/sales/orders/metadata/00000-u.metadata.json");
    metadata.properties.insert("write.metadata.compression-codec".to_owned(), "gzip".to_owned());
    metadata.properties.insert("write.metadata.path".to_owned(), "s3://lake/meta/".to_owned());
    let next =
        crate::files::next_location(&metadata, Some("s3://x/00009-a.metadata.json"), "u").expect("name");
    assert_eq!(next, "s3://lake/meta/00010-u.gz.metadata.json");
    let bytes = crate::files::encode(&metadata).expect("bytes");
    assert!(bytes.starts_with(&[0x1f, 0x8b]));
    assert_eq!(crate::files::decode(&bytes), Ok(metadata.clone()));
    assert!(crate::files::decode(&bytes[..bytes.len() / 2]).is_err(), "half a file");
    metadata.properties.insert("write.metadata.compression-codec".to_owned(), "brotli".to_owned());
    assert!(crate::files::encode(&metadata).is_err());
}
