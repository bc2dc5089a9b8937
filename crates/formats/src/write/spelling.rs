//! How values are spelled in CSV and XML.

use std::fmt::Write as _;

use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// Hive's and Trino's spelling of dates and times.
pub(super) fn display() -> FormatOptions<'static> {
    FormatOptions::new()
        .with_display_error(false)
        .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
        .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z"))
}

/// Puts a value's text into `cell`, whatever that held.
pub(super) fn spell(
    cell: &mut String,
    formatter: &ArrayFormatter<'_>,
    data_type: &DataType,
    row: usize,
) -> Result<(), String> {
    cell.clear();
    write!(cell, "{}", formatter.value(row)).map_err(|e| e.to_string())?;
    if data_type.is_floating() && cell.ends_with("inf") {
        // As Java spells it: to other readers of Hive's tables anything else is NULL.
        cell.truncate(cell.len() - "inf".len());
        cell.push_str("Infinity");
    }
    Ok(())
}
