//! Separators of several bytes, such as `||`: readers know one byte, and between two of them stands an empty column.

use super::columns::Columns;
use super::undivided;
use crate::error::{FormatError, Problem};
use crate::input::Input;
use crate::options::CsvOptions;

/// The most bytes that a separator is looked for with.
const MAX_REPEATS: usize = 4;

/// A remark where nothing stands in any record but behind every second (third, fourth) separator.
pub(super) fn problem(
    input: &Input,
    dialect: &CsvOptions,
    columns: &Columns,
    width: usize,
) -> Option<FormatError> {
    let repeats = (2..=MAX_REPEATS).find(|repeats| is_repeated(columns, width, *repeats))?;
    let (real, empty) = (width.div_ceil(repeats), width - width.div_ceil(repeats));
    let message = format!(
        "{empty} of the {width} columns are empty in every record, as if {repeats} separators ({}) stood for one between \
         {real} columns; readers of delimited text know separators of one byte, so that the empty columns stay",
        undivided::name(dialect.delimiter),
    );
    Some(FormatError::new(input.name(), Problem::Schema { message }))
}

fn is_repeated(columns: &Columns, width: usize, repeats: usize) -> bool {
    width > repeats
        && (width - 1).is_multiple_of(repeats)
        && (0..width).all(|place| columns.is_empty_at(place) != place.is_multiple_of(repeats))
}
