//! The engine's errors, and the only place that turns DataFusion's errors into them.
//!
//! Our own errors travel through DataFusion boxed as [`DataFusionError::External`] and are found again by
//! downcast, through every layer that DataFusion, arrow and parquet may wrap around them ([`convert`]). An error that
//! was not ours is classified by its variant, never by searching its text; its text is brought into the words of
//! people who know SQL, not of those who know the engine ([`plain`]).

mod convert;
mod plain;

use std::{io, sync::Arc};

use catalog::CatalogError;
use datafusion::error::DataFusionError;
use formats::{FormatError, Problem};
use lake::LakeError;
use store::StoreError;

use convert::{classify, find_in_chain, find_ours};

/// What can go wrong while planning, reading, running or writing.
///
/// Cheap to clone: causes are shared, because one failed operator may report to several consumers.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EngineError {
    /// The catalog has no such database.
    #[error("database {database} not found")]
    DatabaseNotFound {
        /// The name as the catalog spells it (lower case).
        database: String,
    },
    /// The database has no such table (and the session no such view).
    #[error("table {database}.{table} not found")]
    TableNotFound {
        /// The database that was searched.
        database: String,
        /// The table that is missing.
        table: String,
    },
    /// A column is named that its relation does not have.
    #[error("column {column} not found{}", in_relation(.relation.as_ref()))]
    ColumnNotFound {
        /// The column as the statement names it.
        column: String,
        /// The relation it was looked for in, if the statement said.
        relation: Option<String>,
        /// The columns that could have been meant.
        candidates: Vec<String>,
    },
    /// A column name that several relations of the statement have.
    #[error("column {column} is ambiguous")]
    AmbiguousColumn {
        /// The column as the statement names it.
        column: String,
    },
    /// The bucket that a table, a path or a target lives in does not exist.
    #[error("bucket {bucket} of {location} does not exist{}", for_table(.table.as_ref()))]
    BucketMissing {
        /// The table that points there, when it was read through the catalog.
        table: Option<String>,
        /// The bucket.
        bucket: String,
        /// The location that was to be read or written.
        location: String,
    },
    /// An object that was listed or named explicitly is gone.
    #[error("object {file} does not exist")]
    ObjectMissing {
        /// `s3://bucket/key`.
        file: String,
    },
    /// A location that is no `s3://bucket/prefix`.
    #[error("location {location:?} is not usable{}: {what}", for_table(.table.as_ref()))]
    LocationInvalid {
        /// The table that has it, when it was read through the catalog.
        table: Option<String>,
        /// The location as stored.
        location: String,
        /// What is wrong with it.
        what: String,
    },
    /// A table that the engine cannot read: a view, an unknown SerDe, a column type that we do not know.
    #[error("table {table} cannot be read: {what}")]
    TableUnsupported {
        /// `database.table`.
        table: String,
        /// Why.
        what: String,
    },
    /// A partition of the catalog whose value is not of its key's type.
    #[error("partition value {value:?} of key {key} in table {table} is not of its type, {wanted}")]
    PartitionValueInvalid {
        /// `database.table`.
        table: String,
        /// The partition key.
        key: String,
        /// The value as the catalog stores it.
        value: String,
        /// The key's type.
        wanted: String,
    },
    /// A partition whose column has a type of its own that the table's does not hold, where NULL would stand for the rest.
    #[error(
        "{partition} declares the column {column} as {own}, whose values may not fit the table's type, {wanted}"
    )]
    PartitionTypeMismatch {
        /// Which one, of which table.
        partition: Box<str>,
        /// The column.
        column: String,
        /// Its type in the partition.
        own: String,
        /// Its type in the table.
        wanted: String,
    },
    /// A partition predicate (Glue's expression grammar) that does not parse.
    #[error("partition predicate {predicate:?} is not valid: {what}")]
    PredicateInvalid {
        /// The predicate.
        predicate: String,
        /// What is wrong with it.
        what: String,
    },
    /// Options of a path source, or of an output, that contradict each other or the data.
    #[error("{what}")]
    OptionsInvalid {
        /// What is wrong with them.
        what: String,
    },
    /// A file that a reader refuses: names the file, and the line or row and column where known.
    #[error("{0}")]
    Format(#[source] Arc<FormatError>),
    /// A file whose bytes do not decode, for readers that do not know lines (Parquet).
    #[error("{file}: {what}")]
    File {
        /// `s3://bucket/key`.
        file: String,
        /// What the decoder said.
        what: String,
    },
    /// The statement needs more memory than the engine may use, and cannot spill.
    #[error("the query needs more memory than its limit of {limit_bytes} bytes: {detail}")]
    MemoryExhausted {
        /// The limit of the whole process, or of the part of the engine that the session has.
        limit_bytes: u64,
        /// Which operators hold the memory.
        detail: String,
    },
    /// The run was cancelled by its token.
    #[error("cancelled")]
    Cancelled,
    /// SQL text that does not parse.
    #[error("{message}")]
    Sql {
        /// The parser's message, with line and column.
        message: String,
    },
    /// A statement that parses but does not make sense: wrong types, unknown functions.
    #[error("{message}")]
    Plan {
        /// The planner's message.
        message: String,
    },
    /// Something the engine refuses to do rather than to approximate.
    #[error("{message}")]
    Unsupported {
        /// What.
        message: String,
    },
    /// A computation that failed on the data: a cast, a division by zero, an overflow.
    #[error("{message}")]
    Execution {
        /// The operator's message.
        message: String,
    },
    /// A value that cannot be read as the type that it is cast to.
    #[error("{what}")]
    InvalidCast {
        /// Which value, to which type.
        what: String,
    },
    /// A function that does not take the value that it was given.
    #[error("{what}")]
    InvalidArgument {
        /// Which value.
        what: String,
    },
    /// A whole number or a decimal was divided by zero.
    #[error("Division by zero")]
    DivisionByZero,
    /// A statement that would grow too large once its WITH queries and views are put in.
    #[error("{what}")]
    TooComplex {
        /// What there is too much of, and the limit.
        what: String,
    },
    /// A number that went out of the range of its type.
    #[error("{what}")]
    OutOfRange {
        /// Which operation, on which type.
        what: String,
    },
    /// The catalog failed.
    #[error(transparent)]
    Catalog(Arc<CatalogError>),
    /// The lake failed.
    #[error(transparent)]
    Lake(Arc<LakeError>),
    /// The metadata store failed.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// Reading, writing or spilling failed.
    #[error("{0}")]
    Io(#[source] Arc<io::Error>),
    /// A fault of the engine itself, or of DataFusion.
    #[error("internal error of the engine: {0}")]
    Internal(String),
}

fn in_relation(relation: Option<&String>) -> String {
    relation.map_or_else(String::new, |name| format!(" in {name}"))
}

fn for_table(table: Option<&String>) -> String {
    table.map_or_else(String::new, |name| format!(" (table {name})"))
}

impl EngineError {
    /// Wraps the error for its way through DataFusion.
    pub fn into_datafusion(self) -> DataFusionError {
        DataFusionError::External(Box::new(self))
    }

    /// Whether the same request may succeed later without a change of data or statement.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::MemoryExhausted { .. } | Self::Io(_) => true,
            Self::Store(error) => error.retry() != store::Retry::Never,
            _ => false,
        }
    }

    /// Converts an error of DataFusion. `memory_limit_bytes` is named when memory ran out.
    pub(crate) fn from_datafusion(error: &DataFusionError, memory_limit_bytes: u64) -> Self {
        if let Some(ours) = find_ours(error) {
            return ours;
        }
        classify(error, memory_limit_bytes)
    }
}

/// For errors of planning; those of running come with the engine's memory limit.
impl From<DataFusionError> for EngineError {
    /// For errors of planning, which holds no memory of the pool; [`crate::Engine::convert`] knows the limit.
    fn from(error: DataFusionError) -> Self {
        Self::from_datafusion(&error, 0)
    }
}

impl From<EngineError> for DataFusionError {
    fn from(error: EngineError) -> Self {
        error.into_datafusion()
    }
}

impl From<FormatError> for EngineError {
    /// Bytes that could not be fetched or taken are the affair of whoever has them, not of the format.
    fn from(error: FormatError) -> Self {
        if let Problem::Io(cause) = &error.problem
            && let Some(ours) = cause.get_ref().and_then(|inner| find_in_chain(inner))
        {
            return ours;
        }
        Self::Format(Arc::new(error))
    }
}

impl From<LakeError> for EngineError {
    fn from(error: LakeError) -> Self {
        Self::Lake(Arc::new(error))
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<io::Error> for EngineError {
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| find_in_chain(inner)) {
            Some(ours) => ours,
            None => Self::Io(Arc::new(error)),
        }
    }
}
