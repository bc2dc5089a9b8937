//! Ion, text and binary: inferred and read through the public interface. Binary files come from `ion-rs`, which also says what
//! generated text means.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use formats::serde_info::{self, format_of};
use formats::{
    BadRecords, Compression, Format, FormatError, InferOptions, Inferred, IonOptions, MemorySource,
    OnBadRecord, Problem, ReadOptions, infer, plan_splits, read,
};
use futures::TryStreamExt;
use futures::executor::block_on;
use ion_rs::{Element, v1_0};
use proptest::prelude::*;

use crate::{read_all, rows, schema, source};

const ORDERS: &str = r#"
// a comment
order::{id: 1, name: "A \u00e9", price: 10.50, at: 2024-01-02T03:04:05.678+01:00, day: 2024-01-02,
  tags: [red, 'dark blue'], to: {City: "Bonn", zip: 53111}, data: {{ aGk= }}, ok: true, weight: 1.5e0}
{id: 3000000000, name: null.string, price: 3.125, at: null, day: 2024-02T, tags: (x y), ok: false,
  to: {city: '''Ko''' '''eln''', zip: null.int}, weight: -inf, data: {{ "hi\x01" }}, note: sym} /* the end */
"#;

fn binary(text: &str) -> Vec<u8> {
    Element::read_all(text).unwrap().encode_as(v1_0::Binary).unwrap()
}

fn found(name: &str, data: impl Into<Vec<u8>>) -> Result<Inferred, FormatError> {
    block_on(infer(source(name, data), &InferOptions::default()))
}

fn columns(inferred: &Inferred) -> Vec<(String, String)> {
    inferred.fields.iter().map(|f| (f.name.clone(), f.ty.to_string())).collect()
}

fn ion() -> Format {
    Format::Ion(IonOptions::default())
}

/// The format of a table with the SerDe and these parameters.
fn table_format(parameters: &[(&str, &str)]) -> Result<Format, serde_info::SerdeError> {
    let serde = parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    format_of(serde_info::ION, &serde, &BTreeMap::new(), Vec::new())
}

fn read_text(text: &str, format: &Format, wanted: &[(&str, &str)]) -> Result<Vec<Vec<String>>, FormatError> {
    let read = |data: Vec<u8>| {
        read_all(&source("f", data), format, &schema(wanted), ReadOptions::default())
            .map(|batch| rows(&batch))
    };
    let of_text = read(text.as_bytes().to_vec());
    // What is Ion has a binary form, which reads the same.
    if let (Ok(values), Ok(expected)) = (Element::read_all(text), &of_text) {
        assert_eq!(&read(values.encode_as(v1_0::Binary).unwrap()).unwrap(), expected, "{text}");
    }
    of_text
}

#[test]
fn both_encodings_give_the_same_columns() {
    let wanted = [
        ("id", "bigint"),
        ("name", "string"),
        ("price", "decimal(5,3)"),
        ("at", "timestamp"),
        ("day", "date"),
        ("tags", "array<string>"),
        ("to", "struct<city:string,zip:int>"),
        ("data", "binary"),
        ("ok", "boolean"),
        ("weight", "double"),
        ("note", "string"),
    ]
    .map(|(n, t)| (n.to_owned(), t.to_owned()));
    let marked = format!("$ion_1_0 {ORDERS}");
    for data in [marked.into_bytes(), binary(ORDERS)] {
        let inferred = found("orders", data).unwrap();
        assert_eq!(inferred.format.classification(), "ion");
        assert_eq!(columns(&inferred), wanted);
        assert_eq!((inferred.records, inferred.complete), (2, true));
        assert!(inferred.problems.is_empty());
    }
}

