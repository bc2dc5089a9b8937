//! Files of which something is known: what custom classifiers say of delimited text and of JSON.

use formats::{
    CsvHints, CsvOptions, Detected, Format, Header, InferOptions, Inferred, JsonOptions, LineLayout,
    LineOptions, Problem, ReadOptions, infer,
};
use futures::executor::block_on;

use crate::{read_all, rows, schema, source};

fn hinted(text: &str, csv: CsvHints) -> Result<Inferred, String> {
    let options = InferOptions { csv: Some(csv), ..InferOptions::default() };
    block_on(infer(source("f", text), &options)).map_err(|error| error.to_string())
}

fn columns(inferred: &Inferred) -> Vec<String> {
    inferred.fields.iter().map(|f| format!("{} {}", f.name, f.ty)).collect()
}

fn dialect(inferred: &Inferred) -> &CsvOptions {
    let Format::Csv(csv) = &inferred.format else { unreachable!("not CSV") };
    csv
}

#[test]
fn a_quote_behind_blanks_that_never_closes_is_text() {
    let known = CsvHints { delimiter: Some(b','), ..CsvHints::default() };
    let text = "n,size\n1, \"6 inch\n2,7\n";
    let found = hinted(text, known).unwrap();
    assert_eq!(
        (columns(&found), dialect(&found).quote),
        (vec!["n bigint".to_owned(), "size string".to_owned()], None)
    );
    let wanted = schema(&[("n", "bigint"), ("size", "string")]);
    let batch = read_all(&source("f", text), &found.format, &wanted, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["1", " \"6 inch"], ["2", "7"]]);
}

#[test]
fn every_hint_changes_something() {
    let text = "x^y\n'a^b'^1\nc^2\n";
    let known = CsvHints { delimiter: Some(b'^'), quote: Some(b'\''), ..CsvHints::default() };
    let found = hinted(text, known.clone()).unwrap();
    assert_eq!(columns(&found), ["x string", "y bigint"]);
    assert_eq!((dialect(&found).delimiter, dialect(&found).quote, found.records), (b'^', Some(b'\''), 2));
    let batch = read_all(
        &source("f", text),
        &found.format,
        &schema(&[("x", "string"), ("y", "bigint")]),
        ReadOptions::default(),
    )
    .unwrap();
    assert_eq!(rows(&batch), [["a^b", "1"], ["c", "2"]]);

    let absent = hinted("x,1\ny,2\n", CsvHints { header: Header::Absent, ..CsvHints::default() }).unwrap();
    assert_eq!(
        (columns(&absent), absent.records),
        (vec!["col0 string".to_owned(), "col1 bigint".to_owned()], 2)
    );
    let present = hinted("1,2\n3,4\n", CsvHints { header: Header::Present, ..CsvHints::default() }).unwrap();
    assert_eq!((columns(&present), present.records), (vec!["1 bigint".to_owned(), "2 bigint".to_owned()], 1));

    let named = CsvHints { names: vec!["A".to_owned(), "b".to_owned()], ..CsvHints::default() };
    let found = hinted("1,x\n2,y\n", named.clone()).unwrap();
    assert_eq!(
        (columns(&found), dialect(&found).header_lines),
        (vec!["a bigint".to_owned(), "b string".to_owned()], 0)
    );
    // A first line that says the same is the header.
    assert_eq!(dialect(&hinted("a,B\nz,y\n", named.clone()).unwrap()).header_lines, 1);
    assert!(hinted("1,2,3\n4,5,6\n", named).unwrap_err().contains("the header of the classifier names 2"));

    let single = CsvHints { single_column: true, header: Header::Present, ..CsvHints::default() };
    assert_eq!(columns(&hinted("n\n1\n2\n", single).unwrap()), ["n bigint"]);
    assert!(hinted("n\n1\n2\n", CsvHints::default()).unwrap_err().contains("does not divide"));

    let spaced = "a,b\nx, 1\ny, 2\n";
    let header = CsvHints { header: Header::Present, ..CsvHints::default() };
    assert_eq!(columns(&hinted(spaced, header.clone()).unwrap()), ["a string", "b string"]);
    let trimmed = CsvHints { keep_space: false, ..header.clone() };
    assert_eq!(columns(&hinted(spaced, trimmed).unwrap()), ["a string", "b bigint"]);

    let quoted = "a,b\n\"x\",1\n";
    assert_eq!(dialect(&hinted(quoted, header.clone()).unwrap()).quote, Some(b'"'));
    let lazy = CsvHints { quoted: Some(false), ..header.clone() };
    assert_eq!(dialect(&hinted(quoted, lazy).unwrap()).quote, None);
    let open = CsvHints { quoted: Some(true), ..header };
    assert_eq!(dialect(&hinted("a,b\nx,1\n", open).unwrap()).quote, Some(b'"'));
}

