//! What this crate refuses.

use store::StoreError;

/// Why an operation on a queue failed; nothing was changed by it.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// There is no queue of this name.
    #[error("The specified queue does not exist.")]
    NotFound,
    /// There is one with other attributes.
    #[error("A queue already exists with the same name and a different value for attribute {attribute}")]
    Exists {
        /// The first attribute that differs.
        attribute: String,
    },
    /// No attribute of that name can be set.
    #[error("Unknown Attribute {name}.")]
    InvalidAttributeName {
        /// Its name.
        name: String,
    },
    /// A value that the attribute cannot have.
    #[error("Invalid value for the parameter {name}.")]
    InvalidAttributeValue {
        /// The attribute.
        name: String,
    },
    /// A parameter has a value that the service does not accept.
    #[error("{message}")]
    InvalidParameter {
        /// What is wrong, for the caller.
        message: String,
    },
    /// A body with characters that no message may hold.
    #[error(
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to \
             #xFFFD | #x10000 to #x10FFFF"
    )]
    InvalidContents,
    /// Not a receipt handle of this queue.
    #[error("The input receipt handle \"{handle}\" is not a valid receipt handle.")]
    InvalidHandle {
        /// As given.
        handle: String,
    },
    /// The message is not in flight by this handle.
    #[error("The message referred to is not in flight.")]
    NotInFlight,
    /// A batch without entries.
    #[error("There should be at least one {entry} in the request.")]
    EmptyBatch {
        /// What entries are called.
        entry: &'static str,
    },
    /// A batch with more entries than allowed.
    #[error("Maximum number of entries per request are {}. You have sent {count}.", crate::MAX_BATCH)]
    TooManyEntries {
        /// How many there are.
        count: usize,
    },
    /// Two entries of a batch have one id.
    #[error("Id {id} repeated.")]
    IdsNotDistinct {
        /// The id.
        id: String,
    },
    /// An id that no entry of a batch may have.
    #[error(
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 \
             letters long."
    )]
    InvalidBatchId,
    /// The messages of a batch are too large together.
    #[error("Batch requests cannot be longer than {} bytes. You have sent {bytes} bytes.", crate::MAX_BYTES)]
    BatchTooLong {
        /// Their size.
        bytes: usize,
    },
    /// What AWS has and this server does not.
    #[error("{message}")]
    NotBuilt {
        /// What it is.
        message: String,
    },
    /// A row does not read back.
    #[error("the queue's {what} cannot be read")]
    Corrupt {
        /// What was read.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl QueueError {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidParameter { message: message.into() }
    }

    pub(crate) fn not_built(message: impl Into<String>) -> Self {
        Self::NotBuilt { message: message.into() }
    }

    /// AWS's words for a parameter out of its range.
    pub(crate) fn out_of(value: impl std::fmt::Display, name: &str, reason: &str) -> Self {
        Self::invalid(format!("Value {value} for parameter {name} is invalid. Reason: {reason}"))
    }
}
