//! Scalar functions: the same, rewritten, or refused.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::functions::expr_fn::{coalesce, date_part, to_char};
use datafusion::logical_expr::expr::{BinaryExpr, ScalarFunction};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, ScalarUDF, binary_expr, lit, try_cast, when};
use formats::hive::shown;

use super::cast::cast;
use super::elements::element;
use super::exprs::{comparable, negative, truth, widened};
use super::keys::key;
use super::patterns::{java_pattern, java_regex, replacement};
use super::truncate::{Unit, truncated};
use super::types::{MAX_DIGITS, TIMESTAMP, bounded, is_text, wider_without_text};
use super::{Scope, allowed, json, parts, refused, round, text};

/// Functions of doubles that mean the same in Spark.
const OF_DOUBLES: &[&str] = &[
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh", "cot", "degrees",
    "exp", "power", "radians", "signum", "sin", "sinh", "sqrt", "tan", "tanh",
];
/// Functions of text that mean the same in Spark, with what their arguments are: `s` text, `i` a number, the last one
/// again and again.
const OF_TEXT: &[(&str, &str)] = &[
    ("ascii", "s"),
    ("bit_length", "s"),
    ("btrim", "s"),
    ("character_length", "s"),
    ("concat_ws", "s"),
    ("contains", "s"),
    ("ends_with", "s"),
    ("levenshtein", "s"),
    ("lower", "s"),
    ("lpad", "sis"),
    ("ltrim", "s"),
    ("md5", "s"),
    ("octet_length", "s"),
    ("regexp_like", "s"),
    ("repeat", "si"),
    ("replace", "s"),
    ("reverse", "s"),
    ("rpad", "sis"),
    ("rtrim", "s"),
    ("split_part", "ssi"),
    ("starts_with", "s"),
    ("strpos", "s"),
    ("translate", "s"),
    ("upper", "s"),
];
/// Functions of anything that mean the same in Spark; the last one is our own cast of text, which aggregates of text use.
const SAME: &[&str] = &["pi", "current_date", "get_field", "named_struct", "number_of_text"];

/// Functions that Spark casts the arguments of, with the types of their results.
pub(in crate::plan) fn loose() -> impl Iterator<Item = (&'static str, DataType)> {
    let texts = OF_TEXT.iter().map(|(name, _)| {
        let result = match *name {
            "ascii" | "bit_length" | "character_length" | "levenshtein" | "octet_length" | "strpos" => {
                DataType::Int32
            }
            "contains" | "ends_with" | "regexp_like" | "starts_with" => DataType::Boolean,
            _ => DataType::Utf8,
        };
        (*name, result)
    });
    texts.chain(OF_DOUBLES.iter().map(|name| (*name, DataType::Float64)))
}

fn same(func: Arc<ScalarUDF>, args: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction { func, args })
}

pub(super) fn scalar(func: Arc<ScalarUDF>, args: Vec<Expr>, scope: &Scope<'_>) -> Result<Transformed<Expr>> {
    let name = func.name().to_owned();
    let schema = scope.schema;
    let changed = if OF_DOUBLES.contains(&name.as_str()) {
        of_doubles(func, args, schema)?
    } else if let Some((_, kinds)) = OF_TEXT.iter().find(|(of_text, _)| *of_text == name) {
        of_text(func, args, kinds, schema)?
    } else if let Some((part, add)) = part_of_date(&name)
        && let [value] = args.as_slice()
    {
        date_field(part, add, value, schema)?
    } else if let Some(chosen) = choice(&func, &args, schema)? {
        chosen
    } else if let Some(number) = numeric(&func, &args, schema)? {
        number
    } else if let Some(date) = dates(&func, &args, schema)? {
        date
    } else {
        other(func, args, schema)?
    };
    Ok(Transformed::yes(changed))
}

fn as_type(expr: &Expr, wanted: &DataType, schema: &DFSchema) -> Result<Expr> {
    cast(expr.clone(), &expr.get_type(schema)?, wanted)
}

fn all_as(args: Vec<Expr>, wanted: &DataType, schema: &DFSchema) -> Result<Vec<Expr>> {
    args.iter().map(|arg| as_type(arg, wanted, schema)).collect()
}

fn of_doubles(func: Arc<ScalarUDF>, args: Vec<Expr>, schema: &DFSchema) -> Result<Expr> {
    let mut args = all_as(args, &DataType::Float64, schema)?;
    // The engine fails on a negative number, in Spark its root is not a number.
    if let ("sqrt", [value]) = (func.name(), args.as_mut_slice()) {
        *value = when(value.clone().lt(lit(0.0)), lit(f64::NAN)).otherwise(value.clone())?;
    }
    Ok(same(func, args))
}

