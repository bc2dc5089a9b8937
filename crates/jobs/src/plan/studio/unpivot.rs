//! Columns as rows: the name of each in one column, its value in another.
//!
//! Values that are null have rows, too. The columns are of one type, or of numbers, which become those that hold all.

use datafusion::dataframe::DataFrame;
use datafusion::functions_nested::expr_fn::make_array;
use datafusion::logical_expr::{Expr, lit};
use formats::hive::shown;

use super::super::{PlanError, column, spark};
use super::{others, unique, whole};
use crate::graph::Unpivot;

/// Names and values while they are on their way to their columns.
const NAMES: &str = "__names";
const VALUES: &str = "__values";

/// The rows of `frame`, each once for every one of the columns, and the other columns beside them.
pub(super) fn unpivot(frame: DataFrame, own: &Unpivot) -> Result<DataFrame, PlanError> {
    let (mut values, mut known, mut shows) = (Vec::new(), Vec::new(), Vec::new());
    for name in &own.columns {
        let found = whole(&frame, name)?;
        shows.push(format!("{name} is {}", shown(&found.data_type)));
        known.extend(found.path);
        values.push((found.expr, found.data_type));
    }
    let values = spark::alike(values)?.ok_or_else(|| {
        PlanError::Refused(format!(
            "values of one column have one type, but {}; cast them before, with ApplyMapping",
            shows.join(", ")
        ))
    })?;
    let kept = others(&frame, &known);
    unique(kept.iter().chain([&own.name, &own.value]).map(String::as_str))?;
    let kept: Vec<Expr> = kept.iter().map(|name| column(name)).collect();
    let mut columns = kept.clone();
    columns.push(make_array(own.columns.iter().map(|name| lit(name.as_str())).collect()).alias(NAMES));
    columns.push(make_array(values).alias(VALUES));
    let rows = frame.select(columns)?.unnest_columns(&[NAMES, VALUES])?;
    let mut columns = kept;
    columns.push(column(NAMES).alias(own.name.as_str()));
    columns.push(column(VALUES).alias(own.value.as_str()));
    Ok(rows.select(columns)?)
}
