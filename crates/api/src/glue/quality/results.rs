//! Results.

use jobs::quality::service::{QualityError, QualityResult, ResultFilter};
use jobs::quality::{Metrics, Outcome, RuleOutcome};
use serde_json::{Value, json};
use wire::{Call, Fault, Reply, epoch_seconds};

use super::{QualityFace, fault, limit, read};
use crate::glue::catalog::{required, scope};
use crate::glue::errors;

pub(super) async fn get(face: &QualityFace, call: Call) -> Result<Reply, Fault> {
    let result = face.quality.result(&scope(&call)?, required(&call, "ResultId")).await.map_err(fault)?;
    Ok(Reply::from(shown(&result)))
}

pub(super) async fn batch_get(face: &QualityFace, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let (mut results, mut missing) = (Vec::new(), Vec::new());
    for id in call.input.get("ResultIds").and_then(Value::as_array).into_iter().flatten() {
        match face.quality.result(&scope, id.as_str().unwrap_or_default()).await {
            Ok(result) => results.push(shown(&result)),
            Err(QualityError::ResultNotFound { .. }) => missing.push(id.clone()),
            Err(error) => return Err(fault(error)),
        }
    }
    Ok(Reply::from(json!({ "Results": results, "ResultsNotFound": missing })))
}

pub(super) async fn list(face: &QualityFace, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let given = call.input.get("Filter");
    let text = |member: &str| given.and_then(|filter| read::text(filter, member)).map(str::to_owned);
    let filter = ResultFilter {
        table: read::filtered(&scope, given)?,
        job: text("JobName"),
        job_run: text("JobRunId"),
        started_before_ms: read::moment(given, "StartedBefore"),
        started_after_ms: read::moment(given, "StartedAfter"),
    };
    let found = face.quality.results(&scope, &filter, call.text("NextToken"), limit(&call)).await;
    let (results, next) = found.map_err(fault)?;
    let results: Vec<Value> = results.iter().map(listed).collect();
    Ok(Reply::from(json!({ "Results": results, "NextToken": next })))
}

fn listed(result: &QualityResult) -> Value {
    let mut listed = json!({ "ResultId": result.id, "StartedOn": epoch_seconds(result.started_ms) });
    if let Some(source) = &result.source {
        listed["DataSource"] = source.given.clone();
    }
    if let Some((job, run)) = &result.job {
        listed["JobName"] = json!(job);
        listed["JobRunId"] = json!(run);
    }
    listed
}

fn shown(result: &QualityResult) -> Value {
    let evaluation = &result.evaluation;
    let mut shown = listed(result);
    shown["RulesetName"] = json!(result.ruleset);
    shown["CompletedOn"] = epoch_seconds(result.completed_ms);
    if let Some(score) = evaluation.score() {
        shown["Score"] = json!(score);
    }
    if let Some(context) = &result.context {
        shown["EvaluationContext"] = json!(context);
    }
    if let Some(run) = &result.run {
        shown["RulesetEvaluationRunId"] = json!(run);
    }
    shown["RuleResults"] =
        evaluation.rules.iter().enumerate().map(|(at, rule)| rule_result(at, rule)).collect();
    let analyzers = evaluation.analyzers.iter().enumerate().map(|(at, analyzer)| {
        let mut shown = json!({
            "Name": format!("Analyzer_{}", at + 1),
            "Description": errors::cut(&analyzer.analyzer),
            "EvaluatedMetrics": finite(&analyzer.metrics),
        });
        if let Some(reason) = &analyzer.reason {
            shown["EvaluationMessage"] = json!(errors::cut(reason));
        }
        shown
    });
    shown["AnalyzerResults"] = analyzers.collect();
    let passed = evaluation.rules.iter().filter(|rule| rule.outcome == Outcome::Passed).count();
    shown["AggregatedMetrics"] = json!({
        "TotalRulesProcessed": evaluation.rules.len() as f64,
        "TotalRulesPassed": passed as f64,
        "TotalRulesFailed": (evaluation.rules.len() - passed) as f64,
    });
    shown
}

fn rule_result(at: usize, rule: &RuleOutcome) -> Value {
    let text = errors::cut(&rule.rule);
    let mut shown = json!({
        "Name": format!("Rule_{}", at + 1),
        "Description": text,
        "EvaluatedRule": text,
        "Result": rule.outcome.status(),
        "EvaluatedMetrics": finite(&rule.metrics),
    });
    if let Some(reason) = &rule.reason {
        shown["EvaluationMessage"] = json!(errors::cut(reason));
    }
    if !rule.labels.is_empty() {
        shown["Labels"] = json!(rule.labels);
    }
    shown
}

/// JSON has no numbers for infinities.
fn finite(metrics: &Metrics) -> Value {
    metrics
        .iter()
        .filter(|(_, value)| value.is_finite())
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect()
}
