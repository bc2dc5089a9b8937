//! The batches that one thread has read.

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::SortOptions;
use arrow::error::ArrowError;

use super::chunk::{Chunk, Entry, place};
use super::gather::gather;
use super::pack::{Packing, Span};

/// Rows that are put in order among themselves: enough that all of them together are few pieces, few enough for the
/// processor's cache.
const PIECE_ROWS: usize = 1 << 16;
/// Wider rows are put in order in pieces of about so many bytes; a piece of twice as many is left as it came.
const PIECE_BYTES: usize = 16 << 20;

/// What sorting takes for each row: a number, and half of the room of one while pieces are merged.
const ROW_BYTES: usize = size_of::<Entry>() * 3 / 2;

/// A batch, and its sort keys.
pub(super) struct Keyed {
    pub(super) batch: RecordBatch,
    pub(super) keys: Vec<ArrayRef>,
}

/// Batches, and what is known of their keys.
pub(super) struct Held {
    pub(super) keyed: Vec<Keyed>,
    /// `None` once a key has turned out to be no number.
    pub(super) spans: Option<Vec<Span>>,
    pub(super) bytes: usize,
    rows: usize,
}

impl Held {
    /// Nothing yet; `keys` is the number of sort keys.
    pub(super) fn new(keys: usize) -> Self {
        Self { keyed: Vec::new(), spans: Some(vec![Span::NONE; keys]), bytes: 0, rows: 0 }
    }

    pub(super) fn join(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.rows += other.rows;
        self.keyed.extend(other.keyed);
        match (&mut self.spans, other.spans) {
            (Some(spans), Some(others)) => {
                spans.iter_mut().zip(&others).for_each(|(span, other)| span.join(other))
            }
            _ => self.spans = None,
        }
    }

    fn push(&mut self, batch: RecordBatch, keys: Vec<ArrayRef>, numbers: &mut Vec<u64>) {
        let mut spans = self.spans.iter_mut().flatten().zip(&keys);
        if !spans.all(|(span, key)| span.add(key, numbers)) {
            self.spans = None;
        }
        self.bytes += batch.get_array_memory_size();
        self.rows += batch.num_rows();
        self.keyed.push(Keyed { batch, keys });
    }

    /// The places of all rows in their order: which batch, and which row of it.
    fn order(&self, options: &[SortOptions]) -> Result<Vec<(usize, usize)>, ArrowError> {
        let all: Range<usize> = 0..self.keyed.len();
        let place_bits = usize::BITS - self.rows.leading_zeros();
        let chunk = match self.spans.as_ref().and_then(|spans| Packing::of(spans, options)) {
            Some(packing) if packing.bits() + place_bits <= u64::BITS => {
                return Ok(self.order_of_words(&packing, place_bits));
            }
            Some(packing) => Chunk::packed(&self.keyed, all, &packing),
            None => Chunk::compared(&self.keyed, all, options)?,
        };
        Ok(chunk.entries.iter().map(|entry| place(*entry)).collect())
    }

    /// The same where keys and place of a row are one number of 64 bits, which sorts twice as quickly.
    fn order_of_words(&self, packing: &Packing, place_bits: u32) -> Vec<(usize, usize)> {
        let (mut numbers, mut words) = (Vec::new(), Vec::new());
        let mut sorted: Vec<u64> = Vec::with_capacity(self.rows);
        let mut places: Vec<(u32, u32)> = Vec::with_capacity(self.rows);
        for (batch, keyed) in self.keyed.iter().enumerate() {
            packing.pack(&keyed.keys, &mut numbers, &mut words);
            let first = places.len() as u64;
            sorted.extend((first..).zip(&words).map(|(at, word)| word << place_bits | at));
            places.extend((0..words.len()).map(|row| (batch as u32, row as u32)));
        }
        sorted.sort_unstable();
        let place = |number: u64| places[(number & ((1 << place_bits) - 1)) as usize];
        sorted.into_iter().map(place).map(|(batch, row)| (batch as usize, row as usize)).collect()
    }

