//! Sources: what a graph reads.

use super::Glob;
use crate::lineage::folder_of;

/// A table to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogSource {
    /// Its database.
    pub database: String,
    /// Its name.
    pub table: String,
    /// Which partitions, in the catalog's expression grammar; all when absent.
    pub predicate: Option<String>,
    /// How much at most.
    pub bounds: Bounds,
    /// What the table has to be.
    pub expected: Expected,
}

/// What kind of table a source reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Whatever it is.
    Any,
    /// A Delta table.
    Delta,
    /// An Iceberg table.
    Iceberg,
    /// A table of a database.
    Database,
    /// One of MySQL or MariaDB.
    MySql,
    /// One of PostgreSQL.
    Postgres,
}

/// A table of a database, by the name of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JdbcSource {
    /// The connection.
    pub connection: String,
    /// The engine that it must be to.
    pub engine: sources::jdbc::Engine,
    /// The database; the connection's own without it.
    pub database: Option<String>,
    /// The schema, where the engine has schemas and one is named.
    pub schema: Option<String>,
    /// The table.
    pub table: String,
    /// The columns by which bookmarks know what is new; none: those of the primary key.
    pub keys: Vec<String>,
    /// Whether their values fall from row to row.
    pub descending: bool,
}

/// Files to read.
#[derive(Debug, Clone, PartialEq)]
pub struct FileSource {
    /// At least one.
    pub paths: Vec<S3Path>,
    /// What they hold.
    pub format: FileFormat,
    /// Patterns of objects to leave out.
    pub exclusions: Vec<Glob>,
    /// Whether folders below the paths are read too.
    pub recurse: bool,
    /// How much at most.
    pub bounds: Bounds,
}

/// The most that a source reads in one run; what is left out is read by the next run with bookmarks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes.
    pub bytes: Option<u64>,
    /// Files.
    pub files: Option<u64>,
}

/// `s3://bucket/prefix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Path {
    /// The bucket, not yet checked against the naming rules.
    pub bucket: String,
    /// What follows the bucket's slash; may be empty.
    pub prefix: String,
}

impl S3Path {
    /// Whether they are the same folder, or one is in the other.
    pub(crate) fn overlaps(&self, other: &S3Path) -> bool {
        let (own, others) = (folder_of(&self.to_string()), folder_of(&other.to_string()));
        own.starts_with(&others) || others.starts_with(&own)
    }
}

impl std::fmt::Display for S3Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

/// A compression of text files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// `gzip`.
    Gzip,
    /// `bzip2`.
    Bzip2,
    /// `zstd`.
    Zstd,
    /// `snappy`, in Hadoop's blocks.
    Snappy,
    /// `lz4`, in Hadoop's blocks.
    Lz4,
    /// `xz`.
    Xz,
    /// `deflate`, which to Hadoop is zlib's.
    Deflate,
}

impl Compression {
    /// Its name as an option, which is also the catalog's `compressionType`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Zstd => "zstd",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Xz => "xz",
            Self::Deflate => "deflate",
        }
    }
}

/// The format of files to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileFormat {
    /// Separated values; every column is text, as in a dynamic frame of Glue.
    Csv {
        /// Between two fields.
        separator: u8,
        /// Around a field; `None` = quoting is off.
        quote: Option<u8>,
        /// Before a character taken as it is.
        escape: Option<u8>,
        /// Whether the first line names the columns; `col0`, `col1`, … otherwise.
        header: bool,
        /// Whether the first data line is left out.
        skip_first: bool,
    },
    /// JSON lines, or one array of objects.
    Json,
    /// Parquet.
    Parquet,
    /// The first sheet of Excel workbooks that holds something.
    Excel {
        /// Records to read of each workbook, at most.
        max_rows: Option<u64>,
        /// Records left out at the end of each workbook.
        skip_footer: u64,
    },
}
