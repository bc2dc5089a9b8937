//! What runs record, and where walks lead.

use serde_json::{Value, json};

use super::*;
use crate::run::RunState;
use crate::tests::{BUCKET, World, csv, parquet, scope};

fn to_table(input: &str, folder: &str, table: &str) -> Value {
    json!({"S3GlueParquetTarget": {"Name": folder, "Inputs": [input], "Path": format!("s3://{BUCKET}/{folder}/"),
        "PartitionKeys": [["day"]], "SchemaChangePolicy": {"EnableUpdateCatalog": true,
        "UpdateBehavior": "UPDATE_IN_DATABASE", "Database": "shop", "Table": table}}})
}

fn of_table(table: &str) -> Value {
    json!({"S3CatalogSource": {"Name": table, "Database": "shop", "Table": table}})
}

async fn walk(world: &World, name: &str) -> walk::Lineage {
    let mut tx = world.store.read().await.unwrap();
    walk::of(&mut tx, &scope(), name).await.unwrap()
}

/// The jobs on the way, with their distances.
fn jobs(steps: &[walk::Step]) -> Vec<String> {
    steps.iter().map(|step| format!("{} {}", step.distance, step.job)).collect()
}

/// raw → one → shop.silver → two → gold → four; three reads shop.silver by name in its SQL.
async fn pipeline(world: &World) {
    world.put("raw/d=1/a.csv", "id,day\n1,mon\n2,tue\n").await;
    world.put("raw/d=2/b.csv", "id,day\n3,tue\n").await;
    world.succeeds("one", json!({"s": csv("raw"), "o": to_table("s", "silver", "Silver")})).await;
    world.succeeds("two", json!({"s": of_table("silver"), "o": parquet("s", "gold")})).await;
    world.put("other/c.csv", "x\n1\n").await;
    let sql = json!({"SparkSQL": {"Name": "q", "Inputs": ["s"], "SqlAliases": [{"From": "s", "Alias": "c"}],
        "SqlQuery": "select c.x, s.id from c join shop.silver s on s.id = c.x"}});
    world.succeeds("three", json!({"s": csv("other"), "q": sql, "o": parquet("q", "third")})).await;
    let gold = json!({"S3ParquetSource": {"Name": "g", "Paths": [format!("s3://{BUCKET}/gold/")]}});
    world.succeeds("four", json!({"s": gold, "o": parquet("s", "end")})).await;
}

#[tokio::test]
async fn walks_lead_from_tables_folders_objects_and_jobs_both_ways() {
    let world = World::new().await;
    pipeline(&world).await;
    let table = walk(&world, "shop.silver").await;
    assert_eq!(jobs(&table.upstream), ["0 one"]);
    assert_eq!(jobs(&table.downstream), ["0 three", "0 two", "1 four"]);
    let one = &table.upstream[0];
    let (read, written) = (&one.datasets.inputs[0], &one.datasets.outputs[0]);
    assert_eq!(read.location.as_deref(), Some("s3://test-bucket/raw/"));
    assert_eq!((read.files, read.rows, read.partitions.join(" ")), (2, 3, "d=1 d=2".to_owned()));
    let objects: Vec<&str> = read.objects.iter().map(|object| object.location.as_str()).collect();
    assert_eq!(objects, ["s3://test-bucket/raw/d=1/a.csv", "s3://test-bucket/raw/d=2/b.csv"]);
    assert_eq!((written.table.as_deref(), written.rows), (Some("shop.silver"), 3));
    assert_eq!(written.partitions, ["day=mon", "day=tue"]);
    assert!(written.objects.iter().all(|object| object.etag.len() == 34), "{written:?}");
    // The object of a folder, and a folder within a table's.
    let object = walk(&world, "s3://test-bucket/raw/d=1/a.csv").await;
    assert_eq!((jobs(&object.upstream).len(), jobs(&object.downstream)[0].as_str()), (0, "0 one"));
    assert!(object.downstream[0].certain);
    assert!(walk(&world, "s3://test-bucket/raw/d=1/none.csv").await.downstream.is_empty());
    let folder = walk(&world, "s3://test-bucket/silver/day=mon").await;
    assert_eq!(jobs(&folder.upstream), ["0 one"]);
    let end = walk(&world, "s3://test-bucket/end/").await;
    assert_eq!(jobs(&end.upstream), ["0 four", "1 two", "2 one"]);
    let job = walk(&world, "two").await;
    assert_eq!(
        (jobs(&job.upstream), jobs(&job.downstream)),
        (vec!["0 one".to_owned()], vec!["0 four".to_owned()])
    );
    assert_eq!(job.last_run.unwrap().datasets.inputs[0].table.as_deref(), Some("shop.silver"));
    let mut tx = world.store.read().await.unwrap();
    assert!(matches!(walk::of(&mut tx, &scope(), "shop.none").await, Err(JobsError::JobNotFound { .. })));
}

#[tokio::test]
async fn runs_that_publish_nothing_record_nothing_and_a_job_takes_its_lineage_along() {
    let world = World::new().await;
    world.put("raw/a.csv", "id,day\n1,mon\n").await;
    let refused = json!({"s": csv("raw"), "x": {"SelectFields": {"Name": "x", "Inputs": ["s"], "Paths": [["no"]]}},
        "o": parquet("x", "out")});
    world.fails("bad", refused).await;
    assert!(walk(&world, "s3://test-bucket/raw/").await.downstream.is_empty());
    world.succeeds("good", json!({"s": csv("raw"), "o": parquet("s", "out")})).await;
    assert_eq!(jobs(&walk(&world, "s3://test-bucket/raw/").await.downstream), ["0 good"]);
    let mut tx = world.store.begin().await.unwrap();
    crate::definition::delete(&mut tx, &scope(), "good").await.unwrap();
    tx.commit().await.unwrap();
    assert!(walk(&world, "s3://test-bucket/raw/").await.downstream.is_empty());
}

