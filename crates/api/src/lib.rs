//! The AWS faces: a module per service with its operation table and thin handlers (decode, authorise, one domain call,
//! encode), and the Iceberg REST catalog. The only crate that joins `wire` to the domain crates.

pub mod athena;
pub mod cloudwatch;
pub mod glue;
pub mod iceberg;
pub mod logs;
mod outcome;
pub mod s3;
pub mod sqs;
pub mod sts;
pub mod views;
