//! Aggregate.
//!
//! Results are named as Spark names them: `sum(amount)`, `count(DISTINCT id)`. Text is taken as numbers
//! by the functions that compute, as in Spark. `first` and `last` take any row's value, as their order is
//! not defined there either; variance and deviation of samples are null for one row.

use arrow::datatypes::DataType;
use datafusion::dataframe::DataFrame;
use datafusion::functions_aggregate::expr_fn::{
    avg, count, count_distinct, first_value, last_value, max, min, stddev, stddev_pop, sum, sum_distinct,
    var_pop, var_sample,
};
use datafusion::logical_expr::Expr;

use super::PlanError;
use super::cast::convert;
use super::moments::{kurtosis, skewness};
use super::paths::{resolve, resolve_single};
use crate::graph::{AggFunction, Aggregation, FieldPath};

/// One row per group.
pub(super) fn aggregate(
    frame: DataFrame,
    groups: &[FieldPath],
    aggregations: &[Aggregation],
) -> Result<DataFrame, PlanError> {
    let mut keys = Vec::new();
    for path in groups {
        let found = resolve(frame.schema(), path)?;
        let name = found.path.last().cloned().unwrap_or_default();
        keys.push(found.expr.alias(name));
    }
    let mut values = Vec::new();
    for aggregation in aggregations {
        values.push(value(&frame, aggregation)?);
    }
    let (state, plan) = frame.aggregate(keys, values)?.into_parts();
    Ok(DataFrame::new(state, super::spark::aggregated(plan)?))
}

fn value(frame: &DataFrame, aggregation: &Aggregation) -> Result<Expr, PlanError> {
    let found = match aggregation.function {
        AggFunction::Count | AggFunction::CountDistinct | AggFunction::First | AggFunction::Last => {
            resolve(frame.schema(), &aggregation.column)?
        }
        _ => resolve_single(frame.schema(), &aggregation.column)?,
    };
    let name = aggregation.function.result_name(&found.path.join("."));
    let text = matches!(found.data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    if !text && !found.data_type.is_numeric() && computes(aggregation.function) {
        return Err(PlanError::Refused(format!(
            "{name} needs a number, and the field is {}",
            found.data_type
        )));
    }
    let number = || match text {
        true => convert(found.expr.clone(), &found.data_type, &DataType::Float64),
        false => found.expr.clone(),
    };
    let double = || {
        convert(number(), &if text { DataType::Float64 } else { found.data_type.clone() }, &DataType::Float64)
    };
    let value = match aggregation.function {
        AggFunction::Avg => avg(number()),
        AggFunction::CountDistinct => count_distinct(found.expr.clone()),
        AggFunction::Count => count(found.expr.clone()),
        AggFunction::First => first_value(found.expr.clone(), vec![]),
        AggFunction::Last => last_value(found.expr.clone(), vec![]),
        AggFunction::Kurtosis => kurtosis(double()),
        AggFunction::Max => max(found.expr.clone()),
        AggFunction::Min => min(found.expr.clone()),
        AggFunction::Skewness => skewness(double()),
        AggFunction::StddevSamp => stddev(double()),
        AggFunction::StddevPop => stddev_pop(double()),
        AggFunction::Sum => sum(number()),
        AggFunction::SumDistinct => sum_distinct(number()),
        AggFunction::VarSamp => var_sample(double()),
        AggFunction::VarPop => var_pop(double()),
    };
    Ok(value.alias(name))
}

fn computes(function: AggFunction) -> bool {
    !matches!(
        function,
        AggFunction::Count
            | AggFunction::CountDistinct
            | AggFunction::First
            | AggFunction::Last
            | AggFunction::Max
            | AggFunction::Min
    )
}
