//! The files of one writing task, kept within the output's memory.
//!
//! A file holds its encoder's buffers and the piece that its upload has not written yet. When all of them hold more
//! than the output's budget, or than the engine's pool grants, the largest gives way: its rows become a row group and its
//! bytes are written, which takes most of its room; a file that holds little else than itself is ended, or, when it would be
//! one of many small ones, the rows that follow are put aside.

use std::sync::{Arc, atomic::Ordering};

use arrow::array::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::execution::TaskContext;
use formats::{Format, Group, Part, WriteOptions, Writer};
use lake::{ETagKind, Key, Lake, UploadChecks};
use tokio::task::JoinSet;

use super::aside::{self, Aside};
use super::idle::{Idle, Sharing, Slot, Wanted};
use super::open::{OpenFile, UploadSink};
use super::ranges::{Incoming, Limits};
use super::{MIN_OUTPUT_BYTES, Shape, Spec, StagedFile};
use crate::{EngineError, Session, WriteStats, hive};

/// Files that are being made durable while the next rows are encoded.
const CLOSING_AT_ONCE: usize = 8;
/// The share of the engine's memory that the files of one output may take.
const OUTPUT_SHARE: usize = 4;

/// A file takes its rows in so many pieces at least, that it is not much larger than asked for; but with small ones writers are slow.
const PIECES: usize = 4;
const LEAST_ROWS: usize = 1024;
/// A file that is ended early with less than this share of the target size is a small one.
const SMALL_SHARE: u64 = 64;

/// How the rows of an output come.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub(super) tasks: usize,
    /// Those of each task are in an order that its files are to keep.
    pub(super) is_sorted: bool,
    /// Those of each task come folder after folder.
    pub(super) is_by_folder: bool,
}

/// What all tasks of an output share.
pub(super) struct Target {
    lake: Lake,
    format: Format,
    options: WriteOptions,
    shape: Shape,
    key_names: Vec<String>,
    pub(super) prefix: String,
    file_prefix: String,
    extension: String,
    content_type: &'static str,
    target_file_bytes: u64,
    /// What open files and tasks may hold.
    pub(super) memory_bytes: usize,
    /// Each task's share of that.
    pub(super) task_bytes: usize,
    pub(super) memory_limit_bytes: u64,
    stats: Arc<WriteStats>,
    pub(super) idle: Idle,
    aside: Option<Arc<Aside>>,
}

impl Target {
    /// What tasks that get rows so have in common.
    pub(super) fn new(
        session: &Session,
        spec: &Spec,
        shape: &Shape,
        rows: Rows,
        context: &Arc<TaskContext>,
    ) -> Self {
        let Rows { tasks, is_sorted, is_by_folder } = rows;
        // So many files as tasks were asked for, or are of use to write one folder beside each other.
        let is_apart = shape.keys.is_empty() || spec.max_tasks.is_some();
        let sharing = match (is_sorted, is_apart) {
            (true, _) => Sharing::Alone,
            (false, true) => Sharing::Apart,
            (false, false) => Sharing::Shared,
        };
        let separator = if spec.prefix.is_empty() || spec.prefix.ends_with('/') { "" } else { "/" };
        let (extension, content_type) = naming(&spec.format, &spec.options);
        let limit = session.engine().options().memory_bytes;
        // What the plan needs it may need while files are open, and cannot ask of them.
        let memory_bytes = spec.memory_bytes.min(limit / OUTPUT_SHARE).max(MIN_OUTPUT_BYTES);
        let limits = Limits::of(session.engine().options(), spec);
        let aside = match shape.keys.is_empty() || is_by_folder {
            true => None,
            false => Aside::new(&shape.schema, limits, (tasks, sharing == Sharing::Alone), context),
        };
        Self {
            lake: session.lake().clone(),
            format: spec.format.clone(),
            options: spec.options.clone(),
            shape: shape.clone(),
            key_names: shape.partition_schema.fields().iter().map(|field| field.name().clone()).collect(),
            prefix: format!("{}{separator}", spec.prefix),
            file_prefix: spec.file_prefix.clone(),
            extension,
            content_type,
            target_file_bytes: spec.target_file_bytes,
            memory_bytes,
            task_bytes: memory_bytes / tasks.max(1),
            memory_limit_bytes: limit as u64,
            stats: spec.stats.clone().unwrap_or_default(),
            idle: Idle::new(tasks, sharing, context.memory_pool()),
            aside: aside.map(Arc::new),
        }
    }

    /// Bytes of the rows that were put aside that were written to files.
    pub(super) fn spilled_bytes(&self) -> u64 {
        self.aside.as_ref().map_or(0, |aside| aside.spilled_bytes())
    }

    /// Where rows are to be put aside from now on rather than end this file: it is small, and there are many.
    fn aside_of(&self, file: &OpenFile) -> Option<&Arc<Aside>> {
        let is_storm = !file.is_worth_relieving()
            && file.size() < self.target_file_bytes / SMALL_SHARE
            && self.idle.has_more_partitions_than_tasks();
        self.aside.as_ref().filter(|_| is_storm)
    }
}

