//! Casts as Glue and Spark (without ANSI mode) do them: what does not fit becomes null.
//!
//! - Text is trimmed; `12.7` becomes the integer 12; `t`, `true`, `y`, `yes`, `1` are true.
//! - Numbers become timestamps as seconds, timestamps numbers as seconds; of decimals and doubles with their fraction.
//! - Text becomes dates and timestamps as in SparkSQL: `2024-2-9`, `2024-02`, `2024-2-9T1:2:3.5+01:00`.
//! - Timestamps become text as `2026-09-01 12:00:00[.123]`.

use arrow::compute::can_cast_types;
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::functions::expr_fn::{btrim, lower, rtrim, to_char, to_timestamp_seconds};
use datafusion::logical_expr::{Expr, lit, try_cast, when};
use formats::hive::{HiveType, shown};

use super::PlanError;
use super::spark::{moment_as_number, moment_of, text_of_float};

/// A Glue or Hive type name as an arrow type; `None` for a type that asks for no cast (`struct`, `array`, `map`,
/// `choice` without their parts).
pub(crate) fn glue_type(text: &str) -> Result<Option<DataType>, PlanError> {
    let lower = text.trim().to_ascii_lowercase();
    let name = match lower.as_str() {
        "struct" | "array" | "map" | "choice" | "null" | "" => return Ok(None),
        "long" => "bigint",
        "short" => "smallint",
        "byte" => "tinyint",
        "integer" => "int",
        // Glue's own default; Hive's has no fraction.
        "decimal" => "decimal(10,2)",
        "timestamp_ntz" => "timestamp",
        other => other,
    };
    let unknown = || PlanError::Refused(format!("{text} is not a type"));
    let hive: HiveType = name.parse().map_err(|_| unknown())?;
    hive.to_arrow().map(Some).map_err(|_| unknown())
}

/// Refuses a cast for which there is no rule.
/// Errors: `Refused`, with the path of what is cast.
pub(crate) fn check(path: &[String], from: &DataType, to: &DataType) -> Result<(), PlanError> {
    let text = matches!(from, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let numbers = (from.is_numeric() || *from == DataType::Boolean)
        && (to.is_numeric() || matches!(to, DataType::Boolean | DataType::Timestamp(..)));
    let is_possible = from == to
        || text && !to.is_nested()
        || numbers
        || from.is_nested() && to.is_nested()
        || can_cast_types(from, to);
    if is_possible {
        return Ok(());
    }
    let (path, from, to) = (path.join("."), shown(from), shown(to));
    Err(PlanError::Refused(format!("{path} is {from}, which cannot be cast to {to}")))
}

/// `expr` of type `from` as `to`; null where it does not fit.
pub(crate) fn convert(expr: Expr, from: &DataType, to: &DataType) -> Expr {
    if from == to {
        return expr;
    }
    let text = matches!(from, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    match (from, to) {
        (_, DataType::Boolean) if text => boolean(expr),
        (_, DataType::Binary) if text => try_cast(expr, to.clone()),
        (_, to) if text && formats::casts_text_to(to) => engine::number_of_text(expr, to),
        (from, DataType::Date32 | DataType::Timestamp(..)) if text => moment_of(expr, from, to),
        (_, to) if text && !to.is_nested() => try_cast(btrim(vec![expr]), to.clone()),
        (DataType::Timestamp(..), DataType::Utf8) => timestamp_text(expr),
        (DataType::Float32 | DataType::Float64, DataType::Utf8) => text_of_float(expr, from),
        (DataType::Timestamp(..), to) if to.is_integer() => {
            try_cast(moment_as_number(expr, from, &DataType::Int64), to.clone())
        }
        (from, DataType::Timestamp(..)) if from.is_integer() => {
            try_cast(to_timestamp_seconds(vec![try_cast(expr, DataType::Int64)]), to.clone())
        }
        (from, DataType::Timestamp(..)) if is_fractional(from) => moment_of(expr, from, to),
        (DataType::Timestamp(..), to) if is_fractional(to) => moment_as_number(expr, from, to),
        // As Spark: true is 1, and a microsecond after the epoch.
        (DataType::Boolean, to @ DataType::Decimal128(..)) => {
            try_cast(try_cast(expr, DataType::Int32), to.clone())
        }
        (DataType::Boolean, to @ DataType::Timestamp(..)) => {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
            try_cast(try_cast(try_cast(expr, DataType::Int64), micros), to.clone())
        }
        (from, DataType::Boolean) if from.is_numeric() => expr.not_eq(lit(0)),
        _ => try_cast(expr, to.clone()),
    }
}

fn is_fractional(data_type: &DataType) -> bool {
    data_type.is_floating() || data_type.is_decimal()
}

fn boolean(expr: Expr) -> Expr {
    let text = lower(btrim(vec![expr]));
    let any = |names: &[&str]| text.clone().in_list(names.iter().map(|name| lit(*name)).collect(), false);
    let yes = any(&["t", "true", "y", "yes", "1"]);
    let no = any(&["f", "false", "n", "no", "0"]);
    let null = lit(datafusion::common::ScalarValue::Boolean(None));
    // The builder fails only without branches.
    when(yes, lit(true)).when(no, lit(false)).otherwise(null.clone()).unwrap_or(null)
}

/// Seconds, and a fraction without its trailing zeros where there is one.
fn timestamp_text(expr: Expr) -> Expr {
    let micros = try_cast(expr, DataType::Timestamp(TimeUnit::Microsecond, None));
    let full = to_char(micros, lit("%Y-%m-%d %H:%M:%S%.6f"));
    rtrim(vec![rtrim(vec![full, lit("0")]), lit(".")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_types() {
        assert_eq!(glue_type("Long").unwrap(), Some(DataType::Int64));
        assert_eq!(glue_type("string").unwrap(), Some(DataType::Utf8));
        assert_eq!(glue_type("decimal").unwrap(), Some(DataType::Decimal128(10, 2)));
        assert_eq!(glue_type("struct").unwrap(), None);
        assert!(glue_type("strnig").is_err());
    }
}
