//! Fields of the structures within arrays. They have no expression of their own: the column is converted to its type without them.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef, Fields};
use datafusion::dataframe::DataFrame;

use super::paths::position;
use super::{Accused, PlanError, column, nested};

/// What a type is without a field.
enum Left {
    /// The same: the path leads to no field.
    All,
    /// Without one of its parts.
    Part(DataType),
    /// Nothing: it was the only one.
    Nothing,
}

/// The frame without the field that `path` leads to, through structures and the elements of arrays, and without what only held it; `None` where
/// it leads to no field.
pub(super) fn drop(
    frame: &DataFrame,
    path: &[String],
    accused: &Accused,
) -> Result<Option<DataFrame>, PlanError> {
    let fields = match without(&DataType::Struct(frame.schema().fields().clone()), path) {
        Left::Part(DataType::Struct(fields)) => fields,
        Left::Nothing => return Err(PlanError::Refused("no field is left".to_owned())),
        Left::All | Left::Part(_) => return Ok(None),
    };
    let kept = fields.iter().map(|field| {
        let (name, value) = (field.name(), column(field.name()));
        let is_same = frame
            .schema()
            .field_with_unqualified_name(name)
            .is_ok_and(|old| old.data_type() == field.data_type());
        match is_same {
            true => value,
            false => nested::fitted(value, name, field.data_type(), accused).alias(name),
        }
    });
    Ok(Some(frame.clone().select(kept.collect::<Vec<_>>())?))
}

fn without(data_type: &DataType, path: &[String]) -> Left {
    match (data_type, path) {
        (DataType::List(element), path) => match without(element.data_type(), path) {
            Left::Part(kept) => Left::Part(DataType::List(of_type(element, kept))),
            other => other,
        },
        (DataType::Struct(fields), [first, rest @ ..]) => {
            let Some((at, field)) = position(fields, first).and_then(|at| Some((at, fields.get(at)?))) else {
                return Left::All;
            };
            let left = if rest.is_empty() { Left::Nothing } else { without(field.data_type(), rest) };
            match left {
                Left::All => Left::All,
                Left::Nothing if fields.len() == 1 => Left::Nothing,
                Left::Nothing => Left::Part(replaced(fields, at, None)),
                Left::Part(kept) => Left::Part(replaced(fields, at, Some(of_type(field, kept)))),
            }
        }
        _ => Left::All,
    }
}

fn of_type(field: &FieldRef, data_type: DataType) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

/// The structure with another field at a place, or none.
fn replaced(fields: &Fields, at: usize, field: Option<FieldRef>) -> DataType {
    let before = fields.iter().take(at).cloned();
    DataType::Struct(before.chain(field).chain(fields.iter().skip(at + 1).cloned()).collect())
}
