//! Files whose columns are all of plain types.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use parquet::arrow::add_encoded_arrow_schema_to_metadata;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::SchemaDescriptor;

use super::CREATED_BY;
use super::any::codec;
use super::column::{Column, Tools, is_plain};
use crate::write::shared::Shared;
use crate::write::{ParquetCodec, Part, WriteOptions};

/// A row group ends at so many rows, whatever its size.
const ROW_GROUP_ROWS: usize = 1 << 20;

/// Buffers for encoding pages, which writers share: a thousand open files take no more than as many as encode at one
/// time, and none waits for another. Empty at first; clones share them.
#[derive(Clone, Default)]
pub struct Scratch(Arc<Mutex<Vec<Tools>>>);

impl Scratch {
    /// Lends buffers that nobody else has to `encode`. They are lost when it fails.
    fn lend<T>(
        &self,
        codec: ParquetCodec,
        encode: impl FnOnce(&mut Tools) -> Result<T, ParquetError>,
    ) -> Result<T, ParquetError> {
        let idle = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        // What is left in them has no meaning for the next page.
        let mut tools = idle.unwrap_or_default();
        tools.compressor.codec = codec;
        let encoded = encode(&mut tools)?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(tools);
        Ok(encoded)
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scratch")
    }
}

pub(in crate::write) struct FlatEncoder {
    /// `None` once the file is finished.
    file: Option<SerializedFileWriter<Shared>>,
    columns: Vec<Column>,
    scratch: Scratch,
    codec: ParquetCodec,
    /// In the row group at hand.
    rows: usize,
    made: Shared,
    row_group_bytes: usize,
}

impl FlatEncoder {
    /// Begins a file; `None` when it has a column that is not plain.
    pub(super) fn new(
        schema: &SchemaRef,
        descr: &SchemaDescriptor,
        options: &WriteOptions,
    ) -> Result<Option<Self>, ParquetError> {
        if !schema.fields().iter().all(|field| is_plain(field.data_type())) {
            return Ok(None);
        }
        let mut properties = WriterProperties::builder().set_created_by(CREATED_BY.to_owned()).build();
        add_encoded_arrow_schema_to_metadata(schema, &mut properties);
        let made = Shared::default();
        let file = SerializedFileWriter::new(made.clone(), descr.root_schema_ptr(), Arc::new(properties))?;
        let columns = file.schema_descr().columns().iter().enumerate();
        let columns = columns.map(|(number, column)| Column::new(number, column.clone()));
        Ok(Some(Self {
            columns: columns.collect(),
            file: Some(file),
            scratch: options.scratch.clone(),
            codec: options.parquet_codec,
            rows: 0,
            made,
            row_group_bytes: options.row_group_bytes,
        }))
    }

    pub(super) fn write(&mut self, parts: &[Part<'_>]) -> Result<(), ParquetError> {
        let columns = &mut self.columns;
        self.scratch.lend(self.codec, |tools| {
            for part in parts {
                for (column, array) in columns.iter_mut().zip(part.batch.columns()) {
                    column.append(array, part.rows, tools)?;
                }
            }
            Ok(())
        })?;
        self.rows += parts.iter().map(Part::len).sum::<usize>();
        if self.rows >= ROW_GROUP_ROWS || self.buffered_bytes() >= self.row_group_bytes {
            self.end_row_group()?;
        }
        Ok(())
    }

    /// Also gives the memory of the row group back.
    pub(super) fn end_row_group(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        let Some(file) = &mut self.file else {
            return Err(ParquetError::General("the file is finished".to_owned()));
        };
        let mut group = file.next_row_group()?;
        let columns = &mut self.columns;
        self.scratch.lend(self.codec, |tools| {
            for column in columns {
                let (pages, close) = column.finish(codec(self.codec), tools)?;
                group.append_column(&pages, close)?;
            }
            Ok(())
        })?;
        group.close()?;
        self.rows = 0;
        Ok(())
    }

    pub(super) fn buffered_bytes(&self) -> usize {
        if self.rows == 0 {
            return 0;
        }
        self.columns.iter().map(Column::bytes).sum()
    }

    /// What the row group at hand will take in the file, about.
    pub(super) fn expected_bytes(&self) -> usize {
        if self.rows == 0 {
            return 0;
        }
        self.columns.iter().map(Column::expected_bytes).sum()
    }

    pub(super) fn finish(&mut self) -> Result<(), ParquetError> {
        self.end_row_group()?;
        match self.file.take() {
            Some(file) => file.close().map(|_| ()),
            None => Err(ParquetError::General("the file is finished".to_owned())),
        }
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        self.made.take()
    }
}
