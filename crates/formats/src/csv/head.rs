//! Header lines: skipped, or read for the names of columns.

use super::names;
use super::scan::{Dialect, Field, Scan, scan};
use crate::compression::Compression;
use crate::error::{FormatError, Problem};
use crate::input::Input;
use crate::options::{CsvOptions, ReadOptions};
use crate::source::ByteSource;

/// Reads past the header lines: the names of the last one when they are wanted, and how many lines went by.
/// For a range that begins far behind, only as much is read as the header needs.
pub(super) async fn read_head(
    head: &mut Input,
    options: &CsvOptions,
    dialect: &Dialect,
    range_start: u64,
) -> Result<(Option<Vec<String>>, u64), FormatError> {
    // A byte-order mark is three bytes long: a range that begins within it must know of it.
    if options.header_lines == 0 && range_start > 3 {
        return Ok((None, 0));
    }
    head.begin(options.encoding).await?;
    look_at_first(head, dialect).await?;
    let mut lines = 0;
    for nth in 1..=options.header_lines {
        if nth == options.header_lines && options.names.are_in_header() {
            let (names, breaks) = read_names(head, dialect).await?;
            return Ok((names, lines + breaks));
        }
        let Some(breaks) = skip_header(head, dialect).await? else { break };
        lines += breaks;
    }
    Ok((None, lines))
}

/// How many fields the last header line of a file has, or without one its first record that is not empty; `None` for a
/// file without either.
pub(super) async fn file_width(
    source: &dyn ByteSource,
    options: &CsvOptions,
    dialect: &Dialect,
    compression: Compression,
    read: &ReadOptions,
) -> Result<Option<usize>, FormatError> {
    let mut input = Input::open(source, 0, compression, read.max_record_bytes)?;
    input.begin(options.encoding).await?;
    for _ in 1..options.header_lines {
        skip_header(&mut input, dialect).await?;
    }
    let mut fields = Vec::new();
    loop {
        match scan(dialect, input.pending(), input.at_eof(), &mut fields) {
            Scan::Record { len, .. } => {
                let is_empty = fields.iter().all(|field| field.span(input.pending()).is_empty());
                if fields.len() > 1 || !(is_empty || is_blank(&fields, input.pending())) {
                    return Ok(Some(fields.len()));
                }
                input.consume(len);
            }
            Scan::Comment { len } => input.consume(len),
            // Whoever reads the records says what is wrong with that line, and goes on behind it.
            Scan::OpenQuote => {
                let window = input.pending();
                input.consume(memchr::memchr(b'\n', window).map_or(window.len(), |at| at + 1));
            }
            Scan::End => return Ok(None),
            Scan::More => {
                input.more().await?;
            }
        }
    }
}

/// Skips a header line, or, where quotes may hold line breaks, a header record; `None` at the end of the file.
/// A line whose quote is never closed is a line all the same.
async fn skip_header(input: &mut Input, dialect: &Dialect) -> Result<Option<u64>, FormatError> {
    let mut fields = Vec::new();
    while dialect.is_multiline() {
        match scan(dialect, input.pending(), input.at_eof(), &mut fields) {
            Scan::Record { len, breaks } => {
                input.consume(len);
                return Ok(Some(breaks));
            }
            Scan::Comment { .. } | Scan::OpenQuote => break,
            Scan::End => return Ok(None),
            Scan::More => {
                input.more().await?;
            }
        }
    }
    Ok(input.skip_line().await?.then_some(1))
}

/// Looks at a file's first record, header or not: see [`refuse_lone_returns`].
async fn look_at_first(head: &mut Input, dialect: &Dialect) -> Result<(), FormatError> {
    let mut fields = Vec::new();
    loop {
        match scan(dialect, head.pending(), head.at_eof(), &mut fields) {
            Scan::Record { len, .. } => return refuse_lone_returns(head, &fields, len),
            Scan::Comment { .. } | Scan::End | Scan::OpenQuote => return Ok(()),
            Scan::More => {}
        }
        match head.more().await {
            Ok(_) => {}
            // Whoever reads the record says so, with its line.
            Err(FormatError { problem: Problem::RecordTooLarge { .. }, .. }) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Refuses a file whose only record, of `len` bytes, is not ended by a line feed and has carriage returns outside of quotes:
/// they are what ends its lines, and all but the first would be lost with it.
fn refuse_lone_returns(input: &Input, fields: &[Field], len: usize) -> Result<(), FormatError> {
    let window = input.pending();
    let is_whole = input.at_eof() && len == window.len() && window.last() != Some(&b'\n');
    let holds = |field: &Field| !field.quoted && field.span(window).trim_ascii_end().contains(&b'\r');
    if is_whole && fields.iter().any(holds) {
        let reason = "its lines end in CR alone: convert them to LF or CR LF".to_owned();
        return Err(FormatError::new(input.name(), Problem::Unrecognised { reason }));
    }
    Ok(())
}

pub(super) fn is_blank(fields: &[Field], window: &[u8]) -> bool {
    matches!(fields, [only] if !only.quoted && only.span(window).trim_ascii().is_empty())
}

/// Reads the header record; `None` when the file has none.
pub(crate) async fn read_names(
    input: &mut Input,
    dialect: &Dialect,
) -> Result<(Option<Vec<String>>, u64), FormatError> {
    let mut fields = Vec::new();
    let mut passed = 0;
    loop {
        match scan(dialect, input.pending(), input.at_eof(), &mut fields) {
            // Inference looks for the header below them, too.
            Scan::Record { len, breaks } if is_blank(&fields, input.pending()) => {
                input.consume(len);
                passed += breaks;
            }
            Scan::Record { len, breaks } => {
                let mut values = Vec::with_capacity(fields.len());
                let mut scratch = Vec::new();
                for field in &fields {
                    let value = field.decode(input.pending(), dialect, &mut scratch);
                    std::str::from_utf8(value)
                        .map_err(|_| FormatError::new(input.name(), Problem::InvalidUtf8))?;
                    values.push(names::of_value(value));
                }
                input.consume(len);
                return Ok((Some(names::of_header(values)), passed + breaks));
            }
            Scan::Comment { len } => {
                input.consume(len);
                passed += 1;
            }
            Scan::End => return Ok((None, passed)),
            Scan::OpenQuote => return Err(FormatError::new(input.name(), Problem::UnterminatedQuote)),
            Scan::More => {
                input.more().await?;
            }
        }
    }
}
