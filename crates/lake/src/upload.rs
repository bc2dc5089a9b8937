//! Bytes on their way in: an [`Upload`] takes a body of any size in constant memory and becomes a [`Staged`], which is
//! durable and invisible until it is put.
//!
//! Small bodies (up to [`INLINE_BYTES`]) never become a file: they stay in memory and go into the index with their
//! row. One transaction's sync, which the store shares between concurrent commits, then makes bytes and row durable
//! together: a small put costs no file, no folder sync and no second disk flush; there is nothing to collect either.
//! (The alternative, a shared pack file, would need its own group commit, two flushes per put, and compaction.)
//!
//! Larger bodies are cut into pieces of [`PIECE_BYTES`]; while one piece is hashed and appended on a blocking thread,
//! the next is received. So an upload holds at most two pieces, and no file descriptor between pieces. Dropping an
//! upload, at any point, removes its bytes.

use crate::checksum::{Algorithm, Checksum, Digests, ETagKind};
use crate::disk::{Disk, ExtentFile};
use crate::{Lake, LakeError};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Bodies up to this size are kept in the index row of their extent. 16 KiB is four SQLite pages: still cheaper to
/// write through the log than a file with its two flushes, and small enough that the index stays an index.
pub const INLINE_BYTES: usize = 16 << 10;

/// Default and largest size of the pieces in which larger bodies are hashed and written.
const PIECE_BYTES: usize = 1 << 20;

/// Written bytes are flushed to disk this often, so that the end of a large upload does not wait for all of it.
const FLUSH_EVERY_BYTES: u64 = 16 << 20;

/// What a body must turn out to be.
#[derive(Clone, Debug, Default)]
pub struct UploadChecks {
    /// Its length in bytes, when announced.
    pub content_length: Option<u64>,
    /// Its MD5, when announced.
    pub md5: Option<[u8; 16]>,
    /// Its checksums, when announced.
    pub expected: Vec<Checksum>,
    /// Checksums to compute and keep besides; CRC64NVME when there are none at all, as S3 does.
    pub compute: Vec<Algorithm>,
    /// The most bytes it may have.
    pub max_bytes: Option<u64>,
    /// Size of the pieces in which it is written, 32 KiB to 1 MiB (the default); an upload holds at most two. Writers
    /// that keep hundreds of uploads open ask for small ones.
    pub piece_bytes: Option<usize>,
    /// What its ETag is made of; MD5, when that is announced.
    pub etag: ETagKind,
}

/// A body being received.
pub struct Upload {
    disk: Arc<Disk>,
    checks: UploadChecks,
    piece_bytes: usize,
    size: u64,
    buffer: Vec<u8>,
    spare: Option<Vec<u8>>,
    sink: Option<Sink>,
    running: Option<JoinHandle<Written>>,
    /// Brings written bytes to the disk while others come in.
    syncing: Option<JoinHandle<std::io::Result<()>>>,
}

/// What a blocking thread gives back: the sink, the piece's buffer, and how it went.
type Written = (Sink, Vec<u8>, std::io::Result<()>);

/// What travels to the blocking thread and back.
struct Sink {
    digests: Digests,
    disk: Arc<Disk>,
    /// Made with the first piece, where blocking is allowed.
    file: Option<ExtentFile>,
    unflushed: u64,
}

impl Sink {
    fn file(&mut self) -> std::io::Result<&ExtentFile> {
        if self.file.is_none() {
            self.file = Some(ExtentFile::create(&self.disk)?);
        }
        self.file.as_ref().ok_or_else(|| std::io::Error::other("an upload has no file"))
    }

    fn write(&mut self, piece: &[u8]) -> std::io::Result<()> {
        self.digests.update(piece);
        self.file()?.append(piece)?;
        self.unflushed += piece.len() as u64;
        Ok(())
    }

    /// Writes the last piece and makes all of them durable.
    fn end(mut self, last: &[u8]) -> std::io::Result<(Digests, ExtentFile)> {
        self.write(last)?;
        self.file()?.sync()?;
        let file = self.file.ok_or_else(|| std::io::Error::other("an upload has no file"))?;
        Ok((self.digests, file))
    }
}

/// Finished bytes, durable and invisible. Dropped without being put, they are removed.
pub struct Staged {
    /// Size in bytes.
    pub size: u64,
    /// The ETag an object of these bytes has, without quotes.
    etag: String,
    /// Checksums that were asked for or announced, at least one.
    pub checksums: Vec<Checksum>,
    pub(crate) content: Content,
}

pub(crate) enum Content {
    Empty,
    Inline(Vec<u8>),
    File(ExtentFile),
}

