//! Rows that come out otherwise each time, and are read more than once.
//!
//! Every target computes what it reads from the sources on. Which of several rows DropDuplicates keeps, a limit takes or
//! `row_number` calls the first is chance where nothing tells them apart, so two targets could see different rows, and behind a Route
//! some in both and some in none. Such rows are therefore written aside once, and all read these.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::dataframe::DataFrame;
use datafusion::error::Result;
use datafusion::logical_expr::{
    Distinct, Expr, LogicalPlan, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};
use engine::Session;

use super::aside::numbered;
use super::{PlanError, Planning, column};
use crate::graph::Node;

/// The numbers of rows, by which sorted ones come in their order again.
const KEY: &str = "__row";
/// Windows whose results are those of all rows that are equal to the order.
const BY_RANK: &[&str] = &["rank", "dense_rank", "percent_rank", "cume_dist"];
/// Aggregates that take some row's value.
const BY_ROW: &[&str] = &["first_value", "last_value", "nth_value"];

/// The frames, such that all who read them see the same rows.
pub(super) async fn alike(
    session: &Session,
    node: &Node,
    frames: Vec<DataFrame>,
    planning: &mut Planning<'_>,
) -> std::result::Result<Vec<DataFrame>, PlanError> {
    let mut kept = Vec::with_capacity(frames.len());
    let mut is_written = false;
    for frame in frames {
        kept.push(match is_by_chance(frame.logical_plan())? {
            true => {
                is_written = true;
                written(session, frame, planning).await?
            }
            false => frame,
        });
    }
    if is_written {
        planning.decisions.keep(node, &kept);
    }
    Ok(kept)
}

async fn written(
    session: &Session,
    frame: DataFrame,
    planning: &mut Planning<'_>,
) -> std::result::Result<DataFrame, PlanError> {
    let columns: Vec<Expr> = frame.schema().fields().iter().map(|field| column(field.name())).collect();
    let is_sorted = is_sorted(frame.logical_plan());
    let mut rows = numbered(session, frame, KEY, planning).await?;
    if is_sorted {
        rows = rows.sort(vec![column(KEY).sort(true, false)])?;
    }
    Ok(rows.select(columns)?)
}

/// Whether rows or values of the plan depend on the order in which rows happen to come, or on chance itself. The last digits of sums of
/// doubles do not count.
fn is_by_chance(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        found = match node {
            LogicalPlan::Distinct(Distinct::On(_)) | LogicalPlan::Limit(_) => true,
            LogicalPlan::Sort(sort) => sort.fetch.is_some(),
            _ => false,
        };
        node.apply_expressions(|expr| {
            found = found || expr.exists(|inner| Ok(is_chance(inner)))?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

fn is_chance(expr: &Expr) -> bool {
    match expr {
        Expr::AggregateFunction(call) => BY_ROW.contains(&call.func.name()),
        Expr::WindowFunction(window) => match &window.fun {
            WindowFunctionDefinition::WindowUDF(function) => !BY_RANK.contains(&function.name()),
            WindowFunctionDefinition::AggregateUDF(function) => {
                let frame = &window.params.window_frame;
                let is_whole = frame.start_bound.is_unbounded()
                    && matches!(&frame.end_bound, WindowFrameBound::Following(end) if end.is_null());
                BY_ROW.contains(&function.name()) || frame.units == WindowFrameUnits::Rows && !is_whole
            }
        },
        expr => expr.is_volatile_node(),
    }
}

/// Whether its rows come in an order that was asked for.
fn is_sorted(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Sort(_) => true,
        LogicalPlan::Projection(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Limit(_) => plan.inputs().into_iter().all(is_sorted),
        _ => false,
    }
}
