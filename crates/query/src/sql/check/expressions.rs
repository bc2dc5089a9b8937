//! Expressions that mean the same in Trino and on our engine. See the module above.

use sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, CeilFloorKind, DataType, DateTimeField, ExactNumberInfo, Expr,
    ExtractSyntax, Ident, Interval, Query, SetExpr, TimezoneInfo, TypedString, UnaryOperator, Value,
    ValueWithSpan,
};

use super::super::functions;
use super::super::rewrite::{decimal_type, escaped_pattern};
use super::{Checked, SqlError, folded, none, position, query, refuse};

pub(in crate::sql) fn expr(whole: &Expr) -> Checked {
    match whole {
        Expr::Identifier(ident) => hidden(whole, ident),
        Expr::CompoundIdentifier(parts) => compound(whole, parts),
        Expr::Value(value) => literal(whole, value),
        Expr::TypedString(typed) => typed_string(whole, typed),
        Expr::Interval(interval) => interval_literal(whole, interval),
        Expr::Nested(inner)
        | Expr::IsNull(inner)
        | Expr::IsNotNull(inner)
        | Expr::IsTrue(inner)
        | Expr::IsNotTrue(inner)
        | Expr::IsFalse(inner)
        | Expr::IsNotFalse(inner) => expr(inner),
        Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
            expr(left)?;
            expr(right)
        }
        // The smallest bigint has a digit that its absolute value has not room for.
        Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner }
            if number(inner).is_some_and(|digits| format!("-{digits}").parse::<i64>().is_ok()) =>
        {
            Ok(())
        }
        Expr::UnaryOp {
            op: UnaryOperator::Minus | UnaryOperator::Plus | UnaryOperator::Not,
            expr: inner,
        } => expr(inner),
        Expr::BinaryOp { left, op, right } => {
            binary(whole, op)?;
            expr(left)?;
            expr(right)
        }
        Expr::Between { expr: inner, negated: _, low, high } => {
            [inner, low, high].into_iter().try_for_each(|part| expr(part))
        }
        Expr::InList { expr: inner, list, negated: _ } => {
            expr(inner)?;
            list.iter().try_for_each(expr)
        }
        Expr::Like { negated: _, any, expr: inner, pattern, escape_char } => {
            none(whole, *any, "LIKE ANY")?;
            let literal = escaped_pattern(pattern, escape_char.as_ref()).is_some();
            none(whole, escape_char.is_some() && !literal, "ESCAPE with anything but literals")?;
            expr(inner)?;
            expr(pattern)
        }
        Expr::Case { operand, conditions, else_result, case_token: _, end_token: _ } => {
            operand.iter().try_for_each(|part| expr(part))?;
            for CaseWhen { condition, result } in conditions {
                expr(condition)?;
                expr(result)?;
            }
            else_result.iter().try_for_each(|part| expr(part))
        }
        Expr::Cast { kind, expr: inner, data_type, array, format } => {
            none(whole, *array || format.is_some(), "this form of CAST")?;
            none(whole, matches!(kind, CastKind::DoubleColon | CastKind::SafeCast), "this form of CAST")?;
            cast_type(whole, data_type)?;
            expr(inner)
        }
        Expr::Extract { field, syntax, expr: inner } => {
            none(whole, *syntax != ExtractSyntax::From, "EXTRACT with a comma")?;
            date_field(whole, field)?;
            expr(inner)
        }
        Expr::Ceil { expr: inner, field } | Expr::Floor { expr: inner, field } => {
            none(
                whole,
                !matches!(field, CeilFloorKind::DateTimeField(DateTimeField::NoDateTime)),
                "TO in CEIL",
            )?;
            expr(inner)
        }
        Expr::Position { expr: needle, r#in } => {
            expr(needle)?;
            expr(r#in)
        }
        Expr::Substring { expr: inner, substring_from, substring_for, special: _, shorthand: _ } => {
            expr(inner)?;
            none(whole, substring_from.is_none(), "SUBSTRING without FROM")?;
            substring_from.iter().chain(substring_for).try_for_each(|part| expr(part))
        }
        Expr::Trim { trim_where: _, trim_what, expr: inner, trim_characters } => {
            none(whole, trim_what.is_some() || trim_characters.is_some(), "TRIM of given characters")?;
            expr(inner)
        }
        Expr::Function(function) => functions::check(function),
        Expr::Exists { subquery, negated: _ } => query(subquery),
        Expr::InSubquery { expr: inner, subquery, negated } => {
            none(
                whole,
                *negated,
                "NOT IN with a subquery anywhere but among the conditions of WHERE that AND connects",
            )?;
            expr(inner)?;
            query(subquery)
        }
        Expr::Subquery(subquery) => scalar_subquery(whole, subquery),
        Expr::Tuple(_) => refuse(whole, "a row of values"),
        Expr::Lambda(_) => refuse(whole, "a lambda"),
        Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_) => {
            refuse(whole, "GROUPING SETS, ROLLUP and CUBE")
        }
        Expr::AtTimeZone { .. } => refuse(whole, "AT TIME ZONE"),
        Expr::CompoundFieldAccess { .. } => refuse(whole, "a subscript"),
        _ => refuse(whole, format!("the expression {whole}")),
    }
}

/// Columns that Athena has and no table declares. Source: Trino documentation, Hive connector.
const HIDDEN_COLUMNS: [&str; 6] =
    ["$path", "$bucket", "$file_size", "$file_modified_time", "$partition", "$row_id"];

