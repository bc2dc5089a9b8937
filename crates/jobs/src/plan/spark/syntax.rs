//! Changes to a syntax tree that make the engine's planner understand what Spark means.
//!
//! Functions get the engine's names, types Spark's widths, and columns without a name the name that Spark gives them.
//! What the planner would take for something else is refused.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, CastKind, DataType, ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, GroupByExpr, GroupByWithModifier, Ident, NullTreatment,
    ObjectName, Query, Select, SelectItem, SetExpr, SetOperator, Statement, TableFactor, TypedString,
    UnaryOperator, Value, VisitMut, VisitorMut, visit_expressions_mut,
};
use engine::{EngineError, NamedCast, on_large_stack};

use super::cast::is_literal;
use super::naming::{is_number, name_of};
use super::{aggregates, forms, joins, windows};
use crate::plan::operators::MINUS;

/// Names of Spark and those of the same function here.
const NAMES: &[(&str, &str)] = &[
    ("sign", "signum"),
    ("ceiling", "ceil"),
    ("ucase", "upper"),
    ("lcase", "lower"),
    ("char", "chr"),
    ("every", "bool_and"),
    ("some", "bool_or"),
    ("std", "stddev"),
    ("variance", "var_samp"),
    ("ifnull", "nvl"),
    ("len", "length"),
    ("startswith", "starts_with"),
    ("endswith", "ends_with"),
    ("dateadd", "date_add"),
    ("date_diff", "datediff"),
    ("regexp", "regexp_like"),
    ("rlike", "regexp_like"),
    ("current_timestamp", "now"),
    ("curdate", "current_date"),
    ("datepart", "date_part"),
    ("first", "first_value"),
    ("last", "last_value"),
    ("any_value", "first_value"),
];
/// Functions that the engine, or we, make of other syntax, which Spark does not have under these names.
const ENGINES: &[&str] = &["array_element", "get_field", NamedCast::NAME];
/// Functions whose two arguments stand the other way round.
const SWAPPED: &[(&str, &str)] =
    &[("locate", "strpos"), ("position", "strpos"), ("ltrim", "ltrim"), ("rtrim", "rtrim")];

/// Functions with an argument at this place that says whether nulls are left out.
pub(super) const NULLS_IGNORED: &[(&str, usize)] =
    &[("first", 1), ("first_value", 1), ("last", 1), ("last_value", 1), ("any_value", 1)];

/// Rewrites a statement.
/// Errors: `Unsupported`, naming what is.
pub(super) fn adapt(statement: &mut Statement) -> Result<BTreeSet<String>, EngineError> {
    let mut adapt = Adapt::default();
    match on_large_stack(|| VisitMut::visit(statement, &mut adapt)) {
        ControlFlow::Continue(()) => Ok(adapt.functions),
        ControlFlow::Break(what) => {
            Err(EngineError::Unsupported { message: format!("{what} is not supported in SparkSQL nodes") })
        }
    }
}

#[derive(Default)]
struct Adapt {
    functions: BTreeSet<String>,
    /// Whether the outermost query was seen.
    inside: bool,
}

fn call(name: &str, args: Vec<Expr>) -> Expr {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect();
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// Gives columns the names that Spark gives them. Columns of relations keep theirs, which Spark calls the same.
/// Errors: the place of the first column whose name in Spark is not known here, from 1 on.
fn name_columns(select: &mut Select) -> Result<(), usize> {
    let relations = relations(select);
    let mut unknown = None;
    for (at, item) in select.projection.iter_mut().enumerate() {
        let SelectItem::UnnamedExpr(expr) = item else { continue };
        let is_column = match expr {
            Expr::Identifier(_) => true,
            Expr::CompoundIdentifier(names) => {
                let relation = names.len().checked_sub(2).and_then(|before| names.get(before));
                relation.is_some_and(|name| relations.contains(&name.value.to_lowercase()))
            }
            _ => false,
        };
        match name_of(expr, &relations) {
            _ if is_column => {}
            None => unknown = unknown.or(Some(at + 1)),
            Some(name) => {
                let alias = Ident::with_quote('`', name);
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
            }
        }
    }
    unknown.map_or(Ok(()), Err)
}

/// The name that two columns of a result have.
fn name_of_two(body: &SetExpr) -> Option<String> {
    let select = match body {
        SetExpr::Select(select) => select,
        SetExpr::SetOperation { left, .. } => return name_of_two(left),
        _ => return None,
    };
    let mut names = BTreeSet::new();
    select.projection.iter().find_map(|item| {
        let name = match item {
            SelectItem::UnnamedExpr(Expr::Identifier(name)) => name,
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) => names.last()?,
            SelectItem::ExprWithAlias { alias, .. } => alias,
            _ => return None,
        };
        let name = name.value.to_lowercase();
        (!names.insert(name.clone())).then_some(name)
    })
}

