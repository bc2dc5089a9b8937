//! Nodes that evaluate data quality rules: before anything is written, over the same objects that are written from.
//!
//! All of them are evaluated first, whether a target reads them or not. A gate that is `Immediate` then ends the run: its
//! results are stored, and nothing else is. Otherwise the results become visible with the output, in one transaction; a
//! gate that is `AfterDataLoad` makes that transaction end the run as FAILED.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, Float64Builder, MapBuilder, RecordBatch, StringArray, StringBuilder};
use arrow::datatypes::{Field, Schema};
use datafusion::dataframe::DataFrame;
use lake::{Conditions, Meta};
use store::{Tx, lease};

use super::sources::Source;
use super::{RunFailure, Task, name_of, plan_target};
use crate::graph::{Gate, Node, NodeKind, QualityNode};
use crate::plan::{self, PlanError};
use crate::quality::service::{Place, QualityError, QualityResult, insert_result, result_id, result_lines};
use crate::quality::{self, Evaluation, Input};

/// What the nodes of a run have found, by their ids.
#[derive(Debug, Default)]
pub(crate) struct Found {
    results: Mutex<BTreeMap<String, QualityResult>>,
}

impl Found {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, QualityResult>> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nodes<'a>(task: &'a Task<'_>) -> impl Iterator<Item = (&'a Node, &'a QualityNode)> {
    task.graph.needed().filter_map(|node| match &node.kind {
        NodeKind::Quality(own) => Some((node, own.as_ref())),
        _ => None,
    })
}

/// Evaluates every node, and ends the run at the first gate that a rule does not pass.
pub(super) async fn evaluate(task: &Task<'_>, sources: &BTreeMap<String, Source>) -> Result<(), RunFailure> {
    task.quality.lock().clear();
    if nodes(task).next().is_none() {
        return Ok(());
    }
    for (node, own) in nodes(task) {
        let input = plan_target(task, sources, node).await?;
        let result = evaluated(task, node, own, input).await.map_err(|error| match error {
            PlanError::Engine(error) => task.blame(sources, node, error),
            other => RunFailure::node(node, other),
        })?;
        let refusal = refused(node, &result.evaluation);
        task.quality.lock().insert(node.id.clone(), result);
        if let (Some(Gate::Immediate), Some(refusal)) = (own.gate, refusal) {
            keep(task).await?;
            return Err(refusal);
        }
    }
    // What was read to evaluate is no part of what the run reads to write.
    task.counters.begin_again();
    Ok(())
}

async fn evaluated(
    task: &Task<'_>,
    node: &Node,
    own: &QualityNode,
    primary: DataFrame,
) -> Result<QualityResult, PlanError> {
    let ruleset = quality::parse(&own.ruleset).map_err(|error| PlanError::Refused(error.to_string()))?;
    let clock = task.context.store.clock();
    let started_ms = clock.now_ms();
    let input =
        Input { session: &task.session, primary, others: BTreeMap::new(), now_ms: started_ms, by_row: false };
    let evaluation = quality::evaluate(input, &ruleset).await?;
    for rule in &evaluation.rules {
        let why = rule.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        task.log.info(format!("{}: {} {}{why}", name_of(node), rule.outcome.as_str(), rule.rule));
    }
    Ok(QualityResult {
        id: result_id(&task.context.store),
        source: None,
        ruleset: node.name.clone(),
        context: own.context.clone(),
        job: Some((task.run.details.job.clone(), task.run.id.clone())),
        run: None,
        started_ms,
        completed_ms: clock.now_ms(),
        evaluation,
    })
}

/// The failure of a node of whose rules some do not pass.
fn refused(node: &Node, evaluation: &Evaluation) -> Option<RunFailure> {
    let of = evaluation.rules.len();
    let not: Vec<String> = evaluation
        .not_passed()
        .map(|rule| match &rule.reason {
            Some(reason) => format!("{} ({reason})", rule.rule),
            None => rule.rule.clone(),
        })
        .collect();
    (!not.is_empty()).then(|| RunFailure::Quality { node: name_of(node), of, not })
}

