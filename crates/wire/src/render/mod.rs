//! Replies and faults as HTTP responses of their protocol.

mod fault;
mod reply;

pub(crate) use fault::{allowed, fault};
pub(crate) use reply::reply;

use http::{HeaderMap, HeaderValue};

use crate::model::{Model, Protocol};
use crate::sigv4::sha256;

/// How a request is answered, whether or not it reached an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voice<'a> {
    pub(crate) protocol: Protocol,
    /// `None` for a service that this server does not have.
    pub(crate) model: Option<&'static Model>,
    pub(crate) ids: &'a Ids,
    /// Path of the request, for S3's `Resource`.
    pub(crate) resource: &'a str,
    /// HEAD requests are answered without a body.
    pub(crate) is_head: bool,
}

/// The ids of a request.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    /// UUID; for S3 sixteen upper-case hexadecimal digits.
    pub(crate) request: String,
    /// S3's second id.
    pub(crate) host: String,
}

impl Ids {
    /// The ids of a request in the form of its protocol, made of a new UUID.
    pub(crate) fn new(protocol: Protocol, uuid: String) -> Self {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD;
        match protocol {
            // A UUID has fixed digits; those of its digest are all as good as random.
            Protocol::RestXml => {
                let digest = sha256(uuid.as_bytes());
                Self { request: hex::encode_upper(&digest[..8]), host: STANDARD.encode(digest) }
            }
            _ => Self { request: uuid, host: String::new() },
        }
    }
}

/// Adds the headers that every response of the protocol has.
fn common_headers(voice: &Voice<'_>, headers: &mut HeaderMap) {
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    match voice.protocol {
        Protocol::RestXml => {
            put("x-amz-request-id", &voice.ids.request);
            put("x-amz-id-2", &voice.ids.host);
        }
        _ => put("x-amzn-requestid", &voice.ids.request),
    }
}

/// The media type of a protocol's documents.
fn content_type(voice: &Voice<'_>) -> &'static str {
    match voice.protocol {
        Protocol::Json if voice.model.and_then(|model| model.json) == Some("1.0") => {
            "application/x-amz-json-1.0"
        }
        Protocol::Json => "application/x-amz-json-1.1",
        Protocol::RestJson => "application/json",
        Protocol::RestXml => "application/xml",
        Protocol::Query => "text/xml",
    }
}
