//! Glue's schema registry.
//!
//! Source: AWS Glue API Reference, Schema registry.

mod metadata;
mod registries;
mod schemas;
mod versions;

use std::sync::Arc;

use ::catalog::registry::{self, RegistryError, SchemaName};
use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};
use store::{Store, Tx};
use wire::{Call, Fault, Fields, Operation, Service};

use super::errors;
use super::tags::Taggable;

/// What the handlers work on.
pub struct Registry {
    store: Store,
}

/// Makes the face.
pub fn face(store: Store) -> Service<Registry> {
    Service { model: "glue", state: Registry { store }, operations: OPERATIONS }
}

/// Lets the tag operations know which registries exist.
pub fn taggable_registry() -> Taggable {
    Arc::new(|tx, scope, name| {
        Box::pin(async move {
            match registry::get_registry(tx, scope, name).await {
                Ok(found) => Ok(Some(::catalog::arn::registry(scope, &found.name))),
                Err(RegistryError::RegistryNotFound { .. }) => Ok(None),
                Err(error) => Err(fault(&error)),
            }
        })
    })
}

/// Lets the tag operations know which schemas exist.
pub fn taggable_schema() -> Taggable {
    Arc::new(|tx, scope, name| {
        Box::pin(async move {
            let Some((registry, schema)) = name.split_once('/') else {
                return Ok(None);
            };
            let name = SchemaName { registry: registry.to_owned(), schema: schema.to_owned() };
            match registry::get_schema(tx, scope, &name).await {
                Ok(found) => Ok(Some(found.name.arn(scope))),
                Err(RegistryError::SchemaNotFound { .. }) => Ok(None),
                Err(error) => Err(fault(&error)),
            }
        })
    })
}

impl Registry {
    async fn read(&self) -> Result<Tx, Fault> {
        self.store.read().await.map_err(|error| errors::store(&error))
    }

    async fn begin(&self) -> Result<Tx, Fault> {
        self.store.begin().await.map_err(|error| errors::store(&error))
    }
}

async fn commit(tx: Tx) -> Result<(), Fault> {
    tx.commit().await.map_err(|error| errors::store(&error))
}

/// Glue's fault for an error of the registry.
pub(super) fn fault(error: &RegistryError) -> Fault {
    match error {
        RegistryError::RegistryNotFound { .. }
        | RegistryError::SchemaNotFound { .. }
        | RegistryError::ArnNotFound { .. }
        | RegistryError::VersionNotFound { .. }
        | RegistryError::NoteNotFound { .. } => errors::not_found(error.to_string()),
        RegistryError::RegistryExists { .. }
        | RegistryError::SchemaExists { .. }
        | RegistryError::NoteExists { .. } => Fault::new("AlreadyExistsException", error.to_string()),
        RegistryError::LimitExceeded { .. } => {
            Fault::new("ResourceNumberLimitExceededException", error.to_string())
        }
        RegistryError::Invalid { .. } | RegistryError::Definition { .. } | RegistryError::InvalidToken => {
            errors::invalid(error.to_string())
        }
        RegistryError::Checkpoint { .. } | RegistryError::Changed => {
            Fault::new("ConcurrentModificationException", error.to_string())
        }
        RegistryError::Store(inner) => errors::store(inner),
        RegistryError::Corrupt { .. } => errors::internal(error),
    }
}

fn failed(error: RegistryError) -> Fault {
    fault(&error)
}

/// Entries of a page that names no size. Source: AWS Glue API Reference, "defaulted to 25 per page".
const PAGE: usize = 25;

fn limit(call: &Call) -> usize {
    call.integer("MaxResults").and_then(|given| usize::try_from(given).ok()).unwrap_or(PAGE)
}

/// A time as the registry writes it; elsewhere Glue gives seconds.
fn time(ms: i64) -> Value {
    match DateTime::from_timestamp_millis(ms) {
        Some(time) => json!(time.to_rfc3339_opts(SecondsFormat::Millis, true)),
        None => Value::Null,
    }
}

macro_rules! operation {
    ($name:literal, $run:path, [$($acts:literal),*]) => {
        Operation {
            name: $name,
            fields: Fields { acts: &[$($acts),*], refused: &[], ignored: &[] },
            run: |state, call| Box::pin($run(state, call)),
        }
    };
}

const OPERATIONS: &[Operation<Registry>] = &[
    operation!("CreateRegistry", registries::create, ["RegistryName", "Tags"]),
    operation!("GetRegistry", registries::get, ["RegistryId"]),
    operation!("ListRegistries", registries::list, ["MaxResults", "NextToken"]),
    operation!("UpdateRegistry", registries::update, ["RegistryId", "Description"]),
    operation!("DeleteRegistry", registries::delete, ["RegistryId"]),
    operation!(
        "CreateSchema",
        schemas::create,
        ["RegistryId", "SchemaName", "DataFormat", "Compatibility", "Tags", "SchemaDefinition"]
    ),
    operation!("GetSchema", schemas::get, ["SchemaId"]),
    operation!("ListSchemas", schemas::list, ["RegistryId", "MaxResults", "NextToken"]),
    operation!(
        "UpdateSchema",
        schemas::update,
        ["SchemaId", "SchemaVersionNumber", "Compatibility", "Description"]
    ),
    operation!("DeleteSchema", schemas::delete, ["SchemaId"]),
    operation!("RegisterSchemaVersion", versions::register, ["SchemaId", "SchemaDefinition"]),
    operation!("GetSchemaVersion", versions::get, ["SchemaId", "SchemaVersionId", "SchemaVersionNumber"]),
    operation!("GetSchemaByDefinition", versions::by_definition, ["SchemaId", "SchemaDefinition"]),
    operation!("ListSchemaVersions", versions::list, ["SchemaId", "MaxResults", "NextToken"]),
    operation!("DeleteSchemaVersions", versions::delete, ["SchemaId", "Versions"]),
    operation!("CheckSchemaVersionValidity", versions::check, ["DataFormat", "SchemaDefinition"]),
    operation!(
        "GetSchemaVersionsDiff",
        versions::diff,
        ["SchemaId", "FirstSchemaVersionNumber", "SecondSchemaVersionNumber", "SchemaDiffType"]
    ),
    operation!(
        "PutSchemaVersionMetadata",
        metadata::put,
        ["SchemaId", "SchemaVersionNumber", "SchemaVersionId", "MetadataKeyValue"]
    ),
    operation!(
        "QuerySchemaVersionMetadata",
        metadata::query,
        ["SchemaId", "SchemaVersionNumber", "SchemaVersionId", "MetadataList", "MaxResults", "NextToken"]
    ),
    operation!(
        "RemoveSchemaVersionMetadata",
        metadata::remove,
        ["SchemaId", "SchemaVersionNumber", "SchemaVersionId", "MetadataKeyValue"]
    ),
];