/// MINUS is EXCEPT.
fn without_minus(body: &mut SetExpr) {
    if let SetExpr::SetOperation { op, left, right, .. } = body {
        if *op == SetOperator::Minus {
            *op = SetOperator::Except;
        }
        without_minus(left);
        without_minus(right);
    }
}

/// What the tables of a SELECT are called, in lower case.
fn relations(select: &Select) -> BTreeSet<String> {
    let tables = select
        .from
        .iter()
        .flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)));
    let names = tables.filter_map(|table| match table {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(alias.name.value.to_lowercase())
        }
        TableFactor::Table { name, .. } => {
            name.0.last().and_then(|part| part.as_ident()).map(|name| name.value.to_lowercase())
        }
        _ => None,
    });
    names.collect()
}

fn name_all(body: &mut SetExpr) -> Result<(), usize> {
    match body {
        SetExpr::Select(select) => name_columns(select),
        SetExpr::SetOperation { left, .. } => name_all(left),
        _ => Ok(()),
    }
}

/// Lets ORDER BY name the results of aggregates by their aliases. The planner takes `sum(v)` there for ambiguous where the
/// result is called `v`, too.
fn order_by_results(query: &mut Query) {
    let SetExpr::Select(select) = &*query.body else { return };
    let results: Vec<(&Expr, &Ident)> = select
        .projection
        .iter()
        .filter_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } if is_aggregate(expr) => Some((expr, alias)),
            _ => None,
        })
        .collect();
    let Some(order) = &mut query.order_by else { return };
    let _ = visit_expressions_mut(order, |expr| {
        if let Some((_, alias)) = results.iter().find(|(result, _)| is_same(result, expr)) {
            *expr = Expr::Identifier(Ident::with_quote('`', alias.value.clone()));
        }
        ControlFlow::<()>::Continue(())
    });
}

/// Whether both are written alike; the case of names does not count.
fn is_same(one: &Expr, other: &Expr) -> bool {
    let (one, other) = (one.to_string(), other.to_string());
    one == other || (!one.contains('\'') && one.to_lowercase() == other.to_lowercase())
}

fn is_aggregate(expr: &Expr) -> bool {
    let Expr::Function(Function { name, over: None, .. }) = expr else { return false };
    let written = name.to_string().to_lowercase();
    let own = NAMES.iter().find(|(spark, _)| *spark == written).map_or(written.as_str(), |(_, own)| own);
    aggregates::is_name(own)
}

/// A key of ROLLUP or CUBE: a number is the column at that place.
fn named(key: &Expr, items: &[SelectItem]) -> Expr {
    let place = match key {
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => text.parse::<usize>().ok(),
            _ => None,
        },
        _ => None,
    };
    match place.and_then(|place| items.get(place.checked_sub(1)?)) {
        Some(SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) => expr.clone(),
        _ => key.clone(),
    }
}

