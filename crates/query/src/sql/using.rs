//! What a join's USING makes of its columns: one, which has no table.
//!
//! In a FULL JOIN it is whichever side's is there, in a RIGHT JOIN the right side's, and `*` begins with it. Our engine
//! takes the left side's column and leaves it in its place, so here the columns are written out.
//! Source: Trino documentation, SELECT, "Joins".

use std::ops::ControlFlow;

use sqlparser::ast::{
    ExcludeSelectItem, Expr, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, ObjectName,
    ObjectNamePart, OrderByKind, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr,
    TableFactor, VisitMut, VisitorMut, WildcardAdditionalOptions,
};

use super::SqlError;
use super::check::{folded, refuse};
use super::rewrite::call;

/// Writes the columns of every USING out.
/// Errors: joins with USING whose columns cannot be told from the text.
pub(super) fn resolve(query: &mut Query) -> Result<(), SqlError> {
    match VisitMut::visit(query, &mut Queries) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Queries;

impl VisitorMut for Queries {
    type Break = SqlError;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        match columns(select).and_then(|columns| in_select(select, &columns)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    /// ORDER BY sees the names of the result first.
    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        let SetExpr::Select(select) = &*query.body else { return ControlFlow::Continue(()) };
        let Ok(mut columns) = columns(select) else { return ControlFlow::Continue(()) };
        columns.known.retain(|(name, _)| !select.projection.iter().any(|item| gives(item, name)));
        if let Some(OrderByKind::Expressions(list)) = query.order_by.as_mut().map(|order| &mut order.kind) {
            list.iter_mut().for_each(|item| columns.put_in(&mut item.expr));
        }
        ControlFlow::Continue(())
    }
}

/// Whether an item of SELECT has the name in the result.
fn gives(item: &SelectItem, name: &str) -> bool {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => folded(alias) == name,
        SelectItem::UnnamedExpr(Expr::Identifier(ident)) => folded(ident) == name,
        SelectItem::Wildcard(_) => true,
        _ => false,
    }
}

/// The columns that a SELECT's joins with USING make.
#[derive(Default)]
struct Columns {
    /// Their names and what they are, in the order in which `*` gives them.
    known: Vec<(String, Expr)>,
    /// The joined relations, and which of their columns are among these.
    relations: Vec<(Ident, Vec<String>)>,
    /// Whether there are others, of which the text does not tell enough.
    unknown: bool,
}

fn using(operator: &JoinOperator) -> Option<&[ObjectName]> {
    match operator {
        JoinOperator::Join(JoinConstraint::Using(columns))
        | JoinOperator::Inner(JoinConstraint::Using(columns))
        | JoinOperator::Left(JoinConstraint::Using(columns))
        | JoinOperator::LeftOuter(JoinConstraint::Using(columns))
        | JoinOperator::Right(JoinConstraint::Using(columns))
        | JoinOperator::RightOuter(JoinConstraint::Using(columns))
        | JoinOperator::FullOuter(JoinConstraint::Using(columns)) => Some(columns),
        _ => None,
    }
}

/// Whether a join keeps rows of its right side that have none on the left.
fn keeps_right(operator: &JoinOperator) -> bool {
    matches!(operator, JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_))
}

fn columns(select: &Select) -> Result<Columns, SqlError> {
    let mut found = Columns::default();
    for from in &select.from {
        let alone =
            select.from.len() == 1 && from.joins.iter().all(|join| using(&join.join_operator).is_some());
        let first = relation(&from.relation);
        found.unknown |= has_using(&from.relation);
        let mut names_of = vec![(first.clone(), Vec::new())];
        for (at, join) in from.joins.iter().enumerate() {
            found.unknown |= has_using(&join.relation);
            let Some(names) = using(&join.join_operator) else { continue };
            let (left, right) = (first.as_ref().filter(|_| alone), relation(&join.relation));
            let outer = keeps_right(&join.join_operator);
            if outer && (from.joins.len() > 1 || left.is_none() || right.is_none()) {
                return refuse(
                    join,
                    "RIGHT or FULL JOIN with USING beside other joins, or of a relation without a name (write ON)",
                );
            }
            let names: Vec<String> = names.iter().filter_map(last_part).collect();
            names_of.push((right.clone(), names.clone()));
            if let ([(_, of_first), ..], 0) = (&mut names_of[..], at) {
                of_first.clone_from(&names);
            }
            let mut made = found.joined(join, names, left.filter(|_| at == 0), right.as_ref());
            made.append(&mut found.known);
            found.known = made;
        }
        if from.joins.iter().any(|join| using(&join.join_operator).is_some()) {
            // Beside other joins it is not known whose other columns have the same names.
            found.unknown |= !alone || names_of.iter().any(|(relation, _)| relation.is_none());
            let named = |(relation, names): (Option<Ident>, Vec<String>)| Some((relation?, names));
            found.relations = names_of.into_iter().filter_map(named).collect();
        }
    }
    Ok(found)
}

fn last_part(name: &ObjectName) -> Option<String> {
    match name.0.last()? {
        ObjectNamePart::Identifier(ident) => Some(folded(ident)),
        ObjectNamePart::Function(_) => None,
    }
}

