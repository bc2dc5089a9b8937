//! A row for each element of an array, or entry of a map.

use arrow::datatypes::DataType;
use datafusion::common::{ScalarValue, UnnestOptions};
use datafusion::dataframe::DataFrame;
use datafusion::functions::core::expr_fn::get_field;
use datafusion::functions_nested::expr_fn::map_entries;
use datafusion::logical_expr::{Expr, lit, when};
use formats::hive::shown;

use super::super::paths::{names, resolve};
use super::super::{PlanError, column};
use super::{length, with_exprs};
use crate::graph::FieldPath;

/// The elements while they are on their way to their columns.
const ELEMENT: &str = "__element";

/// Whether a type is that of arrays or maps.
pub(super) fn has_elements(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) | DataType::Map(..)
    )
}

/// The rows of `frame`, each once for every element. One whose array or map is null or empty is left out, or stays with null
/// when `outer`.
pub(super) fn explode(
    frame: DataFrame,
    path: &FieldPath,
    made: &[String],
    outer: bool,
) -> Result<DataFrame, PlanError> {
    let found = resolve(frame.schema(), path)?;
    let is_map = matches!(found.data_type, DataType::Map(..));
    if !has_elements(&found.data_type) {
        return Err(PlanError::Refused(format!(
            "column {} is {}; only arrays and maps have elements",
            path.join("."),
            shown(&found.data_type)
        )));
    }
    let count = length(found.expr.clone(), &found.data_type);
    let elements = match (is_map, made.len()) {
        (true, 2) => map_entries(found.expr),
        (false, 1) => found.expr,
        (true, _) => {
            let what = "has two columns for its keys and values: give newCol two names with a comma";
            return Err(PlanError::Refused(format!("column {} is a map, which {what}", path.join("."))));
        }
        (false, _) => {
            let what = "has one column for its elements: give newCol one name";
            return Err(PlanError::Refused(format!("column {} is an array, which {what}", path.join("."))));
        }
    };
    // What is empty is as good as null; the engine leaves it out, else.
    let null = lit(ScalarValue::Null);
    let elements = when(count.eq(lit(0_u64)), null).otherwise(elements)?;
    let mut columns: Vec<Expr> = names(frame.schema().fields()).iter().map(|name| column(name)).collect();
    columns.push(elements.alias(ELEMENT));
    let options = UnnestOptions::new().with_preserve_nulls(outer);
    let rows = frame.select(columns)?.unnest_columns_with_options(&[ELEMENT], options)?;
    let own = match made {
        [key, value] => {
            let part = |name: &str| get_field(column(ELEMENT), name);
            vec![(key.as_str(), part("key")), (value.as_str(), part("value"))]
        }
        _ => made.iter().map(|name| (name.as_str(), column(ELEMENT))).collect(),
    };
    with_exprs(rows, own, ELEMENT)
}