fn of_text(func: Arc<ScalarUDF>, args: Vec<Expr>, kinds: &str, schema: &DFSchema) -> Result<Expr> {
    let name = func.name().to_owned();
    let last = kinds.chars().last().unwrap_or('s');
    let mut converted = Vec::new();
    for (arg, kind) in args.iter().zip(kinds.chars().chain(std::iter::repeat(last))) {
        let wanted = if kind == 's' { DataType::Utf8 } else { DataType::Int64 };
        let arg = as_type(arg, &wanted, schema)?;
        // A length below zero is none.
        converted.push(match kind {
            'i' if name != "split_part" => not_negative(arg)?,
            _ => arg,
        });
    }
    if let ("regexp_like", [_, pattern, ..]) = (name.as_str(), converted.as_mut_slice()) {
        *pattern = java_regex(pattern.clone());
    }
    if let ("replace", [value, search, _]) = (name.as_str(), converted.as_slice()) {
        // The engine finds the empty text between all letters.
        let (value, empty) = (value.clone(), search.clone().eq(lit("")));
        return when(empty, value).otherwise(same(func, converted));
    }
    let call = same(func, converted);
    Ok(match name.as_str() {
        "levenshtein" | "strpos" | "character_length" | "octet_length" | "bit_length" | "ascii" => {
            try_cast(call, DataType::Int32)
        }
        _ => call,
    })
}

fn not_negative(length: Expr) -> Result<Expr> {
    if let Expr::Literal(ScalarValue::Int64(Some(0..)), _) = length {
        return Ok(length);
    }
    when(length.clone().lt(lit(0_i64)), lit(0_i64)).otherwise(length)
}

/// Functions that choose one of their arguments.
fn choice(func: &Arc<ScalarUDF>, args: &[Expr], schema: &DFSchema) -> Result<Option<Expr>> {
    Ok(Some(match (func.name(), args) {
        ("coalesce" | "nvl", args) => coalesce(widened(args.to_vec(), schema)?.0),
        ("nvl2", [value, yes, no]) | ("if", [value, yes, no]) => {
            let (both, _) = widened(vec![yes.clone(), no.clone()], schema)?;
            let condition = match func.name() {
                "nvl2" => value.clone().is_not_null(),
                _ => truth(value.clone(), schema)?,
            };
            let [yes, no] =
                <[Expr; 2]>::try_from(both).map_err(|_| refused("if takes two results".to_owned()))?;
            when(condition, yes).otherwise(no)?
        }
        ("nullif", [value, other]) => {
            let (a, b) = (value.get_type(schema)?, other.get_type(schema)?);
            let (left, right) = comparable(value.clone(), &a, other.clone(), &b, Operator::Eq)?;
            let null = ScalarValue::try_from(&a)?;
            when(binary_expr(left, Operator::Eq, right), Expr::Literal(null, None))
                .otherwise(value.clone())?
        }
        ("greatest" | "least", args) => {
            let mut widest = DataType::Null;
            for arg in args {
                let next = arg.get_type(schema)?;
                widest = wider_without_text(&widest, &next).ok_or_else(|| {
                    let (widest, next) = (shown(&widest), shown(&next));
                    refused(format!("{} of {widest} and {next} has no type", func.name()))
                })?;
            }
            let args = all_as(args.to_vec(), &widest, schema)?;
            same(Arc::clone(func), args.into_iter().map(|arg| key(arg, &widest)).collect())
        }
        _ => return Ok(None),
    }))
}

