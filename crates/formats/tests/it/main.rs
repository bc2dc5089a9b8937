//! Reading, writing and recognising files through the public interface.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail like tests")]

mod bad_input;
mod codecs;
mod csv_blocks;
mod excel;
mod hints;
mod infer;
mod ion;
mod json_records;
mod lines;
mod names;
mod orc_values;
mod parquet_flat;
mod parquet_pages;
mod parquet_types;
mod properties;
mod reading;
mod serdes;
mod typed;
mod workbook_files;
mod workbook_limits;
mod workbooks;
mod xml;
mod xml_writing;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use formats::hive::HiveType;
use formats::{ByteSource, Format, FormatError, MemorySource, ReadOptions, Strictness, read};
use futures::TryStreamExt;
use futures::executor::block_on;
use proptest::prelude::{Just, Strategy, prop_oneof};

/// A schema from `name type` pairs in Hive's words.
fn schema(columns: &[(&str, &str)]) -> SchemaRef {
    let field = |(name, ty): &(&str, &str)| {
        let ty: HiveType = ty.parse().unwrap();
        Field::new(*name, ty.to_arrow().unwrap(), true)
    };
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

fn source(name: &str, data: impl Into<Vec<u8>>) -> Arc<dyn ByteSource> {
    Arc::new(MemorySource::new(name, data.into()))
}

fn read_all(
    source: &Arc<dyn ByteSource>,
    format: &Format,
    schema: &SchemaRef,
    options: ReadOptions,
) -> Result<RecordBatch, FormatError> {
    let batches: Result<Vec<_>, _> = block_on(
        read(Arc::clone(source), 0..source.size(), format, Arc::clone(schema), options).try_collect(),
    );
    Ok(concat_batches(schema, &batches?).unwrap())
}

/// Rows as text, NULL as `∅`.
fn rows(batch: &RecordBatch) -> Vec<Vec<String>> {
    let options = FormatOptions::new().with_null("∅");
    let columns: Vec<_> =
        batch.columns().iter().map(|c| ArrayFormatter::try_new(c.as_ref(), &options).unwrap()).collect();
    (0..batch.num_rows()).map(|row| columns.iter().map(|c| c.value(row).to_string()).collect()).collect()
}

fn text_schema(columns: usize) -> SchemaRef {
    Arc::new(Schema::new(
        (0..columns).map(|i| Field::new(format!("c{i}"), DataType::Utf8, true)).collect::<Vec<_>>(),
    ))
}

fn names(columns: usize) -> Vec<String> {
    (0..columns).map(|i| format!("c{i}")).collect()
}

/// Any strictness.
fn strictness() -> impl Strategy<Value = Strictness> {
    prop_oneof![Just(Strictness::Dialect), Just(Strictness::EvenRows), Just(Strictness::Values)]
}
