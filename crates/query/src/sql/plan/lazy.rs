//! Errors show only where Trino evaluates: not right of an AND whose left is false, nor of an OR whose left is true,
//! nor in a branch of CASE that is not taken.
//!
//! Our engine evaluates both sides of AND and OR, and rewrites a CASE of conditions into them. So where a right side
//! may fail, it becomes a branch of a CASE of numbers, which our engine evaluates for the rows that reach it and never
//! rewrites (see [`Bit`]). What AND connects at the top of WHERE stays: partitions and keys of joins are found in
//! it, and the engine asks conditions that may fail last, only of rows that all others accepted.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{BinaryExpr, Case, ScalarFunction};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, lit};

use super::floats::call;
use super::unsupported;
use crate::types::Class;
use crate::values::{Bit, Truth};

/// What becomes of NULL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nulls {
    /// As good as false, as in WHERE.
    False,
    /// Itself.
    Kept,
}

/// The condition of a WHERE or HAVING.
pub(super) fn condition(whole: Expr, schema: &DFSchema) -> Result<Expr> {
    let parts = split_conjunction_owned(whole).into_iter().map(|part| lazy(part, Nulls::False, schema));
    let parts = parts.collect::<Result<Vec<_>>>()?;
    Ok(conjunction(parts).unwrap_or_else(|| lit(true)))
}

/// The condition of a join: a part that may fail is asked after those before it, but for keys.
pub(super) fn join_condition(whole: Expr, schema: &DFSchema) -> Result<Expr> {
    let (mut before, mut parts): (Vec<Expr>, Vec<Expr>) = (Vec::new(), Vec::new());
    for part in split_conjunction_owned(whole) {
        let part = lazy(part, Nulls::False, schema)?;
        let is_key = matches!(&part, Expr::BinaryExpr(BinaryExpr { op: Operator::Eq, .. }));
        let guard = conjunction(before.iter().cloned()).filter(|_| !is_key && !has_subquery(&part));
        match guard {
            Some(guard) if may_fail(&part, schema)? => parts.push(choose(guard, bit(part), number(0))),
            _ => {
                if !is_key && !has_subquery(&part) {
                    before.push(part.clone());
                }
                parts.push(part);
            }
        }
    }
    Ok(conjunction(parts).unwrap_or_else(|| lit(true)))
}

/// An expression whose value is wanted.
pub(super) fn value(whole: Expr, schema: &DFSchema) -> Result<Expr> {
    lazy(whole, Nulls::Kept, schema)
}

fn lazy(expr: Expr, nulls: Nulls, schema: &DFSchema) -> Result<Expr> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right }) => {
            let (left, right) = (lazy(*left, nulls, schema)?, lazy(*right, nulls, schema)?);
            if !may_fail(&right, schema)? || has_subquery(&left) || has_subquery(&right) {
                let (left, right) = (Box::new(left), Box::new(right));
                return Ok(Expr::BinaryExpr(BinaryExpr { left, op, right }));
            }
            Ok(match nulls {
                Nulls::False if op == Operator::And => choose(left, bit(right), number(0)),
                Nulls::False => choose(left, number(1), bit(right)),
                Nulls::Kept => three_valued(left, op, right),
            })
        }
        Expr::Case(case) => lazy_case(case, nulls, schema),
        Expr::ScalarFunction(call) if call.func.name() == "coalesce" => lazy_coalesce(call, schema),
        Expr::InSubquery(_) if nulls == Nulls::Kept => {
            // Whether it is NULL or false matters here, and our engine's join does not tell.
            unsupported("IN with a subquery anywhere but as a condition of WHERE, HAVING or ON")
        }
        // The plan inside has been looked at already, and `map_children` would not go there.
        other => Ok(other.map_children(|child| lazy(child, Nulls::Kept, schema).map(Transformed::yes))?.data),
    }
}

fn lazy_case(case: Case, nulls: Nulls, schema: &DFSchema) -> Result<Expr> {
    let of_conditions = Expr::Case(case.clone()).get_type(schema)? == DataType::Boolean;
    let whens = if case.expr.is_none() { Nulls::False } else { Nulls::Kept };
    let thens = if of_conditions { nulls } else { Nulls::Kept };
    let each = |expr: Box<Expr>, nulls| lazy(*expr, nulls, schema).map(Box::new);
    let mut branches = Vec::with_capacity(case.when_then_expr.len());
    let mut risky = false;
    for (when, then) in case.when_then_expr {
        let (when, then) = (each(when, whens)?, each(then, thens)?);
        risky |= may_fail(&then, schema)? || (!branches.is_empty() && may_fail(&when, schema)?);
        branches.push((when, then));
    }
    let operand = case.expr.map(|operand| each(operand, Nulls::Kept)).transpose()?;
    let otherwise = case.else_expr.map(|otherwise| each(otherwise, thens)).transpose()?;
    risky |= otherwise.as_deref().map_or(Ok(false), |otherwise| may_fail(otherwise, schema))?;
    if !of_conditions || !risky {
        return Ok(Expr::Case(Case { expr: operand, when_then_expr: branches, else_expr: otherwise }));
    }
    let as_bit = |expr: Box<Expr>| Box::new(bit(*expr));
    Ok(truth(Expr::Case(Case {
        expr: operand,
        when_then_expr: branches.into_iter().map(|(when, then)| (when, as_bit(then))).collect(),
        else_expr: otherwise.map(as_bit),
    })))
}

