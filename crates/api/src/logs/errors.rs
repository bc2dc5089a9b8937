//! The faults of CloudWatch Logs.

use observe::ObserveError;
use store::{Retry, StoreError};
use wire::Fault;

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

/// What may succeed later says so: clients try again.
pub(super) fn store(error: StoreError) -> Fault {
    match error.retry() {
        Retry::Backoff => {
            Fault::new("ServiceUnavailableException", "The service cannot complete the request.")
                .with_cause(causes(&error))
        }
        Retry::Never => Fault::internal(causes(&error)),
    }
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
