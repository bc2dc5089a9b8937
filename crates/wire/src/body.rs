//! The one body type of requests and replies: a stream of [`Bytes`] with typed errors.
//!
//! Invariants:
//! - A body is read once, front to back. After its end it stays at its end; after an error it yields nothing more.
//! - Nothing here buffers more than one piece, except [`Body::read_all`], which the caller caps.
//! - The size hint is exact whenever the length is known, so that replies carry `Content-Length`.
//! - Trailers (the `x-amz-checksum-*` of an aws-chunked upload) are known once the data has ended: [`Body::trailers`].
//!
//! A body is `Send`, `Sync` and `Unpin`; the sources it wraps need only be `Send`.

use std::fmt;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use http::{HeaderMap, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};

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
    /// The aws-chunked framing is broken. AWS: `InvalidChunkSizeError`/`InvalidRequest`.
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
            Self::Incomplete { .. } | Self::Excess { .. } => ("IncompleteBody", StatusCode::BAD_REQUEST),
            Self::PayloadHash { .. } => ("XAmzContentSHA256Mismatch", StatusCode::BAD_REQUEST),
            Self::ChunkSignature { .. } => ("SignatureDoesNotMatch", StatusCode::FORBIDDEN),
            Self::MalformedChunk { .. } => ("InvalidRequest", StatusCode::BAD_REQUEST),
            Self::ChunkTooSmall { .. } => ("InvalidChunkSizeError", StatusCode::FORBIDDEN),
            Self::MalformedTrailer { .. } => ("MalformedTrailerError", StatusCode::BAD_REQUEST),
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

type Source = Pin<Box<dyn HttpBody<Data = Bytes, Error = BodyError> + Send>>;

enum Inner {
    /// At its end, or never held anything.
    Done,
    /// One piece in memory.
    Full(Bytes),
    /// Anything else. The mutex is never locked: it only makes `Send` sources `Sync`.
    Stream(Mutex<Source>),
}

/// The body of a request or a reply; see the module for its rules.
pub struct Body {
    inner: Inner,
    trailers: Option<HeaderMap>,
}

impl Body {
    /// A body of no bytes.
    pub fn empty() -> Self {
        Self { inner: Inner::Done, trailers: None }
    }

    /// Wraps any `http_body::Body` of `Bytes`, such as hyper's `Incoming`.
    pub fn new<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return Self::empty();
        }
        let source = http_body_util::BodyExt::map_err(body, BodyError::source);
        Self { inner: Inner::Stream(Mutex::new(Box::pin(source))), trailers: None }
    }

    /// Wraps a stream whose length nobody knows; a reply with it is sent chunked.
    pub fn from_stream<S, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        Self::streamed(stream, None)
    }

    /// Wraps a stream of exactly `length` bytes; a reply with it carries `Content-Length`.
    /// Reading fails with `Incomplete` or `Excess` where the stream breaks that promise.
    pub fn from_sized_stream<S, E>(length: u64, stream: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        if length == 0 {
            return Self::empty();
        }
        Self::streamed(stream, Some(length))
    }

    fn streamed<S, E>(stream: S, length: Option<u64>) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let source = Streamed { stream: Some(Box::pin(stream)), length, received: 0 };
        Self { inner: Inner::Stream(Mutex::new(Box::pin(source))), trailers: None }
    }

    /// Number of bytes still to come, where it is known before reading.
    pub fn length(&self) -> Option<u64> {
        HttpBody::size_hint(self).exact()
    }

    /// The next piece of data, never empty; `None` at the end.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, BodyError>> {
        self.next().await
    }

    /// The data as a stream, for code that wants one; trailers are lost on this way.
    pub fn stream(self) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + 'static {
        self
    }

    /// The trailers, lower-case names; `None` until the data has ended, and when there were none.
    pub fn trailers(&self) -> Option<&HeaderMap> {
        self.trailers.as_ref()
    }

    /// Reads everything that is left. Errors: `TooLarge` once more than `limit` bytes have arrived (the announced
    /// length is believed, so nothing is read then), and whatever reading itself reports.
    pub async fn read_all(&mut self, limit: u64) -> Result<Bytes, BodyError> {
        if HttpBody::size_hint(self).lower() > limit {
            return Err(BodyError::TooLarge { limit });
        }
        let Some(first) = self.next().await.transpose()? else {
            return Ok(Bytes::new());
        };
        if first.len() as u64 > limit {
            return Err(BodyError::TooLarge { limit });
        }
        let Some(second) = self.next().await.transpose()? else {
            return Ok(first);
        };
        let mut all = BytesMut::with_capacity(first.len() + second.len());
        all.extend_from_slice(&first);
        let mut piece = second;
        loop {
            if (all.len() + piece.len()) as u64 > limit {
                return Err(BodyError::TooLarge { limit });
            }
            all.extend_from_slice(&piece);
            match self.next().await.transpose()? {
                Some(next) => piece = next,
                None => return Ok(all.freeze()),
            }
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.length() {
            Some(length) => write!(out, "Body({length} bytes)"),
            None => out.write_str("Body(stream)"),
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        let inner = if bytes.is_empty() { Inner::Done } else { Inner::Full(bytes) };
        Self { inner, trailers: None }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let source = match &mut this.inner {
            Inner::Done => return Poll::Ready(None),
            Inner::Full(bytes) => {
                let all = std::mem::take(bytes);
                this.inner = Inner::Done;
                return Poll::Ready(Some(Ok(Frame::data(all))));
            }
            Inner::Stream(source) => source.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner),
        };
        let polled = std::task::ready!(source.as_mut().poll_frame(context));
        match &polled {
            None | Some(Err(_)) => this.inner = Inner::Done,
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    this.trailers = Some(trailers.clone());
                }
            }
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Done => true,
            Inner::Full(_) => false,
            Inner::Stream(source) => source.lock().is_ok_and(|source| source.is_end_stream()),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Done => SizeHint::with_exact(0),
            Inner::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Inner::Stream(source) => source.lock().map(|source| source.size_hint()).unwrap_or_default(),
        }
    }
}

