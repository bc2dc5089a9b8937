//! Runs on a real store, lake, catalog and engine.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use store::lease;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::tests::{World, scope};

const LEASE_MS: i64 = 300;

fn service(world: &World, node: &str) -> Quality {
    let options = QualityOptions { node: node.to_owned(), max_running: 2, lease_ms: LEASE_MS };
    Quality::new(world.store.clone(), world.lake.clone(), world.engine.clone(), options)
}

async fn world() -> World {
    let world = World::idle().await;
    world.put("t/a.csv", "1,ann\n2,bob\n3,\n").await;
    let input = serde_json::from_value(json!({
        "Name": "t",
        "TableType": "EXTERNAL_TABLE",
        "StorageDescriptor": {
            "Columns": [{"Name": "id", "Type": "int"}, {"Name": "name", "Type": "string"}],
            "Location": "s3://test-bucket/t/",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                "Parameters": {"field.delim": ","},
            },
        },
    }));
    let mut tx = world.store.begin().await.unwrap();
    catalog::table::create(&mut tx, &scope(), "shop", input.unwrap(), "test").await.unwrap();
    tx.commit().await.unwrap();
    world
}

fn source() -> DataSource {
    let table = TableName { database: "shop".to_owned(), table: "t".to_owned() };
    DataSource { table, given: json!({}), predicate: None, query: None }
}

fn evaluation(rulesets: &[&str], prefix: Option<&str>) -> NewRun {
    NewRun {
        source: source(),
        role: "r".to_owned(),
        workers: None,
        timeout_minutes: None,
        work: Work::Evaluation {
            rulesets: rulesets.iter().map(|name| (*name).to_owned()).collect(),
            additional: BTreeMap::new(),
            by_row: false,
            prefix: prefix.map(str::to_owned),
            options: None,
        },
        client_token: None,
    }
}

async fn ruleset(quality: &Quality, name: &str, text: &str) {
    let new = NewRuleset { name: name.to_owned(), text: text.to_owned(), ..NewRuleset::default() };
    quality.create_ruleset(&scope(), new).await.unwrap();
}

