//! `VALUES (…), (…)` as `SELECT … UNION ALL SELECT …`: so its columns get their types by the rules of UNION, as in
//! Trino.

use sqlparser::ast::{Expr, SelectItem, SetExpr, SetOperator, SetQuantifier, Value};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

/// Replaces every VALUES of a query's body; queries inside of it are the caller's.
pub(super) fn as_selects(body: &mut SetExpr) {
    match body {
        SetExpr::SetOperation { left, right, .. } => {
            as_selects(left);
            as_selects(right);
        }
        SetExpr::Values(values) => {
            let mut cells: Vec<Vec<Expr>> = values.rows.iter().map(|row| row.content.clone()).collect();
            type_first_nulls(&mut cells);
            let rows: Vec<SetExpr> = cells
                .into_iter()
                .filter_map(|row| one_row(row.into_iter().map(SelectItem::UnnamedExpr).collect()))
                .collect();
            if let Some(all) = joined(rows) {
                *body = all;
            }
        }
        _ => {}
    }
}

/// A NULL of the first row gets the type of the first constant below it: when functions are looked up, only the types of
/// the first row are known.
fn type_first_nulls(rows: &mut [Vec<Expr>]) {
    let Some((first, others)) = rows.split_first_mut() else { return };
    for (at, cell) in first.iter_mut().enumerate().filter(|(_, cell)| is_null(cell)) {
        let typed = others.iter().filter_map(|row| row.get(at)).find(|cell| !is_null(cell));
        if let Some(typed) = typed.filter(|cell| is_constant(cell))
            && let Some(null) = null_like(typed)
        {
            *cell = null;
        }
    }
}

fn is_null(cell: &Expr) -> bool {
    matches!(cell, Expr::Value(value) if value.value == Value::Null)
}

fn is_constant(cell: &Expr) -> bool {
    match cell {
        Expr::Value(_) | Expr::TypedString(_) => true,
        Expr::UnaryOp { expr, .. } | Expr::Nested(expr) | Expr::Cast { expr, .. } => is_constant(expr),
        _ => false,
    }
}

/// `CASE WHEN false THEN cell END`.
fn null_like(cell: &Expr) -> Option<Expr> {
    let mut parser = Parser::new(&GenericDialect {}).try_with_sql("CASE WHEN false THEN 1 END").ok()?;
    let mut case = parser.parse_expr().ok()?;
    if let Expr::Case { conditions, .. } = &mut case {
        conditions.first_mut()?.result = cell.clone();
    }
    Some(case)
}

/// `SELECT` of these, from nothing.
fn one_row(projection: Vec<SelectItem>) -> Option<SetExpr> {
    let parser = Parser::new(&GenericDialect {}).try_with_sql("SELECT 1").ok();
    let SetExpr::Select(mut select) = *parser?.parse_query().ok()?.body else { return None };
    select.projection = projection;
    Some(SetExpr::Select(select))
}

/// The rows together, nested no deeper than needed.
fn joined(mut rows: Vec<SetExpr>) -> Option<SetExpr> {
    if rows.len() < 2 {
        return rows.pop();
    }
    let rest = rows.split_off(rows.len() / 2);
    Some(SetExpr::SetOperation {
        op: SetOperator::Union,
        set_quantifier: SetQuantifier::All,
        left: Box::new(joined(rows)?),
        right: Box::new(joined(rest)?),
    })
}
