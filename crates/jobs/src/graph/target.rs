//! Targets: where a graph writes.

use std::num::NonZeroUsize;

use super::{FieldPath, S3Path};

/// A node that writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Where to.
    pub destination: Destination,
    /// Fields that become folders `field=value`; top-level. Of an Iceberg table that is made: its partition fields.
    pub partition_keys: Vec<String>,
}

/// Where a target writes.
#[derive(Debug, Clone, PartialEq)]
pub enum Destination {
    /// Files below a path.
    Path {
        /// The folder.
        path: S3Path,
        /// What is written.
        format: WriteFormat,
        /// Which table of the catalog follows, if any.
        catalog: Option<CatalogUpdate>,
        /// How many files a folder gets at most; `None`: as many as suit.
        most_files: Option<NonZeroUsize>,
    },
    /// An Iceberg table.
    Iceberg(IcebergTarget),
    /// A table of a database.
    Database(DatabaseTarget),
    /// A Delta table.
    Delta(DeltaTarget),
    /// Files of an existing table, in its format, below its location.
    Table {
        /// Its database.
        database: String,
        /// Its name.
        table: String,
        /// Whether schema and partitions of the table follow.
        update: Option<UpdateBehavior>,
    },
}

/// A table of a database to append to; it is made when it is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseTarget {
    /// What the database must be.
    pub engine: sources::jdbc::Engine,
    /// Which table.
    pub place: DatabasePlace,
}

/// How a table of a database is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabasePlace {
    /// By the table of the catalog that stands for it.
    Catalog {
        /// The catalog's database.
        database: String,
        /// The catalog's table.
        table: String,
    },
    /// By the connection to its database.
    Connection {
        /// The connection's name.
        connection: String,
        /// The schema, where the engine has schemas and one is named.
        schema: Option<String>,
        /// The table.
        table: String,
    },
}

/// What becomes of the rows that a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveMode {
    /// They stay.
    Append,
    /// All are replaced.
    Overwrite,
    /// Those of the partitions that are written to are replaced.
    OverwritePartitions,
    /// Those with the keys of rows that are written are replaced.
    Upsert,
}

/// A Delta table to write to.
#[derive(Debug, Clone, PartialEq)]
pub struct DeltaTarget {
    /// Its folder, where it is made when it does not exist; `None`: that of its table of the catalog, and it has to.
    pub path: Option<S3Path>,
    /// Database and name of its table of the catalog, if any.
    pub table: Option<(String, String)>,
    /// Whether columns that it lacks are added, also to its table of the catalog; `None`: they are refused, and the catalog
    /// is left alone.
    pub behavior: Option<UpdateBehavior>,
    /// How its files are compressed.
    pub codec: ParquetCodec,
    /// What becomes of its rows; no upsert.
    pub mode: SaveMode,
    /// How many files a folder gets at most; `None` leaves it to the writer.
    pub most_files: Option<NonZeroUsize>,
}

/// An Iceberg table to write to.
#[derive(Debug, Clone, PartialEq)]
pub struct IcebergTarget {
    /// Its database.
    pub database: String,
    /// Its name.
    pub table: String,
    /// Where it is made when it does not exist; `None`: it has to.
    pub path: Option<S3Path>,
    /// How its files are compressed.
    pub codec: ParquetCodec,
    /// Whether columns that the table lacks are left out rather than refused.
    pub leave_out: bool,
    /// What becomes of its rows.
    pub mode: SaveMode,
    /// The columns by which rows are replaced; none unless it is an upsert.
    pub keys: Vec<String>,
    /// At about how many bytes files are ended; `None` leaves it to the run and the table.
    pub file_bytes: Option<u64>,
}

/// The table that describes the written files; created when it does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogUpdate {
    /// An existing database.
    pub database: String,
    /// The table.
    pub table: String,
    /// What happens to an existing schema.
    pub behavior: UpdateBehavior,
}

/// What happens to the schema of an existing table; new partitions are added either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateBehavior {
    /// `UPDATE_IN_DATABASE`: new columns are added, types widened.
    UpdateInDatabase,
    /// `LOG`: it stays as it is.
    Log,
}

/// A written format and its compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteFormat {
    /// Parquet, its pages compressed.
    Parquet(ParquetCodec),
    /// Comma-separated with a header line.
    Csv(Option<super::Compression>),
    /// JSON lines.
    Json(Option<super::Compression>),
    /// XML, an element `ROW` for each row in a root `ROWS`.
    Xml(Option<super::Compression>),
    /// Avro, its blocks compressed.
    Avro(BlockCodec),
    /// ORC, its streams compressed.
    Orc(BlockCodec),
}

/// A codec of Parquet pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the codec's own names")]
pub enum ParquetCodec {
    Snappy,
    Gzip,
    Zstd,
    Uncompressed,
}

/// A codec of Avro's blocks or ORC's streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the codec's own names")]
pub enum BlockCodec {
    Snappy,
    Deflate,
    Zstd,
    Bzip2,
    Xz,
    Lz4,
    Uncompressed,
}

/// The top-level name of a partition key.
pub(crate) fn top_level(path: &FieldPath) -> Option<&str> {
    match path.as_slice() {
        [name] => Some(name),
        _ => None,
    }
}
