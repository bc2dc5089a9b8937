//! Log groups, log streams and log events: what services write down while they work, and what clients put. And metrics:
//! what they have measured.
//!
//! Every function takes the caller's [`store::Tx`]; the caller commits. Nothing here spawns or waits.
//!
//! # Invariants
//! - Groups and streams are stored by incarnation: deleting one and making it again under the same name never
//!   brings old events back, even while their rows still wait to be [purged](retention::purge).
//! - An event is stored byte for byte as it was given, including U+0000.
//! - Events that are older than their group's retention are never returned, purged or not.
//! - Work per call is bounded: pages end by count, by bytes, and (filters) by the number of events looked at.
//!
//! # Order
//! Within a stream: timestamp, then order of arrival. Within a group: timestamp, ingestion time, stream, arrival.

pub mod error;
pub mod events;
pub mod filter;
pub mod groups;
pub mod metrics;
mod paging;
pub mod pattern;
pub mod retention;
mod schema;
pub mod streams;

pub use error::ObserveError;
pub use schema::MIGRATIONS;
