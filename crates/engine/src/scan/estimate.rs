//! What the planner may assume of a scan's size: rough, and marked so.
//!
//! It decides which side of a join is held in memory, and whether one may be. Of text the bytes say enough. Parquet packs a
//! row into anything between a bit and more than it takes in memory: there the largest file's footer tells how many rows a
//! byte has, where the files are large enough for that to matter.

use arrow::datatypes::{DataType, Schema};
use datafusion::{
    common::{Statistics, stats::Precision},
    datasource::table_schema::TableSchema,
    parquet::{
        arrow::{arrow_reader::ArrowReaderOptions, async_reader::AsyncFileReader},
        file::metadata::PageIndexPolicy,
    },
};
use formats::ByteSource as _;

use super::{ScanFile, parquet::LakeReaders};

/// Rough bytes of memory for a byte of file.
const TEXT_EXPANSION: usize = 2;
const PARQUET_EXPANSION: usize = 6;
/// Rough bytes of a row in memory.
const ROW_BYTES: usize = 100;
/// Rough bytes of a value in memory whose type does not say.
const VALUE_BYTES: usize = 24;
/// Files of fewer bytes are no matter, however many rows they have.
const MIN_TOLD_BYTES: u64 = 1 << 20;

pub(super) fn of_text(schema: &TableSchema, files: &[ScanFile]) -> Statistics {
    guess(schema, files, TEXT_EXPANSION)
}

pub(super) async fn of_parquet(
    schema: &TableSchema,
    files: &[ScanFile],
    readers: &LakeReaders,
) -> Statistics {
    match rows(files, readers).await {
        Some(rows) => told(schema, rows, rows.saturating_mul(row_bytes(schema.table_schema()))),
        None => guess(schema, files, PARQUET_EXPANSION),
    }
}

/// The rows of all files, by the footer of the largest. None where they are small, or that footer cannot be read: who reads
/// the file then says why.
async fn rows(files: &[ScanFile], readers: &LakeReaders) -> Option<usize> {
    let bytes = total(files);
    let largest = files.iter().max_by_key(|file| file.object.size())?;
    if bytes < MIN_TOLD_BYTES {
        return None;
    }
    // As the scan asks for it: it is read once for both.
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let mut reader = readers.reader(&largest.object);
    let metadata = reader.get_metadata(Some(&options)).await.ok()?;
    let rows = u128::try_from(metadata.file_metadata().num_rows()).ok()?;
    let share = rows * u128::from(bytes) / u128::from(largest.object.size().max(1));
    Some(usize::try_from(share).unwrap_or(usize::MAX))
}

/// Rough bytes of a row in memory.
fn row_bytes(schema: &Schema) -> usize {
    let of = |data_type: &DataType| data_type.primitive_width().unwrap_or(VALUE_BYTES);
    schema.fields().iter().map(|field| of(field.data_type())).sum()
}

fn total(files: &[ScanFile]) -> u64 {
    files.iter().map(|file| file.object.size()).sum()
}

fn guess(schema: &TableSchema, files: &[ScanFile], expansion: usize) -> Statistics {
    let bytes = (total(files) as usize).saturating_mul(expansion);
    told(schema, bytes / ROW_BYTES + 1, bytes)
}

fn told(schema: &TableSchema, rows: usize, bytes: usize) -> Statistics {
    let mut statistics = Statistics::new_unknown(schema.table_schema());
    statistics.total_byte_size = Precision::Inexact(bytes);
    statistics.num_rows = Precision::Inexact(rows);
    statistics
}
