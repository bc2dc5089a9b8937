//! Apache Hudi tables: which files hold a table's rows now. Read only, and base files only.
//!
//! ```text
//! .hoodie/hoodie.properties ─► type, version, partition fields
//! .hoodie/…commit, …         ─► which instants are completed, which file groups were replaced ─┐
//! <partition>/<file id>_<token>_<instant>.parquet ─► listing ──────────────────────────────────┴─► one file a file group
//! ```
//!
//! A record is in one file group; a file group has a base file for every write that touched it. The rows are those of the
//! newest base file of each group whose instant is completed, without the groups that a `replacecommit` has replaced. Of a
//! MERGE_ON_READ table this is the read-optimised view: newer rows may be in log files, which are counted and not read.
//!
//! Source: Apache Hudi Technical Specification, for table versions up to 6, and 1.0 for 8 and later.
//!
//! # Invariants
//! - Never a row twice, never one of an instant that is not completed or was rolled back. Where the timeline does not tell, an
//!   error does.
//! - The newest file that the active timeline names must be there: an older one in its place would be read as current rows.
//! - Instants older than the active timeline count as completed, as for Hudi's own readers: only what is completed is archived,
//!   and what was replaced is cleaned before.
//!
//! # Omitted on purpose
//! Merging log files, columns by their identities (after renamings), time travel, incremental reads, the metadata table (the folder is listed), archived instants,
//! bootstrapped tables, base files of other formats than Parquet.

mod commit;
mod evolution;
mod name;
mod properties;
mod read;
mod snapshot;
mod timeline;
mod values;

#[cfg(test)]
mod history_tests;
#[cfg(test)]
mod tests;

use catalog::Table;

use crate::error::TablesError;

/// The folder of a table's timeline and properties.
pub const META_FOLDER: &str = ".hoodie";

/// The file that makes a folder a table, in [`META_FOLDER`].
pub const PROPERTIES_FILE: &str = "hoodie.properties";

/// What is said of every table: how it is read, and how not.
pub const READ_AS: &str = "it is read as Parquet: the newest completed version of each file, without time travel, and log files \
                           are not merged";

/// How a table keeps changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HudiKind {
    /// Every change writes base files anew.
    CopyOnWrite,
    /// Changes may wait in log files.
    MergeOnRead,
}

impl HudiKind {
    /// The type as `hoodie.table.type` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::CopyOnWrite => "COPY_ON_WRITE",
            Self::MergeOnRead => "MERGE_ON_READ",
        }
    }
}

/// A field that the table is partitioned by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionField {
    /// The name, as the properties spell it.
    pub name: String,
    /// Folders hold the value as a key generator wrote it (a date of a timestamp): text, whatever the column is.
    pub is_formatted: bool,
}

/// A table as its timeline describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct HudiTable {
    /// `hoodie.table.name`.
    pub name: String,
    /// How it keeps changes.
    pub kind: HudiKind,
    /// `hoodie.table.version`.
    pub version: u32,
    /// The instant of the newest completed write; `None` for a table that nothing was written to.
    pub instant: Option<String>,
    /// The fields that it is partitioned by, in order.
    pub partition_fields: Vec<PartitionField>,
    /// Whether files do not hold the partition fields.
    pub drops_partition_fields: bool,
    /// The base files with the rows, in the order of their partitions and file ids.
    pub files: Vec<HudiFile>,
    /// Log files that may hold rows newer than those of the base files.
    pub logs: usize,
    is_hive_style: bool,
    is_encoded: bool,
}

/// A base file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HudiFile {
    /// Where it is: `s3://bucket/key`.
    pub location: String,
    /// The path of its partition, relative to the table; empty for a table without partitions.
    pub partition: String,
    /// The instant that wrote it.
    pub instant: String,
    /// Its size in bytes.
    pub size: u64,
}

impl HudiTable {
    /// The file that was written last; `None` when there is none.
    pub fn newest_file(&self) -> Option<&HudiFile> {
        self.files.iter().max_by(|a, b| a.instant.cmp(&b.instant).then(b.location.cmp(&a.location)))
    }

    /// Refuses a snapshot query when rows wait in log files. Errors: `Unsupported`, saying what to do.
    pub fn check_merged(&self) -> Result<(), TablesError> {
        if self.logs == 0 {
            return Ok(());
        }
        let what = format!(
            "it is the real-time view of a MERGE_ON_READ Hudi table, and {} of its log files hold newer rows: log files are not \
             merged; compact the table, or read its read-optimised view (a table with the InputFormat \
             org.apache.hudi.hadoop.HoodieParquetInputFormat, _ro)",
            self.logs
        );
        Err(TablesError::Unsupported { what })
    }
}

/// Whether a table of the catalog is a Hudi table: its rows are what its timeline says, not what its folder holds.
pub fn is_hudi(table: &Table) -> bool {
    table.open_format() == Some("hudi")
}

/// Whether a Hudi table of the catalog is one of base files alone (`_ro`), rather than of rows as they are now. Sources: the
/// Hive sync of Hudi (`hoodie.query.as.ro.table`), Athena's documentation of Hudi tables (the InputFormat).
pub fn is_read_optimised(table: &Table) -> bool {
    let said = table.serde_info().and_then(|serde| serde.parameters.as_ref());
    match said.and_then(|all| all.get("hoodie.query.as.ro.table")) {
        Some(said) => said.eq_ignore_ascii_case("true"),
        None => {
            let format = table.storage_descriptor().and_then(|found| found.input_format.as_deref());
            format.is_some_and(|format| format.contains("Hoodie") && !format.contains("Realtime"))
        }
    }
}
