//! JSON names that mean the same column: because they repeat, or differ in case where that does not count.

use std::sync::Arc;

use formats::{
    BadRecords, Format, InferOptions, JsonOptions, Malformed, OnBadRecord, Problem, ReadOptions, infer,
};
use futures::executor::block_on;
use proptest::prelude::*;

use super::{read_all, rows, schema, source};

fn table() -> arrow::datatypes::SchemaRef {
    schema(&[("a", "int"), ("s", "struct<x:int,y:string>"), ("m", "map<string,int>")])
}

fn read_with(text: &str, options: JsonOptions) -> (Vec<Vec<String>>, Vec<String>) {
    let bad = Arc::new(BadRecords::default());
    let skip = ReadOptions { on_bad_record: OnBadRecord::Skip(Arc::clone(&bad)), ..ReadOptions::default() };
    let batch = read_all(&source("f", text), &Format::Json(options), &table(), skip).unwrap();
    (rows(&batch), bad.examples().iter().map(ToString::to_string).collect())
}

#[test]
fn a_value_is_never_lost() {
    let text = concat!(
        "{\"a\":1,\"A\":null}\n",
        "{\"A\":null,\"a\":2}\n",
        "{\"a\":3,\"A\":3}{\"a\":4}\n",
        "{\"a\":5,\"A\":6}{\"a\":7}\n",
        "{\"a\":null,\"a\":null}\n",
        "{\"a\":null,\"A\":8,\"a\":8}\n",
        "{\"a\":8,\"A\":null,\"a\":9}\n",
        "{\"s\":{\"x\":1,\"X\":null,\"y\":\"b\"}}\n",
        "{\"s\":{\"x\":1,\"X\":2}}\n",
        "{\"s\":{\"x\":1},\"S\":{\"y\":\"b\"}}\n",
        "{\"m\":{\"k\":1,\"K\":2}}\n",
        "{\"m\":{\"k\":1,\"k\":1}}\n",
        "{\"other\":1,\"OTHER\":2,\"a\":9}\n",
    );
    let (read, bad) = read_with(text, JsonOptions::default());
    let own: Vec<String> = read.iter().map(|row| row.join("|")).collect();
    assert_eq!(
        own,
        [
            "1|∅|∅",
            "2|∅|∅",
            "3|∅|∅",
            "4|∅|∅",
            "7|∅|∅",
            "∅|∅|∅",
            "8|∅|∅",
            "∅|{x: 1, y: b}|∅",
            "∅|∅|{k: 1, K: 2}",
            "9|∅|∅",
        ]
    );
    let alike = |first: &str, second: &str| {
        format!(
            "the names {first:?} and {second:?} of one object are the same column, and their values differ"
        )
    };
    assert_eq!(
        bad,
        [
            format!("f, line 4: {}", alike("a", "A")),
            "f, line 7: the name \"a\" comes more than once in one object".to_owned(),
            format!("f, line 9: {}", alike("x", "X")),
            format!("f, line 10: {}", alike("s", "S")),
            "f, line 12: the name \"k\" comes more than once in one object".to_owned(),
        ]
    );
}

#[test]
fn policies_hold() {
    let text = "{\"a\":1}\n{\"a\":2,\"A\":3,\"s\":{\"x\":1}}\n";
    let file = source("s3://b/f.json", text);
    let strict = Format::Json(JsonOptions::default());
    let error = read_all(&file, &strict, &table(), ReadOptions::default()).unwrap_err();
    assert!(matches!(error.problem, Problem::RepeatedName { .. }), "{error}");
    assert!(error.to_string().starts_with("s3://b/f.json, line 2: "), "{error}");
    assert_eq!((error.place.offset, error.place.row), (Some(8), Some(2)));
    let lenient = JsonOptions { malformed_record: Malformed::Null, ..JsonOptions::default() };
    let (read, bad) = read_with(text, lenient);
    assert_eq!((read[1].join("|"), bad.len()), ("∅|∅|∅".to_owned(), 0));
    let exact = JsonOptions { case_insensitive: false, ..JsonOptions::default() };
    let (read, bad) = read_with(text, exact);
    assert_eq!((read[1].join("|"), bad.len()), ("2|{x: 1, y: ∅}|∅".to_owned(), 0));
}

#[test]
fn what_a_mapping_tells_apart_is_read_apart() {
    let mut options = JsonOptions { case_insensitive: false, ..JsonOptions::default() };
    options.mapping.insert("user_upper".into(), "User".into());
    let table = schema(&[("user", "int"), ("user_upper", "int")]);
    let file = source("f", r#"{"user":1,"User":2}"#);
    let format = Format::Json(options.clone());
    let batch = read_all(&file, &format, &table, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["1", "2"]]);
    options.mapping.insert("user_upper".into(), "user".into());
    let error = read_all(&file, &Format::Json(options), &table, ReadOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "f: the columns user and user_upper are both read from \"user\"");
}

