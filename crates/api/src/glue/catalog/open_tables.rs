//! Iceberg tables that Glue itself makes and changes: `OpenTableFormatInput` of CreateTable and
//! `UpdateOpenTableFormatInput` of UpdateTable. The metadata is written by [`tables`], as for Iceberg's own catalogs.
//!
//! Source: AWS Glue API Reference, `IcebergInput` and `UpdateIcebergInput`; Iceberg REST catalog specification,
//! `TableUpdate`: the members are the same under other names.

use ::tables::metadata::Schema;
use ::tables::{CreateTable, Identifier, LAST_ADDED, TableCommit, TableUpdate, TablesError, schema_of};
use catalog::{CatalogError, StorageDescriptor, TableInput};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use store::Scope;
use wire::{Call, Fault, Reply};

use super::{Catalog, required, structure, tables::author};
use crate::glue::errors;

/// The format version of a table that asks for none. Source: `IcebergInput.Version`.
const VERSION: &str = "2";

/// Makes an Iceberg table.
pub(super) async fn create(catalog: &Catalog, scope: &Scope, mut call: Call) -> Result<Reply, Fault> {
    let input: Value = structure(&mut call, "OpenTableFormatInput")?;
    let Some(iceberg) = input.get("IcebergInput") else {
        return Err(errors::invalid("OpenTableFormatInput needs an IcebergInput."));
    };
    if call.input.contains_key("PartitionIndexes") {
        return Err(errors::invalid("An Iceberg table has no partition indexes."));
    }
    let entry = match call.input.contains_key("TableInput") {
        true => Some(entry(structure(&mut call, "TableInput")?)?),
        false => None,
    };
    let table = named(&call, entry.as_ref())?;
    let mut request = match iceberg.get("CreateIcebergTableInput") {
        Some(given) => of_metadata(table, given, entry)?,
        None => of_columns(table, entry)?,
    };
    let version = iceberg.get("Version").and_then(Value::as_str).unwrap_or(VERSION);
    request.properties.entry("format-version".to_owned()).or_insert_with(|| version.to_owned());
    catalog.tables.create(scope, request, None, &author(scope)).await.map_err(fault)?;
    Ok(Reply::empty())
}

/// What the catalog's entry begins with.
fn entry(mut input: TableInput) -> Result<TableInput, Fault> {
    if input.parameters.as_ref().is_some_and(|given| given.contains_key("metadata_location")) {
        return Err(errors::invalid(
            "MetadataOperation CREATE makes the metadata: leave metadata_location out.",
        ));
    }
    input.table_type.get_or_insert_with(|| "EXTERNAL_TABLE".to_owned());
    Ok(input)
}

/// A table that is described as Iceberg describes it.
fn of_metadata(table: Identifier, given: &Value, entry: Option<TableInput>) -> Result<CreateTable, Fault> {
    let described = entry.as_ref().is_some_and(|entry| {
        entry.storage_descriptor.is_some()
            || entry.partition_keys.as_ref().is_some_and(|keys| !keys.is_empty())
    });
    if described {
        return Err(errors::invalid(
            "Give the table's columns and location once: in TableInput or in CreateIcebergTableInput.",
        ));
    }
    Ok(CreateTable {
        table,
        location: given["Location"].as_str().map(str::to_owned),
        schema: read(given, "Schema")?.unwrap_or_else(|| Schema::new(0, Vec::new(), Vec::new())),
        partition_spec: read(given, "PartitionSpec")?,
        write_order: read(given, "WriteOrder")?,
        properties: texts(given, "Properties"),
        entry: entry.map(Box::new),
    })
}

