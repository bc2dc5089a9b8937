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
    /// There is no classifier of that name.
    #[error("Classifier with name {name} does not exist")]
    ClassifierNotFound {
        /// The name.
        name: String,
    },
    /// There is no connection of that name.
    #[error("Connection {name} not found.")]
    ConnectionNotFound {
        /// The name.
        name: String,
    },
    /// A classifier of that name exists.
    #[error("Classifier with name {name} already exists")]
    ClassifierExists {
        /// The name.
        name: String,
    },
    /// No run has changed anything that could still be undone.
    #[error("No crawl of crawler {name} has changed anything that could be undone")]
    NothingToUndo {
        /// The crawler's name.
        name: String,
    },
    /// Somebody has changed what a run wrote, so that it cannot be undone.
    #[error("The crawl cannot be undone: somebody has changed table {table} since ({what})")]
    ChangedSince {
        /// Database and name.
        table: String,
        /// What of it.
        what: String,
    },
    /// The crawler has no schedule that could be started.
    #[error("There is no schedule for crawler {name}")]
    NoSchedule {
        /// The crawler's name.
        name: String,
    },
    /// The crawler's schedule is one that never fires any more.
    #[error("The schedule of crawler {name} never fires again: the last moment of {expression} is past")]
    SchedulePast {
        /// The crawler's name.
        name: String,
        /// `cron(…)`
        expression: String,
    },
    /// The schedule is started already.
    #[error("The schedule of crawler {name} is already running")]
    SchedulerRunning {
        /// The crawler's name.
        name: String,
    },
    /// The schedule is not started.
    #[error("The schedule of crawler {name} is not running")]
    SchedulerNotRunning {
        /// The crawler's name.
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

/// A document as compressed JSON.
pub(crate) fn pack<T: serde::Serialize>(what: &'static str, value: &T) -> Result<Vec<u8>, CrawlerError> {
    let text = encode(what, value)?;
    zstd::bulk::compress(text.as_bytes(), 3).map_err(|error| unpackable(what, &error))
}

/// The inverse of [`pack`].
pub(crate) fn unpack<T: serde::de::DeserializeOwned>(
    what: &'static str,
    bytes: &[u8],
) -> Result<T, CrawlerError> {
    let text = zstd::stream::decode_all(bytes).map_err(|error| unpackable(what, &error))?;
    serde_json::from_slice(&text).map_err(|source| CrawlerError::Corrupt { what, source })
}

fn unpackable(what: &'static str, error: &std::io::Error) -> CrawlerError {
    CrawlerError::Corrupt { what, source: serde::de::Error::custom(error) }
}
