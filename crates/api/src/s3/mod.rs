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

use inflight::InFlight;
use lake::Lake;
use wire::Service;

/// What the handlers work on.
pub struct S3 {
    lake: Lake,
    in_flight: InFlight,
}

/// Makes the face.
pub fn face(lake: Lake) -> Service<S3> {
    Service { model: "s3", state: S3 { lake, in_flight: InFlight::default() }, operations: table::OPERATIONS }
}
