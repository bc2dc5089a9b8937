//! Parquet through the `parquet` crate's asynchronous reader.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::{
    AsyncFileReader, ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use crate::conform::{Spelling, conform_batch, place, unclear};
use crate::error::{FormatError, Problem};
use crate::options::ReadOptions;
use crate::source::ByteSource;

/// Fetches ranges of a [`ByteSource`] for the `parquet` crate.
struct Fetch {
    source: Arc<dyn ByteSource>,
}

fn external(error: std::io::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for Fetch {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        async move {
            // A damaged footer may point anywhere: never ask for more than the file holds.
            if range.start > range.end || range.end > self.source.size() {
                return Err(ParquetError::EOF(format!("the file ends before byte {}", range.end)));
            }
            let wanted = range.end - range.start;
            let bytes = self.source.read(range).await.map_err(external)?;
            if bytes.len() as u64 != wanted {
                return Err(ParquetError::EOF("the file is shorter than its size".to_owned()));
            }
            Ok(bytes)
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        async move {
            let size = self.source.size();
            let metadata = ParquetMetaDataReader::new().load_and_finish(&mut *self, size).await?;
            check_parquet_extent(&metadata, size)?;
            Ok(Arc::new(metadata))
        }
        .boxed()
    }
}

/// Refuses a footer that places columns beyond the end of a file of `size` bytes: of one whose middle is missing, say. The
/// decoder would panic.
///
/// # Errors
/// The row group and the column.
pub fn check_parquet_extent(metadata: &ParquetMetaData, size: u64) -> parquet::errors::Result<()> {
    for (nth, group) in metadata.row_groups().iter().enumerate() {
        for column in group.columns() {
            let first =
                column.dictionary_page_offset().filter(|at| *at > 0).unwrap_or(column.data_page_offset());
            let end = first.checked_add(column.compressed_size());
            let is_within = first >= 0
                && column.compressed_size() >= 0
                && end.and_then(|end| u64::try_from(end).ok()).is_some_and(|end| end <= size);
            if !is_within {
                return Err(ParquetError::EOF(format!(
                    "row group {nth} has column {} at byte {first} with {} bytes, and the file has {size}: part of it is missing",
                    column.column_path(),
                    column.compressed_size()
                )));
            }
        }
    }
    Ok(())
}

fn parquet_error(source: &str, error: &ParquetError) -> FormatError {
    if let ParquetError::External(inner) = error
        && let Some(io) = inner.downcast_ref::<std::io::Error>()
    {
        return FormatError::io(source, std::io::Error::new(io.kind(), io.to_string()));
    }
    FormatError::new(source, Problem::Parquet { message: error.to_string() })
}

async fn open(source: Arc<dyn ByteSource>) -> Result<ParquetRecordBatchStreamBuilder<Fetch>, FormatError> {
    let name = source.name().to_owned();
    if source.size() == 0 {
        return Err(FormatError::new(&name, Problem::Empty));
    }
    let opened =
        std::panic::AssertUnwindSafe(ParquetRecordBatchStreamBuilder::new(Fetch { source })).catch_unwind();
    match opened.await {
        Ok(builder) => builder.map_err(|e| parquet_error(&name, &e)),
        Err(_) => {
            let message = "the footer is damaged".to_owned();
            Err(FormatError::new(&name, Problem::Parquet { message }))
        }
    }
}

/// What a Parquet file's footer says.
#[derive(Debug, Clone)]
pub struct ParquetSummary {
    /// The file's columns as Arrow types.
    pub schema: SchemaRef,
    /// Rows in all row groups.
    pub rows: u64,
    /// Row groups.
    pub row_groups: usize,
    /// Uncompressed bytes of all columns.
    pub uncompressed_bytes: u64,
    /// Per leaf column the least and the greatest of its numbers of 64 bits, as signed ones; none where the footer does not
    /// say them, and for columns of anything else.
    pub integers: Vec<Option<(i64, i64)>>,
}

/// Reads the footer only. Errors: `Empty`, `Parquet` for a damaged or cut file.
pub async fn parquet_summary(source: Arc<dyn ByteSource>) -> Result<ParquetSummary, FormatError> {
    let builder = open(source).await?;
    let groups = builder.metadata().row_groups();
    Ok(ParquetSummary {
        schema: Arc::clone(builder.schema()),
        rows: builder.metadata().file_metadata().num_rows().max(0) as u64,
        row_groups: groups.len(),
        uncompressed_bytes: groups.iter().map(|g| g.total_byte_size().max(0) as u64).sum(),
        integers: (0..builder.parquet_schema().num_columns()).map(|leaf| bounds(groups, leaf)).collect(),
    })
}

/// The least and the greatest number of a leaf column in all row groups. Of one without numbers that is 0.
fn bounds(groups: &[RowGroupMetaData], leaf: usize) -> Option<(i64, i64)> {
    let mut bounds: Option<(i64, i64)> = None;
    for group in groups {
        let column = group.columns().get(leaf)?;
        let Some(Statistics::Int64(of_group)) = column.statistics() else { return None };
        let (Some(least), Some(most)) = (of_group.min_opt(), of_group.max_opt()) else {
            let nulls = of_group.null_count_opt()?;
            if i64::try_from(nulls) == Ok(column.num_values()) {
                continue;
            }
            return None;
        };
        // Of unsigned ones the greatest may look negative.
        let (least, most) = (*least.min(most), *least.max(most));
        let (least_before, most_before) = bounds.unwrap_or((least, most));
        bounds = Some((least_before.min(least), most_before.max(most)));
    }
    Some(bounds.unwrap_or_default())
}

/// A reader in the middle of its row groups.
pub(crate) struct ParquetReader {
    name: String,
    stream: ParquetRecordBatchStream<Fetch>,
    wanted: SchemaRef,
    spelling: Spelling,
}

impl ParquetReader {
    /// Opens the row groups whose middle lies in `range`.
    pub(crate) async fn open(
        source: Arc<dyn ByteSource>,
        range: Range<u64>,
        wanted: SchemaRef,
        options: &ReadOptions,
    ) -> Result<Self, FormatError> {
        let name = source.name().to_owned();
        let builder = open(source).await?;
        let mut groups = Vec::new();
        for (index, group) in builder.metadata().row_groups().iter().enumerate() {
            if group.num_columns() == 0 {
                continue;
            }
            let starts = group.columns().iter().map(|c| c.byte_range().0);
            let middle = starts.min().unwrap_or(0).saturating_add(group.compressed_size().max(0) as u64 / 2);
            if range.contains(&middle) || (range.start == 0 && middle == 0) {
                groups.push(index);
            }
        }
        let fields = builder.schema().fields();
        let mut roots = Vec::with_capacity(wanted.fields().len());
        for field in wanted.fields() {
            let found = place(fields.iter().map(|f| f.name()), field.name(), options.spelling);
            roots.extend(found.map_err(|message| unclear(&name, message))?);
        }
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        let stream = builder
            .with_projection(mask)
            .with_row_groups(groups)
            .with_batch_size(options.batch_rows.max(1))
            .build()
            .map_err(|e| parquet_error(&name, &e))?;
        Ok(Self { name, stream, wanted, spelling: options.spelling })
    }

    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>, FormatError> {
        match self.stream.next().await {
            None => Ok(None),
            Some(Err(e)) => Err(parquet_error(&self.name, &e)),
            Some(Ok(batch)) => conform_batch(&self.name, &batch, &self.wanted, self.spelling).map(Some),
        }
    }
}
