//! Nodes that evaluate data quality rules.

use serde_json::{Value, json};

use super::{BUCKET, World, csv, parquet, scope};
use crate::quality::service::{Quality, QualityOptions, QualityResult, ResultFilter};
use crate::run::RunState;

const PASSES: &str = r#"Rules = [ RowCount = 3, IsComplete "id" ]"#;
const FAILS: &str = r#"Rules = [ RowCount = 3, RowCount > 5 ]"#;

async fn world() -> World {
    let world = World::new().await;
    world.put("in/a.csv", "id,name\n1,ann\n2,bob\n3,cid\n").await;
    world
}

fn rules(input: &str, ruleset: &str, extra: Value) -> Value {
    let mut node = json!({"Name": "rules", "Inputs": [input], "Ruleset": ruleset});
    if let (Value::Object(node), Value::Object(extra)) = (&mut node, extra) {
        node.extend(extra);
    }
    json!({"EvaluateDataQuality": node})
}

fn stop(timing: &str) -> Value {
    json!({"StopJobOnFailureOptions": {"StopJobOnFailureTiming": timing}})
}

async fn results(world: &World) -> Vec<QualityResult> {
    let options = QualityOptions { node: "n".to_owned(), max_running: 1, lease_ms: 1_000 };
    let quality = Quality::new(world.store.clone(), world.lake.clone(), world.engine.clone(), options);
    quality.results(&scope(), &ResultFilter::default(), None, 10).await.unwrap().0
}

#[tokio::test]
async fn a_node_hands_on_its_input_and_keeps_its_results() {
    let world = world().await;
    let publishing = json!({"PublishingOptions":
        {"EvaluationContext": "night", "ResultsS3Prefix": format!("s3://{BUCKET}/found"), "CloudWatchMetricsEnabled": false}});
    // A rule that does not pass is no gate by itself.
    let nodes = json!({"src": csv("in"), "dq": rules("src", FAILS, publishing), "out": parquet("dq", "out")});
    let run = world.succeeds("job", nodes).await;
    assert_eq!(world.rows("out/").await, ["1|ann", "2|bob", "3|cid"]);
    assert_eq!(run.details.totals.rows_in, 3, "what is read to evaluate is not counted");
    let found = results(&world).await;
    let [result] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(result.evaluation.score(), Some(0.5));
    assert_eq!((result.ruleset.as_str(), result.context.as_deref()), ("rules", Some("night")));
    assert_eq!(result.job.as_ref().unwrap(), &("job".to_owned(), run.id.clone()));
    assert_eq!(world.keys("found/").await, [format!("found/{}.json", result.id)]);
}

#[tokio::test]
async fn a_gate_before_the_loading_writes_nothing_but_results() {
    let world = world().await;
    let nodes =
        json!({"src": csv("in"), "dq": rules("src", FAILS, stop("Immediate")), "out": parquet("dq", "out")});
    let message = world.fails("job", nodes).await;
    assert!(
        message.contains("EvaluateDataQuality dq (rules): 1 of 2 data quality rules did not pass"),
        "{message}"
    );
    assert!(message.contains("RowCount > 5 (Dataset.*.RowCount is 3, not > 5)"), "{message}");
    assert!(world.keys("out/").await.is_empty());
    assert_eq!(results(&world).await.len(), 1);
    let nodes =
        json!({"src": csv("in"), "dq": rules("src", PASSES, stop("Immediate")), "out": parquet("dq", "out")});
    world.succeeds("good", nodes).await;
    assert_eq!(world.rows("out/").await.len(), 3);
}

#[tokio::test]
async fn a_gate_after_the_loading_fails_a_run_whose_output_is_there() {
    let world = world().await;
    let nodes = json!({"src": csv("in"), "dq": rules("src", FAILS, stop("AfterDataLoad")), "out": parquet("dq", "out")});
    let run = world.run("job", nodes).await;
    assert_eq!(run.details.state, RunState::Failed);
    assert!(run.details.error_message.unwrap().contains("1 of 2 data quality rules did not pass"));
    assert_eq!(world.rows("out/").await.len(), 3);
    assert_eq!(results(&world).await.len(), 1);
}

