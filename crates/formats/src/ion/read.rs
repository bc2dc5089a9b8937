//! Reads a file's values into batches.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::append::Columns;
use super::cursor::{Failure, Parsed};
use super::path::IonPath;
use super::stream::{Step, Stream, damaged};
use crate::builder::BatchBuilder;
use crate::compression::Compression;
use crate::error::{FormatError, Problem};
use crate::hive::HiveType;
use crate::input::Input;
use crate::json::names::NameIndex;
use crate::options::{IonOptions, JsonOptions, OnBadRecord, ReadOptions};
use crate::source::ByteSource;

/// A reader in the middle of its file.
pub(crate) struct IonReader {
    input: Input,
    stream: Stream,
    ignore_malformed: bool,
    names: Vec<String>,
    index: NameIndex,
    naming: JsonOptions,
    paths: Vec<Option<IonPath>>,
    wraps: Vec<bool>,
    on_bad: OnBadRecord,
    batch: BatchBuilder,
    row: u64,
    done: bool,
}

impl IonReader {
    /// Opens a whole file.
    pub(crate) async fn open(
        source: Arc<dyn ByteSource>,
        options: &IonOptions,
        compression: Compression,
        schema: SchemaRef,
        read: &ReadOptions,
    ) -> Result<Self, FormatError> {
        let naming = JsonOptions { case_insensitive: !options.case_sensitive, ..JsonOptions::default() };
        let index = NameIndex::new(&schema, &naming)
            .map_err(|message| FormatError::new(source.name(), Problem::Schema { message }))?;
        let names: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
        let lower = |name: &String| name.to_lowercase();
        let paths = names.iter().map(|name| options.paths.get(&lower(name)).cloned()).collect();
        let fails = |name: &String| options.overflow.get(&lower(name)).unwrap_or(&options.fail_on_overflow);
        let wraps = names.iter().map(|name| !fails(name)).collect();
        let batch = BatchBuilder::new(schema, read.batch_rows, source.name())?;
        let mut input = Input::open(&*source, 0, compression, read.max_record_bytes)?;
        let stream = begin(&mut input, read.max_record_bytes).await?;
        Ok(Self {
            input,
            stream,
            ignore_malformed: options.ignore_malformed,
            names,
            index,
            naming,
            paths,
            wraps,
            on_bad: read.on_bad_record.clone(),
            batch,
            row: 0,
            done: false,
        })
    }

    /// The next batch; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>, FormatError> {
        while !self.done && !self.batch.is_full() {
            match self.stream.step(self.input.pending(), self.input.at_eof()) {
                Ok(Step::Value(len)) => {
                    self.record(len)?;
                    self.input.consume(len);
                }
                Ok(Step::Pass(len)) => {
                    self.stream.check_size(self.input.name())?;
                    self.input.consume(len);
                }
                Ok(Step::More) => {
                    self.input.more().await?;
                }
                Ok(Step::End) => self.done = true,
                // Nothing says where the next value begins.
                Err(Failure::Malformed { .. } | Failure::Truncated { .. }) if self.ignore_malformed => {
                    self.done = true;
                }
                Err(failure) => return Err(damaged(self.input.name(), failure, self.input.offset())),
            }
        }
        let name = self.input.name().to_owned();
        self.batch.finish(&name)
    }

    fn record(&mut self, len: usize) -> Result<(), FormatError> {
        self.row += 1;
        let mut appended = self.append(len, false);
        if matches!(appended, Err(Failure::Repeated { .. })) {
            self.batch.abandon_row();
            appended = self.append(len, true);
        }
        match appended {
            Ok(()) => {
                self.batch.end_row(len);
                Ok(())
            }
            Err(failure) => self.bad(&failure, len),
        }
    }

    fn append(&mut self, len: usize, compares: bool) -> Parsed<()> {
        let columns = Columns {
            names: &self.names,
            index: &self.index,
            naming: &self.naming,
            paths: &self.paths,
            wraps: &self.wraps,
            compares,
        };
        let cursor = self.stream.cursor(&self.input.pending()[..len]);
        let rows = self.batch.rows();
        columns.record(cursor, &mut self.batch.columns, rows)
    }

    fn bad(&mut self, failure: &Failure, len: usize) -> Result<(), FormatError> {
        self.batch.abandon_row();
        if self.ignore_malformed && matches!(failure, Failure::Malformed { .. }) {
            return Ok(());
        }
        let mut error = FormatError::new(self.input.name(), failure.problem(|column| self.wanted(column)));
        error.place.row = Some(self.row);
        error.place.offset = Some(self.input.offset());
        if let Failure::Mismatch { column, .. } = failure {
            error.place.column = Some(column.clone());
        }
        match &self.on_bad {
            OnBadRecord::Skip(records) if error.is_bad_record() => {
                records.add(error, &self.input.pending()[..len]);
                Ok(())
            }
            _ => Err(error),
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

/// Finds out which encoding a file is in.
pub(crate) async fn begin(input: &mut Input, max_bytes: usize) -> Result<Stream, FormatError> {
    input.begin(None).await?;
    while input.pending().len() < super::MARKER.len() && input.more().await? {}
    Ok(Stream::new(input.pending(), max_bytes))
}