#[test]
fn values_come_back() {
    let wanted = [
        ("id", "bigint"),
        ("name", "string"),
        ("price", "decimal(5,3)"),
        ("at", "timestamp"),
        ("day", "date"),
        ("tags", "array<string>"),
        ("to", "struct<city:string,zip:int>"),
        ("data", "binary"),
        ("ok", "boolean"),
        ("weight", "double"),
        ("note", "string"),
        ("missing", "int"),
    ];
    let expected = [
        [
            "1",
            "A é",
            "10.500",
            "2024-01-02T02:04:05.678",
            "2024-01-02",
            "[red, dark blue]",
            "{city: Bonn, zip: 53111}",
            "6869",
            "true",
            "1.5",
            "∅",
            "∅",
        ],
        [
            "3000000000",
            "∅",
            "3.125",
            "∅",
            "2024-02-01",
            "[x, y]",
            "{city: Koeln, zip: ∅}",
            "686901",
            "false",
            "-inf",
            "sym",
            "∅",
        ],
    ];
    assert_eq!(read_text(ORDERS, &ion(), &wanted).unwrap(), expected);
    // However the bytes come in, and compressed.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&binary(ORDERS)).unwrap();
    let gzip = encoder.finish().unwrap();
    for data in [ORDERS.as_bytes().to_vec(), binary(ORDERS), gzip.clone()] {
        let file = Arc::new(MemorySource::new("f", data).with_piece(1));
        let size = formats::ByteSource::size(&*file);
        let batches = read(file, 0..size, &ion(), schema(&wanted), ReadOptions::default());
        let batches: Vec<_> = block_on(batches.try_collect()).unwrap();
        assert_eq!(rows(&batches[0]), expected);
    }
    let inferred = found("f.ion.gz", gzip).unwrap();
    assert_eq!((inferred.compression, inferred.format.classification()), (Compression::Gzip, "ion"));
    // A file of Ion stays whole.
    let file = source("f", ORDERS);
    let splits = block_on(plan_splits(&*file, &ion(), 10)).unwrap();
    assert_eq!((splits.len(), splits[0].clone()), (1, 0..ORDERS.len() as u64));
}

#[test]
fn text_is_ion_where_it_is_no_json() {
    for text in ["{a: 1}", " { _a: 1, b: \"x\"}\n{c: 2,}", "$ion_1_0 {'a': 1}", "$ion_1_0\n{\"a\": 1,}"] {
        assert_eq!(found("f", text).unwrap().format.classification(), "ion", "{text}");
    }
    assert_eq!(found("f", "{\"a\": 1}\n{\"a\": 2}\n").unwrap().format.classification(), "json");
    // What Python prints, and broken JSON.
    let quoted = ["{'a': None}\n{'a': 1}", "{\"a\": 1,}\n{\"a\": 2,}"];
    for text in ["{a: 1}\n{a: }", "{not: ion,,}", "{a: 1} word", "{"].into_iter().chain(quoted) {
        let classified = found("f", text).map(|found| found.format.classification().to_owned());
        assert_ne!(classified.ok().as_deref(), Some("ion"), "{text}");
    }
    // Known formats are not guessed at.
    let options = InferOptions {
        format: Some(Format::Json(formats::JsonOptions::default())),
        ..InferOptions::default()
    };
    assert!(block_on(infer(source("f", "{a: 1}"), &options)).is_err());
    let options = InferOptions { format: Some(ion()), ..InferOptions::default() };
    assert_eq!(
        columns(&block_on(infer(source("f", "{\"A\": 1}"), &options)).unwrap()),
        [("a".into(), "int".into())]
    );
}

