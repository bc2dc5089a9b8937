//! Operations of S3: by method, shape of the path (service, bucket, object), query keys and `x-amz-copy-source`.
//!
//! Nothing falls through: once an operation is chosen, each query key and each `x-amz-*` header that neither its model
//! nor signing nor an SDK knows is an error, and nothing is changed. A sub-resource (`?acl`, `?tagging`) chooses its own
//! operation, built or not.
//!
//! Keys are percent-decoded exactly once and otherwise kept as sent: `+`, `//`, a trailing `/`, dot segments.

use std::collections::HashSet;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::rest::has_all;
use super::{Routed, host};
use crate::codec::form;
use crate::fault::Fault;
use crate::model::{Kind, Location, Model, Operation};
use crate::sigv4;

/// Shapes of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Service,
    Bucket,
    Object,
}

/// Query keys of signatures and SDKs, lower case.
const SIGNING_KEYS: &[&str] = &[
    "x-id",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-signedheaders",
    "x-amz-signature",
    "x-amz-security-token",
    "x-amz-content-sha256",
    "x-amz-region-set",
    "x-amz-user-agent",
    // Signature Version 2.
    "awsaccesskeyid",
    "signature",
    "expires",
];

/// `x-amz-*` headers of signatures and SDKs, which any operation may carry.
const SIGNING_HEADERS: &[&str] = &[
    "x-amz-algorithm",
    "x-amz-api-version",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-region-set",
    "x-amz-s3session-token",
    "x-amz-security-token",
    "x-amz-te",
    "x-amz-trailer",
    "x-amz-user-agent",
];

/// Chooses the operation of a request. `bases` are the hosts that the server is called by.
/// Presigned URLs may carry `x-amz-*` headers as query keys: these are moved into `parts.headers`.
pub(crate) fn operation(model: &'static Model, parts: &mut Parts, bases: &[String]) -> Result<Routed, Fault> {
    let invalid_uri = |_| Fault::new("InvalidURI", "Couldn't parse the specified URI.");
    let in_host = sigv4::host(parts).and_then(|sent| host::bucket(sent, bases));
    let (bucket, key) = split(parts.uri.path(), in_host.as_deref());
    let mut labels = Vec::new();
    let place = match (bucket, key) {
        (None, _) => Place::Service,
        (Some(bucket), None) => {
            labels.push(("Bucket", form::unescape(bucket, false).map_err(invalid_uri)?));
            Place::Bucket
        }
        (Some(bucket), Some(key)) => {
            labels.push(("Bucket", form::unescape(bucket, false).map_err(invalid_uri)?));
            labels.push(("Key", form::unescape(key, false).map_err(invalid_uri)?));
            Place::Object
        }
    };
    let query = form::pairs(parts.uri.query().unwrap_or_default()).map_err(invalid_uri)?;
    check_once(&query)?;
    let query = hoist(query, &mut parts.headers)?;
    let operation = choose(model, &parts.method, place, &query, &parts.headers)
        .ok_or_else(|| nothing(model, parts, place, &query))?;
    check_keys(model, operation, place, &query)?;
    check_headers(model, operation, &parts.headers)?;
    check_headers_once(model, operation, &parts.headers)?;
    Ok(Routed { operation, labels, query, bucket_in_host: in_host.is_some() })
}

/// Refuses a query key that comes twice: nobody could tell which value is meant, and a signature covers both. No operation
/// has a key with several values. Keys that stand for headers are the same in upper and lower case.
fn check_once(query: &[(String, String)]) -> Result<(), Fault> {
    let mut seen = HashSet::new();
    for (key, value) in query {
        let lower = key.to_ascii_lowercase();
        let name = if lower.starts_with("x-amz-") { lower.as_str() } else { key.as_str() };
        if !seen.insert(name.to_owned()) {
            return Err(argument(
                &format!("The query parameter '{key}' was sent more than once."),
                key,
                value,
            ));
        }
    }
    Ok(())
}

/// Bucket and key as sent; a key is never empty.
fn split<'a>(path: &'a str, in_host: Option<&'a str>) -> (Option<&'a str>, Option<&'a str>) {
    let path = path.strip_prefix('/').unwrap_or(path);
    if let Some(bucket) = in_host {
        return (Some(bucket), (!path.is_empty()).then_some(path));
    }
    match path.split_once('/') {
        Some((bucket, key)) => (Some(bucket), (!key.is_empty()).then_some(key)),
        None => ((!path.is_empty()).then_some(path), None),
    }
}

