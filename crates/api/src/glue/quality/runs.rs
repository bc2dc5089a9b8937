//! Runs that evaluate rulesets, and runs that recommend rules.

use std::collections::BTreeMap;

use jobs::quality::service::{NewRun, QualityError, QualityRun, RunFilter, Work};
use serde_json::{Value, json};
use store::Scope;
use wire::{Call, Fault, Reply, epoch_seconds};

use super::{QualityFace, fault, limit, read};
use crate::glue::catalog::{required, scope};
use crate::glue::errors;

pub(super) async fn start_evaluation(face: &QualityFace, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let options = call.input.get("AdditionalRunOptions");
    let option = |name: &str| options.and_then(|options| options.get(name));
    if option("CloudWatchMetricsEnabled").and_then(Value::as_bool) == Some(true) {
        let what = "CloudWatchMetricsEnabled true is refused: results are not reported to CloudWatch";
        return Err(errors::invalid(format!("AdditionalRunOptions.{what}")));
    }
    let names = call.input.get("RulesetNames").and_then(Value::as_array).into_iter().flatten();
    let work = Work::Evaluation {
        rulesets: names.filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        additional: additional(&scope, &call)?,
        by_row: option("CompositeRuleEvaluationMethod").and_then(Value::as_str) == Some("ROW"),
        prefix: option("ResultsS3Prefix").and_then(Value::as_str).map(str::to_owned),
        options: options.cloned(),
    };
    let id = face.quality.start(&scope, new_run(&scope, &call, work)?).await.map_err(fault)?;
    Ok(Reply::from(json!({ "RunId": id })))
}

pub(super) async fn start_recommendation(face: &QualityFace, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    if call.text("RecommendationMode") == Some("ADVANCED") {
        return Err(errors::invalid("RecommendationMode ADVANCED is not supported; BASIC is"));
    }
    let creates = call.text("CreatedRulesetName").map(str::to_owned);
    let work = Work::Recommendation { creates, recommended: None };
    let id =
        face.quality.start(&scope, new_run(&scope, &call, work)?).await.map_err(|error| match error {
            // The operation has no fault of its own for a name that is taken.
            QualityError::RulesetExists { .. } => Fault::new("ConflictException", error.to_string()),
            other => fault(other),
        })?;
    Ok(Reply::from(json!({ "RunId": id })))
}

fn new_run(scope: &Scope, call: &Call, work: Work) -> Result<NewRun, Fault> {
    let nothing = json!({});
    Ok(NewRun {
        source: read::source(scope, call.input.get("DataSource").unwrap_or(&nothing))?,
        role: required(call, "Role").to_owned(),
        workers: call.integer("NumberOfWorkers"),
        timeout_minutes: call.integer("Timeout"),
        work,
        client_token: call.text("ClientToken").map(str::to_owned),
    })
}

fn additional(
    scope: &Scope,
    call: &Call,
) -> Result<BTreeMap<String, jobs::quality::service::DataSource>, Fault> {
    let given = call.input.get("AdditionalDataSources").and_then(Value::as_object).into_iter().flatten();
    given.map(|(alias, value)| Ok((alias.clone(), read::source(scope, value)?))).collect()
}

pub(super) async fn get_evaluation(face: &QualityFace, call: Call) -> Result<Reply, Fault> {
    let run = face.quality.evaluation(&scope(&call)?, required(&call, "RunId")).await.map_err(fault)?;
    Ok(Reply::from(shown(&run)))
}

pub(super) async fn get_recommendation(face: &QualityFace, call: Call) -> Result<Reply, Fault> {
    let run = face.quality.recommendation(&scope(&call)?, required(&call, "RunId")).await.map_err(fault)?;
    Ok(Reply::from(shown(&run)))
}

pub(super) async fn batch_get(face: &QualityFace, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let (mut runs, mut missing) = (Vec::new(), Vec::new());
    for id in call.input.get("RunIds").and_then(Value::as_array).into_iter().flatten() {
        match face.quality.evaluation(&scope, id.as_str().unwrap_or_default()).await {
            Ok(run) => runs.push(shown(&run)),
            Err(QualityError::RunNotFound { .. }) => missing.push(id.clone()),
            Err(error) => return Err(fault(error)),
        }
    }
    Ok(Reply::from(json!({ "Runs": runs, "RunsNotFound": missing })))
}

