//! Databases.

use catalog::database::Database;
use catalog::{CatalogError, DatabaseInput, arn, database, link};
use serde_json::{Value, json};
use store::{Scope, Tx};
use wire::{Call, Fault, Reply};

use super::{Catalog, attributes, commit, limit, required, scope, structure};
use crate::glue::{errors, tags};

/// Databases on a page that names no size. Source: the largest `MaxResults` of GetDatabases.
const PAGE: usize = 100;

pub(super) async fn create(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let given = tags::given(&call, "Tags");
    tags::check(&given)?;
    let input: DatabaseInput = structure(&mut call, "DatabaseInput")?;
    let mut tx = catalog.begin().await?;
    let made = database::create(&mut tx, &scope, input).await.map_err(errors::catalog)?;
    if !given.is_empty() {
        let arn = arn::database(&scope, &made.name);
        store::tags::set(&mut tx, &arn, &given).await.map_err(|error| errors::store(&error))?;
    }
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn get(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = catalog.read().await?;
    let found = database::get(&mut tx, &scope, required(&call, "Name")).await.map_err(errors::catalog)?;
    Ok(Reply::from(json!({ "Database": shown(&mut tx, &scope, found).await? })))
}

/// The database as Glue's `Database` structure: a resource link with its target's properties, as far as it has a target.
async fn shown(tx: &mut Tx, scope: &Scope, found: Database) -> Result<Value, Fault> {
    let own = found.to_json(scope).map_err(errors::catalog)?;
    if !found.is_link() {
        return Ok(own);
    }
    match link::resolve(tx, scope, found).await {
        Ok(target) => {
            let target = target.to_json(scope).map_err(errors::catalog)?;
            Ok(link::shown(&own, &target, "TargetDatabase"))
        }
        Err(CatalogError::TargetNotFound { .. } | CatalogError::InvalidInput { .. }) => Ok(own),
        Err(other) => Err(errors::catalog(other)),
    }
}

pub(super) async fn list(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let wanted = attributes(&call)?;
    let share = call.text("ResourceShareType").unwrap_or("ALL");
    if share == "FOREIGN" {
        // Accounts share nothing with each other here, so none is foreign.
        return Ok(Reply::from(json!({ "DatabaseList": [] })));
    }
    let mut tx = catalog.read().await?;
    let page = database::list(&mut tx, &scope, call.text("NextToken"), limit(&call, PAGE))
        .await
        .map_err(errors::catalog)?;
    let mut databases = Vec::with_capacity(page.items.len());
    for found in page.items {
        if share == "FEDERATED" && !found.input.other.contains_key("FederatedDatabase") {
            continue;
        }
        let value = shown(&mut tx, &scope, found).await?;
        databases.push(match &wanted {
            None => value,
            Some(names) => narrowed(&value, names),
        });
    }
    Ok(Reply::from(json!({ "DatabaseList": databases, "NextToken": page.next })))
}

fn narrowed(value: &Value, names: &[String]) -> Value {
    let mut narrow = json!({ "Name": value["Name"] });
    if names.iter().any(|name| name == "TARGET_DATABASE")
        && let Some(target) = value.get("TargetDatabase")
    {
        narrow["TargetDatabase"] = target.clone();
    }
    narrow
}

pub(super) async fn update(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let input: DatabaseInput = structure(&mut call, "DatabaseInput")?;
    let mut tx = catalog.begin().await?;
    database::update(&mut tx, &scope, required(&call, "Name"), input).await.map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn delete(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = catalog.begin().await?;
    database::delete(&mut tx, &scope, required(&call, "Name")).await.map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(Reply::empty())
}
