use super::{columns, refused, schema, table};
use crate::Format::Avro;

fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"R","namespace":"n","fields":[{fields}]}}"#)
}

/// Rows of fields, each of a record of the same name.
fn fields(cases: &[(&str, &str, &str, bool, bool)]) {
    let made: Vec<(&str, String, String, bool, bool)> =
        cases.iter().map(|(name, old, new, b, f)| (*name, record(old), record(new), *b, *f)).collect();
    let borrowed: Vec<(&str, &str, &str, bool, bool)> =
        made.iter().map(|(name, old, new, b, f)| (*name, old.as_str(), new.as_str(), *b, *f)).collect();
    table(Avro, &borrowed);
}

const A: &str = r#"{"name":"a","type":"int"}"#;

/// A field `a` of a type.
fn a(kind: &str) -> String {
    format!(r#"{{"name":"a","type":{kind}}}"#)
}

#[test]
fn fields_come_and_go() {
    let both = |more: &str| format!("{A},{more}");
    fields(&[
        ("add without default", A, &both(r#"{"name":"b","type":"int"}"#), false, true),
        ("add with default", A, &both(r#"{"name":"b","type":"int","default":0}"#), true, true),
        ("add null default", A, &both(r#"{"name":"b","type":["null","int"],"default":null}"#), true, true),
        ("optional type alone is no default", A, &both(r#"{"name":"b","type":["null","int"]}"#), false, true),
        ("drop", &both(r#"{"name":"b","type":"int"}"#), A, true, false),
        ("rename", A, r#"{"name":"b","type":"int"}"#, false, false),
        ("rename with alias", A, r#"{"name":"b","type":"int","aliases":["a"]}"#, true, false),
        ("rename with default", A, r#"{"name":"b","type":"int","default":1}"#, true, false),
        (
            "reorder",
            &both(r#"{"name":"b","type":"long"}"#),
            &format!(r#"{{"name":"b","type":"long"}},{A}"#),
            true,
            true,
        ),
        ("document", A, r#"{"name":"a","type":"int","doc":"d"}"#, true, true),
        (
            "an alias of two fields",
            &both(r#"{"name":"c","type":"int"}"#),
            r#"{"name":"b","type":"int","aliases":["a","c"]}"#,
            false,
            false,
        ),
    ]);
}

#[test]
fn primitives_promote_one_way() {
    let order = ["\"int\"", "\"long\"", "\"float\"", "\"double\""];
    for (low, from) in order.iter().enumerate() {
        for to in &order[low + 1..] {
            fields(&[("promotion", &a(from), &a(to), true, false)]);
        }
    }
    fields(&[
        ("string to bytes", &a("\"string\""), &a("\"bytes\""), true, true),
        ("int to string", &a("\"int\""), &a("\"string\""), false, false),
        ("boolean to int", &a("\"boolean\""), &a("\"int\""), false, false),
        ("null to int", &a("\"null\""), &a("\"int\""), false, false),
        (
            "array items promote",
            &a(r#"{"type":"array","items":"int"}"#),
            &a(r#"{"type":"array","items":"long"}"#),
            true,
            false,
        ),
        (
            "map values promote",
            &a(r#"{"type":"map","values":"float"}"#),
            &a(r#"{"type":"map","values":"double"}"#),
            true,
            false,
        ),
        (
            "array to map",
            &a(r#"{"type":"array","items":"int"}"#),
            &a(r#"{"type":"map","values":"int"}"#),
            false,
            false,
        ),
    ]);
}

#[test]
fn unions_grow_for_readers() {
    fields(&[
        ("type to union with it", &a("\"int\""), &a(r#"["null","int"]"#), true, false),
        ("union to one of it", &a(r#"["null","int"]"#), &a("\"int\""), false, true),
        ("one more branch", &a(r#"["null","int"]"#), &a(r#"["null","int","string"]"#), true, false),
        ("other order", &a(r#"["null","int"]"#), &a(r#"["int","null"]"#), true, true),
        ("promotes into a branch", &a("\"int\""), &a(r#"["null","double"]"#), true, false),
        ("no branch", &a("\"string\""), &a(r#"["null","int"]"#), false, false),
        ("branches promote", &a(r#"["null","int"]"#), &a(r#"["null","long"]"#), true, false),
        (
            "record in a branch",
            &a(r#"["null",{"type":"record","name":"I","fields":[{"name":"x","type":"int"}]}]"#),
            &a(
                r#"["null",{"type":"record","name":"I","fields":[{"name":"x","type":"int"},{"name":"y","type":"int"}]}]"#,
            ),
            false,
            true,
        ),
    ]);
}

#[test]
fn enums_and_fixed() {
    let e = |symbols: &str, more: &str| {
        a(&format!(r#"{{"type":"enum","name":"E","symbols":[{symbols}]{more}}}"#))
    };
    fields(&[
        ("symbol added", &e("\"X\"", ""), &e("\"X\",\"Y\"", ""), true, false),
        (
            "symbol added, with default",
            &e("\"X\"", r#","default":"X""#),
            &e("\"X\",\"Y\"", r#","default":"X""#),
            true,
            true,
        ),
        ("symbols in another order", &e("\"X\",\"Y\"", ""), &e("\"Y\",\"X\"", ""), true, true),
        ("enum to string", &e("\"X\"", ""), &a("\"string\""), false, false),
        (
            "fixed of another size",
            &a(r#"{"type":"fixed","name":"F","size":4}"#),
            &a(r#"{"type":"fixed","name":"F","size":8}"#),
            false,
            false,
        ),
        (
            "fixed of another name",
            &a(r#"{"type":"fixed","name":"F","size":4}"#),
            &a(r#"{"type":"fixed","name":"G","size":4}"#),
            false,
            false,
        ),
        (
            "fixed of another name, with alias",
            &a(r#"{"type":"fixed","name":"F","size":4}"#),
            &a(r#"{"type":"fixed","name":"G","aliases":["F"],"size":4}"#),
            true,
            false,
        ),
        ("fixed to bytes", &a(r#"{"type":"fixed","name":"F","size":4}"#), &a("\"bytes\""), false, false),
    ]);
}

#[test]
fn names_of_records() {
    let r = |name: &str, more: &str| format!(r#"{{"type":"record","name":"{name}","fields":[{A}]{more}}}"#);
    table(
        Avro,
        &[
            ("another name", &r("x.A", ""), &r("x.B", ""), false, false),
            ("another name with alias", &r("x.A", ""), &r("x.B", r#","aliases":["x.A"]"#), true, false),
            ("another name space", &r("x.A", ""), &r("y.A", ""), true, true),
            ("record to map", &r("x.A", ""), r#"{"type":"map","values":"int"}"#, false, false),
        ],
    );
}

#[test]
fn logical_types() {
    let decimal = |p: u8, s: u8| {
        a(&format!(r#"{{"type":"bytes","logicalType":"decimal","precision":{p},"scale":{s}}}"#))
    };
    let long = |logical: &str| a(&format!(r#"{{"type":"long","logicalType":"{logical}"}}"#));
    fields(&[
        ("decimal of another scale", &decimal(10, 2), &decimal(10, 3), false, false),
        ("decimal of another precision", &decimal(10, 2), &decimal(12, 2), false, false),
        ("decimal, otherwise the same", &decimal(10, 2), &decimal(10, 2), true, true),
        ("milliseconds as microseconds", &long("timestamp-millis"), &long("timestamp-micros"), false, false),
        ("a meaning is added", &a("\"long\""), &long("timestamp-millis"), true, true),
        ("unknown ones do not count", &long("mine"), &long("yours"), true, true),
    ]);
}

#[test]
fn types_that_hold_themselves() {
    let tree = |kind: &str| {
        record(&format!(
            r#"{{"name":"v","type":{kind}}},{{"name":"next","type":["null","n.R"],"default":null}}"#
        ))
    };
    table(
        Avro,
        &[
            ("value promotes", &tree("\"int\""), &tree("\"long\""), true, false),
            ("value changes", &tree("\"int\""), &tree("\"string\""), false, false),
        ],
    );
    let error = schema(Avro, &tree("\"int\"")).can_read(&schema(Avro, &tree("\"string\""))).unwrap_err();
    assert_eq!(error.to_string(), "n.R.v: string cannot be read as int");
    assert!(schema(Avro, &tree("\"int\"")).columns().is_err());
}

#[test]
fn what_is_not_avro() {
    let bad: [(&str, &str); 17] = [
        ("{", "EOF"),
        ("\"what\"", "not a defined name"),
        (r#"{"type":"record","name":"R"}"#, "fields"),
        (r#"{"type":"record","fields":[]}"#, "name"),
        (r#"{"type":"record","name":"1R","fields":[]}"#, "not a name"),
        (r#"["int","int"]"#, "two branches"),
        (r#"["int",["null"]]"#, "directly contain"),
        (r#"{"type":"enum","name":"E","symbols":["A","A"]}"#, "twice"),
        (r#"{"type":"enum","name":"E","symbols":["A"],"default":"B"}"#, "not a symbol"),
        (r#"{"type":"fixed","name":"F"}"#, "size"),
        (r#"{"type":"array"}"#, "items"),
        (r#"{"a":1,"a":2}"#, "given twice"),
        (
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}"#,
            "twice",
        ),
        (r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"x"}]}"#, "default"),
        (
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":4294967296}]}"#,
            "default",
        ),
        (
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":["int","string"],"default":null}]}"#,
            "default",
        ),
        (r#"[{"type":"fixed","name":"F","size":1},{"type":"fixed","name":"F","size":1}]"#, "defined twice"),
    ];
    for (text, words) in bad {
        refused(Avro, text, words);
    }
}

#[test]
fn malicious_defaults_end() {
    // Two records that hold each other: each level of the default could be either.
    let mut default = "{}".to_owned();
    for _ in 0..60 {
        default = format!(r#"{{"x":{default}}}"#);
    }
    let text = format!(
        r#"{{"type":"record","name":"O","fields":[{{"name":"f","type":[{{"type":"record","name":"A","fields":[
        {{"name":"x","type":["A",{{"type":"record","name":"B","fields":[{{"name":"x","type":["A","B"]}}]}}]}}]}}],
        "default":{default}}}]}}"#
    );
    refused(Avro, &text, "default");
}

#[test]
fn columns_of_records() {
    let text = record(
        r#"{"name":"i","type":"int"},{"name":"l","type":["null","long"]},{"name":"s","type":"string"},
        {"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},
        {"name":"t","type":{"type":"long","logicalType":"timestamp-millis"}},
        {"name":"a","type":{"type":"array","items":{"type":"record","name":"P","fields":[{"name":"x","type":"double"}]}}},
        {"name":"m","type":{"type":"map","values":"P"}},{"name":"u","type":["int","string"]},
        {"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}},{"name":"f","type":{"type":"fixed","name":"F","size":2}}"#,
    );
    assert_eq!(
        columns(Avro, &text),
        "i int, l bigint, s string, d decimal(9,2), t timestamp, a array<struct<x:double>>, \
         m map<string,struct<x:double>>, u uniontype<int,string>, e string, f binary"
    );
    assert!(schema(Avro, "\"int\"").columns().is_err());
}
