//! Values of columns that hold several types: each goes to the column of its own type.
//!
//! A number goes to the first type that holds it, be it by its text; what no type is for goes, as it is written, to a column of text;
//! without one it does not fit.

use super::lex::{Parsed, Parser};
use super::parse::scalar;
use crate::builder::{Column, StructColumn};

impl Parser<'_> {
    /// Appends the value that begins with `first` to the column of its type, and NULL to the others. False, and nothing is
    /// appended, when it is of none.
    pub(super) fn choice(&mut self, inner: &mut StructColumn, first: u8, name: &str) -> Parsed<bool> {
        let len = inner.valid.len();
        let start = self.at;
        let place = match first {
            b'{' | b'[' | b'"' => inner.columns.iter().position(|column| is_for(column, first)),
            _ => None,
        };
        let fits = match place {
            Some(at) => {
                self.value(&mut inner.columns[at], name)?;
                true
            }
            None => {
                self.skip()?;
                let value = &self.bytes[start..self.at];
                let columns = &mut inner.columns;
                columns.iter_mut().any(|column| is_for(column, first) && scalar(column, value))
                    || columns.iter_mut().any(|column| self.as_written(column, start))
            }
        };
        if fits {
            for column in inner.columns.iter_mut().filter(|column| column.len() == len) {
                column.append_null();
            }
            inner.valid.append(true);
        }
        Ok(fits)
    }
}

/// Whether a column is for values that begin so.
fn is_for(column: &Column, first: u8) -> bool {
    match (first, column) {
        (b'{', Column::Struct(_) | Column::Map(..))
        | (b'[', Column::List(..))
        | (b'"', Column::Text(_))
        | (b't' | b'f', Column::Bool(_)) => true,
        (b'-' | b'0'..=b'9', Column::Int8(_) | Column::Int16(_) | Column::Int32(_) | Column::Int64(_)) => {
            true
        }
        (b'-' | b'0'..=b'9', Column::Float32(_) | Column::Float64(_) | Column::Decimal(..)) => true,
        _ => false,
    }
}