/// The name by which a relation's columns are told.
fn relation(factor: &TableFactor) -> Option<Ident> {
    match factor {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(alias.name.clone())
        }
        TableFactor::Table { name, .. } => last_part(name).map(Ident::new),
        _ => None,
    }
}

/// Whether joins in parentheses have a USING.
fn has_using(factor: &TableFactor) -> bool {
    let TableFactor::NestedJoin { table_with_joins, .. } = factor else { return false };
    has_using(&table_with_joins.relation)
        || table_with_joins
            .joins
            .iter()
            .any(|join| using(&join.join_operator).is_some() || has_using(&join.relation))
}

fn in_select(select: &mut Select, columns: &Columns) -> Result<(), SqlError> {
    if columns.known.is_empty() && !columns.unknown {
        return Ok(());
    }
    for item in &select.projection {
        match item {
            SelectItem::Wildcard(_) if columns.unknown => {
                return refuse(item, "* over a join with USING beside other joins");
            }
            SelectItem::QualifiedWildcard(..) => {
                return refuse(item, "a table's * over a join with USING");
            }
            _ => {}
        }
    }
    let items = std::mem::take(&mut select.projection);
    select.projection = items.into_iter().flat_map(|item| columns.item(item)).collect();
    select.selection.iter_mut().for_each(|expr| columns.put_in(expr));
    if let GroupByExpr::Expressions(list, _) = &mut select.group_by {
        list.iter_mut().for_each(|expr| columns.put_in(expr));
    }
    select.having.iter_mut().for_each(|expr| columns.put_in(expr));
    Ok(())
}

impl Columns {
    /// The columns that a join's USING makes of those before it; `left` is the relation before it, where there is one.
    fn joined(
        &mut self,
        join: &Join,
        names: Vec<String>,
        left: Option<&Ident>,
        right: Option<&Ident>,
    ) -> Vec<(String, Expr)> {
        let mut made = Vec::new();
        for name in names {
            let own = |table: &Ident| Expr::CompoundIdentifier(vec![table.clone(), Ident::new(&name)]);
            let before = self.known.iter().position(|(known, _)| *known == name);
            let left = before.map(|before| self.known.remove(before).1).or_else(|| left.map(own));
            let column = match (left, right.map(own), &join.join_operator) {
                (Some(left), Some(right), JoinOperator::FullOuter(_)) => call("coalesce", vec![left, right]),
                (_, Some(right), operator) if keeps_right(operator) => right,
                (Some(left), _, _) => left,
                _ => {
                    self.unknown = true;
                    continue;
                }
            };
            made.push((name, column));
        }
        made
    }

    fn item(&self, item: SelectItem) -> Vec<SelectItem> {
        match item {
            SelectItem::UnnamedExpr(Expr::Identifier(ident)) => {
                let known = self.known.iter().find(|(name, _)| *name == folded(&ident));
                vec![match known {
                    Some((_, expr)) => SelectItem::ExprWithAlias { expr: expr.clone(), alias: ident },
                    None => SelectItem::UnnamedExpr(Expr::Identifier(ident)),
                }]
            }
            SelectItem::UnnamedExpr(mut expr) => {
                self.put_in(&mut expr);
                vec![SelectItem::UnnamedExpr(expr)]
            }
            SelectItem::ExprWithAlias { mut expr, alias } => {
                self.put_in(&mut expr);
                vec![SelectItem::ExprWithAlias { expr, alias }]
            }
            SelectItem::Wildcard(options) => self.all(options),
            other => vec![other],
        }
    }

    /// What `*` stands for.
    fn all(&self, options: WildcardAdditionalOptions) -> Vec<SelectItem> {
        let quoted = |name: &String| Ident::with_quote('"', name);
        let own = self
            .known
            .iter()
            .map(|(name, expr)| SelectItem::ExprWithAlias { expr: expr.clone(), alias: quoted(name) });
        let rest = self.relations.iter().map(|(relation, names)| {
            let names = names.iter().map(|name| ObjectName::from(vec![quoted(name)])).collect();
            let opt_exclude = Some(ExcludeSelectItem::Multiple(names));
            let relation = ObjectName::from(vec![relation.clone()]);
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(relation),
                WildcardAdditionalOptions { opt_exclude, ..options.clone() },
            )
        });
        own.chain(rest).collect()
    }

    /// Puts the columns in the place of their names, outside of subqueries: what a name means there is not known.
    fn put_in(&self, expr: &mut Expr) {
        let ControlFlow::Continue(()) = VisitMut::visit(expr, &mut Names { columns: self, depth: 0 });
    }
}

struct Names<'c> {
    columns: &'c Columns,
    /// Of subqueries.
    depth: usize,
}

impl VisitorMut for Names<'_> {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Self::Break> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Self::Break> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        let Expr::Identifier(ident) = &*expr else { return ControlFlow::Continue(()) };
        let found = self.columns.known.iter().find(|(name, _)| *name == folded(ident));
        if let Some((_, column)) = found.filter(|_| self.depth == 0) {
            *expr = column.clone();
        }
        ControlFlow::Continue(())
    }
}