#[test]
fn types_merge_and_names_collide() {
    let merged = |text: &str| {
        let inferred = found("f", format!("$ion_1_0 {text}")).unwrap();
        let problems: Vec<_> = inferred.problems.iter().map(ToString::to_string).collect();
        (columns(&inferred).into_iter().map(|(_, ty)| ty).collect::<Vec<_>>().join(" "), problems)
    };
    for (text, wanted) in [
        ("{a: 1} {a: 1.5}", "decimal(11,1)"),
        ("{a: 1.25} {a: 1e0}", "double"),
        ("{a: 2020-01-01} {a: 2020-01-01T00:00Z}", "timestamp"),
        ("{a: 2020-01-01} {a: 1}", "string"),
        ("{a: {{}} } {a: \"x\"}", "string"),
        ("{a: 123456789012345678901234567890}", "decimal(30,0)"),
        ("{a: 1d50}", "string"),
        ("{a: [1]} {a: []} {a: [{b: 1}, {c: x}]}", "array<string>"),
        ("{a: {B: 1}} {a: {b: 2.5, c: null}}", "struct<b:decimal(11,1),c:string>"),
        ("{a: 1} {a: {b: 1}}", "string"),
        ("{a: null.int, b: {}}", "string string"),
    ] {
        assert_eq!(merged(text), (wanted.to_owned(), vec![]), "{text}");
    }
    let (types, problems) = merged("{a: 1} {a: 1, A: 2} {a: 1, A: null}");
    assert_eq!(types, "int");
    assert_eq!(
        problems,
        ["f, byte 16: the names \"a\" and \"A\" of one object are the same column, and their values differ"]
    );
    let a = [("a", "int")];
    assert_eq!(
        read_text("{a: 1, A: 1} {A: null, a: 2} {a: 3, A: null.int}", &ion(), &a).unwrap(),
        [["1"], ["2"], ["3"]]
    );
    let error = read_text("{a: 1} {b: {}, a: 1, A: 2}", &ion(), &a).unwrap_err();
    assert!(matches!(error.problem, Problem::RepeatedName { .. }), "{error}");
    let exact = table_format(&[("ion.path_extractor.case_sensitive", "true")]).unwrap();
    assert_eq!(read_text("{a: 1, A: 2} {A: 2}", &exact, &a).unwrap(), [["1"], ["∅"]]);
}

