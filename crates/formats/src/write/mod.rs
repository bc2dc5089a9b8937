//! Writing record batches as files.
//!
//! A writer holds what its format needs in memory (for text a small buffer, for Parquet the row group at hand, for ORC the file) and
//! hands finished bytes to its sink; many can be open at once: [`Writer::buffered_bytes`] tells the caller which to
//! flush. Nothing is a file until `finish` has returned: dropping a writer leaves what the sink got without a footer.

mod avro;
mod columns;
mod compress;
mod csv;
mod distinct;
mod intern;
mod json;
mod orc;
mod parquet;
mod router;
mod shared;
mod spelling;
mod xml;

use std::iter;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{interleave_record_batch, take_record_batch};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use bytes::Bytes;

use crate::compression::Compression;
use crate::error::{FormatError, Problem};
use crate::options::Format;
use crate::source::ByteSink;

pub use columns::check_writable;
pub use parquet::Scratch;
pub use router::{Group, Naming, Partitions, Router};

/// How to write.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// Compression: of the whole file for text, within the file for Avro and ORC; for Parquet, see `parquet_codec`. What a
    /// format does not have is an error. Default none.
    pub compression: Compression,
    /// Parquet's page compression: `snappy` (default), `gzip`, `zstd` or `uncompressed`.
    pub parquet_codec: ParquetCodec,
    /// CSV: whether a header line with the column names is written. Default true.
    pub header: bool,
    /// A Parquet row group, or an ORC stripe, ends at about this size in memory. Default 32 MiB.
    pub row_group_bytes: usize,
    /// Buffers that writers share which take turns.
    pub scratch: Scratch,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            compression: Compression::None,
            parquet_codec: ParquetCodec::Snappy,
            header: true,
            row_group_bytes: 32 << 20,
            scratch: Scratch::default(),
        }
    }
}

/// Parquet's page compression.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ParquetCodec {
    /// Snappy, the default everywhere.
    #[default]
    Snappy,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
    /// None.
    Uncompressed,
}

/// Some rows of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Part<'b> {
    /// The batch.
    pub batch: &'b RecordBatch,
    /// Which of its rows, in this order; all of them where it says nothing.
    pub rows: Option<&'b [u32]>,
}

impl Part<'_> {
    /// How many rows they are.
    pub fn len(&self) -> usize {
        self.rows.map_or(self.batch.num_rows(), <[u32]>::len)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The rows of all parts as one batch.
fn gathered(parts: &[Part<'_>]) -> Result<RecordBatch, ArrowError> {
    match parts {
        [Part { batch, rows: None }] => Ok((*batch).clone()),
        [Part { batch, rows: Some(rows) }] => take_record_batch(batch, &UInt32Array::from(rows.to_vec())),
        parts => {
            let batches: Vec<&RecordBatch> = parts.iter().map(|part| part.batch).collect();
            let mut places = Vec::with_capacity(parts.iter().map(Part::len).sum());
            for (at, part) in parts.iter().enumerate() {
                match part.rows {
                    Some(rows) => places.extend(rows.iter().map(|row| (at, *row as usize))),
                    None => places.extend((0..part.batch.num_rows()).map(|row| (at, row))),
                }
            }
            // The schema of the first counts for all.
            let first = nullable(parts[0].batch)?;
            let batches: Vec<&RecordBatch> = iter::once(&first).chain(batches.into_iter().skip(1)).collect();
            interleave_record_batch(&batches, &places)
        }
    }
}

/// The batch with columns that may be NULL. Batches of one plan differ in that: a partition's key is a constant of its
/// files, which one partition has and another has not.
fn nullable(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    let fields: Vec<Field> = fields.collect();
    batch.clone().with_schema(Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())))
}

/// What a finished file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// Rows written.
    pub rows: u64,
    /// Bytes handed to the sink.
    pub bytes: u64,
}

enum Encoder {
    Csv(csv::CsvEncoder),
    Json(json::JsonEncoder),
    Xml(Box<xml::XmlEncoder>),
    Parquet(Box<parquet::ParquetEncoder>),
    Avro(Box<avro::AvroEncoder>),
    Orc(Box<orc::OrcEncoder>),
}

