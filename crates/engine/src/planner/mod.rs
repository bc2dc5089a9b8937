//! From a logical to a physical plan, with the joins that memory allows.
//!
//! DataFusion's hash join holds its build side in memory and cannot spill. Where the planner expects a build side that
//! does not fit the engine's memory, the statement is planned again with sort-merge joins, which spill. The
//! expectation is rough (file sizes, Parquet's row counts); a hash join that turns out too large fails with
//! [`EngineError::MemoryExhausted`], after which jobs try once more without any ([`crate::Session::spill_joins`]).
//!
//! A join may make any number of rows of a few, without ever waiting for anything: a task that runs it could not be
//! stopped, and would keep its thread. Joins therefore give way ([`CooperativeExec`]) every few batches, and look up
//! where they make no rows (`watched`).
//!
//! Filters ask their conditions in turn (`in_turn`): those that may fail only of rows that the others accept. Text that
//! is only used as numbers is read as numbers (`numbers`), and text that a filter leaves out is not read at all (`early`). The first
//! of many sorted rows are sorted with all others (`limits`).

mod early;
mod in_turn;
mod limits;
mod numbers;
mod watched;

use std::sync::Arc;

use datafusion::{
    common::{
        stats::Precision,
        tree_node::{Transformed, TreeNode},
    },
    execution::SessionState,
    logical_expr::LogicalPlan,
    physical_plan::{
        ExecutionPlan,
        coop::CooperativeExec,
        filter::FilterExec,
        joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec},
        projection::ProjectionExec,
        sorts::sort::SortExec,
        statistics::{StatisticsArgs, StatisticsContext},
    },
};

use tokio_util::sync::CancellationToken;

use crate::{Engine, EngineError};

/// The share of the engine's memory that one build side may be expected to take.
const BUILD_SHARE: usize = 4;
/// What a row of a build side takes in the join's hash table, in bytes.
const HASHED_ROW_BYTES: usize = 24;

pub(crate) async fn plan(
    engine: &Engine,
    mut state: SessionState,
    logical: &LogicalPlan,
    cancel: &CancellationToken,
) -> Result<Arc<dyn ExecutionPlan>, EngineError> {
    let plan = state.create_physical_plan(logical).await.map_err(|error| engine.convert(&error))?;
    let limit = engine.options().memory_bytes / BUILD_SHARE;
    if !state.config_options().optimizer.prefer_hash_join || largest_build(&plan) <= limit {
        return giving_way(engine, plan, cancel);
    }
    state.config_mut().options_mut().optimizer.prefer_hash_join = false;
    let plan = state.create_physical_plan(logical).await.map_err(|error| engine.convert(&error))?;
    giving_way(engine, plan, cancel)
}

/// The plan whose joins give way and whose filters ask in turn.
fn giving_way(
    engine: &Engine,
    plan: Arc<dyn ExecutionPlan>,
    cancel: &CancellationToken,
) -> Result<Arc<dyn ExecutionPlan>, EngineError> {
    let changed = plan.transform_up(|node| {
        if let Some(top) = node.downcast_ref::<ProjectionExec>() {
            return Ok(match numbers::projection(top)? {
                Some(changed) => Transformed::yes(changed),
                None => Transformed::no(node),
            });
        }
        if let Some(filter) = node.downcast_ref::<FilterExec>() {
            return Ok(match in_turn::filter(filter)? {
                Some(changed) => Transformed::yes(changed),
                None => Transformed::no(node),
            });
        }
        if let Some(sort) = node.downcast_ref::<SortExec>() {
            return Ok(match limits::spilling(sort) {
                Some(changed) => Transformed::yes(changed),
                None => Transformed::no(node),
            });
        }
        if is_join(&node) {
            let join = watched::join(&node, cancel)?.unwrap_or(node);
            return Ok(Transformed::yes(Arc::new(CooperativeExec::new(join)) as Arc<dyn ExecutionPlan>));
        }
        Ok(Transformed::no(node))
    });
    let asked = changed.and_then(|changed| changed.data.transform_up(ask_early));
    asked.map(|changed| changed.data).map_err(|error| engine.convert(&error))
}

fn ask_early(node: Arc<dyn ExecutionPlan>) -> datafusion::error::Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let early = node.downcast_ref::<FilterExec>().map(early::filter).transpose()?;
    Ok(match early.flatten() {
        Some(changed) => Transformed::yes(changed),
        None => Transformed::no(node),
    })
}

fn is_join(node: &Arc<dyn ExecutionPlan>) -> bool {
    node.is::<CrossJoinExec>()
        || node.is::<NestedLoopJoinExec>()
        || node.is::<HashJoinExec>()
        || node.is::<SortMergeJoinExec>()
}

/// The largest build side that the planner expects of any hash join, in bytes; unknown ones count as nothing.
fn largest_build(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let below = plan.children().into_iter().map(largest_build).max().unwrap_or(0);
    let Some(join) = plan.downcast_ref::<HashJoinExec>() else {
        return below;
    };
    let built = join.left();
    below.max(expected_bytes(built).saturating_add(expected_rows(built).saturating_mul(HASHED_ROW_BYTES)))
}

fn expected_rows(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new());
    statistics.ok().and_then(|statistics| statistics.num_rows.get_value().copied()).unwrap_or(0)
}

fn expected_bytes(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new());
    match statistics.map(|statistics| statistics.total_byte_size) {
        Ok(Precision::Exact(bytes) | Precision::Inexact(bytes)) => bytes,
        // Nothing is known of this operator's output: what goes in is an upper bound of sorts.
        Ok(Precision::Absent) | Err(_) => plan.children().into_iter().map(expected_bytes).sum(),
    }
}