fn objects(count: usize) -> impl Iterator<Item = (Object, u64)> + Clone {
    let object = |at| Object { location: format!("s3://b/many/k={at}/f"), etag: "e".to_owned() };
    (0..count).map(move |at| (object(at), 2))
}

#[tokio::test]
async fn of_many_objects_the_count_is_kept_and_any_of_them_may_be_meant() {
    let many = Dataset { location: Some("s3://b/many/".to_owned()), ..Dataset::default() };
    let few = many.clone().with_objects(objects(MAX_OBJECTS));
    let many = many.with_objects(objects(MAX_OBJECTS + 1));
    assert_eq!((few.objects.len(), few.partitions.len(), few.partition_count), (1_000, 100, 1_000));
    assert_eq!((many.objects.len(), many.files, many.bytes), (0, 1_001, 2_002));
    let world = World::new().await;
    world.put("raw/a.csv", "id,day\n1,mon\n").await;
    let run = world.succeeds("j", json!({"s": csv("raw"), "o": parquet("s", "out")})).await;
    assert_eq!(run.details.state, RunState::Succeeded);
    let mut later = Run { seq: run.seq + 1, ..run };
    let mut tx = world.store.begin().await.unwrap();
    let datasets = Datasets { inputs: vec![many], outputs: Vec::new() };
    record(&mut tx, &later, &datasets).await.unwrap();
    let perhaps = walk::of(&mut tx, &scope(), "s3://b/many/k=1/f").await.unwrap();
    assert_eq!(perhaps.downstream.iter().map(|step| step.certain).collect::<Vec<_>>(), [false]);
    later.seq += 1;
    let named = Datasets { inputs: vec![few], outputs: Vec::new() };
    record(&mut tx, &Run { incarnation: "other".to_owned(), ..later.clone() }, &named).await.unwrap();
    let found = walk::of(&mut tx, &scope(), "s3://b/many/k=1/f").await.unwrap();
    let mut certain: Vec<bool> = found.downstream.iter().map(|step| step.certain).collect();
    certain.sort_unstable();
    assert_eq!(certain, [false, true]);
    // Names are kept for the last runs only.
    later.seq += KEPT_RUNS;
    record(&mut tx, &later, &Datasets::default()).await.unwrap();
    let first = walk::of(&mut tx, &scope(), "s3://test-bucket/raw/a.csv").await.unwrap();
    assert_eq!(first.downstream.iter().map(|step| step.certain).collect::<Vec<_>>(), [false]);
}

#[tokio::test]
async fn an_object_that_is_listed_twice_is_recorded_once() {
    let world = World::new().await;
    world.put("raw/a.csv", "id,day\n1,mon\n").await;
    let run = world.succeeds("j", json!({"s": csv("raw"), "o": parquet("s", "out")})).await;
    let twice = Dataset::default().with_objects(objects(1).chain(objects(1)));
    assert_eq!((twice.files, twice.objects.len()), (2, 1));
    let mut tx = world.store.begin().await.unwrap();
    let later = Run { seq: run.seq + 1, ..run };
    record(&mut tx, &later, &Datasets { inputs: vec![twice.clone()], outputs: Vec::new() }).await.unwrap();
    let recorded = recorded(&mut tx, &later.incarnation, later.seq).await.unwrap();
    assert_eq!(recorded.datasets.inputs, [twice]);
}

#[tokio::test]
async fn events_tell_of_the_begin_and_the_end_and_what_went_where() {
    let world = World::new().await;
    world.put("raw/a.csv", "id,day\n1,mon\n").await;
    let run = world.succeeds("good", json!({"s": csv("raw"), "o": to_table("s", "silver", "silver")})).await;
    let events = world.told(2).await;
    let kinds: Vec<&str> = events.iter().map(|event| event["eventType"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["START", "COMPLETE"]);
    assert_eq!(events[0]["run"]["runId"], events[1]["run"]["runId"]);
    assert_eq!((&events[0]["inputs"], &events[0]["job"]["namespace"]), (&json!([]), &json!("test")));
    let end = &events[1];
    assert_eq!(end["schemaURL"], "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent");
    assert_eq!(end["run"]["facets"]["tenon_jobRun"]["jobRunId"], json!(run.id));
    assert_eq!(
        (&end["inputs"][0]["namespace"], &end["inputs"][0]["name"]),
        (&json!("s3://test-bucket"), &json!("raw"))
    );
    let output = &end["outputs"][0];
    let table = json!({"namespace": "arn:aws:glue:us-east-1:000000000000", "name": "table/shop/silver", "type": "TABLE"});
    assert_eq!(output["facets"]["symlinks"]["identifiers"], json!([table]));
    assert_eq!(output["outputFacets"]["outputStatistics"]["rowCount"], 1);
    world.fails("bad", json!({"s": csv("none"), "o": parquet("s", "out")})).await;
    let events = world.told(4).await;
    assert_eq!(events[3]["eventType"], "FAIL");
    let message = events[3]["run"]["facets"]["errorMessage"]["message"].as_str().unwrap();
    assert!(message.contains("there are no objects under"), "{message}");
}
