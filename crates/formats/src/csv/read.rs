//! Reads a range of delimited text into batches.
//!
//! A record belongs to the range that holds its first byte. A range that does not begin the file starts behind the
//! first line break at or after the byte before it; where quotes may hold line breaks, with the first record that
//! [`RecordStarts`] finds. Header lines belong to no range, wherever they lie.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::bind::{self, Binding};
use super::block::Blocks;
use super::choose::Chooser;
use super::head::{file_width, is_blank, read_head};
use super::nested;
use super::scan::{Dialect, Field, Scan, scan};
use super::starts::RecordStarts;
use crate::builder::{BatchBuilder, Column, Mismatch};
use crate::compression::Compression;
use crate::error::{FormatError, Problem, excerpt};
use crate::hive::HiveType;
use crate::input::Input;
use crate::options::{BadRecords, CsvOptions, Malformed, OnBadRecord, Ragged, ReadOptions, Strictness};
use crate::source::ByteSource;

/// Bad records that are held at a time, and how much of each.
const MAX_FOUND: usize = 200;
const MAX_TEXT_BYTES: usize = (64 << 10) + 1;

/// A reader in the middle of its range.
pub(crate) struct CsvReader {
    source: Arc<dyn ByteSource>,
    starts: Arc<RecordStarts>,
    pub(super) input: Input,
    pub(super) end: u64,
    pub(super) options: CsvOptions,
    pub(super) dialect: Dialect,
    pub(super) binding: Binding,
    /// Per wanted column: its values are casts of the text.
    pub(super) casts: Vec<bool>,
    /// Whether a record of another width is bad although the dialect allows it.
    even_rows: bool,
    /// Whether a record is bad of which a quoted field goes on behind its closing quote.
    are_torn_bad: bool,
    /// Whether text is to be UTF-8 also where it is not wanted.
    is_all_text: bool,
    /// Whether a record with a double quote is bad.
    pub(super) are_quotes_bad: bool,
    /// Whether a line of nothing but blanks is bad.
    pub(super) are_blanks_bad: bool,
    on_bad: OnBadRecord,
    pub(super) batch: BatchBuilder,
    pub(super) blocks: Blocks,
    pub(super) chooser: Option<Chooser>,
    fields: Vec<Field>,
    scratch: Vec<u8>,
    pub(super) row: u64,
    /// Whether offsets into the text are offsets into the file.
    is_plain: bool,
    /// Known when the range begins the file.
    line: Option<u64>,
    /// Bad records that are to be counted, of which more is wanted than that, and their text.
    found: Vec<(FormatError, Vec<u8>)>,
    /// Up to this offset the text is known to be UTF-8.
    pub(super) utf8_until: u64,
    done: bool,
}

impl CsvReader {
    /// Opens the range. `range` must be the whole file when the file is compressed.
    pub(crate) async fn open(
        source: Arc<dyn ByteSource>,
        range: Range<u64>,
        options: &CsvOptions,
        compression: Compression,
        schema: SchemaRef,
        read: &ReadOptions,
    ) -> Result<Self, FormatError> {
        let options = &match read.strictness {
            Strictness::Values => CsvOptions { malformed: Malformed::Bad, ..options.clone() },
            _ => options.clone(),
        };
        let dialect = Dialect::new(options);
        let batch = BatchBuilder::new(schema, read.batch_rows, source.name())?;
        if options.nested.is_empty() {
            refuse_nested(&batch, source.name())?;
        }
        let mut head = Input::open(&*source, 0, compression, read.max_record_bytes)?
            .without_footer(options.footer_lines);
        let (names, lines) = read_head(&mut head, options, &dialect, range.start).await?;
        let mut binding = bind::of_file(&options.names, names.as_deref(), batch.schema(), source.name())?;
        let even_rows = read.strictness >= Strictness::EvenRows && options.ragged == Ragged::PadWithNull;
        if even_rows {
            binding.width = file_width(&*source, options, &dialect, compression, read).await?;
        }
        let (input, line) = match range.start <= head.offset() {
            true => (head, Some(lines + 1)),
            false => (first_record(&*source, range.start, compression, &dialect, read).await?, None),
        };
        let is_plain = compression == Compression::None && !input.is_recoded();
        let casts: Vec<bool> =
            (0..binding.places.len()).map(|index| read.cast_columns.contains(&index)).collect();
        Ok(Self {
            chooser: Chooser::new(read, &batch, source.name())?,
            blocks: Blocks::new(options, &batch, &casts),
            source,
            starts: Arc::clone(&read.starts),
            // The end of a compressed or recoded file is not known in bytes of text.
            end: if is_plain { range.end } else { u64::MAX },
            is_plain,
            input,
            options: options.clone(),
            dialect,
            even_rows,
            are_torn_bad: read.strictness >= Strictness::EvenRows,
            is_all_text: read.is_all_text,
            are_blanks_bad: read.strictness == Strictness::Values,
            are_quotes_bad: read.strictness == Strictness::Values && options.quote.is_none(),
            casts,
            binding,
            on_bad: read.on_bad_record.clone(),
            batch,
            fields: Vec::new(),
            scratch: Vec::new(),
            row: 0,
            line,
            found: Vec::new(),
            utf8_until: 0,
            done: false,
        })
    }

