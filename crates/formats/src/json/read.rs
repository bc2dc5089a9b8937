//! Reads a range of JSON text into batches.
//!
//! In the layout Lines a record belongs to the range that holds the first byte of its line. The other layouts
//! cannot be entered in the middle, so their files are one range.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::frame::{Frame, frame};
use super::layout::detect_layout;
use super::leading_space;
use super::lex::{Failure, Parsed, Parser};
use super::names::NameIndex;
use super::parse::StructColumns;
use crate::builder::BatchBuilder;
use crate::compression::Compression;
use crate::error::{FormatError, Problem};
use crate::hive::HiveType;
use crate::input::{Front, Input};
use crate::options::{JsonLayout, JsonOptions, Malformed, OnBadRecord, ReadOptions};
use crate::source::ByteSource;

/// A reader in the middle of its range.
pub(crate) struct JsonReader {
    input: Input,
    end: u64,
    layout: JsonLayout,
    options: JsonOptions,
    names: Vec<String>,
    index: NameIndex,
    on_bad: OnBadRecord,
    batch: BatchBuilder,
    row: u64,
    line: Option<u64>,
    /// Array: between `[` and `]`.
    in_array: bool,
    /// Array: an element was read, so that a comma or the end must follow.
    after_element: bool,
    done: bool,
}

impl JsonReader {
    /// Opens the range, which must be the whole file unless it holds lines and is not compressed.
    pub(crate) async fn open(
        source: Arc<dyn ByteSource>,
        range: Range<u64>,
        options: &JsonOptions,
        compression: Compression,
        schema: SchemaRef,
        read: &ReadOptions,
    ) -> Result<Self, FormatError> {
        let index = NameIndex::new(&schema, options)
            .map_err(|message| FormatError::new(source.name(), Problem::Schema { message }))?;
        let names = schema.fields().iter().map(|f| f.name().clone()).collect();
        let batch = BatchBuilder::new(schema, read.batch_rows, source.name())?;
        let (input, layout, line) = open_input(&*source, &range, options, compression, read).await?;
        Ok(Self {
            end: if compression == Compression::None && !input.is_recoded() { range.end } else { u64::MAX },
            input,
            layout,
            options: options.clone(),
            names,
            index,
            on_bad: read.on_bad_record.clone(),
            batch,
            row: 0,
            line,
            in_array: false,
            after_element: false,
            done: false,
        })
    }

