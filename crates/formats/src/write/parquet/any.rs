//! Columns of any type, through the `parquet` crate.
//!
//! The writer is made for the first rows: columns in which hardly a value comes twice get no dictionary, which would be
//! built, found too large and thrown away.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::CREATED_BY;
use crate::write::distinct::hardly_repeats;
use crate::write::shared::Shared;
use crate::write::{ParquetCodec, Part, WriteOptions, gathered};

pub(in crate::write) struct AnyEncoder {
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

pub(super) fn codec(codec: ParquetCodec) -> Compression {
    match codec {
        ParquetCodec::Snappy => Compression::SNAPPY,
        ParquetCodec::Gzip => Compression::GZIP(GzipLevel::default()),
        ParquetCodec::Zstd => Compression::ZSTD(ZstdLevel::default()),
        ParquetCodec::Uncompressed => Compression::UNCOMPRESSED,
    }
}

impl AnyEncoder {
    pub(super) fn new(schema: SchemaRef, options: &WriteOptions) -> Self {
        Self {
            writer: Stage::New,
            schema,
            codec: codec(options.parquet_codec),
            made: Shared::default(),
            row_group_bytes: options.row_group_bytes,
        }
    }

    /// The writer; it is made for `first`, the first rows, when there is none yet.
    fn writer(&mut self, first: Option<&RecordBatch>) -> Result<&mut ArrowWriter<Shared>, ParquetError> {
        if let Stage::New = self.writer {
            let properties = self.properties(first);
            let writer = ArrowWriter::try_new(self.made.clone(), self.schema.clone(), Some(properties))?;
            self.writer = Stage::Open(Box::new(writer));
        }
        match &mut self.writer {
            Stage::Open(writer) => Ok(writer),
            Stage::New | Stage::Finished => Err(ParquetError::General("the file is finished".to_owned())),
        }
    }

    fn properties(&self, first: Option<&RecordBatch>) -> WriterProperties {
        let mut builder = WriterProperties::builder()
            .set_compression(self.codec)
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_created_by(CREATED_BY.to_owned());
        for (field, values) in self.schema.fields().iter().zip(first.map_or(&[][..], RecordBatch::columns)) {
            if hardly_repeats(values) {
                let path = ColumnPath::new(vec![field.name().clone()]);
                builder = builder.set_column_dictionary_enabled(path, false);
            }
        }
        builder.build()
    }

    pub(super) fn write(&mut self, parts: &[Part<'_>]) -> Result<(), ParquetError> {
        let batch = gathered(parts)?;
        let limit = self.row_group_bytes;
        let writer = self.writer(Some(&batch))?;
        writer.write(&batch)?;
        if writer.memory_size() >= limit { writer.flush() } else { Ok(()) }
    }

    pub(super) fn end_row_group(&mut self) -> Result<(), ParquetError> {
        match &mut self.writer {
            Stage::Open(writer) => writer.flush(),
            Stage::New | Stage::Finished => Ok(()),
        }
    }

    pub(super) fn buffered_bytes(&self) -> usize {
        match &self.writer {
            Stage::Open(writer) => writer.memory_size(),
            Stage::New | Stage::Finished => 0,
        }
    }

    /// What the row group at hand will take in the file, about.
    pub(super) fn expected_bytes(&self) -> usize {
        match &self.writer {
            Stage::Open(writer) => writer.in_progress_size(),
            Stage::New | Stage::Finished => 0,
        }
    }

    pub(super) fn finish(&mut self) -> Result<(), ParquetError> {
        self.writer(None)?;
        if let Stage::Open(writer) = std::mem::replace(&mut self.writer, Stage::Finished) {
            writer.close()?;
        }
        Ok(())
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        self.made.take()
    }
}
