//! The engine's errors, and the only place that turns DataFusion's errors into them.
//!
//! Our own errors travel through DataFusion boxed as [`DataFusionError::External`] and are found again by
//! downcast, through every layer that DataFusion, arrow and parquet may wrap around them. An error that was not
//! ours is classified by its variant, never by searching its text.

use std::{io, sync::Arc};

use arrow::error::ArrowError;
use catalog::CatalogError;
use datafusion::{
    common::{Column, SchemaError},
    error::DataFusionError,
    parquet::errors::ParquetError,
};
use formats::{FormatError, Problem};
use lake::LakeError;
use store::StoreError;

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
    #[error("partition value {value:?} of key {key} in table {table} is not a {wanted}")]
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
    #[error("the query needs more memory than the engine's limit of {limit_bytes} bytes: {detail}")]
    MemoryExhausted {
        /// The limit of the whole process.
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

/// Looks for one of our errors inside an error of DataFusion.
fn find_ours(error: &DataFusionError) -> Option<EngineError> {
    match error {
        DataFusionError::Shared(inner) => find_ours(inner),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => find_ours(inner),
        DataFusionError::Collection(errors) => errors.iter().find_map(find_ours),
        DataFusionError::External(inner) => find_in_chain(inner.as_ref()),
        DataFusionError::ArrowError(inner, _) => find_in_chain(inner.as_ref()),
        DataFusionError::ParquetError(inner) => find_in_chain(inner.as_ref()),
        DataFusionError::IoError(inner) => inner.get_ref().and_then(|inner| find_in_chain(inner)),
        _ => None,
    }
}

/// Looks for one of our errors in a chain of sources.
fn find_in_chain(error: &(dyn std::error::Error + 'static)) -> Option<EngineError> {
    if let Some(ours) = error.downcast_ref::<EngineError>() {
        return Some(ours.clone());
    }
    if let Some(inner) = error.downcast_ref::<DataFusionError>() {
        return find_ours(inner);
    }
    match error.downcast_ref::<ArrowError>() {
        Some(ArrowError::ExternalError(inner)) => return find_in_chain(inner.as_ref()),
        Some(ArrowError::IoError(_, inner)) => return inner.get_ref().and_then(|inner| find_in_chain(inner)),
        _ => {}
    }
    if let Some(ParquetError::External(inner)) = error.downcast_ref::<ParquetError>() {
        return find_in_chain(inner.as_ref());
    }
    error.source().and_then(find_in_chain)
}

fn classify(error: &DataFusionError, memory_limit_bytes: u64) -> EngineError {
    match error {
        DataFusionError::Shared(inner) => classify(inner, memory_limit_bytes),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            classify(inner, memory_limit_bytes)
        }
        DataFusionError::Collection(errors) => match errors.first() {
            Some(first) => classify(first, memory_limit_bytes),
            None => EngineError::Internal("an empty collection of errors".to_owned()),
        },
        DataFusionError::SchemaError(inner, _) => from_schema_error(inner),
        DataFusionError::ResourcesExhausted(detail) => {
            EngineError::MemoryExhausted { limit_bytes: memory_limit_bytes, detail: detail.clone() }
        }
        DataFusionError::SQL(inner, _) => EngineError::Sql { message: inner.to_string() },
        DataFusionError::Plan(message) => EngineError::Plan { message: message.clone() },
        DataFusionError::Configuration(message) => EngineError::Plan { message: message.clone() },
        DataFusionError::NotImplemented(message) => EngineError::Unsupported { message: message.clone() },
        DataFusionError::Execution(message) => EngineError::Execution { message: message.clone() },
        DataFusionError::ArrowError(inner, _) => from_arrow(inner),
        DataFusionError::ParquetError(inner) => EngineError::Execution { message: inner.to_string() },
        DataFusionError::IoError(inner) => {
            EngineError::Io(Arc::new(io::Error::new(inner.kind(), inner.to_string())))
        }
        DataFusionError::ExecutionJoin(inner) if inner.is_cancelled() => EngineError::Cancelled,
        other => EngineError::Internal(other.strip_backtrace()),
    }
}

fn from_arrow(error: &ArrowError) -> EngineError {
    match error {
        ArrowError::IoError(_, inner) => {
            EngineError::Io(Arc::new(io::Error::new(inner.kind(), inner.to_string())))
        }
        ArrowError::NotYetImplemented(message) => EngineError::Unsupported { message: message.clone() },
        other => EngineError::Execution { message: other.to_string() },
    }
}

fn from_schema_error(error: &SchemaError) -> EngineError {
    match error {
        SchemaError::AmbiguousReference { field } => {
            EngineError::AmbiguousColumn { column: field.flat_name() }
        }
        SchemaError::FieldNotFound { field, valid_fields } => EngineError::ColumnNotFound {
            column: field.name().to_owned(),
            relation: field.relation.as_ref().map(ToString::to_string),
            candidates: valid_fields.iter().map(Column::flat_name).collect(),
        },
        SchemaError::DuplicateQualifiedField { qualifier, name } => {
            EngineError::AmbiguousColumn { column: format!("{qualifier}.{name}") }
        }
        SchemaError::DuplicateUnqualifiedField { name } => {
            EngineError::AmbiguousColumn { column: name.clone() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> EngineError {
        EngineError::TableNotFound { database: "shop".to_owned(), table: "orders".to_owned() }
    }

    #[test]
    fn finds_our_error_through_every_wrapper() {
        let plain = ours().into_datafusion();
        let context = ours().into_datafusion().context("while planning");
        let shared = DataFusionError::Shared(Arc::new(ours().into_datafusion()));
        let arrow = DataFusionError::ArrowError(Box::new(ArrowError::ExternalError(Box::new(ours()))), None);
        let parquet = DataFusionError::ParquetError(Box::new(ParquetError::External(Box::new(ours()))));
        let io = DataFusionError::IoError(io::Error::other(ours()));
        let nested = DataFusionError::External(Box::new(DataFusionError::Shared(Arc::new(arrow_external()))));
        for error in [plain, context, shared, arrow, parquet, io, nested] {
            let found = EngineError::from_datafusion(&error, 0);
            assert!(matches!(found, EngineError::TableNotFound { .. }), "{error:?} became {found:?}");
        }
    }

    fn arrow_external() -> DataFusionError {
        DataFusionError::ArrowError(
            Box::new(ArrowError::ExternalError(Box::new(ours().into_datafusion()))),
            None,
        )
    }

    #[test]
    fn classifies_by_variant() {
        let exhausted = DataFusionError::ResourcesExhausted("too much".to_owned()).context("sorting");
        let found = EngineError::from_datafusion(&exhausted, 77);
        assert!(matches!(found, EngineError::MemoryExhausted { limit_bytes: 77, .. }), "{found:?}");
        let missing = DataFusionError::SchemaError(
            Box::new(SchemaError::FieldNotFound {
                field: Box::new(Column::new(Some("orders"), "amuont")),
                valid_fields: vec![Column::new(Some("orders"), "amount")],
            }),
            Box::new(None),
        );
        let found = EngineError::from_datafusion(&missing, 0);
        assert_eq!(found.to_string(), "column amuont not found in orders");
    }
}
