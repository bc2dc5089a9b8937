//! A second attempt of a run: because its sources have more columns than the sample of their files, because its joins need more
//! memory than there is, or because others have changed a table that it read to replace some of its rows.

use std::collections::BTreeMap;

use engine::EngineError;
use formats::{FormatError, Problem};

use super::sources::Source;
use super::{RunFailure, Task};
use crate::graph::{Node, NodeKind};
use crate::plan::PlanError;

/// After a failure because a file has a column that the sample of its source does not, looks at all files of the source; after
/// one for want of memory, lets joins spill: so that everything can be staged anew. What was staged is let go, and was never seen.
/// Errors: any other failure.
pub(super) async fn look(
    task: &Task<'_>,
    sources: &mut BTreeMap<String, Source>,
    failure: RunFailure,
) -> Result<(), RunFailure> {
    let RunFailure::Node { error: PlanError::Engine(met), node } = &failure else { return Err(failure) };
    let is_worth_it = match met {
        EngineError::Format(met) => look_at_source(task, sources, met).await?,
        EngineError::MemoryExhausted { .. } => joins_spill(task, node),
        _ => false,
    };
    if !is_worth_it {
        return Err(failure);
    }
    begin(task, sources);
    Ok(())
}

/// Makes the run as it was before it staged anything.
pub(super) fn begin(task: &Task<'_>, sources: &mut BTreeMap<String, Source>) {
    sources.values_mut().for_each(Source::begin_again);
    task.counters.begin_again();
    task.decisions.begin_again();
}

async fn look_at_source(
    task: &Task<'_>,
    sources: &mut BTreeMap<String, Source>,
    met: &FormatError,
) -> Result<bool, RunFailure> {
    let is_unknown = matches!(met.problem, Problem::UnknownName { .. });
    match sources.values_mut().find(|source| is_unknown && source.reads(&met.place.source)) {
        Some(source) => source.look_at_all(task, met).await,
        None => Ok(false),
    }
}

/// Whether there are joins, and they are of the kind that spills from now on only.
fn joins_spill(task: &Task<'_>, node: &str) -> bool {
    let joins = |node: &Node| {
        matches!(node.kind, NodeKind::Join { .. } | NodeKind::Sql { .. } | NodeKind::Merge { .. })
    };
    let again = task.graph.needed().any(joins) && task.session.spill_joins();
    if again {
        task.log.info(format!(
            "node {node} needs more memory than the run has: all is staged once more, with joins that go to disk"
        ));
    }
    again
}
