//! CSV in the dialects that the readers read back: quotes where a value needs them, or Hive's plain text. A value that a
//! dialect without quotes would read as another one is refused.

use std::io::Write as _;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use arrow::util::display::ArrayFormatter;

use super::WriteOptions;
use super::compress::Compressor;
use super::spelling::{display, spell};
use crate::error::{FormatError, Problem, excerpt};
use crate::options::CsvOptions;

/// A value with a separator or a line break.
const DIVIDED: &str = "holds a separator or a line break, which the table's SerDe has neither quotes nor an escape for: \
                       write other values, or to a table of another SerDe or format";
/// A value that is what NULL is written as.
const NULL_ALIKE: &str = "is what the table's files have for NULL, and would be read as that: make it NULL, or give the \
                          table another serialization.null.format";

/// The first value of a file, with what readers take for a mark of the file's encoding and not for text.
const MARKED: &str = "begins the file with U+FEFF, which readers pass over, and the table's SerDe has no quotes: write \
                      another value or column first, or to a table of another SerDe or format";
const MARK: &[u8] = "\u{feff}".as_bytes();

pub(super) struct CsvEncoder {
    options: CsvOptions,
    out: Compressor,
    line: Vec<u8>,
    cell: String,
    columns: usize,
    /// Whether a line has been written.
    begun: bool,
    /// Rows written before the batch at hand.
    rows: usize,
}

fn schema_error(name: &str, message: String) -> FormatError {
    FormatError::new(name, Problem::Schema { message })
}

