//! Tags of log groups, by ARN and (the older operations) by name.

use std::collections::BTreeMap;

use observe::groups;
use serde_json::{Value, json};
use store::{Scope, Tx};
use wire::{Call, Fault, Reply};

use super::{Logs, errors, group_of, scope};

/// Most tags of one resource. Source: CloudWatch Logs API Reference, TagResource.
const MAX_TAGS: usize = 50;

/// The tags of a request that brings values.
pub(super) fn given(call: &Call) -> BTreeMap<String, String> {
    let given = call.input.get("tags").and_then(Value::as_object).into_iter().flatten();
    given.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

/// The ARN of the request's group, which must be there.
async fn resource(tx: &mut Tx, call: &Call, scope: &Scope) -> Result<String, Fault> {
    let name = match (call.text("logGroupName"), call.text("resourceArn")) {
        (Some(name), _) => name,
        (None, Some(arn)) if arn.starts_with("arn:") => group_of(arn, scope)?,
        (None, arn) => {
            let arn = arn.unwrap_or_default();
            return Err(errors::invalid(format!("{arn:?} is not the ARN of a log group.")));
        }
    };
    let group = groups::get(tx, scope, name).await.map_err(errors::observe)?;
    Ok(groups::arn(scope, &group.name))
}

pub(super) async fn set(logs: &Logs, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = logs.store.begin().await.map_err(errors::store)?;
    let arn = resource(&mut tx, &call, &scope).await?;
    store::tags::set(&mut tx, &arn, &given(&call)).await.map_err(errors::store)?;
    let all = store::tags::get(&mut tx, &arn).await.map_err(errors::store)?;
    if all.len() > MAX_TAGS {
        let message = format!("A resource can have at most {MAX_TAGS} tags.");
        // The older operation has no fault of its own for this.
        return Err(match call.operation {
            "TagResource" => Fault::new("TooManyTagsException", message).with("resourceName", arn),
            _ => errors::invalid(message),
        });
    }
    tx.commit().await.map_err(errors::store)?;
    Ok(Reply::empty())
}

pub(super) async fn remove(logs: &Logs, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = logs.store.begin().await.map_err(errors::store)?;
    let arn = resource(&mut tx, &call, &scope).await?;
    // The older operation calls the keys `tags`.
    let keys = call.input.get("tagKeys").or_else(|| call.input.get("tags")).and_then(Value::as_array);
    let keys: Vec<&str> = keys.into_iter().flatten().filter_map(Value::as_str).collect();
    store::tags::remove(&mut tx, &arn, &keys).await.map_err(errors::store)?;
    tx.commit().await.map_err(errors::store)?;
    Ok(Reply::empty())
}

pub(super) async fn list(logs: &Logs, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = logs.store.read().await.map_err(errors::store)?;
    let arn = resource(&mut tx, &call, &scope).await?;
    let tags = store::tags::get(&mut tx, &arn).await.map_err(errors::store)?;
    Ok(Reply::from(json!({ "tags": tags })))
}
