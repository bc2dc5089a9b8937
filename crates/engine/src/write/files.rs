//! The open files of one writing task, kept within its share of memory.
//!
//! A file holds its encoder's buffers and the piece that its upload has not written yet. When all of them hold more
//! than the task's budget, or than the engine's pool grants, the largest gives way: a Parquet buffer becomes a row
//! group, which takes a fraction of its room; a file that holds finished bytes more than anything else is ended.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::common::ScalarValue;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use formats::{ByteSink, Format, Group, Part, Scratch, WriteOptions, Writer};
use lake::{Key, Lake, Upload, UploadChecks};
use tokio::task::JoinSet;

use super::{Shape, Spec, StagedFile};
use crate::{EngineError, Session, WriteStats, hive};

/// An upload holds up to this many bytes that are not on disk, twice while one piece is being written.
const UPLOAD_PIECE_BYTES: u64 = 1 << 20;
/// What an open file holds besides its buffers, about; and for each of its columns.
const FILE_BYTES: usize = 8 << 10;
const COLUMN_BYTES: usize = 2 << 10;
/// A Parquet buffer of this size is worth a row group of its own: it shrinks to a fraction, and the file goes on.
const ROW_GROUP_WORTH_BYTES: usize = 128 << 10;
/// Files that are being made durable while the next rows are encoded.
const CLOSING_AT_ONCE: usize = 8;

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
    /// Each task's share of memory.
    pub(super) task_bytes: usize,
    memory_limit_bytes: u64,
    stats: Arc<WriteStats>,
}

impl Target {
    pub(super) fn new(session: &Session, spec: &Spec, shape: &Shape, tasks: usize) -> Self {
        let separator = if spec.prefix.is_empty() || spec.prefix.ends_with('/') { "" } else { "/" };
        let (extension, content_type) = naming(&spec.format, &spec.options);
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
            task_bytes: spec.memory_bytes / tasks.max(1),
            memory_limit_bytes: session.engine().options().memory_bytes as u64,
            stats: spec.stats.clone().unwrap_or_default(),
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

struct OpenFile {
    writer: Writer<UploadSink>,
    key: Key,
    partition: Vec<String>,
    partition_values: Vec<ScalarValue>,
    /// Bytes that the upload has received.
    received: Arc<AtomicU64>,
    /// What the file held when it was last looked at.
    held: usize,
}

impl OpenFile {
    fn measure(&self, columns: usize) -> usize {
        let received = self.received.load(Ordering::Relaxed);
        let upload = received.min(2 * UPLOAD_PIECE_BYTES) as usize;
        least_bytes(columns) + self.writer.state_bytes() + self.writer.buffered_bytes() + upload
    }
}

/// What an open file holds whatever its format and its rows.
fn least_bytes(columns: usize) -> usize {
    FILE_BYTES + columns * COLUMN_BYTES
}

struct UploadSink {
    upload: Upload,
    received: Arc<AtomicU64>,
}

#[async_trait]
impl ByteSink for UploadSink {
    async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        self.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.upload.write(bytes).await.map_err(|error| io::Error::other(EngineError::from(error)))
    }
}

/// The open and finished files of one task.
pub(super) struct Files {
    target: Arc<Target>,
    /// The target's, with buffers of this task's own.
    options: WriteOptions,
    part: usize,
    open: HashMap<Group, OpenFile>,
    held: usize,
    closing: JoinSet<Result<StagedFile, EngineError>>,
    done: Vec<StagedFile>,
    next: u32,
    /// What a file holds that can only be ended to give it back: that of one is granted whatever the task's share is, or
    /// with many tasks every piece of compressed text would be a file.
    least: usize,
    reservation: MemoryReservation,
}

impl Files {
    pub(super) fn new(target: Arc<Target>, part: usize, pool: &Arc<dyn MemoryPool>) -> Self {
        // It could spill, but its share is the output's own budget, not an even part of the pool.
        let consumer = MemoryConsumer::new(format!("output files of task {part}"));
        let options = WriteOptions { scratch: Scratch::default(), ..target.options.clone() };
        Self {
            target,
            options,
            part,
            open: HashMap::new(),
            held: 0,
            closing: JoinSet::new(),
            done: Vec::new(),
            next: 0,
            least: 0,
            reservation: consumer.register(pool),
        }
    }

