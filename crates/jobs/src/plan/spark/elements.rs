//! Elements of arrays: `a[i]` counts from 0, and is null where there is none.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, ScalarUDF, binary_expr, lit, when};
use formats::hive::shown;

use super::cast::cast;
use super::refused;

/// The engine counts from 1, and from the end below zero.
pub(super) fn element(func: Arc<ScalarUDF>, array: &Expr, index: &Expr, schema: &DFSchema) -> Result<Expr> {
    let of = index.get_type(schema)?;
    if !of.is_integer() {
        return Err(refused(format!("an element of an array is found by an int, not by {}", shown(&of))));
    }
    let at = cast(index.clone(), &of, &DataType::Int64)?;
    let possible = at.clone().between(lit(0_i64), lit(i64::from(i32::MAX)));
    let from_one = binary_expr(at, Operator::Plus, lit(1_i64));
    when(possible, func.call(vec![array.clone(), from_one])).end()
}
