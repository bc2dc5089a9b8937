//! Reads a range of lines into batches.
//!
//! A line belongs to the range that holds its first byte. What a line that does not match means is the dialect's
//! affair: a row of NULLs, as from the SerDes of Hive and AWS, or a bad record.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};

use super::{Fields, Splitter};
use crate::builder::{BatchBuilder, Mismatch};
use crate::compression::Compression;
use crate::error::{FormatError, Problem, excerpt};
use crate::hive::HiveType;
use crate::input::{Front, Input};
use crate::options::{LineLayout, LineOptions, Malformed, OnBadRecord, ReadOptions};
use crate::source::ByteSource;

/// A reader in the middle of its range.
pub(crate) struct LineReader {
    input: Input,
    end: u64,
    options: LineOptions,
    splitter: Splitter,
    places: Vec<Option<usize>>,
    on_bad: OnBadRecord,
    batch: BatchBuilder,
    row: u64,
    /// Known when the range begins the file.
    line: Option<u64>,
    done: bool,
}

/// Why a line gives no row.
struct Bad {
    problem: Problem,
    column: Option<String>,
}

impl LineReader {
    /// Opens the range, which must be the whole file when it is compressed.
    pub(crate) async fn open(
        source: Arc<dyn ByteSource>,
        range: Range<u64>,
        options: &LineOptions,
        compression: Compression,
        schema: SchemaRef,
        read: &ReadOptions,
    ) -> Result<Self, FormatError> {
        let splitter = Splitter::new(options, source.name())?;
        let places = bind(&schema, &splitter, options, source.name())?;
        let batch = BatchBuilder::new(schema, read.batch_rows, source.name())?;
        for (column, field) in batch.columns.iter().zip(batch.schema().fields()) {
            if column.is_nested() {
                let what = "a list, map or struct in lines of text".to_owned();
                let mut error = FormatError::new(source.name(), Problem::Unsupported { what });
                error.place.column = Some(field.name().clone());
                return Err(error);
            }
        }
        let (input, line) = open_input(&*source, &range, options, compression, read).await?;
        let end = if compression == Compression::None && !input.is_recoded() { range.end } else { u64::MAX };
        Ok(Self {
            input,
            end,
            options: options.clone(),
            splitter,
            places,
            on_bad: read.on_bad_record.clone(),
            batch,
            row: 0,
            line,
            done: false,
        })
    }

    /// The next batch; `None` at the end of the range.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>, FormatError> {
        while !self.done && !self.batch.is_full() {
            if !self.take_pending()? {
                self.input.more().await?;
            }
        }
        let name = self.input.name().to_owned();
        self.batch.finish(&name)
    }

    /// Lines from the window; false when more bytes are needed.
    fn take_pending(&mut self) -> Result<bool, FormatError> {
        while !self.batch.is_full() {
            if self.input.offset() >= self.end {
                self.done = true;
                return Ok(true);
            }
            let (text, len) = match self.input.line() {
                Front::Line { text, len } => (text, len),
                Front::More => return Ok(false),
                Front::End => {
                    self.done = true;
                    return Ok(true);
                }
            };
            self.record(text)?;
            self.input.consume(len);
            self.line = self.line.map(|line| line + 1);
        }
        Ok(true)
    }

    fn record(&mut self, len: usize) -> Result<(), FormatError> {
        let window = &self.input.pending()[..len];
        let window = window.strip_suffix(b"\r").unwrap_or(window);
        // Of fields without anything between them a blank line has none.
        if matches!(self.splitter, Splitter::Fixed(_)) && window.trim_ascii().is_empty() {
            return Ok(());
        }
        self.row += 1;
        let appended = match std::str::from_utf8(window) {
            Ok(line) => append(line, &self.splitter, &self.places, &self.options, &mut self.batch),
            Err(_) => Err(Bad { problem: Problem::InvalidUtf8, column: None }),
        };
        match appended {
            Ok(true) => self.batch.end_row(len),
            Ok(false) => self.batch.null_row(),
            Err(bad) => return self.bad(bad, len),
        }
        Ok(())
    }

    fn bad(&mut self, bad: Bad, len: usize) -> Result<(), FormatError> {
        self.batch.abandon_row();
        let mut error = FormatError::new(self.input.name(), bad.problem);
        error.place.line = self.line;
        error.place.row = Some(self.row);
        error.place.offset = Some(self.input.offset());
        error.place.column = bad.column;
        match &self.on_bad {
            OnBadRecord::Skip(records) if error.is_bad_record() => {
                records.add(error, &self.input.pending()[..len]);
                Ok(())
            }
            _ => Err(error),
        }
    }
}

