//! Holding a sort's input in memory, and sorting it there.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use arrow::{compute::SortOptions, datatypes::SchemaRef};
use datafusion::{
    common::runtime::JoinSet,
    error::{DataFusionError, Result},
    execution::{
        SendableRecordBatchStream, TaskContext,
        memory_pool::{MemoryConsumer, MemoryReservation},
    },
    physical_expr::LexOrdering,
    physical_plan::{ExecutionPlanProperties, stream::RecordBatchStreamAdapter},
};
use formats::order::{Chunk, OrderedRange, Run, Sorted, Unsorted};
use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, Shared},
    stream,
};

use super::{
    Limits, Plan,
    held::{Part, Room},
};

/// What has become of a sort's input.
#[derive(Clone)]
pub(super) enum Loaded {
    /// It is sorted.
    Sorted(InMemory),
    /// It did not fit; its parts are in the [`Room`].
    TooLarge,
}

/// Sorted rows in memory.
#[derive(Clone)]
pub(super) struct InMemory {
    sorted: Arc<Sorted>,
    ranges: Arc<Vec<OrderedRange>>,
    schema: SchemaRef,
    reservations: Arc<Vec<MemoryReservation>>,
}

impl InMemory {
    /// The rows of a range; none for a range that there is not.
    pub(super) fn range(&self, range: usize, batch_rows: usize) -> SendableRecordBatchStream {
        let cursor = self.ranges.get(range).map(|range| self.sorted.cursor(range, batch_rows));
        // Held as long as anybody reads.
        let reservations = Arc::clone(&self.reservations);
        let rows = stream::unfold((cursor, reservations), async |(cursor, reservations)| {
            let mut cursor = cursor?;
            let batch = cursor.next_batch().transpose()?;
            Some((batch.map_err(DataFusionError::from), (Some(cursor), reservations)))
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows.boxed()))
    }
}

/// An error is every stream's.
type Outcome = std::result::Result<Loaded, Arc<DataFusionError>>;

/// The input, which is loaded once, for all streams.
pub(super) struct Loading {
    input: Plan,
    keys: LexOrdering,
    limits: Limits,
    room: Arc<Room>,
    outcome: Mutex<Option<Shared<BoxFuture<'static, Outcome>>>>,
}

impl fmt::Debug for Loading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loading").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Loading {
    pub(super) fn new(input: Plan, keys: LexOrdering, limits: Limits, room: Arc<Room>) -> Self {
        Self { input, keys, limits, room, outcome: Mutex::new(None) }
    }

    /// What becomes of the input. Whoever asks first begins.
    pub(super) fn loaded(&self, context: &Arc<TaskContext>) -> Shared<BoxFuture<'static, Outcome>> {
        // Nothing panics while it is locked.
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = || {
            let (input, keys, limits) = (Arc::clone(&self.input), self.keys.clone(), self.limits);
            let (room, context) = (Arc::clone(&self.room), Arc::clone(context));
            async move { load(input, keys, limits, &room, context).await.map_err(Arc::new) }.boxed().shared()
        };
        outcome.get_or_insert_with(begin).clone()
    }
}

async fn load(
    input: Plan,
    keys: LexOrdering,
    limits: Limits,
    room: &Room,
    context: Arc<TaskContext>,
) -> Result<Loaded> {
    let held = Arc::new(HeldBytes { limit: limits.memory_bytes, ..HeldBytes::default() });
    let mut tasks = JoinSet::new();
    for part in 0..input.output_partitioning().partition_count() {
        let consumer = MemoryConsumer::new(format!("SortInRanges[{part}]")).with_can_spill(true);
        let reservation = consumer.register(context.memory_pool());
        let (stream, keys) = (input.execute(part, Arc::clone(&context))?, keys.clone());
        let held = Arc::clone(&held);
        tasks.spawn(async move { read(stream, &keys, reservation, &held).await.map(|read| (part, read)) });
    }
    let mut parts = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        parts.push(joined.map_err(lost)??);
    }
    parts.sort_by_key(|(part, _)| *part);
    let parts: Vec<Part> = parts.into_iter().map(|(_, part)| part).collect();
    if held.is_over() {
        room.fill(parts);
        return Ok(Loaded::TooLarge);
    }
    let options: Vec<SortOptions> = keys.iter().map(|key| key.options).collect();
    let (runs, reservations): (Vec<_>, Vec<_>) =
        parts.into_iter().map(|part| (part.run, part.reservation)).unzip();
    sort(Unsorted::new(runs, options), input.schema(), limits, reservations).await
}

