//! From an admitted request to an operation's checked input.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method};
use serde_json::Map;

use crate::body::{Body, BodyError};
use crate::budget::Share;
use crate::call::Document;
use crate::codec::form::Parameters;
use crate::codec::{Malformed, bindings, form, json, scalar, xml};
use crate::fault::Fault;
use crate::model::{self, Kind, Member, Model, Operation, Protocol, Shape};
use crate::options::NewId;
use crate::route::{self, Routed};
use crate::rules::Rules;
use crate::{s3, validate};

/// Most bytes that are read of a body that the operation has no use for.
const MAX_UNUSED_BYTES: u64 = 64 << 10;

/// Finds the operation. For awsQuery the parameters, which name it, are read from the body; others leave the body.
pub(crate) async fn route(
    model: &'static Model,
    parts: &mut Parts,
    body: &mut Body,
    hosts: &[String],
    limits: Limits<'_>,
) -> Result<(Routed, Parameters), Fault> {
    let none = Parameters::new();
    match model.protocol {
        Protocol::Json => {
            refuse_cbor(model, &parts.headers)?;
            Ok((route::target(model, parts)?, none))
        }
        Protocol::RestJson => Ok((route::rest::operation(model, parts)?, none)),
        Protocol::RestXml => Ok((route::s3::operation(model, parts, hosts)?, none)),
        Protocol::Query => {
            let parameters = parameters(model, parts, body, limits).await?;
            let get = |name: &str| parameters.get(name).map(String::as_str);
            Ok((route::action(model, get("Action"), get("Version"))?, parameters))
        }
    }
}

/// Some SDKs prefer CBOR: Java's for Kinesis, which can be told not to, and newer ones for services that have several
/// protocols.
fn refuse_cbor(model: &Model, headers: &HeaderMap) -> Result<(), Fault> {
    let kind = route::text(headers, "content-type").unwrap_or_default().to_ascii_lowercase();
    if !kind.contains("cbor") && !headers.contains_key("smithy-protocol") {
        return Ok(());
    }
    let way = match model::older(model) {
        Some(_) => "use a client that sends JSON or the query protocol, such as boto3 or the AWS CLI",
        None => "set AWS_CBOR_DISABLE=true (Java: aws.cborEnabled=false)",
    };
    Err(Fault::not_implemented(format!("CBOR requests are not built on this server; {way}.")))
}

async fn parameters(
    model: &Model,
    parts: &Parts,
    body: &mut Body,
    limits: Limits<'_>,
) -> Result<Parameters, Fault> {
    let rules = limits.rules;
    let wrong = |error: Malformed| Fault::new("MalformedQueryString", error.message);
    let mut pairs = form::pairs(parts.uri.query().unwrap_or_default()).map_err(wrong)?;
    if parts.method == Method::POST {
        let bytes = collect(body, model.protocol, rules.body_limit_bytes, limits.share).await?;
        let text =
            std::str::from_utf8(&bytes).map_err(|_| Fault::new(rules.malformed, "The form is not UTF-8."))?;
        pairs.extend(form::pairs(text).map_err(|error| Fault::new(rules.malformed, error.message))?);
    }
    Ok(pairs.into_iter().collect())
}

/// Reads a document of at most `limit_bytes`.
async fn collect(
    body: &mut Body,
    protocol: Protocol,
    limit_bytes: u64,
    share: &mut Share,
) -> Result<Bytes, Fault> {
    body.read_shared(limit_bytes, share).await.map_err(|error| unread(protocol, error))
}

/// Reads the body of an operation that takes none to its end, where its hash, chunks and trailers are checked.
async fn drain(body: &mut Body, protocol: Protocol, share: &mut Share) -> Result<Bytes, Fault> {
    collect(body, protocol, MAX_UNUSED_BYTES, share).await
}

/// The fault for a document that cannot be read.
pub(crate) fn unread(protocol: Protocol, error: BodyError) -> Fault {
    match error {
        BodyError::TooLarge { limit } => too_large(protocol, limit),
        BodyError::Busy => {
            let code = match protocol {
                Protocol::RestXml => "SlowDown",
                Protocol::Query => "Throttling",
                Protocol::Json | Protocol::RestJson => "ThrottlingException",
            };
            Fault::new(code, "Please reduce your request rate.").with_cause(error)
        }
        other => Fault::from(other),
    }
}

/// The fault for a document beyond its limit.
fn too_large(protocol: Protocol, limit_bytes: u64) -> Fault {
    let message = format!("The request is longer than {limit_bytes} bytes.");
    match protocol {
        Protocol::RestXml => Fault::new("MaxMessageLengthExceeded", "Your request was too big."),
        Protocol::Query => Fault::new("RequestEntityTooLarge", message),
        Protocol::Json | Protocol::RestJson => Fault::new("RequestEntityTooLargeException", message),
    }
}

/// What bounds the reading of a body.
pub(crate) struct Limits<'a> {
    pub(crate) rules: Rules,
    pub(crate) share: &'a mut Share,
}

