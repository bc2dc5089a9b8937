//! The catalog through its public functions, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at its first surprise")]

mod attached;
mod common;
mod filters;
mod links;
mod model;
mod partitions;
mod postgres;
mod registry;
mod round_trip;
mod search;
#[path = "../../../store/tests/conformance/server.rs"]
mod server;
mod tables;
