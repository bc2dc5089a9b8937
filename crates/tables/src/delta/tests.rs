//! Logs as text, in a real lake. Checkpoints: the end-to-end tests, with those of a real writer.

use lake::{BucketName, Conditions, Key, Lake, Meta};
use serde_json::{Value, json};
use store::{Scope, Store, testing};
use tempfile::TempDir;

use super::*;
use crate::Tables;

mod writing;

struct World {
    tables: Tables,
    store: Store,
    lake: Lake,
    scope: Scope,
    _folders: [TempDir; 2],
}

impl World {
    async fn new() -> Self {
        let (store, folder) = testing::temp(&[lake::MIGRATIONS, catalog::MIGRATIONS]).await;
        let objects = TempDir::new().unwrap();
        let options = lake::Options { dir: objects.path().join("objects"), durable: false };
        let lake = Lake::open(store.clone(), options).await.unwrap();
        let scope = Scope::new("000000000000", "us-east-1").unwrap();
        let mut tx = store.begin().await.unwrap();
        lake.create_bucket(&mut tx, &scope, &BucketName::new("lake").unwrap()).await.unwrap();
        tx.commit().await.unwrap();
        let tables = Tables::new(store.clone(), lake.clone());
        Self { tables, store, lake, scope, _folders: [folder, objects] }
    }

