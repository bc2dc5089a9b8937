//! The cells of one sheet, gathered within limits.

use super::cell::{Cell, Kind};
use super::{MAX_CELLS, MAX_TEXT_BYTES, unsupported};
use crate::error::Problem;

/// What a sheet of any program has at most.
const MAX_ROWS: u64 = 1 << 20;
const MAX_COLUMNS: u64 = 1 << 14;

/// Rows that are not empty: the row's number in the sheet, from 1, and its cells from the first column on.
pub(super) type Rows = Vec<(u32, Vec<Option<Cell>>)>;

/// One value in several cells beside each other.
#[derive(Debug)]
pub(super) struct Run {
    /// The column of the first, from 0.
    pub(super) column: u64,
    pub(super) times: u64,
    pub(super) cell: Cell,
}

/// Takes cells, and refuses those beyond the limits before it makes room for them.
#[derive(Debug)]
pub(super) struct Grid {
    rows: Rows,
    cells: u64,
    text_bytes: u64,
    ordered: bool,
}

impl Grid {
    pub(super) fn new() -> Self {
        Self { rows: Vec::new(), cells: 0, text_bytes: 0, ordered: true }
    }

    /// Puts one value at a place, counted from 0. Errors: `Unsupported` beyond the limits.
    pub(super) fn put(&mut self, row: u32, column: u32, cell: Cell) -> Result<(), Problem> {
        let (row, column) = (u64::from(row), u64::from(column));
        check_place(row + 1, column + 1)?;
        let number = row as u32 + 1;
        let last = self.rows.last().map(|(last, cells)| (*last, cells.len() as u64));
        let known = last.filter(|(last, _)| *last == number).map_or(0, |(_, known)| known);
        self.take((column + 1).saturating_sub(known), cell.text.len() as u64)?;
        if last.is_none_or(|(last, _)| last != number) {
            self.ordered &= last.is_none_or(|(last, _)| last < number);
            self.rows.push((number, Vec::new()));
        }
        let Some((_, cells)) = self.rows.last_mut() else { return Ok(()) };
        let column = column as usize;
        if cells.len() <= column {
            cells.resize(column + 1, None);
        }
        cells[column] = Some(cell);
        Ok(())
    }

    /// Puts one row, `times` times, from `row` on. The runs are in order and do not overlap. Errors: as [`Self::put`].
    pub(super) fn put_runs(&mut self, row: u64, times: u64, runs: &[Run]) -> Result<(), Problem> {
        let Some(last) = runs.last() else { return Ok(()) };
        let width = last.column.saturating_add(last.times);
        check_place(row.saturating_add(times), width)?;
        let of_run = |run: &Run| (run.cell.text.len() as u64).saturating_mul(run.times);
        let text = runs.iter().fold(0, |sum: u64, run| sum.saturating_add(of_run(run)));
        self.take(width * times, text.saturating_mul(times))?;
        let mut cells: Vec<Option<Cell>> = Vec::with_capacity(width as usize);
        for run in runs {
            cells.resize(run.column as usize, None);
            cells.resize((run.column + run.times) as usize, Some(run.cell.clone()));
        }
        for number in row..row + times {
            self.rows.push((number as u32 + 1, cells.clone()));
        }
        Ok(())
    }

    /// Counts cells and bytes of text that are about to be kept.
    fn take(&mut self, cells: u64, text_bytes: u64) -> Result<(), Problem> {
        self.cells = self.cells.saturating_add(cells);
        self.text_bytes = self.text_bytes.saturating_add(text_bytes);
        if self.cells > MAX_CELLS {
            return Err(unsupported(format!("a sheet of more than {MAX_CELLS} cells")));
        }
        if self.text_bytes > MAX_TEXT_BYTES {
            return Err(unsupported(format!("a sheet with more than {} MiB of text", MAX_TEXT_BYTES >> 20)));
        }
        Ok(())
    }

    /// The rows in order. Of two values for one cell the later one counts.
    pub(super) fn into_rows(mut self) -> Rows {
        if self.ordered {
            return self.rows;
        }
        self.rows.sort_by_key(|(number, _)| *number);
        let mut merged: Rows = Vec::with_capacity(self.rows.len());
        for (number, cells) in self.rows {
            match merged.last_mut().filter(|(last, _)| *last == number) {
                Some((_, known)) => lay_over(known, cells),
                None => merged.push((number, cells)),
            }
        }
        merged
    }
}

fn lay_over(known: &mut Vec<Option<Cell>>, cells: Vec<Option<Cell>>) {
    known.resize(known.len().max(cells.len()), None);
    for (old, new) in known.iter_mut().zip(cells) {
        if new.is_some() {
            *old = new;
        }
    }
}

/// Checks a place, counted from 1.
fn check_place(row: u64, column: u64) -> Result<(), Problem> {
    if row > MAX_ROWS || column > MAX_COLUMNS {
        let what = format!("a value beyond row {MAX_ROWS} or column {MAX_COLUMNS} of a sheet");
        return Err(unsupported(what));
    }
    Ok(())
}

/// Whether all cells of a row are text, so that they may be names.
pub(super) fn all_text(cells: &[Option<Cell>]) -> bool {
    cells.iter().flatten().all(|cell| cell.kind == Kind::Text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::excel::cell::number;

    fn texts(rows: Rows) -> Vec<(u32, String)> {
        let text = |cell: &Option<Cell>| cell.as_ref().map_or("-".to_owned(), |cell| cell.text.to_string());
        rows.into_iter().map(|(n, cells)| (n, cells.iter().map(text).collect::<Vec<_>>().join("|"))).collect()
    }

    #[test]
    fn rows_come_in_order_and_later_values_count() {
        let mut grid = Grid::new();
        for (row, column, value) in [(4, 1, 1.0), (2, 0, 2.0), (4, 1, 3.0), (4, 0, 4.0), (2, 2, 5.0)] {
            grid.put(row, column, number(value)).unwrap();
        }
        assert_eq!(texts(grid.into_rows()), [(3, "2|-|5".to_owned()), (5, "4|3".to_owned())]);
    }

    #[test]
    fn what_is_claimed_is_refused_before_it_is_made() {
        let run = |column, times, text: &str| Run { column, times, cell: Cell::new(text, Kind::Text) };
        let mut grid = Grid::new();
        grid.put_runs(7, 2, &[run(1, 2, "a"), run(4, 1, "b")]).unwrap();
        for (row, times, run) in [
            (0, 1 << 40, run(0, 1, "a")),
            (1 << 20, 1, run(0, 1, "a")),
            (0, 1, run(1 << 14, 1, "a")),
            (0, 1, run(0, u64::MAX, "a")),
            (0, u64::MAX, run(u64::MAX, u64::MAX, "a")),
            (0, 1 << 20, run(0, 1 << 14, "a")),
            (0, 600, run(0, 1 << 10, &"x".repeat(1 << 10))),
        ] {
            let error = Grid::new().put_runs(row, times, &[run]).unwrap_err();
            assert!(matches!(error, Problem::Unsupported { .. }), "{error}");
        }
        let row = "-|a|a|-|b".to_owned();
        assert_eq!(texts(grid.into_rows()), [(8, row.clone()), (9, row)]);
    }
}
