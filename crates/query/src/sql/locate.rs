//! Where in the statement an error of binding is.
//!
//! Plans do not know places. So when one is refused, the expressions of the statement that the error may speak of are
//! looked up in its text ([`spots`]). When there are several, the statement is bound again with one after the other
//! replaced by a harmless value ([`without`]): the one without which the error is gone is the place of it.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, GroupByExpr, Ident, OrderByKind, Query, Select as AstSelect, SelectItem, SetExpr, Spanned, Value,
    VisitMut, VisitorMut, visit_expressions_mut,
};
use sqlparser::tokenizer::Location;

use super::check::{folded, number};
use super::rewrite::call;
use super::{Position, Select, SqlError, SqlErrorKind, functions, probe};

/// What is looked for.
pub(crate) enum Search<'k> {
    /// What this error may be about.
    Of(&'k SqlErrorKind),
    /// Whatever has operands: the error does not say.
    Operands,
}

/// A place that the error may be at.
pub(crate) struct Spot {
    position: Position,
    /// The function that is called there, or the operator.
    pub(crate) called: Option<String>,
    /// What is written there, when it is a name.
    written: Option<String>,
}

/// The places that the error may be at: inner expressions first. Empty when the text does not say.
pub(crate) fn spots(text: &str, search: &Search<'_>) -> Vec<Spot> {
    let Ok(mut query) = super::query_of(text) else { return Vec::new() };
    let mut spots = Vec::new();
    each(&mut query, search, |expr| {
        let called = match &*expr {
            Expr::BinaryOp { op, .. } => Some(op.to_string()),
            other => functions::called(other).map(str::to_owned),
        };
        let written = is_name(expr).then(|| expr.to_string());
        spots.push(Spot { position: place(expr, text), called, written });
    });
    spots
}

/// The statement with harmless values at those of its [`spots`] that are to go.
pub(crate) fn without(text: &str, search: &Search<'_>, gone: impl Fn(usize) -> bool) -> Option<Select> {
    replaced(text, search, |at, expr| gone(at).then(|| harmless(expr)))
}

/// The statement with a [`super::Probe`] at one of the spots of [`Search::Operands`].
pub(crate) fn probing(text: &str, spot: usize) -> Option<Select> {
    replaced(text, &Search::Operands, |at, expr| (at == spot).then(|| probe(expr)))
}

fn replaced(text: &str, search: &Search<'_>, by: impl Fn(usize, &Expr) -> Option<Expr>) -> Option<Select> {
    let mut query = super::query_of(text).ok()?;
    let mut at = 0;
    each(&mut query, search, |expr| {
        if let Some(other) = by(at, expr) {
            *expr = other;
        }
        at += 1;
    });
    super::prepared(query).ok()
}

fn probe(expr: &Expr) -> Expr {
    match expr {
        Expr::BinaryOp { left, right, .. } => call(probe::NAME, vec![(**left).clone(), (**right).clone()]),
        Expr::Function(function) => {
            let probe = call(probe::NAME, functions::arguments_of(function).into_iter().cloned().collect());
            // Where an aggregate stood no other column may.
            if functions::is_aggregate(function) { call("max", vec![probe]) } else { probe }
        }
        other => other.clone(),
    }
}

impl SqlError {
    /// The same error at its place, in the words of the statement.
    pub(crate) fn at(kind: SqlErrorKind, spot: &Spot) -> Self {
        let kind = match (kind, &spot.called) {
            (SqlErrorKind::Parameters { types, .. }, Some(function)) => {
                SqlErrorKind::Parameters { function: function.clone(), types }
            }
            (SqlErrorKind::NoColumn { column, candidates }, _) => {
                SqlErrorKind::NoColumn { column: spot.written.clone().unwrap_or(column), candidates }
            }
            (kind, _) => kind,
        };
        Self { position: spot.position, kind }
    }
}

fn each(query: &mut Query, search: &Search<'_>, mut found: impl FnMut(&mut Expr)) {
    let _: ControlFlow<()> = visit_expressions_mut(query, |expr| {
        let wanted = match search {
            Search::Of(kind) => may_be(expr, kind),
            Search::Operands => matches!(expr, Expr::BinaryOp { .. } | Expr::Function(_)),
        };
        if wanted {
            found(expr);
        }
        ControlFlow::Continue(())
    });
}

