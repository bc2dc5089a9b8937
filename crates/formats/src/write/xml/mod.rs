//! XML that our reader (`crate::xml`) takes back: an element per row below a root.
//!
//! Columns are elements in their order. One whose name begins with the prefix of attributes is an attribute of its row or
//! structure, and `_VALUE` its text; of those that are arrays, maps or structures the name is an element's. NULL is left
//! out; as an item of an array or the value of a map it is `xsi:nil="true"`. What has no form that would be read back is
//! refused: a type before anything is written (`shape`), a value with its row and column.

mod cells;
mod escape;
mod shape;

use std::io::Write as _;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use self::cells::{Cells, Refused};
use self::escape::escape;
use self::shape::{Member, Place, Shape};
use super::WriteOptions;
use super::compress::Compressor;
use super::spelling::display;
use crate::error::{FormatError, Problem, excerpt};
use crate::options::XmlOptions;

pub(super) use shape::check;

const NIL: &str = " xsi:nil=\"true\"/>";
const EMPTY_ARRAY: &str = "the array is empty, for which XML has no form: it would be read as NULL; make it NULL, or write \
                           json or parquet";

pub(super) struct XmlEncoder {
    out: Compressor,
    options: XmlOptions,
    members: Vec<Member>,
    line: Vec<u8>,
    /// Rows written before the batch at hand.
    rows: usize,
}

fn schema_error(name: &str, message: String) -> FormatError {
    FormatError::new(name, Problem::Schema { message })
}

impl XmlEncoder {
    /// Begins a document. Errors: columns that it cannot hold, options that nobody could read it by.
    pub(super) fn new(
        name: &str,
        options: &XmlOptions,
        schema: &Schema,
        write: &WriteOptions,
    ) -> Result<Self, FormatError> {
        let members = check(options, schema).map_err(|message| schema_error(name, message))?;
        let mut out = Compressor::new(write.compression).map_err(|e| FormatError::io(name, e))?;
        let namespace = if members.iter().any(|member| member.shape.has_nil()) {
            " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
        } else {
            ""
        };
        let root = options.root();
        write!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root}{namespace}>\n")
            .map_err(|e| FormatError::io(name, e))?;
        Ok(Self { out, options: options.clone(), members, line: Vec::new(), rows: 0 })
    }

    pub(super) fn write(&mut self, name: &str, batch: &RecordBatch) -> Result<(), FormatError> {
        let display = display();
        let columns = self.members.iter().zip(batch.columns());
        let columns = columns.map(|(member, array)| Cells::new(&member.shape, array, &display));
        let columns: Vec<Cells<'_>> = columns
            .collect::<Result<_, _>>()
            .map_err(|error: arrow::error::ArrowError| schema_error(name, error.to_string()))?;
        let mut rows = Rows { value_tag: &self.options.value_tag, out: &mut self.line, cell: String::new() };
        for row in 0..batch.num_rows() {
            let written = rows.element(&self.options.row_tag, &self.members, &columns, row);
            written.map_err(|refused| bad_value(name, self.rows + row + 1, refused))?;
            rows.out.push(b'\n');
            self.out.write_all(rows.out).map_err(|e| FormatError::io(name, e))?;
            rows.out.clear();
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    pub(super) fn state_bytes(&self) -> usize {
        self.out.state_bytes()
    }

    pub(super) fn finish(&mut self, name: &str) -> Result<(), FormatError> {
        let ended = writeln!(self.out, "</{}>", self.options.root()).and_then(|()| self.out.finish());
        ended.map_err(|e| FormatError::io(name, e))
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        self.out.take()
    }
}

fn bad_value(name: &str, row: usize, refused: Refused) -> FormatError {
    let what = match &refused.value {
        Some(value) => format!("the value {:?} {}", excerpt(value.as_bytes()), refused.why),
        None => refused.why.clone(),
    };
    let mut error = schema_error(name, format!("in row {row} {what}"));
    error.place.column = Some(refused.column());
    error
}

/// Writes rows into `out`.
struct Rows<'a> {
    value_tag: &'a str,
    out: &'a mut Vec<u8>,
    cell: String,
}

