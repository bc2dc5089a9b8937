//! Numbers whose digits a floating-point number may not hold.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Builder};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Decimal128Type};

use super::{cast, scale};

/// Whole numbers are exact as floating-point numbers up to 2^53 (2^24): refuses those that are not.
pub(super) fn kept(array: &ArrayRef, made: ArrayRef) -> Result<ArrayRef, String> {
    if !array.data_type().is_integer() || !made.data_type().is_floating() {
        return Ok(made);
    }
    // Lenient: what does not even fit back is NULL, and differs.
    let back =
        cast_with_options(&made, array.data_type(), &CastOptions::default()).map_err(|e| e.to_string())?;
    match back.as_ref() == array.as_ref() {
        true => Ok(made),
        false => Err("digits of a whole number would be lost".to_owned()),
    }
}

/// Decimals of so many digits come back from a `double` as they were.
pub(super) const EXACT: u8 = 15;

/// How many digits a decimal has; of another type none.
pub(super) fn of(data_type: &DataType) -> u8 {
    match data_type {
        DataType::Decimal32(digits, _)
        | DataType::Decimal64(digits, _)
        | DataType::Decimal128(digits, _)
        | DataType::Decimal256(digits, _) => *digits,
        _ => 0,
    }
}

/// Decimals of many digits as the nearest `double`s: refuses those that these are not spelled like.
pub(super) fn doubles(array: &ArrayRef) -> Result<ArrayRef, String> {
    let wide = cast(array, &DataType::Decimal128(38, scale(array.data_type())))?;
    let wide = wide.as_primitive::<Decimal128Type>();
    let mut made = Float64Builder::with_capacity(wide.len());
    for row in 0..wide.len() {
        if wide.is_null(row) {
            made.append_null();
            continue;
        }
        let text = wide.value_as_string(row);
        let nearest: f64 = text.parse().map_err(|_| format!("{text} is no number"))?;
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        if nearest != 0.0 && nearest.to_string() != text {
            return Err("digits of a decimal would be lost".to_owned());
        }
        made.append_value(nearest);
    }
    Ok(Arc::new(made.finish()))
}

#[cfg(test)]
mod tests {
    use arrow::array::Decimal128Array;
    use arrow::datatypes::Float64Type;

    use super::super::conform;
    use super::*;

    #[test]
    fn decimals_are_doubles_or_refused() {
        let to = |numbers: Vec<i128>, digits: u8, scale: i8| {
            let numbers = Decimal128Array::from(numbers).with_precision_and_scale(digits, scale).unwrap();
            let made = conform(&(Arc::new(numbers) as ArrayRef), &DataType::Float64)?;
            Ok::<Vec<f64>, String>(made.as_primitive::<Float64Type>().values().to_vec())
        };
        assert_eq!(to(vec![125, -5, 0], 10, 2).unwrap(), [1.25, -0.05, 0.0]);
        // Many places, few digits.
        let places = vec![1_234_567_890_123_000_000, 1_000_000_000_000_000, 0, -100_000_000_000_000_000];
        assert_eq!(to(places, 38, 18).unwrap(), [1.234567890123, 0.001, 0.0, -0.1]);
        assert_eq!(to(vec![10_i128.pow(30)], 38, 0).unwrap(), [1e30]);
        for scale in [0, 2, 18] {
            let lost = to(vec![1, 1_234_567_890_123_456_789], 38, scale);
            assert_eq!(lost.unwrap_err(), "digits of a decimal would be lost");
        }
        assert!(to(vec![9_007_199_254_740_993], 38, 0).is_err());
        // Of sixteen digits some are.
        assert_eq!(to(vec![1_234_567_890_123_456], 38, 2).unwrap(), [12_345_678_901_234.56]);
    }
}