fn may_be(expr: &Expr, kind: &SqlErrorKind) -> bool {
    match kind {
        SqlErrorKind::TypeMismatch { operator: Some(operator), .. } => match expr {
            Expr::BinaryOp { op, .. } => op.to_string() == *operator,
            Expr::Between { .. } => operator == "BETWEEN",
            Expr::InList { .. } | Expr::InSubquery { .. } => operator == "IN",
            Expr::Like { .. } => operator == "LIKE",
            Expr::IsDistinctFrom(..) => operator == "IS DISTINCT FROM",
            Expr::IsNotDistinctFrom(..) => operator == "IS NOT DISTINCT FROM",
            Expr::Case { operand, .. } => operator == "CASE" || (operand.is_some() && operator == "="),
            other => functions::called(other) == Some(operator),
        },
        SqlErrorKind::Parameters { function, .. } => functions::is_engines(expr, function),
        SqlErrorKind::NoColumn { column, .. } => is_column(expr, column),
        SqlErrorKind::Ambiguous(column) => is_column(expr, column),
        _ => false,
    }
}

fn is_column(expr: &Expr, column: &str) -> bool {
    match expr {
        Expr::Identifier(ident) => Some(folded(ident).as_str()) == column.rsplit('.').next(),
        Expr::CompoundIdentifier(parts) => {
            let whole = parts.iter().map(folded).collect::<Vec<_>>().join(".");
            whole == column || whole.strip_suffix(column).is_some_and(|rest| rest.ends_with('.'))
        }
        _ => false,
    }
}

fn is_name(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
}

/// A value of the kind that the expression gives.
fn harmless(expr: &Expr) -> Expr {
    use sqlparser::ast::BinaryOperator as Op;
    let value = match expr {
        Expr::BinaryOp { op: Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo, .. } => {
            Value::Number("0".to_owned(), false)
        }
        Expr::BinaryOp { op: Op::StringConcat, .. } => Value::SingleQuotedString(String::new()),
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Function(_) | Expr::Case { .. } => {
            Value::Null
        }
        Expr::Ceil { .. } | Expr::Floor { .. } | Expr::Trim { .. } | Expr::Extract { .. } => Value::Null,
        Expr::Position { .. } | Expr::Substring { .. } => Value::Null,
        _ => Value::Boolean(true),
    };
    Expr::Value(value.with_empty_span())
}

/// Where Trino says the expression is: an operator at itself, all else at its beginning.
fn place(expr: &Expr, text: &str) -> Position {
    let between = match expr {
        Expr::BinaryOp { left, op, right } => Some((left, op.to_string(), right)),
        Expr::Between { expr: left, low, .. } => Some((left, "BETWEEN".to_owned(), low)),
        Expr::Like { expr: left, pattern, .. } => Some((left, "LIKE".to_owned(), pattern)),
        Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
            Some((left, "IS".to_owned(), right))
        }
        _ => None,
    };
    let start = expr.span().start;
    let found = between.and_then(|(left, operator, right)| {
        let (from, to) = (offset(text, left.span().end)?, offset(text, right.span().start)?);
        let at = text.get(from..to)?.to_uppercase().rfind(&operator)?;
        Some(position_of(text, from + at))
    });
    found.unwrap_or(Position { line: start.line, column: start.column })
}

/// The byte at a place of the text, whose lines and columns count from 1.
fn offset(text: &str, at: Location) -> Option<usize> {
    let line = usize::try_from(at.line).ok()?.checked_sub(1)?;
    let column = usize::try_from(at.column).ok()?.checked_sub(1)?;
    let start = match line.checked_sub(1) {
        None => 0,
        Some(before) => text.match_indices('\n').nth(before)?.0 + 1,
    };
    let rest = text.get(start..)?;
    Some(start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at))
}

fn position_of(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Position { line: line as u64, column: column as u64 }
}

