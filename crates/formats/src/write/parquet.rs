//! Parquet through the `parquet` crate, one row group in memory at a time, with statistics per page.
//!
//! The writer is made for the first rows: columns in which hardly a value comes twice get no dictionary, which would be
//! built, found too large and thrown away.

use std::io;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::distinct::hardly_repeats;
use super::shared::Shared;
use super::{ParquetCodec, WriteOptions};
use crate::error::{FormatError, Problem};

pub(super) struct ParquetEncoder {
    writer: Stage,
    schema: SchemaRef,
    codec: Compression,
    made: Shared,
    row_group_bytes: usize,
}

/// Where the file is.
enum Stage {
    /// No rows yet.
    New,
    Open(Box<ArrowWriter<Shared>>),
    Finished,
}

fn parquet_error(name: &str, error: &ParquetError) -> FormatError {
    FormatError::new(name, Problem::Parquet { message: error.to_string() })
}

fn codec(codec: ParquetCodec) -> Compression {
    match codec {
        ParquetCodec::Snappy => Compression::SNAPPY,
        ParquetCodec::Gzip => Compression::GZIP(GzipLevel::default()),
        ParquetCodec::Zstd => Compression::ZSTD(ZstdLevel::default()),
        ParquetCodec::Uncompressed => Compression::UNCOMPRESSED,
    }
}

impl ParquetEncoder {
    pub(super) fn new(name: &str, schema: SchemaRef, options: &WriteOptions) -> Result<Self, FormatError> {
        ArrowSchemaConverter::new().convert(&schema).map_err(|e| parquet_error(name, &e))?;
        Ok(Self {
            writer: Stage::New,
            schema,
            codec: codec(options.parquet_codec),
            made: Shared::default(),
            row_group_bytes: options.row_group_bytes,
        })
    }

    /// The writer; it is made for `first`, the first rows, when there is none yet.
    fn writer(
        &mut self,
        name: &str,
        first: Option<&RecordBatch>,
    ) -> Result<&mut ArrowWriter<Shared>, FormatError> {
        if let Stage::New = self.writer {
            let properties = self.properties(first);
            let writer = ArrowWriter::try_new(self.made.clone(), self.schema.clone(), Some(properties));
            self.writer = Stage::Open(Box::new(writer.map_err(|e| parquet_error(name, &e))?));
        }
        match &mut self.writer {
            Stage::Open(writer) => Ok(writer),
            Stage::New | Stage::Finished => {
                Err(FormatError::io(name, io::Error::other("the file is finished")))
            }
        }
    }

    fn properties(&self, first: Option<&RecordBatch>) -> WriterProperties {
        let mut builder = WriterProperties::builder()
            .set_compression(self.codec)
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_created_by(concat!("tenon version ", env!("CARGO_PKG_VERSION")).to_owned());
        for (field, values) in self.schema.fields().iter().zip(first.map_or(&[][..], RecordBatch::columns)) {
            if hardly_repeats(values) {
                let path = ColumnPath::new(vec![field.name().clone()]);
                builder = builder.set_column_dictionary_enabled(path, false);
            }
        }
        builder.build()
    }

    pub(super) fn write(&mut self, name: &str, batch: &RecordBatch) -> Result<(), FormatError> {
        let limit = self.row_group_bytes;
        let writer = self.writer(name, Some(batch))?;
        writer.write(batch).map_err(|e| parquet_error(name, &e))?;
        if writer.memory_size() >= limit {
            writer.flush().map_err(|e| parquet_error(name, &e))?;
        }
        Ok(())
    }

    pub(super) fn end_row_group(&mut self, name: &str) -> Result<(), FormatError> {
        match &mut self.writer {
            Stage::Open(writer) => writer.flush().map_err(|e| parquet_error(name, &e)),
            Stage::New | Stage::Finished => Ok(()),
        }
    }

    pub(super) fn buffered_bytes(&self) -> usize {
        match &self.writer {
            Stage::Open(writer) => writer.memory_size(),
            Stage::New | Stage::Finished => 0,
        }
    }

    pub(super) fn finish(&mut self, name: &str) -> Result<(), FormatError> {
        self.writer(name, None)?;
        if let Stage::Open(writer) = std::mem::replace(&mut self.writer, Stage::Finished) {
            writer.close().map_err(|e| parquet_error(name, &e))?;
        }
        Ok(())
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        self.made.take()
    }
}