    async fn put(&self, key: &str, body: Vec<u8>) {
        let staged = self.lake.stage_bytes(body).await.unwrap();
        let mut tx = self.store.begin().await.unwrap();
        let (bucket, key) = (BucketName::new("lake").unwrap(), Key::new(key).unwrap());
        self.lake.put(&mut tx, &bucket, &key, staged, Meta::default(), &Conditions::NONE).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn commit(&self, version: i64, actions: &[Value]) {
        let lines: Vec<String> = actions.iter().map(Value::to_string).collect();
        self.put(&format!("t/_delta_log/{version:020}.json"), lines.join("\n").into_bytes()).await;
    }

    async fn read(&self) -> Result<Option<DeltaTable>, TablesError> {
        let mut tx = self.store.read().await.unwrap();
        self.tables.delta(&mut tx, &self.scope, "s3://lake/t/").await
    }

    async fn table(&self) -> DeltaTable {
        self.read().await.unwrap().unwrap()
    }

    async fn error(&self) -> String {
        self.read().await.unwrap_err().to_string()
    }
}

fn protocol(reader: i64, features: &[&str]) -> Value {
    let mut protocol = json!({ "minReaderVersion": reader, "minWriterVersion": 7 });
    if reader >= 3 {
        protocol["readerFeatures"] = json!(features);
    }
    json!({ "protocol": protocol })
}

fn metadata(configuration: Value) -> Value {
    let field = |name: &str, ty: Value| json!({"name": name, "type": ty, "nullable": true, "metadata": {}});
    let inner = json!({"type": "struct", "fields": [field("X", json!("short"))]});
    let schema = json!({"type": "struct", "fields": [
        field("Id", json!("long")),
        field("at", json!("timestamp")),
        field("price", json!("decimal(10,2)")),
        field("tags", json!({"type": "array", "elementType": inner, "containsNull": true})),
        field("m", json!({"type": "map", "keyType": "string", "valueType": "date", "valueContainsNull": true})),
        field("day", json!("string")),
    ]});
    json!({"metaData": {
        "id": "x", "format": {"provider": "parquet", "options": {}}, "schemaString": schema.to_string(),
        "partitionColumns": ["day"], "configuration": configuration, "createdTime": 1,
    }})
}

fn add(path: &str, day: Option<&str>) -> Value {
    json!({"add": {
        "path": path, "partitionValues": {"day": day}, "size": 3, "modificationTime": 1, "dataChange": true,
    }})
}

fn remove(path: &str) -> Value {
    json!({"remove": {"path": path, "deletionTimestamp": 1, "dataChange": true}})
}

#[tokio::test]
async fn the_newest_version_has_the_files_that_are_left() {
    let world = World::new().await;
    assert_eq!(world.read().await.unwrap(), None);
    let first = [
        json!({"commitInfo": {"timestamp": 5, "operation": "WRITE"}}),
        protocol(1, &[]),
        metadata(json!({})),
        add("day=a%2520b/1.parquet", Some("a b")),
        add("day=x/2.parquet", Some("")),
    ];
    world.commit(0, &first).await;
    let both = [
        add("s3://lake/else/3.parquet", None),
        remove("day=a%2520b/1.parquet"),
        json!({"txn": {"appId": "z"}}),
    ];
    world.commit(1, &both).await;
    let table = world.table().await;
    assert_eq!((table.version, table.committed_ms, table.min_reader_version), (1, Some(5), 1));
    let types: Vec<String> =
        table.fields.iter().map(|field| format!("{} {}", field.name, field.ty)).collect();
    assert_eq!(
        types,
        [
            "Id bigint",
            "at timestamp",
            "price decimal(10,2)",
            "tags array<struct<X:smallint>>",
            "m map<string,date>",
            "day string"
        ]
    );
    assert_eq!(table.partition_fields().map(|field| field.name.as_str()).collect::<Vec<_>>(), ["day"]);
    assert_eq!(table.file_fields().count(), 5);
    let files: Vec<_> =
        table.files.iter().map(|file| (file.location.as_str(), &file.partition_values["day"])).collect();
    assert_eq!(files, [("s3://lake/t/day=x/2.parquet", &None), ("s3://lake/else/3.parquet", &None)]);
    table.check_readable().unwrap();
    world.commit(2, &[add("day=a%2520b/4.parquet", Some("a b"))]).await;
    let table = world.table().await;
    assert_eq!(table.files[0].location, "s3://lake/t/day=a%20b/4.parquet");
    assert_eq!(table.files[0].partition_values["day"].as_deref(), Some("a b"));
}

#[tokio::test]
async fn a_log_that_is_not_whole_is_an_error() {
    let world = World::new().await;
    world.commit(1, &[protocol(1, &[]), metadata(json!({}))]).await;
    assert!(world.error().await.contains("version 0 of its log is missing (00000000000000000000.json)"));
    world.commit(0, &[protocol(1, &[])]).await;
    world.commit(3, &[add("a", None)]).await;
    assert!(world.error().await.contains("version 2 of its log is missing"));
    world.commit(2, &[json!({"add": {"partitionValues": {}}})]).await;
    let error = world.error().await;
    assert!(error.contains("00000000000000000002.json") && error.contains("line 1"), "{error}");
    let parts = World::new().await;
    let key = "t/_delta_log/00000000000000000004.checkpoint.0000000001.0000000002.parquet";
    parts.put(key, b"PAR1".to_vec()).await;
    parts.commit(5, &[add("a", None)]).await;
    assert!(parts.error().await.contains("version 0 of its log is missing"), "half a checkpoint is none");
    // Version 4 was there: version 3 is not the table.
    let late = World::new().await;
    for version in 0..4 {
        late.commit(version, &[protocol(1, &[]), metadata(json!({}))]).await;
    }
    late.put(key, b"PAR1".to_vec()).await;
    assert!(late.error().await.contains("version 4 of its log is missing"));
    let other = World::new().await;
    let key = "t/_delta_log/00000000000000000004.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json";
    other.put(key, Vec::new()).await;
    other.commit(5, &[add("a", None)]).await;
    assert!(other.error().await.contains("checkpoint of version 2"));
}

#[tokio::test]
async fn what_needs_more_than_the_files_is_not_readable() {
    let vector = |id: &str| json!({"storageType": "u", "pathOrInlineDv": id, "offset": 1, "sizeInBytes": 2, "cardinality": 1});
    let deleted = |id: &str| {
        let mut file = add("1.parquet", None);
        file["add"]["deletionVector"] = vector(id);
        file
    };
    for (protocol, configuration, files, word) in [
        (protocol(2, &[]), json!({"delta.columnMapping.mode": "name"}), vec![], "columnMapping"),
        (protocol(3, &["typeWidening"]), json!({}), vec![], "typeWidening"),
        (protocol(4, &[]), json!({}), vec![], "version 4"),
        (protocol(3, &["deletionVectors"]), json!({}), vec![deleted("a")], "deletion vectors"),
    ] {
        let world = World::new().await;
        let mut actions = vec![protocol, metadata(configuration)];
        actions.extend(files);
        world.commit(0, &actions).await;
        let error = world.table().await.check_readable().unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    let fine = World::new().await;
    let known = protocol(3, &["deletionVectors", "timestampNtz", "columnMapping"]);
    let none = json!({"delta.columnMapping.mode": "none"});
    fine.commit(0, &[known, metadata(none), deleted("a")]).await;
    // The vector is gone when the file is written anew.
    let mut gone = remove("1.parquet");
    gone["remove"]["deletionVector"] = vector("a");
    fine.commit(1, &[add("2.parquet", None), gone]).await;
    let table = fine.table().await;
    assert_eq!(table.files.len(), 1);
    table.check_readable().unwrap();
}
