//! What goes wrong while a statement runs, and how Athena words it.

use std::sync::Arc;

use catalog::CatalogError;
use datafusion::common::DataFusionError;
use engine::EngineError;
use lake::LakeError;
use store::StoreError;

use crate::error::QueryError;
use crate::execution::Failure;
use crate::results::NoText;
use crate::sql::{self, Position, SqlError, SqlErrorKind, TOO_COMPLEX};

/// Athena's error categories. Source: Athena API Reference, AthenaError.
const SYSTEM: i64 = 1;
const USER: i64 = 2;

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Sql(#[from] SqlError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Lake(#[from] LakeError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    NoText(#[from] NoText),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("{message}")]
    Refused { code: &'static str, message: String },
    #[error("cancelled")]
    Cancelled,
}

impl RunError {
    pub(crate) fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused { code, message: message.into() }
    }

    /// Our own errors travel through the engine boxed; here they come out again.
    pub(crate) fn from_planning(engine: &engine::Engine, error: &DataFusionError) -> Self {
        if let DataFusionError::External(inner) = error.find_root()
            && let Some(found) = inner.downcast_ref::<SqlError>()
        {
            return Self::Sql(found.clone());
        }
        Self::of_planning(engine.convert(error))
    }

    /// What fails before any row is read is the statement's fault, however the engine puts it.
    pub(crate) fn of_planning(error: EngineError) -> Self {
        match error {
            EngineError::Execution { message } => Self::Engine(EngineError::Plan { message }),
            EngineError::ColumnNotFound { column, relation, candidates } => {
                let column =
                    relation.map_or_else(|| column.clone(), |relation| format!("{relation}.{column}"));
                let candidates = sql::shown(candidates.iter().map(String::as_str));
                let kind = SqlErrorKind::NoColumn { column, candidates };
                Self::Sql(SqlError { position: Position::default(), kind })
            }
            EngineError::AmbiguousColumn { column } => {
                let kind = SqlErrorKind::Ambiguous(column);
                Self::Sql(SqlError { position: Position::default(), kind })
            }
            other => Self::Engine(other),
        }
    }

    /// The failure as the client sees it. What is ours to mend goes to the log, not to the client.
    pub(crate) fn failure(&self) -> Failure {
        let (category, code, message) = match self {
            Self::Sql(error) => {
                let ours =
                    matches!(error.kind, SqlErrorKind::Unsupported(_) | SqlErrorKind::MissingFunction(_));
                let category = if ours { SYSTEM } else { USER };
                (category, error.code(), error.to_string())
            }
            Self::Engine(error) => engine_failure(error),
            Self::Catalog(error) => catalog_failure(error),
            Self::Lake(LakeError::NoSuchBucket { bucket }) => {
                (USER, "NO_SUCH_BUCKET", format!("bucket {bucket} does not exist"))
            }
            Self::Lake(error @ LakeError::NotOwner { .. }) => denied(error),
            Self::Lake(error @ (LakeError::Outside { .. } | LakeError::Full { .. })) => outside(error),
            Self::Refused { code, message } => (USER, *code, message.clone()),
            Self::NoText(error) => (SYSTEM, "NOT_SUPPORTED", error.to_string()),
            Self::Lake(_) | Self::Store(_) | Self::Query(_) => internal(),
            Self::Cancelled => (USER, "USER_CANCELED", "Query was canceled".to_owned()),
        };
        Failure { category, code: code.to_owned(), message }
    }
}

fn denied(error: &LakeError) -> (i64, &'static str, String) {
    (USER, "PERMISSION_DENIED", format!("Access Denied: {error}"))
}

/// Who asks can do nothing but ask again; so that they are told.
fn outside(error: &LakeError) -> (i64, &'static str, String) {
    (SYSTEM, "GENERIC_INTERNAL_ERROR", error.to_string())
}

fn internal() -> (i64, &'static str, String) {
    (SYSTEM, "GENERIC_INTERNAL_ERROR", "the server could not finish the query; its log says why".to_owned())
}

fn catalog_failure(error: &CatalogError) -> (i64, &'static str, String) {
    let code = match error {
        CatalogError::DatabaseNotFound { .. } => "SCHEMA_NOT_FOUND",
        CatalogError::TableNotFound { .. } | CatalogError::TargetNotFound { .. } => "TABLE_NOT_FOUND",
        CatalogError::DatabaseExists { .. } | CatalogError::TableExists { .. } => "ALREADY_EXISTS",
        CatalogError::Store(_) | CatalogError::Corrupt { .. } => return internal(),
        _ => "INVALID_REQUEST",
    };
    (USER, code, error.to_string())
}

fn engine_failure(error: &EngineError) -> (i64, &'static str, String) {
    let code = match error {
        EngineError::DatabaseNotFound { database } => {
            return (USER, "SCHEMA_NOT_FOUND", format!("Schema '{database}' does not exist"));
        }
        EngineError::TableNotFound { database, table } => {
            let message = format!("Table 'awsdatacatalog.{database}.{table}' does not exist");
            return (USER, "TABLE_NOT_FOUND", message);
        }
        EngineError::ColumnNotFound { .. } => "COLUMN_NOT_FOUND",
        EngineError::AmbiguousColumn { .. } => "AMBIGUOUS_NAME",
        EngineError::BucketMissing { .. } | EngineError::LocationInvalid { .. } => "HIVE_FILESYSTEM_ERROR",
        EngineError::ObjectMissing { .. } => "HIVE_CANNOT_OPEN_SPLIT",
        EngineError::TableUnsupported { .. } => "HIVE_UNSUPPORTED_FORMAT",
        EngineError::PartitionValueInvalid { .. } => "HIVE_INVALID_PARTITION_VALUE",
        EngineError::PartitionTypeMismatch { .. } => "HIVE_PARTITION_SCHEMA_MISMATCH",
        EngineError::Format(_) | EngineError::File { .. } => "HIVE_BAD_DATA",
        EngineError::MemoryExhausted { .. } => "EXCEEDED_MEMORY_LIMIT",
        EngineError::Sql { .. } => "SYNTAX_ERROR",
        EngineError::Plan { .. }
        | EngineError::OptionsInvalid { .. }
        | EngineError::PredicateInvalid { .. } => "INVALID_REQUEST",
        EngineError::Unsupported { .. } => return (SYSTEM, "NOT_SUPPORTED", error.to_string()),
        EngineError::Execution { .. } => "GENERIC_USER_ERROR",
        EngineError::InvalidArgument { .. } => "INVALID_FUNCTION_ARGUMENT",
        EngineError::DivisionByZero => "DIVISION_BY_ZERO",
        EngineError::TooComplex { .. } => TOO_COMPLEX,
        EngineError::OutOfRange { .. } => "NUMERIC_VALUE_OUT_OF_RANGE",
        EngineError::InvalidCast { .. } => "INVALID_CAST_ARGUMENT",
        EngineError::Cancelled => "USER_CANCELED",
        EngineError::Catalog(inner) => return catalog_failure(inner),
        EngineError::Lake(inner) if matches!(**inner, LakeError::NotOwner { .. }) => return denied(inner),
        EngineError::Lake(inner) if matches!(**inner, LakeError::Outside { .. } | LakeError::Full { .. }) => {
            return outside(inner);
        }
        _ => return internal(),
    };
    (USER, code, error.to_string())
}

impl From<std::io::Error> for RunError {
    fn from(error: std::io::Error) -> Self {
        Self::Engine(EngineError::Io(Arc::new(error)))
    }
}
