//! Rows that were held in memory, and what follows them in the input.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use datafusion::{
    common::tree_node::TreeNodeRecursion,
    error::{DataFusionError, Result},
    execution::{SendableRecordBatchStream, TaskContext, memory_pool::MemoryReservation},
    physical_expr::PhysicalExpr,
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
        execution_plan::ChildrenPropertiesMode, stream::RecordBatchStreamAdapter,
    },
};
use formats::order::Run;
use futures::{StreamExt, stream};

/// What was read of one part of the input, until there was no room for more.
pub(super) struct Part {
    pub(super) run: Run,
    /// Of what the run holds.
    pub(super) reservation: MemoryReservation,
    /// The rest; none when there is nothing more.
    pub(super) rest: Option<SendableRecordBatchStream>,
}

/// Where parts wait for who sorts them after all.
pub(super) struct Room(Mutex<Vec<Option<Part>>>);

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Room")
    }
}

impl Room {
    pub(super) fn new(parts: usize) -> Self {
        Self(Mutex::new((0..parts).map(|_| None).collect()))
    }

    /// Puts all parts in, in the order of the input's.
    pub(super) fn fill(&self, parts: Vec<Part>) {
        // Nothing panics while it is locked.
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = parts.into_iter().map(Some).collect();
    }

    fn take(&self, part: usize) -> Option<Part> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(part).and_then(Option::take)
    }
}

/// The input of a sort, some of which is held already.
#[derive(Debug)]
pub(super) struct Held {
    input: Arc<dyn ExecutionPlan>,
    room: Arc<Room>,
}

impl Held {
    pub(super) fn new(input: Arc<dyn ExecutionPlan>, room: Arc<Room>) -> Self {
        Self { input, room }
    }
}

impl DisplayAs for Held {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}

impl ExecutionPlan for Held {
    fn name(&self) -> &'static str {
        "Held"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.into_iter().next() {
            Some(input) => Ok(Arc::new(Self { input, room: Arc::clone(&self.room) })),
            None => Err(DataFusionError::Internal("held rows have no input".to_owned())),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, part: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(Part { run, reservation, rest }) = self.room.take(part) else {
            return Err(DataFusionError::Internal(format!("part {part} of a sort's input is not held")));
        };
        // As much is given back with each batch as it may have taken: whoever takes it accounts for it at once.
        let batches = stream::iter(run.into_batches()).map(move |batch| {
            let bytes = batch.get_array_memory_size().min(reservation.size());
            reservation.shrink(bytes);
            Ok(batch)
        });
        let rest = stream::iter(rest).flatten();
        let rows = batches.chain(rest).boxed();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.input.schema(), rows)))
    }
}
