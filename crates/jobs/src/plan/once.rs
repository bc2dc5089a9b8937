//! Rows that come out otherwise each time, and are read more than once.
//!
//! Every target computes what it reads from the sources on, and so does every mention of a table in a statement. Which of several rows
//! DropDuplicates keeps, a limit takes or `row_number` calls the first is chance where nothing tells them apart, so two readers could
//! see different rows, and behind a Route some in both and some in none. Such rows are therefore written aside once, and all read these.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::dataframe::DataFrame;
use datafusion::error::Result;
use datafusion::logical_expr::{
    Distinct, Expr, LogicalPlan, Projection, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};
use engine::Session;

use super::aside::numbered;
use super::groups::ANY_ROW;
use super::{PlanError, Planning, column};
use crate::graph::Node;

/// The numbers of rows, by which sorted ones come in their order again. Columns that are written aside have names of their own.
const KEY: &str = "row";
/// Windows whose results are those of all rows that are equal to the order.
const BY_RANK: &[&str] = &["rank", "dense_rank", "percent_rank", "cume_dist"];
/// Aggregates that take some row's value.
const BY_ROW: &[&str] = &["first_value", "last_value", "nth_value", ANY_ROW];

/// The frames, in which all mentions of the same rows see the same; `is_shared`: and all who read them.
pub(super) async fn alike(
    session: &Session,
    node: &Node,
    frames: Vec<DataFrame>,
    planning: &mut Planning<'_>,
) -> std::result::Result<Vec<DataFrame>, PlanError> {
    let mut kept = Vec::with_capacity(frames.len());
    let mut is_written = false;
    for mut frame in frames {
        while let Some(repeated) = repeated(frame.logical_plan())? {
            is_written = true;
            let (state, plan) = frame.into_parts();
            let rows = DataFrame::new(state.clone(), repeated.plan.clone());
            let once = written(session, rows, planning).await?;
            let replaced = plan.transform_down_with_subqueries(|plan| {
                Ok(match plan == repeated.plan && Part::of(&plan)? == repeated {
                    true => Transformed::new(once.clone(), true, TreeNodeRecursion::Jump),
                    false => Transformed::no(plan),
                })
            })?;
            frame = DataFrame::new(state, replaced.data);
        }
        if planning.is_shared && is_by_chance(frame.logical_plan())? {
            is_written = true;
            let (state, plan) = frame.into_parts();
            let once = written(session, DataFrame::new(state.clone(), plan), planning).await?;
            frame = DataFrame::new(state, once);
        }
        kept.push(frame);
    }
    if is_written {
        planning.decisions.keep(node, &kept);
    }
    Ok(kept)
}

/// A part of a plan. Two that read different sources are different, which the plans alone do not tell.
#[derive(PartialEq, Eq, Hash)]
struct Part {
    plan: LogicalPlan,
    /// Their addresses, of the tables that the plan reads.
    sources: Vec<usize>,
}

impl Part {
    fn of(plan: &LogicalPlan) -> Result<Self> {
        let mut sources = Vec::new();
        plan.apply_with_subqueries(|part| {
            if let LogicalPlan::TableScan(scan) = part {
                sources.push(Arc::as_ptr(&scan.source).cast::<()>().addr());
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(Self { plan: plan.clone(), sources })
    }
}

/// The uppermost part of the plan that is made by chance and is there more than once.
fn repeated(plan: &LogicalPlan) -> Result<Option<Part>> {
    let mut seen = HashSet::new();
    let mut twice: Option<Part> = None;
    plan.apply_with_subqueries(|part| {
        // What names columns outside cannot be computed alone.
        if is_made_by_chance(part)? && part.all_out_ref_exprs().is_empty() {
            let part = Part::of(part)?;
            if seen.contains(&part) {
                twice = Some(part);
                return Ok(TreeNodeRecursion::Stop);
            }
            seen.insert(part);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(twice)
}

/// The frame's rows, written aside, under its names.
async fn written(
    session: &Session,
    frame: DataFrame,
    planning: &mut Planning<'_>,
) -> std::result::Result<LogicalPlan, PlanError> {
    let is_sorted = is_sorted(frame.logical_plan());
    let (mut there, mut back) = (Vec::new(), Vec::new());
    for (at, (qualifier, field)) in frame.schema().iter().enumerate() {
        let own = format!("column{at}");
        there.push(Expr::Column(Column::new(qualifier.cloned(), field.name())).alias(&own));
        back.push(column(&own).alias_qualified(qualifier.cloned(), field.name()));
    }
    let mut rows = numbered(session, frame.select(there)?, KEY, planning).await?;
    if is_sorted {
        rows = rows.sort(vec![column(KEY).sort(true, false)])?;
    }
    let (_, rows) = rows.into_parts();
    Ok(LogicalPlan::Projection(Projection::try_new(back, rows.into())?))
}

/// Whether rows or values of the plan depend on the order in which rows happen to come, or on chance itself. The last digits of sums of
/// doubles do not count.
fn is_by_chance(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|part| {
        found = is_made_by_chance(part)?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// Whether the uppermost node does.
fn is_made_by_chance(node: &LogicalPlan) -> Result<bool> {
    let mut found = match node {
        LogicalPlan::Distinct(Distinct::On(_)) | LogicalPlan::Limit(_) => true,
        LogicalPlan::Sort(sort) => sort.fetch.is_some(),
        _ => false,
    };
    node.apply_expressions(|expr| {
        found = found || expr.exists(|inner| Ok(is_chance(inner)))?;
        Ok(TreeNodeRecursion::Continue)
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