impl VisitorMut for Adapt {
    type Break = String;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<String> {
        without_minus(&mut query.body);
        forms::query(query)?;
        order_by_results(query);
        let named = name_all(&mut query.body);
        // Nothing but the outermost query's names reaches the node's result.
        let outermost = !std::mem::replace(&mut self.inside, true);
        match named {
            Err(at) if outermost => {
                ControlFlow::Break(format!("column {at} without a name (write AS and a name behind it)"))
            }
            _ => match name_of_two(&query.body).filter(|_| outermost) {
                Some(name) => ControlFlow::Break(format!(
                    "a result with two columns named {name} (write AS and another name behind one of them)"
                )),
                None => ControlFlow::Continue(()),
            },
        }
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<String> {
        forms::select(select)?;
        windows::defined(select)?;
        select.from.iter().try_for_each(joins::joined)?;
        joins::keys_first(select)?;
        let GroupByExpr::Expressions(keys, modifiers) = &mut select.group_by else {
            return ControlFlow::Continue(());
        };
        let items = &select.projection;
        let sets = || keys.iter().map(|key| vec![named(key, items)]).collect();
        // The planner knows these in their other form alone.
        let grouped = match modifiers.as_slice() {
            [] => return ControlFlow::Continue(()),
            [GroupByWithModifier::Rollup] => Expr::Rollup(sets()),
            [GroupByWithModifier::Cube] => Expr::Cube(sets()),
            [GroupByWithModifier::GroupingSets(sets)] => sets.clone(),
            _ => return ControlFlow::Break(format!("GROUP BY {}", select.group_by)),
        };
        select.group_by = GroupByExpr::Expressions(vec![grouped], Vec::new());
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<String> {
        forms::table(factor)?;
        match factor {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
                ControlFlow::Break(format!("the function {name} in FROM"))
            }
            TableFactor::TableFunction { expr, .. } => ControlFlow::Break(format!("{expr} in FROM")),
            TableFactor::UNNEST { .. } => ControlFlow::Break("UNNEST".to_owned()),
            TableFactor::NestedJoin { table_with_joins, .. } => joins::joined(table_with_joins),
            _ => ControlFlow::Continue(()),
        }
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<String> {
        planned_otherwise(expr);
        match expr {
            Expr::RLike { negated, expr: value, pattern, .. } => {
                let holds = call("regexp_like", vec![(**value).clone(), (**pattern).clone()]);
                *expr = match negated {
                    false => holds,
                    true => Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(holds) },
                };
                ControlFlow::Continue(())
            }
            Expr::UnaryOp { op: op @ UnaryOperator::BangNot, .. } => {
                *op = UnaryOperator::Not;
                ControlFlow::Continue(())
            }
            Expr::Cast { kind: CastKind::SafeCast, .. } => ControlFlow::Break("SAFE_CAST".to_owned()),
            Expr::Cast { kind: CastKind::TryCast, .. } => ControlFlow::Break("TRY_CAST".to_owned()),
            Expr::Cast { data_type, .. } => {
                spark_type(data_type)?;
                let name = Value::SingleQuotedString(format!("AS {data_type}")).with_empty_span();
                *expr = call(NamedCast::NAME, vec![expr.clone(), Expr::Value(name)]);
                ControlFlow::Continue(())
            }
            Expr::TypedString(literal) => typed_literal(literal),
            Expr::Substring { substring_from: None, .. } => {
                ControlFlow::Break("substring without the place that it begins at".to_owned())
            }
            Expr::Tuple(list) if list.is_empty() => {
                ControlFlow::Break("() without anything in it".to_owned())
            }
            Expr::SimilarTo { .. } => ControlFlow::Break("SIMILAR TO".to_owned()),
            Expr::Like { any: true, .. } | Expr::ILike { any: true, .. } => {
                ControlFlow::Break("LIKE ANY".to_owned())
            }
            Expr::AtTimeZone { .. } => ControlFlow::Break("AT TIME ZONE".to_owned()),
            Expr::Function(function) => self.function(function),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// What the planner would refuse in this form.
fn planned_otherwise(expr: &mut Expr) {
    match expr {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr: value }
            if !is_number(value) && !matches!(**value, Expr::Interval(_)) =>
        {
            *expr = call(MINUS, vec![(**value).clone()]);
        }
        // A plus makes a number of a text, as a minus does.
        Expr::UnaryOp { op: UnaryOperator::Plus, expr: value }
            if !is_number(value) && !matches!(**value, Expr::Interval(_)) =>
        {
            *expr = call(MINUS, vec![call(MINUS, vec![(**value).clone()])]);
        }
        Expr::CompoundFieldAccess { root, access_chain } => name_fields(root, access_chain),
        _ => {}
    }
}

/// The planner takes fields by name only behind names; behind anything else the name has to be a text.
fn name_fields(root: &Expr, chain: &mut [AccessExpr]) {
    let is_name = |step: &AccessExpr| matches!(step, AccessExpr::Dot(Expr::Identifier(_)));
    let names = match root {
        Expr::Identifier(_) => chain.iter().take_while(|step| is_name(step)).count(),
        _ => 0,
    };
    for step in chain.iter_mut().skip(names) {
        if let AccessExpr::Dot(Expr::Identifier(name)) = step {
            let text = Value::SingleQuotedString(name.value.clone());
            *step = AccessExpr::Dot(Expr::Value(text.with_empty_span()));
        }
    }
}

impl Adapt {
    fn function(&mut self, function: &mut Function) -> ControlFlow<String> {
        let written = function.name.to_string().to_lowercase();
        if ENGINES.contains(&written.as_str()) {
            return ControlFlow::Break(format!("the function {written}"));
        }
        if let Some(place) = NULLS_IGNORED.iter().find_map(|(own, place)| (*own == written).then_some(*place))
        {
            ignore_nulls(function, place)?;
        }
        windows::named(function)?;
        windows::called(&written, function)?;
        let mut name =
            NAMES.iter().find(|(spark, _)| *spark == written).map_or(written.as_str(), |(_, own)| own);
        if let FunctionArguments::List(list) = &mut function.args {
            if let Some((_, own)) = SWAPPED.iter().find(|(spark, _)| *spark == written)
                && list.args.len() == 2
            {
                list.args.swap(0, 1);
                name = own;
            }
            let refused = list.args.len() != 1 && matches!(written.as_str(), "trim")
                || list.args.len() == 3
                    && matches!(written.as_str(), "locate" | "position" | "replace")
                    && written != "replace"
                || list.args.len() == 2 && written == "replace";
            if refused {
                return ControlFlow::Break(format!("{written} with {} arguments", list.args.len()));
            }
        }
        self.functions.insert(name.to_owned());
        function.name = ObjectName::from(vec![Ident::new(name)]);
        ControlFlow::Continue(())
    }
}

/// Makes a clause of the argument that says whether nulls are left out.
fn ignore_nulls(function: &mut Function, place: usize) -> ControlFlow<String> {
    let FunctionArguments::List(list) = &mut function.args else { return ControlFlow::Continue(()) };
    let flag = match list.args.get(place) {
        None => return ControlFlow::Continue(()),
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(flag)))) => flag.value.clone(),
        Some(_) => Value::Null,
    };
    let Value::Boolean(is_ignored) = flag else {
        return ControlFlow::Break(format!(
            "{} with an argument {} that is neither true nor false",
            function.name,
            place + 1
        ));
    };
    if list.args.len() > place + 1 || function.null_treatment.is_some() {
        return ControlFlow::Break(format!("the call {function}"));
    }
    list.args.truncate(place);
    function.null_treatment = is_ignored.then_some(NullTreatment::IgnoreNulls);
    ControlFlow::Continue(())
}

