use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int8Array, Int64Array, RecordBatch,
    StringArray, UInt64Array,
};
use arrow::compute::{LexicographicalComparator, SortColumn, concat};
use arrow::datatypes::{Field, Int64Type, Schema};

use super::*;

const OPTIONS: [SortOptions; 4] = [
    SortOptions { descending: false, nulls_first: false },
    SortOptions { descending: false, nulls_first: true },
    SortOptions { descending: true, nulls_first: false },
    SortOptions { descending: true, nulls_first: true },
];

/// Numbers without an order, the same at every run.
fn scrambled(row: usize) -> u64 {
    (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 13
}

/// The batch `at`, of so many rows: the keys, and the number of the row.
fn batch(keys: &[ArrayRef], first: usize) -> RecordBatch {
    let ids: ArrayRef =
        Arc::new(Int64Array::from_iter_values((first..first + keys[0].len()).map(|id| id as i64)));
    let columns: Vec<ArrayRef> = keys.iter().cloned().chain([ids]).collect();
    let fields = columns
        .iter()
        .enumerate()
        .map(|(at, column)| Field::new(at.to_string(), column.data_type().clone(), true));
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns).unwrap()
}

/// Sorts batches of these keys in two runs, three pieces at least and so many ranges; returns the rows' numbers by range.
fn sorted(batches: &[Vec<ArrayRef>], options: &[SortOptions], ranges: usize) -> Vec<Vec<usize>> {
    let mut runs = vec![Run::new(options.to_vec()), Run::new(options.to_vec())];
    let (mut first, mut schema) = (0, None);
    for (at, keys) in batches.iter().enumerate() {
        let batch = batch(keys, first);
        first += batch.num_rows();
        schema = Some(batch.schema());
        assert!(Run::weight(&batch, keys) >= batch.get_array_memory_size());
        runs[at % 2].push(batch, keys.clone()).unwrap();
    }
    let unsorted = Unsorted::new(runs, options.to_vec());
    let chunks = unsorted.pieces(3).into_iter().map(|piece| unsorted.sort(piece).unwrap()).collect();
    let sorted = Arc::new(unsorted.sorted(chunks, schema.unwrap()));
    let read = |range: &OrderedRange| {
        let mut cursor = sorted.cursor(range, 100);
        let mut rows = Vec::new();
        while let Some(batch) = cursor.next_batch().unwrap() {
            assert!((1..=100).contains(&batch.num_rows()));
            let ids = batch.column(batch.num_columns() - 1).as_primitive::<Int64Type>();
            rows.extend(ids.values().iter().map(|id| *id as usize));
        }
        rows
    };
    sorted.ranges(ranges).iter().map(read).collect()
}

/// Checks that every row is there once, and that no row comes before one that is less by arrow's own comparison.
fn check(batches: &[Vec<ArrayRef>], options: &[SortOptions]) {
    let ranges = sorted(batches, options, 3);
    let rows: Vec<usize> = ranges.concat();
    let columns = (0..options.len()).map(|key| {
        let parts: Vec<&dyn Array> = batches.iter().map(|keys| keys[key].as_ref()).collect();
        SortColumn { values: concat(&parts).unwrap(), options: Some(options[key]) }
    });
    let columns: Vec<SortColumn> = columns.collect();
    let comparator = LexicographicalComparator::try_new(&columns).unwrap();
    for pair in rows.windows(2) {
        assert_ne!(comparator.compare(pair[0], pair[1]), Ordering::Greater, "{pair:?} {options:?}");
    }
    let mut all = rows;
    all.sort_unstable();
    assert_eq!(all, (0..columns[0].values.len()).collect::<Vec<_>>());
    // Ranges are about as large as each other, however many rows have the same keys.
    let most = all.len() / 3 + all.len() / 10;
    assert!(
        ranges.iter().all(|range| range.len() <= most),
        "{:?}",
        ranges.iter().map(Vec::len).collect::<Vec<_>>()
    );
}

fn all_options(keys: usize, check: impl Fn(&[SortOptions])) {
    for first in OPTIONS {
        for second in OPTIONS {
            check(&[first, second][..keys]);
        }
    }
}

#[test]
fn numbers_of_all_kinds_in_few_bits() {
    let rows = |batch: usize| batch * 700..(batch + 1) * 700;
    let null = |row: usize, every: u64| !scrambled(row).is_multiple_of(every);
    let batches: Vec<Vec<ArrayRef>> = (0..6)
        .map(|batch| {
            let key = rows(batch).map(|row| null(row, 11).then_some(scrambled(row) as i64 % 40 - 20));
            let bytes = rows(batch).map(|row| (batch != 2).then_some(scrambled(row + 1) as i8));
            vec![Arc::new(Int64Array::from_iter(key)) as ArrayRef, Arc::new(Int8Array::from_iter(bytes))]
        })
        .collect();
    all_options(2, |options| check(&batches, options));
    let more: Vec<Vec<ArrayRef>> = (0..3)
        .map(|batch| {
            let flags = rows(batch).map(|row| null(row, 5).then_some(scrambled(row).is_multiple_of(2)));
            let days = rows(batch).map(|row| scrambled(row) as i32 % 1000);
            vec![
                Arc::new(BooleanArray::from_iter(flags)) as ArrayRef,
                Arc::new(Date32Array::from_iter_values(days)),
            ]
        })
        .collect();
    all_options(2, |options| check(&more, options));
}

