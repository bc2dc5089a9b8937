//! One column under construction.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use arrow::array::NullBufferBuilder;
use arrow::datatypes::{DataType, FieldRef, TimeUnit};

use super::value;
use crate::error::excerpt;
use crate::hive::{is_choice, shown};

/// The value does not fit the column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// Not a value of the type.
    Value,
    /// Not UTF-8.
    Utf8,
    /// Not the encoding that bytes have as text.
    Encoding,
}

/// Plain values with their validity.
pub(crate) struct Plain<T> {
    pub(crate) values: Vec<T>,
    pub(crate) valid: NullBufferBuilder,
}

impl<T: Copy + Default> Plain<T> {
    fn new() -> Self {
        Self { values: Vec::new(), valid: NullBufferBuilder::new(0) }
    }

    #[inline]
    pub(crate) fn push(&mut self, value: T) {
        self.values.push(value);
        self.valid.append_non_null();
    }

    fn push_null(&mut self) {
        self.values.push(T::default());
        self.valid.append_null();
    }

    fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
        self.valid.truncate(len);
    }

    #[inline]
    pub(super) fn push_parsed(&mut self, value: Option<T>) -> Result<(), Mismatch> {
        self.push(value.ok_or(Mismatch::Value)?);
        Ok(())
    }
}

/// Variable-length bytes.
pub(crate) struct Var {
    pub(crate) ends: Vec<i32>,
    pub(crate) data: Vec<u8>,
    pub(crate) valid: NullBufferBuilder,
}

impl Var {
    fn new() -> Self {
        Self { ends: Vec::new(), data: Vec::new(), valid: NullBufferBuilder::new(0) }
    }

    #[inline]
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.data.extend_from_slice(bytes);
        self.close(true);
    }

    /// Ends the value whose bytes were appended to `data`. Batches end long before 2 GiB.
    pub(crate) fn close(&mut self, valid: bool) {
        self.ends.push(i32::try_from(self.data.len()).unwrap_or(i32::MAX));
        self.valid.append(valid);
    }

    fn value(&self, at: usize) -> &[u8] {
        let end = |at: usize| self.ends.get(at).map_or(0, |end| *end as usize);
        let start = at.checked_sub(1).map_or(0, end);
        self.data.get(start..end(at)).unwrap_or_default()
    }

    fn truncate(&mut self, len: usize) {
        self.ends.truncate(len);
        self.valid.truncate(len);
        self.data.truncate(self.ends.last().copied().unwrap_or(0) as usize);
    }
}

/// The first of `count` values that was there before.
fn repeat<T: Eq + Hash>(count: usize, value: impl Fn(usize) -> T) -> Option<usize> {
    const FEW: usize = 16;
    if count <= FEW {
        return (1..count).find(|at| {
            let own = value(*at);
            (0..*at).any(|before| value(before) == own)
        });
    }
    let mut seen = HashSet::with_capacity(count);
    (0..count).find(|at| !seen.insert(value(*at)))
}

/// Lists and maps: ends into the children.
pub(crate) struct Nested {
    pub(crate) ends: Vec<i32>,
    pub(crate) valid: NullBufferBuilder,
}

impl Nested {
    fn new() -> Self {
        Self { ends: Vec::new(), valid: NullBufferBuilder::new(0) }
    }

    pub(crate) fn close(&mut self, children: usize, valid: bool) {
        self.ends.push(i32::try_from(children).unwrap_or(i32::MAX));
        self.valid.append(valid);
    }

    fn truncate(&mut self, len: usize) -> usize {
        self.ends.truncate(len);
        self.valid.truncate(len);
        self.ends.last().copied().unwrap_or(0) as usize
    }
}

/// A struct's children, found by name.
pub(crate) struct StructColumn {
    pub(crate) columns: Vec<Column>,
    pub(crate) names: Vec<String>,
    pub(crate) valid: NullBufferBuilder,
    lower: HashMap<String, usize>,
}

impl StructColumn {
    fn new(columns: Vec<Column>, names: Vec<String>) -> Self {
        let lower = names.iter().enumerate().rev().map(|(i, n)| (n.to_lowercase(), i)).collect();
        Self { columns, names, valid: NullBufferBuilder::new(0), lower }
    }

    /// The child called `name`; `hint` is tried first, since records repeat their order.
    pub(crate) fn find(&self, name: &str, ignore_case: bool, hint: usize) -> Option<usize> {
        if self.names.get(hint).is_some_and(|n| n == name) {
            return Some(hint);
        }
        if !ignore_case {
            return self.names.iter().position(|n| n == name);
        }
        if let Some(&at) = self.lower.get(name) {
            return Some(at);
        }
        if name.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) {
            return self.lower.get(&name.to_lowercase()).copied();
        }
        None
    }
}