#[tokio::test]
async fn rules_are_evaluated_though_nothing_reads_the_node() {
    let world = world().await;
    let nodes =
        json!({"src": csv("in"), "dq": rules("src", FAILS, stop("Immediate")), "out": parquet("src", "out")});
    world.fails("job", nodes).await;
    assert!(world.keys("out/").await.is_empty());
    let kept = json!({"PublishingOptions": {"ResultsPublishingEnabled": false}});
    let nodes = json!({"src": csv("in"), "dq": rules("src", FAILS, kept), "out": parquet("src", "out")});
    world.succeeds("kept", nodes).await;
    assert_eq!(results(&world).await.len(), 1, "only those of the first job");
}

#[tokio::test]
async fn outcomes_can_be_written() {
    let world = world().await;
    let outcomes = json!({"Output": "EvaluationResults"});
    let nodes = json!({"src": csv("in"), "dq": rules("src", FAILS, outcomes), "out": parquet("dq", "out")});
    world.succeeds("job", nodes).await;
    assert_eq!(
        world.rows("out/").await,
        [
            "RowCount = 3|Passed|~|{Dataset.*.RowCount: 3.0}|RowCount = 3",
            "RowCount > 5|Failed|Dataset.*.RowCount is 3, not > 5|{Dataset.*.RowCount: 3.0}|RowCount > 5",
        ]
    );
}

