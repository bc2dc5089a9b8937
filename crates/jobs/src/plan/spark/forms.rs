//! Clauses that are refused by their form.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, LimitClause, Query, Select, SetExpr, SetOperator, SetQuantifier, TableFactor, Value,
};

use super::dialect::NUMBER;

/// Breaks with what of a query, beside its SELECTs, is not supported.
pub(super) fn query(query: &Query) -> ControlFlow<String> {
    if let Some(fetch) = &query.fetch {
        return ControlFlow::Break(format!("{fetch} (write LIMIT)"));
    }
    if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &query.limit_clause {
        let offset = offset.as_ref().map(|offset| &offset.value);
        for (clause, rows) in [("LIMIT", limit.as_ref()), ("OFFSET", offset)] {
            if let Some(rows) = rows.filter(|rows| !is_whole(rows)) {
                let rows = written(rows);
                return ControlFlow::Break(format!("{clause} {rows} (write a whole number)"));
            }
        }
    }
    sets(&query.body)
}

fn is_whole(rows: &Expr) -> bool {
    match rows {
        Expr::Nested(inner) => is_whole(inner),
        Expr::Value(value) => {
            matches!(&value.value, Value::Number(text, _) if text.bytes().all(|byte| byte.is_ascii_digit()))
        }
        _ => false,
    }
}

/// As the statement has it: a number with a letter or point stands in a marker.
fn written(rows: &Expr) -> String {
    let text = rows.to_string();
    match text.strip_prefix(NUMBER).and_then(|marked| marked.strip_prefix("('")?.strip_suffix("')")) {
        Some(number) => number.to_owned(),
        None => text,
    }
}

fn sets(body: &SetExpr) -> ControlFlow<String> {
    let SetExpr::SetOperation { op, set_quantifier, left, right } = body else {
        return ControlFlow::Continue(());
    };
    if *op != SetOperator::Union && *set_quantifier == SetQuantifier::All {
        return ControlFlow::Break(format!("{op} ALL"));
    }
    sets(left)?;
    sets(right)
}

/// Breaks with what of a SELECT is not supported.
pub(super) fn select(select: &Select) -> ControlFlow<String> {
    let clauses = [
        ("SORT BY", !select.sort_by.is_empty()),
        ("CLUSTER BY", !select.cluster_by.is_empty()),
        ("DISTRIBUTE BY", !select.distribute_by.is_empty()),
    ];
    match clauses.into_iter().find(|(_, is_there)| *is_there) {
        Some((clause, _)) => ControlFlow::Break(format!("{clause} (rows are sorted by ORDER BY)")),
        None => ControlFlow::Continue(()),
    }
}

/// Breaks with what of a table is not supported.
pub(super) fn table(table: &TableFactor) -> ControlFlow<String> {
    match table {
        TableFactor::Table { sample: Some(_), .. } => ControlFlow::Break("TABLESAMPLE".to_owned()),
        _ => ControlFlow::Continue(()),
    }
}
