//! Floating-point numbers are compared, joined and grouped as in Trino. See [`crate::values`] for how these differ.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema, NullEquality, Result};
use datafusion::logical_expr::expr::{BinaryExpr, Cast, ScalarFunction};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    Distinct, Expr, ExprSchemable, LogicalPlan, Operator, Projection, ScalarUDF, ScalarUDFImpl,
};

use super::unsupported;
use crate::types::{Class, has_inexact};
use crate::values::{Canonical, Comparison, FloatComparison, FloatIn, common_float};

pub(super) fn call(function: impl ScalarUDFImpl + 'static, args: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::from(function)), args))
}

/// Whether Trino compares the two as floating-point numbers.
pub(super) fn compares(left: &DataType, right: &DataType) -> bool {
    Class::of(left) == Class::Float || Class::of(right) == Class::Float
}

pub(super) fn comparison(operator: Operator) -> Option<Comparison> {
    Some(match operator {
        Operator::Eq => Comparison::Equal,
        Operator::NotEq => Comparison::NotEqual,
        Operator::Lt => Comparison::Less,
        Operator::LtEq => Comparison::LessOrEqual,
        Operator::Gt => Comparison::Greater,
        Operator::GtEq => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

pub(super) fn compare(comparison: Comparison, left: Expr, right: Expr) -> Expr {
    call(FloatComparison::new(comparison), vec![left, right])
}

pub(super) fn is_in(value: Expr, list: Vec<Expr>) -> Expr {
    call(FloatIn::default(), std::iter::once(value).chain(list).collect())
}

/// The value in the type of the comparison, with one pattern of bits for each value that Trino tells apart.
pub(super) fn canonical(value: Expr, of: &DataType, common: &DataType) -> Expr {
    let value = if of == common { value } else { Expr::Cast(Cast::new(Box::new(value), common.clone())) };
    call(Canonical::grouped(), vec![value])
}

fn matched(value: Expr, of: &DataType, common: &DataType) -> Expr {
    let value = if of == common { value } else { Expr::Cast(Cast::new(Box::new(value), common.clone())) };
    call(Canonical::matched(), vec![value])
}

/// Keys of a join, which our engine compares bit by bit.
pub(super) fn key_pair(left: (&mut Expr, &DataType), right: (&mut Expr, &DataType), nulls: NullEquality) {
    if !compares(left.1, right.1) {
        return;
    }
    let common = common_float(left.1, right.1);
    let bring = if nulls == NullEquality::NullEqualsNull { canonical } else { matched };
    *left.0 = bring(std::mem::take(left.0), left.1, &common);
    *right.0 = bring(std::mem::take(right.0), right.1, &common);
}

/// The two sides of `x IN (SELECT y …)`; the planner makes a join of it.
pub(super) fn member(value: Expr, of: &DataType, common: &DataType) -> Expr {
    matched(value, of, common)
}

/// Writes the equalities of a condition so that the planner sees keys of a join in them.
pub(super) fn keys_in(condition: Expr, schema: &DFSchema) -> Result<Expr> {
    let parts = split_conjunction_owned(condition).into_iter().map(|part| match part {
        Expr::ScalarFunction(equality) if is_equality(&equality) => {
            let [left, right] = &equality.args[..] else { return Ok(Expr::ScalarFunction(equality)) };
            let types = (left.get_type(schema)?, right.get_type(schema)?);
            let common = common_float(&types.0, &types.1);
            let left = Box::new(matched(left.clone(), &types.0, &common));
            let right = Box::new(matched(right.clone(), &types.1, &common));
            Ok(Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }))
        }
        other => Ok(other),
    });
    let parts = parts.collect::<Result<Vec<_>>>()?;
    Ok(conjunction(parts).unwrap_or_else(|| datafusion::logical_expr::lit(true)))
}

fn is_equality(call: &ScalarFunction) -> bool {
    call.func.name() == "float_equal"
        && call.args.iter().all(|arg| arg.any_column_refs() || arg.contains_outer())
}

/// A value that is grouped or ordered by.
pub(super) fn key(value: Expr, schema: &DFSchema) -> Result<Expr> {
    if let Expr::Alias(mut alias) = value {
        alias.expr = Box::new(key(*alias.expr, schema)?);
        return Ok(Expr::Alias(alias));
    }
    if matches!(value, Expr::AggregateFunction(_)) {
        return Ok(value);
    }
    let of = value.get_type(schema)?;
    match Class::of(&of) {
        Class::Float => Ok(canonical(value, &of, &of)),
        Class::Other if has_inexact(&of) => {
            unsupported("grouping or ordering by rows, arrays or maps that hold doubles or timestamps")
        }
        _ => Ok(value),
    }
}

/// DISTINCT of rows with floating-point numbers looks at canonical ones.
pub(super) fn distinct(node: LogicalPlan) -> Result<LogicalPlan> {
    let LogicalPlan::Distinct(Distinct::All(input)) = node else { return Ok(node) };
    let schema = Arc::clone(input.schema());
    if !schema.fields().iter().any(|field| has_inexact(field.data_type())) {
        return Ok(LogicalPlan::Distinct(Distinct::All(input)));
    }
    let columns = schema.iter().map(|(table, field)| {
        let column = Expr::Column(Column::new(table.cloned(), field.name()));
        match Class::of(field.data_type()) {
            Class::Float => Ok(key(column, &schema)?.alias_qualified(table.cloned(), field.name())),
            _ => key(column, &schema),
        }
    });
    let projection = Projection::try_new(columns.collect::<Result<_>>()?, input)?;
    Ok(LogicalPlan::Distinct(Distinct::All(Arc::new(LogicalPlan::Projection(projection)))))
}
