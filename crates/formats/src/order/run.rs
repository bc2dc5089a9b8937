//! The batches that one thread has read.

use std::mem;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::compare::{Comparing, places};
use super::gather::gather;
use super::merge::{STEP_BYTES, Sorted};
use super::pack::Span;
use super::piece::{File, Piece};
use super::{Keys, Spill};

/// Rows that are put in order among themselves: enough that all of them together are few pieces, few enough for the
/// processor's cache.
const PIECE_ROWS: usize = 1 << 16;
/// Wider rows are put in order in pieces of about so many bytes.
const PIECE_BYTES: usize = 16 << 20;
/// Rows that are given on at a time while pieces are merged.
const MERGED_ROWS: usize = 8192;

/// What sorting may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a block, about: whoever reads in order holds one of each piece.
    pub block_bytes: usize,
    /// So many pieces in files are merged into one. At least 2.
    pub pieces: usize,
}

/// Keys within these spans; `None` once one has turned out to be no number.
pub(super) type Spans = Option<Vec<Span>>;

/// The spans of both.
pub(super) fn joined(spans: Spans, others: &Spans) -> Spans {
    let (mut spans, others) = (spans?, others.as_ref()?);
    spans.iter_mut().zip(others).for_each(|(span, other)| span.join(other));
    Some(spans)
}

/// The batches that one thread has read.
pub struct Run {
    keys: Keys,
    schema: SchemaRef,
    limits: Limits,
    fresh: Fresh,
    /// Pieces in memory.
    settled: Vec<Piece>,
    settled_bytes: usize,
    /// Pieces in files: as they were settled, merged once, and so on.
    levels: Vec<Vec<Piece>>,
    /// Where pieces go as they are settled.
    file: Option<File>,
    spans: Spans,
}

/// Batches as they came.
struct Fresh {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    spans: Spans,
}

impl Fresh {
    fn new(keys: &Keys) -> Self {
        Self { batches: Vec::new(), rows: 0, bytes: 0, spans: no_spans(keys) }
    }
}

fn no_spans(keys: &Keys) -> Spans {
    Some(vec![Span::NONE; keys.columns.len()])
}

impl Run {
    /// Nothing yet, of rows of this schema.
    pub fn new(schema: SchemaRef, keys: Keys, limits: Limits) -> Self {
        let (fresh, spans) = (Fresh::new(&keys), no_spans(&keys));
        let (settled, levels) = (Vec::new(), Vec::new());
        Self { keys, schema, limits, fresh, settled, settled_bytes: 0, levels, file: None, spans }
    }

    /// Bytes that it holds or is about to.
    pub fn bytes(&self) -> usize {
        self.settled_bytes + 2 * self.fresh.bytes
    }

    /// Those that [`Self::spill`] would give back.
    pub fn settled_bytes(&self) -> usize {
        self.settled_bytes
    }

