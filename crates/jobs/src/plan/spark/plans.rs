//! Relations: from the bottom up, because a changed type below changes what an expression means.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, JoinType, NullEquality};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Distinct, Expr, ExprSchemable, Join, JoinConstraint, LogicalPlan, LogicalPlanBuilder, Operator,
    Projection, Sort, Subquery, Union, Values,
};

use super::exprs::{comparable, literals, rewrite as rewrite_expr, widened, widest};
use super::keys::{holds_floats, key, order_key};
use super::{Scope, aggregates, cast::cast, refused, subqueries};
use crate::plan::blame::Accused;

/// What holds for a plan and everything below it.
pub(super) struct Below<'a> {
    /// The plans of other nodes.
    pub(super) views: &'a [LogicalPlan],
    /// The schemas around it, for correlated queries.
    pub(super) outer: &'a [&'a DFSchema],
    pub(super) accused: &'a Accused,
}

/// The plan with Spark's meaning.
pub(super) fn rewrite(plan: LogicalPlan, below: &Below<'_>) -> Result<Transformed<LogicalPlan>> {
    if below.views.contains(&plan) {
        return Ok(Transformed::no(plan));
    }
    let plan = plan.map_children(|child| rewrite(child, below))?.data;
    let schema = merge_schema(&plan.inputs());
    let outer: Vec<&DFSchema> = below.outer.iter().copied().chain([&schema]).collect();
    let inner = Below { outer: &outer, ..*below };
    let plan = plan.map_subqueries(|query| rewrite(query, &inner))?.data;
    let scope = Scope { schema: &schema, outer: below.outer };
    relation(plan, &scope).map(Transformed::yes)
}

fn relation(plan: LogicalPlan, scope: &Scope<'_>) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Subquery(query) => outer_references(query, scope),
        // Its numbers are the engine's, not the statement's.
        LogicalPlan::Limit(_) => Ok(plan),
        LogicalPlan::Values(values) => constants(values, scope),
        LogicalPlan::Aggregate(aggregate) => aggregates::aggregate(aggregate, scope),
        LogicalPlan::Window(window) => aggregates::window(window, scope),
        LogicalPlan::Union(union) => united(union),
        LogicalPlan::Distinct(Distinct::All(input)) => distinct(&input),
        LogicalPlan::Unnest(_) => {
            Err(refused("the function unnest is not supported in SparkSQL nodes".to_owned()))
        }
        LogicalPlan::RecursiveQuery(_) => {
            Err(refused("a recursive query is not supported in SparkSQL nodes".to_owned()))
        }
        other => {
            if let LogicalPlan::Filter(filter) = &other {
                subqueries::condition(&filter.predicate, true)?;
            }
            let preserver = NamePreserver::new(&other);
            let plan = other.map_expressions(|expr| {
                let name = preserver.save(&expr);
                Ok(Transformed::yes(name.restore(expression(expr, scope)?)))
            })?;
            match plan.data {
                LogicalPlan::Join(join) => joined(both_of_one_type(join)?, scope),
                LogicalPlan::Sort(sort) => sorted(sort, scope),
                other => other.recompute_schema(),
            }
        }
    }
}

/// Functions that may fail on a row.
const FALLIBLE: &[&str] = &[
    "spark_cast",
    "regexp_like",
    "regexp_replace",
    "repeat",
    "split_part",
    "to_char",
    "translate",
    "lpad",
    "rpad",
];

/// The plan whose functions name the node when they fail.
pub(super) fn watched(plan: LogicalPlan, below: &Below<'_>) -> Result<Transformed<LogicalPlan>> {
    if below.views.contains(&plan) {
        return Ok(Transformed::no(plan));
    }
    let plan = plan.map_children(|child| watched(child, below))?.data;
    let plan = plan.map_subqueries(|query| watched(query, below))?.data;
    plan.map_expressions(|expr| {
        expr.transform_up(|expr| match expr {
            Expr::ScalarFunction(call) if FALLIBLE.contains(&call.func.name()) => {
                let func = below.accused.wrap(call.func);
                Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args: call.args })))
            }
            other => Ok(Transformed::no(other)),
        })
    })
}

/// One expression, from its literals up.
pub(super) fn expression(expr: Expr, scope: &Scope<'_>) -> Result<Expr> {
    let expr = expr.transform_down(literals)?.data;
    Ok(expr.transform_up(|expr| rewrite_expr(expr, scope))?.data)
}

/// What a correlated query names of the one around it has that one's types.
fn outer_references(query: Subquery, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let columns = query.outer_ref_columns.into_iter().map(|expr| expression(expr, scope));
    Ok(LogicalPlan::Subquery(Subquery { outer_ref_columns: columns.collect::<Result<_>>()?, ..query }))
}

