//! The container: header, blocks, sync markers. Layout: Apache Avro specification, Object Container Files.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;

use bytes::Bytes;

use super::{MAGIC, damaged};
use crate::compression::{Compression, Decoder, Inflate, Step};
use crate::error::{FormatError, Problem};
use crate::input::Input;
use crate::source::ByteSource;

pub(super) const SYNC_BYTES: usize = 16;
/// Largest header and largest block accepted, in bytes, the latter as stored and decompressed.
const MAX_HEADER_BYTES: usize = 16 << 20;
const MAX_BLOCK_BYTES: usize = 256 << 20;

/// A block's compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    None,
    /// A raw block, followed by the checksum of its content.
    Snappy,
    /// Deflate without a wrapper.
    Deflate,
    /// Whatever is a stream of its own.
    Stream(Compression),
}

#[derive(Debug, Clone)]
pub(super) struct Header {
    /// The writer's schema as JSON text.
    pub(super) schema: String,
    pub(super) codec: Codec,
    /// The codec as the file names it.
    pub(super) codec_name: String,
    pub(super) sync: [u8; SYNC_BYTES],
    /// Its length in bytes, the marker at its end included.
    pub(super) length: u64,
}

/// A variable-length number and the bytes it takes; `None` when it is not all there. Errors: too long.
pub(super) fn number(bytes: &[u8]) -> Result<Option<(i64, usize)>, &'static str> {
    let mut value: u64 = 0;
    for (i, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Ok(Some(((value >> 1) as i64 ^ -((value & 1) as i64), i + 1)));
        }
    }
    if bytes.len() < 10 { Ok(None) } else { Err("a number has too many bytes") }
}

/// Writes a number as [`number`] reads it.
pub(super) fn put_number(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Makes sure that so many bytes are pending.
async fn need(input: &mut Input, bytes: usize) -> Result<(), FormatError> {
    while input.pending().len() < bytes {
        if !input.more().await? {
            return Err(damaged(input.name(), "the file is cut short"));
        }
    }
    Ok(())
}

async fn take_number(input: &mut Input) -> Result<i64, FormatError> {
    loop {
        match number(input.pending()).map_err(|message| damaged(input.name(), message))? {
            Some((value, length)) => {
                input.consume(length);
                return Ok(value);
            }
            None => need(input, input.pending().len() + 1).await?,
        }
    }
}

async fn take_bytes(input: &mut Input, limit: usize) -> Result<Vec<u8>, FormatError> {
    let length = take_number(input).await?;
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= limit)
        .ok_or_else(|| damaged(input.name(), format!("a length of {length} bytes")))?;
    need(input, length).await?;
    let bytes = input.pending()[..length].to_vec();
    input.consume(length);
    Ok(bytes)
}

/// Reads the header of the file that begins with `input`.
pub(super) async fn header(input: &mut Input) -> Result<Header, FormatError> {
    let name = input.name().to_owned();
    need(input, MAGIC.len()).await?;
    if !input.pending().starts_with(MAGIC) {
        return Err(damaged(&name, "it does not begin as an Avro file does"));
    }
    input.consume(MAGIC.len());
    let mut metadata: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    loop {
        let count = take_number(input).await?;
        if count == 0 {
            break;
        }
        if count < 0 {
            take_number(input).await?;
        }
        for _ in 0..count.unsigned_abs() {
            let key = take_bytes(input, MAX_HEADER_BYTES).await?;
            let value = take_bytes(input, MAX_HEADER_BYTES).await?;
            if input.offset() > MAX_HEADER_BYTES as u64 {
                return Err(damaged(&name, "the header is larger than any writer makes them"));
            }
            metadata.insert(key, value);
        }
    }
    need(input, SYNC_BYTES).await?;
    let mut sync = [0; SYNC_BYTES];
    sync.copy_from_slice(&input.pending()[..SYNC_BYTES]);
    input.consume(SYNC_BYTES);
    let text = |key: &str| metadata.get(key.as_bytes()).and_then(|value| std::str::from_utf8(value).ok());
    let schema = text("avro.schema").ok_or_else(|| damaged(&name, "the header holds no schema"))?.to_owned();
    let codec_name = text("avro.codec").unwrap_or("null").to_owned();
    let codec = codec_of(&codec_name).ok_or_else(|| {
        let what = format!("the Avro codec {codec_name:?}");
        FormatError::new(&name, Problem::Unsupported { what })
    })?;
    Ok(Header { schema, codec, codec_name, sync, length: input.offset() })
}

fn codec_of(name: &str) -> Option<Codec> {
    Some(match name {
        "null" => Codec::None,
        "snappy" => Codec::Snappy,
        "deflate" => Codec::Deflate,
        "bzip2" => Codec::Stream(Compression::Bzip2),
        "zstandard" => Codec::Stream(Compression::Zstd),
        "xz" => Codec::Stream(Compression::Xz),
        _ => return None,
    })
}

/// So many records, decompressed.
pub(super) struct Block {
    pub(super) count: u64,
    pub(super) data: Vec<u8>,
    /// Bytes in the file.
    pub(super) stored: u64,
}

