//! Sorting a sort's input, with as much of it in memory as it may hold.

use std::{
    fmt, mem,
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use arrow::{
    array::{ArrayRef, RecordBatch},
    compute::SortOptions,
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use datafusion::{
    common::runtime::{JoinSet, SpawnedTask},
    error::{DataFusionError, Result},
    execution::{
        SendableRecordBatchStream, TaskContext,
        memory_pool::{MemoryConsumer, MemoryReservation},
    },
    physical_expr::{LexOrdering, PhysicalExpr, expressions::Column},
    physical_plan::{
        ExecutionPlanProperties,
        metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder},
        stream::RecordBatchStreamAdapter,
    },
};
use formats::order::{self, Keys, Run, Sorted};
use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, Shared},
    stream,
};

use super::{Limits, Plan, folders::Numbers, spill::SpillFolder};

/// Sorted rows.
#[derive(Clone)]
pub(super) struct Loaded {
    sorted: Arc<Sorted>,
    ranges: Arc<Vec<Range<usize>>>,
    schema: SchemaRef,
    reservations: Arc<Vec<MemoryReservation>>,
}

impl Loaded {
    /// The rows of a range; none for a range that there is not. Errors: `ResourcesExhausted`.
    pub(super) fn range(&self, range: usize, context: &TaskContext) -> Result<SendableRecordBatchStream> {
        let batch_rows = context.session_config().batch_size();
        let cursor = self.ranges.get(range).map(|range| self.sorted.cursor(range.clone(), batch_rows));
        let own = MemoryConsumer::new(format!("SortInRanges[{range}]")).register(context.memory_pool());
        if cursor.is_some() {
            own.try_grow(self.sorted.cursor_bytes())?;
        }
        // Held as long as anybody reads.
        let reservations = (own, Arc::clone(&self.reservations));
        let rows = stream::unfold((cursor, reservations), async |(cursor, reservations)| {
            let mut cursor = cursor?;
            let batch = cursor.next_batch().transpose()?;
            Some((batch.map_err(DataFusionError::from), (Some(cursor), reservations)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows.boxed())))
    }
}

/// An error is every stream's.
type Outcome = std::result::Result<Loaded, Arc<DataFusionError>>;

/// The input, which is loaded once, for all streams.
pub(super) struct Loading {
    input: Plan,
    layout: Arc<Layout>,
    limits: Limits,
    metrics: ExecutionPlanMetricsSet,
    outcome: Mutex<Option<Shared<BoxFuture<'static, Outcome>>>>,
}

impl fmt::Debug for Loading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loading").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Loading {
    pub(super) fn new(
        input: Plan,
        keys: &LexOrdering,
        folders: Option<Numbers>,
        limits: Limits,
    ) -> Result<Self> {
        let metrics = ExecutionPlanMetricsSet::new();
        let layout = Arc::new(Layout::new(&input.schema(), keys, folders)?);
        Ok(Self { input, layout, limits, metrics, outcome: Mutex::new(None) })
    }

    pub(super) fn input(&self) -> &Plan {
        &self.input
    }

    pub(super) fn metrics(&self) -> &ExecutionPlanMetricsSet {
        &self.metrics
    }

    /// What becomes of the input. Whoever asks first begins.
    pub(super) fn loaded(&self, context: &Arc<TaskContext>) -> Shared<BoxFuture<'static, Outcome>> {
        // Nothing panics while it is locked.
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = || {
            let (input, layout, limits) = (Arc::clone(&self.input), Arc::clone(&self.layout), self.limits);
            let (metrics, context) = (self.metrics.clone(), Arc::clone(context));
            let loaded =
                async move { load(&input, layout, limits, &metrics, context).await.map_err(Arc::new) };
            loaded.boxed().shared()
        };
        outcome.get_or_insert_with(begin).clone()
    }
}

async fn load(
    input: &Plan,
    layout: Arc<Layout>,
    limits: Limits,
    metrics: &ExecutionPlanMetricsSet,
    context: Arc<TaskContext>,
) -> Result<Loaded> {
    let held = Arc::new(AtomicUsize::new(0));
    let parts = input.output_partitioning().partition_count();
    let mut tasks = JoinSet::new();
    for part in 0..parts {
        let consumer = MemoryConsumer::new(format!("SortInRanges[{part}]")).with_can_spill(true);
        let reading = Reading {
            layout: Arc::clone(&layout),
            run: layout.run(limits.order(parts)),
            reservation: consumer.register(context.memory_pool()),
            spill: Arc::new(SpillFolder(Arc::clone(&context.runtime_env().disk_manager))),
            spilled: MetricBuilder::new(metrics).spilled_bytes(part),
            held: Arc::clone(&held),
            counted: 0,
            limit: limits.memory_bytes,
        };
        let stream = input.execute(part, Arc::clone(&context))?;
        tasks.spawn(async move { reading.read(stream).await.map(|read| (part, read)) });
    }
    let mut read = Vec::with_capacity(parts);
    while let Some(joined) = tasks.join_next().await {
        read.push(joined.map_err(lost)??);
    }
    read.sort_by_key(|(part, _)| *part);
    let (runs, reservations): (Vec<_>, Vec<_>) = read.into_iter().map(|(_, read)| read).unzip();
    let sorted = Arc::new(Sorted::new(runs, Arc::clone(&layout.schema), layout.keys.clone())?);
    let ranges = (sorted.bytes() / limits.least_bytes.max(1)).clamp(1, limits.ranges);
    let ranges = Arc::new(sorted.ranges(ranges));
    Ok(Loaded { sorted, ranges, schema: input.schema(), reservations: Arc::new(reservations) })
}

