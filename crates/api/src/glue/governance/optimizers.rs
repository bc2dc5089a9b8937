//! Table optimizers: configuration that is kept.

use catalog::{CatalogError, optimizer, table};
use serde_json::{Value, json};
use wire::{Call, Fault, Reply};

use super::Governance;
use crate::glue::catalog::{commit, required, scope, structure};
use crate::glue::errors;

fn table_of(call: &Call) -> (&str, &str) {
    (required(call, "DatabaseName"), required(call, "TableName"))
}

pub(super) async fn create(governance: &Governance, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let configuration: Value = structure(&mut call, "TableOptimizerConfiguration")?;
    let mut tx = governance.begin().await?;
    optimizer::create(&mut tx, &scope, table_of(&call), required(&call, "Type"), &configuration)
        .await
        .map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn get(governance: &Governance, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = governance.read().await?;
    let found = optimizer::get(&mut tx, &scope, table_of(&call), required(&call, "Type"))
        .await
        .map_err(errors::catalog)?;
    let (database, name) = table_of(&call);
    Ok(Reply::from(json!({
        "CatalogId": scope.account, "DatabaseName": database, "TableName": name, "TableOptimizer": found,
    })))
}

pub(super) async fn batch_get(governance: &Governance, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let entries: Vec<Value> = structure(&mut call, "Entries")?;
    let mut tx = governance.read().await?;
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    for mut entry in entries {
        let text = |member: &str| entry.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (database, name, kind) = (text("databaseName"), text("tableName"), text("type"));
        let elsewhere = Some(text("catalogId")).filter(|id| !id.is_empty() && *id != scope.account);
        let read = match elsewhere {
            Some(id) => Err(CatalogError::NotFound { what: "Catalog", name: id }),
            None => optimizer::get(&mut tx, &scope, (&database, &name), &kind).await,
        };
        match read {
            Ok(optimizer) => found.push(json!({
                "catalogId": scope.account, "databaseName": database, "tableName": name, "tableOptimizer": optimizer,
            })),
            Err(
                error @ (CatalogError::NotFound { .. }
                | CatalogError::DatabaseNotFound { .. }
                | CatalogError::TableNotFound { .. }
                | CatalogError::TargetNotFound { .. }),
            ) => {
                entry["error"] = errors::detail(&errors::catalog(error));
                failed.push(entry);
            }
            Err(error) => return Err(errors::catalog(error)),
        }
    }
    Ok(Reply::from(json!({ "TableOptimizers": found, "Failures": failed })))
}

pub(super) async fn update(governance: &Governance, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let configuration: Value = structure(&mut call, "TableOptimizerConfiguration")?;
    let mut tx = governance.begin().await?;
    optimizer::update(&mut tx, &scope, table_of(&call), required(&call, "Type"), &configuration)
        .await
        .map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn delete(governance: &Governance, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = governance.begin().await?;
    optimizer::delete(&mut tx, &scope, table_of(&call), required(&call, "Type"))
        .await
        .map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

/// Nothing runs optimizers, so that there are no runs.
pub(super) async fn runs(governance: &Governance, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let (database, name) = table_of(&call);
    let mut tx = governance.read().await?;
    table::get(&mut tx, &scope, database, name).await.map_err(errors::catalog)?;
    optimizer::get(&mut tx, &scope, (database, name), required(&call, "Type"))
        .await
        .map_err(errors::catalog)?;
    Ok(Reply::from(json!({
        "CatalogId": scope.account, "DatabaseName": database, "TableName": name, "TableOptimizerRuns": [],
    })))
}