/// Runs the service until the run has ended.
async fn finish(quality: &Quality, id: &str) -> QualityRun {
    let stop = CancellationToken::new();
    let watch = async {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let run = quality.evaluation(&scope(), id).await.unwrap();
            if run.status.is_final() {
                stop.cancel();
                return run;
            }
            assert!(tokio::time::Instant::now() < deadline, "the run did not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (ended, run) = tokio::join!(quality.run(stop.clone()), watch);
    ended.unwrap();
    run
}

async fn results(quality: &Quality) -> Vec<QualityResult> {
    quality.results(&scope(), &ResultFilter::default(), None, 10).await.unwrap().0
}

#[tokio::test]
async fn a_run_stores_a_result_for_each_ruleset() {
    let world = world().await;
    let quality = service(&world, "here");
    ruleset(&quality, "one", "Rules = [ RowCount = 3, IsComplete \"name\" ]").await;
    ruleset(&quality, "two", "Rules = [ IsUnique \"id\" ]").await;
    let id = quality.start(&scope(), evaluation(&["one", "two"], Some("s3://test-bucket/dq"))).await.unwrap();
    let run = finish(&quality, &id).await;
    assert_eq!((run.status, run.error.as_deref()), (RunStatus::Succeeded, None));
    let found = results(&quality).await;
    assert_eq!(found.len(), 2);
    assert_eq!(run.results.len(), 2);
    let score = |name: &str| found.iter().find(|result| result.ruleset == name).unwrap().evaluation.score();
    // An empty field of this table's files is an empty text.
    assert_eq!((score("one"), score("two")), (Some(1.0), Some(1.0)));
    let mut keys: Vec<String> = run.results.iter().map(|id| format!("dq/{id}.json")).collect();
    keys.sort();
    assert_eq!(world.keys("dq/").await, keys);
}

#[tokio::test]
async fn a_run_that_cannot_store_all_stores_nothing() {
    let world = world().await;
    let quality = service(&world, "here");
    ruleset(&quality, "one", "Rules = [ RowCount = 3 ]").await;
    let id = quality.start(&scope(), evaluation(&["one"], Some("s3://no-such-bucket/dq"))).await.unwrap();
    let run = finish(&quality, &id).await;
    assert_eq!(run.status, RunStatus::Failed);
    assert!(run.error.unwrap().contains("bucket no-such-bucket does not exist"));
    assert!(run.results.is_empty() && results(&quality).await.is_empty());
}

#[tokio::test]
async fn a_run_of_a_node_that_is_gone_is_taken_up_until_it_is_given_up() {
    let world = world().await;
    let quality = service(&world, "here");
    ruleset(&quality, "one", "Rules = [ RowCount = 3 ]").await;
    let id = quality.start(&scope(), evaluation(&["one"], None)).await.unwrap();
    // Another node took it and died: its lease runs out.
    let mut tx = world.store.begin().await.unwrap();
    let name = format!("quality/{id}");
    lease::acquire(&mut tx, &name, "elsewhere", LEASE_MS).await.unwrap().unwrap();
    let mut run = rows::run(&mut tx, &scope(), EVALUATION, &id).await.unwrap();
    run.status = RunStatus::Running;
    run.attempts = 1;
    rows::replace_run(&mut tx, &scope(), &run).await.unwrap();
    tx.commit().await.unwrap();
    let run = finish(&quality, &id).await;
    assert_eq!((run.status, run.attempts), (RunStatus::Succeeded, 2));
    assert_eq!(results(&quality).await.len(), 1);

    let id = quality.start(&scope(), evaluation(&["one"], None)).await.unwrap();
    let mut tx = world.store.begin().await.unwrap();
    let mut run = rows::run(&mut tx, &scope(), EVALUATION, &id).await.unwrap();
    run.status = RunStatus::Running;
    run.attempts = MAX_ATTEMPTS;
    rows::replace_run(&mut tx, &scope(), &run).await.unwrap();
    tx.commit().await.unwrap();
    let run = finish(&quality, &id).await;
    assert_eq!(run.status, RunStatus::Failed);
    assert!(run.error.unwrap().contains("given up"));
    assert_eq!(results(&quality).await.len(), 1);
}

#[tokio::test]
async fn a_run_is_cancelled_before_and_while_it_works() {
    let world = world().await;
    let quality = service(&world, "here");
    ruleset(&quality, "one", "Rules = [ RowCount = 3 ]").await;
    let waiting = quality.start(&scope(), evaluation(&["one"], None)).await.unwrap();
    quality.cancel_evaluation(&scope(), &waiting).await.unwrap();
    assert_eq!(quality.evaluation(&scope(), &waiting).await.unwrap().status, RunStatus::Stopped);
    assert!(quality.cancel_evaluation(&scope(), &waiting).await.is_err());
    // Told to stop through another node: whoever works on it next ends it.
    let stopping = quality.start(&scope(), evaluation(&["one"], None)).await.unwrap();
    let mut tx = world.store.begin().await.unwrap();
    let mut run = rows::run(&mut tx, &scope(), EVALUATION, &stopping).await.unwrap();
    run.status = RunStatus::Stopping;
    rows::replace_run(&mut tx, &scope(), &run).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(finish(&quality, &stopping).await.status, RunStatus::Stopped);
    assert!(results(&quality).await.is_empty());
}

#[tokio::test]
async fn what_could_only_fail_is_not_started() {
    let world = world().await;
    let quality = service(&world, "here");
    ruleset(&quality, "one", "Rules = [ RowCount = 3 ]").await;
    let refused = async |new: NewRun| quality.start(&scope(), new).await.unwrap_err().to_string();
    assert!(refused(evaluation(&["nope"], None)).await.contains("ruleset nope was not found"));
    assert!(refused(evaluation(&["one", "one"], None)).await.contains("twice"));
    assert!(refused(evaluation(&["one"], Some("file:///x"))).await.contains("s3://bucket"));
    let missing = DataSource { table: TableName { table: "nope".to_owned(), ..source().table }, ..source() };
    assert!(refused(NewRun { source: missing, ..evaluation(&["one"], None) }).await.contains("nope"));
    let long = NewRun { timeout_minutes: Some(0), ..evaluation(&["one"], None) };
    assert!(refused(long).await.contains("Timeout"));
    let token = NewRun { client_token: Some("t".to_owned()), ..evaluation(&["one"], None) };
    let first = quality.start(&scope(), token.clone()).await.unwrap();
    assert_eq!(quality.start(&scope(), token).await.unwrap(), first);
}

#[tokio::test]
async fn lists_go_page_by_page() {
    let world = world().await;
    let quality = service(&world, "here");
    for name in ["a", "b", "c"] {
        ruleset(&quality, name, "Rules = [ RowCount = 3 ]").await;
        quality.start(&scope(), evaluation(&[name], None)).await.unwrap();
    }
    let (first, token) = quality.rulesets(&scope(), &RulesetFilter::default(), None, 2).await.unwrap();
    assert_eq!(first.iter().map(|ruleset| ruleset.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let (rest, end) =
        quality.rulesets(&scope(), &RulesetFilter::default(), token.as_deref(), 2).await.unwrap();
    assert_eq!((rest.len(), rest[0].name.as_str(), end), (1, "c", None));
    let of_b = RunFilter { ruleset: Some("b".to_owned()), ..RunFilter::default() };
    assert_eq!(quality.evaluations(&scope(), &of_b, None, 10).await.unwrap().0.len(), 1);
    let all = RunFilter::default();
    let (first, token) = quality.evaluations(&scope(), &all, None, 2).await.unwrap();
    let (rest, end) = quality.evaluations(&scope(), &all, token.as_deref(), 2).await.unwrap();
    assert_eq!((first.len(), rest.len(), end), (2, 1, None));
    assert!(quality.evaluations(&scope(), &all, Some("x"), 2).await.is_err());
    assert!(quality.recommendations(&scope(), &all, None, 2).await.unwrap().0.is_empty());
}

/// The table as a script stages it: Parquet files in a folder.
async fn staged_frame(world: &World, quality: &Quality) -> StagedFrame {
    let sources = engine::Sources { store: world.store.clone(), lake: world.lake.clone(), scope: scope() };
    let session = world.engine.session(sources, engine::SessionOptions::default());
    let frame = session.table("shop", "t", engine::TableOptions::default()).await.unwrap();
    let bucket = lake::BucketName::new("test-bucket").unwrap();
    let spec = engine::write::Spec::parquet(bucket, "tmp/primary/", "part");
    let output = engine::write::write_partitioned(&session, frame, &spec).await.unwrap();
    let mut tx = quality.store().begin().await.unwrap();
    engine::write::publish(&mut tx, &world.lake, output).await.unwrap();
    tx.commit().await.unwrap();
    let columns = [("id", "int"), ("name", "string")];
    let columns = columns.map(|(name, hive)| (name.to_owned(), hive.to_owned())).to_vec();
    StagedFrame { folder: "s3://test-bucket/tmp/primary/".to_owned(), columns }
}

fn publishing(kept: bool, prefix: Option<&str>) -> Publishing {
    Publishing { context: "gate".to_owned(), prefix: prefix.map(str::to_owned), kept, run: None }
}

#[tokio::test]
async fn a_script_has_its_frames_evaluated_and_published() {
    let world = world().await;
    let quality = service(&world, "here");
    let primary = staged_frame(&world, &quality).await;
    let rules = r#"Rules = [ RowCount = 3, IsUnique "name", ReferentialIntegrity "id" "other.id" = 1,
        RowCountMatch "shop.t" = 1 ]"#;
    let others = BTreeMap::from([("other".to_owned(), primary.clone())]);
    let staged = Staged { ruleset: rules.to_owned(), primary: primary.clone(), others, by_row: false };
    let outcomes = |result: &QualityResult| -> Vec<&str> {
        result.evaluation.rules.iter().map(|rule| rule.outcome.as_str()).collect()
    };
    let result = quality.evaluate_staged(&scope(), &staged, publishing(false, None)).await.unwrap();
    assert_eq!(outcomes(&result), ["Passed"; 4]);
    assert!(results(&quality).await.is_empty(), "it was not to be kept");
    let kept = publishing(true, Some("s3://test-bucket/dq"));
    let result = quality.evaluate_staged(&scope(), &staged, kept).await.unwrap();
    assert_eq!(world.keys("dq/").await, [format!("dq/{}.json", result.id)]);
    let found = results(&quality).await;
    assert_eq!(found, [result]);
    assert_eq!(found[0].context.as_deref(), Some("gate"));

    // What cannot be written is not kept either.
    let nowhere = publishing(true, Some("s3://no-such-bucket/dq"));
    let error = quality.evaluate_staged(&scope(), &staged, nowhere).await.unwrap_err();
    assert!(error.to_string().contains("bucket no-such-bucket does not exist"), "{error}");
    let of_nobody = Publishing { run: Some("jr_1".to_owned()), ..publishing(true, None) };
    let error = quality.evaluate_staged(&scope(), &staged, of_nobody).await.unwrap_err();
    assert!(error.to_string().contains("there is no job run jr_1"), "{error}");
    assert_eq!(results(&quality).await.len(), 1);
    let wrong = Staged { ruleset: "Rules = [ IsUniqe \"id\" ]".to_owned(), ..staged };
    let error = quality.evaluate_staged(&scope(), &wrong, publishing(true, None)).await.unwrap_err();
    assert!(error.to_string().contains("IsUniqe is no type of rule"), "{error}");
}

#[tokio::test]
async fn what_rules_say_about_rows_is_staged_for_the_script() {
    let world = world().await;
    let quality = service(&world, "here");
    let primary = staged_frame(&world, &quality).await;
    let rules = r#"Rules = [ ColumnValues "id" > 1 ]"#.to_owned();
    let staged = Staged { ruleset: rules, primary, others: BTreeMap::new(), by_row: false };
    let folder = "s3://test-bucket/tmp/rows/";
    assert_eq!(quality.stage_row_outcomes(&scope(), &staged, false, folder).await.unwrap(), 3);
    assert!(!world.keys("tmp/rows/").await.is_empty());
    let columns = [("id", "int"), ("DataQualityEvaluationResult", "string")];
    let columns = columns.map(|(name, hive)| (name.to_owned(), hive.to_owned())).to_vec();
    let rows = StagedFrame { folder: folder.to_owned(), columns };
    let rules = r#"Rules = [ ColumnValues "DataQualityEvaluationResult" = "Passed" where "id > 1",
        ColumnValues "DataQualityEvaluationResult" = "Failed" where "id = 1", RowCount = 3 ]"#;
    let staged = Staged { ruleset: rules.to_owned(), primary: rows, others: BTreeMap::new(), by_row: false };
    let result = quality.evaluate_staged(&scope(), &staged, publishing(false, None)).await.unwrap();
    assert_eq!(result.evaluation.score(), Some(1.0), "{:?}", result.evaluation);
}

#[tokio::test]
async fn a_frame_without_records_has_no_files_and_is_evaluated_all_the_same() {
    let world = world().await;
    let quality = service(&world, "here");
    let columns = vec![("id".to_owned(), "int".to_owned())];
    let primary = StagedFrame { folder: "s3://test-bucket/tmp/none/".to_owned(), columns };
    let rules = r#"Rules = [ RowCount = 0, ColumnExists "id", ColumnCount = 1, RowCount > 0 ]"#.to_owned();
    let staged = Staged { ruleset: rules, primary, others: BTreeMap::new(), by_row: false };
    let result = quality.evaluate_staged(&scope(), &staged, publishing(false, None)).await.unwrap();
    assert_eq!(result.evaluation.score(), Some(0.75), "{:?}", result.evaluation);
    let folder = "s3://test-bucket/tmp/rows/";
    assert_eq!(quality.stage_row_outcomes(&scope(), &staged, false, folder).await.unwrap(), 0);
}
