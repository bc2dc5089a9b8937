//! The forms in which S3 requests announce their payload (`x-amz-content-sha256`), and the bodies that check them.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body::{Body as HttpBody, Frame, SizeHint};
use ring::{digest, hmac};

use super::claim::{Claim, header};
use super::error::AuthError;
use super::{Admitted, Caller};
use crate::body::{Body, BodyError};
use crate::chunked::{self, ChunkKey, Framing};

const HEADER: &str = "x-amz-content-sha256";
const DECODED_LENGTH: &str = "x-amz-decoded-content-length";
const CHUNKED: &str = "aws-chunked";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// How a payload arrives and what vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// Plain bytes, nothing signed.
    Unsigned,
    /// Plain bytes of this SHA-256 (hexadecimal, lower case).
    Sha256(String),
    /// aws-chunked; `signed` chunks carry signatures, `trailer` lines may follow the last one.
    Chunked { signed: bool, trailer: bool },
}

impl Form {
    /// Reads the header; `None` when it is absent.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, AuthError> {
        if !headers.contains_key(HEADER) {
            return Ok(None);
        }
        let value = header(headers, HEADER).unwrap_or_default();
        let form = match value {
            UNSIGNED => Self::Unsigned,
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Self::Chunked { signed: false, trailer: true },
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" | "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD" => {
                Self::Chunked { signed: true, trailer: false }
            }
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
            | "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER" => {
                Self::Chunked { signed: true, trailer: true }
            }
            hash if hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                Self::Sha256(hash.to_ascii_lowercase())
            }
            _ => {
                return Err(AuthError::ContentSha256 {
                    what: "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
                           STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, or a \
                           valid sha256 value.",
                });
            }
        };
        Ok(Some(form))
    }
}

/// The form of a signed S3 request and the text that stands for the payload in its canonical request.
pub(super) fn s3(headers: &HeaderMap, claim: &Claim) -> Result<(Form, String), AuthError> {
    let form = Form::of(headers)?;
    let sent = header(headers, HEADER).unwrap_or_default().to_owned();
    let signed = claim.signed_headers.iter().any(|name| name == HEADER);
    match form {
        Some(form) if claim.expires_s.is_none() || signed => Ok((form, sent)),
        // A presigned URL is signed without its payload; chunks then have no signature to begin from.
        Some(Form::Chunked { signed: true, .. }) => Err(AuthError::NotSigned { header: HEADER.to_owned() }),
        Some(form) => Ok((form, UNSIGNED.to_owned())),
        None if claim.expires_s.is_some() => Ok((Form::Unsigned, UNSIGNED.to_owned())),
        None => Err(AuthError::ContentSha256 {
            what: "Missing required header for this request: x-amz-content-sha256",
        }),
    }
}

/// The length that the client stated. An HTTP/1 request that states none has an empty body for the server, but its
/// client may have meant to send one (S3 answers 411).
fn stated_length(parts: &Parts, body: &Body) -> Option<u64> {
    let stated =
        parts.version > http::Version::HTTP_11 || parts.headers.contains_key(http::header::CONTENT_LENGTH);
    if stated { body.length() } else { None }
}

/// Refuses plain payloads whose headers speak of aws-chunked framing: stored as they come, the framing would be part of
/// the object.
///
/// As in S3, the coding alone is refused only without a digest: whoever signs the SHA-256 of the body has said which bytes
/// are meant. A decoded length must be the body's, since nothing is decoded.
pub(super) fn check_plain(parts: &Parts, body: &Body, form: &Form) -> Result<(), AuthError> {
    if matches!(form, Form::Chunked { .. }) {
        return Ok(());
    }
    if *form == Form::Unsigned
        && let Some(value) = codings(&parts.headers, |coding| coding.eq_ignore_ascii_case(CHUNKED))
    {
        return Err(AuthError::ChunkedUnsigned { encoding: value });
    }
    if !parts.headers.contains_key(DECODED_LENGTH) {
        return Ok(());
    }
    let expected = decoded_length(&parts.headers)?;
    match body.length() {
        Some(received) if received < expected => Err(BodyError::Incomplete { expected, received }.into()),
        Some(received) if received > expected => Err(BodyError::Excess { expected }.into()),
        _ => Ok(()),
    }
}

