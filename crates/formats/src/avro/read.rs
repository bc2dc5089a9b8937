//! Reading: blocks, checked, to record batches of the wanted columns.

use std::io::Cursor;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use arrow_avro::reader::{Reader, ReaderBuilder};
use arrow_avro::schema::AvroSchema;
use serde_json::Value;

use super::container::{Blocks, SYNC_BYTES, put_number};
use super::names::paired;
use super::walk::Shapes;
use super::{MAGIC, damaged, file_schema, nulls, schema};
use crate::conform::{Spelling, conform_batch, place};
use crate::error::{FormatError, Problem};
use crate::options::{AvroOptions, ReadOptions};
use crate::source::ByteSource;

/// Blocks are decoded together up to this many bytes.
const GROUP_BYTES: usize = 1 << 20;

pub(crate) struct AvroReader {
    name: String,
    blocks: Blocks,
    shapes: Shapes,
    plan: Plan,
    wanted: SchemaRef,
    spelling: Spelling,
    batch_rows: usize,
    decoding: Option<Reader<Cursor<Vec<u8>>>>,
    /// Rows to hand out when no column is wanted.
    counted: u64,
}

/// How the decoder is set up, block group for block group.
struct Plan {
    writer: Value,
    reader: Option<String>,
    projection: Option<Vec<usize>>,
}

impl Plan {
    /// A decoder over a file of our own making: the writer's schema, no compression, these blocks.
    fn decoder(&self, blocks: &[u8], rows: usize) -> Result<Reader<Cursor<Vec<u8>>>, String> {
        let mut builder = ReaderBuilder::new().with_batch_size(rows);
        if let Some(reader) = &self.reader {
            builder = builder.with_reader_schema(AvroSchema::new(reader.clone()));
        }
        if let Some(projection) = &self.projection {
            builder = builder.with_projection(projection.clone());
        }
        let mut file = file_header(&self.writer);
        file.extend_from_slice(blocks);
        builder.build(Cursor::new(file)).map_err(|e| e.to_string())
    }
}

fn file_header(writer: &Value) -> Vec<u8> {
    let schema = writer.to_string();
    let mut file = MAGIC.to_vec();
    put_number(&mut file, 1);
    for text in ["avro.schema", schema.as_str()] {
        put_number(&mut file, text.len() as i64);
        file.extend_from_slice(text.as_bytes());
    }
    put_number(&mut file, 0);
    file.extend_from_slice(&[0; SYNC_BYTES]);
    file
}

/// The Arrow schema of a file with this writer's schema. Errors: for people.
pub(super) fn arrow_schema(writer: &Value) -> Result<SchemaRef, String> {
    let plan = Plan { writer: writer.clone(), reader: None, projection: None };
    Ok(plan.decoder(&[], 1)?.schema())
}

impl AvroReader {
    pub(crate) async fn open(
        source: Arc<dyn ByteSource>,
        range: Range<u64>,
        options: &AvroOptions,
        wanted: SchemaRef,
        read: &ReadOptions,
    ) -> Result<Self, FormatError> {
        let name = source.name().to_owned();
        let blocks = Blocks::open(&*source, range).await?;
        let writer = file_schema(&name, &blocks.header().schema)?;
        let shapes = Shapes::new(&writer).map_err(|e| damaged(&name, e))?;
        let spelling = read.spelling;
        let plan = plan(&name, writer, options, &wanted, spelling)?;
        let batch_rows = read.batch_rows.max(1);
        Ok(Self { name, blocks, shapes, plan, wanted, spelling, batch_rows, decoding: None, counted: 0 })
    }

    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>, FormatError> {
        if self.wanted.fields().is_empty() {
            return self.count().await;
        }
        loop {
            if let Some(decoder) = &mut self.decoding {
                match decoder.next() {
                    Some(Ok(batch)) if batch.num_rows() == 0 => continue,
                    Some(Ok(batch)) => {
                        return conform_batch(&self.name, &batch, &self.wanted, self.spelling).map(Some);
                    }
                    Some(Err(e)) => return Err(damaged(&self.name, e.to_string())),
                    None => self.decoding = None,
                }
            }
            let mut group = Vec::new();
            while group.len() < GROUP_BYTES
                && let Some(block) = self.blocks.next().await?
            {
                self.shapes.check(&block.data, block.count).map_err(|e| damaged(&self.name, e))?;
                put_number(&mut group, block.count as i64);
                put_number(&mut group, block.data.len() as i64);
                group.extend_from_slice(&block.data);
                group.extend_from_slice(&[0; SYNC_BYTES]);
            }
            if group.is_empty() {
                return Ok(None);
            }
            let decoder = self.plan.decoder(&group, self.batch_rows);
            self.decoding = Some(decoder.map_err(|e| damaged(&self.name, e))?);
        }
    }

