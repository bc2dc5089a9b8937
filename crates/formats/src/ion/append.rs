//! One value's items, appended to column builders.
//!
//! Types are those of the Ion Hive SerDe: a column takes values of its own kind, integers also as decimals and both as
//! floats; a column of text takes everything ([`super::render`]). NULL of any type is NULL. An integer that its column
//! cannot hold is a mismatch, or, where `ion.fail_on_overflow` is off, its low bits.
//!
//! Names that mean the same column must agree, as in JSON: the first pass only notices that a column has its value
//! already, a second one compares values as they are written. NULL yields to a value.

use std::ops::Range;

use super::cursor::{Cursor, Failure, Item, Kind, Parsed};
use super::path::IonPath;
use super::render;
use super::scalar::Scalar;
use crate::builder::{Column, StructColumn, Var, value};
use crate::json::names::NameIndex;
use crate::options::JsonOptions;

/// How a row's columns are found.
pub(super) struct Columns<'a> {
    pub(super) names: &'a [String],
    pub(super) index: &'a NameIndex,
    /// How names match.
    pub(super) naming: &'a JsonOptions,
    /// Where the columns are that have a path of their own.
    pub(super) paths: &'a [Option<IonPath>],
    /// Whether integers that are too large keep their low bits.
    pub(super) wraps: &'a [bool],
    /// Whether values of names that repeat are compared, instead of refused.
    pub(super) compares: bool,
}

/// What was said of a column so far.
#[derive(Debug, Clone)]
struct Said {
    /// The name, or the path, that said it.
    name: String,
    /// Where its value is.
    value: Range<usize>,
    is_null: bool,
}

