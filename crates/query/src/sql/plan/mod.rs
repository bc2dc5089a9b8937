//! What only the types can tell: brings a bound query in line with Trino, or refuses it.
//!
//! Our engine converts generously where Trino reports a mismatch (`'10' > 9`), truncates where Trino rounds, and
//! lets integers wrap. So before the engine's own analysis every expression is looked at with the types of its
//! operands ([`expressions`], [`casts`], [`calls`], [`aggregates`], [`sets`]): mismatches are refused, values that get one
//! type are cast to the one that Trino gives them ([`casts::unify`]), integer arithmetic is replaced by arithmetic that
//! reports an overflow, and so on. [`floats`] keeps NaN from equalling itself, [`times`]
//! brings timestamps to milliseconds, and [`lazy`] sees to it that an error on the right of AND shows only where its
//! left is not false.

mod aggregates;
mod calls;
mod casts;
mod constants;
mod expressions;
mod floats;
mod lazy;
mod scans;
mod sets;
mod subqueries;
mod times;

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, DataFusionError, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, Join, LogicalPlan};

pub(crate) use scans::as_read;
pub(crate) use subqueries::is_correlated;

use super::{Position, SqlError, SqlErrorKind};
use crate::types::{Class, comparable, name};

/// Returns the plan that gives Trino's answer.
/// Errors: `DataFusionError::External` around a [`SqlError`] for what Trino refuses or Tenon does not run.
pub(crate) fn conform(plan: LogicalPlan) -> Result<LogicalPlan> {
    Ok(relation(plan, &[])?.data)
}

/// From the bottom up, because a changed type below changes what an expression means, also one of a subquery that
/// names a column of the query outside.
fn relation(plan: LogicalPlan, outer: &[&DFSchema]) -> Result<Transformed<LogicalPlan>> {
    let plan = sets::of_one_type(plan.map_children(|child| relation(child, outer))?.data)?;
    let plan = constants::of_rows(plan)?;
    let inputs = plan.inputs();
    let schema = if inputs.is_empty() { plan.schema().as_ref().clone() } else { merge_schema(&inputs) };
    let within: Vec<&DFSchema> = outer.iter().copied().chain([&schema]).collect();
    let plan = plan.map_subqueries(|query| relation(query, &within))?.data;
    node(plan, &Scope { schema: &schema, outer })
}

/// Where an expression stands.
struct Scope<'a> {
    /// What its columns are.
    schema: &'a DFSchema,
    /// The schemas of the queries around it, the nearest last.
    outer: &'a [&'a DFSchema],
}

impl Scope<'_> {
    /// A column of a query around this one, as it is now.
    fn outer_field(&self, column: &Column) -> Option<FieldRef> {
        self.outer.iter().rev().find_map(|schema| {
            let at = schema.maybe_index_of_column(column)?;
            Some(Arc::clone(schema.fields().get(at)?))
        })
    }
}

fn node(node: LogicalPlan, scope: &Scope<'_>) -> Result<Transformed<LogicalPlan>> {
    let schema = scope.schema;
    let node = match node {
        LogicalPlan::TableScan(scan) => return scans::scan(scan),
        LogicalPlan::Union(_) => return Ok(Transformed::no(node)),
        LogicalPlan::Join(join) => LogicalPlan::Join(keys(join)?),
        other => floats::distinct(other)?,
    };
    let names = NamePreserver::new(&node);
    let place = Place::of(&node);
    let changed = node.map_expressions(|expr| {
        let saved = names.save(&expr);
        let changed = expr.transform_up(|inner| expressions::conform(inner, scope))?.data;
        let changed = match place {
            Place::Condition => lazy::condition(floats::keys_in(changed, schema)?, schema)?,
            Place::Key => floats::key(lazy::value(changed, schema)?, schema)?,
            // The keys of a join come here too; they have no conditions inside.
            Place::Join if changed.get_type(schema)? == DataType::Boolean => {
                lazy::join_condition(floats::keys_in(changed, schema)?, schema)?
            }
            Place::Join | Place::Value => lazy::value(changed, schema)?,
        };
        Ok(Transformed::yes(saved.restore(changed)))
    })?;
    changed.map_data(LogicalPlan::recompute_schema)
}

