//! Crawlers: they read the files of a bucket or the catalog of a database, and write what they find, as tables and
//! partitions, into our catalog.
//!
//! ```text
//! listing ─► sample each file ─► folders with schemas ─► plan (pure) ─► tables and partitions, a transaction each
//!   pages      formats::infer       run::survey            plan::tables     run::publish
//!                                                                            ▲
//! what is no files: each kind of target describes whole tables ([`targets`]) ┘
//! ```
//!
//! # What it owns
//! The tables `crawler_*` of the metadata store: definitions, the history of runs, what the newest run changed
//! ([`journal`]) and what files looked like ([`memory`]). [`Crawlers`] is the handle and
//! [`Crawlers::run`] the loop that works; runs are taken up within milliseconds of their start.
//!
//! # Invariants
//! - A crawler is RUNNING exactly while its newest run is; both change in one transaction ([`state::step`]).
//! - Whoever works on a run holds its lease; every catalog transaction of a run checks the lease, and a table's counts
//!   in the run's row change with the table itself.
//! - A file or outside table that cannot be read is a line in the log and never ends the crawl. A target that cannot be
//!   listed is left as it is: the others are crawled and written, nothing of it counts as vanished, and the run is FAILED.
//! - Memory grows with folders and kinds of files, not with files: listings go by pages.
//!
//! # What a crash leaves
//! A run in state RUNNING whose lease runs out (or is ended at once by the restarted node of the same name). It is
//! taken up again from its beginning, which repeats nothing but reads: tables that are there already compare equal.
//! After [`MAX_ATTEMPTS`] starts it is FAILED instead.
//!
//! # Omitted on purpose
//! Targets of other kinds (MongoDB): refused when a crawler is made.

pub mod classifier;
mod definition;
mod error;
mod exclusion;
mod history;
mod journal;
mod memory;
mod plan;
mod preview;
mod rows;
mod run;
mod schedule;
mod service;
pub mod state;
mod targets;
mod undo;
mod words;

pub use definition::{
    Definition, DeleteBehavior, DeltaTarget, DynamoDbTarget, FoldersTarget, JdbcTarget, S3Target,
    UpdateBehavior,
};
pub use error::CrawlerError;
pub use history::{Counts, Crawl, Filter, FilterField, Metrics, Operator, RunState};
pub use preview::{FileReport, FolderReport, Preview, TableDiff, TargetReport};
pub use rows::MIGRATIONS;
pub use run::{BoxError, EventMessage, EventQueues, Logs};
pub use schedule::{Schedule, ScheduleState};
pub use service::{Crawler, Crawlers, LastCrawl, Options, exists};
pub use undo::Undone;

/// The log group of every crawl; the stream is the crawler's name.
pub const LOG_GROUP: &str = "/aws-glue/crawlers";

/// A run that was interrupted so many times is given up.
pub const MAX_ATTEMPTS: i64 = 3;

/// The named crash points of this crate (see [`store::crash`]).
pub const CRASH_POINTS: &[&str] = &[
    "crawl.started",
    "crawl.surveyed",
    "crawl.table.before_commit",
    "crawl.table.committed",
    "crawl.before_end",
];