pub(super) async fn cancel_evaluation(face: &QualityFace, call: Call) -> Result<Reply, Fault> {
    face.quality.cancel_evaluation(&scope(&call)?, required(&call, "RunId")).await.map_err(fault)?;
    Ok(Reply::empty())
}

pub(super) async fn cancel_recommendation(face: &QualityFace, call: Call) -> Result<Reply, Fault> {
    face.quality.cancel_recommendation(&scope(&call)?, required(&call, "RunId")).await.map_err(fault)?;
    Ok(Reply::empty())
}

fn filter(scope: &Scope, call: &Call) -> Result<RunFilter, Fault> {
    let given = call.input.get("Filter");
    Ok(RunFilter {
        table: read::filtered(scope, given)?,
        ruleset: given.and_then(|filter| read::text(filter, "RulesetName")).map(str::to_owned),
        started_before_ms: read::moment(given, "StartedBefore"),
        started_after_ms: read::moment(given, "StartedAfter"),
    })
}

pub(super) async fn list_evaluations(face: &QualityFace, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let wanted = filter(&scope, &call)?;
    let found = face.quality.evaluations(&scope, &wanted, call.text("NextToken"), limit(&call)).await;
    let (runs, next) = found.map_err(fault)?;
    let runs: Vec<Value> = runs.iter().map(listed).collect();
    Ok(Reply::from(json!({ "Runs": runs, "NextToken": next })))
}

pub(super) async fn list_recommendations(face: &QualityFace, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let wanted = filter(&scope, &call)?;
    let found = face.quality.recommendations(&scope, &wanted, call.text("NextToken"), limit(&call)).await;
    let (runs, next) = found.map_err(fault)?;
    let runs: Vec<Value> = runs.iter().map(listed).collect();
    Ok(Reply::from(json!({ "Runs": runs, "NextToken": next })))
}

fn listed(run: &QualityRun) -> Value {
    let mut listed = json!({
        "RunId": run.id,
        "Status": run.status.as_str(),
        "StartedOn": epoch_seconds(run.created_ms),
        "DataSource": run.source.given,
    });
    if let Work::Recommendation { creates, .. } = &run.work {
        listed["RecommendationMode"] = json!("BASIC");
        if let Some(name) = creates {
            listed["CreatedRulesetName"] = json!(name);
        }
    }
    listed
}

fn shown(run: &QualityRun) -> Value {
    let mut shown = listed(run);
    shown["Role"] = json!(run.role);
    shown["Timeout"] = json!(run.timeout_minutes);
    shown["LastModifiedOn"] = epoch_seconds(run.modified_ms);
    let begun_ms = run.begun_ms.unwrap_or(run.created_ms);
    shown["ExecutionTime"] = json!(run.ended_ms.map_or(0, |ended_ms| (ended_ms - begun_ms).max(0) / 1000));
    if let Some(workers) = run.workers {
        shown["NumberOfWorkers"] = json!(workers);
    }
    if let Some(ended_ms) = run.ended_ms {
        shown["CompletedOn"] = epoch_seconds(ended_ms);
    }
    if let Some(error) = &run.error {
        shown["ErrorString"] = json!(errors::cut(error));
    }
    match &run.work {
        Work::Evaluation { rulesets, additional, options, .. } => {
            shown["RulesetNames"] = json!(rulesets);
            if !run.results.is_empty() {
                shown["ResultIds"] = json!(run.results);
            }
            if !additional.is_empty() {
                let given: BTreeMap<&String, &Value> =
                    additional.iter().map(|(alias, source)| (alias, &source.given)).collect();
                shown["AdditionalDataSources"] = json!(given);
            }
            if let Some(options) = options {
                shown["AdditionalRunOptions"] = options.clone();
            }
        }
        Work::Recommendation { recommended, .. } => {
            if let Some(text) = recommended {
                shown["RecommendedRuleset"] = json!(text);
            }
        }
    }
    shown
}
