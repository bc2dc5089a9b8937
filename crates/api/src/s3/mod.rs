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
use lake::Lake;
use std::sync::Arc;
use wire::{Call, Entry, Face, Fault, Reply, Service};

/// What the handlers work on.
struct S3 {
    lake: Lake,
    in_flight: Arc<InFlight>,
}

/// The face: each request is carried out on the lake as its sender sees it.
pub struct S3Face {
    service: Service<S3>,
    views: Arc<dyn Views>,
}

/// Makes the face.
pub fn face(lake: Lake, views: Arc<dyn Views>) -> S3Face {
    let state = S3 { lake, in_flight: Arc::default() };
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
        let view = self.views.of_sender(call.access_key.as_deref());
        match (view, self.service.operations.get(index)) {
            (View::Ended, _) => Box::pin(async { Err(errors::ended_key()) }),
            (View::Own(overlay), Some(operation)) => {
                let S3 { lake, in_flight } = &self.service.state;
                let own = S3 { lake: lake.seen_by(overlay), in_flight: Arc::clone(in_flight) };
                Box::pin(async move { (operation.run)(&own, call).await })
            }
            _ => self.service.run(index, call),
        }
    }
}
