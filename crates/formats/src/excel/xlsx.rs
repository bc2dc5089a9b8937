//! `.xlsx` and `.xlsm`, by the library.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use bytes::Bytes;
use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx as Library};

use super::cell::{Cell, Kind, moment, number, text};
use super::flaw;
use super::grid::Grid;
use super::sheet::{Book, Heading};
use crate::error::Problem;

/// So many times the file's bytes may be read: its parts in turn, but not one part as hundreds of sheets.
const MAX_READINGS: u64 = 4;
const SPARE_BYTES: u64 = 1 << 20;

/// A workbook.
pub(super) struct Xlsx {
    book: Library<Metered>,
    sheets: Vec<Heading>,
    next: usize,
}

impl Xlsx {
    pub(super) fn open(data: Bytes) -> Result<Self, Problem> {
        let left = data.len() as u64 * MAX_READINGS + SPARE_BYTES;
        let book =
            Library::new(Metered { data: Cursor::new(data), left }).map_err(|e| flaw(e.to_string()))?;
        let sheets = book.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
        let heading = |sheet: &calamine::Sheet| Heading {
            name: sheet.name.clone(),
            visible: sheet.visible == SheetVisible::Visible,
        };
        let sheets = sheets.map(heading).collect();
        Ok(Self { book, sheets, next: 0 })
    }
}

impl Book for Xlsx {
    fn next(&mut self) -> Result<Option<Heading>, Problem> {
        let sheet = self.sheets.get(self.next).cloned();
        self.next += 1;
        Ok(sheet)
    }

    fn cells(&mut self, grid: &mut Grid) -> Result<(), Problem> {
        let Some(sheet) = self.next.checked_sub(1).and_then(|at| self.sheets.get(at)) else { return Ok(()) };
        let mut reader = self.book.worksheet_cells_reader(&sheet.name).map_err(|e| flaw(e.to_string()))?;
        while let Some(cell) = reader.next_cell().map_err(|e| flaw(e.to_string()))? {
            let (row, column) = cell.get_position();
            if let Some(value) = value(cell.get_value()) {
                grid.put(row, column, value)?;
            }
        }
        Ok(())
    }
}

fn value(data: &DataRef<'_>) -> Option<Cell> {
    match data {
        DataRef::Int(v) => Some(Cell::new(v.to_string(), Kind::Whole)),
        DataRef::Float(v) => Some(number(*v)),
        DataRef::String(v) => text(v),
        DataRef::SharedString(v) => text(v),
        DataRef::Bool(v) => Some(Cell::truth(*v)),
        DataRef::DateTime(v) => Some(moment(v)),
        DataRef::DateTimeIso(v) => {
            let kind = if v.contains('T') { Kind::Moment } else { Kind::Day };
            Some(Cell::new(v.replace('T', " "), kind))
        }
        DataRef::DurationIso(v) => text(v),
        DataRef::Error(_) | DataRef::Empty => None,
    }
}

/// A file in memory that can be read so often and no more.
struct Metered {
    data: Cursor<Bytes>,
    left: u64,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.data.read(buffer)?;
        let left = self.left.checked_sub(read as u64);
        self.left = left.ok_or_else(|| io::Error::other("its parts refer to each other over and over"))?;
        Ok(read)
    }
}

impl Seek for Metered {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.data.seek(to)
    }
}
