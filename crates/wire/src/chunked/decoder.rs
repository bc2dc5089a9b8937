//! The state machine of the aws-chunked framing: bytes in, payload and trailers out; no I/O.
//!
//! ```text
//! Header ──size 0──► Trailers ──empty line──► Done
//!   ▲ │ size > 0
//!   │ ▼
//!   │ Data ──all bytes──► DataEnd (\r\n) ─┐
//!   └────────────────────────────────────┘
//! ```

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::signature::Chain;
use super::{ChunkKey, Framing};
use crate::body::BodyError;

/// Longest chunk header and longest trailer line, in bytes; real ones stay under 300.
const MAX_LINE_BYTES: usize = 4096;
/// Most lines after the last chunk.
const MAX_TRAILER_LINES: usize = 32;
/// Source: Amazon S3 API Reference: a chunk "must be at least 8 KB" unless it is the last.
const MIN_SIGNED_CHUNK_BYTES: u64 = 8192;

/// What one step yields.
#[derive(Debug)]
pub(super) enum Event {
    /// Payload bytes, never empty.
    Data(Bytes),
    /// The trailers, after all data.
    Trailers(HeaderMap),
    /// The input is used up.
    NeedMore,
}

enum State {
    Header,
    Data { left: u64 },
    DataEnd,
    Trailers,
    Done,
}

/// See the module.
pub(super) struct Decoder {
    framing: Framing,
    chain: Option<Chain>,
    state: State,
    /// A line that is split over reads; at most `MAX_LINE_BYTES`.
    line: Vec<u8>,
    /// Signature in the header of the current chunk.
    signature: String,
    chunk_index: u64,
    chunk_size: u64,
    received: u64,
    trailer_lines: usize,
    trailers: HeaderMap,
    /// `name:value\n` per trailer, as it is signed.
    canonical_trailers: Vec<u8>,
    trailer_signed: bool,
}

impl Decoder {
    pub(super) fn new(framing: Framing, key: Option<ChunkKey>) -> Self {
        Self {
            framing,
            chain: key.map(Chain::new),
            state: State::Header,
            line: Vec::new(),
            signature: String::new(),
            chunk_index: 0,
            chunk_size: 0,
            received: 0,
            trailer_lines: 0,
            trailers: HeaderMap::new(),
            canonical_trailers: Vec::new(),
            trailer_signed: false,
        }
    }

    /// Payload bytes that are still to come.
    pub(super) fn remaining(&self) -> u64 {
        self.framing.decoded_length.saturating_sub(self.received)
    }

    /// Goes on until there is an event.
    pub(super) fn step(&mut self, input: &mut Bytes) -> Result<Event, BodyError> {
        loop {
            if input.is_empty() {
                return Ok(Event::NeedMore);
            }
            match self.state {
                State::Header => {
                    if let Some(line) = self.take_line(input)? {
                        self.chunk_header(&line)?;
                    }
                }
                State::Data { left } => return Ok(Event::Data(self.data(left, input)?)),
                State::DataEnd => {
                    if let Some(line) = self.take_line(input)? {
                        if !line.is_empty() {
                            return Err(malformed("a chunk is longer than its header says"));
                        }
                        self.state = State::Header;
                    }
                }
                State::Trailers => {
                    if let Some(line) = self.take_line(input)?
                        && let Some(trailers) = self.trailer_line(&line)?
                    {
                        return Ok(Event::Trailers(trailers));
                    }
                }
                State::Done => {
                    // Some clients end with one line end too many.
                    if input.iter().any(|byte| !matches!(byte, b'\r' | b'\n')) || input.len() > 2 {
                        return Err(malformed("bytes follow the end of the body"));
                    }
                    input.clear();
                }
            }
        }
    }

    /// The connection has ended.
    pub(super) fn end(&self) -> Result<(), BodyError> {
        if matches!(self.state, State::Done) {
            return Ok(());
        }
        let expected = self.framing.decoded_length;
        if self.received < expected {
            return Err(BodyError::Incomplete { expected, received: self.received });
        }
        Err(malformed("the body ends before its last chunk"))
    }