/// The ending of file names and the content type.
fn naming(format: &Format, options: &WriteOptions) -> (String, &'static str) {
    use formats::ParquetCodec;
    let compressed = options.compression.extension();
    match format {
        Format::Csv(_) => (format!(".csv{compressed}"), "text/csv"),
        Format::Json(_) => (format!(".json{compressed}"), "application/json"),
        Format::Xml(_) => (format!(".xml{compressed}"), "application/xml"),
        // These are only read: the writer refuses them before a file is named.
        Format::Lines(_) => (format!(".log{compressed}"), "text/plain"),
        Format::Ion(_) => (format!(".ion{compressed}"), "application/octet-stream"),
        Format::Parquet(_) => {
            let codec = match options.parquet_codec {
                ParquetCodec::Snappy => ".snappy",
                ParquetCodec::Gzip => ".gz",
                ParquetCodec::Zstd => ".zstd",
                ParquetCodec::Uncompressed => "",
            };
            (format!("{codec}.parquet"), "application/vnd.apache.parquet")
        }
        // Both compress within the file.
        Format::Avro(_) => (".avro".to_owned(), "avro/binary"),
        // The writer refuses it.
        Format::Excel(_) => (".xlsx".to_owned(), "application/octet-stream"),
        Format::Orc(_) => (".orc".to_owned(), "application/vnd.apache.orc"),
    }
}

/// What one task writes.
pub(super) struct Files {
    pub(super) target: Arc<Target>,
    /// The number of the task.
    pub(super) part: usize,
    /// The slots of the task's partitions.
    slots: Vec<Option<Slot>>,
    closing: JoinSet<Result<StagedFile, EngineError>>,
    done: Vec<StagedFile>,
    next: u32,
    put_aside: Option<Incoming>,
}

impl Files {
    pub(super) fn new(target: Arc<Target>, part: usize) -> Self {
        let (slots, closing, done) = (Vec::new(), JoinSet::new(), Vec::new());
        Self { target, part, slots, closing, done, next: 0, put_aside: None }
    }

    /// The slot of a partition of the task.
    pub(super) fn slot(&mut self, group: Group, (texts, values): (&[String], &[ScalarValue])) -> Slot {
        if self.slots.len() <= group {
            self.slots.resize(group + 1, None);
        }
        *self.slots[group].get_or_insert_with(|| self.target.idle.slot(self.part, texts, values))
    }

