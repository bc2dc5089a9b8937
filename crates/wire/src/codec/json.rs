//! JSON bodies (awsJson and restJson1).
//!
//! A reply's document has the protocol's form already, timestamps with a format of their own aside; a request's is
//! checked against the model's types here, so that handlers and validation see only values of the right type.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::Malformed;
use super::timestamp::{self, Format};
use crate::call::Document;
use crate::model::{Kind, Member, Model, Shape};

/// Parses a body: nothing at all counts as an empty object. Errors: not JSON, or not an object.
pub(crate) fn parse(body: &[u8]) -> Result<Map<String, Value>, Malformed> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Malformed::new("Start of structure or map found where not expected.")),
        Err(error) => Err(Malformed::new(format!("The request body is not valid JSON: {error}"))),
    }
}

/// Takes the members of a structure that are in the body out of an object; what remains is unknown to the model.
pub(crate) fn decode_members(
    model: &Model,
    shape: &Shape,
    mut object: Map<String, Value>,
) -> Result<Map<String, Document>, Malformed> {
    let mut out = Map::new();
    for member in shape.members.iter().filter(|member| member.at.is_none()) {
        // restJson1 names members as the model's `locationName` says; the document keeps their own names.
        let Some(value) = object.swap_remove(member.wire_name()) else { continue };
        if !value.is_null() {
            out.insert(member.name.to_owned(), decode(model, model.shape(member.shape), value)?);
        }
    }
    // `object` holds only unknown members now; they go no further, as on AWS.
    Ok(out)
}

/// Checks a value against a shape and brings it into a document's form.
pub(crate) fn decode(model: &Model, shape: &Shape, value: Value) -> Result<Document, Malformed> {
    if shape.document {
        return Ok(value);
    }
    match (shape.kind, value) {
        (Kind::Structure, Value::Object(object)) => {
            let members = decode_members(model, shape, object)?;
            if shape.union && members.len() != 1 {
                let text = format!(
                    "Exactly one member of the union {} must be set, not {}.",
                    shape.name,
                    members.len()
                );
                return Err(Malformed::new(text));
            }
            Ok(Value::Object(members))
        }
        (Kind::List, Value::Array(values)) => {
            let Some(element) = &shape.member else { return Ok(Value::Array(values)) };
            let element = model.shape(element.shape);
            values.into_iter().map(|value| decode_element(model, element, value)).collect()
        }
        (Kind::Map, Value::Object(object)) => decode_map(model, shape, object),
        (_, value) => scalar(shape, value),
    }
}

/// `null` in a list stays: validation says that it must not be null.
fn decode_element(model: &Model, shape: &Shape, value: Value) -> Result<Document, Malformed> {
    if value.is_null() { Ok(value) } else { decode(model, shape, value) }
}

fn decode_map(model: &Model, shape: &Shape, object: Map<String, Value>) -> Result<Document, Malformed> {
    let Some(element) = &shape.value else { return Ok(Value::Object(object)) };
    let element = model.shape(element.shape);
    let mut out = Map::new();
    for (key, value) in object {
        if !value.is_null() {
            out.insert(key, decode(model, element, value)?);
        }
    }
    Ok(Value::Object(out))
}

fn scalar(shape: &Shape, value: Value) -> Result<Document, Malformed> {
    let wrong = |value: &Value, wanted: &str| {
        Malformed::new(format!("{} can not be converted to {wanted}", token(value)))
    };
    match (shape.kind, value) {
        (Kind::String, value @ Value::String(_)) | (Kind::Boolean, value @ Value::Bool(_)) => Ok(value),
        (Kind::Integer, value) => match whole(&value) {
            Some(number) if i32::try_from(number).is_ok() => Ok(Value::from(number)),
            _ => Err(wrong(&value, "an Integer")),
        },
        (Kind::Long, value) => match whole(&value) {
            Some(number) => Ok(Value::from(number)),
            None => Err(wrong(&value, "a Long")),
        },
        (Kind::Double | Kind::Float, value @ Value::Number(_)) => Ok(value),
        (Kind::Double | Kind::Float, Value::String(text))
            if matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity") =>
        {
            Ok(Value::String(text))
        }
        (Kind::Timestamp, value) => {
            let read = match &value {
                Value::Number(number) => timestamp::read(&number.to_string()),
                Value::String(text) => timestamp::read(text),
                _ => None,
            };
            read.ok_or_else(|| wrong(&value, "a Timestamp"))
        }
        (Kind::Blob, Value::String(text)) => match STANDARD.decode(text.as_bytes()) {
            Ok(_) => Ok(Value::String(text)),
            Err(_) => Err(Malformed::new("Unable to decode the base64 value of a Blob")),
        },
        (Kind::String, value) => Err(wrong(&value, "a String")),
        (Kind::Boolean, value) => Err(wrong(&value, "a Boolean")),
        (Kind::Double | Kind::Float, value) => Err(wrong(&value, "a Double")),
        (Kind::Blob, value) => Err(wrong(&value, "a Blob")),
        (Kind::Structure | Kind::List | Kind::Map, value) => {
            Err(Malformed::new(format!("Unexpected {} where a {} was expected", token(&value), shape.name)))
        }
    }
}

