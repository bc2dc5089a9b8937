//! Registries.

use ::catalog::arn;
use ::catalog::registry::{self, Registry as Found};
use serde_json::{Value, json};
use store::Scope;
use wire::{Call, Fault, Reply};

use super::{Registry, commit, failed, limit, time};
use crate::glue::catalog::scope;
use crate::glue::{errors, tags};

fn shown(found: &Found, scope: &Scope) -> Value {
    json!({
        "RegistryName": found.name,
        "RegistryArn": arn::registry(scope, &found.name),
        "Description": found.description,
        "Status": "AVAILABLE",
        "CreatedTime": time(found.created_ms),
        "UpdatedTime": time(found.updated_ms),
    })
}

/// The registry that a request is about; wire has checked that it names one.
fn name(call: &Call, scope: &Scope) -> Result<String, Fault> {
    registry::registry_name(scope, call.input.get("RegistryId")).map_err(failed)
}

pub(super) async fn create(face: &Registry, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let given = tags::given(&call, "Tags");
    tags::check(&given)?;
    let name = call.text("RegistryName").unwrap_or_default();
    let mut tx = face.begin().await?;
    let made =
        registry::create_registry(&mut tx, &scope, name, call.text("Description")).await.map_err(failed)?;
    let arn = arn::registry(&scope, &made.name);
    store::tags::set(&mut tx, &arn, &given).await.map_err(|error| errors::store(&error))?;
    commit(tx).await?;
    let description = made.description;
    Ok(Reply::from(
        json!({ "RegistryArn": arn, "RegistryName": made.name, "Description": description, "Tags": given }),
    ))
}

pub(super) async fn get(face: &Registry, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let name = name(&call, &scope)?;
    let mut tx = face.read().await?;
    let found = registry::get_registry(&mut tx, &scope, &name).await.map_err(failed)?;
    Ok(Reply::from(shown(&found, &scope)))
}

pub(super) async fn list(face: &Registry, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = face.read().await?;
    let page = registry::list_registries(&mut tx, &scope, call.text("NextToken"), limit(&call))
        .await
        .map_err(failed)?;
    let found: Vec<Value> = page.items.iter().map(|found| shown(found, &scope)).collect();
    Ok(Reply::from(json!({ "Registries": found, "NextToken": page.next })))
}

pub(super) async fn update(face: &Registry, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let name = name(&call, &scope)?;
    let description = call.text("Description").unwrap_or_default();
    let mut tx = face.begin().await?;
    registry::update_registry(&mut tx, &scope, &name, description).await.map_err(failed)?;
    commit(tx).await?;
    Ok(Reply::from(json!({ "RegistryName": name, "RegistryArn": arn::registry(&scope, &name) })))
}

pub(super) async fn delete(face: &Registry, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let name = name(&call, &scope)?;
    let mut tx = face.begin().await?;
    registry::delete_registry(&mut tx, &scope, &name).await.map_err(failed)?;
    commit(tx).await?;
    let arn = arn::registry(&scope, &name);
    Ok(Reply::from(json!({ "RegistryName": name, "RegistryArn": arn, "Status": "DELETING" })))
}
