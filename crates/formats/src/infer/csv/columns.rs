//! What the columns hold, and whether the first row names them.

use super::candidate::{Candidate, each_record};
use crate::builder::value;
use crate::csv::names;
use crate::csv::scan::Dialect;
use crate::hive::HiveType;
use crate::infer::{InferOptions, InferredField};

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

pub(super) struct Columns {
    pub(super) first: Vec<String>,
    first_kinds: Vec<Kind>,
    rest_kinds: Vec<Kind>,
    nullable: Vec<bool>,
    /// Blank lines before the first record.
    pub(super) lead: u64,
    /// Records with more or fewer fields than usual.
    pub(super) ragged: u64,
}

impl Columns {
    /// Whether a column, but for its first value, is more than text.
    pub(super) fn has_types(&self) -> bool {
        self.rest_kinds.iter().any(|kind| matches!(kind, Kind::Bool | Kind::BigInt | Kind::Double))
    }
}

pub(super) fn study(sample: &[u8], complete: bool, best: &Candidate) -> (Columns, usize) {
    let dialect = Dialect::new(&best.options);
    let mut columns = Columns {
        first: Vec::new(),
        first_kinds: Vec::new(),
        rest_kinds: vec![Kind::Empty; best.width],
        nullable: vec![false; best.width],
        lead: 0,
        ragged: 0,
    };
    let mut scratch = Vec::new();
    let end = each_record(sample, complete, &best.options, |window, fields| {
        let Some(fields) = fields else { return };
        let is_first = columns.first_kinds.is_empty();
        if is_first {
            let before = &sample[..sample.len() - window.len()];
            columns.lead = memchr::memchr_iter(b'\n', before).count() as u64;
        }
        for (i, field) in fields.iter().enumerate() {
            let value = field.decode(window, &dialect, &mut scratch);
            let kind = kind_of(value, best.quoted);
            if is_first {
                columns.first.push(names::of_value(value));
                columns.first_kinds.push(kind);
            } else if i < best.width {
                columns.rest_kinds[i] = merge(columns.rest_kinds[i], kind);
                columns.nullable[i] |= kind == Kind::Empty;
            }
        }
        if fields.len() != best.width {
            columns.ragged += 1;
            columns.nullable.iter_mut().skip(fields.len()).for_each(|n| *n = true);
        }
    });
    (columns, end)
}

/// Glue's conditions for the first row to be a header.
pub(super) fn has_header(columns: &Columns, width: usize) -> bool {
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
    // What differs below a missing name tells nothing, except where names are often missing: in the first place (the
    // row names that R and pandas write) and in the last.
    let names_it = |i: usize| i == 0 || i >= last || columns.first_kinds[i] == Kind::String;
    let differs =
        |(i, kind): (usize, &Kind)| names_it(i) && matches!(kind, Kind::Bool | Kind::BigInt | Kind::Double);
    names.iter().enumerate().all(|(i, name)| may_name(i, name))
        && columns.first_kinds.contains(&Kind::String)
        && columns.rest_kinds.iter().enumerate().any(differs)
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
            untyped: kind == Kind::Empty,
        });
    }
    fields
}