    /// The same rows in order, in one batch.
    fn in_order(&self, options: &[SortOptions]) -> Result<Keyed, ArrowError> {
        let places = self.order(options)?;
        let column = |of: &dyn Fn(&Keyed) -> &ArrayRef| {
            let arrays: Vec<&dyn Array> = self.keyed.iter().map(|keyed| of(keyed).as_ref()).collect();
            gather(&arrays, &places)
        };
        let Some(first) = self.keyed.first() else {
            return Err(ArrowError::InvalidArgumentError("there are no rows to sort".to_owned()));
        };
        let columns = (0..first.batch.num_columns()).map(|at| column(&|keyed| keyed.batch.column(at)));
        let columns = columns.collect::<Result<Vec<ArrayRef>, _>>()?;
        let key = |at: usize| match self.column_of(at) {
            Some(column) => Ok(Arc::clone(&columns[column])),
            None => column(&|keyed| &keyed.keys[at]),
        };
        let keys = (0..first.keys.len()).map(key).collect::<Result<Vec<_>, _>>()?;
        Ok(Keyed { batch: RecordBatch::try_new(first.batch.schema(), columns)?, keys })
    }

    /// Which column of each batch a key is.
    fn column_of(&self, key: usize) -> Option<usize> {
        let is_key = |keyed: &Keyed, column: usize| Arc::ptr_eq(keyed.batch.column(column), &keyed.keys[key]);
        let first = self.keyed.first()?;
        let column = (0..first.batch.num_columns()).find(|column| is_key(first, *column))?;
        self.keyed.iter().all(|keyed| is_key(keyed, column)).then_some(column)
    }
}

/// The batches that one thread has read.
pub struct Run {
    options: Vec<SortOptions>,
    /// Batches that are in order by themselves.
    pieces: Held,
    /// Batches as they came.
    fresh: Held,
    numbers: Vec<u64>,
}

impl Run {
    /// Nothing yet; rows are to be sorted by their keys in turn as `options` say.
    pub fn new(options: Vec<SortOptions>) -> Self {
        let held = || Held::new(options.len());
        Self { pieces: held(), fresh: held(), options, numbers: Vec::new() }
    }

    /// What [`Self::push`] of this batch will hold, and sorting its rows at least.
    pub fn weight(batch: &RecordBatch, keys: &[ArrayRef]) -> usize {
        let is_column = |key: &ArrayRef| batch.columns().iter().any(|column| Arc::ptr_eq(column, key));
        let own =
            keys.iter().filter(|key| !is_column(key)).map(|key| key.get_array_memory_size()).sum::<usize>();
        batch.get_array_memory_size() + own + batch.num_rows() * ROW_BYTES
    }

    /// Takes a batch and its sort keys, arrays of as many rows. Errors: a key of a type that has no order.
    pub fn push(&mut self, batch: RecordBatch, keys: Vec<ArrayRef>) -> Result<(), ArrowError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.fresh.push(batch, keys, &mut self.numbers);
        if self.fresh.rows >= PIECE_ROWS || self.fresh.bytes >= PIECE_BYTES { self.settle() } else { Ok(()) }
    }

    /// Puts the rows that came last in order among themselves.
    fn settle(&mut self) -> Result<(), ArrowError> {
        let mut fresh = mem::replace(&mut self.fresh, Held::new(self.options.len()));
        if fresh.bytes <= 2 * PIECE_BYTES {
            let ordered = fresh.in_order(&self.options)?;
            fresh.bytes = ordered.batch.get_array_memory_size();
            fresh.keyed = vec![ordered];
        }
        self.pieces.join(fresh);
        Ok(())
    }

    pub(super) fn into_held(mut self) -> Held {
        self.pieces.join(self.fresh);
        self.pieces
    }

    /// The batches, in any order.
    pub fn into_batches(self) -> impl Iterator<Item = RecordBatch> + Send {
        self.into_held().keyed.into_iter().map(|keyed| keyed.batch)
    }
}
