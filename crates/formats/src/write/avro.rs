//! Avro through the `arrow-avro` crate; every batch becomes a block.
//!
//! Timestamps are written as `timestamp-micros`, which is what Hive and Trino read as `timestamp`. A table's own schema is
//! kept to, see [`OwnSchema`].

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow_avro::compression::CompressionCodec;
use arrow_avro::writer::{AvroWriter, WriterBuilder, format::AvroOcfFormat};

use super::WriteOptions;
use super::shared::Shared;
use crate::avro::OwnSchema;
use crate::compression::Compression;
use crate::conform::{Spelling, conform_batch};
use crate::error::{FormatError, Problem};
use crate::hive::HiveType;
use crate::options::AvroOptions;

pub(super) struct AvroEncoder {
    writer: AvroWriter<Shared>,
    schema: SchemaRef,
    own: Option<OwnSchema>,
    made: Shared,
}

fn avro_error(name: &str, error: impl std::fmt::Display) -> FormatError {
    FormatError::new(name, Problem::Schema { message: error.to_string() })
}

impl AvroEncoder {
    pub(super) fn new(
        name: &str,
        avro: &AvroOptions,
        schema: &Schema,
        options: &WriteOptions,
    ) -> Result<Self, FormatError> {
        let (schema, own) = avro_schema(avro, schema).map_err(|message| avro_error(name, message))?;
        let schema = Arc::new(schema);
        let codec = codec(options.compression).map_err(|what| {
            FormatError::new(name, Problem::Unsupported { what: format!("Avro compressed as {what}") })
        })?;
        let made = Shared::default();
        let writer = WriterBuilder::new(schema.as_ref().clone())
            .with_compression(codec)
            .build::<_, AvroOcfFormat>(made.clone())
            .map_err(|e| avro_error(name, e))?;
        Ok(Self { writer, schema, own, made })
    }

    pub(super) fn write(&mut self, name: &str, batch: &RecordBatch) -> Result<(), FormatError> {
        let spelling = Spelling::of(self.schema.fields().iter().map(|field| field.name()));
        let batch = conform_batch(name, batch, &self.schema, spelling)?;
        if let Some(own) = &self.own {
            own.check(batch.columns()).map_err(|message| avro_error(name, message))?;
        }
        self.writer.write(&batch).map_err(|e| avro_error(name, e))
    }

    pub(super) fn finish(&mut self, name: &str) -> Result<(), FormatError> {
        self.writer.finish().map_err(|e| avro_error(name, e))
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        self.made.take()
    }
}

/// Avro compresses block by block, by codecs of its own list. Errors: the name of one that is not on it.
fn codec(compression: Compression) -> Result<Option<CompressionCodec>, &'static str> {
    Ok(Some(match compression {
        Compression::None => return Ok(None),
        Compression::Deflate | Compression::Zlib => CompressionCodec::Deflate,
        Compression::Snappy | Compression::HadoopSnappy => CompressionCodec::Snappy,
        Compression::Zstd => CompressionCodec::ZStandard,
        Compression::Bzip2 => CompressionCodec::Bzip2,
        Compression::Xz => CompressionCodec::Xz,
        other => return Err(other.name()),
    }))
}

/// The columns as Avro stores them, and the table's schema where it has one that says how they are read. Errors: for
/// people, the column that it cannot.
pub(super) fn avro_schema(
    avro: &AvroOptions,
    schema: &Schema,
) -> Result<(Schema, Option<OwnSchema>), String> {
    let fields = schema.fields().iter().map(|field| {
        let refused = |why: String| format!("column {}: {why}", field.name());
        check_name(field.name()).map_err(refused)?;
        let hive = HiveType::from_arrow(field.data_type()).map_err(|e| refused(e.to_string()))?;
        let data_type = hive.to_arrow().map_err(|e| refused(e.to_string()))?;
        Ok(Field::new(field.name(), avro_type(&data_type).map_err(refused)?, true))
    });
    let plain = Schema::new(fields.collect::<Result<Vec<Field>, String>>()?);
    let own = avro.schema.as_deref().map(|literal| OwnSchema::new(literal, &plain)).transpose()?.flatten();
    let written = own.as_ref().map_or(plain, |own| own.written.clone());
    Ok((written, own))
}

fn check_name(name: &str) -> Result<(), String> {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if first && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Ok(());
    }
    Err(format!("Avro has no name {name:?} (letters, digits and _ only, no digit first)"))
}

fn avro_type(data_type: &DataType) -> Result<DataType, String> {
    let with = |field: &Field, data_type: DataType| Arc::new(field.clone().with_data_type(data_type));
    Ok(match data_type {
        DataType::Int8 | DataType::Int16 => DataType::Int32,
        DataType::Timestamp(..) => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
        DataType::List(item) => DataType::List(with(item, avro_type(item.data_type())?)),
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| {
                check_name(field.name())?;
                Ok(with(field, avro_type(field.data_type())?))
            });
            DataType::Struct(fields.collect::<Result<Vec<_>, String>>()?.into())
        }
        DataType::Map(entries, sorted) => {
            let DataType::Struct(pair) = entries.data_type() else { return Err("it is no map".to_owned()) };
            let [key, value] = pair.as_ref() else { return Err("it is no map".to_owned()) };
            if *key.data_type() != DataType::Utf8 {
                return Err("the keys of Avro's maps are text".to_owned());
            }
            let pair = vec![Arc::clone(key), with(value, avro_type(value.data_type())?)];
            DataType::Map(with(entries, DataType::Struct(pair.into())), *sorted)
        }
        other => other.clone(),
    })
}
