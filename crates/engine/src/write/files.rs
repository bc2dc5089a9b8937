//! The files of one writing task, kept within the output's memory.
//!
//! A file holds its encoder's buffers and the piece that its upload has not written yet. When all of them hold more
//! than the output's budget, or than the engine's pool grants, the largest gives way: its rows become a row group and its
//! bytes are written, which takes most of its room; a file that holds little else than itself is ended.

use std::sync::{Arc, atomic::Ordering};

use datafusion::common::ScalarValue;
use datafusion::execution::memory_pool::MemoryPool;
use formats::{Format, Group, Part, WriteOptions, Writer};
use lake::{ETagKind, Key, Lake, UploadChecks};
use tokio::task::JoinSet;

use super::idle::{Idle, Sharing, Slot, Wanted};
use super::open::{OpenFile, UploadSink};
use super::{MIN_OUTPUT_BYTES, Shape, Spec, StagedFile};
use crate::{EngineError, Session, WriteStats, hive};

/// Files that are being made durable while the next rows are encoded.
const CLOSING_AT_ONCE: usize = 8;
/// The share of the engine's memory that the files of one output may take.
const OUTPUT_SHARE: usize = 4;

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
    memory_bytes: usize,
    /// Each task's share of that.
    pub(super) task_bytes: usize,
    memory_limit_bytes: u64,
    stats: Arc<WriteStats>,
    idle: Idle,
}

impl Target {
    /// `is_sorted`: the rows of each task are in an order that its files are to keep.
    pub(super) fn new(
        session: &Session,
        spec: &Spec,
        shape: &Shape,
        (tasks, is_sorted): (usize, bool),
        pool: &Arc<dyn MemoryPool>,
    ) -> Self {
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
            idle: Idle::new(tasks, sharing, pool),
        }
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
    target: Arc<Target>,
    part: usize,
    /// The slots of the task's partitions.
    slots: Vec<Option<Slot>>,
    closing: JoinSet<Result<StagedFile, EngineError>>,
    done: Vec<StagedFile>,
    next: u32,
}

impl Files {
    pub(super) fn new(target: Arc<Target>, part: usize) -> Self {
        let (slots, closing, done) = (Vec::new(), JoinSet::new(), Vec::new());
        Self { target, part, slots, closing, done, next: 0 }
    }

    fn slot(&mut self, group: Group, (texts, values): (&[String], &[ScalarValue])) -> Slot {
        if self.slots.len() <= group {
            self.slots.resize(group + 1, None);
        }
        *self.slots[group].get_or_insert_with(|| self.target.idle.slot(self.part, texts, values))
    }

    /// Appends rows to an open file of their partition.
    pub(super) async fn write(
        &mut self,
        group: Group,
        partition: (&[String], &[ScalarValue]),
        rows: &[Part<'_>],
    ) -> Result<(), EngineError> {
        let slot = self.slot(group, partition);
        let mut file = match self.target.idle.take(slot) {
            Some(file) => file,
            None => self.begin(partition)?,
        };
        let before = file.held;
        file.write(rows).await?;
        let count: usize = rows.iter().map(Part::len).sum();
        self.target.stats.rows.fetch_add(count as u64, Ordering::Relaxed);
        if file.size() < self.target.target_file_bytes {
            self.target.idle.put_back(slot, before, file);
            return Ok(());
        }
        self.end(before, file).await
    }

    /// Makes the files fit the output's memory, of which this task holds `more` bytes besides, and tells the
    /// engine's pool. Errors: `MemoryExhausted` when the pool grants nothing although no file is open.
    pub(super) async fn balance(&mut self, more: usize) -> Result<(), EngineError> {
        let mut making_room = false;
        loop {
            let (target, own) = (Arc::clone(&self.target), (self.part, more));
            let wanted =
                target.idle.balance(own, target.memory_bytes, making_room, target.memory_limit_bytes)?;
            let Wanted::Room(slot, mut file) = wanted else { return Ok(()) };
            making_room = true;
            let before = file.held;
            if file.is_worth_relieving() {
                file.relieve().await?;
                target.idle.put_back(slot, before, *file);
            } else {
                self.end(before, *file).await?;
            }
        }
    }

    /// Ends all files once every task has written its rows. Returns the files that this task has ended.
    pub(super) async fn finish(mut self) -> Result<Vec<StagedFile>, EngineError> {
        self.balance(0).await?;
        let target = Arc::clone(&self.target);
        target.idle.written.wait().await;
        while let Some(file) = target.idle.any() {
            self.end(file.held, file).await?;
        }
        self.collect_closed(0).await?;
        Ok(self.done)
    }

    fn begin(&mut self, partition: (&[String], &[ScalarValue])) -> Result<OpenFile, EngineError> {
        let target = &self.target;
        let folder = hive::folder(&target.key_names, partition.0);
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
    async fn end(&mut self, before: usize, file: OpenFile) -> Result<(), EngineError> {
        let key = file.key.clone();
        let (partition, partition_values) = (file.partition.clone(), file.partition_values.clone());
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
