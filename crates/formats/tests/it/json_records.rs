//! Records of JSON in any spelling have the values that another parser finds in them.

use formats::{Format, JsonLayout, JsonOptions, ReadOptions};
use proptest::prelude::*;
use serde_json::Value;

use super::{read_all, rows, schema, source};

/// Columns as records name them; those of fourteen and more bytes are compared in another way.
const COLUMNS: [(&str, &str); 7] = [
    ("i", "bigint"),
    ("n", "int"),
    ("f", "double"),
    ("s", "string"),
    ("fourteen bytes", "string"),
    ("a name of more than sixteen bytes", "double"),
    ("é\"", "bigint"),
];

/// One way to write a text.
fn spelt(text: &str, escaped: bool) -> String {
    if !escaped {
        return Value::from(text).to_string();
    }
    let units = text.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
    format!("\"{}\"", units.collect::<String>())
}

fn whole(most: i64) -> BoxedStrategy<String> {
    let any = (-most..=most).prop_map(|number| number.to_string());
    prop_oneof![any, (-9i64..10).prop_map(|number| number.to_string()), Just("-0".to_owned())].boxed()
}

/// The text of a value that fits a column of the type.
fn value(ty: &str) -> BoxedStrategy<String> {
    let usual = match ty {
        "bigint" => prop_oneof![whole(i64::MAX), whole(999_999_999)].boxed(),
        "int" => whole(i64::from(i32::MAX)),
        "double" => prop_oneof![
            "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,18})?([eE][-+]?[0-9]{1,2})?",
            "-?[1-9][0-9]{0,2}\\.[0-9]{1,4}"
        ]
        .boxed(),
        _ => ("[ -~\n\té\u{1f600}\"\\\\]{0,40}|[a-z]{0,40}", any::<bool>())
            .prop_map(|(text, escaped)| spelt(&text, escaped))
            .boxed(),
    };
    prop_oneof![9 => usual, 1 => Just("null".to_owned())].boxed()
}

/// Names and values of a record.
type Members = Vec<(String, String)>;

/// Members in any order, some left out, perhaps with one among them that no column is for; and the record's text.
fn record() -> impl Strategy<Value = (Members, String)> {
    let member = |at: usize| value(COLUMNS[at].1).prop_map(move |value| (COLUMNS[at].0.to_owned(), value));
    let known: Vec<_> = (0..COLUMNS.len()).map(|at| prop::option::weighted(0.9, member(at))).collect();
    let other = prop::option::weighted(0.2, Just(("other".to_owned(), "{\"i\": [1, \"}\"]}".to_owned())));
    let members = (known, other, prop::bool::weighted(0.3)).prop_flat_map(|(known, other, shuffles)| {
        let members: Vec<_> = known.into_iter().chain([other]).flatten().collect();
        if shuffles { Just(members).prop_shuffle().boxed() } else { Just(members).boxed() }
    });
    (members, "[ \t]{0,2}", "[ \t\r]{0,2}", prop::bool::weighted(0.1)).prop_map(
        |(members, before, behind, escaped)| {
            let texts = members.iter().map(|(name, value)| {
                format!("{before}{}{behind}:{before}{value}{behind}", spelt(name, escaped))
            });
            let text = format!("{{{}}}", texts.collect::<Vec<_>>().join(","));
            (members, text)
        },
    )
}

/// The value as the column shows it.
fn shown(value: &str, ty: &str) -> String {
    match ty {
        _ if value == "null" => "∅".to_owned(),
        "string" => serde_json::from_str(value).unwrap(),
        "double" => value.parse::<f64>().unwrap().to_bits().to_string(),
        _ => value.parse::<i64>().unwrap().to_string(),
    }
}

proptest! {
    #[test]
    fn records_hold_what_they_spell(records in prop::collection::vec(record(), 1..20)) {
        let text: Vec<&str> = records.iter().map(|(_, text)| text.as_str()).collect();
        let batch = read_all(&source("f", text.join("\n")), &lines(), &schema(&COLUMNS), ReadOptions::default()).unwrap();
        let made = rows(&batch);
        prop_assert_eq!(made.len(), records.len());
        for ((members, text), made) in records.iter().zip(made) {
            for ((name, ty), made) in COLUMNS.iter().zip(made) {
                let member = members.iter().find(|(own, _)| own == name);
                let wanted = member.map_or("∅".to_owned(), |(_, value)| shown(value, ty));
                let is_number = *ty == "double" && made != "∅";
                let made = if is_number { made.parse::<f64>().unwrap().to_bits().to_string() } else { made };
                prop_assert_eq!(made, wanted, "{} of {}", name, text);
            }
        }
    }
}

fn lines() -> Format {
    Format::Json(JsonOptions { layout: JsonLayout::Lines, ..JsonOptions::default() })
}

#[test]
fn what_only_looks_like_a_value_is_refused() {
    let behind = " ".repeat(40);
    for bad in [
        "{\"i\":01}",
        "{\"i\":-}",
        "{\"i\":1 2}",
        "{\"i\":1x}",
        "{\"f\":1.}",
        "{\"f\":.5}",
        "{\"f\":1.5.5}",
        "{\"f\":1e}",
        "{\"s\":\"a}",
        "{\"s\":\"\\x\"}",
        "{\"s\":\"a\"b}",
        "{\"s\" \"a\"}",
        "{\"s:\"a\"}",
        "{s\":\"a\"}",
        "{\"s\":\"a\",}",
        "{\"é\"\":1}",
        "{\"i\":3000000000000000000000}",
        "{\"n\":3000000000}",
        "{\"n\":1.5}",
    ] {
        for text in [bad.to_owned(), format!("{}{behind}}}", &bad[..bad.len() - 1])] {
            let read =
                read_all(&source("f", text.clone()), &lines(), &schema(&COLUMNS), ReadOptions::default());
            assert!(read.is_err(), "{text}");
        }
    }
}