fn decoded_length(headers: &HeaderMap) -> Result<u64, AuthError> {
    header(headers, DECODED_LENGTH)
        .and_then(|text| text.trim().parse::<u64>().ok())
        .ok_or(AuthError::MissingDecodedLength)
}

/// The codings in `Content-Encoding` that fit, as one list; `None` when none does.
fn codings(headers: &HeaderMap, fits: impl Fn(&str) -> bool) -> Option<String> {
    let fitting: Vec<&str> = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && fits(coding))
        .collect();
    (!fitting.is_empty()).then(|| fitting.join(", "))
}

/// Wraps the body as its form demands. `key` is present when signatures of chunks are to be verified.
pub(super) fn admitted(
    caller: Caller,
    mut parts: Parts,
    body: Body,
    form: Form,
    key: Option<(hmac::Key, &Claim)>,
) -> Result<Admitted, AuthError> {
    let (body, content_length) = match form {
        Form::Unsigned => {
            let length = stated_length(&parts, &body);
            (body, length)
        }
        Form::Sha256(signed) => {
            let length = stated_length(&parts, &body);
            (hashed(body, signed), length)
        }
        Form::Chunked { signed, trailer } => {
            let decoded_length = decoded_length(&parts.headers)?;
            let chunk_key = key.filter(|_| signed).map(|(key, claim)| ChunkKey {
                key,
                time: claim.time.clone(),
                scope: claim.credential.scope(),
                previous: claim.signature.clone(),
            });
            let framing = Framing { decoded_length, signed, trailer, announced: announced(&parts.headers)? };
            strip_encoding(&mut parts.headers);
            (chunked::decode(body, framing, chunk_key), Some(decoded_length))
        }
    };
    Ok(Admitted { caller, request: Request::from_parts(parts, body), content_length })
}

/// The names in `x-amz-trailer`, lower case.
fn announced(headers: &HeaderMap) -> Result<Vec<HeaderName>, AuthError> {
    let mut names = Vec::new();
    for value in headers.get_all("x-amz-trailer") {
        for name in value.to_str().unwrap_or("?").split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
                AuthError::Body(BodyError::MalformedTrailer {
                    what: "x-amz-trailer is not a list of header names",
                })
            })?;
            names.push(name);
        }
    }
    Ok(names)
}

/// Removes `aws-chunked` from `Content-Encoding`: it is framing, not a property of the object.
fn strip_encoding(headers: &mut HeaderMap) {
    let kept = codings(headers, |coding| !coding.eq_ignore_ascii_case(CHUNKED));
    headers.remove(CONTENT_ENCODING);
    if let Some(value) = kept.and_then(|kept| HeaderValue::from_str(&kept).ok()) {
        headers.insert(CONTENT_ENCODING, value);
    }
}

/// Passes bytes on and fails at the end when their SHA-256 is not the signed one.
fn hashed(body: Body, signed: String) -> Body {
    Body::new(Hashed { body, state: Some((digest::Context::new(&digest::SHA256), signed)) })
}

struct Hashed {
    body: Body,
    state: Option<(digest::Context, String)>,
}

impl HttpBody for Hashed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let polled = std::task::ready!(Pin::new(&mut this.body).poll_frame(context));
        match polled {
            Some(Ok(frame)) => {
                if let (Some((hasher, _)), Some(data)) = (&mut this.state, frame.data_ref()) {
                    hasher.update(data);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                this.state = None;
                Poll::Ready(Some(Err(error)))
            }
            None => {
                let Some((hasher, signed)) = this.state.take() else {
                    return Poll::Ready(None);
                };
                let computed = hex::encode(hasher.finish());
                if computed == signed {
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(Err(BodyError::PayloadHash { signed, computed })))
            }
        }
    }

    /// Only once the hash has been compared, lest a reader stop before.
    fn is_end_stream(&self) -> bool {
        self.state.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        HttpBody::size_hint(&self.body)
    }
}
