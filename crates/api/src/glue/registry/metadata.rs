//! Keys and values noted on versions.

use ::catalog::registry::{self, Noted, Schema, Version};
use serde_json::{Map, Value, json};
use wire::{Call, Fault, Reply};

use super::versions::which;
use super::{Registry, commit, failed, limit, time};
use crate::glue::catalog::scope;
use crate::glue::errors;

fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member).and_then(Value::as_str)
}

/// The key and the value that a request puts or removes.
fn pair(call: &Call) -> Result<(&str, &str), Fault> {
    let given = call.input.get("MetadataKeyValue");
    match given.map(|given| (text(given, "MetadataKey"), text(given, "MetadataValue"))) {
        Some((Some(key), Some(value))) => Ok((key, value)),
        _ => Err(errors::invalid("MetadataKeyValue needs a MetadataKey and a MetadataValue.")),
    }
}

fn answer(schema: &Schema, version: &Version, arn: &str, key: &str, value: &str) -> Reply {
    Reply::from(json!({
        "SchemaArn": arn,
        "SchemaName": schema.name.schema,
        "RegistryName": schema.name.registry,
        "LatestVersion": version.number == schema.latest,
        "VersionNumber": version.number,
        "SchemaVersionId": version.id,
        "MetadataKey": key,
        "MetadataValue": value,
    }))
}

pub(super) async fn put(face: &Registry, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let (which, (key, value)) = (which(&call, &scope)?, pair(&call)?);
    let mut tx = face.begin().await?;
    let (schema, version) = registry::find_version(&mut tx, &scope, &which).await.map_err(failed)?;
    registry::note(&mut tx, &version, key, value).await.map_err(failed)?;
    commit(tx).await?;
    Ok(answer(&schema, &version, &schema.name.arn(&scope), key, value))
}

pub(super) async fn remove(face: &Registry, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let (which, (key, value)) = (which(&call, &scope)?, pair(&call)?);
    let mut tx = face.begin().await?;
    let (schema, version) = registry::find_version(&mut tx, &scope, &which).await.map_err(failed)?;
    registry::unnote(&mut tx, &version, key, value).await.map_err(failed)?;
    commit(tx).await?;
    Ok(answer(&schema, &version, &schema.name.arn(&scope), key, value))
}

/// Whether a pair is asked for: by key, value or both. All are, when nothing is.
fn wanted(list: &[Value], noted: &Noted) -> bool {
    let fits = |one: &Value| {
        text(one, "MetadataKey").is_none_or(|key| key == noted.key)
            && text(one, "MetadataValue").is_none_or(|value| value == noted.value)
    };
    list.is_empty() || list.iter().any(fits)
}

pub(super) async fn query(face: &Registry, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let which = which(&call, &scope)?;
    let mut tx = face.read().await?;
    let (_, version) = registry::find_version(&mut tx, &scope, &which).await.map_err(failed)?;
    let noted = registry::noted(&mut tx, &version).await.map_err(failed)?;
    let list = call.input.get("MetadataList").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    // A page ends with a key; the token is that key.
    let after = call.text("NextToken").unwrap_or_default();
    let mut map: Map<String, Value> = Map::new();
    let mut next = None;
    for one in noted.iter().filter(|one| one.key.as_str() > after && wanted(list, one)) {
        let entry = json!({ "MetadataValue": one.value, "CreatedTime": time(one.created_ms) });
        if let Some(first) = map.get_mut(&one.key) {
            if let Some(others) = first["OtherMetadataValueList"].as_array_mut() {
                others.push(entry);
            } else {
                first["OtherMetadataValueList"] = json!([entry]);
            }
            continue;
        }
        if map.len() >= limit(&call) {
            next = map.keys().next_back().cloned();
            break;
        }
        map.insert(one.key.clone(), entry);
    }
    Ok(Reply::from(json!({ "MetadataInfoMap": map, "SchemaVersionId": version.id, "NextToken": next })))
}
