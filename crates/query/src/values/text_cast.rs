//! Casts from text that take exactly what Trino takes.
//!
//! Our engine's own casts are generous (`'yes'` is true, `'20200102'` a date, a zone shifts a timestamp); these read
//! the forms that Trino documents and report everything else.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder,
    Float64Builder, Int8Builder, Int16Builder, Int32Builder, Int64Builder, TimestampMillisecondBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use engine::EngineError;

/// What text is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    Boolean,
    Date,
    /// Milliseconds, as Trino's `timestamp`.
    Timestamp,
    Real,
    Double,
    TinyInt,
    SmallInt,
    Integer,
    BigInt,
    /// Digits and scale.
    Decimal(u8, i8),
}

impl Target {
    /// The target for a type; `None` when our engine's own cast agrees with Trino's.
    pub(crate) fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Boolean => Some(Self::Boolean),
            DataType::Date32 => Some(Self::Date),
            DataType::Timestamp(_, None) => Some(Self::Timestamp),
            DataType::Float32 => Some(Self::Real),
            DataType::Float64 => Some(Self::Double),
            DataType::Int8 => Some(Self::TinyInt),
            DataType::Int16 => Some(Self::SmallInt),
            DataType::Int32 => Some(Self::Integer),
            DataType::Int64 => Some(Self::BigInt),
            DataType::Decimal128(precision, scale) => Some(Self::Decimal(*precision, *scale)),
            _ => None,
        }
    }

    /// What Trino says of a text that is none of these, or of a number of another type, `from`.
    fn refusal(self, text: &str, from: Option<&str>) -> String {
        let named = |name: &str| format!("Cannot cast '{text}' to {name}");
        match self {
            Self::Boolean => named("BOOLEAN"),
            Self::Date => format!("Value cannot be cast to date: {text}"),
            Self::Timestamp => format!("Value cannot be cast to timestamp: {text}"),
            Self::Real => named("REAL"),
            Self::Double => named("DOUBLE"),
            Self::TinyInt => named("TINYINT"),
            Self::SmallInt => named("SMALLINT"),
            Self::Integer => named("INT"),
            Self::BigInt => named("BIGINT"),
            Self::Decimal(precision, scale) if let Some(from) = from => {
                format!("Cannot cast {} '{text}' to DECIMAL({precision}, {scale})", from.to_uppercase())
            }
            Self::Decimal(precision, scale) => {
                let why = if plain_decimal(text).is_some() { "too large" } else { "not a number" };
                format!("Cannot cast VARCHAR '{text}' to DECIMAL({precision}, {scale}). Value is {why}.")
            }
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Timestamp => super::MILLIS,
            Self::Real => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::TinyInt => DataType::Int8,
            Self::SmallInt => DataType::Int16,
            Self::Integer => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::Decimal(precision, scale) => DataType::Decimal128(precision, scale),
        }
    }
}

/// A cast from text as a function of our engine.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct TextCast {
    target: Target,
    /// `TRY_CAST`: NULL for what cannot be read.
    lenient: bool,
    /// The type of the numbers that were made text first.
    from: Option<&'static str>,
    signature: Signature,
}

impl TextCast {
    pub(crate) fn new(target: Target, lenient: bool) -> Self {
        Self { target, lenient, from: None, signature: Signature::string(1, Volatility::Immutable) }
    }

    /// A cast of numbers by way of their text.
    pub(crate) fn of_numbers(target: Target, lenient: bool, from: &DataType) -> Self {
        Self { from: Some(crate::types::name(from)), ..Self::new(target, lenient) }
    }

