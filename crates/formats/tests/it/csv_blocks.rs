//! Delimited text that is read by blocks of records gives what it gives record by record.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::Int64Type;
use formats::{
    BadRecords, ByteSource, ColumnNames, CsvOptions, Format, Malformed, MemorySource, OnBadRecord,
    ReadOptions, RowFilter, Strictness,
};
use proptest::prelude::*;

use super::{names, read_all, rows, schema, strictness};

/// Keeps rows whose first column is a number above 0.
#[derive(Debug, Default)]
struct Positive {
    left_out: AtomicU64,
}

impl RowFilter for Positive {
    fn columns(&self) -> &[usize] {
        &[0]
    }

    fn keep(&self, columns: &RecordBatch) -> std::io::Result<BooleanArray> {
        let numbers = columns.column(0).as_primitive::<Int64Type>();
        Ok(numbers.iter().map(|number| number.map(|number| number > 0)).collect())
    }

    fn left_out(&self, records: u64) {
        self.left_out.fetch_add(records, Ordering::Relaxed);
    }
}

/// How a file is read.
#[derive(Debug, Clone)]
struct Reading {
    csv: CsvOptions,
    casts: bool,
    filtered: bool,
    strictness: Strictness,
    fails: bool,
    piece: usize,
}

/// Rows or an error, the number of bad records, the first of these, and how many rows the filter left out.
type Found = (Result<Vec<Vec<String>>, String>, u64, Vec<String>, Option<u64>);

impl Reading {
    /// A dialect with comments is not read by blocks.
    fn read(&self, text: &str, comment: Option<u8>) -> Found {
        let bad = Arc::new(BadRecords::default());
        let filter = self.filtered.then(|| Arc::new(Positive::default()));
        let options = ReadOptions {
            batch_rows: 16,
            cast_columns: if self.casts { vec![0, 2] } else { vec![] },
            on_bad_record: if self.fails { OnBadRecord::Fail } else { OnBadRecord::Skip(Arc::clone(&bad)) },
            strictness: self.strictness,
            filter: filter.clone().map(|filter| filter as Arc<dyn RowFilter>),
            ..ReadOptions::default()
        };
        let format = Format::Csv(CsvOptions { comment, ..self.csv.clone() });
        let file: Arc<dyn ByteSource> =
            Arc::new(MemorySource::new("f", text.as_bytes().to_vec()).with_piece(self.piece));
        let wanted = schema(&[("c0", "bigint"), ("c1", "string"), ("c2", "double")]);
        let batch = read_all(&file, &format, &wanted, options);
        let left_out = filter.filter(|_| batch.is_ok()).map(|filter| filter.left_out.load(Ordering::Relaxed));
        let examples = bad.examples().iter().map(|error| format!("{:?} {error}", error.place)).collect();
        (batch.map(|batch| rows(&batch)).map_err(|error| error.to_string()), bad.count(), examples, left_out)
    }
}

fn dialect(which: usize) -> CsvOptions {
    match which {
        0 => CsvOptions { header_lines: 0, names: ColumnNames::Given(names(3)), ..CsvOptions::standard() },
        1 => CsvOptions {
            delimiter: b',',
            null_text: Some("7".to_owned()),
            ..CsvOptions::lazy_simple(names(3))
        },
        2 => CsvOptions { empty_text_is_null: true, ..CsvOptions::open_csv(names(3)) },
        3 => CsvOptions { malformed: Malformed::Null, ..CsvOptions::open_csv(names(3)) },
        4 => CsvOptions { skip_blank_lines: true, multiline: false, ..CsvOptions::open_csv(names(3)) },
        _ => CsvOptions { skip_blank_lines: false, ..CsvOptions::standard() },
    }
}

type Cells = (String, String, String, usize);

/// Mostly three fields, now and then another number of them, a blank line, a line break in quotes or an open quote.
fn record((a, b, c, kind): &Cells) -> String {
    match kind {
        0 => format!("{a},{b}"),
        1 => format!("{a},{b},{c},{a}"),
        2 => String::new(),
        3 => " \t".to_owned(),
        4 => "\"\"".to_owned(),
        5 => format!("{a},\"x\n,{a}\",{c}"),
        6 => b.clone(),
        7 => format!("{a},\"{a}\\,{c}"),
        8 => format!("{a}\r,\r,{c}"),
        _ => format!("{a},{b},{c}"),
    }
}

fn cells() -> impl Strategy<Value = Cells> {
    (
        "[-+ ]?[0-9]{0,9}(\\.[0-9]{0,3})?|x|NaN|",
        "[a-cé]{0,3}|\"[a,]{0,3}\"",
        "[0-9]{0,2}(\\.[0-9])?|-|1e3",
        0usize..70,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(768))]

    #[test]
    fn blocks_of_records_are_read_like_single_ones(
        records in prop::collection::vec(cells(), 1..60),
        ends in "\n|\r\n",
        last_ends in any::<bool>(),
        which in 0usize..6,
        header in prop::option::of("(\n| \n){0,2}c0,c1(,c2){0,1}(,c3){0,1}\n"),
        casts in any::<bool>(),
        filtered in any::<bool>(),
        strictness in strictness(),
        fails in any::<bool>(),
        piece in 1usize..200,
    ) {
        let own = dialect(which);
        let header_lines = if header.is_some() { 1 } else { own.header_lines };
        let csv = CsvOptions { header_lines, ..own };
        let mut text = header.unwrap_or_default();
        records.iter().for_each(|cells| text += &(record(cells) + &ends));
        if !last_ends {
            text.truncate(text.len() - ends.len());
        }
        let reading = Reading { csv, casts, filtered, strictness, fails, piece };
        prop_assert_eq!(reading.read(&text, None), reading.read(&text, Some(b'#')), "{:?}", text);
    }
}
