//! What the columns hold, and whether the first row names them.

use super::candidate::{Candidate, each_record};
use crate::builder::value;
use crate::csv::names;
use crate::csv::scan::Dialect;
use crate::error::FormatError;
use crate::hive::HiveType;
use crate::infer::types::{inexact, is_beyond_double};
use crate::infer::{InferOptions, InferredField, Seen};

/// The longest header name, from Glue's rules.
const MAX_HEADER_CHARS: usize = 150;
/// What LazySimpleSerDe reads as NULL.
const NULL_TEXT: &[u8] = b"\\N";

/// What a column's values have been so far.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Empty,
    Bool,
    BigInt,
    Double,
    String,
}

impl Kind {
    /// Whether it is more than text.
    fn is_typed(self) -> bool {
        matches!(self, Self::Bool | Self::BigInt | Self::Double)
    }
}

fn kind_of(text: &[u8], quoted_file: bool) -> Kind {
    let text = text.trim_ascii();
    if text.is_empty() || (!quoted_file && text == NULL_TEXT) {
        return Kind::Empty;
    }
    if value::int(text).is_some() {
        return Kind::BigInt;
    }
    if value::boolean(text).is_some() {
        return Kind::Bool;
    }
    // Words such as "nan" or "inf" are text; so are integers too large for bigint, which double would round.
    let numeric = text.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    let fraction = text.iter().any(|b| matches!(b, b'.' | b'e' | b'E'));
    if numeric && fraction && value::float(text).is_some() { Kind::Double } else { Kind::String }
}

fn merge(a: Kind, b: Kind) -> Kind {
    match (a, b) {
        (Kind::Empty, other) | (other, Kind::Empty) => other,
        (Kind::Bool, Kind::Bool) => Kind::Bool,
        (Kind::BigInt, Kind::BigInt) => Kind::BigInt,
        (Kind::BigInt | Kind::Double, Kind::BigInt | Kind::Double) => Kind::Double,
        _ => Kind::String,
    }
}

/// What stands in the first column below its first value, seen as the numbers of the rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RowNumbers {
    /// Nothing yet.
    Unseen,
    /// The number of each row, counted from this one; it may be missing.
    From(i64),
    /// Something else.
    Others,
}

pub(super) struct Columns {
    pub(super) first: Vec<String>,
    first_kinds: Vec<Kind>,
    rest_kinds: Vec<Kind>,
    nullable: Vec<bool>,
    /// The first line with a number that a double does not hold.
    pub(super) inexact: Vec<Option<u64>>,
    /// Whether a later record repeats the first one's value.
    repeats: Vec<bool>,
    /// Records below the first one.
    below: i64,
    row_numbers: RowNumbers,
    /// Lines before the first record.
    pub(super) lead: u64,
    /// Records with more or fewer fields than usual.
    pub(super) ragged: u64,
}

impl Columns {
    /// Whether a column, but for its first value, is more than text.
    pub(super) fn has_types(&self) -> bool {
        self.rest_kinds.iter().any(|kind| kind.is_typed())
    }

    /// Whether nothing stands in a column, in the first record neither.
    pub(super) fn is_empty_at(&self, place: usize) -> bool {
        let at = |kinds: &[Kind]| kinds.get(place).is_none_or(|kind| *kind == Kind::Empty);
        at(&self.first_kinds) && at(&self.rest_kinds)
    }

    /// Whether the first record has this text there. Asked only where it matters, below a first column without a name.
    fn is_first(&self, place: usize, value: &[u8]) -> bool {
        self.first_kinds.first() == Some(&Kind::Empty)
            && self.first.get(place).is_some_and(|first| *first == names::of_value(value))
    }

    /// Notes what the next record below the first one has in its first column.
    fn note_row_number(&mut self, value: &[u8], kind: Kind) {
        let place = self.below;
        self.below += 1;
        if kind == Kind::Empty {
            return;
        }
        let from = value::int(value).and_then(|number| number.checked_sub(place));
        self.row_numbers = match (self.row_numbers, from) {
            (RowNumbers::Unseen, Some(from @ (0 | 1))) => RowNumbers::From(from),
            (RowNumbers::From(known), Some(from)) if from == known => self.row_numbers,
            _ => RowNumbers::Others,
        };
    }

    /// Whether the first column holds row names, which R and pandas write without a name of their own: the rows counted
    /// from 0 or 1, below a first row of names that are all different and come back in no record.
    fn has_row_names(&self) -> bool {
        let names = self.first.get(1..).unwrap_or_default();
        let mut distinct: Vec<&str> = names.iter().map(String::as_str).collect();
        distinct.sort_unstable();
        distinct.dedup();
        self.first_kinds.first() == Some(&Kind::Empty)
            && matches!(self.row_numbers, RowNumbers::From(_))
            && distinct.len() == names.len()
            && self.first_kinds.iter().skip(1).all(|kind| *kind == Kind::String)
            && !self.repeats.contains(&true)
    }
}