/// A table that is described by Glue's columns and location.
fn of_columns(table: Identifier, entry: Option<TableInput>) -> Result<CreateTable, Fault> {
    let Some(mut entry) = entry else {
        return Err(errors::invalid("Give TableInput, or CreateIcebergTableInput in OpenTableFormatInput."));
    };
    if entry.partition_keys.as_ref().is_some_and(|keys| !keys.is_empty()) {
        // Glue's own words.
        return Err(errors::invalid(
            "Cannot create partitions in an iceberg table: give a PartitionSpec in CreateIcebergTableInput.",
        ));
    }
    let descriptor = entry.storage_descriptor.get_or_insert_with(StorageDescriptor::default);
    let Some(location) = descriptor.location.clone().filter(|location| !location.is_empty()) else {
        return Err(errors::invalid("An Iceberg table needs a StorageDescriptor.Location."));
    };
    let columns = descriptor.columns.take().unwrap_or_default();
    let schema = schema_of(&columns).map_err(|error| errors::invalid(error.to_string()))?;
    Ok(CreateTable {
        table,
        location: Some(location.trim_end_matches('/').to_owned()),
        schema,
        partition_spec: None,
        write_order: None,
        properties: Default::default(),
        entry: Some(Box::new(entry)),
    })
}

/// Changes an Iceberg table.
pub(super) async fn update(catalog: &Catalog, scope: &Scope, mut call: Call) -> Result<Reply, Fault> {
    let input: Value = structure(&mut call, "UpdateOpenTableFormatInput")?;
    if call.input.contains_key("TableInput") || call.input.contains_key("VersionId") {
        return Err(errors::invalid(
            "UpdateOpenTableFormatInput changes the table's own metadata: give it with Name, without TableInput and VersionId.",
        ));
    }
    let given =
        input.pointer("/UpdateIcebergInput/UpdateIcebergTableInput/Updates").and_then(Value::as_array);
    let Some(given) = given else {
        return Err(errors::invalid("UpdateOpenTableFormatInput needs an UpdateIcebergInput."));
    };
    let mut updates = Vec::new();
    for one in given {
        add_updates(one, &mut updates)?;
    }
    let commit = TableCommit { table: named(&call, None)?, requirements: Vec::new(), updates };
    catalog.tables.commit(scope, &[commit], None, &author(scope)).await.map_err(fault)?;
    Ok(Reply::empty())
}

/// What one entry of `Updates` means: its action; without one, that everything in it is to hold.
fn add_updates(one: &Value, updates: &mut Vec<TableUpdate>) -> Result<(), Fault> {
    let Some(action) = one.get("Action").and_then(Value::as_str) else {
        for action in WHOLE {
            if one.get(action.1).is_some() {
                updates.push(update_of(one, action.0)?);
            }
        }
        return Ok(());
    };
    updates.push(update_of(one, action)?);
    Ok(())
}

/// The actions that make a whole entry hold, in order, and the member that each is about.
const WHOLE: &[(&str, &str)] = &[
    ("add-schema", "Schema"),
    ("set-current-schema", "Schema"),
    ("add-spec", "PartitionSpec"),
    ("set-default-spec", "PartitionSpec"),
    ("add-sort-order", "SortOrder"),
    ("set-default-sort-order", "SortOrder"),
    ("set-location", "Location"),
    ("set-properties", "Properties"),
];

fn update_of(one: &Value, action: &str) -> Result<TableUpdate, Fault> {
    let whole = one.get("Action").is_none();
    let id = |path: &str| match one.pointer(path).and_then(Value::as_i64) {
        Some(id) if !whole => i32::try_from(id).unwrap_or(LAST_ADDED),
        _ => LAST_ADDED,
    };
    Ok(match action {
        "add-schema" => {
            TableUpdate::AddSchema { schema: needed(one, "Schema", action)?, last_column_id: None }
        }
        "set-current-schema" => TableUpdate::SetCurrentSchema { schema_id: id("/Schema/SchemaId") },
        "add-spec" => TableUpdate::AddSpec { spec: needed(one, "PartitionSpec", action)? },
        "set-default-spec" => TableUpdate::SetDefaultSpec { spec_id: id("/PartitionSpec/SpecId") },
        "add-sort-order" => TableUpdate::AddSortOrder { sort_order: needed(one, "SortOrder", action)? },
        "set-default-sort-order" => {
            TableUpdate::SetDefaultSortOrder { sort_order_id: id("/SortOrder/OrderId") }
        }
        "set-location" => {
            TableUpdate::SetLocation { location: one["Location"].as_str().unwrap_or_default().to_owned() }
        }
        "set-properties" => TableUpdate::SetProperties { updates: texts(one, "Properties") },
        "remove-properties" => {
            TableUpdate::RemoveProperties { removals: texts(one, "Properties").into_keys().collect() }
        }
        other => return Err(Fault::not_implemented(format!("{other} of an Iceberg table is not built."))),
    })
}

