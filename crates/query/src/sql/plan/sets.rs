//! UNION, INTERSECT and EXCEPT give each column the type that Trino gives the columns of all sides together. VALUES comes
//! here too: it has been written as a UNION.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{Column, JoinType, NullEquality, Result, plan_err};
use datafusion::logical_expr::{Distinct, Expr, Join, LogicalPlan, Projection, Union};

use super::{casts, floats, require_comparable};

/// The relation, when it is one of these, over inputs that have one type per column.
pub(super) fn of_one_type(plan: LogicalPlan) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Union(all) => union(all),
        LogicalPlan::Join(join) => membership(join).map(LogicalPlan::Join),
        other => Ok(other),
    }
}

/// A union whose inputs have one type per column.
fn union(union: Union) -> Result<LogicalPlan> {
    let wanted = wanted(&union.inputs, "UNION")?;
    let inputs = union.inputs.into_iter().map(|input| with_types(input, &wanted));
    Ok(LogicalPlan::Union(Union::try_new(inputs.collect::<Result<_>>()?)?))
}

/// INTERSECT and EXCEPT, which are joins for our engine; any other join as it is.
fn membership(mut join: Join) -> Result<Join> {
    let is_set = matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
        && join.null_equality == NullEquality::NullEqualsNull;
    if !is_set {
        return Ok(join);
    }
    let operator = if join.join_type == JoinType::LeftSemi { "INTERSECT" } else { "EXCEPT" };
    let wanted = wanted(&[Arc::clone(&join.left), Arc::clone(&join.right)], operator)?;
    let left = with_types(Arc::clone(&join.left), &wanted)?;
    if !Arc::ptr_eq(&left, &join.left) {
        // Values that differ may be the same in the wider type: large bigints as doubles.
        join.left = Arc::new(floats::distinct(LogicalPlan::Distinct(Distinct::All(left)))?);
    }
    join.right = with_types(join.right, &wanted)?;
    match LogicalPlan::Join(join).recompute_schema()? {
        LogicalPlan::Join(join) => Ok(join),
        _ => plan_err!("a join became another relation"),
    }
}

/// The type of each column.
fn wanted(inputs: &[Arc<LogicalPlan>], operator: &str) -> Result<Vec<DataType>> {
    let columns = inputs.first().map_or(0, |input| input.schema().fields().len());
    let of = |column: usize| {
        let types: Vec<DataType> = inputs
            .iter()
            .filter_map(|input| input.schema().fields().get(column).map(|field| field.data_type().clone()))
            .collect();
        for pair in types.windows(2) {
            require_comparable(&pair[0], &pair[1], operator)?;
        }
        Ok(casts::common_of(&types)?.unwrap_or(DataType::Null))
    };
    (0..columns).map(of).collect()
}

/// The relation with its columns cast, under their names.
fn with_types(plan: Arc<LogicalPlan>, wanted: &[DataType]) -> Result<Arc<LogicalPlan>> {
    let schema = Arc::clone(plan.schema());
    if schema.fields().iter().zip(wanted).all(|(field, wanted)| field.data_type() == wanted) {
        return Ok(plan);
    }
    let columns = schema.iter().zip(wanted).map(|((table, field), wanted)| {
        let column = Expr::Column(Column::new(table.cloned(), field.name()));
        if field.data_type() == wanted {
            return Ok(column);
        }
        let cast = casts::coerced(column, field.data_type(), wanted, &schema)?;
        Ok(cast.alias_qualified(table.cloned(), field.name()))
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(LogicalPlan::Projection(Projection::try_new(columns, plan)?)))
}
