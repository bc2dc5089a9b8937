//! `.xls`: the stream `Workbook` (BIFF8, Excel 97 to 2003) or `Book` (BIFF5, Excel 5 and 95) of a compound file.
//! Layout: [MS-XLS].
//!
//! What a sheet says of its size is not believed. Memory: the stream, the shared texts, the cells. Time: the sheets together
//! have at most as many bytes as the stream, so that none is read again and again under several names.

mod cells;
mod records;
mod text;

use super::binary::{Shared, byte, short, word};
use super::grid::Grid;
use super::ole::Compound;
use super::patterns::Styles;
use super::sheet::{Book, Heading};
use super::{MAX_SHEETS, flaw, unsupported};
use crate::error::Problem;
use records::{Pieces, Record, Records};
use text::Letters;

const BOF: u16 = 0x0809;
const EOF: u16 = 0x000a;
const BIFF8: u16 = 0x0600;
const BIFF5: u16 = 0x0500;

/// A sheet in the list of sheets.
#[derive(Debug)]
struct Listed {
    name: String,
    visible: bool,
    at: usize,
}

/// What holds for all sheets.
#[derive(Debug)]
struct Globals {
    letters: Letters,
    styles: Styles,
    shared: Shared,
    sheets: Vec<Listed>,
}

/// A workbook.
pub(super) struct Xls {
    stream: Vec<u8>,
    globals: Globals,
    next: usize,
    /// Bytes that sheets may still have.
    left: usize,
}

impl Xls {
    /// Errors: a damaged stream; `Unsupported` where a password protects it, or an older Excel has written it.
    pub(super) fn open(file: &Compound) -> Result<Self, Problem> {
        let stream = match file.stream("Workbook")? {
            Some(stream) => Some(stream),
            None => file.stream("Book")?,
        };
        let stream = stream.ok_or_else(|| flaw("it has no stream of a workbook"))?;
        let globals = globals(&stream)?;
        let left = stream.len();
        Ok(Self { stream, globals, next: 0, left })
    }
}

impl Book for Xls {
    fn next(&mut self) -> Result<Option<Heading>, Problem> {
        let Some(sheet) = self.globals.sheets.get(self.next) else { return Ok(None) };
        self.next += 1;
        Ok(Some(Heading { name: sheet.name.clone(), visible: sheet.visible }))
    }

    fn cells(&mut self, grid: &mut Grid) -> Result<(), Problem> {
        let Some(sheet) = self.next.checked_sub(1).and_then(|at| self.globals.sheets.get(at)) else {
            return Ok(());
        };
        let used = cells::read(&self.stream, sheet.at, self.left, &self.globals, grid)?;
        self.left = self.left.saturating_sub(used);
        Ok(())
    }
}

/// Reads the stream's first part.
fn globals(stream: &[u8]) -> Result<Globals, Problem> {
    let mut records = Records::new(stream, 0);
    let first = records.next()?.filter(|record| record.kind == BOF);
    let first = first.ok_or_else(|| flaw("its stream does not begin as a workbook does"))?;
    let letters = match short(first.data, 0)? {
        BIFF8 => Letters::Unicode,
        BIFF5 => Letters::Bytes(1252),
        _ => return Err(unsupported("a workbook of an Excel before Excel 5")),
    };
    let mut globals =
        Globals { letters, styles: Styles::default(), shared: Shared::default(), sheets: Vec::new() };
    let mut formats = Vec::new();
    while let Some(record) = records.next()? {
        match record.kind {
            EOF => break,
            0x00e0 => formats.push(short(record.data, 2)?),
            _ => global(&mut globals, record, &mut records)?,
        }
    }
    for id in formats {
        globals.styles.push(id);
    }
    Ok(globals)
}

fn global<'d>(globals: &mut Globals, record: Record<'d>, records: &mut Records<'d>) -> Result<(), Problem> {
    let data = record.data;
    match record.kind {
        0x002f => return Err(unsupported("a workbook that a password protects (save it without one)")),
        0x0042 => {
            if let Letters::Bytes(page) = &mut globals.letters {
                *page = short(data, 0)?;
            }
        }
        0x0022 => globals.styles.from_1904 = short(data, 0)? == 1,
        0x041e => {
            let mut pieces = Pieces::new(records, data);
            let id = pieces.short()?;
            let code = globals.letters.pattern(&mut pieces)?;
            globals.styles.define(id, &code);
        }
        0x0085 => listed(globals, data, records)?,
        0x00fc => {
            let mut pieces = Pieces::new(records, data);
            pieces.skip(4)?;
            // The number of texts; what is said of it is believed only as far as there are some.
            let count = pieces.word()?;
            for _ in 0..count {
                if !pieces.has_more()? {
                    break;
                }
                globals.shared.push(&text::rich(&mut pieces)?)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// An entry of the list of sheets: only worksheets are kept.
fn listed<'d>(globals: &mut Globals, data: &'d [u8], records: &mut Records<'d>) -> Result<(), Problem> {
    let (at, state, kind) = (word(data, 0)? as usize, byte(data, 4)?, byte(data, 5)?);
    let mut pieces = Pieces::new(records, data.get(6..).unwrap_or_default());
    let name = globals.letters.brief(&mut pieces)?;
    if kind != 0 {
        return Ok(());
    }
    if globals.sheets.len() == MAX_SHEETS {
        return Err(unsupported(format!("a workbook of more than {MAX_SHEETS} sheets")));
    }
    globals.sheets.push(Listed { name, visible: state & 3 == 0, at });
    Ok(())
}