pub(super) fn study(sample: &[u8], complete: bool, best: &Candidate) -> (Columns, usize) {
    let dialect = Dialect::new(&best.options);
    let mut columns = Columns {
        first: Vec::new(),
        first_kinds: Vec::new(),
        rest_kinds: vec![Kind::Empty; best.width],
        nullable: vec![false; best.width],
        inexact: vec![None; best.width],
        repeats: vec![false; best.width],
        below: 0,
        row_numbers: RowNumbers::Unseen,
        lead: 0,
        ragged: 0,
    };
    let mut scratch = Vec::new();
    let end = each_record(&sample[best.skip..], complete, &best.options, |window, fields| {
        let Some(fields) = fields else { return };
        let is_first = columns.first_kinds.is_empty();
        if is_first {
            let before = &sample[..sample.len() - window.len()];
            columns.lead = memchr::memchr_iter(b'\n', before).count() as u64;
        }
        for (i, field) in fields.iter().enumerate() {
            let value = field.decode(window, &dialect, &mut scratch);
            let kind = kind_of(value, best.quoted);
            if i < best.width && columns.inexact[i].is_none() && is_inexact(value, kind) {
                let before = &sample[..sample.len() - window.len()];
                columns.inexact[i] = Some(memchr::memchr_iter(b'\n', before).count() as u64 + 1);
            }
            if is_first {
                columns.first.push(names::of_value(value));
                columns.first_kinds.push(kind);
            } else if i < best.width {
                if i == 0 {
                    columns.note_row_number(value, kind);
                }
                columns.rest_kinds[i] = merge(columns.rest_kinds[i], kind);
                columns.nullable[i] |= kind == Kind::Empty;
                columns.repeats[i] |= kind == Kind::String && columns.is_first(i, value);
            }
        }
        if fields.len() != best.width {
            columns.ragged += 1;
            columns.nullable.iter_mut().skip(fields.len()).for_each(|n| *n = true);
        }
    });
    (columns, best.skip + end)
}

/// Whether a double does not hold the number.
fn is_inexact(text: &[u8], kind: Kind) -> bool {
    /// 2^53 has as many.
    const MIN_DIGITS: usize = 16;
    match kind {
        Kind::BigInt if text.len() >= MIN_DIGITS => {
            value::int(text.trim_ascii()).is_some_and(is_beyond_double)
        }
        Kind::Double => value::float(text.trim_ascii()).is_some_and(f64::is_infinite),
        _ => false,
    }
}

/// Remarks on columns of doubles that lose digits.
pub(super) fn inexact_problems(
    source: &str,
    columns: &Columns,
    fields: &[InferredField],
) -> Vec<FormatError> {
    let doubles = fields.iter().zip(&columns.inexact).filter(|(field, _)| field.ty == HiveType::Double);
    let lossy = doubles.filter_map(|(field, line)| {
        let mut error = inexact(source, field.name.clone());
        error.place.line = Some((*line)?);
        Some(error)
    });
    lossy.collect()
}

/// Whether the first row is a header, by Glue's conditions: it could be one, and differs from what is below it.
pub(super) fn has_header(columns: &Columns, width: usize) -> bool {
    // What differs below a missing name tells nothing: the first row of data, too, may have an empty field there.
    let mut named = columns.first_kinds.iter().zip(&columns.rest_kinds);
    let differs = |(first, rest): (&Kind, &Kind)| *first == Kind::String && rest.is_typed();
    may_be_header(columns, width) && (named.any(differs) || columns.has_row_names())
}

/// Whether the first row could be a header: text, or no name, in every column.
pub(super) fn may_be_header(columns: &Columns, width: usize) -> bool {
    let names = &columns.first;
    if names.len() > width || names.len() + 1 < width {
        return false;
    }
    let last = names.len() - 1;
    let may_name = |i: usize, name: &String| match columns.first_kinds[i] {
        Kind::String => i == last || name.chars().count() < MAX_HEADER_CHARS,
        Kind::Empty => true,
        Kind::Bool | Kind::BigInt | Kind::Double => false,
    };
    names.iter().enumerate().all(|(i, name)| may_name(i, name)) && columns.first_kinds.contains(&Kind::String)
}

pub(super) fn columns_of(
    columns: &Columns,
    best: &Candidate,
    header: bool,
    options: &InferOptions,
) -> Vec<InferredField> {
    let mut fields = Vec::with_capacity(best.width);
    for i in 0..best.width {
        let name = columns.first.get(i).filter(|n| header && !n.is_empty());
        let first_kind = columns.first_kinds.get(i).copied().unwrap_or(Kind::Empty);
        let kind = if header { columns.rest_kinds[i] } else { merge(first_kind, columns.rest_kinds[i]) };
        let ty = match kind {
            Kind::Bool => HiveType::Boolean,
            Kind::BigInt => HiveType::BigInt,
            Kind::Double => HiveType::Double,
            Kind::String | Kind::Empty => HiveType::String,
        };
        let nullable = columns.nullable[i] || (!header && first_kind == Kind::Empty);
        fields.push(InferredField {
            name: name.map_or_else(|| names::of_place(i), |n| options.spelling(n)),
            ty,
            nullable,
            seen: match kind {
                Kind::Empty => Seen::Nothing,
                Kind::BigInt if columns.inexact[i].is_some() => Seen::Wide,
                _ => Seen::Values,
            },
        });
    }
    fields
}
