//! What updates do, what is refused, and what holds whatever is applied.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::error::MetadataError;
use crate::metadata::{MAIN, Schema};
use crate::requirement::TableRequirement;

const UUID: &str = "9c12d441-03fe-4693-9a96-a0705ddf69c1";
const NOW: i64 = 1_700_000_000_000;

fn schema(document: Value) -> Schema {
    serde_json::from_value(document).expect("schema")
}

fn updates(documents: Value) -> Vec<TableUpdate> {
    serde_json::from_value(documents).expect("updates")
}

fn columns() -> Value {
    json!({"type": "struct", "fields": [
        {"id": 7, "name": "id", "required": true, "type": "long"},
        {"id": 9, "name": "at", "required": false, "type": "timestamptz"},
        {"id": 30, "name": "who", "required": false, "type": {"type": "struct", "fields": [
            {"id": 31, "name": "name", "required": false, "type": "string"},
            {"id": 40, "name": "tags", "required": false, "type": {
                "type": "list", "element-id": 41, "element": "string", "element-required": false}}]}},
        {"id": 50, "name": "more", "required": false, "type": {
            "type": "map", "key-id": 51, "key": "string", "value-id": 52, "value": "double", "value-required": false}},
    ], "identifier-field-ids": [7]})
}

fn new_table(properties: &[(&str, &str)]) -> NewTable {
    let spec = json!({"fields": [{"source-id": 9, "field-id": 77, "name": "day", "transform": "day"}]});
    NewTable {
        schema: schema(columns()),
        partition_spec: Some(serde_json::from_value(spec).expect("spec")),
        write_order: None,
        properties: properties.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        location: "s3://lake/t/".to_owned(),
    }
}

fn table() -> TableMetadata {
    create(new_table(&[("a", "b")]), UUID, NOW).expect("table")
}

fn snapshot(id: i64, number: i64, parent: Option<i64>) -> Value {
    json!({"action": "add-snapshot", "snapshot": {
        "snapshot-id": id, "parent-snapshot-id": parent, "sequence-number": number, "timestamp-ms": NOW + number,
        "manifest-list": format!("s3://lake/t/metadata/snap-{id}.avro"), "summary": {"operation": "append"},
        "schema-id": 0}})
}

fn set_main(id: i64) -> Value {
    json!({"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": id})
}

fn applied(base: &TableMetadata, documents: Value) -> TableMetadata {
    apply(Some(base), &updates(documents), UUID, NOW + 5).expect("applied")
}

