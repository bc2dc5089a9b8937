//! The faults of CloudWatch Logs.

use http::StatusCode;
use observe::ObserveError;
use store::{Outcome, Retry, StoreError};
use wire::{Fault, INTERNAL_FAILURE};

use crate::outcome::{UNKNOWN, down, explained, is_down};

pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterException", message)
}

pub(super) fn group_not_found() -> Fault {
    Fault::new("ResourceNotFoundException", "The specified log group does not exist.")
}

pub(super) fn observe(error: ObserveError) -> Fault {
    match error {
        ObserveError::GroupNotFound { .. } | ObserveError::StreamNotFound { .. } => {
            Fault::new("ResourceNotFoundException", error.to_string())
        }
        ObserveError::GroupExists { .. } | ObserveError::StreamExists { .. } => {
            Fault::new("ResourceAlreadyExistsException", error.to_string())
        }
        ObserveError::InvalidParameter { message } => invalid(message),
        ObserveError::Store(error) => store(error),
    }
}

/// What changed nothing and may succeed later says so: SDKs try again.
pub(super) fn store(error: StoreError) -> Fault {
    let fault = match (error.outcome(), error.retry()) {
        (Outcome::Unknown, _) => {
            Fault::new(INTERNAL_FAILURE, UNKNOWN).with_status(StatusCode::INTERNAL_SERVER_ERROR)
        }
        (Outcome::NotApplied, _) if is_down(&error) => {
            Fault::new("ServiceUnavailableException", down(&error))
        }
        (Outcome::NotApplied, Retry::Backoff) => {
            Fault::new("ServiceUnavailableException", "The service cannot complete the request.")
        }
        (Outcome::NotApplied, Retry::Never) => Fault::internal(&error),
    };
    explained(fault, &error)
}
