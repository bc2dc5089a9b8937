//! The faults of CloudWatch.

use http::StatusCode;
use observe::ObserveError;
use store::{Outcome, Retry, StoreError};
use wire::{Fault, INTERNAL_FAILURE};

use crate::outcome::{UNKNOWN, down, explained, is_down};

pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("ValidationError", message)
}

pub(super) fn observe(error: ObserveError) -> Fault {
    match error {
        ObserveError::Store(error) => store(error),
        ObserveError::InvalidParameter { message } => invalid(message),
        // Of logs, which this face does not ask for.
        ObserveError::GroupNotFound { .. }
        | ObserveError::StreamNotFound { .. }
        | ObserveError::GroupExists { .. }
        | ObserveError::StreamExists { .. } => Fault::internal(error),
    }
}

/// What may succeed later says so: SDKs try again.
pub(super) fn store(error: StoreError) -> Fault {
    let fault = match (error.outcome(), error.retry()) {
        (Outcome::Unknown, _) => {
            Fault::new(INTERNAL_FAILURE, UNKNOWN).with_status(StatusCode::INTERNAL_SERVER_ERROR)
        }
        (Outcome::NotApplied, _) if is_down(&error) => Fault::new("ServiceUnavailable", down(&error)),
        (Outcome::NotApplied, Retry::Backoff) => {
            Fault::new("ServiceUnavailable", "The service cannot complete the request.")
        }
        (Outcome::NotApplied, Retry::Never) => Fault::internal(&error),
    };
    explained(fault, &error)
}
