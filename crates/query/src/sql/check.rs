//! Which queries mean the same in Trino and on our engine.
//!
//! Every construct that `sqlparser` can make is either on the list here, and then means in our engine, after
//! `rewrite` and `plan`, what Trino's documentation says; or it is refused with its place. Structures are taken
//! apart field by field, so that a field that a later `sqlparser` adds does not compile before somebody has decided.

use sqlparser::ast::{
    BinaryOperator, Cte, Distinct, Expr, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, LimitClause,
    ObjectName, OrderBy, OrderByExpr, OrderByKind, Query, Select, SelectFlavor, SelectItem, SetExpr,
    SetOperator, SetQuantifier, Spanned, TableAlias, TableFactor, TableWithJoins, Values,
    WildcardAdditionalOptions, With,
};

use super::functions;
use super::{Position, SqlError};

mod expressions;

pub(super) use expressions::{expr, number};

type Checked = Result<(), SqlError>;

pub(super) fn position(node: &impl Spanned) -> Position {
    let start = node.span().start;
    Position { line: start.line, column: start.column }
}

pub(super) fn refuse<T>(node: &impl Spanned, what: impl Into<String>) -> Result<T, SqlError> {
    Err(SqlError::unsupported(position(node), what))
}

/// Refuses when `present` holds.
fn none(node: &impl Spanned, present: bool, what: &str) -> Checked {
    if present { refuse(node, what) } else { Ok(()) }
}

pub(super) fn query(whole: &Query) -> Checked {
    let Query {
        with,
        body,
        order_by,
        limit_clause,
        fetch,
        locks,
        for_clause,
        settings,
        format_clause,
        pipe_operators,
    } = whole;
    if let Some(with) = with {
        with_clause(with)?;
    }
    set_expr(body)?;
    if let Some(order_by) = order_by {
        order(whole, order_by)?;
    }
    if let Some(clause) = limit_clause {
        limit(whole, clause)?;
    }
    none(whole, fetch.is_some(), "FETCH FIRST")?;
    none(whole, !locks.is_empty(), "FOR UPDATE")?;
    none(whole, for_clause.is_some(), "FOR XML, JSON or BROWSE")?;
    none(whole, settings.is_some(), "SETTINGS")?;
    none(whole, format_clause.is_some(), "FORMAT")?;
    none(whole, !pipe_operators.is_empty(), "|>")
}

fn with_clause(with: &With) -> Checked {
    let With { with_token: _, recursive, cte_tables } = with;
    none(with, *recursive, "WITH RECURSIVE")?;
    for cte in cte_tables {
        let Cte { alias, query: inner, from, materialized, closing_paren_token: _ } = cte;
        table_alias(alias)?;
        none(cte, from.is_some(), "FROM in WITH")?;
        none(cte, materialized.is_some(), "MATERIALIZED")?;
        query(inner)?;
    }
    Ok(())
}

fn set_expr(body: &SetExpr) -> Checked {
    match body {
        SetExpr::Select(inner) => select(inner),
        SetExpr::Query(inner) => query(inner),
        SetExpr::SetOperation { left, op, set_quantifier, right } => {
            match op {
                SetOperator::Union | SetOperator::Except | SetOperator::Intersect => {}
                SetOperator::Minus => return refuse(body, "MINUS"),
            }
            match (op, set_quantifier) {
                (_, SetQuantifier::None | SetQuantifier::Distinct)
                | (SetOperator::Union, SetQuantifier::All) => {}
                (_, SetQuantifier::All) => return refuse(body, "EXCEPT ALL and INTERSECT ALL"),
                (_, SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName) => {
                    return refuse(body, "BY NAME");
                }
            }
            set_expr(left)?;
            set_expr(right)
        }
        SetExpr::Values(values) => value_rows(body, values),
        SetExpr::Table(_) => refuse(body, "TABLE"),
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
            refuse(body, "a change of data in a query")
        }
    }
}

/// The most rows that are written out in a statement.
const MAX_VALUE_ROWS: usize = 1_000;

fn value_rows(body: &SetExpr, values: &Values) -> Checked {
    let Values { explicit_row, rows, value_keyword } = values;
    none(body, *explicit_row || *value_keyword, "this form of VALUES")?;
    none(body, rows.len() > MAX_VALUE_ROWS, "VALUES of more than 1000 rows")?;
    let mut widths = rows.iter().map(|row| row.content.len());
    let first = widths.next().unwrap_or_default();
    if first == 0 || widths.any(|width| width != first) {
        return Err(SqlError::syntax(position(body), "the rows of VALUES have different numbers of columns"));
    }
    rows.iter().flat_map(|row| &row.content).try_for_each(expr)
}

