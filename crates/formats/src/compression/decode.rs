//! Decoding in bounded steps.
//!
//! The decoders pull from a `BufRead`. Ours says `WouldBlock` when it has handed out what was fed so far; every
//! decoder keeps its state over that and goes on after the next feed. So a decoder never makes more output than the
//! caller's buffer holds, however high the compression ratio; what it keeps itself is bounded by its codec's window
//! or block.

use std::io::{self, BufRead, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use liblzma::stream::{CONCATENATED, Stream};

use super::Compression;
use super::blocks::BlockReader;
use super::gunzip::Gunzip;
use super::inflate::Inflate;

/// The most memory that an xz stream may ask for: enough for the dictionaries of `xz -9` (64 MiB), not for a bomb's.
const XZ_MEMORY_BYTES: u64 = 192 << 20;

/// What is fed but not yet taken.
#[derive(Default)]
struct Slot {
    chunk: Option<Bytes>,
    eof: bool,
}

pub(super) struct Feed {
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
            Compression::Zip => return Err(io::ErrorKind::Unsupported.into()),
            Compression::Gzip => Box::new(Gunzip::new(feed)),
            Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(feed)),
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(feed)?),
            Compression::Xz => Box::new(liblzma::bufread::XzDecoder::new_stream(
                feed,
                Stream::new_stream_decoder(XZ_MEMORY_BYTES, CONCATENATED)?,
            )),
            Compression::Zlib => Box::new(Inflate::new(feed, true)),
            Compression::Deflate => Box::new(Inflate::new(feed, false)),
            Compression::Snappy => Box::new(BlockReader::snappy(feed)),
            Compression::Lz4 => Box::new(BlockReader::lz4(feed)),
            Compression::HadoopSnappy => Box::new(BlockReader::hadoop_snappy(feed)),
            Compression::HadoopLz4 => Box::new(BlockReader::hadoop_lz4(feed)),
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