impl Columns<'_> {
    /// Appends the value that `cursor` stands in front of, one value to each of `columns`, which hold `len` so far.
    pub(super) fn record(&self, mut cursor: Cursor<'_>, columns: &mut [Column], len: usize) -> Parsed<()> {
        for (index, path) in self.paths.iter().enumerate() {
            let Some(path) = path else { continue };
            let (column, name, wraps) = (&mut columns[index], &self.names[index], self.wraps[index]);
            self.extract(cursor.clone(), path, Target { column, name, len, wraps })?;
        }
        let all_extracted = self.paths.iter().all(Option::is_some) && !self.paths.is_empty();
        match cursor.next()? {
            Item::Begin(Kind::Struct) => self.fields(&mut cursor, columns, len)?,
            Item::Scalar(Scalar::Null) => {}
            _ if all_extracted => {}
            _ => {
                let message = "expected a struct".into();
                return Err(Failure::Malformed { message, at: cursor.start() });
            }
        }
        for column in columns {
            if column.len() == len {
                column.append_null();
            }
        }
        Ok(())
    }

    fn fields(&self, cursor: &mut Cursor<'_>, columns: &mut [Column], len: usize) -> Parsed<()> {
        let mut said = self.nothing_said(columns.len());
        let mut hint = 0;
        loop {
            let item = cursor.next()?;
            if item == Item::End {
                return Ok(());
            }
            let found = cursor.name().and_then(|name| self.index.find(name, self.naming, hint));
            let found = found.filter(|at| self.paths.get(*at).is_none_or(Option::is_none));
            let Some(at) = found else {
                cursor.pass(&item)?;
                continue;
            };
            hint = at + 1;
            let (column, name, wraps) = (&mut columns[at], &self.names[at], self.wraps[at]);
            self.field(cursor, item, Target { column, name, len, wraps }, said.get_mut(at))?;
        }
    }

    fn nothing_said(&self, columns: usize) -> Vec<Option<Said>> {
        if self.compares { vec![None; columns] } else { Vec::new() }
    }

    /// Appends a field's value, unless an earlier field of the same struct said it already.
    fn field(
        &self,
        cursor: &mut Cursor<'_>,
        item: Item<'_>,
        into: Target<'_>,
        said: Option<&mut Option<Said>>,
    ) -> Parsed<()> {
        match said {
            None if into.column.len() == into.len => {
                self.value(cursor, item, into.column, into.name, into.wraps)
            }
            None => {
                let own = cursor.name().unwrap_or_default().to_owned();
                Err(Failure::Repeated { first: own.clone(), second: own })
            }
            Some(said) => {
                let own = cursor.name().unwrap_or_default().to_owned();
                self.compared(cursor, item, into, said, own)
            }
        }
    }

    /// Takes a value for a column that may have one: then it must be the same, or one of both NULL.
    fn compared(
        &self,
        cursor: &mut Cursor<'_>,
        item: Item<'_>,
        into: Target<'_>,
        said: &mut Option<Said>,
        name: String,
    ) -> Parsed<()> {
        let start = cursor.start();
        let is_null = item == Item::Scalar(Scalar::Null);
        if let Some(before) = said.as_ref().filter(|before| is_null || !before.is_null) {
            cursor.pass(&item)?;
            let same = cursor.between(before.value.start, before.value.end)
                == cursor.between(start, cursor.position());
            if is_null || same {
                return Ok(());
            }
            return Err(Failure::Repeated { first: before.name.clone(), second: name });
        }
        into.column.truncate(into.len);
        self.value(cursor, item, into.column, into.name, into.wraps)?;
        *said = Some(Said { name, value: start..cursor.position(), is_null });
        Ok(())
    }

    /// Appends the value at `path`, or NULL.
    fn extract(&self, mut cursor: Cursor<'_>, path: &IonPath, into: Target<'_>) -> Parsed<()> {
        let item = cursor.next()?;
        Walk { columns: self, path, into, found: None }.at(&mut cursor, item, 0)
    }

    /// Appends exactly one value to `column`.
    fn value(
        &self,
        cursor: &mut Cursor<'_>,
        item: Item<'_>,
        column: &mut Column,
        name: &str,
        wraps: bool,
    ) -> Parsed<()> {
        let scalar = match item {
            Item::Scalar(Scalar::Null) | Item::End => {
                column.append_null();
                return Ok(());
            }
            Item::Scalar(scalar) => scalar,
            Item::Begin(kind) => return self.container(cursor, kind, column, name, wraps),
        };
        if append(column, &scalar, wraps) {
            return Ok(());
        }
        let value = render::scalar(&scalar).unwrap_or_else(|| "a symbol without a text".to_owned());
        Err(Failure::Mismatch { column: name.to_owned(), value })
    }

    fn container(
        &self,
        cursor: &mut Cursor<'_>,
        kind: Kind,
        column: &mut Column,
        name: &str,
        wraps: bool,
    ) -> Parsed<()> {
        match (column, kind) {
            (Column::List(list, item), Kind::List | Kind::Sexp) => {
                loop {
                    let next = cursor.next()?;
                    if next == Item::End {
                        break;
                    }
                    self.value(cursor, next, item, name, wraps)?;
                }
                list.close(item.len(), true);
            }
            (Column::Map(map, keys, values), Kind::Struct) => {
                let before = keys.len();
                loop {
                    let next = cursor.next()?;
                    if next == Item::End {
                        break;
                    }
                    let key = cursor.name().unwrap_or("$0");
                    if keys.append_text(key.as_bytes()).is_err() {
                        return Err(Failure::Mismatch { column: name.to_owned(), value: key.to_owned() });
                    }
                    self.value(cursor, next, values, name, wraps)?;
                }
                if let Some(key) = keys.repeat_from(before) {
                    return Err(Failure::Repeated { first: key.clone(), second: key });
                }
                map.close(keys.len(), true);
            }
            (Column::Struct(inner), Kind::Struct) => self.structure(cursor, inner, wraps)?,
            (Column::Text(text), kind) => {
                let mut json = String::new();
                render::container(cursor, kind, &mut json)?;
                text.push(json.as_bytes());
            }
            (_, kind) => {
                let value = if kind == Kind::Struct { "a struct" } else { "a list" }.to_owned();
                return Err(Failure::Mismatch { column: name.to_owned(), value });
            }
        }
        Ok(())
    }

    fn structure(&self, cursor: &mut Cursor<'_>, inner: &mut StructColumn, wraps: bool) -> Parsed<()> {
        let len = inner.valid.len();
        let ignore_case = self.naming.case_insensitive;
        let mut said = self.nothing_said(inner.columns.len());
        let mut hint = 0;
        loop {
            let item = cursor.next()?;
            if item == Item::End {
                break;
            }
            let Some(at) = cursor.name().and_then(|name| inner.find(name, ignore_case, hint)) else {
                cursor.pass(&item)?;
                continue;
            };
            hint = at + 1;
            let (column, name) = (&mut inner.columns[at], &inner.names[at]);
            self.field(cursor, item, Target { column, name, len, wraps }, said.get_mut(at))?;
        }
        for column in &mut inner.columns {
            if column.len() == len {
                column.append_null();
            }
        }
        inner.valid.append(true);
        Ok(())
    }
}

/// Where a value goes.
struct Target<'a> {
    column: &'a mut Column,
    name: &'a str,
    /// Values of the rows before.
    len: usize,
    wraps: bool,
}

/// Looks for the values at a path.
struct Walk<'w, 'c> {
    columns: &'w Columns<'c>,
    path: &'w IonPath,
    into: Target<'w>,
    found: Option<Said>,
}

