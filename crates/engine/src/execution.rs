//! Running a physical plan: a task on the engine's threads feeds a small channel.
//!
//! The consumer decides the pace: the task computes at most [`BATCHES_AHEAD`] batches ahead. Dropping the
//! [`Execution`] or firing the session's token stops the task and everything below it, and frees its memory.

use std::sync::Arc;

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::{
    execution::TaskContext,
    physical_plan::{ExecutionPlan, execute_stream},
};
use futures::StreamExt;
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{Engine, EngineError, RunStats, bad::BadLog, stats};

/// Batches that wait for a slow consumer.
const BATCHES_AHEAD: usize = 2;

/// A running statement. Dropping it stops it.
#[derive(Debug)]
pub struct Execution {
    plan: Arc<dyn ExecutionPlan>,
    batches: mpsc::Receiver<Result<RecordBatch, EngineError>>,
    cancel: CancellationToken,
    rows_out: u64,
    bad: Arc<BadLog>,
    ended: bool,
    // Aborts the task when dropped.
    _task: JoinSet<()>,
}

impl Execution {
    pub(crate) fn start(
        engine: &Engine,
        plan: Arc<dyn ExecutionPlan>,
        context: Arc<TaskContext>,
        cancel: CancellationToken,
        bad: Arc<BadLog>,
    ) -> Result<Self, EngineError> {
        let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
        let mut task = JoinSet::new();
        task.spawn_on(feed(engine.clone(), Arc::clone(&plan), context, sender), engine.handle()?);
        Ok(Self { plan, batches, cancel, rows_out: 0, bad, ended: false, _task: task })
    }

    /// The schema of the batches.
    pub fn schema(&self) -> SchemaRef {
        self.plan.schema()
    }

    /// The next batch, or `None` at the end. Nothing follows an error.
    /// Errors: `Cancelled` once the session's token fired; else what the plan met.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, EngineError>> {
        if self.ended {
            return None;
        }
        let received = tokio::select! {
            biased;
            () = self.cancel.cancelled() => Some(Err(EngineError::Cancelled)),
            received = self.batches.recv() => received,
        };
        // A sender that vanished without saying `end` would look like the end of the data.
        let item =
            received.unwrap_or_else(|| Err(EngineError::Internal("a query's task vanished".to_owned())));
        match item {
            Ok(batch) if is_end(&batch) => {
                self.ended = true;
                None
            }
            Ok(batch) => {
                self.rows_out += batch.num_rows() as u64;
                Some(Ok(batch))
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error))
            }
        }
    }

    /// What the run has done so far; final after [`Self::next`] returned `None`.
    pub fn stats(&self) -> RunStats {
        let bad_records = self.bad.count();
        RunStats { rows_out: self.rows_out, bad_records, ..stats::gather(&self.plan) }
    }
}

/// The mark that a stream has ended as it should: a batch without rows, which a stream's data never is.
fn is_end(batch: &RecordBatch) -> bool {
    batch.num_rows() == 0
}

async fn feed(
    engine: Engine,
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    sender: mpsc::Sender<Result<RecordBatch, EngineError>>,
) {
    let schema = plan.schema();
    let mut stream = match execute_stream(plan, context) {
        Ok(stream) => stream,
        Err(error) => return report(&sender, engine.convert(&error)).await,
    };
    while let Some(item) = stream.next().await {
        match item {
            Ok(batch) if batch.num_rows() == 0 => {}
            // A receiver that is gone has dropped its execution: nobody waits for more.
            Ok(batch) => {
                if sender.send(Ok(batch)).await.is_err() {
                    return;
                }
            }
            Err(error) => return report(&sender, engine.convert(&error)).await,
        }
    }
    // Ignored for the same reason.
    let _ = sender.send(Ok(RecordBatch::new_empty(schema))).await;
}

async fn report(sender: &mpsc::Sender<Result<RecordBatch, EngineError>>, error: EngineError) {
    // Fails only when the execution was dropped, and with it the interest in the error.
    let _ = sender.send(Err(error)).await;
}
