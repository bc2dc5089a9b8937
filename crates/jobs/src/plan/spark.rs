//! Makes a bound SQL plan mean what Spark (without ANSI mode) means by it.
//!
//! | SQL | engine | here, as in Spark |
//! |---|---|---|
//! | `7 / 2` | 3 | 3.5 |
//! | `x / 0`, `x % 0` | error or infinity | null |
//! | `CAST('a' AS INT)` | error | null |
//! | `'10' > 9`, `'1' + 1` | compares as text, error | as numbers |
//! | `concat('a', NULL)` | `a` | null |
//! | `regexp_replace(s, p, r)` | first match | all matches |
//! | `ceil`, `floor` of a double | double | bigint |
//!
//! Functions are allowed by name: those whose meaning is the same, and those that are rewritten here.
//! Everything else is refused with its name, because a function that only looks the same gives wrong
//! rows.

mod calls;

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::{DataFusionError, Result};
use datafusion::functions::expr_fn::nullif;
use datafusion::logical_expr::expr::{AggregateFunction, BinaryExpr, InList, ScalarFunction, WindowFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlan, Operator, WindowFunctionDefinition, binary_expr, lit,
};
use engine::EngineError;

use super::PlanError;
use super::cast::convert;

/// Aggregate and window functions that mean the same in Spark.
const AGGREGATES: &[&str] = &[
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "stddev",
    "stddev_pop",
    "var",
    "var_pop",
    "covar_samp",
    "covar_pop",
    "corr",
    "bool_and",
    "bool_or",
    "bit_and",
    "bit_or",
    "bit_xor",
    "first_value",
    "last_value",
    "grouping",
];
const WINDOWS: &[&str] = &[
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
];

/// Rewrites the plan, but not the plans of the views below it: they are other nodes' work, and mean what they mean.
pub(super) fn adapt(plan: LogicalPlan, views: &[LogicalPlan]) -> Result<LogicalPlan, PlanError> {
    let adapted = rewrite_plan(plan, views);
    adapted.map(|adapted| adapted.data).map_err(|error| PlanError::Engine(EngineError::from(error)))
}

/// Bottom up, because a changed type below changes what an expression means.
fn rewrite_plan(plan: LogicalPlan, views: &[LogicalPlan]) -> Result<Transformed<LogicalPlan>> {
    if views.contains(&plan) {
        return Ok(Transformed::no(plan));
    }
    let below = plan.map_children(|child| rewrite_plan(child, views))?;
    let below = below.transform_data(|node| node.map_subqueries(|query| rewrite_plan(query, views)))?;
    let changed = below.transform_data(|node| {
        let schema = merge_schema(&node.inputs());
        let preserver = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            let name = preserver.save(&expr);
            let changed = expr.transform_up(|expr| rewrite(expr, &schema))?;
            Ok(changed.update_data(|expr| name.restore(expr)))
        })
    })?;
    if !changed.transformed {
        return Ok(changed);
    }
    changed.map_data(LogicalPlan::recompute_schema)
}

/// A refusal on its way through the rewriter.
pub(super) fn refused(what: String) -> DataFusionError {
    EngineError::Unsupported { message: what }.into_datafusion()
}

fn rewrite(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let changed = match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => return binary(*left, op, *right, schema),
        Expr::Cast(cast) => {
            let from = cast.expr.get_type(schema)?;
            convert(*cast.expr, &from, cast.field.data_type())
        }
        Expr::InList(list) => return in_list(list, schema),
        Expr::ScalarFunction(ScalarFunction { func, args }) => return calls::scalar(func, args, schema),
        Expr::AggregateFunction(AggregateFunction { ref func, .. }) => {
            allowed(AGGREGATES, func.name())?;
            return Ok(Transformed::no(expr));
        }
        Expr::WindowFunction(ref window) => {
            window_allowed(window)?;
            return Ok(Transformed::no(expr));
        }
        other => return Ok(Transformed::no(other)),
    };
    Ok(Transformed::yes(changed))
}

fn window_allowed(window: &WindowFunction) -> Result<()> {
    match &window.fun {
        WindowFunctionDefinition::AggregateUDF(function) => allowed(AGGREGATES, function.name()),
        WindowFunctionDefinition::WindowUDF(function) => allowed(WINDOWS, function.name()),
    }
}

/// Refuses a function that is not in the list.
pub(super) fn allowed(list: &[&str], name: &str) -> Result<()> {
    if list.contains(&name) {
        return Ok(());
    }
    Err(refused(format!("the function {name} is not supported in SparkSQL nodes")))
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn binary(left: Expr, op: Operator, right: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let (left_type, right_type) = (left.get_type(schema)?, right.get_type(schema)?);
    let plain = |left, right| Ok(Transformed::no(binary_expr(left, op, right)));
    match op {
        Operator::Divide => Ok(Transformed::yes(divide(left, &left_type, right, &right_type))),
        Operator::Modulo => {
            let (left, right) = (number(left, &left_type), number(right, &right_type));
            Ok(Transformed::yes(binary_expr(left, op, nullif(right, lit(0)))))
        }
        Operator::Plus | Operator::Minus | Operator::Multiply
            if is_text(&left_type) || is_text(&right_type) =>
        {
            Ok(Transformed::yes(binary_expr(number(left, &left_type), op, number(right, &right_type))))
        }
        _ if op.supports_propagation() => {
            if is_text(&left_type) && right_type.is_numeric() {
                return Ok(Transformed::yes(binary_expr(convert(left, &left_type, &right_type), op, right)));
            }
            if is_text(&right_type) && left_type.is_numeric() {
                return Ok(Transformed::yes(binary_expr(left, op, convert(right, &right_type, &left_type))));
            }
            plain(left, right)
        }
        _ => plain(left, right),
    }
}

/// Text as a double, anything else as it is.
fn number(expr: Expr, data_type: &DataType) -> Expr {
    if is_text(data_type) { convert(expr, data_type, &DataType::Float64) } else { expr }
}

fn divide(left: Expr, left_type: &DataType, right: Expr, right_type: &DataType) -> Expr {
    let decimal = |t: &DataType| matches!(t, DataType::Decimal128(..) | DataType::Decimal256(..));
    let exact = (decimal(left_type) || decimal(right_type))
        && (decimal(left_type) || left_type.is_integer())
        && (decimal(right_type) || right_type.is_integer());
    if exact {
        return binary_expr(left, Operator::Divide, nullif(right, lit(0)));
    }
    let left = convert(left, left_type, &DataType::Float64);
    let right = convert(right, right_type, &DataType::Float64);
    binary_expr(left, Operator::Divide, nullif(right, lit(0.0)))
}

/// Text that is looked for among numbers is compared as a number.
fn in_list(list: InList, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let own = list.expr.get_type(schema)?;
    let mut wanted = None;
    for item in &list.list {
        let item = item.get_type(schema)?;
        if is_text(&own) && item.is_numeric() {
            wanted = Some(item);
        }
    }
    match wanted {
        None => Ok(Transformed::no(Expr::InList(list))),
        Some(wanted) => {
            let InList { expr, list, negated } = list;
            let expr = Box::new(convert(*expr, &own, &wanted));
            Ok(Transformed::yes(Expr::InList(InList { expr, list, negated })))
        }
    }
}