    /// Takes a batch. Errors: a key of a type that has no order.
    pub fn push(&mut self, batch: RecordBatch) -> Result<(), ArrowError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let bytes = batch.get_array_memory_size();
        if self.fresh.rows > 0 && self.fresh.bytes + bytes > PIECE_BYTES {
            self.settle()?;
        }
        let fresh = &mut self.fresh;
        let mut numbers = Vec::new();
        let keys = self.keys.of(&batch);
        let mut spans = fresh.spans.iter_mut().flatten().zip(&keys);
        if !spans.all(|(span, key)| span.add(key, &mut numbers)) {
            fresh.spans = None;
        }
        fresh.rows += batch.num_rows();
        fresh.bytes += bytes;
        fresh.batches.push(batch);
        if fresh.rows >= PIECE_ROWS { self.settle() } else { Ok(()) }
    }

    /// Puts the rows that came last in order among themselves, so that they can be spilled, too.
    pub fn settle(&mut self) -> Result<(), ArrowError> {
        let fresh = mem::replace(&mut self.fresh, Fresh::new(&self.keys));
        if fresh.rows == 0 {
            return Ok(());
        }
        let piece = Piece::new(&self.keys, self.in_order(&fresh)?, self.limits.block_bytes)?;
        self.settled_bytes += piece.bytes();
        self.settled.push(piece);
        self.spans = joined(self.spans.take(), &fresh.spans);
        Ok(())
    }

    fn in_order(&self, fresh: &Fresh) -> Result<RecordBatch, ArrowError> {
        let comparing = Comparing::new(&self.keys, &self.schema, fresh.spans.as_deref())?;
        let compared = fresh.batches.iter().map(|batch| comparing.compared(&self.keys.of(batch)));
        let compared = compared.collect::<Result<Vec<_>, _>>()?;
        let places = places(&compared.iter().map(|keys| (keys, 0..keys.rows())).collect::<Vec<_>>());
        let column = |column: usize| {
            let arrays: Vec<&dyn Array> =
                fresh.batches.iter().map(|batch| batch.column(column).as_ref()).collect();
            gather(&arrays, &places)
        };
        let columns = (0..self.schema.fields().len()).map(column).collect::<Result<Vec<ArrayRef>, _>>()?;
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }

    /// Brings the pieces in memory to a file; returns the bytes written. Errors: `IoError`.
    pub fn spill(&mut self, spill: &dyn Spill) -> Result<u64, ArrowError> {
        if self.levels.is_empty() {
            self.levels.push(Vec::new());
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(File::new(spill)?),
        };
        let before = file.end();
        for piece in self.settled.drain(..) {
            self.levels[0].push(piece.spilled(file)?);
        }
        self.settled_bytes = 0;
        Ok(file.end() - before)
    }

    /// Whether there are so many pieces in files that they are to be merged.
    pub fn is_long(&self) -> bool {
        self.levels.iter().any(|level| is_long(level, self.limits))
    }

    /// Bytes that [`Self::merge`] holds meanwhile, about.
    pub fn merge_bytes(&self) -> usize {
        let level = |level: &Vec<Piece>| level.iter().map(Piece::block_bytes).sum::<usize>();
        self.levels.iter().map(level).max().unwrap_or(0) + STEP_BYTES
    }

    /// Merges pieces where there are too many; returns the bytes written. Computes without a pause. Errors: `IoError`.
    pub fn merge(&mut self, spill: &dyn Spill) -> Result<u64, ArrowError> {
        let (mut at, mut written) = (0, 0);
        while at < self.levels.len() {
            if is_long(&self.levels[at], self.limits) {
                let pieces = mem::take(&mut self.levels[at]);
                if at == 0 {
                    // What is settled from now on goes to another, so that this one goes with its pieces.
                    self.file = None;
                }
                let mut file = File::new(spill)?;
                let merged = self.merged(pieces, &mut file)?;
                written += file.end();
                if at + 1 == self.levels.len() {
                    self.levels.push(Vec::new());
                }
                self.levels[at + 1].push(merged);
            }
            at += 1;
        }
        Ok(written)
    }

    fn merged(&self, pieces: Vec<Piece>, file: &mut File) -> Result<Piece, ArrowError> {
        // What is there to be sorted by is there afterwards, too.
        let keys = Keys { kept: self.schema.fields().len(), ..self.keys.clone() };
        let sorted = Sorted::of(Arc::clone(&self.schema), keys, pieces, self.spans.as_deref())?;
        let mut cursor = Arc::new(sorted).all(MERGED_ROWS);
        Piece::written((&self.keys, &self.schema), file, self.limits.block_bytes, || cursor.next_batch())
    }

    /// All pieces, those whose rows came first before others, and the spans of their keys.
    pub(super) fn finish(mut self) -> Result<(Vec<Piece>, Spans), ArrowError> {
        self.settle()?;
        let pieces = self.levels.into_iter().rev().flatten().chain(self.settled);
        Ok((pieces.collect(), self.spans))
    }
}

fn is_long(level: &[Piece], limits: Limits) -> bool {
    let bytes: usize = level.iter().map(Piece::block_bytes).sum();
    level.len() > 1 && (level.len() >= limits.pieces || bytes >= limits.block_bytes * limits.pieces)
}