    /// Appends rows to the open file of their partition.
    pub(super) async fn write(
        &mut self,
        group: Group,
        partition: (&[String], &[ScalarValue]),
        rows: &[Part<'_>],
    ) -> Result<(), EngineError> {
        if !self.open.contains_key(&group) {
            let file = self.begin(partition)?;
            self.open.insert(group, file);
        }
        let Some(file) = self.open.get_mut(&group) else {
            return Err(EngineError::Internal("an output file vanished".to_owned()));
        };
        file.writer.write_parts(rows).await?;
        let count: usize = rows.iter().map(Part::len).sum();
        self.target.stats.rows.fetch_add(count as u64, Ordering::Relaxed);
        let (before, now) = (file.held, file.measure(self.target.shape.data.len()));
        file.held = now;
        self.held = self.held - before + now;
        let size = file.received.load(Ordering::Relaxed) + file.writer.buffered_bytes() as u64;
        if size >= self.target.target_file_bytes {
            self.end(group).await?;
        }
        Ok(())
    }

    /// Makes the files fit the task's share of memory, of which the caller holds `more` bytes besides, and tells the
    /// engine's pool. Errors: `MemoryExhausted` when the pool grants nothing although no file is open.
    pub(super) async fn balance(&mut self, more: usize) -> Result<(), EngineError> {
        // Making some room at a time keeps every next row from ending one more file.
        let (share, least) = (self.target.task_bytes, if self.least > 0 { self.least + more } else { 0 });
        if self.held + more > share.max(least) {
            while self.held + more > (share / 4 * 3).max(least) && !self.open.is_empty() {
                self.shrink_largest().await?;
            }
        }
        while let Err(error) = self.reservation.try_resize(self.held + more) {
            if self.open.is_empty() {
                return Err(EngineError::from_datafusion(&error, self.target.memory_limit_bytes));
            }
            self.shrink_largest().await?;
        }
        Ok(())
    }

    /// Ends all files. Returns every file of the task.
    pub(super) async fn finish(mut self) -> Result<Vec<StagedFile>, EngineError> {
        let groups: Vec<Group> = self.open.keys().copied().collect();
        for group in groups {
            self.end(group).await?;
        }
        self.collect_closed(0).await?;
        Ok(self.done)
    }

    fn begin(&mut self, (texts, values): (&[String], &[ScalarValue])) -> Result<OpenFile, EngineError> {
        let target = &self.target;
        let folder = hive::folder(&target.key_names, texts);
        let name = format!("{}-{:05}-{:05}{}", target.file_prefix, self.part, self.next, target.extension);
        self.next += 1;
        let key = Key::new(format!("{}{folder}{name}", target.prefix))?;
        let received = Arc::new(AtomicU64::new(0));
        let upload = target.lake.upload(UploadChecks::default())?;
        let sink = UploadSink { upload, received: Arc::clone(&received) };
        let schema = Arc::clone(&target.shape.schema);
        let writer = Writer::new(key.as_str(), &target.format, schema, &self.options, sink)?;
        if writer.state_bytes() > 0 {
            let upload = 2 * UPLOAD_PIECE_BYTES as usize;
            self.least = least_bytes(target.shape.data.len()) + writer.state_bytes() + upload;
        }
        let (partition, partition_values) = (texts.to_vec(), values.to_vec());
        Ok(OpenFile { writer, key, partition, partition_values, received, held: 0 })
    }

    async fn shrink_largest(&mut self) -> Result<(), EngineError> {
        let largest = self.open.iter().max_by_key(|(_, file)| file.held).map(|(group, _)| *group);
        let Some(group) = largest else { return Ok(()) };
        if let Some(file) = self.open.get_mut(&group) {
            let buffered = file.writer.buffered_bytes();
            let worth = buffered >= ROW_GROUP_WORTH_BYTES && buffered >= file.held / 2;
            if worth && file.writer.frees_by_flush() {
                file.writer.flush().await?;
                let (before, now) = (file.held, file.measure(self.target.shape.data.len()));
                file.held = now;
                self.held = self.held - before + now;
                return Ok(());
            }
        }
        self.end(group).await
    }

    /// Ends a file; it is made durable beside the next work.
    async fn end(&mut self, group: Group) -> Result<(), EngineError> {
        let Some(file) = self.open.remove(&group) else { return Ok(()) };
        self.held -= file.held;
        let OpenFile { writer, key, partition, partition_values, .. } = file;
        // The encoder's last work is done here, so that what waits to become durable is small.
        let (sink, finished) = writer.finish().await?;
        self.collect_closed(CLOSING_AT_ONCE - 1).await?;
        let target = Arc::clone(&self.target);
        self.closing.spawn(async move {
            let staged = sink.upload.finish().await?;
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
