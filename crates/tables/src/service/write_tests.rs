//! Appends: what is there afterwards, who overtakes whom, what is refused.

use serde_json::json;

use super::tests::{CALLER, Server, named, request, server};
use super::*;
use crate::manifest::AddedFile;
use crate::partitioning::PartitionValue;

fn added(name: &str, rows: u64) -> AddedFile {
    let location = format!("s3://lake/db/t/data/{name}.parquet");
    AddedFile { location, bytes: 10 * rows, rows, partition: Vec::new() }
}

async fn prepare(
    server: &Server,
    table: &str,
    new: Option<&StagedTable>,
    files: &[AddedFile],
    replaces: &Replaces,
) -> Result<PreparedWrite, TablesError> {
    let summary = [("by".to_owned(), "me".to_owned())].into();
    let change = Change { files, spec_id: 0, replaces, base: None, summary: &summary };
    server.tables.prepare_write(&server.scope, &named(table), new, change).await
}

async fn publish(server: &Server, prepared: PreparedWrite) -> LoadedTable {
    let mut tx = server.store.begin().await.expect("tx");
    assert!(server.tables.is_current(&mut tx, &server.scope, &prepared).await.expect("current"));
    let done =
        server.tables.publish_write(&mut tx, &server.scope, prepared, CALLER).await.expect("published");
    tx.commit().await.expect("commit");
    done
}

async fn append(server: &Server, table: &str, new: Option<&StagedTable>, files: &[AddedFile]) -> LoadedTable {
    publish(server, prepare(server, table, new, files, &Replaces::Nothing).await.expect("prepared")).await
}

async fn data_files(server: &Server, table: &str) -> Vec<String> {
    let metadata = server.tables.load(&server.scope, &named(table)).await.expect("table").metadata;
    let mut tx = server.store.read().await.expect("tx");
    let files = server.tables.data_files(&mut tx, &server.scope, &metadata).await.expect("files");
    files.into_iter().map(|file| file.location).collect()
}

#[tokio::test]
async fn files_are_appended_to_what_is_there() {
    let server = server().await;
    let request = request("t", Some("s3://lake/db/t"));
    let staged = server.tables.stage_create(&server.scope, request, None).await.expect("staged");
    append(&server, "t", Some(&staged), &[added("a", 1), added("b", 2)]).await;
    let done = append(&server, "t", None, &[added("c", 3)]).await;
    assert_eq!(done.metadata.snapshots.len(), 2);
    assert_eq!(done.metadata.last_sequence_number, 2);
    let current = done.metadata.snapshot(done.metadata.current_snapshot_id().expect("id")).expect("snapshot");
    let summary = current.summary.as_ref().expect("summary");
    for (name, value) in [
        ("operation", "append"),
        ("by", "me"),
        ("added-records", "3"),
        ("total-records", "6"),
        ("total-data-files", "3"),
        ("total-files-size", "60"),
    ] {
        assert_eq!(summary.get(name).map(String::as_str), Some(value), "{name}");
    }
    let expected = ["c", "a", "b"].map(|name| format!("s3://lake/db/t/data/{name}.parquet"));
    assert_eq!(data_files(&server, "t").await, expected);
    // A table may be made without rows.
    let request = request_of("empty");
    let staged = server.tables.stage_create(&server.scope, request, None).await.expect("staged");
    assert!(append(&server, "empty", Some(&staged), &[]).await.metadata.snapshots.is_empty());
}

fn request_of(name: &str) -> CreateTable {
    request(name, Some(&format!("s3://lake/db/{name}")))
}

#[tokio::test]
async fn an_append_that_was_overtaken_is_seen_and_leaves_nothing() {
    let server = server().await;
    let staged = server.tables.stage_create(&server.scope, request_of("t"), None).await.expect("staged");
    let files = [added("a", 1)];
    let late = prepare(&server, "t", Some(&staged), &files, &Replaces::Nothing).await.expect("prepared");
    append(&server, "t", Some(&staged), &[added("b", 1)]).await;
    let mut tx = server.store.begin().await.expect("tx");
    assert!(!server.tables.is_current(&mut tx, &server.scope, &late).await.expect("current"));
    drop((tx, late));
    let again = prepare(&server, "t", Some(&staged), &files, &Replaces::Nothing).await;
    assert!(matches!(again, Err(TablesError::TableExists { .. })));
    assert_eq!(data_files(&server, "t").await, ["s3://lake/db/t/data/b.parquet"]);
}

fn partitioned(name: &str, field: serde_json::Value) -> CreateTable {
    let spec = json!({"spec-id": 0, "fields": [field]});
    CreateTable { partition_spec: Some(serde_json::from_value(spec).expect("spec")), ..request_of(name) }
}

