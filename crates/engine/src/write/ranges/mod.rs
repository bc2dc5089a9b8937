//! Sorting what is written on all threads, each of which then writes a range of the order.
//!
//! ```text
//! before: SortPreservingMerge ─ Sort ─ input        one sorted stream, one writer
//! now:    InRanges ─ SortPreservingMerge ─ Sort ─ Held ─ input
//! ```
//!
//! [`InRanges`] first holds the rows of its input in memory ([`load`]). If they fit a share of the engine's memory, it sorts
//! them itself ([`formats::order`]) and gives as many sorted streams as there are threads, each with rows that come before
//! all of the next. If they do not, what is held goes, followed by the rest of the input, through the plan's own sort, which spills: all of it
//! comes from the first stream then. Few rows come from one stream, too: they are no work to share, and would be small files.

mod held;
mod load;

use std::{fmt, sync::Arc};

use datafusion::{
    common::tree_node::TreeNodeRecursion,
    error::{DataFusionError, Result},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::{LexOrdering, PhysicalExpr},
    physical_plan::{
        DisplayAs, DisplayFormatType, EmptyRecordBatchStream, ExecutionPlan, ExecutionPlanProperties,
        Partitioning, PlanProperties, ReplaceChildrenOptions,
        execution_plan::ChildrenPropertiesMode,
        filter::FilterExec,
        projection::ProjectionExec,
        sorts::{sort::SortExec, sort_preserving_merge::SortPreservingMergeExec},
        stream::RecordBatchStreamAdapter,
    },
};
use futures::{StreamExt, TryFutureExt, TryStreamExt, stream};

use held::{Held, Room};
use load::{Loaded, Loading};

use super::Spec;
use crate::Options;

type Plan = Arc<dyn ExecutionPlan>;

/// The share of the engine's memory in which the rows of an output may be held; more of them spill.
const MEMORY_SHARE: usize = 4;
/// Rows are shared out to threads when each has at least this share of a file's target size in memory, or so much.
const LEAST_FILE_SHARE: u64 = 4;
const LEAST_BYTES: usize = 32 << 20;

/// What sorting in ranges may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Streams, at most.
    pub(super) ranges: usize,
    /// A range has at least about so many bytes in memory, when there is more than one.
    pub(super) least_bytes: usize,
    /// What may be held in memory.
    pub(super) memory_bytes: usize,
}

impl Limits {
    /// Those of an output.
    pub(super) fn of(engine: &Options, spec: &Spec) -> Self {
        let share = usize::try_from(spec.target_file_bytes / LEAST_FILE_SHARE).unwrap_or(usize::MAX);
        Self {
            ranges: engine.threads.min(spec.max_tasks.unwrap_or(usize::MAX)),
            least_bytes: share.min(LEAST_BYTES),
            memory_bytes: engine.memory_bytes / MEMORY_SHARE,
        }
    }
}

/// The plan with its last sort in ranges; unchanged where it ends in none, or its rows are limited.
pub(super) fn in_ranges(plan: Plan, limits: Limits) -> Result<Plan> {
    if limits.ranges < 2 {
        return Ok(plan);
    }
    if let Some(sort) = whole_sort(&plan) {
        let types =
            sort.expr().iter().map(|key| key.expr.data_type(&sort.schema())).collect::<Result<Vec<_>>>()?;
        return match formats::order::is_sortable(types.iter()) {
            true => Ok(Arc::new(InRanges::new(&plan, sort, limits)?)),
            false => Ok(plan),
        };
    }
    let passes_on = plan.is::<ProjectionExec>()
        || plan.downcast_ref::<FilterExec>().is_some_and(|filter| filter.fetch().is_none());
    match plan.children().first() {
        Some(child) if passes_on => {
            let child = in_ranges(Arc::clone(child), limits)?;
            replace(plan, child)
        }
        _ => Ok(plan),
    }
}

/// The sort that a plan consists of, over all rows of its input.
fn whole_sort(plan: &Plan) -> Option<&SortExec> {
    if let Some(merge) = plan.downcast_ref::<SortPreservingMergeExec>() {
        let sort = merge.input().downcast_ref::<SortExec>()?;
        let is_whole = merge.fetch().is_none() && sort.fetch().is_none() && merge.expr() == sort.expr();
        return is_whole.then_some(sort);
    }
    let sort = plan.downcast_ref::<SortExec>()?;
    let one_stream = plan.output_partitioning().partition_count() == 1
        && sort.input().output_partitioning().partition_count() == 1;
    (one_stream && sort.fetch().is_none()).then_some(sort)
}

/// The node over another child.
fn replace(node: Plan, child: Plan) -> Result<Plan> {
    node.replace_children(vec![child], ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
}

/// The same, with a node of the input between a sort and what it sorts.
fn over_held(plan: &Plan, held: &Plan) -> Result<Plan> {
    let child = if plan.is::<SortExec>() {
        Arc::clone(held)
    } else {
        let below = plan.children().into_iter().next().cloned();
        over_held(&below.ok_or_else(|| DataFusionError::Internal("a sort is gone".to_owned()))?, held)?
    };
    replace(Arc::clone(plan), child)
}

/// Rows in sorted streams, one behind the other.
#[derive(Debug)]
struct InRanges {
    /// The plan's own sort, of what could not be held.
    spilling: Plan,
    properties: Arc<PlanProperties>,
    loading: Arc<Loading>,
}

impl InRanges {
    fn new(plan: &Plan, sort: &SortExec, limits: Limits) -> Result<Self> {
        let input = Arc::clone(sort.input());
        let room = Arc::new(Room::new(input.output_partitioning().partition_count()));
        let held: Plan = Arc::new(Held::new(Arc::clone(&input), Arc::clone(&room)));
        let spilling = over_held(plan, &held)?;
        let properties = PlanProperties::new(
            spilling.equivalence_properties().clone(),
            Partitioning::UnknownPartitioning(limits.ranges),
            spilling.pipeline_behavior(),
            spilling.boundedness(),
        );
        let keys: LexOrdering = sort.expr().clone();
        let loading = Arc::new(Loading::new(input, keys, limits, room));
        Ok(Self { spilling, properties: Arc::new(properties), loading })
    }
}

impl DisplayAs for InRanges {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InRanges: {}", self.properties.partitioning.partition_count())
    }
}

impl ExecutionPlan for InRanges {
    fn name(&self) -> &'static str {
        "InRanges"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Plan> {
        vec![&self.spilling]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(self: Arc<Self>, children: Vec<Plan>, _: ReplaceChildrenOptions) -> Result<Plan> {
        let same = children.first().is_some_and(|child| Arc::ptr_eq(child, &self.spilling));
        match same {
            true => Ok(self),
            false => Err(DataFusionError::Internal("a sort in ranges is planned last".to_owned())),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Plan>) -> Result<Plan> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, range: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (schema, spilling) = (self.schema(), Arc::clone(&self.spilling));
        let loaded = self.loading.loaded(&context).map_err(DataFusionError::Shared);
        let empty = Arc::clone(&schema);
        let rows = loaded.map_ok(move |loaded| match loaded {
            Loaded::Sorted(sorted) => Ok(sorted.range(range, context.session_config().batch_size())),
            Loaded::TooLarge if range == 0 => spilling.execute(0, context),
            Loaded::TooLarge => Ok(Box::pin(EmptyRecordBatchStream::new(empty)) as SendableRecordBatchStream),
        });
        let rows = stream::once(async move { rows.await? }).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows.boxed())))
    }
}
