//! Scalar functions: the same, rewritten, or refused.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::functions::expr_fn::{date_part, to_char};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, ScalarUDF, binary_expr, lit, try_cast, when};

use super::super::cast::convert;
use super::{allowed, refused};

/// Scalar functions that mean the same in Spark for the arguments that both take.
const SAME: &[&str] = &[
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "cos",
    "cosh",
    "cot",
    "degrees",
    "exp",
    "factorial",
    "ln",
    "log10",
    "log2",
    "pi",
    "power",
    "radians",
    "round",
    "signum",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "isnan",
    "ascii",
    "bit_length",
    "btrim",
    "character_length",
    "chr",
    "concat_ws",
    "contains",
    "ends_with",
    "left",
    "levenshtein",
    "lower",
    "lpad",
    "ltrim",
    "md5",
    "octet_length",
    "regexp_like",
    "repeat",
    "replace",
    "reverse",
    "right",
    "rpad",
    "rtrim",
    "split_part",
    "starts_with",
    "strpos",
    "translate",
    "upper",
    "coalesce",
    "greatest",
    "least",
    "nullif",
    "nvl",
    "nvl2",
    "date_part",
    "date_trunc",
    "current_date",
    "now",
    "get_field",
    "named_struct",
];
/// Functions whose one-argument form means the same.
const SAME_WITH_ONE: &[&str] = &["to_date", "to_timestamp"];

pub(super) fn scalar(func: Arc<ScalarUDF>, args: Vec<Expr>, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let name = func.name().to_owned();
    let changed = match (name.as_str(), args.as_slice()) {
        ("concat", [first, rest @ ..]) => concat(first, rest, schema)?,
        ("ceil" | "floor", [value]) => {
            let from = value.get_type(schema)?;
            let call = Expr::ScalarFunction(ScalarFunction { func, args: args.clone() });
            if !from.is_floating() {
                return if from.is_integer() {
                    Ok(Transformed::yes(value.clone()))
                } else {
                    Ok(Transformed::no(call))
                };
            }
            try_cast(call, DataType::Int64)
        }
        ("regexp_replace", [_, _, _]) => {
            let args = args.iter().cloned().chain([lit("g")]).collect();
            Expr::ScalarFunction(ScalarFunction { func, args })
        }
        ("substr", [_, Expr::Literal(start, _), ..]) if is_positive(start) => {
            return Ok(Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args })));
        }
        ("substr", _) => {
            return Err(refused("substr is supported with a literal start of at least 1".to_owned()));
        }
        ("if", [condition, yes, no]) => when(condition.clone(), yes.clone()).otherwise(no.clone())?,
        ("date_add", [date, days]) => move_days(date, Operator::Plus, days, schema)?,
        ("date_sub", [date, days]) => move_days(date, Operator::Minus, days, schema)?,
        ("datediff", [end, start]) => binary_expr(days(end, schema)?, Operator::Minus, days(start, schema)?),
        ("date_format", [value, Expr::Literal(format, _)]) => {
            let pattern = java_pattern(format)?;
            to_char(timestamp(value, schema)?, lit(pattern))
        }
        ("date_format", _) => {
            return Err(refused("date_format is supported with a literal format".to_owned()));
        }
        (part, [value]) if part_of_date(part).is_some() => {
            let (part, add) = part_of_date(part).unwrap_or_default();
            let found = try_cast(date_part(lit(part), timestamp(value, schema)?), DataType::Int32);
            if add == 0 { found } else { binary_expr(found, Operator::Plus, lit(add)) }
        }
        (one, [_]) if SAME_WITH_ONE.contains(&one) => {
            return Ok(Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args })));
        }
        (same, _) => {
            allowed(SAME, same)?;
            return Ok(Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args })));
        }
    };
    Ok(Transformed::yes(changed))
}

fn is_positive(value: &ScalarValue) -> bool {
    matches!(value, ScalarValue::Int64(Some(n)) if *n > 0)
}

