//! The smallest and the largest value of pages and column chunks, as readers use them to leave out what they do not need.
//!
//! Of floating point numbers, NaN is neither, and a zero bound has the sign that makes it include both zeros. Long texts
//! are cut: the smallest to a beginning of it, the largest to what is above all that begin like it.
//! Source: Apache Parquet format, `parquet.thrift`, `ColumnOrder`.

use std::cmp::Ordering;

use parquet::basic::{BoundaryOrder, Type};
use parquet::data_type::ByteArray;
use parquet::file::statistics::{Statistics, ValueStatistics};

use super::page;

/// Longer texts are cut.
const MAX_TEXT_BYTES: usize = 64;

#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(super) enum Bound {
    Flag(bool),
    Int32(i32),
    Int64(i64),
    Float(f32),
    Double(f64),
    Text(Vec<u8>),
}

/// Smallest and largest of some values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bounds {
    pub(super) min: Bound,
    pub(super) max: Bound,
}

impl Bounds {
    /// Those of plain values; `None` when there are none, or only NaN.
    pub(super) fn of(physical: Type, plain: &[u8]) -> Option<Self> {
        match physical {
            Type::INT32 => ends(plain.as_chunks::<4>().0.iter().map(|value| i32::from_le_bytes(*value)))
                .map(|(min, max)| Self { min: Bound::Int32(min), max: Bound::Int32(max) }),
            Type::INT64 => ends(plain.as_chunks::<8>().0.iter().map(|value| i64::from_le_bytes(*value)))
                .map(|(min, max)| Self { min: Bound::Int64(min), max: Bound::Int64(max) }),
            Type::FLOAT => {
                let values = plain.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value));
                let (min, max) = ends(values.filter(|value| !value.is_nan()))?;
                let (min, max) = (if min == 0.0 { -0.0 } else { min }, if max == 0.0 { 0.0 } else { max });
                Some(Self { min: Bound::Float(min), max: Bound::Float(max) })
            }
            Type::DOUBLE => {
                let values = plain.as_chunks::<8>().0.iter().map(|value| f64::from_le_bytes(*value));
                let (min, max) = ends(values.filter(|value| !value.is_nan()))?;
                let (min, max) = (if min == 0.0 { -0.0 } else { min }, if max == 0.0 { 0.0 } else { max });
                Some(Self { min: Bound::Double(min), max: Bound::Double(max) })
            }
            Type::BOOLEAN => ends(plain.iter().map(|value| *value != 0))
                .map(|(min, max)| Self { min: Bound::Flag(min), max: Bound::Flag(max) }),
            Type::BYTE_ARRAY => text_ends(plain)
                .map(|(min, max)| Self { min: Bound::Text(min.to_vec()), max: Bound::Text(max.to_vec()) }),
            Type::INT96 | Type::FIXED_LEN_BYTE_ARRAY => None,
        }
    }

    /// Widens these bounds by others of the same type.
    pub(super) fn join(&mut self, other: &Self) {
        if other.min < self.min {
            self.min = other.min.clone();
        }
        if other.max > self.max {
            self.max = other.max.clone();
        }
    }

    /// The bounds with their texts cut, and whether smallest and largest are still values.
    pub(super) fn cut(self, is_utf8: bool) -> (Self, bool, bool) {
        let (Bound::Text(min), Bound::Text(max)) = (&self.min, &self.max) else { return (self, true, true) };
        let (lower, upper) = (cut_at(min, is_utf8), cut_above(max, is_utf8));
        let exact = (lower.len() == min.len(), upper.is_none());
        let max = upper.map_or(self.max.clone(), Bound::Text);
        (Self { min: Bound::Text(lower.to_vec()), max }, exact.0, exact.1)
    }
}

