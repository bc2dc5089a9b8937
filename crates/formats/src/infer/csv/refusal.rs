//! Why a text is not taken for delimited text, in words that say what was found and where.

use super::candidate::{Candidate, nearest};
use super::undivided;
use crate::error::{FormatError, Problem};
use crate::input::Input;

/// Whether lines end in a carriage return alone, which our readers do not take for a line break.
pub(super) fn lone_returns(sample: &[u8]) -> bool {
    lone_return(sample).is_some()
        && memchr::memchr_iter(b'\n', sample).count() <= memchr::memchr_iter(b'\r', sample).count() / 2
}

/// The first carriage return that is not followed by a line feed. The last byte may still get one.
fn lone_return(sample: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\r', sample).find(|at| sample.get(at + 1).is_some_and(|next| *next != b'\n'))
}

/// Why no candidate fits.
pub(super) fn refusal(input: &Input) -> FormatError {
    let sample = input.pending();
    if lone_returns(sample)
        && let Some(at) = lone_return(sample)
    {
        let reason = format!(
            "its lines end in CR alone, the first one at byte {}: convert them to LF or CR LF",
            input.offset() + at as u64 + 1
        );
        return FormatError::new(input.name(), Problem::Unrecognised { reason });
    }
    match nearest(sample, input.at_eof()) {
        Some(found) => of_candidate(input, &found),
        None => {
            let hint = super::widths::hint(sample, input.at_eof());
            let hint = hint.map(|hint| format!(". {hint}")).unwrap_or_default();
            let reason = format!("{}{hint}", unknown(input.name()));
            FormatError::new(input.name(), Problem::Unrecognised { reason })
        }
    }
}

/// Why prose is no table.
pub(super) fn prose(input: &Input) -> FormatError {
    let reason = "it reads as prose: its sentences go on behind the commas that would divide it into columns. If these are \
                  columns, give the crawler a CSV classifier that says so"
        .to_owned();
    FormatError::new(input.name(), Problem::Unrecognised { reason })
}

/// Endings that promise something else than text.
const OTHERS: [&str; 8] = [".parquet", ".orc", ".avro", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"];

/// What speaks against all formats at once, and what to do about it.
fn unknown(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    if let Some(ending) = OTHERS.iter().find(|ending| lower.ends_with(**ending)) {
        return format!("it is named {ending} and holds plain text, which no separator divides into columns");
    }
    "it is text that is no JSON, XML, Ion or log of a kind that is known, and no separator (comma, pipe, tab, semicolon, \
     Ctrl-A) divides its lines into columns. For a log give the crawler a Grok classifier, for lines of one column a CSV \
     classifier with AllowSingleColumn or a table made by hand"
        .to_owned()
}

fn of_candidate(input: &Input, found: &Candidate) -> FormatError {
    let separator = undivided::name(found.options.delimiter);
    if let Some(at) = found.unclosed {
        let mut error = FormatError::new(input.name(), Problem::UnterminatedQuote);
        let before = memchr::memchr_iter(b'\n', &input.pending()[..at]).count();
        error.place.line = Some(before as u64 + 1);
        return error;
    }
    let problem = if found.records < 2 {
        let found = format!("one row of {} fields ({separator}), a header perhaps, and no data", found.width);
        Problem::NoRecords { found }
    } else {
        let reason = format!(
            "with the separator that fits best ({separator}), only {:.0} % of the {} rows looked at have the same \
             number of fields ({})",
            found.consistency * 100.0,
            found.records,
            found.width
        );
        Problem::Unrecognised { reason }
    };
    FormatError::new(input.name(), problem)
}
