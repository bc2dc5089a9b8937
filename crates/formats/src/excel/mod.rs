//! Workbooks, one sheet of each: `.xlsx` and `.xlsm`, `.xls`, `.xlsb`, and `.ods` of OpenDocument, told apart by content.
//!
//! A sheet's first row that is not empty names the columns when all its cells are text; else they are `col0`, `col1`, ….
//! Empty rows are no records. Of merged cells the first has the value, as the file has it; formulas count as the value
//! that was saved with them, errors (`#DIV/0!`) as NULL.
//!
//! ```text
//! file ─► kind, limits ─► sheets in order ─► cells within limits ─► columns and records ─► batches
//!           open           xlsx xls xlsb ods      grid, cell              sheet             infer, read
//! ```
//!
//! Memory: the workbook's shared texts and the sheet's cells, both bounded: a file of at most [`MAX_FILE_BYTES`], whose
//! parts take at most [`MAX_CONTENT_BYTES`] (found out by decompressing them once, in bounded memory, before they are
//! parsed), and at most [`MAX_CELLS`] cells with [`MAX_TEXT_BYTES`] of text. Nothing that a file claims of its size is believed.
//!
//! `.xlsx` is read by the library. The others are not: what it reads of them it holds whole, reserves what a file claims (an
//! `.xls` its dimensions), follows chains of sectors in circles, repeats cells of an `.ods` up to a hundred million, waits
//! for ever for the end of a sheet that is cut short, and puts together the formulas of an `.xlsb`, whose names multiply.
//!
//! Omitted: workbooks that a password protects and those of Excel before version 5 (refused by name), `.fods`.

mod binary;
mod cell;
mod grid;
mod infer;
mod ods;
mod ole;
mod open;
mod patterns;
mod read;
mod relations;
mod sheet;
mod xls;
mod xlsb;
mod xlsx;
mod xml;

pub(crate) use infer::infer;
pub(crate) use ole::MAGIC as COMPOUND_MAGIC;
pub(crate) use read::ExcelReader;

use crate::error::Problem;

const MAX_FILE_BYTES: u64 = 64 << 20;
const MAX_CONTENT_BYTES: u64 = 512 << 20;
const MAX_TEXT_BYTES: u64 = 512 << 20;
const MAX_CELLS: u64 = 10_000_000;
const MAX_SHEETS: usize = 10_000;

/// What is wrong with a workbook.
fn flaw(message: impl Into<String>) -> Problem {
    Problem::Damaged { format: "Excel workbook", message: message.into() }
}

/// A part that cannot be read to its end.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn broken(error: std::io::Error) -> Problem {
    flaw(format!("a part of it is cut short or damaged ({error})"))
}

fn unsupported(what: impl Into<String>) -> Problem {
    Problem::Unsupported { what: what.into() }
}
