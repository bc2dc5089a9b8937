//! Faults, with the status that the model (or S3's table) gives their code.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::Map;

use super::{Voice, common_headers, content_type};
use crate::body::Body;
use crate::call::Document;
use crate::codec::json;
use crate::codec::xml::Writer;
use crate::fault::{Fault, INTERNAL_FAILURE, NOT_IMPLEMENTED};
use crate::model::{self, Model, Operation, Protocol, Shape};
use crate::s3;

/// Codes that any service may answer. Source: each service's "Common Errors" page; what signing and protocols add.
const COMMON: &[(&str, u16)] = &[
    ("AccessDeniedException", 400),
    ("ExpiredToken", 403),
    ("ExpiredTokenException", 400),
    ("IncompleteBody", 400),
    ("IncompleteSignature", 400),
    ("IncompleteSignatureException", 400),
    (INTERNAL_FAILURE, 500),
    ("InvalidAction", 400),
    ("InvalidClientTokenId", 403),
    ("InvalidParameterValue", 400),
    ("InvalidRequest", 400),
    ("InvalidSignatureException", 400),
    ("MalformedInput", 400),
    ("MalformedQueryString", 404),
    ("MissingAction", 400),
    ("MissingAuthenticationToken", 403),
    ("MissingAuthenticationTokenException", 400),
    (NOT_IMPLEMENTED, 501),
    ("OptInRequired", 403),
    ("RequestAbortedException", 400),
    ("RequestEntityTooLarge", 413),
    ("RequestEntityTooLargeException", 413),
    ("RequestExpired", 400),
    ("RequestTimeout", 400),
    ("SerializationException", 400),
    ("ServiceUnavailable", 503),
    ("SignatureDoesNotMatch", 403),
    ("Throttling", 400),
    ("ThrottlingException", 400),
    ("UnknownOperationException", 400),
    ("UnrecognizedClientException", 400),
    ("ValidationError", 400),
    ("ValidationException", 400),
    ("XAmzContentSHA256Mismatch", 400),
];

/// Whether the model allows an operation to answer a code, or any service may.
pub(crate) fn allowed(model: &Model, operation: &Operation, code: &str) -> bool {
    let is_rule = code == crate::rules::of(model.name, model.protocol).validation;
    let is_s3 = model.protocol == Protocol::RestXml && s3::status(code).is_some();
    is_rule
        || is_s3
        || model.error(operation, code).is_some()
        || COMMON.iter().any(|(common, _)| *common == code)
}

/// Renders a fault; also returns the code that is sent.
pub(crate) fn fault(
    voice: &Voice<'_>,
    operation: Option<&Operation>,
    fault: &Fault,
) -> (Response<Body>, String) {
    let is_s3 = voice.protocol == Protocol::RestXml;
    // S3 has its own name for it.
    let code = if is_s3 && fault.code() == INTERNAL_FAILURE { "InternalError" } else { fault.code() };
    let shape = voice.model.zip(operation).and_then(|(model, operation)| model.error(operation, code));
    let status = fault.status().unwrap_or_else(|| status(voice.protocol, shape, code));
    let mut headers = HeaderMap::new();
    common_headers(voice, &mut headers);
    let text = match voice.protocol {
        Protocol::Json => {
            let code = named_anew(voice, shape, &mut headers).unwrap_or(code);
            Some(json_document(voice, shape, code, fault))
        }
        Protocol::RestJson => {
            if let Ok(value) = HeaderValue::from_str(code) {
                headers.insert("x-amzn-errortype", value);
            }
            Some(json_document(voice, shape, code, fault))
        }
        Protocol::RestXml => {
            (!voice.is_head && status != StatusCode::NOT_MODIFIED).then(|| s3_document(voice, code, fault))
        }
        Protocol::Query => {
            // Where the model has a code beside the structure's name, this is the protocol that it is for.
            let own = shape.and_then(|shape| shape.code).unwrap_or(code);
            Some(query_document(voice, own, status, fault))
        }
    };
    if text.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(voice)));
    }
    headers.extend(fault.headers().clone());
    let mut response = Response::new(text.filter(|_| !voice.is_head).map(Body::from).unwrap_or_default());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    (response, code.to_owned())
}

/// The name of an error of a service that has moved from awsQuery; the code that it had there goes into a header, as
/// clients show their users that one. Source: Smithy, awsQueryCompatible.
fn named_anew(voice: &Voice<'_>, shape: Option<&Shape>, headers: &mut HeaderMap) -> Option<&'static str> {
    let moved = voice.model.and_then(model::older).is_some();
    let shape = shape.filter(|_| moved)?;
    let side = if shape.fault { "Receiver" } else { "Sender" };
    let value = HeaderValue::from_str(&format!("{};{side}", shape.code?)).ok()?;
    headers.insert("x-amzn-query-error", value);
    Some(shape.name)
}

fn status(protocol: Protocol, shape: Option<&Shape>, code: &str) -> StatusCode {
    let from_model = shape.and_then(|shape| shape.status.or(shape.fault.then_some(500)));
    let from_s3 = || if protocol == Protocol::RestXml { s3::status(code) } else { None };
    let common = || COMMON.iter().find(|(known, _)| *known == code).map(|(_, status)| *status);
    let number =
        from_model.or_else(from_s3).or_else(|| if shape.is_some() { None } else { common() }).unwrap_or(400);
    StatusCode::from_u16(number).unwrap_or(StatusCode::BAD_REQUEST)
}

/// `{"__type": code, "Message": text}`; the name of the text's member is the error structure's own.
fn json_document(voice: &Voice<'_>, shape: Option<&Shape>, code: &str, fault: &Fault) -> String {
    let member = shape.and_then(|shape| {
        shape.members.iter().map(|member| member.name).find(|name| name.eq_ignore_ascii_case("message"))
    });
    let mut out = Map::new();
    out.insert("__type".to_owned(), Document::from(code));
    out.insert(member.unwrap_or("message").to_owned(), Document::from(fault.message()));
    for (name, value) in fault.members() {
        let known = voice.model.zip(shape.and_then(|shape| shape.member(name)));
        let value = match known {
            Some((model, member)) => json::encode(model, member, value, &mut Vec::new()),
            None => Some(value.clone()),
        };
        if let Some(value) = value {
            out.insert(name.clone(), value);
        }
    }
    Document::Object(out).to_string()
}

fn s3_document(voice: &Voice<'_>, code: &str, fault: &Fault) -> String {
    let mut writer = Writer::document();
    writer.open("Error", None);
    writer.leaf("Code", code);
    writer.legible("Message", fault.message());
    for (name, value) in fault.members() {
        match value {
            Document::String(text) => writer.legible(name, text),
            other => writer.legible(name, &other.to_string()),
        }
    }
    if !fault.members().contains_key("Resource") {
        writer.legible("Resource", voice.resource);
    }
    writer.leaf("RequestId", &voice.ids.request);
    writer.leaf("HostId", &voice.ids.host);
    writer.close("Error");
    writer.finish()
}

fn query_document(voice: &Voice<'_>, code: &str, status: StatusCode, fault: &Fault) -> String {
    let mut writer = Writer::new();
    writer.open("ErrorResponse", voice.model.and_then(|model| model.ns));
    writer.open("Error", None);
    writer.leaf("Type", if status.is_server_error() { "Receiver" } else { "Sender" });
    writer.leaf("Code", code);
    writer.legible("Message", fault.message());
    writer.close("Error");
    writer.leaf("RequestId", &voice.ids.request);
    writer.close("ErrorResponse");
    writer.finish()
}
