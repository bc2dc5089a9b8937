//! Column statistics that are computed: task runs that read a table on the engine and write what they find into the
//! catalog.
//!
//! ```text
//! start ─► STARTING ─► RUNNING ─► SUCCEEDED   (with the catalog's statistics, in one transaction)
//!             └──────────┴─────► FAILED, STOPPED
//! ```
//!
//! # What it owns
//! The table `query_statistics_runs` of the metadata store ([`rows`]). What a column's statistics are: [`measure`]; how the
//! catalog keeps them: [`data`]; runs by the clock: [`settings`].
//!
//! # Invariants
//! - A table has at most one run that has not ended.
//! - Whoever works on a run holds its lease, and publishes only while it does.
//! - Statistics are published only for the table that was read: one that was dropped and made anew, or whose columns have
//!   other types by then, gets none.
//!
//! # What a crash leaves
//! A run whose lease runs out, or is ended at once by the restarted node of the same name. It is taken up again from its
//! beginning; after [`MAX_ATTEMPTS`] starts it is FAILED instead.

mod data;
mod error;
mod measure;
mod rows;
mod runner;
mod service;
mod settings;
mod task;

#[cfg(test)]
mod settings_tests;
#[cfg(test)]
mod tests;

pub use error::StatisticsError;
pub use rows::STATISTICS_MIGRATIONS;
pub use service::{NewTask, StatisticsOptions, StatisticsTasks};
pub use settings::{Settings, SettingsChange};
pub use task::{Attempt, Task, TaskState};

/// A run that was interrupted so many times is given up.
pub const MAX_ATTEMPTS: i64 = 3;

/// The named crash points of this module (see [`store::crash`]).
pub const STATISTICS_CRASH_POINTS: &[&str] =
    &["statistics.measured", "statistics.before_commit", "statistics.committed"];
