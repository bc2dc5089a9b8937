//! What a failure of the store means for the client: whether something was changed, and whether to try again.

use store::{Outcome, StoreError};
use wire::{Fault, causes};

/// What a commit of unknown result answers, in each service's own fault.
pub(crate) const UNKNOWN: &str = "The server cannot tell whether the change was made: the answer of its store was lost. \
     Look at the resource before you repeat the request.";

/// Adds to a service's fault what all services have in common: the causes for the log; that the request may be run again
/// when it only met a concurrent one; and a line of its own in the log when nobody knows what was committed.
pub(crate) fn explained(fault: Fault, error: &StoreError) -> Fault {
    let causes = causes(error);
    if error.outcome() == Outcome::Unknown {
        tracing::error!(code = fault.code(), causes, "a commit of unknown result");
    }
    let fault = fault.with_cause(causes);
    match error {
        StoreError::Conflict { .. } => fault.repeatable(),
        _ => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_nothing_is_run_again() {
        let plain = || Fault::internal("x");
        let unknown = StoreError::CommitUnknown { source: None };
        for error in [unknown, StoreError::Busy { waited_ms: 30_000 }, StoreError::Closed] {
            assert!(!explained(plain(), &error).is_repeatable(), "{error}");
        }
    }
}
