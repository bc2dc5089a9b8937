//! Queries inside of expressions: what the engine's joins, which it makes of them, do not answer as Spark does is put in
//! another way or refused.

use datafusion::common::DFSchema;
use datafusion::common::tree_node::TreeNode;
use datafusion::error::Result;
use datafusion::logical_expr::expr::{BinaryExpr, Case, Exists, InSubquery};
use datafusion::logical_expr::{Expr, Operator, Subquery, lit};
use engine::OneRow;

use super::{exprs, refused};

fn unsupported<T>(what: &str) -> Result<T> {
    Err(refused(format!("{what} is not supported in SparkSQL nodes")))
}

/// A query that is a value.
pub(super) fn value(query: Subquery, schema: &DFSchema) -> Result<Expr> {
    if query.outer_ref_columns.is_empty() {
        return Ok(Expr::ScalarSubquery(query));
    }
    match engine::one_row(&query, schema)? {
        Some(OneRow { mut values, having }) if values.len() == 1 => {
            Ok(kept(values.swap_remove(0), having, None))
        }
        _ => unsupported(
            "a query as a value that names a column outside and is no aggregate over all its rows",
        ),
    }
}

/// The value where HAVING holds, or where there is no HAVING.
fn kept(value: Expr, having: Option<Expr>, otherwise: Option<Expr>) -> Expr {
    let Some(having) = having else { return value };
    Expr::Case(Case {
        expr: None,
        when_then_expr: vec![(Box::new(having), Box::new(value))],
        else_expr: otherwise.map(Box::new),
    })
}

pub(super) fn exists(exists: Exists, schema: &DFSchema) -> Result<Expr> {
    if exists.subquery.outer_ref_columns.is_empty() {
        return Ok(Expr::Exists(exists));
    }
    let Some(OneRow { having, .. }) = engine::one_row(&exists.subquery, schema)? else {
        right(&exists.subquery, true)?;
        return Ok(Expr::Exists(exists));
    };
    Ok(match (having, exists.negated) {
        (None, negated) => lit(!negated),
        (Some(having), false) => Expr::IsTrue(Box::new(having)),
        (Some(having), true) => Expr::IsNotTrue(Box::new(having)),
    })
}

/// Refuses what the engine would compute wrongly.
fn right(query: &Subquery, exists: bool) -> Result<()> {
    match engine::correlation_fault(query, exists)? {
        Some(what) => unsupported(&format!("{what} in a query of EXISTS or IN that names a column outside")),
        None => Ok(()),
    }
}

/// IN as a comparison, of a query that is one row; `None` for other queries.
/// Errors: what the engine would compute wrongly.
pub(super) fn compared(query: &InSubquery, schema: &DFSchema) -> Result<Option<Expr>> {
    if query.negated && !query.expr.any_column_refs() {
        return unsupported("a constant before NOT IN with a query");
    }
    if query.subquery.outer_ref_columns.is_empty() {
        return Ok(None);
    }
    match engine::one_row(&query.subquery, schema)? {
        Some(OneRow { mut values, having }) if values.len() == 1 => {
            let value = query.expr.as_ref().clone();
            let equal = exprs::binary(value, Operator::Eq, values.swap_remove(0), schema)?;
            // Without the row it equals nothing.
            let among = kept(equal, having, Some(lit(false)));
            Ok(Some(if query.negated { Expr::Not(Box::new(among)) } else { among }))
        }
        _ if query.negated => unsupported("NOT IN with a query that names a column outside"),
        _ => right(&query.subquery, false).map(|()| None),
    }
}

/// Refuses IN with a query in a condition of WHERE or HAVING where it matters whether it is NULL or false: the engine's
/// joins do not tell, but for those that AND connects.
pub(super) fn condition(whole: &Expr, connected: bool) -> Result<()> {
    match whole {
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right }) => {
            let connected = connected && *op == Operator::And;
            condition(left, connected)?;
            condition(right, connected)
        }
        Expr::InSubquery(query) if connected || !query.negated => Ok(()),
        Expr::Not(inner) if connected && matches!(&**inner, Expr::InSubquery(_)) => Ok(()),
        other if other.exists(|inner| Ok(matches!(inner, Expr::InSubquery(_))))? => unsupported(
            "NOT IN with a query, or IN inside of another expression, anywhere but among the conditions of WHERE \
             that AND connects",
        ),
        _ => Ok(()),
    }
}