    /// Reads every value; a NULL stays one.
    fn read<T>(
        &self,
        array: &ArrayRef,
        parse: impl Fn(&str) -> Option<T>,
        mut push: impl FnMut(Option<T>),
    ) -> Result<()> {
        let text = cast(array, &DataType::Utf8)?;
        for value in text.as_string::<i32>() {
            let read = value.and_then(&parse);
            if let (Some(value), None, false) = (value, &read, self.lenient) {
                return Err(EngineError::InvalidCast { what: self.target.refusal(value, self.from) }
                    .into_datafusion());
            }
            push(read);
        }
        Ok(())
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        macro_rules! read {
            ($builder:ident, $parse:expr) => {{
                let mut out = $builder::with_capacity(array.len());
                self.read(array, $parse, |value| out.append_option(value))?;
                Arc::new(out.finish())
            }};
        }
        Ok(match self.target {
            Target::Boolean => read!(BooleanBuilder, boolean),
            Target::Date => read!(Date32Builder, date),
            Target::Timestamp => read!(TimestampMillisecondBuilder, timestamp),
            Target::Real => read!(Float32Builder, |text| number(text)?.parse().ok()),
            Target::Double => read!(Float64Builder, |text| number(text)?.parse().ok()),
            Target::TinyInt => read!(Int8Builder, |text| text.parse().ok()),
            Target::SmallInt => read!(Int16Builder, |text| text.parse().ok()),
            Target::Integer => read!(Int32Builder, |text| text.parse().ok()),
            Target::BigInt => read!(Int64Builder, |text| text.parse().ok()),
            Target::Decimal(precision, scale) => {
                let mut out = Decimal128Builder::with_capacity(array.len())
                    .with_precision_and_scale(precision, scale)?;
                self.read(array, |text| decimal(text, precision, scale), |value| out.append_option(value))?;
                Arc::new(out.finish())
            }
        })
    }
}

