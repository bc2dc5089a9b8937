//! Reads a range of delimited text into batches.
//!
//! A record belongs to the range that holds its first byte. A range that does not begin the file starts behind the
//! first line break at or after the byte before it. Header lines belong to no range, wherever they lie.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::bind::{self, Binding};
use super::names;
use super::nested;
use super::scan::{Dialect, Field, Scan, scan};
use crate::builder::{BatchBuilder, Mismatch};
use crate::compression::Compression;
use crate::error::{FormatError, Problem, excerpt};
use crate::hive::HiveType;
use crate::input::Input;
use crate::options::{ColumnNames, CsvOptions, Malformed, OnBadRecord, Ragged, ReadOptions};
use crate::source::ByteSource;

/// A reader in the middle of its range.
pub(crate) struct CsvReader {
    input: Input,
    end: u64,
    options: CsvOptions,
    dialect: Dialect,
    binding: Binding,
    /// Per wanted column: its values are casts of the text.
    casts: Vec<bool>,
    /// Whether a record of another width is bad although the dialect allows it.
    even_rows: bool,
    on_bad: OnBadRecord,
    batch: BatchBuilder,
    fields: Vec<Field>,
    scratch: Vec<u8>,
    row: u64,
    /// Known when the range begins the file.
    line: Option<u64>,
    /// Up to this offset the text is known to be UTF-8.
    utf8_until: u64,
    done: bool,
}

impl CsvReader {
    /// Opens the range. `range` must be the whole file when the dialect is multi-line or the file compressed.
    pub(crate) async fn open(
        source: Arc<dyn ByteSource>,
        range: Range<u64>,
        options: &CsvOptions,
        compression: Compression,
        schema: SchemaRef,
        read: &ReadOptions,
    ) -> Result<Self, FormatError> {
        let dialect = Dialect::new(options);
        let batch = BatchBuilder::new(schema, read.batch_rows, source.name())?;
        if options.nested.is_empty() {
            refuse_nested(&batch, source.name())?;
        }
        let mut head = Input::open(&*source, 0, compression, read.max_record_bytes)?
            .without_footer(options.footer_lines);
        let (names, lines) = read_head(&mut head, options, &dialect, range.start).await?;
        let binding = match (&options.names, names) {
            (ColumnNames::Given(names), _) => bind::by_name(batch.schema(), names),
            (ColumnNames::Generated, _) => bind::generated(batch.schema(), source.name())?,
            (ColumnNames::Header, Some(names)) => bind::by_name(batch.schema(), &names),
            (ColumnNames::HeaderAmong(known), Some(names)) => {
                bind::check_known(known, &names, source.name())?;
                bind::by_name(batch.schema(), &names)
            }
            (ColumnNames::Header | ColumnNames::HeaderAmong(_), None) => {
                Binding { places: vec![None; batch.columns.len()], width: None }
            }
        };
        let mut binding = binding;
        let even_rows = read.even_rows && options.ragged == Ragged::PadWithNull;
        if even_rows {
            binding.width = file_width(&*source, options, &dialect, compression, read).await?;
        }
        let (input, line) = if range.start <= head.offset() {
            (head, Some(lines + 1))
        } else {
            let mut input = Input::open(&*source, range.start - 1, compression, read.max_record_bytes)?;
            input.skip_line().await?;
            (input, None)
        };
        Ok(Self {
            // The end of a compressed or recoded file is not known in bytes of text.
            end: if compression == Compression::None && !input.is_recoded() { range.end } else { u64::MAX },
            input,
            options: options.clone(),
            dialect,
            even_rows,
            casts: (0..binding.places.len()).map(|index| read.cast_columns.contains(&index)).collect(),
            binding,
            on_bad: read.on_bad_record.clone(),
            batch,
            fields: Vec::new(),
            scratch: Vec::new(),
            row: 0,
            line,
            utf8_until: 0,
            done: false,
        })
    }

