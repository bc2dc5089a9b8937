//! Structures made flat: their fields become columns, named by their paths.

use std::collections::BTreeSet;

use arrow::datatypes::{DataType, Field};
use datafusion::dataframe::DataFrame;
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::Expr;

use super::super::{PlanError, column};

/// The fields of structures as columns, those of so many levels.
pub(super) fn flatten(
    frame: DataFrame,
    levels: Option<usize>,
    separator: &str,
) -> Result<DataFrame, PlanError> {
    let mut columns = Vec::new();
    for field in frame.schema().fields() {
        add(field, column(field.name()), field.name().clone(), levels, separator, &mut columns);
    }
    let mut known = BTreeSet::new();
    if let Some((name, _)) = columns.iter().find(|(name, _)| !known.insert(name)) {
        return Err(PlanError::Refused(format!(
            "two fields would be called {name}; rename one of them first, or choose another separator"
        )));
    }
    Ok(frame.select(columns.into_iter().map(|(name, value)| value.alias(name)).collect::<Vec<_>>())?)
}

fn add(
    field: &Field,
    value: Expr,
    name: String,
    levels: Option<usize>,
    separator: &str,
    columns: &mut Vec<(String, Expr)>,
) {
    match field.data_type() {
        DataType::Struct(fields) if levels != Some(0) => {
            for inner in fields {
                let path = format!("{name}{separator}{}", inner.name());
                let part = get_field(value.clone(), inner.name().clone());
                add(inner, part, path, levels.map(|levels| levels - 1), separator, columns);
            }
        }
        _ => columns.push((name, value)),
    }
}