fn hidden(whole: &Expr, column: &Ident) -> Checked {
    let name = folded(column);
    if HIDDEN_COLUMNS.contains(&name.as_str()) {
        return refuse(whole, format!("the hidden column {name}"));
    }
    Ok(())
}

fn compound(whole: &Expr, parts: &[Ident]) -> Checked {
    none(whole, parts.len() > 4, "a field of a field")?;
    parts.iter().try_for_each(|part| hidden(whole, part))
}

fn binary(whole: &Expr, op: &BinaryOperator) -> Checked {
    use BinaryOperator as Op;
    match op {
        Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo | Op::StringConcat => Ok(()),
        Op::Eq | Op::NotEq | Op::Gt | Op::GtEq | Op::Lt | Op::LtEq | Op::And | Op::Or => Ok(()),
        other => refuse(whole, format!("the operator {other}")),
    }
}

fn literal(whole: &Expr, value: &ValueWithSpan) -> Checked {
    match &value.value {
        Value::Number(digits, false)
            if digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<i64>().is_err() =>
        {
            Err(SqlError::syntax(position(whole), format!("Invalid numeric literal: {digits}")))
        }
        Value::Number(_, false) | Value::SingleQuotedString(_) | Value::Boolean(_) | Value::Null => Ok(()),
        Value::Placeholder(_) => refuse(whole, "a parameter"),
        other => refuse(whole, format!("the literal {other}")),
    }
}

/// The digits of a number literal.
pub(in crate::sql) fn number(whole: &Expr) -> Option<&str> {
    match whole {
        Expr::Value(ValueWithSpan { value: Value::Number(digits, false), .. }) => Some(digits),
        _ => None,
    }
}

fn typed_string(whole: &Expr, typed: &TypedString) -> Checked {
    match (&typed.data_type, &typed.value.value) {
        (DataType::Date, Value::SingleQuotedString(_)) => Ok(()),
        (DataType::Timestamp(None, TimezoneInfo::None), Value::SingleQuotedString(text)) => {
            // A zone makes it a timestamp with time zone in Trino.
            none(whole, text.chars().any(|c| c.is_alphabetic() || c == '+'), "a timestamp with a zone")?;
            // In Trino a literal has the precision that is written; here all have milliseconds.
            let fraction = text.rsplit_once('.').map_or("", |(_, fraction)| fraction.trim_end());
            let finer = fraction.chars().skip(3).any(|digit| digit != '0');
            none(whole, finer, "a timestamp with more than three digits behind the second")
        }
        (DataType::Decimal(ExactNumberInfo::None), Value::SingleQuotedString(text))
            if decimal_type(text).is_some() =>
        {
            Ok(())
        }
        (other, _) => refuse(whole, format!("a literal of type {other}")),
    }
}

fn interval_literal(whole: &Expr, interval: &Interval) -> Checked {
    let Interval { value, leading_field, leading_precision, last_field, fractional_seconds_precision } =
        interval;
    let plain = leading_precision.is_none() && last_field.is_none() && fractional_seconds_precision.is_none();
    let text = matches!(&**value, Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. })
        if text.parse::<i32>().is_ok());
    match leading_field {
        Some(
            DateTimeField::Year
            | DateTimeField::Month
            | DateTimeField::Day
            | DateTimeField::Hour
            | DateTimeField::Minute
            | DateTimeField::Second,
        ) if plain && text => Ok(()),
        _ => refuse(whole, "an interval other than INTERVAL '<whole number>' <unit>"),
    }
}

fn date_field(whole: &Expr, field: &DateTimeField) -> Checked {
    match field {
        DateTimeField::Year
        | DateTimeField::Quarter
        | DateTimeField::Month
        | DateTimeField::Day
        | DateTimeField::Hour
        | DateTimeField::Minute
        | DateTimeField::Second => Ok(()),
        other => refuse(whole, format!("EXTRACT({other} …)")),
    }
}

/// Types that a CAST may go to; what it may come from is known only once the query is bound (`plan`).
fn cast_type(whole: &Expr, to: &DataType) -> Checked {
    match to {
        DataType::TinyInt(None)
        | DataType::SmallInt(None)
        | DataType::Int(None)
        | DataType::Integer(None)
        | DataType::BigInt(None)
        | DataType::Real
        | DataType::Double(ExactNumberInfo::None)
        | DataType::Boolean
        | DataType::Date
        | DataType::Timestamp(None, TimezoneInfo::None)
        | DataType::Varchar(None) => Ok(()),
        DataType::Decimal(ExactNumberInfo::PrecisionAndScale(precision, scale))
            if (1..=38).contains(precision) && (0..=*precision as i64).contains(scale) =>
        {
            Ok(())
        }
        other => refuse(whole, format!("CAST to {other}")),
    }
}

/// A subquery that is a value has one column; that it has one row at most is seen when it runs. `plan` refuses those
/// that refer to the query outside and may give several.
fn scalar_subquery(whole: &Expr, subquery: &Query) -> Checked {
    query(subquery)?;
    match &*subquery.body {
        SetExpr::Select(select) if select.projection.len() != 1 => {
            Err(SqlError::syntax(position(whole), "a scalar subquery has one column"))
        }
        _ => Ok(()),
    }
}
