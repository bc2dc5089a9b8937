//! Log groups.

use observe::groups::{self, Group, GroupQuery};
use serde_json::{Value, json};
use store::Scope;
use wire::{Call, Document, Fault, Reply};

use super::{Logs, errors, group_of, limit, scope, tags};

const DEFAULT_LIMIT: usize = 50;

pub(super) async fn create(logs: &Logs, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let name = call.text("logGroupName").unwrap_or_default();
    if call.flag("deletionProtectionEnabled") {
        return Err(Fault::not_implemented(
            "logs CreateLogGroup: deletion protection is not built on this server",
        ));
    }
    let mut tx = logs.store.begin().await.map_err(errors::store)?;
    groups::create(&mut tx, &scope, name, call.text("logGroupClass")).await.map_err(errors::observe)?;
    let given = tags::given(&call);
    if !given.is_empty() {
        store::tags::set(&mut tx, &groups::arn(&scope, name), &given).await.map_err(errors::store)?;
    }
    tx.commit().await.map_err(errors::store)?;
    Ok(Reply::empty())
}

pub(super) async fn delete(logs: &Logs, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = logs.store.begin().await.map_err(errors::store)?;
    let name = call.text("logGroupName").unwrap_or_default();
    groups::delete(&mut tx, &scope, name).await.map_err(errors::observe)?;
    tx.commit().await.map_err(errors::store)?;
    Ok(Reply::empty())
}

pub(super) async fn put_retention(logs: &Logs, call: Call) -> Result<Reply, Fault> {
    set_retention(logs, &call, call.integer("retentionInDays")).await
}

pub(super) async fn delete_retention(logs: &Logs, call: Call) -> Result<Reply, Fault> {
    set_retention(logs, &call, None).await
}

async fn set_retention(logs: &Logs, call: &Call, days: Option<i64>) -> Result<Reply, Fault> {
    let scope = scope(call)?;
    let mut tx = logs.store.begin().await.map_err(errors::store)?;
    let name = call.text("logGroupName").unwrap_or_default();
    groups::set_retention(&mut tx, &scope, name, days).await.map_err(errors::observe)?;
    tx.commit().await.map_err(errors::store)?;
    Ok(Reply::empty())
}

pub(super) async fn describe(logs: &Logs, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    if call.flag("includeLinkedAccounts") {
        return Err(errors::invalid("This account is not a monitoring account: it has no linked accounts."));
    }
    if let Some(identifiers) = call.input.get("logGroupIdentifiers").and_then(Value::as_array) {
        return by_identifier(logs, &call, &scope, identifiers).await;
    }
    let query = GroupQuery {
        prefix: call.text("logGroupNamePrefix"),
        infix: call.text("logGroupNamePattern"),
        class: call.text("logGroupClass"),
        after: call.text("nextToken"),
        limit: limit(&call, DEFAULT_LIMIT),
    };
    if query.prefix.is_some() && query.infix.is_some() {
        return Err(errors::invalid(
            "LogGroupNamePrefix and LogGroupNamePattern are mutually exclusive parameters.",
        ));
    }
    let mut tx = logs.store.read().await.map_err(errors::store)?;
    let (found, next) = groups::list(&mut tx, &scope, &query).await.map_err(errors::observe)?;
    let found: Vec<Document> = found.iter().map(|group| document(&scope, group)).collect();
    Ok(Reply::from(json!({ "logGroups": found, "nextToken": next })))
}

/// Groups by name or ARN; the model allows fifty, which are one page. Those that are not there are left out.
async fn by_identifier(
    logs: &Logs,
    call: &Call,
    scope: &Scope,
    identifiers: &[Value],
) -> Result<Reply, Fault> {
    for other in ["logGroupNamePrefix", "logGroupNamePattern", "logGroupClass", "nextToken"] {
        if call.text(other).is_some() {
            return Err(errors::invalid(format!(
                "logGroupIdentifiers and {other} are mutually exclusive parameters."
            )));
        }
    }
    let mut names = Vec::with_capacity(identifiers.len());
    for identifier in identifiers.iter().filter_map(Value::as_str) {
        names.push(group_of(identifier, scope)?);
    }
    names.sort_unstable();
    names.dedup();
    let mut tx = logs.store.read().await.map_err(errors::store)?;
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        match groups::get(&mut tx, scope, name).await {
            Ok(group) => found.push(document(scope, &group)),
            Err(observe::ObserveError::GroupNotFound { .. }) => {}
            Err(error) => return Err(errors::observe(error)),
        }
    }
    Ok(Reply::from(json!({ "logGroups": found })))
}

fn document(scope: &Scope, group: &Group) -> Document {
    let arn = groups::arn(scope, &group.name);
    json!({
        "logGroupName": group.name,
        "creationTime": group.created_ms,
        "retentionInDays": group.retention_days,
        "metricFilterCount": 0,
        "arn": format!("{arn}:*"),
        "storedBytes": group.stored_bytes,
        "logGroupClass": group.class,
        "logGroupArn": arn,
        "deletionProtectionEnabled": false,
    })
}