fn numeric(func: &Arc<ScalarUDF>, args: &[Expr], schema: &DFSchema) -> Result<Option<Expr>> {
    let again = |args: Vec<Expr>| same(Arc::clone(func), args);
    Ok(Some(match (func.name(), args) {
        ("negative", [value]) => negative(value.clone(), schema)?,
        ("round", args) => round::round(args, schema)?,
        ("ceil" | "floor", [value]) => whole(func, value, schema)?,
        ("abs", [value]) => match value.get_type(schema)? {
            whole if whole.is_integer() => {
                let zero = Expr::Literal(ScalarValue::new_zero(&whole)?, None);
                let opposite = binary_expr(zero.clone(), Operator::Minus, value.clone());
                when(value.clone().lt(zero), opposite).otherwise(value.clone())?
            }
            text if is_text(&text) => again(vec![as_type(value, &DataType::Float64, schema)?]),
            _ => again(args.to_vec()),
        },
        ("ln" | "log10" | "log2", [value]) => {
            let value = as_type(value, &DataType::Float64, schema)?;
            let positive = when(value.clone().gt(lit(0.0)), value).end()?;
            again(vec![positive])
        }
        ("factorial", [value]) => {
            let value = as_type(value, &DataType::Int64, schema)?;
            let possible = value.clone().between(lit(0_i64), lit(20_i64));
            again(vec![when(possible, value).end()?])
        }
        ("isnan", [value]) => {
            coalesce(vec![again(vec![as_type(value, &DataType::Float64, schema)?]), lit(false)])
        }
        _ => return Ok(None),
    }))
}

/// `ceil` and `floor`: a bigint of a double, a decimal without places of a decimal.
fn whole(func: &Arc<ScalarUDF>, value: &Expr, schema: &DFSchema) -> Result<Expr> {
    match value.get_type(schema)? {
        DataType::Decimal128(_, 0) => Ok(value.clone()),
        decimal @ DataType::Decimal128(precision, scale) => {
            let result = bounded(i32::from(precision) - i32::from(scale) + 1, 0);
            // The engine needs room for the digit that rounding up may add.
            let wider = match precision {
                ..MAX_DIGITS => DataType::Decimal128(precision + 1, scale),
                _ => DataType::Decimal256(precision + 1, scale),
            };
            let call = same(Arc::clone(func), vec![datafusion::logical_expr::cast(value.clone(), wider)]);
            let found = call.get_type(schema).unwrap_or(decimal);
            cast(call, &found, &result)
        }
        whole if whole.is_integer() => as_type(value, &DataType::Int64, schema),
        _ => {
            let value = as_type(value, &DataType::Float64, schema)?;
            cast(same(Arc::clone(func), vec![value]), &DataType::Float64, &DataType::Int64)
        }
    }
}

fn dates(func: &Arc<ScalarUDF>, args: &[Expr], schema: &DFSchema) -> Result<Option<Expr>> {
    Ok(Some(match (func.name(), args) {
        ("date_add", [date, days]) => move_days(date, Operator::Plus, days, schema)?,
        ("date_sub", [date, days]) => move_days(date, Operator::Minus, days, schema)?,
        ("datediff", [end, start]) => binary_expr(days(end, schema)?, Operator::Minus, days(start, schema)?),
        ("date_format", [value, Expr::Literal(format, _)]) => {
            to_char(as_type(value, &TIMESTAMP, schema)?, lit(java_pattern(format)?))
        }
        ("date_format", _) => {
            return Err(refused("date_format is supported with a literal format".to_owned()));
        }
        ("to_date", [value]) => as_type(value, &DataType::Date32, schema)?,
        ("to_timestamp" | "timestamp_seconds", [value]) => as_type(value, &TIMESTAMP, schema)?,
        ("timestamp_micros", [value]) => moment(value, TimeUnit::Microsecond, schema)?,
        ("timestamp_millis", [value]) => moment(value, TimeUnit::Millisecond, schema)?,
        ("to_date" | "to_timestamp", _) => {
            let what = format!("{} is supported with one argument, without a format", func.name());
            return Err(refused(what));
        }
        ("date_part", [Expr::Literal(part, _), value]) => {
            let part = part.try_as_str().flatten().unwrap_or_default().to_lowercase();
            match field_of(&part).and_then(part_of_date) {
                Some((own, add)) => date_field(own, add, value, schema)?,
                None => {
                    return Err(refused(format!(
                        "the field {part} of dates is not supported in SparkSQL nodes"
                    )));
                }
            }
        }
        ("date_trunc", [Expr::Literal(unit, _), value]) => {
            let unit = unit.try_as_str().flatten().unwrap_or_default().to_lowercase();
            let Some(unit) = Unit::named(&unit) else {
                return Err(refused(format!("date_trunc with {unit:?} is not supported in SparkSQL nodes")));
            };
            truncated(unit, as_type(value, &TIMESTAMP, schema)?)
        }
        ("now", []) => {
            let call = same(Arc::clone(func), Vec::new());
            let from = call.get_type(schema)?;
            cast(call, &from, &TIMESTAMP)?
        }
        _ => return Ok(None),
    }))
}

