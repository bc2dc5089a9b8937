//! Reading: stripe for stripe to record batches of the wanted columns.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use orc_rust::projection::ProjectionMask;
use orc_rust::reader::metadata::FileMetadata;
use orc_rust::{ArrowReader, ArrowReaderBuilder, TimestampPrecision};

use super::fetch::{Parts, fetch, tail};
use super::infer::arrow_schema;
use super::moments::{as_decimals, early, restore};
use super::{MAX_STRIPE_BYTES, damaged};
use crate::conform::{Spelling, conform_batch, place, unclear};
use crate::error::{FormatError, Problem};
use crate::options::{OrcOptions, ReadOptions};
use crate::source::ByteSource;

/// Where a stripe lies and how many rows it has.
struct Stripe {
    range: Range<u64>,
    rows: u64,
}

pub(crate) struct OrcReader {
    name: String,
    source: Arc<dyn ByteSource>,
    parts: Parts,
    stripes: VecDeque<Stripe>,
    /// The file's names of the columns to decode, each with the name that it has in the table.
    columns: Vec<(String, String)>,
    /// Those of the file that have moments before 1970, see [`early`].
    early: HashMap<String, i64>,
    wanted: SchemaRef,
    spelling: Spelling,
    batch_rows: usize,
    decoding: Option<ArrowReader<Parts>>,
    /// The columns of what is decoded, in tables' types.
    decoded: SchemaRef,
    /// Rows of the stripe at hand that were promised and not yet given.
    owed: u64,
}

impl OrcReader {
    pub(crate) async fn open(
        source: Arc<dyn ByteSource>,
        range: Range<u64>,
        options: &OrcOptions,
        wanted: SchemaRef,
        read: &ReadOptions,
    ) -> Result<Self, FormatError> {
        let name = source.name().to_owned();
        let (parts, metadata) = tail(&*source).await?;
        let columns =
            columns(&metadata, options, &wanted, read.spelling).map_err(|message| unclear(&name, message))?;
        let mut stripes = VecDeque::new();
        for stripe in metadata.stripe_metadatas() {
            let start = stripe.offset();
            let length = stripe
                .index_length()
                .checked_add(stripe.data_length())
                .and_then(|sum| sum.checked_add(stripe.footer_length()))
                .filter(|length| start.checked_add(*length).is_some_and(|end| end <= source.size()))
                .ok_or_else(|| damaged(&name, "a stripe lies outside the file"))?;
            if range.contains(&start) {
                stripes.push_back(Stripe { range: start..start + length, rows: stripe.number_of_rows() });
            }
        }
        let batch_rows = read.batch_rows.max(1);
        let (spelling, decoded) = (read.spelling, Arc::new(Schema::empty()));
        Ok(Self {
            name,
            source,
            parts,
            stripes,
            columns,
            early: early(&metadata),
            wanted,
            spelling,
            batch_rows,
            decoding: None,
            decoded,
            owed: 0,
        })
    }

    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>, FormatError> {
        loop {
            if self.owed > 0 && self.columns.is_empty() {
                return self.nulls().map(Some);
            }
            if let Some(decoder) = &mut self.decoding {
                // Some of what writers do the decoder has not foreseen.
                let decoded = std::panic::catch_unwind(AssertUnwindSafe(|| decoder.next()));
                match decoded.map_err(|_| self.given_up())? {
                    Some(Ok(batch)) => return self.table_batch(&batch).map(Some),
                    Some(Err(e)) => return Err(damaged(&self.name, e.to_string())),
                    None if self.owed > 0 => {
                        return Err(damaged(&self.name, "a stripe holds fewer rows than it says"));
                    }
                    None => self.decoding = None,
                }
            }
            let Some(stripe) = self.stripes.pop_front() else { return Ok(None) };
            self.owed = stripe.rows;
            if !self.columns.is_empty() {
                let names: Vec<&str> = self.columns.iter().map(|(own, _)| own.as_str()).collect();
                let opened = decoder(&*self.source, &self.parts, &stripe, &names, self.batch_rows).await?;
                (self.decoding, self.decoded) = (Some(opened.0), opened.1);
            }
        }
    }

    /// What the decoder gives up on: of what is known, fractions of a second in a column with moments before 1970.
    fn given_up(&self) -> FormatError {
        let early = self.columns.iter().find(|(own, _)| self.early.contains_key(own));
        let Some((_, name)) = early else {
            return damaged(&self.name, "its decoder gave up on the content");
        };
        let what = "a column of timestamps before 1970 of which some have a fraction of a second".to_owned();
        let mut error = FormatError::new(&self.name, Problem::Unsupported { what });
        error.place.column = Some(name.clone());
        error
    }

