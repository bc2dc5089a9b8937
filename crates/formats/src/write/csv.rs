//! CSV in the dialects that the readers read back: quotes where a value needs them, or Hive's plain text.

use std::fmt::Write as _;
use std::io::Write as _;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::WriteOptions;
use super::compress::Compressor;
use crate::error::{FormatError, Problem};
use crate::options::CsvOptions;

pub(super) struct CsvEncoder {
    options: CsvOptions,
    out: Compressor,
    line: Vec<u8>,
    cell: String,
}

fn schema_error(name: &str, message: String) -> FormatError {
    FormatError::new(name, Problem::Schema { message })
}

/// Hive's and Trino's spelling of dates and times.
fn display() -> FormatOptions<'static> {
    FormatOptions::new()
        .with_display_error(false)
        .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
        .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z"))
}

impl CsvEncoder {
    pub(super) fn new(
        name: &str,
        options: &CsvOptions,
        schema: &Schema,
        write: &WriteOptions,
    ) -> Result<Self, FormatError> {
        let out = Compressor::new(write.compression).map_err(|e| FormatError::io(name, e))?;
        let mut encoder = Self { options: options.clone(), out, line: Vec::new(), cell: String::new() };
        if write.header {
            for (i, field) in schema.fields().iter().enumerate() {
                encoder.separate(i);
                encoder.push(name, field.name().as_bytes(), false)?;
            }
            encoder.end_line(name)?;
        }
        Ok(encoder)
    }

    pub(super) fn write(&mut self, name: &str, batch: &RecordBatch) -> Result<(), FormatError> {
        let display = display();
        let mut columns = Vec::with_capacity(batch.num_columns());
        for array in batch.columns() {
            let formatter = ArrayFormatter::try_new(array.as_ref(), &display)
                .map_err(|e| schema_error(name, e.to_string()))?;
            columns.push((array, formatter));
        }
        for row in 0..batch.num_rows() {
            for (i, (array, formatter)) in columns.iter().enumerate() {
                self.separate(i);
                if array.is_null(row) {
                    self.null();
                } else if array.data_type() == &DataType::Utf8 {
                    self.push(name, array.as_string::<i32>().value(row).as_bytes(), true)?;
                } else {
                    let mut cell = std::mem::take(&mut self.cell);
                    cell.clear();
                    write!(cell, "{}", formatter.value(row))
                        .map_err(|e| schema_error(name, e.to_string()))?;
                    let is_text = matches!(
                        array.data_type(),
                        DataType::Utf8View | DataType::LargeUtf8 | DataType::Dictionary(..)
                    );
                    let pushed = self.push(name, cell.as_bytes(), is_text);
                    self.cell = cell;
                    pushed?;
                }
            }
            self.end_line(name)?;
        }
        Ok(())
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.line.push(self.options.delimiter);
        }
    }

    fn null(&mut self) {
        if let Some(text) = &self.options.null_text {
            self.line.extend_from_slice(text.as_bytes());
        }
    }

    /// Writes a value; text that could be taken for a NULL is quoted where the dialect has quotes.
    fn push(&mut self, name: &str, value: &[u8], is_text: bool) -> Result<(), FormatError> {
        let options = &self.options;
        let looks_null = options.null_text.as_ref().is_some_and(|n| n.as_bytes() == value);
        let needs = |b: &u8| {
            *b == options.delimiter
                || *b == b'\n'
                || *b == b'\r'
                || Some(*b) == options.quote
                || Some(*b) == options.escape
        };
        let special =
            value.iter().any(needs) || (!value.is_empty() && value.first() == options.comment.as_ref());
        let Some(quote) = options.quote else { return self.push_plain(name, value, special) };
        if !special && !(is_text && (value.is_empty() || looks_null)) {
            self.line.extend_from_slice(value);
            return Ok(());
        }
        self.line.push(quote);
        for byte in value {
            if Some(*byte) == options.escape && options.escape != Some(quote) {
                self.line.push(*byte);
            } else if *byte == quote {
                self.line.push(options.escape.unwrap_or(quote));
            }
            self.line.push(*byte);
        }
        self.line.push(quote);
        Ok(())
    }

    fn push_plain(&mut self, name: &str, value: &[u8], special: bool) -> Result<(), FormatError> {
        if !special {
            self.line.extend_from_slice(value);
            return Ok(());
        }
        let escape = self.options.escape.filter(|_| !value.contains(&b'\n') && !value.contains(&b'\r'));
        let Some(escape) = escape else {
            let what =
                "a value with a separator or line break, in a dialect without quotes or escapes for it,"
                    .to_owned();
            return Err(FormatError::new(name, Problem::Unsupported { what }));
        };
        for byte in value {
            if *byte == escape || *byte == self.options.delimiter {
                self.line.push(escape);
            }
            self.line.push(*byte);
        }
        Ok(())
    }

    fn end_line(&mut self, name: &str) -> Result<(), FormatError> {
        self.line.push(b'\n');
        let written = self.out.write_all(&self.line).map_err(|e| FormatError::io(name, e));
        self.line.clear();
        written
    }

    pub(super) fn finish(&mut self, name: &str) -> Result<(), FormatError> {
        self.out.finish().map_err(|e| FormatError::io(name, e))
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        self.out.take()
    }
}
