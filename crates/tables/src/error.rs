//! What can go wrong with tables, as facts; the face turns them into the specification's codes.

use catalog::CatalogError;
use lake::LakeError;
use store::StoreError;

/// Metadata, or a change of it, that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// The document is not one.
    #[error("the metadata cannot be read: {what}")]
    Unreadable {
        /// What and where.
        what: String,
    },
    /// A format version that this server does not know.
    #[error("format version {given} is not supported (1 to 3 are)")]
    Version {
        /// The version.
        given: u64,
    },
    /// The metadata, or what an update would make of it, contradicts itself or the specification.
    #[error("{message}")]
    Invalid {
        /// Why, for the client.
        message: String,
    },
    /// A requirement of the commit does not hold: somebody else has changed the table.
    #[error("Requirement failed: {what}")]
    Requirement {
        /// Which one, and what was found.
        what: String,
    },
}

impl MetadataError {
    pub(crate) fn invalid(message: impl Into<String>) -> MetadataError {
        MetadataError::Invalid { message: message.into() }
    }
}

/// An error of a call on namespaces or tables. Nothing was changed unless it is `Store` (or a store's error inside
/// `Catalog` or `Lake`) of unknown outcome.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    /// There is no such namespace.
    #[error("Namespace does not exist: {namespace}")]
    NamespaceNotFound {
        /// The name.
        namespace: String,
    },
    /// A namespace of that name exists.
    #[error("Namespace already exists: {namespace}")]
    NamespaceExists {
        /// The name.
        namespace: String,
    },
    /// A namespace that is to be dropped has tables.
    #[error("Namespace is not empty: {namespace}")]
    NamespaceNotEmpty {
        /// The name.
        namespace: String,
    },
    /// A property is to be both set and removed.
    #[error("Invalid namespace update: cannot simultaneously set and remove keys: {keys:?}")]
    BothSetAndRemoved {
        /// The properties.
        keys: Vec<String>,
    },
    /// There is no such Iceberg table.
    #[error("Table does not exist: {namespace}.{table}{}", hint(*.other_kind))]
    TableNotFound {
        /// The namespace.
        namespace: String,
        /// The table.
        table: String,
        /// Whether there is a table of that name that is not an Iceberg table.
        other_kind: bool,
    },
    /// A table of that name exists.
    #[error("Table already exists: {namespace}.{table}")]
    TableExists {
        /// The namespace.
        namespace: String,
        /// The table.
        table: String,
    },
    /// A requirement of the commit does not hold.
    #[error("{what}")]
    CommitFailed {
        /// Which one, on which table.
        what: String,
    },
    /// Other commits were faster, again and again.
    #[error("Other commits to {namespace}.{table} were faster; try again.")]
    Contended {
        /// The namespace.
        namespace: String,
        /// The table.
        table: String,
    },
    /// The request is not acceptable.
    #[error("{message}")]
    Invalid {
        /// Why, for the client.
        message: String,
    },
    /// A location is not one of this server's buckets.
    #[error("Location {location} cannot be used: {what}")]
    Location {
        /// As given.
        location: String,
        /// Why.
        what: String,
    },
    /// The metadata that the catalog names for a table is missing or cannot be read.
    #[error("The metadata at {location} cannot be read: {what}")]
    MetadataBroken {
        /// Where it should be.
        location: String,
        /// Why.
        what: String,
    },
    /// Something that this server does not do.
    #[error("{what}")]
    Unsupported {
        /// What, and what to do instead.
        what: String,
    },
    /// The catalog failed or refused.
    #[error("the catalog: {0}")]
    Catalog(#[from] CatalogError),
    /// The objects failed or refused.
    #[error("the objects: {0}")]
    Lake(#[from] LakeError),
    /// The metadata store failed.
    #[error("the metadata store failed")]
    Store(#[from] StoreError),
}

fn hint(other_kind: bool) -> &'static str {
    if other_kind { " (the catalog has a table of that name, but it is not an Iceberg table)" } else { "" }
}

impl TablesError {
    pub(crate) fn invalid(message: impl Into<String>) -> TablesError {
        TablesError::Invalid { message: message.into() }
    }

    /// The store's error that is behind this one, if any.
    pub fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error)
            | Self::Catalog(CatalogError::Store(error))
            | Self::Lake(LakeError::Store(error)) => Some(error),
            _ => None,
        }
    }
}