/// The statistics of a column chunk.
pub(super) fn statistics(physical: Type, bounds: Option<Bounds>, nulls: u64, is_utf8: bool) -> Statistics {
    let nulls = Some(nulls);
    match bounds.map(|bounds| bounds.cut(is_utf8)) {
        Some((Bounds { min: Bound::Flag(min), max: Bound::Flag(max) }, ..)) => {
            Statistics::boolean(Some(min), Some(max), None, nulls, false)
        }
        Some((Bounds { min: Bound::Int32(min), max: Bound::Int32(max) }, ..)) => {
            Statistics::int32(Some(min), Some(max), None, nulls, false)
        }
        Some((Bounds { min: Bound::Int64(min), max: Bound::Int64(max) }, ..)) => {
            Statistics::int64(Some(min), Some(max), None, nulls, false)
        }
        Some((Bounds { min: Bound::Float(min), max: Bound::Float(max) }, ..)) => {
            Statistics::float(Some(min), Some(max), None, nulls, false)
        }
        Some((Bounds { min: Bound::Double(min), max: Bound::Double(max) }, ..)) => {
            Statistics::double(Some(min), Some(max), None, nulls, false)
        }
        Some((Bounds { min: Bound::Text(min), max: Bound::Text(max) }, min_is_exact, max_is_exact)) => {
            let (min, max) = (Some(ByteArray::from(min)), Some(ByteArray::from(max)));
            let known = ValueStatistics::new(min, max, None, nulls, false);
            Statistics::ByteArray(known.with_min_is_exact(min_is_exact).with_max_is_exact(max_is_exact))
        }
        _ => unbounded(physical, nulls),
    }
}

fn unbounded(physical: Type, nulls: Option<u64>) -> Statistics {
    match physical {
        Type::BOOLEAN => Statistics::boolean(None, None, None, nulls, false),
        Type::INT32 => Statistics::int32(None, None, None, nulls, false),
        Type::INT64 => Statistics::int64(None, None, None, nulls, false),
        Type::INT96 => Statistics::int96(None, None, None, nulls, false),
        Type::FLOAT => Statistics::float(None, None, None, nulls, false),
        Type::DOUBLE => Statistics::double(None, None, None, nulls, false),
        Type::BYTE_ARRAY => Statistics::byte_array(None, None, None, nulls, false),
        Type::FIXED_LEN_BYTE_ARRAY => Statistics::fixed_len_byte_array(None, None, None, nulls, false),
    }
}

/// Whether the bounds of pages rise or fall from page to page.
pub(super) fn order(pages: &[Bounds]) -> BoundaryOrder {
    if pages.array_windows().all(|[one, next]| one.min <= next.min && one.max <= next.max) {
        BoundaryOrder::ASCENDING
    } else if pages.array_windows().all(|[one, next]| one.min >= next.min && one.max >= next.max) {
        BoundaryOrder::DESCENDING
    } else {
        BoundaryOrder::UNORDERED
    }
}

impl Bound {
    /// As the format writes it.
    pub(super) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Flag(flag) => vec![u8::from(*flag)],
            Self::Int32(value) => value.to_le_bytes().to_vec(),
            Self::Int64(value) => value.to_le_bytes().to_vec(),
            Self::Float(value) => value.to_le_bytes().to_vec(),
            Self::Double(value) => value.to_le_bytes().to_vec(),
            Self::Text(text) => text.clone(),
        }
    }
}

fn ends<T: PartialOrd + Copy>(mut values: impl Iterator<Item = T>) -> Option<(T, T)> {
    let first = values.next()?;
    Some(values.fold((first, first), |(min, max), value| {
        (if value < min { value } else { min }, if value > max { value } else { max })
    }))
}

/// The first bytes of a text as a number of the same order.
fn beginning(text: &[u8]) -> u128 {
    const BYTES: usize = size_of::<u128>();
    if let Some(first) = text.first_chunk::<BYTES>() {
        return u128::from_be_bytes(*first);
    }
    let mut padded = [0; BYTES];
    padded[..text.len()].copy_from_slice(text);
    u128::from_be_bytes(padded)
}

/// By their first bytes, by all of them where these are the same.
fn compare(one: (u128, &[u8]), other: (u128, &[u8])) -> Ordering {
    one.0.cmp(&other.0).then_with(|| one.1.cmp(other.1))
}

