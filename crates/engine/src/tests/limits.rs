//! Memory, spill, cancellation, other work going on.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use super::{World, lazy_csv, parquet, parquet_bytes};
use crate::{BadRecordPolicy, EngineError, SessionOptions};

async fn numbers(world: &World, rows: u64) {
    world.table("numbers", lazy_csv(), "n bigint;text string", "", "numbers/").await;
    let mut text = String::new();
    for n in 0..rows {
        let scrambled = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        text.push_str(&format!("{scrambled},some text that takes room {scrambled:064x}\n"));
    }
    world.put("numbers/a.csv", text).await;
}

#[tokio::test]
async fn a_sort_spills() {
    // Two sorts share the pool; each must be able to merge what it spilled while the other does the same.
    let world = World::with_memory(48 << 20).await;
    numbers(&world, 800_000).await;
    let session = world.session();
    let frame = session.sql("SELECT n, text FROM numbers ORDER BY text, n").await.expect("frame");
    let mut execution = session.execute(frame).await.expect("execution");
    let (mut rows, mut last) = (0, String::new());
    while let Some(batch) = execution.next().await {
        let batch = batch.expect("batch");
        rows += batch.num_rows();
        let texts = arrow::array::AsArray::as_string::<i32>(batch.column(1));
        for text in texts.iter().flatten() {
            assert!(last.as_str() <= text);
            text.clone_into(&mut last);
        }
    }
    assert_eq!(rows, 800_000);
    assert!(execution.stats().spilled_bytes > 0);
    drop(execution);
    assert_eq!(world.engine.memory().reserved_bytes, 0);
}

#[tokio::test]
async fn joins_of_many_rows_in_small_files_spill() {
    // Packed by Parquet to a small part of what the rows take in a hash table.
    let world = World::with_memory(48 << 20).await;
    let ids: Int64Array = (0..1_500_000).collect();
    let ids = RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef)]).expect("batch");
    for name in ["one", "other"] {
        world.table(name, parquet(), "id bigint", "", &format!("{name}/")).await;
        world.put(&format!("{name}/a.parquet"), parquet_bytes(&ids)).await;
    }
    let joined = world.sql("SELECT count(*) FROM one JOIN other ON one.id = other.id").await.expect("rows");
    assert_eq!(joined.0, "1500000");
}

#[tokio::test]
async fn a_join_that_turns_out_too_large_spills_when_it_is_planned_anew() {
    let world = World::with_memory(64 << 20).await;
    world.table("narrow", lazy_csv(), "n bigint;text string", "", "narrow/").await;
    world.put("narrow/a.csv", (0..700_000).map(|n| format!("{n},x\n")).collect::<String>()).await;
    // Nothing says beforehand how long the texts become.
    let text = "SELECT count(*), max(length(a.t || b.t)) FROM (SELECT n, repeat(text, 120) AS t FROM narrow) a \
                JOIN (SELECT n, repeat(text, 120) AS t FROM narrow) b ON a.n = b.n";
    let session = world.session();
    let run = async || session.collect(session.sql(text).await.expect("frame")).await;
    let error = run().await.expect_err("too large a join");
    assert!(matches!(error, EngineError::MemoryExhausted { .. }), "{error}");
    assert!(session.spill_joins() && !session.spill_joins());
    let (batches, stats) = run().await.expect("rows");
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
    assert!(stats.spilled_bytes > 0);
}

#[tokio::test]
async fn what_cannot_spill_fails_with_a_message() {
    let world = World::with_memory(12 << 20).await;
    numbers(&world, 300_000).await;
    let error = world.error("SELECT array_agg(text) FROM numbers").await;
    assert!(matches!(error, EngineError::MemoryExhausted { limit_bytes: 12_582_912, .. }), "{error}");
    assert!(error.is_transient());
    assert_eq!(world.sql("SELECT count(*) FROM numbers").await.expect("other work goes on").0, "300000");
}

#[tokio::test]
async fn a_cancelled_query_stops_and_frees() {
    let world = World::new().await;
    numbers(&world, 100_000).await;
    let cancel = CancellationToken::new();
    let session = world.session_with(SessionOptions { cancel: cancel.clone(), ..SessionOptions::default() });
    let text =
        "SELECT count(*) FROM numbers a CROSS JOIN numbers b CROSS JOIN numbers c WHERE a.n + b.n + c.n = 1";
    let frame = session.sql(text).await.expect("frame");
    let mut execution = session.execute(frame).await.expect("execution");
    cancel.cancel();
    assert!(matches!(execution.next().await, Some(Err(EngineError::Cancelled))));
    assert!(execution.next().await.is_none());
    drop(execution);
    let_go(&world).await;
    assert!(matches!(session.sql("SELECT 1").await.map(|_| ()), Err(EngineError::Cancelled)));
}

