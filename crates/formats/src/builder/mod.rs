//! Column builders that both text readers append to, cell by cell, without an allocation per cell.
//!
//! A record is appended column by column; when it turns out bad half-way, `truncate` takes the columns back
//! to the last good row. Types are those of the wanted schema; kinds of strings that differ in layout only
//! (views, large, dictionaries) are built as plain strings and cast when the batch is finished.

mod cast;
mod column;
pub(crate) mod finish;
pub(crate) mod leading;
pub(crate) mod value;

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;

pub use cast::{cast_text, casts_text_to};
pub(crate) use column::{Column, Mismatch, Plain, StructColumn, Var};

use crate::error::{FormatError, Problem};

/// A batch also ends at this size.
const BATCH_BYTES: usize = 16 << 20;

/// The batch under construction.
pub(crate) struct BatchBuilder {
    schema: SchemaRef,
    pub(crate) columns: Vec<Column>,
    rows: usize,
    bytes: usize,
    max_rows: usize,
}

impl BatchBuilder {
    pub(crate) fn new(schema: SchemaRef, max_rows: usize, source: &str) -> Result<Self, FormatError> {
        let mut columns = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            columns.push(Column::new(field.data_type()).map_err(|what| {
                let mut error = FormatError::new(source, Problem::Unsupported { what });
                error.place.column = Some(field.name().clone());
                error
            })?);
        }
        Ok(Self { schema, columns, rows: 0, bytes: 0, max_rows: max_rows.max(1) })
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Ends the record that was appended to every column; `bytes` is its size in the file.
    pub(crate) fn end_row(&mut self, bytes: usize) {
        self.rows += 1;
        self.bytes += bytes;
    }

    /// As [`Self::end_row`], of several records.
    pub(crate) fn end_rows(&mut self, rows: usize, bytes: usize) {
        self.rows += rows;
        self.bytes += bytes;
    }

    /// Records that the batch has room for.
    pub(crate) fn room(&self) -> usize {
        self.max_rows.saturating_sub(self.rows)
    }

    /// Takes back whatever was appended since the last record ended.
    pub(crate) fn abandon_row(&mut self) {
        for column in &mut self.columns {
            column.truncate(self.rows);
        }
    }

    /// Appends a record of NULLs.
    pub(crate) fn null_row(&mut self) {
        self.abandon_row();
        for column in &mut self.columns {
            column.append_null();
        }
        self.end_row(0);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows >= self.max_rows || self.bytes >= BATCH_BYTES
    }

    /// Hands out the batch and starts the next; `None` when it holds no rows.
    pub(crate) fn finish(&mut self, source: &str) -> Result<Option<RecordBatch>, FormatError> {
        if self.rows == 0 {
            self.bytes = 0;
            return Ok(None);
        }
        let schema_error = |e: arrow::error::ArrowError| {
            FormatError::new(source, Problem::Schema { message: e.to_string() })
        };
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (column, field) in self.columns.iter_mut().zip(self.schema.fields()) {
            arrays.push(column.finish(field.data_type()).map_err(schema_error)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .map_err(schema_error)?;
        self.rows = 0;
        self.bytes = 0;
        Ok(Some(batch))
    }
}