/// Appends a line's fields; false for a line that does not match and stands for NULLs.
fn append(
    line: &str,
    splitter: &Splitter,
    places: &[Option<usize>],
    options: &LineOptions,
    batch: &mut BatchBuilder,
) -> Result<bool, Bad> {
    let fields = splitter.split(line).map_err(|_| Bad { problem: Problem::PatternTooHard, column: None })?;
    let Some(fields) = fields else {
        if options.unmatched == Malformed::Null {
            return Ok(false);
        }
        let problem = match splitter {
            Splitter::Pattern(_) => Problem::Unmatched { line: excerpt(line.as_bytes()) },
            Splitter::Fixed(fixed) => {
                Problem::LineLength { expected: fixed.characters(), found: line.chars().count() }
            }
        };
        return Err(Bad { problem, column: None });
    };
    for (index, place) in places.iter().enumerate() {
        cell(&fields, *place, index, options, batch)?;
    }
    Ok(true)
}

fn cell(
    fields: &Fields<'_, '_>,
    place: Option<usize>,
    index: usize,
    options: &LineOptions,
    batch: &mut BatchBuilder,
) -> Result<(), Bad> {
    let column = &mut batch.columns[index];
    let text = place.and_then(|place| fields.field(place));
    let Some(text) = text.filter(|text| column.is_text() || !text.trim().is_empty()) else {
        column.append_null();
        return Ok(());
    };
    match column.append_text(text.as_bytes()) {
        Ok(()) => Ok(()),
        Err(Mismatch::Value) if options.malformed == Malformed::Null => {
            column.append_null();
            Ok(())
        }
        Err(_) => {
            let field = batch.schema().field(index);
            let wanted = HiveType::from_arrow(field.data_type())
                .map_or_else(|_| field.data_type().to_string(), |ty| ty.to_string());
            let problem = Problem::BadValue { value: excerpt(text.as_bytes()), wanted };
            Err(Bad { problem, column: Some(field.name().clone()) })
        }
    }
}

/// Per wanted column, the field that gives it: by name in a Grok expression (which has to keep it), by the place
/// among the table's columns in a regular expression (where a column without a group is NULL) and at fixed places (where
/// every column has a width).
fn bind(
    schema: &Schema,
    splitter: &Splitter,
    options: &LineOptions,
    source: &str,
) -> Result<Vec<Option<usize>>, FormatError> {
    if let Splitter::Fixed(fixed) = splitter
        && fixed.columns() != options.names.len()
    {
        let message = format!("the table has {} columns and {} widths", options.names.len(), fixed.columns());
        return Err(FormatError::new(source, Problem::Schema { message }));
    }
    let mut places = Vec::with_capacity(schema.fields().len());
    for wanted in schema.fields() {
        let named = |name: &str| name.eq_ignore_ascii_case(wanted.name());
        let place = match splitter {
            Splitter::Pattern(pattern) if matches!(options.layout, LineLayout::Grok { .. }) => {
                let place = pattern.fields().iter().position(|field| named(&field.name));
                if place.is_none() {
                    let message = format!("the table's pattern keeps no field named {}", wanted.name());
                    return Err(FormatError::new(source, Problem::Schema { message }));
                }
                place
            }
            Splitter::Pattern(_) | Splitter::Fixed(_) => options.names.iter().position(|name| named(name)),
        };
        places.push(place);
    }
    Ok(places)
}

async fn open_input(
    source: &dyn ByteSource,
    range: &Range<u64>,
    options: &LineOptions,
    compression: Compression,
    read: &ReadOptions,
) -> Result<(Input, Option<u64>), FormatError> {
    // A byte-order mark is three bytes long: a range that begins within it must know of it.
    if range.start <= 3 || options.header_lines > 0 {
        let mut head =
            Input::open(source, 0, compression, read.max_record_bytes)?.without_footer(options.footer_lines);
        head.begin(options.encoding).await?;
        let mut lines = 1;
        for _ in 0..options.header_lines {
            lines += u64::from(head.skip_line().await?);
        }
        if range.start <= head.offset() {
            return Ok((head, Some(lines)));
        }
    }
    let mut input = Input::open(source, range.start - 1, compression, read.max_record_bytes)?;
    input.skip_line().await?;
    Ok((input, None))
}