/// What all parts hold together.
#[derive(Default)]
struct HeldBytes {
    limit: usize,
    bytes: AtomicUsize,
    /// Whether there was no room for a batch.
    over: AtomicBool,
}

impl HeldBytes {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Takes room for a batch; when there is none, nobody holds more from now on.
    fn take(&self, bytes: usize, reservation: &MemoryReservation) {
        let all = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if all > self.limit || reservation.try_grow(bytes).is_err() {
            self.over.store(true, Ordering::Relaxed);
        }
    }
}

/// Reads a part of the input until it ends, or there is no room for more.
async fn read(
    mut stream: SendableRecordBatchStream,
    keys: &LexOrdering,
    reservation: MemoryReservation,
    held: &HeldBytes,
) -> Result<Part> {
    let mut run = Run::new(keys.iter().map(|key| key.options).collect());
    while !held.is_over() {
        let Some(batch) = stream.next().await else {
            return Ok(Part { run, reservation, rest: None });
        };
        let batch = batch?;
        let keys = keys.iter().map(|key| key.expr.evaluate(&batch)?.into_array(batch.num_rows()));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        // A batch that is one too many is held all the same: it is the first to be given on.
        held.take(Run::weight(&batch, &keys), &reservation);
        run.push(batch, keys)?;
    }
    Ok(Part { run, reservation, rest: Some(stream) })
}

async fn sort(
    unsorted: Unsorted,
    schema: SchemaRef,
    limits: Limits,
    reservations: Vec<MemoryReservation>,
) -> Result<Loaded> {
    let ranges = (unsorted.bytes() / limits.least_bytes.max(1)).clamp(1, limits.ranges);
    let unsorted = Arc::new(unsorted);
    let mut waiting = unsorted.pieces(ranges).into_iter().enumerate();
    let mut tasks = JoinSet::new();
    let mut chunks: Vec<(usize, Chunk)> = Vec::new();
    loop {
        while tasks.len() < limits.ranges
            && let Some((at, piece)) = waiting.next()
        {
            let unsorted = Arc::clone(&unsorted);
            // It computes without a pause: the engine's own threads stay free for others.
            tasks.spawn_blocking(move || unsorted.sort(piece).map(|chunk| (at, chunk)));
        }
        let Some(joined) = tasks.join_next().await else { break };
        chunks.push(joined.map_err(lost)??);
    }
    chunks.sort_by_key(|(at, _)| *at);
    let chunks: Vec<Chunk> = chunks.into_iter().map(|(_, chunk)| chunk).collect();
    if let Some(reservation) = reservations.first() {
        // It is there, and no more than what is held already: what the share leaves has room for it.
        reservation.grow(chunks.iter().map(Chunk::tie_bytes).sum());
    }
    let gone = || DataFusionError::Internal("sorted rows are still being sorted".to_owned());
    let unsorted = Arc::try_unwrap(unsorted).map_err(|_| gone())?;
    let sorted = Arc::new(unsorted.sorted(chunks, Arc::clone(&schema)));
    let ranges = Arc::new(sorted.ranges(ranges));
    Ok(Loaded::Sorted(InMemory { sorted, ranges, schema, reservations: Arc::new(reservations) }))
}

fn lost(error: tokio::task::JoinError) -> DataFusionError {
    DataFusionError::ExecutionJoin(Box::new(error))
}
