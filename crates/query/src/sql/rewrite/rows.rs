//! `VALUES (…), (…)` as `SELECT … UNION ALL SELECT …`: so its columns get their types by the rules of UNION, as in
//! Trino.

use sqlparser::ast::{SelectItem, SetExpr, SetOperator, SetQuantifier};
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
            let rows: Vec<SetExpr> = values
                .rows
                .iter()
                .filter_map(|row| one_row(row.content.iter().cloned().map(SelectItem::UnnamedExpr).collect()))
                .collect();
            if let Some(all) = joined(rows) {
                *body = all;
            }
        }
        _ => {}
    }
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
