//! Parts of a file in memory, for a decoder that cannot wait.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use orc_rust::reader::ChunkReader;
use orc_rust::reader::metadata::{FileMetadata, read_metadata};

use super::damaged;
use crate::error::FormatError;
use crate::source::ByteSource;

/// What is first fetched of the tail; nearly always enough. Larger ones are fetched again.
const TAIL_BYTES: u64 = 128 << 10;
const MAX_TAIL_BYTES: u64 = 256 << 20;

/// The parts of a file that were fetched.
#[derive(Clone)]
pub(super) struct Parts {
    size: u64,
    parts: Vec<(u64, Bytes)>,
    /// Whether something was asked for that is in the file and was not fetched.
    missed: Arc<AtomicBool>,
}

impl Parts {
    fn new(size: u64, start: u64, bytes: Bytes) -> Self {
        Self { size, parts: vec![(start, bytes)], missed: Arc::new(AtomicBool::new(false)) }
    }

    /// The same and one part more.
    pub(super) fn with(&self, start: u64, bytes: Bytes) -> Self {
        let mut more = self.clone();
        more.parts.push((start, bytes));
        more
    }
}

impl ChunkReader for Parts {
    type T = Reader<Bytes>;

    fn len(&self) -> u64 {
        self.size
    }

    fn get_read(&self, offset: u64) -> io::Result<Self::T> {
        for (start, bytes) in &self.parts {
            if let Some(at) = offset.checked_sub(*start).filter(|at| *at < bytes.len() as u64) {
                return Ok(bytes.slice(at as usize..).reader());
            }
        }
        self.missed.store(offset < self.size, Ordering::Relaxed);
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it points outside the file"))
    }

    fn get_bytes(&self, offset: u64, length: u64) -> io::Result<Bytes> {
        let rest = self.get_read(offset)?.into_inner();
        if rest.remaining() as u64 >= length {
            return Ok(rest.slice(..length as usize));
        }
        self.missed.store(offset.saturating_add(length) <= self.size, Ordering::Relaxed);
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it points outside the file"))
    }
}

/// Fetches a range, which must be there in full.
pub(super) async fn fetch(source: &dyn ByteSource, range: Range<u64>) -> Result<Bytes, FormatError> {
    let name = source.name();
    if range.end > source.size() {
        return Err(damaged(name, "a stripe lies outside the file"));
    }
    let wanted = range.end - range.start;
    let bytes = source.read(range).await.map_err(|e| FormatError::io(name, e))?;
    if bytes.len() as u64 != wanted {
        return Err(damaged(name, "the file is shorter than its size"));
    }
    Ok(bytes)
}

/// Fetches and reads the tail.
pub(super) async fn tail(source: &dyn ByteSource) -> Result<(Parts, FileMetadata), FormatError> {
    let (name, size) = (source.name(), source.size());
    let mut length = TAIL_BYTES.min(size);
    loop {
        let mut parts = Parts::new(size, size - length, fetch(source, size - length..size).await?);
        let missed = Arc::clone(&parts.missed);
        // Damaged footers make the decoder panic.
        let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| read_metadata(&mut parts)));
        match read {
            Ok(Ok(metadata)) => return Ok((parts, metadata)),
            Ok(Err(_)) if missed.load(Ordering::Relaxed) && length < size.min(MAX_TAIL_BYTES) => {
                length = (length * 16).min(size);
            }
            Ok(Err(error)) => return Err(damaged(name, error.to_string())),
            Err(_) => return Err(damaged(name, "the footer is damaged, or the file is cut short")),
        }
    }
}