fn select(whole: &Select) -> Checked {
    let Select {
        select_token: _,
        optimizer_hints,
        distinct,
        select_modifiers,
        top,
        top_before_distinct: _,
        projection,
        exclude,
        into,
        from,
        lateral_views,
        prewhere,
        selection,
        connect_by,
        group_by,
        cluster_by,
        distribute_by,
        sort_by,
        having,
        named_window,
        qualify,
        window_before_qualify: _,
        value_table_mode,
        flavor,
    } = whole;
    none(whole, !optimizer_hints.is_empty(), "a hint")?;
    none(whole, matches!(distinct, Some(Distinct::On(_))), "DISTINCT ON")?;
    none(whole, select_modifiers.as_ref().is_some_and(|m| m.is_any_set()), "a modifier of SELECT")?;
    none(whole, top.is_some(), "TOP")?;
    none(whole, exclude.is_some(), "EXCLUDE")?;
    none(whole, into.is_some(), "INTO")?;
    none(whole, !lateral_views.is_empty(), "LATERAL VIEW")?;
    none(whole, prewhere.is_some(), "PREWHERE")?;
    none(whole, !connect_by.is_empty(), "CONNECT BY")?;
    none(whole, !cluster_by.is_empty(), "CLUSTER BY")?;
    none(whole, !distribute_by.is_empty(), "DISTRIBUTE BY")?;
    none(whole, !sort_by.is_empty(), "SORT BY")?;
    none(whole, !named_window.is_empty(), "WINDOW")?;
    none(whole, qualify.is_some(), "QUALIFY")?;
    none(whole, value_table_mode.is_some(), "AS STRUCT or VALUE")?;
    none(whole, *flavor != SelectFlavor::Standard, "FROM before SELECT")?;
    projection.iter().try_for_each(select_item)?;
    from.iter().try_for_each(table_with_joins)?;
    selection.iter().try_for_each(condition)?;
    having.iter().try_for_each(expr)?;
    groups(whole, group_by)
}

/// A condition of WHERE. Of those that AND connects, one may be NOT IN with a subquery: there our engine's join knows
/// that it is NULL with a NULL on either side.
fn condition(whole: &Expr) -> Checked {
    match whole {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            condition(left)?;
            condition(right)
        }
        Expr::Nested(inner) => condition(inner),
        Expr::InSubquery { expr: inner, subquery, negated: true } => {
            expr(inner)?;
            query(subquery)
        }
        other => expr(other),
    }
}

fn groups(whole: &Select, group_by: &GroupByExpr) -> Checked {
    match group_by {
        GroupByExpr::All(_) => refuse(whole, "GROUP BY ALL"),
        GroupByExpr::Expressions(list, modifiers) => {
            none(whole, !modifiers.is_empty(), "WITH ROLLUP, CUBE or TOTALS")?;
            let all = list.iter().any(|key| matches!(key, Expr::Tuple(keys) if keys.is_empty()));
            none(whole, all, "GROUP BY ()")?;
            list.iter().try_for_each(expr)
        }
    }
}

fn select_item(item: &SelectItem) -> Checked {
    match item {
        SelectItem::UnnamedExpr(inner) | SelectItem::ExprWithAlias { expr: inner, alias: _ } => expr(inner),
        SelectItem::ExprWithAliases { .. } => refuse(item, "several aliases"),
        SelectItem::QualifiedWildcard(_, options) | SelectItem::Wildcard(options) => {
            let WildcardAdditionalOptions {
                wildcard_token: _,
                opt_ilike,
                opt_exclude,
                opt_except,
                opt_replace,
                opt_rename,
                opt_alias,
            } = options;
            let extra = opt_ilike.is_some()
                || opt_exclude.is_some()
                || opt_except.is_some()
                || opt_replace.is_some()
                || opt_rename.is_some()
                || opt_alias.is_some();
            none(item, extra, "an option of *")
        }
    }
}

fn table_with_joins(whole: &TableWithJoins) -> Checked {
    let TableWithJoins { relation, joins } = whole;
    table_factor(relation)?;
    joins.iter().try_for_each(join)
}

fn join(whole: &Join) -> Checked {
    let Join { relation, global, join_operator } = whole;
    none(whole, *global, "GLOBAL")?;
    table_factor(relation)?;
    match join_operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint) => match constraint {
            JoinConstraint::On(condition) => expr(condition),
            JoinConstraint::Using(_) => Ok(()),
            JoinConstraint::Natural => refuse(whole, "NATURAL JOIN"),
            JoinConstraint::None => {
                Err(SqlError::syntax(position(whole), "a join needs ON or USING (or is a CROSS JOIN)"))
            }
        },
        JoinOperator::CrossJoin(JoinConstraint::None) => Ok(()),
        _ => refuse(whole, "a join of this kind"),
    }
}

