//! A client for tests: writes a request of an operation in its protocol.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Request};
use md5::{Digest, Md5};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::body::Body;
use crate::codec::timestamp::Format;
use crate::codec::xml::{Writer, encode_members};
use crate::codec::{bindings, json, scalar};
use crate::model::{Kind, Location, Model, Operation, Protocol, Shape};

/// The request of an operation with an input.
pub(super) fn request(model: &Model, operation: &Operation, input: &Value) -> Request<Body> {
    let empty = Map::new();
    let object = input.as_object().unwrap_or(&empty);
    let Some(shape) = model.input(operation) else { return rest(model, operation, None, object) };
    match model.protocol {
        Protocol::Json => {
            let body = json::encode_members(model, shape, input, &mut Vec::new()).to_string();
            let target = format!("{}.{}", model.target.unwrap(), operation.name);
            Request::post("/").header("x-amz-target", target).body(body.into()).unwrap()
        }
        Protocol::Query => {
            let mut pairs = vec![
                ("Action".to_owned(), operation.name.to_owned()),
                ("Version".to_owned(), model.version.to_owned()),
            ];
            form(model, shape, object, "", &mut pairs);
            let escape = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            let text: Vec<String> =
                pairs.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
            let kind = "application/x-www-form-urlencoded";
            Request::post("/").header("content-type", kind).body(text.join("&").into()).unwrap()
        }
        Protocol::RestJson | Protocol::RestXml => rest(model, operation, Some(shape), object),
    }
}

fn form(
    model: &Model,
    shape: &Shape,
    object: &Map<String, Value>,
    prefix: &str,
    out: &mut Vec<(String, String)>,
) {
    for member in &shape.members {
        let Some(value) = object.get(member.name) else { continue };
        form_value(model, model.shape(member.shape), value, &format!("{prefix}{}", member.wire_name()), out);
    }
}

fn form_value(model: &Model, shape: &Shape, value: &Value, name: &str, out: &mut Vec<(String, String)>) {
    match (shape.kind, value) {
        (Kind::Structure, Value::Object(object)) => form(model, shape, object, &format!("{name}."), out),
        (Kind::List, Value::Array(values)) => {
            let item = shape.member.as_ref().unwrap();
            for (number, value) in values.iter().enumerate() {
                let place = format!("{name}.{}.{}", item.wire_name_or("member"), number + 1);
                form_value(model, model.shape(item.shape), value, &place, out);
            }
        }
        (Kind::Map, Value::Object(object)) => {
            let item = model.shape(shape.value.as_ref().unwrap().shape);
            for (number, (key, value)) in object.iter().enumerate() {
                out.push((format!("{name}.entry.{}.key", number + 1), key.clone()));
                form_value(model, item, value, &format!("{name}.entry.{}.value", number + 1), out);
            }
        }
        _ => out.push((name.to_owned(), scalar::write(shape, value, Format::Iso8601).unwrap())),
    }
}

fn rest(
    model: &Model,
    operation: &Operation,
    shape: Option<&Shape>,
    object: &Map<String, Value>,
) -> Request<Body> {
    let escape = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let mut uri = operation.uri.to_owned();
    let mut headers = HeaderMap::new();
    let mut body = Vec::new();
    if let Some(shape) = shape {
        for member in &shape.members {
            let Some(value) = object.get(member.name) else { continue };
            let inner = model.shape(member.shape);
            let format = Format::of(member.time.or(inner.time), Format::Iso8601);
            let name = member.wire_name();
            match member.at {
                Some(Location::Label) => {
                    let text = escape(&scalar::write(inner, value, format).unwrap());
                    uri = uri.replace(&format!("{{{name}}}"), &text).replace(&format!("{{{name}+}}"), &text);
                }
                Some(Location::Query) => {
                    let item = inner.member.as_ref().map_or(inner, |item| model.shape(item.shape));
                    let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
                    for value in values {
                        uri.push(if uri.contains('?') { '&' } else { '?' });
                        uri.push_str(&format!(
                            "{name}={}",
                            escape(&scalar::write(item, &value, format).unwrap())
                        ));
                    }
                }
                _ => {}
            }
        }
        let document = Value::Object(object.clone());
        bindings::encode(model, shape, &document, &mut headers, &mut Vec::new());
        body = self::body(model, operation, shape, object);
    }
    if model.name == "s3" && !body.is_empty() {
        headers.insert("content-md5", STANDARD.encode(Md5::digest(&body)).parse().unwrap());
    }
    let mut request = Request::builder().method(operation.method).uri(uri).body(Body::from(body)).unwrap();
    *request.headers_mut() = headers;
    request
}

fn body(model: &Model, operation: &Operation, shape: &Shape, object: &Map<String, Value>) -> Vec<u8> {
    let document = Value::Object(object.clone());
    if !shape.members.iter().any(|member| member.at.is_none()) {
        return Vec::new();
    }
    let Some(member) = shape.payload() else {
        if model.protocol == Protocol::RestJson {
            return json::encode_members(model, shape, &document, &mut Vec::new()).to_string().into_bytes();
        }
        return xml(model, shape, operation.name, &document);
    };
    let inner = model.shape(member.shape);
    match (inner.kind, object.get(member.name)) {
        (Kind::Structure, Some(value)) => xml(model, inner, member.wire_name_or(inner.name), value),
        (Kind::String, Some(Value::String(text))) => text.clone().into_bytes(),
        _ => Vec::new(),
    }
}

fn xml(model: &Model, shape: &Shape, root: &str, document: &Value) -> Vec<u8> {
    let mut writer = Writer::document();
    writer.open(root, None);
    encode_members(&mut writer, model, shape, document, &mut Vec::new());
    writer.close(root);
    writer.finish().into_bytes()
}
