//! Schemas.

use ::catalog::arn;
use ::catalog::registry::{
    self, Change, Created, Format, Mode, NewSchema, RegistryError, Schema, SchemaName, Which,
};
use serde_json::{Value, json};
use store::Scope;
use wire::{Call, Fault, Reply};

use super::{Registry, commit, failed, limit, time};
use crate::glue::catalog::scope;
use crate::glue::{errors, tags};

/// The schema that a request is about.
pub(super) fn name(call: &Call, scope: &Scope) -> Result<SchemaName, Fault> {
    SchemaName::of(scope, call.input.get("SchemaId").unwrap_or(&Value::Null)).map_err(failed)
}

/// The format of a request; wire has checked that it is one.
pub(super) fn format(call: &Call) -> Result<Format, Fault> {
    let given = call.text("DataFormat").and_then(Format::parse);
    given.ok_or_else(|| errors::invalid("DataFormat must be AVRO, JSON or PROTOBUF."))
}

fn mode(call: &Call) -> Result<Option<Mode>, Fault> {
    let Some(given) = call.text("Compatibility") else {
        return Ok(None);
    };
    let known = Mode::parse(given);
    known.map(Some).ok_or_else(|| errors::invalid(format!("{given} is not a compatibility.")))
}

fn shown(found: &Schema, scope: &Scope) -> Value {
    json!({
        "RegistryName": found.name.registry,
        "RegistryArn": arn::registry(scope, &found.name.registry),
        "SchemaName": found.name.schema,
        "SchemaArn": found.name.arn(scope),
        "Description": found.description,
        "DataFormat": found.format.as_str(),
        "Compatibility": found.mode.as_str(),
        "SchemaCheckpoint": found.checkpoint,
        "LatestSchemaVersion": Some(found.latest).filter(|latest| *latest > 0),
        "NextSchemaVersion": found.next,
        "SchemaStatus": found.status(),
    })
}

pub(super) async fn create(face: &Registry, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let given = tags::given(&call, "Tags");
    tags::check(&given)?;
    let new = NewSchema {
        name: SchemaName {
            registry: registry::registry_name(&scope, call.input.get("RegistryId")).map_err(failed)?,
            schema: call.text("SchemaName").unwrap_or_default().to_owned(),
        },
        format: format(&call)?,
        mode: mode(&call)?.unwrap_or(Mode::Backward),
        description: call.text("Description"),
        definition: call.text("SchemaDefinition"),
    };
    let mut tx = face.begin().await?;
    let Created { schema, version_id } =
        registry::create_schema(&mut tx, &scope, &new).await.map_err(failed)?;
    store::tags::set(&mut tx, &schema.name.arn(&scope), &given)
        .await
        .map_err(|error| errors::store(&error))?;
    commit(tx).await?;
    let mut reply = shown(&schema, &scope);
    reply["Tags"] = json!(given);
    if let Some(id) = version_id {
        reply["SchemaVersionId"] = json!(id);
        reply["SchemaVersionStatus"] = json!("AVAILABLE");
    }
    Ok(Reply::from(reply))
}

pub(super) async fn get(face: &Registry, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let name = name(&call, &scope)?;
    let mut tx = face.read().await?;
    let found = registry::get_schema(&mut tx, &scope, &name).await.map_err(failed)?;
    let mut reply = shown(&found, &scope);
    reply["CreatedTime"] = time(found.created_ms);
    reply["UpdatedTime"] = time(found.updated_ms);
    Ok(Reply::from(reply))
}

pub(super) async fn list(face: &Registry, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let wanted = call.input.get("RegistryId").map(|id| registry::registry_name(&scope, Some(id)));
    let wanted = wanted.transpose().map_err(failed)?;
    let mut tx = face.read().await?;
    let page =
        registry::list_schemas(&mut tx, &scope, wanted.as_deref(), call.text("NextToken"), limit(&call))
            .await
            .map_err(failed)?;
    let item = |found: &Schema| {
        json!({
            "RegistryName": found.name.registry,
            "SchemaName": found.name.schema,
            "SchemaArn": found.name.arn(&scope),
            "Description": found.description,
            "SchemaStatus": found.status(),
            "CreatedTime": time(found.created_ms),
            "UpdatedTime": time(found.updated_ms),
        })
    };
    let found: Vec<Value> = page.items.iter().map(item).collect();
    Ok(Reply::from(json!({ "Schemas": found, "NextToken": page.next })))
}

pub(super) async fn update(face: &Registry, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let name = name(&call, &scope)?;
    let number = call.input.get("SchemaVersionNumber");
    let checkpoint: Option<Result<Which, RegistryError>> =
        number.map(|number| Which::numbered(name.clone(), Some(number)));
    let change = Change {
        checkpoint: checkpoint.transpose().map_err(failed)?,
        mode: mode(&call)?,
        description: call.text("Description"),
    };
    let mut tx = face.begin().await?;
    registry::update_schema(&mut tx, &scope, &name, &change).await.map_err(failed)?;
    commit(tx).await?;
    let arn = name.arn(&scope);
    Ok(Reply::from(json!({ "SchemaArn": arn, "SchemaName": name.schema, "RegistryName": name.registry })))
}

pub(super) async fn delete(face: &Registry, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let name = name(&call, &scope)?;
    let mut tx = face.begin().await?;
    registry::delete_schema(&mut tx, &scope, &name).await.map_err(failed)?;
    commit(tx).await?;
    Ok(Reply::from(json!({ "SchemaArn": name.arn(&scope), "SchemaName": name.schema, "Status": "DELETING" })))
}
