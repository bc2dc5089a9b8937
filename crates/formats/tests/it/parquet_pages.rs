//! What the footer of a Parquet file says about pages and column chunks is true of every value in them, so that readers
//! who leave out pages by it miss none.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, Schema};
use bytes::Bytes;
use formats::{Format, MemorySink, ParquetOptions, WriteOptions, Writer};
use futures::executor::block_on;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::BoundaryOrder;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;
use proptest::prelude::*;

/// Rows of a page of numbers.
const PAGE_ROWS: usize = 20_000;

fn write(column: ArrayRef, row_group_bytes: usize) -> (RecordBatch, Bytes) {
    let schema = Arc::new(Schema::new(vec![Field::new("v", column.data_type().clone(), true)]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column]).unwrap();
    let format = Format::Parquet(ParquetOptions {});
    let options = WriteOptions { row_group_bytes, ..WriteOptions::default() };
    let mut writer = Writer::new("f", &format, schema, &options, MemorySink::default()).unwrap();
    // Several slices, so that row groups may end between them.
    let step = batch.num_rows().div_ceil(3).max(1);
    for start in (0..batch.num_rows()).step_by(step) {
        block_on(writer.write(&batch.slice(start, step.min(batch.num_rows() - start)))).unwrap();
    }
    let data = block_on(writer.finish()).unwrap().0.data;
    (batch, data.into())
}

fn read(file: Bytes) -> (Vec<RecordBatch>, Arc<ParquetMetaData>) {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
    let metadata = Arc::clone(builder.metadata());
    (builder.build().unwrap().collect::<Result<_, _>>().unwrap(), metadata)
}

/// A value as bounds compare it: `None` for NULL and NaN, of which bounds say nothing.
type Value = Option<Comparable>;

#[derive(Debug, Clone, PartialEq)]
enum Comparable {
    /// Both zeros are their own, as readers that order all bits see them.
    Number(f64),
    Text(Vec<u8>),
}

impl Comparable {
    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => one.total_cmp(other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            _ => panic!("of two types"),
        }
    }
}

fn values(array: &ArrayRef) -> Vec<Value> {
    let number = |number: Option<f64>| number.filter(|number| !number.is_nan()).map(Comparable::Number);
    match array.data_type() {
        DataType::Float64 => array.as_primitive::<Float64Type>().iter().map(number).collect(),
        DataType::Float32 => {
            array.as_primitive::<Float32Type>().iter().map(|v| number(v.map(f64::from))).collect()
        }
        _ => {
            let texts = array.as_string::<i32>().iter();
            texts.map(|text| text.map(|text| Comparable::Text(text.as_bytes().to_vec()))).collect()
        }
    }
}

/// Smallest, largest.
type Ends = (Value, Value);

fn of_pages(index: &ColumnIndexMetaData) -> Option<Vec<Ends>> {
    let number = |number: Option<f64>| number.map(Comparable::Number);
    let text = |text: Option<&[u8]>| text.map(|text| Comparable::Text(text.to_vec()));
    match index {
        ColumnIndexMetaData::NONE => None,
        ColumnIndexMetaData::DOUBLE(index) => {
            let ends = index.min_values_iter().zip(index.max_values_iter());
            Some(ends.map(|(min, max)| (number(min.copied()), number(max.copied()))).collect())
        }
        ColumnIndexMetaData::FLOAT(index) => {
            let ends = index.min_values_iter().zip(index.max_values_iter());
            let double = |value: Option<&f32>| number(value.copied().map(f64::from));
            Some(ends.map(|(min, max)| (double(min), double(max))).collect())
        }
        ColumnIndexMetaData::BYTE_ARRAY(index) => {
            let ends = index.min_values_iter().zip(index.max_values_iter());
            Some(ends.map(|(min, max)| (text(min), text(max))).collect())
        }
        other => panic!("{other:?}"),
    }
}

fn of_chunk(statistics: &Statistics) -> Ends {
    let number = |number: Option<f64>| number.map(Comparable::Number);
    let text = |text: Option<&[u8]>| text.map(|text| Comparable::Text(text.to_vec()));
    match statistics {
        Statistics::Double(s) => (number(s.min_opt().copied()), number(s.max_opt().copied())),
        Statistics::Float(s) => {
            (number(s.min_opt().copied().map(f64::from)), number(s.max_opt().copied().map(f64::from)))
        }
        Statistics::ByteArray(s) => {
            (text(s.min_opt().map(|v| v.data())), text(s.max_opt().map(|v| v.data())))
        }
        other => panic!("{other:?}"),
    }
}

/// Whether the bounds hold all of the values; without values there must be none.
fn hold((min, max): &Ends, values: &[Value]) -> bool {
    let known: Vec<&Comparable> = values.iter().flatten().collect();
    match (min, max) {
        (Some(min), Some(max)) => {
            !known.is_empty() && known.iter().all(|v| min.order(v).is_le() && v.order(max).is_le())
        }
        (None, None) => known.is_empty(),
        _ => false,
    }
}

fn is_ordered(pages: &[Ends], wanted: Option<BoundaryOrder>) -> bool {
    let known: Vec<_> = pages.iter().filter_map(|(min, max)| min.as_ref().zip(max.as_ref())).collect();
    let fits = |rises: bool| {
        known.array_windows().all(|[(min, max), (next_min, next_max)]| match rises {
            true => min.order(next_min).is_le() && max.order(next_max).is_le(),
            false => min.order(next_min).is_ge() && max.order(next_max).is_ge(),
        })
    };
    match wanted {
        Some(BoundaryOrder::ASCENDING) => fits(true),
        Some(BoundaryOrder::DESCENDING) => fits(false),
        _ => true,
    }
}