    /// The next batch; `None` at the end of the range.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>, FormatError> {
        let read = loop {
            let read = self.read_batch().await;
            let is_full = self.found.len() >= MAX_FOUND;
            self.tell_bad().await;
            if read.is_err() || !is_full {
                break read;
            }
        };
        match read {
            Ok(()) => self.finish_batch(),
            Err(error) if self.is_plain => Err(placed(&self.starts, &self.source, error).await),
            Err(error) => Err(error),
        }
    }

    fn finish_batch(&mut self) -> Result<Option<RecordBatch>, FormatError> {
        let name = self.input.name();
        let Some(chooser) = &mut self.chooser else { return self.batch.finish(name) };
        match self.batch.finish(name)? {
            Some(batch) => chooser.of_batch(batch, name).map(Some),
            // Nothing of much was kept; what follows may be.
            None if !self.done => Ok(Some(RecordBatch::new_empty(Arc::clone(self.batch.schema())))),
            None => Ok(None),
        }
    }

    async fn read_batch(&mut self) -> Result<(), FormatError> {
        while !self.done && !self.is_full() {
            if self.input.offset() >= self.end {
                self.done = true;
                break;
            }
            if self.take_pending()? {
                continue;
            }
            self.input.more().await?;
        }
        Ok(())
    }

    /// Whether what was read is to be handed on first.
    fn is_full(&self) -> bool {
        self.batch.is_full() || self.found.len() >= MAX_FOUND
    }

    /// Counts the bad records that were found.
    async fn tell_bad(&mut self) {
        let OnBadRecord::Skip(records) = self.on_bad.clone() else { return };
        for (error, text) in std::mem::take(&mut self.found) {
            let error = match self.is_plain && records.wants_more() {
                true => placed(&self.starts, &self.source, error).await,
                false => error,
            };
            records.add(error, &text);
        }
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
            if self.is_full() || self.input.offset() >= self.end {
                return Ok(true);
            }
            if self.take_block()? {
                continue;
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
                    self.bad(Problem::UnterminatedQuote, None, len)?;
                    self.advance(len, 1);
                }
            }
        }
    }

    /// Whether a record is bad that has not as many fields as the others.
    pub(super) fn is_even(&self) -> bool {
        self.even_rows || self.options.ragged == Ragged::Bad
    }

    pub(super) fn advance(&mut self, len: usize, breaks: u64) {
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
        let is_another_kind = self.even_rows && is_blank(&self.fields, window);
        if self.are_blanks_bad && is_blank(&self.fields, window) {
            let wanted = "a record, not an empty line".to_owned();
            return self.bad(Problem::BadValue { value: String::new(), wanted }, None, len);
        }
        if self.is_even() && !is_another_kind {
            let expected = *self.binding.width.get_or_insert(self.fields.len());
            if self.fields.len() != expected {
                return self.bad(Problem::FieldCount { expected, found: self.fields.len() }, None, len);
            }
        }
        if self.are_quotes_bad && memchr::memchr(b'"', &window[..len]).is_some() {
            let value = excerpt(&window[..len]);
            return self.bad(
                Problem::BadValue { value, wanted: "text without quotes".to_owned() },
                None,
                len,
            );
        }
        if self.are_torn_bad
            && let Some(torn) = self.fields.iter().find(|field| field.is_torn(window, &self.dialect))
        {
            let wanted = "quoted field: text goes on behind its closing quote".to_owned();
            return self.bad(Problem::BadValue { value: excerpt(torn.span(window)), wanted }, None, len);
        }
        for index in 0..self.binding.places.len() {
            if let Err(mismatch) = self.cell(index) {
                let (problem, column) = self.describe(index, mismatch);
                return self.bad(problem, Some(column), len);
            }
        }
        let is_known = self.input.offset() + len as u64 <= self.utf8_until;
        if self.is_all_text && !is_known && std::str::from_utf8(&self.input.pending()[..len]).is_err() {
            return self.bad(Problem::InvalidUtf8, None, len);
        }
        self.batch.end_row(len);
        if let Some(chooser) = &mut self.chooser {
            chooser.add_unasked();
        }
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
        let known = Known {
            is_quoted: field.quoted,
            is_utf8: self.input.offset() + field.end() as u64 <= self.utf8_until,
            is_cast: self.casts[index],
        };
        append(column, value, known, &self.options)
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

    fn bad(&mut self, problem: Problem, column: Option<String>, len: usize) -> Result<(), FormatError> {
        self.batch.abandon_row();
        let mut error = FormatError::new(self.input.name(), problem);
        error.place.line = self.line;
        error.place.row = Some(self.row);
        error.place.offset = Some(self.input.offset());
        error.place.column = column;
        match &self.on_bad {
            OnBadRecord::Fail => Err(error),
            OnBadRecord::Skip(records)
                if records.wants_all() || self.found.len() < BadRecords::MAX_EXAMPLES =>
            {
                let text = &self.input.pending()[..len.min(MAX_TEXT_BYTES)];
                self.found.push((error, text.to_vec()));
                Ok(())
            }
            OnBadRecord::Skip(records) => {
                records.note();
                Ok(())
            }
        }
    }
}

