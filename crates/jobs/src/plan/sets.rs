//! DropDuplicates and Union.
//!
//! Which of several rows with equal `Columns` is kept is not said by Glue; here too it may be any of
//! them. Columns of a union are matched by position, as in the SQL that Glue generates; the names are
//! those of the first input. Their types become the wider one, as in Spark.

use datafusion::common::Column;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};

use super::groups::any_row;
use super::paths::{names, resolve};
use super::{PlanError, column, spark};
use crate::graph::FieldPath;

/// One row of each set of rows that are equal (in `columns`, when there are any).
pub(super) fn drop_duplicates(frame: DataFrame, columns: &[FieldPath]) -> Result<DataFrame, PlanError> {
    if columns.is_empty() {
        let (state, plan) = frame.into_parts();
        return Ok(DataFrame::new(state, spark::distinct(plan)?));
    }
    let keys = columns.iter().enumerate().map(|(at, path)| {
        let found = resolve(frame.schema(), path)?;
        Ok(spark::key(found.expr, &found.data_type).alias(format!("__key{at}")))
    });
    let keys = keys.collect::<Result<Vec<_>, PlanError>>()?;
    let (mut kept, mut back) = (Vec::new(), Vec::new());
    for (at, field) in frame.schema().fields().iter().enumerate() {
        let own = format!("__kept{at}");
        kept.push(any_row().call(vec![column(field.name())]).alias(&own));
        back.push(column(&own).alias(field.name()));
    }
    Ok(frame.aggregate(keys, kept)?.select(back)?)
}

/// The rows of both inputs.
pub(super) fn union(first: DataFrame, second: DataFrame, distinct: bool) -> Result<DataFrame, PlanError> {
    let (one, two) = (first.schema().fields().len(), second.schema().fields().len());
    if one != two {
        return Err(PlanError::Refused(format!(
            "its inputs have {one} ({}) and {two} ({}) columns; a union needs equally many",
            names(first.schema().fields()).join(", "),
            names(second.schema().fields()).join(", ")
        )));
    }
    let wanted = names(first.schema().fields());
    let (state, first) = first.into_parts();
    let (_, second) = second.into_parts();
    let mut inputs = spark::of_one_type(vec![first, second])?.into_iter();
    let (Some(first), Some(second)) = (inputs.next(), inputs.next()) else {
        return Err(PlanError::Refused("a union needs two inputs".to_owned()));
    };
    let mut united = LogicalPlanBuilder::from(first).union(second)?.build()?;
    if distinct {
        united = spark::distinct(united)?;
    }
    let united = DataFrame::new(state, united);
    let fields: Vec<Expr> = united
        .schema()
        .iter()
        .zip(&wanted)
        .map(|((qualifier, field), name)| {
            Expr::Column(Column::new(qualifier.cloned(), field.name())).alias(name.as_str())
        })
        .collect();
    Ok(united.select(fields)?)
}