/// What a node hands on: its frame, unless its outcomes are wanted instead.
pub(super) fn handed_on(task: &Task<'_>, node: &Node, frame: DataFrame) -> Result<DataFrame, RunFailure> {
    let NodeKind::Quality(own) = &node.kind else { return Ok(frame) };
    if !own.gives_outcomes {
        return Ok(frame);
    }
    let found = task.quality.lock();
    let missing = || RunFailure::node(node, PlanError::Refused("its rules were not evaluated".to_owned()));
    let batch = outcomes(&found.get(&node.id).ok_or_else(missing)?.evaluation);
    let batch = batch.map_err(datafusion::error::DataFusionError::from);
    let frame = batch.and_then(|batch| task.session.context().read_batch(batch));
    frame.map_err(PlanError::from).and_then(plan::plain).map_err(|error| RunFailure::node(node, error))
}

/// A row for each rule, with Glue's columns.
fn outcomes(evaluation: &Evaluation) -> Result<RecordBatch, arrow::error::ArrowError> {
    let text = |of: &dyn Fn(&quality::RuleOutcome) -> Option<String>| {
        Arc::new(evaluation.rules.iter().map(of).collect::<StringArray>()) as ArrayRef
    };
    let mut metrics = MapBuilder::new(None, StringBuilder::new(), Float64Builder::new());
    for rule in &evaluation.rules {
        for (name, value) in &rule.metrics {
            metrics.keys().append_value(name);
            metrics.values().append_value(*value);
        }
        metrics.append(true)?;
    }
    let columns = [
        ("Rule", text(&|rule| Some(rule.rule.clone()))),
        ("Outcome", text(&|rule| Some(rule.outcome.as_str().to_owned()))),
        ("FailureReason", text(&|rule| rule.reason.clone())),
        ("EvaluatedMetrics", Arc::new(metrics.finish()) as ArrayRef),
        ("EvaluatedRule", text(&|rule| Some(rule.rule.clone()))),
    ];
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, array)| array).collect())
}

/// Stores what was found, of a run that ends here.
async fn keep(task: &Task<'_>) -> Result<(), RunFailure> {
    let mut tx = task.context.store.begin().await?;
    match lease::check(&mut tx, task.lease).await {
        Ok(()) => {}
        Err(store::StoreError::LeaseLost { .. }) => return Err(RunFailure::Ended),
        Err(error) => return Err(error.into()),
    }
    store_all(task, &mut tx).await?;
    Ok(tx.commit().await?)
}

/// Puts what was found into the transaction; returns why the run is to end as FAILED, if it is.
pub(super) async fn store_all(task: &Task<'_>, tx: &mut Tx) -> Result<Option<String>, RunFailure> {
    let found = task.quality.lock().clone();
    let mut end = None;
    for (node, own) in nodes(task) {
        let Some(result) = found.get(&node.id) else { continue };
        if own.kept {
            insert_result(tx, &task.run.scope, result).await.map_err(|error| failed(node, error))?;
        }
        if let Some(prefix) = &own.prefix {
            write(task, tx, node, prefix, result).await?;
        }
        if own.gate == Some(Gate::AfterDataLoad) && end.is_none() {
            end = refused(node, &result.evaluation).map(|refusal| refusal.to_string());
        }
    }
    Ok(end)
}

fn failed(node: &Node, error: QualityError) -> RunFailure {
    match error {
        QualityError::Store(error) => RunFailure::Store(error),
        other => RunFailure::node(node, PlanError::Refused(other.to_string())),
    }
}

async fn write(
    task: &Task<'_>,
    tx: &mut Tx,
    node: &Node,
    prefix: &str,
    result: &QualityResult,
) -> Result<(), RunFailure> {
    let place = Place::parse(prefix).map_err(|error| failed(node, error))?;
    let key = place.key(&result.id).map_err(|error| failed(node, error))?;
    let conditions = Conditions { owner: Some(task.run.scope.account.clone()), ..Conditions::NONE };
    let lake = &task.context.lake;
    let written = async {
        let staged = lake.stage_bytes(result_lines(result)).await?;
        lake.put(tx, &place.bucket, &key, staged, Meta::of_type("application/json"), &conditions).await
    };
    match written.await {
        Ok(_) => Ok(()),
        Err(lake::LakeError::Store(error)) => Err(error.into()),
        Err(error) => Err(RunFailure::node(node, PlanError::Refused(format!("{prefix}: {error}")))),
    }
}