/// What the expressions of a node are for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Condition,
    Join,
    /// Values that are told apart: groups and orders.
    Key,
    Value,
}

impl Place {
    fn of(node: &LogicalPlan) -> Self {
        match node {
            LogicalPlan::Filter(_) => Self::Condition,
            LogicalPlan::Join(_) => Self::Join,
            LogicalPlan::Aggregate(_) | LogicalPlan::Sort(_) => Self::Key,
            _ => Self::Value,
        }
    }
}

fn refused<T>(kind: SqlErrorKind) -> Result<T> {
    Err(DataFusionError::External(Box::new(SqlError { position: Position::default(), kind })))
}

/// Types that the operator does not take.
fn mismatch<T>(operator: &str, message: String) -> Result<T> {
    refused(SqlErrorKind::TypeMismatch { message, operator: Some(operator.to_owned()) })
}

pub(super) fn cannot_apply<T>(left: &DataType, operator: &str, right: &DataType) -> Result<T> {
    mismatch(operator, format!("Cannot apply operator: {} {operator} {}", name(left), name(right)))
}

/// Types that the function, by its name on our engine, does not take.
pub(super) fn parameters<T>(function: &str, types: &[DataType]) -> Result<T> {
    let types = types.iter().map(|of| name(of).to_owned()).collect();
    refused(SqlErrorKind::Parameters { function: function.to_owned(), types })
}

fn unsupported<T>(what: impl Into<String>) -> Result<T> {
    Err(DataFusionError::External(Box::new(SqlError::unsupported(Position::default(), what))))
}

/// The keys of a join, checked and comparable as Trino compares them.
fn keys(mut join: Join) -> Result<Join> {
    for (left, right) in &mut join.on {
        let types = (left.get_type(join.left.schema())?, right.get_type(join.right.schema())?);
        require_comparable(&types.0, &types.1, "=")?;
        let using = join.join_constraint == datafusion::common::JoinConstraint::Using;
        if using && types.0 != types.1 && Class::of(&types.0) != Class::Text {
            // The column that is made of the two has their common type, not that of the left one.
            let (left, right) = (name(&types.0), name(&types.1));
            return unsupported(format!(
                "USING of columns of different types, {left} and {right} (CAST them)"
            ));
        }
        let plain = (left.clone(), right.clone());
        if !floats::compares(&types.0, &types.1)
            && let Some(common) = casts::common_of(&[types.0.clone(), types.1.clone()])?
        {
            *left = casts::coerced(std::mem::take(left), &types.0, &common, join.left.schema())?;
            *right = casts::coerced(std::mem::take(right), &types.1, &common, join.right.schema())?;
        }
        floats::key_pair((left, &types.0), (right, &types.1), join.null_equality);
        if (&plain.0, &plain.1) != (&*left, &*right) {
            // USING names columns, which these no longer are. What it says of wildcards has been settled by now.
            join.join_constraint = datafusion::common::JoinConstraint::On;
        }
    }
    Ok(join)
}

fn require_comparable(left: &DataType, right: &DataType, operator: &str) -> Result<()> {
    if comparable(left, right) {
        return Ok(());
    }
    cannot_apply(left, operator, right)
}

/// Refuses an operand that the operator does not take.
fn require_class(expr: &Expr, schema: &DFSchema, operator: &str, fits: impl Fn(Class) -> bool) -> Result<()> {
    let found = expr.get_type(schema)?;
    let class = Class::of(&found);
    if class == Class::Null || fits(class) {
        return Ok(());
    }
    mismatch(operator, format!("Unexpected operand of type {} for {operator}", name(&found)))
}

/// Refuses arguments that the function does not take.
fn require_arguments(function: &str, types: &[DataType], fits: impl Fn(Class) -> bool) -> Result<()> {
    let fit = |of: &DataType| Class::of(of) == Class::Null || fits(Class::of(of));
    if types.iter().all(fit) { Ok(()) } else { parameters(function, types) }
}

/// The types of arguments.
fn types_of(args: &[Expr], schema: &DFSchema) -> Result<Vec<DataType>> {
    args.iter().map(|arg| arg.get_type(schema)).collect()
}
