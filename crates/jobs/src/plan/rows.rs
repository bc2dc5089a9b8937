//! Route, Merge, and the sample of a Spigot.
//!
//! A row goes to every group of a Route whose conditions it meets, and to the default group when it meets those of none.
//! Merge gives the rows of the source whose keys no row of the staging frame has, and all rows of the staging frame, those
//! with new keys included; nothing is de-duplicated, null equals nothing. Its columns are those of the source and then
//! those that only the staging frame has, null where a frame lacks one.

use datafusion::common::ScalarValue;
use datafusion::dataframe::DataFrame;
use datafusion::functions::expr_fn::random;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, lit};

use super::paths::{names, position};
use super::{PlanError, column, filter, join, spark};
use crate::graph::{FieldPath, Group, JoinKind, NodeKind};

/// A frame per group, in their order.
pub(super) fn route(frame: &DataFrame, groups: &[Group]) -> Result<Vec<DataFrame>, PlanError> {
    let mut predicates = Vec::new();
    for group in groups {
        predicates.push(match &group.filter {
            Some((any, conditions)) => filter::predicate(frame.schema(), *any, conditions)?,
            None => None,
        });
    }
    // Conditions are true or false, never null: what none of them holds for is what NOT holds for.
    let taken = predicates.iter().flatten().cloned().reduce(Expr::or);
    let mut frames = Vec::new();
    for predicate in predicates {
        let rest = || taken.clone().map(|taken| Expr::Not(Box::new(taken)));
        frames.push(match predicate.or_else(rest) {
            Some(predicate) => frame.clone().filter(predicate)?,
            None => frame.clone(),
        });
    }
    Ok(frames)
}

/// The rows of `source` without those that `staging` replaces, and the rows of `staging`.
pub(super) fn merge(
    source: DataFrame,
    staging: DataFrame,
    keys: &[FieldPath],
) -> Result<DataFrame, PlanError> {
    let kept = join::join(source, staging.clone(), JoinKind::LeftAnti, keys, keys)?;
    let mut columns = names(kept.schema().fields());
    for name in names(staging.schema().fields()) {
        if position(kept.schema().fields(), &name).is_none() {
            columns.push(name);
        }
    }
    let (kept, staging) = (with_columns(kept, &columns)?, with_columns(staging, &columns)?);
    let (state, kept) = kept.into_parts();
    let (_, staging) = staging.into_parts();
    let mut inputs = spark::of_one_type(vec![kept, staging])?.into_iter();
    let (Some(kept), Some(staging)) = (inputs.next(), inputs.next()) else {
        return Err(PlanError::Refused("a merge needs two inputs".to_owned()));
    };
    let merged = LogicalPlanBuilder::from(kept).union(staging)?.build()?;
    Ok(DataFrame::new(state, merged))
}

/// These columns, null where the frame has none of the name.
fn with_columns(frame: DataFrame, columns: &[String]) -> Result<DataFrame, PlanError> {
    let fields = frame.schema().fields().clone();
    let value = |name: &String| match position(&fields, name).and_then(|at| fields.get(at)) {
        Some(field) => column(field.name()).alias(name.as_str()),
        None => lit(ScalarValue::Null).alias(name.as_str()),
    };
    let exprs: Vec<Expr> = columns.iter().map(value).collect();
    Ok(frame.select(exprs)?)
}

/// What a node writes of its input: all of it, unless it is a Spigot that takes a sample.
pub(crate) fn sample(frame: DataFrame, kind: &NodeKind) -> Result<DataFrame, PlanError> {
    let NodeKind::Spigot(spigot) = kind else { return Ok(frame) };
    let frame = match spigot.probability {
        Some(probability) if probability < 1.0 => frame.filter(random().lt(lit(probability)))?,
        _ => frame,
    };
    match spigot.rows {
        Some(rows) => Ok(frame.limit(0, Some(rows))?),
        None => Ok(frame),
    }
}
