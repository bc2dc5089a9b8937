//! A known separator that divides nothing, although another one would: whoever said it was wrong, most likely.

use super::candidate::{Candidate, each_record, measure};
use super::columns::{Columns, study};
use crate::error::{FormatError, Problem};
use crate::input::Input;
use crate::options::{ColumnNames, CsvOptions};

/// Separators that people use. What stands within dates, numbers, names and addresses is not among them.
const SEPARATORS: &[u8] = b",|\t;\x01\x02\x1e\x1f^~!*$#";

/// What speaks for another separator than that of `known`, with which every record of the sample is one field.
///
/// The other one has to divide all records, the header too, into the same number of fields. Text of one column may have
/// a comma in every line: the header must therefore look like names, or without one some column hold numbers or there be
/// more than two. Where the caller names the columns, their number is known.
pub(super) fn problem(input: &Input, known: &CsvOptions) -> Option<FormatError> {
    if matches!(known.names, ColumnNames::Given(_)) {
        return None;
    }
    let sample = input.pending();
    let mut one_field = true;
    each_record(sample, input.at_eof(), known, |_, fields| {
        one_field &= fields.is_some_and(|fields| fields.len() == 1);
    });
    if !one_field {
        return None;
    }
    let (fields, delimiter) = SEPARATORS
        .iter()
        .filter(|other| **other != known.delimiter && sample.contains(other))
        .map(|other| measure(sample, input.at_eof(), CsvOptions { delimiter: *other, ..known.clone() }))
        .filter(|other| divides(other, known, sample, input.at_eof()))
        .map(|other| (other.width, other.options.delimiter))
        .max_by_key(|(fields, _)| *fields)?;
    let message = format!(
        "every line is one field with the separator {}, and {} would divide each of them into {fields}: say which \
         separator is the file's. (If its lines are one column indeed, a table of one column in the catalog reads them.)",
        name(known.delimiter),
        name(delimiter),
    );
    Some(FormatError::new(input.name(), Problem::Undivided { message }))
}

fn divides(other: &Candidate, known: &CsvOptions, sample: &[u8], complete: bool) -> bool {
    if other.width < 2 || other.records < 2 || other.consistency < 1.0 || other.unclosed.is_some() {
        return false;
    }
    let (columns, _) = study(sample, complete, other);
    match known.names {
        ColumnNames::Generated => other.width > 2 || columns.has_types(),
        _ => names_columns(&columns),
    }
}

/// Whether the first record could be a header: a name of its own for every column.
fn names_columns(columns: &Columns) -> bool {
    let mut names: Vec<&str> = columns.first.iter().map(|name| name.trim()).collect();
    names.sort_unstable();
    let word = |name: &&str| name.chars().any(char::is_alphabetic) && name.chars().count() <= MAX_NAME_CHARS;
    names.iter().all(word) && names.windows(2).all(|pair| pair[0] != pair[1])
}

/// The longest name of a column that is taken for one.
const MAX_NAME_CHARS: usize = 64;

/// A separator in words that people know.
pub(super) fn name(delimiter: u8) -> String {
    match delimiter {
        b',' => "comma".to_owned(),
        b'|' => "pipe".to_owned(),
        b'\t' => "tab".to_owned(),
        b';' => "semicolon".to_owned(),
        1 => "Ctrl-A".to_owned(),
        b if b.is_ascii_graphic() => format!("{:?}", char::from(b)),
        b => format!("of code {b}"),
    }
}
