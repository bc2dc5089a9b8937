//! Tables.

use catalog::partition::index::{self, IndexInput};
use catalog::table::{self, NamePattern, TableQuery, Update};
use catalog::{CatalogError, Table, TableInput, database, link};
use serde_json::{Value, json};
use store::{Scope, Tx};
use wire::{Call, Fault, Reply};

use super::{Catalog, attributes, commit, limit, open_tables, required, scope, structure};
use crate::glue::errors;

/// Tables on a page that names no size. Source: the largest `MaxResults` of GetTables.
const PAGE: usize = 100;

/// Who makes what a request makes.
pub(in crate::glue) fn author(scope: &Scope) -> String {
    format!("arn:aws:iam::{}:root", scope.account)
}

pub(super) async fn create(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    check_name(&call)?;
    if is_of_iceberg(&call) {
        catalog.check_sender(&call)?;
    }
    if call.input.contains_key("OpenTableFormatInput") {
        return Box::pin(open_tables::create(catalog, &scope, call)).await;
    }
    let input: TableInput = structure(&mut call, "TableInput")?;
    let indexes: Vec<IndexInput> = match call.input.contains_key("PartitionIndexes") {
        true => structure(&mut call, "PartitionIndexes")?,
        false => Vec::new(),
    };
    let author = author(&scope);
    let pointer = catalog.tables.check_new(&scope, &input).await.map_err(open_tables::fault);
    let mut tx = catalog.begin().await?;
    let made = table::create(&mut tx, &scope, required(&call, "DatabaseName"), input, &author)
        .await
        .map_err(errors::catalog)?;
    index::create_all(&mut tx, &made, indexes).await.map_err(errors::catalog)?;
    pointer?;
    commit(tx).await?;
    Ok(Reply::empty())
}

/// Whether a call makes or changes an Iceberg table.
fn is_of_iceberg(call: &Call) -> bool {
    let open = ["OpenTableFormatInput", "UpdateOpenTableFormatInput"];
    let parameters = call.input.get("TableInput").and_then(|input| input.get("Parameters"));
    open.iter().any(|member| call.input.contains_key(*member))
        || parameters.is_some_and(|given| given.get("metadata_location").is_some())
}

/// `Name` is for open tables; beside a `TableInput` it must say the same.
fn check_name(call: &Call) -> Result<(), Fault> {
    let inner = call.input.get("TableInput").and_then(|input| input.get("Name")).and_then(Value::as_str);
    match (call.text("Name"), inner) {
        (Some(outer), Some(inner)) if !outer.eq_ignore_ascii_case(inner) => {
            Err(errors::invalid(format!("Name is {outer}, and TableInput.Name is {inner}.")))
        }
        _ => Ok(()),
    }
}

pub(super) async fn get(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = catalog.read().await?;
    let shown = shown(&mut tx, &scope, required(&call, "DatabaseName"), required(&call, "Name")).await?;
    Ok(Reply::from(json!({ "Table": shown })))
}

/// One table as Glue's `Table` structure: a resource link with its target's properties, which must be there.
pub(super) async fn shown(tx: &mut Tx, scope: &Scope, database: &str, name: &str) -> Result<Value, Fault> {
    let found = table::get_entry(tx, scope, database, name).await.map_err(errors::get_table)?;
    let own = found.to_json(scope);
    let through_link = database::get(tx, scope, database).await.map_err(errors::catalog)?.is_link();
    if !found.is_link() || through_link {
        return Ok(own);
    }
    let target = link::resolve_table(tx, scope, found).await.map_err(errors::catalog)?;
    Ok(link::shown(&own, &target.to_json(scope), "TargetTable"))
}

/// The table as Glue's `Table` structure: a resource link with its target's properties, as far as it has a target.
async fn followed(tx: &mut Tx, scope: &Scope, found: &Table) -> Result<Value, Fault> {
    let own = found.to_json(scope);
    if !found.is_link() {
        return Ok(own);
    }
    match link::resolve_table(tx, scope, found.clone()).await {
        Ok(target) => Ok(link::shown(&own, &target.to_json(scope), "TargetTable")),
        Err(CatalogError::TargetNotFound { .. } | CatalogError::InvalidInput { .. }) => Ok(own),
        Err(other) => Err(errors::catalog(other)),
    }
}

pub(super) async fn list(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let wanted = attributes(&call)?;
    let pattern = call.text("Expression").map(NamePattern::parse).transpose().map_err(errors::catalog)?;
    let query =
        TableQuery { pattern: pattern.flatten(), token: call.text("NextToken"), limit: limit(&call, PAGE) };
    let mut tx = catalog.read().await?;
    let database = required(&call, "DatabaseName");
    let page = table::list(&mut tx, &scope, database, &query).await.map_err(errors::catalog)?;
    let through_link = database::get(&mut tx, &scope, database).await.map_err(errors::catalog)?.is_link();
    let mut tables = Vec::with_capacity(page.items.len());
    for found in &page.items {
        tables.push(match &wanted {
            Some(wanted) => narrowed(found, wanted),
            None if through_link => found.to_json(&scope),
            None => followed(&mut tx, &scope, found).await?,
        });
    }
    Ok(Reply::from(json!({ "TableList": tables, "NextToken": page.next })))
}

fn narrowed(found: &Table, wanted: &[String]) -> Value {
    let mut narrow = json!({ "Name": found.name });
    if wanted.iter().any(|name| name == "TABLE_TYPE")
        && let Some(table_type) = found.table_type()
    {
        narrow["TableType"] = json!(table_type);
    }
    narrow
}

pub(super) async fn update(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    check_name(&call)?;
    if is_of_iceberg(&call) {
        catalog.check_sender(&call)?;
    }
    if call.input.contains_key("UpdateOpenTableFormatInput") {
        return open_tables::update(catalog, &scope, call).await;
    }
    let input: TableInput = structure(&mut call, "TableInput")?;
    let how = Update { version_id: call.text("VersionId"), skip_archive: call.flag("SkipArchive") };
    let database = required(&call, "DatabaseName");
    // Looked at before the transaction, which other writers wait for; said after what the catalog says of the update.
    let pointer = catalog.tables.check_next(&scope, database, &input).await.map_err(open_tables::fault);
    let mut tx = catalog.begin().await?;
    table::update(&mut tx, &scope, database, input, how).await.map_err(errors::catalog)?;
    pointer?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn delete(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = catalog.begin().await?;
    table::delete(&mut tx, &scope, required(&call, "DatabaseName"), required(&call, "Name"))
        .await
        .map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn batch_delete(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let database = required(&call, "DatabaseName");
    let names = call.input.get("TablesToDelete").and_then(Value::as_array).into_iter().flatten();
    let mut tx = catalog.begin().await?;
    database::get(&mut tx, &scope, database).await.map_err(errors::catalog)?;
    let mut failed = Vec::new();
    for name in names.filter_map(Value::as_str) {
        match table::delete(&mut tx, &scope, database, name).await {
            Ok(()) => {}
            Err(error @ CatalogError::TableNotFound { .. }) => {
                let detail = errors::detail(&errors::catalog(error));
                failed.push(json!({ "TableName": name, "ErrorDetail": detail }));
            }
            Err(error) => return Err(errors::catalog(error)),
        }
    }
    commit(tx).await?;
    Ok(Reply::from(json!({ "Errors": failed })))
}
