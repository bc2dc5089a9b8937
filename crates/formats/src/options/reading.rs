//! How a read goes on: batches, limits, and what becomes of bad records.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, io};

use arrow::array::{BooleanArray, RecordBatch};

use crate::compression::Compression;
use crate::conform::Spelling;
use crate::csv::starts::RecordStarts;
use crate::error::FormatError;

/// What happens on a bad record.
#[derive(Debug, Clone)]
pub enum OnBadRecord {
    /// Reading ends with the error.
    Fail,
    /// The record is left out, counted and, for the first few, kept as an example.
    Skip(Arc<BadRecords>),
}

/// Takes the records that are left out, from any number of readers.
pub trait BadRecordSink: Send + Sync + fmt::Debug {
    /// Takes one: what is wrong with it and where, and its bytes as the file has them after decompression and recoding (of
    /// a workbook's row the texts of its cells). More than 64 KiB may be cut. May block for as long as a disk does.
    fn take(&self, error: &FormatError, text: &[u8]);
}

/// Counts skipped records over any number of readers.
#[derive(Debug, Default)]
pub struct BadRecords {
    count: AtomicU64,
    examples: Mutex<Vec<FormatError>>,
    sink: Option<Arc<dyn BadRecordSink>>,
}

impl BadRecords {
    /// How many examples are kept.
    pub const MAX_EXAMPLES: usize = 10;

    /// Counts, and hands every record on to `sink`.
    pub fn with_sink(sink: Arc<dyn BadRecordSink>) -> Self {
        Self { sink: Some(sink), ..Self::default() }
    }

    /// Records skipped so far.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The first skipped records' errors, at most [`Self::MAX_EXAMPLES`].
    pub fn examples(&self) -> Vec<FormatError> {
        self.examples.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether somebody wants to know more of the next record than that there is one.
    pub(crate) fn wants_more(&self) -> bool {
        self.sink.is_some()
            || self.examples.lock().unwrap_or_else(PoisonError::into_inner).len() < Self::MAX_EXAMPLES
    }

    /// Whether every record is wanted, text and all.
    pub(crate) fn wants_all(&self) -> bool {
        self.sink.is_some()
    }

    /// Counts a record of which nothing more is wanted.
    pub(crate) fn note(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add(&self, error: FormatError, text: &[u8]) {
        self.note();
        if let Some(sink) = &self.sink {
            sink.take(&error, text);
        }
        let mut examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        if examples.len() < Self::MAX_EXAMPLES {
            examples.push(error);
        }
    }
}

/// Which records are kept while they are read, decided by some of the wanted columns: the others are then made of those
/// records only.
pub trait RowFilter: Send + Sync + fmt::Debug {
    /// The columns that it looks at, by their positions among the wanted ones.
    fn columns(&self) -> &[usize];
    /// For each row of these columns whether it is kept; NULL is no. The same for the same row, however often it is asked.
    fn keep(&self, columns: &RecordBatch) -> io::Result<BooleanArray>;
    /// Notes that so many records were read and not kept.
    fn left_out(&self, records: u64);
}

/// Which records of delimited text are bad.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strictness {
    /// Those of which the dialect makes nothing.
    #[default]
    Dialect,
    /// Also those with another number of fields than their file's header, or without one their file's first record, where
    /// the dialect fills up with NULL; and those with text behind a closing quote.
    EvenRows,
    /// Also those with a value that does not fit its type, of which the dialect makes NULL, and those with a double quote
    /// where the dialect knows no quotes, and empty lines: others would read them in another way.
    Values,
}

/// How to read.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// Rows per batch, at most; a batch also ends at about 16 MiB. Default 8192.
    pub batch_rows: usize,
    /// Bad records. Default: fail.
    pub on_bad_record: OnBadRecord,
    /// The file's compression; `None` (default) finds out from its first bytes.
    pub compression: Option<Compression>,
    /// The largest record accepted, in bytes of text. Default 64 MiB, at most 1 GiB.
    pub max_record_bytes: usize,
    /// Delimited text only: wanted columns, by position, whose values are casts of the file's text ([`crate::cast_text`]).
    /// Default none.
    pub cast_columns: Vec<usize>,
    /// Delimited text only: what is bad although the dialect makes something of it.
    pub strictness: Strictness,
    /// Delimited text only: whether a record is bad that is not UTF-8 in a column that is not wanted. Default no.
    pub is_all_text: bool,
    /// Delimited text only: the records to keep; all by default. Batches may then be empty.
    pub filter: Option<Arc<dyn RowFilter>>,
    /// Delimited text only: what the readers of one file's parts share, so that they do not all look for the same.
    pub starts: Arc<RecordStarts>,
    /// Formats with names of their own (Parquet, Avro, ORC, Excel): whether columns are told apart by case. Default no.
    pub spelling: Spelling,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            batch_rows: 8192,
            on_bad_record: OnBadRecord::Fail,
            compression: None,
            max_record_bytes: 64 << 20,
            cast_columns: Vec::new(),
            strictness: Strictness::Dialect,
            is_all_text: false,
            filter: None,
            starts: Arc::default(),
            spelling: Spelling::default(),
        }
    }
}