    async fn count(&mut self) -> Result<Option<RecordBatch>, FormatError> {
        while self.counted == 0 {
            let Some(block) = self.blocks.next().await? else { return Ok(None) };
            self.shapes.check(&block.data, block.count).map_err(|e| damaged(&self.name, e))?;
            self.counted = block.count;
        }
        let rows = self.counted.min(self.batch_rows as u64);
        self.counted -= rows;
        let options = RecordBatchOptions::new().with_row_count(Some(rows as usize));
        RecordBatch::try_new_with_options(Arc::clone(&self.wanted), Vec::new(), &options)
            .map(Some)
            .map_err(|e| FormatError::new(&self.name, Problem::Schema { message: e.to_string() }))
    }
}

/// Sets the decoder up for the wanted columns: through the table's own schema when it has one that differs from the
/// file's, so that its defaults and aliases count.
fn plan(
    name: &str,
    writer: Value,
    options: &AvroOptions,
    wanted: &SchemaRef,
    spelling: Spelling,
) -> Result<Plan, FormatError> {
    let schema_error = |message: String| FormatError::new(name, Problem::Schema { message });
    let own = options.schema.as_deref().map(schema::parse).transpose();
    let own = own.map_err(|e| schema_error(format!("avro.schema.literal of the table: {e}")))?;
    // A table may have gained columns since its schema was written down; then that says less than the files do.
    let covers = |own: &Value| {
        let names = schema::names(own);
        let has = |name: &str| matches!(place(names.iter(), name, spelling), Ok(Some(_)));
        wanted.fields().iter().all(|field| has(field.name()))
    };
    let own = own.filter(|own| *own != writer && covers(own));
    let fields = schema::names(own.as_ref().unwrap_or(&writer));
    let mut projection: Vec<usize> = Vec::with_capacity(wanted.fields().len());
    for field in wanted.fields() {
        projection.extend(place(fields.iter(), field.name(), spelling).map_err(schema_error)?);
    }
    projection.sort_unstable();
    projection.dedup();
    if projection.is_empty() && !fields.is_empty() {
        // None of the wanted columns is there: any column gives the number of rows.
        projection.push(0);
    }
    let allowed = nulls::allowed(own.as_ref().unwrap_or(&writer));
    let own = allowed.filter(|made| schema::recursive(made).is_none()).or(own);
    let (writer, reader) = match &own {
        Some(own) => {
            if let Some(record) = schema::recursive(own) {
                let what = format!("an avro.schema.literal that contains itself (the record {record})");
                return Err(FormatError::new(name, Problem::Unsupported { what }));
            }
            let (writer, reader) = paired(&writer, own).map_err(schema_error)?;
            (writer, Some(reader.to_string()))
        }
        None => (writer, None),
    };
    let mut plan = Plan { writer, reader, projection: Some(projection) };
    if let Err(error) = plan.decoder(&[], 1) {
        // A dropped column may be where a type was defined that a wanted one refers to.
        plan.projection = None;
        plan.decoder(&[], 1).map_err(|_| {
            let whose = if own.is_some() { "the file's schema and the table's: " } else { "the schema: " };
            schema_error(format!("{whose}{error}"))
        })?;
    }
    Ok(plan)
}
