//! What holds for all definitions.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::Union;
use serde_json::{Map, Value, json};

use super::schema;
use crate::{Format, Kind, Mode, Schema, json as format_json, patch};

fn read_both_ways(format: Format, a: &str, b: &str) {
    let (a, b) = (schema(format, a), schema(format, b));
    for (one, two) in [(Mode::Backward, Mode::Forward), (Mode::BackwardAll, Mode::ForwardAll)] {
        assert_eq!(a.may_follow(&b, one), b.may_follow(&a, two), "{one:?}");
    }
    assert_eq!(a.may_follow(&b, Mode::Full).is_ok(), b.may_follow(&a, Mode::Full).is_ok());
    for mode in Mode::ALL {
        assert_eq!(a.may_follow(&a, mode), Ok(()));
    }
}

/// Avro types by which of a few shapes they have.
fn avro() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!("null")),
        Just(json!("int")),
        Just(json!("long")),
        Just(json!("double")),
        Just(json!("string")),
        Just(json!("bytes")),
        Just(json!({"type": "long", "logicalType": "timestamp-millis"})),
        vec(0..4u8, 1..4).prop_map(|found| {
            let mut symbols: Vec<String> = found.iter().map(|n| format!("S{n}")).collect();
            symbols.sort();
            symbols.dedup();
            json!({"type": "enum", "name": "E", "symbols": symbols})
        }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|items| json!({"type": "array", "items": items})),
            inner.clone().prop_map(|values| json!({"type": "map", "values": values})),
            inner.clone().prop_map(|kind| json!(["null", kind])),
            vec((0..4u8, inner, any::<bool>()), 0..4).prop_map(|found| {
                let field = |(name, kind, optional): (u8, Value, bool)| {
                    let name = format!("f{name}");
                    if optional { json!({"name": name, "type": ["null", kind], "default": null}) } else { json!({"name": name, "type": kind}) }
                };
                json!({"type": "record", "name": "R", "fields": found.into_iter().map(field).collect::<Vec<_>>()})
            }),
        ]
    })
}

/// Instances and schemas over few names and values, so that they often meet.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-1..5i64).prop_map(Value::from),
        Just(json!(1.5)),
        Just(json!(2.0)),
        Just(json!("")),
        Just(json!("a")),
        Just(json!("abc")),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let name = prop_oneof![Just("a"), Just("b"), Just("n_x")];
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((name, inner), 0..3).prop_map(|found| {
                Value::Object(found.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

fn keyword(inner: BoxedStrategy<Value>) -> impl Strategy<Value = (&'static str, Value)> {
    let kind = prop_oneof![
        Just("null"),
        Just("boolean"),
        Just("object"),
        Just("array"),
        Just("number"),
        Just("string"),
        Just("integer"),
    ];
    let number = (0..4i64).prop_map(Value::from);
    let named = |schemas: BoxedStrategy<Value>| {
        let name = prop_oneof![Just("a"), Just("b")];
        vec((name, schemas), 1..3).prop_map(|found| {
            Value::Object(
                found.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>(),
            )
        })
    };
    let simple = |keys: &'static [&'static str]| (proptest::sample::select(keys), number.clone());
    Union::new([
        vec(kind, 1..3)
            .prop_map(|mut kinds| {
                kinds.sort();
                kinds.dedup();
                ("type", json!(kinds))
            })
            .boxed(),
        simple(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]).boxed(),
        simple(&["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"]).boxed(),
        (1..4i64).prop_map(|n| ("multipleOf", json!(n))).boxed(),
        vec(value(), 1..3).prop_map(|values| ("enum", json!(values))).boxed(),
        prop_oneof![Just(json!(["a"])), Just(json!(["a", "b"]))]
            .prop_map(|names| ("required", names))
            .boxed(),
        named(inner.clone()).prop_map(|all| ("properties", all)).boxed(),
        inner.clone().prop_map(|one| ("patternProperties", json!({"^n_": one}))).boxed(),
        prop_oneof![Just(json!(false)), inner.clone()].prop_map(|one| ("additionalProperties", one)).boxed(),
        inner.clone().prop_map(|one| ("items", one)).boxed(),
        vec(inner.clone(), 1..3).prop_map(|all| ("items", json!(all))).boxed(),
        prop_oneof![Just(json!(false)), inner.clone()].prop_map(|one| ("additionalItems", one)).boxed(),
        Just(("uniqueItems", json!(true))).boxed(),
        inner.clone().prop_map(|one| ("contains", one)).boxed(),
        inner.clone().prop_map(|one| ("propertyNames", one)).boxed(),
        inner.clone().prop_map(|one| ("not", one)).boxed(),
        prop_oneof![Just(json!({"a": ["b"]})), inner.clone().prop_map(|one| json!({"a": one}))]
            .prop_map(|one| ("dependencies", one))
            .boxed(),
        (proptest::sample::select(&["allOf", "anyOf", "oneOf"][..]), vec(inner, 1..3))
            .prop_map(|(keyword, all)| (keyword, json!(all)))
            .boxed(),
    ])
}

fn json_schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({})),
        Just(json!(true)),
        Just(json!({"type": "string"})),
        Just(json!({"type": "integer"}))
    ];
    leaf.prop_recursive(3, 10, 3, |inner| {
        vec(keyword(inner), 0..4).prop_map(|found| {
            Value::Object(found.into_iter().map(|(keyword, value)| (keyword.to_owned(), value)).collect())
        })
    })
}

