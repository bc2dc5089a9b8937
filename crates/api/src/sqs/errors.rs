//! The faults of SQS. Clients of its older protocol know some of them by other codes, which newer ones show their users
//! too: these go in a header.
//!
//! Source: Amazon SQS API Reference, each action's errors; AWS SDKs, error codes of awsQuery-compatible services.

use http::{HeaderName, HeaderValue, StatusCode};
use queues::QueueError;
use store::{Outcome, Retry, StoreError};
use wire::{Fault, INTERNAL_FAILURE, causes};

use crate::outcome::{UNKNOWN, down, explained, is_down};

const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// A fault, and the code that clients of the older protocol know it by.
fn both(code: &'static str, older: &'static str, message: String) -> Fault {
    let fault = Fault::new(code, message);
    match HeaderValue::from_str(&format!("{older};Sender")) {
        Ok(value) => fault.with_header(QUERY_ERROR, value),
        Err(_) => fault,
    }
}

pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterValue", message)
}

pub(super) fn invalid_address(url: &str) -> Fault {
    Fault::new("InvalidAddress", format!("The address {url} is not valid for this endpoint."))
}

pub(super) fn queue(error: QueueError) -> Fault {
    let message = error.to_string();
    match error {
        QueueError::NotFound => both("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", message),
        QueueError::Exists { .. } => both("QueueNameExists", "QueueAlreadyExists", message),
        QueueError::InvalidAttributeName { .. } => Fault::new("InvalidAttributeName", message),
        QueueError::InvalidAttributeValue { .. } => Fault::new("InvalidAttributeValue", message),
        QueueError::InvalidParameter { .. } => invalid(message),
        QueueError::InvalidContents => Fault::new("InvalidMessageContents", message),
        QueueError::InvalidHandle { .. } => Fault::new("ReceiptHandleIsInvalid", message),
        QueueError::NotInFlight => {
            both("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", message)
        }
        QueueError::EmptyBatch { .. } => {
            both("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", message)
        }
        QueueError::TooManyEntries { .. } => both(
            "TooManyEntriesInBatchRequest",
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            message,
        ),
        QueueError::IdsNotDistinct { .. } => {
            both("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", message)
        }
        QueueError::InvalidBatchId => {
            both("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId", message)
        }
        QueueError::BatchTooLong { .. } => {
            both("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", message)
        }
        QueueError::NotBuilt { message } => Fault::not_implemented(message),
        QueueError::Corrupt { .. } => Fault::internal(causes(&error)),
        QueueError::Store(error) => store(error),
    }
}

/// What changed nothing and may succeed later says so: SDKs try again.
pub(super) fn store(error: StoreError) -> Fault {
    let fault = match (error.outcome(), error.retry()) {
        (Outcome::Unknown, _) => {
            Fault::new(INTERNAL_FAILURE, UNKNOWN).with_status(StatusCode::INTERNAL_SERVER_ERROR)
        }
        (Outcome::NotApplied, _) if is_down(&error) => Fault::new("ServiceUnavailable", down(&error)),
        (Outcome::NotApplied, Retry::Backoff) => Fault::new(
            "ServiceUnavailable",
            "The request has failed due to a temporary failure of the server.",
        ),
        (Outcome::NotApplied, Retry::Never) => Fault::internal(&error),
    };
    explained(fault, &error)
}
