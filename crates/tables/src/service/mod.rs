//! Namespaces and tables on the catalog and the lake. Calls that stage files own their transaction, because files are
//! written before it begins; all of them commit once.

mod commit;
mod create;
mod manage;
mod namespaces;
mod pointer;
mod replace;
mod scan;
#[cfg(test)]
mod tests;
mod write;
#[cfg(test)]
mod write_tests;

use catalog::{CatalogError, Table};
use lake::{Conditions, Lake, LakeError, Object};
use store::{Scope, Store, StoreError, Tx};

pub use commit::TableCommit;
pub use create::{CreateTable, StagedTable};
pub use namespaces::{NamespaceChange, NamespaceInfo};
pub use replace::Replaces;
pub use scan::DataFile;
pub use write::{Change, PreparedWrite};

use crate::error::{MetadataError, TablesError};
use crate::files::{self, MAX_METADATA_BYTES, Place};
use crate::glue::{METADATA_LOCATION, is_iceberg};
use crate::metadata::TableMetadata;

/// The Iceberg tables of a server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tables {
    store: Store,
    lake: Lake,
}

/// A table's name: a database of the catalog and a table in it, in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    /// The namespace: the catalog's database.
    pub namespace: String,
    /// The table.
    pub name: String,
}

/// A table as it is.
#[derive(Clone, Debug)]
pub struct LoadedTable {
    /// Where its metadata is.
    pub metadata_location: String,
    /// The metadata.
    pub metadata: TableMetadata,
}

/// A page of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The names, in order.
    pub names: Vec<String>,
    /// Where the next page begins; absent on the last page.
    pub next: Option<String>,
}

/// Entries of the catalog that are read at a time.
const PAGE: usize = 500;

/// Names that are gathered from pages of the catalog, up to a limit.
struct Gathering {
    found: Names,
    limit: Option<usize>,
    ended: bool,
}

impl Gathering {
    fn new(token: Option<&str>, limit: Option<usize>) -> Gathering {
        let found = Names { names: Vec::new(), next: token.map(str::to_owned) };
        Gathering { found, limit: limit.map(|limit| limit.max(1)), ended: false }
    }

    /// How many entries to read next; `None` when there is nothing more to do.
    fn wanted(&self) -> Option<usize> {
        let room = self.limit.map_or(PAGE, |limit| limit.saturating_sub(self.found.names.len()).min(PAGE));
        (!self.ended && room > 0).then_some(room)
    }

    fn token(&self) -> Option<&str> {
        self.found.next.as_deref()
    }

    /// Adds what a page gave, and where the next one begins.
    fn add(&mut self, names: impl Iterator<Item = String>, next: Option<String>) {
        self.found.names.extend(names);
        self.ended = next.is_none();
        self.found.next = next;
    }
}

/// A table of the catalog with its metadata file, pinned: readable after the transaction has ended.
struct Opened {
    table: Table,
    location: String,
    object: Object,
}

impl Tables {
    /// Works on the tables whose catalog is in `store` and whose files are in `lake`.
    pub fn new(store: Store, lake: Lake) -> Tables {
        Tables { store, lake }
    }

