//! Resource policies.

use catalog::policy::{self, Condition, Policy};
use catalog::{arn, database, names, table};
use serde_json::{Value, json};
use store::{Scope, Tx};
use wire::{Call, Fault, Reply, epoch_seconds};

use super::Governance;
use crate::glue::catalog::{commit, limit, required, scope};
use crate::glue::errors;

/// Policies on a page that names no size.
const PAGE: usize = 100;

/// The ARN that a call is about, in its stored form, once what it names was seen to exist.
async fn resource(tx: &mut Tx, scope: &Scope, call: &Call) -> Result<String, Fault> {
    let Some(given) = call.text("ResourceArn") else {
        return Ok(arn::catalog(scope));
    };
    let place = format!("arn:aws:glue:{}:{}:", scope.region, scope.account);
    let Some(rest) = given.strip_prefix(place.as_str()) else {
        return Err(errors::not_found(format!("Resource {given} not found.")));
    };
    let parts: Vec<&str> = rest.splitn(3, '/').collect();
    match parts[..] {
        ["catalog"] => Ok(arn::catalog(scope)),
        ["database", name] => {
            let found = database::get(tx, scope, name).await.map_err(errors::catalog)?;
            Ok(arn::database(scope, &found.name))
        }
        ["table", database, name] => {
            let found = table::get_entry(tx, scope, database, name).await.map_err(errors::catalog)?;
            Ok(arn::table(scope, &found.database_name, &found.name))
        }
        _ => Err(errors::invalid(format!("{given} is not the ARN of the catalog, a database or a table."))),
    }
}

/// As [`resource`], for what is there already: a policy that is stored under the ARN is found also when nothing of that name
/// is left (versions before this one could leave such policies behind).
async fn kept(tx: &mut Tx, scope: &Scope, call: &Call) -> Result<String, Fault> {
    if let Some(given) = call.text("ResourceArn") {
        let folded = given.rsplit_once(':').map(|(place, name)| format!("{place}:{}", names::fold(name)));
        let arn = folded.unwrap_or_else(|| given.to_owned());
        if policy::find(tx, scope, &arn).await.map_err(errors::catalog)?.is_some() {
            return Ok(arn);
        }
    }
    resource(tx, scope, call).await
}

fn condition(call: &Call) -> Condition<'_> {
    let exists = match call.text("PolicyExistsCondition") {
        Some("MUST_EXIST") => Some(true),
        Some("NOT_EXIST") => Some(false),
        _ => None,
    };
    Condition { hash: call.text("PolicyHashCondition"), exists }
}

fn shown(found: &Policy) -> Value {
    json!({
        "PolicyInJson": found.document, "PolicyHash": found.hash,
        "CreateTime": epoch_seconds(found.created_ms), "UpdateTime": epoch_seconds(found.updated_ms),
    })
}

pub(super) async fn put(governance: &Governance, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = governance.begin().await?;
    let arn = resource(&mut tx, &scope, &call).await?;
    let document = required(&call, "PolicyInJson");
    let hash =
        policy::put(&mut tx, &scope, &arn, document, condition(&call)).await.map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(Reply::from(json!({ "PolicyHash": hash })))
}

pub(super) async fn get(governance: &Governance, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = governance.read().await?;
    let arn = kept(&mut tx, &scope, &call).await?;
    let found = policy::get(&mut tx, &scope, &arn).await.map_err(errors::catalog)?;
    Ok(Reply::from(shown(&found)))
}

pub(super) async fn list(governance: &Governance, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = governance.read().await?;
    let page = policy::list(&mut tx, &scope, call.text("NextToken"), limit(&call, PAGE))
        .await
        .map_err(errors::catalog)?;
    let policies: Vec<Value> = page.items.iter().map(shown).collect();
    Ok(Reply::from(json!({ "GetResourcePoliciesResponseList": policies, "NextToken": page.next })))
}

pub(super) async fn delete(governance: &Governance, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = governance.begin().await?;
    let arn = kept(&mut tx, &scope, &call).await?;
    policy::delete(&mut tx, &scope, &arn, condition(&call)).await.map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(Reply::empty())
}