fn other(func: Arc<ScalarUDF>, args: Vec<Expr>, schema: &DFSchema) -> Result<Expr> {
    let int = |expr: &Expr| as_type(expr, &DataType::Int32, schema);
    let text = |expr: &Expr| as_type(expr, &DataType::Utf8, schema);
    Ok(match (func.name(), args.as_slice()) {
        ("concat", [first, rest @ ..]) => {
            let mut all = text(first)?;
            for next in rest {
                all = binary_expr(all, Operator::StringConcat, text(next)?);
            }
            all
        }
        ("regexp_replace", [value, pattern, Expr::Literal(with, _)]) => {
            let with = replacement(with)?;
            let pattern = java_regex(text(pattern)?);
            same(Arc::clone(&func), vec![text(value)?, pattern, lit(with), lit("g")])
        }
        ("regexp_replace", [_, _, _]) => {
            return Err(refused("regexp_replace is supported with a literal replacement".to_owned()));
        }
        ("get_json_object", [value, path]) => json::value_at(text(value)?, path)?,
        ("split" | "regexp_extract", [value, rest @ ..]) => parts::of(func.name(), text(value)?, rest)?,
        ("substr" | "substring", [value, start]) => text::substr(text(value)?, int(start)?, lit(i32::MAX)),
        ("substr" | "substring", [value, start, length]) => {
            text::substr(text(value)?, int(start)?, int(length)?)
        }
        ("left", [value, length]) => text::substr(text(value)?, lit(1), int(length)?),
        ("right", [value, length]) => text::right(text(value)?, int(length)?),
        ("array_element", [array, index]) => element(func, array, index, schema)?,
        ("chr", [code]) => text::chr(as_type(code, &DataType::Int64, schema)?),
        (name, _) => {
            allowed(SAME, name)?;
            same(func, args)
        }
    })
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

/// The function for a field of `date_part` and EXTRACT. Seconds are left out: they are decimals in Spark.
fn field_of(field: &str) -> Option<&'static str> {
    Some(match field {
        "year" | "y" | "years" | "yr" | "yrs" => "year",
        "quarter" | "qtr" => "quarter",
        "month" | "mon" | "mons" | "months" => "month",
        "week" | "w" | "weeks" => "weekofyear",
        "day" | "d" | "days" => "day",
        "dayofweek" | "dow" => "dayofweek",
        "doy" => "dayofyear",
        "hour" | "h" | "hours" | "hr" | "hrs" => "hour",
        "minute" | "m" | "min" | "mins" | "minutes" => "minute",
        _ => return None,
    })
}

fn date_field(part: &str, add: i32, value: &Expr, schema: &DFSchema) -> Result<Expr> {
    let found = value.get_type(schema)?;
    if super::types::is_number(&found) || found == DataType::Boolean {
        return Err(refused(format!(
            "{part} needs a date or a timestamp, and its argument is {}",
            shown(&found)
        )));
    }
    // Of a text the date is what is written: not what it is in UTC, nor does its time matter.
    let of = match part {
        "hour" | "minute" | "second" => TIMESTAMP,
        _ if found == DataType::Utf8 => DataType::Date32,
        _ => TIMESTAMP,
    };
    let found = try_cast(date_part(lit(part), as_type(value, &of, schema)?), DataType::Int32);
    Ok(if add == 0 { found } else { binary_expr(found, Operator::Plus, lit(add)) })
}

/// Days since the epoch.
fn days(value: &Expr, schema: &DFSchema) -> Result<Expr> {
    Ok(try_cast(as_type(value, &DataType::Date32, schema)?, DataType::Int32))
}

/// So many of the unit since the epoch.
fn moment(number: &Expr, unit: TimeUnit, schema: &DFSchema) -> Result<Expr> {
    let number = as_type(number, &DataType::Int64, schema)?;
    Ok(try_cast(try_cast(number, DataType::Timestamp(unit, None)), TIMESTAMP))
}

fn move_days(date: &Expr, op: Operator, by: &Expr, schema: &DFSchema) -> Result<Expr> {
    let from = by.get_type(schema)?;
    if !matches!(from, DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Null) && !is_text(&from)
    {
        let from = shown(&from);
        return Err(refused(format!("a number of days has to be an int, and is {from}; cast it")));
    }
    let moved = BinaryExpr::new(
        Box::new(days(date, schema)?),
        op,
        Box::new(cast(by.clone(), &from, &DataType::Int32)?),
    );
    Ok(try_cast(Expr::BinaryExpr(moved), DataType::Date32))
}
