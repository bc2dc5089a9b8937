//! What files are taken for.

use futures::executor::block_on;

use formats::{ColumnNames, Compression, Format, InferOptions, Inferred, infer};

use super::{read_all, rows, schema, source};

fn of(data: impl Into<Vec<u8>>) -> Inferred {
    block_on(infer(source("s3://b/f", data), &InferOptions::default())).unwrap()
}

fn columns(inferred: &Inferred) -> String {
    let shown: Vec<String> = inferred.fields.iter().map(|f| format!("{} {}", f.name, f.ty)).collect();
    shown.join(", ")
}

fn error(data: impl Into<Vec<u8>>) -> String {
    block_on(infer(source("f", data), &InferOptions::default())).unwrap_err().to_string()
}

#[test]
fn csv_with_a_header() {
    let found = of("Id,Name,Price,Day\n1,a,1.5,2024-01-01\n2,,3,2024-01-02\n");
    assert_eq!(columns(&found), "id bigint, name string, price double, day string");
    assert_eq!(found.fields.iter().map(|f| f.nullable).collect::<Vec<_>>(), [false, true, false, false]);
    assert_eq!((found.records, found.complete, found.quoted), (2, true, false));
    let Format::Csv(csv) = found.format else { panic!() };
    assert_eq!((csv.delimiter, csv.header_lines, csv.quote), (b',', 1, None));
}

#[test]
fn csv_without_a_header() {
    let found = of("1|a\n2|b\n");
    assert_eq!(columns(&found), "col0 bigint, col1 string");
    // All text: Glue cannot tell a header from data.
    let found = of("name,city\nann,rome\nbob,oslo\n");
    assert_eq!(columns(&found), "col0 string, col1 string");
    assert_eq!(found.records, 3);
}

#[test]
fn quoted_csv_with_row_names() {
    let text = "\"\",\"Sepal.Length\",\"Species\"\n\"1\",5.1,\"a, \"\"b\"\"\"\n\"2\",4.9,\"x\ny\"\n";
    let found = of(text);
    assert_eq!(columns(&found), "col0 bigint, sepal.length double, species string");
    let Format::Csv(csv) = &found.format else { panic!() };
    assert_eq!((csv.quote, csv.escape), (Some(b'"'), None));
    let table = schema(&[("col0", "bigint"), ("species", "string")]);
    let batch = read_all(&source("f", text), &found.format, &table, formats::ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["1", "a, \"b\""], ["2", "x\ny"]]);
}

#[test]
fn a_header_name_may_hold_a_line_break() {
    let text = "id,\"amount\n(EUR)\"\n1,2.5\n2,3\n";
    let found = of(text);
    assert_eq!(columns(&found), "id bigint, amount (eur) double");
    let table = schema(&[("id", "bigint"), ("amount (eur)", "double")]);
    let batch = read_all(&source("f", text), &found.format, &table, formats::ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["1", "2.5"], ["2", "3.0"]]);
}

#[test]
fn other_separators_and_names_that_clash() {
    let found = of("a;A;b\n1;2;x,y\n3;4;z,w\n");
    assert_eq!(columns(&found), "a bigint, a_1 bigint, b string");
    let Format::Csv(csv) = found.format else { panic!() };
    assert_eq!(csv.delimiter, b';');
    assert_eq!(csv.names, ColumnNames::Given(vec!["a".into(), "a_1".into(), "b".into()]));
    assert_eq!(columns(&of("x\u{1}1\ny\u{1}2\n")), "col0 string, col1 bigint");
    assert_eq!(columns(&of("n\tbig\na\t9223372036854775808\nb\t1\n")), "col0 string, col1 string");
    assert_eq!(columns(&of("n,v,w\nNA,nan,1\n1,2,2\n")), "n string, v string, w bigint");
}

#[test]
fn json_shapes() {
    let found = of(concat!(
        r#"{"Id":1,"big":3000000000,"x":1,"nested":{"A":1,"b":[1,2.5]},"tags":[],"n":null,"flag":true}"#,
        "\n",
        r#"{"id":2,"x":1.5,"nested":{"c":"s"},"mixed":1}"#,
        "\n",
        r#"{"id":3,"mixed":"s"}"#
    ));
    assert_eq!(
        columns(&found),
        "id int, big bigint, x double, nested struct<a:int,b:array<double>,c:string>, tags array<string>, n string, \
         flag boolean, mixed string"
    );
    assert_eq!(found.records, 3);
    assert!(!found.fields[0].nullable && found.fields[1].nullable);
    assert_eq!(columns(&of("[\n{\"a\":1},\n{\"a\":2}\n]")), "a int");
    assert_eq!(columns(&of("{\n\"a\": 1\n}\n")), "a int");
}

#[test]
fn a_few_bad_lines_are_reported() {
    let found = of("{\"a\":1}\n{\"a\":oops}\n{\"a\":2}\n");
    assert_eq!((found.records, found.problems.len()), (2, 1));
    assert!(
        found.problems[0].to_string().starts_with("s3://b/f, line 2: malformed JSON"),
        "{}",
        found.problems[0]
    );
}

#[test]
fn compression_is_seen() {
    use std::io::Write;
    let text = b"a,b\n1,x\n2,y\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bzip2.write_all(text).unwrap();
    for (data, wanted) in [
        (gzip.finish().unwrap(), Compression::Gzip),
        (bzip2.finish().unwrap(), Compression::Bzip2),
        (zstd::encode_all(&text[..], 3).unwrap(), Compression::Zstd),
    ] {
        let found = of(data);
        assert_eq!((columns(&found).as_str(), found.compression), ("a bigint, b string", wanted));
    }
}

#[test]
fn what_is_not_data_is_refused() {
    assert_eq!(error(""), "f: the file is empty");
    assert_eq!(error("\n \n"), "f: the file is empty");
    assert!(error("just some words\nand more\n").contains("not recognised"));
    assert!(error("one,line,only\n").contains("not recognised"));
    assert!(error(vec![0u8; 100]).contains("binary"));
    assert!(error("PK\u{3}\u{4}xxxx").contains("zip archive"));
    assert!(error("ORC\u{1}xxxx").contains("ORC"));
    assert!(error("<?xml version=\"1.0\"?><a/>").contains("XML"));
    assert!(error(&b"a,b\n1,\xff\xfe\xfd\n2,x\n"[..]).contains("line 2"));
    assert!(error("[1,2,3]").contains("not recognised"));
    assert_eq!(error("[{\"a\":"), "f: the JSON array is not closed at the end of the file");
}
