//! Workbooks of Excel (`.xlsx`, `.xlsm`), one sheet of each.
//!
//! A sheet's first row that is not empty names the columns when all its cells are text; else they are `col0`, `col1`, ….
//! Empty rows are no records. Of merged cells the first has the value, as the file has it; formulas count as the value
//! that was saved with them, errors (`#DIV/0!`) as NULL.
//!
//! Memory: the workbook's shared texts and the sheet's cells, both bounded: a file of at most [`MAX_FILE_BYTES`], whose
//! parts take at most [`MAX_CONTENT_BYTES`] (found out by decompressing them once, in bounded memory, before they are
//! parsed), and at most [`MAX_CELLS`] cells.
//!
//! Omitted: `.xls`, `.xlsb`, `.ods`, encrypted workbooks.

mod infer;
mod read;
mod sheet;

pub(crate) use infer::infer;
pub(crate) use read::ExcelReader;

use crate::error::{FormatError, Problem};

const MAX_FILE_BYTES: u64 = 64 << 20;
const MAX_CONTENT_BYTES: u64 = 512 << 20;
const MAX_CELLS: usize = 10_000_000;

fn damaged(source: &str, message: impl Into<String>) -> FormatError {
    FormatError::new(source, Problem::Damaged { format: "Excel workbook", message: message.into() })
}
