//! What was measured, as the catalog's statistics: Glue's `ColumnStatisticsData`.

use arrow::array::RecordBatch;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use catalog::Column;
use catalog::statistics::ColumnStatistics;
use datafusion::common::{DataFusionError, ScalarValue};
use engine::EngineError;
use serde_json::{Map, Value, json};

use super::measure::Kind;
use crate::run::RunError;

const SECONDS_PER_DAY: i64 = 86_400;

/// The aggregates of one column; absent ones were not asked for, or had nothing to aggregate.
#[derive(Debug, Default)]
pub(super) struct Measured {
    rows: i64,
    count: i64,
    distinct: i64,
    trues: i64,
    longest: i64,
    length: i64,
    min: Option<ScalarValue>,
    max: Option<ScalarValue>,
}

impl Measured {
    /// Reads those of the column at place `at` of a scan.
    pub(super) fn read(row: &RecordBatch, at: usize) -> Result<Self, DataFusionError> {
        let scalar = |name: &str| {
            let array = row.column_by_name(name);
            array.map(|array| ScalarValue::try_from_array(array, 0)).transpose()
        };
        let of = |what: &str| scalar(&format!("{at} {what}"));
        let number = |value: Option<ScalarValue>| match value {
            Some(ScalarValue::Int64(number)) => number.unwrap_or(0),
            Some(ScalarValue::UInt64(number)) => number.and_then(|n| i64::try_from(n).ok()).unwrap_or(0),
            _ => 0,
        };
        Ok(Self {
            rows: number(scalar("rows")?),
            count: number(of("count")?),
            distinct: number(of("distinct")?),
            trues: number(of("trues")?),
            longest: number(of("longest")?),
            length: number(of("length")?),
            min: of("min")?.filter(|value| !value.is_null()),
            max: of("max")?.filter(|value| !value.is_null()),
        })
    }

    fn average_length(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.length as f64 / self.count as f64 }
    }
}

/// The statistics of a column. Errors: a measured value that is not of its kind.
pub(super) fn statistics(
    column: &Column,
    kind: Kind,
    measured: &Measured,
    now_ms: i64,
) -> Result<ColumnStatistics, RunError> {
    let nulls = measured.rows - measured.count;
    // An estimate may exceed what there is to count.
    let distinct = measured.distinct.min(measured.count);
    let bounded = || {
        let mut data = json!({ "NumberOfNulls": nulls, "NumberOfDistinctValues": distinct });
        for (name, value) in [("MinimumValue", &measured.min), ("MaximumValue", &measured.max)] {
            if let Some(shown) = value.as_ref().map(bound).transpose()?.flatten() {
                data[name] = shown;
            }
        }
        Ok::<_, RunError>(data)
    };
    let (of, member, data) = match kind {
        Kind::Boolean => {
            let falses = measured.count - measured.trues;
            let data =
                json!({ "NumberOfTrues": measured.trues, "NumberOfFalses": falses, "NumberOfNulls": nulls });
            ("BOOLEAN", "BooleanColumnStatisticsData", data)
        }
        Kind::Date => ("DATE", "DateColumnStatisticsData", bounded()?),
        Kind::Decimal => ("DECIMAL", "DecimalColumnStatisticsData", bounded()?),
        Kind::Double => ("DOUBLE", "DoubleColumnStatisticsData", bounded()?),
        Kind::Long | Kind::Moment => ("LONG", "LongColumnStatisticsData", bounded()?),
        Kind::Text => {
            let data = json!({
                "MaximumLength": measured.longest, "AverageLength": measured.average_length(),
                "NumberOfNulls": nulls, "NumberOfDistinctValues": distinct,
            });
            ("STRING", "StringColumnStatisticsData", data)
        }
        Kind::Binary => {
            let data = json!({
                "MaximumLength": measured.longest / 2, "AverageLength": measured.average_length() / 2.0,
                "NumberOfNulls": nulls,
            });
            ("BINARY", "BinaryColumnStatisticsData", data)
        }
    };
    let analyzed = Value::from(now_ms.div_euclid(1000));
    let column_type = Value::from(column.hive_type());
    Ok(ColumnStatistics {
        column_name: column.name.clone(),
        statistics_data: Map::from_iter([("Type".to_owned(), of.into()), (member.to_owned(), data)]),
        other: Map::from_iter([
            ("ColumnType".to_owned(), column_type),
            ("AnalyzedTime".to_owned(), analyzed),
        ]),
    })
}

/// The smallest or largest value; `None` for one that JSON has no number for (infinity).
fn bound(value: &ScalarValue) -> Result<Option<Value>, RunError> {
    let shown = match value {
        ScalarValue::Int8(Some(number)) => Value::from(*number),
        ScalarValue::Int16(Some(number)) => Value::from(*number),
        ScalarValue::Int32(Some(number)) => Value::from(*number),
        ScalarValue::Int64(Some(number)) => Value::from(*number),
        // The second that a moment is in, before 1970 too.
        ScalarValue::TimestampSecond(Some(at), _) => Value::from(*at),
        ScalarValue::TimestampMillisecond(Some(at), _) => Value::from(at.div_euclid(1_000)),
        ScalarValue::TimestampMicrosecond(Some(at), _) => Value::from(at.div_euclid(1_000_000)),
        ScalarValue::TimestampNanosecond(Some(at), _) => Value::from(at.div_euclid(1_000_000_000)),
        ScalarValue::Float64(Some(number)) if !number.is_finite() => return Ok(None),
        ScalarValue::Float64(Some(number)) => Value::from(*number),
        ScalarValue::Date32(Some(days)) => Value::from(i64::from(*days) * SECONDS_PER_DAY),
        ScalarValue::Decimal128(Some(number), _, scale) => {
            json!({ "UnscaledValue": STANDARD.encode(shortest(*number)), "Scale": scale })
        }
        other => {
            let message = format!("a smallest value of type {}", other.data_type());
            return Err(EngineError::Internal(message).into());
        }
    };
    Ok(Some(shown))
}

/// Big-endian two's complement without bytes that only repeat the sign.
fn shortest(number: i128) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let sign = if number < 0 { 0xff } else { 0 };
    let same_sign = |byte: u8| (byte & 0x80 != 0) == (number < 0);
    let spare = bytes.windows(2).take_while(|pair| pair[0] == sign && same_sign(pair[1])).count();
    bytes[spare..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unscaled_values_are_as_short_as_javas() {
        for (number, bytes) in [
            (0, vec![0]),
            (127, vec![127]),
            (128, vec![0, 128]),
            (-128, vec![128]),
            (-129, vec![255, 127]),
            (256, vec![1, 0]),
            (-1, vec![255]),
        ] {
            assert_eq!(shortest(number), bytes, "{number}");
        }
        assert_eq!(shortest(i128::MIN).len(), 16);
    }

    #[test]
    fn an_infinite_bound_is_left_out() {
        assert_eq!(bound(&ScalarValue::Float64(Some(f64::INFINITY))).unwrap(), None);
        assert_eq!(bound(&ScalarValue::Float64(Some(-2.5))).unwrap(), Some(json!(-2.5)));
        assert_eq!(bound(&ScalarValue::Date32(Some(-1))).unwrap(), Some(json!(-86_400)));
    }
}