    pub(crate) fn lake(&self) -> &Lake {
        &self.lake
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Loads a table.
    /// Errors: `NamespaceNotFound`, `TableNotFound`, `MetadataBroken`.
    pub async fn load(&self, scope: &Scope, table: &Identifier) -> Result<LoadedTable, TablesError> {
        let mut tx = self.store.read().await?;
        let opened = match self.find(&mut tx, scope, table).await? {
            Found::Iceberg(found) => self.open(&mut tx, scope, *found).await?,
            Found::Nothing => return Err(not_found(table, false)),
            Found::OtherKind => return Err(not_found(table, true)),
        };
        drop(tx);
        let metadata = opened.read().await?;
        Ok(LoadedTable { metadata_location: opened.location, metadata })
    }

    /// Looks a table up in the catalog.
    /// Errors: `NamespaceNotFound`.
    async fn find(&self, tx: &mut Tx, scope: &Scope, table: &Identifier) -> Result<Found, TablesError> {
        // A resource link is no Iceberg table: a commit through one would have to know where it leads.
        match catalog::table::get_entry(tx, scope, &table.namespace, &table.name).await {
            Ok(found) if is_iceberg(&found) => Ok(Found::Iceberg(Box::new(found))),
            Ok(_) => Ok(Found::OtherKind),
            Err(CatalogError::TableNotFound { .. }) => Ok(Found::Nothing),
            Err(error) => Err(from_catalog(error)),
        }
    }

    /// Opens the metadata file that the catalog names.
    /// Errors: `MetadataBroken`.
    async fn open(&self, tx: &mut Tx, scope: &Scope, table: Table) -> Result<Opened, TablesError> {
        let Some(location) = table.parameter(METADATA_LOCATION).map(str::to_owned) else {
            let location = format!("{}.{}", table.database_name, table.name);
            let what = "the catalog's table has no parameter metadata_location".to_owned();
            return Err(TablesError::MetadataBroken { location, what });
        };
        let object = self.open_file(tx, scope, &location).await.map_err(|error| match error {
            TablesError::Location { location, what } => TablesError::MetadataBroken { location, what },
            other => other,
        })?;
        Ok(Opened { table, location, object })
    }

    /// Opens a file of this account.
    /// Errors: `Location`.
    async fn open_file(&self, tx: &mut Tx, scope: &Scope, location: &str) -> Result<Object, TablesError> {
        let place = Place::parse(location)?;
        let conditions = Conditions { owner: Some(scope.account.clone()), ..Conditions::NONE };
        let opened = self.lake.get(tx, &place.bucket, &place.object_key()?, &conditions).await;
        opened.map_err(|error| misplaced(location, error))
    }

    /// Checks that a location is in a bucket of this account.
    /// Errors: `Location`.
    pub(crate) async fn check_location(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        location: &str,
    ) -> Result<Place, TablesError> {
        let place = Place::parse(location)?;
        let bucket = self.lake.bucket(tx, &place.bucket).await;
        let bucket = bucket.map_err(|error| misplaced(location, error))?;
        if bucket.scope.account != scope.account {
            let what = "the bucket belongs to another account".to_owned();
            return Err(TablesError::Location { location: location.to_owned(), what });
        }
        Ok(place)
    }
}

/// What the catalog has under a name.
enum Found {
    Nothing,
    OtherKind,
    Iceberg(Box<Table>),
}

impl Opened {
    /// Errors: `MetadataBroken`.
    async fn read(&self) -> Result<TableMetadata, TablesError> {
        read(&self.object, &self.location).await
    }
}

/// Reads a metadata file.
/// Errors: `MetadataBroken`, `Lake` where the bytes cannot be had.
async fn read(object: &Object, location: &str) -> Result<TableMetadata, TablesError> {
    let broken = |what: String| TablesError::MetadataBroken { location: location.to_owned(), what };
    let size = object.info().size;
    if size > MAX_METADATA_BYTES {
        return Err(broken(format!("it has {size} bytes, more than {MAX_METADATA_BYTES}")));
    }
    let unread = |source| LakeError::Io { what: format!("reading {location}"), source };
    let bytes = object.read_range(0..size).await.map_err(unread)?;
    files::decode(&bytes).map_err(|error| broken(error.to_string()))
}

fn not_found(table: &Identifier, other_kind: bool) -> TablesError {
    let Identifier { namespace, name } = table.clone();
    TablesError::TableNotFound { namespace, table: name, other_kind }
}

/// What is wrong with a place, when it is the place that is wrong.
fn misplaced(location: &str, error: LakeError) -> TablesError {
    match error {
        LakeError::NoSuchBucket { .. }
        | LakeError::NoSuchKey { .. }
        | LakeError::NotOwner { .. }
        | LakeError::InvalidKey
        | LakeError::KeyTooLong { .. } => {
            TablesError::Location { location: location.to_owned(), what: error.to_string() }
        }
        other => TablesError::Lake(other),
    }
}

/// Errors of the catalog that say what this crate says in its own words.
fn from_catalog(error: CatalogError) -> TablesError {
    match error {
        CatalogError::DatabaseNotFound { database } => TablesError::NamespaceNotFound { namespace: database },
        CatalogError::DatabaseExists { database } => TablesError::NamespaceExists { namespace: database },
        other => TablesError::Catalog(other),
    }
}

/// Refused metadata, of a commit or a new table.
fn refused(error: MetadataError) -> TablesError {
    match error {
        MetadataError::Requirement { .. } => TablesError::CommitFailed { what: error.to_string() },
        other => TablesError::Invalid { message: other.to_string() },
    }
}

/// Whether a transaction only met another one, and may be done again.
fn met_another(error: &TablesError) -> bool {
    matches!(error.store_error(), Some(StoreError::Conflict { .. }))
}