/// The blocks of one range: those whose preceding sync marker begins within it, so that the ranges of any cut hold every
/// block once.
pub(super) struct Blocks {
    input: Input,
    header: Header,
    range: Range<u64>,
    /// Whether the input stands behind a marker.
    aligned: bool,
}

impl Blocks {
    pub(super) async fn open(source: &dyn ByteSource, range: Range<u64>) -> Result<Self, FormatError> {
        let mut input = Input::open(source, 0, Compression::None, MAX_HEADER_BYTES)?;
        let header = header(&mut input).await?;
        // The header's own marker is the first block's.
        let start = range.start.max(header.length - SYNC_BYTES as u64);
        let input = Input::open(source, start, Compression::None, MAX_BLOCK_BYTES)?;
        Ok(Self { input, header, range, aligned: false })
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    fn broken(&self, message: &str) -> FormatError {
        let mut error = damaged(self.input.name(), message);
        error.place.offset = Some(self.input.offset());
        error
    }

    /// The next block of the range; `None` behind the last.
    pub(super) async fn next(&mut self) -> Result<Option<Block>, FormatError> {
        if !self.aligned && !self.align().await? {
            return Ok(None);
        }
        let marker_at = self.input.offset() - SYNC_BYTES as u64;
        if marker_at >= self.range.end || (self.input.pending().is_empty() && !self.input.more().await?) {
            return Ok(None);
        }
        let start = self.input.offset();
        let count = take_number(&mut self.input).await?;
        let count = u64::try_from(count).map_err(|_| self.broken("a block has a negative count"))?;
        let stored = take_bytes(&mut self.input, MAX_BLOCK_BYTES).await?;
        need(&mut self.input, SYNC_BYTES).await?;
        if self.input.pending()[..SYNC_BYTES] != self.header.sync {
            return Err(self.broken("a block does not end with the file's marker"));
        }
        self.input.consume(SYNC_BYTES);
        let data = self.decompress(stored)?;
        Ok(Some(Block { count, data, stored: self.input.offset() - start }))
    }

    /// Goes behind the first marker that begins within the range.
    async fn align(&mut self) -> Result<bool, FormatError> {
        let finder = memchr::memmem::Finder::new(&self.header.sync).into_owned();
        loop {
            if let Some(at) = finder.find(self.input.pending()) {
                self.input.consume(at + SYNC_BYTES);
                self.aligned = true;
                return Ok(true);
            }
            let keep = self.input.pending().len().min(SYNC_BYTES - 1);
            self.input.consume(self.input.pending().len() - keep);
            if self.input.offset() >= self.range.end || !self.input.more().await? {
                return Ok(false);
            }
        }
    }

    fn decompress(&self, stored: Vec<u8>) -> Result<Vec<u8>, FormatError> {
        let made = match self.header.codec {
            Codec::None => Ok(stored),
            Codec::Snappy => unsnap(&stored),
            Codec::Deflate => inflate(&stored),
            Codec::Stream(codec) => decode(codec, stored),
        };
        made.map_err(|e| self.broken(&format!("a block's {} data: {e}", self.header.codec_name)))
    }
}

fn unsnap(stored: &[u8]) -> std::io::Result<Vec<u8>> {
    let invalid = |message: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, message);
    let Some((block, checksum)) = stored.split_last_chunk::<4>() else {
        return Err(invalid("it is cut short"));
    };
    if snap::raw::decompress_len(block)? > MAX_BLOCK_BYTES {
        return Err(too_large());
    }
    let data = snap::raw::Decoder::new().decompress_vec(block)?;
    let mut crc = flate2::Crc::new();
    crc.update(&data);
    if crc.sum() != u32::from_be_bytes(*checksum) {
        return Err(invalid("the checksum is wrong"));
    }
    Ok(data)
}

fn inflate(stored: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut data = Vec::new();
    Inflate::lenient(stored).take(MAX_BLOCK_BYTES as u64 + 1).read_to_end(&mut data)?;
    if data.len() > MAX_BLOCK_BYTES {
        return Err(too_large());
    }
    Ok(data)
}

fn too_large() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, "it is larger than any writer makes them")
}

fn decode(codec: Compression, stored: Vec<u8>) -> std::io::Result<Vec<u8>> {
    let Some(mut decoder) = Decoder::new(codec)? else { return Ok(stored) };
    let mut fed = false;
    let mut rest = Some(Bytes::from(stored)).filter(|bytes| !bytes.is_empty());
    let mut data = Vec::new();
    loop {
        let filled = data.len();
        if filled > MAX_BLOCK_BYTES {
            return Err(too_large());
        }
        data.resize(filled + filled.clamp(64 << 10, 8 << 20), 0);
        let step = decoder.step(&mut data[filled..])?;
        data.truncate(filled + if let Step::Output(n) = step { n } else { 0 });
        match step {
            Step::Output(_) => {}
            Step::End => return Ok(data),
            Step::NeedInput => {
                if fed {
                    rest = None;
                }
                decoder.feed(rest.take());
                fed = true;
            }
        }
    }
}
