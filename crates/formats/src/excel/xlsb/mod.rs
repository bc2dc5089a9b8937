//! `.xlsb`: parts of records in a zip archive. Layout: [MS-XLSB].
//!
//! Memory: the archive, the shared texts, one record, the cells. Each part is read once, so that time is bounded by what the
//! archive holds unpacked.

mod cells;
mod records;

use std::collections::{HashMap, HashSet};

use super::binary::{Shared, byte, short, word};
use super::grid::Grid;
use super::patterns::Styles;
use super::sheet::{Book, Heading};
use super::{MAX_SHEETS, flaw, unsupported};
use crate::archive::Parts;
use crate::error::Problem;
use crate::excel::relations::{Relation, relations};
use records::{Records, wide};

/// A sheet in the list of sheets.
struct Listed {
    name: String,
    visible: bool,
    part: String,
}

/// A workbook.
pub(super) struct Xlsb {
    parts: Parts,
    styles: Styles,
    shared: Shared,
    sheets: Vec<Listed>,
    next: usize,
}

impl Xlsb {
    pub(super) fn open(parts: Parts) -> Result<Self, Problem> {
        let known = relations(&parts, "xl/_rels/workbook.bin.rels", "xl")?;
        let of_kind = |kind: &str| known.values().find(|relation| relation.is(kind));
        let mut book =
            Self { styles: Styles::default(), shared: Shared::default(), sheets: Vec::new(), next: 0, parts };
        book.list("xl/workbook.bin", &known)?;
        if let Some(relation) = of_kind("styles") {
            book.read_styles(&relation.part)?;
        }
        if let Some(relation) = of_kind("sharedStrings") {
            book.read_shared(&relation.part)?;
        }
        Ok(book)
    }

    fn records(&self, part: &str) -> Result<Records, Problem> {
        let part = self
            .parts
            .open(part)
            .map_err(|e| e.problem)?
            .ok_or_else(|| flaw(format!("it has no part {part}")))?;
        Ok(Records::new(part))
    }

    fn list(&mut self, part: &str, known: &HashMap<String, Relation>) -> Result<(), Problem> {
        let mut records = self.records(part)?;
        let mut taken = HashSet::new();
        while let Some((kind, data)) = records.next()? {
            match kind {
                0x0099 => self.styles.from_1904 = byte(data, 0)? & 1 != 0,
                0x009c => {
                    let (state, has_part) = (word(data, 0)?, word(data, 8)? != u32::MAX);
                    if !has_part {
                        continue;
                    }
                    let (id, end) = wide(data, 8)?;
                    let relation =
                        known.get(&id).ok_or_else(|| flaw(format!("a sheet's part {id:?} is not listed")))?;
                    if !relation.is("worksheet") {
                        continue;
                    }
                    if !taken.insert(relation.part.to_lowercase()) {
                        return Err(flaw(format!("two sheets are the part {}", relation.part)));
                    }
                    if self.sheets.len() == MAX_SHEETS {
                        return Err(unsupported(format!("a workbook of more than {MAX_SHEETS} sheets")));
                    }
                    let (name, _) = wide(data, end)?;
                    self.sheets.push(Listed { name, visible: state & 3 == 0, part: relation.part.clone() });
                }
                // The end of the list.
                0x0090 => break,
                _ => {}
            }
        }
        Ok(())
    }

    fn read_styles(&mut self, part: &str) -> Result<(), Problem> {
        let mut records = self.records(part)?;
        let mut of_cells = false;
        while let Some((kind, data)) = records.next()? {
            match kind {
                0x002c => self.styles.define(short(data, 0)?, &wide(data, 2)?.0),
                0x0269 => of_cells = true,
                0x026a => break,
                0x002f if of_cells => self.styles.push(short(data, 2)?),
                _ => {}
            }
        }
        Ok(())
    }

    fn read_shared(&mut self, part: &str) -> Result<(), Problem> {
        let mut records = self.records(part)?;
        while let Some((kind, data)) = records.next()? {
            if kind == 0x0013 {
                self.shared.push(&wide(data, 1)?.0)?;
            }
        }
        Ok(())
    }
}

impl Book for Xlsb {
    fn next(&mut self) -> Result<Option<Heading>, Problem> {
        let Some(sheet) = self.sheets.get(self.next) else { return Ok(None) };
        self.next += 1;
        Ok(Some(Heading { name: sheet.name.clone(), visible: sheet.visible }))
    }

    fn cells(&mut self, grid: &mut Grid) -> Result<(), Problem> {
        let Some(sheet) = self.next.checked_sub(1).and_then(|at| self.sheets.get(at)) else { return Ok(()) };
        cells::read(self.records(&sheet.part)?, &self.styles, &self.shared, grid)
    }
}
