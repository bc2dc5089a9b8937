//! What can go wrong in the catalog.

use store::{Outcome, Retry, StoreError};

use crate::expression::ExpressionError;
use crate::registry::RegistryError;

/// An error of the catalog. Except for `Store` and `Corrupt`, nothing was changed by the call that
/// returned it; the caller may still commit or drop the transaction.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// There is no database of that name.
    #[error("Database {database} not found.")]
    DatabaseNotFound {
        /// The name, in lower case.
        database: String,
    },
    /// There is no table of that name in the database.
    #[error("Table {table} not found.")]
    TableNotFound {
        /// The database, in lower case.
        database: String,
        /// The table, in lower case.
        table: String,
    },
    /// What a resource link leads to is not there (any more).
    #[error("Resource link {link} leads to {target}, which does not exist.")]
    TargetNotFound {
        /// The link.
        link: String,
        /// Where it leads.
        target: String,
    },
    /// The table has no such version.
    #[error("Version not found.")]
    VersionNotFound {
        /// The version that was asked for.
        version: String,
    },
    /// The table has no partition of these values.
    #[error("Cannot find partition.")]
    PartitionNotFound {
        /// The values that were asked for.
        values: Vec<String>,
    },
    /// Something else that a name leads to is not there: a function, an index, statistics, a policy.
    #[error("{what} {name} not found.")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Something else of that name exists.
    #[error("{what} {name} already exists.")]
    Exists {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A condition of the caller does not hold.
    #[error("{message}")]
    ConditionFailed {
        /// Which one.
        message: String,
    },
    /// A database of that name exists.
    #[error("Database already exists.")]
    DatabaseExists {
        /// The name, in lower case.
        database: String,
    },
    /// A table of that name exists.
    #[error("Table already exists.")]
    TableExists {
        /// The name, in lower case.
        table: String,
    },
    /// A partition of these values exists.
    #[error("Partition already exists.")]
    PartitionExists {
        /// The values.
        values: Vec<String>,
    },
    /// The version that the caller read is no longer the current one.
    #[error("Update table failed due to concurrent modifications.")]
    VersionConflict {
        /// The version that the caller gave.
        given: String,
        /// The version that the table has.
        current: i64,
    },
    /// An update of an Iceberg table was made on metadata that is no longer the current one.
    #[error(
        "Update table failed due to concurrent modifications: the metadata of Iceberg table {table} is at {current}. Give \
         the VersionId that was read, or that place as previous_metadata_location."
    )]
    PointerMoved {
        /// The table, in lower case.
        table: String,
        /// Where its metadata is.
        current: String,
    },
    /// A limit was reached.
    #[error("Number of {what} exceeds the limit of {limit}.")]
    LimitExceeded {
        /// What there is too much of.
        what: &'static str,
        /// The most that is allowed.
        limit: i64,
    },
    /// The input is not acceptable.
    #[error("{message}")]
    InvalidInput {
        /// Why, for the client.
        message: String,
    },
    /// A partition expression is not acceptable.
    #[error(transparent)]
    ExpressionInvalid(#[from] ExpressionError),
    /// A stored partition value cannot be read as its key's declared type, so that the expression
    /// has no answer.
    #[error("{message}")]
    ValueNotOfType {
        /// Which value, of which type.
        message: String,
    },
    /// A paging token was not made by this listing.
    #[error("The pagination token is not valid for this request.")]
    InvalidToken,
    /// The schema that a table refers to.
    #[error(transparent)]
    Registry(RegistryError),
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

impl From<RegistryError> for CatalogError {
    fn from(error: RegistryError) -> CatalogError {
        match error {
            RegistryError::Store(error) => CatalogError::Store(error),
            other => CatalogError::Registry(other),
        }
    }
}

impl CatalogError {
    /// Input that is refused, with the reason for the client.
    pub(crate) fn invalid(message: impl Into<String>) -> CatalogError {
        CatalogError::InvalidInput { message: message.into() }
    }

    /// Whether the failed call may have changed something all the same.
    pub fn outcome(&self) -> Outcome {
        match self {
            CatalogError::Store(error) => error.outcome(),
            _ => Outcome::NotApplied,
        }
    }

    /// Whether the same call may succeed later.
    pub fn retry(&self) -> Retry {
        match self {
            CatalogError::Store(error) => error.retry(),
            _ => Retry::Never,
        }
    }
}

/// Writes a document for the store.
pub(crate) fn to_doc<T: serde::Serialize>(what: &'static str, value: &T) -> Result<String, CatalogError> {
    serde_json::to_string(value).map_err(|source| CatalogError::Corrupt { what, source })
}

/// Reads a document of the store.
pub(crate) fn from_doc<T: serde::de::DeserializeOwned>(
    what: &'static str,
    text: &str,
) -> Result<T, CatalogError> {
    serde_json::from_str(text).map_err(|source| CatalogError::Corrupt { what, source })
}
