//! One sheet of a workbook: which one, its columns and its records.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use super::cell::Cell;
use super::grid::{Grid, Rows, all_text};
use super::open::Packed;
use super::{MAX_FILE_BYTES, flaw};
use crate::error::{FormatError, Problem, excerpt};
use crate::options::ExcelOptions;
use crate::source::ByteSource;

/// How many names of sheets an error gives.
const NAMES_SHOWN: usize = 20;

/// A worksheet in its workbook.
#[derive(Debug, Clone)]
pub(super) struct Heading {
    pub(super) name: String,
    pub(super) visible: bool,
}

/// A workbook that is gone through once, sheet by sheet.
pub(super) trait Book {
    /// Goes on to the next worksheet; `None` behind the last.
    fn next(&mut self) -> Result<Option<Heading>, Problem>;
    /// Puts the values of that sheet into the grid; once, or never.
    fn cells(&mut self, grid: &mut Grid) -> Result<(), Problem>;
}

#[derive(Debug)]
pub(super) struct Sheet {
    pub(super) name: String,
    /// Names of the columns, all different.
    pub(super) names: Vec<String>,
    /// Whether they come from the sheet.
    pub(super) header: bool,
    /// The records: the row's number in the sheet, from 1, and its cells.
    pub(super) rows: Rows,
}

/// Reads the sheet that the options name, or the first that is visible and not empty.
pub(super) async fn load(source: &Arc<dyn ByteSource>, options: &ExcelOptions) -> Result<Sheet, FormatError> {
    let (name, size) = (source.name().to_owned(), source.size());
    if size > MAX_FILE_BYTES {
        let what =
            format!("a workbook (or another document of its kind) of more than {} MiB", MAX_FILE_BYTES >> 20);
        return Err(FormatError::new(&name, Problem::Unsupported { what }));
    }
    let data = source.read(0..size).await.map_err(|e| FormatError::io(&name, e))?;
    let packed = Packed::of(&name, data).await?;
    // A damaged part must not take the process down.
    let parsed = std::panic::catch_unwind(AssertUnwindSafe(|| parse(packed, options)));
    let parsed = parsed.unwrap_or_else(|_| Err(flaw("a part of it cannot be made out")));
    parsed.map_err(|problem| FormatError::new(&name, problem))
}

fn parse(packed: Packed, options: &ExcelOptions) -> Result<Sheet, Problem> {
    let mut book = packed.open()?;
    let (mut known, mut found) = (Vec::new(), false);
    while let Some(Heading { name, visible }) = book.next()? {
        if known.len() < NAMES_SHOWN {
            known.push(excerpt(name.as_bytes()));
        }
        let wanted = match &options.sheet {
            None => visible,
            Some(sheet) => name.eq_ignore_ascii_case(sheet),
        };
        if !wanted {
            continue;
        }
        found = true;
        let mut grid = Grid::new();
        book.cells(&mut grid).map_err(|problem| of_sheet(problem, &name))?;
        let rows = grid.into_rows();
        if !rows.is_empty() {
            return Ok(shape(&name, rows, options));
        }
    }
    if let (Some(sheet), false) = (&options.sheet, found) {
        let message = format!("there is no sheet {sheet:?}; there are {}", known.join(", "));
        return Err(Problem::Schema { message });
    }
    Err(Problem::NoRecords { found: "a workbook whose sheets are empty".to_owned() })
}

/// Says which sheet a problem is in.
fn of_sheet(problem: Problem, sheet: &str) -> Problem {
    let sheet = excerpt(sheet.as_bytes());
    match problem {
        Problem::Damaged { format, message } => {
            Problem::Damaged { format, message: format!("sheet {sheet}: {message}") }
        }
        Problem::Unsupported { what } => Problem::Unsupported { what: format!("{what} (sheet {sheet})") },
        other => other,
    }
}

/// Cuts empty columns off the left, and takes the header off the top.
fn shape(sheet: &str, mut rows: Rows, options: &ExcelOptions) -> Sheet {
    let first =
        rows.iter().filter_map(|(_, cells)| cells.iter().position(Option::is_some)).min().unwrap_or(0);
    for (_, cells) in &mut rows {
        cells.drain(..first.min(cells.len()));
    }
    let width = rows.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0);
    let header = options.header.unwrap_or_else(|| rows.first().is_some_and(|(_, cells)| all_text(cells)));
    let given = if header { rows.remove(0).1 } else { Vec::new() };
    let footer = usize::try_from(options.skip_footer).unwrap_or(usize::MAX);
    rows.truncate(rows.len().saturating_sub(footer));
    rows.truncate(options.max_rows.and_then(|rows| usize::try_from(rows).ok()).unwrap_or(usize::MAX));
    Sheet { name: sheet.to_owned(), names: names(&given, width), header, rows }
}

/// A column without a name is `col` and its number; of two with the same, the later is numbered.
fn names(given: &[Option<Cell>], width: usize) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut names = Vec::with_capacity(width);
    for column in 0..width {
        let own = given.get(column).and_then(Option::as_ref).map(|cell| cell.text.trim()).unwrap_or_default();
        let base = if own.is_empty() { format!("col{column}") } else { own.to_owned() };
        let mut name = base.clone();
        let mut n = 1;
        while !taken.insert(name.to_lowercase()) {
            name = format!("{base}_{n}");
            n += 1;
        }
        names.push(name);
    }
    names
}
