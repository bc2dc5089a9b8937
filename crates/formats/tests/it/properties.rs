//! What must hold for any input: round trips, any split, any chunking, no panic.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use futures::TryStreamExt;
use futures::executor::block_on;
use proptest::prelude::*;

use formats::{
    ByteSource, Compression, CsvOptions, Format, InferOptions, JsonLayout, JsonOptions, MemorySink,
    MemorySource, ParquetOptions, ReadOptions, Strictness, WriteOptions, Writer, infer, plan_splits, read,
};

use super::{names, read_all, rows, schema, strictness, text_schema};

type Row = (Option<i64>, Option<String>, Option<f64>, Option<bool>, Option<i32>, Option<i64>);

fn row() -> impl Strategy<Value = Row> {
    (
        any::<Option<i64>>(),
        prop::option::of("[ -~\n\r\té\"\\\\,]{0,12}"),
        prop::option::of(-1e300f64..1e300),
        any::<Option<bool>>(),
        prop::option::of(-700_000i32..2_900_000),
        prop::option::of(-60_000_000_000_000_000i64..250_000_000_000_000_000),
    )
}

fn table(data: &[Row]) -> RecordBatch {
    let schema = schema(&[
        ("i", "bigint"),
        ("s", "string"),
        ("f", "double"),
        ("b", "boolean"),
        ("d", "date"),
        ("t", "timestamp"),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(data.iter().map(|r| r.0).collect::<Int64Array>()),
        Arc::new(data.iter().map(|r| r.1.clone()).collect::<StringArray>()),
        Arc::new(data.iter().map(|r| r.2).collect::<Float64Array>()),
        Arc::new(data.iter().map(|r| r.3).collect::<BooleanArray>()),
        Arc::new(data.iter().map(|r| r.4).collect::<Date32Array>()),
        Arc::new(data.iter().map(|r| r.5).collect::<TimestampMicrosecondArray>()),
    ];
    RecordBatch::try_new(schema, columns).unwrap()
}

fn write(batch: &RecordBatch, format: &Format, options: &WriteOptions) -> Vec<u8> {
    let mut writer = Writer::new("f", format, batch.schema(), options, MemorySink::default()).unwrap();
    for start in (0..batch.num_rows()).step_by(7) {
        block_on(writer.write(&batch.slice(start, 7.min(batch.num_rows() - start)))).unwrap();
    }
    let (sink, finished) = block_on(writer.finish()).unwrap();
    assert_eq!((finished.rows, finished.bytes), (batch.num_rows() as u64, sink.data.len() as u64));
    sink.data
}

/// A dialect that can write every value and tell NULL from the empty text.
fn round_trip_csv() -> CsvOptions {
    CsvOptions { empty_text_is_null: true, skip_blank_lines: false, ..CsvOptions::standard() }
}

proptest! {

    #[test]
    fn what_is_written_is_read(data in prop::collection::vec(row(), 1..40), codec in 0usize..4) {
        let compression = [Compression::None, Compression::Gzip, Compression::Bzip2, Compression::Zstd][codec];
        let batch = table(&data);
        for format in [Format::Csv(round_trip_csv()), Format::Json(JsonOptions::default()), Format::Parquet(ParquetOptions {})] {
            let compression = if matches!(format, Format::Parquet(_)) { Compression::None } else { compression };
            let options = WriteOptions { compression, ..WriteOptions::default() };
            let file: Arc<dyn ByteSource> = Arc::new(MemorySource::new("f", write(&batch, &format, &options)).with_piece(97));
            let back = read_all(&file, &format, &batch.schema(), ReadOptions { batch_rows: 5, ..ReadOptions::default() }).unwrap();
            prop_assert_eq!(&back, &batch, "{:?}", format);
        }
    }

    #[test]
    fn any_split_gives_the_same_rows(
        lines in prop::collection::vec("[a-c,\\\\]{0,8}", 0..30),
        crlf in any::<bool>(),
        bom in any::<bool>(),
        header in 0u64..3,
        cuts in prop::collection::vec(0usize..300, 0..6),
        end in any::<bool>(),
        strictness in strictness(),
    ) {
        let mut text = if bom { "\u{feff}".to_owned() } else { String::new() };
        text.push_str(&lines.join(if crlf { "\r\n" } else { "\n" }));
        if end { text.push('\n'); }
        let csv = CsvOptions { delimiter: b',', escape: Some(b'\\'), header_lines: header, ..CsvOptions::lazy_simple(names(3)) };
        same_rows_over_cuts(&text, &Format::Csv(csv), &cuts, strictness)?;
    }

    #[test]
    fn any_split_of_quoted_records_gives_the_same_rows(
        text in "([a-c]{0,3}[,\n]|\"[a,\n]{0,4}\"[,\n]|[\",\n\\\\]){0,40}",
        header in 0u64..3,
        escape in prop::option::of(Just(b'\\')),
        cuts in prop::collection::vec(0usize..200, 0..6),
        strictness in strictness(),
    ) {
        let csv = CsvOptions { delimiter: b',', escape, header_lines: header, ..CsvOptions::open_csv(names(3)) };
        same_rows_over_cuts(&text, &Format::Csv(csv), &cuts, strictness)?;
    }

    #[test]
    fn a_footer_is_what_the_last_lines_are(
        lines in prop::collection::vec("[a-c,\\\\]{0,8}", 0..12),
        footer in 0u64..5,
        end in any::<bool>(),
        piece in 1usize..40,
    ) {
        let csv = |footer_lines| CsvOptions { delimiter: b',', footer_lines, ..CsvOptions::lazy_simple(names(2)) };
        let text = |lines: &[String]| {
            let last = if end && !lines.is_empty() { "\n" } else { "" };
            format!("{}{last}", lines.join("\n"))
        };
        // An empty last line without a break is none.
        let own = text(&lines);
        let lines: Vec<String> = own.lines().map(str::to_owned).collect();
        let kept = lines.len().saturating_sub(footer as usize);
        let read = |text: String, footer| {
            let file: Arc<dyn ByteSource> = Arc::new(MemorySource::new("f", text.into_bytes()).with_piece(piece));
            rows(&read_all(&file, &Format::Csv(csv(footer)), &text_schema(2), ReadOptions::default()).unwrap())
        };
        let head: String = lines[..kept].iter().map(|line| format!("{line}\n")).collect();
        prop_assert_eq!(read(own, footer), read(head, 0));
    }

    #[test]
    fn quotes_that_a_backslash_escapes_come_back(
        values in prop::collection::vec("[ab,\"\\\\\n]{0,6}", 1..12),
    ) {
        let field = |value: &String| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
        let text: String = values.iter().map(|value| format!("{},1\n", field(value))).collect();
        let file: Arc<dyn ByteSource> = Arc::new(MemorySource::new("f", text.into_bytes()));
        let format = Format::Csv(CsvOptions::open_csv(names(2)));
        let back = rows(&read_all(&file, &format, &text_schema(1), ReadOptions::default()).unwrap());
        let back: Vec<String> = back.into_iter().map(|row| row[0].clone()).collect();
        prop_assert_eq!(back, values);
    }

    #[test]
    fn any_split_of_json_lines_gives_the_same_rows(
        values in prop::collection::vec((any::<Option<i16>>(), "[a-z\"\\\\{}é]{0,5}", 0usize..3), 0..30),
        cuts in prop::collection::vec(0usize..600, 0..6),
    ) {
        let mut text = String::new();
        for (a, b, breaks) in values {
            text.push_str(&serde_json::json!({"c0": a.map(|a| a.to_string()), "c1": b}).to_string());
            text.push_str(&"\n".repeat(breaks));
        }
        let json = JsonOptions { layout: JsonLayout::Lines, ..JsonOptions::default() };
        same_rows_over_cuts(&text, &Format::Json(json), &cuts, Strictness::Dialect)?;
    }

    #[test]
    fn any_chunking_gives_the_same_result(
        text in "[a-c,\"\\\\\n\r\\[\\]{}:1]{0,200}",
        piece in 1usize..40,
        which in 0usize..5,
    ) {
        let format = [
            Format::Csv(CsvOptions::standard()),
            Format::Csv(CsvOptions { delimiter: b',', ..CsvOptions::lazy_simple(names(3)) }),
            Format::Csv(CsvOptions { multiline: false, ..CsvOptions::open_csv(names(3)) }),
            Format::Csv(CsvOptions::open_csv(names(3))),
            Format::Json(JsonOptions::default()),
        ][which].clone();
        let wanted = if which == 0 { schema(&[]) } else { text_schema(3) };
        let result = |piece: usize| {
            let file: Arc<dyn ByteSource> = Arc::new(MemorySource::new("f", text.clone().into_bytes()).with_piece(piece));
            match read_all(&file, &format, &wanted, ReadOptions { batch_rows: 3, ..ReadOptions::default() }) {
                Ok(batch) => format!("{:?}", rows(&batch)),
                Err(e) => e.to_string(),
            }
        };
        prop_assert_eq!(result(piece), result(1 << 20));
    }

    #[test]
    fn any_bytes_never_panic(data in prop::collection::vec(any::<u8>(), 0..400), magic in 0usize..8) {
        let heads: [&[u8]; 8] = [b"", b"PAR1", b"\x1f\x8b\x08\x00", b"BZh91AY&SY", b"\x28\xb5\x2f\xfd", b"{\"a\":", b"[{\"", b"a,b\n"];
        let mut bytes = heads[magic].to_vec();
        bytes.extend(data);
        if magic == 1 { bytes.extend_from_slice(b"\x10\0\0\0PAR1"); }
        let file: Arc<dyn ByteSource> = Arc::new(MemorySource::new("f", bytes));
        let _ = block_on(infer(Arc::clone(&file), &InferOptions::default()));
        for format in [
            Format::Csv(CsvOptions { header_lines: 0, ..CsvOptions::open_csv(names(3)) }),
            Format::Json(JsonOptions::default()),
            Format::Parquet(ParquetOptions {}),
        ] {
            let _ = read_all(&file, &format, &text_schema(3), ReadOptions::default());
        }
    }

    #[test]
    fn whatever_is_inferred_can_be_read(
        lines in prop::collection::vec(prop::collection::vec("[a-b0-9.\" ]{0,4}", 2..4), 2..20),
    ) {
        let text: String = lines.iter().map(|l| l.join(",") + "\n").collect();
        let file: Arc<dyn ByteSource> = Arc::new(MemorySource::new("f", text.into_bytes()));
        if let Ok(found) = block_on(infer(Arc::clone(&file), &InferOptions::default())) {
            let columns: Vec<(&str, String)> = found.fields.iter().map(|f| (f.name.as_str(), f.ty.to_string())).collect();
            let columns: Vec<(&str, &str)> = columns.iter().map(|(n, t)| (*n, t.as_str())).collect();
            let batch = read_all(&file, &found.format, &schema(&columns), ReadOptions::default());
            prop_assert!(batch.is_ok(), "{:?}", batch);
        }
    }
}

fn same_rows_over_cuts(
    text: &str,
    format: &Format,
    cuts: &[usize],
    strictness: Strictness,
) -> Result<(), TestCaseError> {
    let file: Arc<dyn ByteSource> = Arc::new(MemorySource::new("f", text.as_bytes().to_vec()));
    let wanted = text_schema(3);
    // A quote that nothing closes is a bad record, wherever the file is cut.
    let bad = [Arc::new(formats::BadRecords::default()), Arc::default()];
    let options = |parts: usize| ReadOptions {
        on_bad_record: formats::OnBadRecord::Skip(Arc::clone(&bad[parts])),
        strictness,
        ..ReadOptions::default()
    };
    let whole = rows(&read_all(&file, format, &wanted, options(0)).unwrap());
    let mut edges: Vec<u64> = cuts.iter().map(|c| (*c as u64).min(file.size())).collect();
    edges.extend([0, file.size()]);
    edges.sort_unstable();
    let mut parts = Vec::new();
    for pair in edges.windows(2) {
        let stream = read(Arc::clone(&file), pair[0]..pair[1], format, Arc::clone(&wanted), options(1));
        let batches: Vec<RecordBatch> = block_on(stream.try_collect()).unwrap();
        parts.extend(batches.iter().flat_map(rows));
    }
    prop_assert_eq!(parts, whole, "{:?} cut at {:?}", text, edges);
    prop_assert_eq!(bad[1].count(), bad[0].count(), "{:?} cut at {:?}", text, edges);
    let planned = block_on(plan_splits(&*file, format, 10)).unwrap();
    prop_assert!(planned.windows(2).all(|w| w[0].end == w[1].start));
    Ok(())
}

#[test]
fn parquet_row_groups_are_read_once_each() {
    let data: Vec<Row> = (0..1000).map(|i| (Some(i), None, None, None, None, None)).collect();
    let batch = table(&data);
    let format = Format::Parquet(ParquetOptions {});
    let options = WriteOptions { row_group_bytes: 1, ..WriteOptions::default() };
    let file: Arc<dyn ByteSource> = Arc::new(MemorySource::new("f", write(&batch, &format, &options)));
    let mut seen = Vec::new();
    for range in block_on(plan_splits(&*file, &format, 1000)).unwrap() {
        let stream =
            read(Arc::clone(&file), range, &format, schema(&[("I", "bigint")]), ReadOptions::default());
        let batches: Vec<RecordBatch> = block_on(stream.try_collect()).unwrap();
        seen.extend(batches.iter().flat_map(rows).map(|r| r[0].parse::<i64>().unwrap()));
    }
    assert_eq!(seen, (0..1000).collect::<Vec<_>>());
}
