//! Refusals of authentication, with the codes, texts and statuses that each family of AWS services uses.
//!
//! Sources: Amazon S3 API Reference, "Error responses"; AWS General Reference and each service's "Common errors";
//! texts as the services return them.

use http::StatusCode;

use crate::body::BodyError;

/// Which vocabulary a service speaks in its authentication faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Amazon S3 (restXml).
    S3,
    /// awsJson, restJson1 and CBOR services: codes end in `Exception`.
    Json,
    /// awsQuery services such as STS.
    Query,
}

/// Why a request was not let in. The text is for the client: it holds nothing secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// No credentials at all.
    #[error("the request carries no credentials")]
    Missing,
    /// Signature Version 2, or another mechanism that is not Signature Version 4 with HMAC-SHA256.
    #[error("{mechanism} is not supported")]
    Unsupported {
        /// Name of what was used.
        mechanism: &'static str,
    },
    /// More than one `Host`, or one that is not the authority of the request's target.
    #[error("the request names more than one host: Host header and request target must agree")]
    Hosts,
    /// Both an `Authorization` header and a presigned query.
    #[error("more than one authentication mechanism")]
    Ambiguous,
    /// The `Authorization` header cannot be read.
    #[error("{what}")]
    HeaderMalformed {
        /// What is wrong.
        what: String,
    },
    /// The presigned query cannot be read.
    #[error("{what}")]
    QueryMalformed {
        /// What is wrong.
        what: String,
    },
    /// A header that must be signed is not.
    #[error("'{header}' must be a 'SignedHeader' in the AWS Authorization.")]
    NotSigned {
        /// Lower-case name.
        header: String,
    },
    /// No such access key.
    #[error("unknown access key {access_key_id}")]
    UnknownKey {
        /// The id that was sent.
        access_key_id: String,
    },
    /// The session token is missing, of another key, or sent with a long-term key.
    #[error("the session token does not belong to the key")]
    BadToken,
    /// Temporary credentials past their end.
    #[error("the session token has expired")]
    ExpiredToken,
    /// The signature is not the one that the key gives.
    #[error("the signature does not match")]
    SignatureMismatch {
        /// The id that was sent.
        access_key_id: String,
        /// The signature that was sent.
        provided: String,
        /// What this server would have signed.
        string_to_sign: String,
    },
    /// The request's time is more than fifteen minutes from the server's.
    #[error("the request time is too far from the server's")]
    Skewed {
        /// Time of the request, `yyyymmddThhmmssZ`.
        request: String,
        /// Time of the server, `yyyymmddThhmmssZ`.
        server: String,
        /// Whether the request is in the past.
        past: bool,
    },
    /// A presigned URL past its `X-Amz-Expires`.
    #[error("Request has expired")]
    PresignExpired,
    /// A presigned URL from the future.
    #[error("Request is not valid yet")]
    PresignNotYet,
    /// An S3 request without `x-amz-content-sha256`, or with an unknown value in it.
    #[error("{what}")]
    ContentSha256 {
        /// What is wrong.
        what: &'static str,
    },
    /// `Content-Encoding: aws-chunked` on a payload that nothing says is framed so, and no digest vouches for.
    #[error("aws-chunked encoding is not supported when x-amz-content-sha256 UNSIGNED-PAYLOAD is supplied.")]
    ChunkedUnsigned {
        /// The `Content-Encoding` that was sent.
        encoding: String,
    },
    /// An aws-chunked request without a usable `x-amz-decoded-content-length`.
    #[error("You must provide the Content-Length HTTP header.")]
    MissingDecodedLength,
    /// The body could not be read while its hash was needed.
    #[error(transparent)]
    Body(#[from] BodyError),
}

const ONLY_V4: &str =
    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
const INVALID_TOKEN: &str = "The security token included in the request is invalid.";

impl AuthError {
    /// Code, status and message as the family's services give them.
    pub fn fault(&self, family: Family) -> (&'static str, StatusCode, String) {
        if let Self::Body(error) = self {
            let (code, status) = error.fault();
            return (code, status, error.to_string());
        }
        match family {
            Family::S3 => self.s3(),
            Family::Json => self.common([
                "MissingAuthenticationTokenException",
                "IncompleteSignatureException",
                "UnrecognizedClientException",
                "InvalidSignatureException",
                "ExpiredTokenException",
            ]),
            Family::Query => self.common([
                "MissingAuthenticationToken",
                "IncompleteSignature",
                "InvalidClientTokenId",
                "SignatureDoesNotMatch",
                "ExpiredToken",
            ]),
        }
    }

