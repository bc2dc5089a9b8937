//! A request body that fails when its sender falls silent.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use wire::{BodyError, BoxError};

/// See the module. The clock runs only while somebody waits for bytes: a slow reader is no slow sender.
pub(super) struct Paced<B> {
    body: B,
    timeout: Duration,
    /// Made when first needed, used again after.
    sleep: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    /// Set when somebody first asks for the body.
    asked_for: Arc<AtomicBool>,
}

impl<B> Paced<B> {
    pub(super) fn new(body: B, timeout: Duration, asked_for: Arc<AtomicBool>) -> Self {
        Self { body, timeout, sleep: None, waiting: false, asked_for }
    }
}

impl<B> HttpBody for Paced<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        this.asked_for.store(true, Ordering::Release);
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.waiting = false;
            return Poll::Ready(frame.map(|frame| frame.map_err(BodyError::source)));
        }
        let timeout = this.timeout;
        let sleep = this.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        if !this.waiting {
            this.waiting = true;
            sleep.as_mut().reset(Instant::now() + timeout);
        }
        std::task::ready!(sleep.as_mut().poll(context));
        Poll::Ready(Some(Err(BodyError::Timeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, stream};
    use wire::Body;

    use super::*;

    #[tokio::test]
    async fn silence_is_an_error_and_slowness_is_not() {
        let slow = stream::iter(0..10).then(|_| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok::<_, std::io::Error>(Bytes::from_static(b"x"))
        });
        let paced = |body, timeout| Body::new(Paced::new(body, timeout, Arc::default()));
        let mut body = paced(Body::from_stream(slow), Duration::from_secs(20));
        assert_eq!(body.read_all(100).await.expect("slow, but never silent").len(), 10);
        let silent = stream::pending::<Result<Bytes, std::io::Error>>();
        let mut body = paced(Body::from_stream(silent), Duration::from_millis(20));
        assert!(matches!(body.read_all(100).await, Err(BodyError::Timeout)));
    }
}