impl Rows<'_> {
    fn push(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn open(&mut self, tag: &str) {
        self.out.push(b'<');
        self.push(tag);
    }

    fn close(&mut self, tag: &str) {
        self.push("</");
        self.push(tag);
        self.out.push(b'>');
    }

    /// The element of a row or structure.
    fn element(
        &mut self,
        tag: &str,
        members: &[Member],
        cells: &[Cells<'_>],
        row: usize,
    ) -> Result<(), Refused> {
        self.open(tag);
        let present = || members.iter().zip(cells).filter(|(_, cells)| !cells.is_null(row));
        for (member, cells) in present().filter(|(member, _)| member.place == Place::Attribute) {
            self.out.push(b' ');
            self.push(&member.tag);
            self.push("=\"");
            self.text(cells, row, Place::Attribute).map_err(|refused| refused.within(&member.name))?;
            self.out.push(b'"');
        }
        self.out.push(b'>');
        for (member, cells) in present().filter(|(member, _)| member.place == Place::Text) {
            self.own_text(cells, row).map_err(|refused| refused.within(&member.name))?;
        }
        for (member, cells) in present().filter(|(member, _)| member.place == Place::Element) {
            self.value(&member.tag, &member.shape, cells, row)
                .map_err(|refused| refused.within(&member.name))?;
        }
        self.close(tag);
        Ok(())
    }

    /// The text of an element that may have others. White space around it would be taken for that between elements; such
    /// a value is an element of the text's name, which readers take for it.
    fn own_text(&mut self, cells: &Cells<'_>, row: usize) -> Result<(), Refused> {
        let start = self.out.len();
        self.text(cells, row, Place::Text)?;
        let is_kept = self.cell.trim() == self.cell && !self.cell.is_empty();
        if is_kept {
            return Ok(());
        }
        if !shape::is_name(self.value_tag) {
            let why = "begins or ends with white space, or is empty, and would not be read back as the text of an element \
                       that has others or attributes: write json or parquet";
            return Err(Refused::value(&self.cell, why.to_owned()));
        }
        self.out.truncate(start);
        let tag = self.value_tag;
        self.open(tag);
        self.out.push(b'>');
        self.text(cells, row, Place::Text)?;
        self.close(tag);
        Ok(())
    }

    /// A value that is there, as an element; of an array, an element for each item.
    fn value(&mut self, tag: &str, shape: &Shape, cells: &Cells<'_>, row: usize) -> Result<(), Refused> {
        match (shape, cells) {
            (Shape::Struct(members), Cells::Struct { fields, .. }) => self.element(tag, members, fields, row),
            (Shape::List(item), Cells::List { items, .. }) => {
                let range = cells.range(row);
                if range.is_empty() {
                    return Err(Refused::new(EMPTY_ARRAY));
                }
                range.into_iter().try_for_each(|at| self.item(tag, item, items, at))
            }
            (Shape::Map(value), Cells::Map { keys, values, .. }) => {
                self.open(tag);
                self.out.push(b'>');
                for at in cells.range(row) {
                    let key = keys.value(at);
                    if !shape::is_name(key) {
                        let why = "is a key of a map, which is written as the name of an element, and not such a name: \
                                   write json or parquet";
                        return Err(Refused::value(key, why.to_owned()));
                    }
                    self.item(key, value, values, at).map_err(|refused| refused.within(key))?;
                }
                self.close(tag);
                Ok(())
            }
            _ => {
                self.open(tag);
                self.out.push(b'>');
                self.text(cells, row, Place::Text)?;
                self.close(tag);
                Ok(())
            }
        }
    }

    /// A value, or NULL, that cannot be left out.
    fn item(&mut self, tag: &str, shape: &Shape, cells: &Cells<'_>, at: usize) -> Result<(), Refused> {
        if cells.is_null(at) {
            self.open(tag);
            self.push(NIL);
            return Ok(());
        }
        self.value(tag, shape, cells, at)
    }

    /// A single value's text, which then is in `cell`, too.
    fn text(&mut self, cells: &Cells<'_>, row: usize, place: Place) -> Result<(), Refused> {
        cells.spell(row, &mut self.cell)?;
        escape(self.out, &self.cell, place == Place::Attribute).map_err(|bad| {
            let why = format!(
                "holds U+{:04X}, which XML cannot: remove it, or write json or parquet",
                u32::from(bad)
            );
            Refused::value(&self.cell, why)
        })
    }
}

#[cfg(test)]
mod tests;