fn check(column: ArrayRef, row_group_bytes: usize) -> Result<usize, TestCaseError> {
    let (batch, file) = write(column, row_group_bytes);
    let (back, metadata) = read(file);
    let written = values(batch.column(0));
    let found: Vec<Value> = back.iter().flat_map(|batch| values(batch.column(0))).collect();
    prop_assert_eq!(&found, &written);
    let nulls = |from: usize, until: usize| batch.column(0).slice(from, until - from).null_count() as u64;
    let (mut start, mut pages_seen) = (0, 0);
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let end = start + group.num_rows() as usize;
        let statistics = group.column(0).statistics().unwrap();
        prop_assert!(hold(&of_chunk(statistics), &written[start..end]), "{:?}", statistics);
        prop_assert_eq!(statistics.null_count_opt(), Some(nulls(start, end)));
        let offsets = metadata.offset_index().unwrap()[number][0].page_locations();
        let firsts: Vec<usize> = offsets.iter().map(|page| start + page.first_row_index as usize).collect();
        let ends: Vec<usize> = firsts.iter().skip(1).copied().chain([end]).collect();
        pages_seen += firsts.len();
        let index = metadata.column_index().map(|index| &index[number][0]);
        if let Some((index, pages)) = index.and_then(|index| Some((index, of_pages(index)?))) {
            prop_assert_eq!(pages.len(), firsts.len());
            prop_assert!(is_ordered(&pages, index.get_boundary_order()), "{:?}", pages);
            for (page, (from, until)) in firsts.into_iter().zip(ends).enumerate() {
                prop_assert!(hold(&pages[page], &written[from..until]), "{:?}", pages[page]);
                prop_assert_eq!(index.null_count(page), Some(nulls(from, until) as i64));
                prop_assert_eq!(index.is_null_page(page), nulls(from, until) as usize == until - from);
            }
        }
        start = end;
    }
    prop_assert_eq!(start, written.len());
    Ok(pages_seen)
}

fn special() -> impl Strategy<Value = Option<f64>> {
    prop::option::of(prop::sample::select(vec![
        f64::NAN,
        -f64::NAN,
        0.0,
        -0.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MIN_POSITIVE,
        -5e-324,
        1.5,
        -1e300,
    ]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn bounds_hold_all_numbers(
        // A few values for each page.
        pages in prop::collection::vec(prop::collection::vec(special(), 1..4), 1..4),
        group_bytes in 1usize..600_000,
    ) {
        let all = || pages.iter().flat_map(|some| some.iter().copied().cycle().take(PAGE_ROWS));
        let seen = check(Arc::new(all().collect::<Float64Array>()), group_bytes)?;
        prop_assert!(seen >= pages.len());
        check(Arc::new(all().map(|v| v.map(|v| v as f32)).collect::<Float32Array>()), group_bytes)?;
    }

    #[test]
    fn bounds_hold_all_texts(
        // Texts that differ about where bounds are cut.
        heads in prop::collection::vec(
            prop::option::of(("[a-c]{0,2}", 55usize..66, "[yz\u{7f}é\u{7ff}€\u{d7ff}\u{ffff}\u{10ffff}]{0,6}")),
            1..100,
        ),
        is_long in any::<bool>(),
        sorted in any::<bool>(),
    ) {
        // Long ones fill pages.
        let tail = "~".repeat(if is_long { 60_000 } else { 0 });
        let mut texts: Vec<Option<String>> = heads
            .into_iter()
            .map(|head| head.map(|(first, fill, cut)| format!("{first}{}{cut}{tail}", "x".repeat(fill))))
            .collect();
        if sorted {
            texts.sort();
        }
        check(Arc::new(StringArray::from(texts)), 64 << 20)?;
    }
}

#[test]
fn order_of_pages_is_that_of_what_is_written() {
    // Whole, the first is the smaller one; cut before a character of two bytes, the second.
    let fill = "x".repeat(63);
    let texts = [format!("{fill}z{}", "~".repeat(1 << 20)), format!("{fill}é{}", "~".repeat(1 << 20))];
    let pages = check(Arc::new(StringArray::from(texts.to_vec())), 64 << 20).unwrap();
    assert_eq!(pages, 2);
}

#[test]
fn ids_of_columns_are_in_the_file() {
    let field = |name: &str, id: &str| {
        let id = [("PARQUET:field_id".to_owned(), id.to_owned())].into();
        Field::new(name, DataType::Utf8, true).with_metadata(id)
    };
    let schema = Arc::new(Schema::new(vec![field("a", "7"), field("b", "3")]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::clone(&texts), texts]).unwrap();
    let format = Format::Parquet(ParquetOptions {});
    let options = WriteOptions::default();
    let mut writer = Writer::new("f", &format, schema, &options, MemorySink::default()).unwrap();
    block_on(writer.write(&batch)).unwrap();
    let (_, metadata) = read(block_on(writer.finish()).unwrap().0.data.into());
    let root = metadata.file_metadata().schema_descr().root_schema_ptr();
    let ids: Vec<i32> = root.get_fields().iter().map(|field| field.get_basic_info().id()).collect();
    assert_eq!(ids, [7, 3]);
}
