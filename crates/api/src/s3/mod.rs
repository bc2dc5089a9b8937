//! The S3 face: buckets, objects, multipart uploads and tags over the lake.
//!
//! Handlers decode, make one domain call and encode; what they share is in `input` (names and owners), `meta` (metadata
//! and tags), `digest` (checksums), `range`, `notifications` and `errors`. Buckets belong to the account that made them, and only that
//! account reaches them: bucket policies are not built.
//!
//! Differences from AWS, on purpose: a copy keeps the ETag and parts of its source, because it shares its bytes; storage
//! classes are labels; an object is in the region its bucket was made in and is served whatever region a request names.
//!
//! Source: Amazon S3 API Reference.

mod buckets;
mod copy;
mod digest;
mod errors;
mod fields;
mod inflight;
mod input;
mod list;
mod meta;
mod multipart;
mod notifications;
mod parts;
mod range;
mod read;
mod table;
mod tagging;
mod write;

use crate::views::{View, Views};
use futures::future::BoxFuture;
use inflight::InFlight;
use jobs::Traffic;
use lake::Lake;
use std::sync::Arc;
use wire::{Call, Entry, Face, Fault, Reply, Service};

/// What the handlers work on.
struct S3 {
    lake: Lake,
    in_flight: Arc<InFlight>,
    /// Where bytes of objects that come and go are counted.
    traffic: Option<Arc<Traffic>>,
}

impl S3 {
    /// That of one sender.
    fn of(&self, view: View, traffic: Option<Arc<Traffic>>) -> Self {
        let lake = match view {
            View::Own(overlay) => self.lake.seen_by(overlay),
            View::Everybody | View::Ended => self.lake.clone(),
        };
        Self { lake, in_flight: Arc::clone(&self.in_flight), traffic }
    }

    /// Counts bytes of an object that are kept.
    fn has_kept(&self, bytes: u64) {
        if let Some(traffic) = &self.traffic {
            traffic.add_written(bytes);
        }
    }
}

/// The face: each request is carried out on the lake as its sender sees it.
pub struct S3Face {
    service: Service<S3>,
    views: Arc<dyn Views>,
}

/// Makes the face.
pub fn face(lake: Lake, views: Arc<dyn Views>) -> S3Face {
    let state = S3 { lake, in_flight: Arc::default(), traffic: None };
    S3Face { service: Service { model: "s3", state, operations: table::OPERATIONS }, views }
}

impl Face for S3Face {
    fn model(&self) -> &'static str {
        self.service.model
    }

    fn entries(&self) -> Vec<Entry> {
        self.service.entries()
    }

    fn run(&self, index: usize, call: Call) -> BoxFuture<'_, Result<Reply, Fault>> {
        let key = call.access_key.as_deref();
        let (view, traffic) = (self.views.of_sender(key), key.and_then(|key| self.views.traffic(key)));
        match (view, traffic, self.service.operations.get(index)) {
            (View::Ended, ..) => Box::pin(async { Err(errors::ended_key()) }),
            (View::Everybody, None, _) | (_, _, None) => self.service.run(index, call),
            (view, traffic, Some(operation)) => {
                let own = self.service.state.of(view, traffic);
                Box::pin(async move { (operation.run)(&own, call).await })
            }
        }
    }
}