#[test]
fn types_to_look_for() {
    let text = "d,t,s,n,big\n2026-01-02,2026-01-02 03:04:05,1,1.5,3000000000\n2026-01-03,,2,2,1\n";
    let with = |types: &[Detected]| {
        let hints = CsvHints { header: Header::Present, types: types.to_vec(), ..CsvHints::default() };
        columns(&hinted(text, hints).unwrap())
    };
    assert_eq!(with(&[]), ["d string", "t string", "s string", "n string", "big string"]);
    assert_eq!(
        with(&[
            Detected::Date,
            Detected::Timestamp,
            Detected::Short,
            Detected::Int,
            Detected::Float,
            Detected::Long,
            Detected::String
        ]),
        ["d date", "t timestamp", "s smallint", "n float", "big bigint"]
    );
    assert_eq!(with(&[Detected::Decimal])[3..], ["n decimal(38,18)", "big decimal(38,18)"]);
}

#[test]
fn records_at_a_path() {
    let text = r#"{"meta":{"n":2},"data":{"items":[{"id":1,"tags":["a"]},{"id":2}]}}
{"data":{"items":[{"id":3,"x":true}]}}"#;
    let path = "$.data.items[*]".parse().ok();
    let known = Format::Json(JsonOptions { path, ..JsonOptions::default() });
    let options = InferOptions { format: Some(known.clone()), ..InferOptions::default() };
    let found = block_on(infer(source("f", text), &options)).unwrap();
    assert_eq!(columns(&found), ["id int", "tags array<string>", "x boolean"]);
    assert_eq!((found.records, &found.format), (3, &known));
    let wanted = schema(&[("id", "int"), ("tags", "array<string>")]);
    let batch = read_all(&source("f", text), &known, &wanted, ReadOptions::default()).unwrap();
    assert_eq!(rows(&batch), [["1", "[a]"], ["2", "∅"], ["3", "∅"]]);
    let bad = text.replace("{\"id\":2}", "{\"id\":\"x\"}");
    let error = read_all(&source("f", bad), &known, &wanted, ReadOptions::default()).unwrap_err();
    assert!(error.to_string().starts_with("f, line 1, column id"), "{error}");
    let error = block_on(infer(source("f", "{\"a\":1}\n"), &options)).unwrap_err();
    assert!(error.to_string().contains("nothing is at the JSON path $.data.items[*]"), "{error}");
    assert!(matches!(error.problem, Problem::NothingAtPath { .. }));
    for empty in ["{\"data\":{\"items\":[]}}", "{\"data\":{\"items\":null}}\n{\"data\":{\"items\":[]}}"] {
        let error = block_on(infer(source("f", empty), &options)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "f: the file holds no records: an empty list at the JSON path $.data.items[*]"
        );
        assert!(matches!(error.problem, Problem::NoRecords { .. }));
    }
}

#[test]
fn a_header_that_does_not_fit() {
    let known =
        CsvHints { names: vec!["a".to_owned(), "b".to_owned(), "c".to_owned()], ..CsvHints::default() };
    let error = hinted("1,2\n3,4\n", known).unwrap_err();
    assert!(error.contains("its rows have 2 fields, and the header of the classifier names 3"), "{error}");
}

#[test]
fn values_that_are_not_of_the_patterns_types_are_told() {
    let layout = LineLayout::Grok {
        pattern: "%{WORD:w} %{NOTSPACE:n:int} %{WORD:b:boolean}".to_owned(),
        custom: String::new(),
    };
    let format = Some(Format::Lines(LineOptions::new(layout, "app", Vec::new())));
    let options = InferOptions { format, ..InferOptions::default() };
    let text = "ab 12 true\ncd 99999999999 false\nef - true\ngh x true\n";
    let found = block_on(infer(source("f", text), &options)).unwrap();
    let said: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "f, line 2, column n: 2 of its values in the sample are no int, such as \"99999999999\": they will be NULL; a wider \
          type in the pattern keeps them"
        ]
    );
}

#[test]
fn types_that_lose_digits_are_not_narrow_enough() {
    use Detected as T;
    let all = [T::Short, T::Int, T::Long, T::Float, T::Double, T::Decimal, T::String];
    for (types, values, wanted, remark) in [
        (&[T::Float, T::Double][..], "3.14159265358979 2.5", "double", None),
        (&[T::Float, T::Double], "16777217 1", "double", None),
        (&[T::Float, T::Double], "16777216 0.1", "float", None),
        (&[T::Float], "1 123456789", "float", Some("line 3, column v: it is float, and none of the types")),
        (
            &[T::Decimal],
            "1.1234567890123456789012 2",
            "decimal(38,18)",
            Some("line 2, column v: it is decimal"),
        ),
        (&[T::Double, T::Decimal], "9007199254740993.25 2", "decimal(38,18)", None),
        (&[T::Double], "9007199254740993 12", "double", Some("whole numbers beyond 2^53")),
        (&all, "123456789012345678901234.5 1", "string", None),
        (&all, "1.5 2.5", "float", None),
    ] {
        let text = format!("v|w\n{}", values.split(' ').map(|v| format!("{v}|x\n")).collect::<String>());
        let hints = CsvHints {
            delimiter: Some(b'|'),
            header: Header::Present,
            types: types.to_vec(),
            ..CsvHints::default()
        };
        let found = hinted(&text, hints).unwrap();
        assert_eq!(found.fields[0].ty.to_string(), wanted, "{values}");
        let said = found.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        assert_eq!(found.problems.len(), usize::from(remark.is_some()), "{values}: {said}");
        assert!(said.contains(remark.unwrap_or_default()), "{values}: {said}");
    }
}
