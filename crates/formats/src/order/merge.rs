//! Ranges of the whole order, and the rows of one, batch by batch.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::chunk::{Chunk, Entry, compare, place};
use super::gather::gather;

/// Rows of which the bounds of each range are chosen.
const SAMPLES: usize = 256;
/// A batch takes about so many bytes at most.
const BATCH_BYTES: usize = 16 << 20;

/// Sorted rows, still where they were read.
pub struct Sorted {
    pub(super) schema: SchemaRef,
    pub(super) batches: Vec<RecordBatch>,
    pub(super) chunks: Vec<Chunk>,
    pub(super) bytes: usize,
}

/// Rows that follow each other in the whole order: which of each chunk.
pub type OrderedRange = Vec<Range<usize>>;

impl Sorted {
    /// Cuts the order into so many ranges, of about as many rows each: every row of one comes before all of the next.
    pub fn ranges(&self, count: usize) -> Vec<OrderedRange> {
        let rows: usize = self.chunks.iter().map(|chunk| chunk.entries.len()).sum();
        let step = (rows / (count.max(1) * SAMPLES)).max(1);
        let sampled =
            |chunk: &Chunk| (0..chunk.entries.len()).skip(step / 2).step_by(step).collect::<Vec<_>>();
        let samples = self
            .chunks
            .iter()
            .flat_map(|chunk| sampled(chunk).into_iter().map(move |at| (chunk, chunk.entries[at])));
        let mut samples: Vec<(&Chunk, Entry)> = samples.collect();
        samples.sort_unstable_by(|one, other| compare(*one, *other));
        let mut from = vec![0; self.chunks.len()];
        let mut ranges = Vec::with_capacity(count);
        for range in 1..=count {
            let bound = (range < count).then(|| samples.get(samples.len() * range / count)).flatten();
            let until = |chunk: &Chunk| match bound {
                Some(bound) => {
                    chunk.entries.partition_point(|entry| compare((chunk, *entry), *bound).is_lt())
                }
                None => chunk.entries.len(),
            };
            let ends: Vec<usize> = self.chunks.iter().map(until).collect();
            ranges.push(from.iter().zip(&ends).map(|(from, end)| *from..*end).collect());
            from = ends;
        }
        ranges
    }

    /// The rows of a range, in order, in batches of at most so many rows.
    pub fn cursor(self: &Arc<Self>, range: &OrderedRange, batch_rows: usize) -> Cursor {
        let rows: usize = self.batches.iter().map(RecordBatch::num_rows).sum();
        let each = self.bytes / rows.max(1) + 1;
        let step = (BATCH_BYTES / each).clamp(1, batch_rows.max(1));
        let mut heads = Vec::with_capacity(range.len());
        for (chunk, range) in range.iter().enumerate() {
            if let Some(entry) = self.chunks[chunk].entries[range.clone()].first() {
                heads.push(Head { entry: *entry, chunk, next: range.start + 1, end: range.end });
            }
        }
        // Sorted, it is a heap.
        heads.sort_unstable_by(|one, other| self.compare(one, other));
        Cursor { sorted: Arc::clone(self), heads, step, places: Vec::new() }
    }

    fn compare(&self, one: &Head, other: &Head) -> Ordering {
        compare((&self.chunks[one.chunk], one.entry), (&self.chunks[other.chunk], other.entry))
    }

    fn rows(&self, places: &[(usize, usize)]) -> Result<RecordBatch, ArrowError> {
        let column = |column: usize| {
            let arrays: Vec<&dyn Array> =
                self.batches.iter().map(|batch| batch.column(column).as_ref()).collect();
            gather(&arrays, places)
        };
        let columns = (0..self.schema.fields().len()).map(column).collect::<Result<Vec<ArrayRef>, _>>()?;
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

/// The next row of a chunk.
struct Head {
    entry: Entry,
    chunk: usize,
    next: usize,
    end: usize,
}

/// Reads a range.
pub struct Cursor {
    sorted: Arc<Sorted>,
    /// A heap, the smallest first.
    heads: Vec<Head>,
    step: usize,
    /// Rows that are next.
    places: Vec<(usize, usize)>,
}

impl Cursor {
    /// The next rows; `None` at the end. Errors: texts that are too long for one array, even by themselves.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        while self.places.len() < self.step
            && let Some(place) = self.next_place()
        {
            self.places.push(place);
        }
        let mut count = self.places.len();
        while count > 0 {
            match self.sorted.rows(&self.places[..count]) {
                Err(ArrowError::OffsetOverflowError(_)) if count > 1 => count /= 2,
                made => {
                    self.places.drain(..count);
                    return made.map(Some);
                }
            }
        }
        Ok(None)
    }

    fn next_place(&mut self) -> Option<(usize, usize)> {
        let head = self.heads.first_mut()?;
        let place = place(head.entry);
        if head.next < head.end {
            head.entry = self.sorted.chunks[head.chunk].entries[head.next];
            head.next += 1;
        } else {
            self.heads.swap_remove(0);
        }
        self.sift_down();
        Some(place)
    }

    /// Moves the first head to where it belongs.
    fn sift_down(&mut self) {
        let mut at = 0;
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            if left >= self.heads.len() {
                return;
            }
            let is_less =
                |one: usize, other: usize| self.sorted.compare(&self.heads[one], &self.heads[other]).is_lt();
            let child = if right < self.heads.len() && is_less(right, left) { right } else { left };
            if !is_less(child, at) {
                return;
            }
            self.heads.swap(at, child);
            at = child;
        }
    }
}
