//! A file that rows are being written to, and what it holds in memory.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use formats::{ByteSink, Part, Writer};
use lake::{Key, Upload};

use super::idle::Partition;
use crate::EngineError;

/// An upload holds up to this many bytes that are not on disk, twice while one piece is being written.
const UPLOAD_PIECE_BYTES: u64 = 1 << 20;
/// What an open file holds besides its buffers, about; and for each of its columns.
const FILE_BYTES: usize = 8 << 10;
const COLUMN_BYTES: usize = 2 << 10;
/// What a column of a row group that is written leaves in memory until the file is ended, about.
const ROW_GROUP_COLUMN_BYTES: usize = 256;
/// To give back this much is worth a row group and a write of their own: a file of its own would take more.
const RELIEF_BYTES: usize = 4 << 10;

/// An open file.
pub(super) struct OpenFile {
    writer: Writer<UploadSink>,
    pub(super) key: Key,
    pub(super) partition: Arc<Partition>,
    /// Bytes that the upload has received.
    received: Arc<AtomicU64>,
    /// Those of them that were not written when it was last relieved.
    unwritten: Arc<AtomicU64>,
    /// How often it was relieved.
    relieved: usize,
    columns: usize,
    /// What the file held when it was last looked at.
    pub(super) held: usize,
}

/// Where the bytes of a file go.
pub(super) struct UploadSink {
    pub(super) upload: Upload,
    received: Arc<AtomicU64>,
    unwritten: Arc<AtomicU64>,
}

impl UploadSink {
    pub(super) fn new(upload: Upload) -> Self {
        Self { upload, received: Arc::default(), unwritten: Arc::default() }
    }
}

#[async_trait]
impl ByteSink for UploadSink {
    async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        self.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.unwritten.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.upload.write(bytes).await.map_err(|error| io::Error::other(EngineError::from(error)))
    }
}

impl OpenFile {
    /// A file without rows. `columns` are those in it.
    pub(super) fn new(
        mut writer: Writer<UploadSink>,
        key: Key,
        partition: Arc<Partition>,
        columns: usize,
    ) -> Self {
        let sink = writer.sink_mut();
        let (received, unwritten) = (Arc::clone(&sink.received), Arc::clone(&sink.unwritten));
        Self { writer, key, partition, received, unwritten, relieved: 0, columns, held: 0 }
    }

    /// What only ending it gives back, when its format holds so much, whatever its rows; else 0.
    pub(super) fn least_bytes(&self) -> usize {
        match self.writer.state_bytes() {
            0 => 0,
            state => FILE_BYTES + self.columns * COLUMN_BYTES + state + 2 * UPLOAD_PIECE_BYTES as usize,
        }
    }

    /// Its bytes if it ended now, about.
    pub(super) fn size(&self) -> u64 {
        self.received.load(Ordering::Relaxed) + self.writer.expected_bytes() as u64
    }

    pub(super) async fn write(&mut self, rows: &[Part<'_>]) -> Result<(), EngineError> {
        self.writer.write_parts(rows).await?;
        self.held = self.measure();
        Ok(())
    }

    fn unwritten(&self) -> usize {
        self.unwritten.load(Ordering::Relaxed).min(2 * UPLOAD_PIECE_BYTES) as usize
    }

    fn measure(&self) -> usize {
        let columns = COLUMN_BYTES + self.relieved * ROW_GROUP_COLUMN_BYTES;
        let fixed = FILE_BYTES + self.columns * columns + self.writer.state_bytes();
        fixed + self.writer.buffered_bytes() + self.unwritten()
    }

    /// Whether [`Self::relieve`] would give back enough, and no small part of what the file holds itself: where there is
    /// hardly room for anything else than files, they have to be ended.
    pub(super) fn is_worth_relieving(&self) -> bool {
        let gain = self.writer.buffered_bytes() + self.unwritten();
        let own = self.held.saturating_sub(gain);
        self.writer.frees_by_flush() && gain >= RELIEF_BYTES && gain >= own / 2
    }

    /// Encodes its rows as a row group and writes all its bytes; the file goes on.
    pub(super) async fn relieve(&mut self) -> Result<(), EngineError> {
        self.writer.flush().await?;
        self.writer.sink_mut().upload.relieve().await?;
        self.unwritten.store(0, Ordering::Relaxed);
        self.relieved += 1;
        self.held = self.measure();
        Ok(())
    }

    /// Ends the writing; the upload is still to be finished.
    pub(super) async fn finish(self) -> Result<(Upload, formats::Finished), EngineError> {
        let (sink, finished) = self.writer.finish().await?;
        Ok((sink.upload, finished))
    }
}
