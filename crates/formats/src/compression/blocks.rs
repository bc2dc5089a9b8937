//! Codecs of whole blocks: Snappy and LZ4, in their own frames and in Hadoop's.
//!
//! Their crates' readers lose what they have taken when the input pauses within a block, and LZ4's takes a frame that is
//! cut short between two blocks for one that ends. So the input is gathered here until a [`Framing`] sees one whole
//! unit (a header, a block, an end mark with its checksum), and only whole units are passed on.
//!
//! Memory: one unit as stored and one decoded, each at most [`MAX_UNIT_BYTES`].

use std::io::{self, BufRead, Read};

use super::MAX_HADOOP_BLOCK_BYTES;

/// The largest unit accepted, in bytes as stored.
const MAX_UNIT_BYTES: usize = MAX_HADOOP_BLOCK_BYTES + 4;

/// What one codec says about its units.
trait Framing: Send {
    /// The length of the unit at the front of `input`; `None` while that cannot be told.
    fn unit(&self, input: &[u8]) -> io::Result<Option<usize>>;
    /// Takes a whole unit.
    fn take(&mut self, unit: &[u8]) -> io::Result<()>;
    /// Reads what the units taken so far hold; 0 when that was all.
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize>;
    /// Whether the file may end here.
    fn may_end(&self) -> bool;
}

pub(super) struct BlockReader<R> {
    input: R,
    gathered: Vec<u8>,
    framing: Box<dyn Framing>,
}

impl<R: BufRead> BlockReader<R> {
    pub(super) fn snappy(input: R) -> Self {
        Self::new(input, Box::new(SnappyFrames(snap::read::FrameDecoder::new(Units::default()))))
    }

    pub(super) fn lz4(input: R) -> Self {
        let decoder = lz4_flex::frame::FrameDecoder::new(Units::default());
        Self::new(input, Box::new(Lz4Frames { decoder, frame: None }))
    }

    pub(super) fn hadoop_snappy(input: R) -> Self {
        Self::new(
            input,
            Box::new(Hadoop::new(|stored, room, out| {
                let size = snap::raw::decompress_len(stored)?;
                if size > room {
                    return Err(invalid("a piece is larger than its block"));
                }
                out.resize(size, 0);
                Ok(snap::raw::Decoder::new().decompress(stored, out)?)
            })),
        )
    }

    pub(super) fn hadoop_lz4(input: R) -> Self {
        Self::new(
            input,
            Box::new(Hadoop::new(|stored, room, out| {
                out.resize(room, 0);
                lz4_flex::block::decompress_into(stored, out).map_err(|e| invalid(&e.to_string()))
            })),
        )
    }

    fn new(input: R, framing: Box<dyn Framing>) -> Self {
        Self { input, gathered: Vec::new(), framing }
    }

    /// Passes the next unit on; false at the file's end.
    fn advance(&mut self) -> io::Result<bool> {
        loop {
            let length = self.framing.unit(&self.gathered)?;
            if length.is_some_and(|length| length > MAX_UNIT_BYTES) {
                return Err(invalid("a block is larger than any writer makes them"));
            }
            if let Some(length) = length.filter(|length| self.gathered.len() >= *length) {
                self.framing.take(&self.gathered[..length])?;
                self.gathered.drain(..length);
                return Ok(true);
            }
            let input = self.input.fill_buf()?;
            if input.is_empty() {
                if self.gathered.is_empty() && self.framing.may_end() {
                    return Ok(false);
                }
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the stream is cut short"));
            }
            // No more than the unit needs, so that taking it off the front moves little.
            let wanted = length.map_or(input.len().min(64), |length| length - self.gathered.len());
            let taken = wanted.min(input.len());
            self.gathered.extend_from_slice(&input[..taken]);
            self.input.consume(taken);
        }
    }
}

impl<R: BufRead> Read for BlockReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.framing.read(out)? {
                0 if self.advance()? => {}
                n => return Ok(n),
            }
        }
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

fn number_at(input: &[u8], at: usize) -> Option<[u8; 4]> {
    input.get(at..at + 4)?.try_into().ok()
}

/// Whole units for a decoder; `WouldBlock` when it has had them all.
#[derive(Default)]
struct Units {
    bytes: Vec<u8>,
    at: usize,
}

impl Units {
    fn give(&mut self, unit: &[u8]) {
        self.bytes.drain(..self.at);
        self.at = 0;
        self.bytes.extend_from_slice(unit);
    }
}

impl Read for Units {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let rest = &self.bytes[self.at..];
        if rest.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let n = rest.len().min(out.len());
        out[..n].copy_from_slice(&rest[..n]);
        self.at += n;
        Ok(n)
    }
}

