//! Bad input, stops, timeouts, lost processes, and runs in each other's way: never half an output.

use serde_json::{Value, json};
use store::lease;

use super::{World, csv, json_source, parquet, scope};
use crate::run::{self, Event, RunState};

/// A job that does not end by itself before long.
fn endless() -> Value {
    json!({
        "src": csv("in"),
        "tr": {"SparkSQL": {"Name": "q", "Inputs": ["src"], "SqlAliases": [{"From": "src", "Alias": "t"}],
            "SqlQuery": "select sum(length(concat(a.id, b.id, c.id))) as n from t a, t b, t c"}},
        "out": parquet("tr", "out"),
    })
}

async fn many_rows(world: &World) {
    let mut text = String::from("id\n");
    for at in 0..2_000 {
        text.push_str(&format!("{at}\n"));
    }
    world.put("in/a.csv", &text).await;
}

#[tokio::test]
async fn bad_records_fail_the_run_or_are_counted() {
    let world = World::new().await;
    world.put("in/good.csv", "id,v\n1,a\n").await;
    world.put("in/bad.csv", "id,v\n2,b\n3\n4,d\n").await;
    let nodes = json!({"src": csv("in"), "out": parquet("src", "out")});
    let message = world.fails("j", nodes).await;
    assert!(message.contains("in/bad.csv, line 3"), "{message}");
    assert!(message.contains("node S3CsvSource src (in)"), "{message}");
    assert!(world.keys("out").await.is_empty());
    let id = world.start("j", &[("--max-bad-records", "1")]).await;
    let run = world.ended("j", &id).await;
    assert_eq!(run.details.state, RunState::Succeeded, "{:?}", run.details.error_message);
    assert_eq!((run.details.totals.rows_in, run.details.totals.bad_records), (3, 1));
    assert_eq!(world.rows("out").await, ["1|a", "2|b", "4|d"]);
    world.put("in/worse.csv", "id,v\n5\n6\n").await;
    let id = world.start("j", &[("--max-bad-records", "1")]).await;
    let run = world.ended("j", &id).await;
    assert_eq!(run.details.state, RunState::Failed);
    assert!(run.details.error_message.unwrap().contains("3 bad records"));
}

/// Two targets and a join of the source with itself meet each of them several times.
#[tokio::test]
async fn bad_records_are_kept_once_in_the_transaction_of_the_run() {
    let world = World::new().await;
    world.put("in/a.csv", "id,v\n1,a\n2\n\"3,c\n4,d\n").await;
    world.put("js/b.json", "{\"id\":\"1\"}\n{oops\n").await;
    let joined = json!({"SparkSQL": {"Name": "q", "Inputs": ["src"], "SqlAliases": [{"From": "src", "Alias": "t"}],
        "SqlQuery": "select a.id from t a join t b on a.id = b.id"}});
    let nodes = json!({"src": csv("in"), "js": json_source("js"), "tr": joined, "out": parquet("tr", "out"),
        "too": parquet("src", "too"), "j": parquet("js", "j")});
    world
        .create("j", nodes, json!({"DefaultArguments": {"--bad-records-path": "s3://test-bucket/bad"}}))
        .await
        .unwrap();
    let id = world.start("j", &[("--max-bad-records", "2")]).await;
    let run = world.ended("j", &id).await;
    assert!(run.details.error_message.unwrap().contains("3 bad records"));
    assert!(world.keys("bad").await.is_empty() && world.keys("out").await.is_empty());
    let id = world.start("j", &[("--max-bad-records", "3")]).await;
    let run = world.ended("j", &id).await;
    assert_eq!(run.details.state, RunState::Succeeded, "{:?}", run.details.error_message);
    assert_eq!(run.details.totals.bad_records, 3);
    let folder = format!("bad/{id}/");
    assert_eq!(world.keys("bad").await, [format!("{folder}js.json"), format!("{folder}src.json")]);
    assert_eq!(
        world.rows(&folder).await,
        [
            "s3://test-bucket/in/a.csv|3|9|expected 2 fields, found 1|2",
            "s3://test-bucket/in/a.csv|4|11|a quoted field is not closed|\"3,c",
            "s3://test-bucket/js/b.json|2|11|malformed JSON: expected a name in quotes, found oops (byte 2 of the record)|{oops",
        ]
    );
    let lines = world.log_until(&id, "bad records are in").await;
    let told = format!("S3CsvSource src (in): 2 bad records are in s3://test-bucket/{folder}src.json");
    assert!(lines.contains(&told), "{lines:?}");
    let id = world.start("j", &[("--bad-records-path", "s3://no-such-bucket/x")]).await;
    let run = world.ended("j", &id).await;
    let message = run.details.error_message.unwrap();
    assert!(
        message.contains("--bad-records-path s3://no-such-bucket/x: bucket no-such-bucket does not exist"),
        "{message}"
    );
}

