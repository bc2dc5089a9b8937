//! What can go wrong in the registry.

use schemas::{Format, Invalid};
use store::StoreError;

use super::SchemaName;
use crate::CatalogError;

/// An error of the registry. Except for `Store` and `Corrupt`, nothing was changed by the call that returned it.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// There is no such registry.
    #[error("Registry is not found. RegistryName: {registry}")]
    RegistryNotFound {
        /// Its name or ARN.
        registry: String,
    },
    /// There is no such schema.
    #[error("Schema is not found. RegistryName: {}, SchemaName: {}", name.registry, name.schema)]
    SchemaNotFound {
        /// What was asked for.
        name: SchemaName,
    },
    /// There is nothing of that ARN here.
    #[error("Schema is not found. SchemaArn: {arn}")]
    ArnNotFound {
        /// What was asked for.
        arn: String,
    },
    /// There is no such version.
    #[error("Schema version is not found. {which}")]
    VersionNotFound {
        /// What was asked for.
        which: String,
    },
    /// Nothing of this is noted on the version.
    #[error("Metadata is not found. SchemaVersionId: {id}, MetadataKey: {key}, MetadataValue: {value}")]
    NoteNotFound {
        /// The version.
        id: String,
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// The registry's name is taken.
    #[error("Registry already exists. RegistryName: {registry}")]
    RegistryExists {
        /// The name.
        registry: String,
    },
    /// The schema's name is taken.
    #[error("Schema already exists. RegistryName: {}, SchemaName: {}", name.registry, name.schema)]
    SchemaExists {
        /// The name.
        name: SchemaName,
    },
    /// This is noted on the version already.
    #[error("Metadata already exists. SchemaVersionId: {id}, MetadataKey: {key}, MetadataValue: {value}")]
    NoteExists {
        /// The version.
        id: String,
        /// The key.
        key: String,
        /// The value.
        value: String,
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
    Invalid {
        /// Why, for the client.
        message: String,
    },
    /// A definition is not acceptable.
    #[error("Schema definition of {} data format is invalid: {source}", format.as_str())]
    Definition {
        /// The format.
        format: Format,
        /// What is wrong with it.
        source: Invalid,
    },
    /// The version cannot be deleted: it is the schema's checkpoint.
    #[error("Version {number} is the checkpoint of the schema: set another one first.")]
    Checkpoint {
        /// The version.
        number: i64,
    },
    /// The schema changed again and again while a version was checked.
    #[error("The schema is being changed by others. Try again.")]
    Changed,
    /// A paging token was not made by this listing.
    #[error("The pagination token is not valid for this request.")]
    InvalidToken,
    /// The metadata store failed.
    #[error("the metadata store failed")]
    Store(#[from] StoreError),
    /// A stored row cannot be read.
    #[error("a stored {what} cannot be read")]
    Corrupt {
        /// What kind of row.
        what: &'static str,
    },
}

impl RegistryError {
    pub(crate) fn invalid(message: impl Into<String>) -> RegistryError {
        RegistryError::Invalid { message: message.into() }
    }

    /// What the paging of the catalog says, in the words of the registry.
    pub(super) fn of_page(error: CatalogError) -> RegistryError {
        match error {
            CatalogError::Store(error) => RegistryError::Store(error),
            CatalogError::InvalidToken => RegistryError::InvalidToken,
            _ => RegistryError::Corrupt { what: "token" },
        }
    }

    /// Whether the error says that something is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            RegistryError::RegistryNotFound { .. }
                | RegistryError::SchemaNotFound { .. }
                | RegistryError::ArnNotFound { .. }
                | RegistryError::VersionNotFound { .. }
                | RegistryError::NoteNotFound { .. }
        )
    }
}