/// A column of any type that text formats can hold.
pub(crate) enum Column {
    Bool(Plain<bool>),
    Int8(Plain<i8>),
    Int16(Plain<i16>),
    Int32(Plain<i32>),
    Int64(Plain<i64>),
    Float32(Plain<f32>),
    Float64(Plain<f64>),
    Date32(Plain<i32>),
    Timestamp(TimeUnit, Plain<i64>),
    Decimal(u8, i8, Plain<i128>),
    Text(Var),
    Binary(Var),
    List(Nested, Box<Column>),
    Map(Nested, Box<Column>, Box<Column>),
    Struct(StructColumn),
    /// A column per type, of which one has the value.
    Choice(StructColumn),
}

impl Column {
    /// A builder for `data_type`; the error says what is not supported.
    pub(crate) fn new(data_type: &DataType) -> Result<Self, String> {
        Ok(match data_type {
            DataType::Boolean => Self::Bool(Plain::new()),
            DataType::Int8 => Self::Int8(Plain::new()),
            DataType::Int16 => Self::Int16(Plain::new()),
            DataType::Int32 => Self::Int32(Plain::new()),
            DataType::Int64 => Self::Int64(Plain::new()),
            DataType::Float32 => Self::Float32(Plain::new()),
            DataType::Float64 => Self::Float64(Plain::new()),
            DataType::Date32 => Self::Date32(Plain::new()),
            DataType::Timestamp(unit, _) => Self::Timestamp(*unit, Plain::new()),
            DataType::Decimal128(precision, scale) if *scale >= 0 => {
                Self::Decimal(*precision, *scale, Plain::new())
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text(Var::new()),
            DataType::Dictionary(_, value) if matches!(**value, DataType::Utf8 | DataType::Utf8View) => {
                Self::Text(Var::new())
            }
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Self::Binary(Var::new()),
            DataType::List(item) => Self::List(Nested::new(), Box::new(Self::new(item.data_type())?)),
            DataType::Map(entries, _) => Self::new_map(entries)?,
            DataType::Struct(fields) => {
                let columns = fields.iter().map(|f| Self::new(f.data_type())).collect::<Result<_, _>>()?;
                let names = fields.iter().map(|f| f.name().clone()).collect();
                let children = StructColumn::new(columns, names);
                if is_choice(fields) { Self::Choice(children) } else { Self::Struct(children) }
            }
            other => return Err(format!("reading text as {}", shown(other))),
        })
    }

    fn new_map(entries: &FieldRef) -> Result<Self, String> {
        match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => Ok(Self::Map(
                Nested::new(),
                Box::new(Self::new(pair[0].data_type())?),
                Box::new(Self::new(pair[1].data_type())?),
            )),
            other => Err(format!("a map of {}", shown(other))),
        }
    }

    /// True for lists, maps, structs and choices, which a CSV field cannot hold.
    pub(crate) fn is_nested(&self) -> bool {
        matches!(self, Self::List(..) | Self::Map(..) | Self::Struct(_) | Self::Choice(_))
    }

