//! Sorting the rows of many batches in memory.
//!
//! ```text
//! thread 0: Run ─┐           ┌─ Chunk ─┐         ┌─ Cursor: the first rows of the order
//!                ├─ Unsorted ┤         ├─ Sorted ┤
//! thread 1: Run ─┘           └─ Chunk ─┘         └─ Cursor: the rows behind them
//! ```
//!
//! A run puts some ten thousand rows in order while they are read, as they are still in the processor's cache, and copies them in
//! this order. Once all are there, every row becomes a number of 16 bytes: its sort keys above, in as few bits as their values need
//! (`pack`), and its place below. Threads sort chunks of these numbers; the order is cut into ranges, and each thread merges and
//! copies the rows of its own. It then reads each piece of a run from its beginning to its end: rows that lay anywhere in memory would
//! be waited for one by one, which takes longer than all the rest. Keys that take more than 64 bits, texts above all, are compared by
//! their first bytes, and in arrow's row format where these are the same.

mod chunk;
mod gather;
mod merge;
mod pack;
mod run;
#[cfg(test)]
mod tests;

use std::ops::Range;

use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};

pub use chunk::Chunk;
pub use merge::{Cursor, OrderedRange, Sorted};
use pack::Packing;
pub use run::Run;
use run::{Held, Keyed};

/// Rows of a chunk whose keys are compared in arrow's row format: what is looked at while they are sorted stays in the
/// processor's cache.
const COMPARED_ROWS: usize = 1 << 16;

/// Whether rows can be sorted by keys of these types.
pub fn is_sortable<'t>(types: impl Iterator<Item = &'t DataType>) -> bool {
    RowConverter::supports_fields(&types.map(|of| SortField::new(of.clone())).collect::<Vec<_>>())
}

/// All batches, before they are sorted.
pub struct Unsorted {
    keyed: Vec<Keyed>,
    options: Vec<SortOptions>,
    packing: Option<Packing>,
    bytes: usize,
}

impl Unsorted {
    /// The batches of all runs, to be sorted by their keys in turn as `options` say.
    pub fn new(runs: Vec<Run>, options: Vec<SortOptions>) -> Self {
        let mut all = Held::new(options.len());
        runs.into_iter().for_each(|run| all.join(run.into_held()));
        let packing = all.spans.as_ref().and_then(|spans| Packing::of(spans, &options));
        Self { keyed: all.keyed, options, packing, bytes: all.bytes }
    }

    /// Bytes of all batches.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The batches in pieces that so many threads may sort at once.
    pub fn pieces(&self, threads: usize) -> Vec<Range<usize>> {
        let rows: usize = self.keyed.iter().map(|keyed| keyed.batch.num_rows()).sum();
        let each = rows.div_ceil(threads.max(1));
        let each = if self.packing.is_some() { each } else { each.min(COMPARED_ROWS) };
        let (mut pieces, mut from, mut held) = (Vec::new(), 0, 0);
        for (at, keyed) in self.keyed.iter().enumerate() {
            held += keyed.batch.num_rows();
            if held >= each {
                pieces.push(from..at + 1);
                (from, held) = (at + 1, 0);
            }
        }
        if from < self.keyed.len() {
            pieces.push(from..self.keyed.len());
        }
        pieces
    }

    /// Sorts the rows of a piece. Computes without a pause.
    pub fn sort(&self, piece: Range<usize>) -> Result<Chunk, ArrowError> {
        match &self.packing {
            Some(packing) => Ok(Chunk::packed(&self.keyed, piece, packing)),
            None => Chunk::compared(&self.keyed, piece, &self.options),
        }
    }

    /// All rows in order; `chunks` are those of all pieces, `schema` that of the batches.
    pub fn sorted(self, chunks: Vec<Chunk>, schema: SchemaRef) -> Sorted {
        let batches = self.keyed.into_iter().map(|keyed| keyed.batch).collect();
        Sorted { schema, batches, chunks, bytes: self.bytes }
    }
}