#[test]
fn inference_reports_records_that_could_not_be_read() {
    let found = |text: &str, options: &InferOptions| block_on(infer(source("s3://b/f", text), options));
    let ours = InferOptions::default();
    let good = found("{\"a\":1,\"A\":null,\"o\":{\"x\":1,\"X\":null}}\n{\"A\":2}\n", &ours).unwrap();
    assert!(good.problems.is_empty(), "{:?}", good.problems);
    let columns: Vec<String> = good.fields.iter().map(|f| format!("{} {}", f.name, f.ty)).collect();
    assert_eq!(columns, ["a int", "o struct<x:int>"]);
    let mixed = found("{\"a\":1}\n{\"a\":1,\"A\":2}\n{\"l\":[{\"x\":1},{\"X\":1}]}\n", &ours).unwrap();
    let problems: Vec<String> = mixed.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "s3://b/f, line 2: the names \"a\" and \"A\" of one object are the same column, and their values differ"
        ]
    );
    let hopeless = found("{\"a\":1,\"A\":2}\n{\"a\":1,\"A\":3}\n", &ours).unwrap_err();
    assert!(hopeless.to_string().starts_with("s3://b/f, line 1: the names \"a\" and \"A\""), "{hopeless}");
    let apart = InferOptions {
        format: Some(Format::Json(JsonOptions { case_insensitive: false, ..JsonOptions::default() })),
        keep_case: true,
        ..InferOptions::default()
    };
    let both = found("{\"a\":1,\"A\":\"x\"}\n", &apart).unwrap();
    let columns: Vec<String> = both.fields.iter().map(|f| format!("{} {}", f.name, f.ty)).collect();
    assert_eq!(columns, ["a int", "A string"]);
}

/// The one value that a record's members `a` and `A` leave, or that there is none.
fn expected(members: &[(String, Option<u8>)]) -> Option<String> {
    let mut values: Vec<u8> = members.iter().filter_map(|(_, value)| *value).collect();
    values.dedup();
    match values.as_slice() {
        [] => Some("∅".to_owned()),
        [one] => Some(one.to_string()),
        _ => None,
    }
}

proptest! {
    #[test]
    fn every_value_is_read_or_reported(
        members in prop::collection::vec(("[aA]", prop::option::of(0u8..3)), 0..6),
    ) {
        let shown = |value: &Option<u8>| value.map_or("null".to_owned(), |v| v.to_string());
        let body: Vec<String> =
            members.iter().map(|(name, value)| format!("\"{name}\":{}", shown(value))).collect();
        let (read, bad) = read_with(&format!("{{{}}}\n", body.join(",")), JsonOptions::default());
        match expected(&members) {
            Some(value) => prop_assert_eq!((read[0][0].clone(), bad.len()), (value, 0)),
            None => prop_assert_eq!((read.len(), bad.len()), (0, 1)),
        }
    }
}

#[test]
fn a_file_looked_at_to_its_end_has_all_its_columns() {
    let records: Vec<String> =
        (0..40_000).map(|n| format!("{{\"id\":{n},\"text\":\"{}\"}}", "x".repeat(90))).collect();
    let late = "{\"id\":1,\"late\":{\"deep\":[1.5]}}";
    let lines = format!("{}\n{late}", records.join("\n"));
    let array = format!("[{},{late}]", records.join(",\n"));
    let documents = format!("{{\n\"id\":0}}\n{}\n{late}\n", records.join("\n"));
    let options = |whole| InferOptions { whole, ..InferOptions::default() };
    for text in [lines, array, documents] {
        let file = source("f", text);
        let columns = |whole| {
            let found = block_on(infer(Arc::clone(&file), &options(whole))).unwrap();
            found.fields.iter().map(|f| format!("{} {}", f.name, f.ty)).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(columns(false), "id int, text string");
        assert_eq!(columns(true), "id int, text string, late struct<deep:array<double>>");
    }
    let cut = format!("[{},{{\"id\":1", records.join(",\n"));
    let error = block_on(infer(source("f", cut), &options(true))).unwrap_err();
    assert_eq!(error.to_string(), "f, line 40000: the JSON array is not closed at the end of the file");
}

#[test]
fn names_outside_the_schema_are_not_left_out_unseen() {
    let known = |names: &[&str]| {
        let among = Some(names.iter().map(|n| (*n).to_owned()).collect());
        Format::Json(JsonOptions { among, ..JsonOptions::default() })
    };
    let wanted = schema(&[("s", "struct<x:int>")]);
    let skip = || ReadOptions { on_bad_record: OnBadRecord::Skip(Arc::default()), ..ReadOptions::default() };
    let read = |text: &str| read_all(&source("f", text), &known(&["S", "other"]), &wanted, skip());
    let batch = read("{\"s\":{\"x\":1,\"z\":null},\"Other\":1,\"new\":null}\n{\"new\":1,}\n").unwrap();
    assert_eq!(rows(&batch), [["{x: 1}"]]);
    for (text, name) in [("{}\n{\"new\":1}\n", "new"), ("{}\n{\"s\":{\"new\":{}}}\n", "new")] {
        let error = read(text).unwrap_err();
        assert!(matches!(&error.problem, Problem::UnknownName { name: n } if n == name), "{error}");
        assert_eq!(error.place.line, Some(2));
    }
}

#[test]
fn a_member_without_a_name_is_no_column_that_others_lack() {
    let options = JsonOptions { among: Some(vec!["a".to_owned()]), ..JsonOptions::default() };
    let (_, bad) = read_with("{\"a\":1}\n", options.clone());
    assert!(bad.is_empty());
    let read = |text: &str| {
        let format = Format::Json(options.clone());
        read_all(&source("f", text), &format, &schema(&[("a", "int")]), ReadOptions::default())
    };
    let error = read("{\"\":1,\"a\":2}\n").unwrap_err().to_string();
    assert_eq!(error, "f, line 1: a member without a name gives no column");
    let error = read("{\"b\":1,\"a\":2}\n").unwrap_err().to_string();
    assert!(error.starts_with("f, line 1: it has the column b, which the files"), "{error}");
}