/// Spark's widths of types, and its names that the planner does not know.
fn spark_type(data_type: &mut DataType) -> ControlFlow<String> {
    let changed = match data_type {
        DataType::Decimal(ExactNumberInfo::None)
        | DataType::Dec(ExactNumberInfo::None)
        | DataType::Numeric(ExactNumberInfo::None) => {
            DataType::Decimal(ExactNumberInfo::PrecisionAndScale(10, 0))
        }
        DataType::Float(_) | DataType::Real => DataType::Float(ExactNumberInfo::None),
        DataType::Varchar(_) | DataType::Char(_) | DataType::Character(_) | DataType::CharVarying(_) => {
            return ControlFlow::Break(format!("a cast to {data_type} (cast to STRING)"));
        }
        DataType::Custom(name, _) => match name.to_string().to_lowercase().as_str() {
            "byte" => DataType::TinyInt(None),
            "short" => DataType::SmallInt(None),
            "long" => DataType::BigInt(None),
            "timestamp_ltz" | "timestamp_ntz" => {
                return ControlFlow::Break(format!("the type {name}"));
            }
            _ => return ControlFlow::Continue(()),
        },
        _ => return ControlFlow::Continue(()),
    };
    *data_type = changed;
    ControlFlow::Continue(())
}

/// `DATE '…'` and `TIMESTAMP '…'`: in Spark text that is none is an error.
fn typed_literal(literal: &TypedString) -> ControlFlow<String> {
    let Value::SingleQuotedString(text) = &literal.value.value else { return ControlFlow::Continue(()) };
    let fits = match literal.data_type {
        DataType::Date => is_literal(text, false),
        DataType::Timestamp(..) => is_literal(text, true),
        _ => false,
    };
    if fits { ControlFlow::Continue(()) } else { ControlFlow::Break(format!("the literal {literal}")) }
}
