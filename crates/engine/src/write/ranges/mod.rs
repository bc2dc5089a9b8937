//! Sorting what is written on all threads, each of which then writes a range of the order.
//!
//! ```text
//! before: SortPreservingMerge ─ Sort ─ input        one sorted stream, one writer
//! now:    InRanges ─ input                          one sorted stream and one writer for each thread
//! ```
//!
//! [`InRanges`] sorts the rows of its input ([`formats::order`]), with a share of the engine's memory, and the rest in files of the
//! spill folder, and gives as many sorted streams as there are threads, each with rows that come before
//! all of the next. Few rows come from one stream: they are no work to share, and would be small files. With partition columns
//! the order is one of folders first ([`folders`]).

mod folders;
mod load;
mod sorting;
mod spill;

use std::{fmt, ops::RangeInclusive, sync::Arc};

use datafusion::{
    common::tree_node::TreeNodeRecursion,
    error::{DataFusionError, Result},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::PhysicalExpr,
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
        ReplaceChildrenOptions,
        execution_plan::ChildrenPropertiesMode,
        filter::FilterExec,
        limit::GlobalLimitExec,
        metrics::MetricsSet,
        projection::ProjectionExec,
        repartition::RepartitionExec,
        sorts::{sort::SortExec, sort_preserving_merge::SortPreservingMergeExec},
        stream::RecordBatchStreamAdapter,
    },
};
use formats::order;
use futures::{StreamExt, TryFutureExt, TryStreamExt, stream};

use folders::{Folders, Numbers};
use load::Loading;
pub(super) use sorting::{Incoming, Ordered, Sorting};

use super::Spec;
use crate::Options;

type Plan = Arc<dyn ExecutionPlan>;

/// The share of the engine's memory in which the rows of an output may be held, and what suffices in any case: more of them
/// go to files, which the system keeps in memory as long as it has some.
const MEMORY_SHARE: usize = 16;
const MEMORY_BYTES: usize = 32 << 20;
/// The share that blocks of files may take while they are merged: as many as there may be, for each thread.
const MERGE_SHARE: usize = 8;
const MAX_PIECES: usize = 512;
/// Larger blocks gain nothing, smaller ones are read slowly.
const BLOCK_BYTES: RangeInclusive<usize> = 4 << 10..=64 << 10;
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
    /// What may be held of files.
    pub(super) merge_bytes: usize,
}

impl Limits {
    /// Those of an output.
    pub(super) fn of(engine: &Options, spec: &Spec) -> Self {
        let share = usize::try_from(spec.target_file_bytes / LEAST_FILE_SHARE).unwrap_or(usize::MAX);
        Self {
            ranges: engine.threads.min(spec.max_tasks.unwrap_or(usize::MAX)),
            least_bytes: share.min(LEAST_BYTES),
            memory_bytes: (engine.memory_bytes / MEMORY_SHARE).min(MEMORY_BYTES),
            merge_bytes: engine.memory_bytes / MERGE_SHARE,
        }
    }

    /// What each of the input's parts may hold.
    fn order(&self, parts: usize) -> order::Limits {
        let block_bytes = self.merge_bytes / (self.ranges.max(1) * MAX_PIECES);
        order::Limits {
            block_bytes: block_bytes.clamp(*BLOCK_BYTES.start(), *BLOCK_BYTES.end()),
            pieces: (MAX_PIECES / parts.max(1)).max(2),
        }
    }
}

/// A plan, and what is known of the order of its rows.
pub(super) struct Planned {
    pub(super) plan: Plan,
    /// Whether the rows of each stream are in an order that was asked for.
    pub(super) is_sorted: bool,
    /// Whether they come folder after folder.
    pub(super) is_by_folder: bool,
}

/// The plan with its last sort in ranges, in each folder if not across them. Where that cannot be, as the rows are limited, they come
/// in one stream; the plan is unchanged where it does not end in a sort. `keys`: the columns that make folders.
pub(super) fn in_ranges(plan: Plan, keys: &[usize], limits: Limits) -> Result<Planned> {
    let folders = Folders::of(&plan, keys);
    if let Some(planned) = sorted(&plan, &folders, false, limits)? {
        return Ok(planned);
    }
    let one = in_one_stream(&plan, limits)?;
    let is_sorted = one.is_some() || plan.output_ordering().is_some();
    Ok(Planned { plan: one.unwrap_or(plan), is_sorted, is_by_folder: false })
}

