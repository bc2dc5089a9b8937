//! How a read goes on: batches, limits, and what becomes of bad records.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::compression::Compression;
use crate::error::FormatError;

/// What happens on a bad record.
#[derive(Debug, Clone)]
pub enum OnBadRecord {
    /// Reading ends with the error.
    Fail,
    /// The record is left out, counted and, for the first few, kept as an example.
    Skip(Arc<BadRecords>),
}

/// Counts skipped records over any number of readers.
#[derive(Debug, Default)]
pub struct BadRecords {
    count: AtomicU64,
    examples: Mutex<Vec<FormatError>>,
}

impl BadRecords {
    /// How many examples are kept.
    pub const MAX_EXAMPLES: usize = 10;

    /// Records skipped so far.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The first skipped records' errors, at most [`Self::MAX_EXAMPLES`].
    pub fn examples(&self) -> Vec<FormatError> {
        self.examples.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn add(&self, error: FormatError) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        if examples.len() < Self::MAX_EXAMPLES {
            examples.push(error);
        }
    }
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
    /// Delimited text only: a record with another number of fields than its file's header, or without one its file's first
    /// record, is bad, also where the dialect fills up with NULL. Default no.
    pub even_rows: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            batch_rows: 8192,
            on_bad_record: OnBadRecord::Fail,
            compression: None,
            max_record_bytes: 64 << 20,
            cast_columns: Vec::new(),
            even_rows: false,
        }
    }
}
