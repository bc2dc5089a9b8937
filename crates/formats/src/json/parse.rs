//! Values of one record, appended to column builders as they are parsed.
//!
//! Input is UTF-8 already. Coercions are those of the JSON SerDes: a text column takes any scalar's text, and an
//! object or array as it is written; a number column takes a number in a string; a timestamp column takes a number,
//! in a string too, as seconds since the epoch, or, whole and of 13 characters or more, as milliseconds. Whatever else
//! does not fit is a mismatch: NULL or a bad record, as the options say.
//!
//! Names that mean the same column, because they repeat or differ in case only, must not have different values: one
//! would be lost. NULL yields to a value. Such records are rare, so the first pass only notices them (the column
//! has its value already) and fails; a second one, [`Parser::comparing`], keeps where each value stands. Keys of a map
//! that repeat are refused whatever their values.

use std::ops::Range;

use super::lex::{Failure, Parsed, Parser};
use super::names::NameIndex;
use crate::builder::value::{self, Instant};
use crate::builder::{Column, Mismatch, StructColumn};
use crate::options::Malformed;

impl Parser<'_> {
    /// Parses an object into `row`, one value for each of its columns.
    pub(crate) fn record(&mut self, row: &mut StructColumns<'_>) -> Parsed<()> {
        let len = row.len;
        let mut said = self.nothing_said(row.columns.len());
        let mut members = 0;
        self.members(|parser, hint| {
            let found = parser.take_known(row, hint)?;
            match found {
                Some(index) => {
                    members += 1;
                    parser.member(&mut row.columns[index], &row.names[index], len, said.get_mut(index))?;
                }
                None => parser.pass_over(row.index.knows(&parser.name, parser.options))?,
            }
            Ok(found.map_or(hint, |i| i + 1))
        })?;
        // Each member has a column of its own, unless they are compared.
        if self.compares || members < row.columns.len() {
            for column in row.columns.iter_mut().filter(|column| column.len() == len) {
                column.append_null();
            }
        }
        Ok(())
    }

    /// Takes a name: its column. The one that is expected may be taken without being in `self.name`.
    #[inline]
    fn take_known(&mut self, row: &StructColumns<'_>, hint: usize) -> Parsed<Option<usize>> {
        if !self.compares && row.index.spelling(hint).is_some_and(|spelling| self.passes(spelling)) {
            return Ok(Some(hint));
        }
        self.take_name()?;
        Ok(row.index.find(&self.name, self.options, hint))
    }

    /// Passes over a member that no column is for. NULL says nothing that could be lost.
    fn pass_over(&mut self, known: bool) -> Parsed<()> {
        if known || self.peek() == Some(b'n') {
            return self.skip();
        }
        Err(Failure::Unknown { name: self.name.clone() })
    }

    /// A place per column for what an object says of it, when values are compared.
    fn nothing_said(&self, columns: usize) -> Vec<Option<Said>> {
        if self.compares { vec![None; columns] } else { Vec::new() }
    }

    /// Appends a member's value to its column, which holds `len` values of the rows before, and perhaps one of an earlier
    /// member of this object.
    #[inline]
    fn member(
        &mut self,
        column: &mut Column,
        name: &str,
        len: usize,
        said: Option<&mut Option<Said>>,
    ) -> Parsed<()> {
        match said {
            None if column.len() == len => self.value(column, name),
            None => Err(Failure::Repeated { first: name.to_owned(), second: name.to_owned() }),
            Some(said) => self.compared(column, name, len, said),
        }
    }

    fn compared(
        &mut self,
        column: &mut Column,
        name: &str,
        len: usize,
        said: &mut Option<Said>,
    ) -> Parsed<()> {
        const NULL: &[u8] = b"null";
        let own = self.name.clone();
        self.peek();
        let start = self.at;
        if let Some(before) = said {
            self.skip()?;
            let (old, new) = (&self.bytes[before.value.clone()], &self.bytes[start..self.at]);
            if new == NULL || new == old {
                return Ok(());
            }
            if old != NULL {
                return Err(Failure::Repeated { first: before.name.clone(), second: own });
            }
            self.at = start;
            column.truncate(len);
        }
        self.value(column, name)?;
        *said = Some(Said { name: own, value: start..self.at });
        Ok(())
    }

    /// Appends exactly one value to `column`.
    pub(super) fn value(&mut self, column: &mut Column, name: &str) -> Parsed<()> {
        let Some(first) = self.peek() else { return self.expected("a value") };
        if self.takes(column, first) {
            return Ok(());
        }
        let start = self.at;
        if first == b'n' {
            self.skip()?;
            column.append_null();
            return Ok(());
        }
        let fits = match (&mut *column, first) {
            (Column::List(list, item), b'[') => {
                self.array(|parser| parser.value(item, name))?;
                list.close(item.len(), true);
                true
            }
            (Column::Map(map, keys, values), b'{') => {
                self.entries(keys, values, name)?;
                map.close(keys.len(), true);
                true
            }
            (Column::Struct(inner), b'{') => {
                self.structure(inner)?;
                true
            }
            (Column::Choice(inner), _) => self.choice(inner, first, name)?,
            (_, b'{' | b'[') => {
                self.skip()?;
                self.as_written(column, start)
            }
            (_, b'"') => self.string_value(column)?,
            _ => {
                self.skip()?;
                scalar(column, &self.bytes[start..self.at])
            }
        };
        if fits {
            return Ok(());
        }
        if self.options.malformed_value == Malformed::Null {
            column.append_null();
            return Ok(());
        }
        self.mismatch(name, start..self.at)
    }

    /// Appends the members of an object as keys and values.
    fn entries(&mut self, keys: &mut Column, values: &mut Column, name: &str) -> Parsed<()> {
        let before = keys.len();
        self.object(|parser, hint| {
            let key = std::mem::take(&mut parser.name);
            let appended = keys.append_text(key.as_bytes());
            parser.name = key;
            if appended.is_err() {
                return parser.mismatch(name, parser.at..parser.at);
            }
            parser.value(values, name)?;
            Ok(hint)
        })?;
        match keys.repeat_from(before) {
            Some(key) => Err(Failure::Repeated { first: key.clone(), second: key }),
            None => Ok(()),
        }
    }

    fn mismatch<T>(&self, name: &str, value: Range<usize>) -> Parsed<T> {
        Err(Failure::Mismatch { column: name.to_owned(), value })
    }

    fn structure(&mut self, inner: &mut StructColumn) -> Parsed<()> {
        let len = inner.valid.len();
        let ignore_case = self.options.case_insensitive;
        let mut said = self.nothing_said(inner.columns.len());
        self.object(|parser, hint| {
            let found = inner.find(&parser.name, ignore_case, hint);
            match found {
                Some(index) => {
                    let (column, name) = (&mut inner.columns[index], &inner.names[index]);
                    parser.member(column, name, len, said.get_mut(index))?;
                }
                None => parser.pass_over(parser.options.among.is_none())?,
            }
            Ok(found.map_or(hint, |i| i + 1))
        })?;
        for column in &mut inner.columns {
            if column.len() == len {
                column.append_null();
            }
        }
        inner.valid.append(true);
        Ok(())
    }

    pub(super) fn as_written(&self, column: &mut Column, start: usize) -> bool {
        match column {
            Column::Text(text) => {
                text.push(&self.bytes[start..self.at]);
                true
            }
            _ => false,
        }
    }

    fn string_value(&mut self, column: &mut Column) -> Parsed<bool> {
        match column {
            Column::Text(text) => {
                // A failing string leaves bytes behind; the caller's truncate takes them back.
                self.string_bytes(&mut text.data)?;
                text.close(true);
                Ok(true)
            }
            other => {
                let mut decoded = Vec::new();
                self.string_bytes(&mut decoded)?;
                if decoded.is_empty() && !other.is_text() {
                    other.append_null();
                    return Ok(true);
                }
                let is_moment = matches!(other, Column::Timestamp(..)) && moment(&decoded).is_some();
                Ok(if is_moment { scalar(other, &decoded) } else { other.append_text(&decoded).is_ok() })
            }
        }
    }
}

