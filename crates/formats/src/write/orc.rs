//! ORC through the `orc-rust` crate. Its writer knows plain kinds of columns only and panics on others:
//! [`super::check_writable`] has refused those before a byte is written.
//!
//! Memory: the whole file until it is finished, because the crate's writer cannot be kept where work moves between
//! threads. Who writes much ends files early (see [`super::Writer::frees_by_flush`]).

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use orc_rust::ArrowWriterBuilder;
use orc_rust::compression::CompressionType;

use super::WriteOptions;
use super::shared::Shared;
use crate::compression::Compression;
use crate::conform::{Spelling, conform_batch};
use crate::error::{FormatError, Problem};
use crate::hive::{HiveType, shown};
use crate::orc::is_writable;

pub(super) struct OrcEncoder {
    schema: SchemaRef,
    codec: Option<CompressionType>,
    stripe_bytes: usize,
    batches: Vec<RecordBatch>,
    /// About what the batches take, in bytes.
    held: usize,
    made: Shared,
}

fn orc_error(name: &str, error: impl std::fmt::Display) -> FormatError {
    FormatError::new(name, Problem::Schema { message: error.to_string() })
}

impl OrcEncoder {
    pub(super) fn new(name: &str, schema: &Schema, options: &WriteOptions) -> Result<Self, FormatError> {
        let schema = Arc::new(orc_schema(schema).map_err(|message| orc_error(name, message))?);
        let codec = codec(options.compression).map_err(|what| {
            FormatError::new(name, Problem::Unsupported { what: format!("ORC compressed as {what}") })
        })?;
        let (stripe_bytes, made) = (options.row_group_bytes, Shared::default());
        Ok(Self { schema, codec, stripe_bytes, batches: Vec::new(), held: 0, made })
    }

    pub(super) fn write(&mut self, name: &str, batch: &RecordBatch) -> Result<(), FormatError> {
        let spelling = Spelling::of(self.schema.fields().iter().map(|field| field.name()));
        let batch = conform_batch(name, batch, &self.schema, spelling)?;
        self.held += batch.get_array_memory_size();
        self.batches.push(batch);
        Ok(())
    }

    pub(super) fn buffered_bytes(&self) -> usize {
        self.held
    }

    pub(super) fn finish(&mut self, name: &str) -> Result<(), FormatError> {
        let mut builder = ArrowWriterBuilder::new(self.made.clone(), Arc::clone(&self.schema))
            .with_stripe_byte_size(self.stripe_bytes);
        if let Some(codec) = self.codec {
            builder = builder.with_compression(codec);
        }
        let mut writer = builder.try_build().map_err(|e| orc_error(name, e))?;
        self.held = 0;
        for batch in self.batches.drain(..) {
            writer.write(&batch).map_err(|e| orc_error(name, e))?;
        }
        writer.close().map_err(|e| orc_error(name, e))
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        self.made.take()
    }
}

/// ORC compresses within itself. Errors: the name of a codec that it does not have.
fn codec(compression: Compression) -> Result<Option<CompressionType>, &'static str> {
    Ok(Some(match compression {
        Compression::None => return Ok(None),
        Compression::Deflate | Compression::Zlib => CompressionType::Zlib,
        Compression::Snappy | Compression::HadoopSnappy => CompressionType::Snappy,
        Compression::Lz4 | Compression::HadoopLz4 => CompressionType::Lz4,
        Compression::Zstd => CompressionType::Zstd,
        other => return Err(other.name()),
    }))
}

/// The columns as ORC stores them. Errors: for people, the column that the writer cannot write.
pub(super) fn orc_schema(schema: &Schema) -> Result<Schema, String> {
    let fields = schema.fields().iter().map(|field| {
        let refused = || {
            let held = field.data_type();
            let shown = shown(held);
            let zoned =
                if matches!(held, DataType::Timestamp(_, Some(_))) { " with a time zone" } else { "" };
            format!("column {} ({shown}{zoned}) cannot be written as ORC", field.name())
        };
        let data_type = match field.data_type() {
            DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
            zoned @ DataType::Timestamp(..) => zoned.clone(),
            other => HiveType::from_arrow(other).and_then(|hive| hive.to_arrow()).map_err(|_| refused())?,
        };
        if !is_writable(&data_type) {
            return Err(refused());
        }
        Ok(Field::new(field.name(), data_type, true))
    });
    Ok(Schema::new(fields.collect::<Result<Vec<Field>, String>>()?))
}