#[tokio::test]
async fn errors_name_what_is_wrong() {
    let world = World::new().await;
    world.put("in/a.csv", "id\n1\n").await;
    world.put("js/a.json", "[{\"a\":1}, {\"a\":2}").await;
    world.put("nested/a.json", "{\"l\":[3000000000]}\n").await;
    let target = |input: &str| parquet(input, "out");
    let elsewhere =
        json!({"S3GlueParquetTarget": {"Name": "o", "Inputs": ["src"], "Path": "s3://no-such-bucket/x"}});
    let table = json!({"CatalogSource": {"Name": "s", "Database": "shop", "Table": "nothing"}});
    let mut no_key = target("src");
    no_key["S3GlueParquetTarget"]["PartitionKeys"] = json!([["day"]]);
    let cases: Vec<(&str, Value, &str)> = vec![
        (
            "empty",
            json!({"src": csv("nothing"), "out": target("src")}),
            "no objects under s3://test-bucket/nothing/",
        ),
        ("array", json!({"src": json_source("js"), "out": target("src")}), "js/a.json"),
        ("bucket", json!({"src": csv("in"), "out": elsewhere}), "no-such-bucket"),
        ("table", json!({"src": table, "out": target("src")}), "nothing"),
        ("key", json!({"src": csv("in"), "out": no_key}), "field day is not in its input, which has id"),
        (
            "field",
            json!({"src": csv("in"), "out": target("f"),
                "f": {"SelectFields": {"Name": "f", "Inputs": ["src"], "Paths": [["idd"]]}}}),
            "field idd is not in its input, which has id",
        ),
        (
            "format",
            json!({"src": json_source("nested"), "out": {"S3DirectTarget": {"Name": "o", "Inputs": ["src"],
                "Path": "s3://test-bucket/out", "Format": "csv"}}}),
            "column l (array<bigint>) cannot be written as CSV; use json or parquet, or drop it",
        ),
    ];
    for (name, nodes, expected) in cases {
        let message = world.fails(name, nodes).await;
        assert!(message.contains(expected) && message.starts_with("node "), "{name}: {message}");
    }
    assert!(world.keys("out").await.is_empty());
}

#[tokio::test]
async fn a_running_run_can_be_stopped() {
    let world = World::new().await;
    many_rows(&world).await;
    world.create("j", endless(), json!({"MaxRetries": 3})).await.unwrap();
    let id = world.start("j", &[]).await;
    world.until("j", &id, |run| run.details.state == RunState::Running).await;
    let mut tx = world.store.begin().await.unwrap();
    world.jobs.stop_runs(&mut tx, &scope(), "j", std::slice::from_ref(&id)).await.unwrap();
    tx.commit().await.unwrap();
    let run = world.ended("j", &id).await;
    assert_eq!(run.details.state, RunState::Stopped);
    assert!(world.keys("out").await.is_empty());
    let mut tx = world.store.read().await.unwrap();
    assert_eq!(run::list(&mut tx, &scope(), "j", None, None).await.unwrap().runs.len(), 1, "no retry");
}

