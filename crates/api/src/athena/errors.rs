//! The one place that turns what goes wrong with queries into Athena's faults.

use std::borrow::Borrow;

use catalog::CatalogError;
use catalog::registry::RegistryError;
use http::StatusCode;
use query::QueryError;
use store::{Outcome, StoreError};
use wire::{Fault, causes};

use crate::outcome::{UNKNOWN, down, explained, is_down};

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
        QueryError::Store(inner) | QueryError::Catalog(CatalogError::Store(inner)) => store(inner),
        QueryError::Catalog(_) | QueryError::Lake(_) | QueryError::Io(_) | QueryError::Corrupt { .. } => {
            internal(&error)
        }
    }
}

/// What the catalog says to Athena's metadata operations.
pub(super) fn metadata(error: CatalogError) -> Fault {
    match &error {
        CatalogError::Store(inner) => store(inner),
        CatalogError::Corrupt { .. } | CatalogError::Registry(RegistryError::Corrupt { .. }) => {
            internal(&error)
        }
        CatalogError::DatabaseNotFound { .. }
        | CatalogError::TableNotFound { .. }
        | CatalogError::TargetNotFound { .. }
        | CatalogError::VersionNotFound { .. }
        | CatalogError::PartitionNotFound { .. }
        | CatalogError::NotFound { .. } => {
            let message = format!("EntityNotFoundException: {error}");
            Fault::new("MetadataException", message)
        }
        CatalogError::DatabaseExists { .. }
        | CatalogError::TableExists { .. }
        | CatalogError::PartitionExists { .. }
        | CatalogError::Exists { .. }
        | CatalogError::ConditionFailed { .. }
        | CatalogError::VersionConflict { .. }
        | CatalogError::PointerMoved { .. }
        | CatalogError::LimitExceeded { .. }
        | CatalogError::ExpressionInvalid(_)
        | CatalogError::Registry(_)
        | CatalogError::ValueNotOfType { .. } => Fault::new("MetadataException", error.to_string()),
        CatalogError::InvalidInput { .. } | CatalogError::InvalidToken => invalid(error.to_string()),
    }
}

/// Athena's fault for an error of the store.
pub(super) fn store(error: impl Borrow<StoreError>) -> Fault {
    let error = error.borrow();
    if let StoreError::NulInText { .. } = error {
        return invalid(error.to_string());
    }
    let fault = |message| Fault::new("InternalServerException", message);
    let fault = match error.outcome() {
        Outcome::Unknown => fault(UNKNOWN),
        Outcome::NotApplied if is_down(error) => {
            fault(down(error)).with_status(StatusCode::SERVICE_UNAVAILABLE)
        }
        Outcome::NotApplied => fault(FAILED),
    };
    explained(fault, error)
}

const FAILED: &str = "The server could not carry out the request.";

fn internal(error: &dyn std::error::Error) -> Fault {
    Fault::new("InternalServerException", FAILED).with_cause(causes(error))
}
