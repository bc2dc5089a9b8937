//! Dialects: what each SerDe makes of a cell.

use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use formats::{
    BadRecordSink, BadRecords, ColumnNames, CsvOptions, Format, FormatError, JsonOptions, Malformed,
    OnBadRecord, ReadOptions,
};
use futures::TryStreamExt;

use super::{read_all, rows, schema, source};

fn csv(options: CsvOptions) -> Format {
    Format::Csv(options)
}

#[test]
fn lazy_simple_answers_null() {
    let table = schema(&[("id", "bigint"), ("name", "string"), ("price", "double"), ("day", "date")]);
    let names = table.fields().iter().map(|f| f.name().clone()).collect();
    let format = csv(CsvOptions { delimiter: b',', header_lines: 1, ..CsvOptions::lazy_simple(names) });
    let text = "id,name,price,day\n1,\"a\",1.5,2024-02-29\nx,,abc,2023-02-29\n\\N,\\N,,\n\n4,b\n5,c,6,2024-01-01,extra,more";
    let batch = read_all(&source("f", text), &format, &table, ReadOptions::default()).unwrap();
    assert_eq!(
        rows(&batch),
        [
            ["1", "\"a\"", "1.5", "2024-02-29"],
            ["∅", "", "∅", "∅"],
            ["∅", "∅", "∅", "∅"],
            ["∅", "∅", "∅", "∅"],
            ["4", "b", "∅", "∅"],
            ["5", "c", "6.0", "2024-01-01"],
        ]
    );
}

#[test]
fn columns_are_projected_and_found_by_name() {
    let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
    let format = csv(CsvOptions { delimiter: b'|', ..CsvOptions::lazy_simple(names) });
    let wanted = schema(&[("C", "int"), ("a", "string"), ("not_there", "string")]);
    let batch =
        read_all(&source("f", "x|y|1\r\nz|w|2\r\n"), &format, &wanted, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["1", "x", "∅"], ["2", "z", "∅"]]);
}

#[test]
fn a_read_without_columns_counts() {
    let format = csv(CsvOptions::standard());
    let file = source("f", "a,b\n1,2\n\n3,4\n");
    let stream =
        formats::read(Arc::clone(&file), 0..file.size(), &format, schema(&[]), ReadOptions::default());
    let batches: Vec<_> = futures::executor::block_on(stream.try_collect()).unwrap();
    assert_eq!(batches.iter().map(|b| b.num_rows()).sum::<usize>(), 2);
}

#[test]
fn open_csv_reads_quotes_and_refuses_what_does_not_fit() {
    let table = schema(&[("id", "bigint"), ("note", "string")]);
    let names: Vec<String> = vec!["id".into(), "note".into()];
    let format = csv(CsvOptions::open_csv(names));
    let text = "\"1\",\"two\nlines, \"\"quoted\"\" \\\"too\\\"\"\n\"\",\"\"\n";
    let batch = read_all(&source("f", text), &format, &table, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["1", "two\nlines, \"quoted\" \"too\""], ["∅", ""]]);
    let error =
        read_all(&source("f.csv", "1,a\nNA,b\n"), &format, &table, ReadOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "f.csv, line 2, column id: the value \"NA\" is not a valid bigint");
}

#[test]
fn a_header_names_the_columns() {
    let table = schema(&[("b", "int"), ("a", "string")]);
    let format = csv(CsvOptions::standard());
    let batch =
        read_all(&source("f", "\u{feff}A, B \n\"x\",1\n"), &format, &table, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["1", "x"]]);
    // What a header lacks is NULL; what it names twice is numbered, as when it is inferred.
    let batch = read_all(&source("f", "a,c\nx,1\n"), &format, &table, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["∅", "x"]]);
    let repeated = schema(&[("A_1", "string"), ("a", "string"), ("col2", "string")]);
    let batch = read_all(&source("f", "a,A,\nx,y,z\n"), &format, &repeated, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["y", "x", "z"]]);
    let known = ColumnNames::HeaderAmong(vec!["a".into(), "b".into()]);
    let among = csv(CsvOptions { names: known, ..CsvOptions::standard() });
    let error = read_all(&source("f", "a,c\nx,1\n"), &among, &table, ReadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("it has the column c, which"), "{error}");
    let generated =
        csv(CsvOptions { header_lines: 0, names: ColumnNames::Generated, ..CsvOptions::standard() });
    let table = schema(&[("col1", "int")]);
    let batch = read_all(&source("f", "x,1\ny,2"), &generated, &table, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["1"], ["2"]]);
}

