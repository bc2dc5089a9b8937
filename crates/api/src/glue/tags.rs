//! Tags of Glue's resources. Tags are kept by ARN; who owns a kind of resource says whether one
//! exists.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use store::{Scope, Tx};
use wire::{Call, Fault, Reply};

use super::catalog::{Catalog, scope};
use super::errors;

/// Finds a resource of some kind (`crawler`, `job`, …) by its name: the ARN that its tags are kept by, or `None` when
/// there is none.
pub type Taggable = Arc<
    dyn for<'a> Fn(&'a mut Tx, &'a Scope, &'a str) -> BoxFuture<'a, Result<Option<String>, Fault>>
        + Send
        + Sync,
>;

/// The most tags of one resource. Source: AWS Glue API Reference, TagsMap.
const MAX_TAGS: usize = 50;

/// Refuses tags that no resource may have.
pub(super) fn check(tags: &BTreeMap<String, String>) -> Result<(), Fault> {
    if tags.len() > MAX_TAGS {
        return Err(errors::invalid(format!("A resource can have at most {MAX_TAGS} tags.")));
    }
    match tags.keys().find(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        Some(key) => Err(errors::invalid(format!("Tag key {key} begins with aws:, which is reserved."))),
        None => Ok(()),
    }
}

/// The tags of a request member.
pub(super) fn given(call: &Call, member: &str) -> BTreeMap<String, String> {
    let object = call.input.get(member).and_then(Value::as_object);
    let text = |(key, value): (&String, &Value)| (key.clone(), value.as_str().unwrap_or_default().to_owned());
    object.map(|tags| tags.iter().map(text).collect()).unwrap_or_default()
}

/// What an ARN says behind account and region; `None` when it is none of Glue's. Errors: it is of another account or region.
fn own_part<'a>(scope: &Scope, arn: &'a str) -> Result<Option<&'a str>, Fault> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", "aws", "glue", region, account, rest]
            if region == scope.region && account == scope.account =>
        {
            Ok(Some(rest))
        }
        ["arn", "aws", "glue", _, _, _] => Err(errors::not_found(format!("Resource {arn} not found."))),
        _ => Ok(None),
    }
}

async fn table_named(tx: &mut Tx, scope: &Scope, database: &str, table: &str) -> Result<String, Fault> {
    let found = ::catalog::table::get_entry(tx, scope, database, table).await.map_err(errors::catalog)?;
    Ok(::catalog::arn::table(scope, &found.database_name, &found.name))
}

/// The ARN of a table or view in its stored form, once it was seen to exist.
pub(super) async fn table_arn(tx: &mut Tx, scope: &Scope, arn: &str) -> Result<String, Fault> {
    let named = own_part(scope, arn)?.and_then(|rest| rest.strip_prefix("table/")?.split_once('/'));
    let (database, table) =
        named.ok_or_else(|| errors::invalid(format!("{arn} is not the ARN of a table or view.")))?;
    table_named(tx, scope, database, table).await
}

/// The ARN of the request in its stored form, once its resource was seen to exist.
async fn resource(catalog: &Catalog, tx: &mut Tx, call: &Call) -> Result<String, Fault> {
    let scope = scope(call)?;
    let arn = call.text("ResourceArn").unwrap_or_default();
    let malformed = || errors::invalid(format!("{arn} is not the ARN of a Glue resource."));
    let rest = own_part(&scope, arn)?.ok_or_else(malformed)?;
    let (kind, name) = rest.split_once('/').unwrap_or((rest, ""));
    match (kind, name.split_once('/')) {
        ("database", None) => {
            let found = ::catalog::database::get(tx, &scope, name).await.map_err(errors::catalog)?;
            Ok(::catalog::arn::database(&scope, &found.name))
        }
        ("table", Some((database, table))) => table_named(tx, &scope, database, table).await,
        ("userDefinedFunction", Some((database, function))) => {
            let found =
                ::catalog::function::get(tx, &scope, database, function).await.map_err(errors::catalog)?;
            Ok(::catalog::arn::function(&scope, &found.database_name, &found.name))
        }
        ("database" | "table" | "userDefinedFunction", _) => Err(malformed()),
        _ => other(catalog, tx, &scope, arn, kind, name).await,
    }
}

async fn other(
    catalog: &Catalog,
    tx: &mut Tx,
    scope: &Scope,
    arn: &str,
    kind: &str,
    name: &str,
) -> Result<String, Fault> {
    let Some(find) = catalog.taggable.get(kind) else {
        return Err(Fault::not_implemented(format!(
            "glue: tags of {kind:?} resources are not built on this server"
        )));
    };
    let found = find(tx, scope, name).await?;
    found.ok_or_else(|| errors::not_found(format!("Resource {arn} not found.")))
}

pub(super) async fn tag(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let mut tx = catalog.store.begin().await.map_err(|error| errors::store(&error))?;
    let arn = resource(catalog, &mut tx, &call).await?;
    let mut tags = store::tags::get(&mut tx, &arn).await.map_err(|error| errors::store(&error))?;
    tags.extend(given(&call, "TagsToAdd"));
    check(&tags)?;
    store::tags::set(&mut tx, &arn, &tags).await.map_err(|error| errors::store(&error))?;
    tx.commit().await.map_err(|error| errors::store(&error))?;
    Ok(Reply::empty())
}

pub(super) async fn untag(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let mut tx = catalog.store.begin().await.map_err(|error| errors::store(&error))?;
    let arn = resource(catalog, &mut tx, &call).await?;
    let keys = call.input.get("TagsToRemove").and_then(Value::as_array).into_iter().flatten();
    let keys: Vec<&str> = keys.filter_map(Value::as_str).collect();
    store::tags::remove(&mut tx, &arn, &keys).await.map_err(|error| errors::store(&error))?;
    tx.commit().await.map_err(|error| errors::store(&error))?;
    Ok(Reply::empty())
}

pub(super) async fn get(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let mut tx = catalog.store.read().await.map_err(|error| errors::store(&error))?;
    let arn = resource(catalog, &mut tx, &call).await?;
    let tags = store::tags::get(&mut tx, &arn).await.map_err(|error| errors::store(&error))?;
    let tags: Map<String, Value> = tags.into_iter().map(|(key, value)| (key, json!(value))).collect();
    Ok(Reply::from(json!({ "Tags": tags })))
}
