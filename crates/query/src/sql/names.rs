//! Names of columns: those that a result shows, and those that GROUP BY and HAVING may use.
//!
//! A result may have two columns of one name; our engine's plans may not. So a name of the outermost SELECT that is
//! not the only one gets a mark, which is taken off when the result is written ([`shown`]).
//!
//! In GROUP BY and HAVING a name is a column of FROM, never an alias of SELECT as our engine has it.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, GroupByExpr, Ident, ObjectNamePart, OrderByKind, Query, Select, SelectItem, SetExpr, TableFactor,
    VisitMut, VisitorMut, visit_expressions, visit_expressions_mut,
};

use super::check::folded;
use super::{Position, SqlError, SqlErrorKind};

/// Begins the name of a column that the query does not name; the rest is a number.
pub(super) const UNNAMED: &str = "\u{1}unnamed";
/// Ends a name that is not the only one of its result; a number follows.
const MARK: char = '\u{2}';

/// The names of a result's columns, from those that its plan has.
pub(crate) fn shown<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let each = |(position, name): (usize, &str)| match name.split_once(MARK) {
        _ if name.starts_with(UNNAMED) => format!("_col{position}"),
        Some((name, _)) => name.to_owned(),
        None => name.to_owned(),
    };
    names.into_iter().enumerate().map(each).collect()
}

/// Errors: `Ambiguous` when ORDER BY uses a name that several columns of the result have.
pub(crate) fn check_order(ordered_by: &[String], shown: &[String]) -> Result<(), SqlError> {
    let several = |name: &&String| shown.iter().filter(|column| column == name).count() > 1;
    match ordered_by.iter().find(several) {
        Some(name) => {
            Err(SqlError { position: Position::default(), kind: SqlErrorKind::Ambiguous(name.clone()) })
        }
        None => Ok(()),
    }
}

/// Marks the names of the result that are not the only ones; returns those that ORDER BY uses.
pub(super) fn results(query: &mut Query) -> Vec<String> {
    let mut marks = Vec::new();
    mark_body(&mut query.body, &mut marks);
    let mut ordered_by = Vec::new();
    let Some(OrderByKind::Expressions(list)) = query.order_by.as_mut().map(|order| &mut order.kind) else {
        return ordered_by;
    };
    for item in list {
        let _: ControlFlow<()> = visit_expressions_mut(&mut item.expr, |expr| {
            if let Expr::Identifier(ident) = expr {
                ordered_by.push(ident.value.clone());
                if let Some((_, marked)) = marks.iter().find(|(name, _)| *name == ident.value) {
                    ident.value.clone_from(marked);
                }
            }
            ControlFlow::Continue(())
        });
    }
    ordered_by
}

/// `marks` gets the names that are only known by their mark from here on, each with it.
fn mark_body(body: &mut SetExpr, marks: &mut Vec<(String, String)>) {
    match body {
        SetExpr::Select(select) => mark_select(select, marks),
        SetExpr::Query(inner) => drop(results(inner)),
        SetExpr::SetOperation { left, right, .. } => {
            mark_body(left, marks);
            mark_body(right, &mut Vec::new());
        }
        _ => {}
    }
}

fn mark_select(select: &mut Select, marks: &mut Vec<(String, String)>) {
    let is_star =
        |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
    let star = select.projection.iter().any(is_star);
    let mut seen: Vec<String> = Vec::new();
    for (number, item) in select.projection.iter_mut().enumerate() {
        let (expr, name) = match &*item {
            SelectItem::ExprWithAlias { expr, alias } => (expr.clone(), alias.value.clone()),
            SelectItem::UnnamedExpr(expr @ Expr::Identifier(ident)) => (expr.clone(), ident.value.clone()),
            _ => continue,
        };
        if name.starts_with(UNNAMED) {
            continue;
        }
        let again = seen.contains(&name);
        // What a star stands for is not known yet: it may have this name, too.
        if star || again {
            let marked = format!("{name}{MARK}{number}");
            *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', marked.clone()) };
            if star && !again {
                marks.push((name.clone(), marked));
            }
        }
        seen.push(name);
    }
}