    /// A batch with the table's names, in its types.
    fn table_batch(&mut self, batch: &RecordBatch) -> Result<RecordBatch, FormatError> {
        self.owed = self.owed.saturating_sub(batch.num_rows() as u64);
        let mut fields = Vec::with_capacity(batch.num_columns());
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (field, decoded) in self.decoded.fields().iter().zip(batch.columns()) {
            let own = self.columns.iter().find(|(own, _)| own == field.name());
            let name = own.map_or(field.name(), |(_, name)| name);
            let early = self.early.get(field.name()).copied();
            let column = restore(decoded, field.data_type(), early).map_err(|message| {
                let mut error = damaged(&self.name, message);
                error.place.column = Some(name.clone());
                error
            })?;
            fields.push(field.as_ref().clone().with_name(name));
            columns.push(column);
        }
        let named = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
            .map_err(|e| FormatError::new(&self.name, Problem::Schema { message: e.to_string() }))?;
        conform_batch(&self.name, &named, &self.wanted, self.spelling)
    }

    /// Rows of a file that has none of the wanted columns.
    fn nulls(&mut self) -> Result<RecordBatch, FormatError> {
        let rows = self.owed.min(self.batch_rows as u64);
        self.owed -= rows;
        let options = RecordBatchOptions::new().with_row_count(Some(rows as usize));
        let schema = Arc::new(Schema::empty());
        let empty = RecordBatch::try_new_with_options(schema, Vec::new(), &options)
            .map_err(|e| FormatError::new(&self.name, Problem::Schema { message: e.to_string() }))?;
        conform_batch(&self.name, &empty, &self.wanted, self.spelling)
    }
}

/// Fetches a stripe, and decodes the named columns of it; also these columns, in tables' types.
async fn decoder(
    source: &dyn ByteSource,
    parts: &Parts,
    stripe: &Stripe,
    names: &[&str],
    batch_rows: usize,
) -> Result<(ArrowReader<Parts>, SchemaRef), FormatError> {
    let name = source.name();
    if stripe.range.end - stripe.range.start > MAX_STRIPE_BYTES {
        let what = "a stripe of more than 1 GiB".to_owned();
        return Err(FormatError::new(name, Problem::Unsupported { what }));
    }
    let start = stripe.range.start;
    let parts = parts.with(start, fetch(source, stripe.range.clone()).await?);
    let builder = ArrowReaderBuilder::try_new(parts).map_err(|e| damaged(name, e.to_string()))?;
    let mask = ProjectionMask::named_roots(builder.file_metadata().root_data_type(), names);
    let builder = builder.with_projection(mask).with_timestamp_precision(TimestampPrecision::Microsecond);
    let schema = builder.schema();
    let reader = builder
        .with_schema(Arc::new(as_decimals(&schema)))
        .with_batch_size(batch_rows)
        .with_file_byte_range(start as usize..start as usize + 1)
        .build();
    Ok((reader, schema))
}

/// Which of the file's columns are read, and as what. Errors: a column that two of the file's could be.
fn columns(
    metadata: &FileMetadata,
    options: &OrcOptions,
    wanted: &SchemaRef,
    spelling: Spelling,
) -> Result<Vec<(String, String)>, String> {
    let schema = arrow_schema(metadata);
    let own: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
    let nameless = !own.is_empty() && own.iter().enumerate().all(|(i, name)| **name == format!("_col{i}"));
    // A table that itself has such names is read by name, which is the same.
    let by_position = (nameless || options.by_position) && !options.columns.is_empty();
    let mut found = Vec::with_capacity(wanted.fields().len());
    for field in wanted.fields() {
        let name = field.name();
        let position = if by_position {
            place(options.columns.iter(), name, spelling)?
        } else {
            place(own.iter().copied(), name, spelling)?
        };
        let own = position.and_then(|position| own.get(position));
        found.extend(own.map(|own| ((*own).clone(), name.clone())));
    }
    Ok(found)
}

/// Whether the writer, which knows single values of the plain kinds, holds such a column.
pub(crate) fn is_writable(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Boolean
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::Float32
            | DataType::Float64
            | DataType::Utf8
            | DataType::Binary
            | DataType::Date32
            | DataType::Timestamp(_, None)
    )
}
