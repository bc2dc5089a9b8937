//! Expressions: operators, casts and comparisons with Spark's types.

use std::any::Any;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{BinaryExpr, Case, InList, InSubquery, Like, ScalarFunction};
use datafusion::logical_expr::{
    Between, Expr, ExprSchemable, LogicalPlanBuilder, Operator, ScalarUDF, binary_expr, lit,
};
use engine::NamedCast;
use formats::hive::shown;

use super::arithmetic::arithmetic;
use super::cast::{cast, number_literal};
use super::keys::key;
use super::types::{
    Operation, TIMESTAMP, bounded, compared, decimal_of, decimal_result, is_decimal, is_text, wider,
};
use super::{Scope, calls, refused, subqueries};
use crate::plan::{functions, operators};

/// The number that a literal's marker stands for.
fn number(expr: &Expr, negative: bool) -> Option<Result<Expr>> {
    let Expr::ScalarFunction(ScalarFunction { func, args }) = expr else { return None };
    let [Expr::Literal(text, _)] = args.as_slice() else { return None };
    if func.name() != super::NUMBER {
        return None;
    }
    let text = text.try_as_str().flatten().unwrap_or_default();
    Some(number_literal(text, negative).map(|value| Expr::Literal(value, None)))
}

/// Literals, before anything else: the minus of a number belongs to it.
pub(super) fn literals(expr: Expr) -> Result<Transformed<Expr>> {
    let found = match &expr {
        Expr::Negative(inner) => number(inner, true),
        Expr::Literal(ScalarValue::Int64(Some(value)), _) => {
            i32::try_from(*value).ok().map(|value| Ok(Expr::Literal(ScalarValue::Int32(Some(value)), None)))
        }
        other => number(other, false),
    };
    match found {
        // What a marker held is not looked at again.
        Some(found) => {
            Ok(Transformed::new(found?, true, datafusion::common::tree_node::TreeNodeRecursion::Jump))
        }
        None => Ok(Transformed::no(expr)),
    }
}

/// One expression whose parts are rewritten already.
pub(super) fn rewrite(expr: Expr, scope: &Scope<'_>) -> Result<Transformed<Expr>> {
    let schema = scope.schema;
    let changed = match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => binary(*left, op, *right, schema)?,
        Expr::Negative(inner) => negative(*inner, schema)?,
        Expr::Cast(cast) => {
            let from = cast.expr.get_type(schema)?;
            super::cast::cast(*cast.expr, &from, &ours(cast.field.data_type()))?
        }
        Expr::Between(between) => in_between(between, schema)?,
        Expr::InList(list) => in_list(list, schema)?,
        Expr::InSubquery(query) => in_subquery(query, schema)?,
        Expr::ScalarSubquery(query) => subqueries::value(query, schema)?,
        Expr::Exists(exists) => subqueries::exists(exists, schema)?,
        Expr::Case(case) => choice(case, schema)?,
        Expr::Like(like) => alike(like, schema)?,
        Expr::Not(inner) => Expr::Not(Box::new(truth(*inner, schema)?)),
        Expr::OuterReferenceColumn(field, column) => match scope.outer_type(&column) {
            Some(found) => Expr::OuterReferenceColumn(found, column),
            None => Expr::OuterReferenceColumn(field, column),
        },
        Expr::ScalarFunction(ScalarFunction { func, args }) => return function(func, args, scope),
        Expr::SetComparison(_) => {
            return Err(refused("ANY and ALL are not supported in SparkSQL nodes".to_owned()));
        }
        Expr::Unnest(_) => {
            return Err(refused("the function unnest is not supported in SparkSQL nodes".to_owned()));
        }
        other => return Ok(Transformed::no(other)),
    };
    Ok(Transformed::yes(changed))
}

/// The planner's types as Spark's.
fn ours(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Timestamp(..) => TIMESTAMP,
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        other => other.clone(),
    }
}

fn function(func: Arc<ScalarUDF>, mut args: Vec<Expr>, scope: &Scope<'_>) -> Result<Transformed<Expr>> {
    let own: &dyn Any = func.inner().as_ref();
    if own.is::<NamedCast>() && !args.is_empty() {
        return Ok(Transformed::yes(args.swap_remove(0)));
    }
    if let Some(operator) = own.downcast_ref::<operators::Operator>() {
        let Ok([left, right]) = <[Expr; 2]>::try_from(args) else {
            return Err(refused("an operator without two sides".to_owned()));
        };
        return operate(operator.operation, left, right, scope.schema).map(Transformed::yes);
    }
    if let Some(comparison) = own.downcast_ref::<operators::Comparison>() {
        let Ok([left, right]) = <[Expr; 2]>::try_from(args) else {
            return Err(refused("a comparison without two sides".to_owned()));
        };
        return binary(left, comparison.operator, right, scope.schema).map(Transformed::yes);
    }
    let inner = own.downcast_ref::<functions::Loose>().map(|loose| Arc::clone(&loose.inner));
    calls::scalar(inner.unwrap_or(func), args, scope)
}

