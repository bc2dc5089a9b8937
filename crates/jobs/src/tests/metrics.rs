//! What runs report of themselves, and what their workers allow them.

use serde_json::{Value, json};
use store::lease;

use super::{World, csv, parquet, through};
use crate::run::{self, Event, RunState};

const BOTH: [(&str, &str); 2] = [("--enable-metrics", "true"), ("--enable-observability-metrics", "")];

fn copy() -> Value {
    json!({"src": csv("in"), "out": parquet("src", "out")})
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn double(count: u64) -> f64 {
    count as f64
}

#[tokio::test]
async fn a_run_reports_what_it_has_counted() {
    let world = World::new().await;
    world.put("in/a.csv", "id,v\n1,x\n2,y\n").await;
    world.put("in/b.csv", "id,v\n3,z\n").await;
    world.create("j", copy(), json!({})).await.unwrap();
    let id = world.start("j", &BOTH).await;
    let run = world.ended("j", &id).await;
    assert_eq!(run.details.state, RunState::Succeeded, "{:?}", run.details.error_message);
    let totals = run.details.totals;
    let found = world.measured(&id);
    for (name, count) in [
        ("glue.driver.aggregate.recordsRead", 3),
        ("glue.driver.aggregate.bytesRead", totals.bytes_in),
        ("glue.driver.aggregate.elapsedTime", u64::try_from(run.details.executed_ms).unwrap()),
        ("glue.ALL.s3.filesystem.read_bytes", totals.bytes_in),
        ("glue.ALL.s3.filesystem.write_bytes", totals.bytes_out),
        ("glue.driver.recordsRead", 3),
        ("glue.driver.filesRead", 2),
        ("glue.driver.badRecords", 0),
        ("glue.driver.bytesRead", totals.bytes_in),
        ("glue.driver.recordsWritten", 3),
        ("glue.driver.filesWritten", totals.files_out),
        ("glue.driver.bytesWrittten", totals.bytes_out),
        ("glue.succeed.ALL", 1),
    ] {
        assert_eq!(found.get(name).copied(), Some(double(count)), "{name} in {found:?}");
    }
    assert!(totals.bytes_in > 0 && totals.bytes_out > 0);
    assert!(found["glue.driver.memory.total.used"] > 0.0 && !found.contains_key("glue.error.ALL"));
    // Another run: its own, and those of all.
    let other = world.start("j", &BOTH).await;
    world.ended("j", &other).await;
    assert_eq!(world.measured(&other)["glue.driver.recordsRead"], 3.0);
    assert_eq!(world.measured("ALL")["glue.driver.recordsRead"], 6.0);
    assert_eq!(world.measured("ALL")["glue.succeed.ALL"], 2.0);
}

#[tokio::test]
async fn only_what_was_asked_for_is_reported() {
    let world = World::new().await;
    world.put("in/a.csv", "id\n1\n").await;
    world.create("j", copy(), json!({})).await.unwrap();
    let names = |arguments: &'static [(&'static str, &'static str)]| {
        let world = &world;
        async move {
            let id = world.start("j", arguments).await;
            world.ended("j", &id).await;
            world.measured(&id)
        }
    };
    assert!(names(&[]).await.is_empty());
    assert!(names(&[("--enable-metrics", "False")]).await.is_empty());
    let profile = names(&[("--enable-metrics", "")]).await;
    assert!(profile.contains_key("glue.driver.aggregate.recordsRead"), "{profile:?}");
    assert!(!profile.contains_key("glue.driver.recordsRead"), "{profile:?}");
}

#[tokio::test]
async fn failures_are_counted() {
    let world = World::new().await;
    world.put("in/a.csv", "id,v\n1,x\n2\n").await;
    world.create("j", copy(), json!({})).await.unwrap();
    let id = world.start("j", &BOTH).await;
    assert_eq!(world.ended("j", &id).await.details.state, RunState::Failed);
    let found = world.measured(&id);
    assert_eq!(found["glue.error.ALL"], 1.0);
    assert_eq!(found["glue.driver.recordsWritten"], 0.0);
    assert!(!found.contains_key("glue.succeed.ALL"));
}

#[tokio::test]
async fn of_a_lost_run_only_its_end_is_known() {
    let world = World::idle().await;
    world.create("j", copy(), json!({})).await.unwrap();
    let id = world.start("j", &BOTH).await;
    let mut tx = world.store.begin().await.unwrap();
    let mut run = run::load(&mut tx, &id).await.unwrap().unwrap();
    lease::acquire(&mut tx, &run.lease_name(), "dead", 300).await.unwrap().unwrap();
    run::apply(&mut tx, &mut run, Event::Begun).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    world.serve("local");
    assert_eq!(world.ended("j", &id).await.details.state, RunState::Failed);
    let names: Vec<&str> = world.measured(&id).into_keys().collect();
    assert_eq!(names, ["glue.driver.aggregate.elapsedTime", "glue.error.ALL"]);
}

#[tokio::test]
async fn workers_are_memory_and_threads() {
    let world = World::new().await;
    world.put("in/a.csv", "id\n1\n").await;
    for (job, workers, expected) in [
        ("all", json!({}), "workers: 10 DPU; at most 536870912 bytes of memory, threads: 2"),
        (
            "two",
            json!({"WorkerType": "G.1X", "NumberOfWorkers": 2}),
            "workers: 2 DPU; at most 536870912 bytes of memory, threads: 2",
        ),
        (
            "few",
            json!({"MaxCapacity": 0.015625}),
            "workers: 0.015625 DPU; at most 268435456 bytes of memory, threads: 1",
        ),
    ] {
        world.create(job, copy(), workers).await.unwrap();
        let id = world.start(job, &[]).await;
        let run = world.ended(job, &id).await;
        assert_eq!(run.details.state, RunState::Succeeded, "{:?}", run.details.error_message);
        let log = world.log_until(&id, "workers: ").await;
        assert!(log.iter().any(|line| line == expected), "{log:?}");
        let (shown, ms) = (run::to_document(&run, i64::MAX), run.details.executed_ms);
        let units = shown["MaxCapacity"].as_f64().unwrap();
        let seconds = double(u64::try_from(ms).unwrap()) / 1000.0;
        assert_eq!(shown["DPUSeconds"].as_f64().unwrap_or_default(), seconds * units);
    }
}

#[tokio::test]
async fn what_needs_more_memory_than_the_workers_have_fails() {
    let world = World::new().await;
    let rows: String = (0..60_000).map(|n| format!("{n},{n:0>40}\n")).collect();
    world.put("in/a.csv", &format!("id,v\n{rows}")).await;
    let sql = json!({"SparkSQL": {"Name": "q", "Inputs": ["src"],
        "SqlQuery": "select max(v) over (partition by 1 order by id) as m, v from t",
        "SqlAliases": [{"From": "src", "Alias": "t"}]}});
    let nodes = through(csv("in"), sql, "out");
    world.create("small", nodes.clone(), json!({"MaxCapacity": 0.0001})).await.unwrap();
    let id = world.start("small", &[]).await;
    let run = world.ended("small", &id).await;
    let message = run.details.error_message.unwrap_or_default();
    assert!(message.contains("more memory than its limit of 1717986 bytes"), "{message}");
    world.succeeds("large", nodes).await;
}