fn by_id() -> serde_json::Value {
    json!({"source-id": 1, "field-id": 1000, "name": "Id", "transform": "identity"})
}

fn of(file: AddedFile, partition: PartitionValue) -> AddedFile {
    AddedFile { partition: vec![partition], ..file }
}

#[tokio::test]
async fn partitions_are_replaced_by_what_is_added_to_them() {
    let server = server().await;
    server.tables.create(&server.scope, partitioned("p", by_id()), None, CALLER).await.expect("table");
    let (one, two) = (PartitionValue::Number(1), PartitionValue::Number(2));
    let first =
        [of(added("a", 1), one.clone()), of(added("b", 2), two), of(added("n", 4), PartitionValue::Null)];
    append(&server, "p", None, &first).await;
    append(&server, "p", None, &[of(added("c", 8), one.clone())]).await;
    let files = [of(added("d", 16), one.clone())];
    let prepared = prepare(&server, "p", None, &files, &Replaces::Partitions).await.expect("prepared");
    let done = publish(&server, prepared).await;
    let expected = ["d", "b", "n"].map(|name| format!("s3://lake/db/t/data/{name}.parquet"));
    assert_eq!(data_files(&server, "p").await, expected);
    let summary = |done: &LoadedTable| {
        let current = done.metadata.current_snapshot_id().and_then(|id| done.metadata.snapshot(id));
        current.and_then(|current| current.summary.clone()).expect("summary")
    };
    for (name, value) in [
        ("operation", "overwrite"),
        ("added-records", "16"),
        ("deleted-records", "9"),
        ("deleted-data-files", "2"),
        ("total-records", "22"),
        ("total-data-files", "3"),
    ] {
        assert_eq!(summary(&done).get(name).map(String::as_str), Some(value), "{name}");
    }
    // Again, over a manifest that was written again; nulls are a partition of their own.
    let files = [of(added("e", 32), PartitionValue::Null)];
    publish(&server, prepare(&server, "p", None, &files, &Replaces::Partitions).await.expect("prepared"))
        .await;
    let expected = ["e", "b", "d"].map(|name| format!("s3://lake/db/t/data/{name}.parquet"));
    assert_eq!(data_files(&server, "p").await, expected);
    // And everything, by nothing.
    let done =
        publish(&server, prepare(&server, "p", None, &[], &Replaces::Everything).await.expect("prepared"))
            .await;
    assert!(data_files(&server, "p").await.is_empty());
    assert_eq!(summary(&done).get("total-records").map(String::as_str), Some("0"));
    assert_eq!(done.metadata.last_sequence_number, 5);
}

#[tokio::test]
async fn a_change_of_what_was_read_holds_for_nothing_else() {
    let server = server().await;
    let staged = server.tables.stage_create(&server.scope, request("t", Some("s3://lake/db/t")), None).await;
    let read = append(&server, "t", Some(&staged.expect("staged")), &[added("a", 1)]).await;
    let prepare = async |name: &str| {
        let (files, summary) = ([added(name, 1)], Default::default());
        let base = Some(read.metadata_location.as_str());
        let change =
            Change { files: &files, spec_id: 0, replaces: &Replaces::Everything, base, summary: &summary };
        server.tables.prepare_write(&server.scope, &named("t"), None, change).await
    };
    let prepared = prepare("b").await.expect("prepared");
    publish(&server, prepared).await;
    assert_eq!(data_files(&server, "t").await, ["s3://lake/db/t/data/b.parquet"]);
    let late = prepare("c").await.expect_err("changed");
    assert!(matches!(late, TablesError::CommitFailed { .. }), "{late}");
}

#[tokio::test]
async fn tables_that_cannot_be_written_to_are_refused() {
    let server = server().await;
    let third =
        CreateTable { properties: [("format-version".to_owned(), "3".to_owned())].into(), ..request_of("v") };
    server.tables.create(&server.scope, third, None, CALLER).await.expect("table");
    let refused = prepare(&server, "v", None, &[added("a", 1)], &Replaces::Nothing).await;
    let message = refused.expect_err("version 3").to_string();
    assert!(message.contains("format version 3"), "{message}");
    // Files that are divided by a spec that is not the table's any more.
    server.tables.create(&server.scope, partitioned("p", by_id()), None, CALLER).await.expect("table");
    let (files, summary) = ([of(added("a", 1), PartitionValue::Number(1))], Default::default());
    let change =
        Change { files: &files, spec_id: 7, replaces: &Replaces::Nothing, base: None, summary: &summary };
    let refused = server.tables.prepare_write(&server.scope, &named("p"), None, change).await;
    let message = refused.expect_err("changed").to_string();
    assert!(message.contains("its partition spec was changed"), "{message}");
}
