//! The data catalog as Athena shows it: one catalog, `AwsDataCatalog`.

use catalog::{Column, Table, database, table};
use serde_json::{Value, json};
use wire::{Call, Document, Fault, Reply, epoch_seconds};

use super::{Athena, errors, scope};

const CATALOG: &str = "AwsDataCatalog";
/// Source: Athena API Reference, ListDatabases and ListTableMetadata (MaxResults).
const MAX_ENTRIES: i64 = 50;

fn check_catalog(name: Option<&str>) -> Result<(), Fault> {
    match name {
        Some(name) if name.eq_ignore_ascii_case(CATALOG) => Ok(()),
        other => Err(errors::invalid(format!("Catalog {} is not found", other.unwrap_or_default()))),
    }
}

fn limit(call: &Call) -> usize {
    call.integer("MaxResults").unwrap_or(MAX_ENTRIES).clamp(1, MAX_ENTRIES) as usize
}

pub(super) async fn list_catalogs(_call: Call) -> Result<Reply, Fault> {
    Ok(Reply::from(json!({ "DataCatalogsSummary": [{ "CatalogName": CATALOG, "Type": "GLUE" }] })))
}

pub(super) async fn get_catalog(call: Call) -> Result<Reply, Fault> {
    check_catalog(call.text("Name"))?;
    Ok(Reply::from(json!({
        "DataCatalog": {
            "Name": CATALOG,
            "Type": "GLUE",
            "Parameters": { "catalog-id": call.scope_account },
        }
    })))
}

fn described_database(found: &database::Database) -> Document {
    json!({
        "Name": found.name,
        "Description": found.input.description,
        "Parameters": found.input.parameters,
    })
}

pub(super) async fn list_databases(athena: &Athena, call: Call) -> Result<Reply, Fault> {
    check_catalog(call.text("CatalogName"))?;
    let mut tx = athena.store.read().await.map_err(errors::store)?;
    let page = database::list(&mut tx, &scope(&call)?, call.text("NextToken"), limit(&call)).await;
    let page = page.map_err(errors::metadata)?;
    let list: Vec<Document> = page.items.iter().map(described_database).collect();
    Ok(Reply::from(json!({ "DatabaseList": list, "NextToken": page.next })))
}

pub(super) async fn get_database(athena: &Athena, call: Call) -> Result<Reply, Fault> {
    check_catalog(call.text("CatalogName"))?;
    let mut tx = athena.store.read().await.map_err(errors::store)?;
    let name = call.text("DatabaseName").unwrap_or_default();
    let found = database::get(&mut tx, &scope(&call)?, name).await.map_err(errors::metadata)?;
    Ok(Reply::from(json!({ "Database": described_database(&found) })))
}

fn columns(columns: &[Column]) -> Vec<Document> {
    columns
        .iter()
        .map(|column| json!({ "Name": column.name, "Type": column.hive_type(), "Comment": column.comment }))
        .collect()
}

/// Athena puts location, formats and serde parameters among the parameters.
fn described_table(found: &Table) -> Document {
    let mut parameters = found.parameters().cloned().unwrap_or_default();
    if let Some(descriptor) = found.storage_descriptor() {
        let facts = [
            ("location", descriptor.location.as_ref()),
            ("inputformat", descriptor.input_format.as_ref()),
            ("outputformat", descriptor.output_format.as_ref()),
        ];
        for (key, value) in facts {
            parameters.extend(value.map(|value| (key.to_owned(), value.clone())));
        }
        if let Some(serde) = &descriptor.serde_info {
            let library = serde.serialization_library.clone().unwrap_or_default();
            parameters.insert("serde.serialization.lib".to_owned(), library);
            for (key, value) in serde.parameters.iter().flatten() {
                parameters.insert(format!("serde.param.{key}"), value.clone());
            }
        }
    }
    json!({
        "Name": found.name,
        "CreateTime": epoch_seconds(found.created_ms),
        "LastAccessTime": found.input.last_access_time.clone().map_or(json!(0), Value::Number),
        "TableType": found.table_type(),
        "Columns": columns(found.columns()),
        "PartitionKeys": columns(found.partition_keys()),
        "Parameters": parameters,
    })
}

pub(super) async fn list_tables(athena: &Athena, call: Call) -> Result<Reply, Fault> {
    check_catalog(call.text("CatalogName"))?;
    let pattern =
        table::NamePattern::parse(call.text("Expression").unwrap_or_default()).map_err(errors::metadata)?;
    let query = table::TableQuery { pattern, token: call.text("NextToken"), limit: limit(&call) };
    let mut tx = athena.store.read().await.map_err(errors::store)?;
    let name = call.text("DatabaseName").unwrap_or_default();
    let page = table::list(&mut tx, &scope(&call)?, name, &query).await.map_err(errors::metadata)?;
    let list: Vec<Document> = page.items.iter().map(described_table).collect();
    Ok(Reply::from(json!({ "TableMetadataList": list, "NextToken": page.next })))
}

pub(super) async fn get_table(athena: &Athena, call: Call) -> Result<Reply, Fault> {
    check_catalog(call.text("CatalogName"))?;
    let mut tx = athena.store.read().await.map_err(errors::store)?;
    let (database, name) =
        (call.text("DatabaseName").unwrap_or_default(), call.text("TableName").unwrap_or_default());
    let found = table::get(&mut tx, &scope(&call)?, database, name).await.map_err(errors::metadata)?;
    Ok(Reply::from(json!({ "TableMetadata": described_table(&found) })))
}
