//! Successful replies.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::{Voice, common_headers, content_type};
use crate::body::Body;
use crate::call::{Document, Reply};
use crate::codec::xml::{Writer, encode_members};
use crate::codec::{bindings, json};
use crate::model::{Kind, Member, Model, Operation, Protocol, Shape};
use crate::s3;

/// Renders a reply. `problems` collects what does not fit the model and was left out.
pub(crate) fn reply(
    voice: &Voice<'_>,
    model: &'static Model,
    operation: &Operation,
    reply: Reply,
    problems: &mut Vec<String>,
) -> Response<Body> {
    let Reply { mut output, body, status, headers: more } = reply;
    if model.name == "s3" {
        s3::encode_keys(&mut output);
    }
    let mut headers = HeaderMap::new();
    let shape = model.output(operation);
    if shape.is_none() && output.as_object().is_some_and(|object| !object.is_empty()) {
        problems.push(format!("{} returns nothing", operation.name));
    }
    let rest = matches!(model.protocol, Protocol::RestJson | Protocol::RestXml);
    let bound = shape
        .filter(|_| rest)
        .and_then(|shape| bindings::encode(model, shape, &output, &mut headers, problems));
    let content = match (model.protocol, shape) {
        (Protocol::Json, _) => json_document(model, shape, &output, problems),
        (Protocol::RestJson | Protocol::RestXml, None) => Content::none(),
        (Protocol::RestJson | Protocol::RestXml, Some(shape)) => {
            rest_body(model, operation, shape, &output, body, problems)
        }
        (Protocol::Query, _) => query_document(voice, model, operation, shape, &output, problems),
    };
    let status =
        status.or_else(|| StatusCode::from_u16(bound.or(operation.status)?).ok()).unwrap_or(StatusCode::OK);
    if content.is_document && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(voice)));
    }
    common_headers(voice, &mut headers);
    headers.extend(more);
    let body = if voice.is_head { Body::empty() } else { content.body };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

struct Content {
    body: Body,
    /// Whether the body is a document of the protocol, not an object's bytes.
    is_document: bool,
}

impl Content {
    fn none() -> Self {
        Self { body: Body::empty(), is_document: false }
    }

    fn document(text: String) -> Self {
        Self { body: text.into(), is_document: true }
    }
}

/// awsJson: operations without output answer an empty body.
fn json_document(
    model: &Model,
    shape: Option<&Shape>,
    output: &Document,
    problems: &mut Vec<String>,
) -> Content {
    match shape {
        Some(shape) => Content::document(json::encode_members(model, shape, output, problems).to_string()),
        None => Content { body: Body::empty(), is_document: true },
    }
}

fn query_document(
    voice: &Voice<'_>,
    model: &Model,
    operation: &Operation,
    shape: Option<&Shape>,
    output: &Document,
    problems: &mut Vec<String>,
) -> Content {
    let mut writer = Writer::new();
    let root = format!("{}Response", operation.name);
    writer.open(&root, model.ns);
    if let Some(shape) = shape {
        let wrapper = operation.wrapper.filter(|name| !name.is_empty());
        wrapper.inspect(|name| writer.open(name, None));
        encode_members(&mut writer, model, shape, output, problems);
        wrapper.inspect(|name| writer.close(name));
    }
    writer.open("ResponseMetadata", None);
    writer.leaf("RequestId", &voice.ids.request);
    writer.close("ResponseMetadata");
    writer.close(&root);
    Content::document(writer.finish())
}

fn rest_body(
    model: &Model,
    operation: &Operation,
    shape: &Shape,
    output: &Document,
    body: Option<Body>,
    problems: &mut Vec<String>,
) -> Content {
    if let Some(member) = shape.payload() {
        unknown_members(shape, output, problems);
        return payload(model, member, output.get(member.name), body, problems);
    }
    if body.is_some() {
        problems.push(format!("{} has no payload, but a body was given", operation.name));
    }
    if !shape.members.iter().any(|member| member.at.is_none()) {
        unknown_members(shape, output, problems);
        // restJson1 answers an empty object, restXml an empty body.
        let is_json = model.protocol == Protocol::RestJson;
        return if is_json { Content::document("{}".to_owned()) } else { Content::none() };
    }
    if model.protocol == Protocol::RestJson {
        return Content::document(json::encode_members(model, shape, output, problems).to_string());
    }
    let root = s3::root(operation).or(shape.serialized).unwrap_or(shape.name);
    let mut writer = Writer::document();
    writer.open(root, Some(model.ns.unwrap_or(s3::NAMESPACE)));
    if operation.name == "GetBucketLocation" {
        // The document is the value itself; an empty one means us-east-1.
        writer.text(output.get("LocationConstraint").and_then(Document::as_str).unwrap_or_default());
    } else {
        encode_members(&mut writer, model, shape, output, problems);
    }
    writer.close(root);
    Content::document(writer.finish())
}

fn unknown_members(shape: &Shape, output: &Document, problems: &mut Vec<String>) {
    for name in output.as_object().into_iter().flat_map(|object| object.keys()) {
        if shape.member(name).is_none() {
            problems.push(format!("{} has no member {name}", shape.name));
        }
    }
}

fn payload(
    model: &Model,
    member: &Member,
    value: Option<&Document>,
    body: Option<Body>,
    problems: &mut Vec<String>,
) -> Content {
    let shape = model.shape(member.shape);
    let value = value.filter(|value| !value.is_null());
    match (shape.kind, value) {
        (Kind::Blob, None) => Content { body: body.unwrap_or_default(), is_document: false },
        (Kind::Blob, Some(Document::String(text))) => match STANDARD.decode(text) {
            Ok(bytes) => Content { body: bytes.into(), is_document: false },
            Err(_) => {
                problems.push(format!("{} is not base64", member.name));
                Content::none()
            }
        },
        (Kind::String, Some(Document::String(text))) => {
            Content { body: text.clone().into(), is_document: false }
        }
        (Kind::Structure, Some(value)) if model.protocol == Protocol::RestXml => {
            let root = member.wire_name_or(shape.serialized.unwrap_or(shape.name));
            let mut writer = Writer::document();
            writer.open(root, Some(model.ns.unwrap_or(s3::NAMESPACE)));
            encode_members(&mut writer, model, shape, value, problems);
            writer.close(root);
            Content::document(writer.finish())
        }
        (_, Some(value)) => match json::encode(model, member, value, problems) {
            Some(value) => Content::document(value.to_string()),
            None => Content::none(),
        },
        (_, None) => Content::none(),
    }
}
