//! How DataFusion's planner finds our databases, tables and views.
//!
//! One catalog, `awsdatacatalog`, whose every database is a [`Database`]: it knows the session's views (in the
//! default database) and asks our catalog for the rest. Nothing is listed ahead of time. Whatever is not found is one
//! of our typed errors, because DataFusion's own would be text.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use datafusion::{
    catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider},
    error::{DataFusionError, Result},
};

use crate::{EngineError, bad::BadLog, table, view::CatalogView};

/// The catalog's name, as Athena has it.
pub const CATALOG: &str = "awsdatacatalog";

/// Functions of DataFusion's that stand where tables do: a name of theirs that is no table is left to the planner.
const TABLE_FUNCTIONS: [&str; 2] = ["generate_series", "range"];

/// The session's views by name.
#[derive(Debug, Default)]
pub(crate) struct Views {
    tables: RwLock<HashMap<String, Arc<dyn TableProvider>>>,
}

impl Views {
    pub(crate) fn set(&self, name: &str, view: Arc<dyn TableProvider>) -> Option<Arc<dyn TableProvider>> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), view)
    }

    pub(crate) fn remove(&self, name: &str) -> Option<Arc<dyn TableProvider>> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner).remove(name)
    }

    /// The view of that name: as spelled, else the only one that differs in case.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<dyn TableProvider>> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(exact) = tables.get(name) {
            return Some(Arc::clone(exact));
        }
        let mut alike = tables.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        match (alike.next(), alike.next()) {
            (Some((_, only)), None) => Some(Arc::clone(only)),
            _ => None,
        }
    }

    fn names(&self) -> Vec<String> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }
}

/// What all levels need.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) view: CatalogView,
    pub(crate) views: Arc<Views>,
    pub(crate) default_database: String,
    /// See [`table::TableOptions::fold_fields`].
    pub(crate) fold_fields: bool,
    pub(crate) bad: Arc<BadLog>,
}

/// The list of catalogs: one.
#[derive(Debug)]
pub(crate) struct Catalogs(pub(crate) Arc<Names>);

impl CatalogProviderList for Catalogs {
    fn register_catalog(
        &self,
        _name: String,
        _catalog: Arc<dyn CatalogProvider>,
    ) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![CATALOG.to_owned()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        let known = name.eq_ignore_ascii_case(CATALOG);
        Some(Arc::new(Catalog { names: Arc::clone(&self.0), unknown: (!known).then(|| name.to_owned()) }))
    }
}

#[derive(Debug)]
struct Catalog {
    names: Arc<Names>,
    /// The name that was asked for, when there is no such catalog.
    unknown: Option<String>,
}

impl CatalogProvider for Catalog {
    fn schema_names(&self) -> Vec<String> {
        vec![self.names.default_database.clone()]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        Some(Arc::new(Database {
            names: Arc::clone(&self.names),
            name: name.to_owned(),
            unknown_catalog: self.unknown.clone(),
        }))
    }
}

#[derive(Debug)]
struct Database {
    names: Arc<Names>,
    name: String,
    unknown_catalog: Option<String>,
}

impl Database {
    fn has_views(&self) -> bool {
        self.unknown_catalog.is_none() && self.name == self.names.default_database
    }
}

#[async_trait]
impl SchemaProvider for Database {
    fn table_names(&self) -> Vec<String> {
        if self.has_views() { self.names.views.names() } else { Vec::new() }
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        if let Some(catalog) = &self.unknown_catalog {
            let message = format!("catalog {catalog} does not exist; the only one is {CATALOG}");
            return Err(EngineError::Plan { message }.into_datafusion());
        }
        if self.has_views()
            && let Some(view) = self.names.views.get(name)
        {
            return Ok(Some(view));
        }
        let options =
            table::TableOptions { fold_fields: self.names.fold_fields, ..table::TableOptions::default() };
        match table::open(&self.names.view, &self.name, name, options, Arc::clone(&self.names.bad)).await {
            Err(EngineError::TableNotFound { .. } | EngineError::DatabaseNotFound { .. })
                if TABLE_FUNCTIONS.contains(&name) =>
            {
                Ok(None)
            }
            found => Ok(Some(found?)),
        }
    }

    fn register_table(
        &self,
        name: String,
        table: Arc<dyn TableProvider>,
    ) -> Result<Option<Arc<dyn TableProvider>>> {
        if !self.has_views() {
            let message = "views can be registered in the session's default database only".to_owned();
            return Err(EngineError::Unsupported { message }.into_datafusion());
        }
        Ok(self.names.views.set(&name, table))
    }

    fn deregister_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok(if self.has_views() { self.names.views.remove(name) } else { None })
    }

    fn table_exist(&self, name: &str) -> bool {
        self.has_views() && self.names.views.get(name).is_some()
    }
}