impl ScalarUDFImpl for TextCast {
    fn name(&self) -> &str {
        match (self.target, self.lenient) {
            (Target::Boolean, false) => "text_to_boolean",
            (Target::Boolean, true) => "try_text_to_boolean",
            (Target::Date, false) => "text_to_date",
            (Target::Date, true) => "try_text_to_date",
            (Target::Timestamp, false) => "text_to_timestamp",
            (Target::Timestamp, true) => "try_text_to_timestamp",
            (Target::Real, false) => "text_to_real",
            (Target::Real, true) => "try_text_to_real",
            (Target::Double, false) => "text_to_double",
            (Target::Double, true) => "try_text_to_double",
            (Target::TinyInt, false) => "text_to_tinyint",
            (Target::TinyInt, true) => "try_text_to_tinyint",
            (Target::SmallInt, false) => "text_to_smallint",
            (Target::SmallInt, true) => "try_text_to_smallint",
            (Target::Integer, false) => "text_to_integer",
            (Target::Integer, true) => "try_text_to_integer",
            (Target::BigInt, false) => "text_to_bigint",
            (Target::BigInt, true) => "try_text_to_bigint",
            (Target::Decimal(..), false) => "text_to_decimal",
            (Target::Decimal(..), true) => "try_text_to_decimal",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.target.data_type())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match &args.args[..] {
            [ColumnarValue::Array(array)] => self.apply(array).map(ColumnarValue::Array),
            [ColumnarValue::Scalar(scalar)] => {
                let read = self.apply(&scalar.to_array()?)?;
                datafusion::common::ScalarValue::try_from_array(&read, 0).map(ColumnarValue::Scalar)
            }
            _ => Err(DataFusionError::Plan("a cast takes one value".to_owned())),
        }
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "t" | "true" | "1" => Some(true),
        "f" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// Java's forms of a number, without its hexadecimal ones and type suffixes.
fn number(text: &str) -> Option<&str> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    (plain || matches!(digits, "NaN" | "Infinity")).then_some(text)
}

/// Digits without the point, and where the point is from their end; `None` for what is no number.
fn plain_decimal(text: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i64 = exponent.parse::<i32>().ok()?.into();
    let (negative, digits) = match mantissa.as_bytes().first()? {
        b'-' => (true, &mantissa[1..]),
        b'+' => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let fits = !all.is_empty() && all.bytes().all(|b| b.is_ascii_digit());
    let point = i64::try_from(fraction.len()).ok()? - exponent;
    fits.then(|| (negative, all.trim_start_matches('0').to_owned(), point))
}

/// The value times ten to the scale, rounded half up; `None` when it has too many digits.
fn decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (negative, digits, point) = plain_decimal(text)?;
    if digits.is_empty() {
        return Some(0);
    }
    let shift = i64::from(scale) - point;
    let length = i64::try_from(digits.len()).ok()? + shift;
    if length > i64::from(precision) {
        return None;
    }
    let unsigned: i128 = if shift >= 0 {
        format!("{digits}{}", "0".repeat(usize::try_from(shift).ok()?)).parse().ok()?
    } else if length < 0 {
        0
    } else {
        let (kept, dropped) = digits.split_at(usize::try_from(length).ok()?);
        let kept: i128 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
        kept + i128::from(dropped.as_bytes().first().is_some_and(|digit| *digit >= b'5'))
    };
    let fits = unsigned < 10_i128.checked_pow(u32::from(precision))?;
    fits.then_some(if negative { -unsigned } else { unsigned })
}

fn day(text: &str) -> Option<NaiveDate> {
    let mut parts = text.splitn(3, '-');
    let mut part = |widest: usize| {
        let digits = parts.next()?;
        let fits = (1..=widest).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse::<u32>().ok().filter(|_| fits)
    };
    let (year, month, day) = (part(6)?, part(2)?, part(2)?);
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

fn date(text: &str) -> Option<i32> {
    let days = day(text.trim())?.signed_duration_since(NaiveDate::default()).num_days();
    i32::try_from(days).ok()
}

/// `Y-M-D`, `Y-M-D h:m`, `Y-M-D h:m:s` and with a fraction, which is rounded to milliseconds.
fn timestamp(text: &str) -> Option<i64> {
    let (date, time) = text.trim().split_once(' ').unwrap_or((text.trim(), "0:0"));
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let parts: Vec<u32> = time.split(':').map(two_digits).collect::<Option<_>>()?;
    let seconds = match parts[..] {
        [_, _] if fraction.is_empty() => 0,
        [_, _, seconds] => seconds,
        _ => return None,
    };
    let midnight = NaiveDateTime::new(day(date)?, NaiveTime::from_hms_opt(parts[0], parts[1], seconds)?);
    midnight.and_utc().timestamp_millis().checked_add(milliseconds(fraction)?)
}

fn two_digits(text: &str) -> Option<u32> {
    let fits = matches!(text.len(), 1 | 2) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| fits)
}

/// The digits after the point as milliseconds, half up.
fn milliseconds(fraction: &str) -> Option<i64> {
    if fraction.len() > 12 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let picoseconds: i64 = format!("{fraction:0<12}").parse().ok()?;
    Some((picoseconds + 500_000_000) / 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans() {
        assert_eq!(
            ["t", "TRUE", "1", "f", "False", "0"].map(boolean),
            [true, true, true, false, false, false].map(Some)
        );
        assert_eq!(["yes", "on", "y", "", " true"].map(boolean), [None; 5]);
    }

    #[test]
    fn dates() {
        assert_eq!(date("1970-01-02"), Some(1));
        assert_eq!(date(" 2020-1-2 "), date("2020-01-02"));
        assert_eq!(["20200102", "2020-01-02 03:04:05", "2020-02-30", "2020-01", "x"].map(date), [None; 5]);
    }

    #[test]
    fn decimals_round_half_up_and_keep_within_their_digits() {
        let of = |text: &str| decimal(text, 5, 2);
        assert_eq!(
            ["1", "-1.005", "1.5e1", "+0.004", ".5", "5.", "1e-9", "0e99"].map(of),
            [100, -101, 1500, 0, 50, 500, 0, 0].map(Some)
        );
        assert_eq!(["1000", "999.995", "x", "", "1e", "--1", " 1"].map(of), [None; 7]);
        assert_eq!(of("999.994"), Some(99_999));
        assert!(Target::Decimal(5, 2).refusal("1000", None).ends_with("too large."));
        assert!(Target::Decimal(5, 2).refusal("x", None).ends_with("not a number."));
    }

    #[test]
    fn timestamps_round_to_milliseconds() {
        let ms = timestamp;
        assert_eq!(ms("1970-01-01 00:00:01.5"), Some(1_500));
        assert_eq!(ms("1970-01-01 00:00:01.1239"), Some(1_124));
        assert_eq!(ms("1970-01-01"), Some(0));
        assert_eq!(ms("1970-01-01 1:2"), Some(3_720_000));
        for text in
            ["1970-01-01T00:00:00", "1970-01-01 00:00:00+05:00", "1970-01-01 25:00", "1970-01-01 00:00.5"]
        {
            assert_eq!(ms(text), None, "{text}");
        }
    }

    #[test]
    fn numbers() {
        let double = |text: &str| number(text)?.parse::<f64>().ok();
        assert_eq!(double(" 1.5e3 "), Some(1500.0));
        assert_eq!(double("-Infinity"), Some(f64::NEG_INFINITY));
        assert_eq!(["inf", "nan", "", "1_0", "0x1"].map(double), [None; 5]);
    }
}