fn doc(value: &Value) -> Option<Schema> {
    Schema::parse(Format::Json, &value.to_string()).ok()
}

fn allows(schema: &Schema, value: &Value) -> Option<bool> {
    match &schema.0 {
        Kind::Json(doc) => format_json::allows(doc, value),
        _ => None,
    }
}

/// Applies a patch (RFC 6902), for what [`patch`] makes.
fn apply(mut target: Value, steps: &Value) -> Value {
    for step in steps.as_array().unwrap() {
        let path = step["path"].as_str().unwrap();
        let Some((parent, last)) = path.rsplit_once('/') else {
            target = step["value"].clone();
            continue;
        };
        let key = last.replace("~1", "/").replace("~0", "~");
        match target.pointer_mut(parent).unwrap() {
            Value::Object(members) => {
                if step["op"] == "remove" {
                    members.remove(&key).unwrap();
                } else {
                    members.insert(key, step["value"].clone());
                }
            }
            Value::Array(items) => match step["op"].as_str().unwrap() {
                "remove" => {
                    items.remove(key.parse().unwrap());
                }
                "add" => items.push(step["value"].clone()),
                _ => items[key.parse::<usize>().unwrap()] = step["value"].clone(),
            },
            other => panic!("{other} has no members"),
        }
    }
    target
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    /// A compatible reader takes every value of the writer: the proof against an independent look at values.
    #[test]
    fn a_proof_holds_for_values(a in json_schema(), b in json_schema(), how in 0..6u8, values in vec(value(), 12)) {
        let (writer, reader) = match how {
            0 => (a, b),
            1 => (json!({"allOf": [a.clone(), b]}), a),
            2 => (a.clone(), json!({"anyOf": [b, a]})),
            3 => (json!({"oneOf": [a.clone(), b.clone()]}), json!({"anyOf": [b, a]})),
            4 => (json!({"properties": {"a": a}, "additionalProperties": false}), json!({"properties": {"a": b}})),
            _ => (json!({"anyOf": [a.clone(), b.clone()]}), json!({"oneOf": [a, b]})),
        };
        if let (Some(w), Some(r)) = (doc(&writer), doc(&reader)) && r.can_read(&w).is_ok() {
            for value in values {
                let both = (allows(&w, &value), allows(&r, &value));
                prop_assert!(both != (Some(true), Some(false)), "{writer} / {reader}: {value}");
            }
        }
    }

    #[test]
    fn a_json_schema_reads_itself(a in json_schema(), values in vec(value(), 1)) {
        if let Some(found) = doc(&a) {
            // With a title the texts differ, so that the rules have to show it.
            let titled = json!({"allOf": [a.clone()], "title": "t"});
            let titled = doc(&titled).unwrap();
            for mode in Mode::ALL {
                prop_assert_eq!(found.may_follow(&found, mode), Ok(()));
            }
            prop_assert_eq!(titled.can_read(&found), Ok(()), "{}", a);
            prop_assert_eq!(found.can_read(&titled), Ok(()), "{}", a);
            prop_assert_eq!(allows(&titled, &values[0]), allows(&found, &values[0]));
        }
    }

    #[test]
    fn backward_is_forward_the_other_way_in_json(a in json_schema(), b in json_schema()) {
        if doc(&a).is_some() && doc(&b).is_some() {
            read_both_ways(Format::Json, &a.to_string(), &b.to_string());
        }
    }

    #[test]
    fn avro_reads_itself_and_backward_is_forward_the_other_way(a in avro(), b in avro()) {
        let parsed = |value: &Value| Schema::parse(Format::Avro, &value.to_string()).ok();
        if let (Some(first), Some(_)) = (parsed(&a), parsed(&b)) {
            read_both_ways(Format::Avro, &a.to_string(), &b.to_string());
            let wrapped = |doc: &str| json!({"type": "record", "name": "W", "doc": doc, "fields": [{"name": "x", "type": a}]}).to_string();
            if let (Ok(one), Ok(two)) = (Schema::parse(Format::Avro, &wrapped("1")), Schema::parse(Format::Avro, &wrapped("2"))) {
                prop_assert_eq!(one.can_read(&two), Ok(()));
            }
            prop_assert_eq!(first.can_read(&first), Ok(()));
        }
    }

    #[test]
    fn a_patch_makes_the_second_of_the_first(a in json_schema(), b in json_schema()) {
        if let (Some(first), Some(second)) = (doc(&a), doc(&b)) {
            let steps: Value = serde_json::from_str(&patch(&first, &second, &b.to_string())).unwrap();
            prop_assert_eq!(apply(a.clone(), &steps), b.clone());
        }
    }

    /// Whatever the text, parsing ends with an answer.
    #[test]
    fn any_text_is_parsed_or_refused(text in "[ -~\n]{0,80}", words in vec("[a-z{}=;<>\\[\\]\"0-9]{1,6}", 0..20)) {
        for format in [Format::Avro, Format::Json, Format::Protobuf] {
            let _ = Schema::parse(format, &text);
            let _ = Schema::parse(format, &format!("message M {{ {} }}", words.join(" ")));
        }
    }
}

