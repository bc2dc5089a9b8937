//! Joins by columns that both sides have, as far as the planner reads them as Spark does.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    ExcludeSelectItem, Expr, Join, JoinConstraint, JoinOperator, ObjectName, Select, SelectItem,
    SelectItemQualifiedWildcardKind, TableFactor, TableWithJoins, WildcardAdditionalOptions,
};

/// Refuses NATURAL joins, of whose columns the planner takes names that differ in case for two, and outer joins by USING whose key is that
/// of whichever side has a row, of which it takes the left one's.
pub(super) fn joined(tables: &TableWithJoins) -> ControlFlow<String> {
    for join in &tables.joins {
        let kind = match &join.join_operator {
            JoinOperator::Right(_) | JoinOperator::RightOuter(_) => Some("RIGHT"),
            JoinOperator::FullOuter(_) => Some("FULL"),
            _ => None,
        };
        match (constraint(&join.join_operator), kind) {
            (Some(JoinConstraint::Natural), _) => {
                return ControlFlow::Break("a NATURAL JOIN (write USING and its columns)".to_owned());
            }
            (Some(JoinConstraint::Using(_)), Some(kind)) => {
                return ControlFlow::Break(format!(
                    "a {kind} JOIN with USING (write ON, and coalesce(a.key, b.key) AS key for its key)"
                ));
            }
            _ => {}
        }
    }
    ControlFlow::Continue(())
}

/// `*` over joins by USING has their keys first. The planner leaves them where the left side has them.
/// Breaks with `*` where it is not written which tables have the keys.
pub(super) fn keys_first(select: &mut Select) -> ControlFlow<String> {
    let [tables] = select.from.as_slice() else { return ControlFlow::Continue(()) };
    let Some(at) = select.projection.iter().position(is_plain_star) else { return ControlFlow::Continue(()) };
    let by_keys = |join: &&Join| matches!(constraint(&join.join_operator), Some(JoinConstraint::Using(_)));
    let first = tables.joins.iter().take_while(by_keys).count();
    if !tables.joins.iter().any(|join| by_keys(&join)) {
        return ControlFlow::Continue(());
    }
    let is_after_others = tables.joins.iter().skip(first).any(|join| by_keys(&join));
    let keys =
        if is_after_others { None } else { common_keys(tables.joins.get(..first).unwrap_or_default()) };
    let Some(items) = keys.and_then(|keys| in_order(tables, first, &keys)) else {
        let joins: Vec<String> = tables.joins.iter().map(|join| join.to_string().trim().to_owned()).collect();
        return ControlFlow::Break(format!("* over {} (name the columns)", joins.join(" ")));
    };
    select.projection.splice(at..=at, items);
    ControlFlow::Continue(())
}

/// What all of the joins are by; `None` where they are not by the same columns.
fn common_keys(joins: &[Join]) -> Option<Vec<ObjectName>> {
    let mut keys = joins.iter().map(|join| match constraint(&join.join_operator) {
        Some(JoinConstraint::Using(names)) => Some(names),
        _ => None,
    });
    let first = keys.next()??;
    let has_all = |of: &[ObjectName], others: &[ObjectName]| {
        others.iter().all(|other| of.iter().any(|name| is_same(name, other)))
    };
    let is_common =
        keys.all(|names| names.is_some_and(|names| has_all(names, first) && has_all(first, names)));
    // The last join's keys come in its order.
    let last = joins.last().and_then(|join| constraint(&join.join_operator));
    match last {
        Some(JoinConstraint::Using(names)) if is_common => Some(names.clone()),
        _ => None,
    }
}

/// The keys, and the other columns of each table; `None` where a table has no name.
fn in_order(tables: &TableWithJoins, by_keys: usize, keys: &[ObjectName]) -> Option<Vec<SelectItem>> {
    let left = name(&tables.relation)?;
    let mut items = Vec::new();
    for key in keys {
        // Without its table it would be ambiguous behind a second join.
        let parts = left.0.iter().chain(&key.0).map(|part| part.as_ident().cloned());
        items.push(SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts.collect::<Option<_>>()?)));
    }
    items.push(columns_of(&tables.relation, Some(keys))?);
    for (at, join) in tables.joins.iter().enumerate() {
        let is_shown = !matches!(
            join.join_operator,
            JoinOperator::Semi(_)
                | JoinOperator::LeftSemi(_)
                | JoinOperator::Anti(_)
                | JoinOperator::LeftAnti(_)
        );
        if is_shown {
            items.push(columns_of(&join.relation, (at < by_keys).then_some(keys))?);
        }
    }
    Some(items)
}

fn name(table: &TableFactor) -> Option<ObjectName> {
    match table {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(ObjectName::from(vec![alias.name.clone()]))
        }
        TableFactor::Table { name, .. } => Some(name.clone()),
        _ => None,
    }
}

fn columns_of(table: &TableFactor, keys: Option<&[ObjectName]>) -> Option<SelectItem> {
    let name = name(table)?;
    let options = WildcardAdditionalOptions {
        opt_exclude: keys.map(|keys| ExcludeSelectItem::Multiple(keys.to_vec())),
        ..WildcardAdditionalOptions::default()
    };
    Some(SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options))
}

fn is_plain_star(item: &SelectItem) -> bool {
    matches!(item, SelectItem::Wildcard(options) if options.opt_exclude.is_none() && options.opt_except.is_none())
}

fn is_same(one: &ObjectName, other: &ObjectName) -> bool {
    one.to_string().to_lowercase() == other.to_string().to_lowercase()
}

fn constraint(join: &JoinOperator) -> Option<&JoinConstraint> {
    match join {
        JoinOperator::Join(by)
        | JoinOperator::Inner(by)
        | JoinOperator::Left(by)
        | JoinOperator::LeftOuter(by)
        | JoinOperator::Right(by)
        | JoinOperator::RightOuter(by)
        | JoinOperator::FullOuter(by)
        | JoinOperator::Semi(by)
        | JoinOperator::LeftSemi(by)
        | JoinOperator::Anti(by)
        | JoinOperator::LeftAnti(by) => Some(by),
        _ => None,
    }
}
