//! The one place that turns what goes wrong in the catalog into Glue's faults.

use catalog::CatalogError;
use serde_json::{Value, json};
use store::{Retry, StoreError};
use wire::Fault;

/// Input that is refused.
pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidInputException", message)
}

/// Something that is not there.
pub(super) fn not_found(message: impl Into<String>) -> Fault {
    Fault::new("EntityNotFoundException", message)
}

/// Glue's fault for an error of the catalog.
pub(super) fn catalog(error: CatalogError) -> Fault {
    match &error {
        CatalogError::DatabaseNotFound { .. }
        | CatalogError::TableNotFound { .. }
        | CatalogError::VersionNotFound { .. }
        | CatalogError::PartitionNotFound { .. } => not_found(error.to_string()),
        CatalogError::DatabaseExists { .. }
        | CatalogError::TableExists { .. }
        | CatalogError::PartitionExists { .. } => Fault::new("AlreadyExistsException", error.to_string()),
        CatalogError::VersionConflict { .. } => {
            Fault::new("ConcurrentModificationException", error.to_string())
        }
        CatalogError::LimitExceeded { .. } => {
            Fault::new("ResourceNumberLimitExceededException", error.to_string())
        }
        CatalogError::InvalidInput { .. }
        | CatalogError::ExpressionInvalid(_)
        | CatalogError::InvalidToken => invalid(error.to_string()),
        CatalogError::ValueNotOfType { .. } => Fault::new("InvalidStateException", error.to_string()),
        CatalogError::Store(inner) => store(inner),
        CatalogError::Corrupt { .. } => internal(&error),
    }
}

/// Reading one table says less about what is missing than other operations do.
pub(super) fn get_table(error: CatalogError) -> Fault {
    match error {
        CatalogError::TableNotFound { .. } => not_found("Entity Not Found"),
        other => catalog(other),
    }
}

/// An update of a partition has no fault for a place that is taken.
pub(super) fn update_partition(error: CatalogError) -> Fault {
    match error {
        CatalogError::PartitionExists { .. } => invalid(error.to_string()),
        other => catalog(other),
    }
}

/// Glue's fault for an error of the store. What may succeed later says so: clients try again.
pub(super) fn store(error: &StoreError) -> Fault {
    match error.retry() {
        Retry::Never => internal(error),
        Retry::Backoff => {
            Fault::new("OperationTimeoutException", "The operation timed out.").with_cause(causes(error))
        }
    }
}

fn internal(error: &dyn std::error::Error) -> Fault {
    let message = "The service could not carry out the request.";
    Fault::new("InternalServiceException", message).with_cause(causes(error))
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}

/// A fault as the `ErrorDetail` of one entry of a batch.
pub(super) fn detail(fault: &Fault) -> Value {
    json!({ "ErrorCode": fault.code(), "ErrorMessage": fault.message() })
}