fn is_signing_key(key: &str) -> bool {
    SIGNING_KEYS.contains(&key.to_ascii_lowercase().as_str())
}

/// Other headers that a presigner of Signature Version 2 puts into the query (boto3 still makes such URLs).
const PRESIGNED_V2_HEADERS: &[&str] = &["content-md5", "content-type"];

/// Moves `x-amz-*` headers that a presigner put into the query back to the headers.
fn hoist(query: Vec<(String, String)>, headers: &mut HeaderMap) -> Result<Vec<(String, String)>, Fault> {
    let presigned =
        query.iter().any(|(key, _)| key.eq_ignore_ascii_case("x-amz-signature") || key == "Signature");
    let presigned_v2 = query.iter().any(|(key, _)| key == "Signature");
    let mut rest = Vec::with_capacity(query.len());
    for (key, value) in query {
        let name = key.to_ascii_lowercase();
        let is_header =
            name.starts_with("x-amz-") || (presigned_v2 && PRESIGNED_V2_HEADERS.contains(&name.as_str()));
        if !presigned || !is_header || is_signing_key(&name) {
            rest.push((key, value));
            continue;
        }
        let pair = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()));
        let (Ok(name), Ok(value)) = pair else {
            return Err(argument("A query parameter does not fit into a header.", &key, &value));
        };
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
    Ok(rest)
}

fn place_of(operation: &Operation) -> Option<(Place, &'static str)> {
    let (template, literals) = operation.uri.split_once('?').unwrap_or((operation.uri, ""));
    match template {
        "/" => Some((Place::Service, literals)),
        "/{Bucket}" => Some((Place::Bucket, literals)),
        "/{Bucket}/{Key+}" => Some((Place::Object, literals)),
        // WriteGetObjectResponse, an operation of Object Lambda with a host of its own.
        _ => None,
    }
}

/// The fitting operation that accounts for most of the request.
fn choose(
    model: &'static Model,
    method: &Method,
    place: Place,
    query: &[(String, String)],
    headers: &HeaderMap,
) -> Option<&'static Operation> {
    let named = query.iter().find(|(key, _)| key == "x-id").map(|(_, name)| name.as_str());
    let mut best: Option<((usize, bool, bool), &'static Operation)> = None;
    for operation in model.operations.iter().filter(|operation| operation.method == method.as_str()) {
        let Some((at, literals)) = place_of(operation) else { continue };
        let is_named = named == Some(operation.name);
        // Directory buckets share the service's path; only an SDK that says so means them.
        let is_hidden = operation.name == "ListDirectoryBuckets" && !is_named;
        if at != place || is_hidden || !has_all(literals, query) {
            continue;
        }
        let Some(accounted) = required(model, operation, query, headers) else { continue };
        let count = accounted + literals.split('&').filter(|literal| !literal.is_empty()).count();
        let rank = (count, is_named, !operation.deprecated);
        if best.as_ref().is_none_or(|(most, _)| rank > *most) {
            best = Some((rank, operation));
        }
    }
    best.map(|(_, operation)| operation)
}

/// How many of the operation's required query keys, and its copy source, the request has; `None` unless all.
fn required(
    model: &Model,
    operation: &Operation,
    query: &[(String, String)],
    headers: &HeaderMap,
) -> Option<usize> {
    let mut count = 0;
    for member in model.input(operation)?.members.iter().filter(|member| member.required) {
        let present = match member.at {
            Some(Location::Query) => query.iter().any(|(key, _)| key == member.wire_name()),
            Some(Location::Header) if member.name == "CopySource" => {
                headers.contains_key("x-amz-copy-source")
            }
            _ => continue,
        };
        if !present {
            return None;
        }
        count += 1;
    }
    Some(count)
}

/// Whether a key is a sub-resource of operations on that kind of path.
fn is_sub_resource(operation: &Operation, place: Place, key: &str) -> bool {
    place_of(operation).is_some_and(|(at, literals)| {
        at == place && literals.split('&').any(|literal| literal.split('=').next() == Some(key))
    })
}

fn argument(message: &str, name: &str, value: &str) -> Fault {
    Fault::new("InvalidArgument", message).with("ArgumentName", name).with("ArgumentValue", value)
}

