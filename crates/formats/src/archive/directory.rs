//! The directory at an archive's end. Layouts: PKWARE's APPNOTE, 4.3.12 to 4.3.16 and 4.5.3.

use std::ops::Range;

use bytes::Bytes;

use super::damaged;
use crate::error::{FormatError, Problem};
use crate::source::ByteSource;

const END_BYTES: u64 = 22;
const LOCATOR_BYTES: u64 = 20;
const MAX_COMMENT_BYTES: u64 = 0xffff;
/// A larger directory than this is not read into memory.
const MAX_DIRECTORY_BYTES: u64 = 64 << 20;

/// One member, as the directory has it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) encrypted: bool,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) stored: u64,
    pub(super) size: u64,
    pub(super) header_at: u64,
}

pub(super) fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// Reads the list of members. Errors: `Compression` for what is damaged.
pub(super) async fn read(source: &dyn ByteSource) -> Result<Vec<Entry>, FormatError> {
    let name = source.name();
    let Found { range, .. } = find(source).await?;
    if range.end - range.start > MAX_DIRECTORY_BYTES {
        let what = "a zip archive with so many members".to_owned();
        return Err(FormatError::new(name, Problem::Unsupported { what }));
    }
    let directory = fetch(source, range).await?;
    entries(&directory).ok_or_else(|| damaged(name, "the directory is damaged"))
}

/// Whether the archive can be read in one way only: nothing lies between the directory and the records that say where it is,
/// and none of these is in the comment behind them. Other libraries look for them in other ways.
pub(super) async fn is_plain(source: &dyn ByteSource) -> Result<bool, FormatError> {
    let Found { range, behind, comment } = find(source).await?;
    Ok(range.end == behind && memchr::memmem::find(&comment, b"PK").is_none())
}

/// Where the directory is, where the records behind it begin, and the comment behind these.
struct Found {
    range: Range<u64>,
    behind: u64,
    comment: Bytes,
}

async fn find(source: &dyn ByteSource) -> Result<Found, FormatError> {
    let (name, size) = (source.name(), source.size());
    let from = size.saturating_sub(END_BYTES + MAX_COMMENT_BYTES);
    let tail = fetch(source, from..size).await?;
    let at = find_end(&tail).ok_or_else(|| damaged(name, "the archive has no directory: it is cut short"))?;
    let (range, behind) = match place(&tail[at..]) {
        Some(range) => (range, from + at as u64),
        None => place_64(source, from + at as u64).await?,
    };
    if range.end > size || range.start > range.end {
        return Err(damaged(name, "the directory lies outside the file"));
    }
    Ok(Found { range, behind, comment: tail.slice(at + END_BYTES as usize..) })
}

async fn fetch(source: &dyn ByteSource, range: Range<u64>) -> Result<Bytes, FormatError> {
    source.read(range).await.map_err(|e| FormatError::io(source.name(), e))
}

/// Finds the end record: the last one whose comment reaches to the file's end.
fn find_end(tail: &[u8]) -> Option<usize> {
    let last = tail.len().checked_sub(END_BYTES as usize)?;
    (0..=last).rev().find(|at| {
        tail[*at..].starts_with(b"PK\x05\x06")
            && short(tail, at + 20).is_some_and(|comment| at + 22 + usize::from(comment) == tail.len())
    })
}

/// Where the directory is; `None` when only the zip64 record can say.
fn place(end: &[u8]) -> Option<Range<u64>> {
    let (size, start) = (word(end, 12)?, word(end, 16)?);
    if size == u32::MAX || start == u32::MAX || short(end, 10)? == u16::MAX {
        return None;
    }
    Some(u64::from(start)..u64::from(start) + u64::from(size))
}

/// Where the directory is, and where the record that says so begins.
async fn place_64(source: &dyn ByteSource, end_at: u64) -> Result<(Range<u64>, u64), FormatError> {
    let broken = || damaged(source.name(), "the zip64 records are damaged");
    let locator_at = end_at.checked_sub(LOCATOR_BYTES).ok_or_else(broken)?;
    let locator = fetch(source, locator_at..end_at).await?;
    if !locator.starts_with(b"PK\x06\x07") {
        return Err(broken());
    }
    let at = long(&locator, 8).filter(|at| *at < locator_at).ok_or_else(broken)?;
    let record = fetch(source, at..at + 56).await?;
    if !record.starts_with(b"PK\x06\x06") {
        return Err(broken());
    }
    let (size, start) = (long(&record, 40).ok_or_else(broken)?, long(&record, 48).ok_or_else(broken)?);
    Ok((start..start.checked_add(size).ok_or_else(broken)?, at))
}

fn entries(mut directory: &[u8]) -> Option<Vec<Entry>> {
    let mut found = Vec::new();
    while !directory.is_empty() {
        if !directory.starts_with(b"PK\x01\x02") {
            return None;
        }
        let name_end = 46 + usize::from(short(directory, 28)?);
        let extra_end = name_end + usize::from(short(directory, 30)?);
        let end = extra_end + usize::from(short(directory, 32)?);
        let mut entry = Entry {
            name: String::from_utf8_lossy(directory.get(46..name_end)?).into_owned(),
            encrypted: short(directory, 8)? & 1 != 0,
            method: short(directory, 10)?,
            crc: word(directory, 16)?,
            stored: u64::from(word(directory, 20)?),
            size: u64::from(word(directory, 24)?),
            header_at: u64::from(word(directory, 42)?),
        };
        widen(&mut entry, directory.get(name_end..extra_end)?)?;
        found.push(entry);
        directory = directory.get(end..)?;
    }
    Some(found)
}

/// Takes the numbers that do not fit the entry from its zip64 field.
fn widen(entry: &mut Entry, mut extra: &[u8]) -> Option<()> {
    const FULL: u64 = u32::MAX as u64;
    if entry.size != FULL && entry.stored != FULL && entry.header_at != FULL {
        return Some(());
    }
    while extra.len() >= 4 {
        let (id, length) = (short(extra, 0)?, usize::from(short(extra, 2)?));
        let field = extra.get(4..4 + length)?;
        if id == 1 {
            let mut at = 0;
            for number in [&mut entry.size, &mut entry.stored, &mut entry.header_at] {
                if *number == FULL {
                    *number = long(field, at)?;
                    at += 8;
                }
            }
            return Some(());
        }
        extra = &extra[4 + length..];
    }
    None
}
