//! Subqueries that refer to the query around them, brought to a form that DataFusion turns into joins rightly.
//!
//! DataFusion moves the conditions that name the outer query above everything else of the subquery. Above an aggregate
//! over all rows that loses the row which such an aggregate gives for no rows at all; above LIMIT, windows and outer
//! joins it changes which rows there are. So an aggregate's result is taken out on its own ([`one_row`]), where
//! DataFusion knows what it is for no rows, and everything else is named ([`fault`]) to be refused.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, JoinType, Result, ScalarValue};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{
    Aggregate, Expr, ExprSchemable, FetchType, Filter, LogicalPlan, Projection, SkipType, Subquery,
};

/// What a subquery gives that is one row, or none if HAVING does not hold: expressions of the query around it.
#[derive(Debug)]
pub struct OneRow {
    /// The columns of the row.
    pub values: Vec<Expr>,
    /// The condition of HAVING.
    pub having: Option<Expr>,
}

/// Takes a subquery apart that is an aggregate over all its rows; `schema` is that of the query around it. `None` for
/// any other subquery.
pub fn one_row(subquery: &Subquery, schema: &DFSchema) -> Result<Option<OneRow>> {
    let plan = subquery.subquery.as_ref();
    let Some((values, having, aggregate)) = parts(plan) else { return Ok(None) };
    if !values.iter().chain(&having).all(is_plain) {
        return Ok(None);
    }
    let outside = |expr: Expr| outside(expr, aggregate, schema);
    let values = values.into_iter().map(outside).collect::<Result<_>>()?;
    Ok(Some(OneRow { values, having: having.map(outside).transpose()? }))
}

type Parts<'p> = (Vec<Expr>, Option<Expr>, &'p Aggregate);

fn parts(plan: &LogicalPlan) -> Option<Parts<'_>> {
    match plan {
        LogicalPlan::Sort(sort) => parts(&sort.input),
        LogicalPlan::Projection(Projection { expr, input, .. }) => {
            let (values, having, aggregate) = parts(input)?;
            let expr = expr.iter().map(|expr| over(expr, input, &values)).collect::<Option<_>>()?;
            Some((expr, having, aggregate))
        }
        LogicalPlan::Filter(Filter { predicate, input, .. }) => match parts(input)? {
            (values, None, aggregate) => {
                let having = over(predicate, input, &values)?;
                Some((values, Some(having), aggregate))
            }
            _ => None,
        },
        LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.is_empty() => {
            let values = aggregate.schema.columns().into_iter().map(Expr::Column).collect();
            Some((values, None, aggregate))
        }
        _ => None,
    }
}

/// An expression over what `input` gives as one over what its values are made of.
fn over(expr: &Expr, input: &LogicalPlan, values: &[Expr]) -> Option<Expr> {
    let replaced = expr.clone().transform_up(|inner| match &inner {
        Expr::Column(column) => {
            match input.schema().maybe_index_of_column(column).and_then(|at| values.get(at)) {
                Some(value) => Ok(Transformed::yes(value.clone().unalias())),
                None => Ok(Transformed::no(inner)),
            }
        }
        _ => Ok(Transformed::no(inner)),
    });
    replaced.ok().map(|replaced| replaced.data)
}

/// Whether it can be evaluated in another place.
fn is_plain(expr: &Expr) -> bool {
    let nested = |inner: &Expr| {
        Ok(matches!(inner, Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_))
            || inner.is_volatile_node())
    };
    // The closure never fails.
    !expr.exists(nested).unwrap_or(true)
}

/// An expression over an aggregate's results as one over the outer query's rows.
fn outside(expr: Expr, aggregate: &Aggregate, schema: &DFSchema) -> Result<Expr> {
    let moved = expr.transform_up(|inner| match inner {
        Expr::OuterReferenceColumn(_, column) if schema.has_column(&column) => {
            Ok(Transformed::yes(Expr::Column(column)))
        }
        Expr::Column(column) => match aggregate.schema.maybe_index_of_column(&column) {
            Some(at) => Ok(Transformed::yes(only(aggregate, at)?)),
            None => Ok(Transformed::no(Expr::Column(column))),
        },
        other => Ok(Transformed::no(other)),
    })?;
    Ok(moved.data.unalias_nested().data)
}

/// One result of an aggregate, as a subquery that is a value.
fn only(aggregate: &Aggregate, at: usize) -> Result<Expr> {
    let Some(result) = aggregate.aggr_expr.get(at) else {
        return datafusion::common::plan_err!("an aggregate without its result {at}");
    };
    let of = result.get_type(aggregate.input.schema())?;
    let single = Aggregate::try_new(Arc::clone(&aggregate.input), Vec::new(), vec![result.clone()])?;
    let columns: Vec<Column> = single.schema.columns();
    let columns = columns.into_iter().map(Expr::Column).collect();
    let plan = Projection::try_new(columns, Arc::new(LogicalPlan::Aggregate(single)))?;
    let plan = LogicalPlan::Projection(plan);
    let outer_ref_columns = plan.all_out_ref_exprs();
    let value = Expr::ScalarSubquery(Subquery {
        subquery: Arc::new(plan),
        outer_ref_columns,
        spans: Default::default(),
    });
    Ok(if counts(result) {
        coalesce(vec![value, Expr::Literal(ScalarValue::new_zero(&of)?, None)])
    } else {
        value
    })
}

/// Whether an aggregate is 0 for no rows, not NULL.
fn counts(result: &Expr) -> bool {
    match result {
        Expr::Alias(alias) => counts(&alias.expr),
        Expr::AggregateFunction(call) => {
            matches!(call.func.name(), "count" | "approx_distinct" | "regr_count")
        }
        _ => false,
    }
}

/// What of a subquery would be computed wrongly because it refers to the query around it; `exists` says that only
/// whether it has rows matters. `None` for what is right.
/// Errors: those of a LIMIT that is no number.
pub fn fault(subquery: &Subquery, exists: bool) -> Result<Option<&'static str>> {
    if subquery.outer_ref_columns.is_empty() {
        return Ok(None);
    }
    faulty(&subquery.subquery, exists)
}

fn faulty(plan: &LogicalPlan, exists: bool) -> Result<Option<&'static str>> {
    if plan.all_out_ref_exprs().is_empty() {
        return Ok(None);
    }
    let inner = plan.inputs().iter().any(|input| !input.all_out_ref_exprs().is_empty());
    let found = match plan {
        LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.is_empty() => {
            Some("an aggregate over all its rows")
        }
        LogicalPlan::Limit(limit) => {
            let all = matches!(limit.get_skip_type()?, SkipType::Literal(0));
            let some = !matches!(limit.get_fetch_type()?, FetchType::UnsupportedExpr);
            (!(exists && all && some)).then_some("LIMIT or OFFSET")
        }
        LogicalPlan::Window(_) => Some("a window function"),
        LogicalPlan::Join(join) if join.join_type != JoinType::Inner && inner => {
            Some("an outer join, INTERSECT or EXCEPT")
        }
        _ => None,
    };
    if found.is_some() {
        return Ok(found);
    }
    let on_top = matches!(
        plan,
        LogicalPlan::Projection(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::Limit(_)
    );
    for input in plan.inputs() {
        if let Some(found) = faulty(input, exists && on_top)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
