//! The results of queries: how values are written as text, the files in the lake, and pages of them.
//!
//! A SELECT writes `<id>.csv`: a header, then rows, every value in double quotes (doubled inside) and NULL as nothing
//! at all, so that the empty string and NULL stay apart. Other statements write `<id>.txt`, one line a row. Beside
//! each stands `<file>.metadata` with the columns. `GetQueryResults` pages through the very same file: its token is a
//! position in it, so a result of any size needs no memory.

mod cell;
mod file;
mod metadata;
mod page;

pub(crate) use cell::{Cells, NoText};
pub(crate) use file::{CsvResult, text_result};
pub(crate) use metadata::metadata;
pub use page::{Cell, ResultPage};
pub(crate) use page::{Start, read_page};

use arrow::datatypes::Schema;

use crate::execution::ResultColumn;
use crate::types;

/// The columns of a result, as Athena describes them.
pub(crate) fn columns(schema: &Schema, names: Vec<String>) -> Vec<ResultColumn> {
    schema
        .fields()
        .iter()
        .zip(names)
        .map(|(field, name)| {
            let (precision, scale) = types::precision_and_scale(field.data_type());
            let type_name = types::name(field.data_type()).to_owned();
            ResultColumn { name, type_name, precision, scale }
        })
        .collect()
}
