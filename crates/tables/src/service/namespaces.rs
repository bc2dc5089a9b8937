//! Namespaces: the catalog's databases. Their properties are the database's parameters, with `location` for its
//! `LocationUri` and `comment` for its description, as Iceberg's Glue catalogs map them.

use std::collections::BTreeMap;

use catalog::table::TableQuery;
use catalog::{DatabaseInput, database};
use store::Scope;

use super::{Gathering, Names, Tables, from_catalog};
use crate::error::TablesError;

const LOCATION: &str = "location";
const COMMENT: &str = "comment";

/// A namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceInfo {
    /// Its name, in lower case.
    pub name: String,
    /// Its properties.
    pub properties: BTreeMap<String, String>,
}

/// What a change of properties did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceChange {
    /// Properties that were set.
    pub updated: Vec<String>,
    /// Properties that were removed.
    pub removed: Vec<String>,
    /// Properties that were to be removed and did not exist.
    pub missing: Vec<String>,
}

impl Tables {
    /// All namespaces by name, or a page of them.
    /// Errors: `Catalog(InvalidToken)`.
    pub async fn list_namespaces(
        &self,
        scope: &Scope,
        token: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Names, TablesError> {
        let mut tx = self.store.read().await?;
        let mut gathering = Gathering::new(token, limit);
        while let Some(limit) = gathering.wanted() {
            let page =
                database::list(&mut tx, scope, gathering.token(), limit).await.map_err(from_catalog)?;
            gathering.add(page.items.into_iter().map(|database| database.name), page.next);
        }
        Ok(gathering.found)
    }

    /// A namespace.
    /// Errors: `NamespaceNotFound`.
    pub async fn namespace(&self, scope: &Scope, name: &str) -> Result<NamespaceInfo, TablesError> {
        let mut tx = self.store.read().await?;
        let found = database::get(&mut tx, scope, name).await.map_err(from_catalog)?;
        Ok(NamespaceInfo { properties: properties(&found.input), name: found.name })
    }

    /// Makes a namespace.
    /// Errors: `NamespaceExists`, `Catalog(InvalidInput)` for its name.
    pub async fn create_namespace(
        &self,
        scope: &Scope,
        name: &str,
        given: BTreeMap<String, String>,
    ) -> Result<NamespaceInfo, TablesError> {
        let mut input = DatabaseInput { name: name.to_owned(), ..DatabaseInput::default() };
        for (key, value) in given {
            set(&mut input, key, value);
        }
        let mut tx = self.store.begin().await?;
        let made = database::create(&mut tx, scope, input).await.map_err(from_catalog)?;
        tx.commit().await?;
        Ok(NamespaceInfo { properties: properties(&made.input), name: made.name })
    }

    /// Sets and removes properties.
    /// Errors: `NamespaceNotFound`, `BothSetAndRemoved`.
    pub async fn update_namespace(
        &self,
        scope: &Scope,
        name: &str,
        updates: BTreeMap<String, String>,
        removals: &[String],
    ) -> Result<NamespaceChange, TablesError> {
        let keys: Vec<String> = removals.iter().filter(|key| updates.contains_key(*key)).cloned().collect();
        if !keys.is_empty() {
            return Err(TablesError::BothSetAndRemoved { keys });
        }
        let mut tx = self.store.begin().await?;
        let found = database::get(&mut tx, scope, name).await.map_err(from_catalog)?;
        let mut input = found.input.clone();
        let mut change = NamespaceChange::default();
        for key in removals {
            let list = if unset(&mut input, key) { &mut change.removed } else { &mut change.missing };
            if !list.contains(key) {
                list.push(key.clone());
            }
        }
        for (key, value) in updates {
            change.updated.push(key.clone());
            set(&mut input, key, value);
        }
        database::update(&mut tx, scope, &found.name, input).await.map_err(from_catalog)?;
        tx.commit().await?;
        Ok(change)
    }

    /// Drops a namespace in which there are no tables, of whatever kind.
    /// Errors: `NamespaceNotFound`, `NamespaceNotEmpty`.
    pub async fn drop_namespace(&self, scope: &Scope, name: &str) -> Result<(), TablesError> {
        let mut tx = self.store.begin().await?;
        let query = TableQuery { limit: 1, ..TableQuery::default() };
        let page = catalog::table::list(&mut tx, scope, name, &query).await.map_err(from_catalog)?;
        if !page.items.is_empty() {
            return Err(TablesError::NamespaceNotEmpty { namespace: name.to_owned() });
        }
        database::delete(&mut tx, scope, name).await.map_err(from_catalog)?;
        tx.commit().await?;
        Ok(())
    }
}

fn properties(input: &DatabaseInput) -> BTreeMap<String, String> {
    let mut properties = input.parameters.clone().unwrap_or_default();
    for (key, value) in [(LOCATION, &input.location_uri), (COMMENT, &input.description)] {
        if let Some(value) = value {
            properties.insert(key.to_owned(), value.clone());
        }
    }
    properties
}

fn set(input: &mut DatabaseInput, key: String, value: String) {
    match key.as_str() {
        LOCATION => input.location_uri = Some(value),
        COMMENT => input.description = Some(value),
        _ => drop(input.parameters.get_or_insert_default().insert(key, value)),
    }
}

/// Removes a property; whether there was one.
fn unset(input: &mut DatabaseInput, key: &str) -> bool {
    match key {
        LOCATION => input.location_uri.take().is_some(),
        COMMENT => input.description.take().is_some(),
        _ => input.parameters.as_mut().is_some_and(|parameters| parameters.remove(key).is_some()),
    }
}