/// The first column of a grouped SELECT, or one that aggregates, that is neither grouped by nor aggregated. Only for
/// statements that cannot be bound: what it finds in one is why.
pub(crate) fn ungrouped(text: &str) -> Option<SqlError> {
    let mut query = super::query_of(text).ok()?;
    match VisitMut::visit(&mut query, &mut Ungrouped) {
        ControlFlow::Break(error) => Some(error),
        ControlFlow::Continue(()) => None,
    }
}

struct Ungrouped;

impl VisitorMut for Ungrouped {
    type Break = SqlError;

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        let ordered_by = query.order_by.as_ref().map(|order| &order.kind);
        let ordered_by = match ordered_by {
            Some(OrderByKind::Expressions(list)) => list.iter().map(|item| &item.expr).collect(),
            _ => Vec::new(),
        };
        if let SetExpr::Select(select) = &*query.body
            && let Some(error) = ungrouped_in(select, &ordered_by)
        {
            return ControlFlow::Break(error);
        }
        ControlFlow::Continue(())
    }
}

fn ungrouped_in(select: &AstSelect, ordered_by: &[&Expr]) -> Option<SqlError> {
    let GroupByExpr::Expressions(groups, _) = &select.group_by else { return None };
    let items = || select.projection.iter().filter_map(item);
    if groups.is_empty() && !items().chain(&select.having).any(functions::has_aggregate) {
        return None;
    }
    let ordinal = |group: &Expr| number(group).and_then(|digits| digits.parse::<usize>().ok());
    let groups: Vec<&Expr> = groups
        .iter()
        .filter_map(|group| match ordinal(group) {
            Some(nth) => select.projection.get(nth.checked_sub(1)?).and_then(item),
            None => Some(group),
        })
        .collect();
    // ORDER BY sees the columns of the result, too.
    let is_result = |expr: &Expr| {
        let Expr::Identifier(ident) = expr else { return false };
        select.projection.iter().any(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => folded(alias) == folded(ident),
            _ => false,
        })
    };
    let orders = ordered_by.iter().copied().filter(|expr| !is_result(expr));
    let column = items().chain(&select.having).chain(orders).find_map(|expr| uncovered(expr, &groups))?;
    // HAVING does not see the aliases of SELECT: then there is no such column, rather than one that is not grouped by.
    let is_alias = |item: &SelectItem| {
        matches!((item, column), (SelectItem::ExprWithAlias { alias, .. }, Expr::Identifier(ident))
            if folded(alias) == folded(ident))
    };
    if select.projection.iter().any(is_alias) && !items().any(|item| uncovered(item, &groups).is_some()) {
        return None;
    }
    let position = super::check::position(column);
    Some(SqlError { position, kind: SqlErrorKind::NotAggregate(column.to_string()) })
}

fn item(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
}

/// A column of the expression that stands outside of groups and aggregates.
fn uncovered<'e>(expr: &'e Expr, groups: &[&Expr]) -> Option<&'e Expr> {
    if groups.iter().any(|group| same(group, expr)) {
        return None;
    }
    let inner = |parts: &[&'e Expr]| parts.iter().find_map(|part| uncovered(part, groups));
    match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => Some(expr),
        Expr::BinaryOp { left, right, .. } => inner(&[left, right]),
        Expr::UnaryOp { expr, .. } | Expr::Nested(expr) | Expr::Cast { expr, .. } => inner(&[expr]),
        Expr::IsNull(expr) | Expr::IsNotNull(expr) | Expr::Extract { expr, .. } => inner(&[expr]),
        Expr::Function(call) if !functions::is_aggregate(call) => {
            functions::arguments_of(call).into_iter().find_map(|part| uncovered(part, groups))
        }
        _ => None,
    }
}

/// Whether two expressions are written alike; a column with its table's name is the one without.
fn same(one: &Expr, other: &Expr) -> bool {
    let parts = |expr: &Expr| -> Option<Vec<String>> {
        match expr {
            Expr::Identifier(ident) => Some(vec![folded(ident)]),
            Expr::CompoundIdentifier(parts) => Some(parts.iter().map(|part: &Ident| folded(part)).collect()),
            _ => None,
        }
    };
    match (parts(one), parts(other)) {
        (Some(one), Some(other)) => one.ends_with(&other) || other.ends_with(&one),
        _ => one.to_string().eq_ignore_ascii_case(&other.to_string()),
    }
}
