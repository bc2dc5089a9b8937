//! The HTTP server: one port, HTTP/1.1 and cleartext HTTP/2.
//!
//! Owns the listener and the connections. A connection has a cap on the time for a request's head, and on the silence
//! between two pieces of a body; a body as a whole may take as long as it likes. A client that stops reading its reply is
//! dropped after the same time, so that it holds neither the slot nor the objects. At most `max_connections` are open,
//! more wait in the listen queue. A client that waits for `100 Continue` gets it when a handler first reads the body.
//!
//! On stop: the listener closes, idle connections close, requests in flight end by the drain deadline, the rest is
//! dropped (its transactions roll back).

mod access;
mod paced;
mod stalled;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use http::header::{CONNECTION, EXPECT};
use http::{HeaderValue, Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::{Body, BoxError};

use crate::config::ServerConfig;
use crate::metrics::Metrics;
use crate::supervisor::Streams;
use paced::Paced;
use stalled::Stalled;

/// Answers a request; never fails.
pub(crate) type App = Arc<dyn Fn(Request<Body>) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// Pause after the system refused a connection (out of file descriptors, mostly).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// S3 sends user metadata of 2 KB, presigned URLs some more; AWS's own limit on heads is 16 KB or less.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// Everything a connection needs.
#[derive(Clone)]
struct Shared {
    app: App,
    options: Arc<ServerConfig>,
    metrics: Arc<Metrics>,
    streams: Streams,
    stop: CancellationToken,
}

/// Accepts and serves until `stop`, then drains. Errors: none today; accepting goes on after failures.
pub(crate) async fn run(
    listener: TcpListener,
    app: App,
    options: Arc<ServerConfig>,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) -> Result<(), BoxError> {
    let streams = Streams { tracker: TaskTracker::new(), hard_stop: CancellationToken::new() };
    let slots = Arc::new(Semaphore::new(options.max_connections));
    let shared = Shared { app, options, metrics, streams, stop: stop.clone() };
    let mut connections = JoinSet::new();
    while let Some(stream) = stop.run_until_cancelled(accept(&listener, &slots)).await {
        while connections.try_join_next().is_some() {}
        let (stream, slot) = match stream {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "accepting a connection failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let shared = shared.clone();
        connections.spawn(async move {
            shared.metrics.connections.inc();
            serve(stream, &shared).await;
            shared.metrics.connections.dec();
            drop(slot);
        });
    }
    drop(listener);
    drain(connections, &shared).await;
    Ok(())
}

type Accepted = (TcpStream, tokio::sync::OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> Result<Accepted, BoxError> {
    let slot = Arc::clone(slots).acquire_owned().await?;
    let (stream, _peer) = listener.accept().await?;
    Ok((stream, slot))
}

async fn drain(mut connections: JoinSet<()>, shared: &Shared) {
    let tracker = &shared.streams.tracker;
    tracker.close();
    let all = async {
        while connections.join_next().await.is_some() {}
        tracker.wait().await;
    };
    if tokio::time::timeout(shared.options.drain_timeout, all).await.is_err() {
        tracing::warn!(connections = connections.len(), "dropped requests that did not end in time");
        shared.streams.hard_stop.cancel();
        connections.shutdown().await;
        tracker.wait().await;
    }
}

async fn serve(stream: TcpStream, shared: &Shared) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY is not available");
    }
    let mut builder = Builder::new(shared.streams.clone());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.options.header_timeout)
        .max_buf_size(512 << 10)
        .keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .adaptive_window(true)
        .max_concurrent_streams(100)
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .keep_alive_interval(shared.options.header_timeout)
        .keep_alive_timeout(shared.options.header_timeout);
    let service = service_fn(|request: Request<Incoming>| answer(request, shared.clone()));
    let stream = Stalled::new(stream, shared.options.body_timeout);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = shared.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        // Clients break connections all day: nothing to act upon.
        tracing::debug!(error, "a connection ended badly");
    }
}

async fn answer(request: Request<Incoming>, shared: Shared) -> Result<Response<Body>, Infallible> {
    let asked_for = Arc::new(AtomicBool::new(false));
    let waits = request.version() < Version::HTTP_2 && request.headers().contains_key(EXPECT);
    let timeout = shared.options.body_timeout;
    let request = request.map(|body| Body::new(Paced::new(body, timeout, Arc::clone(&asked_for))));
    let record = access::Record::begin(&request, &shared.metrics);
    let mut response = (shared.app)(request).await;
    record.end(&response);
    if waits && !asked_for.load(Ordering::Acquire) {
        // The client was never told to continue and may keep its body: the next bytes of this connection may be that
        // body or another request, and nobody can tell which. Source: RFC 9110, section 10.1.1.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}
