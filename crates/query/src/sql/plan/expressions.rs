//! Operators and conditions with the types of their operands.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Between, BinaryExpr, Case, Cast, InList, Like};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, lit};

use super::{
    Scope, aggregates, calls, cannot_apply, casts, floats, mismatch, require_class, require_comparable,
    subqueries, times, unsupported,
};
use crate::types::{Class, comparable, name};
use crate::values::{Arithmetic, CheckedArithmetic, Comparison, DecimalOperation, Decimals, common_float};

/// One expression, whose parts have been looked at already.
pub(super) fn conform(expr: Expr, scope: &Scope<'_>) -> Result<Transformed<Expr>> {
    let schema = scope.schema;
    Ok(Transformed::yes(match expr {
        Expr::BinaryExpr(operation) => binary(operation, schema)?,
        Expr::Between(between) => self::between(between, schema)?,
        Expr::InList(list) => in_list(list, schema)?,
        Expr::InSubquery(member) => subqueries::member(member, schema)?,
        Expr::ScalarSubquery(subquery) => subqueries::value(subquery, schema)?,
        Expr::Exists(exists) => subqueries::exists(exists, schema)?,
        Expr::Like(Like { expr: ref inner, ref pattern, .. }) => {
            require_class(inner, schema, "LIKE", |class| class == Class::Text)?;
            require_class(pattern, schema, "LIKE", |class| class == Class::Text)?;
            expr
        }
        Expr::Case(case) => self::case(case, schema)?,
        Expr::Cast(cast) => casts::cast(cast, false, schema)?,
        Expr::TryCast(cast) => casts::cast(Cast { expr: cast.expr, field: cast.field }, true, schema)?,
        Expr::Negative(inner) if Class::of(&inner.get_type(schema)?) == Class::Integer => {
            negative(*inner, schema)?
        }
        Expr::ScalarFunction(call) => calls::scalar(call, schema)?,
        Expr::AggregateFunction(aggregate) => aggregates::aggregate(aggregate, schema)?,
        Expr::WindowFunction(window) => aggregates::window(*window, schema)?,
        Expr::OuterReferenceColumn(field, column) => match scope.outer_field(&column) {
            Some(found) => Expr::OuterReferenceColumn(found, column),
            None => Expr::OuterReferenceColumn(field, column),
        },
        other => return Ok(Transformed::no(other)),
    }))
}

/// The smallest integer has no counterpart, which our engine does not notice.
fn negative(inner: Expr, schema: &DFSchema) -> Result<Expr> {
    if matches!(&inner, Expr::Literal(..)) {
        return Ok(Expr::Negative(Box::new(inner)));
    }
    let of = inner.get_type(schema)?;
    let zero = Expr::Literal(datafusion::common::ScalarValue::new_zero(&of)?, None);
    Ok(floats::call(CheckedArithmetic::new(Arithmetic::Subtract), vec![zero, inner]))
}

pub(super) fn binary(mut binary: BinaryExpr, schema: &DFSchema) -> Result<Expr> {
    let (left, right) = (binary.left.get_type(schema)?, binary.right.get_type(schema)?);
    let (a, b) = (Class::of(&left), Class::of(&right));
    let operator = binary.op.to_string();
    let refused = || cannot_apply(&left, &operator, &right);
    let nullable = a == Class::Null || b == Class::Null;
    match binary.op {
        Operator::Plus | Operator::Minus | Operator::Multiply
            if a == Class::Integer && b == Class::Integer =>
        {
            let operation = match binary.op {
                Operator::Plus => Arithmetic::Add,
                Operator::Minus => Arithmetic::Subtract,
                _ => Arithmetic::Multiply,
            };
            return Ok(floats::call(CheckedArithmetic::new(operation), vec![*binary.left, *binary.right]));
        }
        Operator::Divide if casts::divides_decimals(&left, &right) => {
            let operands =
                vec![casts::as_decimal(*binary.left, &left), casts::as_decimal(*binary.right, &right)];
            return Ok(floats::call(Decimals::new(DecimalOperation::Divide), operands));
        }
        Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide | Operator::Modulo => {
            arithmetic(&binary, &left, &right)?;
            if a.is_number() && b.is_number() && floats::compares(&left, &right) {
                casts::unify(&mut [&mut binary.left, &mut binary.right], schema)?;
            }
        }
        Operator::StringConcat if !nullable && (a != Class::Text || b != Class::Text) => return refused(),
        Operator::And | Operator::Or if !nullable && (a != Class::Boolean || b != Class::Boolean) => {
            return refused();
        }
        Operator::StringConcat | Operator::And | Operator::Or => {}
        _ if !comparable(&left, &right) => return refused(),
        _ if floats::compares(&left, &right) => return Ok(float_comparison(binary, &left, &right)),
        _ => times::align_pair((binary.left.as_mut(), &left), (binary.right.as_mut(), &right)),
    }
    Ok(Expr::BinaryExpr(binary))
}

