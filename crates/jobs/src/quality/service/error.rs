//! What can go wrong with a request about data quality. What goes wrong *in* a run is its error message.

use catalog::CatalogError;
use store::StoreError;

use crate::JobsError;

/// A refused or failed request; nothing was changed by it.
#[derive(Debug, thiserror::Error)]
pub enum QualityError {
    /// No ruleset of this name.
    #[error("Data quality ruleset {name} was not found")]
    RulesetNotFound {
        /// The name.
        name: String,
    },
    /// A ruleset of this name exists.
    #[error("Data quality ruleset {name} exists already")]
    RulesetExists {
        /// The name.
        name: String,
    },
    /// No run of this id.
    #[error("Data quality run {id} was not found")]
    RunNotFound {
        /// The id.
        id: String,
    },
    /// No result of this id.
    #[error("Data quality result {id} was not found")]
    ResultNotFound {
        /// The id.
        id: String,
    },
    /// A request that cannot be honoured.
    #[error("{message}")]
    Invalid {
        /// Why, for the client.
        message: String,
    },
    /// The catalog refused or failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
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

impl QualityError {
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into() }
    }
}

impl From<JobsError> for QualityError {
    fn from(error: JobsError) -> Self {
        match error {
            JobsError::Store(error) => Self::Store(error),
            other => Self::invalid(other.to_string()),
        }
    }
}
