//! Tables.

use catalog::table::{self, NamePattern, TableQuery, Update};
use catalog::{CatalogError, Table, TableInput};
use serde_json::{Value, json};
use store::Scope;
use wire::{Call, Fault, Reply};

use super::{Catalog, attributes, commit, limit, required, scope, structure};
use crate::glue::errors;

/// Tables on a page that names no size. Source: the largest `MaxResults` of GetTables.
const PAGE: usize = 100;

pub(super) async fn create(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let input: TableInput = structure(&mut call, "TableInput")?;
    let author = format!("arn:aws:iam::{}:root", scope.account);
    let mut tx = catalog.begin().await?;
    table::create(&mut tx, &scope, required(&call, "DatabaseName"), input, &author)
        .await
        .map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn get(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = catalog.read().await?;
    let found = table::get(&mut tx, &scope, required(&call, "DatabaseName"), required(&call, "Name"))
        .await
        .map_err(errors::get_table)?;
    Ok(Reply::from(json!({ "Table": found.to_json(&scope) })))
}

pub(super) async fn list(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let wanted = attributes(&call)?;
    let pattern = call.text("Expression").map(NamePattern::parse).transpose().map_err(errors::catalog)?;
    let query =
        TableQuery { pattern: pattern.flatten(), token: call.text("NextToken"), limit: limit(&call, PAGE) };
    let mut tx = catalog.read().await?;
    let page = table::list(&mut tx, &scope, required(&call, "DatabaseName"), &query)
        .await
        .map_err(errors::catalog)?;
    let tables: Vec<Value> = page.items.iter().map(|found| shown(found, &scope, wanted.as_deref())).collect();
    Ok(Reply::from(json!({ "TableList": tables, "NextToken": page.next })))
}

fn shown(found: &Table, scope: &Scope, wanted: Option<&[String]>) -> Value {
    let Some(wanted) = wanted else {
        return found.to_json(scope);
    };
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
    let input: TableInput = structure(&mut call, "TableInput")?;
    let how = Update { version_id: call.text("VersionId"), skip_archive: call.flag("SkipArchive") };
    let mut tx = catalog.begin().await?;
    table::update(&mut tx, &scope, required(&call, "DatabaseName"), input, how)
        .await
        .map_err(errors::catalog)?;
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
    catalog::database::get(&mut tx, &scope, database).await.map_err(errors::catalog)?;
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
