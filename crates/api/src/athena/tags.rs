//! Tags of work groups.

use std::collections::BTreeMap;

use query::workgroup;
use serde_json::{Value, json};
use store::{Scope, Tx};
use wire::{Call, Document, Fault, Reply};

use super::{Athena, errors, scope};

pub(super) fn workgroup_arn(scope: &Scope, name: &str) -> String {
    format!("arn:aws:athena:{}:{}:workgroup/{name}", scope.region, scope.account)
}

/// Sets the tags of the request's `Tags`.
pub(super) async fn set(tx: &mut Tx, arn: &str, call: &Call) -> Result<(), Fault> {
    let given = call.input.get("Tags").and_then(Value::as_array).into_iter().flatten();
    let text =
        |tag: &Value, member: &str| tag.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let tags: BTreeMap<String, String> = given.map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect();
    if tags.is_empty() {
        return Ok(());
    }
    store::tags::set(tx, arn, &tags).await.map_err(errors::store)
}

/// The request's ARN, which must be that of a work group that is there.
async fn resource(tx: &mut Tx, call: &Call) -> Result<String, Fault> {
    let scope = scope(call)?;
    let arn = call.text("ResourceARN").unwrap_or_default();
    let missing =
        || Fault::new("ResourceNotFoundException", format!("{arn} is not found")).with("ResourceName", arn);
    let name = arn.strip_prefix(&workgroup_arn(&scope, "")).ok_or_else(missing)?;
    match workgroup::get(tx, &scope, name).await {
        Ok(_) => Ok(arn.to_owned()),
        Err(query::QueryError::WorkGroupNotFound { .. }) => Err(missing()),
        Err(error) => Err(errors::query(error)),
    }
}

pub(super) async fn tag(athena: &Athena, call: Call) -> Result<Reply, Fault> {
    let mut tx = athena.store.begin().await.map_err(errors::store)?;
    let arn = resource(&mut tx, &call).await?;
    set(&mut tx, &arn, &call).await?;
    tx.commit().await.map_err(errors::store)?;
    Ok(Reply::empty())
}

pub(super) async fn untag(athena: &Athena, call: Call) -> Result<Reply, Fault> {
    let mut tx = athena.store.begin().await.map_err(errors::store)?;
    let arn = resource(&mut tx, &call).await?;
    let keys = call.input.get("TagKeys").and_then(Value::as_array).into_iter().flatten();
    let keys: Vec<String> = keys.filter_map(Value::as_str).map(str::to_owned).collect();
    store::tags::remove(&mut tx, &arn, &keys).await.map_err(errors::store)?;
    tx.commit().await.map_err(errors::store)?;
    Ok(Reply::empty())
}

/// A resource has at most fifty tags: they are one page.
pub(super) async fn list(athena: &Athena, call: Call) -> Result<Reply, Fault> {
    let mut tx = athena.store.read().await.map_err(errors::store)?;
    let arn = resource(&mut tx, &call).await?;
    let tags = store::tags::get(&mut tx, &arn).await.map_err(errors::store)?;
    let tags: Vec<Document> = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    Ok(Reply::from(json!({ "Tags": tags })))
}