    /// The next batch; `None` at the end of the range.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>, FormatError> {
        while !self.done && !self.batch.is_full() {
            let progressed = match self.layout {
                _ if self.options.path.is_some() => self.take_documents()?,
                JsonLayout::Array => self.take_elements()?,
                JsonLayout::Documents => self.take_documents()?,
                JsonLayout::Lines | JsonLayout::Auto => self.take_lines()?,
            };
            if !progressed {
                self.input.more().await?;
            }
        }
        let name = self.input.name().to_owned();
        self.batch.finish(&name)
    }

    /// Lines from the window; false when more bytes are needed.
    fn take_lines(&mut self) -> Result<bool, FormatError> {
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
            if !self.input.pending()[..text].trim_ascii().is_empty() {
                self.line_of_records(text)?;
            }
            if let Some(line) = &mut self.line {
                *line += 1;
            }
            self.input.consume(len);
        }
        Ok(true)
    }

    /// One line: usually one object, perhaps several. A line that is bad somewhere is bad from there on.
    fn line_of_records(&mut self, len: usize) -> Result<(), FormatError> {
        let mut at = 0;
        while at < len {
            at += leading_space(&self.input.pending()[at..len]);
            if at == len {
                break;
            }
            match self.record(at, len) {
                Ok(used) => at += used,
                Err((failure, used)) => {
                    self.bad(failure, at, len)?;
                    match used {
                        Some(used) => at += used,
                        None => return Ok(()),
                    }
                }
            }
        }
        Ok(())
    }

    /// Elements of the array; false when more bytes are needed.
    fn take_elements(&mut self) -> Result<bool, FormatError> {
        while !self.batch.is_full() {
            let Some(first) = self.skip_space() else { return self.end_of_text("array", !self.in_array) };
            match first {
                b'[' if !self.in_array => {
                    self.in_array = true;
                    self.after_element = false;
                    self.advance(1);
                }
                b']' if self.in_array => {
                    self.in_array = false;
                    self.advance(1);
                }
                b',' if self.in_array && self.after_element => {
                    self.after_element = false;
                    self.advance(1);
                }
                _ if !self.in_array || self.after_element => {
                    let expected = if self.in_array { "',' or ']'" } else { "nothing behind the array" };
                    return Err(self.error(
                        Failure::Syntax { expected, at: 0 },
                        0,
                        self.input.pending().len().min(100),
                    ));
                }
                _ => {
                    if !self.framed_record()? {
                        return self.end_of_text("array", false);
                    }
                    self.after_element = true;
                }
            }
        }
        Ok(true)
    }

    /// Documents one after the other; false when more bytes are needed.
    fn take_documents(&mut self) -> Result<bool, FormatError> {
        while !self.batch.is_full() {
            if self.skip_space().is_none() {
                return self.end_of_text("object", true);
            }
            if !self.framed_record()? {
                return self.end_of_text("object", false);
            }
        }
        Ok(true)
    }

    /// Takes the value at the front; false when the window ends within it.
    fn framed_record(&mut self) -> Result<bool, FormatError> {
        let Frame::Value(len) = frame(self.input.pending(), self.input.at_eof()) else { return Ok(false) };
        if self.options.path.is_some() {
            self.selected(len)?;
        } else if let Err((failure, _)) = self.record(0, len) {
            self.bad(failure, 0, len)?;
        }
        self.advance(len);
        Ok(true)
    }

    /// The records within the document at the front, where its path leads.
    fn selected(&mut self, len: usize) -> Result<(), FormatError> {
        let Some(path) = &self.options.path else { return Ok(()) };
        let places = match std::str::from_utf8(&self.input.pending()[..len]) {
            Ok(text) => path.select(&mut Parser::new(text, &self.options)),
            Err(e) => Err(Failure::Syntax { expected: "valid UTF-8", at: e.valid_up_to() }),
        };
        match places {
            Ok(places) => {
                for place in places {
                    if let Err((failure, _)) = self.record(place.start, place.end) {
                        self.bad(failure, place.start, place.end)?;
                    }
                }
                Ok(())
            }
            Err(failure) => {
                self.row += 1;
                self.bad(failure, 0, len)
            }
        }
    }

    /// The window is used up: at the end of the file that is fine or an error, else more is needed (false).
    fn end_of_text(&mut self, what: &'static str, complete: bool) -> Result<bool, FormatError> {
        if !self.input.at_eof() {
            return Ok(false);
        }
        if !complete {
            let mut error = FormatError::new(self.input.name(), Problem::UnterminatedJson { what });
            error.place.offset = Some(self.input.offset());
            error.place.line = self.line;
            return Err(error);
        }
        self.done = true;
        Ok(true)
    }

    fn skip_space(&mut self) -> Option<u8> {
        let space = leading_space(self.input.pending());
        self.advance(space);
        self.input.pending().first().copied()
    }

    fn advance(&mut self, len: usize) {
        if let Some(line) = &mut self.line {
            *line += memchr::memchr_iter(b'\n', &self.input.pending()[..len]).count() as u64;
        }
        self.input.consume(len);
    }

    /// Parses the record in `pending[at..end]`: its length, or the failure with the length when that is known.
    fn record(&mut self, at: usize, end: usize) -> Result<usize, (Failure, Option<usize>)> {
        self.row += 1;
        let bytes = &self.input.pending()[at..end];
        let Ok(text) = simdutf8::basic::from_utf8(bytes) else {
            return Err((Failure::Syntax { expected: "valid UTF-8", at: 0 }, None));
        };
        let mut parser = Parser::new(text, &self.options);
        let mut parsed = append(&mut self.batch, &self.names, &self.index, &mut parser);
        if matches!(parsed, Err(Failure::Repeated { .. })) {
            self.batch.abandon_row();
            parser = Parser::new(text, &self.options).comparing();
            parsed = append(&mut self.batch, &self.names, &self.index, &mut parser);
        }
        match parsed {
            Ok(()) => {
                let used = parser.position();
                self.batch.end_row(used);
                Ok(used)
            }
            Err(
                failure @ (Failure::Mismatch { .. } | Failure::Repeated { .. } | Failure::Unknown { .. }),
            ) => {
                let mut again = Parser::new(text, &self.options);
                match (again.skip(), failure) {
                    (Ok(()), failure) => Err((failure, Some(again.position()))),
                    // The rest of the record is worse.
                    (Err(malformed), Failure::Unknown { .. }) => Err((malformed, None)),
                    (Err(_), failure) => Err((failure, None)),
                }
            }
            Err(failure) => Err((failure, None)),
        }
    }

    fn bad(&mut self, failure: Failure, at: usize, end: usize) -> Result<(), FormatError> {
        if matches!(failure, Failure::Unknown { .. }) {
            return Err(self.error(failure, at, end));
        }
        let malformed = !matches!(failure, Failure::Mismatch { .. });
        if malformed && self.options.malformed_record == Malformed::Null {
            self.batch.null_row();
            return Ok(());
        }
        self.batch.abandon_row();
        let error = self.error(failure, at, end);
        match &self.on_bad {
            OnBadRecord::Fail => Err(error),
            OnBadRecord::Skip(records) => {
                records.add(error, &self.input.pending()[at..end]);
                Ok(())
            }
        }
    }

    fn error(&self, failure: Failure, at: usize, end: usize) -> FormatError {
        let record = &self.input.pending()[at..end];
        let problem = failure.problem(record, |column| self.wanted(column));
        let column_name = if let Failure::Mismatch { column, .. } = failure { Some(column) } else { None };
        let mut error = FormatError::new(self.input.name(), problem);
        error.place.line = self.line;
        error.place.row = Some(self.row);
        error.place.offset = Some(self.input.offset() + at as u64);
        error.place.column = column_name;
        error
    }

    fn wanted(&self, column: &str) -> String {
        match self.batch.schema().field_with_name(column) {
            Ok(field) => HiveType::from_arrow(field.data_type())
                .map_or_else(|_| field.data_type().to_string(), |ty| ty.to_string()),
            Err(_) => "value of its type".to_owned(),
        }
    }
}

