//! The parts of a document that is packed as zip, from the archive in memory, in any order.

use std::io::{BufReader, Cursor, Read};

use bytes::Bytes;
use flate2::read::DeflateDecoder;

use super::damaged;
use super::directory::{self, Entry, short};
use crate::error::{FormatError, Problem};
use crate::source::ByteSource;

/// Bytes of a part as they are decompressed.
pub(crate) type Part = BufReader<Box<dyn Read>>;

/// A document whose content has been checked.
pub(crate) struct Parts {
    name: String,
    data: Bytes,
    entries: Vec<Entry>,
}

impl Parts {
    /// Takes an archive that is in memory.
    pub(crate) async fn of(archive: &dyn ByteSource) -> Result<Self, FormatError> {
        let entries = directory::read(archive).await?;
        let data = archive.read(0..archive.size()).await.map_err(|e| FormatError::io(archive.name(), e))?;
        Ok(Self { name: archive.name().to_owned(), data, entries })
    }

    /// The part of that name, in any case; at most as many bytes as the directory gives. Errors: it is encrypted, or not
    /// compressed as documents are.
    pub(crate) fn open(&self, path: &str) -> Result<Option<Part>, FormatError> {
        let Some(entry) = self.entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(path)) else {
            return Ok(None);
        };
        let refused = |what: &str| {
            let what = format!("the part {path}: {what}, which");
            Err(FormatError::new(&self.name, Problem::Unsupported { what }))
        };
        if entry.encrypted {
            return refused("it is encrypted");
        }
        let stored = Cursor::new(self.stored(entry)?);
        let bytes: Box<dyn Read> = match entry.method {
            0 => Box::new(stored),
            8 => Box::new(DeflateDecoder::new(stored)),
            _ => return refused("it is compressed by another method than deflate"),
        };
        Ok(Some(BufReader::new(Box::new(bytes.take(entry.size)))))
    }

    fn stored(&self, entry: &Entry) -> Result<Bytes, FormatError> {
        let broken = || damaged(&self.name, format!("the header of the member {} is damaged", entry.name));
        let at = usize::try_from(entry.header_at).map_err(|_| broken())?;
        let header =
            self.data.get(at..).filter(|header| header.starts_with(b"PK\x03\x04")).ok_or_else(broken)?;
        let lengths = short(header, 26).zip(short(header, 28)).ok_or_else(broken)?;
        let start = at + 30 + usize::from(lengths.0) + usize::from(lengths.1);
        let end = usize::try_from(entry.stored).ok().and_then(|stored| start.checked_add(stored));
        let end = end.filter(|end| *end <= self.data.len()).ok_or_else(broken)?;
        Ok(self.data.slice(start..end))
    }
}