/// VALUES: each column has the type that all of its rows fit.
fn constants(values: Values, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let names: Vec<String> = values.schema.fields().iter().map(|field| field.name().clone()).collect();
    let mut columns: Vec<Vec<Expr>> = vec![Vec::new(); names.len()];
    for row in values.values {
        for (column, expr) in columns.iter_mut().zip(row) {
            column.push(expression(expr, scope)?);
        }
    }
    let columns = columns.into_iter().map(|column| widened(column, scope.schema).map(|(column, _)| column));
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let count = columns.first().map_or(0, Vec::len);
    let rows = (0..count).map(|at| columns.iter().filter_map(|column| column.get(at).cloned()).collect());
    let plan = LogicalPlanBuilder::values(rows.collect())?;
    let own = plan.schema().columns();
    let named = own.into_iter().zip(names).map(|(column, name)| Expr::Column(column).alias(name));
    plan.project(named)?.build()
}

fn united(union: Union) -> Result<LogicalPlan> {
    let inputs = union.inputs.into_iter().map(Arc::unwrap_or_clone).collect();
    let inputs = of_one_type(inputs)?.into_iter().map(Arc::new).collect();
    Ok(LogicalPlan::Union(Union::try_new(inputs)?))
}

/// Each column of a union has the type that all inputs fit.
pub(super) fn of_one_type(inputs: Vec<LogicalPlan>) -> Result<Vec<LogicalPlan>> {
    let columns = inputs.first().map_or(0, |input| input.schema().fields().len());
    let mut wanted = Vec::with_capacity(columns);
    for at in 0..columns {
        let types: Vec<DataType> = inputs
            .iter()
            .filter_map(|input| input.schema().fields().get(at).map(|field| field.data_type().clone()))
            .collect();
        wanted.push(widest(&types)?);
    }
    inputs.into_iter().map(|input| with_types(input, &wanted)).collect()
}

/// The plan with its columns cast, under their names.
fn with_types(plan: LogicalPlan, wanted: &[DataType]) -> Result<LogicalPlan> {
    let mut columns = Vec::new();
    let mut same = true;
    for ((qualifier, field), wanted) in plan.schema().iter().zip(wanted) {
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        if field.data_type() == wanted {
            columns.push(column);
        } else {
            same = false;
            let cast = cast(column, field.data_type(), wanted)?;
            columns.push(cast.alias_qualified(qualifier.cloned(), field.name()));
        }
    }
    if same {
        return Ok(plan);
    }
    Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(plan))?))
}

/// Equal floats are made one value first.
pub(super) fn distinct(input: &Arc<LogicalPlan>) -> Result<LogicalPlan> {
    let odd = input.schema().fields().iter().any(|field| holds_floats(field.data_type()));
    let mut plan = input.as_ref().clone();
    if odd {
        let columns = plan.schema().iter().map(|(qualifier, field)| {
            let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
            match key(column.clone(), field.data_type()) {
                same if same == column => same,
                key => key.alias_qualified(qualifier.cloned(), field.name()),
            }
        });
        plan = LogicalPlan::Projection(Projection::try_new(columns.collect(), Arc::clone(input))?);
    }
    Ok(LogicalPlan::Distinct(Distinct::All(Arc::new(plan))))
}

/// Of INTERSECT and EXCEPT, which are joins here: both sides with the types that both fit.
fn both_of_one_type(join: Join) -> Result<Join> {
    let is_of_sets = matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
        && join.null_equality == NullEquality::NullEqualsNull;
    if !is_of_sets {
        return Ok(join);
    }
    let once = matches!(*join.left, LogicalPlan::Distinct(_));
    let sides = [Arc::unwrap_or_clone(join.left), Arc::unwrap_or_clone(join.right)];
    let before = Arc::clone(sides[0].schema());
    let Ok([left, right]) = <[LogicalPlan; 2]>::try_from(of_one_type(sides.into())?) else {
        return Err(refused("a set operation without two sides".to_owned()));
    };
    let left = Arc::new(left);
    let is_changed = left.schema() != &before;
    // Two values may be one in the wider type.
    let left = if once && is_changed { Arc::new(distinct(&left)?) } else { left };
    Ok(Join { left, right: Arc::new(right), ..join })
}

/// Pairs of keys (of USING, and of set operations) are compared as an equality compares.
fn joined(join: Join, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let mut on = Vec::with_capacity(join.on.len());
    for (left, right) in join.on.clone() {
        let (a, b) = (left.get_type(join.left.schema())?, right.get_type(join.right.schema())?);
        on.push(comparable(left, &a, right, &b, Operator::Eq)?);
    }
    if let Some(filter) = &join.filter
        && filter.get_type(scope.schema)? != DataType::Boolean
    {
        return Err(refused("the condition of a join is not a boolean".to_owned()));
    }
    // What USING says is settled by now, and a key that is cast is no column that it could name.
    LogicalPlan::Join(Join { on, join_constraint: JoinConstraint::On, ..join }).recompute_schema()
}

fn sorted(sort: Sort, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let mut keys = Vec::with_capacity(sort.expr.len());
    for mut one in sort.expr {
        let data_type = one.expr.get_type(scope.schema)?;
        one.expr = order_key(one.expr, &data_type);
        keys.push(one);
    }
    Ok(LogicalPlan::Sort(Sort { expr: keys, ..sort }))
}
