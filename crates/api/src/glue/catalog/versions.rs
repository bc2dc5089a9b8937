//! Earlier versions of tables.

use catalog::CatalogError;
use catalog::table::{self, TableVersion};
use serde_json::{Value, json};
use store::Scope;
use wire::{Call, Fault, Reply};

use super::{Catalog, commit, limit, required, scope};
use crate::glue::errors;

/// Versions on a page that names no size. Source: the largest `MaxResults` of GetTableVersions.
const PAGE: usize = 100;

fn shown(found: &TableVersion, scope: &Scope) -> Value {
    json!({ "Table": found.table.to_json(scope), "VersionId": found.version.to_string() })
}

pub(super) async fn get(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let (database, name) = (required(&call, "DatabaseName"), required(&call, "TableName"));
    let mut tx = catalog.read().await?;
    let found = table::get_version(&mut tx, &scope, database, name, call.text("VersionId"))
        .await
        .map_err(errors::catalog)?;
    Ok(Reply::from(json!({ "TableVersion": shown(&found, &scope) })))
}

pub(super) async fn list(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let (database, name) = (required(&call, "DatabaseName"), required(&call, "TableName"));
    let mut tx = catalog.read().await?;
    let page =
        table::list_versions(&mut tx, &scope, database, name, call.text("NextToken"), limit(&call, PAGE))
            .await
            .map_err(errors::catalog)?;
    let versions: Vec<Value> = page.items.iter().map(|found| shown(found, &scope)).collect();
    Ok(Reply::from(json!({ "TableVersions": versions, "NextToken": page.next })))
}

pub(super) async fn delete(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let (database, name) = (required(&call, "DatabaseName"), required(&call, "TableName"));
    let mut tx = catalog.begin().await?;
    table::delete_version(&mut tx, &scope, database, name, required(&call, "VersionId"))
        .await
        .map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn batch_delete(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let (database, name) = (required(&call, "DatabaseName"), required(&call, "TableName"));
    let versions = call.input.get("VersionIds").and_then(Value::as_array).into_iter().flatten();
    let mut tx = catalog.begin().await?;
    table::get(&mut tx, &scope, database, name).await.map_err(errors::catalog)?;
    let mut failed = Vec::new();
    for version in versions.filter_map(Value::as_str) {
        match table::delete_version(&mut tx, &scope, database, name, version).await {
            Ok(()) => {}
            Err(error @ (CatalogError::VersionNotFound { .. } | CatalogError::InvalidInput { .. })) => {
                let detail = errors::detail(&errors::catalog(error));
                failed.push(json!({ "TableName": name, "VersionId": version, "ErrorDetail": detail }));
            }
            Err(error) => return Err(errors::catalog(error)),
        }
    }
    commit(tx).await?;
    Ok(Reply::from(json!({ "Errors": failed })))
}