#[tokio::test]
async fn a_job_with_rules_that_cannot_be_evaluated_is_refused() {
    let world = World::idle().await;
    for (ruleset, extra, why) in [
        ("Rules = [ Nope ]", json!({}), "node dq (EvaluateDataQuality): Ruleset: line 1, column 11"),
        (r#"Rules = [ RowCountMatch "other" = 1 ]"#, json!({}), "its rules name another dataset, other"),
        (PASSES, json!({"Output": "Both"}), "Output Both is not one of"),
        (PASSES, stop("Never"), "StopJobOnFailureTiming Never"),
        (
            PASSES,
            json!({"PublishingOptions": {"CloudWatchMetricsEnabled": true}}),
            "not reported to CloudWatch",
        ),
        (PASSES, json!({"PublishingOptions": {"ResultsS3Prefix": "x"}}), "s3://bucket/folder/"),
    ] {
        let nodes =
            json!({"src": csv("in"), "dq": rules("src", ruleset, extra), "out": parquet("dq", "out")});
        let message = world.create("job", nodes, json!({})).await.unwrap_err().to_string();
        assert!(message.contains(why), "{message}");
    }
}

/// A node over orders and the customers that they name.
fn multi_frame(ruleset: &str, extra: Value) -> Value {
    let mut node = json!({"Name": "rules", "Inputs": ["src", "people"], "Ruleset": ruleset,
        "AdditionalDataSources": {"people": "customers"}});
    if let (Value::Object(node), Value::Object(extra)) = (&mut node, extra) {
        node.extend(extra);
    }
    json!({"EvaluateDataQualityMultiFrame": node})
}

fn choose(name: &str, index: usize) -> Value {
    json!({"SelectFromCollection": {"Name": name, "Inputs": ["dq"], "Index": index}})
}

#[tokio::test]
async fn rules_about_several_inputs_give_rows_outcomes_and_the_data() {
    let world = world().await;
    world.put("people/a.csv", "name\nann\nbob\n").await;
    let ruleset = r#"Rules = [ ReferentialIntegrity "name" "customers.name" = 1, ColumnValues "id" > 1, RowCount = 3 ]"#;
    let nodes = json!({
        "src": csv("in"), "people": csv("people"), "dq": multi_frame(ruleset, json!({})),
        "rows": choose("rowLevelOutcomes", 0), "outcomes": choose("ruleOutcomes", 1), "data": choose("mine", 2),
        "out_rows": parquet("rows", "rows"), "out_outcomes": parquet("outcomes", "outcomes"),
        "out_data": parquet("data", "data"),
    });
    world.succeeds("job", nodes).await;
    let integrity = r#"ReferentialIntegrity "name" "customers.name" = 1"#;
    let values = r#"ColumnValues "id" > 1"#;
    assert_eq!(
        world.rows("rows/").await,
        [
            format!("1|ann|[{integrity}]|[{values}]|[RowCount = 3]|Failed"),
            format!("2|bob|[{integrity}, {values}]|[]|[RowCount = 3]|Passed"),
            format!("3|cid|[{values}]|[{integrity}]|[RowCount = 3]|Failed"),
        ]
    );
    let outcomes: Vec<String> =
        world.rows("outcomes/").await.iter().map(|row| row.split('|').nth(1).unwrap().to_owned()).collect();
    assert_eq!(outcomes, ["Failed", "Failed", "Passed"]);
    assert_eq!(world.rows("data/").await, ["1|ann", "2|bob", "3|cid"]);
    assert_eq!(results(&world).await.len(), 1);
}

#[tokio::test]
async fn a_composite_rule_holds_for_all_rows_or_row_by_row() {
    let world = world().await;
    world.put("people/a.csv", "name\nann\n").await;
    // Each row keeps one of them, and neither keeps all rows.
    let ruleset = r#"Rules = [ (ColumnValues "id" < 3) or (ColumnValues "name" = "cid") ]"#;
    let run = |job: &'static str, method: &'static str| {
        let options = json!({"AdditionalOptions": {"compositeRuleEvaluation.method": method,
            "observations.scope": "ALL", "performanceTuning.caching": "CACHE_NOTHING"},
            "StopJobOnFailureOptions": {"StopJobOnFailureTiming": "Immediate"}});
        let nodes = json!({"src": csv("in"), "people": csv("people"), "dq": multi_frame(ruleset, options),
            "data": choose("data", 2), "out": parquet("data", "out")});
        world.run(job, nodes)
    };
    assert_eq!(run("rows", "ROW").await.details.state, RunState::Succeeded);
    assert_eq!(run("columns", "COLUMN").await.details.state, RunState::Failed);
}

#[tokio::test]
async fn a_job_whose_rules_know_their_inputs_by_no_name_is_refused() {
    let world = World::idle().await;
    let about_other = r#"Rules = [ RowCountMatch "other" = 1.0 ]"#;
    let named = |names: Value| json!({"AdditionalDataSources": names});
    for (ruleset, extra, chosen, why) in [
        (about_other, json!({}), choose("data", 2), "Ruleset: other is the name of no input"),
        (PASSES, named(json!({})), choose("data", 2), "its input people has no name there"),
        (
            PASSES,
            named(json!({"src": "a", "people": "b"})),
            choose("data", 2),
            "src is none of its inputs behind",
        ),
        (
            PASSES,
            named(json!({"people": "primary"})),
            choose("data", 2),
            "primary is the name of the first input",
        ),
        (
            PASSES,
            json!({"AdditionalOptions": {"compositeRuleEvaluation.method": "BOTH"}}),
            choose("data", 2),
            "compositeRuleEvaluation.method BOTH is not one of ROW, COLUMN",
        ),
        (PASSES, json!({}), choose("ruleOutcomes", 0), "its name ruleOutcomes is that of the frame 1"),
        (PASSES, json!({}), choose("data", 3), "gives 3 frames, from 0"),
    ] {
        let nodes = json!({"src": csv("in"), "people": csv("people"), "dq": multi_frame(ruleset, extra),
            "data": chosen, "out": parquet("data", "out")});
        let message = world.create("job", nodes, json!({})).await.unwrap_err().to_string();
        assert!(message.contains(why), "{message}");
    }
    // By its name instead of its id.
    let mut people = csv("people");
    people["S3CsvSource"]["Name"] = json!("the people");
    let nodes = json!({"src": csv("in"), "people": people, "data": choose("data", 2), "out": parquet("data", "out"),
        "dq": multi_frame(about_other, named(json!({"the people": "other"})))});
    world.create("job", nodes, json!({})).await.unwrap();
}
