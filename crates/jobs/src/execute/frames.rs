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
                transform(task, sources, node, inputs, &mut looks).await?
            }
        };
        let planned = planned.into_iter().map(|frame| quality::handed_on(task, node, frame));
        frames.insert(&node.id, planned.collect::<Result<_, _>>()?);
    }
    let input = target.inputs.first().and_then(|input| frames.remove(input.as_str())?.pop());
    let missing = || RunFailure::node(target, plan::PlanError::Refused("its input is missing".to_owned()));
    let input = input.ok_or_else(missing)?;
    for (source, reading) in readings {
        let mut scans = 0;
        for plan in looks.iter().chain([input.logical_plan()]) {
            scans += scans_of(&source, plan).map_err(|error| RunFailure::node(target, error.into()))?;
        }
        reading.scans.fetch_add(scans, Ordering::Relaxed);
    }
    Ok(input)
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
    let planned = plan::transform(&task.session, node, inputs, &mut planning).await;
    for note in planning.notes {
        task.log.info(format!("{}: {note}", name_of(node)));
    }
    let looked = !planning.looks.is_empty();
    looks.append(&mut planning.looks);
    if let (NodeKind::Sql { .. }, Ok(frames)) = (&node.kind, &planned) {
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
