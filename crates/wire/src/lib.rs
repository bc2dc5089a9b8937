//! AWS wire protocols from compact service models.
//!
//! [`Wire`] takes HTTP requests and answers them as AWS services do; faces hand it their operations as tables
//! ([`Service`]). It knows what AWS publishes about its interfaces (models made by `cargo xtask models`) and nothing of
//! what operations do. From outside to inside:
//!
//! - `wire`: the way of a request. `route`: service and operation. [`sigv4`], `chunked`, [`Body`]: who sends what.
//! - `request`, `codec`, `validate`: the input, decoded and checked as AWS checks it. `s3`: what S3 does its own way.
//! - `paging`: the tokens of pages. `table`, `capabilities`: what is built. `render`: replies and faults. `model`, `rules`: facts about services.
//!
//! Invariants:
//! - Nothing falls through: an unknown operation, query key, `x-amz-*` header or refused field is an error before any
//!   handler runs. What is known but not built answers [`NOT_IMPLEMENTED`], which no SDK repeats.
//! - A handler's input has the types and satisfies the constraints of the model; members that the model does not know
//!   are left out, as AWS leaves them out.
//! - Documents are read under a limit; objects stream. Nothing here keeps state between requests.
//!
//! Omitted on purpose: CBOR bodies and event streams (refused), Signature Version 2 and 4A.

mod body;
mod budget;
mod call;
mod capabilities;
mod chunked;
mod codec;
mod fault;
mod model;
mod options;
mod paging;
mod render;
mod request;
mod route;
mod rules;
mod s3;
mod service;
pub mod sigv4;
mod table;
#[cfg(test)]
mod tests;
mod validate;
mod whole;
mod wire;

pub use body::{Body, BodyError, BoxError};
pub use call::{Call, Document, Reply, epoch_ms, epoch_seconds};
pub use fault::{Fault, INTERNAL_FAILURE, NOT_IMPLEMENTED, causes};
pub use options::{Finished, NewId, Now, Observer, Options};
pub use paging::Question;
pub use route::host::names_bucket;
pub use service::{Entry, Face, Fields, Operation, Service};
pub use sigv4::{
    Admitted, Auth, AuthError, Caller, Credential, Dialect, Family, Key, Keyring, Secret, is_region,
};
pub use table::TableError;
pub use whole::Whole;
pub use wire::Wire;
