//! The Data Catalog's operations: databases, tables, versions, partitions and their indexes, statistics of columns,
//! user-defined functions, searching, tags.

mod catalogs;
mod databases;
mod functions;
mod indexes;
mod open_tables;
mod operations;
mod partitions;
mod search;
mod statistics;
mod tables;
mod unfiltered;
mod versions;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use store::{Scope, Store, Tx};
use wire::{Call, Fault, Service};

use super::errors;
use super::tags::Taggable;
use crate::views::{View, Views};

pub(super) use tables::author;

/// What the handlers of the catalog work on.
pub struct Catalog {
    pub(super) store: Store,
    pub(super) tables: ::tables::Tables,
    pub(super) taggable: BTreeMap<&'static str, Taggable>,
    views: Arc<dyn Views>,
}

/// Makes the face. `taggable` names the kinds of resources of other parts of Glue (`crawler`,
/// `job`), whose tags are served here too; `views` says who cannot change Iceberg tables.
pub fn face(
    store: Store,
    tables: ::tables::Tables,
    taggable: BTreeMap<&'static str, Taggable>,
    views: Arc<dyn Views>,
) -> Service<Catalog> {
    let state = Catalog { store, tables, taggable, views };
    Service { model: "glue", state, operations: operations::OPERATIONS }
}

impl Catalog {
    async fn read(&self) -> Result<Tx, Fault> {
        self.store.read().await.map_err(|error| errors::store(&error))
    }

    async fn begin(&self) -> Result<Tx, Fault> {
        self.store.begin().await.map_err(|error| errors::store(&error))
    }

    /// An Iceberg table is what its metadata says, and that is visible at once: it must not name files that may never be.
    fn check_sender(&self, call: &Call) -> Result<(), Fault> {
        match self.views.of_sender(call.access_key.as_deref()) {
            View::Own(_) => Err(errors::invalid(
                "A run with --output-commit atomic cannot change Iceberg tables: they would name files that nobody else \
                 sees yet. Run the job without it.",
            )),
            View::Everybody | View::Ended => Ok(()),
        }
    }
}

pub(super) async fn commit(tx: Tx) -> Result<(), Fault> {
    tx.commit().await.map_err(|error| errors::store(&error))
}

/// Whose catalog a call is about. The catalog id is the account; there is one catalog per account.
pub(super) fn scope(call: &Call) -> Result<Scope, Fault> {
    let scope = Scope::new(call.scope_account.as_str(), call.region.as_str())
        .map_err(|error| errors::invalid(error.to_string()))?;
    match call.text("CatalogId").or_else(|| call.text("CatalogID")) {
        Some(id) if id != scope.account => {
            Err(errors::invalid(format!("Catalog {id} is not the catalog of account {}.", scope.account)))
        }
        _ => Ok(scope),
    }
}

/// A required text; wire has checked that it is there.
pub(super) fn required<'a>(call: &'a Call, member: &str) -> &'a str {
    call.text(member).unwrap_or_default()
}

/// A structure of the request.
pub(super) fn structure<T: DeserializeOwned>(call: &mut Call, member: &str) -> Result<T, Fault> {
    let Some(value) = call.input.remove(member) else {
        return Err(errors::invalid(format!("{member} is required.")));
    };
    serde_json::from_value(value).map_err(|error| Fault::new("SerializationException", error.to_string()))
}

/// The request's page size, or the default.
pub(super) fn limit(call: &Call, default: usize) -> usize {
    call.integer("MaxResults").and_then(|given| usize::try_from(given).ok()).unwrap_or(default)
}

/// The names in `AttributesToGet`; `None` when all attributes are wanted.
/// Errors: it is empty, or lacks `NAME`.
fn attributes(call: &Call) -> Result<Option<Vec<String>>, Fault> {
    if !call.input.contains_key("AttributesToGet") {
        return Ok(None);
    }
    let given = call.input.get("AttributesToGet").and_then(serde_json::Value::as_array);
    let names: Vec<String> =
        given.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    if names.iter().any(|name| name == "NAME") {
        return Ok(Some(names));
    }
    Err(errors::invalid("AttributesToGet must include NAME."))
}
