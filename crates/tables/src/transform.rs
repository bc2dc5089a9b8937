//! Partition transforms on columns of rows, and the values that they make.
//!
//! Source: Apache Iceberg table specification, "Partition Transforms" and "Appendix B: 32-bit Hash Requirements".

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Date32Array, Decimal128Array, Int32Array, StringArray,
};
use arrow::compute::{DatePart, date_part};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use arrow::error::ArrowError;

use crate::metadata::Transform;

const MICROS_PER_DAY: i64 = 86_400_000_000;
const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// The type of what a transform makes of values of this type; `None` where it cannot be applied here: to times with a zone,
/// nested values, and so on.
pub fn transformed_type(transform: &Transform, source: &DataType) -> Option<DataType> {
    use DataType::{Binary, Boolean, Date32, Decimal128, Int32, Int64, Timestamp, Utf8};
    let is_time = matches!(source, Timestamp(TimeUnit::Microsecond, None));
    let is_whole = matches!(source, Int32 | Int64 | Decimal128(..));
    let made = match transform {
        Transform::Identity if is_time || is_whole || matches!(source, Boolean | Date32 | Utf8) => {
            source.clone()
        }
        Transform::Bucket(_) if is_time || is_whole || matches!(source, Date32 | Utf8 | Binary) => Int32,
        Transform::Truncate(_) if is_whole || *source == Utf8 => source.clone(),
        Transform::Year | Transform::Month if is_time || *source == Date32 => Int32,
        Transform::Day if is_time || *source == Date32 => Date32,
        Transform::Hour if is_time => Int32,
        _ => return None,
    };
    Some(made)
}

/// The values of a partition field for the values of its column; null for null.
/// Errors: where [`transformed_type`] knows none.
pub fn transform(transform: &Transform, source: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if transformed_type(transform, source.data_type()).is_none() {
        let what = format!("{transform} cannot be applied to values of type {}", source.data_type());
        return Err(ArrowError::NotYetImplemented(what));
    }
    Ok(match transform {
        Transform::Bucket(count) => Arc::new(bucket(source, *count)),
        Transform::Truncate(width) => truncate(source, *width)?,
        Transform::Year => Arc::new(years(source)?),
        Transform::Month => {
            let months = date_part(source, DatePart::Month)?;
            let months = months.as_primitive::<Int32Type>().iter();
            let of = |(year, month): (Option<i32>, Option<i32>)| Some(year? * 12 + month? - 1);
            Arc::new(years(source)?.iter().zip(months).map(of).collect::<Int32Array>())
        }
        Transform::Day => match source.data_type() {
            DataType::Date32 => Arc::clone(source),
            _ => Arc::new(floored(source, MICROS_PER_DAY).collect::<Date32Array>()),
        },
        Transform::Hour => Arc::new(floored(source, MICROS_PER_HOUR).collect::<Int32Array>()),
        _ => Arc::clone(source),
    })
}

/// Years since 1970.
fn years(source: &ArrayRef) -> Result<Int32Array, ArrowError> {
    let years = date_part(source, DatePart::Year)?;
    Ok(years.as_primitive::<Int32Type>().unary(|year| year - 1970))
}

fn floored(source: &ArrayRef, unit: i64) -> impl Iterator<Item = Option<i32>> + '_ {
    let micros = source.as_primitive::<TimestampMicrosecondType>().iter();
    // Some 292,000 years of microseconds have fewer hours than an i32 has numbers.
    micros.map(move |micros| micros.map(|micros| micros.div_euclid(unit) as i32))
}

fn truncate(source: &ArrayRef, width: u32) -> Result<ArrayRef, ArrowError> {
    let wide = i64::from(width);
    Ok(match source.data_type() {
        DataType::Int32 => Arc::new(source.as_primitive::<Int32Type>().unary::<_, Int32Type>(|number| {
            // What is below the smallest number wraps around, as it does for writers in Java.
            number.wrapping_sub(i64::from(number).rem_euclid(wide) as i32)
        })),
        DataType::Int64 => {
            let cut = |number: i64| number.wrapping_sub(number.rem_euclid(wide));
            Arc::new(source.as_primitive::<Int64Type>().unary::<_, Int64Type>(cut))
        }
        DataType::Decimal128(precision, scale) => {
            let cut = |number: i128| number.wrapping_sub(number.rem_euclid(i128::from(width)));
            let cut: Decimal128Array = source.as_primitive::<Decimal128Type>().unary(cut);
            Arc::new(cut.with_precision_and_scale(*precision, *scale)?)
        }
        _ => {
            let cut = |text: &str| {
                let end = text.char_indices().nth(width as usize).map_or(text.len(), |(end, _)| end);
                text[..end].to_owned()
            };
            let texts = source.as_string::<i32>().iter().map(|text| text.map(cut));
            Arc::new(texts.collect::<StringArray>())
        }
    })
}

fn bucket(source: &ArrayRef, count: u32) -> Int32Array {
    let of = |hash: u32| ((hash & 0x7fff_ffff) % count) as i32;
    let number = |number: i64| of(murmur3(&number.to_le_bytes()));
    match source.data_type() {
        DataType::Int32 => source.as_primitive::<Int32Type>().unary(|value| number(value.into())),
        DataType::Date32 => source.as_primitive::<Date32Type>().unary(|value| number(value.into())),
        DataType::Int64 => source.as_primitive::<Int64Type>().unary(number),
        DataType::Timestamp(..) => source.as_primitive::<TimestampMicrosecondType>().unary(number),
        DataType::Decimal128(..) => {
            source.as_primitive::<Decimal128Type>().unary(|value| of(murmur3(&shortest(value))))
        }
        DataType::Binary => {
            let bytes: &BinaryArray = source.as_binary();
            bytes.iter().map(|bytes| bytes.map(|bytes| of(murmur3(bytes)))).collect()
        }
        _ => {
            let texts = source.as_string::<i32>().iter();
            texts.map(|text| text.map(|text| of(murmur3(text.as_bytes())))).collect()
        }
    }
}

