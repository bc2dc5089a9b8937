//! The query engine: Apache DataFusion over the catalog and the lake.
//!
//! - [`Engine`] owns the threads, the memory pool and the spill files of the process; one per process.
//! - [`Session`] is one query's or one job run's view: it resolves `db.table` through the catalog, reads objects below
//!   paths, keeps views, plans SQL, and runs plans. It reads from one snapshot while it plans, and reads every object
//!   as it was then.
//! - [`write`] writes a frame as partitioned files that stay invisible until the caller's transaction publishes them.
//! - [`EngineError`] says what went wrong in types: no text of DataFusion is ever searched.
//!
//! DataFusion's types are part of this interface ([`datafusion`] is re-exported): services plan on them. They do not
//! run plans by DataFusion's own means, because only [`Session::execute`] and [`write::write_partitioned`] use the
//! engine's threads, honour cancellation and convert errors.
//!
//! # Invariants
//! - Memory and spill are bounded for the process; a statement that needs more fails, nothing else does.
//! - No statement can name a file of this machine: scans read objects of the lake only.
//! - A file that cannot be read as its table says is an error that names it, unless its SerDe says otherwise.
//! - A hidden, pruned or foreign object is never opened.
//!
//! # What a crash leaves
//! Spill files, and staged files that the lake removes at its next start. Nothing visible.
//!
//! # Omitted on purpose
//! Trino's dialect and functions (the query service has its own planner), statistics of tables, caching between
//! statements, hash joins that spill (see `planner`), open table formats but Iceberg and native Delta, distributed execution.

mod bad;
mod error;
mod execution;
pub mod hive;
mod listing;
mod location;
mod names;
mod object;
mod options;
mod path;
mod planner;
mod pool;
mod registry;
mod runtime;
mod scan;
mod selection;
mod session;
mod spill;
mod sql;
mod stats;
mod table;
mod view;
pub mod write;

pub use datafusion;
pub use error::EngineError;
pub use execution::Execution;
pub use names::CATALOG;
pub use object::ObjectRef;
pub use options::Options;
pub use path::{PathFormat, PathSource, SAMPLE_FILES, TextTypes};
pub use runtime::{Engine, MemoryUse};
pub use scan::numbers::number_of_text;
pub use session::{BadRecordPolicy, Explained, Session, SessionOptions, Sources, SqlDialect, frame_schema};
pub use sql::{
    NamedCast, OneRow, check_expansion, check_size, correlation_fault, on_large_stack, one_row,
    regroup_distinct,
};
pub use stats::{RunStats, ScanStats, WriteStats};
pub use table::{PATH_COLUMN, TableOptions, bounded_texts};

#[cfg(test)]
mod tests;