fn check_keys(
    model: &Model,
    operation: &Operation,
    place: Place,
    query: &[(String, String)],
) -> Result<(), Fault> {
    for (key, value) in query {
        let bound = model.input(operation).is_some_and(|shape| {
            shape.members.iter().any(|member| member.at == Some(Location::Query) && member.wire_name() == key)
        });
        if bound || is_signing_key(key) || is_sub_resource(operation, place, key) {
            continue;
        }
        if model.operations.iter().any(|other| is_sub_resource(other, place, key)) {
            let message = format!("The query parameter '{key}' cannot be used with {}.", operation.name);
            return Err(argument(&message, key, value));
        }
        let message = format!("{} has no query parameter '{key}'.", operation.name);
        return Err(argument(&message, key, value));
    }
    Ok(())
}

/// Checksums of a body. Source: Amazon S3 API Reference, Checking object integrity; those that are not built are bound to
/// members, or unknown.
const CHECKSUM_HEADERS: &[&str] = &[
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
];

fn check_headers(model: &Model, operation: &Operation, headers: &HeaderMap) -> Result<(), Fault> {
    for name in headers.keys().map(HeaderName::as_str).filter(|name| name.starts_with("x-amz-")) {
        let bound = model.input(operation).is_some_and(|shape| {
            shape.members.iter().any(|member| match member.at {
                Some(Location::Header) => member.wire_name().eq_ignore_ascii_case(name),
                Some(Location::Headers) => name.starts_with(&member.wire_name().to_ascii_lowercase()),
                _ => false,
            })
        });
        // SDKs send a checksum of the body with every operation that takes one.
        let checksum = operation.checksum.is_some()
            && (CHECKSUM_HEADERS.contains(&name) || name == "x-amz-sdk-checksum-algorithm");
        if !bound && !checksum && !SIGNING_HEADERS.contains(&name) {
            let value = super::text(headers, name).unwrap_or_default();
            let shown = if name.contains("customer-key") { "" } else { value };
            return Err(argument(&format!("{} has no header '{name}'.", operation.name), name, shown));
        }
    }
    Ok(())
}

/// Headers that are lists by nature: several lines are one list. Source: RFC 9110, section 5.3.
const LIST_HEADERS: &[&str] = &[
    "cache-control",
    "content-encoding",
    "content-language",
    "if-match",
    "if-none-match",
    "x-amz-te",
    "x-amz-trailer",
];

/// Refuses a header that comes twice and has one value: of two sources of a copy, or two digests, nobody could tell which
/// one is meant. User metadata is put together, as in S3.
fn check_headers_once(model: &Model, operation: &Operation, headers: &HeaderMap) -> Result<(), Fault> {
    for name in headers.keys().filter(|name| headers.get_all(*name).iter().count() > 1) {
        let name = name.as_str();
        let has_one = model.input(operation).is_some_and(|shape| {
            shape.members.iter().any(|member| {
                member.at == Some(Location::Header)
                    && member.wire_name().eq_ignore_ascii_case(name)
                    && model.shape(member.shape).kind != Kind::List
            })
        });
        let is_single = has_one || SIGNING_HEADERS.contains(&name) || name == "content-md5";
        if is_single && !LIST_HEADERS.contains(&name) {
            return Err(Fault::new(
                "InvalidRequest",
                format!("The header '{name}' was sent more than once."),
            ));
        }
    }
    Ok(())
}

/// The fault for a request that fits no operation.
fn nothing(model: &Model, parts: &Parts, place: Place, query: &[(String, String)]) -> Fault {
    if parts.method == Method::OPTIONS {
        return Fault::not_implemented("S3 CORS preflight requests are not built on this server.");
    }
    let form = super::text(&parts.headers, "content-type")
        .is_some_and(|kind| kind.starts_with("multipart/form-data"));
    if parts.method == Method::POST && place == Place::Bucket && form {
        return Fault::not_implemented("S3 browser uploads (POST object) are not built on this server.");
    }
    let unknown = query.iter().find(|(key, _)| {
        !is_signing_key(key)
            && !model.operations.iter().any(|operation| is_sub_resource(operation, place, key))
    });
    if let Some((key, value)) = unknown {
        return argument(
            &format!("No operation takes {} with the query parameter '{key}'.", parts.method),
            key,
            value,
        );
    }
    Fault::new("MethodNotAllowed", "The specified method is not allowed against this resource.")
        .with("Method", parts.method.as_str())
        .with_status(StatusCode::METHOD_NOT_ALLOWED)
}

#[cfg(test)]
mod tests;