/// The fewest bytes in two's complement, the highest first.
fn shortest(number: i128) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let is_spare = |at: usize| {
        let sign = if bytes[at + 1] & 0x80 == 0 { 0 } else { 0xff };
        bytes[at] == sign
    };
    let begin = (0..bytes.len() - 1).find(|at| !is_spare(*at)).unwrap_or(bytes.len() - 1);
    bytes[begin..].to_vec()
}

/// Murmur3, the 32-bit variant for x86, with the seed 0.
fn murmur3(bytes: &[u8]) -> u32 {
    const C1: u32 = 0xcc9e_2d51;
    const C2: u32 = 0x1b87_3593;
    let mixed = |word: u32| word.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2);
    let (words, rest) = bytes.as_chunks::<4>();
    let mut hash = 0_u32;
    for word in words {
        hash = (hash ^ mixed(u32::from_le_bytes(*word))).rotate_left(13);
        hash = hash.wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    if !rest.is_empty() {
        let word = rest.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
        hash ^= mixed(word);
    }
    hash ^= bytes.len() as u32;
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, TimestampMicrosecondArray};

    use super::*;

    fn made(by: &str, source: impl Array + 'static) -> ArrayRef {
        transform(&Transform::parse(by), &(Arc::new(source) as ArrayRef)).expect(by)
    }

    fn numbers(array: &ArrayRef) -> Vec<Option<i32>> {
        match array.data_type() {
            DataType::Date32 => array.as_primitive::<Date32Type>().iter().collect(),
            _ => array.as_primitive::<Int32Type>().iter().collect(),
        }
    }

    /// The specification's own examples (Appendix B).
    #[test]
    fn hashes_are_those_of_the_specification() {
        let cases: [(&[u8], i32); 5] = [
            (&34_i64.to_le_bytes(), 2_017_239_379),
            (&shortest(1420), -500_754_589),
            (&17_486_i64.to_le_bytes(), -653_330_422),
            ("iceberg".as_bytes(), 1_210_000_089),
            (&[0, 1, 2, 3], -188_683_207),
        ];
        for (bytes, hash) in cases {
            assert_eq!(murmur3(bytes).cast_signed(), hash, "{bytes:?}");
        }
        for (number, bytes) in
            [(0, vec![0]), (127, vec![127]), (128, vec![0, 128]), (-128, vec![128]), (-129, vec![255, 127])]
        {
            assert_eq!(shortest(number), bytes, "{number}");
        }
    }

    #[test]
    fn buckets() {
        assert_eq!(
            numbers(&made("bucket[16]", Int64Array::from(vec![Some(34), None]))),
            [Some(2_017_239_379 % 16), None]
        );
        assert_eq!(
            numbers(&made("bucket[16]", Int32Array::from(vec![34]))),
            numbers(&made("bucket[16]", Int64Array::from(vec![34])))
        );
        let hash = (-188_683_207_i32 & i32::MAX) % 7;
        let bytes = BinaryArray::from_vec(vec![&[0, 1, 2, 3]]);
        assert_eq!(numbers(&made("bucket[7]", bytes)), [Some(hash)]);
        assert_eq!(
            numbers(&made("bucket[5]", StringArray::from(vec!["iceberg"]))),
            [Some(1_210_000_089 % 5)]
        );
    }

    #[test]
    fn truncations() {
        let cut = made("truncate[10]", Int32Array::from(vec![1, -1, 17, i32::MIN]));
        assert_eq!(numbers(&cut)[..3], [Some(0), Some(-10), Some(10)]);
        let cut =
            made("truncate[3]", StringArray::from(vec![Some("iceberg"), Some("äöüß"), Some("a"), None]));
        let expected = [Some("ice"), Some("äöü"), Some("a"), None];
        assert_eq!(cut.as_string::<i32>().iter().collect::<Vec<_>>(), expected);
        let decimals = Decimal128Array::from(vec![1065, -5]).with_precision_and_scale(9, 2).expect("decimal");
        let cut = made("truncate[50]", decimals);
        assert_eq!(cut.as_primitive::<Decimal128Type>().values(), &[1050, -50]);
    }

    #[test]
    fn parts_of_times() {
        // 2017-11-16T22:31:08, 1969-12-31T23:59:59.999999, 1970-01-01T00:00:00.
        let times = [Some(1_510_871_468_000_000), Some(-1), Some(0), None];
        for (by, expected) in [
            ("year", [Some(47), Some(-1), Some(0), None]),
            ("month", [Some(574), Some(-1), Some(0), None]),
            ("day", [Some(17_486), Some(-1), Some(0), None]),
            ("hour", [Some(419_686), Some(-1), Some(0), None]),
        ] {
            assert_eq!(numbers(&made(by, TimestampMicrosecondArray::from(times.to_vec()))), expected, "{by}");
        }
        let days = Date32Array::from(vec![17_486, -1]);
        assert_eq!(numbers(&made("month", days.clone())), [Some(574), Some(-1)]);
        assert_eq!(numbers(&made("day", days.clone())), [Some(17_486), Some(-1)]);
        let hour = transform(&Transform::Hour, &(Arc::new(days) as ArrayRef));
        assert!(hour.expect_err("no hours").to_string().contains("hour cannot be applied"));
    }
}
