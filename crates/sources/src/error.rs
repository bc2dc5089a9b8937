//! What can go wrong with connections and the databases behind them.

use store::vault::VaultError;
use store::{Outcome, Retry, StoreError};

use crate::http::HttpError;

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
        "{what} cannot be opened by this server: only JDBC connections to PostgreSQL, MySQL and MariaDB, and CUSTOM ones to \
         HTTP APIs, can"
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
    /// The database does not take a change for what it is (a constraint, a value, a right): it never will.
    #[error("{database} refused: {reason}")]
    Refused {
        /// Engine, host and port.
        database: String,
        /// The reason in the words of the server.
        reason: String,
    },
    /// A request over HTTP failed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A service answered with a fault.
    #[error("{service}: {operation}: {code}: {message}")]
    Service {
        /// The service and where it is.
        service: String,
        /// The operation.
        operation: &'static str,
        /// The fault's code.
        code: String,
        /// The fault's message.
        message: String,
    },
    /// A service's reply is none that it could give.
    #[error("the reply of {place} cannot be read: {problem}")]
    Reply {
        /// The service and its operation.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A page of an API cannot be taken.
    #[error("{place}, page {page}: {problem}")]
    Page {
        /// The address, without its query.
        place: String,
        /// Which page, from 1.
        page: u64,
        /// What is wrong with it.
        problem: String,
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
