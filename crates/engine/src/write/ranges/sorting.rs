//! Sorting rows that come in several streams, with as many of them in memory as may be held.

use std::{
    mem,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::{
    common::runtime::SpawnedTask,
    error::{DataFusionError, Result},
    execution::{
        SendableRecordBatchStream, TaskContext,
        memory_pool::{MemoryConsumer, MemoryReservation},
    },
    physical_plan::{metrics::Count, stream::RecordBatchStreamAdapter},
};
use formats::order::{Keys, Run, Sorted};
use futures::{StreamExt, stream};

use super::{Limits, spill::SpillFolder};

/// What the streams of rows to sort have in common.
pub(in crate::write) struct Sorting {
    /// The columns of the rows: those that are kept, and behind them keys that are none of them.
    schema: SchemaRef,
    keys: Keys,
    limits: Limits,
    /// How many streams there are.
    parts: usize,
    /// Bytes that the pieces of all of them hold.
    held: AtomicUsize,
}

impl Sorting {
    pub(in crate::write) fn new(schema: SchemaRef, keys: Keys, limits: Limits, parts: usize) -> Self {
        Self { schema, keys, limits, parts, held: AtomicUsize::new(0) }
    }

    /// The columns of the rows.
    pub(in crate::write) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The rows of a stream, none yet. `spilled` counts bytes that are written to files.
    pub(in crate::write) fn part(
        self: &Arc<Self>,
        part: usize,
        context: &TaskContext,
        spilled: Count,
    ) -> Incoming {
        let consumer = MemoryConsumer::new(format!("Sorting[{part}]")).with_can_spill(true);
        Incoming {
            run: Run::new(Arc::clone(&self.schema), self.keys.clone(), self.limits.order(self.parts)),
            reservation: consumer.register(context.memory_pool()),
            spill: Arc::new(SpillFolder(Arc::clone(&context.runtime_env().disk_manager))),
            spilled,
            counted: 0,
            sorting: Arc::clone(self),
        }
    }

    /// All rows of these streams, in order. Errors: a type that has no order.
    pub(in crate::write) fn ordered(&self, parts: Vec<Incoming>) -> Result<Ordered> {
        let (runs, reservations): (Vec<_>, Vec<_>) =
            parts.into_iter().map(|part| (part.run, part.reservation)).unzip();
        let sorted = Arc::new(Sorted::new(runs, Arc::clone(&self.schema), self.keys.clone())?);
        let ranges = (sorted.bytes() / self.limits.least_bytes.max(1)).clamp(1, self.limits.ranges);
        let ranges = Arc::new(sorted.ranges(ranges));
        let kept = (0..self.keys.kept).collect::<Vec<_>>();
        let schema = Arc::new(self.schema.project(&kept)?);
        Ok(Ordered { sorted, ranges, schema, reservations: Arc::new(reservations) })
    }
}

/// The rows of a stream.
pub(in crate::write) struct Incoming {
    sorting: Arc<Sorting>,
    run: Run,
    reservation: MemoryReservation,
    spill: Arc<SpillFolder>,
    spilled: Count,
    /// Its share of the bytes that all of them hold.
    counted: usize,
}

impl Incoming {
    /// Takes rows. Errors: a key of a type that has no order, what comes of writing files.
    pub(in crate::write) async fn push(mut self, batch: RecordBatch) -> Result<Self> {
        self.run.push(batch)?;
        if self.held() > self.sorting.limits.memory_bytes
            || self.reservation.try_resize(self.run.bytes()).is_err()
        {
            return self.with_less().await;
        }
        Ok(self)
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

    /// Bytes that the pieces of all streams hold now.
    fn held(&mut self) -> usize {
        let now = self.run.settled_bytes();
        let before = mem::replace(&mut self.counted, now);
        // The difference, which wraps around like the sum.
        let more = now.wrapping_sub(before);
        self.sorting.held.fetch_add(more, Ordering::Relaxed).wrapping_add(more)
    }
}

/// Rows in order.
#[derive(Clone)]
pub(in crate::write) struct Ordered {
    sorted: Arc<Sorted>,
    ranges: Arc<Vec<Range<usize>>>,
    schema: SchemaRef,
    reservations: Arc<Vec<MemoryReservation>>,
}

impl Ordered {
    /// The rows of a range; none for a range that there is not. Errors: `ResourcesExhausted`.
    pub(in crate::write) fn range(
        &self,
        range: usize,
        context: &TaskContext,
    ) -> Result<SendableRecordBatchStream> {
        let batch_rows = context.session_config().batch_size();
        let cursor = self.ranges.get(range).map(|range| self.sorted.cursor(range.clone(), batch_rows));
        let own = MemoryConsumer::new(format!("Ordered[{range}]")).register(context.memory_pool());
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

pub(super) fn lost(error: tokio::task::JoinError) -> DataFusionError {
    DataFusionError::ExecutionJoin(Box::new(error))
}
