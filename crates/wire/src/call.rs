//! What a handler receives and gives back.
//!
//! Both speak AWS member names and plain JSON values, whatever the protocol on the wire was:
//! timestamps are epoch seconds (a number, fraction allowed), blobs are base64 strings, and the
//! streaming payload (the body of an S3 object) is a [`Body`] beside the document, never in it.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Map;

use crate::{Body, Fault};

/// A value in AWS member names; timestamps as epoch seconds, blobs as base64 strings.
pub type Document = serde_json::Value;

/// One decoded, validated and authenticated request.
#[derive(Debug)]
pub struct Call {
    /// Model name of the service, such as `glue`.
    pub service: &'static str,
    /// Operation name as AWS writes it, such as `GetTable`.
    pub operation: &'static str,
    /// Twelve-digit account that the caller acts in.
    pub scope_account: String,
    /// Region of the credential scope, or the default region.
    pub region: String,
    /// Access key id that signed the request; `None` for an unsigned one.
    pub access_key: Option<String>,
    /// Id of this request, as it is returned to the client.
    pub request_id: String,
    /// Request members that were present; unknown ones were left out, idempotency tokens filled.
    pub input: Map<String, Document>,
    /// The streaming payload member, decoded (no aws-chunked framing); empty for other operations.
    pub body: Body,
    /// Decoded length of `body` in bytes, where the client announced it.
    pub content_length: Option<u64>,
    /// HTTP method.
    pub method: Method,
    /// Request target exactly as it arrived.
    pub uri: Uri,
    /// All request headers, lower-case names.
    pub headers: HeaderMap,
    /// `Host` header (or HTTP/2 authority) with its port, as it arrived.
    pub host: Option<String>,
    /// S3: whether `host` named the bucket, not the path.
    pub bucket_in_host: bool,
}

impl Call {
    /// Reads the input into a typed structure. Errors: `SerializationException` when a member
    /// has another type than the structure's (wire has already checked the model's own types).
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        T::deserialize(&self.input).map_err(|error| Fault::new("SerializationException", error.to_string()))
    }

    /// The text of a string member, when present.
    pub fn text(&self, member: &str) -> Option<&str> {
        self.input.get(member).and_then(Document::as_str)
    }

    /// The value of an integer member, when present.
    pub fn integer(&self, member: &str) -> Option<i64> {
        self.input.get(member).and_then(Document::as_i64)
    }

    /// The value of a boolean member; absent is `false`.
    pub fn flag(&self, member: &str) -> bool {
        self.input.get(member).and_then(Document::as_bool).unwrap_or(false)
    }

    /// A request header as text, when present and valid UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A successful answer.
#[derive(Debug, Default)]
pub struct Reply {
    /// Response members; `Null` and an empty object both mean none. Members whose value is `null`
    /// are left out.
    pub output: Document,
    /// The streaming payload, for operations that have one.
    pub body: Option<Body>,
    /// Status that overrides the model's (206 for ranged reads).
    pub status: Option<StatusCode>,
    /// Additional headers; members bound to headers by the model need not be repeated here.
    pub headers: HeaderMap,
}

impl Reply {
    /// An answer without members.
    pub fn empty() -> Self {
        Self::default()
    }

    /// An answer from anything that serialises to AWS member names.
    /// Errors: `InternalFailure` when it does not serialise to JSON.
    pub fn serialize(value: &impl Serialize) -> Result<Self, Fault> {
        match serde_json::to_value(value) {
            Ok(output) => Ok(Self::from(output)),
            Err(error) => Err(Fault::internal(error)),
        }
    }

    /// Adds the streaming payload.
    #[must_use]
    pub fn with_body(mut self, body: Body) -> Self {
        self.body = Some(body);
        self
    }

    /// Overrides the status of the model.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }
}

impl From<Document> for Reply {
    fn from(output: Document) -> Self {
        Self { output, ..Self::default() }
    }
}

/// Epoch milliseconds as the epoch seconds of a [`Document`]: an integer when whole, else with a fraction.
pub fn epoch_seconds(ms: i64) -> Document {
    if ms % 1000 == 0 { Document::from(ms / 1000) } else { Document::from(ms as f64 / 1000.0) }
}

/// Epoch milliseconds of a [`Document`] timestamp (seconds, fraction allowed); `None` when it is no number
/// or out of the range of `i64`.
pub fn epoch_ms(value: &Document) -> Option<i64> {
    if let Some(seconds) = value.as_i64() {
        return seconds.checked_mul(1000);
    }
    let ms = (value.as_f64()? * 1000.0).round();
    (ms.abs() < 9.0e18).then_some(ms as i64)
}
