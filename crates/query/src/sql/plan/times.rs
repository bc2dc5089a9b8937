//! Timestamps have milliseconds everywhere in a query: what tables hold beyond is rounded where they are read.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::{Expr, ScalarUDF};

use crate::values::{MILLIS, ToMillis};

/// Whether it is a timestamp of another unit.
pub(super) fn is_foreign(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(_, None)) && *data_type != MILLIS
}

pub(super) fn to_millis(expr: Expr) -> Expr {
    let function = Arc::new(ScalarUDF::from(ToMillis::default()));
    Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![expr]))
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