    /// A line without its end (`\n` or `\r\n`), once it is complete.
    fn take_line(&mut self, input: &mut Bytes) -> Result<Option<Vec<u8>>, BodyError> {
        let window = &input[..input.len().min(MAX_LINE_BYTES + 1)];
        let end = window.iter().position(|&byte| byte == b'\n');
        let taken = end.unwrap_or(window.len());
        if self.line.len() + taken > MAX_LINE_BYTES {
            return Err(malformed("a header line is too long"));
        }
        self.line.extend_from_slice(&window[..taken]);
        input.advance(taken + usize::from(end.is_some()));
        if end.is_none() {
            return Ok(None);
        }
        let mut line = std::mem::take(&mut self.line);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(line))
    }

    fn chunk_header(&mut self, line: &[u8]) -> Result<(), BodyError> {
        let line = std::str::from_utf8(line).map_err(|_| malformed("a chunk header is not text"))?;
        let (size, extension) = line.split_once(';').unwrap_or((line, ""));
        let size = size.trim();
        if size.is_empty() || size.len() > 16 || !size.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(malformed("a chunk size is not a hexadecimal number"));
        }
        let size = u64::from_str_radix(size, 16).map_err(|_| malformed("a chunk size is out of range"))?;
        if self.framing.signed {
            let signature = extension.trim().strip_prefix("chunk-signature=");
            self.signature =
                signature.ok_or_else(|| malformed("a chunk has no signature"))?.trim().to_owned();
            if size > 0 && self.chunk_index > 0 && self.chunk_size < MIN_SIGNED_CHUNK_BYTES {
                return Err(BodyError::ChunkTooSmall { index: self.chunk_index, size: self.chunk_size });
            }
        }
        self.chunk_index += 1;
        self.chunk_size = size;
        if size > self.remaining() {
            return Err(BodyError::Excess { expected: self.framing.decoded_length });
        }
        if size > 0 {
            self.state = State::Data { left: size };
            return Ok(());
        }
        self.end_chunk()?;
        let expected = self.framing.decoded_length;
        if self.received < expected {
            return Err(BodyError::Incomplete { expected, received: self.received });
        }
        self.state = State::Trailers;
        Ok(())
    }

    fn data(&mut self, left: u64, input: &mut Bytes) -> Result<Bytes, BodyError> {
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let data = input.split_to(take);
        if let Some(chain) = &mut self.chain {
            chain.update(&data);
        }
        self.received += take as u64;
        let left = left - take as u64;
        if left > 0 {
            self.state = State::Data { left };
            return Ok(data);
        }
        self.end_chunk()?;
        self.state = State::DataEnd;
        Ok(data)
    }

    fn end_chunk(&mut self) -> Result<(), BodyError> {
        match &mut self.chain {
            Some(chain) => chain.end_chunk(&self.signature),
            None => Ok(()),
        }
    }

    /// One line after the last chunk; the trailers once the last line is in and there are any.
    fn trailer_line(&mut self, line: &[u8]) -> Result<Option<HeaderMap>, BodyError> {
        self.trailer_lines += 1;
        if self.trailer_lines > MAX_TRAILER_LINES {
            return Err(bad_trailer("too many lines"));
        }
        if line.is_empty() {
            // Some clients put an empty line between the trailers and their signature.
            let awaits_signature = self.framing.signed && !self.trailers.is_empty() && !self.trailer_signed;
            return if awaits_signature { Ok(None) } else { self.end_trailers() };
        }
        if !self.framing.trailer {
            return Err(malformed("bytes follow the last chunk"));
        }
        let colon =
            line.iter().position(|&byte| byte == b':').ok_or_else(|| bad_trailer("a line has no colon"))?;
        let name = HeaderName::from_bytes(line[..colon].trim_ascii())
            .map_err(|_| bad_trailer("a name is not a header name"))?;
        let value = line[colon + 1..].trim_ascii();
        if name == "x-amz-trailer-signature" {
            return self.trailer_signature(value).map(|()| None);
        }
        if self.trailer_signed || self.trailers.contains_key(&name) || !self.framing.announced.contains(&name)
        {
            return Err(bad_trailer("a header comes twice or was not announced in x-amz-trailer"));
        }
        self.canonical_trailers.extend_from_slice(name.as_str().as_bytes());
        self.canonical_trailers.push(b':');
        self.canonical_trailers.extend_from_slice(value);
        self.canonical_trailers.push(b'\n');
        let value =
            HeaderValue::from_bytes(value).map_err(|_| bad_trailer("a value is not a header value"))?;
        self.trailers.insert(name, value);
        Ok(None)
    }

    fn trailer_signature(&mut self, value: &[u8]) -> Result<(), BodyError> {
        if !self.framing.signed || self.trailer_signed {
            return Err(bad_trailer("a trailer signature where none belongs"));
        }
        self.trailer_signed = true;
        let sent = std::str::from_utf8(value).map_err(|_| bad_trailer("the signature is not text"))?;
        match &mut self.chain {
            Some(chain) => chain.end_trailer(&self.canonical_trailers, sent),
            None => Ok(()),
        }
    }

    fn end_trailers(&mut self) -> Result<Option<HeaderMap>, BodyError> {
        if self.framing.announced.iter().any(|name| !self.trailers.contains_key(name)) {
            return Err(bad_trailer("a header that x-amz-trailer announced is missing"));
        }
        self.state = State::Done;
        let trailers = std::mem::take(&mut self.trailers);
        Ok(if trailers.is_empty() { None } else { Some(trailers) })
    }
}

fn malformed(what: &'static str) -> BodyError {
    BodyError::MalformedChunk { what }
}

fn bad_trailer(what: &'static str) -> BodyError {
    BodyError::MalformedTrailer { what }
}