/// A boolean; text is read as one.
pub(super) fn truth(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    match expr.get_type(schema)? {
        text if is_text(&text) => cast(expr, &text, &DataType::Boolean),
        DataType::Boolean | DataType::Null => Ok(expr),
        other => Err(refused(format!("a condition has to be a boolean, and is {}", shown(&other)))),
    }
}

/// What both sides of an arithmetic operator become, and what it gives.
struct Sides {
    left: DataType,
    right: DataType,
    result: DataType,
}

/// `None` where Spark has no such operation. A literal integer beside a decimal has only its own digits.
fn sides(
    operation: Operation,
    left: &DataType,
    right: &DataType,
    literals: (Option<u8>, Option<u8>),
) -> Option<Sides> {
    let numeric = |data_type: &DataType| match data_type {
        text if is_text(text) && operation == Operation::Whole => Some(DataType::Int64),
        text if is_text(text) => Some(DataType::Float64),
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => Some(DataType::Int64),
        DataType::Decimal256(precision, scale) => Some(bounded(i32::from(*precision), i32::from(*scale))),
        DataType::Null => Some(DataType::Null),
        other if super::types::is_number(other) => Some(other.clone()),
        _ => None,
    };
    let (left, right) = (numeric(left)?, numeric(right)?);
    let (left, right) = match (left, right) {
        (DataType::Null, DataType::Null) => (DataType::Float64, DataType::Float64),
        (DataType::Null, other) | (other, DataType::Null) => (other.clone(), other),
        both => both,
    };
    let floats = left.is_floating() || right.is_floating();
    if (is_decimal(&left) || is_decimal(&right)) && !floats {
        let digits = |literal: Option<u8>, data_type: &DataType| match literal {
            Some(digits) if !is_decimal(data_type) => Some((digits, 0)),
            _ => decimal_of(data_type),
        };
        let (a, b) = (digits(literals.0, &left)?, digits(literals.1, &right)?);
        let [left, right] = [a, b].map(|(precision, scale)| DataType::Decimal128(precision, scale));
        return Some(Sides { left, right, result: decimal_result(operation, a, b) });
    }
    let common = match operation {
        Operation::Divide => DataType::Float64,
        Operation::Whole if floats => return None,
        Operation::Whole => DataType::Int64,
        _ => wider(&left, &right)?,
    };
    Some(Sides { left: common.clone(), right: common.clone(), result: common })
}

/// The type of an operation as far as it is known before literals are looked at.
pub(in crate::plan) fn result_type(
    operation: Operation,
    left: &DataType,
    right: &DataType,
) -> Option<DataType> {
    sides(operation, left, right, (None, None)).map(|sides| sides.result)
}

/// The digits of a literal integer.
fn digits(expr: &Expr) -> Option<u8> {
    let Expr::Literal(value, _) = expr else { return None };
    let whole = match value {
        ScalarValue::Int8(Some(value)) => i64::from(*value),
        ScalarValue::Int16(Some(value)) => i64::from(*value),
        ScalarValue::Int32(Some(value)) => i64::from(*value),
        ScalarValue::Int64(Some(value)) => *value,
        _ => return None,
    };
    u8::try_from(whole.unsigned_abs().checked_ilog10().unwrap_or(0) + 1).ok()
}

/// `left operation right`.
pub(super) fn operate(operation: Operation, left: Expr, right: Expr, schema: &DFSchema) -> Result<Expr> {
    let (a, b) = (left.get_type(schema)?, right.get_type(schema)?);
    let Some(sides) = sides(operation, &a, &b, (digits(&left), digits(&right))) else {
        return Err(refused(format!("arithmetic with {} and {} is not supported", shown(&a), shown(&b))));
    };
    let (left, right) = (cast(left, &a, &sides.left)?, cast(right, &b, &sides.right)?);
    let plain = !is_decimal(&sides.left);
    Ok(match operation {
        Operation::Add if plain => binary_expr(left, Operator::Plus, right),
        Operation::Subtract if plain => binary_expr(left, Operator::Minus, right),
        Operation::Multiply if plain => binary_expr(left, Operator::Multiply, right),
        _ => arithmetic(operation, left, right, sides.result),
    })
}

