//! AWS wire protocols.

mod body;

pub use body::{Body, BodyError, BoxError};
