//! Rows that are put aside, because their folders are more than there may be files open.
//!
//! To go on would end each file after some rows, to begin another for the next ones: a storm of small files. Instead all rows
//! that still come are sorted by folder, in files of the spill folder where they are many. Once all have come, the tasks write
//! them folder after folder, first into the file that is open of it; no more than one file is open for each task then besides
//! those that are waiting.

use std::{
    collections::BTreeMap,
    mem,
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use arrow::{
    array::{AsArray, RecordBatch, UInt32Array},
    compute::SortOptions,
    datatypes::{DataType, Field, Schema, UInt32Type},
};
use datafusion::{
    error::{DataFusionError, Result},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_plan::metrics::Count,
};
use formats::{Part, order};
use futures::StreamExt;
use tokio::sync::OnceCell;

use super::{
    files::Files,
    idle::{Slot, Wanted},
    open::OpenFile,
    ranges::{Incoming, Limits, Ordered, Sorting},
};
use crate::{EngineError, Session};

/// Tasks share the writing of so many bytes: most of the work is that of the files, not of the bytes.
const LEAST_BYTES: usize = 1 << 20;

/// The rows of all tasks.
pub(super) struct Aside {
    sorting: Arc<Sorting>,
    context: Arc<TaskContext>,
    /// Whether each task writes what it has put aside itself, as the order of its rows is to be kept.
    is_alone: bool,
    is_begun: AtomicBool,
    /// Bytes written to files.
    spilled: Count,
    /// What tasks have put aside that have seen all their rows.
    parts: Mutex<BTreeMap<usize, Incoming>>,
    /// The rows of all of them in order; `None` where there are none.
    ordered: OnceCell<Option<Ordered>>,
}

impl Aside {
    /// None yet, of rows with these columns; `None` for columns that cannot be put aside.
    pub(super) fn new(
        columns: &Schema,
        limits: Limits,
        (tasks, is_alone): (usize, bool),
        context: &Arc<TaskContext>,
    ) -> Option<Self> {
        // Of batches of one plan some have nulls and others say that they have none.
        let nullable = |field: &Arc<Field>| Arc::new(field.as_ref().clone().with_nullable(true));
        let folder = Arc::new(Field::new("folder", DataType::UInt32, false));
        let last = columns.fields().len();
        let fields: Vec<_> = columns.fields().iter().map(nullable).chain([folder]).collect();
        let schema = Arc::new(Schema::new(fields));
        if !order::is_sortable(&schema, [&DataType::UInt32].into_iter()) {
            return None;
        }
        let keys = order::Keys { columns: vec![(last, SortOptions::default())], kept: last + 1 };
        let ranges = if is_alone { 1 } else { limits.ranges };
        let limits = Limits { ranges, least_bytes: LEAST_BYTES, ..limits };
        Some(Self {
            sorting: Arc::new(Sorting::new(schema, keys, limits, tasks)),
            context: Arc::clone(context),
            is_alone,
            is_begun: AtomicBool::new(false),
            spilled: Count::new(),
            parts: Mutex::default(),
            ordered: OnceCell::new(),
        })
    }

    /// From now on rows are put aside.
    pub(super) fn begin(&self) {
        self.is_begun.store(true, Ordering::Relaxed);
    }

    /// Whether rows are put aside.
    pub(super) fn is_begun(&self) -> bool {
        self.is_begun.load(Ordering::Relaxed)
    }

    /// Bytes written to files.
    pub(super) fn spilled_bytes(&self) -> u64 {
        self.spilled.value() as u64
    }

    /// Puts rows aside, besides those that the task `part` has put there, with the slot of each.
    pub(super) async fn put(
        &self,
        (part, before): (usize, Option<Incoming>),
        rows: &RecordBatch,
        slots: UInt32Array,
    ) -> Result<Incoming> {
        let columns = rows.columns().iter().cloned().chain([Arc::new(slots) as _]).collect();
        let batch = RecordBatch::try_new(Arc::clone(self.sorting.schema()), columns)?;
        let incoming = before.unwrap_or_else(|| self.sorting.part(part, &self.context, self.spilled.clone()));
        incoming.push(batch).await
    }

    /// Takes what the task `part` has put aside, when it has seen all its rows.
    pub(super) fn hand_in(&self, part: usize, rows: Incoming) {
        self.lock().insert(part, rows);
    }

    /// What the task `part` is to write, the last column its slot, when all tasks have handed in.
    async fn rows(&self, part: usize) -> Result<Option<SendableRecordBatchStream>> {
        if self.is_alone {
            let own = self.lock().remove(&part);
            return own.map(|own| self.sorting.ordered(vec![own])?.range(0, &self.context)).transpose();
        }
        let all = async || {
            let parts: Vec<_> = mem::take(&mut *self.lock()).into_values().collect();
            if parts.is_empty() { Ok(None) } else { self.sorting.ordered(parts).map(Some) }
        };
        let ordered = self.ordered.get_or_try_init(all).await?;
        ordered.as_ref().map(|ordered| ordered.range(part, &self.context)).transpose()
    }

    /// Nothing panics while it is locked.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, Incoming>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file that a task writes to.
struct Current {
    slot: Slot,
    file: OpenFile,
    /// What it held when its output's memory was last looked at.
    counted: usize,
}

/// Writes what the task is to write of the rows that were put aside.
pub(super) async fn write(session: &Session, aside: &Aside, files: &mut Files) -> Result<(), EngineError> {
    let Some(mut rows) = session.converted(aside.rows(files.part).await)? else { return Ok(()) };
    let mut current: Option<Current> = None;
    while let Some(batch) = rows.next().await {
        let batch = session.converted(batch)?;
        let last = batch.num_columns() - 1;
        let slots = batch.column(last).as_primitive::<UInt32Type>().values();
        let columns = session
            .converted(batch.project(&(0..last).collect::<Vec<_>>()).map_err(DataFusionError::from))?;
        for rows in folders(slots, files.rows_at_once(&columns)) {
            let slot = slots[rows.start] as Slot;
            let mut file = match current.take() {
                Some(file) if file.slot == slot => file,
                other => {
                    end(other, files).await?;
                    let file = files.open(slot)?;
                    Current { slot, counted: file.held, file }
                }
            };
            let rows = columns.slice(rows.start, rows.len());
            files.append(&mut file.file, &[Part { batch: &rows, rows: None }]).await?;
            current = balance(file, files).await?;
        }
    }
    end(current, files).await
}

async fn end(file: Option<Current>, files: &mut Files) -> Result<(), EngineError> {
    match file {
        Some(Current { file, counted, .. }) => files.end(counted, file).await,
        None => Ok(()),
    }
}

/// Ends the file when it is large enough, and makes room for it in the memory of the output: that file has the most rows that
/// can be written, and those that are waiting are to be gone on with.
async fn balance(mut current: Current, files: &mut Files) -> Result<Option<Current>, EngineError> {
    if files.is_enough(&current.file) {
        end(Some(current), files).await?;
        return Ok(None);
    }
    loop {
        let target = &files.target;
        target.idle.changed(mem::replace(&mut current.counted, current.file.held), &current.file);
        // More than before, when the files that are waiting took it all.
        let budget = target.memory_bytes / 4 * 5;
        let wanted = target.idle.balance((files.part, 0), budget, false, target.memory_limit_bytes)?;
        let can_give = current.file.is_worth_relieving();
        match wanted {
            Wanted::Nothing => return Ok(Some(current)),
            Wanted::Room(slot, file) if !can_give => {
                files.make_room(slot, *file).await?;
                continue;
            }
            Wanted::Room(slot, file) => target.idle.put_back(slot, file.held, *file),
            Wanted::Busy if can_give => {}
            Wanted::Busy => {
                end(Some(current), files).await?;
                return Ok(None);
            }
        }
        current.file.relieve().await?;
    }
}

/// Rows of one folder after those of another, at most so many at a time.
fn folders(slots: &[u32], most: usize) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    slots.chunk_by(|one, next| one == next).flat_map(move |rows| rows.chunks(most)).map(move |rows| {
        let start = at;
        at += rows.len();
        start..at
    })
}
