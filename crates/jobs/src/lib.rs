//! Glue jobs: definitions, runs and bookmarks, and their execution: visual graphs on the engine, scripts as processes.
//!
//! # What it owns
//! The tables `jobs_*` of the metadata store ([`MIGRATIONS`]): jobs ([`definition`]), their runs
//! ([`run`]), what those have processed ([`bookmark`]), and what went where ([`lineage`]). A job's `CodeGenConfigurationNodes` become a
//! checked [`graph`], the graph a plan on the engine, the plan staged files, and these are published in
//! one transaction; a job without them is its script, run by Python ([`script`]). [`service`] executes; nothing
//! else does.
//!
//! # Invariants
//! - The output of a graph's run, the catalog's tables and partitions, the job's bookmark and the state SUCCEEDED
//!   become visible together or not at all, whatever is killed when. The one state beside it is FAILED, when data
//!   quality rules that are checked after the loading do not pass.
//! - Rows for databases outside are staged in them before that, and land after it: once, whatever is killed when; the run is
//!   RUNNING until they have.
//! - A run is executed by at most one process at a time, as far as anybody can see: publishing proves
//!   the lease.
//! - No run stays RUNNING for ever: a lease that runs out makes it FAILED, and retried if it may be.
//! - What a graph contains is executed or refused by name; nothing is skipped.
//! - What a script writes is visible as it writes it, and its bookmark when it commits it; with `--output-commit atomic`
//!   both are when the run has SUCCEEDED, in one transaction, or never. Its processes end with the
//!   server, and it is not begun again unless the job has retries.
//! - A malformed record fails the run and is named by file and line, unless `--max-bad-records` allows
//!   some; those are counted and the first of them logged.
//!
//! # Omitted on purpose
//! Streaming, Ray and Scala jobs are stored and their runs refused; triggers are not looked at.

mod arguments;
pub mod bookmark;
pub mod definition;
mod delivery;
mod error;
mod execute;
pub mod generate;
pub mod graph;
mod jdbc;
mod jobs;
pub mod lineage;
mod log;
pub mod metrics;
mod plan;
mod progress;
pub mod quality;
mod retry;
pub mod run;
pub mod script;
pub mod service;
pub mod sessions;
mod staging;
mod tables;
#[cfg(test)]
mod tests;

pub use self::tables::MIGRATIONS;
pub use arguments::{ArgumentMap, BookmarkOption, Options};
pub use error::JobsError;
pub use execute::explain::{Column, Explained, Files, NodeExplained, SourceFiles};
pub use jdbc::{Added, After, DEFAULT_PARTS, DatabaseRead, DatabaseWrite, Login};
pub use jobs::Jobs;
pub use log::{BoxError, ERROR_GROUP, Logs, OUTPUT_GROUP};
pub use progress::Totals;
pub use script::{RunKey, RunKeys, ScriptOptions, Scripts, Traffic};
pub use service::{Explainer, Service};
pub use staging::{
    ByNode, Done, Expression, FilesFormat, FilesRead, FilesWrite, Rows, Staged, Stager, Step, TableRead,
    TableRows, TableWrite,
};

/// The named crash points of this crate (see [`store::crash`]).
pub const CRASH_POINTS: &[&str] = &[
    execute::BEFORE_STAGING,
    execute::AFTER_STAGING,
    execute::BEFORE_COMMIT,
    execute::AFTER_COMMIT,
    execute::DELIVERED,
    script::ENDED,
    bookmark::script::BEFORE_COMMIT,
    bookmark::script::AFTER_COMMIT,
];
