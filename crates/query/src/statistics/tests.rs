//! Runs on a real store, lake, catalog and engine.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, StringArray,
    TimestampMicrosecondArray,
};
use catalog::statistics::{ColumnStatistics, Of};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::tests::{World, batch};

fn options() -> StatisticsOptions {
    StatisticsOptions { node: "here".to_owned(), max_running: 2 }
}

fn tasks(world: &World) -> StatisticsTasks {
    let ground = world.ground.clone();
    StatisticsTasks::new(ground.store, ground.lake, ground.engine, options())
}

fn of(table: &str) -> NewTask {
    NewTask { database: "Shop".to_owned(), table: table.to_owned(), ..NewTask::default() }
}

/// Runs the service until the run has ended.
async fn finish(tasks: &StatisticsTasks, world: &World, id: &str) -> Task {
    let stop = CancellationToken::new();
    let watch = async {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let task = tasks.get(&world.scope, id).await.unwrap();
            if task.state.is_final() {
                stop.cancel();
                return task;
            }
            assert!(tokio::time::Instant::now() < deadline, "the run did not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (ended, task) = tokio::join!(tasks.run(stop.clone()), watch);
    ended.unwrap();
    task
}

async fn statistics(world: &World, table: &str, column: &str) -> Option<ColumnStatistics> {
    let mut tx = world.ground.store.read().await.unwrap();
    let names = [column.to_owned()];
    let found = catalog::statistics::get(&mut tx, &world.scope, ("shop", table), Of::Table, &names).await;
    found.unwrap().0.pop()
}

async fn data(world: &World, table: &str, column: &str) -> Value {
    json!(statistics(world, table, column).await.expect("statistics").statistics_data)
}

async fn world() -> World {
    let world = World::new().await;
    let n = Int32Array::from(vec![Some(3), Some(-7), None, Some(3)]);
    let x = Float64Array::from(vec![Some(1.5), Some(f64::NAN), Some(f64::INFINITY), None]);
    let s = StringArray::from(vec![Some("ä€"), Some(""), Some("abcd"), Some("abcd")]);
    let b = BooleanArray::from(vec![Some(true), Some(false), Some(true), None]);
    let d = Date32Array::from(vec![Some(0), Some(-1), Some(20_000), None]);
    let m =
        Decimal128Array::from(vec![Some(150), Some(-1), None, None]).with_precision_and_scale(9, 2).unwrap();
    let t = TimestampMicrosecondArray::from(vec![Some(-500_000), None, Some(9_000_000), None]);
    let y = BinaryArray::from(vec![Some(&b"abc"[..]), Some(&b""[..]), None, None]);
    let rows = batch(vec![
        ("n", Arc::new(n)),
        ("x", Arc::new(x)),
        ("s", Arc::new(s)),
        ("b", Arc::new(b)),
        ("d", Arc::new(d)),
        ("m", Arc::new(m)),
        ("t", Arc::new(t)),
        ("y", Arc::new(y)),
    ]);
    let columns = "n int;x double;s string;b boolean;d date;m decimal(9,2);t timestamp;y binary";
    world.table("all", columns, &rows).await;
    world
}

#[tokio::test]
async fn every_type_is_measured() {
    let world = world().await;
    let tasks = tasks(&world);
    let id = tasks.start(&world.scope, of("ALL")).await.unwrap();
    let task = finish(&tasks, &world, &id).await;
    assert_eq!((task.state, task.error.as_deref()), (TaskState::Succeeded, None));
    assert!(task.started_ms.is_some() && task.ended_ms.is_some());
    for (column, of, member, wanted) in [
        (
            "n",
            "LONG",
            "Long",
            json!({"MinimumValue": -7, "MaximumValue": 3, "NumberOfNulls": 1, "NumberOfDistinctValues": 2}),
        ),
        // Infinity has no number in JSON; NaN is no bound.
        (
            "x",
            "DOUBLE",
            "Double",
            json!({"MinimumValue": 1.5, "NumberOfNulls": 1, "NumberOfDistinctValues": 3}),
        ),
        (
            "s",
            "STRING",
            "String",
            json!({"MaximumLength": 4, "AverageLength": 2.5, "NumberOfNulls": 0, "NumberOfDistinctValues": 3}),
        ),
        ("b", "BOOLEAN", "Boolean", json!({"NumberOfTrues": 2, "NumberOfFalses": 1, "NumberOfNulls": 1})),
        (
            "d",
            "DATE",
            "Date",
            json!({"MinimumValue": -86_400, "MaximumValue": 1_728_000_000_i64, "NumberOfNulls": 1, "NumberOfDistinctValues": 3}),
        ),
        (
            "m",
            "DECIMAL",
            "Decimal",
            json!({
            "MinimumValue": {"UnscaledValue": "/w==", "Scale": 2}, "MaximumValue": {"UnscaledValue": "AJY=", "Scale": 2},
            "NumberOfNulls": 2, "NumberOfDistinctValues": 2}),
        ),
        (
            "t",
            "LONG",
            "Long",
            json!({"MinimumValue": -1, "MaximumValue": 9, "NumberOfNulls": 2, "NumberOfDistinctValues": 2}),
        ),
        ("y", "BINARY", "Binary", json!({"MaximumLength": 3, "AverageLength": 1.5, "NumberOfNulls": 2})),
    ] {
        let member = format!("{member}ColumnStatisticsData");
        assert_eq!(data(&world, "all", column).await, json!({"Type": of, member: wanted}), "{column}");
    }
    let one = statistics(&world, "all", "m").await.unwrap();
    assert_eq!(one.other["ColumnType"], "decimal(9,2)");
    assert!(one.other["AnalyzedTime"].is_i64());
}

#[tokio::test]
async fn only_chosen_columns_are_measured_and_wrong_ones_refused() {
    let world = world().await;
    let tasks = tasks(&world);
    let chosen =
        |names: &[&str]| NewTask { columns: names.iter().map(|n| (*n).to_owned()).collect(), ..of("all") };
    let id = tasks.start(&world.scope, chosen(&["N", "b"])).await.unwrap();
    assert_eq!(finish(&tasks, &world, &id).await.state, TaskState::Succeeded);
    assert!(statistics(&world, "all", "n").await.is_some());
    assert!(statistics(&world, "all", "s").await.is_none());
    let error = tasks.start(&world.scope, chosen(&["n", "nope"])).await.unwrap_err();
    assert_eq!(error.to_string(), "Table all has no column nope");
    for size in [0.0, -1.0, 100.5, f64::NAN] {
        let new = NewTask { sample_size: Some(size), ..of("all") };
        let error = tasks.start(&world.scope, new).await.unwrap_err();
        assert!(matches!(error, StatisticsError::Invalid { .. }), "{size}: {error}");
    }
    let error = tasks.start(&world.scope, of("nope")).await.unwrap_err();
    assert!(
        matches!(error, StatisticsError::Catalog(catalog::CatalogError::TableNotFound { .. })),
        "{error}"
    );
}

#[tokio::test]
async fn a_sample_takes_about_its_share_of_rows() {
    let world = World::new().await;
    let rows = batch(vec![("n", Arc::new(Int32Array::from_iter_values(0..20_000)))]);
    world.table("long", "n int", &rows).await;
    let nulls = Int32Array::from(vec![None; 20_000]);
    world.table("empty", "n int", &batch(vec![("n", Arc::new(nulls))])).await;
    let tasks = tasks(&world);
    let id = tasks.start(&world.scope, of("long")).await.unwrap();
    assert_eq!(finish(&tasks, &world, &id).await.state, TaskState::Succeeded);
    let distinct =
        data(&world, "long", "n").await["LongColumnStatisticsData"]["NumberOfDistinctValues"].as_i64();
    assert!((19_000..=20_000).contains(&distinct.unwrap()), "{distinct:?}");
    let new = NewTask { sample_size: Some(25.0), ..of("empty") };
    let id = tasks.start(&world.scope, new).await.unwrap();
    assert_eq!(finish(&tasks, &world, &id).await.state, TaskState::Succeeded);
    let found = data(&world, "empty", "n").await["LongColumnStatisticsData"].clone();
    let nulls = found["NumberOfNulls"].as_i64().unwrap();
    // Six standard deviations.
    assert!((4_630..=5_370).contains(&nulls), "{nulls}");
    assert_eq!((found.get("MinimumValue"), &found["NumberOfDistinctValues"]), (None, &json!(0)));
}

#[tokio::test]
async fn a_table_has_one_run_and_a_waiting_one_stops_at_once() {
    let world = world().await;
    let tasks = tasks(&world);
    let id = tasks.start(&world.scope, of("all")).await.unwrap();
    assert!(matches!(tasks.start(&world.scope, of("all")).await, Err(StatisticsError::Running { .. })));
    tasks.stop(&world.scope, ("SHOP", "All")).await.unwrap();
    assert_eq!(tasks.get(&world.scope, &id).await.unwrap().state, TaskState::Stopped);
    assert!(matches!(
        tasks.stop(&world.scope, ("shop", "all")).await,
        Err(StatisticsError::NotRunning { .. })
    ));
    let second = tasks.start(&world.scope, of("all")).await.unwrap();
    let (page, next) = tasks.list(&world.scope, None, 1).await.unwrap();
    let (rest, last) = tasks.list(&world.scope, next.as_deref(), 1).await.unwrap();
    let mut all = [page, rest].concat();
    all.sort();
    let mut wanted = vec![id, second];
    wanted.sort();
    assert_eq!((all, last), (wanted, None));
    let (runs, _) = tasks.of_table(&world.scope, ("shop", "all"), None, 10).await.unwrap();
    assert_eq!(runs.len(), 2);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_fails_the_run_and_is_named() {
    let world = world().await;
    let staged = world.ground.lake.stage_bytes(b"PAR1 cut".to_vec()).await.unwrap();
    world.put_staged("all/b.parquet", staged).await;
    let tasks = tasks(&world);
    let id = tasks.start(&world.scope, of("all")).await.unwrap();
    let task = finish(&tasks, &world, &id).await;
    assert_eq!(task.state, TaskState::Failed);
    let error = task.error.unwrap();
    assert!(error.contains("s3://test-bucket/all/b.parquet"), "{error}");
    assert!(statistics(&world, "all", "n").await.is_none());
}

#[tokio::test]
async fn a_table_that_went_fails_the_run() {
    let world = world().await;
    let tasks = tasks(&world);
    let id = tasks.start(&world.scope, of("all")).await.unwrap();
    let mut tx = world.ground.store.begin().await.unwrap();
    catalog::table::delete(&mut tx, &world.scope, "shop", "all").await.unwrap();
    tx.commit().await.unwrap();
    let task = finish(&tasks, &world, &id).await;
    assert_eq!(task.state, TaskState::Failed);
    assert!(task.error.unwrap().contains("all"));
}

/// What a killed server leaves: RUNNING, and its lease.
async fn abandon(world: &World, id: &str, attempts: i64) {
    let mut tx = world.ground.store.begin().await.unwrap();
    let mut task = rows::get(&mut tx, &world.scope, id).await.unwrap();
    task.state = TaskState::Running;
    task.attempts = attempts;
    rows::replace(&mut tx, &world.scope, &task).await.unwrap();
    let lease = store::lease::acquire(&mut tx, &format!("statistics/{id}"), "here", 30_000).await.unwrap();
    assert!(lease.is_some());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_run_whose_server_died_is_taken_up_again_or_given_up() {
    let world = world().await;
    let tasks = tasks(&world);
    let id = tasks.start(&world.scope, of("all")).await.unwrap();
    abandon(&world, &id, 1).await;
    let task = finish(&tasks, &world, &id).await;
    assert_eq!((task.state, task.attempts), (TaskState::Succeeded, 2));
    let id = tasks.start(&world.scope, of("all")).await.unwrap();
    abandon(&world, &id, MAX_ATTEMPTS).await;
    let task = finish(&tasks, &world, &id).await;
    assert_eq!(task.state, TaskState::Failed);
    assert!(task.error.unwrap().contains("interrupted 3 times"));
}

#[tokio::test]
async fn a_run_that_is_told_to_stop_writes_nothing() {
    let world = world().await;
    let tasks = tasks(&world);
    let id = tasks.start(&world.scope, of("all")).await.unwrap();
    abandon(&world, &id, 1).await;
    tasks.stop(&world.scope, ("shop", "all")).await.unwrap();
    assert!(matches!(tasks.stop(&world.scope, ("shop", "all")).await, Err(StatisticsError::Stopping { .. })));
    assert_eq!(finish(&tasks, &world, &id).await.state, TaskState::Stopped);
    assert!(statistics(&world, "all", "n").await.is_none());
}

/// A moment that has passed.
async fn make_due(world: &World) {
    let mut tx = world.ground.store.begin().await.unwrap();
    tx.execute("UPDATE query_statistics_settings SET next_ms = 1 WHERE next_ms IS NOT NULL", &[])
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_schedule_starts_runs_until_it_is_stopped_or_its_table_goes() {
    let world = world().await;
    let tasks = tasks(&world);
    let place = ("Shop", "All");
    let change = SettingsChange {
        role: Some("r".to_owned()),
        columns: Some(vec!["N".to_owned()]),
        schedule: Some("cron(0 8 * * ? *)".to_owned()),
        ..SettingsChange::default()
    };
    tasks.create_settings(&world.scope, place, change.clone()).await.unwrap();
    let again = tasks.create_settings(&world.scope, place, change).await;
    assert!(matches!(again, Err(StatisticsError::SettingsExist { .. })));
    assert_eq!(tasks.fire_due().await.unwrap(), 0);
    make_due(&world).await;
    assert_eq!(tasks.fire_due().await.unwrap(), 1);
    assert_eq!(tasks.fire_due().await.unwrap(), 0);
    let settings = tasks.settings(&world.scope, place).await.unwrap();
    let id = settings.last.unwrap().run.unwrap();
    make_due(&world).await;
    assert_eq!(tasks.fire_due().await.unwrap(), 0, "the first run is at work");
    let last = tasks.settings(&world.scope, place).await.unwrap().last.unwrap();
    assert!(last.run.is_none() && last.error.unwrap().contains("running already"));
    assert_eq!(finish(&tasks, &world, &id).await.state, TaskState::Succeeded);
    assert!(statistics(&world, "all", "n").await.is_some() && statistics(&world, "all", "s").await.is_none());
    tasks.set_schedule(&world.scope, place, false).await.unwrap();
    assert!(matches!(
        tasks.set_schedule(&world.scope, place, false).await,
        Err(StatisticsError::Invalid { .. })
    ));
    make_due(&world).await;
    assert_eq!(tasks.fire_due().await.unwrap(), 0);
    tasks.set_schedule(&world.scope, place, true).await.unwrap();
    for wrong in [
        SettingsChange { schedule: Some("every day".to_owned()), ..SettingsChange::default() },
        SettingsChange { schedule: Some("cron(0 0 1 1 ? 2020)".to_owned()), ..SettingsChange::default() },
        SettingsChange { schedule: Some("cron(0 0 31 2 ? *)".to_owned()), ..SettingsChange::default() },
        SettingsChange { columns: Some(vec!["nope".to_owned()]), ..SettingsChange::default() },
        SettingsChange { sample_size: Some(0.0), ..SettingsChange::default() },
    ] {
        let refused = tasks.update_settings(&world.scope, place, wrong).await;
        assert!(matches!(refused, Err(StatisticsError::Invalid { .. })));
    }
    let mut tx = world.ground.store.begin().await.unwrap();
    catalog::table::delete(&mut tx, &world.scope, "shop", "all").await.unwrap();
    tx.commit().await.unwrap();
    make_due(&world).await;
    assert_eq!(tasks.fire_due().await.unwrap(), 0);
    let gone = tasks.settings(&world.scope, place).await;
    assert!(matches!(gone, Err(StatisticsError::SettingsNotFound { .. })));
}