fn refused(base: &TableMetadata, documents: Value) -> String {
    match apply(Some(base), &updates(documents), UUID, NOW + 5) {
        Err(MetadataError::Invalid { message }) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_table_has_fresh_ids_level_by_level() {
    let table = table();
    let ids: Vec<(String, i32)> = {
        let index = table.current_schema().expect("schema").index().expect("index");
        index.iter().map(|(id, field)| (field.path.clone(), *id)).collect()
    };
    let expected =
        ["id", "at", "who", "more", "who.name", "who.tags", "who.tags.element", "more.key", "more.value"];
    let expected: Vec<(String, i32)> = expected.iter().map(|path| (*path).to_owned()).zip(1..).collect();
    assert_eq!(ids, expected);
    assert_eq!((table.last_column_id, table.last_partition_id), (9, 1000));
    let field = &table.partition_specs[0].fields[0];
    assert_eq!((field.source_id, field.field_id), (2, Some(1000)));
    assert_eq!(table.current_schema().expect("schema").identifier_field_ids, [1]);
    assert_eq!(table.location, "s3://lake/t");
    assert_eq!((table.format_version, table.default_sort_order_id), (2, 0));
    let third = create(new_table(&[("format-version", "3"), ("uuid", "x")]), UUID, NOW).expect("table");
    assert_eq!((third.format_version, third.next_row_id), (3, Some(0)));
    assert!(third.properties.is_empty(), "facts are no properties");
}

#[test]
fn bad_tables_are_refused() {
    let cases: &[(Value, &str)] = &[
        (
            json!([{"id": 1, "name": "a", "required": true, "type": "int"}, {"id": 1, "name": "b", "required": true, "type": "int"}]),
            "both have the id 1",
        ),
        (
            json!([{"id": 1, "name": "a", "required": true, "type": "int"}, {"id": 2, "name": "a", "required": true, "type": "int"}]),
            "two fields named a",
        ),
        (json!([{"id": 0, "name": "a", "required": true, "type": "int"}]), "ids begin at 1"),
        (json!([{"id": 1, "name": "a", "required": true, "type": "timestamp_ns"}]), "needs format version 3"),
        (
            json!([{"id": 1, "name": "a", "required": true, "type": "int", "initial-default": 7}]),
            "needs format version 3",
        ),
    ];
    for (fields, message) in cases {
        let new = NewTable {
            schema: schema(json!({"type": "struct", "fields": fields})),
            partition_spec: None,
            ..new_table(&[])
        };
        let error = create(new, UUID, NOW).expect_err(message).to_string();
        assert!(error.contains(message), "{error}");
    }
    for (identifier, message) in
        [(9, "may be null"), (8, "not a field"), (41, "inside a list"), (30, "primitive")]
    {
        let mut document = columns();
        document["identifier-field-ids"] = json!([identifier]);
        let error =
            create(NewTable { schema: schema(document), ..new_table(&[]) }, UUID, NOW).expect_err(message);
        assert!(error.to_string().contains(message), "{error}");
    }
    for (transform, source, message) in [
        ("day", 7, "cannot be applied"),
        ("hour", 9, ""),
        ("bucket[16]", 52, "inside a list or map"),
        ("truncate[2]", 9, "cannot be applied"),
        ("identity", 30, "not of a primitive type"),
        ("sideways", 7, "is not a transform"),
        ("bucket[0]", 7, "is not a transform"),
        ("identity", 8, "no field 8"),
    ] {
        let spec = json!({"fields": [{"source-id": source, "name": "p", "transform": transform}]});
        let spec = Some(serde_json::from_value(spec).expect("spec"));
        let made = create(NewTable { partition_spec: spec, ..new_table(&[]) }, UUID, NOW);
        match made {
            Ok(_) => assert!(message.is_empty(), "{transform} of {source}"),
            Err(error) => assert!(!message.is_empty() && error.to_string().contains(message), "{error}"),
        }
    }
    assert!(create(new_table(&[("format-version", "4")]), UUID, NOW).is_err());
    assert!(create(new_table(&[("format-version", "two")]), UUID, NOW).is_err());
}

#[test]
fn schemas_are_used_again_and_minus_one_is_the_last() {
    let table = table();
    let mut wider = serde_json::to_value(table.current_schema()).expect("value");
    wider["fields"]
        .as_array_mut()
        .expect("fields")
        .push(json!({"id": 10, "name": "x", "required": false, "type": "int"}));
    let add = json!([{"action": "add-schema", "schema": wider, "last-column-id": 10}, {"action": "set-current-schema", "schema-id": -1}]);
    let next = applied(&table, add.clone());
    assert_eq!((next.current_schema_id, next.schemas.len(), next.last_column_id), (1, 2, 10));
    let again = applied(&next, add);
    assert_eq!(again.schemas.len(), 2, "the same schema is not added twice");
    assert_eq!(again, next, "and changes nothing");
    let back = applied(&next, json!([{"action": "set-current-schema", "schema-id": 0}]));
    assert_eq!((back.current_schema_id, back.last_column_id), (0, 10));
    assert!(
        refused(&table, json!([{"action": "set-current-schema", "schema-id": -1}])).contains("adds none")
    );
    assert!(
        refused(&table, json!([{"action": "set-current-schema", "schema-id": 5}]))
            .contains("no schema of id 5")
    );
    assert!(refused(&next, json!([{"action": "remove-schemas", "schema-ids": [1]}])).contains("current"));
    assert_eq!(applied(&next, json!([{"action": "remove-schemas", "schema-ids": [0]}])).schemas.len(), 1);
    let without_at =
        json!({"type": "struct", "fields": [{"id": 1, "name": "id", "required": true, "type": "long"}]});
    let dropped = json!([{"action": "add-schema", "schema": without_at}, {"action": "set-current-schema", "schema-id": -1}]);
    assert!(refused(&table, dropped).contains("partition field day"), "the default spec needs the column");
}

#[test]
fn schemas_keep_rows_readable() {
    let field = |id: i32, required: bool, kind: &str| json!({"id": id, "name": format!("c{id}"), "required": required, "type": kind});
    let kept = || {
        vec![
            field(1, true, "long"),
            field(2, false, "int"),
            field(3, false, "string"),
            field(4, false, "decimal(5,2)"),
        ]
    };
    let change = |fields: Vec<Value>| json!([{"action": "add-schema", "schema": {"type": "struct", "fields": fields}}, {"action": "set-current-schema", "schema-id": -1}]);
    let with = |at: usize, one: Value| {
        let mut fields = kept();
        fields[at] = one;
        change(fields)
    };
    let empty = create(
        NewTable {
            schema: schema(json!({"type": "struct", "fields": kept()})),
            partition_spec: None,
            ..new_table(&[])
        },
        UUID,
        NOW,
    );
    let empty = empty.expect("table");
    let table = applied(&empty, json!([snapshot(1, 1, None), set_main(1)]));
    let added = |required: bool| {
        let mut fields = kept();
        fields.push(field(5, required, "int"));
        change(fields)
    };
    for (change, why) in [
        (with(0, field(1, true, "int")), "c1 cannot become int"),
        (with(1, field(2, false, "string")), "c2 cannot become string"),
        (with(2, field(3, false, "int")), "c3 cannot become int"),
        (with(3, field(4, false, "decimal(9,3)")), "c4 cannot become decimal"),
        (with(1, field(2, true, "int")), "c2 may hold nulls"),
        (added(true), "c5 is new and required"),
    ] {
        let message = refused(&table, change.clone());
        assert!(message.contains(why), "{message}");
        applied(&empty, change.clone());
        // A table that is replaced has no such rows any more.
        let mut replaced = change;
        replaced
            .as_array_mut()
            .expect("updates")
            .insert(0, json!({"action": "remove-snapshot-ref", "ref-name": "main"}));
        applied(&table, replaced);
    }
    for change in [
        with(0, field(1, false, "long")),
        with(1, field(2, false, "long")),
        with(3, field(4, false, "decimal(9,2)")),
        added(false),
        change(kept()[..2].to_vec()),
    ] {
        applied(&table, change);
    }
}

#[test]
fn specs_keep_the_ids_of_their_fields() {
    let table = table();
    let evolved = applied(
        &table,
        json!([
        {"action": "add-spec", "spec": {"fields": [
            {"source-id": 2, "name": "day", "transform": "day"}, {"source-id": 1, "name": "b", "transform": "bucket[4]"}]}},
        {"action": "set-default-spec", "spec-id": -1}]),
    );
    let ids: Vec<_> = evolved.partition_specs[1].fields.iter().map(|field| field.field_id).collect();
    assert_eq!(
        (ids, evolved.default_spec_id, evolved.last_partition_id),
        (vec![Some(1000), Some(1001)], 1, 1001)
    );
    let unpartitioned = applied(
        &evolved,
        json!([
        {"action": "add-spec", "spec": {"spec-id": 9, "fields": []}}, {"action": "set-default-spec", "spec-id": -1},
        {"action": "remove-partition-specs", "spec-ids": [0, 1]}]),
    );
    assert_eq!((unpartitioned.default_spec_id, unpartitioned.partition_specs.len()), (2, 1));
    assert_eq!(unpartitioned.last_partition_id, 1001, "ids are never given twice");
    assert!(
        refused(&table, json!([{"action": "remove-partition-specs", "spec-ids": [0]}])).contains("default")
    );
    let stolen = json!([{"action": "add-spec", "spec": {"fields": [{"source-id": 1, "field-id": 1000, "name": "x", "transform": "identity"}]}}]);
    assert!(refused(&table, stolen).contains("belongs to day"));
    let column = json!([{"action": "add-spec", "spec": {"fields": [{"source-id": 1, "name": "at", "transform": "bucket[2]"}]}}]);
    assert!(refused(&table, column).contains("name of a column"));
    let order = applied(
        &table,
        json!([
        {"action": "add-sort-order", "sort-order": {"order-id": 5, "fields": [
            {"transform": "identity", "source-id": 1, "direction": "desc", "null-order": "nulls-last"}]}},
        {"action": "set-default-sort-order", "sort-order-id": -1}]),
    );
    assert_eq!((order.default_sort_order_id, order.sort_orders.len()), (1, 2));
}

#[test]
fn snapshots_are_checked_and_logged() {
    let table = table();
    let one = applied(&table, json!([snapshot(11, 1, None), set_main(11)]));
    assert_eq!((one.current_snapshot_id(), one.last_sequence_number), (Some(11), 1));
    assert_eq!(one.last_updated_ms, NOW + 1, "the time of the snapshot");
    assert_eq!(one.snapshot_log.len(), 1);
    let two = applied(
        &one,
        json!([snapshot(12, 2, Some(11)), set_main(12), snapshot(13, 3, Some(12)), set_main(13)]),
    );
    let logged: Vec<i64> = two.snapshot_log.iter().map(|entry| entry.snapshot_id).collect();
    assert_eq!(logged, [11, 13], "12 was never seen as the current one");
    for (documents, message) in [
        (json!([snapshot(11, 4, Some(13))]), "exists already"),
        (json!([snapshot(14, 3, Some(13))]), "sequence number 3"),
        (json!([snapshot(14, 4, Some(99))]), "parent 99"),
        (json!([set_main(99)]), "does not exist"),
        (
            json!([{"action": "set-snapshot-ref", "ref-name": "main", "type": "tag", "snapshot-id": 11}]),
            "must be a branch",
        ),
        (
            json!([{"action": "set-statistics", "statistics": {"snapshot-id": 99, "statistics-path": "s3://x/y"}}]),
            "snapshot 99",
        ),
    ] {
        assert!(refused(&two, documents).contains(message), "{message}");
    }
    let mut early = snapshot(14, 4, Some(13));
    early["snapshot"]["timestamp-ms"] = json!(NOW - 61_000);
    assert!(refused(&two, json!([early.clone()])).contains("long before"));
    early["snapshot"]["timestamp-ms"] = json!(NOW - 59_000);
    applied(&two, json!([early]));
    let mut odd = snapshot(14, 4, Some(13));
    odd["snapshot"]["schema-id"] = json!(8);
    assert!(refused(&two, json!([odd])).contains("schema 8"));
}

#[test]
fn removed_snapshots_take_their_references_with_them() {
    let table = applied(
        &table(),
        json!([
        snapshot(1, 1, None), set_main(1), {"action": "set-snapshot-ref", "ref-name": "v1", "type": "tag", "snapshot-id": 1, "max-ref-age-ms": 5},
        {"action": "set-statistics", "statistics": {"snapshot-id": 1, "statistics-path": "s3://x/y", "file-size-in-bytes": 3}}]),
    );
    let table = applied(&table, json!([snapshot(2, 2, Some(1)), set_main(2)]));
    let table = applied(&table, json!([snapshot(3, 3, Some(2)), set_main(3)]));
    assert_eq!(table.statistics[0].other["file-size-in-bytes"], 3);
    let after = applied(&table, json!([{"action": "remove-snapshots", "snapshot-ids": [1, 77]}]));
    assert_eq!(after.snapshots.len(), 2);
    assert!(!after.refs.contains_key("v1") && after.statistics.is_empty());
    assert_eq!(after.snapshot_log.len(), 2);
    let hole = applied(&table, json!([{"action": "remove-snapshots", "snapshot-ids": [2]}]));
    let logged: Vec<i64> = hole.snapshot_log.iter().map(|entry| entry.snapshot_id).collect();
    assert_eq!(logged, [3], "a log with a hole would lie about what was current when");
    assert_eq!(table.with_referenced_snapshots().snapshots.len(), 2);
    let none = applied(&table, json!([{"action": "remove-snapshot-ref", "ref-name": MAIN}]));
    assert_eq!(none.current_snapshot_id(), None);
}

#[test]
fn version_3_counts_rows() {
    let table = create(new_table(&[("format-version", "3")]), UUID, NOW).expect("table");
    assert!(refused(&table, json!([snapshot(1, 1, None)])).contains("first-row-id"));
    let with_rows = |id: i64, first: i64, added: i64| {
        let mut document = snapshot(id, id, None);
        document["snapshot"]["first-row-id"] = json!(first);
        document["snapshot"]["added-rows"] = json!(added);
        document
    };
    let one = applied(&table, json!([with_rows(1, 0, 10)]));
    assert_eq!(one.next_row_id, Some(10));
    assert!(refused(&one, json!([with_rows(2, 9, 1)])).contains("the next one is 10"));
    assert!(refused(&one, json!([with_rows(2, 10, -1)])).contains("cannot add"));
}

#[test]
fn identity_versions_and_properties() {
    let table = table();
    assert_eq!(applied(&table, json!([{"action": "assign-uuid", "uuid": UUID}])), table);
    let other = "00000000-0000-4000-8000-000000000000";
    assert!(
        refused(&table, json!([{"action": "assign-uuid", "uuid": other}]))
            .contains("cannot be given another")
    );
    assert!(
        refused(&table, json!([{"action": "upgrade-format-version", "format-version": 1}]))
            .contains("lowered")
    );
    assert_eq!(
        applied(&table, json!([{"action": "upgrade-format-version", "format-version": 3}])).next_row_id,
        Some(0)
    );
    let beyond = apply(
        Some(&table),
        &updates(json!([{"action": "upgrade-format-version", "format-version": 4}])),
        UUID,
        NOW,
    );
    assert_eq!(beyond, Err(MetadataError::Version { given: 4 }));
    let next = applied(
        &table,
        json!([
        {"action": "set-properties", "updates": {"x": "1", "a": "2"}}, {"action": "remove-properties", "removals": ["a", "zz"]},
        {"action": "set-location", "location": "s3://lake/elsewhere/"}]),
    );
    assert_eq!((next.properties.len(), next.properties["x"].as_str()), (1, "1"));
    assert_eq!((next.location.as_str(), next.last_updated_ms), ("s3://lake/elsewhere", NOW + 5));
    assert!(
        refused(&table, json!([{"action": "set-properties", "updates": {"format-version": "1"}}]))
            .contains("fact")
    );
    assert!(
        serde_json::from_value::<TableUpdate>(json!({"action": "paint-it-black"}))
            .expect_err("no")
            .to_string()
            .contains("paint-it-black")
    );
}

#[test]
fn a_commit_can_make_a_table_of_nothing() {
    let first = table();
    let made = apply(None, &updates(json!([
        {"action": "assign-uuid", "uuid": UUID}, {"action": "upgrade-format-version", "format-version": 1},
        {"action": "set-location", "location": "s3://lake/t"},
        {"action": "add-schema", "schema": first.current_schema()}, {"action": "set-current-schema", "schema-id": -1},
        {"action": "add-spec", "spec": first.partition_specs[0]}, {"action": "set-default-spec", "spec-id": -1},
        {"action": "add-sort-order", "sort-order": {"order-id": 0, "fields": []}}, {"action": "set-default-sort-order", "sort-order-id": -1}])),
        "00000000-0000-4000-8000-000000000000", NOW).expect("made");
    assert_eq!((made.table_uuid.as_deref(), made.format_version, made.last_column_id), (Some(UUID), 1, 9));
    assert!(
        apply(None, &updates(json!([{"action": "set-location", "location": "s3://lake/t"}])), UUID, NOW)
            .is_err()
    );
    assert!(apply(None, &[], UUID, NOW).is_err());
}

#[test]
fn requirements_say_what_has_changed() {
    let table = applied(&table(), json!([snapshot(11, 1, None), set_main(11)]));
    let requirement =
        |document: Value| serde_json::from_value::<TableRequirement>(document).expect("requirement");
    let (good, bad) = (
        json!([
            {"type": "assert-table-uuid", "uuid": UUID.to_uppercase()},
            {"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": 11},
            {"type": "assert-ref-snapshot-id", "ref": "other", "snapshot-id": null},
            {"type": "assert-last-assigned-field-id", "last-assigned-field-id": 9},
            {"type": "assert-current-schema-id", "current-schema-id": 0},
            {"type": "assert-last-assigned-partition-id", "last-assigned-partition-id": 1000},
            {"type": "assert-default-spec-id", "default-spec-id": 0},
            {"type": "assert-default-sort-order-id", "default-sort-order-id": 0}]),
        json!([
            {"type": "assert-create"},
            {"type": "assert-table-uuid", "uuid": "x"},
            {"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": 12},
            {"type": "assert-ref-snapshot-id", "ref": "main"},
            {"type": "assert-ref-snapshot-id", "ref": "other", "snapshot-id": 11},
            {"type": "assert-last-assigned-field-id", "last-assigned-field-id": 8},
            {"type": "assert-current-schema-id", "current-schema-id": 1},
            {"type": "assert-last-assigned-partition-id", "last-assigned-partition-id": 999},
            {"type": "assert-default-spec-id", "default-spec-id": 1},
            {"type": "assert-default-sort-order-id", "default-sort-order-id": 1}]),
    );
    for document in good.as_array().expect("list") {
        assert_eq!(requirement(document.clone()).check(Some(&table)), Ok(()), "{document}");
        assert!(requirement(document.clone()).check(None).is_err(), "{document} of no table");
    }
    for document in bad.as_array().expect("list") {
        let checked = requirement(document.clone()).check(Some(&table));
        assert!(matches!(checked, Err(MetadataError::Requirement { .. })), "{document}");
    }
    assert_eq!(TableRequirement::AssertCreate.check(None), Ok(()));
    assert!(serde_json::from_value::<TableRequirement>(json!({"type": "assert-luck"})).is_err());
}

/// Updates that may or may not fit.
fn any_update() -> impl Strategy<Value = TableUpdate> {
    let id = -1..4_i32;
    let snapshot_id = 1..6_i64;
    let document = prop_oneof![
        (1..12_i32, "[a-d]").prop_map(|(id, name)| json!({"action": "add-schema", "schema": {"type": "struct", "fields": [
            {"id": 1, "name": "id", "required": true, "type": "long"}, {"id": 2, "name": "at", "required": false, "type": "timestamptz"},
            {"id": id, "name": name, "required": false, "type": "string"}]}})),
        id.clone().prop_map(|id| json!({"action": "set-current-schema", "schema-id": id})),
        id.clone().prop_map(|id| json!({"action": "remove-schemas", "schema-ids": [id]})),
        (1..4_i32, prop_oneof![Just("identity"), Just("day"), Just("bucket[3]"), Just("void")]).prop_map(|(source, transform)|
            json!({"action": "add-spec", "spec": {"fields": [{"source-id": source, "name": format!("p{source}"), "transform": transform}]}})),
        id.clone().prop_map(|id| json!({"action": "set-default-spec", "spec-id": id})),
        id.clone().prop_map(|id| json!({"action": "remove-partition-specs", "spec-ids": [id]})),
        id.clone().prop_map(|id| json!({"action": "set-default-sort-order", "sort-order-id": id})),
        (snapshot_id.clone(), 1..9_i64, prop::option::of(1..6_i64)).prop_map(|(id, number, parent)| snapshot(id, number, parent)),
        snapshot_id.clone().prop_map(set_main),
        (snapshot_id.clone(), "[ab]").prop_map(|(id, name)| json!({"action": "set-snapshot-ref", "ref-name": name, "type": "tag", "snapshot-id": id})),
        snapshot_id.clone().prop_map(|id| json!({"action": "remove-snapshots", "snapshot-ids": [id]})),
        snapshot_id.prop_map(|id| json!({"action": "set-statistics", "statistics": {"snapshot-id": id, "statistics-path": "s3://x"}})),
        ("[a-c]", "[a-c]").prop_map(|(key, value)| json!({"action": "set-properties", "updates": {key: value}})),
        (1..4_u8).prop_map(|version| json!({"action": "upgrade-format-version", "format-version": version})),
    ];
    document.prop_map(|document| serde_json::from_value(document).expect("update"))
}

proptest! {
    /// Whatever is applied or refused: what comes out is sound, never loses a counter, and reads as it was written.
    #[test]
    fn tables_stay_sound(commits in prop::collection::vec(prop::collection::vec(any_update(), 1..4), 1..12)) {
        let mut table = table();
        for commit in commits {
            let Ok(next) = apply(Some(&table), &commit, UUID, NOW + 10) else { continue };
            next.check().expect("sound");
            prop_assert!(next.last_column_id >= table.last_column_id);
            prop_assert!(next.last_partition_id >= table.last_partition_id);
            prop_assert!(next.last_sequence_number >= table.last_sequence_number);
            prop_assert!(next.last_updated_ms >= table.last_updated_ms);
            prop_assert!(next.format_version >= table.format_version);
            prop_assert_eq!(&next.table_uuid, &table.table_uuid);
            for entry in &next.snapshot_log {
                prop_assert!(next.snapshot(entry.snapshot_id).is_some());
            }
            let written = next.to_vec().expect("written");
            prop_assert_eq!(&TableMetadata::from_slice(&written).expect("read"), &next);
            table = next;
        }
    }
}