/// Integers wrap around.
pub(super) fn negative(inner: Expr, schema: &DFSchema) -> Result<Expr> {
    let data_type = inner.get_type(schema)?;
    if is_text(&data_type) {
        return Ok(Expr::Negative(Box::new(cast(inner, &data_type, &DataType::Float64)?)));
    }
    if data_type.is_integer() {
        let zero = ScalarValue::new_zero(&data_type)?;
        return Ok(binary_expr(Expr::Literal(zero, None), Operator::Minus, inner));
    }
    Ok(Expr::Negative(Box::new(inner)))
}

pub(super) fn binary(left: Expr, op: Operator, right: Expr, schema: &DFSchema) -> Result<Expr> {
    let (a, b) = (left.get_type(schema)?, right.get_type(schema)?);
    match op {
        Operator::And | Operator::Or => Ok(binary_expr(truth(left, schema)?, op, truth(right, schema)?)),
        Operator::StringConcat => {
            Ok(binary_expr(cast(left, &a, &DataType::Utf8)?, op, cast(right, &b, &DataType::Utf8)?))
        }
        Operator::BitwiseAnd | Operator::BitwiseOr | Operator::BitwiseXor => {
            let common = wider(&a, &b).filter(DataType::is_integer);
            let common = common.ok_or_else(|| {
                refused(format!("{op} needs integers, and has {} and {}", shown(&a), shown(&b)))
            })?;
            Ok(binary_expr(cast(left, &a, &common)?, op, cast(right, &b, &common)?))
        }
        _ if op.supports_propagation() || is_distinction(op) => {
            let (left, right) = comparable(left, &a, right, &b, op)?;
            Ok(binary_expr(left, op, right))
        }
        Operator::Plus | Operator::Minus => interval(left, &a, op, right, &b),
        other => Err(refused(format!("the operator {other} is not supported in SparkSQL nodes"))),
    }
}

fn is_distinction(op: Operator) -> bool {
    matches!(op, Operator::IsDistinctFrom | Operator::IsNotDistinctFrom)
}

/// Dates and timestamps with intervals; hours make no date.
fn interval(left: Expr, a: &DataType, op: Operator, right: Expr, b: &DataType) -> Result<Expr> {
    let bad = || {
        let (a, b) = (shown(a), shown(b));
        refused(format!("{a} {op} {b} is not supported in SparkSQL nodes (see datediff, date_add)"))
    };
    let (time, length) = match (a, b) {
        (_, DataType::Interval(_)) => (a, &right),
        (DataType::Interval(_), _) if op == Operator::Plus => (b, &left),
        _ => return Err(bad()),
    };
    match (time, length) {
        (DataType::Timestamp(..), _) => Ok(binary_expr(left, op, right)),
        (DataType::Date32, Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(value)), _))
            if value.nanoseconds == 0 =>
        {
            Ok(binary_expr(left, op, right))
        }
        _ => Err(bad()),
    }
}

/// Both sides of a comparison as one type.
pub(super) fn comparable(
    left: Expr,
    a: &DataType,
    right: Expr,
    b: &DataType,
    op: Operator,
) -> Result<(Expr, Expr)> {
    let equality = is_distinction(op) || matches!(op, Operator::Eq | Operator::NotEq);
    let common = match (a, b) {
        // A boolean equals the numbers 1 and 0.
        (DataType::Boolean, number) | (number, DataType::Boolean)
            if equality && super::types::is_number(number) =>
        {
            Some(number.clone())
        }
        _ => compared(a, b),
    };
    let Some(common) = common else {
        if a == b {
            return Ok((left, right));
        }
        return Err(refused(format!("a comparison of {} with {} is not supported", shown(a), shown(b))));
    };
    let side = |expr, from| cast(expr, from, &common).map(|expr| key(expr, &common));
    Ok((side(left, a)?, side(right, b)?))
}

fn in_between(between: Between, schema: &DFSchema) -> Result<Expr> {
    let Between { expr, negated, low, high } = between;
    let low = binary((*expr).clone(), Operator::GtEq, *low, schema)?;
    let high = binary(*expr, Operator::LtEq, *high, schema)?;
    let both = binary_expr(low, Operator::And, high);
    Ok(if negated { Expr::Not(Box::new(both)) } else { both })
}

