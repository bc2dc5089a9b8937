//! Entries of logs that are written here: what is there afterwards, who overtakes whom, what is refused.

use formats::hive::HiveType;

use super::*;
use crate::Replaces;

fn field(name: &str, ty: HiveType) -> DeltaField {
    DeltaField { name: name.to_owned(), ty, comment: None }
}

fn shape() -> DeltaShape {
    let fields =
        [field("id", HiveType::BigInt), field("at", HiveType::Timestamp), field("day", HiveType::String)];
    DeltaShape::new(&fields, vec!["day".to_owned()]).unwrap()
}

fn added(name: &str, day: Option<&str>) -> AddedDeltaFile {
    let partition = vec![day.map(str::to_owned)];
    AddedDeltaFile { location: format!("s3://lake/t/{name}"), bytes: 7, rows: 2, partition }
}

async fn prepare(
    world: &World,
    (before, after): (Option<&DeltaShape>, &DeltaShape),
    files: &[AddedDeltaFile],
    replaces: &Replaces,
) -> Result<PreparedDelta, TablesError> {
    let info = [("by".to_owned(), "me".to_owned())].into();
    let change = DeltaChange { files, before, after, replaces, info: &info };
    world.tables.prepare_delta(&world.scope, "s3://lake/t/", change).await
}

/// Whether the entry is written: nobody was quicker.
async fn publish(world: &World, prepared: PreparedDelta) -> bool {
    let mut tx = world.store.begin().await.unwrap();
    let current = world.tables.is_delta_current(&mut tx, &world.scope, &prepared).await.unwrap();
    let published = world.tables.publish_delta(&mut tx, &world.scope, prepared).await;
    assert_eq!(published.is_ok(), current);
    if current {
        tx.commit().await.unwrap();
    }
    current
}

async fn write(world: &World, before: Option<&DeltaShape>, files: &[AddedDeltaFile], replaces: &Replaces) {
    let prepared = prepare(world, (before, &shape()), files, replaces).await.unwrap();
    assert!(publish(world, prepared).await);
}

async fn files(world: &World) -> Vec<String> {
    let files = world.table().await.files.into_iter();
    files.map(|file| file.location.strip_prefix("s3://lake/t/").unwrap().to_owned()).collect()
}

async fn entry(world: &World, version: i64) -> Vec<Value> {
    let key = Key::new(format!("t/_delta_log/{version:020}.json")).unwrap();
    let mut tx = world.store.read().await.unwrap();
    let object = world.lake.get(&mut tx, &BucketName::new("lake").unwrap(), &key, &Conditions::NONE).await;
    let object = object.unwrap();
    let bytes = object.read_range(0..object.info().size).await.unwrap();
    bytes.split(|byte| *byte == b'\n').map(|line| serde_json::from_slice(line).unwrap()).collect()
}

#[tokio::test]
async fn files_are_added_and_replaced() {
    let (world, shape) = (World::new().await, shape());
    write(
        &world,
        None,
        &[added("day=a%2Fb c/1.parquet", Some("a/b c")), added("day=x/2.parquet", Some("x"))],
        &Replaces::Nothing,
    )
    .await;
    let table = world.table().await;
    assert_eq!((table.version, table.min_reader_version, table.min_writer_version), (0, 1, 2));
    assert_eq!(table.shape(), shape);
    assert_eq!(table.fields[1].ty, HiveType::Timestamp);
    assert_eq!(shape.moments().unwrap(), ["at".to_owned()].into());
    let lines = entry(&world, 0).await;
    assert_eq!(lines[0]["commitInfo"]["operation"], "WRITE");
    assert_eq!(lines[3]["add"]["path"], "day=a%252Fb%20c/1.parquet");
    assert_eq!(lines[3]["add"]["partitionValues"], json!({"day": "a/b c"}));
    assert_eq!(lines[3]["add"]["stats"], "{\"numRecords\":2}");
    write(&world, Some(&shape), &[added("day=null/3.parquet", None)], &Replaces::Nothing).await;
    assert_eq!(files(&world).await, ["day=a%2Fb c/1.parquet", "day=null/3.parquet", "day=x/2.parquet"]);
    write(
        &world,
        Some(&shape),
        &[added("4.parquet", None), added("5.parquet", Some("x"))],
        &Replaces::Partitions,
    )
    .await;
    assert_eq!(files(&world).await, ["4.parquet", "5.parquet", "day=a%2Fb c/1.parquet"]);
    let removed: Vec<Value> =
        entry(&world, 2).await.into_iter().filter(|line| line.get("remove").is_some()).collect();
    assert_eq!(removed.len(), 2);
    assert_eq!(removed[1]["remove"]["partitionValues"], json!({"day": "x"}));
    write(&world, Some(&shape), &[], &Replaces::Everything).await;
    assert_eq!(world.table().await.files, []);
}

