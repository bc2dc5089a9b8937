//! Versions of schemas.

use ::catalog::registry::{self, RegistryError, Schema, Version, Which};
use serde_json::{Value, json};
use store::Scope;
use wire::{Call, Fault, Reply};

use super::schemas::{format, name};
use super::{Registry, commit, failed, fault, limit, time};
use crate::glue::catalog::scope;
use crate::glue::errors;

/// The most characters of what is wrong with a definition. Source: AWS Glue API Reference, SchemaValidationError.
const MAX_ERROR_CHARS: usize = 5_000;

/// The version that a request is about.
pub(super) fn which(call: &Call, scope: &Scope) -> Result<Which, Fault> {
    let (schema, number) = (call.input.get("SchemaId"), call.input.get("SchemaVersionNumber"));
    Which::of(scope, schema, call.text("SchemaVersionId"), number).map_err(failed)
}

fn definition(call: &Call) -> &str {
    call.text("SchemaDefinition").unwrap_or_default()
}

fn shown(schema: &Schema, version: &Version, scope: &Scope) -> Value {
    json!({
        "SchemaVersionId": version.id,
        "SchemaArn": schema.name.arn(scope),
        "DataFormat": schema.format.as_str(),
        "Status": version.status.as_str(),
        "CreatedTime": time(version.created_ms),
    })
}

pub(super) async fn register(face: &Registry, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let name = name(&call, &scope)?;
    let made = registry::register(&face.store, &scope, &name, definition(&call)).await.map_err(failed)?;
    Ok(Reply::from(
        json!({ "SchemaVersionId": made.id, "VersionNumber": made.number, "Status": made.status.as_str() }),
    ))
}

pub(super) async fn get(face: &Registry, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let which = which(&call, &scope)?;
    let mut tx = face.read().await?;
    let (schema, version) = registry::find_version(&mut tx, &scope, &which).await.map_err(failed)?;
    let mut reply = shown(&schema, &version, &scope);
    reply["SchemaDefinition"] = json!(version.definition);
    reply["VersionNumber"] = json!(version.number);
    Ok(Reply::from(reply))
}

pub(super) async fn by_definition(face: &Registry, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let name = name(&call, &scope)?;
    let mut tx = face.read().await?;
    let found = registry::find_by_definition(&mut tx, &scope, &name, definition(&call)).await;
    let (schema, version) = found.map_err(failed)?;
    Ok(Reply::from(shown(&schema, &version, &scope)))
}

pub(super) async fn list(face: &Registry, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let name = name(&call, &scope)?;
    let mut tx = face.read().await?;
    let (schema, page) =
        registry::list_versions(&mut tx, &scope, &name, call.text("NextToken"), limit(&call))
            .await
            .map_err(failed)?;
    let arn = schema.name.arn(&scope);
    let item = |version: &Version| {
        json!({
            "SchemaArn": arn,
            "SchemaVersionId": version.id,
            "VersionNumber": version.number,
            "Status": version.status.as_str(),
            "CreatedTime": time(version.created_ms),
        })
    };
    let found: Vec<Value> = page.items.iter().map(item).collect();
    Ok(Reply::from(json!({ "Schemas": found, "NextToken": page.next })))
}

pub(super) async fn delete(face: &Registry, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let name = name(&call, &scope)?;
    let mut tx = face.begin().await?;
    let missing =
        registry::delete_versions(&mut tx, &scope, &name, call.text("Versions").unwrap_or_default())
            .await
            .map_err(failed)?;
    commit(tx).await?;
    let item = |number: i64| {
        let error = RegistryError::VersionNotFound { which: format!("VersionNumber: {number}") };
        json!({ "VersionNumber": number, "ErrorDetails": errors::detail(&fault(&error)) })
    };
    let failed: Vec<Value> = missing.into_iter().map(item).collect();
    Ok(Reply::from(json!({ "SchemaVersionErrors": failed })))
}

pub(super) async fn check(_: &Registry, call: Call) -> Result<Reply, Fault> {
    Ok(Reply::from(match registry::check_validity(format(&call)?, definition(&call)) {
        Ok(()) => json!({ "Valid": true }),
        Err(invalid) => {
            let error: String = invalid.message.chars().take(MAX_ERROR_CHARS).collect();
            json!({ "Valid": false, "Error": error })
        }
    }))
}

pub(super) async fn diff(face: &Registry, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let name = name(&call, &scope)?;
    let mut tx = face.read().await?;
    let mut found = Vec::with_capacity(2);
    for member in ["FirstSchemaVersionNumber", "SecondSchemaVersionNumber"] {
        let which = Which::numbered(name.clone(), call.input.get(member)).map_err(failed)?;
        found.push(registry::find_version(&mut tx, &scope, &which).await.map_err(failed)?);
    }
    let [(schema, first), (_, second)] = found.as_slice() else {
        return Err(errors::invalid("Two versions are compared."));
    };
    let diff = registry::patch(schema.format, first, second).map_err(failed)?;
    Ok(Reply::from(json!({ "Diff": diff })))
}
