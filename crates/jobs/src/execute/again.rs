//! A second attempt of a run whose sources have more columns than the sample of their files.

use std::collections::BTreeMap;

use engine::EngineError;
use formats::Problem;

use super::sources::Source;
use super::{RunFailure, Task};
use crate::plan::PlanError;

/// After a failure because a file has a column that the sample of its source does not: looks at all files of the source, so
/// that everything can be staged anew. What was staged is let go, and was never seen. Errors: any other failure.
pub(super) async fn look(
    task: &Task<'_>,
    sources: &mut BTreeMap<String, Source>,
    failure: RunFailure,
) -> Result<(), RunFailure> {
    let RunFailure::Node { error: PlanError::Engine(EngineError::Format(met)), .. } = &failure else {
        return Err(failure);
    };
    let is_unknown = matches!(met.problem, Problem::UnknownName { .. });
    let source = sources.values_mut().find(|source| is_unknown && source.reads(&met.place.source));
    let looked = match source {
        Some(source) => source.look_at_all(task, met).await?,
        None => false,
    };
    if !looked {
        return Err(failure);
    }
    sources.values_mut().for_each(Source::begin_again);
    task.counters.begin_again();
    task.decisions.begin_again();
    Ok(())
}