impl Staged {
    /// The ETag an object of these bytes has, without quotes.
    pub fn etag(&self) -> &str {
        &self.etag
    }
}

impl std::fmt::Debug for Staged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Staged").field("size", &self.size).field("etag", &self.etag()).finish_non_exhaustive()
    }
}

impl Lake {
    /// Starts receiving a body. Errors: `EntityTooLarge` when more is announced than `checks` allow.
    pub fn upload(&self, checks: UploadChecks) -> Result<Upload, LakeError> {
        if let (Some(proposed), Some(max)) = (checks.content_length, checks.max_bytes)
            && proposed > max
        {
            return Err(LakeError::EntityTooLarge { proposed, max });
        }
        Ok(Upload {
            disk: self.disk(),
            piece_bytes: checks.piece_bytes.unwrap_or(PIECE_BYTES).clamp(2 * INLINE_BYTES, PIECE_BYTES),
            checks,
            size: 0,
            buffer: Vec::new(),
            spare: None,
            sink: None,
            running: None,
            syncing: None,
        })
    }

    /// Receives a whole stream. Errors of the stream itself come back as `Io`; see [`Upload::finish`] for the others.
    pub async fn stage_stream<S>(&self, mut stream: S, checks: UploadChecks) -> Result<Staged, LakeError>
    where
        S: Stream<Item = std::io::Result<Bytes>> + Unpin,
    {
        let mut upload = self.upload(checks)?;
        while let Some(data) = stream.next().await {
            upload.write(data.map_err(|err| LakeError::io("receiving a body", err))?).await?;
        }
        upload.finish().await
    }

    /// Stages bytes that are at hand.
    pub async fn stage_bytes(&self, data: impl Into<Bytes>) -> Result<Staged, LakeError> {
        let mut upload = self.upload(UploadChecks::default())?;
        upload.write(data.into()).await?;
        upload.finish().await
    }
}

impl Upload {
    /// Bytes received so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a checksum that became known with the body's trailer. It counts only when its algorithm is among
    /// `UploadChecks::compute`; otherwise it cannot be checked any more and is refused as `Corrupt`.
    pub fn expect(&mut self, checksum: Checksum) -> Result<(), LakeError> {
        if !self.algorithms().contains(&checksum.algorithm) {
            return Err(LakeError::corrupt("a trailing checksum was not announced"));
        }
        self.checks.expected.push(checksum);
        Ok(())
    }

