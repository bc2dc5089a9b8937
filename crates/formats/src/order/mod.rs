//! Sorting the rows of many batches, with little memory.
//!
//! ```text
//! thread 0: Run ─ pieces, in memory or in a file ─┐          ┌─ Cursor: the first rows of the order
//!                                                 ├─ Sorted ─┤
//! thread 1: Run ─ pieces, in memory or in a file ─┘          └─ Cursor: the rows behind them
//! ```
//!
//! A run puts some ten thousand rows in order while they are read, as they are still in the processor's cache: a piece.
//! Whoever feeds it decides when its pieces go to a file ([`Spill`]); many pieces there are merged into one. A piece consists of
//! blocks of some hundred rows, and the keys of each block's first row stay in memory ([`piece`]).
//!
//! The blocks of all pieces in the order of their first rows are the schedule of the merge: once the blocks up to some place in
//! it are there, all rows before the next one's first are. So the schedule is cut into ranges, one for each thread, and a
//! cursor takes its range some blocks at a time, sorts the rows that are due and copies them ([`merge`]). It holds a block of each
//! piece at most, besides those that it takes at a time. (Of keys longer than 256 bytes only the beginning is in the schedule: blocks
//! whose first rows begin alike are held together.)
//!
//! Rows are sorted as numbers: their keys above, in as few bits as their values need ([`pack`]), and their places below. Keys
//! that take more than 64 bits, texts above all, are compared by their first bytes, and in arrow's row format where these are the
//! same ([`compare`]).

mod block;
mod compare;
mod gather;
mod merge;
mod pack;
mod piece;
mod run;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Schema};
use arrow::row::{RowConverter, SortField};

pub use merge::{Cursor, Sorted};
pub use run::{Limits, Run};

/// What rows are sorted by.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The columns, the most significant first, and the order of each.
    pub columns: Vec<(usize, SortOptions)>,
    /// So many columns are given back; those behind them are there to be sorted by.
    pub kept: usize,
}

impl Keys {
    fn of(&self, batch: &RecordBatch) -> Vec<ArrayRef> {
        self.columns.iter().map(|(column, _)| Arc::clone(batch.column(*column))).collect()
    }

    fn options(&self) -> Vec<SortOptions> {
        self.columns.iter().map(|(_, options)| *options).collect()
    }

    fn fields(&self, schema: &Schema) -> Vec<SortField> {
        let field = |(column, options): &(usize, SortOptions)| {
            SortField::new_with_options(schema.field(*column).data_type().clone(), *options)
        };
        self.columns.iter().map(field).collect()
    }
}

/// Whether rows of these columns can be sorted by keys of these types.
pub fn is_sortable<'t>(schema: &Schema, mut keys: impl Iterator<Item = &'t DataType>) -> bool {
    let fields = || schema.fields().iter();
    fields().all(|field| block::is_storable(field.data_type()))
        && keys
            .all(|of| block::is_storable(of) && RowConverter::supports_fields(&[SortField::new(of.clone())]))
}

/// Gives room outside memory.
pub trait Spill: Send + Sync {
    /// A new file: an end to append to, and one to read what was appended. The file is there as long as the latter is.
    fn file(&self) -> io::Result<(Box<dyn io::Write + Send>, Arc<dyn ReadAt>)>;
}

/// Bytes that are read from any place.
pub trait ReadAt: Send + Sync {
    /// Fills `bytes` with what is there from `at` on. Errors: `UnexpectedEof` where there is less.
    fn read_exact_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()>;
}
