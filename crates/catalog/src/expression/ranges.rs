//! From an expression to byte ranges that hold every match.
//!
//! A key that is missing from the result is not limited. Ranges are supersets: a bound is always
//! inclusive, cut to the longest stored component, and widened where one value has several
//! spellings (`…00` and `…00.0`). A position whose stored encoding is not the one that its
//! declared type wants is left out.

use std::collections::BTreeMap;

use crate::expression::like::LikePattern;
use crate::expression::value::BELOW_ALL;
use crate::expression::{Comparison, DEFAULT_PARTITION, Expr, Key, KeyType, Node, TypedValue};
use crate::layout::{Encoding, Layout, MAX_COMPONENT_BYTES, TAG_OTHER, number_component};

/// More spans than this for one key are joined into one.
const MAX_SPANS: usize = 1_000;

/// An inclusive range of components; an absent bound is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) low: Option<Vec<u8>>,
    pub(crate) high: Option<Vec<u8>>,
}

impl Span {
    fn point(bytes: Vec<u8>) -> Span {
        Span { low: Some(bytes.clone()), high: Some(bytes) }
    }

    /// Whether the range holds one component only.
    pub(crate) fn is_point(&self) -> bool {
        self.low.is_some() && self.low == self.high
    }

    fn intersect(&self, other: &Span) -> Option<Span> {
        let low = self.low.clone().max(other.low.clone());
        let high = match (&self.high, &other.high) {
            (Some(a), Some(b)) => Some(a.min(b).clone()),
            (bound, None) | (None, bound) => bound.clone(),
        };
        match (&low, &high) {
            (Some(from), Some(to)) if from > to => None,
            _ => Some(Span { low, high }),
        }
    }
}

/// For each limited position: disjoint spans in order. No span means that nothing can match.
pub(crate) type Ranges = BTreeMap<usize, Vec<Span>>;

impl Expr {
    /// The ranges under a table's layout.
    pub(crate) fn ranges(&self, layout: &Layout) -> Ranges {
        of_node(&self.0, false, layout)
    }
}

/// The ranges of a node, or of its negation.
fn of_node(node: &Node, negate: bool, layout: &Layout) -> Ranges {
    match node {
        Node::Not(inner) => of_node(inner, !negate, layout),
        Node::And(parts) => join(parts, negate, layout, !negate),
        Node::Or(parts) => join(parts, negate, layout, negate),
        Node::Compare { key, comparison, value } => {
            let comparison = if negate { comparison.inverted() } else { *comparison };
            limited(key, layout, |_| compare_spans(comparison, value))
        }
        Node::In { key, values, negated } if *negated == negate => {
            limited(key, layout, |_| values.iter().map(|v| bounds(v).map(Span::from)).collect())
        }
        Node::Between { key, low, high, negated } if *negated == negate => limited(key, layout, |_| {
            let (from, to) = (bounds(low)?, bounds(high)?);
            Some(vec![Span { low: Some(from.low), high: Some(to.high) }])
        }),
        Node::Like { key, pattern, negated } if *negated == negate => {
            limited(key, layout, |_| like_spans(pattern))
        }
        Node::IsNull { key, negated } if *negated == negate => limited(key, layout, null_spans),
        Node::In { .. } | Node::Between { .. } | Node::Like { .. } | Node::IsNull { .. } => Ranges::new(),
    }
}

fn limited(key: &Key, layout: &Layout, spans: impl FnOnce(Encoding) -> Option<Vec<Span>>) -> Ranges {
    let stored = key.key_type.encoding();
    let seekable = layout.can_seek(key.position, stored);
    let found = if seekable && key.key_type != KeyType::Boolean { spans(stored) } else { None };
    found.map(|spans| (key.position, tidy(spans))).into_iter().collect()
}

fn join(parts: &[Node], negate: bool, layout: &Layout, conjunction: bool) -> Ranges {
    let mut all = parts.iter().map(|part| of_node(part, negate, layout));
    let first = all.next().unwrap_or_default();
    if conjunction { all.fold(first, both) } else { all.fold(first, either) }
}

fn both(mut left: Ranges, right: Ranges) -> Ranges {
    for (position, spans) in right {
        let narrowed = match left.get(&position) {
            Some(other) => intersect(other, &spans),
            None => spans,
        };
        left.insert(position, narrowed);
    }
    left
}

/// Only a key that both sides limit is limited.
fn either(left: Ranges, right: Ranges) -> Ranges {
    let mut joined = Ranges::new();
    for (position, mut spans) in left {
        if let Some(other) = right.get(&position) {
            spans.extend_from_slice(other);
            joined.insert(position, tidy(spans));
        }
    }
    joined
}

fn intersect(left: &[Span], right: &[Span]) -> Vec<Span> {
    let pairs = left.iter().flat_map(|a| right.iter().filter_map(|b| a.intersect(b)));
    tidy(pairs.collect())
}

