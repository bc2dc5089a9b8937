//! Casts from text that take exactly what Trino takes.
//!
//! Our engine's own casts are generous (`'yes'` is true, `'20200102'` a date, a zone shifts a timestamp); these read
//! the forms that Trino documents and report everything else.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Date32Builder, Float32Builder, Float64Builder,
    TimestampNanosecondBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use engine::EngineError;

/// What text is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    Boolean,
    Date,
    /// Milliseconds, as Trino's `timestamp`, kept in nanoseconds.
    Timestamp,
    Real,
    Double,
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
            _ => None,
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Nanosecond, None),
            Self::Real => DataType::Float32,
            Self::Double => DataType::Float64,
        }
    }
}

/// A cast from text as a function of our engine.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct TextCast {
    target: Target,
    /// `TRY_CAST`: NULL for what cannot be read.
    lenient: bool,
    signature: Signature,
}

impl TextCast {
    pub(crate) fn new(target: Target, lenient: bool) -> Self {
        Self { target, lenient, signature: Signature::string(1, Volatility::Immutable) }
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
                let what =
                    format!("Cannot cast '{value}' to {}", crate::types::name(&self.target.data_type()));
                return Err(EngineError::InvalidCast { what }.into_datafusion());
            }
            push(read);
        }
        Ok(())
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        Ok(match self.target {
            Target::Boolean => {
                let mut out = BooleanBuilder::with_capacity(array.len());
                self.read(array, boolean, |value| out.append_option(value))?;
                Arc::new(out.finish())
            }
            Target::Date => {
                let mut out = Date32Builder::with_capacity(array.len());
                self.read(array, date, |value| out.append_option(value))?;
                Arc::new(out.finish())
            }
            Target::Timestamp => {
                let mut out = TimestampNanosecondBuilder::with_capacity(array.len());
                self.read(array, timestamp, |value| out.append_option(value))?;
                Arc::new(out.finish())
            }
            Target::Real => {
                let mut out = Float32Builder::with_capacity(array.len());
                self.read(array, |text| number(text)?.parse().ok(), |value| out.append_option(value))?;
                Arc::new(out.finish())
            }
            Target::Double => {
                let mut out = Float64Builder::with_capacity(array.len());
                self.read(array, |text| number(text)?.parse().ok(), |value| out.append_option(value))?;
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
    let parts: Vec<u32> = time.split(':').map(|part| two_digits(part)).collect::<Option<_>>()?;
    let seconds = match parts[..] {
        [_, _] if fraction.is_empty() => 0,
        [_, _, seconds] => seconds,
        _ => return None,
    };
    let midnight = NaiveDateTime::new(day(date)?, NaiveTime::from_hms_opt(parts[0], parts[1], seconds)?);
    let ms = midnight.and_utc().timestamp_millis().checked_add(milliseconds(fraction)?)?;
    ms.checked_mul(1_000_000)
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
    fn timestamps_round_to_milliseconds() {
        let ms = |text: &str| timestamp(text).map(|ns| ns / 1_000_000);
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