/// The text from the first record on that begins at `start` or behind it, of a range that does not begin the file.
async fn first_record(
    source: &dyn ByteSource,
    start: u64,
    compression: Compression,
    dialect: &Dialect,
    read: &ReadOptions,
) -> Result<Input, FormatError> {
    let limit = read.max_record_bytes;
    if dialect.is_multiline() {
        let start = read.starts.at_or_behind(source, dialect, start, limit).await?;
        return Input::open(source, start, compression, limit);
    }
    let mut input = Input::open(source, start - 1, compression, limit)?;
    input.skip_line().await?;
    Ok(input)
}

/// The error with its line, which the reader of a later part of a file does not know.
async fn placed(starts: &RecordStarts, source: &Arc<dyn ByteSource>, mut error: FormatError) -> FormatError {
    if let (None, Some(offset)) = (error.place.line, error.place.offset) {
        // If the file cannot be read any more, that is not what is wrong with it.
        error.place.line = starts.line_of(&**source, offset).await.ok();
    }
    error
}

/// What is known of a value.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) is_quoted: bool,
    pub(super) is_utf8: bool,
    /// It is to be a cast of the text.
    pub(super) is_cast: bool,
}

/// Appends a value that is not nested, nor the text that stands for NULL.
#[inline]
pub(super) fn append(
    column: &mut Column,
    value: &[u8],
    known: Known,
    options: &CsvOptions,
) -> Result<(), Mismatch> {
    // White space alone is empty too, except as text: inference takes it so.
    let is_null = if column.is_text() {
        value.is_empty() && options.empty_text_is_null && !known.is_quoted
    } else {
        value.trim_ascii().is_empty()
    };
    if is_null {
        column.append_null();
        return Ok(());
    }
    let appended = if known.is_cast {
        column.append_cast(value)
    } else {
        nested::scalar(column, value, known.is_utf8, options)
    };
    match appended {
        Err(Mismatch::Value) if options.malformed == Malformed::Null => {
            column.append_null();
            Ok(())
        }
        other => other,
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
