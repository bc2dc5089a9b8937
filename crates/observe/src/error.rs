//! What can go wrong with logs, in the words that CloudWatch Logs uses.

use store::StoreError;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// No such log group in this account and region.
    #[error("The specified log group does not exist.")]
    GroupNotFound {
        /// Its name.
        group: String,
    },
    /// No such log stream in this group.
    #[error("The specified log stream does not exist.")]
    StreamNotFound {
        /// The group.
        group: String,
        /// The stream's name.
        stream: String,
    },
    /// A log group of this name exists already.
    #[error("The specified log group already exists")]
    GroupExists {
        /// Its name.
        group: String,
    },
    /// A log stream of this name exists already in the group.
    #[error("The specified log stream already exists")]
    StreamExists {
        /// The group.
        group: String,
        /// The stream's name.
        stream: String,
    },
    /// A parameter has a value that the service does not accept.
    #[error("{message}")]
    InvalidParameter {
        /// What is wrong, for the caller.
        message: String,
    },
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl ObserveError {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidParameter { message: message.into() }
    }

    pub(crate) fn invalid_token() -> Self {
        Self::invalid("The specified nextToken is invalid.")
    }
}