#[test]
fn bad_records_are_skipped_and_counted() {
    let table = schema(&[("a", "int"), ("b", "string")]);
    let format = csv(CsvOptions::standard());
    let bad = Arc::new(BadRecords::default());
    let options =
        ReadOptions { on_bad_record: OnBadRecord::Skip(Arc::clone(&bad)), ..ReadOptions::default() };
    let mut text = b"a,b\n1,x\n2,y,z\n3\nfour,y\n".to_vec();
    text.extend_from_slice(b"5,\xff\xfe\n6,\"open\n7,ok\n");
    let batch = read_all(&source("f", text), &format, &table, options).unwrap();
    assert_eq!(rows(&batch), [["1", "x"], ["7", "ok"]]);
    assert_eq!(bad.count(), 5);
    let texts: Vec<String> = bad.examples().iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "f, line 3: expected 2 fields, found 3",
            "f, line 4: expected 2 fields, found 1",
            "f, line 5, column a: the value \"four\" is not a valid int",
            "f, line 6, column b: the text is not valid UTF-8",
            "f, line 7: a quoted field is not closed",
        ]
    );
}

/// What is wrong with a record, and its text.
#[derive(Debug, Default)]
struct Kept(Mutex<Vec<(Option<u64>, String)>>);

impl BadRecordSink for Kept {
    fn take(&self, error: &FormatError, text: &[u8]) {
        self.0.lock().unwrap().push((error.place.line, String::from_utf8_lossy(text).into_owned()));
    }
}

#[test]
fn a_sink_takes_every_bad_record_with_its_line_and_text() {
    let table = schema(&[("a", "string"), ("b", "string")]);
    let mut text = "a,b\n".to_owned();
    // All in one go, with nothing between them that fills a batch.
    (0..1_000).for_each(|number| text.push_str(&format!("{number}\n")));
    (0..1_000).for_each(|number| {
        text.push_str(&format!("{number},{}\n", if number % 10 == 3 { "x,y" } else { "x" }))
    });
    let file = source("f", text);
    for parts in [1, 3] {
        let kept = Arc::new(Kept::default());
        let bad = Arc::new(BadRecords::with_sink(Arc::clone(&kept) as _));
        let mut good = 0;
        for part in 0..parts {
            let range = file.size() * part / parts..file.size() * (part + 1) / parts;
            let on_bad_record = OnBadRecord::Skip(Arc::clone(&bad));
            let options = ReadOptions { on_bad_record, ..ReadOptions::default() };
            let stream = formats::read(
                Arc::clone(&file),
                range,
                &csv(CsvOptions::standard()),
                Arc::clone(&table),
                options,
            );
            let batches: Vec<_> = futures::executor::block_on(stream.try_collect()).unwrap();
            good += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        }
        let kept = kept.0.lock().unwrap();
        let wanted: Vec<_> = (0..1_000)
            .map(|number| (Some(number + 2), format!("{number}\n")))
            .chain(
                (0..1_000)
                    .filter(|number| number % 10 == 3)
                    .map(|number| (Some(number + 1_002), format!("{number},x,y\n"))),
            )
            .collect();
        assert_eq!((good, bad.count(), kept.len()), (900, 1_100, 1_100), "{parts} parts");
        assert_eq!(*kept, wanted, "{parts} parts");
    }
}

#[test]
fn json_lines_with_nested_values() {
    let table = schema(&[
        ("id", "bigint"),
        ("name", "string"),
        ("tags", "array<string>"),
        ("address", "struct<city:string,zip:int>"),
        ("counts", "map<string,double>"),
        ("at", "timestamp"),
    ]);
    let text = concat!(
        r#"{"ID":1,"name":"a\u00e9\ud83d\ude00","tags":["x",null],"Address":{"CITY":"B","zip":"12"},"counts":{"k":1}}"#,
        "\n",
        r#"{"id":"2","name":{"raw": [1]},"tags":null,"other":[{}],"at":"2024-01-02 03:04:05.5"} {"id":3,"at":86400}"#,
        "\n\n",
        r#"{"id":null,"id":4,"tags":[]}"#,
    );
    let format = Format::Json(JsonOptions::default());
    let batch = read_all(&source("f", text), &format, &table, ReadOptions::default()).unwrap();
    assert_eq!(
        rows(&batch),
        [
            ["1", "aé😀", "[x, ∅]", "{city: B, zip: 12}", "{k: 1.0}", "∅"],
            ["2", "{\"raw\": [1]}", "∅", "∅", "∅", "2024-01-02T03:04:05.500"],
            ["3", "∅", "∅", "∅", "∅", "1970-01-02T00:00:00"],
            ["4", "∅", "[]", "∅", "∅", "∅"],
        ]
    );
}

