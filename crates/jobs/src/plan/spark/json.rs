//! Values of JSON documents by their paths: `get_json_object`.
//!
//! `$`, `.name`, `['name']`, `[0]`. A string is given without its quotes, a number as it is written, an object or array as JSON
//! without blanks. Null, what is not there, and a text that is no JSON document are null. Of members of one name the first
//! counts. Documents are read without keeping more of them than the value that is looked for.
//!
//! Source: Apache Spark SQL Guide, Built-in Functions (`get_json_object`). Paths with `*`, which give several values, are refused.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{per_row, refused};

/// The most steps of a path.
const MAX_STEPS: usize = 64;

/// A step from a value to one within it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Member(String),
    /// From 0.
    Element(usize),
}

/// The value at a path of a text.
pub(super) fn value_at(text: Expr, path: &Expr) -> Result<Expr> {
    let Expr::Literal(path, _) = path else {
        return Err(refused("get_json_object is supported with a literal path".to_owned()));
    };
    let Some(Some(path)) = path.try_as_str() else {
        return Err(refused("get_json_object needs its path as text".to_owned()));
    };
    let steps = steps(path).map_err(|what| refused(format!("get_json_object: {what}")))?;
    let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable);
    Ok(ScalarUDF::new_from_impl(ValueAt { steps, signature }).call(vec![text]))
}

/// Refuses what is no path of one value.
pub(crate) fn check(path: &str) -> std::result::Result<(), String> {
    steps(path).map(|_| ())
}

fn steps(path: &str) -> std::result::Result<Vec<Step>, String> {
    let wrong =
        |what: &str| format!("{path:?} is no JSON path: {what}; such are $.name, $['a name'] and $.list[0]");
    let mut rest = path.strip_prefix('$').ok_or_else(|| wrong("it begins with $"))?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, after) = if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let (name, after) = name.split_at(end);
            (Step::Member(name.to_owned()), after)
        } else if let Some((name, after)) = rest.strip_prefix("['").and_then(|name| name.split_once("']")) {
            (Step::Member(name.to_owned()), after)
        } else if let Some((number, after)) = rest.strip_prefix('[').and_then(|number| number.split_once(']'))
        {
            let number = number.trim();
            if number == "*" {
                return Err(wrong("* gives several values, which is not built"));
            }
            (
                Step::Element(
                    number.parse().map_err(|_| wrong("in brackets stands a number or a name in quotes"))?,
                ),
                after,
            )
        } else {
            return Err(wrong("a . or [ is missing"));
        };
        match &step {
            Step::Member(name) if name == "*" => {
                return Err(wrong("* gives several values, which is not built"));
            }
            Step::Member(name) if name.is_empty() => return Err(wrong("a name is empty")),
            _ if steps.len() == MAX_STEPS => return Err(wrong("it has too many steps")),
            _ => steps.push(step),
        }
        rest = after;
    }
    Ok(steps)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ValueAt {
    steps: Vec<Step>,
    signature: Signature,
}

impl ScalarUDFImpl for ValueAt {
    fn name(&self) -> &str {
        "json_value_at"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        per_row(arguments, |arrays, _| {
            let texts = arrays.first().and_then(|array| array.as_string_opt::<i32>());
            let texts = texts.ok_or_else(|| refused(format!("{} takes one text", self.name())))?;
            let values = texts.iter().map(|text| text.and_then(|text| find(text, &self.steps)));
            Ok(Arc::new(values.collect::<StringArray>()) as ArrayRef)
        })
    }
}

/// The value as text.
fn find(document: &str, steps: &[Step]) -> Option<String> {
    let mut reader = serde_json::Deserializer::from_str(document);
    let found = Within(steps).deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    shown(found?.get())
}

/// A JSON value as text: a string without its quotes, objects and arrays without blanks.
pub(in crate::plan) fn shown(value: &str) -> Option<String> {
    match value.as_bytes().first()? {
        b'n' => None,
        b'"' => serde_json::from_str(value).ok(),
        b'{' | b'[' => Some(without_blanks(value)),
        _ => Some(value.to_owned()),
    }
}

/// A document that is well-formed without what stands between its words.
fn without_blanks(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let (mut quoted, mut escaped) = (false, false);
    for letter in value.chars() {
        if quoted || !matches!(letter, ' ' | '\t' | '\n' | '\r') {
            out.push(letter);
        }
        let ends = letter == '"' && !escaped;
        escaped = quoted && letter == '\\' && !escaped;
        quoted ^= ends;
    }
    out
}

/// Reads a value to its end and gives the one that the steps lead to from it.
struct Within<'p>(&'p [Step]);

impl<'de> DeserializeSeed<'de> for Within<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> std::result::Result<Self::Value, D::Error> {
        if self.0.is_empty() {
            return serde::Deserialize::deserialize(reader).map(Some);
        }
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Within<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> std::result::Result<Self::Value, A::Error> {
        let (mut found, mut is_found) = (None, false);
        while let Some(name) = members.next_key::<Name<'de>>()? {
            match self.0.split_first() {
                Some((Step::Member(wanted), rest)) if !is_found && *wanted == name.0 => {
                    (found, is_found) = (members.next_value_seed(Within(rest))?, true);
                }
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> std::result::Result<Self::Value, A::Error> {
        let mut found = None;
        if let Some((Step::Element(wanted), rest)) = self.0.split_first() {
            for _ in 0..*wanted {
                if elements.next_element::<IgnoredAny>()?.is_none() {
                    return Ok(None);
                }
            }
            found = elements.next_element_seed(Within(rest))?.flatten();
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> std::result::Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> std::result::Result<Self::Value, E> {
        Ok(None)
    }
}

/// A member's name, without a copy where it has no escapes.
#[derive(serde::Deserialize)]
struct Name<'n>(#[serde(borrow)] Cow<'n, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_paths() {
        let text = r#"{"a": 2.50, "b" : { "c" : [ 1, {"d": "x y\n\u00e9\""} ], "e f": null }, "a": 3, "t": true, "g": {"h": [ "a b" ]}}"#;
        for (path, wanted) in [
            ("$.a", Some("2.50")),
            ("$.b.c[1].d", Some("x y\né\"")),
            ("$.b.c", Some(r#"[1,{"d":"x y\n\u00e9\""}]"#)),
            ("$['b']['e f']", None),
            ("$.g.h", Some(r#"["a b"]"#)),
            ("$.t", Some("true")),
            ("$.b.c[2]", None),
            ("$.a.b", None),
            ("$.c", None),
            ("$[0]", None),
        ] {
            assert_eq!(find(text, &steps(path).unwrap()).as_deref(), wanted, "{path}");
        }
        assert_eq!(find("[1, 2]", &steps("$[1]").unwrap()).as_deref(), Some("2"));
        for text in ["", "{\"a\":1", "{\"a\":1} x", "no", "{'a':1}"] {
            assert_eq!(find(text, &steps("$.a").unwrap()), None, "{text}");
        }
        let deep = format!("{{\"a\":1,\"b\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        // What is passed over costs no stack.
        assert_eq!(find(&deep, &steps("$.a").unwrap()).as_deref(), Some("1"));
    }

    #[test]
    fn what_is_no_path_is_said() {
        for (path, what) in [
            ("a", "begins with $"),
            ("$a", ". or [ is missing"),
            ("$.", "a name is empty"),
            ("$.a[x]", "a number or a name"),
            ("$.a[*].b", "not built"),
            ("$.*", "not built"),
        ] {
            let error = check(path).expect_err(path);
            assert!(error.contains(what), "{error}");
        }
    }
}
