//! Casts, and the arithmetic of decimals, whose types say how large results may become.

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::{Expr, ExprSchemable, Operator};

use super::floats::call;
use super::{mismatch, times, unsupported};
use crate::types::{Class, common, name};
use crate::values::{MILLIS, NumberCast, Target, TextCast, ToText};

/// Digits of the largest decimal.
pub(super) const MAX_DIGITS: i32 = 38;

/// A cast; a lenient one gives NULL for what cannot be cast.
pub(super) fn cast(cast: Cast, lenient: bool, schema: &DFSchema) -> Result<Expr> {
    let from = cast.expr.get_type(schema)?;
    let to = match cast.field.data_type() {
        other if times::is_foreign(other) => MILLIS,
        other => other.clone(),
    };
    if from == to {
        return Ok(*cast.expr);
    }
    if let Some(own) = own_cast(&cast.expr, &from, &to, lenient) {
        return Ok(own);
    }
    use Class::{Binary, Boolean, Decimal, Float, Integer, Interval, Null, Other, Time};
    let same = match (Class::of(&from), Class::of(&to)) {
        (Null, _) => true,
        (Integer | Boolean, Boolean) => true,
        (Boolean, Integer) => true,
        (Integer | Float | Decimal | Boolean, Float) => true,
        (Integer | Decimal, Decimal) => true,
        (Time, Time) => true,
        (Interval, Interval) | (Binary, Binary) => true,
        (Other, Other) => from == to,
        _ => false,
    };
    if !same {
        return unsupported(format!("CAST from {} to {}", name(&from), name(&to)));
    }
    Ok(Expr::Cast(Cast::new(cast.expr, to)))
}

/// The cast by a function of ours, where our engine's own takes more, rounds differently or says it differently.
fn own_cast(expr: &Expr, from: &DataType, to: &DataType, lenient: bool) -> Option<Expr> {
    let args = vec![expr.clone()];
    match (Class::of(from), Class::of(to)) {
        (Class::Text, Class::Text) => Some(expr.clone()),
        (Class::Text, _) => Some(call(TextCast::new(Target::of(to)?, lenient), args)),
        (Class::Integer | Class::Float | Class::Decimal, Class::Integer) if from != to => {
            Some(call(NumberCast::to(to, lenient)?, args))
        }
        (Class::Integer | Class::Decimal, Class::Decimal) if !holds(to, from) => {
            let cast = TextCast::of_numbers(Target::of(to)?, lenient, from);
            Some(call(cast, vec![call(ToText::default(), args)]))
        }
        // A real has digits of its own in Trino.
        (Class::Float, Class::Text) if *from == DataType::Float32 => None,
        (Class::Integer | Class::Boolean | Class::Decimal | Class::Time | Class::Float, Class::Text) => {
            Some(call(ToText::default(), args))
        }
        _ => None,
    }
}

/// Whether a decimal type has room for every value of a number's type.
fn holds(decimal: &DataType, number: &DataType) -> bool {
    let ((wide, fine), (digits, scale)) = (digits(decimal), digits(number));
    // Our engine's own arithmetic takes 20 for a bigint, which has 19.
    let digits = if *number == DataType::Int64 { 19 } else { digits };
    fine >= scale && wide - fine >= digits - scale
}

/// The values as the one type that Trino gives them together, written out before anything asks for their types: our
/// engine would go by the first, and make decimals of doubles.
pub(super) fn unify(values: &mut [&mut Expr], schema: &DFSchema) -> Result<()> {
    let types = values.iter().map(|value| value.get_type(schema)).collect::<Result<Vec<_>>>()?;
    let Some(wanted) = common_of(&types)? else { return Ok(()) };
    for (value, from) in values.iter_mut().zip(&types) {
        if *from != wanted {
            **value = coerced(std::mem::take(*value), from, &wanted, schema)?;
        }
    }
    Ok(())
}

/// The common type of several, which have been found to have one.
pub(super) fn common_of(types: &[DataType]) -> Result<Option<DataType>> {
    let Some((first, rest)) = types.split_first() else { return Ok(None) };
    let mut found = first.clone();
    for other in rest {
        let Some(wider) = common(&found, other) else {
            return unsupported(format!("a common type of {} and {} (CAST them)", name(&found), name(other)));
        };
        found = wider;
    }
    Ok(Some(found))
}

/// A value of one type as one of a type that Trino converts it to by itself.
pub(super) fn coerced(expr: Expr, from: &DataType, to: &DataType, schema: &DFSchema) -> Result<Expr> {
    if from == to {
        return Ok(expr);
    }
    let wanted = Cast::new(Box::new(expr), to.clone());
    match (Class::of(from), Class::of(to)) {
        (Class::Integer | Class::Decimal, Class::Integer | Class::Decimal) => cast(wanted, false, schema),
        _ => Ok(Expr::Cast(wanted)),
    }
}

/// Digits and scale of a number as a decimal.
fn digits(of: &DataType) -> (i32, i32) {
    match of {
        DataType::Int8 => (3, 0),
        DataType::Int16 => (5, 0),
        DataType::Int32 => (10, 0),
        DataType::Int64 => (20, 0),
        DataType::Decimal128(precision, scale) => (i32::from(*precision), i32::from(*scale)),
        _ => (0, 0),
    }
}

/// Whether one is divided by the other as decimals.
pub(super) fn divides_decimals(left: &DataType, right: &DataType) -> bool {
    let exact = |of: &DataType| matches!(of, DataType::Decimal128(..)) || Class::of(of) == Class::Integer;
    let is_decimal = |of: &DataType| Class::of(of) == Class::Decimal;
    exact(left) && exact(right) && (is_decimal(left) || is_decimal(right))
}

/// A whole number as the decimal that Trino makes of it.
pub(super) fn as_decimal(expr: Expr, of: &DataType) -> Expr {
    let precision = match of {
        DataType::Int8 => 3,
        DataType::Int16 => 5,
        DataType::Int32 => 10,
        DataType::Int64 => 19,
        _ => return expr,
    };
    Expr::Cast(Cast::new(Box::new(expr), DataType::Decimal128(precision, 0)))
}

/// Our engine does not report a decimal that outgrows 38 digits: only what cannot is let through.
pub(super) fn decimal_fits(operator: Operator, left: &DataType, right: &DataType) -> Result<()> {
    let ((p1, s1), (p2, s2)) = (digits(left), digits(right));
    let needed = match operator {
        Operator::Multiply => p1 + p2,
        _ => s1.max(s2) + (p1 - s1).max(p2 - s2) + 1,
    };
    if needed <= MAX_DIGITS {
        return Ok(());
    }
    unsupported(format!("decimal arithmetic whose result may need {needed} digits (CAST to fewer)"))
}

/// To a date Trino adds whole days only.
pub(super) fn whole_days(to: &DataType, interval: &Expr) -> Result<()> {
    match interval {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(value)), _)
            if *to == DataType::Date32 && value.nanoseconds != 0 =>
        {
            mismatch("+", "Cannot add hour, minutes or seconds to a date".to_owned())
        }
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(_)), _) => Ok(()),
        _ => unsupported("an interval that is not a literal"),
    }
}