/// The data only; trailers are kept for [`Body::trailers`].
impl Stream for Body {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let Some(frame) = std::task::ready!(self.as_mut().poll_frame(context)) else {
                return Poll::Ready(None);
            };
            match frame.map(Frame::into_data) {
                Ok(Ok(data)) if data.is_empty() => {}
                Ok(Ok(data)) => return Poll::Ready(Some(Ok(data))),
                Ok(Err(_trailers)) => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }
}

/// A stream with an optional promise of its length.
struct Streamed<E: 'static> {
    stream: Option<BoxStream<'static, Result<Bytes, E>>>,
    length: Option<u64>,
    received: u64,
}

impl<E: Into<BoxError> + 'static> HttpBody for Streamed<E> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let Some(stream) = &mut this.stream else {
            return Poll::Ready(None);
        };
        let result = match std::task::ready!(stream.as_mut().poll_next(context)) {
            Some(Ok(piece)) => {
                this.received += piece.len() as u64;
                match this.length {
                    Some(expected) if this.received > expected => Err(BodyError::Excess { expected }),
                    _ => return Poll::Ready(Some(Ok(Frame::data(piece)))),
                }
            }
            Some(Err(error)) => Err(BodyError::source(error)),
            None => match this.length {
                Some(expected) if this.received < expected => {
                    Err(BodyError::Incomplete { expected, received: this.received })
                }
                _ => {
                    this.stream = None;
                    return Poll::Ready(None);
                }
            },
        };
        this.stream = None;
        Poll::Ready(Some(result))
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_none() || self.length == Some(self.received)
    }

    fn size_hint(&self) -> SizeHint {
        match self.length {
            Some(length) => SizeHint::with_exact(length.saturating_sub(self.received)),
            None => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn pieces(pieces: &[&'static str]) -> impl Stream<Item = Result<Bytes, std::io::Error>> + use<> {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect();
        stream::iter(pieces)
    }

    #[tokio::test]
    async fn collects_up_to_the_cap() {
        let mut body = Body::from_stream(pieces(&["ab", "", "cd", "e"]));
        assert_eq!(body.length(), None);
        assert_eq!(body.read_all(5).await.expect("fits"), "abcde");
        assert!(body.chunk().await.is_none(), "stays at its end");
        let mut body = Body::from_stream(pieces(&["ab", "cd", "e"]));
        assert!(matches!(body.read_all(4).await, Err(BodyError::TooLarge { limit: 4 })));
        let mut body = Body::from("abcde");
        assert!(matches!(body.read_all(4).await, Err(BodyError::TooLarge { limit: 4 })));
        assert_eq!(Body::empty().read_all(0).await.expect("empty"), "");
    }

    #[tokio::test]
    async fn sized_streams_keep_their_promise() {
        let mut body = Body::from_sized_stream(4, pieces(&["ab", "cd"]));
        assert_eq!(body.length(), Some(4));
        assert_eq!(body.chunk().await.expect("first").expect("good"), "ab");
        assert_eq!(body.length(), Some(2));
        assert_eq!(body.read_all(9).await.expect("good"), "cd");
        let mut short = Body::from_sized_stream(5, pieces(&["ab", "cd"]));
        assert!(matches!(short.read_all(9).await, Err(BodyError::Incomplete { expected: 5, received: 4 })));
        assert!(short.chunk().await.is_none(), "nothing after an error");
        let mut long = Body::from_sized_stream(3, pieces(&["ab", "cd"]));
        assert!(matches!(long.read_all(9).await, Err(BodyError::Excess { expected: 3 })));
    }

    #[test]
    fn own_errors_survive_wrapping() {
        let inner: BoxError = Box::new(BodyError::Timeout);
        assert!(matches!(BodyError::source(inner), BodyError::Timeout));
        assert!(matches!(BodyError::source("else"), BodyError::Source(_)));
    }

    #[test]
    fn bodies_may_be_shared_and_sent() {
        fn check<T: Send + Sync + Unpin>() {}
        check::<Body>();
    }
}