/// A whole number, also when written with an empty fraction.
fn whole(value: &Value) -> Option<i64> {
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    let number = value.as_f64()?;
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
}

/// The name of a value's kind as AWS's JSON reader calls it.
fn token(value: &Value) -> &'static str {
    match value {
        Value::Null => "VALUE_NULL",
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    }
}

/// Writes the body members of a structure; problems (unknown members, wrong types) are noted and left out.
pub(crate) fn encode_members(
    model: &Model,
    shape: &Shape,
    document: &Document,
    problems: &mut Vec<String>,
) -> Value {
    let mut out = Map::new();
    let Value::Object(object) = document else {
        if !document.is_null() {
            problems.push(format!("{} is no object", shape.name));
        }
        return Value::Object(out);
    };
    for (name, value) in object {
        match shape.member(name) {
            None => problems.push(format!("{} has no member {name}", shape.name)),
            Some(member) if value.is_null() || member.at.is_some() => {}
            Some(member) => {
                if let Some(value) = encode(model, member, value, problems) {
                    out.insert(member.wire_name().to_owned(), value);
                }
            }
        }
    }
    Value::Object(out)
}

/// Writes one value; `None` when its type is not the model's.
pub(crate) fn encode(
    model: &Model,
    member: &Member,
    value: &Document,
    problems: &mut Vec<String>,
) -> Option<Value> {
    let shape = model.shape(member.shape);
    if shape.document {
        return Some(value.clone());
    }
    let encoded = match (shape.kind, value) {
        (Kind::Structure, Value::Object(_)) => Some(encode_members(model, shape, value, problems)),
        (Kind::List, Value::Array(values)) => shape.member.as_ref().map(|element| {
            Value::Array(values.iter().filter_map(|value| encode(model, element, value, problems)).collect())
        }),
        (Kind::Map, Value::Object(object)) => shape.value.as_ref().map(|element| {
            let entries = object.iter().filter(|(_, value)| !value.is_null());
            let entries = entries
                .filter_map(|(key, value)| Some((key.clone(), encode(model, element, value, problems)?)));
            Value::Object(entries.collect())
        }),
        (Kind::Timestamp, _) => match Format::of(member.time.or(shape.time), Format::Epoch) {
            Format::Epoch => value.is_number().then(|| value.clone()),
            format => timestamp::write(value, format).map(Value::String),
        },
        (Kind::String | Kind::Blob | Kind::Double | Kind::Float, Value::String(_))
        | (Kind::Integer | Kind::Long | Kind::Double | Kind::Float, Value::Number(_))
        | (Kind::Boolean, Value::Bool(_)) => Some(value.clone()),
        _ => None,
    };
    if encoded.is_none() {
        problems.push(format!("{} ({}) is {}", member.name, shape.name, token(value)));
    }
    encoded
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model;

    fn glue(operation: &str, body: Value) -> Result<Map<String, Value>, Malformed> {
        let model = model::get("glue").unwrap();
        let shape = model.input(model.operation(operation).unwrap()).unwrap();
        decode_members(model, shape, parse(body.to_string().as_bytes())?)
    }

    #[test]
    fn unknown_and_null_members_are_left_out() {
        let body = json!({"DatabaseName": "d", "Name": "t", "Nonsense": 1, "CatalogId": null});
        assert_eq!(Value::Object(glue("GetTable", body).unwrap()), json!({"DatabaseName": "d", "Name": "t"}));
    }

    #[test]
    fn wrong_types_are_malformed() {
        for body in [
            json!({"DatabaseName": 5}),
            json!({"DatabaseName": ["d"]}),
            json!({"QueryAsOfTime": "soon"}),
            json!({"QueryAsOfTime": true}),
        ] {
            assert!(glue("GetTable", body.clone()).is_err(), "{body}");
        }
        let text = glue("GetTable", json!({"Name": 5})).unwrap_err().message;
        assert_eq!(text, "NUMBER_VALUE can not be converted to a String");
        for body in [&b"{"[..], b"[]", b"\xff", b"{\"a\":1}x", b"nul"] {
            assert!(parse(body).is_err());
        }
        assert!(parse(b"  ").unwrap().is_empty());
        let deep = "[".repeat(100_000);
        assert!(parse(deep.as_bytes()).is_err());
    }

    #[test]
    fn numbers() {
        assert!(glue("GetTables", json!({"DatabaseName": "d", "MaxResults": 5.0})).is_ok());
        assert!(glue("GetTables", json!({"DatabaseName": "d", "MaxResults": 5.5})).is_err());
        assert!(glue("GetTables", json!({"DatabaseName": "d", "MaxResults": 5_000_000_000_i64})).is_err());
    }
}