    /// The next batch; `None` at the end of the range.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>, FormatError> {
        while !self.done && !self.batch.is_full() {
            if self.input.offset() >= self.end {
                self.done = true;
                break;
            }
            if self.take_pending()? {
                continue;
            }
            self.input.more().await?;
        }
        let name = self.input.name().to_owned();
        self.batch.finish(&name)
    }

    /// Looks at the window as a whole once, so that not every cell of text has to be looked at. Fields begin and end at
    /// ASCII characters, hence never within a character.
    fn find_utf8(&mut self) {
        let separators = [Some(self.dialect.delimiter), self.dialect.quote, self.dialect.escape];
        if separators.iter().flatten().any(|byte| !byte.is_ascii()) {
            return;
        }
        let offset = self.input.offset();
        let known = self.utf8_until.saturating_sub(offset);
        let rest = self.input.pending().get(known as usize..).unwrap_or_default();
        let valid = std::str::from_utf8(rest).map_or_else(|error| error.valid_up_to(), str::len);
        self.utf8_until = offset + known + valid as u64;
    }

    /// Takes records from the window until it is used up (false) or the batch is full or the range ends (true).
    fn take_pending(&mut self) -> Result<bool, FormatError> {
        self.find_utf8();
        loop {
            if self.batch.is_full() || self.input.offset() >= self.end {
                return Ok(true);
            }
            let window = self.input.pending();
            match scan(&self.dialect, window, self.input.at_eof(), &mut self.fields) {
                Scan::Record { len, breaks } => {
                    self.record(len)?;
                    self.advance(len, breaks);
                }
                Scan::Comment { len } => self.advance(len, 1),
                Scan::More => return Ok(false),
                Scan::End => {
                    self.done = true;
                    return Ok(true);
                }
                Scan::OpenQuote => {
                    let len = memchr::memchr(b'\n', window).map_or(window.len(), |at| at + 1);
                    self.row += 1;
                    self.bad(Problem::UnterminatedQuote, None)?;
                    self.advance(len, 1);
                }
            }
        }
    }

    fn advance(&mut self, len: usize, breaks: u64) {
        self.input.consume(len);
        self.line = self.line.map(|line| line + breaks);
    }

    fn record(&mut self, len: usize) -> Result<(), FormatError> {
        let window = self.input.pending();
        if self.options.skip_blank_lines && is_blank(&self.fields, window) {
            return Ok(());
        }
        self.row += 1;
        // An empty line is a record of its own kind to Hive's SerDes.
        if self.options.ragged == Ragged::Bad || self.even_rows && !is_blank(&self.fields, window) {
            let expected = *self.binding.width.get_or_insert(self.fields.len());
            if self.fields.len() != expected {
                return self.bad(Problem::FieldCount { expected, found: self.fields.len() }, None);
            }
        }
        for index in 0..self.binding.places.len() {
            if let Err(mismatch) = self.cell(index) {
                let (problem, column) = self.describe(index, mismatch);
                return self.bad(problem, Some(column));
            }
        }
        self.batch.end_row(len);
        Ok(())
    }

    fn cell(&mut self, index: usize) -> Result<(), Mismatch> {
        let column = &mut self.batch.columns[index];
        let field = self.binding.places[index].and_then(|place| self.fields.get(place));
        let Some(field) = field else {
            column.append_null();
            return Ok(());
        };
        let window = self.input.pending();
        let is_null_text = !field.quoted
            && self.options.null_text.as_ref().is_some_and(|n| n.as_bytes() == field.span(window));
        if is_null_text {
            column.append_null();
            return Ok(());
        }
        if column.is_nested() {
            return nested::append(column, field.span(window), 0, &self.options);
        }
        let value = field.decode(window, &self.dialect, &mut self.scratch);
        // White space alone is empty too, except as text: inference takes it so.
        let is_null = if column.is_text() {
            value.is_empty() && self.options.empty_text_is_null && !field.quoted
        } else {
            value.trim_ascii().is_empty()
        };
        if is_null {
            column.append_null();
            return Ok(());
        }
        let is_utf8 = self.input.offset() + field.end() as u64 <= self.utf8_until;
        let appended = if self.casts[index] {
            column.append_cast(value)
        } else {
            nested::scalar(column, value, is_utf8, &self.options)
        };
        match appended {
            Err(Mismatch::Value) if self.options.malformed == Malformed::Null => {
                column.append_null();
                Ok(())
            }
            other => other,
        }
    }

    fn describe(&mut self, index: usize, mismatch: Mismatch) -> (Problem, String) {
        let field = self.batch.schema().field(index).clone();
        if mismatch == Mismatch::Utf8 {
            return (Problem::InvalidUtf8, field.name().clone());
        }
        let window = self.input.pending();
        let place = self.binding.places[index].and_then(|p| self.fields.get(p));
        let value =
            place.map(|f| excerpt(f.decode(window, &self.dialect, &mut self.scratch))).unwrap_or_default();
        let wanted = HiveType::from_arrow(field.data_type())
            .map_or_else(|_| field.data_type().to_string(), |ty| ty.to_string());
        (Problem::BadValue { value, wanted }, field.name().clone())
    }

    fn bad(&mut self, problem: Problem, column: Option<String>) -> Result<(), FormatError> {
        self.batch.abandon_row();
        let mut error = FormatError::new(self.input.name(), problem);
        error.place.line = self.line;
        error.place.row = Some(self.row);
        error.place.offset = Some(self.input.offset());
        error.place.column = column;
        match &self.on_bad {
            OnBadRecord::Fail => Err(error),
            OnBadRecord::Skip(records) => {
                records.add(error);
                Ok(())
            }
        }
    }
}

fn refuse_nested(batch: &BatchBuilder, source: &str) -> Result<(), FormatError> {
    for (column, field) in batch.columns.iter().zip(batch.schema().fields()) {
        if column.is_nested() {
            let what = "a list, map or struct in delimited text".to_owned();
            let mut error = FormatError::new(source, Problem::Unsupported { what });
            error.place.column = Some(field.name().clone());
            return Err(error);
        }
    }
    Ok(())
}

/// Reads past the header lines: the names of the last one when they are wanted, and how many lines went by.
/// For a range that begins far behind, only as much is read as the header needs.
async fn read_head(
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
async fn file_width(
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
                if fields.len() > 1 || fields.iter().any(|field| !field.span(input.pending()).is_empty()) {
                    return Ok(Some(fields.len()));
                }
                input.consume(len);
            }
            Scan::Comment { len } => input.consume(len),
            // Whoever reads the records says what is wrong with one.
            Scan::End | Scan::OpenQuote => return Ok(None),
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
    while dialect.multiline && dialect.quote.is_some() {
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

fn is_blank(fields: &[Field], window: &[u8]) -> bool {
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