#[tokio::test]
async fn columns_are_added_and_the_rest_of_the_metadata_stays() {
    let world = World::new().await;
    let own = json!({"delta.logRetentionDuration": "interval 5 days"});
    let mut first = metadata(own.clone());
    first["metaData"]["name"] = "orders".into();
    world.commit(0, &[json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}), first]).await;
    let before = world.table().await.shape();
    let after = before.with(&[field("new", HiveType::Double)]).unwrap();
    let prepared = prepare(&world, (Some(&before), &after), &[], &Replaces::Nothing).await.unwrap();
    assert!(publish(&world, prepared).await);
    let lines = entry(&world, 1).await;
    let changed = &lines[1]["metaData"];
    assert_eq!(
        (&changed["id"], &changed["name"], &changed["createdTime"]),
        (&json!("x"), &json!("orders"), &json!(1))
    );
    assert_eq!(changed["configuration"], own);
    let table = world.table().await;
    assert_eq!(
        table.fields.last().map(|field| (field.name.as_str(), &field.ty)),
        Some(("new", &HiveType::Double))
    );
    // Files that were made for what it was are not those of what it is.
    let late = prepare(&world, (Some(&before), &before), &[], &Replaces::Nothing).await.unwrap_err();
    assert!(late.to_string().contains("its columns were changed while the files were written"), "{late}");
}

#[tokio::test]
async fn who_is_overtaken_prepares_again() {
    let (world, shape) = (World::new().await, shape());
    write(&world, None, &[added("1", None)], &Replaces::Nothing).await;
    let both = (Some(&shape), &shape);
    let slow = prepare(&world, both, &[added("2", None)], &Replaces::Everything).await.unwrap();
    write(&world, Some(&shape), &[added("3", None)], &Replaces::Nothing).await;
    assert!(!publish(&world, slow).await);
    assert_eq!(files(&world).await, ["1", "3"]);
    let again = prepare(&world, both, &[added("2", None)], &Replaces::Everything).await.unwrap();
    assert!(publish(&world, again).await);
    assert_eq!(files(&world).await, ["2"]);
}

#[tokio::test]
async fn what_asks_more_of_a_writer_is_refused_by_name() {
    let writer = |version: i64, features: &[&str]| {
        let mut protocol = json!({"minReaderVersion": 1, "minWriterVersion": version});
        if version >= 7 {
            protocol["writerFeatures"] = json!(features);
        }
        json!({ "protocol": protocol })
    };
    let column = |extra: Value| {
        let mut field = json!({"name": "c", "type": "long", "nullable": true, "metadata": {}});
        field.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let mut own = metadata(json!({}));
        own["metaData"]["schemaString"] = json!({"type": "struct", "fields": [field]}).to_string().into();
        own["metaData"]["partitionColumns"] = json!([]);
        own
    };
    let append_only = metadata(json!({"delta.appendOnly": "true"}));
    for (protocol, metadata, replaces, word) in [
        (writer(2, &[]), append_only.clone(), Replaces::Nothing, None),
        (writer(7, &["appendOnly", "timestampNtz"]), metadata(json!({})), Replaces::Everything, None),
        (writer(2, &[]), append_only, Replaces::Everything, Some("delta.appendOnly")),
        (writer(4, &[]), metadata(json!({})), Replaces::Nothing, Some("a writer of version 4")),
        (
            writer(7, &["rowTracking"]),
            metadata(json!({})),
            Replaces::Nothing,
            Some("the Delta feature rowTracking"),
        ),
        (
            writer(2, &[]),
            column(json!({"nullable": false})),
            Replaces::Nothing,
            Some("column c must not be null"),
        ),
        (
            writer(2, &[]),
            column(json!({"metadata": {"delta.invariants": "{}"}})),
            Replaces::Nothing,
            Some("column c has a demand on values (delta.invariants)"),
        ),
    ] {
        let world = World::new().await;
        world.commit(0, &[protocol, metadata]).await;
        let table = world.table().await;
        let before = table.shape();
        let found = prepare(&world, (Some(&before), &before), &[], &replaces).await;
        let message = found.err().map(|error| error.to_string());
        match word {
            None => assert_eq!(message, None),
            Some(word) => {
                assert!(message.clone().is_some_and(|text| text.contains(word)), "{word}: {message:?}")
            }
        }
    }
}
