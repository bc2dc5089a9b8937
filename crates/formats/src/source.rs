//! Where bytes come from and go to.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};

/// One immutable file. Ranges are byte offsets; a range past the end is cut to the file.
#[async_trait]
pub trait ByteSource: Send + Sync {
    /// The name for error messages, such as `s3://bucket/key`; its ending is a hint on compression.
    fn name(&self) -> &str;
    /// Size in bytes.
    fn size(&self) -> u64;
    /// Reads one range whole. Callers ask for footers and heads with it, not for files.
    async fn read(&self, range: Range<u64>) -> io::Result<Bytes>;
    /// Streams one range in order, in pieces of the source's own choosing (none larger than a few MiB).
    fn stream(&self, range: Range<u64>) -> BoxStream<'static, io::Result<Bytes>>;
    /// The same bytes for readers with buffers of their own, where they are on a local disk and the calling thread may
    /// wait for it; by default nothing.
    fn local(&self) -> Option<Box<dyn LocalBytes>> {
        None
    }
}

/// Bytes that can be read by position without leaving the thread.
pub trait LocalBytes: Send {
    /// Reads up to as many bytes as `buffer` takes, from `offset` on; 0 only at the end.
    fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

/// Where a [`crate::Writer`] puts finished bytes, in order.
#[async_trait]
pub trait ByteSink: Send {
    /// Appends `bytes`; returns once they are taken over.
    async fn write(&mut self, bytes: Bytes) -> io::Result<()>;
}

/// A file in memory.
#[derive(Debug, Clone)]
pub struct MemorySource {
    name: String,
    data: Bytes,
    piece: usize,
}

impl MemorySource {
    /// Wraps `data`; streams hand it out in pieces of 64 KiB.
    pub fn new(name: impl Into<String>, data: impl Into<Bytes>) -> Self {
        Self { name: name.into(), data: data.into(), piece: 64 * 1024 }
    }

    /// Makes streams hand the bytes out in pieces of `piece` bytes (at least 1).
    #[must_use]
    pub fn with_piece(mut self, piece: usize) -> Self {
        self.piece = piece.max(1);
        self
    }

    fn cut(&self, range: Range<u64>) -> Bytes {
        let len = self.data.len() as u64;
        let start = range.start.min(len);
        let end = range.end.clamp(start, len);
        self.data.slice(start as usize..end as usize)
    }
}

#[async_trait]
impl ByteSource for MemorySource {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> u64 {
        self.data.len() as u64
    }

    async fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        Ok(self.cut(range))
    }

    fn stream(&self, range: Range<u64>) -> BoxStream<'static, io::Result<Bytes>> {
        let piece = self.piece;
        stream::unfold(self.cut(range), move |mut rest| async move {
            if rest.is_empty() {
                return None;
            }
            let head = rest.split_to(piece.min(rest.len()));
            Some((Ok(head), rest))
        })
        .boxed()
    }
}

/// A local file, read by position in pieces of 1 MiB.
#[derive(Debug, Clone)]
pub struct FileSource {
    name: String,
    file: Arc<File>,
    size: u64,
}

impl FileSource {
    /// Opens `path`. Reads block the calling thread for one `pread` each: for local disks.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { name: path.display().to_string(), file: Arc::new(file), size })
    }
}

fn read_at(file: &File, range: Range<u64>) -> io::Result<Bytes> {
    let mut buffer = vec![0; (range.end - range.start) as usize];
    file.read_exact_at(&mut buffer, range.start)?;
    Ok(buffer.into())
}

#[async_trait]
impl ByteSource for FileSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> u64 {
        self.size
    }

    async fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        let start = range.start.min(self.size);
        read_at(&self.file, start..range.end.clamp(start, self.size))
    }

    fn local(&self) -> Option<Box<dyn LocalBytes>> {
        Some(Box::new(Arc::clone(&self.file)))
    }

    fn stream(&self, range: Range<u64>) -> BoxStream<'static, io::Result<Bytes>> {
        const PIECE: u64 = 1 << 20;
        let (file, end) = (Arc::clone(&self.file), range.end.min(self.size));
        stream::unfold(range.start, move |at| {
            let file = Arc::clone(&file);
            async move {
                if at >= end {
                    return None;
                }
                let next = (at + PIECE).min(end);
                Some((read_at(&file, at..next), next))
            }
        })
        .boxed()
    }
}

impl LocalBytes for Arc<File> {
    fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self.as_ref(), buffer, offset)
    }
}

/// Collects everything written, in memory.
#[derive(Debug, Default, Clone)]
pub struct MemorySink {
    /// What was written so far.
    pub data: Vec<u8>,
}

#[async_trait]
impl ByteSink for MemorySink {
    async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        self.data.extend_from_slice(&bytes);
        Ok(())
    }
}
