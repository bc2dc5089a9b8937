//! New tables: made at once, staged for a commit that makes them, or registered by their metadata.

use catalog::TableInput;
use lake::ListQuery;
use store::{Scope, Tx};

use super::commit::Plan;
use super::{Found, Identifier, LoadedTable, Tables, from_catalog, read, refused};
use crate::apply::{NewTable, create};
use crate::error::TablesError;
use crate::files::Place;
use crate::glue;
use crate::metadata::{PartitionSpec, Schema, SortOrder, TableMetadata};

/// A table to be made.
#[derive(Clone, Debug)]
pub struct CreateTable {
    /// Its name.
    pub table: Identifier,
    /// Where its files go; `None`: the namespace's location or the warehouse decide.
    pub location: Option<String>,
    /// The schema.
    pub schema: Schema,
    /// How it is partitioned.
    pub partition_spec: Option<PartitionSpec>,
    /// How it is sorted.
    pub write_order: Option<SortOrder>,
    /// Settings.
    pub properties: std::collections::BTreeMap<String, String>,
    /// What the catalog's entry says besides what the metadata says: a description, parameters and so on.
    pub entry: Option<Box<TableInput>>,
}

/// A table that does not exist yet: a commit with `assert-create` makes it.
#[derive(Clone, Debug)]
pub struct StagedTable {
    /// What it will begin with.
    pub metadata: TableMetadata,
}

impl Tables {
    /// Makes a table. `warehouse` and `caller` as in [`Tables::commit`].
    /// Errors: `NamespaceNotFound`, `TableExists`, `Location`, `Invalid`.
    pub async fn create(
        &self,
        scope: &Scope,
        request: CreateTable,
        warehouse: Option<&str>,
        caller: &str,
    ) -> Result<LoadedTable, TablesError> {
        let (table, entry) = (request.table.clone(), request.entry.clone());
        let staged = self.stage_create(scope, request, warehouse).await?;
        let uuid = self.store.ids().uuid();
        let mut plan = Plan::new(table.clone(), staged.metadata, &uuid, None, None)?;
        plan.entry = entry;
        let done = self.publish(scope, vec![plan], caller).await?;
        match done.and_then(|done| done.into_iter().next()) {
            Some(done) => Ok(done),
            None => Err(exists(&table)),
        }
    }

    /// Prepares a table without making it: nothing of it is kept.
    /// Errors: as [`Tables::create`].
    pub async fn stage_create(
        &self,
        scope: &Scope,
        request: CreateTable,
        warehouse: Option<&str>,
    ) -> Result<StagedTable, TablesError> {
        let mut tx = self.store.read().await?;
        match self.find(&mut tx, scope, &request.table).await? {
            Found::Nothing => {}
            Found::Iceberg(_) | Found::OtherKind => return Err(exists(&request.table)),
        }
        let location = match request.location {
            Some(location) => location,
            None => self.default_location(&mut tx, scope, &request.table, warehouse).await?,
        };
        self.check_location(&mut tx, scope, &location).await?;
        let new = NewTable {
            schema: request.schema,
            partition_spec: request.partition_spec,
            write_order: request.write_order,
            properties: request.properties,
            location,
        };
        let metadata = create(new, &tx.new_id(), tx.now_ms()).map_err(refused)?;
        Ok(StagedTable { metadata })
    }

    /// Makes a table of metadata that exists already.
    /// Errors: `NamespaceNotFound`, `TableExists`, `Location`, `MetadataBroken`.
    pub async fn register(
        &self,
        scope: &Scope,
        table: &Identifier,
        metadata_location: &str,
        caller: &str,
    ) -> Result<LoadedTable, TablesError> {
        let mut tx = self.store.read().await?;
        let object = self.open_file(&mut tx, scope, metadata_location).await?;
        drop(tx);
        let metadata = read(&object, metadata_location).await?;
        let mut tx = self.store.begin().await?;
        match self.find(&mut tx, scope, table).await? {
            Found::Nothing => {}
            Found::Iceberg(_) | Found::OtherKind => return Err(exists(table)),
        }
        self.check_location(&mut tx, scope, &metadata.location).await?;
        let input = glue::table_input(&table.name, None, &metadata, metadata_location);
        let made = catalog::table::create(&mut tx, scope, &table.namespace, input, caller).await;
        made.map_err(from_catalog)?;
        tx.commit().await?;
        Ok(LoadedTable { metadata_location: metadata_location.to_owned(), metadata })
    }

    /// The catalog's entry for metadata that exists already; nothing is made.
    /// Errors: `Location`, `MetadataBroken`.
    pub async fn describe(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        metadata_location: &str,
    ) -> Result<TableInput, TablesError> {
        let object = self.open_file(tx, scope, metadata_location).await?;
        let metadata = read(&object, metadata_location).await?;
        self.check_location(tx, scope, &metadata.location).await?;
        Ok(glue::table_input("", None, &metadata, metadata_location))
    }

    /// Where a table goes that names no location: below the namespace's location, else below the warehouse. A folder in
    /// which there is something already (of a table that was renamed or dropped) is not used again.
    /// Errors: `NamespaceNotFound`, `Invalid` when there is neither location, `Location`.
    pub(super) async fn default_location(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        table: &Identifier,
        warehouse: Option<&str>,
    ) -> Result<String, TablesError> {
        let database = catalog::database::get(tx, scope, &table.namespace).await.map_err(from_catalog)?;
        let (namespace, name) = (&database.name, table.name.to_lowercase());
        let own = database.input.location_uri.as_deref().filter(|location| !location.is_empty());
        let location = match (own, warehouse) {
            (Some(own), _) => format!("{}/{name}", own.trim_end_matches('/')),
            (None, Some(warehouse)) => format!("{}/{namespace}.db/{name}", warehouse.trim_end_matches('/')),
            (None, None) => {
                return Err(TablesError::invalid(format!(
                    "There is no place for {namespace}.{name}: give the table a location, set the namespace's property \
                     location, or connect with warehouse=s3://bucket/prefix."
                )));
            }
        };
        let Place { bucket, key } = self.check_location(tx, scope, &location).await?;
        let query = ListQuery { prefix: format!("{key}/"), limit: 1, ..ListQuery::default() };
        let page = self.lake.list(tx, &bucket, &query).await?;
        if page.objects.is_empty() {
            return Ok(location);
        }
        let id = tx.new_id();
        Ok(format!("{location}-{}", id.get(..8).unwrap_or(&id)))
    }
}

fn exists(table: &Identifier) -> TablesError {
    let Identifier { namespace, name } = table.clone();
    TablesError::TableExists { namespace, table: name }
}