/// `is_merged`: above are the parts merged that the node gives.
fn sorted(plan: &Plan, folders: &Folders, is_merged: bool, limits: Limits) -> Result<Option<Planned>> {
    if let Some(sort) = plan.downcast_ref::<SortExec>() {
        let is_whole = is_merged || plan.output_partitioning().partition_count() == 1;
        if !is_whole || sort.fetch().is_some() || !is_sortable(sort)? {
            return Ok(None);
        }
        let numbers = folders.numbers(&sort.schema())?;
        let is_by_folder = numbers.is_some();
        let plan: Plan = Arc::new(InRanges::new(plan, sort, numbers, limits)?);
        return Ok(Some(Planned { plan, is_sorted: true, is_by_folder }));
    }
    let Some(child) = plan.children().first().copied() else { return Ok(None) };
    if let Some(merge) = plan.downcast_ref::<SortPreservingMergeExec>() {
        return if merge.fetch().is_none() { sorted(child, folders, true, limits) } else { Ok(None) };
    }
    if is_dealing(plan) {
        return sorted(child, folders, is_merged, limits);
    }
    if !passes_on(plan) {
        return Ok(None);
    }
    let below = sorted(child, &folders.below(plan)?, is_merged, limits)?;
    below.map(|below| Ok(Planned { plan: replace(plan, below.plan)?, ..below })).transpose()
}

/// The plan with the stream of its last sort as it comes; `None` where it does not end in one.
fn in_one_stream(plan: &Plan, limits: Limits) -> Result<Option<Plan>> {
    let is_sort = plan.is::<SortExec>() || plan.is::<SortPreservingMergeExec>();
    if is_sort && plan.output_partitioning().partition_count() == 1 {
        let one = in_one_range(plan, limits)?;
        return Ok(Some(one.unwrap_or_else(|| Arc::clone(plan))));
    }
    let Some(child) = plan.children().first().copied() else { return Ok(None) };
    if is_dealing(plan) {
        return in_one_stream(child, limits);
    }
    if !passes_on(plan) && !plan.is::<GlobalLimitExec>() {
        return Ok(None);
    }
    in_one_stream(child, limits)?.map(|child| replace(plan, child)).transpose()
}

/// The rows of the last sort on one thread, by way of files, and the first of them where the plan merges no more; `None` where
/// the engine finds few rows in memory, or the rows cannot be sorted here.
fn in_one_range(plan: &Plan, limits: Limits) -> Result<Option<Plan>> {
    if let Some(sort) = plan.downcast_ref::<SortExec>() {
        if sort.fetch().is_some() || !is_sortable(sort)? {
            return Ok(None);
        }
        return Ok(Some(Arc::new(InRanges::new(plan, sort, None, Limits { ranges: 1, ..limits })?)));
    }
    let Some(child) = plan.children().first().copied() else { return Ok(None) };
    if plan.is::<SortPreservingMergeExec>() {
        let below = in_one_range(child, limits)?;
        return Ok(below.map(|below| match plan.fetch() {
            Some(rows) => Arc::new(GlobalLimitExec::new(below, 0, Some(rows))) as Plan,
            None => below,
        }));
    }
    if !plan.is::<ProjectionExec>() {
        return Ok(None);
    }
    in_one_range(child, limits)?.map(|child| replace(plan, child)).transpose()
}

fn is_sortable(sort: &SortExec) -> Result<bool> {
    let types =
        sort.expr().iter().map(|key| key.expr.data_type(&sort.schema())).collect::<Result<Vec<_>>>()?;
    Ok(order::is_sortable(&sort.input().schema(), types.iter()))
}

/// Whether it deals rows out to threads as if they had no order: it does, where columns that they are sorted by are left out or
/// written otherwise above.
fn is_dealing(plan: &Plan) -> bool {
    plan.downcast_ref::<RepartitionExec>()
        .is_some_and(|node| matches!(node.partitioning(), Partitioning::RoundRobinBatch(_)))
}

/// Whether its rows are those of its child, in the same order.
fn passes_on(plan: &Plan) -> bool {
    plan.is::<ProjectionExec>()
        || plan.downcast_ref::<FilterExec>().is_some_and(|filter| filter.fetch().is_none())
}

/// The node over another child.
fn replace(node: &Plan, child: Plan) -> Result<Plan> {
    Arc::clone(node)
        .replace_children(vec![child], ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
}

/// Rows in sorted streams, one behind the other.
#[derive(Debug)]
struct InRanges {
    properties: Arc<PlanProperties>,
    loading: Arc<Loading>,
}

impl InRanges {
    fn new(plan: &Plan, sort: &SortExec, folders: Option<Numbers>, limits: Limits) -> Result<Self> {
        let properties = PlanProperties::new(
            plan.equivalence_properties().clone(),
            Partitioning::UnknownPartitioning(limits.ranges),
            plan.pipeline_behavior(),
            plan.boundedness(),
        );
        let loading = Arc::new(Loading::new(Arc::clone(sort.input()), sort.expr(), folders, limits)?);
        Ok(Self { properties: Arc::new(properties), loading })
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
        vec![self.loading.input()]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(self: Arc<Self>, children: Vec<Plan>, _: ReplaceChildrenOptions) -> Result<Plan> {
        let same = children.first().is_some_and(|child| Arc::ptr_eq(child, self.loading.input()));
        match same {
            true => Ok(self),
            false => Err(DataFusionError::Internal("a sort in ranges is planned last".to_owned())),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Plan>) -> Result<Plan> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, range: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let loaded = self.loading.loaded(&context).map_err(DataFusionError::Shared);
        let rows = async move { loaded.await?.range(range, &context) };
        let rows = stream::once(rows).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows.boxed())))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.loading.metrics().clone_inner())
    }
}