#[test]
fn json_values_of_several_types_go_to_their_own() {
    let column = |(name, ty): (&str, &str)| {
        let ty: formats::hive::HiveType = ty.parse().unwrap();
        Field::new(name, ty.to_arrow_with_choices().unwrap(), true)
    };
    let table: Vec<Field> = [
        ("v", "uniontype<int,string,struct<a:uniontype<double,boolean>>,array<bigint>>"),
        ("n", "uniontype<int,bigint,double>"),
        ("l", "array<uniontype<bigint,string>>"),
    ]
    .map(column)
    .into();
    let table = Arc::new(Schema::new(table));
    let text = concat!(
        r#"{"v":1,"n":3000000000,"l":[1,"x",null,{"k":[2]}]}"#,
        "\n",
        r#"{"v":"1","n":1.5,"l":null}"#,
        "\n",
        r#"{"v":{"a":true},"n":7}{"v":{"a":2}}{"v":[4]}"#,
        "\n",
        r#"{"v":3000000000,"n":null}{"v":true}{"v":null,"v":5}"#,
    );
    let format = Format::Json(JsonOptions::default());
    let batch = read_all(&source("f", text), &format, &table, ReadOptions::default()).unwrap();
    let list = "[{long: 1, string: ∅}, {long: ∅, string: x}, ∅, {long: ∅, string: {\"k\":[2]}}]";
    let v = |int: &str, text: &str, of_struct: &str, array: &str| {
        format!("{{int: {int}, string: {text}, struct: {of_struct}, array: {array}}}")
    };
    let n = |int: &str, long: &str, double: &str| format!("{{int: {int}, long: {long}, double: {double}}}");
    let no = "∅";
    assert_eq!(
        rows(&batch),
        [
            [v("1", no, no, no), n(no, "3000000000", no), list.to_owned()],
            [v(no, "1", no, no), n(no, no, "1.5"), no.to_owned()],
            [v(no, no, "{a: {double: ∅, boolean: true}}", no), n("7", no, no), no.to_owned()],
            [v(no, no, "{a: {double: 2.0, boolean: ∅}}", no), no.to_owned(), no.to_owned()],
            [v(no, no, no, "[4]"), no.to_owned(), no.to_owned()],
            [v(no, "3000000000", no, no), no.to_owned(), no.to_owned()],
            [v(no, "true", no, no), no.to_owned(), no.to_owned()],
            [v("5", no, no, no), no.to_owned(), no.to_owned()],
        ]
    );
    let refused =
        read_all(&source("f", r#"{"n":"1"}"#), &format, &table, ReadOptions::default()).unwrap_err();
    assert!(refused.to_string().contains("column n"), "{refused}");
}

#[test]
fn json_arrays_and_documents() {
    let table = schema(&[("a", "int")]);
    let format = Format::Json(JsonOptions::default());
    for text in [
        "[{\"a\":1},{\"a\":2}]",
        " [\n {\"a\":1}\n,\n{\"a\" : 2} ]\n",
        "{\n \"a\": 1\n}\n{\n\"a\":2}",
        "{\"a\":1}{\"a\":2}",
        "{\"a\":1}\r\n{\"a\":2}\r\n",
        "[{\"a\":1}]\n[{\"a\":2}]",
    ] {
        let batch = read_all(&source("f", text), &format, &table, ReadOptions::default()).unwrap();
        assert_eq!(rows(&batch), [["1"], ["2"]], "{text}");
    }
    for text in ["[]", "[ ]\n", "{}"] {
        let batch = read_all(&source("f", text), &format, &table, ReadOptions::default()).unwrap();
        assert_eq!(batch.num_rows(), usize::from(text == "{}"));
    }
}

#[test]
fn malformed_json_by_policy() {
    let table = schema(&[("a", "int")]);
    let text = "{\"a\":1}\n{\"a\":oops}\n{\"a\":\"x\"}\n{\"a\":2\n{\"a\":3}\n";
    let bad = Arc::new(BadRecords::default());
    let skip = ReadOptions { on_bad_record: OnBadRecord::Skip(Arc::clone(&bad)), ..ReadOptions::default() };
    let strict = Format::Json(JsonOptions::default());
    let batch = read_all(&source("f", text), &strict, &table, skip).unwrap();
    assert_eq!(rows(&batch), [["1"], ["3"]]);
    let texts: Vec<String> = bad.examples().iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "f, line 2: malformed JSON: expected a value, found oops} (byte 6 of the record)",
            "f, line 3, column a: the value \"\\\"x\\\"\" is not a valid int",
            "f, line 4: malformed JSON: expected ',' or '}', found the end of the record (byte 7 of the record)",
        ]
    );
    let lenient = Format::Json(JsonOptions {
        malformed_record: Malformed::Null,
        malformed_value: Malformed::Null,
        ..JsonOptions::default()
    });
    let batch = read_all(&source("f", text), &lenient, &table, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["1"], ["∅"], ["∅"], ["∅"], ["3"]]);
}

#[test]
fn a_record_over_several_lines_behind_one_on_a_line_is_told() {
    let table = schema(&[("a", "int")]);
    let format = Format::Json(JsonOptions::default());
    for text in ["{\"a\":1}\n{\n  \"a\": 2\n}\n", "{\"a\":1}\r\n{ \r\n\"a\": 2}\r\n"] {
        let error = read_all(&source("f", text), &format, &table, ReadOptions::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "f, line 2: malformed JSON: the record goes over several lines, in a file whose first does not"
        );
    }
}

#[test]
fn openx_mappings() {
    let mut options = JsonOptions { dots_in_keys: true, ..JsonOptions::default() };
    options.mapping.insert("ts".into(), "timestamp".into());
    let table = schema(&[("ts", "string"), ("a_b", "int")]);
    let file = source("f", r#"{"timestamp":"x","a.b":1}"#);
    let batch = read_all(&file, &Format::Json(options), &table, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["x", "1"]]);
}
