//! Parquet files of plain columns: what comes back, and what the footer says.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, LargeStringArray, RecordBatch, StringArray,
    TimestampMillisecondArray, UInt32Array,
};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Field, Schema};
use bytes::Bytes;
use formats::{Format, MemorySink, ParquetCodec, ParquetOptions, Part, WriteOptions, Writer};
use futures::executor::block_on;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::Encoding;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;
use proptest::prelude::*;

/// Rows in which every type has NULLs, values that repeat and values that do not.
fn table(rows: usize, seed: u64, nulls: bool) -> RecordBatch {
    let at = |row: usize, salt: u64| (row as u64 + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ seed) >> 20;
    let keep = |row: usize, salt: u64| !nulls || !at(row, salt + 100).is_multiple_of(5);
    fn column<A, T>(rows: usize, value: impl Fn(usize) -> Option<T>) -> ArrayRef
    where
        A: Array + FromIterator<Option<T>> + 'static,
    {
        Arc::new((0..rows).map(value).collect::<A>())
    }
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("unique", column::<Int64Array, _>(rows, |r| keep(r, 1).then_some(at(r, 1) as i64 - (1 << 40)))),
        ("few", column::<Int64Array, _>(rows, |r| keep(r, 2).then_some((at(r, 2) % 100) as i64))),
        ("runs", column::<Int32Array, _>(rows, |r| keep(r, 3).then_some((r / 700) as i32))),
        ("small", column::<Int16Array, _>(rows, |r| keep(r, 4).then_some(at(r, 4) as i16))),
        ("tiny", column::<Int8Array, _>(rows, |r| keep(r, 5).then_some(at(r, 5) as i8))),
        (
            "price",
            column::<Float64Array, _>(rows, |r| keep(r, 6).then_some((at(r, 6) % 100_000) as f64 / 100.0)),
        ),
        ("ratio", column::<Float32Array, _>(rows, |r| keep(r, 7).then_some((at(r, 7) % 9) as f32 / 8.0))),
        ("flag", column::<BooleanArray, _>(rows, |r| keep(r, 8).then_some(at(r, 8) % 3 == 0))),
        ("note", column::<StringArray, _>(rows, |r| keep(r, 9).then(|| format!("note {}", at(r, 9))))),
        ("word", column::<StringArray, _>(rows, |r| keep(r, 10).then(|| format!("é{}", at(r, 10) % 50)))),
        ("large", column::<LargeStringArray, _>(rows, |r| keep(r, 11).then(|| "y".repeat(r % 90)))),
        ("bytes", column::<BinaryArray, _>(rows, |r| keep(r, 12).then(|| at(r, 12).to_le_bytes()))),
        ("day", column::<Date32Array, _>(rows, |r| keep(r, 13).then_some((at(r, 13) % 400) as i32))),
        ("time", column::<TimestampMillisecondArray, _>(rows, |r| keep(r, 14).then_some(at(r, 14) as i64))),
        ("none", column::<StringArray, _>(rows, |_| (!nulls).then_some(""))),
    ];
    let field = |(name, array): &(&str, ArrayRef)| Field::new(*name, array.data_type().clone(), nulls);
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), columns.into_iter().map(|(_, array)| array).collect()).unwrap()
}

