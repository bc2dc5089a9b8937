//! Appends: what is there afterwards, who overtakes whom, what is refused.

use serde_json::json;

use super::tests::{CALLER, Server, named, request, server};
use super::*;
use crate::manifest::AddedFile;

fn added(name: &str, rows: u64) -> AddedFile {
    AddedFile { location: format!("s3://lake/db/t/data/{name}.parquet"), bytes: 10 * rows, rows }
}

async fn append(server: &Server, table: &str, new: Option<&StagedTable>, files: &[AddedFile]) -> LoadedTable {
    let summary = [("by".to_owned(), "me".to_owned())].into();
    let prepared = server.tables.prepare_append(&server.scope, &named(table), new, files, &summary).await;
    let prepared = prepared.expect("prepared");
    let mut tx = server.store.begin().await.expect("tx");
    assert!(server.tables.is_current(&mut tx, &server.scope, &prepared).await.expect("current"));
    let done =
        server.tables.publish_append(&mut tx, &server.scope, prepared, CALLER).await.expect("published");
    tx.commit().await.expect("commit");
    done
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
    let late = server
        .tables
        .prepare_append(&server.scope, &named("t"), Some(&staged), &files, &Default::default())
        .await;
    let late = late.expect("prepared");
    append(&server, "t", Some(&staged), &[added("b", 1)]).await;
    let mut tx = server.store.begin().await.expect("tx");
    assert!(!server.tables.is_current(&mut tx, &server.scope, &late).await.expect("current"));
    drop((tx, late));
    let again = server
        .tables
        .prepare_append(&server.scope, &named("t"), Some(&staged), &files, &Default::default())
        .await;
    assert!(matches!(again, Err(TablesError::TableExists { .. })));
    assert_eq!(data_files(&server, "t").await, ["s3://lake/db/t/data/b.parquet"]);
}

#[tokio::test]
async fn tables_that_cannot_be_appended_to_are_refused() {
    let server = server().await;
    let partitioned = CreateTable {
        partition_spec: Some(
            serde_json::from_value(json!({"spec-id": 0, "fields": [
                {"source-id": 1, "field-id": 1000, "name": "Id", "transform": "identity"}]}))
            .expect("spec"),
        ),
        ..request_of("p")
    };
    let third =
        CreateTable { properties: [("format-version".to_owned(), "3".to_owned())].into(), ..request_of("v") };
    for (request, expected) in [(partitioned, "it is partitioned"), (third, "format version 3")] {
        let name = request.table.name.clone();
        server.tables.create(&server.scope, request, None, CALLER).await.expect("table");
        let files = [added("a", 1)];
        let refused = server
            .tables
            .prepare_append(&server.scope, &named(&name), None, &files, &Default::default())
            .await;
        let message = refused.expect_err(expected).to_string();
        assert!(message.contains(expected), "{message}");
    }
}
