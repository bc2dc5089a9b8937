//! Where records begin in a file whose quoted fields may hold line breaks, so that its parts can be read apart.
//!
//! Whether a line break ends a record depends on all quotes before it. Text without quotes is passed over as fast as it
//! can be fetched; records that have some are scanned as the reader scans them. What was found is kept, for the
//! readers of all parts; it only depends on the file, and may be found anew at any time.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::scan::{Dialect, Scan, scan};
use crate::compression::Compression;
use crate::error::FormatError;
use crate::input::Input;
use crate::source::ByteSource;

/// Bytes fetched at a time to count lines.
const COUNT_BYTES: u64 = 1 << 20;

/// What the readers of one file's parts know together. Empty at first.
#[derive(Debug, Default)]
pub struct RecordStarts {
    /// For an offset, where the first record at or behind it begins.
    starts: Mutex<BTreeMap<u64, u64>>,
    /// For an offset, how many line breaks are before it.
    breaks: Mutex<BTreeMap<u64, u64>>,
}

fn locked(map: &Mutex<BTreeMap<u64, u64>>) -> MutexGuard<'_, BTreeMap<u64, u64>> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

fn last_before(map: &Mutex<BTreeMap<u64, u64>>, offset: u64) -> Option<(u64, u64)> {
    locked(map).range(..=offset).next_back().map(|(at, found)| (*at, *found))
}

impl RecordStarts {
    /// Where the first record at or behind `offset` begins: the file's size when there is none.
    pub(super) async fn at_or_behind(
        &self,
        source: &dyn ByteSource,
        dialect: &Dialect,
        offset: u64,
        max_record_bytes: usize,
    ) -> Result<u64, FormatError> {
        let known = last_before(&self.starts, offset).map(|(_, start)| start);
        if let Some(start) = known.filter(|start| *start >= offset) {
            return Ok(start);
        }
        let mut input = Input::open(source, known.unwrap_or(0), Compression::None, max_record_bytes)?;
        if known.is_none() {
            input.begin(None).await?;
        }
        let start = walk(&mut input, dialect, offset).await?;
        locked(&self.starts).insert(offset, start);
        Ok(start)
    }

    /// The number of the line that holds the byte at `offset`, from 1.
    pub(super) async fn line_of(&self, source: &dyn ByteSource, offset: u64) -> Result<u64, FormatError> {
        let (mut at, mut breaks) = last_before(&self.breaks, offset).unwrap_or((0, 0));
        while at < offset {
            let end = (at + COUNT_BYTES).min(offset);
            let bytes = source.read(at..end).await.map_err(|error| FormatError::io(source.name(), error))?;
            breaks += memchr::memchr_iter(b'\n', &bytes).count() as u64;
            at = end;
        }
        locked(&self.breaks).insert(offset, breaks);
        Ok(breaks + 1)
    }
}

/// Goes from one record to the next until one begins at or behind `offset`.
async fn walk(input: &mut Input, dialect: &Dialect, offset: u64) -> Result<u64, FormatError> {
    let mut fields = Vec::new();
    loop {
        if input.offset() >= offset {
            return Ok(input.offset());
        }
        let plain = pass_plain(input, dialect, offset);
        if input.offset() >= offset {
            return Ok(input.offset());
        }
        if plain == input.pending().len() {
            if !input.more().await? {
                // The last record has no line break.
                let rest = input.pending().len();
                input.consume(rest);
                return Ok(input.offset().max(offset));
            }
            continue;
        }
        match scan(dialect, input.pending(), input.at_eof(), &mut fields) {
            Scan::Record { len, .. } | Scan::Comment { len } => input.consume(len),
            Scan::OpenQuote => {
                let window = input.pending();
                let len = memchr::memchr(b'\n', window).map_or(window.len(), |at| at + 1);
                input.consume(len);
            }
            Scan::More => {
                input.more().await?;
            }
            Scan::End => return Ok(input.offset().max(offset)),
        }
    }
}

/// Passes over whole records without quotes and escapes, up to the first one at or behind `offset`. How many bytes of
/// what is pending then have none.
fn pass_plain(input: &mut Input, dialect: &Dialect, offset: u64) -> usize {
    let window = input.pending();
    let special = match (dialect.quote, dialect.escape) {
        (Some(quote), Some(escape)) => memchr::memchr2(quote, escape, window),
        (Some(one), None) | (None, Some(one)) => memchr::memchr(one, window),
        (None, None) => None,
    };
    let plain = special.unwrap_or(window.len());
    // A record begins behind the line break that is at this place or the first one after it.
    let wanted = usize::try_from(offset - input.offset() - 1).unwrap_or(usize::MAX);
    let first =
        window[..plain].get(wanted..).and_then(|rest| memchr::memchr(b'\n', rest)).map(|at| wanted + at);
    let passed = first.or_else(|| memchr::memrchr(b'\n', &window[..plain])).map_or(0, |at| at + 1);
    input.consume(passed);
    plain - passed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::options::CsvOptions;
    use crate::source::MemorySource;

    /// Where records begin, by scanning all of them.
    fn all_starts(dialect: &Dialect, text: &[u8]) -> Vec<u64> {
        let (mut at, mut out, mut fields) = (0, Vec::new(), Vec::new());
        while at < text.len() {
            out.push(at as u64);
            at += match scan(dialect, &text[at..], true, &mut fields) {
                Scan::Record { len, .. } => len,
                _ => memchr::memchr(b'\n', &text[at..]).map_or(text.len() - at, |found| found + 1),
            };
        }
        out
    }

    proptest! {
        #[test]
        fn every_record_is_found(
            text in "[a,\"\n\\\\]{0,200}",
            escape in prop::option::of(Just(b'\\')),
            piece in 1usize..40,
            offsets in prop::collection::vec(0u64..220, 1..6),
        ) {
            let options = CsvOptions { escape, ..CsvOptions::standard() };
            let dialect = Dialect::new(&options);
            let starts = all_starts(&dialect, text.as_bytes());
            let size = text.len() as u64;
            let source = MemorySource::new("f", text.into_bytes()).with_piece(piece);
            let shared = RecordStarts::default();
            for offset in offsets.into_iter().map(|offset| offset.min(size)) {
                let found = futures::executor::block_on(shared.at_or_behind(&source, &dialect, offset, 1 << 20));
                let wanted = starts.iter().copied().find(|start| *start >= offset).unwrap_or(size);
                prop_assert_eq!(found.unwrap(), wanted);
            }
        }
    }

    #[test]
    fn lines_are_counted_from_what_is_known() {
        let source = MemorySource::new("f", "a\nb\n\nc".as_bytes().to_vec());
        let starts = RecordStarts::default();
        let line = |offset| futures::executor::block_on(starts.line_of(&source, offset)).unwrap();
        assert_eq!([5, 0, 1, 2, 4].map(line), [4, 1, 1, 2, 3]);
    }
}