/// Sorts spans, joins those that overlap, and joins all when there are too many.
fn tidy(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by(|a, b| a.low.cmp(&b.low));
    let mut tidied: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match tidied.last_mut() {
            Some(last) if last.high.is_none() || last.high >= span.low => {
                let open = last.high.is_none() || span.high.is_none();
                last.high = if open { None } else { last.high.clone().max(span.high) };
            }
            _ => tidied.push(span),
        }
    }
    if tidied.len() > MAX_SPANS {
        let high = tidied.pop().and_then(|last| last.high);
        tidied.truncate(1);
        if let Some(first) = tidied.first_mut() {
            first.high = high;
        }
    }
    tidied
}

/// The first and last component that a value may be stored as.
struct Bounds {
    low: Vec<u8>,
    high: Vec<u8>,
}

impl From<Bounds> for Span {
    fn from(bounds: Bounds) -> Span {
        Span { low: Some(bounds.low), high: Some(bounds.high) }
    }
}

fn bounds(value: &TypedValue) -> Option<Bounds> {
    let (mut low, mut high) = match value {
        TypedValue::Text(text) => (text.clone().into_bytes(), text.clone().into_bytes()),
        TypedValue::Integer(number) => same(number_component(*number as f64)),
        TypedValue::Decimal(number) => same(number_component(number.approximate()?)),
        // What is no number is stored as text, in several spellings.
        TypedValue::Double(number) if !number.is_finite() => return None,
        TypedValue::Double(number) => same(number_component(*number)),
        TypedValue::Date((year, month, day)) => same(format!("{year:04}-{month:02}-{day:02}").into_bytes()),
        TypedValue::Timestamp(date, second, nanos) => timestamp_bounds(*date, *second, *nanos),
        TypedValue::Boolean(_) => return None,
    };
    low.truncate(MAX_COMPONENT_BYTES);
    high.truncate(MAX_COMPONENT_BYTES);
    Some(Bounds { low, high })
}

fn same(bytes: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    (bytes.clone(), bytes)
}

/// A timestamp is stored with any number of trailing zeros in its fraction.
fn timestamp_bounds(date: (u16, u8, u8), second: u32, nanos: u32) -> (Vec<u8>, Vec<u8>) {
    let (year, month, day) = date;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let whole = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
    let fraction = format!("{nanos:09}");
    let shortest = match fraction.trim_end_matches('0') {
        "" => whole.clone(),
        digits => format!("{whole}.{digits}"),
    };
    (shortest.into_bytes(), format!("{whole}.{fraction}").into_bytes())
}

fn compare_spans(comparison: Comparison, value: &TypedValue) -> Option<Vec<Span>> {
    let found = bounds(value)?;
    let span = match comparison {
        Comparison::Equal => Span::from(found),
        Comparison::Less | Comparison::LessOrEqual => Span { low: None, high: Some(found.high) },
        Comparison::Greater | Comparison::GreaterOrEqual => Span { low: Some(found.low), high: None },
        Comparison::NotEqual => return None,
    };
    let mut spans = vec![span];
    // What is less than every number is stored as text, behind them all.
    let below = matches!(comparison, Comparison::Less | Comparison::LessOrEqual);
    if below && matches!(value, TypedValue::Double(_)) {
        spans.extend(BELOW_ALL.map(|text| Span::point([&[TAG_OTHER], text.as_bytes()].concat())));
    }
    Some(spans)
}

fn like_spans(pattern: &LikePattern) -> Option<Vec<Span>> {
    let mut low = pattern.prefix().into_bytes();
    if low.is_empty() {
        return None;
    }
    low.truncate(MAX_COMPONENT_BYTES);
    if pattern.is_exact() {
        return Some(vec![Span::point(low)]);
    }
    // No UTF-8 text holds the byte FF: this is above every text with the prefix.
    let high = [low.as_slice(), &[0xFF]].concat();
    Some(vec![Span { low: Some(low), high: Some(high) }])
}

fn null_spans(stored: Encoding) -> Option<Vec<Span>> {
    let component = match stored {
        Encoding::Text => DEFAULT_PARTITION.as_bytes().to_vec(),
        Encoding::Number => [&[TAG_OTHER], DEFAULT_PARTITION.as_bytes()].concat(),
    };
    Some(vec![Span::point(component)])
}

impl Comparison {
    /// The comparison that is true exactly when this one is false.
    fn inverted(self) -> Comparison {
        match self {
            Comparison::Equal => Comparison::NotEqual,
            Comparison::NotEqual => Comparison::Equal,
            Comparison::Less => Comparison::GreaterOrEqual,
            Comparison::LessOrEqual => Comparison::Greater,
            Comparison::Greater => Comparison::LessOrEqual,
            Comparison::GreaterOrEqual => Comparison::Less,
        }
    }
}