/// Waits until nothing computes any more.
async fn let_go(world: &World) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while world.engine.memory().reserved_bytes > 0 {
        assert!(std::time::Instant::now() < deadline, "memory is still held");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn joins_that_make_no_rows_hold_up_nobody_and_stop() {
    let world = World::new().await;
    world.table("pairs", lazy_csv(), "k bigint;n bigint", "", "pairs/").await;
    world.put("pairs/a.csv", (0..200_000).map(|n| format!("1,{n}\n")).collect::<String>()).await;
    // Each would compute for minutes.
    for text in [
        "SELECT count(*) FROM pairs a JOIN pairs b ON a.k = b.k WHERE a.n + b.n < 0",
        "SELECT count(*) FROM pairs a JOIN pairs b ON a.n + b.n < 0",
        "SELECT count(*) FROM pairs a LEFT JOIN pairs b ON a.k = b.k AND a.n + b.n < 0",
        "SELECT count(*) FROM pairs a WHERE NOT EXISTS (SELECT 1 FROM pairs b WHERE a.k = b.k)",
        "SELECT count(*) FROM pairs a WHERE a.k NOT IN (SELECT b.k FROM pairs b)",
    ] {
        let cancel = CancellationToken::new();
        let options = SessionOptions { cancel: cancel.clone(), ..SessionOptions::default() };
        let session = world.session_with(options);
        // More of them than the engine has threads.
        let mut running = Vec::new();
        for _ in 0..3 {
            let frame = session.sql(text).await.expect("frame");
            running.push(session.execute(frame).await.expect("execution"));
        }
        for _ in 0..20 {
            assert_eq!(world.sql("SELECT count(*) FROM pairs").await.expect("other work").0, "200000");
        }
        for execution in &mut running {
            assert!(execution.next().now_or_never().is_none(), "{text} has ended");
        }
        cancel.cancel();
        drop(running);
        let_go(&world).await;
    }
}

#[tokio::test]
async fn bad_records_are_counted_when_skipped() {
    let world = World::new().await;
    world.table("bad", super::csv(), "id bigint;v string", "", "bad/").await;
    world.put("bad/a.csv", "id,v\n1,x\nnope,y\n3,z\n").await;
    let options = SessionOptions { on_bad_record: BadRecordPolicy::Skip, ..SessionOptions::default() };
    let session = world.session_with(options);
    let frame = session.sql("SELECT id FROM bad").await.expect("frame");
    let (_, stats) = session.collect(frame).await.expect("collect");
    assert_eq!((stats.rows_out, stats.bad_records, session.bad_records()), (2, 1, 1));
    assert_eq!(session.bad_record_examples().len(), 1);
}

#[tokio::test]
async fn large_joins_are_planned_to_spill() {
    let world = World::with_memory(64 << 20).await;
    numbers(&world, 300_000).await;
    let text = "SELECT count(*) FROM numbers a JOIN numbers b ON a.n = b.n AND a.text = b.text";
    let session = world.session();
    let frame = session.sql(text).await.expect("frame");
    let explained = session.explain(frame.logical_plan().clone()).await.expect("explained");
    assert!(explained.physical.contains("SortMergeJoin"), "{}", explained.physical);
    let (rows, _) = world.sql(text).await.expect("joined");
    assert!(rows.parse::<u64>().expect("count") >= 300_000, "{rows}");
}

#[tokio::test]
async fn views_and_spelling_in_spark() {
    let world = World::new().await;
    let session = world.engine.session(world.sources.clone(), SessionOptions::default());
    let frame = session.sql("SELECT 1 AS custId, 'x' AS `Name`").await.expect("frame");
    session.register_view("MyData", frame);
    let frame =
        session.sql("SELECT CUSTID + 1 AS Next, name FROM mydata m WHERE M.custid = 1").await.expect("frame");
    let (batches, _) = session.collect(frame).await.expect("collect");
    assert_eq!(super::rows(&batches), "2|x");
    assert_eq!(batches[0].schema().field(0).name(), "Next");
    assert!(session.drop_view("MyData"));
}

#[tokio::test]
async fn conditions_that_may_fail_are_asked_last() {
    let world = World::new().await;
    world.table("few", super::csv(), "a bigint;text string", "", "few/").await;
    world.put("few/a.csv", "a,text\n0,x\n1,7\n2,y\n4,9\n").await;
    let (rows, _) = world.sql("SELECT a FROM few WHERE a <> 0 AND 8 / a > 2 ORDER BY a").await.expect("rows");
    assert_eq!(rows, "1\n2");
    let nested =
        "SELECT a FROM (SELECT * FROM few WHERE text <> 'x' AND text <> 'y') WHERE CAST(text AS bigint) > 8";
    assert_eq!(world.sql(nested).await.expect("rows").0, "4");
    let failing = world.error("SELECT a FROM few WHERE a < 4 AND 8 / a > 2").await;
    assert!(matches!(failing, EngineError::DivisionByZero), "{failing}");
}

#[tokio::test]
async fn statements_that_explode_are_refused_before_they_do() {
    let world = World::new().await;
    let mut text = "WITH c0 AS (SELECT 1 AS x)".to_owned();
    for level in 1..30 {
        text.push_str(&format!(", c{level} AS (SELECT p.x FROM c{0} p, c{0} q)", level - 1));
    }
    let error = world.error(&format!("{text} SELECT count(*) FROM c29")).await;
    assert!(matches!(error, EngineError::TooComplex { .. }), "{error}");
    let session = world.session();
    session.register_view("v0", session.sql("SELECT 1 AS x").await.expect("frame"));
    let mut refused = None;
    for level in 1..20 {
        let text = format!("SELECT p.x FROM v{0} p CROSS JOIN v{0} q", level - 1);
        match session.sql(&text).await {
            Ok(frame) => session.register_view(&format!("v{level}"), frame),
            Err(error) => {
                refused = Some((level, error));
                break;
            }
        }
    }
    let (level, error) = refused.expect("views double, too");
    assert!(matches!(error, EngineError::TooComplex { .. }) && level < 10, "{level} {error}");
}