/// What an object has said of a column so far.
#[derive(Clone)]
struct Said {
    /// The name that said it.
    name: String,
    /// Where in the record its value is.
    value: Range<usize>,
}

/// The top-level columns of a record.
pub(crate) struct StructColumns<'a> {
    pub(crate) columns: &'a mut [Column],
    pub(crate) names: &'a [String],
    pub(crate) index: &'a NameIndex,
    pub(crate) len: usize,
}

/// Appends a number or boolean that was checked already; false when it does not fit.
pub(super) fn scalar(column: &mut Column, text: &[u8]) -> bool {
    match column {
        Column::Timestamp(unit, times) => match moment(text).and_then(|at| at.in_unit(*unit)) {
            Some(v) => {
                times.push(v);
                true
            }
            None => false,
        },
        Column::Date32(_) => false,
        other => match other.append_text(text) {
            Ok(()) => true,
            Err(Mismatch::Value | Mismatch::Utf8 | Mismatch::Encoding) => false,
        },
    }
}

/// A moment by a number, as OpenX's SerDe takes it: a whole one of 13 characters or more is milliseconds, any other one
/// seconds.
fn moment(text: &[u8]) -> Option<Instant> {
    const MIN_MILLIS_LEN: usize = 13;
    match value::int(text) {
        Some(millis) if text.len() >= MIN_MILLIS_LEN => Some(Instant::from_millis(millis)),
        Some(secs) => Some(Instant { secs, nanos: 0 }),
        None => seconds(text),
    }
}

fn seconds(text: &[u8]) -> Option<Instant> {
    const SCALE: i8 = 9;
    let nanos = value::decimal(text, 38, SCALE)?;
    let secs = i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
    Some(Instant { secs, nanos: nanos.rem_euclid(1_000_000_000) as u32 })
}
