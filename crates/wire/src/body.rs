//! The one body type of requests and replies: a stream of [`Bytes`] with typed errors.
//!
//! Invariants:
//! - A body is read once, front to back. After its end it stays at its end; after an error it yields nothing more.
//! - Nothing here buffers more than one piece, except [`Body::read_all`], which the caller caps.
//! - The size hint is exact whenever the length is known, so that replies carry `Content-Length`.
//! - Trailers (the `x-amz-checksum-*` of an aws-chunked upload) are known once the data has ended: [`Body::trailers`].
//!
//! A body is `Send`, `Sync` and `Unpin`; the sources it wraps need only be `Send`.

mod error;
#[cfg(test)]
mod tests;

use std::fmt;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::budget::Share;
pub use error::{BodyError, BoxError};

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
        self.read_shared(limit, &mut Share::alone()).await
    }

    /// [`Body::read_all`] within what requests may hold together. Errors: also `Busy`.
    pub(crate) async fn read_shared(&mut self, limit: u64, share: &mut Share) -> Result<Bytes, BodyError> {
        if HttpBody::size_hint(self).lower() > limit {
            return Err(BodyError::TooLarge { limit });
        }
        let Some(first) = self.next().await.transpose()? else {
            return Ok(Bytes::new());
        };
        if first.len() as u64 > limit {
            return Err(BodyError::TooLarge { limit });
        }
        share.take(first.len() as u64)?;
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
            share.take(piece.len() as u64)?;
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
