//! Ranges of the whole order, and the rows of one, batch by batch.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;

use super::Keys;
use super::block::Reader;
use super::compare::{Compared, Comparing, Key, places};
use super::gather::gather;
use super::pack::Span;
use super::piece::Piece;
use super::run::{Run, joined};

/// A batch takes about so many bytes at most.
const BATCH_BYTES: usize = 16 << 20;
/// So many blocks are taken at a time, or fewer, together of about so many bytes.
const STEP_BLOCKS: usize = 64;
pub(super) const STEP_BYTES: usize = 4 << 20;

/// Rows of which the order is known, still where they are.
pub struct Sorted {
    /// Of what comes out.
    schema: SchemaRef,
    keys: Keys,
    pieces: Vec<Piece>,
    reader: Reader,
    comparing: Comparing,
    /// The keys of each piece's blocks' first rows.
    firsts: Vec<Compared>,
    /// All blocks in the order of their first rows.
    schedule: Vec<Block>,
}

/// Which piece it is of, and which block of it. Blocks with the same keys are in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Block {
    piece: u32,
    at: u32,
}

impl Sorted {
    /// The rows of all runs, at least one. Errors: a type that has no order.
    pub fn new(runs: Vec<Run>, schema: SchemaRef, keys: Keys) -> Result<Self, ArrowError> {
        let (mut pieces, mut spans) = (Vec::new(), Some(vec![Span::NONE; keys.columns.len()]));
        for run in runs {
            let (of_run, others) = run.finish()?;
            pieces.extend(of_run);
            spans = joined(spans, &others);
        }
        Self::of(schema, keys, pieces, spans.as_deref())
    }

    pub(super) fn of(
        stored: SchemaRef,
        keys: Keys,
        pieces: Vec<Piece>,
        spans: Option<&[Span]>,
    ) -> Result<Self, ArrowError> {
        let comparing = Comparing::new(&keys, &stored, spans)?;
        let firsts = pieces.iter().map(|piece| comparing.firsts(piece.firsts()));
        let firsts = firsts.collect::<Result<Vec<_>, _>>()?;
        let blocks = |(piece, firsts): (usize, &Compared)| {
            (0..firsts.rows()).map(move |at| Block { piece: piece as u32, at: at as u32 })
        };
        let mut schedule: Vec<Block> = firsts.iter().enumerate().flat_map(blocks).collect();
        schedule.sort_unstable_by(|one, other| {
            let of = |block: &Block| (&firsts[block.piece as usize], block.at as usize);
            let ((keys, row), (other_keys, other_row)) = (of(one), of(other));
            keys.compare(row, other_keys, other_row).then_with(|| one.cmp(other))
        });
        let schema =
            Schema::new_with_metadata(stored.fields()[..keys.kept].to_vec(), stored.metadata.clone());
        let (schema, reader) = (Arc::new(schema), Reader::new(stored));
        Ok(Self { schema, keys, pieces, reader, comparing, firsts, schedule })
    }

    /// Bytes that all rows take in memory.
    pub fn bytes(&self) -> usize {
        self.pieces.iter().map(Piece::bytes).sum()
    }

    /// Bytes that a cursor holds, about, besides what is in memory already.
    pub fn cursor_bytes(&self) -> usize {
        let blocks: usize = self.pieces.iter().map(Piece::block_bytes).sum();
        blocks + self.step_blocks() * self.block_bytes()
    }

    /// Cuts the order into so many ranges, of about as many rows each: every row of one comes before all of the next.
    pub fn ranges(&self, count: usize) -> Vec<Range<usize>> {
        let bound = |range: usize| self.schedule.len() * range / count.max(1);
        (0..count).map(|range| bound(range)..bound(range + 1)).collect()
    }

    /// The rows of a range, in order, in batches of at most so many rows.
    pub fn cursor(self: &Arc<Self>, range: Range<usize>, batch_rows: usize) -> Cursor {
        let rows: usize = self.pieces.iter().map(Piece::rows).sum();
        let each = self.bytes() / rows.max(1) + 1;
        let step_rows = (BATCH_BYTES / each).clamp(1, batch_rows.max(1));
        let sorted = Arc::clone(self);
        Cursor {
            sorted,
            todo: range,
            is_begun: false,
            step_rows,
            open: Vec::new(),
            places: Vec::new(),
            given: 0,
        }
    }

    /// All rows, as [`Self::cursor`] gives them.
    pub(super) fn all(self: &Arc<Self>, batch_rows: usize) -> Cursor {
        self.cursor(0..self.schedule.len(), batch_rows)
    }

    /// Of each block, on average.
    fn block_bytes(&self) -> usize {
        self.bytes() / self.schedule.len().max(1)
    }

    /// Blocks that are taken at a time.
    fn step_blocks(&self) -> usize {
        (STEP_BYTES / self.block_bytes().max(1)).clamp(1, STEP_BLOCKS)
    }

