//! Why a body cannot be read, and what S3 calls that.

use http::StatusCode;

/// Any error of a foreign source, boxed.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What can go wrong while a body is read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The body is longer than the reader allows.
    #[error("the body is longer than {limit} bytes")]
    TooLarge {
        /// The cap, in bytes.
        limit: u64,
    },
    /// The body ended before its announced length. AWS: `IncompleteBody`.
    #[error("the body ended after {received} of {expected} bytes")]
    Incomplete {
        /// Bytes announced by `Content-Length` or `x-amz-decoded-content-length`.
        expected: u64,
        /// Bytes that arrived.
        received: u64,
    },
    /// The body holds more bytes than announced. AWS: `IncompleteBody`.
    #[error("the body holds more than the announced {expected} bytes")]
    Excess {
        /// Bytes announced.
        expected: u64,
    },
    /// The payload is not the one whose SHA-256 was signed. AWS: `XAmzContentSHA256Mismatch`.
    #[error("the payload's SHA-256 is {computed}, signed was {signed}")]
    PayloadHash {
        /// Hexadecimal digest in `x-amz-content-sha256`.
        signed: String,
        /// Hexadecimal digest of what arrived.
        computed: String,
    },
    /// A chunk or the trailer of a signed aws-chunked body carries a wrong signature. AWS: `SignatureDoesNotMatch`.
    #[error("the signature of {part} does not match")]
    ChunkSignature {
        /// "chunk 3" (from 1) or "the trailer".
        part: String,
    },
    /// The aws-chunked framing is broken. AWS: `IncompleteBody`.
    #[error("malformed aws-chunked body: {what}")]
    MalformedChunk {
        /// What is wrong, for people.
        what: &'static str,
    },
    /// A chunk of a signed aws-chunked body, not the last, is smaller than 8 KiB. AWS: `InvalidChunkSizeError`.
    #[error("chunk {index} holds {size} bytes; only the last chunk may hold fewer than 8192")]
    ChunkTooSmall {
        /// Number of the chunk, from 1.
        index: u64,
        /// Its size in bytes.
        size: u64,
    },
    /// The trailers are broken, or are not those that `x-amz-trailer` announced. AWS: `MalformedTrailerError`.
    #[error("malformed trailer: {what}")]
    MalformedTrailer {
        /// What is wrong, for people.
        what: &'static str,
    },
    /// Too many bytes of other requests are in memory. AWS: `SlowDown`.
    #[error("the server holds as many bytes of requests as it may")]
    Busy,
    /// No byte arrived for too long. AWS: `RequestTimeout`.
    #[error("no byte of the body arrived in time")]
    Timeout,
    /// The connection or another source failed.
    #[error("the body's source failed")]
    Source(#[source] BoxError),
}

impl BodyError {
    /// Wraps the error of a foreign source; a `BodyError` inside comes out as itself.
    pub fn source(error: impl Into<BoxError>) -> Self {
        match error.into().downcast::<Self>() {
            Ok(own) => *own,
            Err(other) => Self::Source(other),
        }
    }

    /// Code and status in S3's vocabulary; other services have no own codes for broken bodies.
    /// Source: Amazon S3 API Reference, "Error responses".
    pub fn fault(&self) -> (&'static str, StatusCode) {
        match self {
            Self::TooLarge { .. } => ("EntityTooLarge", StatusCode::BAD_REQUEST),
            Self::Incomplete { .. } | Self::Excess { .. } | Self::MalformedChunk { .. } => {
                ("IncompleteBody", StatusCode::BAD_REQUEST)
            }
            Self::PayloadHash { .. } => ("XAmzContentSHA256Mismatch", StatusCode::BAD_REQUEST),
            Self::ChunkSignature { .. } => ("SignatureDoesNotMatch", StatusCode::FORBIDDEN),
            Self::ChunkTooSmall { .. } => ("InvalidChunkSizeError", StatusCode::FORBIDDEN),
            Self::MalformedTrailer { .. } => ("MalformedTrailerError", StatusCode::BAD_REQUEST),
            Self::Busy => ("SlowDown", StatusCode::SERVICE_UNAVAILABLE),
            Self::Timeout => ("RequestTimeout", StatusCode::BAD_REQUEST),
            Self::Source(_) => ("IncompleteBody", StatusCode::BAD_REQUEST),
        }
    }
}

impl From<std::io::Error> for BodyError {
    fn from(error: std::io::Error) -> Self {
        Self::source(error)
    }
}

impl From<BodyError> for std::io::Error {
    fn from(error: BodyError) -> Self {
        let kind = match &error {
            BodyError::Timeout => std::io::ErrorKind::TimedOut,
            BodyError::Incomplete { .. } => std::io::ErrorKind::UnexpectedEof,
            BodyError::Source(_) => std::io::ErrorKind::Other,
            _ => std::io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
