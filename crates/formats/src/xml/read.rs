//! Reads a document's rows into batches.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::append::{Appender, Misfit};
use super::rows::{Malformed as Malformation, Rows, Step};
use super::tree::{self, BadRow};
use crate::builder::BatchBuilder;
use crate::compression::Compression;
use crate::encoding::Encoding;
use crate::error::{FormatError, Problem, excerpt};
use crate::hive::HiveType;
use crate::input::Input;
use crate::options::{OnBadRecord, ReadOptions, XmlOptions};
use crate::source::ByteSource;

/// A reader in the middle of its document.
pub(crate) struct XmlReader {
    input: Input,
    rows: Rows,
    options: XmlOptions,
    names: Vec<String>,
    on_bad: OnBadRecord,
    batch: BatchBuilder,
    row: u64,
    done: bool,
}

impl XmlReader {
    /// Opens a whole document.
    pub(crate) async fn open(
        source: Arc<dyn ByteSource>,
        options: &XmlOptions,
        compression: Compression,
        schema: SchemaRef,
        read: &ReadOptions,
    ) -> Result<Self, FormatError> {
        let names = schema.fields().iter().map(|f| f.name().clone()).collect();
        let batch = BatchBuilder::new(schema, read.batch_rows, source.name())?;
        let mut input = Input::open(&*source, 0, compression, read.max_record_bytes)?;
        begin(&mut input, options.encoding).await?;
        Ok(Self {
            input,
            rows: Rows::new(Some(&options.row_tag)),
            options: options.clone(),
            names,
            on_bad: read.on_bad_record.clone(),
            batch,
            row: 0,
            done: false,
        })
    }

    /// The next batch; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>, FormatError> {
        while !self.done && !self.batch.is_full() {
            let step = self.rows.step(self.input.pending(), self.input.at_eof());
            let len = match step.map_err(|bad| malformed(self.input.name(), bad))? {
                Step::Row(len) => {
                    self.record(len)?;
                    len
                }
                Step::Pass(len) => len,
                Step::More => {
                    self.input.more().await?;
                    continue;
                }
                Step::End => {
                    self.done = true;
                    continue;
                }
            };
            self.rows.advance(&self.input.pending()[..len]);
            self.input.consume(len);
        }
        let name = self.input.name().to_owned();
        self.batch.finish(&name)
    }

    fn record(&mut self, len: usize) -> Result<(), FormatError> {
        self.row += 1;
        let bytes = &self.input.pending()[..len];
        let Ok(text) = std::str::from_utf8(bytes) else {
            return self.bad(FormatError::new(self.input.name(), Problem::InvalidUtf8), len);
        };
        let node = match tree::row(text, &self.options) {
            Ok(node) => node,
            Err(bad) => return self.bad(bad_row(self.input.name(), &self.rows, bytes, &bad), len),
        };
        let appender = Appender { options: &self.options, text };
        match appender.members(&node, &self.names, &mut self.batch.columns) {
            Ok(()) => {
                self.batch.end_row(len);
                Ok(())
            }
            Err(Misfit::Repeated { first, second }) => {
                self.bad(FormatError::new(self.input.name(), Problem::RepeatedName { first, second }), len)
            }
            Err(Misfit::Value { column, value }) => {
                let (value, wanted) = (excerpt(value.as_bytes()), self.wanted(&column));
                let mut error = FormatError::new(self.input.name(), Problem::BadValue { value, wanted });
                error.place.column = Some(column);
                self.bad(error, len)
            }
        }
    }

    fn bad(&mut self, mut error: FormatError, len: usize) -> Result<(), FormatError> {
        self.batch.abandon_row();
        error.place.line.get_or_insert(self.rows.line);
        error.place.row = Some(self.row);
        error.place.offset = Some(self.input.offset());
        match &self.on_bad {
            OnBadRecord::Fail => Err(error),
            OnBadRecord::Skip(records) => {
                records.add(error, &self.input.pending()[..len]);
                Ok(())
            }
        }
    }

    fn wanted(&self, column: &str) -> String {
        match self.batch.schema().field_with_name(column) {
            Ok(field) => HiveType::from_arrow(field.data_type())
                .map_or_else(|_| field.data_type().to_string(), |ty| ty.to_string()),
            Err(_) => "value of its type".to_owned(),
        }
    }
}

/// The error of a document that is not well-formed.
pub(crate) fn malformed(source: &str, bad: Malformation) -> FormatError {
    let message = format!("{} (column {})", bad.message, bad.column);
    let mut error = FormatError::new(source, Problem::XmlDocument { message });
    error.place.line = Some(bad.line);
    error
}

/// The error of a row that is not well-formed; `rows` stands in front of it.
pub(crate) fn bad_row(source: &str, rows: &Rows, row: &[u8], bad: &BadRow) -> FormatError {
    let mut place = Rows::new(None);
    (place.line, place.column) = (rows.line, rows.column);
    place.advance(&row[..bad.at.min(row.len())]);
    let message = format!("{} (column {})", bad.message, place.column);
    let mut error = FormatError::new(source, Problem::Xml { message });
    error.place.line = Some(place.line);
    error
}

/// Finds the document's encoding: by its mark, as `known`, or as its declaration says.
pub(crate) async fn begin(input: &mut Input, known: Option<Encoding>) -> Result<(), FormatError> {
    input.begin(known).await?;
    begin_declared(input).await
}

/// Heeds what the declaration at the front says of the encoding.
pub(crate) async fn begin_declared(input: &mut Input) -> Result<(), FormatError> {
    const MOST: usize = 1024;
    if input.is_recoded() || !input.pending().starts_with(b"<?xml") {
        return Ok(());
    }
    while memchr::memmem::find(input.pending(), b"?>").is_none()
        && input.pending().len() < MOST
        && input.more().await?
    {}
    let head = &input.pending()[..input.pending().len().min(MOST)];
    let declaration = &head[..memchr::memmem::find(head, b"?>").unwrap_or(0)];
    let text = String::from_utf8_lossy(declaration);
    let Some((_, rest)) = text.split_once("encoding") else { return Ok(()) };
    let label = rest.trim_start().trim_start_matches('=').trim_start();
    let label = label.split(['"', '\'']).nth(1).unwrap_or_default();
    match Encoding::of_label(label) {
        // A document without a mark that was read this far is not in units of two bytes.
        Ok(Some(encoding)) if !encoding.name().starts_with("UTF-16") => input.set_encoding(encoding),
        Ok(_) => Ok(()),
        Err(error) => {
            let mut error = FormatError::new(input.name(), Problem::Unsupported { what: error.to_string() });
            error.place.line = Some(1);
            Err(error)
        }
    }
}