#[test]
fn columns_of_text_take_everything() {
    let text = r#"{a: [1, "x", {b: 2020-01-01T10:00Z, c: nan, 'd"': null}, {{aGk=}}, 1.50]} {a: 12d2} {a: 2020-01-01}
        {a: +inf} {a: true} {a: 170141183460469231731687303715884105728} {a: 1e0}"#;
    let expected = [
        [r#"[1,"x",{"b":"2020-01-01 10:00:00","c":"NaN","d\"":null},"aGk=",1.50]"#],
        ["12E2"],
        ["2020-01-01"],
        ["Infinity"],
        ["true"],
        ["170141183460469231731687303715884105728"],
        ["1.0"],
    ];
    assert_eq!(read_text(text, &ion(), &[("a", "string")]).unwrap(), expected);
    let bytes = read_text("{a: \"hi\"} {a: {{aGk=}}}", &ion(), &[("a", "binary")]).unwrap();
    assert_eq!(bytes, [["6869"], ["6869"]]);
    let map = read_text("{a: {x: 1, y: 2}} {a: {}}", &ion(), &[("a", "map<string,int>")]).unwrap();
    assert_eq!(map, [["{x: 1, y: 2}"], ["{}"]]);
    for (text, ty) in [
        ("{a: \"1\"}", "int"),
        ("{a: 1.5}", "int"),
        ("{a: 1}", "boolean"),
        ("{a: 1}", "timestamp"),
        ("{a: \"2020-01-01\"}", "date"),
        ("{a: [1]}", "int"),
        ("{a: [1]}", "struct<x:int>"),
        ("{a: 12345.6}", "decimal(5,2)"),
        ("{a: {x: 1, x: 2}}", "map<string,int>"),
    ] {
        let error = read_text(text, &ion(), &[("a", ty)]).unwrap_err();
        assert!(error.is_bad_record(), "{text} {ty}: {error}");
    }
    let numbers = read_text("{a: 1} {a: 1.25} {a: 0x1F}", &ion(), &[("a", "double")]).unwrap();
    assert_eq!(numbers, [["1.0"], ["1.25"], ["31.0"]]);
}

#[test]
fn overflow_fails_unless_told_otherwise() {
    let text = "{n: 40000, st: {f1: 40000}}";
    let wanted = [("n", "smallint"), ("st", "struct<f1:smallint>")];
    let error = read_text(text, &ion(), &wanted).unwrap_err();
    assert_eq!(error.to_string(), "f, byte 0, column n: the value \"40000\" is not a valid smallint");
    let lenient = table_format(&[("ion.fail_on_overflow", "false")]).unwrap();
    assert_eq!(read_text(text, &lenient, &wanted).unwrap(), [["-25536", "{f1: -25536}"]]);
    let one = table_format(&[("ion.N.fail_on_overflow", "false")]).unwrap();
    assert!(read_text(text, &one, &wanted).unwrap_err().to_string().contains("column f1"));
    assert_eq!(read_text(text, &one, &[("n", "smallint")]).unwrap(), [["-25536"]]);
}

#[test]
fn paths_find_columns() {
    let text = r#"{identification: {name: "Ann", Ids: [7, 8]}, alias: "x", bar: "b1", bar: A::"b2", foo: ["f1", "f2"]}"#;
    let value = |path: &str, ty: &str| {
        let format = table_format(&[("ion.c.path_extractor", path)]).unwrap();
        read_text(text, &format, &[("c", ty)]).map(|rows| rows[0][0].clone()).map_err(|e| e.to_string())
    };
    assert_eq!(value("(identification name)", "string").unwrap(), "Ann");
    assert_eq!(value("(identification ids 1)", "int").unwrap(), "8");
    assert_eq!(value("(alias)", "string").unwrap(), "x");
    assert_eq!(value("(A::bar)", "string").unwrap(), "b2");
    assert_eq!(value("(foo 0)", "string").unwrap(), "f1");
    assert_eq!(value("(2)", "string").unwrap(), "b1");
    assert_eq!(value("(nothing here)", "string").unwrap(), "∅");
    assert_eq!(value("()", "struct<alias:string>").unwrap(), "{alias: x}");
    assert!(value("(bar)", "string").unwrap_err().contains("\"(bar)\" comes more than once"));
    assert!(value("(foo *)", "string").unwrap_err().contains("more than once"));
    // The other columns are fields; a field that has the column's name is not it.
    let format = table_format(&[("ion.alias.path_extractor", "(identification name)")]).unwrap();
    assert_eq!(
        read_text(text, &format, &[("alias", "string"), ("foo", "array<string>")]).unwrap(),
        [["Ann", "[f1, f2]"]]
    );
    // What is no struct can only be read by paths.
    let format = table_format(&[("ion.a.path_extractor", "(0)"), ("ion.b.path_extractor", "(1)")]).unwrap();
    assert_eq!(
        read_text("[1, 2] (3)", &format, &[("a", "int"), ("b", "int")]).unwrap(),
        [["1", "2"], ["3", "∅"]]
    );
    assert!(
        read_text("[1, 2]", &ion(), &[("a", "int")]).unwrap_err().to_string().contains("expected a struct")
    );
    for bad in ["a b", "(a", "(1.5)", "(-1)", "((a))", "(a) b", "($ion_extractor_field::*)"] {
        let error = table_format(&[("ion.c.path_extractor", bad)]).unwrap_err();
        assert!(error.to_string().contains("ion.c.path_extractor"), "{bad}");
    }
}

#[test]
fn parameters_that_are_not_honoured_are_refused() {
    for (name, value) in [
        ("ion.catalog.url", "https://x/y"),
        ("ion.catalog.class", "x"),
        ("ion.symbol_table_imports", "a,b"),
        ("ion.timestamp.serialization_offset", "+02:00"),
        ("ion.fail_on_overflow", "maybe"),
        ("ion.unheard_of", "1"),
    ] {
        let error = table_format(&[(name, value)]).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    for (name, value) in [
        ("ion.encoding", "TEXT"),
        ("ion.serialize_null", "OMIT"),
        ("ion.column[0].serialize_as", "symbol"),
        ("ion.timestamp.serialization_offset", "Z"),
        ("serialization.format", "1"),
    ] {
        assert_eq!(table_format(&[(name, value)]).unwrap(), ion());
    }
    let all = table_format(&[
        ("ion.path_extractor.case_sensitive", "true"),
        ("ion.fail_on_overflow", "false"),
        ("ion.a.fail_on_overflow", "true"),
        ("ion.b.path_extractor", "(x y)"),
        ("ion.ignore_malformed", "true"),
    ])
    .unwrap();
    let info = serde_info::describe(&all, &[]);
    assert_eq!(format_of(&info.library, &info.parameters, &BTreeMap::new(), Vec::new()).unwrap(), all);
    assert!(info.input_format.ends_with("IonInputFormat"));
}

#[test]
fn damage_names_file_and_offset() {
    let a = [("a", "int")];
    for (text, wanted) in [
        ("{a: 1} {a: ", "f, byte 11: damaged or unreadable Ion: the file ends within a value"),
        ("{a: 1} }", "f, byte 7: damaged or unreadable Ion: expected a value, found }"),
        ("{a: 1} {a: 01}", "f, byte 11: damaged or unreadable Ion: \"01\" is no number or timestamp"),
        ("{a: 1} {a: \"x\n\"}", "f, byte 13: damaged or unreadable Ion: a line break within quotes"),
        (
            "$ion_1_0 {a: $77}",
            "f, byte 13: damaged or unreadable Ion: the symbol $77 is not in the file's symbol table",
        ),
        ("$ion_1_1 {a: 1}", "f, byte 0: the version $ion_1_1 of Ion is not supported"),
    ] {
        let error = read_text(text, &ion(), &a).unwrap_err();
        assert_eq!(error.to_string(), wanted, "{text:?}");
    }
    let data = binary("{a: 1} {a: 2} {a: 3}");
    for len in 5..data.len() {
        match read_all(&source("f", &data[..len]), &ion(), &schema(&a), ReadOptions::default()) {
            // Cut between two values.
            Ok(batch) => assert!(batch.num_rows() < 3),
            Err(error) => assert!(error.to_string().starts_with("f, byte "), "{error}"),
        }
    }
    let shared = "$ion_symbol_table::{imports: [{name: \"com.x\", version: 1, max_id: 5}]} {a: 1}";
    let error = read_text(shared, &ion(), &a).unwrap_err();
    assert!(
        error.to_string().contains("the shared symbol table \"com.x\" of Ion is not supported"),
        "{error}"
    );
    let error = found("f", [0xe0, 1, 1, 0xea, 0]).unwrap_err();
    assert_eq!(error.to_string(), "f, byte 0: Ion 1.1 is not supported");
    assert!(matches!(found("f", [0xe0, 1, 0, 0xea]).unwrap_err().problem, Problem::NoRecords { .. }));
}

#[test]
fn bad_values_are_passed_over_where_that_is_asked_for() {
    let bad = Arc::new(BadRecords::default());
    let options =
        ReadOptions { on_bad_record: OnBadRecord::Skip(Arc::clone(&bad)), ..ReadOptions::default() };
    for data in [b"{a: 1} {a: x} {a: 3}".to_vec(), binary("{a: 1} {a: x} {a: 3}")] {
        let batch = read_all(&source("f", data), &ion(), &schema(&[("a", "int")]), options.clone()).unwrap();
        assert_eq!(rows(&batch), [["1"], ["3"]]);
    }
    assert_eq!(bad.count(), 2);
    let lenient = table_format(&[("ion.ignore_malformed", "true")]).unwrap();
    assert_eq!(read_text("{a: 1} {a: 2} {a: 3 {a: 4}", &lenient, &[("a", "int")]).unwrap(), [["1"], ["2"]]);
    assert!(read_text("{a: 1} {a: x}", &lenient, &[("a", "int")]).is_err());
}

#[test]
fn symbols_are_declared_and_added_to() {
    let text = "$ion_symbol_table::{symbols: [\"a\"]} {$10: $10} \
        $ion_symbol_table::{imports: $ion_symbol_table, symbols: [\"b\"]} {$10: $11} \
        $ion_symbol_table::{symbols: [\"b\", \"a\"]} {$11: $10} $ion_1_0 {a: $4}";
    let a = [("a", "string")];
    let of_text = read_all(&source("f", text), &ion(), &schema(&a), ReadOptions::default()).unwrap();
    assert_eq!(rows(&of_text), [["a"], ["b"], ["b"], ["name"]]);
    // Tables count against the limit of a record.
    let mut large = String::new();
    for n in 0..200 {
        large.push_str(&format!(
            "$ion_symbol_table::{{imports: $ion_symbol_table, symbols: [\"{n:01000}\"]}} "
        ));
    }
    let small = ReadOptions { max_record_bytes: 100_000, ..ReadOptions::default() };
    let error = read_all(&source("f", large), &ion(), &schema(&a), small).unwrap_err();
    assert!(error.to_string().contains("a symbol table of Ion beyond 100000 bytes"), "{error}");
}

#[test]
fn hostile_files_are_bounded() {
    let wanted = schema(&[("a", "string")]);
    let small = ReadOptions { max_record_bytes: 1 << 20, ..ReadOptions::default() };
    for (open, close) in [("[", "]"), ("(", ")"), ("{a:", "}")] {
        for levels in [200, 200_000] {
            let deep = format!("{{a: {}1{}}}", open.repeat(levels), close.repeat(levels));
            let error = read_all(&source("f", deep.clone()), &ion(), &wanted, small.clone()).unwrap_err();
            assert!(error.to_string().contains("nested more than 128 levels deep"), "{error}");
            assert!(found("f", format!("$ion_1_0 {deep}")).is_err());
        }
    }
    // Lists within lists, each as long as what it holds; then annotated ones.
    let mut nested = vec![0x21, 1];
    for _ in 0..100_000 {
        let mut header = vec![0xbe];
        let len = nested.len();
        header.extend([(len >> 14) as u8 & 0x7f, (len >> 7) as u8 & 0x7f, (len & 0x7f) as u8 | 0x80]);
        nested.splice(0..0, header);
        if nested.len() > 20_000 {
            break;
        }
    }
    let len = nested.len() + 1;
    let mut data = vec![0xe0, 1, 0, 0xea, 0xde];
    data.extend([(len >> 14) as u8 & 0x7f, (len >> 7) as u8 & 0x7f, (len & 0x7f) as u8 | 0x80, 0x84]);
    data.extend(nested);
    let error =
        read_all(&source("f", data), &ion(), &schema(&[("name", "string")]), small.clone()).unwrap_err();
    assert!(error.to_string().contains("nested more than 128 levels deep"), "{error}");
    // A length far beyond the file.
    let data = [0xe0, 1, 0, 0xea, 0x8e, 0x7f, 0x7f, 0x7f, 0x7f, 0xff];
    let error = read_all(&source("f", data), &ion(), &wanted, small.clone()).unwrap_err();
    assert!(error.to_string().contains("the file ends within a value"), "{error}");
    let mut data = vec![0xe0, 1, 0, 0xea, 0x8e, 0x7f, 0x7f, 0x7f, 0x7f, 0xff];
    data.resize(3 << 20, b'x');
    for data in [data, b"{a: \"".iter().copied().chain(std::iter::repeat_n(b'x', 3 << 20)).collect()] {
        let error = read_all(&source("f", data), &ion(), &wanted, small.clone()).unwrap_err();
        assert!(matches!(error.problem, Problem::RecordTooLarge { .. }), "{error}");
    }
}

fn value() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        any::<i64>().prop_map(|v| v.to_string()),
        any::<i128>().prop_map(|v| v.to_string()),
        (-1e300f64..1e300).prop_map(|v| format!("{v:e}")),
        (any::<i32>(), -12i32..12).prop_map(|(d, e)| format!("{d}d{e}")),
        (1i32..9999, 1u32..13, 1u32..29).prop_map(|(y, m, d)| format!("{y:04}-{m:02}-{d:02}")),
        (1970i32..2100, 0u32..24, 0u32..60, "[0-9]{1,9}", -720i32..720).prop_map(|(y, h, m, f, o)| {
            let sign = if o < 0 { '-' } else { '+' };
            format!("{y}-06-15T{h:02}:{m:02}:09.{f}{sign}{:02}:{:02}", o.abs() / 60, o.abs() % 60)
        }),
        "[ -~é\n\t]{0,10}".prop_map(|text| serde_json::Value::from(text).to_string()),
        "[a-z]{1,8}".prop_map(|text| format!("'{text}'")),
        Just("null.list".to_owned()),
        Just("true".to_owned()),
        Just("{{ aGVsbG8= }}".to_owned()),
    ];
    scalar.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("({})", items.join(" "))),
            prop::collection::vec(("[a-z]{1,3}", inner), 0..4).prop_map(|fields| {
                let fields: Vec<String> =
                    fields.into_iter().map(|(n, v)| format!("'{n}': note::{v}")).collect();
                format!("{{{}}}", fields.join(", "))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Text and the binary form that `ion-rs` makes of it mean the same, to inference and to reading.
    #[test]
    fn encodings_agree(values in prop::collection::vec(value(), 1..6)) {
        let text: String = values.iter().map(|value| format!("{{a: {value}}}\n")).collect();
        let wanted = schema(&[("a", "string")]);
        let read = |data: Vec<u8>| {
            let file: Arc<dyn formats::ByteSource> = Arc::new(MemorySource::new("f", data).with_piece(3));
            rows(&read_all(&file, &ion(), &wanted, ReadOptions::default()).unwrap())
        };
        let bytes = binary(&text);
        prop_assert_eq!(read(text.clone().into_bytes()), read(bytes.clone()));
        let types = |data: Vec<u8>| found("f", data).map(|found| columns(&found)).map_err(|e| e.problem.to_string());
        prop_assert_eq!(types(format!("$ion_1_0 {text}").into_bytes()), types(bytes));
    }

    /// Whatever the bytes are, they end in rows or an error.
    #[test]
    fn any_bytes(mut data in prop::collection::vec(any::<u8>(), 0..200), is_binary: bool) {
        if is_binary {
            data.splice(0..0, [0xe0, 1, 0, 0xea]);
        }
        let _ = found("f", data.clone());
        let _ = read_all(&source("f", data), &ion(), &schema(&[("name", "string")]), ReadOptions::default());
    }

    /// A damaged file is no other file.
    #[test]
    fn any_damage(values in prop::collection::vec(value(), 1..4), at: prop::sample::Index, byte: u8) {
        let text: String = values.iter().map(|value| format!("{{name: {value}}}\n")).collect();
        for mut data in [text.clone().into_bytes(), binary(&text)] {
            let at = at.index(data.len());
            data[at] = byte;
            let _ = found("f", data.clone());
            let _ = read_all(&source("f", data), &ion(), &schema(&[("name", "string")]), ReadOptions::default());
        }
    }
}

#[test]
fn the_whole_of_a_file_is_looked_at() {
    let values: String = (0..60_000).map(|n| format!("{{a: {n}, tag: t{}}}\n", n % 7)).collect();
    let text = format!("{values}{{a: late, b: {{c: 1}}}}\n");
    for data in [text.as_bytes().to_vec(), binary(&text)] {
        let options = InferOptions {
            sample_bytes: 4 << 10,
            whole: true,
            format: Some(ion()),
            ..InferOptions::default()
        };
        let whole = block_on(infer(source("f.ion", data.clone()), &options)).unwrap();
        let named = |name: &str, ty: &str| (name.to_owned(), ty.to_owned());
        assert_eq!(
            columns(&whole),
            [named("a", "string"), named("tag", "string"), named("b", "struct<c:int>")]
        );
        assert_eq!(whole.records, 60_001);
        let cut = data[..data.len() - 3].to_vec();
        assert!(block_on(infer(source("f.ion", cut), &options)).is_err());
    }
}
