//! Groups, streams and events as clients and services see them, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at its first surprise")]

mod common;
mod lifecycle;
mod lines;
mod listing;
mod metrics;
#[path = "../../../store/tests/conformance/server.rs"]
mod server;