fn text_ends(plain: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut texts = page::texts(plain).map(|text| (beginning(text), text));
    let first = texts.next()?;
    let (mut min, mut max) = (first, first);
    for text in texts {
        if compare(text, min).is_lt() {
            min = text;
        } else if compare(text, max).is_gt() {
            max = text;
        }
    }
    Some((min.1, max.1))
}

/// A beginning of the text that is not too long.
fn cut_at(text: &[u8], is_utf8: bool) -> &[u8] {
    let Some(mut end) = (text.len() > MAX_TEXT_BYTES).then_some(MAX_TEXT_BYTES) else { return text };
    // No character is cut in two.
    while is_utf8 && end > 0 && text[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    &text[..end]
}

/// What is above all texts that begin like a long one; `None` where it is short, or there is nothing above.
fn cut_above(text: &[u8], is_utf8: bool) -> Option<Vec<u8>> {
    let head = cut_at(text, is_utf8);
    if head.len() == text.len() {
        return None;
    }
    if !is_utf8 {
        let last = head.iter().rposition(|byte| *byte < u8::MAX)?;
        let mut above = head[..=last].to_vec();
        above[last] += 1;
        return Some(above);
    }
    let mut characters: Vec<char> = std::str::from_utf8(head).ok()?.chars().collect();
    while let Some(last) = characters.pop() {
        let next = (last..=char::MAX).nth(1);
        if let Some(next) = next.filter(|next| next.len_utf8() == last.len_utf8()) {
            characters.push(next);
            return Some(characters.into_iter().collect::<String>().into_bytes());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(texts: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        texts.iter().for_each(|text| page::push_text(&mut out, text.as_bytes()));
        out
    }

    #[test]
    fn of_texts() {
        let long = "y".repeat(20);
        let texts = ["order note 12345", "order note 1234", &long, "", "order note 12345x"];
        let bounds = Bounds::of(Type::BYTE_ARRAY, &plain(&texts)).unwrap();
        assert_eq!(bounds.min, Bound::Text(Vec::new()));
        assert_eq!(bounds.max, Bound::Text(long.clone().into_bytes()));
        assert!(Bounds::of(Type::BYTE_ARRAY, &[]).is_none());
    }

    #[test]
    fn long_texts_are_cut_to_bounds() {
        let text = "é".repeat(40) + "\u{10ffff}";
        let bound = Bound::Text(text.clone().into_bytes());
        let (cut, min_is_exact, max_is_exact) = Bounds { min: bound.clone(), max: bound }.cut(true);
        assert!(!min_is_exact && !max_is_exact);
        let (Bound::Text(min), Bound::Text(max)) = (cut.min, cut.max) else { panic!("texts") };
        assert!(min.len() <= MAX_TEXT_BYTES && min.as_slice() < text.as_bytes());
        assert!(max.len() <= MAX_TEXT_BYTES && max.as_slice() > text.as_bytes());
        assert!(std::str::from_utf8(&min).is_ok() && std::str::from_utf8(&max).is_ok());
        assert_eq!(cut_above(&[255; 80], false), None);
        assert_eq!(cut_above(&"\u{10ffff}".repeat(20).into_bytes(), true), None);
    }

    #[test]
    fn of_numbers() {
        let doubles: Vec<u8> =
            [f64::NAN, 0.0, 3.5, f64::NAN].into_iter().flat_map(f64::to_le_bytes).collect();
        let bounds = Bounds::of(Type::DOUBLE, &doubles).unwrap();
        assert_eq!(bounds.min.bytes(), (-0.0f64).to_le_bytes());
        assert_eq!(bounds.max, Bound::Double(3.5));
        assert!(Bounds::of(Type::DOUBLE, &f64::NAN.to_le_bytes()).is_none());
        let ints: Vec<u8> = [3, -7, i32::MAX].into_iter().flat_map(i32::to_le_bytes).collect();
        let bounds = Bounds::of(Type::INT32, &ints).unwrap();
        assert_eq!((bounds.min, bounds.max), (Bound::Int32(-7), Bound::Int32(i32::MAX)));
    }
}