fn read_units(decoder: &mut impl Read, out: &mut [u8]) -> io::Result<usize> {
    match decoder.read(out) {
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(0),
        other => other,
    }
}

/// Snappy's framing format: chunks with a type, a length of three bytes and a checksum. Has no end mark.
struct SnappyFrames(snap::read::FrameDecoder<Units>);

impl Framing for SnappyFrames {
    fn unit(&self, input: &[u8]) -> io::Result<Option<usize>> {
        let length = |head: [u8; 4]| 4 + (u32::from_le_bytes(head) >> 8) as usize;
        Ok(number_at(input, 0).map(length))
    }

    fn take(&mut self, unit: &[u8]) -> io::Result<()> {
        self.0.get_mut().give(unit);
        Ok(())
    }

    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        read_units(&mut self.0, out)
    }

    fn may_end(&self) -> bool {
        true
    }
}

/// LZ4's frame format: a header, blocks, an end mark; frames one after the other.
struct Lz4Frames {
    decoder: lz4_flex::frame::FrameDecoder<Units>,
    /// The frame begun: whether its blocks, and its content, have checksums.
    frame: Option<(bool, bool)>,
}

const LZ4_MAGIC: u32 = 0x184d_2204;

impl Framing for Lz4Frames {
    fn unit(&self, input: &[u8]) -> io::Result<Option<usize>> {
        let Some(first) = number_at(input, 0).map(u32::from_le_bytes) else { return Ok(None) };
        match self.frame {
            None if first != LZ4_MAGIC => Err(invalid("bytes that are no LZ4 frame follow the first")),
            None => Ok(input.get(4).map(|flags| {
                let (has_size, has_dictionary) = (flags & 8 != 0, flags & 1 != 0);
                7 + if has_size { 8 } else { 0 } + if has_dictionary { 4 } else { 0 }
            })),
            Some((_, content)) if first == 0 => Ok(Some(if content { 8 } else { 4 })),
            Some((block, _)) => Ok(Some(4 + (first & 0x7fff_ffff) as usize + if block { 4 } else { 0 })),
        }
    }

    fn take(&mut self, unit: &[u8]) -> io::Result<()> {
        let ends = number_at(unit, 0) == Some([0; 4]);
        self.frame = match self.frame {
            None => unit.get(4).map(|flags| (flags & 16 != 0, flags & 4 != 0)),
            Some(_) if ends => None,
            same => same,
        };
        self.decoder.get_mut().give(unit);
        Ok(())
    }

    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        read_units(&mut self.decoder, out)
    }

    fn may_end(&self) -> bool {
        self.frame.is_none()
    }
}

/// Decodes one piece into the vector, at most so many bytes; gives how many.
type DecodePiece = fn(&[u8], usize, &mut Vec<u8>) -> io::Result<usize>;

/// Hadoop's block form: the size of a block's content, then pieces with their stored size until they make it up. All
/// numbers are big-endian.
struct Hadoop {
    decode: DecodePiece,
    /// What the block at hand still owes.
    owed: usize,
    decoded: Vec<u8>,
    at: usize,
}

impl Hadoop {
    fn new(decode: DecodePiece) -> Self {
        Self { decode, owed: 0, decoded: Vec::new(), at: 0 }
    }
}

impl Framing for Hadoop {
    fn unit(&self, input: &[u8]) -> io::Result<Option<usize>> {
        if self.owed == 0 {
            return Ok(Some(4));
        }
        Ok(number_at(input, 0).map(|head| (u32::from_be_bytes(head) as usize).saturating_add(4)))
    }

    fn take(&mut self, unit: &[u8]) -> io::Result<()> {
        if self.owed == 0 {
            self.owed = number_at(unit, 0).map_or(0, u32::from_be_bytes) as usize;
            if self.owed > MAX_HADOOP_BLOCK_BYTES {
                return Err(invalid("a block is larger than any writer makes them"));
            }
            return Ok(());
        }
        self.decoded.clear();
        self.at = 0;
        let made = (self.decode)(&unit[4..], self.owed, &mut self.decoded)?;
        if made == 0 || made > self.owed {
            return Err(invalid("a piece does not fit its block"));
        }
        self.decoded.truncate(made);
        self.owed -= made;
        Ok(())
    }

    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let rest = &self.decoded[self.at..];
        let n = rest.len().min(out.len());
        out[..n].copy_from_slice(&rest[..n]);
        self.at += n;
        Ok(n)
    }

    fn may_end(&self) -> bool {
        self.owed == 0
    }
}
