//! Timestamps have milliseconds everywhere in a query: what tables hold beyond is rounded where they are read.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, Projection, ScalarUDF};

use crate::values::{MILLIS, ToMillis};

/// Whether it is a timestamp of another unit.
pub(super) fn is_foreign(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(_, None)) && *data_type != MILLIS
}

pub(super) fn to_millis(expr: Expr) -> Expr {
    let function = Arc::new(ScalarUDF::from(ToMillis::default()));
    Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![expr]))
}

/// A scan whose timestamps are brought to milliseconds right above it.
pub(super) fn scan(scan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let schema = Arc::clone(scan.schema());
    if !schema.fields().iter().any(|field| is_foreign(field.data_type())) {
        return Ok(Transformed::no(scan));
    }
    let columns = schema.iter().map(|(table, field)| {
        let column = Expr::Column(Column::new(table.cloned(), field.name()));
        if !is_foreign(field.data_type()) {
            return column;
        }
        to_millis(column).alias_qualified(table.cloned(), field.name())
    });
    let projection = Projection::try_new(columns.collect(), Arc::new(scan))?;
    Ok(Transformed::yes(LogicalPlan::Projection(projection)))
}

fn as_timestamp(expr: &mut Expr) {
    *expr = Expr::Cast(Cast::new(Box::new(std::mem::take(expr)), MILLIS));
}

/// Brings a date that is compared with a timestamp to a timestamp; our engine would go through nanoseconds, which
/// reach from 1677 to 2262 only.
pub(super) fn align_pair(left: (&mut Expr, &DataType), right: (&mut Expr, &DataType)) {
    match (left.1, right.1) {
        (DataType::Date32, DataType::Timestamp(..)) => as_timestamp(left.0),
        (DataType::Timestamp(..), DataType::Date32) => as_timestamp(right.0),
        _ => {}
    }
}

/// The same for any number of values that get one type; tells whether anything was changed.
pub(super) fn align(values: &mut [&mut Expr], schema: &DFSchema) -> Result<bool> {
    let types = values.iter().map(|value| value.get_type(schema)).collect::<Result<Vec<_>>>()?;
    if !types.iter().any(|of| matches!(of, DataType::Timestamp(..))) {
        return Ok(false);
    }
    let mut changed = false;
    for (value, of) in values.iter_mut().zip(types) {
        if of == DataType::Date32 {
            as_timestamp(value);
            changed = true;
        }
    }
    Ok(changed)
}