/// The table that a request is about.
fn named(call: &Call, entry: Option<&TableInput>) -> Result<Identifier, Fault> {
    let name = call.text("Name").or(entry.map(|entry| entry.name.as_str())).unwrap_or_default();
    if name.is_empty() {
        return Err(errors::invalid("Name is required."));
    }
    let name = name.to_owned();
    Ok(Identifier { namespace: required(call, "DatabaseName").to_owned(), name })
}

fn needed<T: DeserializeOwned>(given: &Value, member: &str, action: &str) -> Result<T, Fault> {
    read(given, member)?.ok_or_else(|| errors::invalid(format!("{action} needs a {member}.")))
}

/// A member in Glue's spelling (`SourceId`), read as Iceberg's (`source-id`).
fn read<T: DeserializeOwned>(given: &Value, member: &str) -> Result<Option<T>, Fault> {
    let Some(value) = given.get(member) else { return Ok(None) };
    let mut spelled = spelled(value);
    if member == "Schema" {
        spelled["type"] = json!("struct");
    }
    let read = serde_json::from_value(spelled);
    read.map(Some).map_err(|error| errors::invalid(format!("{member} cannot be read: {error}")))
}

/// Names of members as Iceberg spells them. Documents within are Iceberg's already.
fn spelled(value: &Value) -> Value {
    const DOCUMENTS: &[&str] = &["Type", "InitialDefault", "WriteDefault"];
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                let inner = if DOCUMENTS.contains(&name.as_str()) { value.clone() } else { spelled(value) };
                (kebab(name), inner)
            });
            Value::Object(members.collect::<Map<String, Value>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(spelled).collect()),
        plain => plain.clone(),
    }
}

fn kebab(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for (at, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && at > 0 {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

fn texts(given: &Value, member: &str) -> std::collections::BTreeMap<String, String> {
    let entries = given.get(member).and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// Glue's fault for an error of open tables.
pub(super) fn fault(error: TablesError) -> Fault {
    match &error {
        TablesError::NamespaceNotFound { namespace } => {
            errors::catalog(CatalogError::DatabaseNotFound { database: namespace.clone() })
        }
        TablesError::TableNotFound { .. } => errors::not_found(error.to_string()),
        TablesError::NamespaceExists { .. } | TablesError::TableExists { .. } => {
            Fault::new("AlreadyExistsException", error.to_string())
        }
        TablesError::CommitFailed { .. } | TablesError::Contended { .. } => {
            Fault::new("ConcurrentModificationException", error.to_string())
        }
        TablesError::NamespaceNotEmpty { .. }
        | TablesError::BothSetAndRemoved { .. }
        | TablesError::Invalid { .. }
        | TablesError::Location { .. }
        | TablesError::MetadataBroken { .. } => errors::invalid(error.to_string()),
        TablesError::Unsupported { .. } => Fault::not_implemented(error.to_string()),
        TablesError::Catalog(_) => match error {
            TablesError::Catalog(inner) => errors::catalog(inner),
            other => errors::internal(&other),
        },
        TablesError::Lake(lake::LakeError::Store(inner)) | TablesError::Store(inner) => errors::store(inner),
        TablesError::Lake(inner @ lake::LakeError::Outside { .. }) => errors::unavailable(inner.to_string()),
        TablesError::Lake(_) => errors::internal(&error),
    }
}
