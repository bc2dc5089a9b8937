//! What can go wrong with connections and the databases behind them.

use store::vault::VaultError;
use store::{Outcome, Retry, StoreError};

/// An error of this crate. No text holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is no connection of that name.
    #[error("Connection {name} not found.")]
    ConnectionNotFound {
        /// The name.
        name: String,
    },
    /// A connection of that name exists.
    #[error("Connection {name} already exists.")]
    ConnectionExists {
        /// The name.
        name: String,
    },
    /// The input is not acceptable.
    #[error("{message}")]
    InvalidInput {
        /// Why, for the client.
        message: String,
    },
    /// A paging token was not made by this listing.
    #[error("The pagination token is not valid for this request.")]
    InvalidToken,
    /// Connections of this kind cannot be opened.
    #[error(
        "{what} cannot be opened by this server: only JDBC connections to PostgreSQL, MySQL and MariaDB can"
    )]
    NotBuilt {
        /// The kind of connection or the engine.
        what: String,
    },
    /// A property of the connection is missing or cannot be honoured.
    #[error("{property} {problem}")]
    Property {
        /// The property.
        property: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The database refused the connection or cannot be reached.
    #[error("cannot connect to {database}: {reason}")]
    Connect {
        /// Engine, host and port.
        database: String,
        /// The reason in the words of the server or the system.
        reason: String,
    },
    /// The database did not answer in time.
    #[error("{database} did not answer within {seconds} seconds")]
    Timeout {
        /// Engine, host and port.
        database: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The database refused a query, or the connection broke.
    #[error("{database} failed: {reason}")]
    Query {
        /// Engine, host and port.
        database: String,
        /// The reason in the words of the server or the system.
        reason: String,
    },
    /// Secrets cannot be sealed or opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The metadata store failed.
    #[error("the metadata store failed")]
    Store(#[from] StoreError),
    /// A stored document cannot be read.
    #[error("a stored {what} cannot be read")]
    Corrupt {
        /// What kind of document.
        what: &'static str,
        /// The reason.
        #[source]
        source: serde_json::Error,
    },
}

impl SourceError {
    /// Input that is refused, with the reason for the client.
    pub(crate) fn invalid(message: impl Into<String>) -> SourceError {
        SourceError::InvalidInput { message: message.into() }
    }

    /// Whether the failed call may have changed something in the metadata store all the same.
    pub fn outcome(&self) -> Outcome {
        match self {
            SourceError::Store(error) => error.outcome(),
            _ => Outcome::NotApplied,
        }
    }

    /// Whether the same call may succeed later.
    pub fn retry(&self) -> Retry {
        match self {
            SourceError::Store(error) => error.retry(),
            SourceError::Connect { .. } | SourceError::Timeout { .. } => Retry::Backoff,
            _ => Retry::Never,
        }
    }
}