#[test]
fn the_whole_of_64_bits_and_beyond() {
    let odd = [f64::NAN, -f64::NAN, 0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, -1.5];
    let floats = (0..900).map(|row| match row % 20 {
        0..8 => Some(odd[row % 20]),
        8 => None,
        _ => Some(scrambled(row) as f64 - 1e14),
    });
    let floats: ArrayRef = Arc::new(Float64Array::from_iter(floats));
    let extremes = (0..900).map(|row| [i64::MIN, i64::MAX, 0, scrambled(row) as i64][row % 4]);
    let extremes: ArrayRef = Arc::new(Int64Array::from_iter_values(extremes));
    let unsigned: ArrayRef =
        Arc::new(UInt64Array::from_iter_values((0..900).map(|row| u64::MAX - scrambled(row))));
    let none: ArrayRef = Arc::new(Int64Array::from(vec![None::<i64>; 900]));
    for (one, other) in [
        (&extremes, &none),
        (&none, &extremes),
        (&floats, &none),
        (&floats, &extremes),
        (&unsigned, &floats),
        (&none, &none),
    ] {
        all_options(2, |options| check(&[vec![one.clone(), other.clone()]], options));
    }
}

#[test]
fn texts_by_their_beginnings_and_by_all_of_them() {
    let text = |row: usize| match scrambled(row) % 6 {
        0 => None,
        1 => Some(String::new()),
        2 => Some(format!("{:x}", scrambled(row) % 300)),
        3 => Some("日本".repeat(row % 7)),
        _ => Some(format!("the same beginning {}", scrambled(row + 7) % 90)),
    };
    // More rows than are compared in one piece.
    let batches: Vec<Vec<ArrayRef>> = (0..10)
        .map(|batch| {
            let rows = batch * 9000..(batch + 1) * 9000;
            let texts = StringArray::from_iter(rows.clone().map(text));
            let numbers = Int64Array::from_iter_values(rows.map(|row| scrambled(row) as i64 % 50));
            vec![Arc::new(texts) as ArrayRef, Arc::new(numbers)]
        })
        .collect();
    for options in [[OPTIONS[0], OPTIONS[2]], [OPTIONS[3], OPTIONS[1]]] {
        check(&batches, &options);
        let flipped: Vec<Vec<ArrayRef>> =
            batches.iter().map(|keys| keys.iter().rev().cloned().collect()).collect();
        check(&flipped, &options);
    }
    assert!(is_sortable(batches[0].iter().map(|key| key.data_type())));
}

#[test]
fn equal_keys_keep_the_order_in_which_they_came() {
    let same: ArrayRef = Arc::new(Int64Array::from(vec![7; 500]));
    let rows = sorted(&[vec![same.clone()], vec![same.slice(0, 100)]], &OPTIONS[..1], 4).concat();
    assert_eq!(rows, (0..600).collect::<Vec<_>>());
}

#[test]
fn few_rows_and_many_ranges() {
    let few: ArrayRef = Arc::new(Int64Array::from(vec![3, 1, 2]));
    assert_eq!(sorted(&[vec![few]], &OPTIONS[..1], 8).concat(), [1, 2, 0]);
    let unsorted = Unsorted::new(vec![Run::new(vec![SortOptions::default()])], vec![SortOptions::default()]);
    assert!(unsorted.pieces(4).is_empty());
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
    let sorted = Arc::new(unsorted.sorted(Vec::new(), schema));
    let ranges = sorted.ranges(2);
    assert!(ranges.iter().all(|range| sorted.cursor(range, 10).next_batch().unwrap().is_none()));
}

#[test]
fn a_key_may_be_a_column_of_one_batch_and_not_of_the_next() {
    let ids = |ids: Vec<i64>| Arc::new(Int64Array::from(ids)) as ArrayRef;
    let (one, other) = (ids(vec![5, 1]), ids(vec![0, 0]));
    let mut run = Run::new(vec![SortOptions::default()]);
    run.push(batch(std::slice::from_ref(&one), 0), vec![one]).unwrap();
    run.push(batch(&[other], 2), vec![ids(vec![4, 2])]).unwrap();
    // As many rows as make a piece, all behind.
    let many = ids(vec![9; 1 << 16]);
    run.push(batch(std::slice::from_ref(&many), 4), vec![many]).unwrap();
    let unsorted = Unsorted::new(vec![run], vec![SortOptions::default()]);
    let chunks = unsorted.pieces(1).into_iter().map(|piece| unsorted.sort(piece).unwrap()).collect();
    let schema = unsorted.keyed[0].batch.schema();
    let sorted = Arc::new(unsorted.sorted(chunks, schema));
    let first = sorted.cursor(&sorted.ranges(1)[0], 4).next_batch().unwrap().unwrap();
    assert_eq!(first.column(1).as_primitive::<Int64Type>().values(), &[1, 3, 2, 0]);
}

#[test]
fn rows_of_many_pieces() {
    // In a number of 64 bits with their places, without them, and in none.
    for most in [1000, i64::MAX, 0] {
        let key = |row: usize| {
            let number = scrambled(row) as i64;
            (!row.is_multiple_of(7)).then(|| if most == 0 { number << 14 } else { number % most })
        };
        let batches: Vec<Vec<ArrayRef>> = (0..40)
            .map(|batch| {
                let rows = batch * 9000..(batch + 1) * 9000;
                vec![Arc::new(Int64Array::from_iter(rows.map(key))) as ArrayRef]
            })
            .collect();
        OPTIONS[..3].iter().for_each(|options| check(&batches, &[*options]));
    }
}
