//! Text as numbers the way casts of Glue and Spark (without ANSI mode) take it: white space around is ignored, a whole
//! number may be written with a fraction, which it loses, and what is no number, or none of the type, is NULL.

use arrow::array::{Array, ArrayRef, StringArray};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::column::{Column, Mismatch};
use super::value;
use crate::hive::shown;

/// Whether [`cast_text`] and [`crate::ReadOptions::cast_columns`] make this type of text.
pub fn casts_text_to(wanted: &DataType) -> bool {
    use DataType::{Decimal128, Float32, Float64, Int8, Int16, Int32, Int64};
    match wanted {
        Int8 | Int16 | Int32 | Int64 | Float32 | Float64 => true,
        Decimal128(_, scale) => *scale >= 0,
        _ => false,
    }
}

/// Each text as a number of type `wanted`, NULL where it is none.
///
/// # Errors
/// A type that [`casts_text_to`] does not name.
pub fn cast_text(texts: &StringArray, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    let refused = |what: String| ArrowError::CastError(what);
    if !casts_text_to(wanted) {
        return Err(refused(format!("text as {}", shown(wanted))));
    }
    let mut column = Column::new(wanted).map_err(refused)?;
    for row in 0..texts.len() {
        if texts.is_null(row) {
            column.append_null();
            continue;
        }
        let text = texts.value(row).as_bytes();
        column.append_cast(text).map_err(|_| refused(format!("text as {}", shown(wanted))))?;
    }
    column.finish(wanted)
}

impl Column {
    /// Appends the number that `text` spells, or NULL. Appends nothing to text that is not UTF-8, and to no number.
    #[inline]
    pub(crate) fn append_cast(&mut self, text: &[u8]) -> Result<(), Mismatch> {
        match self.append_text(text) {
            Err(Mismatch::Value) => self.append_truncated(text),
            other => other,
        }
    }

    fn append_truncated(&mut self, text: &[u8]) -> Result<(), Mismatch> {
        if std::str::from_utf8(text).is_err() {
            return Err(Mismatch::Utf8);
        }
        // Digits that are not parsed as they are are too many.
        let is_whole = text.trim_ascii().iter().all(|byte| byte.is_ascii_digit() || b"+-".contains(byte));
        let of_float = || value::float(text).filter(|_| !is_whole).and_then(whole);
        let whole = without_fraction(text).or_else(of_float);
        let appended = match self {
            Self::Int64(c) => c.push_parsed(whole),
            Self::Int32(c) => c.push_parsed(whole.and_then(|v| v.try_into().ok())),
            Self::Int16(c) => c.push_parsed(whole.and_then(|v| v.try_into().ok())),
            Self::Int8(c) => c.push_parsed(whole.and_then(|v| v.try_into().ok())),
            _ => Err(Mismatch::Value),
        };
        if appended.is_err() {
            self.append_null();
        }
        Ok(())
    }
}

/// The whole part of a number that is written with a point and without an exponent: exact, however long.
fn without_fraction(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    let point = text.iter().position(|byte| *byte == b'.')?;
    let is_plain = text[point + 1..].iter().all(u8::is_ascii_digit);
    is_plain.then(|| value::int(&text[..point])).flatten()
}

/// The number without its fraction, where that is one of 64 bits.
fn whole(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (-LIMIT..LIMIT).contains(&number).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::{Decimal128Type, Float64Type, Int8Type, Int64Type};

    use super::*;

    fn texts() -> StringArray {
        let long = "9223372036854775808";
        StringArray::from(vec![
            Some(" 12 "),
            Some("12.7"),
            Some("-0.9"),
            Some("1e3"),
            Some("x"),
            Some(""),
            None,
            Some(long),
            Some("NaN"),
            Some("300"),
        ])
    }

    #[test]
    fn whole_numbers_lose_fractions_and_bad_ones_are_null() {
        let cast = cast_text(&texts(), &DataType::Int64).unwrap();
        let found: Vec<Option<i64>> = cast.as_primitive::<Int64Type>().iter().collect();
        let wanted = [Some(12), Some(12), Some(0), Some(1000), None, None, None, None, None, Some(300)];
        assert_eq!(found, wanted);
        let small = cast_text(&texts(), &DataType::Int8).unwrap();
        let found: Vec<Option<i8>> = small.as_primitive::<Int8Type>().iter().collect();
        assert_eq!(found, [Some(12), Some(12), Some(0), None, None, None, None, None, None, None]);
    }

    #[test]
    fn long_numbers_and_decimals_are_exact() {
        let long = [
            "9007199254740993.0",
            "9223372036854775807.9",
            "-9223372036854775808.5",
            ".5",
            "1.2.3",
            "-9223372036854775808",
            "-9223372036854775809",
            "9223372036854775808",
        ];
        let cast = cast_text(&StringArray::from(long.to_vec()), &DataType::Int64).unwrap();
        let found: Vec<Option<i64>> = cast.as_primitive::<Int64Type>().iter().collect();
        assert_eq!(
            found,
            [
                Some(9_007_199_254_740_993),
                Some(i64::MAX),
                Some(i64::MIN),
                Some(0),
                None,
                Some(i64::MIN),
                None,
                None
            ]
        );
        let texts = StringArray::from(vec!["1e3", "1.5e1", "12e-1", "-2.345", "123456789012.5", "x"]);
        let cast = cast_text(&texts, &DataType::Decimal128(10, 2)).unwrap();
        let found: Vec<Option<i128>> = cast.as_primitive::<Decimal128Type>().iter().collect();
        assert_eq!(found, [Some(100_000), Some(1_500), Some(120), Some(-235), None, None]);
    }

    #[test]
    fn numbers_with_fractions() {
        let cast = cast_text(&texts(), &DataType::Float64).unwrap();
        let found: Vec<Option<f64>> = cast.as_primitive::<Float64Type>().iter().take(8).collect();
        let long = Some(9_223_372_036_854_775_808.0);
        assert_eq!(found, [Some(12.0), Some(12.7), Some(-0.9), Some(1000.0), None, None, None, long]);
        assert!(cast.as_primitive::<Float64Type>().value(8).is_nan());
        assert!(cast_text(&texts(), &DataType::Date32).is_err());
    }
}
