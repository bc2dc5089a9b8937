//! Work groups.

use query::workgroup::{self, Changes, WorkGroup};
use serde_json::{Map, Value, json};
use wire::{Call, Document, Fault, Reply, epoch_seconds};

use super::{Athena, ENGINE_VERSION, NEWEST, check_owner, errors, scope, tags};

/// Source: Athena API Reference, ListWorkGroups (MaxResults).
const MAX_GROUPS: i64 = 50;

fn object(call: &Call, member: &str) -> Map<String, Value> {
    call.input.get(member).and_then(Value::as_object).cloned().unwrap_or_default()
}

pub(super) async fn create(athena: &Athena, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let name = call.text("Name").unwrap_or_default();
    let description = call.text("Description").map(str::to_owned);
    let configuration = object(&call, "Configuration");
    check_owner(&call, configuration.get("ResultConfiguration"))?;
    check_engine(&configuration)?;
    let mut tx = athena.store.begin().await.map_err(errors::store)?;
    let made = workgroup::create(&mut tx, &scope, name, description, configuration).await;
    made.map_err(errors::query)?;
    tags::set(&mut tx, &tags::workgroup_arn(&scope, name), &call).await?;
    tx.commit().await.map_err(errors::store)?;
    Ok(Reply::empty())
}

pub(super) async fn get(athena: &Athena, call: Call) -> Result<Reply, Fault> {
    let mut tx = athena.store.read().await.map_err(errors::store)?;
    let name = call.text("WorkGroup").unwrap_or_default();
    let group = workgroup::get(&mut tx, &scope(&call)?, name).await.map_err(errors::query)?;
    Ok(Reply::from(json!({ "WorkGroup": described(&group) })))
}

pub(super) async fn list(athena: &Athena, call: Call) -> Result<Reply, Fault> {
    let limit = call.integer("MaxResults").unwrap_or(MAX_GROUPS).clamp(1, MAX_GROUPS) as usize;
    let after = call.text("NextToken").unwrap_or_default();
    let mut tx = athena.store.read().await.map_err(errors::store)?;
    let mut groups =
        workgroup::list(&mut tx, &scope(&call)?, after, limit + 1).await.map_err(errors::query)?;
    let more = groups.len() > limit;
    groups.truncate(limit);
    let next = groups.last().filter(|_| more).map(|group| group.name.clone());
    let summaries: Vec<Document> = groups
        .iter()
        .map(|group| {
            json!({
                "Name": group.name,
                "State": state(group),
                "Description": group.description.as_deref().unwrap_or_default(),
                "CreationTime": epoch_seconds(group.created_ms),
                "EngineVersion": engine_version(group),
            })
        })
        .collect();
    Ok(Reply::from(json!({ "WorkGroups": summaries, "NextToken": next })))
}

pub(super) async fn update(athena: &Athena, call: Call) -> Result<Reply, Fault> {
    let mut updates = object(&call, "ConfigurationUpdates");
    let mut changes = Changes {
        enabled: call.text("State").map(|state| state == "ENABLED"),
        description: call.text("Description").map(str::to_owned),
        ..Changes::default()
    };
    check_owner(&call, updates.get("ResultConfigurationUpdates"))?;
    check_engine(&updates)?;
    if let Some(Value::Object(mut results)) = updates.remove("ResultConfigurationUpdates") {
        if results.remove("RemoveOutputLocation") == Some(Value::Bool(true)) {
            changes.remove.push(&["ResultConfiguration", "OutputLocation"]);
        }
        if results.remove("RemoveExpectedBucketOwner") == Some(Value::Bool(true)) {
            changes.remove.push(&["ResultConfiguration", "ExpectedBucketOwner"]);
        }
        updates.insert("ResultConfiguration".to_owned(), Value::Object(results));
    }
    changes.configuration = updates;
    let mut tx = athena.store.begin().await.map_err(errors::store)?;
    let name = call.text("WorkGroup").unwrap_or_default();
    workgroup::update(&mut tx, &scope(&call)?, name, changes).await.map_err(errors::query)?;
    tx.commit().await.map_err(errors::store)?;
    Ok(Reply::empty())
}

pub(super) async fn delete(athena: &Athena, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let name = call.text("WorkGroup").unwrap_or_default();
    let mut tx = athena.store.begin().await.map_err(errors::store)?;
    workgroup::delete(&mut tx, &scope, name, call.flag("RecursiveDeleteOption"))
        .await
        .map_err(errors::query)?;
    store::tags::clear(&mut tx, &tags::workgroup_arn(&scope, name)).await.map_err(errors::store)?;
    tx.commit().await.map_err(errors::store)?;
    Ok(Reply::empty())
}

fn state(group: &WorkGroup) -> &'static str {
    if group.enabled { "ENABLED" } else { "DISABLED" }
}

fn selected_engine(configuration: &Map<String, Value>) -> Option<&str> {
    configuration.get("EngineVersion")?.get("SelectedEngineVersion")?.as_str()
}

/// Errors: a version of the engine that is not there.
fn check_engine(configuration: &Map<String, Value>) -> Result<(), Fault> {
    match selected_engine(configuration).filter(|version| ![NEWEST, ENGINE_VERSION].contains(version)) {
        Some(version) => Err(errors::invalid(format!(
            "The engine version {version} does not exist here: {NEWEST} and {ENGINE_VERSION} do"
        ))),
        None => Ok(()),
    }
}

fn engine_version(group: &WorkGroup) -> Document {
    let selected = selected_engine(&group.configuration).unwrap_or(NEWEST);
    json!({ "SelectedEngineVersion": selected, "EffectiveEngineVersion": ENGINE_VERSION })
}

fn described(group: &WorkGroup) -> Document {
    let mut configuration = group.configuration.clone();
    configuration.entry("EnforceWorkGroupConfiguration").or_insert(Value::Bool(group.enforces()));
    configuration.entry("ResultConfiguration").or_insert(json!({}));
    configuration.insert("EngineVersion".to_owned(), engine_version(group));
    json!({
        "Name": group.name,
        "State": state(group),
        "Configuration": configuration,
        "Description": group.description.as_deref().unwrap_or_default(),
        "CreationTime": epoch_seconds(group.created_ms),
    })
}
