mod avro;
mod json;
mod json_whole;
mod laws;
mod proto;

use crate::{Format, Mode, Schema};

fn schema(format: Format, text: &str) -> Schema {
    Schema::parse(format, text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Checks what two versions are to each other: (what changes, old, new, BACKWARD, FORWARD). FULL is both.
fn table(format: Format, cases: &[(&str, &str, &str, bool, bool)]) {
    let mut wrong = Vec::new();
    for (name, old, new, backward, forward) in cases {
        let (old, new) = (schema(format, old), schema(format, new));
        for (mode, wanted) in [
            (Mode::None, true),
            (Mode::Backward, *backward),
            (Mode::BackwardAll, *backward),
            (Mode::Forward, *forward),
            (Mode::ForwardAll, *forward),
            (Mode::Full, *backward && *forward),
            (Mode::FullAll, *backward && *forward),
        ] {
            let answer = new.may_follow(&old, mode);
            if answer.is_ok() != wanted {
                wrong.push(format!("{name}, {}: {answer:?}", mode.as_str()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn refused(format: Format, text: &str, words: &str) {
    let error = Schema::parse(format, text).unwrap_err();
    assert!(error.message.contains(words), "{text}: {error}");
}

fn columns(format: Format, text: &str) -> String {
    let found = schema(format, text).columns().unwrap();
    found.iter().map(|column| format!("{} {}", column.name, column.hive_type)).collect::<Vec<_>>().join(", ")
}

#[test]
fn modes_and_formats_have_glues_names() {
    for mode in Mode::ALL {
        assert_eq!(Mode::parse(mode.as_str()), Some(mode));
    }
    assert_eq!(Mode::parse("backward"), None);
    assert_eq!(Format::parse("PROTOBUF"), Some(Format::Protobuf));
    assert_eq!(Format::parse("XML"), None);
    let (avro, json) = (schema(Format::Avro, "\"int\""), schema(Format::Json, "{}"));
    assert!(avro.can_read(&json).is_err());
}

#[test]
fn layout_does_not_make_another_definition() {
    let same = |format, a: &str, b: &str| schema(format, a).canonical() == schema(format, b).canonical();
    assert!(same(Format::Avro, "\"int\"", " int "));
    assert!(same(
        Format::Json,
        r#"{"type":"object","title":"t"}"#,
        "{ \"title\": \"t\",\n \"type\": \"object\" }"
    ));
    assert!(!same(Format::Json, r#"{"enum":[1,2]}"#, r#"{"enum":[2,1]}"#));
    let plain = "syntax = \"proto3\"; message M { int32 a = 1; }";
    assert!(same(Format::Protobuf, plain, "// c\nsyntax='proto3';\nmessage M{/* x */int32 a=0x1;}"));
    assert!(!same(Format::Protobuf, plain, "syntax = \"proto3\"; message M { int32 b = 1; }"));
}
