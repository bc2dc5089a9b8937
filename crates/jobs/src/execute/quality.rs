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

use super::frames::plan_inputs;
use super::sources::Source;
use super::{RunFailure, Task, name_of};
use crate::graph::{Gate, HandsOn, Node, NodeKind, QualityNode};
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
        let inputs = plan_inputs(task, sources, node).await?;
        let result = evaluated(task, node, own, inputs).await.map_err(|error| match error {
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
    inputs: Vec<DataFrame>,
) -> Result<QualityResult, PlanError> {
    let ruleset = parsed(own)?;
    let clock = task.context.store.clock();
    let started_ms = clock.now_ms();
    let evaluation = quality::evaluate(input(task, node, own, inputs)?, &ruleset).await?;
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

fn parsed(own: &QualityNode) -> Result<::quality::Ruleset, PlanError> {
    quality::parse(&own.ruleset).map_err(|error| PlanError::Refused(error.to_string()))
}

/// What rules are about: the first input, and the others by their names in rules.
fn input<'a>(
    task: &'a Task<'_>,
    node: &Node,
    own: &QualityNode,
    inputs: Vec<DataFrame>,
) -> Result<Input<'a>, PlanError> {
    let name = |id: &str| task.graph.node(id).map(|node| node.name.as_str());
    let aliases = own.others(&node.inputs, name).map_err(PlanError::Refused)?;
    let mut inputs = inputs.into_iter();
    let primary = inputs.next().ok_or_else(|| PlanError::Refused("its input is missing".to_owned()))?;
    let others = aliases.into_iter().map(str::to_owned).zip(inputs).collect();
    let now_ms = task.context.store.clock().now_ms();
    Ok(Input { session: &task.session, primary, others, now_ms, by_row: own.by_row })
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

/// What a node hands on; its rules have been evaluated.
pub(super) async fn handed_on(
    task: &Task<'_>,
    node: &Node,
    own: &QualityNode,
    inputs: Vec<DataFrame>,
) -> Result<Vec<DataFrame>, RunFailure> {
    let evaluation = {
        let found = task.quality.lock();
        let missing =
            || RunFailure::node(node, PlanError::Refused("its rules were not evaluated".to_owned()));
        match own.hands_on {
            HandsOn::Input => None,
            _ => Some(found.get(&node.id).ok_or_else(missing)?.evaluation.clone()),
        }
    };
    let planned = Box::pin(frames(task, node, own, inputs, evaluation.as_ref())).await;
    planned.map_err(|error| RunFailure::node(node, error))
}

/// The frames of a node, of whose evaluation something is known, or nothing yet.
pub(super) async fn frames(
    task: &Task<'_>,
    node: &Node,
    own: &QualityNode,
    inputs: Vec<DataFrame>,
    evaluation: Option<&Evaluation>,
) -> Result<Vec<DataFrame>, PlanError> {
    let nothing = Evaluation::default();
    let evaluation = evaluation.unwrap_or(&nothing);
    let of_rules = || {
        let batch = outcomes(evaluation).map_err(datafusion::error::DataFusionError::from)?;
        plan::plain(task.session.context().read_batch(batch)?)
    };
    match own.hands_on {
        HandsOn::Input => Ok(inputs.into_iter().take(1).collect()),
        HandsOn::Outcomes => Ok(vec![of_rules()?]),
        HandsOn::All => {
            let original = inputs.first().cloned();
            let rows = quality::row_outcomes(input(task, node, own, inputs)?, &parsed(own)?, false).await?;
            Ok([plan::plain(rows)?, of_rules()?].into_iter().chain(original).collect())
        }
    }
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
