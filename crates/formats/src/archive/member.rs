//! One member of an archive as a source of its decompressed bytes.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use flate2::Crc;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::damaged;
use super::directory::{Entry, short};
use crate::compression::Compression;
use crate::error::{FormatError, Problem};
use crate::input::Input;
use crate::source::ByteSource;

/// Members are streams: a range is reached by decoding all before it, which is for heads, not for footers.
const MAX_HEAD_BYTES: u64 = 16 << 20;

pub(super) struct MemberSource {
    name: String,
    archive: Arc<dyn ByteSource>,
    entry: Entry,
    compression: Compression,
}

impl MemberSource {
    pub(super) fn new(archive: Arc<dyn ByteSource>, entry: Entry) -> Result<Self, FormatError> {
        let compression = match entry.method {
            0 => Compression::None,
            8 => Compression::Deflate,
            12 => Compression::Bzip2,
            93 => Compression::Zstd,
            95 => Compression::Xz,
            other => {
                let what = format!("the member {}: its compression method {other}", entry.name);
                return Err(FormatError::new(archive.name(), Problem::Unsupported { what }));
            }
        };
        let name = format!("{}!{}", archive.name(), entry.name);
        Ok(Self { name, archive, entry, compression })
    }
}

#[async_trait]
impl ByteSource for MemberSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> u64 {
        self.entry.size
    }

    async fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        let end = range.end.min(self.entry.size);
        if end > MAX_HEAD_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "a member of an archive is read in order",
            ));
        }
        let mut head = BytesMut::new();
        let mut pieces = self.stream(range.start..end);
        while let Some(piece) = pieces.try_next().await? {
            head.extend_from_slice(&piece);
        }
        Ok(head.freeze())
    }

    fn stream(&self, range: Range<u64>) -> BoxStream<'static, io::Result<Bytes>> {
        let opening = Opening {
            name: self.name.clone(),
            archive: Arc::clone(&self.archive),
            entry: self.entry.clone(),
            compression: self.compression,
        };
        let range = range.start..range.end.min(self.entry.size);
        stream::unfold(State::Opening(opening), move |state| next(state, range.clone())).boxed()
    }
}

struct Opening {
    name: String,
    archive: Arc<dyn ByteSource>,
    entry: Entry,
    compression: Compression,
}

impl Opening {
    async fn open(self) -> Result<Open, FormatError> {
        let archive = self.archive.name();
        let at = self.entry.header_at;
        let header =
            self.archive.read(at..at.saturating_add(30)).await.map_err(|e| FormatError::io(archive, e))?;
        let behind = || Some(30 + u64::from(short(&header, 26)?) + u64::from(short(&header, 28)?));
        let start = behind().filter(|_| header.starts_with(b"PK\x03\x04")).map(|length| at + length);
        let start = start.ok_or_else(|| damaged(&self.name, "the member's header is damaged"))?;
        let end = start.saturating_add(self.entry.stored);
        if end > self.archive.size() {
            return Err(damaged(&self.name, "the member lies outside the file"));
        }
        let stored = self.archive.stream(start..end);
        let input = Input::over(&self.name, stored, self.compression, usize::MAX)?;
        Ok(Open { name: self.name, entry: self.entry, input, crc: Crc::new(), at: 0 })
    }
}

struct Open {
    name: String,
    entry: Entry,
    input: Input,
    crc: Crc,
    /// Bytes handed out or skipped so far.
    at: u64,
}

impl Open {
    /// The next piece within the range; `None` behind it. Reads to the end only when the range reaches there.
    async fn next(&mut self, range: &Range<u64>) -> Result<Option<Bytes>, FormatError> {
        loop {
            if self.at >= range.end && range.end < self.entry.size {
                return Ok(None);
            }
            if self.input.pending().is_empty() && !self.input.more().await? {
                return self.check().map(|()| None);
            }
            let piece = Bytes::copy_from_slice(self.input.pending());
            self.input.consume(piece.len());
            self.crc.update(&piece);
            let from = self.at;
            self.at += piece.len() as u64;
            if self.at > self.entry.size {
                return self.check().map(|()| None);
            }
            let cut = |at: u64| at.clamp(from, self.at) - from;
            let wanted = piece.slice(cut(range.start) as usize..cut(range.end) as usize);
            if !wanted.is_empty() {
                return Ok(Some(wanted));
            }
        }
    }

    fn check(&self) -> Result<(), FormatError> {
        if self.at != self.entry.size {
            return Err(damaged(&self.name, "the member is not of the size that the directory gives"));
        }
        if self.crc.sum() != self.entry.crc {
            return Err(damaged(&self.name, "the member's checksum is wrong"));
        }
        Ok(())
    }
}

enum State {
    Opening(Opening),
    Open(Box<Open>),
    Ended,
}

async fn next(state: State, range: Range<u64>) -> Option<(io::Result<Bytes>, State)> {
    let mut open = match state {
        State::Opening(opening) => match opening.open().await {
            Ok(open) => Box::new(open),
            Err(error) => return Some((Err(io::Error::other(error)), State::Ended)),
        },
        State::Open(open) => open,
        State::Ended => return None,
    };
    match open.next(&range).await {
        Ok(Some(piece)) => Some((Ok(piece), State::Open(open))),
        Ok(None) => None,
        Err(error) => Some((Err(io::Error::other(error)), State::Ended)),
    }
}