/// The type of several values together, text winning over numbers.
pub(super) fn widest<'t>(types: impl IntoIterator<Item = &'t DataType>) -> Result<DataType> {
    let mut widest = DataType::Null;
    for next in types {
        widest = wider(&widest, next).ok_or_else(|| {
            refused(format!(
                "{} and {} have no common type in Spark; cast one of them",
                shown(&widest),
                shown(next)
            ))
        })?;
    }
    Ok(widest)
}

fn types(exprs: &[Expr], schema: &DFSchema) -> Result<Vec<DataType>> {
    exprs.iter().map(|expr| expr.get_type(schema)).collect()
}

/// The values as their widest type, and that type.
pub(super) fn widened(exprs: Vec<Expr>, schema: &DFSchema) -> Result<(Vec<Expr>, DataType)> {
    let found = types(&exprs, schema)?;
    let widest = widest(&found)?;
    let cast = exprs.into_iter().zip(&found).map(|(expr, from)| cast(expr, from, &widest));
    Ok((cast.collect::<Result<_>>()?, widest))
}

/// Unlike a comparison, a list makes text of everything if one of it is text.
fn in_list(list: InList, schema: &DFSchema) -> Result<Expr> {
    let InList { expr, list, negated } = list;
    let all = std::iter::once(*expr).chain(list).collect();
    let (all, widest) = widened(all, schema)?;
    let mut all = all.into_iter().map(|expr| key(expr, &widest));
    let expr = all.next().unwrap_or_else(|| lit(ScalarValue::Null));
    Ok(Expr::InList(InList { expr: Box::new(expr), list: all.collect(), negated }))
}

fn in_subquery(query: InSubquery, schema: &DFSchema) -> Result<Expr> {
    if let Some(compared) = subqueries::compared(&query, schema)? {
        return Ok(compared);
    }
    let InSubquery { expr, mut subquery, negated } = query;
    let found = subquery.subquery.schema().columns();
    let [column] = found.as_slice() else {
        return Err(refused(
            "IN with a query of several columns is not supported in SparkSQL nodes".to_owned(),
        ));
    };
    let (a, b) = (expr.get_type(schema)?, subquery.subquery.schema().field(0).data_type().clone());
    let inner = Expr::Column(column.clone());
    // As in a list, everything is text if one of it is.
    let (left, right) = match (&a, &b) {
        (DataType::Utf8, other) | (other, DataType::Utf8)
            if !matches!(other, DataType::Utf8 | DataType::Null) =>
        {
            (cast(*expr, &a, &DataType::Utf8)?, cast(inner.clone(), &b, &DataType::Utf8)?)
        }
        _ => comparable(*expr, &a, inner.clone(), &b, Operator::Eq)?,
    };
    if right != inner {
        let plan = LogicalPlanBuilder::from(subquery.subquery.as_ref().clone());
        subquery.subquery = Arc::new(plan.project([right.alias(&column.name)])?.build()?);
    }
    Ok(Expr::InSubquery(InSubquery { expr: Box::new(left), subquery, negated }))
}

fn choice(case: Case, schema: &DFSchema) -> Result<Expr> {
    let Case { expr, when_then_expr, else_expr } = case;
    let (whens, thens): (Vec<_>, Vec<_>) =
        when_then_expr.into_iter().map(|(when, then)| (*when, *then)).unzip();
    let count = thens.len();
    let results = thens.into_iter().chain(else_expr.map(|expr| *expr)).collect();
    let (mut results, _) = widened(results, schema)?;
    let otherwise = (results.len() > count).then(|| results.pop()).flatten();
    let mut conditions = Vec::new();
    for when in whens {
        conditions.push(match &expr {
            Some(expr) => binary((**expr).clone(), Operator::Eq, when, schema)?,
            None => truth(when, schema)?,
        });
    }
    let pairs = conditions.into_iter().zip(results).map(|(when, then)| (Box::new(when), Box::new(then)));
    Ok(Expr::Case(Case { expr: None, when_then_expr: pairs.collect(), else_expr: otherwise.map(Box::new) }))
}

fn alike(like: Like, schema: &DFSchema) -> Result<Expr> {
    let text = |expr: Box<Expr>| -> Result<Box<Expr>> {
        let from = expr.get_type(schema)?;
        Ok(Box::new(cast(*expr, &from, &DataType::Utf8)?))
    };
    Ok(Expr::Like(Like { expr: text(like.expr)?, pattern: text(like.pattern)?, ..like }))
}
