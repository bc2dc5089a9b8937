//! The records of a BIFF stream, and texts that go on over several of them. Layout: [MS-XLS] 2.1.4.

use super::super::binary::{byte, cut, decoded, short, word};
use super::super::flaw;
use crate::error::Problem;

/// What goes on with the record before it.
const CONTINUE: u16 = 0x003c;
const HEAD_BYTES: usize = 4;

/// Goes over a stream.
#[derive(Debug)]
pub(super) struct Records<'d> {
    stream: &'d [u8],
    at: usize,
}

/// One record, without what continues it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'d> {
    pub(super) kind: u16,
    pub(super) data: &'d [u8],
}

impl<'d> Records<'d> {
    pub(super) fn new(stream: &'d [u8], at: usize) -> Self {
        Self { stream, at }
    }

    /// Where the next record begins in the stream.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next record; `None` at the stream's end.
    pub(super) fn next(&mut self) -> Result<Option<Record<'d>>, Problem> {
        let rest = self.stream.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        let (kind, size) = (short(rest, 0)?, usize::from(short(rest, 2)?));
        let data = rest.get(HEAD_BYTES..HEAD_BYTES + size);
        let data =
            data.ok_or_else(|| flaw(format!("the record at byte {} ends behind the file", self.at)))?;
        self.at += HEAD_BYTES + size;
        Ok(Some(Record { kind, data }))
    }

    /// What continues the record that came last.
    fn continuation(&mut self) -> Result<Option<&'d [u8]>, Problem> {
        let rest = self.stream.get(self.at..).unwrap_or_default();
        if rest.len() < HEAD_BYTES || short(rest, 0)? != CONTINUE {
            return Ok(None);
        }
        Ok(self.next()?.map(|record| record.data))
    }
}

/// A record with all that continues it.
pub(super) struct Pieces<'r, 'd> {
    records: &'r mut Records<'d>,
    now: &'d [u8],
}

impl<'r, 'd> Pieces<'r, 'd> {
    /// `data` is that of the record which came last.
    pub(super) fn new(records: &'r mut Records<'d>, data: &'d [u8]) -> Self {
        Self { records, now: data }
    }

    /// Whether something is left; goes on to the next piece.
    pub(super) fn has_more(&mut self) -> Result<bool, Problem> {
        while self.now.is_empty() {
            match self.records.continuation()? {
                Some(next) => self.now = next,
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    fn fixed<const N: usize>(&mut self) -> Result<&'d [u8], Problem> {
        if !self.has_more()? {
            return Err(cut());
        }
        let (front, rest) = self.now.split_at_checked(N).ok_or_else(cut)?;
        self.now = rest;
        Ok(front)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Problem> {
        byte(self.fixed::<1>()?, 0)
    }

    pub(super) fn short(&mut self) -> Result<u16, Problem> {
        short(self.fixed::<2>()?, 0)
    }

    pub(super) fn word(&mut self) -> Result<u32, Problem> {
        word(self.fixed::<4>()?, 0)
    }

    pub(super) fn skip(&mut self, mut bytes: u64) -> Result<(), Problem> {
        while bytes > 0 {
            if !self.has_more()? {
                return Err(cut());
            }
            let now = bytes.min(self.now.len() as u64);
            self.now = &self.now[now as usize..];
            bytes -= now;
        }
        Ok(())
    }

    /// Up to `count` bytes, those of one piece.
    pub(super) fn some(&mut self, count: usize) -> Result<&'d [u8], Problem> {
        if !self.has_more()? {
            return Err(cut());
        }
        let (front, rest) = self.now.split_at(count.min(self.now.len()));
        self.now = rest;
        Ok(front)
    }

    /// Text of `count` characters, two bytes each or (`wide` is false) the lower ones only. A piece within it begins with a
    /// byte that says which from there on.
    pub(super) fn characters(&mut self, count: u16, mut wide: bool) -> Result<String, Problem> {
        let mut units: Vec<u16> = Vec::with_capacity(usize::from(count));
        let mut left = usize::from(count);
        while left > 0 {
            if self.now.is_empty() {
                wide = self.byte()? & 1 != 0;
                continue;
            }
            let size = if wide { 2 } else { 1 };
            let taken = left.min(self.now.len() / size);
            if taken == 0 {
                return Err(flaw("a character lies in two records"));
            }
            let (front, rest) = self.now.split_at(taken * size);
            let unit = |bytes: &[u8]| bytes.iter().rev().fold(0, |unit, byte| unit << 8 | u16::from(*byte));
            units.extend(front.chunks_exact(size).map(unit));
            self.now = rest;
            left -= taken;
        }
        Ok(decoded(units))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u16, data: &[u8]) -> Vec<u8> {
        [&kind.to_le_bytes(), &(data.len() as u16).to_le_bytes(), data].concat()
    }

    #[test]
    fn text_goes_on_in_another_width() {
        let mut stream = record(1, b"\x05\x00ab");
        stream.extend(record(CONTINUE, b""));
        stream.extend(record(CONTINUE, b"\x01c\x00\xe9\x00"));
        stream.extend(record(CONTINUE, b"\x00dX"));
        stream.extend(record(2, b""));
        let mut records = Records::new(&stream, 0);
        let first = records.next().unwrap().unwrap();
        let mut pieces = Pieces::new(&mut records, first.data);
        let count = pieces.short().unwrap();
        assert_eq!(pieces.characters(count, false).unwrap(), "abcéd");
        assert_eq!((pieces.byte().unwrap(), pieces.has_more().unwrap()), (b'X', false));
        assert!(pieces.byte().is_err() && pieces.skip(1).is_err() && pieces.characters(1, false).is_err());
        assert_eq!(records.next().unwrap().unwrap().kind, 2);
        assert!(records.next().unwrap().is_none());
    }
}
