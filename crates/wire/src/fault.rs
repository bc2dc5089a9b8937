//! An unsuccessful answer: AWS's error code and message, with what a protocol needs to render it.
//!
//! A fault names a code; the HTTP status comes from the model's error traits (or S3's table) when it
//! is rendered. Nothing internal reaches a client: [`Fault::internal`] keeps the cause for the log.

use std::borrow::Cow;
use std::fmt::{self, Display};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Map;

use crate::body::BodyError;
use crate::call::Document;

/// Code of the fault for operations and fields that AWS has and this server does not.
///
/// It is rendered with status 501. The AWS SDKs repeat 500, 502, 503 and 504 (botocore: legacy and
/// standard retry modes alike; likewise Java, Go, Rust, JavaScript v3) but never 501, which is also what
/// S3 itself answers with this code. A 5xx also cannot be mistaken for a caller's mistake.
pub const NOT_IMPLEMENTED: &str = "NotImplemented";

/// Code of the fault for failures of ours, in the AWS JSON and query protocols.
pub const INTERNAL_FAILURE: &str = "InternalFailure";

/// An error answer in AWS's terms.
#[derive(Clone)]
pub struct Fault {
    code: Cow<'static, str>,
    message: String,
    details: Box<Details>,
}

#[derive(Clone, Default)]
struct Details {
    status: Option<StatusCode>,
    members: Map<String, Document>,
    headers: HeaderMap,
    cause: Option<String>,
}

/// An error and what caused it, each after a colon: for the log.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}

impl Fault {
    /// A fault with a code as AWS writes it (`EntityNotFoundException`, `NoSuchKey`) and a message
    /// for people.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), details: Box::default() }
    }

    /// A failure of ours. The cause goes to the log, never to the client.
    pub fn internal(cause: impl Display) -> Self {
        let mut fault = Self::new(INTERNAL_FAILURE, "We encountered an internal error. Please try again.");
        fault.details.cause = Some(cause.to_string());
        fault.details.status = Some(StatusCode::INTERNAL_SERVER_ERROR);
        fault
    }

    /// The fault for what AWS has and this server does not: 501, which no SDK repeats.
    pub fn not_implemented(message: impl Into<String>) -> Self {
        Self::new(NOT_IMPLEMENTED, message).with_status(StatusCode::NOT_IMPLEMENTED)
    }

    /// Adds a member of the error structure (`Key`, `BucketName`, `QueueName`, …).
    #[must_use]
    pub fn with(mut self, member: impl Into<String>, value: impl Into<Document>) -> Self {
        self.details.members.insert(member.into(), value.into());
        self
    }

    /// Overrides the status of the model (S3 answers some errors with 200).
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.details.status = Some(status);
        self
    }

    /// Adds a response header (`ETag` of a 304, `x-amz-bucket-region` of a redirect).
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.details.headers.append(name, value);
        self
    }

    /// Keeps a cause for the log; clients never see it.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Display) -> Self {
        self.details.cause = Some(cause.to_string());
        self
    }

    /// The code as AWS writes it.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The message for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The status that was set by hand, when one was.
    pub fn status(&self) -> Option<StatusCode> {
        self.details.status
    }

    /// Additional members of the error structure.
    pub fn members(&self) -> &Map<String, Document> {
        &self.details.members
    }

    /// Additional response headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.details.headers
    }

    /// What went wrong inside, for the log.
    pub fn cause(&self) -> Option<&str> {
        self.details.cause.as_deref()
    }
}

impl Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code, self.message)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = out.debug_struct("Fault");
        shown.field("code", &self.code).field("message", &self.message);
        if let Some(cause) = &self.details.cause {
            shown.field("cause", cause);
        }
        shown.finish_non_exhaustive()
    }
}

impl std::error::Error for Fault {}

/// The fault for a request body that cannot be read, for handlers that read one.
impl From<BodyError> for Fault {
    fn from(error: BodyError) -> Self {
        let (code, status) = error.fault();
        Self::new(code, error.to_string()).with_status(status)
    }
}