/// COALESCE of conditions as CASE, when a later one may fail.
fn lazy_coalesce(mut call: ScalarFunction, schema: &DFSchema) -> Result<Expr> {
    call.args = call.args.into_iter().map(|arg| value(arg, schema)).collect::<Result<_>>()?;
    let mut risky = false;
    for arg in call.args.iter().skip(1) {
        risky |= may_fail(arg, schema)?;
    }
    let whole = Expr::ScalarFunction(call.clone());
    if !risky || whole.get_type(schema)? != DataType::Boolean {
        return Ok(whole);
    }
    let Some(last) = call.args.pop() else { return Ok(whole) };
    let branch = |arg: Expr| (Box::new(arg.clone().is_not_null()), Box::new(bit(arg)));
    let when_then_expr = call.args.into_iter().map(branch).collect();
    Ok(truth(Expr::Case(Case { expr: None, when_then_expr, else_expr: Some(Box::new(bit(last))) })))
}

/// `if(condition, then, otherwise)` of bits, as a condition.
fn choose(condition: Expr, then: Expr, otherwise: Expr) -> Expr {
    let when_then_expr = vec![(Box::new(condition), Box::new(then))];
    truth(Expr::Case(Case { expr: None, when_then_expr, else_expr: Some(Box::new(otherwise)) }))
}

/// AND and OR with NULL as a value of its own. One side is written twice: the smaller one.
fn three_valued(left: Expr, op: Operator, right: Expr) -> Expr {
    let both = |left: Expr, right: Expr| {
        bit(Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) }))
    };
    // What decides alone, and the answer then.
    let decides = i8::from(op == Operator::Or);
    if size(&left) <= size(&right) {
        let decided = if op == Operator::And {
            Expr::IsFalse(Box::new(left.clone()))
        } else {
            Expr::IsTrue(Box::new(left.clone()))
        };
        return choose(decided, number(decides), both(left, right));
    }
    let null = Expr::Literal(ScalarValue::Boolean(None), None);
    truth(Expr::Case(Case {
        expr: Some(Box::new(bit(left))),
        when_then_expr: vec![
            (Box::new(number(decides)), Box::new(number(decides))),
            (Box::new(number(1 - decides)), Box::new(bit(right.clone()))),
        ],
        else_expr: Some(Box::new(both(null, right))),
    }))
}

fn bit(condition: Expr) -> Expr {
    call(Bit::default(), vec![condition])
}

fn truth(number: Expr) -> Expr {
    call(Truth::default(), vec![number])
}

fn number(value: i8) -> Expr {
    lit(value)
}

fn size(expr: &Expr) -> usize {
    let mut nodes = 0_usize;
    let counted = expr.apply(|_| {
        nodes += 1;
        Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
    });
    // The closure never fails.
    counted.map_or(usize::MAX, |_| nodes)
}

fn has_subquery(expr: &Expr) -> bool {
    let is_one =
        |inner: &Expr| Ok(matches!(inner, Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_)));
    // The closure never fails.
    expr.exists(is_one).unwrap_or(true)
}

/// Whether some value may make it fail.
fn may_fail(expr: &Expr, schema: &DFSchema) -> Result<bool> {
    expr.exists(|inner| {
        Ok(match inner {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Divide | Operator::Modulo, right }) => {
                Class::of(&left.get_type(schema)?) != Class::Float
                    && Class::of(&right.get_type(schema)?) != Class::Float
            }
            Expr::Cast(cast) => Class::of(cast.field.data_type()) == Class::Decimal,
            Expr::Negative(_) => true,
            Expr::ScalarFunction(call) => fails(call.func.name()),
            _ => false,
        })
    })
}

/// Functions that report an error for some values. Lenient casts have names that begin with `try_`.
fn fails(function: &str) -> bool {
    [
        "checked_",
        "text_to_",
        "number_to_",
        "abs",
        "date_parse",
        "date_add",
        "split_part",
        "regexp_",
        "lpad",
        "rpad",
    ]
    .iter()
    .any(|beginning| function.starts_with(beginning))
}
