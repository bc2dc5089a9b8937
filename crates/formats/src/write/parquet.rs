//! Parquet through the `parquet` crate, one row group in memory at a time, with statistics per page.

use std::io;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::shared::Shared;
use super::{ParquetCodec, WriteOptions};
use crate::error::{FormatError, Problem};

pub(super) struct ParquetEncoder {
    writer: Option<ArrowWriter<Shared>>,
    made: Shared,
    row_group_bytes: usize,
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
        let properties = WriterProperties::builder()
            .set_compression(codec(options.parquet_codec))
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_created_by(concat!("tenon version ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let made = Shared::default();
        let writer = ArrowWriter::try_new(made.clone(), schema, Some(properties))
            .map_err(|e| parquet_error(name, &e))?;
        Ok(Self { writer: Some(writer), made, row_group_bytes: options.row_group_bytes })
    }

    fn writer(&mut self, name: &str) -> Result<&mut ArrowWriter<Shared>, FormatError> {
        let finished = || FormatError::io(name, io::Error::other("the file is finished"));
        self.writer.as_mut().ok_or_else(finished)
    }

    pub(super) fn write(&mut self, name: &str, batch: &RecordBatch) -> Result<(), FormatError> {
        let limit = self.row_group_bytes;
        let writer = self.writer(name)?;
        writer.write(batch).map_err(|e| parquet_error(name, &e))?;
        if writer.memory_size() >= limit {
            writer.flush().map_err(|e| parquet_error(name, &e))?;
        }
        Ok(())
    }

    pub(super) fn end_row_group(&mut self, name: &str) -> Result<(), FormatError> {
        self.writer(name)?.flush().map_err(|e| parquet_error(name, &e))
    }

    pub(super) fn buffered_bytes(&self) -> usize {
        self.writer.as_ref().map_or(0, ArrowWriter::memory_size)
    }

    pub(super) fn finish(&mut self, name: &str) -> Result<(), FormatError> {
        if let Some(writer) = self.writer.take() {
            writer.close().map_err(|e| parquet_error(name, &e))?;
        }
        Ok(())
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        self.made.take()
    }
}
