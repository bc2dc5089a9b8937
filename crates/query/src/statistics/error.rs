//! What can go wrong with a request about statistics tasks. What goes wrong *in* a run is its error message.

use catalog::CatalogError;
use store::StoreError;

/// A refused or failed request; nothing was changed by it.
#[derive(Debug, thiserror::Error)]
pub enum StatisticsError {
    /// No run of this id.
    #[error("Column statistics task run {id} was not found")]
    RunNotFound {
        /// The id.
        id: String,
    },
    /// A run of the table is at work.
    #[error("A column statistics task run of table {table} is running already")]
    Running {
        /// Database and name.
        table: String,
    },
    /// No run of the table is at work.
    #[error("No column statistics task run of table {table} is running")]
    NotRunning {
        /// Database and name.
        table: String,
    },
    /// The table's run was told to stop before.
    #[error("The column statistics task run of table {table} is stopping already")]
    Stopping {
        /// Database and name.
        table: String,
    },
    /// The table has no settings.
    #[error("There are no column statistics task settings of table {table}")]
    SettingsNotFound {
        /// Database and name.
        table: String,
    },
    /// The table has settings already.
    #[error("There are column statistics task settings of table {table} already")]
    SettingsExist {
        /// Database and name.
        table: String,
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

impl StatisticsError {
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into() }
    }
}
