//! Values to text.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray};
use arrow::compute::cast as arrow_cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, TimestampMicrosecondType,
    i256,
};
use chrono::{DateTime, Datelike, NaiveDate};
use datafusion::error::Result;
use engine::EngineError;

/// Values of any simple type as text.
pub(super) fn text(values: &ArrayRef) -> Result<ArrayRef> {
    fn all(texts: impl Iterator<Item = Option<String>>) -> ArrayRef {
        Arc::new(texts.collect::<StringArray>())
    }
    Ok(match values.data_type() {
        DataType::Float64 => {
            all(values.as_primitive::<Float64Type>().iter().map(|value| value.map(double_text)))
        }
        DataType::Float32 => {
            all(values.as_primitive::<Float32Type>().iter().map(|value| value.map(float_text)))
        }
        DataType::Decimal128(_, scale) => {
            let decimals = values.as_primitive::<Decimal128Type>().iter();
            all(decimals.map(|value| Some(decimal_text(i256::from_i128(value?), i32::from(*scale)))))
        }
        DataType::Decimal256(_, scale) => {
            let decimals = values.as_primitive::<Decimal256Type>().iter();
            all(decimals.map(|value| Some(decimal_text(value?, i32::from(*scale)))))
        }
        DataType::Date32 => {
            let dates = values.as_primitive::<Date32Type>().iter();
            all(dates.map(|days| Some(date_text(NaiveDate::from_epoch_days(days?)?))))
        }
        DataType::Timestamp(..) => {
            let times = values.as_primitive::<TimestampMicrosecondType>().iter();
            all(times.map(|micros| timestamp_text(micros?)))
        }
        DataType::Boolean => {
            let truths: &BooleanArray = values.as_boolean();
            all(truths.iter().map(|truth| truth.map(|truth| truth.to_string())))
        }
        DataType::Binary => {
            let mut texts = Vec::with_capacity(values.len());
            for bytes in values.as_binary::<i32>() {
                let text = bytes.map(|bytes| String::from_utf8(bytes.to_vec())).transpose();
                let message = "binary that is not UTF-8 cannot be cast to string".to_owned();
                texts.push(text.map_err(|_| EngineError::Execution { message }.into_datafusion())?);
            }
            all(texts.into_iter())
        }
        _ => arrow_cast(values, &DataType::Utf8)?,
    })
}

/// As Java writes doubles.
pub(super) fn double_text(value: f64) -> String {
    java(value, &format!("{value:e}"))
}

fn float_text(value: f32) -> String {
    java(value.into(), &format!("{value:e}"))
}

/// `scientific` is the shortest text that reads as the number.
fn java(value: f64, scientific: &str) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value == 0.0 || (-3..7).contains(&exponent) {
        let plain = plain(mantissa, exponent);
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let point = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{point}E{exponent}")
}

fn plain(mantissa: &str, exponent: i32) -> String {
    let (sign, unsigned) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let Ok(shift) = usize::try_from(exponent) else {
        let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or(0));
        return format!("{sign}0.{zeros}{whole}{fraction}");
    };
    let (moved, rest) = fraction.split_at_checked(shift).unwrap_or((fraction, ""));
    let zeros = "0".repeat(shift.saturating_sub(fraction.len()));
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{whole}{moved}{zeros}{point}{rest}")
}

/// Digits with a point.
pub(super) fn plain_decimal(unscaled: i256, scale: i32) -> String {
    let digits = unscaled.to_string();
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |rest| ("-", rest));
    let scale = usize::try_from(scale).unwrap_or(0);
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// As Java writes decimals: small ones with an exponent.
fn decimal_text(unscaled: i256, scale: i32) -> String {
    let digits = unscaled.to_string();
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |rest| ("-", rest));
    let length = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let exponent = length - 1 - scale;
    if exponent >= -6 {
        return plain_decimal(unscaled, scale);
    }
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{first}{point}{rest}E{exponent}")
}

fn date_text(date: NaiveDate) -> String {
    let (year, sign) = match date.year() {
        year if year < 0 => (-year, "-"),
        year if year > 9999 => (year, "+"),
        year => (year, ""),
    };
    format!("{sign}{year:04}-{:02}-{:02}", date.month(), date.day())
}

/// Seconds, and a fraction without its trailing zeros where there is one.
fn timestamp_text(micros: i64) -> Option<String> {
    let moment = DateTime::from_timestamp_micros(micros)?.naive_utc();
    let mut text = format!("{} {}", date_text(moment.date()), moment.format("%H:%M:%S"));
    let fraction = micros.rem_euclid(super::MICROS);
    if fraction != 0 {
        // Writing to a text does not fail.
        let _ = write!(text, ".{fraction:06}");
        text.truncate(text.trim_end_matches('0').len());
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_java_writes_them() {
        let cases = [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (123_456.75, "123456.75"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (1.5e10, "1.5E10"),
            (0.001, "0.001"),
            (0.000_25, "2.5E-4"),
            (-0.0, "-0.0"),
            (-12.5, "-12.5"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, expected) in cases {
            assert_eq!(double_text(value), expected);
        }
        assert_eq!(float_text(0.1), "0.1");
        assert_eq!(decimal_text(i256::from_i128(150), 2), "1.50");
        assert_eq!(decimal_text(i256::from_i128(-5), 3), "-0.005");
        assert_eq!(decimal_text(i256::from_i128(1), 7), "1E-7");
        assert_eq!(decimal_text(i256::from_i128(0), 7), "0E-7");
        assert_eq!(decimal_text(i256::from_i128(12), 9), "1.2E-8");
    }

    #[test]
    fn times() {
        assert_eq!(timestamp_text(1_500_000).as_deref(), Some("1970-01-01 00:00:01.5"));
        assert_eq!(timestamp_text(-1).as_deref(), Some("1969-12-31 23:59:59.999999"));
        assert_eq!(date_text(NaiveDate::from_ymd_opt(12_000, 1, 1).unwrap()), "+12000-01-01");
    }
}