    /// Appends rows to an open file of their partition, or to several where they are too many for one.
    pub(super) async fn write(&mut self, slot: Slot, parts: &[Part<'_>]) -> Result<(), EngineError> {
        let most = parts.iter().map(|part| self.rows_at_once(part.batch)).min().unwrap_or(usize::MAX);
        if parts.iter().map(Part::len).sum::<usize>() <= most {
            return self.write_at_once(slot, parts).await;
        }
        for part in parts {
            let batch = part.batch;
            let Some(rows) = part.rows else {
                for at in (0..batch.num_rows()).step_by(most) {
                    let batch = &batch.slice(at, most.min(batch.num_rows() - at));
                    self.write_at_once(slot, &[Part { batch, rows: None }]).await?;
                }
                continue;
            };
            for rows in rows.chunks(most) {
                self.write_at_once(slot, &[Part { batch, rows: Some(rows) }]).await?;
            }
        }
        Ok(())
    }

    /// So many rows of a batch, or about, are no large share of a file.
    pub(super) fn rows_at_once(&self, batch: &RecordBatch) -> usize {
        let row = batch.get_array_memory_size() / batch.num_rows().max(1) + 1;
        let share = usize::try_from(self.target.target_file_bytes).unwrap_or(usize::MAX) / PIECES;
        (share / row).max(LEAST_ROWS)
    }

    async fn write_at_once(&mut self, slot: Slot, rows: &[Part<'_>]) -> Result<(), EngineError> {
        let mut file = self.open(slot)?;
        let before = file.held;
        self.append(&mut file, rows).await?;
        if self.is_enough(&file) {
            return self.end(before, file).await;
        }
        self.target.idle.put_back(slot, before, file);
        Ok(())
    }

    /// A file of the partition, which the task then has for itself.
    pub(super) fn open(&mut self, slot: Slot) -> Result<OpenFile, EngineError> {
        match self.target.idle.take(slot) {
            Some(file) => Ok(file),
            None => self.begin(slot),
        }
    }

    /// Appends rows to a file.
    pub(super) async fn append(&mut self, file: &mut OpenFile, rows: &[Part<'_>]) -> Result<(), EngineError> {
        file.write(rows).await?;
        let count: usize = rows.iter().map(Part::len).sum();
        self.target.stats.rows.fetch_add(count as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Whether a file is as large as files are to be.
    pub(super) fn is_enough(&self, file: &OpenFile) -> bool {
        file.size() >= self.target.target_file_bytes
    }

    /// Makes the files fit the output's memory, of which this task holds `more` bytes besides, and tells the
    /// engine's pool. Errors: `MemoryExhausted` when the pool grants nothing although no file is open.
    pub(super) async fn balance(&mut self, more: usize) -> Result<(), EngineError> {
        let mut making_room = false;
        loop {
            let target = &self.target;
            let (own, budget) = ((self.part, more), target.memory_bytes);
            let wanted = target.idle.balance(own, budget, making_room, target.memory_limit_bytes)?;
            let Wanted::Room(slot, file) = wanted else { return Ok(()) };
            if let Some(aside) = target.aside_of(&file) {
                aside.begin();
                target.idle.put_back(slot, file.held, *file);
                return Ok(());
            }
            making_room = true;
            self.make_room(slot, *file).await?;
        }
    }

    /// Has a file give back memory that the task has been given.
    pub(super) async fn make_room(&mut self, slot: Slot, mut file: OpenFile) -> Result<(), EngineError> {
        let before = file.held;
        if !file.is_worth_relieving() {
            return self.end(before, file).await;
        }
        file.relieve().await?;
        self.target.idle.put_back(slot, before, file);
        Ok(())
    }

    /// Where rows are put aside; `None` as long as none are.
    pub(super) fn aside(&self) -> Option<Arc<Aside>> {
        self.target.aside.clone().filter(|aside| aside.is_begun())
    }

    /// Puts rows aside, with the slot of each.
    pub(super) async fn put_aside(
        &mut self,
        aside: &Aside,
        rows: &RecordBatch,
        slots: Vec<u32>,
    ) -> datafusion::error::Result<()> {
        let before = (self.part, self.put_aside.take());
        self.put_aside = Some(aside.put(before, rows, slots.into()).await?);
        Ok(())
    }

    /// Ends all files once every task has written its rows. Returns the files that this task has ended.
    pub(super) async fn finish(mut self, session: &Session) -> Result<Vec<StagedFile>, EngineError> {
        self.balance(0).await?;
        let target = Arc::clone(&self.target);
        if let (Some(aside), Some(rows)) = (&target.aside, self.put_aside.take()) {
            aside.hand_in(self.part, rows);
        }
        target.idle.written.wait().await;
        if let Some(aside) = self.aside() {
            aside::write(session, &aside, &mut self).await?;
            target.idle.written.wait().await;
        }
        while let Some(file) = target.idle.any() {
            self.end(file.held, file).await?;
        }
        self.collect_closed(0).await?;
        Ok(self.done)
    }

    fn begin(&mut self, slot: Slot) -> Result<OpenFile, EngineError> {
        let target = &self.target;
        let partition = target.idle.partition(slot);
        let folder = hive::folder(&target.key_names, &partition.texts);
        let name = format!("{}-{:05}-{:05}{}", target.file_prefix, self.part, self.next, target.extension);
        self.next += 1;
        let key = Key::new(format!("{}{folder}{name}", target.prefix))?;
        let checks = UploadChecks { etag: ETagKind::Crcs, ..UploadChecks::default() };
        let sink = UploadSink::new(target.lake.upload(checks)?);
        let schema = Arc::clone(&target.shape.schema);
        let writer = Writer::new(key.as_str(), &target.format, schema, &target.options, sink)?;
        Ok(OpenFile::new(writer, key, partition, target.shape.data.len()))
    }

    /// Ends a file that held `before` bytes when it was taken; it is made durable beside the next work.
    pub(super) async fn end(&mut self, before: usize, file: OpenFile) -> Result<(), EngineError> {
        let key = file.key.clone();
        let (partition, partition_values) = (file.partition.texts.clone(), file.partition.values.clone());
        // The encoder's last work is done here, so that what waits to become durable is small.
        let (upload, finished) = file.finish().await?;
        self.target.idle.ended(before);
        self.collect_closed(CLOSING_AT_ONCE - 1).await?;
        let target = Arc::clone(&self.target);
        self.closing.spawn(async move {
            let staged = upload.finish().await?;
            target.stats.files.fetch_add(1, Ordering::Relaxed);
            target.stats.bytes.fetch_add(finished.bytes, Ordering::Relaxed);
            let (rows, bytes, content_type) = (finished.rows, finished.bytes, target.content_type);
            Ok(StagedFile { key, staged, rows, bytes, partition, partition_values, content_type })
        });
        Ok(())
    }

    /// Waits until at most `left` files are being made durable.
    async fn collect_closed(&mut self, left: usize) -> Result<(), EngineError> {
        while self.closing.len() > left {
            let Some(joined) = self.closing.join_next().await else { return Ok(()) };
            let closed =
                joined.map_err(|error| EngineError::Internal(format!("ending a file failed: {error}")))?;
            self.done.push(closed?);
        }
        Ok(())
    }
}