/// What is let through of arithmetic that our engine does itself.
fn arithmetic(binary: &BinaryExpr, left: &DataType, right: &DataType) -> Result<()> {
    let (a, b) = (Class::of(left), Class::of(right));
    let nullable = a == Class::Null || b == Class::Null;
    let refused = || cannot_apply(left, &binary.op.to_string(), right);
    let decimal = (a == Class::Decimal || b == Class::Decimal) && a != Class::Float && b != Class::Float;
    match binary.op {
        Operator::Plus | Operator::Minus if a == Class::Time && b == Class::Interval => {
            casts::whole_days(left, &binary.right)
        }
        Operator::Plus if a == Class::Interval && b == Class::Time => casts::whole_days(right, &binary.left),
        Operator::Divide | Operator::Modulo if decimal => {
            unsupported("the remainder of decimals, or a division of one and NULL, (CAST them to double)")
        }
        Operator::Minus if a == Class::Time && b == Class::Time => {
            unsupported("the difference of dates or timestamps (use date_diff)")
        }
        // Of what type the result would be, nothing says.
        Operator::Plus | Operator::Minus if nullable && (a == Class::Time || b == Class::Time) => refused(),
        _ if !(nullable || a.is_number() && b.is_number()) => refused(),
        Operator::Plus | Operator::Minus | Operator::Multiply if decimal => {
            casts::decimal_fits(binary.op, left, right)
        }
        _ => Ok(()),
    }
}

fn float_comparison(binary: BinaryExpr, left: &DataType, right: &DataType) -> Expr {
    if let Some(comparison) = floats::comparison(binary.op) {
        return floats::compare(comparison, *binary.left, *binary.right);
    }
    // IS [NOT] DISTINCT FROM, in which NaN equals NaN.
    let common = common_float(left, right);
    Expr::BinaryExpr(BinaryExpr {
        left: Box::new(floats::canonical(*binary.left, left, &common)),
        op: binary.op,
        right: Box::new(floats::canonical(*binary.right, right, &common)),
    })
}

fn between(mut between: Between, schema: &DFSchema) -> Result<Expr> {
    let of = between.expr.get_type(schema)?;
    let (low, high) = (between.low.get_type(schema)?, between.high.get_type(schema)?);
    require_comparable(&of, &low, "BETWEEN")?;
    require_comparable(&of, &high, "BETWEEN")?;
    require_comparable(&low, &high, "BETWEEN")?;
    if floats::compares(&of, &low) || floats::compares(&of, &high) {
        let above = floats::compare(Comparison::GreaterOrEqual, (*between.expr).clone(), *between.low);
        let below = floats::compare(Comparison::LessOrEqual, *between.expr, *between.high);
        let inside = above.and(below);
        return Ok(if between.negated { Expr::Not(Box::new(inside)) } else { inside });
    }
    casts::unify(&mut [&mut between.expr, &mut between.low, &mut between.high], schema)?;
    Ok(Expr::Between(between))
}

fn in_list(mut list: InList, schema: &DFSchema) -> Result<Expr> {
    let of = list.expr.get_type(schema)?;
    let types = list.list.iter().map(|item| item.get_type(schema)).collect::<Result<Vec<_>>>()?;
    types.iter().try_for_each(|item| require_comparable(&of, item, "IN"))?;
    if types.iter().any(|item| floats::compares(&of, item)) {
        let inside = floats::is_in(*list.expr, list.list);
        return Ok(if list.negated { Expr::Not(Box::new(inside)) } else { inside });
    }
    casts::unify(&mut std::iter::once(list.expr.as_mut()).chain(&mut list.list).collect::<Vec<_>>(), schema)?;
    Ok(Expr::InList(list))
}

fn case(mut case: Case, schema: &DFSchema) -> Result<Expr> {
    let operand = case.expr.as_ref().map(|expr| expr.get_type(schema)).transpose()?;
    let mut result: Option<DataType> = None;
    let results = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
    for then in results {
        let found = then.get_type(schema)?;
        match &result {
            Some(first) if !comparable(first, &found) => {
                return mismatch("CASE", format!("All CASE results must be the same type: {}", name(first)));
            }
            Some(first) if Class::of(first) != Class::Null => {}
            _ => result = Some(found),
        }
    }
    let mut floating = false;
    for (when, _) in &case.when_then_expr {
        match &operand {
            Some(of) => {
                let when = when.get_type(schema)?;
                require_comparable(of, &when, "=")?;
                floating |= floats::compares(of, &when);
            }
            None => require_class(when, schema, "CASE", |class| class == Class::Boolean)?,
        }
    }
    if floating && let Some(of) = case.expr.take() {
        for (when, _) in &mut case.when_then_expr {
            let found = std::mem::replace(when.as_mut(), lit(true));
            **when = floats::compare(Comparison::Equal, (*of).clone(), found);
        }
    }
    if let Some(of) = case.expr.as_mut() {
        let whens = case.when_then_expr.iter_mut().map(|(when, _)| when.as_mut());
        casts::unify(&mut std::iter::once(of.as_mut()).chain(whens).collect::<Vec<_>>(), schema)?;
    }
    let thens = case.when_then_expr.iter_mut().map(|(_, then)| then.as_mut());
    let otherwise = case.else_expr.iter_mut().map(|otherwise| otherwise.as_mut());
    casts::unify(&mut thens.chain(otherwise).collect::<Vec<_>>(), schema)?;
    Ok(Expr::Case(case))
}
