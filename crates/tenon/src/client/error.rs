//! What can go wrong between the command line and a server.

use http::StatusCode;
use serde_json::Value;
use wire::BoxError;

/// A call that did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("{endpoint:?} is not an address such as http://127.0.0.1:4566 (only http, no path)")]
    Endpoint { endpoint: String },
    #[error("cannot reach a server at {endpoint}; start one with `tenon serve`, or name it with --endpoint")]
    Unreachable {
        endpoint: String,
        #[source]
        source: BoxError,
    },
    #[error("the request cannot be built")]
    Request(#[source] BoxError),
    #[error("{operation}: {code} ({status}): {message}")]
    Fault { operation: &'static str, status: u16, code: String, message: String },
    #[error("{what}: the reply is not JSON")]
    Reply {
        what: &'static str,
        #[source]
        source: BoxError,
    },
    #[error("{operation}: the reply has no {member}")]
    Member { operation: &'static str, member: &'static str },
}

impl ClientError {
    pub(super) fn request(error: impl Into<BoxError>) -> Self {
        Self::Request(error.into())
    }

    /// Reads the fault out of a JSON error reply.
    pub(super) fn fault(operation: &'static str, status: StatusCode, body: &[u8]) -> Self {
        let document: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |names: &[&str]| {
            names.iter().find_map(|name| document.get(*name)).and_then(Value::as_str).map(str::to_owned)
        };
        let code = text(&["__type", "code", "Code"]).unwrap_or_else(|| "error".to_owned());
        let code = code.rsplit('#').next().unwrap_or_default().to_owned();
        let message = text(&["message", "Message", "errorMessage", "error"])
            .unwrap_or_else(|| String::from_utf8_lossy(&body[..body.len().min(500)]).into_owned());
        Self::Fault { operation, status: status.as_u16(), code, message }
    }

    /// Whether the server answered with this fault.
    pub(crate) fn is(&self, expected: &str) -> bool {
        matches!(self, Self::Fault { code, .. } if code == expected)
    }
}
