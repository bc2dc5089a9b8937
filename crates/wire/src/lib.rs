//! AWS wire protocols from compact service models.

mod body;
mod call;
mod chunked;
mod fault;
mod service;
pub mod sigv4;

pub use body::{Body, BodyError, BoxError};
pub use call::{Call, Document, Reply, epoch_ms, epoch_seconds};
pub use fault::{Fault, INTERNAL_FAILURE, NOT_IMPLEMENTED};
pub use service::{Entry, Face, Fields, Operation, Service};
pub use sigv4::{Admitted, Auth, AuthError, Caller, Credential, Dialect, Family, Key, Keyring, Secret};