#[test]
fn protobuf_reads_itself_and_backward_is_forward_the_other_way() {
    let bodies = [
        "",
        "int32 a = 1;",
        "int64 a = 1;",
        "string a = 1; reserved 2;",
        "oneof o { int32 a = 1; string b = 2; }",
        "int32 a = 1; string b = 2;",
        "message I { int32 x = 1; } I a = 1;",
        "enum E { Z = 0; } E a = 1;",
        "bytes a = 1;",
        "map<string, int32> a = 1;",
        "repeated int32 a = 1;",
    ];
    for a in bodies {
        for b in bodies {
            let made = |body: &str| format!("syntax = \"proto3\"; message M {{ {body} }}");
            read_both_ways(Format::Protobuf, &made(a), &made(b));
        }
        let renamed = |name: &str| format!("syntax = \"proto3\"; option x = {name}; message M {{ {a} }}");
        let (one, two) = (schema(Format::Protobuf, &renamed("a")), schema(Format::Protobuf, &renamed("b")));
        assert_eq!(one.can_read(&two), Ok(()), "{a}");
    }
}

#[test]
fn a_protobuf_patch_replaces_the_text() {
    let (a, b) = ("syntax='proto3'; message M {}", "syntax='proto3'; message N {}");
    let made = |text| schema(Format::Protobuf, text);
    assert_eq!(patch(&made(a), &made(a), a), "[]");
    assert_eq!(apply(json!(a), &serde_json::from_str(&patch(&made(a), &made(b), b)).unwrap()), json!(b));
}