/// Writes one file into a sink.
pub struct Writer<S> {
    name: String,
    schema: SchemaRef,
    encoder: Encoder,
    sink: S,
    rows: u64,
    bytes: u64,
}

impl<S: ByteSink> Writer<S> {
    /// Begins a file; `name` is for error messages. Errors: columns or options that the format cannot hold.
    pub fn new(
        name: impl Into<String>,
        format: &Format,
        schema: SchemaRef,
        options: &WriteOptions,
        sink: S,
    ) -> Result<Self, FormatError> {
        let name = name.into();
        check_writable(format, &schema)
            .map_err(|message| FormatError::new(&name, Problem::Schema { message }))?;
        let encoder = match format {
            Format::Csv(csv) => Encoder::Csv(csv::CsvEncoder::new(&name, csv, &schema, options)?),
            Format::Json(json) => Encoder::Json(json::JsonEncoder::new(&name, json, &schema, options)?),
            Format::Xml(xml) => Encoder::Xml(Box::new(xml::XmlEncoder::new(&name, xml, &schema, options)?)),
            Format::Lines(_) | Format::Ion(_) => {
                let what = format!("writing {}", format.classification());
                return Err(FormatError::new(&name, Problem::Unsupported { what }));
            }
            Format::Parquet(_) => {
                Encoder::Parquet(Box::new(parquet::ParquetEncoder::new(&name, Arc::clone(&schema), options)?))
            }
            Format::Avro(avro) => {
                Encoder::Avro(Box::new(avro::AvroEncoder::new(&name, avro, &schema, options)?))
            }
            Format::Excel(_) => {
                let what = "writing Excel workbooks".to_owned();
                return Err(FormatError::new(&name, Problem::Unsupported { what }));
            }
            Format::Orc(_) => Encoder::Orc(Box::new(orc::OrcEncoder::new(&name, &schema, options)?)),
        };
        Ok(Self { name, schema, encoder, sink, rows: 0, bytes: 0 })
    }