/// Decodes the input; `body` is read unless the operation streams it. Constraints are not checked here.
pub(crate) async fn decode(
    model: &'static Model,
    routed: &Routed,
    parameters: &Parameters,
    headers: &HeaderMap,
    body: &mut Body,
    limits: Limits<'_>,
) -> Result<Map<String, Document>, Fault> {
    let rules = limits.rules;
    let Some(shape) = model.input(routed.operation) else {
        drain(body, model.protocol, limits.share).await?;
        return Ok(Map::new());
    };
    let wrong = |error: Malformed| match model.protocol {
        Protocol::RestXml => s3::malformed(error),
        _ => Fault::new(rules.malformed, error.message),
    };
    let input = match model.protocol {
        Protocol::Json => {
            let bytes = collect(body, model.protocol, rules.body_limit_bytes, limits.share).await?;
            json::parse(&bytes)
                .and_then(|object| json::decode_members(model, shape, object))
                .map_err(wrong)?
        }
        Protocol::Query => form::decode_structure(model, shape, "", parameters).map_err(wrong)?,
        Protocol::RestJson | Protocol::RestXml => {
            let parts = bindings::Parts { labels: &routed.labels, query: &routed.query, headers };
            let bound = bindings::decode(model, shape, &parts).map_err(wrong)?;
            let document = rest_document(model, routed.operation, shape, headers, body, limits).await?;
            bound.into_iter().chain(document).collect()
        }
    };
    Ok(input)
}

/// SDKs fill idempotency tokens; for other clients the server does.
pub(crate) fn fill_tokens(
    model: &Model,
    operation: &Operation,
    input: &mut Map<String, Document>,
    ids: &NewId,
) {
    let members = model.input(operation).into_iter().flat_map(|shape| &shape.members);
    for member in members.filter(|member| member.token) {
        if !input.contains_key(member.name) {
            input.insert(member.name.to_owned(), Document::from(ids()));
        }
    }
}

/// The members in the body of a REST request. A body that streams is left; one that the operation has no use for is read
/// to its end.
async fn rest_document(
    model: &Model,
    operation: &Operation,
    shape: &Shape,
    headers: &HeaderMap,
    body: &mut Body,
    limits: Limits<'_>,
) -> Result<Map<String, Document>, Fault> {
    let rules = limits.rules;
    let payload = shape.payload();
    if payload.is_some_and(|member| is_streaming(model, member)) {
        return Ok(Map::new());
    }
    if payload.is_none() && !shape.members.iter().any(|member| member.at.is_none()) {
        let unused = drain(body, model.protocol, limits.share).await?;
        // Whoever names a source and sends bytes as well may have meant either.
        if !unused.is_empty() && shape.member("CopySource").is_some() {
            return Err(Fault::new("UnexpectedContent", "This request contains unsupported content."));
        }
        return Ok(Map::new());
    }
    let bytes = collect(body, model.protocol, rules.body_limit_bytes, limits.share).await?;
    let wrong = |error: Malformed| match model.protocol {
        Protocol::RestXml => s3::malformed(error),
        _ => Fault::new(rules.malformed, error.message),
    };
    if model.protocol == Protocol::RestXml {
        s3::check_integrity(operation, headers, body.trailers(), &bytes)?;
    }
    let Some(member) = payload else {
        return match model.protocol {
            Protocol::RestXml if bytes.is_empty() => Ok(Map::new()),
            Protocol::RestXml => {
                let document = xml::parse(&bytes).and_then(|root| xml::decode_structure(model, shape, &root));
                Ok(into_object(document.map_err(wrong)?))
            }
            _ => json::parse(&bytes)
                .and_then(|object| json::decode_members(model, shape, object))
                .map_err(wrong),
        };
    };
    if bytes.is_empty() {
        if member.required && model.protocol == Protocol::RestXml {
            return Err(Fault::new("MissingRequestBodyError", "Request Body is empty"));
        }
        return Ok(Map::new());
    }
    let value = payload_value(model, member, &bytes).map_err(wrong)?;
    Ok(Map::from_iter([(member.name.to_owned(), value)]))
}

/// Whether a payload is handed to the operation as a stream.
fn is_streaming(model: &Model, member: &Member) -> bool {
    member.streaming || model.shape(member.shape).kind == Kind::Blob
}

fn payload_value(model: &Model, member: &Member, bytes: &Bytes) -> Result<Document, Malformed> {
    let shape = model.shape(member.shape);
    if shape.kind == Kind::Structure && model.protocol == Protocol::RestXml {
        let root = xml::parse(bytes)?;
        let expected = member.wire_name_or(shape.name);
        if root.name != expected {
            return Err(Malformed::new(format!("the root element is {}, not {expected}", root.name)));
        }
        return xml::decode_structure(model, shape, &root);
    }
    if matches!(shape.kind, Kind::Structure | Kind::List | Kind::Map) {
        let value = serde_json::from_slice(bytes).map_err(|error| Malformed::new(error.to_string()))?;
        return json::decode(model, shape, value);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Malformed::new("the body is not UTF-8"))?;
    scalar::read(shape, text)
}

fn into_object(document: Document) -> Map<String, Document> {
    match document {
        Document::Object(object) => object,
        _ => Map::new(),
    }
}

/// Checks an input against the model's constraints, in the service's words.
pub(crate) fn check(
    model: &'static Model,
    operation: &Operation,
    input: &Map<String, Document>,
    rules: Rules,
) -> Result<(), Fault> {
    let Some(shape) = model.input(operation) else { return Ok(()) };
    if model.protocol == Protocol::RestXml {
        return s3::validate(model, shape, input);
    }
    let found = validate::check(model, shape, input);
    if found.is_empty() {
        return Ok(());
    }
    Err(Fault::new(rules.validation, validate::message(&found)))
}
