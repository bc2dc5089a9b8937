//! `date_trunc`, `date_add` and `date_diff` of dates and timestamps of any year.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Int64Array, TimestampMillisecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimestampMillisecondType};
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use engine::EngineError;

use super::{MILLIS, on_arrays, wrong_arguments};

const DAY_MS: i64 = 86_400_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// So many milliseconds, counted from 1970.
    Fixed(i64),
    Week,
    Months(u32),
}

impl Unit {
    fn named(name: &str, of_dates: bool) -> Result<Self> {
        let unit = match name.to_lowercase().as_str() {
            "millisecond" => Self::Fixed(1),
            "second" => Self::Fixed(1_000),
            "minute" => Self::Fixed(60_000),
            "hour" => Self::Fixed(3_600_000),
            "day" => Self::Fixed(DAY_MS),
            "week" => Self::Week,
            "month" => Self::Months(1),
            "quarter" => Self::Months(3),
            "year" => Self::Months(12),
            _ => return Err(Self::refused(name, of_dates)),
        };
        match unit {
            Self::Fixed(..DAY_MS) if of_dates => Err(Self::refused(name, of_dates)),
            unit => Ok(unit),
        }
    }

    fn refused(name: &str, of_dates: bool) -> datafusion::common::DataFusionError {
        let of = if of_dates { "DATE" } else { "TIMESTAMP" };
        EngineError::InvalidArgument { what: format!("'{name}' is not a valid {of} field") }.into_datafusion()
    }

    /// The beginning of the unit that the moment is in.
    fn truncate(self, ms: i64) -> Option<i64> {
        let moment = moment(ms)?;
        let first = match self {
            Self::Fixed(length) => return Some(ms - ms.rem_euclid(length)),
            Self::Week => {
                let since_monday = moment.weekday().num_days_from_monday();
                moment.date().checked_sub_days(Days::new(since_monday.into()))?
            }
            Self::Months(months) => {
                let month = moment.month0() / months * months + 1;
                NaiveDate::from_ymd_opt(moment.year(), month, 1)?
            }
        };
        Some(first.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
    }

    /// The moment so many units later; the last day of a month that has not so many.
    fn add(self, ms: i64, count: i64) -> Option<i64> {
        match self {
            Self::Fixed(length) => ms.checked_add(length.checked_mul(count)?),
            Self::Week => ms.checked_add((7 * DAY_MS).checked_mul(count)?),
            Self::Months(months) => {
                let by = u32::try_from(count.checked_mul(months.into())?.unsigned_abs()).ok()?;
                let moment = moment(ms)?;
                let moved = if count < 0 {
                    moment.checked_sub_months(Months::new(by))
                } else {
                    moment.checked_add_months(Months::new(by))
                };
                Some(moved?.and_utc().timestamp_millis())
            }
        }
    }

    /// Whole units from one to the other; `None` for months, which begin on different days.
    fn between(self, from: i64, to: i64) -> Option<i64> {
        match self {
            Self::Fixed(length) => Some(to.checked_sub(from)? / length),
            Self::Week => Some(to.checked_sub(from)? / (7 * DAY_MS)),
            Self::Months(_) => None,
        }
    }
}

fn moment(ms: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_millis(ms).map(|moment| moment.naive_utc())
}

/// Which function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum DateFunction {
    /// `date_trunc(unit, moment)`
    Truncate,
    /// `date_add(unit, count, moment)`
    Add,
    /// `date_diff(unit, from, to)`
    Difference,
}

/// The function as our engine calls it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Dates {
    function: DateFunction,
    signature: Signature,
}

impl Dates {
    pub(crate) fn new(function: DateFunction) -> Self {
        Self { function, signature: Signature::user_defined(Volatility::Immutable) }
    }

    /// Computes row by row on the units and two columns of numbers (milliseconds or a count).
    fn rows(&self, arrays: &[ArrayRef], of_dates: bool) -> Result<Int64Array> {
        let units = cast(&arrays[0], &DataType::Utf8)?;
        let units = units.as_string::<i32>();
        let columns = arrays[1..].iter().map(numbers).collect::<Result<Vec<_>>>()?;
        let mut known: Option<(&str, Unit)> = None;
        let mut out = Int64Array::builder(units.len());
        for row in 0..units.len() {
            if units.is_null(row) || columns.iter().any(|column| column.is_null(row)) {
                out.append_null();
                continue;
            }
            let name = units.value(row);
            let unit = match known {
                Some((same, unit)) if same == name => unit,
                _ => Unit::named(name, of_dates)?,
            };
            known = Some((name, unit));
            let value = |column: usize| columns.get(column).map_or(0, |column| column.value(row));
            let found = match self.function {
                DateFunction::Truncate => unit.truncate(value(0)),
                DateFunction::Add => unit.add(value(1), value(0)),
                DateFunction::Difference => unit.between(value(0), value(1)),
            };
            let beyond =
                || EngineError::OutOfRange { what: "a date or timestamp is out of range".to_owned() };
            out.append_value(found.ok_or_else(|| beyond().into_datafusion())?);
        }
        Ok(out.finish())
    }
}