fn written(parts: &[Part<'_>], options: &WriteOptions, each: usize) -> Bytes {
    let format = Format::Parquet(ParquetOptions {});
    let schema = parts[0].batch.schema();
    let mut writer = Writer::new("f", &format, schema, options, MemorySink::default()).unwrap();
    for parts in parts.chunks(each) {
        block_on(writer.write_parts(parts)).unwrap();
    }
    block_on(writer.finish()).unwrap().0.data.into()
}

fn read(file: Bytes, schema: &Arc<Schema>) -> (RecordBatch, Arc<ParquetMetaData>) {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
    let metadata = Arc::clone(builder.metadata());
    assert_eq!(builder.schema().fields(), schema.fields());
    let batches: Vec<RecordBatch> = builder.build().unwrap().collect::<Result<_, _>>().unwrap();
    (concat_batches(schema, &batches).unwrap(), metadata)
}

fn encodings(metadata: &ParquetMetaData, column: usize) -> Vec<Encoding> {
    metadata.row_group(0).column(column).encodings().collect()
}

#[test]
fn many_pages_come_back() {
    for nulls in [false, true] {
        let batch = table(70_000, 7, nulls);
        for parquet_codec in [ParquetCodec::Snappy, ParquetCodec::Uncompressed] {
            let options = WriteOptions { parquet_codec, row_group_bytes: 3 << 20, ..WriteOptions::default() };
            let slices: Vec<RecordBatch> = (0..7).map(|n| batch.slice(n * 10_000, 10_000)).collect();
            let parts: Vec<Part<'_>> = slices.iter().map(|batch| Part { batch, rows: None }).collect();
            let (back, metadata) = read(written(&parts, &options, 2), &batch.schema());
            assert_eq!(back, batch);
            assert!(metadata.num_row_groups() > 1);
            assert!(encodings(&metadata, 1).contains(&Encoding::RLE_DICTIONARY));
            assert!(!encodings(&metadata, 0).contains(&Encoding::RLE_DICTIONARY));
        }
    }
}

#[test]
fn slow_codecs() {
    let batch = table(3000, 1, true);
    for parquet_codec in [ParquetCodec::Gzip, ParquetCodec::Zstd] {
        let options = WriteOptions { parquet_codec, ..WriteOptions::default() };
        let (back, _) = read(written(&[Part { batch: &batch, rows: None }], &options, 1), &batch.schema());
        assert_eq!(back, batch);
    }
}

#[test]
fn statistics_are_those_of_the_values() {
    let batch = table(70_000, 3, true);
    let (_, metadata) =
        read(written(&[Part { batch: &batch, rows: None }], &WriteOptions::default(), 1), &batch.schema());
    let group = metadata.row_group(0);
    assert_eq!(group.num_rows(), 70_000);
    let Some(Statistics::Int64(few)) = group.column(1).statistics() else { panic!("of long numbers") };
    assert_eq!((few.min_opt(), few.max_opt()), (Some(&0), Some(&99)));
    assert_eq!(few.null_count_opt(), Some(batch.column(1).null_count() as u64));
    let Some(Statistics::ByteArray(large)) = group.column(10).statistics() else { panic!("of texts") };
    assert_eq!(large.max_opt().unwrap().data().len(), 64);
    assert!(!large.max_is_exact() && large.min_is_exact());
    assert!(large.max_opt().unwrap().data() > "y".repeat(89).as_bytes());
    let Some(Statistics::ByteArray(none)) = group.column(14).statistics() else { panic!("of texts") };
    assert_eq!((none.min_opt(), none.null_count_opt()), (None, Some(70_000)));
    let index = &metadata.column_index().unwrap()[0];
    let ColumnIndexMetaData::INT32(runs) = &index[2] else { panic!("by page") };
    let pages: Vec<_> = runs.min_values_iter().flatten().copied().collect();
    assert_eq!(pages, [0, 28, 57, 85]);
    assert!(index[14].is_null_page(0));
    let offsets = &metadata.offset_index().unwrap()[0][2];
    let rows: Vec<i64> = offsets.page_locations().iter().map(|page| page.first_row_index).collect();
    assert_eq!(rows, [0, 20_000, 40_000, 60_000]);
}

#[test]
fn a_file_without_rows() {
    let batch = table(1, 1, true).slice(0, 0);
    let (back, metadata) =
        read(written(&[Part { batch: &batch, rows: None }], &WriteOptions::default(), 1), &batch.schema());
    assert_eq!((back.num_rows(), metadata.num_row_groups()), (0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn picked_rows_come_back_in_their_order(
        sizes in prop::collection::vec(1usize..3000, 1..5),
        seed in any::<u64>(),
        nulls in any::<bool>(),
        skip in 1usize..5,
        each in 1usize..4,
        group_bytes in 1usize..400_000,
    ) {
        let batches: Vec<RecordBatch> = sizes.iter().map(|rows| table(*rows, seed | 1, nulls)).collect();
        let picks: Vec<Vec<u32>> = sizes.iter().map(|rows| (0..*rows as u32).rev().step_by(skip).collect()).collect();
        let parts: Vec<Part<'_>> =
            batches.iter().zip(&picks).map(|(batch, rows)| Part { batch, rows: Some(rows) }).collect();
        let options = WriteOptions { row_group_bytes: group_bytes, ..WriteOptions::default() };
        let schema = batches[0].schema();
        let (back, _) = read(written(&parts, &options, each), &schema);
        let taken: Vec<RecordBatch> = batches
            .iter()
            .zip(&picks)
            .map(|(batch, rows)| take_record_batch(batch, &UInt32Array::from(rows.clone())).unwrap())
            .collect();
        prop_assert_eq!(back, concat_batches(&schema, &taken).unwrap());
    }
}
