//! Rows in order, as numbers.

use std::cmp::Ordering;
use std::ops::Range;

use arrow::array::ArrayRef;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows};

use super::Keys;
use super::pack::{Packing, Span};
use super::piece::Firsts;

/// How the keys of rows are brought into a form that compares.
pub(super) enum Comparing {
    /// As numbers.
    Packed(Packing),
    /// As bytes, by a number of what they begin with first.
    Rows(RowConverter),
}

impl Comparing {
    /// For keys within these spans; `None`: some are no numbers. Errors: a type that has no order.
    pub(super) fn new(keys: &Keys, schema: &Schema, spans: Option<&[Span]>) -> Result<Self, ArrowError> {
        Ok(match spans.and_then(|spans| Packing::of(spans, &keys.options())) {
            Some(packing) => Self::Packed(packing),
            None => Self::Rows(RowConverter::new(keys.fields(schema))?),
        })
    }

    pub(super) fn compared(&self, keys: &[ArrayRef]) -> Result<Compared, ArrowError> {
        match self {
            Self::Packed(packing) => {
                let (mut numbers, mut words) = (Vec::new(), Vec::new());
                packing.pack(keys, &mut numbers, &mut words);
                Ok(Compared { words, ties: None })
            }
            Self::Rows(converter) => {
                let rows = converter.convert_columns(keys)?;
                let words = rows.iter().map(|row| beginning(row.as_ref())).collect();
                Ok(Compared { words, ties: Some(Ties::Rows(rows)) })
            }
        }
    }

    pub(super) fn firsts(&self, firsts: &Firsts) -> Result<Compared, ArrowError> {
        match firsts {
            Firsts::Numbers(keys) => self.compared(keys),
            Firsts::Rows(rows) => {
                let words = rows.iter().map(|row| beginning(row)).collect();
                Ok(Compared { words, ties: Some(Ties::Cut(rows.clone())) })
            }
        }
    }
}

/// What is kept in memory of the keys of a block's first row: as much as the longest of numbers and usual texts take, and little
/// beside a block.
const CUT_BYTES: usize = 256;

/// What keys begin with.
pub(super) fn cut(keys: &[u8]) -> &[u8] {
    keys.get(..CUT_BYTES).unwrap_or(keys)
}

/// The keys of some rows.
pub(super) struct Compared {
    words: Vec<u64>,
    /// The whole keys, where those in `words` are a beginning only.
    ties: Option<Ties>,
}

enum Ties {
    Rows(Rows),
    /// Cut off where they are long.
    Cut(Vec<Box<[u8]>>),
}

/// The keys of one row.
pub(super) struct Key {
    word: u64,
    tie: Option<Box<[u8]>>,
}

impl Key {
    /// Whether these may be a beginning only.
    pub(super) fn is_cut(&self) -> bool {
        self.tie.as_ref().is_some_and(|tie| tie.len() >= CUT_BYTES)
    }
}

impl Compared {
    pub(super) fn rows(&self) -> usize {
        self.words.len()
    }

    pub(super) fn key(&self, row: usize) -> Key {
        Key { word: self.words[row], tie: self.tie(row).map(Box::from) }
    }

    fn tie(&self, row: usize) -> Option<&[u8]> {
        Some(match self.ties.as_ref()? {
            Ties::Rows(rows) => rows.row(row).data(),
            Ties::Cut(rows) => &rows[row],
        })
    }

    /// So many of these rows, which are in order, have keys below this one; where `or_same`, or equal to it.
    pub(super) fn count_before(&self, key: &Key, or_same: bool) -> usize {
        // Nearly all rows differ in their words.
        let from = self.words.partition_point(|word| *word < key.word);
        let same = self.words[from..].partition_point(|word| *word == key.word);
        if self.ties.is_none() {
            return from + if or_same { same } else { 0 };
        }
        let is_before = |row: usize| match self.tie(row).cmp(&key.tie.as_deref()) {
            Ordering::Less => true,
            Ordering::Equal => or_same,
            Ordering::Greater => false,
        };
        let (mut low, mut high) = (from, from + same);
        while low < high {
            let middle = low.midpoint(high);
            if is_before(middle) { low = middle + 1 } else { high = middle }
        }
        low
    }

    #[inline]
    pub(super) fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        let words = self.words[row].cmp(&other.words[other_row]);
        words.then_with(|| self.tie(row).cmp(&other.tie(other_row)))
    }
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

/// The places of all these rows in their order: which part, and which row of it. Those with the same keys stay in the order of
/// their places.
pub(super) fn places(parts: &[(&Compared, Range<usize>)]) -> Vec<(usize, usize)> {
    let words = || parts.iter().flat_map(|(keys, rows)| &keys.words[rows.clone()]);
    let (mut least, mut most) = (u64::MAX, 0);
    for word in words() {
        (least, most) = (least.min(*word), most.max(*word));
    }
    let largest = |of: usize| usize::BITS - of.leading_zeros();
    let row_bits = largest(parts.iter().map(|(_, rows)| rows.end).max().unwrap_or(0));
    let place_bits = row_bits + largest(parts.len());
    let key_bits = u64::BITS - most.saturating_sub(least).leading_zeros();
    let have_ties = parts.iter().any(|(keys, _)| keys.ties.is_some());
    if have_ties || key_bits + place_bits > u64::BITS {
        return places_of_many_bits(parts);
    }
    // Keys and place of a row are one number, which sorts twice as quickly.
    let mut numbers: Vec<u64> = Vec::with_capacity(parts.iter().map(|(_, rows)| rows.len()).sum());
    for (part, (keys, rows)) in parts.iter().enumerate() {
        let first = (part << row_bits | rows.start) as u64;
        let number = |(place, word): (u64, &u64)| (word - least) << place_bits | place;
        numbers.extend((first..).zip(&keys.words[rows.clone()]).map(number));
    }
    numbers.sort_unstable();
    let place = |number: u64| {
        let place = (number & ((1 << place_bits) - 1)) as usize;
        (place >> row_bits, place & ((1 << row_bits) - 1))
    };
    numbers.into_iter().map(place).collect()
}

fn places_of_many_bits(parts: &[(&Compared, Range<usize>)]) -> Vec<(usize, usize)> {
    let place = |entry: u128| ((entry >> 32) as u32 as usize, entry as u32 as usize);
    let mut entries: Vec<u128> = Vec::with_capacity(parts.iter().map(|(_, rows)| rows.len()).sum());
    for (part, (keys, rows)) in parts.iter().enumerate() {
        let entry = |(row, word): (usize, &u64)| u128::from(*word) << 64 | (part as u128) << 32 | row as u128;
        entries.extend(rows.clone().zip(&keys.words[rows.clone()]).map(entry));
    }
    entries.sort_unstable_by(|one, other| {
        if one >> 64 != other >> 64 {
            return one.cmp(other);
        }
        let ((part, row), (other_part, other_row)) = (place(*one), place(*other));
        let keys = parts[part].0.compare(row, parts[other_part].0, other_row);
        keys.then_with(|| one.cmp(other))
    });
    entries.into_iter().map(place).collect()
}
