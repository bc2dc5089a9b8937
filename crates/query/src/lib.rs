//! SQL queries: their executions, work groups and results.
//!
//! ```text
//! start ─► QUEUED ─► parse ─► check against what means the same in Trino ─► bind ─► conform by types ─► engine
//!                     └► statement on the catalog ───────────────────────────────────────────────────────┐
//! results ◄─ pages of the file ◄─ <id>.csv / <id>.txt in the lake ◄─ one transaction with SUCCEEDED ◄─────┘
//! ```
//!
//! # What it owns
//! The tables `query_*` of the metadata store ([`MIGRATIONS`]), the result files, and the SQL dialect ([`sql`]).
//!
//! # Invariants
//! - What our engine would answer differently from Trino is refused, never approximated.
//! - An execution is SUCCEEDED exactly when its result is visible.
//! - Every execution ends: what a process left running is FAILED at the next start.
//!
//! # Omitted on purpose
//! CTAS, INSERT, UNLOAD, prepared statements, views, federated catalogs and result reuse: not built yet, refused.

mod error;
mod execution;
mod results;
mod rows;
mod run;
mod service;
pub mod sql;
pub mod statistics;
pub mod types;
mod values;
pub mod workgroup;

#[cfg(test)]
mod tests;

pub use error::QueryError;
pub use execution::{Event, Execution, Failure, ResultColumn, State, Statistics, step};
pub use results::{Cell, ResultPage};
pub use rows::MIGRATIONS;
pub use service::{CRASH_POINTS, NewQuery, Options, Queries};