/// Keeps aliases of SELECT out of GROUP BY and HAVING, everywhere in the query.
/// Errors: for names that may be either, where several tables could have them.
pub(super) fn aliases(query: &mut Query) -> Result<(), SqlError> {
    match VisitMut::visit(query, &mut Aliases) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Aliases;

impl VisitorMut for Aliases {
    type Break = SqlError;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        let named: Vec<String> = select.projection.iter().filter_map(misleading).collect();
        if named.is_empty() {
            return ControlFlow::Continue(());
        }
        let table = only_table(select);
        let mut fix = |expr: &mut Expr| qualify(expr, &named, table.as_ref());
        if let GroupByExpr::Expressions(list, _) = &mut select.group_by {
            list.iter_mut().try_for_each(&mut fix)?;
        }
        select.having.iter_mut().try_for_each(&mut fix)
    }
}

/// The alias of an item, if it may mean something else than a column of that name.
fn misleading(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { expr: Expr::Identifier(ident), alias } if ident.value == alias.value => {
            None
        }
        SelectItem::ExprWithAlias { alias, .. } if alias.value.starts_with(UNNAMED) => None,
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        _ => None,
    }
}

/// The name of the only table of FROM.
fn only_table(select: &Select) -> Option<Ident> {
    let [only] = &select.from[..] else { return None };
    if !only.joins.is_empty() {
        return None;
    }
    match &only.relation {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(alias.name.clone())
        }
        TableFactor::Table { name, .. } => match name.0.last() {
            Some(ObjectNamePart::Identifier(ident)) => Some(Ident::with_quote('"', folded(ident))),
            _ => None,
        },
        _ => None,
    }
}

fn qualify(expr: &mut Expr, named: &[String], table: Option<&Ident>) -> ControlFlow<SqlError> {
    // Inside of a subquery the names are its own.
    let nested = visit_expressions(expr, |inner| match inner {
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    let has_subquery = nested.is_break();
    visit_expressions_mut(expr, |inner| {
        let Expr::Identifier(ident) = inner else { return ControlFlow::Continue(()) };
        if !named.contains(&ident.value) {
            return ControlFlow::Continue(());
        }
        match table {
            Some(table) if !has_subquery => {
                *inner = Expr::CompoundIdentifier(vec![table.clone(), ident.clone()]);
                ControlFlow::Continue(())
            }
            _ => {
                let what = format!(
                    "'{}' in GROUP BY or HAVING, where SELECT has an alias of that name (write the column's table \
                     before it),",
                    ident.value
                );
                ControlFlow::Break(SqlError::unsupported(place(ident), what))
            }
        }
    })
}

fn place(ident: &Ident) -> Position {
    Position { line: ident.span.start.line, column: ident.span.start.column }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{Statement, parse};

    fn parsed(text: &str) -> (String, Vec<String>) {
        match parse(text) {
            Ok(Statement::Select(select)) => (select.query.to_string(), select.ordered_by),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_that_repeat_are_marked_and_shown_without() {
        let (text, ordered_by) = parsed("SELECT 1 a, 2 a, b FROM t ORDER BY b");
        assert!(text.contains("AS \"a\",") && text.contains(&format!("AS \"a{MARK}1\"")), "{text}");
        assert_eq!(ordered_by, ["b"]);
        let names = ["a", &format!("a{MARK}1"), &format!("{UNNAMED}4")];
        assert_eq!(shown(names), ["a", "a", "_col2"]);
        assert!(check_order(&["a".to_owned()], &shown(names)).is_err());
        let (text, _) = parsed("SELECT *, x + 1 AS total FROM t ORDER BY total");
        assert!(text.ends_with(&format!("ORDER BY \"total{MARK}1\"")), "{text}");
    }

    #[test]
    fn aliases_do_not_reach_group_by_and_having() {
        let (text, _) = parsed("SELECT lower(x) x, count(*) n FROM db.t GROUP BY x HAVING x > 'a'");
        assert!(text.contains("GROUP BY \"t\".\"x\" HAVING \"t\".\"x\" > 'a'"), "{text}");
        let (text, _) = parsed("SELECT x, count(*) n FROM t u GROUP BY x HAVING count(*) > 1 ORDER BY n");
        assert!(text.contains("GROUP BY \"x\" HAVING count(*)"), "{text}");
        let error = parse("SELECT lower(a.x) x FROM a JOIN b ON a.k = b.k GROUP BY x").expect_err("either");
        assert_eq!(error.code(), "NOT_SUPPORTED");
    }
}
