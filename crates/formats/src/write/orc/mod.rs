//! ORC: our own writer of plain kinds of columns; [`super::check_writable`] has refused others before a byte is written.
//!
//! The library that reads ORC has a writer, too, which panics where integers have a few large values among small ones.
//!
//! Memory: the rows of the whole file until it is finished, and then their stripes, encoded. Who writes much ends files
//! early (see [`super::Writer::frees_by_flush`]).

mod columns;
mod file;
mod integers;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use self::file::{Codec, OrcFile};
use super::WriteOptions;
use crate::compression::Compression;
use crate::conform::{Spelling, conform_batch};
use crate::error::{FormatError, Problem};
use crate::hive::{HiveType, shown};
use crate::orc::is_writable;

pub(super) struct OrcEncoder {
    schema: SchemaRef,
    codec: Codec,
    stripe_bytes: usize,
    batches: Vec<RecordBatch>,
    /// About what the batches take, in bytes.
    held: usize,
    made: Vec<u8>,
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
        let (stripe_bytes, made) = (options.row_group_bytes, Vec::new());
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
        let mut file = OrcFile::new(self.codec);
        let batches = std::mem::take(&mut self.batches);
        self.held = 0;
        for stripe in stripes(&batches, self.stripe_bytes) {
            file.stripe(&self.schema, stripe).map_err(|message| orc_error(name, message))?;
        }
        self.made = file.finish(&self.schema).map_err(|message| orc_error(name, message))?;
        Ok(())
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.made)
    }
}

/// The batches of each stripe: as many as take about `bytes` in memory, and at least one.
fn stripes(batches: &[RecordBatch], bytes: usize) -> Vec<&[RecordBatch]> {
    let (mut made, mut begin, mut held) = (Vec::new(), 0, 0);
    for (at, batch) in batches.iter().enumerate() {
        held += batch.get_array_memory_size();
        if held >= bytes || at + 1 == batches.len() {
            made.push(&batches[begin..=at]);
            (begin, held) = (at + 1, 0);
        }
    }
    made
}

/// ORC compresses within itself. Errors: the name of a codec that it does not have.
fn codec(compression: Compression) -> Result<Codec, &'static str> {
    Ok(match compression {
        Compression::None => Codec::None,
        Compression::Deflate | Compression::Zlib => Codec::Zlib,
        Compression::Snappy | Compression::HadoopSnappy => Codec::Snappy,
        Compression::Lz4 | Compression::HadoopLz4 => Codec::Lz4,
        Compression::Zstd => Codec::Zstd,
        other => return Err(other.name()),
    })
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
