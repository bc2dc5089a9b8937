//! The frames of a target: its sources' and those of the transforms between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::LogicalPlan;

use super::counters::scans_of;
use super::sources::Source;
use super::{RunFailure, Task, name_of, quality};
use crate::graph::{Graph, Node, NodeKind};
use crate::plan;

/// The frame that a target writes, built from its sources on.
pub(super) async fn plan_target(
    task: &Task<'_>,
    sources: &BTreeMap<String, Source>,
    target: &Node,
) -> Result<DataFrame, RunFailure> {
    let first = plan_inputs(task, sources, target).await?.into_iter().next();
    let first = first.ok_or_else(|| missing(target))?;
    plan::settled(&task.session, first).map_err(|error| RunFailure::node(target, error))
}

fn missing(node: &Node) -> RunFailure {
    RunFailure::node(node, plan::PlanError::Refused("its input is missing".to_owned()))
}

/// The frames of a node's inputs, in their order, built from their sources on.
pub(super) async fn plan_inputs(
    task: &Task<'_>,
    sources: &BTreeMap<String, Source>,
    target: &Node,
) -> Result<Vec<DataFrame>, RunFailure> {
    let mut frames: BTreeMap<&str, Vec<DataFrame>> = BTreeMap::new();
    let mut readings = Vec::new();
    let mut looks = Vec::new();
    let paths = paths_to(&task.graph, target);
    for node in task.graph.needed() {
        if !paths.contains(node.id.as_str()) || node.id == target.id {
            continue;
        }
        let planned = match sources.get(&node.id) {
            Some(source) => {
                let (frame, reading) = source.frame(task, node).await?;
                readings.push((frame.logical_plan().clone(), reading));
                vec![frame]
            }
            None => {
                let inputs = node.inputs.iter().filter_map(|input| frames.get(input.as_str())).flatten();
                let inputs = inputs.cloned().collect();
                match &node.kind {
                    NodeKind::Quality(own) => quality::handed_on(task, node, own, inputs).await?,
                    _ => transform(task, sources, node, inputs, &mut looks).await?,
                }
            }
        };
        frames.insert(&node.id, planned);
    }
    let of = |input: &String| frames.get(input.as_str()).and_then(|of| of.last()).cloned();
    let planned = target.inputs.iter().map(|input| of(input).ok_or_else(|| missing(target)));
    let planned = planned.collect::<Result<Vec<_>, _>>()?;
    for (source, reading) in readings {
        let mut scans = 0;
        for plan in looks.iter().chain(planned.iter().map(DataFrame::logical_plan)) {
            scans += scans_of(&source, plan).map_err(|error| RunFailure::node(target, error.into()))?;
        }
        reading.scans.fetch_add(scans, Ordering::Relaxed);
    }
    Ok(planned)
}

/// The frames of a transform. The plans that were run to make them are added to `looks`.
async fn transform(
    task: &Task<'_>,
    sources: &BTreeMap<String, Source>,
    node: &Node,
    inputs: Vec<DataFrame>,
    looks: &mut Vec<LogicalPlan>,
) -> Result<Vec<DataFrame>, RunFailure> {
    let mut planning = plan::Planning::new(task.blame.accuse(&name_of(node)), &task.decisions);
    planning.is_shared = task.graph.reads_of(node) > 1;
    let planned = plan::transform(&task.session, node, inputs, &mut planning).await;
    for note in planning.notes {
        task.log.info(format!("{}: {note}", name_of(node)));
    }
    for warning in planning.warnings {
        task.log.warn(format!("{}: {warning}", name_of(node)));
    }
    let looked = !planning.looks.is_empty();
    looks.append(&mut planning.looks);
    if let (true, Ok(frames)) = (node.kind.names_tables(), &planned) {
        for frame in frames {
            let noted = task.named.note(node, frame.logical_plan());
            noted.map_err(|error| RunFailure::node(node, error.into()))?;
        }
    }
    planned.map_err(|error| match error {
        // It has read what is before it: the fault may lie there.
        plan::PlanError::Engine(error) if looked => task.blame(sources, node, error),
        error => RunFailure::node(node, error),
    })
}

/// The nodes that a target needs, itself included.
pub(super) fn paths_to<'g>(graph: &'g Graph, target: &'g Node) -> BTreeSet<&'g str> {
    let mut paths = BTreeSet::from([target.id.as_str()]);
    // Inputs stand before what reads them.
    for node in graph.needed().collect::<Vec<_>>().into_iter().rev() {
        if paths.contains(node.id.as_str()) {
            paths.extend(node.inputs.iter().map(String::as_str));
        }
    }
    paths
}
