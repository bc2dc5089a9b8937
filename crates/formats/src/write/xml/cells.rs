//! A batch's values, by the shape of their columns.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::super::spelling::spell;
use super::shape::Shape;

/// Why a value is refused, and where in the row.
pub(super) struct Refused {
    /// Names from the innermost to the column's.
    path: Vec<String>,
    pub(super) value: Option<String>,
    pub(super) why: String,
}

impl Refused {
    pub(super) fn new(why: &str) -> Self {
        Self { path: Vec::new(), value: None, why: why.to_owned() }
    }

    /// `why` follows the value in a sentence.
    pub(super) fn value(value: &str, why: String) -> Self {
        Self { path: Vec::new(), value: Some(value.to_owned()), why }
    }

    pub(super) fn within(mut self, name: &str) -> Self {
        self.path.push(name.to_owned());
        self
    }

    /// The column, and the fields within it.
    pub(super) fn column(&self) -> String {
        let names: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
        names.join(".")
    }
}

/// The values of a column, or of a part of one.
pub(super) enum Cells<'a> {
    Text(&'a StringArray),
    Other {
        data_type: &'a DataType,
        formatter: ArrayFormatter<'a>,
        nulls: Option<NullBuffer>,
    },
    Struct {
        fields: Vec<Cells<'a>>,
        nulls: Option<&'a NullBuffer>,
    },
    List {
        offsets: &'a OffsetBuffer<i32>,
        items: Box<Cells<'a>>,
        nulls: Option<&'a NullBuffer>,
    },
    Map {
        offsets: &'a OffsetBuffer<i32>,
        keys: &'a StringArray,
        values: Box<Cells<'a>>,
        nulls: Option<&'a NullBuffer>,
    },
}

impl<'a> Cells<'a> {
    /// `shape` was made of the array's type. Errors: a value's type that has no text.
    pub(super) fn new(
        shape: &Shape,
        array: &'a ArrayRef,
        display: &'a FormatOptions<'a>,
    ) -> Result<Self, ArrowError> {
        let nulls = array.nulls();
        Ok(match shape {
            Shape::Scalar if *array.data_type() == DataType::Utf8 => Self::Text(array.as_string()),
            Shape::Scalar => Self::Other {
                data_type: array.data_type(),
                formatter: ArrayFormatter::try_new(array.as_ref(), display)?,
                nulls: array.logical_nulls(),
            },
            Shape::Struct(members) => {
                let fields = members.iter().zip(array.as_struct().columns());
                let fields = fields.map(|(member, array)| Self::new(&member.shape, array, display));
                Self::Struct { fields: fields.collect::<Result<_, _>>()?, nulls }
            }
            Shape::List(item) => {
                let list = array.as_list::<i32>();
                let items = Box::new(Self::new(item, list.values(), display)?);
                Self::List { offsets: list.offsets(), items, nulls }
            }
            Shape::Map(value) => {
                let map = array.as_map();
                let values = Box::new(Self::new(value, map.values(), display)?);
                Self::Map { offsets: map.offsets(), keys: map.keys().as_string(), values, nulls }
            }
        })
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        let nulls = match self {
            Self::Text(array) => array.nulls(),
            Self::Other { nulls, .. } => nulls.as_ref(),
            Self::Struct { nulls, .. } | Self::List { nulls, .. } | Self::Map { nulls, .. } => *nulls,
        };
        nulls.is_some_and(|nulls| nulls.is_null(row))
    }

    /// Where the items of an array, or the entries of a map, are.
    pub(super) fn range(&self, row: usize) -> Range<usize> {
        match self {
            Self::List { offsets, .. } | Self::Map { offsets, .. } => {
                offsets[row] as usize..offsets[row + 1] as usize
            }
            _ => 0..0,
        }
    }

    /// Puts a single value's text into `cell`. Errors: one that readers would not take.
    pub(super) fn spell(&self, row: usize, cell: &mut String) -> Result<(), Refused> {
        match self {
            Self::Text(array) => {
                cell.clear();
                cell.push_str(array.value(row));
            }
            Self::Other { data_type, formatter, .. } => {
                spell(cell, formatter, data_type, row).map_err(|why| Refused::new(&why))?;
                if data_type.is_temporal() && cell.starts_with(['+', '-']) {
                    let why = "is of a year that is not one of 0 to 9999, and would not be read back: write parquet";
                    return Err(Refused::value(cell, why.to_owned()));
                }
            }
            Self::Struct { .. } | Self::List { .. } | Self::Map { .. } => {
                return Err(Refused::new("the value is not a single one"));
            }
        }
        Ok(())
    }
}
