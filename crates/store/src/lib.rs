//! The transactional metadata store: one API over SQLite (embedded, the default) and PostgreSQL (shared).
//!
//! Owns: connections, transactions, migrations, and the small tables that every service shares (leases,
//! outbox, tags), together with the sources of time and identity that are injected everywhere, and the reading of schedules
//! ([`cron`]).
//!
//! # Invariants
//! - [`Tx::commit`] answers `Ok` only after the change is on disk (SQLite: the write-ahead log is synced;
//!   PostgreSQL: the server confirmed `COMMIT`). What was acknowledged survives `kill -9` and power loss.
//! - A transaction is all or nothing, and is as if it ran alone: writers take turns. After a failed or abandoned statement it can only be dropped.
//! - [`Store::read`] sees one snapshot that holds everything acknowledged before the call.
//! - A failed commit says whether the change may have happened: [`StoreError::outcome`].
//!
//! # Portable SQL
//! One SQL text runs on both back ends: `$1` placeholders, `INSERT … ON CONFLICT (…) DO …`, `RETURNING`, no
//! function of one back end. Text and bytes compare in byte order. Booleans are integers.
//!
//! # Omitted on purpose
//! No query builder and no object mapping: each crate writes its SQL where it is used.

mod clock;
pub mod crash;
pub mod cron;
mod error;
mod ids;
pub mod lease;
mod migrate;
pub mod outbox;
mod postgres;
mod row;
mod scope;
mod sqlite;
mod store;
pub mod tags;
pub mod testing;
mod tx;
mod value;
pub mod vault;

pub use clock::{Clock, SystemClock, TestClock};
pub use error::{ConstraintKind, Outcome, Retry, StoreError};
pub use ids::{Ids, RandomIds, SequentialIds};
pub use migrate::Migrations;
pub use row::{FromValue, Row};
pub use scope::{Scope, ScopeError};
pub use store::{Location, Store};
pub use tx::{Effect, Tx};
pub use value::Value;
