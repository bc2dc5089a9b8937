//! Calls of functions with the types of their arguments.

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{Case, ScalarFunction};
use datafusion::logical_expr::{Expr, ExprSchemable};
use engine::NamedCast;

use super::{casts, floats, parameters, require_arguments, require_comparable, times, types_of, unsupported};
use crate::types::Class;
use crate::values::{
    Arithmetic, CheckedArithmetic, Comparison, DecimalOperation, Decimals, DoubleFunction, unparsable,
};

pub(super) fn scalar(mut call: ScalarFunction, schema: &DFSchema) -> Result<Expr> {
    let function = call.func.name().to_owned();
    if function == NamedCast::NAME && !call.args.is_empty() {
        return Ok(call.args.swap_remove(0));
    }
    let types = types_of(&call.args, schema)?;
    let check = |fits: fn(Class) -> bool| require_arguments(&function, &types, fits);
    match function.as_str() {
        "lower" | "upper" | "character_length" | "btrim" | "ltrim" | "rtrim" | "replace" | "reverse"
        | "starts_with" | "strpos" => check(|class| class == Class::Text)?,
        "substr" => {
            let wanted = [Class::Text, Class::Integer, Class::Integer];
            shape(&function, &types, &wanted[..types.len().clamp(2, 3)])?;
        }
        other if DoubleFunction::named(other).is_some() => check(Class::is_number)?,
        "coalesce" => {
            every_two_comparable(&types, &function)?;
            casts::unify(&mut call.args.iter_mut().collect::<Vec<_>>(), schema)?;
        }
        "nullif" => {
            every_two_comparable(&types, &function)?;
            return nullif(call, &types, schema);
        }
        "split_part" => shape(&function, &types, &[Class::Text, Class::Text, Class::Integer])?,
        "lpad" | "rpad" => shape(&function, &types, &[Class::Text, Class::Integer, Class::Text])?,
        "date_format" => shape(&function, &types, &[Class::Time, Class::Text])?,
        "date_parse" => {
            shape(&function, &types, &[Class::Text, Class::Text])?;
            parse_format(&call)?;
        }
        "date_part" => date_part(&types)?,
        "date_trunc" | "date_add" | "date_diff" => dates(&call, &types)?,
        "abs" => {
            check(Class::is_number)?;
            return absolute(call, &types);
        }
        "round" => return round(call, &types),
        "floor" | "ceil" => return whole(call, &types),
        "get_field" => return field(call, schema),
        _ => {}
    }
    Ok(Expr::ScalarFunction(call))
}

/// Refuses arguments whose classes are not these.
fn shape(function: &str, types: &[DataType], wanted: &[Class]) -> Result<()> {
    let fits =
        |(of, wanted): (&DataType, &Class)| matches!(Class::of(of), Class::Null) || Class::of(of) == *wanted;
    if types.len() == wanted.len() && types.iter().zip(wanted).all(fits) {
        return Ok(());
    }
    parameters(function, types)
}

/// What a format of `date_parse` means is looked at before anything is read.
fn parse_format(call: &ScalarFunction) -> Result<()> {
    match call.args.get(1) {
        Some(Expr::Literal(ScalarValue::Utf8(Some(format)), _)) => match unparsable(format) {
            Some(what) => unsupported(what),
            None => Ok(()),
        },
        _ => unsupported("date_parse of a format that is not a literal"),
    }
}

fn every_two_comparable(types: &[DataType], function: &str) -> Result<()> {
    types.windows(2).try_for_each(|pair| require_comparable(&pair[0], &pair[1], function))
}

/// A field of a structure; timestamps inside still have what their file holds.
fn field(call: ScalarFunction, schema: &DFSchema) -> Result<Expr> {
    let found = Expr::ScalarFunction(call);
    Ok(if times::is_foreign(&found.get_type(schema)?) { times::to_millis(found) } else { found })
}