    /// Appends a batch, which must have the writer's schema.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        self.write_parts(&[Part { batch, rows: None }]).await
    }

    /// Appends rows of batches that have the writer's schema.
    pub async fn write_parts(&mut self, parts: &[Part<'_>]) -> Result<(), FormatError> {
        self.encode(parts)?;
        self.rows += parts.iter().map(Part::len).sum::<usize>() as u64;
        self.pass_on().await
    }

    fn encode(&mut self, parts: &[Part<'_>]) -> Result<(), FormatError> {
        let wanted = self.schema.fields().len();
        if let Some(other) = parts.iter().find(|part| part.batch.num_columns() != wanted) {
            let message = format!("{} columns where {wanted} are wanted", other.batch.num_columns());
            return Err(FormatError::new(&self.name, Problem::Schema { message }));
        }
        if parts.iter().all(Part::is_empty) {
            return Ok(());
        }
        if let Encoder::Parquet(encoder) = &mut self.encoder {
            return encoder.write(&self.name, parts);
        }
        let batch = gathered(parts)
            .map_err(|error| FormatError::new(&self.name, Problem::Schema { message: error.to_string() }))?;
        match &mut self.encoder {
            Encoder::Csv(encoder) => encoder.write(&self.name, &batch),
            Encoder::Json(encoder) => encoder.write(&self.name, &batch),
            Encoder::Xml(encoder) => encoder.write(&self.name, &batch),
            Encoder::Avro(encoder) => encoder.write(&self.name, &batch),
            Encoder::Orc(encoder) => encoder.write(&self.name, &batch),
            Encoder::Parquet(_) => Ok(()),
        }
    }

    /// Bytes of rows that are held in memory, about.
    pub fn buffered_bytes(&self) -> usize {
        match &self.encoder {
            Encoder::Csv(_) | Encoder::Json(_) | Encoder::Xml(_) | Encoder::Avro(_) => 0,
            Encoder::Orc(encoder) => encoder.buffered_bytes(),
            Encoder::Parquet(encoder) => encoder.buffered_bytes(),
        }
    }

    /// Bytes that these rows will take in the file, about; of ORC what they take in memory, which is more.
    pub fn expected_bytes(&self) -> usize {
        match &self.encoder {
            Encoder::Parquet(encoder) => encoder.expected_bytes(),
            _ => self.buffered_bytes(),
        }
    }

    /// What is held besides as long as the file is open, about, and does not grow with it: the codec of compressed text.
    pub fn state_bytes(&self) -> usize {
        match &self.encoder {
            Encoder::Csv(encoder) => encoder.state_bytes(),
            Encoder::Json(encoder) => encoder.state_bytes(),
            Encoder::Xml(encoder) => encoder.state_bytes(),
            Encoder::Avro(_) | Encoder::Orc(_) | Encoder::Parquet(_) => 0,
        }
    }

    /// The sink, for what only its owner knows how to ask of it; its bytes are the writer's affair.
    pub fn sink_mut(&mut self) -> &mut S {
        &mut self.sink
    }

    /// Rows written so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether [`Self::flush`] gives memory back; of ORC only finishing does.
    pub fn frees_by_flush(&self) -> bool {
        !matches!(self.encoder, Encoder::Orc(_))
    }

    /// Hands finished bytes to the sink; Parquet ends its row group. ORC keeps its rows until the file is finished.
    pub async fn flush(&mut self) -> Result<(), FormatError> {
        if let Encoder::Parquet(encoder) = &mut self.encoder {
            encoder.end_row_group(&self.name)?;
        }
        self.pass_on().await
    }

    /// Ends the file and gives the sink back. The sink is not closed: that is its owner's affair.
    pub async fn finish(mut self) -> Result<(S, Finished), FormatError> {
        match &mut self.encoder {
            Encoder::Csv(encoder) => encoder.finish(&self.name)?,
            Encoder::Json(encoder) => encoder.finish(&self.name)?,
            Encoder::Xml(encoder) => encoder.finish(&self.name)?,
            Encoder::Parquet(encoder) => encoder.finish(&self.name)?,
            Encoder::Avro(encoder) => encoder.finish(&self.name)?,
            Encoder::Orc(encoder) => encoder.finish(&self.name)?,
        }
        self.pass_on().await?;
        Ok((self.sink, Finished { rows: self.rows, bytes: self.bytes }))
    }

    async fn pass_on(&mut self) -> Result<(), FormatError> {
        let bytes = match &mut self.encoder {
            Encoder::Csv(encoder) => encoder.take(),
            Encoder::Json(encoder) => encoder.take(),
            Encoder::Xml(encoder) => encoder.take(),
            Encoder::Parquet(encoder) => encoder.take(),
            Encoder::Avro(encoder) => encoder.take(),
            Encoder::Orc(encoder) => encoder.take(),
        };
        if bytes.is_empty() {
            return Ok(());
        }
        self.bytes += bytes.len() as u64;
        self.sink.write(Bytes::from(bytes)).await.map_err(|e| FormatError::io(&self.name, e))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, StringArray};
    use futures::executor::block_on;

    use super::*;
    use crate::options::{AvroOptions, CsvOptions, JsonOptions, OrcOptions, ParquetOptions};
    use crate::source::MemorySink;

    /// Rows of a partition with a key and of the one without, as a plan gives them.
    #[test]
    fn batches_with_and_without_nulls_go_into_one_file() {
        let batch = |key: Option<&str>| {
            let field = Field::new("k", arrow::datatypes::DataType::Utf8, key.is_none());
            let column: ArrayRef = Arc::new(StringArray::from(vec![key, key]));
            RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]).unwrap()
        };
        let (keyed, keyless) = (batch(Some("1")), batch(None));
        let schema = keyless.schema();
        for format in [
            Format::Csv(CsvOptions::standard()),
            Format::Json(JsonOptions::default()),
            Format::Parquet(ParquetOptions::default()),
            Format::Avro(AvroOptions::default()),
            Format::Orc(OrcOptions::default()),
        ] {
            let options = WriteOptions::default();
            let sink = MemorySink::default();
            let mut writer = Writer::new("f", &format, Arc::clone(&schema), &options, sink).unwrap();
            let parts = [&keyed, &keyless, &keyed].map(|batch| Part { batch, rows: Some(&[1]) });
            block_on(writer.write_parts(&parts)).unwrap();
            let (_, finished) = block_on(writer.finish()).unwrap();
            assert_eq!(finished.rows, 3, "{}", format.classification());
        }
    }
}
