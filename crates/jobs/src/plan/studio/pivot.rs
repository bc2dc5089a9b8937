//! Values as columns: one row for each group of the other columns, with an aggregate for each value.
//!
//! Which values there are is looked up before the plan is made, once for all targets; the columns stand in the order of the
//! values, null first. As in Spark, the aggregate of a value without rows is null, a count too. First come groups with the
//! value among their keys, whose aggregates are then put side by side: however many values there are, a row of the input is
//! looked at once.

use arrow::array::AsArray;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::dataframe::DataFrame;
use datafusion::functions::expr_fn::{coalesce, concat_ws};
use datafusion::functions_aggregate::expr_fn::{first_value, max};
use datafusion::logical_expr::{Expr, ExprFunctionExt, lit, when};
use engine::Session;

use super::super::{PlanError, Planning, aggregate, column, spark};
use super::{others, unique, whole, with_exprs};
use crate::graph::{Aggregation, Node, Pivot};

/// The most columns that are made.
const MAX_VALUES: usize = 1_000;
/// Between the values of several columns.
const BETWEEN: &str = "_";
/// What the column of null is called, as in Spark.
const NULL: &str = "null";
/// A row's column among those that are made, by its name.
const PLACE: &str = "__place";
const RESULT: &str = "__result";

/// The groups with a column for each value.
pub(in crate::plan) async fn pivot(
    session: &Session,
    node: &Node,
    own: &Pivot,
    frame: DataFrame,
    planning: &mut Planning<'_>,
) -> Result<DataFrame, PlanError> {
    let (mut places, mut values) = (Vec::new(), Vec::new());
    for name in &own.columns {
        let found = whole(&frame, name)?;
        if found.data_type.is_nested() {
            let what = format!("column {name} holds arrays, maps or structures, which name no columns");
            return Err(PlanError::Refused(what));
        }
        let text = spark::text_of(found.expr, &found.data_type)?;
        places.push(coalesce(vec![text, lit(NULL)]));
        values.extend(found.path);
    }
    let aggregated = whole(&frame, &own.column)?.path;
    let place = match places.as_slice() {
        [only] => only.clone(),
        _ => concat_ws(lit(BETWEEN), places),
    };
    let names = match planning.decisions.names(node) {
        Some(names) => names,
        None => {
            let names = names(session, &frame, &values, place.clone(), planning).await?;
            planning.decisions.note_names(node, &names);
            names
        }
    };
    let keys = others(&frame, &[values, aggregated].concat());
    unique(keys.iter().chain(&names).map(String::as_str))?;
    let frame = with_exprs(frame, vec![(PLACE, place)], "")?;
    beside(grouped(frame, own, &keys)?, &keys, &names)
}

/// The names of the columns that are made, in the order of the values.
async fn names(
    session: &Session,
    frame: &DataFrame,
    values: &[String],
    place: Expr,
    planning: &mut Planning<'_>,
) -> Result<Vec<String>, PlanError> {
    let mut columns: Vec<Expr> = values.iter().map(|name| column(name)).collect();
    columns.push(place.alias(PLACE));
    let (state, plan) = frame.clone().select(columns)?.into_parts();
    let rows = DataFrame::new(state, spark::distinct(plan)?);
    let order = values.iter().map(|name| column(name).sort(true, true)).collect();
    let rows = rows.sort(order)?.limit(0, Some(MAX_VALUES + 1))?.select(vec![column(PLACE)])?;
    let mut names: Vec<String> = Vec::new();
    for batch in planning.look(session, rows).await? {
        let found = batch.columns().first().map(|texts| arrow::compute::cast(texts, &DataType::Utf8));
        let Some(Ok(texts)) = found else { continue };
        names.extend(texts.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    let shown = values.join(", ");
    if names.len() > MAX_VALUES {
        return Err(PlanError::Refused(format!(
            "{shown} has more than {MAX_VALUES} values, and each would be a column; filter the rows before, or group by it with \
             Aggregate"
        )));
    }
    let mut known = std::collections::BTreeSet::new();
    if let Some(name) = names.iter().find(|name| !known.insert(name.as_str())) {
        return Err(PlanError::Refused(format!(
            "two values of {shown} would be called {name}; change one of them before"
        )));
    }
    Ok(names)
}

/// The aggregate of each group and place.
fn grouped(frame: DataFrame, own: &Pivot, keys: &[String]) -> Result<DataFrame, PlanError> {
    let mut groups: Vec<_> = keys.iter().map(|name| vec![name.clone()]).collect();
    groups.push(vec![PLACE.to_owned()]);
    let aggregation = Aggregation { column: vec![own.column.clone()], function: own.function };
    let rows = aggregate::aggregate(frame, &groups, &[aggregation])?;
    // By their places: a key may be called as the result is.
    let mut columns = Vec::new();
    for ((qualifier, field), name) in
        rows.schema().iter().zip(keys.iter().map(String::as_str).chain([PLACE, RESULT]))
    {
        let own = datafusion::common::Column::new(qualifier.cloned(), field.name());
        columns.push(Expr::Column(own).alias(name));
    }
    Ok(rows.select(columns)?)
}

/// The results of each group side by side.
fn beside(rows: DataFrame, keys: &[String], names: &[String]) -> Result<DataFrame, PlanError> {
    let groups: Vec<Expr> = keys.iter().map(|name| column(name)).collect();
    if names.is_empty() {
        return Ok(rows.select(groups)?);
    }
    let result = rows.schema().field_with_unqualified_name(RESULT)?.data_type().clone();
    // There is one row of each place, or none.
    let mut results = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let is_own = column(PLACE).eq(lit(name.as_str()));
        let value = match result.is_nested() || result == DataType::Boolean {
            true => first_value(column(RESULT), Vec::new()).filter(is_own).build()?,
            false => max(when(is_own, column(RESULT)).otherwise(lit(ScalarValue::try_from(&result)?))?),
        };
        results.push(value.alias(made(at)));
    }
    let rows = rows.aggregate(groups.clone(), results)?;
    let made = names.iter().enumerate().map(|(at, name)| column(&made(at)).alias(name.as_str()));
    Ok(rows.select(groups.into_iter().chain(made).collect::<Vec<_>>())?)
}

fn made(at: usize) -> String {
    format!("__value_{at}")
}