    fn opened(&self, block: Block) -> Result<Open, ArrowError> {
        let batch = self.pieces[block.piece as usize].block(block.at as usize, &self.reader)?;
        let keys = self.comparing.compared(&self.keys.of(&batch))?;
        Ok(Open { block, due: 0..0, batch, keys })
    }

    /// The first row of a block in the schedule; `None` behind the last.
    fn bound(&self, at: usize) -> Option<Bound> {
        let block = *self.schedule.get(at)?;
        Some(Bound { key: self.firsts[block.piece as usize].key(block.at as usize), block })
    }

    fn rows(&self, open: &[Open], places: &[(usize, usize)]) -> Result<RecordBatch, ArrowError> {
        let column = |column: usize| {
            let arrays: Vec<&dyn Array> =
                open.iter().map(|open| open.batch.column(column).as_ref()).collect();
            gather(&arrays, places)
        };
        let columns = (0..self.keys.kept).map(column).collect::<Result<Vec<ArrayRef>, _>>()?;
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

/// A row, or what the keys of long ones begin with: what comes before that comes before the row.
struct Bound {
    key: Key,
    block: Block,
}

impl Bound {
    /// How many rows of a block come before.
    fn count(&self, block: Block, keys: &Compared) -> usize {
        keys.count_before(&self.key, block < self.block)
    }
}

/// A block that is there.
struct Open {
    block: Block,
    batch: RecordBatch,
    keys: Compared,
    /// Rows that are given next; those before them were.
    due: Range<usize>,
}

/// Reads a range.
pub struct Cursor {
    sorted: Arc<Sorted>,
    /// Of the schedule.
    todo: Range<usize>,
    is_begun: bool,
    step_rows: usize,
    /// By piece and block.
    open: Vec<Open>,
    /// Rows that are due, and how many of them were given.
    places: Vec<(usize, usize)>,
    given: usize,
}

impl Cursor {
    /// The next rows; `None` at the end. Errors: texts that are too long for one array, even by themselves; `IoError`.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        while self.given == self.places.len() {
            if !self.advance()? {
                return Ok(None);
            }
        }
        let mut count = (self.places.len() - self.given).min(self.step_rows);
        loop {
            match self.sorted.rows(&self.open, &self.places[self.given..self.given + count]) {
                Err(ArrowError::OffsetOverflowError(_)) if count > 1 => count /= 2,
                made => {
                    self.given += count;
                    return made.map(Some);
                }
            }
        }
    }

    /// Takes the next blocks of the schedule, and puts the rows that are due then in order. False when there are no more.
    fn advance(&mut self) -> Result<bool, ArrowError> {
        if self.todo.is_empty() {
            self.open.clear();
            return Ok(false);
        }
        let sorted = Arc::clone(&self.sorted);
        if !self.is_begun {
            self.begin()?;
        }
        self.open.retain(|open| open.due.end < open.batch.num_rows());
        let until = (self.todo.start + sorted.step_blocks()).min(self.todo.end);
        for block in &sorted.schedule[self.todo.start..until] {
            self.open.push(sorted.opened(*block)?);
        }
        self.todo.start = until;
        self.open.sort_unstable_by_key(|open| open.block);
        let bound = sorted.bound(until);
        for open in &mut self.open {
            let end =
                bound.as_ref().map_or(open.batch.num_rows(), |bound| bound.count(open.block, &open.keys));
            open.due = open.due.end..end;
        }
        let due: Vec<_> = self.open.iter().map(|open| (&open.keys, open.due.clone())).collect();
        self.places = places(&due);
        self.given = 0;
        Ok(true)
    }

    /// Opens the blocks that the range begins in.
    fn begin(&mut self) -> Result<(), ArrowError> {
        self.is_begun = true;
        let sorted = Arc::clone(&self.sorted);
        let Some(from) = (self.todo.start > 0).then(|| sorted.bound(self.todo.start)).flatten() else {
            return Ok(());
        };
        for (piece, firsts) in (0..).zip(&sorted.firsts) {
            let earlier = match piece.cmp(&from.block.piece) {
                Ordering::Less => firsts.count_before(&from.key, true),
                Ordering::Equal => from.block.at as usize,
                Ordering::Greater => firsts.count_before(&from.key, false),
            };
            // Of its blocks before the range, the last one goes on into it; all that begin like it, where no more is known.
            let Some(last) = earlier.checked_sub(1) else { continue };
            let below = firsts.count_before(&from.key, false);
            let first = if from.key.is_cut() { below.saturating_sub(1).min(last) } else { last };
            for at in first..=last {
                let mut open = sorted.opened(Block { piece, at: at as u32 })?;
                open.due = 0..from.count(open.block, &open.keys);
                self.open.push(open);
            }
        }
        Ok(())
    }
}
