//! Parquet, one row group in memory at a time, with statistics per page.
//!
//! Files whose columns are all of plain types are encoded here ([`flat`]): rows go from their batch straight into the
//! page that they become part of, and a page is encoded, measured and compressed as a whole while it is in the
//! processor's cache. Files with any other column (nested, decimal) go through the `parquet` crate ([`any`]), which also
//! makes the footers of both.

mod any;
mod bounds;
mod chunk;
mod column;
mod dictionary;
mod flat;
mod hybrid;
mod page;
mod verdicts;

use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowSchemaConverter;
use parquet::errors::ParquetError;

pub use flat::Scratch;

use super::{Part, WriteOptions};
use crate::error::{FormatError, Problem};

/// What files say made them.
const CREATED_BY: &str = concat!("tenon version ", env!("CARGO_PKG_VERSION"));

pub(super) enum ParquetEncoder {
    Flat(Box<flat::FlatEncoder>),
    Any(any::AnyEncoder),
}

fn parquet_error(name: &str, error: &ParquetError) -> FormatError {
    FormatError::new(name, Problem::Parquet { message: error.to_string() })
}

impl ParquetEncoder {
    pub(super) fn new(name: &str, schema: SchemaRef, options: &WriteOptions) -> Result<Self, FormatError> {
        let refused = |error: ParquetError| parquet_error(name, &error);
        let columns = ArrowSchemaConverter::new().convert(&schema).map_err(refused)?;
        match flat::FlatEncoder::new(&schema, &columns, options).map_err(refused)? {
            Some(flat) => Ok(Self::Flat(Box::new(flat))),
            None => Ok(Self::Any(any::AnyEncoder::new(schema, options))),
        }
    }

    pub(super) fn write(&mut self, name: &str, parts: &[Part<'_>]) -> Result<(), FormatError> {
        let written = match self {
            Self::Flat(encoder) => encoder.write(parts),
            Self::Any(encoder) => encoder.write(parts),
        };
        written.map_err(|error| parquet_error(name, &error))
    }

    pub(super) fn end_row_group(&mut self, name: &str) -> Result<(), FormatError> {
        let ended = match self {
            Self::Flat(encoder) => encoder.end_row_group(),
            Self::Any(encoder) => encoder.end_row_group(),
        };
        ended.map_err(|error| parquet_error(name, &error))
    }

    pub(super) fn buffered_bytes(&self) -> usize {
        match self {
            Self::Flat(encoder) => encoder.buffered_bytes(),
            Self::Any(encoder) => encoder.buffered_bytes(),
        }
    }

    pub(super) fn expected_bytes(&self) -> usize {
        match self {
            Self::Flat(encoder) => encoder.expected_bytes(),
            Self::Any(encoder) => encoder.expected_bytes(),
        }
    }

    pub(super) fn finish(&mut self, name: &str) -> Result<(), FormatError> {
        let finished = match self {
            Self::Flat(encoder) => encoder.finish(),
            Self::Any(encoder) => encoder.finish(),
        };
        finished.map_err(|error| parquet_error(name, &error))
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        match self {
            Self::Flat(encoder) => encoder.take(),
            Self::Any(encoder) => encoder.take(),
        }
    }
}
