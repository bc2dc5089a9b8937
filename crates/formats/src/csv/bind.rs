//! Finds the wanted columns among a file's fields.

use std::collections::HashSet;

use arrow::datatypes::Schema;

use crate::error::{FormatError, Problem};
use crate::options::ColumnNames;

/// The wanted columns' places among the fields; `None` for a column that the file does not have.
#[derive(Debug, Clone)]
pub(super) struct Binding {
    /// Per wanted column, the field's index.
    pub(super) places: Vec<Option<usize>>,
    /// Fields that a complete record has, when that is known.
    pub(super) width: Option<usize>,
}

/// Binds the columns of a file, whose header has these names where it is asked for them.
pub(super) fn of_file(
    names: &ColumnNames,
    header: Option<&[String]>,
    schema: &Schema,
    source: &str,
) -> Result<Binding, FormatError> {
    Ok(match (names, header) {
        (ColumnNames::Given(names), _) => by_name(schema, names),
        (ColumnNames::Generated, _) => generated(schema, source)?,
        (ColumnNames::Header, Some(header)) => by_name(schema, header),
        (ColumnNames::HeaderAmong(known), Some(header)) => {
            check_known(known, header, source)?;
            by_name(schema, header)
        }
        (ColumnNames::Header | ColumnNames::HeaderAmong(_), None) => {
            Binding { places: vec![None; schema.fields().len()], width: None }
        }
    })
}

/// Binds by name: exact first, then ignoring case.
fn by_name(schema: &Schema, names: &[String]) -> Binding {
    let lower: Vec<String> = names.iter().map(|n| n.to_lowercase()).collect();
    let place = |wanted: &str| {
        let exact = names.iter().position(|n| n == wanted);
        exact.or_else(|| lower.iter().position(|n| *n == wanted.to_lowercase()))
    };
    let places = schema.fields().iter().map(|f| place(f.name())).collect();
    Binding { places, width: Some(names.len()) }
}

/// Refuses a header with a column that is not `known`.
fn check_known(known: &[String], names: &[String], source: &str) -> Result<(), FormatError> {
    let known: HashSet<String> = known.iter().map(|name| name.to_lowercase()).collect();
    match names.iter().find(|name| !known.contains(&name.to_lowercase())) {
        None => Ok(()),
        Some(other) => Err(FormatError::unknown_name(source, other)),
    }
}

/// Binds `col<n>` to field n.
fn generated(schema: &Schema, source: &str) -> Result<Binding, FormatError> {
    let mut places = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let index = field.name().strip_prefix("col").and_then(|n| n.parse::<usize>().ok());
        let Some(index) = index else {
            let message = format!(
                "column {} is not in a file without header: its columns are col0, col1, …",
                field.name()
            );
            return Err(FormatError::new(source, Problem::Schema { message }));
        };
        places.push(Some(index));
    }
    Ok(Binding { places, width: None })
}
