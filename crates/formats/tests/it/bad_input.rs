//! Damaged, endless and hostile files: clear errors, bounded memory, never a panic.

use std::io::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::executor::block_on;

use formats::{
    ColumnNames, CsvOptions, Format, InferOptions, JsonOptions, MemorySink, ParquetOptions, Problem,
    ReadOptions, Strictness, WriteOptions, Writer, infer,
};

use super::{read_all, schema, source, text_schema};

fn small() -> ReadOptions {
    ReadOptions { max_record_bytes: 1 << 20, ..ReadOptions::default() }
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn parquet(rows: usize) -> Vec<u8> {
    let table = schema(&[("a", "int")]);
    let array = arrow::array::Int32Array::from_iter_values(0..rows as i32);
    let batch = RecordBatch::try_new(Arc::clone(&table), vec![Arc::new(array)]).unwrap();
    let format = Format::Parquet(ParquetOptions {});
    let mut writer =
        Writer::new("f", &format, table, &WriteOptions::default(), MemorySink::default()).unwrap();
    block_on(writer.write(&batch)).unwrap();
    block_on(writer.finish()).unwrap().0.data
}

#[test]
fn a_line_that_never_ends() {
    let text = vec![b'x'; 3 << 20];
    let csv = Format::Csv(CsvOptions::lazy_simple(vec!["c0".into()]));
    let error = read_all(&source("f", text.clone()), &csv, &text_schema(1), small()).unwrap_err();
    assert_eq!(error.to_string(), "f, line 1: a single record is larger than the limit of 1048576 bytes");
    let options = InferOptions { max_record_bytes: 1 << 20, ..InferOptions::default() };
    let error = block_on(infer(source("f", text), &options)).unwrap_err();
    assert!(matches!(error.problem, Problem::RecordTooLarge { .. }));
}

#[test]
fn json_that_never_ends() {
    let json = Format::Json(JsonOptions::default());
    let table = schema(&[("a", "int")]);
    for (text, wanted) in [
        ("[{\"a\":1},", "f, line 1: the JSON array is not closed at the end of the file"),
        ("[{\"a\":1}", "f, line 1: the JSON array is not closed at the end of the file"),
        ("[\n{\"a\":1},\n{\"a\":", "f, line 3: the JSON array is not closed at the end of the file"),
        (
            "[{\"a\":1}] x",
            "f, line 1: malformed JSON: expected nothing behind the array, found x (byte 1 of the record)",
        ),
    ] {
        let error = read_all(&source("f", text), &json, &table, small()).unwrap_err();
        assert_eq!(error.to_string(), wanted);
    }
    let mut endless = b"[".to_vec();
    endless.extend(b"{\"a\":1},".repeat(100_000));
    let error = read_all(&source("f", endless), &json, &table, small()).unwrap_err();
    assert!(matches!(error.problem, Problem::UnterminatedJson { .. }), "{error}");
    let deep = "[".repeat(3 << 20);
    let error = read_all(&source("f", format!("{{\"b\":{deep}")), &json, &table, small()).unwrap_err();
    assert!(matches!(error.problem, Problem::RecordTooLarge { .. }), "{error}");
    let deep = format!("{{\"b\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let error = read_all(&source("f", deep), &json, &table, small()).unwrap_err();
    assert!(
        error.to_string().contains("nested more than 128 levels deep (byte 133 of the record)"),
        "{error}"
    );
}

#[test]
fn damaged_compression() {
    let csv = Format::Csv(CsvOptions::standard());
    let text: String =
        std::iter::once("c0,c1\n".to_owned()).chain((0..20_000).map(|i| format!("{i},x{i}\n"))).collect();
    let whole = gzip(text.as_bytes());
    let cut = whole[..whole.len() / 2].to_vec();
    let error = read_all(&source("f.gz", cut), &csv, &text_schema(2), small()).unwrap_err();
    assert!(error.to_string().starts_with("f.gz: damaged or incomplete gzip data"), "{error}");
    for len in 1..20.min(whole.len()) {
        let _ = read_all(&source("f.gz", whole[..len].to_vec()), &csv, &text_schema(2), small()).unwrap_err();
    }
    let error = read_all(&source("f.gz", "c0,c1\n1,2\n"), &csv, &text_schema(2), small()).unwrap_err();
    assert!(matches!(error.problem, Problem::NotCompressed { codec: "gzip" }), "{error}");
    let zstd = zstd::encode_all(text.as_bytes(), 3).unwrap();
    let error =
        read_all(&source("f", zstd[..zstd.len() - 9].to_vec()), &csv, &text_schema(2), small()).unwrap_err();
    assert!(matches!(error.problem, Problem::Compression { .. }), "{error}");
    let mut several = whole.clone();
    several.extend(gzip(b"1,2\n3,4\n"));
    let batch = read_all(&source("f", several), &csv, &text_schema(2), small()).unwrap();
    assert_eq!(batch.num_rows(), 20_002);
}

#[test]
fn a_decompression_bomb_is_one_long_line() {
    let bomb = gzip(&vec![b'a'; 64 << 20]);
    let csv = Format::Csv(CsvOptions::lazy_simple(vec!["c0".into()]));
    let error = read_all(&source("f", bomb), &csv, &text_schema(1), small()).unwrap_err();
    assert!(matches!(error.problem, Problem::RecordTooLarge { .. }), "{error}");
}

#[test]
fn cut_parquet() {
    let whole = parquet(10_000);
    let table = schema(&[("a", "int")]);
    let format = Format::Parquet(ParquetOptions {});
    assert_eq!(read_all(&source("f", whole.clone()), &format, &table, small()).unwrap().num_rows(), 10_000);
    for len in [1, 4, 8, 100, whole.len() / 2, whole.len() - 1] {
        let file = source("s3://b/f.parquet", whole[..len].to_vec());
        let error = read_all(&file, &format, &table, small()).unwrap_err();
        assert!(error.to_string().starts_with("s3://b/f.parquet: damaged or unreadable Parquet"), "{error}");
        let _ = block_on(infer(file, &InferOptions::default())).unwrap_err();
    }
}

#[test]
fn parquet_of_another_type_is_an_error_and_not_null() {
    let table = schema(&[("a", "string")]);
    let format = Format::Parquet(ParquetOptions {});
    let batch = read_all(&source("f", parquet(3)), &format, &table, small()).unwrap();
    assert_eq!(super::rows(&batch), [["0"], ["1"], ["2"]]);
    let error =
        read_all(&source("f", parquet(300)), &format, &schema(&[("a", "tinyint")]), small()).unwrap_err();
    assert!(error.to_string().contains("column a"), "{error}");
}

#[test]
fn flipped_bits_never_panic() {
    let whole = parquet(500);
    let table = schema(&[("a", "int")]);
    let format = Format::Parquet(ParquetOptions {});
    for at in 0..whole.len() {
        for bit in [0, 3, 7] {
            let mut data = whole.clone();
            data[at] ^= 1 << bit;
            let _ = read_all(&source("f", data), &format, &table, small());
        }
    }
}

#[test]
fn utf_16_and_parts_of_what_cannot_be_cut() {
    let csv = Format::Csv(CsvOptions::standard());
    let error =
        read_all(&source("f", vec![0xff, 0xfe, b'a', 0, b'b']), &csv, &text_schema(2), small()).unwrap_err();
    assert!(error.to_string().contains("not valid UTF-16LE"), "{error}");
    let file = source("f", "a,b\n1,2\n");
    let with_comments = Format::Csv(CsvOptions { comment: Some(b'#'), ..CsvOptions::standard() });
    let stream = formats::read(Arc::clone(&file), 2..8, &with_comments, text_schema(2), small());
    let got: Vec<_> = block_on(futures::StreamExt::collect(stream));
    assert!(got[0].as_ref().unwrap_err().to_string().contains("a part of a file"));
}

#[test]
fn lines_that_end_in_carriage_returns_alone_are_refused_and_none_is_lost() {
    let named = CsvOptions { header_lines: 1, names: ColumnNames::Header, ..CsvOptions::standard() };
    let skipped = CsvOptions { header_lines: 1, ..CsvOptions::open_csv(vec!["a".into(), "b".into()]) };
    let lazy = CsvOptions { header_lines: 1, ..CsvOptions::lazy_simple(vec!["a".into(), "b".into()]) };
    let bare = CsvOptions { header_lines: 0, names: ColumnNames::Generated, ..CsvOptions::standard() };
    let even = || ReadOptions { strictness: Strictness::EvenRows, ..ReadOptions::default() };
    for (csv, columns) in
        [(named, ["a", "b"]), (skipped, ["a", "b"]), (lazy, ["a", "b"]), (bare, ["col0", "col1"])]
    {
        let table = schema(&columns.map(|name| (name, "string")));
        let csv = Format::Csv(csv);
        for text in ["a,b\r1,2\r3,4\r", "a,b\r1,2"] {
            let error = read_all(&source("f", text), &csv, &table, even()).unwrap_err();
            assert!(
                error.to_string().contains("f: the format was not recognised: its lines end in CR"),
                "{error}"
            );
        }
        for fine in ["a,b\r\n1,2\r\n", "a,b\r\n\"1\r2\",3", "a,b\r", "\"a\",\"b\""] {
            read_all(&source("f", fine), &csv, &table, even()).unwrap();
        }
    }
}

#[test]
fn a_parquet_file_without_its_middle_is_refused() {
    let whole = parquet(100_000);
    let cut = [&whole[..500], &whole[whole.len() - 2000..]].concat();
    let format = Format::Parquet(ParquetOptions {});
    let error =
        read_all(&source("f", cut), &format, &schema(&[("a", "int")]), ReadOptions::default()).unwrap_err();
    assert!(error.to_string().starts_with("f: damaged or unreadable Parquet: "), "{error}");
    assert!(error.to_string().contains("row group 0 has column \"a\""), "{error}");
}

#[test]
fn containers_and_settings_are_refused_by_name() {
    let error = |bytes: Vec<u8>| {
        block_on(infer(source("f", bytes), &InferOptions::default())).unwrap_err().to_string()
    };
    let mut tar = vec![0; 1024];
    tar[..5].copy_from_slice(b"x.csv");
    tar[257..262].copy_from_slice(b"ustar");
    let sqlite = [b"SQLite format 3\0".to_vec(), vec![0; 84]].concat();
    for (bytes, what) in [(tar, "a tar archive"), (sqlite, "a database of SQLite")] {
        for bytes in [gzip(&bytes), bytes] {
            let said = error(bytes);
            assert!(said.starts_with(&format!("f: {what}")) && said.ends_with("is not supported"), "{said}");
        }
    }
    for text in ["[a]\nx=1\ny=2\n[b]\nz=3\n", "; of ours\n[main]\nname = Ann\n"] {
        let said = error(text.as_bytes().to_vec());
        assert_eq!(
            said,
            "f: the format was not recognised: it holds settings in sections, as INI and TOML do, and no records"
        );
    }
    // What only begins so.
    let found = block_on(infer(source("f", "[{\"a\":1},\n{\"a\":2}]\n"), &InferOptions::default())).unwrap();
    assert_eq!((found.format.classification(), found.records), ("json", 2));
    let found = block_on(infer(source("f", "[x],y\n[z],w\n[a],b\n"), &InferOptions::default())).unwrap();
    assert_eq!(found.format.classification(), "csv");
}

#[test]
fn gzip_with_zeros_behind_it_is_read() {
    let text = b"a,b\n1,2\n3,4\n";
    let padded = [gzip(text), vec![0; 512]].concat();
    let found = block_on(infer(source("f", padded.clone()), &InferOptions::default())).unwrap();
    assert_eq!(found.records, 2);
    let table = schema(&[("a", "bigint"), ("b", "bigint")]);
    let batch = read_all(&source("f", padded), &found.format, &table, small()).unwrap();
    assert_eq!(crate::rows(&batch), [["1", "2"], ["3", "4"]]);
}

#[test]
fn what_others_could_read_in_another_way_is_bad_where_that_is_asked() {
    let csv =
        Format::Csv(CsvOptions { delimiter: b',', ..CsvOptions::lazy_simple(vec!["n".into(), "t".into()]) });
    let table = schema(&[("n", "int"), ("t", "string")]);
    let read = |text: &str, strictness| {
        let options = ReadOptions { strictness, ..ReadOptions::default() };
        read_all(&source("f", text), &csv, &table, options).map(|batch| crate::rows(&batch))
    };
    let strictly = |text: &str| read(text, Strictness::Values).unwrap_err().to_string();
    let all = "1,a\n\\N,b\n, c\n";
    assert_eq!(read(all, Strictness::Values).unwrap(), read(all, Strictness::Dialect).unwrap());
    assert!(strictly("1,a\n2,b\nx,c\n").contains("f, line 3"), "{}", strictly("1,a\n2,b\nx,c\n"));
    for text in ["1,a\n2,\"b\"\n3,c\n", "1,a\n2,b\"\n"] {
        assert!(read(text, Strictness::EvenRows).is_ok());
        let error = strictly(text);
        assert!(error.contains("line 2") && error.contains("text without quotes"), "{error}");
    }
    assert!(strictly("1,a\n2\n").contains("line 2"));
    for (text, line) in [("1,a\n\n2,b\n", 2), ("\n1,a\n", 1), ("1,a\n  \n", 2), ("1,a\n2,b\n\n", 3)] {
        let error = strictly(text);
        assert!(error.contains(&format!("line {line}")) && error.contains("not an empty line"), "{error}");
    }
    let one = Format::Csv(CsvOptions::lazy_simple(vec!["n".into()]));
    let options = ReadOptions { strictness: Strictness::Values, ..ReadOptions::default() };
    let lines: String =
        (0..10_000).map(|n| if n == 9_000 { "\n".to_owned() } else { format!("{n}\n") }).collect();
    let error = read_all(&source("f", lines), &one, &schema(&[("n", "int")]), options).unwrap_err();
    assert!(error.to_string().contains("line 9001"), "{error}");
}