/// The columns that are sorted: those of the input, and behind them keys that are none of them.
struct Layout {
    schema: SchemaRef,
    keys: Keys,
    computed: Vec<Arc<dyn PhysicalExpr>>,
    /// The first key, behind all other columns.
    folders: Option<Numbers>,
}

impl Layout {
    fn new(input: &Schema, keys: &LexOrdering, folders: Option<Numbers>) -> Result<Self> {
        let kept = input.fields().len();
        let mut fields: Vec<_> = input.fields().iter().cloned().collect();
        let (mut columns, mut computed) = (Vec::new(), Vec::new());
        for key in keys.iter() {
            if let Some(column) = key.expr.downcast_ref::<Column>() {
                columns.push((column.index(), key.options));
                continue;
            }
            columns.push((fields.len(), key.options));
            let (of, nullable) = (key.expr.data_type(input)?, key.expr.nullable(input)?);
            fields.push(Arc::new(Field::new(format!("key {}", fields.len()), of, nullable)));
            computed.push(Arc::clone(&key.expr));
        }
        if folders.is_some() {
            columns.insert(0, (fields.len(), SortOptions::default()));
            fields.push(Arc::new(Field::new("folder", DataType::UInt32, false)));
        }
        Ok(Self { schema: Arc::new(Schema::new(fields)), keys: Keys { columns, kept }, computed, folders })
    }

    fn run(&self, limits: order::Limits) -> Run {
        Run::new(Arc::clone(&self.schema), self.keys.clone(), limits)
    }

    /// A batch of the input with its keys.
    fn with_keys(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let computed = self.computed.iter().map(|key| key.evaluate(batch)?.into_array(batch.num_rows()));
        let computed = computed.collect::<Result<Vec<ArrayRef>>>()?;
        let folders = self.folders.iter().map(|folders| folders.of(batch)).collect::<Result<Vec<_>>>()?;
        let columns = batch.columns().iter().cloned().chain(computed).chain(folders).collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

/// How a part of the input is read.
struct Reading {
    layout: Arc<Layout>,
    run: Run,
    reservation: MemoryReservation,
    spill: Arc<SpillFolder>,
    /// Bytes written to files.
    spilled: Count,
    /// Bytes that the pieces of all parts hold, how many of them are this one's, and how many there may be.
    held: Arc<AtomicUsize>,
    counted: usize,
    limit: usize,
}

impl Reading {
    async fn read(mut self, mut stream: SendableRecordBatchStream) -> Result<(Run, MemoryReservation)> {
        while let Some(batch) = stream.next().await {
            self.run.push(self.layout.with_keys(&batch?)?)?;
            if self.held() > self.limit || self.reservation.try_resize(self.run.bytes()).is_err() {
                self = self.with_less().await?;
            }
        }
        Ok((self.run, self.reservation))
    }

    /// Brings what it holds to files, also the rows that came last when there is no room for them.
    async fn with_less(mut self) -> Result<Self> {
        self.spill()?;
        if self.reservation.try_resize(self.run.bytes()).is_err() {
            self.run.settle()?;
            self.spill()?;
            self.reservation.free();
        }
        if !self.run.is_long() {
            return Ok(self);
        }
        // The share of the memory that blocks may take has room for it.
        self.reservation.grow(self.run.merge_bytes());
        // It computes without a pause: the engine's own threads stay free for others.
        let merged = SpawnedTask::spawn_blocking(move || {
            self.spilled.add(self.run.merge(self.spill.as_ref())? as usize);
            self.reservation.resize(self.run.bytes());
            Ok(self)
        });
        merged.join().await.map_err(lost)?
    }

    fn spill(&mut self) -> Result<()> {
        if self.run.settled_bytes() > 0 {
            self.spilled.add(self.run.spill(self.spill.as_ref())? as usize);
            self.held();
        }
        Ok(())
    }

    /// Bytes that the pieces of all parts hold now.
    fn held(&mut self) -> usize {
        let now = self.run.settled_bytes();
        let before = mem::replace(&mut self.counted, now);
        // The difference, which wraps around like the sum.
        let more = now.wrapping_sub(before);
        self.held.fetch_add(more, Ordering::Relaxed).wrapping_add(more)
    }
}

fn lost(error: tokio::task::JoinError) -> DataFusionError {
    DataFusionError::ExecutionJoin(Box::new(error))
}