impl CsvEncoder {
    pub(super) fn new(
        name: &str,
        options: &CsvOptions,
        schema: &Schema,
        write: &WriteOptions,
    ) -> Result<Self, FormatError> {
        let out = Compressor::new(write.compression).map_err(|e| FormatError::io(name, e))?;
        let columns = schema.fields().len();
        let options = options.clone();
        let (line, cell) = (Vec::new(), String::new());
        let mut encoder = Self { options, out, line, cell, columns, begun: false, rows: 0 };
        if write.header {
            for (i, field) in schema.fields().iter().enumerate() {
                encoder.separate(i);
                encoder
                    .push(field.name().as_bytes(), false)
                    .map_err(|why| schema_error(name, format!("the column name {:?} {why}", field.name())))?;
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
            for (i, column) in columns.iter().enumerate() {
                self.separate(i);
                let start = self.line.len();
                let mut written = self.value(column, row);
                if written.is_ok() && self.is_null_alike(&self.line[start..]) && !column.0.is_null(row) {
                    written = Err(NULL_ALIKE.to_owned());
                }
                written.map_err(|why| {
                    let value = column.1.value(row).try_to_string().unwrap_or_default();
                    let (value, row) = (excerpt(value.as_bytes()), self.rows + row + 1);
                    let mut error = schema_error(name, format!("in row {row} the value {value:?} {why}"));
                    error.place.column = Some(batch.schema_ref().field(i).name().clone());
                    error
                })?;
            }
            self.end_line(name)?;
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    fn value(&mut self, column: &(&ArrayRef, ArrayFormatter<'_>), row: usize) -> Result<(), String> {
        let (array, formatter) = column;
        if array.is_null(row) {
            self.null();
            return Ok(());
        }
        if array.data_type() == &DataType::Utf8 {
            return self.push(array.as_string::<i32>().value(row).as_bytes(), true);
        }
        let mut cell = std::mem::take(&mut self.cell);
        spell(&mut cell, formatter, array.data_type(), row)?;
        let is_text =
            matches!(array.data_type(), DataType::Utf8View | DataType::LargeUtf8 | DataType::Dictionary(..));
        let pushed = self.push(cell.as_bytes(), is_text);
        self.cell = cell;
        pushed
    }

    /// Whether readers take a field for NULL, written so. (Quotes keep a value from that.)
    fn is_null_alike(&self, field: &[u8]) -> bool {
        self.options.quote.is_none() && self.options.null_text.as_ref().is_some_and(|n| n.as_bytes() == field)
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
    fn push(&mut self, value: &[u8], is_text: bool) -> Result<(), String> {
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
        let is_mark = !self.begun && self.line.is_empty() && value.starts_with(MARK);
        let special = special || is_mark;
        let Some(quote) = options.quote else {
            if is_mark {
                return Err(MARKED.to_owned());
            }
            return self.push_plain(value, special);
        };
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

    fn push_plain(&mut self, value: &[u8], special: bool) -> Result<(), String> {
        if !special {
            self.line.extend_from_slice(value);
            return Ok(());
        }
        let escape = self.options.escape.filter(|_| !value.contains(&b'\n') && !value.contains(&b'\r'));
        let Some(escape) = escape else { return Err(DIVIDED.to_owned()) };
        for byte in value {
            if *byte == escape || *byte == self.options.delimiter {
                self.line.push(escape);
            }
            self.line.push(*byte);
        }
        Ok(())
    }

    /// Readers pass over blank lines: a row of one column is none.
    fn end_line(&mut self, name: &str) -> Result<(), FormatError> {
        self.begun = true;
        let is_blank = self.columns == 1 && self.line.trim_ascii().is_empty();
        if let (true, Some(quote)) = (is_blank, self.options.quote) {
            self.line.insert(0, quote);
            self.line.push(quote);
        } else if is_blank && self.options.skip_blank_lines {
            let message = "a row would be a blank line, which readers pass over".to_owned();
            return Err(schema_error(name, message));
        }
        self.line.push(b'\n');
        let written = self.out.write_all(&self.line).map_err(|e| FormatError::io(name, e));
        self.line.clear();
        written
    }

    pub(super) fn state_bytes(&self) -> usize {
        self.out.state_bytes()
    }

    pub(super) fn finish(&mut self, name: &str) -> Result<(), FormatError> {
        self.out.finish().map_err(|e| FormatError::io(name, e))
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        self.out.take()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float32Array, Float64Array, Int64Array, StringArray};

    use super::*;

    fn written(options: &CsvOptions, columns: Vec<(&str, ArrayRef)>) -> Result<String, String> {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let write = WriteOptions { header: false, ..WriteOptions::default() };
        let mut encoder = CsvEncoder::new("f", options, batch.schema_ref(), &write).unwrap();
        encoder.write("f", &batch).map_err(|error| error.to_string())?;
        encoder.finish("f").unwrap();
        Ok(String::from_utf8(encoder.take()).unwrap())
    }

    fn texts(values: &[Option<&str>]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    #[test]
    fn a_row_of_one_column_is_no_blank_line() {
        let column = texts(&[Some(""), Some("a"), None, Some(" ")]);
        let text = written(&CsvOptions::standard(), vec![("s", column)]).unwrap();
        assert_eq!(text, "\"\"\na\n\"\"\n\" \"\n");
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(7)]));
        let text = written(&CsvOptions::standard(), vec![("n", Arc::clone(&numbers))]).unwrap();
        assert_eq!(text, "\"\"\n7\n");
        let text = written(&CsvOptions::standard(), vec![("n", Arc::clone(&numbers)), ("m", numbers)]);
        assert_eq!(text.unwrap(), ",\n7,7\n");
        // To Hive's own SerDe an empty line is a row.
        let lazy = CsvOptions::lazy_simple(vec!["s".to_owned()]);
        assert_eq!(written(&lazy, vec![("s", texts(&[Some(""), None]))]).unwrap(), "\n\\N\n");
    }

    /// What readers take for a mark of the encoding is text only in quotes.
    #[test]
    fn a_file_that_begins_like_a_mark() {
        let marked =
            || vec![("s", texts(&[Some("\u{feff}a"), Some("\u{feff}b")])), ("t", texts(&[None, None]))];
        assert_eq!(written(&CsvOptions::standard(), marked()).unwrap(), "\"\u{feff}a\",\n\u{feff}b,\n");
        let lazy = CsvOptions { delimiter: b',', ..CsvOptions::lazy_simple(vec!["s".to_owned()]) };
        let error = written(&lazy, marked()).unwrap_err();
        assert!(error.starts_with("f, column s: in row 1 the value"), "{error}");
        assert!(error.contains("begins the file with U+FEFF"), "{error}");
        let later = vec![("t", texts(&[Some("x")])), ("s", texts(&[Some("\u{feff}a")]))];
        assert_eq!(written(&lazy, later).unwrap(), "x,\u{feff}a\n");
    }

    #[test]
    fn infinite_numbers_are_spelled_as_by_java() {
        let doubles: ArrayRef =
            Arc::new(Float64Array::from(vec![f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e300]));
        let floats: ArrayRef = Arc::new(Float32Array::from(vec![f32::INFINITY, f32::NEG_INFINITY, 1.5, 0.0]));
        let text = written(&CsvOptions::standard(), vec![("d", doubles), ("f", floats)]).unwrap();
        assert_eq!(text, "Infinity,Infinity\n-Infinity,-Infinity\nNaN,1.5\n1e300,0.0\n");
        let numbers: Vec<Option<f64>> = ["Infinity", "-Infinity"]
            .iter()
            .map(|text| crate::builder::value::float(text.as_bytes()))
            .collect();
        assert_eq!(numbers, [Some(f64::INFINITY), Some(f64::NEG_INFINITY)]);
        let words = texts(&[Some("inf")]);
        assert_eq!(written(&CsvOptions::standard(), vec![("s", words)]).unwrap(), "inf\n");
    }

    #[test]
    fn what_would_be_read_as_null_is_refused() {
        let lazy = |null: &str| CsvOptions {
            delimiter: b',',
            null_text: Some(null.to_owned()),
            ..CsvOptions::lazy_simple(vec!["s".to_owned()])
        };
        for null in ["\\N", "NULL", ""] {
            let error = written(&lazy(null), vec![("s", texts(&[None, Some("a"), Some(null)]))]).unwrap_err();
            let start =
                format!("f, column s: in row 3 the value {null:?} is what the table's files have for NULL");
            assert!(error.starts_with(&start), "{error}");
        }
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![0]));
        assert!(written(&lazy("0"), vec![("n", numbers)]).is_err());
        // An escape makes another text of it.
        let escaped = CsvOptions { escape: Some(b'\\'), ..lazy("\\N") };
        assert_eq!(written(&escaped, vec![("s", texts(&[None, Some("\\N")]))]).unwrap(), "\\N\n\\\\N\n");
    }

    #[test]
    fn a_value_with_a_separator_is_refused_by_column_and_row() {
        let lazy = CsvOptions { delimiter: b',', ..CsvOptions::lazy_simple(vec!["s".to_owned()]) };
        let columns = vec![("id", texts(&[Some("1"), Some("2")])), ("s", texts(&[None, Some("a,b")]))];
        let error = written(&lazy, columns).unwrap_err();
        assert!(error.starts_with("f, column s: in row 2 the value \"a,b\" holds a separator"), "{error}");
    }
}
