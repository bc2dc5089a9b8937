//! Transforms between columns and rows: pivot and unpivot.

use super::given::{self, Given};
use super::{Pivot, Studio, Unpivot};
use crate::graph::AggFunction;
use crate::graph::parse::Parsed;

pub(super) fn unpivot(given: &Given<'_>) -> Parsed<Studio> {
    let columns = columns(given, "colList")?;
    let (name, value) = (given.needed_name("nameCol")?, given.needed_name("valueCol")?);
    if name == value {
        return Err(format!("Parameters nameCol and valueCol are both {name}; give two names"));
    }
    Ok(Studio::Unpivot(Unpivot { columns, name, value }))
}

pub(super) fn pivot(given: &Given<'_>) -> Parsed<Studio> {
    let columns = columns(given, "colList")?;
    let column = given::whole("aggCol", given.needed("aggCol")?)?;
    if columns.contains(&column) {
        return Err(format!("Parameters colList has {column}, which is aggCol"));
    }
    let text = given.needed("aggFunction")?.trim();
    let function = function(text).ok_or_else(|| {
        format!(
            "Parameters aggFunction {text:?} is not one of avg, mean, sum, min, max, count, count_distinct, sum_distinct, \
             first, last, stddev, stddev_samp, stddev_pop, variance, var_samp, var_pop, skewness, kurtosis"
        )
    })?;
    Ok(Studio::Pivot(Pivot { columns, column, function }))
}

/// An aggregate by the name that Spark has for it.
fn function(name: &str) -> Option<AggFunction> {
    match name {
        "mean" => Some(AggFunction::Avg),
        "stddev" => Some(AggFunction::StddevSamp),
        "variance" => Some(AggFunction::VarSamp),
        "count_distinct" => Some(AggFunction::CountDistinct),
        "sum_distinct" => Some(AggFunction::SumDistinct),
        other => AggFunction::parse(other),
    }
}

/// Columns of the input, at least one and each once.
fn columns(given: &Given<'_>, parameter: &str) -> Parsed<Vec<String>> {
    let mut columns: Vec<String> = Vec::new();
    for text in given.texts(parameter)? {
        let column = given::whole(parameter, &text)?;
        if columns.contains(&column) {
            return Err(format!("Parameters {parameter} has {column} twice"));
        }
        columns.push(column);
    }
    match columns.is_empty() {
        true => Err(format!("Parameters {parameter} is empty")),
        false => Ok(columns),
    }
}
