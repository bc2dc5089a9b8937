//! The first of many rows in an order. The engine's sort with a limit holds all that it gives, and cannot spill; a sort of all rows can.

use std::sync::Arc;

use datafusion::physical_plan::{
    ExecutionPlan, ExecutionPlanProperties, limit::GlobalLimitExec, sorts::sort::SortExec,
};

/// So many rows are held in memory.
const HELD_ROWS: usize = 1 << 16;

/// The sort without its limit, which comes after it; `None` where there is none or few rows are asked for.
pub(super) fn spilling(sort: &SortExec) -> Option<Arc<dyn ExecutionPlan>> {
    let rows = sort.fetch().filter(|rows| *rows > HELD_ROWS)?;
    let all: Arc<dyn ExecutionPlan> = Arc::new(sort.with_fetch(None));
    // Of several sorted streams the first rows are taken by what merges them.
    let is_whole = all.output_partitioning().partition_count() == 1;
    Some(if is_whole { Arc::new(GlobalLimitExec::new(all, 0, Some(rows))) } else { all })
}