    /// Takes the next bytes. Errors: `EntityTooLarge`, `IncompleteBody` when more than announced, `Io`.
    pub async fn write(&mut self, data: Bytes) -> Result<(), LakeError> {
        self.size += data.len() as u64;
        if let Some(max) = self.checks.max_bytes.filter(|max| self.size > *max) {
            return Err(LakeError::EntityTooLarge { proposed: self.size, max });
        }
        if let Some(expected) = self.checks.content_length.filter(|expected| self.size > *expected) {
            return Err(LakeError::IncompleteBody { expected, received: self.size });
        }
        let mut rest = &data[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(self.piece_bytes - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            rest = later;
            if self.buffer.len() == self.piece_bytes {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Ends the body: checks it, makes it durable. Errors: `IncompleteBody`, `BadMd5`, `BadChecksum`, `Io`; the bytes
    /// are then removed.
    pub async fn finish(mut self) -> Result<Staged, LakeError> {
        if let Some(expected) = self.checks.content_length.filter(|expected| self.size != *expected) {
            return Err(LakeError::IncompleteBody { expected, received: self.size });
        }
        let untouched = self.sink.is_none() && self.running.is_none();
        let small = untouched && self.size <= INLINE_BYTES as u64;
        let (etag, checksums, content) = if small { self.finish_small() } else { self.finish_file().await? };
        check_md5(self.checks.md5, &etag)?;
        check_sums(&self.checks.expected, &checksums)?;
        Ok(Staged { size: self.size, etag, checksums, content })
    }

    fn finish_small(&mut self) -> (String, Vec<Checksum>, Content) {
        let mut digests = Digests::new(self.etag_kind(), self.algorithms());
        digests.update(&self.buffer);
        let (etag, checksums) = digests.finish();
        let bytes = std::mem::take(&mut self.buffer);
        let content = if bytes.is_empty() { Content::Empty } else { Content::Inline(bytes) };
        (etag, checksums, content)
    }

    async fn finish_file(&mut self) -> Result<(String, Vec<Checksum>, Content), LakeError> {
        let sink = self.take_sink().await?;
        self.synced().await?;
        let last = std::mem::take(&mut self.buffer);
        let written = tokio::task::spawn_blocking(move || sink.end(&last));
        let (digests, file) = written.await.map_err(lost_thread)?.map_err(writing)?;
        let sent = self.disk.send(file.id()).await;
        sent.map_err(|err| LakeError::io("sending an extent to the outside store", err))?;
        let (etag, checksums) = digests.finish();
        Ok((etag, checksums, Content::File(file)))
    }

    /// Writes what has been taken so far and gives its memory back; the body goes on. For writers that keep many uploads
    /// open. Nothing is durable by it. Errors: `Io`.
    pub async fn relieve(&mut self) -> Result<(), LakeError> {
        if !self.buffer.is_empty() {
            self.flush().await?;
        }
        if self.running.is_some() {
            self.sink = Some(self.take_sink().await?);
        }
        (self.buffer, self.spare) = (Vec::new(), None);
        Ok(())
    }

    /// Hands the buffer to a blocking thread, after the one before is done.
    async fn flush(&mut self) -> Result<(), LakeError> {
        let mut sink = self.take_sink().await?;
        self.sync_some(&mut sink).await?;
        let next = self.spare.take().unwrap_or_else(|| Vec::with_capacity(self.piece_bytes));
        let piece = std::mem::replace(&mut self.buffer, next);
        self.running = Some(tokio::task::spawn_blocking(move || {
            let done = sink.write(&piece);
            (sink, piece, done)
        }));
        Ok(())
    }

    /// Starts to flush what was written, when that is much and the last flush is over.
    async fn sync_some(&mut self, sink: &mut Sink) -> Result<(), LakeError> {
        let is_idle = self.syncing.as_ref().is_none_or(JoinHandle::is_finished);
        if sink.unflushed >= FLUSH_EVERY_BYTES && is_idle {
            self.synced().await?;
            sink.unflushed = 0;
            self.syncing =
                sink.file.as_ref().and_then(ExtentFile::sync_some).map(tokio::task::spawn_blocking);
        }
        Ok(())
    }

    /// Waits for the last flush.
    async fn synced(&mut self) -> Result<(), LakeError> {
        match self.syncing.take() {
            Some(syncing) => syncing.await.map_err(lost_thread)?.map_err(writing),
            None => Ok(()),
        }
    }

    /// The sink, once no thread has it.
    async fn take_sink(&mut self) -> Result<Sink, LakeError> {
        if let Some(running) = self.running.as_mut() {
            let (sink, mut piece, done) = running.await.map_err(lost_thread)?;
            self.running = None;
            done.map_err(writing)?;
            piece.clear();
            self.spare = Some(piece);
            self.sink = Some(sink);
        }
        if let Some(sink) = self.sink.take() {
            return Ok(sink);
        }
        let digests = Digests::new(self.etag_kind(), self.algorithms());
        Ok(Sink { digests, disk: Arc::clone(&self.disk), file: None, unflushed: 0 })
    }

    fn etag_kind(&self) -> ETagKind {
        if self.checks.md5.is_some() { ETagKind::Md5 } else { self.checks.etag }
    }

    fn algorithms(&self) -> Vec<Algorithm> {
        let expected = self.checks.expected.iter().map(|c| c.algorithm);
        let mut algorithms: Vec<Algorithm> = self.checks.compute.iter().copied().chain(expected).collect();
        if algorithms.is_empty() {
            algorithms.push(Algorithm::Crc64Nvme);
        }
        algorithms
    }
}

fn check_md5(expected: Option<[u8; 16]>, calculated: &str) -> Result<(), LakeError> {
    match expected.map(hex::encode) {
        Some(expected) if expected != calculated => {
            Err(LakeError::BadMd5 { expected, calculated: calculated.to_owned() })
        }
        _ => Ok(()),
    }
}

fn check_sums(expected: &[Checksum], calculated: &[Checksum]) -> Result<(), LakeError> {
    for wanted in expected {
        let found = calculated.iter().find(|c| c.algorithm == wanted.algorithm);
        if found.map(|c| &c.value) != Some(&wanted.value) {
            return Err(LakeError::BadChecksum {
                algorithm: wanted.algorithm,
                expected: wanted.value.clone(),
                calculated: found.map(|c| c.value.clone()).unwrap_or_default(),
            });
        }
    }
    Ok(())
}

fn writing(source: std::io::Error) -> LakeError {
    LakeError::io("writing an extent", source)
}

fn lost_thread(err: tokio::task::JoinError) -> LakeError {
    LakeError::io("writing an extent", std::io::Error::other(err))
}
