//! `date_trunc`: the beginning of the unit that a moment lies in, in UTC. The engine's counts nanoseconds, and so fails before 1678
//! and after 2261, where the dates that stand for "never" are.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::refused;
use super::types::TIMESTAMP;

/// What moments are cut to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Unit {
    Year,
    Quarter,
    Month,
    /// From Monday on.
    Week,
    /// So many microseconds, from the epoch on.
    Micros(i64),
}

impl Unit {
    /// The unit of this name, in lower case, as Spark has it.
    pub(super) fn named(name: &str) -> Option<Self> {
        const SECOND: i64 = 1_000_000;
        Some(match name {
            "year" | "yyyy" | "yy" => Self::Year,
            "quarter" => Self::Quarter,
            "month" | "mm" | "mon" => Self::Month,
            "week" => Self::Week,
            "day" | "dd" => Self::Micros(86_400 * SECOND),
            "hour" => Self::Micros(3_600 * SECOND),
            "minute" => Self::Micros(60 * SECOND),
            "second" => Self::Micros(SECOND),
            "millisecond" => Self::Micros(1_000),
            "microsecond" => Self::Micros(1),
            _ => return None,
        })
    }

    /// The beginning of the unit, in microseconds since the epoch; `None` where the calendar ends.
    fn beginning(self, micros: i64) -> Option<i64> {
        if let Self::Micros(length) = self {
            return micros.checked_sub(micros.rem_euclid(length));
        }
        let date = DateTime::from_timestamp_micros(micros)?.date_naive();
        let first = match self {
            Self::Year => NaiveDate::from_ymd_opt(date.year(), 1, 1),
            Self::Quarter => NaiveDate::from_ymd_opt(date.year(), date.month0() / 3 * 3 + 1, 1),
            Self::Month => date.with_day(1),
            _ => date.checked_sub_days(Days::new(date.weekday().num_days_from_monday().into())),
        };
        Some(NaiveDateTime::new(first?, NaiveTime::MIN).and_utc().timestamp_micros())
    }
}

/// The beginning of the unit that a timestamp lies in.
pub(super) fn truncated(unit: Unit, moment: Expr) -> Expr {
    let function = Truncate { unit, signature: Signature::any(1, Volatility::Immutable) };
    ScalarUDF::new_from_impl(function).call(vec![moment])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Truncate {
    unit: Unit,
    signature: Signature,
}

impl ScalarUDFImpl for Truncate {
    fn name(&self) -> &str {
        "spark_date_trunc"
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        let argument = arguments.first().map(|moment| moment.schema_name().to_string()).unwrap_or_default();
        Ok(format!("spark_date_trunc({:?}, {argument})", self.unit))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(TIMESTAMP)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        super::per_row(arguments, |arrays, _| {
            let [moments] = arrays else { return Err(refused("date_trunc of no moment".to_owned())) };
            let moments = moments.as_primitive::<TimestampMicrosecondType>();
            let cut: TimestampMicrosecondArray = moments.unary_opt(|moment| self.unit.beginning(moment));
            Ok(Arc::new(cut) as ArrayRef)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_far_from_now_have_beginnings_too() {
        let micros = |text: &str| text.parse::<NaiveDateTime>().unwrap().and_utc().timestamp_micros();
        let cases = [
            ("year", "0001-06-30T10:00:00", "0001-01-01T00:00:00"),
            ("quarter", "9999-12-31T23:59:59.999999", "9999-10-01T00:00:00"),
            ("mon", "1600-02-29T12:00:00", "1600-02-01T00:00:00"),
            ("week", "2026-11-22T00:00:00", "2026-11-16T00:00:00"),
            ("week", "1969-12-31T00:00:00", "1969-12-29T00:00:00"),
            ("dd", "1969-12-31T23:00:00", "1969-12-31T00:00:00"),
            ("hour", "0001-01-01T00:59:59", "0001-01-01T00:00:00"),
            ("millisecond", "1969-12-31T23:59:59.123456", "1969-12-31T23:59:59.123"),
        ];
        for (unit, moment, expected) in cases {
            let found = Unit::named(unit).unwrap().beginning(micros(moment));
            assert_eq!(found, Some(micros(expected)), "{unit} of {moment}");
        }
        assert_eq!(Unit::Year.beginning(i64::MIN), None);
    }
}
