use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Mutex;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int8Array, Int64Array, RecordBatch,
    StringArray, UInt64Array,
};
use arrow::compute::{LexicographicalComparator, SortColumn, concat};
use arrow::datatypes::{Field, Fields, Int64Type, Schema};
use arrow::error::ArrowError;

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

/// Files in memory.
#[derive(Default)]
struct Files(Mutex<Vec<FileInMemory>>);

type FileInMemory = Arc<Mutex<Vec<u8>>>;

struct End(FileInMemory);

impl io::Write for End {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ReadAt for End {
    fn read_exact_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        let file = self.0.lock().unwrap();
        let from = file.get(at as usize..).ok_or(io::ErrorKind::UnexpectedEof)?;
        bytes.copy_from_slice(from.get(..bytes.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

impl Spill for Files {
    fn file(&self) -> io::Result<(Box<dyn io::Write + Send>, Arc<dyn ReadAt>)> {
        let file = FileInMemory::default();
        self.0.lock().unwrap().push(file.clone());
        Ok((Box::new(End(file.clone())), Arc::new(End(file))))
    }
}

/// Of rows whose keys are their first columns.
fn keys(options: &[SortOptions], kept: usize) -> Keys {
    Keys { columns: options.iter().copied().enumerate().collect(), kept }
}

/// How runs are held.
#[derive(Clone, Copy, Debug)]
enum Holding {
    InMemory,
    /// Each batch is a piece in a file, of which so many are merged.
    InFiles(usize),
}

/// Sorts batches of these keys in two runs and so many ranges; returns the rows' numbers by range.
fn sorted(
    batches: &[Vec<ArrayRef>],
    options: &[SortOptions],
    ranges: usize,
    holding: Holding,
) -> Vec<Vec<usize>> {
    let columns = options.len() + 1;
    let batches: Vec<RecordBatch> = batches
        .iter()
        .scan(0, |first, keys| {
            let batch = batch(keys, *first);
            *first += batch.num_rows();
            Some(batch)
        })
        .collect();
    let schema = batches[0].schema();
    let pieces = if let Holding::InFiles(pieces) = holding { pieces } else { 100 };
    let limits = Limits { block_bytes: 1000, pieces };
    let keys = keys(options, columns);
    let mut runs = [(); 2].map(|()| Run::new(schema.clone(), keys.clone(), limits));
    let files = Files::default();
    // The first half of the batches, and the second.
    for (at, batch) in batches.iter().enumerate() {
        let run = &mut runs[at * 2 / batches.len()];
        run.push(batch.clone()).unwrap();
        if matches!(holding, Holding::InFiles(_)) {
            run.settle().unwrap();
            assert!(run.spill(&files).unwrap() > 0 && run.settled_bytes() == 0);
        }
        while run.is_long() {
            assert!(run.merge(&files).unwrap() > 0);
        }
    }
    let sorted = Arc::new(Sorted::new(runs.into(), schema, keys).unwrap());
    let read = |range: Range<usize>| {
        let mut cursor = sorted.cursor(range, 100);
        let mut rows = Vec::new();
        while let Some(batch) = cursor.next_batch().unwrap() {
            assert!((1..=100).contains(&batch.num_rows()));
            let ids = batch.column(batch.num_columns() - 1).as_primitive::<Int64Type>();
            rows.extend(ids.values().iter().map(|id| *id as usize));
        }
        rows
    };
    sorted.ranges(ranges).into_iter().map(read).collect()
}

/// Checks that every row is there once, and that no row comes before one that is less by arrow's own comparison; and that ranges are
/// about as large as each other.
fn check(batches: &[Vec<ArrayRef>], options: &[SortOptions]) {
    let ranges = check_rows(batches, options);
    // However many rows have the same keys.
    let all: usize = ranges.iter().map(Vec::len).sum();
    let most = all / 3 + all / 10;
    assert!(
        ranges.iter().all(|range| range.len() <= most),
        "{:?}",
        ranges.iter().map(Vec::len).collect::<Vec<_>>()
    );
}

fn check_rows(batches: &[Vec<ArrayRef>], options: &[SortOptions]) -> Vec<Vec<usize>> {
    let rows = |holding| sorted(batches, options, 3, holding).concat();
    let in_memory = rows(Holding::InMemory);
    for pieces in [2, 3, 100] {
        // The same order, too, of rows with the same keys.
        assert_eq!(rows(Holding::InFiles(pieces)), in_memory, "{pieces} {options:?}");
    }
    let ranges = sorted(batches, options, 3, Holding::InMemory);
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
    ranges
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
    let schema = batch(&batches[0], 0).schema();
    assert!(is_sortable(&schema, batches[0].iter().map(|key| key.data_type())));
}

#[test]
fn equal_keys_keep_the_order_in_which_they_came() {
    let same: ArrayRef = Arc::new(Int64Array::from(vec![7; 500]));
    let rows =
        sorted(&[vec![same.clone()], vec![same.slice(0, 100)]], &OPTIONS[..1], 4, Holding::InMemory).concat();
    assert_eq!(rows, (0..600).collect::<Vec<_>>());
}

#[test]
fn few_rows_and_many_ranges() {
    let few: ArrayRef = Arc::new(Int64Array::from(vec![3, 1, 2]));
    assert_eq!(sorted(&[vec![few]], &OPTIONS[..1], 8, Holding::InMemory).concat(), [1, 2, 0]);
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
    let limits = Limits { block_bytes: 1000, pieces: 2 };
    let run = Run::new(schema.clone(), keys(&OPTIONS[..1], 1), limits);
    let sorted = Arc::new(Sorted::new(vec![run], schema, keys(&OPTIONS[..1], 1)).unwrap());
    assert!(
        sorted.ranges(2).into_iter().all(|range| sorted.cursor(range, 10).next_batch().unwrap().is_none())
    );
}

#[test]
fn columns_behind_the_kept_ones_are_sorted_by_and_not_given() {
    let numbers = |numbers: [i64; 4]| Arc::new(Int64Array::from_iter_values(numbers)) as ArrayRef;
    let batch = batch(&[numbers([10, 11, 12, 13]), numbers([4, 1, 3, 2])], 0);
    let keys = Keys { columns: vec![(1, OPTIONS[0])], kept: 1 };
    let limits = Limits { block_bytes: 1000, pieces: 2 };
    let mut run = Run::new(batch.schema(), keys.clone(), limits);
    let files = Files::default();
    for _ in 0..2 {
        run.push(batch.clone()).unwrap();
        run.settle().unwrap();
        run.spill(&files).unwrap();
    }
    run.merge(&files).unwrap();
    let sorted = Arc::new(Sorted::new(vec![run], batch.schema(), keys).unwrap());
    let given = sorted.all(10).next_batch().unwrap().unwrap();
    assert_eq!((given.num_columns(), given.schema().field(0).name().as_str()), (1, "0"));
    let column = given.column(0).as_primitive::<Int64Type>();
    assert_eq!(column.values(), &[11, 11, 13, 13, 12, 12, 10, 10]);
}

#[test]
fn rows_of_all_types_come_back_from_files() {
    let rows = 0..500;
    let structure = |at: i64| (at % 3 > 0).then(|| format!("{{\"t\": \"x{at}\", \"l\": [{at}, null]}}"));
    let lines: Vec<String> = rows
        .clone()
        .map(|at| {
            let nested = structure(at).unwrap_or("null".to_owned());
            format!("{{\"key\": {}, \"flag\": {}, \"nested\": {nested}}}", 500 - at, at % 2 == 0)
        })
        .collect();
    let nested = Fields::from(vec![
        Field::new("t", DataType::Utf8, true),
        Field::new("l", DataType::new_list(DataType::Int32, true), true),
    ]);
    let schema = Arc::new(Schema::new(vec![
        Field::new("key", DataType::Decimal128(20, 2), true),
        Field::new("flag", DataType::Boolean, true),
        Field::new("nested", DataType::Struct(nested), true),
    ]));
    let mut reader = arrow_json::ReaderBuilder::new(schema.clone()).build_decoder().unwrap();
    reader.decode(lines.join("\n").as_bytes()).unwrap();
    let batch = reader.flush().unwrap().unwrap();
    assert!(is_sortable(&schema, [DataType::Decimal128(20, 2)].iter()));

    let keys = keys(&OPTIONS[..1], 3);
    let mut run = Run::new(schema.clone(), keys.clone(), Limits { block_bytes: 500, pieces: 2 });
    run.push(batch.clone()).unwrap();
    run.settle().unwrap();
    run.spill(&Files::default()).unwrap();
    let mut cursor = Arc::new(Sorted::new(vec![run], schema, keys).unwrap()).all(1000);
    let mut given = Vec::new();
    while let Some(batch) = cursor.next_batch().unwrap() {
        given.push(batch);
    }
    let given = arrow::compute::concat_batches(&batch.schema(), &given).unwrap();
    let backwards = UInt64Array::from_iter_values((0..500).rev());
    assert_eq!(given, arrow::compute::take_record_batch(&batch, &backwards).unwrap());
}

#[test]
fn rows_of_which_a_block_would_hold_too_much_are_not_sorted_here() {
    let words = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    for of in [DataType::Utf8View, DataType::new_list(DataType::BinaryView, true), words] {
        let schema = Schema::new(vec![Field::new("n", DataType::Int64, true), Field::new("v", of, true)]);
        assert!(!is_sortable(&schema, [DataType::Int64].iter()));
    }
}

/// A disk without room.
struct Full;

impl io::Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Spill for Full {
    fn file(&self) -> io::Result<(Box<dyn io::Write + Send>, Arc<dyn ReadAt>)> {
        Ok((Box::new(Full), Arc::new(End(FileInMemory::default()))))
    }
}

#[test]
fn a_disk_without_room_is_an_error() {
    let rows = batch(&[Arc::new(Int64Array::from(vec![3, 1, 2]))], 0);
    let limits = Limits { block_bytes: 1000, pieces: 2 };
    let mut run = Run::new(rows.schema(), keys(&OPTIONS[..1], 2), limits);
    run.push(rows).unwrap();
    run.settle().unwrap();
    let error = run.spill(&Full).unwrap_err();
    assert!(matches!(error, ArrowError::IoError(_, io) if io.kind() == io::ErrorKind::StorageFull));
}

/// Of long keys blocks know the beginning only; many begin alike here, and many are the same.
#[test]
fn long_texts() {
    let text = |row: usize| {
        let beginning = char::from(b'a' + (scrambled(row) % 3) as u8).to_string().repeat(200 + row % 2 * 200);
        Some(format!("{beginning}{}", scrambled(row + 5) % 40)).filter(|_| !row.is_multiple_of(13))
    };
    let batches: Vec<Vec<ArrayRef>> = (0..6)
        .map(|batch| {
            let rows = batch * 300..(batch + 1) * 300;
            vec![Arc::new(StringArray::from_iter(rows.map(text))) as ArrayRef]
        })
        .collect();
    for options in OPTIONS {
        check_rows(&batches, &[options]);
    }
}

#[test]
fn rows_of_many_pieces() {
    // In a number of 64 bits with their places, without them, and in none.
    for most in [1000, i64::MAX, 0] {
        let key = |row: usize| {
            let number = scrambled(row) as i64;
            (!row.is_multiple_of(7)).then(|| if most == 0 { number << 14 } else { number % most })
        };
        let batches: Vec<Vec<ArrayRef>> = (0..12)
            .map(|batch| {
                let rows = batch * 9000..(batch + 1) * 9000;
                vec![Arc::new(Int64Array::from_iter(rows.map(key))) as ArrayRef]
            })
            .collect();
        OPTIONS[..3].iter().for_each(|options| check(&batches, &[*options]));
    }
}
