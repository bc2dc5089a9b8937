//! Compressed streams: detection, and decoding in bounded steps.
//!
//! The decoders of the codec crates pull from a `BufRead`. Ours says `WouldBlock` when it has handed out
//! what was fed so far; all three decoders keep their state over that and go on after the next feed. So a
//! decoder never makes more output than the caller's buffer holds, however high the compression ratio.

use std::io::{self, BufRead, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// The compression of a whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// None.
    None,
    /// gzip, also several members one after the other.
    Gzip,
    /// bzip2, also several streams one after the other.
    Bzip2,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// Glue's `compressionType`: `none`, `gzip`, `bzip2`, `zstd`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Zstd => "zstd",
        }
    }

    /// The customary file ending, with its dot; empty for none.
    pub fn extension(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Bzip2 => ".bz2",
            Self::Zstd => ".zst",
        }
    }

    /// Finds the compression from a file's first bytes (ten are enough), then from its name: a file that is
    /// named as compressed and is not will be a clear error when it is read, unless it is empty.
    pub fn detect(name: &str, head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, ..] => Self::Bzip2,
            [] => Self::None,
            _ => Self::by_name(name),
        }
    }

    fn by_name(name: &str) -> Self {
        let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        match ending.as_str() {
            "gz" | "gzip" => Self::Gzip,
            "bz2" | "bzip2" => Self::Bzip2,
            "zst" | "zstd" => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// What is fed but not yet taken.
#[derive(Default)]
struct Slot {
    chunk: Option<Bytes>,
    eof: bool,
}

struct Feed {
    slot: Arc<Mutex<Slot>>,
    current: Bytes,
}

impl Read for Feed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let n = available.len().min(out.len());
        out[..n].copy_from_slice(&available[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Feed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.current.is_empty() {
            let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
            match slot.chunk.take() {
                Some(chunk) => self.current = chunk,
                None if slot.eof => {}
                None => return Err(io::ErrorKind::WouldBlock.into()),
            }
        }
        Ok(&self.current)
    }

    fn consume(&mut self, n: usize) {
        let _ = self.current.split_to(n);
    }
}

/// A decoder that is fed pieces and gives bounded output.
pub(crate) struct Decoder {
    slot: Arc<Mutex<Slot>>,
    reader: Box<dyn Read + Send>,
    codec: &'static str,
}

/// What a step of decoding gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// So many bytes were written to the buffer.
    Output(usize),
    /// Nothing more without another feed.
    NeedInput,
    /// The stream has ended properly.
    End,
}

impl Decoder {
    /// A decoder for `compression`; `None` for uncompressed data.
    pub(crate) fn new(compression: Compression) -> io::Result<Option<Self>> {
        let slot = Arc::new(Mutex::new(Slot::default()));
        let feed = Feed { slot: Arc::clone(&slot), current: Bytes::new() };
        let reader: Box<dyn Read + Send> = match compression {
            Compression::None => return Ok(None),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(feed)),
            Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(feed)),
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(feed)?),
        };
        Ok(Some(Self { slot, reader, codec: compression.name() }))
    }

    pub(crate) fn codec(&self) -> &'static str {
        self.codec
    }

    /// Hands over the next piece; call only after [`Step::NeedInput`]. `None` is the end of the input.
    pub(crate) fn feed(&mut self, chunk: Option<Bytes>) {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        match chunk {
            Some(chunk) if chunk.is_empty() => {}
            Some(chunk) => slot.chunk = Some(chunk),
            None => slot.eof = true,
        }
    }

    /// Decodes into `out` (not empty). Errors: damaged data, or an end in the middle of a stream.
    pub(crate) fn step(&mut self, out: &mut [u8]) -> io::Result<Step> {
        match self.reader.read(out) {
            Ok(0) => Ok(Step::End),
            Ok(n) => Ok(Step::Output(n)),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(Step::NeedInput),
            Err(e) => Err(e),
        }
    }
}
