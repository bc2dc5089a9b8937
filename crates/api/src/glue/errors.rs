//! The one place that turns what goes wrong in the catalog into Glue's faults.

use catalog::CatalogError;
use http::StatusCode;
use serde_json::{Value, json};
use sources::SourceError;
use store::{Outcome, StoreError};
use wire::{Fault, causes};

use crate::outcome::{UNKNOWN, down, explained, is_down};

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
        | CatalogError::TargetNotFound { .. }
        | CatalogError::VersionNotFound { .. }
        | CatalogError::PartitionNotFound { .. }
        | CatalogError::NotFound { .. } => not_found(error.to_string()),
        CatalogError::DatabaseExists { .. }
        | CatalogError::TableExists { .. }
        | CatalogError::PartitionExists { .. }
        | CatalogError::Exists { .. } => Fault::new("AlreadyExistsException", error.to_string()),
        CatalogError::ConditionFailed { .. } => {
            Fault::new("ConditionCheckFailureException", error.to_string())
        }
        CatalogError::VersionConflict { .. } | CatalogError::PointerMoved { .. } => {
            Fault::new("ConcurrentModificationException", error.to_string())
        }
        CatalogError::LimitExceeded { .. } => {
            Fault::new("ResourceNumberLimitExceededException", error.to_string())
        }
        CatalogError::InvalidInput { .. }
        | CatalogError::ExpressionInvalid(_)
        | CatalogError::InvalidToken => invalid(error.to_string()),
        CatalogError::Registry(inner) => super::registry::fault(inner),
        CatalogError::ValueNotOfType { .. } => Fault::new("InvalidStateException", error.to_string()),
        CatalogError::Store(inner) => store(inner),
        CatalogError::Corrupt { .. } => internal(&error),
    }
}

/// Glue's fault for an error of connections. What the database behind one says is for the client.
pub(super) fn source(error: SourceError) -> Fault {
    match &error {
        SourceError::ConnectionNotFound { .. } => not_found(error.to_string()),
        SourceError::ConnectionExists { .. } => Fault::new("AlreadyExistsException", error.to_string()),
        SourceError::InvalidInput { .. }
        | SourceError::InvalidToken
        | SourceError::Property { .. }
        | SourceError::Connect { .. }
        | SourceError::Http(_)
        | SourceError::Service { .. }
        | SourceError::Reply { .. }
        | SourceError::Page { .. }
        | SourceError::Query { .. }
        | SourceError::Refused { .. } => invalid(error.to_string()),
        SourceError::NotBuilt { .. } => Fault::not_implemented(error.to_string()),
        SourceError::Timeout { .. } => Fault::new("OperationTimeoutException", error.to_string()),
        SourceError::Vault(_) => Fault::new("GlueEncryptionException", error.to_string()),
        SourceError::Store(inner) => store(inner),
        SourceError::Corrupt { .. } => internal(&error),
    }
}

/// Reading one table says less about what is missing than other operations do.
pub(super) fn get_table(error: CatalogError) -> Fault {
    match error {
        CatalogError::TableNotFound { .. } => not_found("Entity Not Found"),
        other => catalog(other),
    }
}

/// Partitions for engines have no fault for a value that is not of its key's type.
pub(super) fn unfiltered(error: CatalogError) -> Fault {
    match error {
        CatalogError::ValueNotOfType { .. } => invalid(error.to_string()),
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

/// Glue's fault for an error of the store. SDKs repeat an `InternalServiceException`, which is right where nothing was
/// changed, and not an `OperationTimeoutException`, which is right where nobody knows: a repeated CreateTable would say
/// that its own table is in the way.
pub(super) fn store(error: &StoreError) -> Fault {
    if let StoreError::NulInText { .. } = error {
        return invalid(error.to_string());
    }
    let fault = match error.outcome() {
        Outcome::Unknown => Fault::new("OperationTimeoutException", UNKNOWN),
        Outcome::NotApplied if is_down(error) => unavailable(down(error)),
        Outcome::NotApplied => Fault::new("InternalServiceException", FAILED),
    };
    explained(fault, error)
}

const FAILED: &str = "The service could not carry out the request.";

/// Nothing was changed, and a store that is away may be back soon.
pub(super) fn unavailable(message: impl Into<String>) -> Fault {
    Fault::new("InternalServiceException", message).with_status(StatusCode::SERVICE_UNAVAILABLE)
}

pub(super) fn internal(error: &dyn std::error::Error) -> Fault {
    Fault::new("InternalServiceException", FAILED).with_cause(causes(error))
}

/// A fault as the `ErrorDetail` of one entry of a batch.
pub(super) fn detail(fault: &Fault) -> Value {
    json!({ "ErrorCode": fault.code(), "ErrorMessage": fault.message() })
}

/// A message within `DescriptionString`.
pub(super) fn cut(message: &str) -> String {
    const MOST: usize = 2048;
    let mut end = message.len().min(MOST);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message[..end].to_owned()
}
