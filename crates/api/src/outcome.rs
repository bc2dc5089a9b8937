//! What a failure of the store means for the client: whether something was changed, and whether to try again.

use store::{Outcome, StoreError};
use wire::{Fault, causes};

/// What a commit of unknown result answers, in each service's own fault.
pub(crate) const UNKNOWN: &str = "The server cannot tell whether the change was made: the answer of its store was lost. \
     Look at the resource before you repeat the request.";

const UNREACHABLE: &str = "The metadata store of this server does not answer. Please try again.";

/// What a disk without room answers.
pub(crate) const FULL: &str =
    "The disk of this server is full. Nothing was changed; make room on it, and try again.";

/// Whether the metadata store is gone or has no room, rather than busy or wrong.
pub(crate) fn is_down(error: &StoreError) -> bool {
    matches!(error, StoreError::Connect { .. } | StoreError::Full { .. })
}

/// What a metadata store that is down answers, in each service's own fault. SDKs repeat the request by themselves.
pub(crate) fn down(error: &StoreError) -> &'static str {
    match error {
        StoreError::Full { .. } => FULL,
        _ => UNREACHABLE,
    }
}

/// Adds to a service's fault what all services have in common: the causes for the log, and a line of its own there when
/// nobody knows what was committed.
pub(crate) fn explained(fault: Fault, error: &StoreError) -> Fault {
    let causes = causes(error);
    if error.outcome() == Outcome::Unknown {
        tracing::error!(code = fault.code(), causes, "a commit of unknown result");
    }
    fault.with_cause(causes)
}