/// Milliseconds of dates and timestamps; whole numbers as they are.
fn numbers(values: &ArrayRef) -> Result<Int64Array> {
    Ok(match values.data_type() {
        DataType::Date32 => {
            values.as_primitive::<Date32Type>().unary::<_, Int64Type>(|days| i64::from(days) * DAY_MS)
        }
        DataType::Timestamp(..) => {
            let millis = cast(values, &MILLIS)?;
            millis.as_primitive::<TimestampMillisecondType>().unary::<_, Int64Type>(|ms| ms)
        }
        _ => cast(values, &DataType::Int64)?.as_primitive::<Int64Type>().clone(),
    })
}

impl ScalarUDFImpl for Dates {
    fn name(&self) -> &str {
        match self.function {
            DateFunction::Truncate => "date_trunc",
            DateFunction::Add => "date_add",
            DateFunction::Difference => "date_diff",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match (self.function, arg_types.last()) {
            (DateFunction::Difference, _) => Ok(DataType::Int64),
            (_, Some(DataType::Date32)) => Ok(DataType::Date32),
            (_, Some(_)) => Ok(MILLIS),
            (_, None) => wrong_arguments(self.name()),
        }
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let mut types = arg_types.to_vec();
        if let Some(unit) = types.first_mut() {
            *unit = DataType::Utf8;
        }
        let last = if arg_types.last() == Some(&DataType::Date32) { DataType::Date32 } else { MILLIS };
        match (self.function, &mut types[..]) {
            (DateFunction::Truncate, [_, moment]) => *moment = last,
            (DateFunction::Add, [_, count, moment]) => (*count, *moment) = (DataType::Int64, last),
            (DateFunction::Difference, [_, from, to]) => {
                let dates = *from == DataType::Date32 && *to == DataType::Date32;
                let common = if dates { DataType::Date32 } else { MILLIS };
                (*from, *to) = (common.clone(), common);
            }
            _ => return wrong_arguments(self.name()),
        }
        Ok(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let wanted = args.return_field.data_type().clone();
        on_arrays(&args, |arrays| {
            let of_dates = arrays.last().is_some_and(|last| *last.data_type() == DataType::Date32);
            let found = self.rows(arrays, of_dates)?;
            Ok(match wanted {
                DataType::Int64 => Arc::new(found),
                DataType::Date32 => {
                    let days = found.iter().map(|ms| ms.and_then(|ms| i32::try_from(ms / DAY_MS).ok()));
                    Arc::new(days.collect::<Date32Array>())
                }
                _ => Arc::new(found.unary::<_, TimestampMillisecondType>(|ms| ms))
                    as Arc<TimestampMillisecondArray>,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> i64 {
        let date: NaiveDate = text.parse().expect("date");
        date.and_hms_opt(0, 0, 0).expect("midnight").and_utc().timestamp_millis()
    }

    fn unit(name: &str) -> Unit {
        Unit::named(name, true).expect("unit")
    }

    #[test]
    fn units_begin_where_they_should() {
        let at = day("1500-05-17");
        assert_eq!(unit("month").truncate(at + 5), Some(day("1500-05-01")));
        assert_eq!(unit("quarter").truncate(at), Some(day("1500-04-01")));
        assert_eq!(unit("year").truncate(at), Some(day("1500-01-01")));
        assert_eq!(unit("week").truncate(day("2026-03-01")), Some(day("2026-02-23")));
        assert_eq!(unit("day").truncate(-1), Some(-DAY_MS));
        assert!(Unit::named("hour", true).is_err() && Unit::named("century", false).is_err());
    }

    #[test]
    fn months_end_on_days_that_they_have() {
        assert_eq!(unit("month").add(day("2024-01-31"), 1), Some(day("2024-02-29")));
        assert_eq!(unit("quarter").add(day("2024-05-31"), -1), Some(day("2024-02-29")));
        assert_eq!(unit("year").add(day("2024-02-29"), 1), Some(day("2025-02-28")));
        assert_eq!(unit("week").between(day("2024-01-15"), day("2024-01-01")), Some(-2));
        assert_eq!(unit("day").between(day("2024-01-01"), day("2024-03-01") - 1), Some(59));
    }
}