    /// Extra elements of S3's error document, by name.
    pub fn s3_members(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::SignatureMismatch { access_key_id, provided, string_to_sign } => vec![
                ("AWSAccessKeyId", access_key_id.clone()),
                ("StringToSign", string_to_sign.clone()),
                ("SignatureProvided", provided.clone()),
            ],
            Self::UnknownKey { access_key_id } => vec![("AWSAccessKeyId", access_key_id.clone())],
            Self::NotSigned { header } => vec![("HeadersNotSigned", header.clone())],
            Self::Skewed { request, server, .. } => vec![
                ("RequestTime", request.clone()),
                ("ServerTime", server.clone()),
                ("MaxAllowedSkewMilliseconds", super::MAX_SKEW_MS.to_string()),
            ],
            Self::ChunkedUnsigned { encoding } => {
                vec![("ArgumentName", "Content-Encoding".to_owned()), ("ArgumentValue", encoding.clone())]
            }
            _ => Vec::new(),
        }
    }

    fn s3(&self) -> (&'static str, StatusCode, String) {
        let (code, status, message) = match self {
            Self::Missing => ("AccessDenied", 403, "Access Denied".to_owned()),
            Self::Unsupported { .. } => ("InvalidRequest", 400, ONLY_V4.to_owned()),
            Self::Hosts => ("InvalidRequest", 400, self.to_string()),
            Self::Ambiguous => (
                "InvalidArgument",
                400,
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query \
                 string parameter or the Authorization header should be specified"
                    .to_owned(),
            ),
            Self::HeaderMalformed { what } => {
                ("AuthorizationHeaderMalformed", 400, format!("The authorization header is malformed; {what}"))
            }
            Self::QueryMalformed { what } => ("AuthorizationQueryParametersError", 400, what.clone()),
            Self::NotSigned { .. } => (
                "AccessDenied",
                403,
                "There were headers present in the request which were not signed".to_owned(),
            ),
            Self::UnknownKey { .. } => (
                "InvalidAccessKeyId",
                403,
                "The AWS Access Key Id you provided does not exist in our records.".to_owned(),
            ),
            Self::BadToken => {
                ("InvalidToken", 400, "The provided token is malformed or otherwise invalid.".to_owned())
            }
            Self::ExpiredToken => ("ExpiredToken", 400, "The provided token has expired.".to_owned()),
            Self::SignatureMismatch { .. } => (
                "SignatureDoesNotMatch",
                403,
                "The request signature we calculated does not match the signature you provided. Check your key \
                 and signing method."
                    .to_owned(),
            ),
            Self::Skewed { .. } => (
                "RequestTimeTooSkewed",
                403,
                "The difference between the request time and the current time is too large.".to_owned(),
            ),
            Self::PresignExpired | Self::PresignNotYet => ("AccessDenied", 403, self.to_string()),
            Self::ContentSha256 { what } if what.starts_with("Missing") => {
                ("InvalidRequest", 400, (*what).to_owned())
            }
            Self::ContentSha256 { what } => ("InvalidArgument", 400, (*what).to_owned()),
            Self::ChunkedUnsigned { .. } => ("InvalidArgument", 400, self.to_string()),
            Self::MissingDecodedLength => ("MissingContentLength", 411, self.to_string()),
            Self::Body(error) => ("InvalidRequest", 400, error.to_string()),
        };
        (code, StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN), message)
    }

    /// The other services share texts and differ in code names and statuses.
    fn common(&self, names: [&'static str; 5]) -> (&'static str, StatusCode, String) {
        let [missing, incomplete, unknown, signature, expired] = names;
        let json = unknown == "UnrecognizedClientException";
        // JSON services answer 400 where query services answer 403.
        let denied = if json { StatusCode::BAD_REQUEST } else { StatusCode::FORBIDDEN };
        match self {
            Self::Missing => (missing, denied, "Missing Authentication Token".to_owned()),
            Self::Unsupported { .. } => (incomplete, StatusCode::BAD_REQUEST, ONLY_V4.to_owned()),
            Self::Ambiguous => (
                incomplete,
                StatusCode::BAD_REQUEST,
                "Authorization header and signing query parameters cannot be used together.".to_owned(),
            ),
            Self::HeaderMalformed { what } | Self::QueryMalformed { what } => {
                (incomplete, StatusCode::BAD_REQUEST, what.clone())
            }
            Self::NotSigned { .. } => (signature, denied, self.to_string()),
            Self::UnknownKey { .. } | Self::BadToken => (unknown, denied, INVALID_TOKEN.to_owned()),
            Self::ExpiredToken => {
                (expired, denied, "The security token included in the request is expired".to_owned())
            }
            Self::SignatureMismatch { .. } => (
                signature,
                denied,
                "The request signature we calculated does not match the signature you provided. Check your AWS \
                 Secret Access Key and signing method. Consult the service documentation for details."
                    .to_owned(),
            ),
            Self::Skewed { request, server, past: true } => (
                signature,
                denied,
                format!("Signature expired: {request} is now earlier than 15 minutes before {server}."),
            ),
            Self::Skewed { request, server, past: false } => (
                signature,
                denied,
                format!("Signature not yet current: {request} is still later than 15 minutes after {server}."),
            ),
            Self::PresignExpired | Self::PresignNotYet => (signature, denied, self.to_string()),
            Self::ContentSha256 { what } => (signature, denied, (*what).to_owned()),
            Self::Hosts | Self::ChunkedUnsigned { .. } | Self::MissingDecodedLength | Self::Body(_) => {
                (incomplete, StatusCode::BAD_REQUEST, self.to_string())
            }
        }
    }
}