impl Walk<'_, '_> {
    /// At the value that `item` is or begins; `depth` components of the path lead here.
    fn at(&mut self, cursor: &mut Cursor<'_>, item: Item<'_>, depth: usize) -> Parsed<()> {
        if !self.path.has_annotations(depth, cursor.annotations()) {
            return cursor.pass(&item);
        }
        if depth == self.path.len() {
            let Target { column, name, len, wraps } = &mut self.into;
            let into = Target { column, name, len: *len, wraps: *wraps };
            let path = self.path.as_str().to_owned();
            return self.columns.compared(cursor, item, into, &mut self.found, path);
        }
        if !matches!(item, Item::Begin(_)) {
            return Ok(());
        }
        let mut place = 0;
        loop {
            let inner = cursor.next()?;
            if inner == Item::End {
                return Ok(());
            }
            if self.path.leads(depth, cursor.name(), place, self.columns.naming.case_insensitive) {
                self.at(cursor, inner, depth + 1)?;
            } else {
                cursor.pass(&inner)?;
            }
            place += 1;
        }
    }
}

/// Appends a scalar; false when it does not fit.
fn append(column: &mut Column, scalar: &Scalar<'_>, wraps: bool) -> bool {
    if let Column::Text(text) = column {
        return text_of(text, scalar);
    }
    match (column, scalar) {
        (Column::Bool(c), Scalar::Bool(value)) => {
            c.push(*value);
            true
        }
        // Text is bytes, as where columns of several files are merged.
        (Column::Binary(c), Scalar::Text(text)) => {
            c.push(text.as_bytes());
            true
        }
        (Column::Binary(c), Scalar::Bytes(bytes)) => {
            c.push(bytes);
            true
        }
        (Column::Timestamp(unit, c), Scalar::Timestamp(moment)) => match moment.at.in_unit(*unit) {
            Some(value) => {
                c.push(value);
                true
            }
            None => false,
        },
        // The time of day is dropped, as the SerDe does.
        (Column::Date32(c), Scalar::Timestamp(moment)) => {
            match i32::try_from(moment.at.secs.div_euclid(86_400)) {
                Ok(days) => {
                    c.push(days);
                    true
                }
                Err(_) => false,
            }
        }
        (column, Scalar::Int(value)) => integer(column, *value, wraps),
        (Column::Float64(c), Scalar::Float(value)) => {
            c.push(*value);
            true
        }
        (Column::Float32(c), Scalar::Float(value)) => {
            let narrow = *value as f32;
            if narrow.is_infinite() && value.is_finite() && !wraps {
                return false;
            }
            c.push(narrow);
            true
        }
        (column, Scalar::Decimal(value)) => number(column, &value.scientific()),
        (column, Scalar::BigInt(digits)) => number(column, digits),
        _ => false,
    }
}

/// Appends a scalar's text; false when it has none.
fn text_of(column: &mut Var, scalar: &Scalar<'_>) -> bool {
    if let Scalar::Text(text) = scalar {
        column.push(text.as_bytes());
        return true;
    }
    push(render::scalar(scalar), |shown| column.push(shown.as_bytes()))
}

/// Appends a number that is written in digits to a column of decimals or floats.
fn number(column: &mut Column, text: &str) -> bool {
    match column {
        Column::Float64(c) => push(text.parse().ok().filter(|v: &f64| v.is_finite()), |v| c.push(v)),
        Column::Float32(c) => push(text.parse().ok().filter(|v: &f32| v.is_finite()), |v| c.push(v)),
        Column::Decimal(precision, scale, c) => {
            push(value::decimal(text.as_bytes(), *precision, *scale), |v| c.push(v))
        }
        _ => false,
    }
}

fn integer(column: &mut Column, value: i128, wraps: bool) -> bool {
    match column {
        Column::Int64(c) => push(i64::try_from(value).ok().or(wraps.then_some(value as i64)), |v| c.push(v)),
        Column::Int32(c) => push(i32::try_from(value).ok().or(wraps.then_some(value as i32)), |v| c.push(v)),
        Column::Int16(c) => push(i16::try_from(value).ok().or(wraps.then_some(value as i16)), |v| c.push(v)),
        Column::Int8(c) => push(i8::try_from(value).ok().or(wraps.then_some(value as i8)), |v| c.push(v)),
        Column::Float64(c) => push(Some(value as f64), |v| c.push(v)),
        Column::Float32(c) => push(Some(value as f32), |v| c.push(v)),
        Column::Decimal(precision, scale, c) => {
            let fitted = value::decimal(value.to_string().as_bytes(), *precision, *scale);
            push(fitted, |v| c.push(v))
        }
        _ => false,
    }
}

fn push<T>(value: Option<T>, into: impl FnOnce(T)) -> bool {
    value.map(into).is_some()
}
