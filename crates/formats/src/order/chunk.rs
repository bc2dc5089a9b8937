//! Rows of some batches in order, as numbers.

use std::cmp::Ordering;
use std::ops::Range;

use arrow::array::ArrayRef;
use arrow::compute::SortOptions;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};

use super::Keyed;
use super::pack::Packing;

/// A row: its keys, or what they begin with, in the upper half, its place in the lower.
pub(super) type Entry = u128;

/// Sorted rows of some batches.
pub struct Chunk {
    pub(super) entries: Vec<Entry>,
    /// The keys of all rows, by batch, where those of entries are a beginning only.
    ties: Option<Ties>,
}

struct Ties {
    rows: Rows,
    /// The first batch, and which row of `rows` is the first one of each.
    first: usize,
    starts: Vec<usize>,
}

impl Ties {
    /// The whole keys of an entry, in a form that compares as bytes.
    fn keys(&self, entry: Entry) -> arrow::row::Row<'_> {
        let (batch, row) = place(entry);
        self.rows.row(self.starts[batch - self.first] + row)
    }
}

fn entry(word: u64, batch: usize, row: usize) -> Entry {
    u128::from(word) << 64 | (batch as u128) << 32 | row as u128
}

/// Which row of which batch it is.
pub(super) fn place(entry: Entry) -> (usize, usize) {
    ((entry >> 32) as u32 as usize, entry as u32 as usize)
}

impl Chunk {
    /// Sorts by keys that entries hold whole.
    pub(super) fn packed(keyed: &[Keyed], batches: Range<usize>, packing: &Packing) -> Self {
        let (mut numbers, mut words) = (Vec::new(), Vec::new());
        let mut entries = Vec::with_capacity(rows_of(&keyed[batches.clone()]));
        for batch in batches {
            packing.pack(&keyed[batch].keys, &mut numbers, &mut words);
            entries.extend(words.iter().enumerate().map(|(row, word)| entry(*word, batch, row)));
        }
        // Stable, as that sort merges what is in order already; no two are equal.
        entries.sort();
        Self { entries, ties: None }
    }

    /// Sorts by keys of any types. Errors: a type that has no order.
    pub(super) fn compared(
        keyed: &[Keyed],
        batches: Range<usize>,
        options: &[SortOptions],
    ) -> Result<Self, ArrowError> {
        let first = batches.start;
        let all = &keyed[batches];
        let types =
            all.first().map_or(&[][..], |keyed| &keyed.keys).iter().map(|key: &ArrayRef| key.data_type());
        let fields =
            types.zip(options).map(|(of, options)| SortField::new_with_options(of.clone(), *options));
        let converter = RowConverter::new(fields.collect())?;
        let count = rows_of(all);
        let mut rows = converter.empty_rows(count, 0);
        let (mut starts, mut entries) = (Vec::with_capacity(all.len()), Vec::with_capacity(count));
        for (at, keyed) in all.iter().enumerate() {
            let start = rows.num_rows();
            starts.push(start);
            converter.append(&mut rows, &keyed.keys)?;
            let words = (start..rows.num_rows()).map(|row| beginning(rows.row(row).as_ref()));
            entries.extend(words.enumerate().map(|(row, word)| entry(word, first + at, row)));
        }
        let mut chunk = Self { entries: Vec::new(), ties: Some(Ties { rows, first, starts }) };
        entries.sort_unstable_by(|one, other| compare((&chunk, *one), (&chunk, *other)));
        chunk.entries = entries;
        Ok(chunk)
    }

    /// Bytes that it holds besides the 16 of each row: keys in a form that compares.
    pub fn tie_bytes(&self) -> usize {
        self.ties.as_ref().map_or(0, |ties| ties.rows.size() + ties.starts.capacity() * size_of::<usize>())
    }
}

fn rows_of(keyed: &[Keyed]) -> usize {
    keyed.iter().map(|keyed| keyed.batch.num_rows()).sum()
}

/// The first bytes of a row's keys as a number of the same order.
fn beginning(keys: &[u8]) -> u64 {
    if let Some(first) = keys.first_chunk() {
        return u64::from_be_bytes(*first);
    }
    let mut padded = [0; size_of::<u64>()];
    padded[..keys.len()].copy_from_slice(keys);
    u64::from_be_bytes(padded)
}

/// By keys; rows with the same ones by their places, so that no two are equal.
#[inline]
pub(super) fn compare((chunk, one): (&Chunk, Entry), (other_chunk, other): (&Chunk, Entry)) -> Ordering {
    if one >> 64 == other >> 64
        && let (Some(ties), Some(other_ties)) = (&chunk.ties, &other_chunk.ties)
    {
        return ties.keys(one).cmp(&other_ties.keys(other)).then_with(|| one.cmp(&other));
    }
    one.cmp(&other)
}