#[tokio::test]
async fn a_stopped_service_hands_its_runs_on() {
    let world = World::idle().await;
    let stop = world.serve("one");
    many_rows(&world).await;
    world.create("j", endless(), json!({})).await.unwrap();
    let id = world.start("j", &[]).await;
    world.until("j", &id, |run| run.details.state == RunState::Running).await;
    stop.cancel();
    world.until("j", &id, |run| run.details.state == RunState::Starting).await;
    world.serve("two");
    let run = world.until("j", &id, |run| run.details.state == RunState::Running).await;
    let first = run.details.executed_ms;
    assert!(first > 0, "what the first service did is not forgotten");
    let shown = run::to_document(&run, run.details.begun_ms.unwrap() + 7_000);
    assert_eq!(shown["ExecutionTime"], (first + 7_000) / 1_000);
    world.stop.cancel();
}

#[tokio::test]
async fn a_lost_run_fails_and_is_retried() {
    let world = World::idle().await;
    world.put("in/a.csv", "id\n1\n").await;
    let nodes = json!({"src": csv("in"), "out": parquet("src", "out")});
    world.create("j", nodes, json!({"MaxRetries": 1})).await.unwrap();
    let id = world.start("j", &[]).await;
    // A process that took the run and died.
    let mut tx = world.store.begin().await.unwrap();
    let mut run = run::load(&mut tx, &id).await.unwrap().unwrap();
    lease::acquire(&mut tx, &run.lease_name(), "dead", 300).await.unwrap().unwrap();
    run::apply(&mut tx, &mut run, Event::Begun).await.unwrap().unwrap();
    // It worked for two seconds, long ago: nobody was there since to notice its end.
    let hour_ago = run.details.begun_ms.unwrap() - 3_600_000;
    (run.details.begun_ms, run.details.seen_ms) = (Some(hour_ago), Some(hour_ago + 2_000));
    let document = serde_json::to_string(&run.details).unwrap();
    let sql = "UPDATE jobs_runs SET document = $1 WHERE id = $2";
    tx.execute(sql, &store::params![document, id.as_str()]).await.unwrap();
    tx.commit().await.unwrap();
    world.serve("local");
    let run = world.ended("j", &id).await;
    assert_eq!(run.details.state, RunState::Failed);
    assert_eq!(run::to_document(&run, i64::MAX)["ExecutionTime"], 2);
    assert!(run.details.error_message.unwrap().contains("ended before the run did"));
    let retry = world.ended("j", &format!("{id}_attempt_1")).await;
    assert_eq!(retry.details.state, RunState::Succeeded, "{:?}", retry.details.error_message);
    assert_eq!(world.rows("out").await, ["1"]);
}

#[tokio::test]
async fn two_runs_with_one_target_both_publish_and_with_one_bookmark_only_one() {
    let world = World::new().await;
    world.put("in/a.csv", "id\n1\n").await;
    let nodes = json!({"src": csv("in"), "out": parquet("src", "out")});
    let concurrent = json!({"ExecutionProperty": {"MaxConcurrentRuns": 5}});
    world.create("j", nodes, concurrent).await.unwrap();
    let (first, second) = (world.start("j", &[]).await, world.start("j", &[]).await);
    for id in [first, second] {
        assert_eq!(world.ended("j", &id).await.details.state, RunState::Succeeded);
    }
    assert_eq!(world.rows("out").await, ["1", "1"]);
}

#[tokio::test]
async fn a_deleted_job_publishes_nothing() {
    let world = World::new().await;
    many_rows(&world).await;
    world.create("j", endless(), json!({})).await.unwrap();
    let id = world.start("j", &[]).await;
    world.until("j", &id, |run| run.details.state == RunState::Running).await;
    let mut tx = world.store.begin().await.unwrap();
    crate::definition::delete(&mut tx, &scope(), "j").await.unwrap();
    tx.commit().await.unwrap();
    for _ in 0..1_000 {
        if world.jobs.progress(&id).is_none() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(world.jobs.progress(&id).is_none(), "the work goes on");
    assert!(world.keys("out").await.is_empty());
}
