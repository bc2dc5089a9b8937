//! What can go wrong with a request about queries. What goes wrong *in* a query is its [`crate::Failure`].

use catalog::CatalogError;
use lake::LakeError;
use store::StoreError;

use crate::sql::SqlError;

/// A refused or failed request; nothing was changed by it.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The statement cannot be run.
    #[error("{0}")]
    Sql(#[from] SqlError),
    /// A request that contradicts itself or the configuration.
    #[error("{message}")]
    Invalid {
        /// Why, for the client.
        message: String,
    },
    /// No query of this id.
    #[error("QueryExecution {id} was not found")]
    ExecutionNotFound {
        /// The id.
        id: String,
    },
    /// Its results are asked for, but it has none (yet).
    #[error("Query has not yet finished. Current state: {state}")]
    NotFinished {
        /// The state that it is in.
        state: &'static str,
    },
    /// The object that holds the results is gone.
    #[error("Could not find results at {location}")]
    ResultsGone {
        /// Where they were written.
        location: String,
    },
    /// No work group of this name.
    #[error("WorkGroup {name} is not found.")]
    WorkGroupNotFound {
        /// The name.
        name: String,
    },
    /// A work group of this name exists.
    #[error("WorkGroup {name} is already created")]
    WorkGroupExists {
        /// The name.
        name: String,
    },
    /// The token was used for another request.
    #[error("Idempotent parameters do not match")]
    TokenReused,
    /// The catalog refused or failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The lake refused or failed.
    #[error("cannot read the results")]
    Lake(#[from] LakeError),
    /// Bytes of a result cannot be read.
    #[error("cannot read the results")]
    Io(#[from] std::io::Error),
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

impl QueryError {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into() }
    }
}

pub(crate) fn encode<T: serde::Serialize>(what: &'static str, value: &T) -> Result<String, QueryError> {
    serde_json::to_string(value).map_err(|source| QueryError::Corrupt { what, source })
}

pub(crate) fn decode<T: serde::de::DeserializeOwned>(
    what: &'static str,
    text: &str,
) -> Result<T, QueryError> {
    serde_json::from_str(text).map_err(|source| QueryError::Corrupt { what, source })
}
