//! Subqueries in expressions: what our engine's joins, which it makes of them, do not answer as Trino does is put in
//! another way or refused.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::expr::{BinaryExpr, Case, Exists, InSubquery};
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, Operator, Projection, Subquery, lit};
use engine::OneRow;

use super::{casts, expressions, floats, require_comparable, unsupported};
use crate::values::common_float;

/// What the column of a subquery of IN is called where its own name would not do.
const MEMBER: &str = "\u{1}member";

/// Whether a subquery anywhere in the plan names a column of a query around it.
pub(crate) fn is_correlated(plan: &LogicalPlan) -> bool {
    let found = plan.apply_with_subqueries(|node| match node.all_out_ref_exprs().is_empty() {
        true => Ok(TreeNodeRecursion::Continue),
        false => Ok(TreeNodeRecursion::Stop),
    });
    matches!(found, Ok(TreeNodeRecursion::Stop))
}

/// Whether there is a column of this name that belongs to no table.
fn is_bare(schema: &DFSchema, name: &str) -> bool {
    schema.iter().any(|(table, field)| table.is_none() && field.name() == name)
}

/// A subquery that is a value. Our engine counts the rows of one that stands for itself, but not of one for each row
/// outside.
pub(super) fn value(subquery: Subquery, schema: &DFSchema) -> Result<Expr> {
    if subquery.outer_ref_columns.is_empty() {
        return Ok(Expr::ScalarSubquery(subquery));
    }
    match engine::one_row(&subquery, schema)? {
        Some(OneRow { mut values, having }) if values.len() == 1 => {
            Ok(kept(values.swap_remove(0), having, None))
        }
        _ => unsupported(
            "a scalar subquery that refers to the query outside and is no aggregate over all rows",
        ),
    }
}

/// The value where HAVING holds, or where there is no HAVING.
fn kept(value: Expr, having: Option<Expr>, otherwise: Option<Expr>) -> Expr {
    match having {
        None => value,
        Some(having) => Expr::Case(Case {
            expr: None,
            when_then_expr: vec![(Box::new(having), Box::new(value))],
            else_expr: otherwise.map(Box::new),
        }),
    }
}

pub(super) fn exists(exists: Exists, schema: &DFSchema) -> Result<Expr> {
    if exists.subquery.outer_ref_columns.is_empty() {
        return Ok(Expr::Exists(exists));
    }
    if let Some(OneRow { having, .. }) = engine::one_row(&exists.subquery, schema)? {
        return Ok(match (having, exists.negated) {
            (None, negated) => lit(!negated),
            (Some(having), false) => Expr::IsTrue(Box::new(having)),
            (Some(having), true) => Expr::IsNotTrue(Box::new(having)),
        });
    }
    right(&exists.subquery, true)?;
    Ok(Expr::Exists(exists))
}

/// Refuses what our engine would compute wrongly.
fn right(subquery: &Subquery, exists: bool) -> Result<()> {
    match engine::correlation_fault(subquery, exists)? {
        Some(what) => {
            unsupported(format!("{what} in a subquery of EXISTS or IN that refers to the query outside"))
        }
        None => Ok(()),
    }
}

/// With a NULL on either side NOT IN is NULL; our engine's join knows that where it compares values of one kind.
fn not_in(member: &InSubquery, of: &DataType, found: &DataType) -> Result<()> {
    if !member.subquery.outer_ref_columns.is_empty() {
        return unsupported("NOT IN with a subquery that refers to the query outside");
    }
    if floats::compares(of, found) {
        return unsupported("NOT IN of doubles with a subquery");
    }
    if !member.expr.any_column_refs() {
        return unsupported("a constant before NOT IN with a subquery");
    }
    Ok(())
}

pub(super) fn member(mut member: InSubquery, schema: &DFSchema) -> Result<Expr> {
    let of = member.expr.get_type(schema)?;
    let (table, field) = member.subquery.subquery.schema().qualified_field(0);
    let (mut table, mut field) = (table.cloned(), Arc::clone(field));
    require_comparable(&of, field.data_type(), "IN")?;
    if member.negated {
        not_in(&member, &of, field.data_type())?;
    }
    if !member.subquery.outer_ref_columns.is_empty() {
        if let Some(OneRow { mut values, having }) = engine::one_row(&member.subquery, schema)?
            && values.len() == 1
        {
            let (left, right) = (member.expr, Box::new(values.swap_remove(0)));
            let equal = BinaryExpr { left, op: Operator::Eq, right };
            // Without the row it equals nothing.
            return Ok(kept(expressions::binary(equal, schema)?, having, Some(lit(false))));
        }
        right(&member.subquery, false)?;
    }
    if member.subquery.outer_ref_columns.is_empty() && is_bare(schema, field.name()) {
        // Beside a column of this name that has no table our engine could not tell the two apart.
        let column = Expr::Column(Column::new(table.take(), field.name()));
        let renamed = Field::new(MEMBER, field.data_type().clone(), field.is_nullable());
        member.subquery = of_column(member.subquery, column.alias(MEMBER))?;
        field = Arc::new(renamed);
    }
    if floats::compares(&of, field.data_type()) {
        let common = common_float(&of, field.data_type());
        member.expr = Box::new(floats::member(*member.expr, &of, &common));
        let column = Expr::Column(Column::new(table.clone(), field.name()));
        let found = floats::member(column, field.data_type(), &common).alias_qualified(table, field.name());
        member.subquery = of_column(member.subquery, found)?;
    } else if let Some(common) = casts::common_of(&[of.clone(), field.data_type().clone()])? {
        member.expr = Box::new(casts::coerced(*member.expr, &of, &common, schema)?);
        if *field.data_type() != common {
            let inner = Arc::clone(member.subquery.subquery.schema());
            let column = Expr::Column(Column::new(table.clone(), field.name()));
            let found = casts::coerced(column, field.data_type(), &common, &inner)?;
            member.subquery = of_column(member.subquery, found.alias_qualified(table, field.name()))?;
        }
    }
    Ok(Expr::InSubquery(member))
}

/// The subquery with another column in place of its own.
fn of_column(mut subquery: Subquery, column: Expr) -> Result<Subquery> {
    let inner = Arc::clone(&subquery.subquery);
    subquery.subquery = Arc::new(LogicalPlan::Projection(Projection::try_new(vec![column], inner)?));
    Ok(subquery)
}