/// Parses a record into the batch's columns, whatever was appended when it fails.
fn append(
    batch: &mut BatchBuilder,
    names: &[String],
    index: &NameIndex,
    parser: &mut Parser<'_>,
) -> Parsed<()> {
    let len = batch.rows();
    parser.record(&mut StructColumns { columns: &mut batch.columns, names, index, len })
}

async fn open_input(
    source: &dyn ByteSource,
    range: &Range<u64>,
    options: &JsonOptions,
    compression: Compression,
    read: &ReadOptions,
) -> Result<(Input, JsonLayout, Option<u64>), FormatError> {
    // A byte-order mark is three bytes long: a range that begins within it must know of it.
    if range.start <= 3 {
        let mut head = Input::open(source, 0, compression, read.max_record_bytes)?;
        head.begin(None).await?;
        if range.start <= head.offset() {
            let layout = match options.layout {
                JsonLayout::Auto if options.path.is_some() => JsonLayout::Documents,
                JsonLayout::Auto => detect_layout(&mut head).await?,
                known => known,
            };
            return Ok((head, layout, Some(1)));
        }
    }
    let mut input = Input::open(source, range.start - 1, compression, read.max_record_bytes)?;
    input.skip_line().await?;
    Ok((input, JsonLayout::Lines, None))
}