fn concat(first: &Expr, rest: &[Expr], schema: &DFSchema) -> Result<Expr> {
    let text =
        |expr: &Expr| -> Result<Expr> { Ok(convert(expr.clone(), &expr.get_type(schema)?, &DataType::Utf8)) };
    let mut all = text(first)?;
    for next in rest {
        all = binary_expr(all, Operator::StringConcat, text(next)?);
    }
    Ok(all)
}

/// What `date_part` calls it, and what is added: Spark's week begins on Sunday as day 1.
fn part_of_date(function: &str) -> Option<(&'static str, i32)> {
    Some(match function {
        "year" => ("year", 0),
        "quarter" => ("quarter", 0),
        "month" => ("month", 0),
        "weekofyear" => ("week", 0),
        "day" | "dayofmonth" => ("day", 0),
        "dayofweek" => ("dow", 1),
        "dayofyear" => ("doy", 0),
        "hour" => ("hour", 0),
        "minute" => ("minute", 0),
        "second" => ("second", 0),
        _ => return None,
    })
}

fn timestamp(value: &Expr, schema: &DFSchema) -> Result<Expr> {
    let wanted = DataType::Timestamp(TimeUnit::Microsecond, None);
    Ok(convert(value.clone(), &value.get_type(schema)?, &wanted))
}

/// Days since the epoch.
fn days(value: &Expr, schema: &DFSchema) -> Result<Expr> {
    let date = convert(value.clone(), &value.get_type(schema)?, &DataType::Date32);
    Ok(try_cast(date, DataType::Int32))
}

fn move_days(date: &Expr, op: Operator, by: &Expr, schema: &DFSchema) -> Result<Expr> {
    let by = convert(by.clone(), &by.get_type(schema)?, &DataType::Int32);
    Ok(try_cast(binary_expr(days(date, schema)?, op, by), DataType::Date32))
}

/// A Java date pattern as a pattern of the engine; letters without an exact counterpart are refused.
fn java_pattern(format: &ScalarValue) -> Result<String> {
    let Some(Some(format)) = format.try_as_str() else {
        return Err(refused("date_format needs its format as text".to_owned()));
    };
    let mut out = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        if let Some(quoted) = rest.strip_prefix('\'') {
            let Some((literal, after)) = quoted.split_once('\'') else {
                return Err(refused(format!("date_format {format}: a quote is not closed")));
            };
            out.push_str(&literal.replace('%', "%%"));
            rest = after;
            continue;
        }
        let run = rest.len() - rest.trim_start_matches(first).len();
        let (letters, after) = rest.split_at(run);
        out.push_str(&match letters {
            "yyyy" | "y" => "%Y".to_owned(),
            "MM" => "%m".to_owned(),
            "MMM" => "%b".to_owned(),
            "MMMM" => "%B".to_owned(),
            "dd" => "%d".to_owned(),
            "DDD" => "%j".to_owned(),
            "HH" => "%H".to_owned(),
            "hh" => "%I".to_owned(),
            "mm" => "%M".to_owned(),
            "ss" => "%S".to_owned(),
            "SSS" => "%3f".to_owned(),
            "a" => "%p".to_owned(),
            "E" | "EE" | "EEE" => "%a".to_owned(),
            "EEEE" => "%A".to_owned(),
            other if !first.is_ascii_alphabetic() => other.replace('%', "%%"),
            other => return Err(refused(format!("date_format {format}: {other} is not supported"))),
        });
        rest = after;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_patterns() {
        let pattern = |text: &str| java_pattern(&ScalarValue::from(text));
        assert_eq!(pattern("yyyy-MM-dd").unwrap(), "%Y-%m-%d");
        assert_eq!(pattern("dd/MM/yyyy 'at' HH:mm").unwrap(), "%d/%m/%Y at %H:%M");
        assert!(pattern("YYYY").is_err());
        assert!(pattern("'x").is_err());
    }
}
