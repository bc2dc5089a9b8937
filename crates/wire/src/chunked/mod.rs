//! aws-chunked bodies: decoded as they stream, in constant memory whatever size of chunk the client chose.
//!
//! Layout on the wire (Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring
//! Payload in Multiple Chunks" and "… Including trailing headers"):
//!
//! ```text
//! <hex size>[;chunk-signature=<64 hex>]\r\n <size bytes> \r\n    repeated; the last chunk has size 0 and no bytes
//! <name>:<value>\r\n …                                           trailers, in the trailer forms
//! x-amz-trailer-signature:<64 hex>\r\n                           in the signed trailer form
//! \r\n
//! ```
//!
//! Bytes of a chunk are handed on before its signature can be known; a wrong one is an error at the end of that chunk.
//! So whoever reads must publish nothing before the body has ended well. Lines are capped ([`decoder`]), the announced
//! decoded length is enforced both ways, and after an error nothing more comes.
//!
//! The values of trailing checksums are handed on, not compared: the bytes' owner computes them while it stores.

mod decoder;
mod signature;
#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderName;
use http_body::{Body as HttpBody, Frame, SizeHint};
use ring::hmac;

use crate::body::{Body, BodyError};
use decoder::{Decoder, Event};

/// What the headers say about an aws-chunked body.
#[derive(Debug, Clone)]
pub(crate) struct Framing {
    /// `x-amz-decoded-content-length`, in bytes.
    pub(crate) decoded_length: u64,
    /// Whether chunks carry signatures.
    pub(crate) signed: bool,
    /// Whether trailers may follow.
    pub(crate) trailer: bool,
    /// Names in `x-amz-trailer`.
    pub(crate) announced: Vec<HeaderName>,
}

/// What the signatures of chunks are verified with.
pub(crate) struct ChunkKey {
    pub(crate) key: hmac::Key,
    /// Time of the request, `yyyymmddThhmmssZ`.
    pub(crate) time: String,
    pub(crate) scope: String,
    /// The signature of the request: seed of the chain.
    pub(crate) previous: String,
}

/// Decodes `body`. Without a key signatures are required in signed forms but not verified.
pub(crate) fn decode(body: Body, framing: Framing, key: Option<ChunkKey>) -> Body {
    Body::new(Chunked { body, buffered: Bytes::new(), decoder: Some(Decoder::new(framing, key)) })
}

struct Chunked {
    body: Body,
    /// Bytes that have arrived and are not decoded yet: part of one network read.
    buffered: Bytes,
    /// Gone once the body has ended, well or not.
    decoder: Option<Decoder>,
}

impl HttpBody for Chunked {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        loop {
            let Some(decoder) = &mut this.decoder else {
                return Poll::Ready(None);
            };
            let event = match decoder.step(&mut this.buffered) {
                Ok(event) => event,
                Err(error) => return this.fail(error),
            };
            match event {
                Event::Data(data) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Event::Trailers(trailers) => return Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                Event::NeedMore => {}
            }
            match std::task::ready!(futures::Stream::poll_next(Pin::new(&mut this.body), context)) {
                Some(Ok(bytes)) => this.buffered = bytes,
                Some(Err(error)) => return this.fail(error),
                None => {
                    let end = decoder.end();
                    this.decoder = None;
                    return Poll::Ready(end.err().map(Err));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.decoder.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.decoder.as_ref().map_or(0, Decoder::remaining))
    }
}

impl Chunked {
    fn fail(&mut self, error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.decoder = None;
        Poll::Ready(Some(Err(error)))
    }
}
