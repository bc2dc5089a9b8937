//! Names as Glue folds and checks them.

use crate::error::CatalogError;
use crate::model::{Column, StorageDescriptor};

/// The most characters of a name. Source: Glue's `NameString`.
pub const MAX_NAME_CHARS: usize = 255;

/// Folds a database, table or column name to lower case.
pub fn fold(name: &str) -> String {
    name.to_lowercase()
}

/// Folds and checks the name of something new.
/// Errors: `InvalidInput` when it is blank, too long, or holds a control character or a `/`
/// (ARNs join names with `/`).
pub(crate) fn checked(what: &'static str, name: &str) -> Result<String, CatalogError> {
    let folded = fold(name);
    if folded.trim().is_empty() {
        return Err(CatalogError::invalid(format!("{what} name must not be blank.")));
    }
    if folded.chars().count() > MAX_NAME_CHARS {
        let message = format!("{what} name must not be longer than {MAX_NAME_CHARS} characters.");
        return Err(CatalogError::invalid(message));
    }
    if folded.chars().any(|c| c.is_control() || c == '/') {
        let message = format!("{what} name {folded:?} contains a character that is not allowed.");
        return Err(CatalogError::invalid(message));
    }
    Ok(folded)
}

/// Folds the names of columns.
pub(crate) fn fold_columns(columns: &mut [Column]) {
    for column in columns {
        column.name = fold(&column.name);
    }
}

/// Folds the column names of a storage descriptor.
pub(crate) fn fold_descriptor(descriptor: Option<&mut StorageDescriptor>) {
    if let Some(columns) = descriptor.and_then(|found| found.columns.as_mut()) {
        fold_columns(columns);
    }
}