    /// True for text and bytes, where an empty value is a value.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Bool(c) => c.values.len(),
            Self::Int8(c) => c.values.len(),
            Self::Int16(c) => c.values.len(),
            Self::Int32(c) | Self::Date32(c) => c.values.len(),
            Self::Int64(c) | Self::Timestamp(_, c) => c.values.len(),
            Self::Float32(c) => c.values.len(),
            Self::Float64(c) => c.values.len(),
            Self::Decimal(_, _, c) => c.values.len(),
            Self::Text(c) | Self::Binary(c) => c.ends.len(),
            Self::List(c, _) | Self::Map(c, _, _) => c.ends.len(),
            Self::Struct(c) | Self::Choice(c) => c.valid.len(),
        }
    }

    pub(crate) fn append_null(&mut self) {
        match self {
            Self::Bool(c) => c.push_null(),
            Self::Int8(c) => c.push_null(),
            Self::Int16(c) => c.push_null(),
            Self::Int32(c) | Self::Date32(c) => c.push_null(),
            Self::Int64(c) | Self::Timestamp(_, c) => c.push_null(),
            Self::Float32(c) => c.push_null(),
            Self::Float64(c) => c.push_null(),
            Self::Decimal(_, _, c) => c.push_null(),
            Self::Text(c) | Self::Binary(c) => c.close(false),
            Self::List(c, item) => c.close(item.len(), false),
            Self::Map(c, keys, _) => c.close(keys.len(), false),
            Self::Struct(c) | Self::Choice(c) => {
                for column in &mut c.columns {
                    column.append_null();
                }
                c.valid.append(false);
            }
        }
    }

    /// A value that comes twice from the one at `start` on. Only of values that can be keys of maps: no NULLs, nothing nested.
    pub(crate) fn repeat_from(&self, start: usize) -> Option<String> {
        let count = self.len().saturating_sub(start);
        if count < 2 {
            return None;
        }
        let of = |at: usize| start + at;
        let place = match self {
            Self::Text(c) | Self::Binary(c) => repeat(count, |at| c.value(of(at))),
            Self::Bool(c) => repeat(count, |at| c.values[of(at)]),
            Self::Int8(c) => repeat(count, |at| c.values[of(at)]),
            Self::Int16(c) => repeat(count, |at| c.values[of(at)]),
            Self::Int32(c) | Self::Date32(c) => repeat(count, |at| c.values[of(at)]),
            Self::Int64(c) | Self::Timestamp(_, c) => repeat(count, |at| c.values[of(at)]),
            Self::Float32(c) => repeat(count, |at| c.values[of(at)].to_bits()),
            Self::Float64(c) => repeat(count, |at| c.values[of(at)].to_bits()),
            Self::Decimal(_, _, c) => repeat(count, |at| c.values[of(at)]),
            Self::List(..) | Self::Map(..) | Self::Struct(_) | Self::Choice(_) => None,
        };
        place.map(|at| match self {
            Self::Text(c) => excerpt(c.value(of(at))),
            _ => format!("number {}", at + 1),
        })
    }

    /// Drops everything behind the first `len` values, half-appended children included.
    pub(crate) fn truncate(&mut self, len: usize) {
        match self {
            Self::Bool(c) => c.truncate(len),
            Self::Int8(c) => c.truncate(len),
            Self::Int16(c) => c.truncate(len),
            Self::Int32(c) | Self::Date32(c) => c.truncate(len),
            Self::Int64(c) | Self::Timestamp(_, c) => c.truncate(len),
            Self::Float32(c) => c.truncate(len),
            Self::Float64(c) => c.truncate(len),
            Self::Decimal(_, _, c) => c.truncate(len),
            Self::Text(c) | Self::Binary(c) => c.truncate(len),
            Self::List(c, item) => item.truncate(c.truncate(len)),
            Self::Map(c, keys, values) => {
                let children = c.truncate(len);
                keys.truncate(children);
                values.truncate(children);
            }
            Self::Struct(c) | Self::Choice(c) => {
                for column in &mut c.columns {
                    column.truncate(len);
                }
                c.valid.truncate(len.min(c.valid.len()));
            }
        }
    }

    /// As [`Self::append_text`], of text that is known to be UTF-8.
    #[inline]
    pub(crate) fn append_utf8(&mut self, text: &[u8]) -> Result<(), Mismatch> {
        if let Self::Text(c) = self {
            c.push(text);
            return Ok(());
        }
        self.append_text(text)
    }

    /// Appends the value that `text` spells. White space around other than text is ignored.
    /// Appends nothing when it does not fit.
    #[inline]
    pub(crate) fn append_text(&mut self, text: &[u8]) -> Result<(), Mismatch> {
        match self {
            Self::Text(c) => {
                if std::str::from_utf8(text).is_err() {
                    return Err(Mismatch::Utf8);
                }
                c.push(text);
                Ok(())
            }
            Self::Int64(c) => c.push_parsed(value::int(text)),
            Self::Float64(c) => c.push_parsed(value::float(text)),
            Self::Int32(c) => c.push_parsed(value::int(text).and_then(|v| v.try_into().ok())),
            Self::Int16(c) => c.push_parsed(value::int(text).and_then(|v| v.try_into().ok())),
            Self::Int8(c) => c.push_parsed(value::int(text).and_then(|v| v.try_into().ok())),
            Self::Float32(c) => c.push_parsed(value::float32(text)),
            Self::Bool(c) => c.push_parsed(value::boolean(text)),
            Self::Date32(c) => c.push_parsed(value::date(text)),
            Self::Timestamp(unit, c) => {
                let parsed = value::timestamp(text).and_then(|at| at.in_unit(*unit));
                c.push_parsed(parsed)
            }
            Self::Decimal(precision, scale, c) => c.push_parsed(value::decimal(text, *precision, *scale)),
            Self::Binary(c) => {
                c.push(text);
                Ok(())
            }
            Self::List(..) | Self::Map(..) | Self::Struct(_) | Self::Choice(_) => Err(Mismatch::Value),
        }
    }

    /// As [`Self::append_text`]; a whole number is a date by its days since 1970, or a timestamp by its milliseconds.
    pub(crate) fn append_text_or_epoch(&mut self, text: &[u8]) -> Result<(), Mismatch> {
        match (self, value::int(text)) {
            (Self::Date32(c), Some(days)) => c.push_parsed(i32::try_from(days).ok()),
            (Self::Timestamp(unit, c), Some(ms)) => {
                c.push_parsed(value::Instant::from_millis(ms).in_unit(*unit))
            }
            (other, _) => other.append_text(text),
        }
    }
}
