//! Nested rows as flat tables that join by key.
//!
//! The root has structures made flat; where it had an array, it has a key, null where the array is. Each array is a table of
//! its own with `id` (the key), `index` (the place in the array, from 0) and the element: `a.val`, or `a.val.x` for the fields
//! of structures. Arrays within arrays go on in the same way. The tables stand in the order of the arrays, each before those
//! of its own arrays.
//!
//! Keys have to be the same in all tables and for all who read them, so the rows of a table with arrays are written aside once.

use arrow::datatypes::DataType;
use datafusion::common::UnnestOptions;
use datafusion::dataframe::DataFrame;
use datafusion::functions_nested::expr_fn::range;
use datafusion::logical_expr::{Expr, cast, lit, when};
use engine::Session;

use super::super::{PlanError, Planning, aside, column, plain};
use super::{KEY, flatten, length};

const INDEX: &str = "__index";

/// The tables, the root first.
pub(super) async fn tables(
    session: &Session,
    frame: DataFrame,
    planning: &mut Planning<'_>,
) -> Result<Vec<DataFrame>, PlanError> {
    let mut tables = Vec::new();
    let mut open = vec![plain(flatten::flatten(frame, None, ".")?)?];
    while let Some(table) = open.pop() {
        let fields = table.schema().fields().clone();
        let is_array =
            |name: &str| fields.iter().any(|field| field.name() == name && is_array(field.data_type()));
        let arrays: Vec<&String> =
            fields.iter().map(|field| field.name()).filter(|name| is_array(name)).collect();
        if arrays.is_empty() {
            tables.push(table);
            continue;
        }
        let keyed = aside::numbered(session, table, KEY, planning).await?;
        let mut columns = Vec::new();
        for field in &fields {
            let value = column(field.name());
            columns.push(match is_array(field.name()) {
                true => when(value.is_not_null(), column(KEY)).end()?.alias(field.name()),
                false => value,
            });
        }
        tables.push(keyed.clone().select(columns)?);
        for array in arrays.into_iter().rev() {
            open.push(plain(elements(keyed.clone(), array)?)?);
        }
    }
    Ok(tables)
}

fn is_array(data_type: &DataType) -> bool {
    matches!(data_type, DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..))
}

/// The table of one array.
fn elements(keyed: DataFrame, array: &str) -> Result<DataFrame, PlanError> {
    let value = format!("{array}.val");
    // The places are as many as the elements, so both are unnested side by side.
    let field = keyed.schema().field_with_unqualified_name(array)?;
    let count = cast(length(column(array), field.data_type()), DataType::Int64);
    let places = range(lit(0_i64), count, lit(1_i64));
    let rows = keyed.filter(column(array).is_not_null())?;
    let rows = rows.select(vec![column(KEY), places.alias(INDEX), column(array).alias("__value")])?;
    let options = UnnestOptions::new().with_preserve_nulls(false);
    let rows = rows.unnest_columns_with_options(&[INDEX, "__value"], options)?;
    let named: Vec<Expr> = vec![
        column(KEY).alias("id"),
        cast(column(INDEX), DataType::Int32).alias("index"),
        column("__value").alias(value),
    ];
    flatten::flatten(rows.select(named)?, None, ".")
}
