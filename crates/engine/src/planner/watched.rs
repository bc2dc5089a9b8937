//! Joins that notice a stop, and that let others have their turn.
//!
//! A join whose condition refuses what its keys let through, and one that only asks whether there is a match, may compute
//! for minutes within one poll: no row leaves it, so it neither sees that it was stopped nor gives back its thread, and
//! whatever else was queued on that thread waits, perhaps with a transaction of the store. Its condition is asked every few
//! thousand pairs; so that is where it looks up.

use std::{
    cell::Cell,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
    time::{Duration, Instant},
};

use arrow::{
    datatypes::{FieldRef, Schema},
    record_batch::RecordBatch,
};
use datafusion::{
    common::JoinType,
    error::{DataFusionError, Result},
    logical_expr::ColumnarValue,
    physical_expr::{PhysicalExpr, expressions::lit},
    physical_plan::{
        ExecutionPlan,
        joins::{
            HashJoinExec, NestedLoopJoinExec, NestedLoopJoinExecBuilder, SortMergeJoinExec, utils::JoinFilter,
        },
    },
};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio_util::sync::CancellationToken;

use crate::EngineError;

/// How long a thread computes before what else is queued on it may go to another.
const TURN: Duration = Duration::from_millis(10);

/// The join with its condition watched; `None` for a node that is no join, or one that never computes for long without a row.
pub(super) fn join(
    node: &Arc<dyn ExecutionPlan>,
    cancel: &CancellationToken,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(join) = node.downcast_ref::<HashJoinExec>() {
        let Some(filter) = watched(join.filter(), *join.join_type(), cancel) else { return Ok(None) };
        return Ok(Some(join.builder().with_filter(Some(filter)).build_exec()?));
    }
    if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
        let Some(filter) = watched(join.filter(), *join.join_type(), cancel) else { return Ok(None) };
        return Ok(Some(Arc::new(NestedLoopJoinExecBuilder::from(join).with_filter(Some(filter)).build()?)));
    }
    if let Some(join) = node.downcast_ref::<SortMergeJoinExec>() {
        let Some(filter) = watched(join.filter().as_ref(), join.join_type(), cancel) else { return Ok(None) };
        let (left, right) = (Arc::clone(join.left()), Arc::clone(join.right()));
        let (options, nulls) = (join.sort_options().to_vec(), join.null_equality());
        let on = join.on().to_vec();
        let made =
            SortMergeJoinExec::try_new(left, right, on, Some(filter), join.join_type(), options, nulls)?;
        return Ok(Some(Arc::new(made)));
    }
    Ok(None)
}

fn watched(filter: Option<&JoinFilter>, ty: JoinType, cancel: &CancellationToken) -> Option<JoinFilter> {
    let (condition, columns, schema) = match filter {
        Some(filter) => {
            (Arc::clone(filter.expression()), filter.column_indices().to_vec(), Arc::clone(filter.schema()))
        }
        None if only_asks(ty) => (lit(true), Vec::new(), Arc::new(Schema::empty())),
        None => return None,
    };
    Some(JoinFilter::new(Arc::new(Watched { condition, cancel: cancel.clone() }), columns, schema))
}

/// Whether any number of pairs make one row, or none.
fn only_asks(ty: JoinType) -> bool {
    !matches!(ty, JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full)
}

/// A join's condition.
#[derive(Debug, Clone)]
struct Watched {
    condition: Arc<dyn PhysicalExpr>,
    cancel: CancellationToken,
}

impl PartialEq for Watched {
    fn eq(&self, other: &Self) -> bool {
        self.condition.eq(&other.condition)
    }
}

impl Eq for Watched {}

impl Hash for Watched {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.condition.hash(state);
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.condition, f)
    }
}

impl PhysicalExpr for Watched {
    fn return_field(&self, input_schema: &Schema) -> Result<FieldRef> {
        self.condition.return_field(input_schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if self.cancel.is_cancelled() {
            return Err(DataFusionError::External(Box::new(EngineError::Cancelled)));
        }
        let others_wait = is_over() && Handle::try_current().is_ok_and(|handle| may_hand_over(&handle));
        if !others_wait {
            return self.condition.evaluate(batch);
        }
        tokio::task::block_in_place(|| {
            // What was queued on this thread is another's now, once that one runs; this one goes on as a plain thread, and
            // the system shares the processor out among them.
            std::thread::yield_now();
            self.condition.evaluate(batch)
        })
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.condition]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let condition = children.into_iter().next();
        let condition =
            condition.ok_or_else(|| DataFusionError::Internal("a condition is gone".to_owned()))?;
        Ok(Arc::new(Self { condition, cancel: self.cancel.clone() }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt_sql(f)
    }
}

/// Whether this thread's turn is over; then the next one begins.
fn is_over() -> bool {
    thread_local! {
        static BEGAN: Cell<Instant> = Cell::new(Instant::now());
    }
    BEGAN.with(|began| {
        let over = began.get().elapsed() > TURN;
        if over {
            began.set(Instant::now());
        }
        over
    })
}

/// Where there is one thread only, nothing can be handed over.
fn may_hand_over(handle: &Handle) -> bool {
    handle.runtime_flavor() == RuntimeFlavor::MultiThread
}
