//! Delta Lake tables: what a table's log says it is, and new entries of logs ([`write`]).
//!
//! ```text
//! _delta_log/  …010.checkpoint.parquet ─┐ actions        ┌ metadata: schema, partition columns
//!              …011.json  …012.json ────┴────► replay ───┼ protocol: what a reader must know
//!                                                        └ files: those that hold the rows now
//! ```
//!
//! Source: Delta Transaction Log Protocol (PROTOCOL.md of delta-io/delta).
//!
//! # Invariants
//! - A version is whole or an error: a log with a gap, or whose checkpoint has lost a part, is never read as what is left.
//! - What a reader would have to know and we do not (deletion vectors, column mapping, features of later protocols) is
//!   refused by [`DeltaTable::check_readable`]. The schema of such a table can be looked at all the same.
//!
//! # Omitted on purpose
//! Older versions, checkpoints of version 2 (with sidecars).

mod action;
mod checkpoint;
mod log;
mod schema;
mod write;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use catalog::Table;

pub use schema::DeltaField;
pub use write::{AddedDeltaFile, DeltaChange, DeltaShape, PreparedDelta};

use crate::error::TablesError;

/// The folder of a table's log.
pub const LOG_FOLDER: &str = "_delta_log";

/// Features of a reader that need nothing of ours, or are checked where they matter (`columnMapping`,
/// `deletionVectors`). `v2Checkpoint` only says how checkpoints may be written.
const KNOWN_FEATURES: [&str; 5] =
    ["columnMapping", "deletionVectors", "timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"];

/// A table as one version of its log describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeltaTable {
    /// The version.
    pub version: i64,
    /// When that version was written, as its writer says, epoch milliseconds.
    pub committed_ms: Option<i64>,
    /// All columns in their order, with those of [`Self::partition_columns`].
    pub fields: Vec<DeltaField>,
    /// The schema as the log has it: Spark's JSON.
    pub schema_text: String,
    /// Names of the columns that files are partitioned by.
    pub partition_columns: Vec<String>,
    /// What the table is described as.
    pub description: Option<String>,
    /// `delta.…` settings.
    pub configuration: BTreeMap<String, String>,
    /// The least version of a reader.
    pub min_reader_version: i64,
    /// The least version of a writer.
    pub min_writer_version: i64,
    /// What a reader must know beyond its version.
    pub reader_features: Vec<String>,
    /// What a writer must know beyond its version.
    pub writer_features: Vec<String>,
    /// The id that its first writer gave it.
    pub id: Option<String>,
    /// Its name, as the log has it.
    pub name: Option<String>,
    /// When it was made, as the log says, epoch milliseconds.
    pub created_ms: Option<i64>,
    /// The files with the rows of this version, in the order of their paths.
    pub files: Vec<DeltaFile>,
}

/// A file with rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeltaFile {
    /// Where it is: `s3://bucket/key`.
    pub location: String,
    /// Its path as the log spells it.
    pub path: String,
    /// Values of the partition columns, as text; `None` is NULL.
    pub partition_values: BTreeMap<String, Option<String>>,
    /// Its size in bytes, as the log says.
    pub size: i64,
    /// Whether rows of it are deleted by a vector.
    pub has_deletions: bool,
}

impl DeltaTable {
    /// Refuses a table whose rows are not just those of its files. Errors: `Unsupported`, saying what it needs.
    pub fn check_readable(&self) -> Result<(), TablesError> {
        let unsupported = |what: String| Err(TablesError::Unsupported { what });
        if self.min_reader_version > 3 {
            let version = self.min_reader_version;
            return unsupported(format!("it needs a reader of version {version} of the Delta protocol"));
        }
        if let Some(other) = self.reader_features.iter().find(|name| !KNOWN_FEATURES.contains(&name.as_str()))
        {
            return unsupported(format!("it needs a reader that knows the Delta feature {other}"));
        }
        let mapping = self.configuration.get("delta.columnMapping.mode").map(String::as_str);
        if let Some(mode) = mapping.filter(|mode| !mode.eq_ignore_ascii_case("none")) {
            return unsupported(format!(
                "its columns have other names in its files (delta.columnMapping.mode = {mode})"
            ));
        }
        let deletions = self.files.iter().filter(|file| file.has_deletions).count();
        if deletions > 0 {
            return unsupported(format!(
                "rows of {deletions} of its {} files are deleted by deletion vectors: purge them \
                 (REORG TABLE … APPLY (PURGE)), or write without (delta.enableDeletionVectors = false)",
                self.files.len()
            ));
        }
        Ok(())
    }

    /// The columns that files hold.
    pub fn file_fields(&self) -> impl Iterator<Item = &DeltaField> {
        self.fields.iter().filter(|field| !self.partition_columns.contains(&field.name))
    }

    /// The partition columns with their types, in the order of partitioning.
    pub fn partition_fields(&self) -> impl Iterator<Item = &DeltaField> {
        let names = self.partition_columns.iter();
        names.filter_map(|name| self.fields.iter().find(|field| field.name == *name))
    }
}

/// Whether a table of the catalog is a native Delta table: its rows are what its log says, not what its folder holds.
pub fn is_delta(table: &Table) -> bool {
    table.open_format() == Some("delta")
}