fn table_factor(factor: &TableFactor) -> Checked {
    match factor {
        TableFactor::Table {
            name,
            alias,
            args,
            with_hints,
            version,
            with_ordinality,
            partitions,
            json_path,
            sample,
            index_hints,
        } => {
            none(factor, args.is_some(), "a table function")?;
            none(factor, !with_hints.is_empty() || !index_hints.is_empty(), "a table hint")?;
            none(factor, version.is_some(), "FOR VERSION or TIMESTAMP AS OF")?;
            none(factor, *with_ordinality, "WITH ORDINALITY")?;
            none(factor, !partitions.is_empty(), "PARTITION after a table")?;
            none(factor, json_path.is_some(), "a path after a table")?;
            none(factor, sample.is_some(), "TABLESAMPLE")?;
            table_name(name)?;
            alias.iter().try_for_each(table_alias)
        }
        TableFactor::Derived { lateral, subquery, alias, sample } => {
            none(factor, *lateral, "LATERAL")?;
            none(factor, sample.is_some(), "TABLESAMPLE")?;
            alias.iter().try_for_each(table_alias)?;
            query(subquery)
        }
        TableFactor::NestedJoin { table_with_joins: inner, alias } => {
            none(factor, alias.is_some(), "an alias of a join")?;
            table_with_joins(inner)
        }
        TableFactor::UNNEST { .. } => refuse(factor, "UNNEST"),
        _ => refuse(factor, "a relation of this kind"),
    }
}

/// Tables that Athena derives of another. Source: Trino documentation, Hive and Iceberg connectors.
const METADATA_TABLES: [&str; 7] =
    ["$partitions", "$properties", "$history", "$snapshots", "$files", "$manifests", "$refs"];

/// The whole name, folded and without quotes.
fn folded_name(name: &ObjectName) -> String {
    let parts = functions::identifiers(name).unwrap_or_default();
    parts.into_iter().map(folded).collect::<Vec<_>>().join(".")
}

fn table_name(name: &ObjectName) -> Checked {
    let parts = functions::identifiers(name);
    match parts.as_deref() {
        Some([.., database, _]) if folded(database) == "information_schema" => {
            return refuse(name, folded_name(name));
        }
        Some([.., table]) if METADATA_TABLES.iter().any(|suffix| folded(table).ends_with(suffix)) => {
            return refuse(name, format!("the metadata table {}", folded_name(name)));
        }
        _ => {}
    }
    match parts.as_deref() {
        Some([_] | [_, _]) => Ok(()),
        Some([catalog, _, _]) if catalog.value.eq_ignore_ascii_case("awsdatacatalog") => Ok(()),
        Some([_, _, _]) => refuse(name, "a catalog other than awsdatacatalog"),
        _ => Err(SqlError::syntax(position(name), "a table's name has one to three parts")),
    }
}

fn table_alias(alias: &TableAlias) -> Checked {
    let TableAlias { explicit: _, name: _, columns, at } = alias;
    none(alias, columns.iter().any(|column| column.data_type.is_some()), "types in an alias")?;
    none(alias, at.is_some(), "AT in an alias")
}

fn order(whole: &Query, order_by: &OrderBy) -> Checked {
    let OrderBy { kind, interpolate } = order_by;
    none(whole, interpolate.is_some(), "INTERPOLATE")?;
    match kind {
        OrderByKind::All(_) => refuse(whole, "ORDER BY ALL"),
        OrderByKind::Expressions(list) => list.iter().try_for_each(order_item),
    }
}

pub(super) fn order_item(item: &OrderByExpr) -> Checked {
    let OrderByExpr { expr: inner, options: _, with_fill } = item;
    none(item, with_fill.is_some(), "WITH FILL")?;
    expr(inner)
}

fn limit(whole: &Query, clause: &LimitClause) -> Checked {
    match clause {
        LimitClause::LimitOffset { limit, offset, limit_by } => {
            none(whole, !limit_by.is_empty(), "LIMIT BY")?;
            limit.iter().try_for_each(row_count)?;
            offset.iter().map(|offset| &offset.value).try_for_each(row_count)
        }
        LimitClause::OffsetCommaLimit { .. } => refuse(whole, "LIMIT with two numbers"),
    }
}

fn row_count(count: &sqlparser::ast::Expr) -> Checked {
    match expressions::number(count) {
        Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => Ok(()),
        _ => refuse(count, "a row count that is not a number"),
    }
}

/// An identifier's text as Trino compares it: without regard to case, quoted or not.
pub(super) fn folded(ident: &Ident) -> String {
    ident.value.to_lowercase()
}