/// NULL where the two are equal in Trino, else the first as it is.
fn nullif(mut call: ScalarFunction, types: &[DataType], schema: &DFSchema) -> Result<Expr> {
    let ([left, right], [value, other]) = (types, &mut call.args[..]) else {
        return parameters("nullif", types);
    };
    if left == right && !floats::compares(left, right) {
        return Ok(Expr::ScalarFunction(call));
    }
    let equal = if floats::compares(left, right) {
        floats::compare(Comparison::Equal, value.clone(), std::mem::take(other))
    } else {
        let (mut one, mut two) = (value.clone(), std::mem::take(other));
        casts::unify(&mut [&mut one, &mut two], schema)?;
        one.eq(two)
    };
    let null = Expr::Literal(ScalarValue::try_from(left)?, None);
    Ok(Expr::Case(Case {
        expr: None,
        when_then_expr: vec![(Box::new(equal), Box::new(null))],
        else_expr: Some(Box::new(std::mem::take(value))),
    }))
}

fn date_part(types: &[DataType]) -> Result<()> {
    match types {
        [_, of] if Class::of(of) == Class::Time => Ok(()),
        [_, DataType::Null] => unsupported("a part of a NULL without a type (CAST it)"),
        [_, of] => parameters("date_part", std::slice::from_ref(of)),
        _ => parameters("date_part", types),
    }
}

/// The unit of `date_trunc` and its like, and the types of what follows it.
fn dates(call: &ScalarFunction, types: &[DataType]) -> Result<()> {
    let function = call.func.name();
    let is_time = |of: &DataType| matches!(Class::of(of), Class::Time | Class::Null);
    let fits = match (function, types) {
        ("date_trunc", [unit, moment]) => Class::of(unit) == Class::Text && is_time(moment),
        ("date_add", [unit, count, moment]) => {
            let counts = matches!(Class::of(count), Class::Integer | Class::Null);
            Class::of(unit) == Class::Text && counts && is_time(moment)
        }
        ("date_diff", [unit, from, to]) => Class::of(unit) == Class::Text && is_time(from) && is_time(to),
        _ => false,
    };
    if !fits {
        return parameters(function, types);
    }
    // Months begin on different days; how Trino counts them then has not been built.
    let unit = match call.args.first() {
        Some(Expr::Literal(ScalarValue::Utf8(Some(unit)), _)) => unit.to_lowercase(),
        _ => return unsupported(format!("{function} of a unit that is not a literal")),
    };
    if function == "date_diff" && matches!(unit.as_str(), "month" | "quarter" | "year") {
        return unsupported(format!("date_diff in units of {unit} (subtract year() and month())"));
    }
    Ok(())
}

/// The smallest integer has no counterpart, which our engine says in its own words.
fn absolute(mut call: ScalarFunction, types: &[DataType]) -> Result<Expr> {
    let ([Class::Integer], [value]) =
        (&types.iter().map(Class::of).collect::<Vec<_>>()[..], &mut call.args[..])
    else {
        return Ok(Expr::ScalarFunction(call));
    };
    let (value, zero) = (std::mem::take(value), Expr::Literal(ScalarValue::new_zero(&types[0])?, None));
    let opposite =
        floats::call(CheckedArithmetic::new(Arithmetic::Subtract), vec![zero.clone(), value.clone()]);
    Ok(Expr::Case(Case {
        expr: None,
        when_then_expr: vec![(Box::new(value.clone().lt(zero)), Box::new(opposite))],
        else_expr: Some(Box::new(value)),
    }))
}

/// An integer rounded to whole numbers is itself.
fn round(mut call: ScalarFunction, types: &[DataType]) -> Result<Expr> {
    match types.first().map(Class::of) {
        Some(Class::Float) => Ok(Expr::ScalarFunction(call)),
        Some(Class::Integer) if types.len() == 1 => Ok(call.args.swap_remove(0)),
        Some(Class::Decimal) if types.get(1).is_none_or(|places| Class::of(places) == Class::Integer) => {
            Ok(floats::call(Decimals::new(DecimalOperation::Round), call.args))
        }
        Some(Class::Integer) => unsupported("round of an integer to digits"),
        _ => parameters("round", types),
    }
}

/// `floor` and `ceil` keep the type in Trino: of an integer they are the integer.
fn whole(mut call: ScalarFunction, types: &[DataType]) -> Result<Expr> {
    match types.first().map(Class::of) {
        Some(Class::Float) => Ok(Expr::ScalarFunction(call)),
        Some(Class::Integer) => Ok(call.args.swap_remove(0)),
        Some(Class::Decimal) => unsupported("floor and ceil of decimals"),
        _ => parameters(call.func.name(), types),
    }
}
