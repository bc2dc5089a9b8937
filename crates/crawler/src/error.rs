//! What can go wrong with crawlers, as facts; the Glue face turns them into AWS's codes.

use catalog::CatalogError;
use lake::LakeError;
use store::StoreError;

/// A refused or failed operation on crawlers.
#[derive(Debug, thiserror::Error)]
pub enum CrawlerError {
    /// There is no crawler of that name.
    #[error("Crawler with name {name} does not exist")]
    NotFound {
        /// The name.
        name: String,
    },
    /// A crawler of that name exists.
    #[error("Crawler with name {name} already exists")]
    Exists {
        /// The name.
        name: String,
    },
    /// The crawler is running, so that this cannot be done now.
    #[error("Crawler with name {name} has already started")]
    Running {
        /// The name.
        name: String,
    },
    /// The crawler is not running.
    #[error("Crawler with name {name} isn't running")]
    NotRunning {
        /// The name.
        name: String,
    },
    /// The crawler is stopping already.
    #[error("Crawler with name {name} is already stopping")]
    Stopping {
        /// The name.
        name: String,
    },
    /// The request cannot be honoured.
    #[error("{message}")]
    Invalid {
        /// Why, for the client.
        message: String,
    },
    /// The catalog refused or failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The lake refused or failed.
    #[error(transparent)]
    Lake(#[from] LakeError),
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

impl CrawlerError {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into() }
    }
}

pub(crate) fn encode<T: serde::Serialize>(what: &'static str, value: &T) -> Result<String, CrawlerError> {
    serde_json::to_string(value).map_err(|source| CrawlerError::Corrupt { what, source })
}

pub(crate) fn decode<T: serde::de::DeserializeOwned>(
    what: &'static str,
    text: &str,
) -> Result<T, CrawlerError> {
    serde_json::from_str(text).map_err(|source| CrawlerError::Corrupt { what, source })
}
