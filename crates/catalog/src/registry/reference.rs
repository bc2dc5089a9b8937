//! Tables whose columns are those of a schema version (`StorageDescriptor.SchemaReference`).
//!
//! The version counts, whatever columns are stored: clients send back what they read. It is looked up whenever the table
//! is read, also by listings and searches. The table of a version that was deleted cannot be read, and says so; a listing
//! shows it as it is stored.

use serde_json::Value;
use store::{Scope, Tx};

use super::{RegistryError, Status, Which, versions};
use crate::error::CatalogError;
use crate::model::{Column, StorageDescriptor, TableInput};
use crate::names;
use crate::table::Table;

/// Checks that the version which a table refers to is there and has columns.
/// Errors: `Registry`, `InvalidInput` for a reference to nothing.
pub(crate) async fn check(tx: &mut Tx, scope: &Scope, input: &TableInput) -> Result<(), CatalogError> {
    let descriptor = input.storage_descriptor.as_ref();
    if reference_of(descriptor).is_some_and(is_empty) {
        return Err(CatalogError::invalid(
            "SchemaReference names no schema version: fill it, or leave it out.",
        ));
    }
    columns(tx, scope, descriptor).await.map(|_| ())
}

fn reference_of(descriptor: Option<&StorageDescriptor>) -> Option<&Value> {
    descriptor.and_then(|descriptor| descriptor.other.get("SchemaReference"))
}

fn is_empty(reference: &Value) -> bool {
    reference.as_object().is_none_or(|members| members.is_empty())
}

/// Gives a table that was read the columns of the version which it refers to.
pub(crate) async fn fill(tx: &mut Tx, scope: &Scope, table: &mut Table) -> Result<(), CatalogError> {
    let found = columns(tx, scope, table.input.storage_descriptor.as_ref()).await?;
    if let (Some(found), Some(descriptor)) = (found, table.input.storage_descriptor.as_mut()) {
        descriptor.columns = Some(found);
    }
    Ok(())
}

/// [`fill`] for a listing: what refers to nothing stays as it is stored.
pub(crate) async fn fill_listed(tx: &mut Tx, scope: &Scope, table: &mut Table) -> Result<(), CatalogError> {
    match fill(tx, scope, table).await {
        Err(CatalogError::Registry(error)) if error.is_not_found() => Ok(()),
        other => other,
    }
}

async fn columns(
    tx: &mut Tx,
    scope: &Scope,
    descriptor: Option<&StorageDescriptor>,
) -> Result<Option<Vec<Column>>, CatalogError> {
    // An empty one may be stored, from before it was refused.
    let Some(reference) = reference_of(descriptor).filter(|reference| !is_empty(reference)) else {
        return Ok(None);
    };
    let (schema, version) = versions::find_version(tx, scope, &which(scope, reference)?).await?;
    if version.status != Status::Available {
        return Err(invalid(format!("Schema version {} is not available.", version.id)));
    }
    let parsed = schemas::Schema::parse(schema.format, &version.definition)
        .map_err(|_| RegistryError::Corrupt { what: "schema definition" })?;
    let found = parsed.columns().map_err(|error| {
        invalid(format!("Schema version {} does not describe the columns of a table: {error}.", version.id))
    })?;
    let mut found: Vec<Column> = found
        .into_iter()
        .map(|column| Column { comment: column.comment, ..Column::new(column.name, column.hive_type) })
        .collect();
    names::fold_columns(&mut found);
    Ok(Some(found))
}

fn invalid(message: String) -> CatalogError {
    CatalogError::Registry(RegistryError::invalid(message))
}

/// The version that a `SchemaReference` means. Its number is a plain one, and required beside a schema.
fn which(scope: &Scope, reference: &Value) -> Result<Which, RegistryError> {
    let id = reference.get("SchemaVersionId").and_then(Value::as_str);
    let number = reference.get("SchemaVersionNumber").and_then(Value::as_i64);
    let number = number.map(|number| serde_json::json!({ "VersionNumber": number }));
    Which::of(scope, reference.get("SchemaId"), id, number.as_ref())
}
