//! The one place that turns what goes wrong with queries into Athena's faults.

use catalog::CatalogError;
use query::QueryError;
use wire::Fault;

/// A request that cannot be carried out.
pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidRequestException", message).with("AthenaErrorCode", "INVALID_INPUT")
}

pub(super) fn query(error: QueryError) -> Fault {
    match &error {
        QueryError::Sql(inner) => Fault::new("InvalidRequestException", inner.to_string())
            .with("AthenaErrorCode", "MALFORMED_QUERY"),
        QueryError::Invalid { .. }
        | QueryError::ExecutionNotFound { .. }
        | QueryError::WorkGroupNotFound { .. }
        | QueryError::WorkGroupExists { .. }
        | QueryError::TokenReused => invalid(error.to_string()),
        QueryError::NotFinished { .. } => Fault::new("InvalidRequestException", error.to_string())
            .with("AthenaErrorCode", "INVALID_QUERY_EXECUTION_STATE"),
        QueryError::ResultsGone { .. } => Fault::new("InvalidRequestException", error.to_string())
            .with("AthenaErrorCode", "QUERY_RESULT_NOT_FOUND"),
        QueryError::Catalog(_)
        | QueryError::Lake(_)
        | QueryError::Io(_)
        | QueryError::Store(_)
        | QueryError::Corrupt { .. } => internal(error),
    }
}

/// What the catalog says to Athena's metadata operations.
pub(super) fn metadata(error: CatalogError) -> Fault {
    match &error {
        CatalogError::Store(_) | CatalogError::Corrupt { .. } => internal(error),
        CatalogError::DatabaseNotFound { .. }
        | CatalogError::TableNotFound { .. }
        | CatalogError::VersionNotFound { .. }
        | CatalogError::PartitionNotFound { .. } => {
            let message = format!("EntityNotFoundException: {error}");
            Fault::new("MetadataException", message)
        }
        CatalogError::DatabaseExists { .. }
        | CatalogError::TableExists { .. }
        | CatalogError::PartitionExists { .. }
        | CatalogError::VersionConflict { .. }
        | CatalogError::LimitExceeded { .. }
        | CatalogError::ExpressionInvalid(_)
        | CatalogError::ValueNotOfType { .. } => Fault::new("MetadataException", error.to_string()),
        CatalogError::InvalidInput { .. } | CatalogError::InvalidToken => invalid(error.to_string()),
    }
}

pub(super) fn internal(error: impl std::error::Error) -> Fault {
    let mut causes = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        causes = format!("{causes}: {source}");
        next = source.source();
    }
    Fault::new("InternalServerException", "The server could not carry out the request.").with_cause(causes)
}
