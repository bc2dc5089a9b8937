//! Log streams.

use observe::streams::{self, Stream, StreamOrder, StreamQuery};
use serde_json::json;
use store::Scope;
use wire::{Call, Document, Fault, Reply};

use super::{Logs, errors, group_name, limit, scope};

const DEFAULT_LIMIT: usize = 50;

pub(super) async fn create(logs: &Logs, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let group = group_name(&call, &scope)?;
    let name = call.text("logStreamName").unwrap_or_default();
    let mut tx = logs.store.begin().await.map_err(errors::store)?;
    streams::create(&mut tx, &scope, group, name).await.map_err(errors::observe)?;
    tx.commit().await.map_err(errors::store)?;
    Ok(Reply::empty())
}

pub(super) async fn delete(logs: &Logs, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let group = group_name(&call, &scope)?;
    let name = call.text("logStreamName").unwrap_or_default();
    let mut tx = logs.store.begin().await.map_err(errors::store)?;
    streams::delete(&mut tx, &scope, group, name).await.map_err(errors::observe)?;
    tx.commit().await.map_err(errors::store)?;
    Ok(Reply::empty())
}

pub(super) async fn describe(logs: &Logs, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let group = group_name(&call, &scope)?;
    let order = match call.text("orderBy") {
        Some("LastEventTime") => StreamOrder::LastEventTime,
        _ => StreamOrder::Name,
    };
    let query = StreamQuery {
        prefix: call.text("logStreamNamePrefix"),
        order,
        descending: call.flag("descending"),
        after: call.text("nextToken"),
        limit: limit(&call, DEFAULT_LIMIT),
    };
    let mut tx = logs.store.read().await.map_err(errors::store)?;
    let (found, next) = streams::list(&mut tx, &scope, group, &query).await.map_err(errors::observe)?;
    let found: Vec<Document> = found.iter().map(|stream| document(&scope, group, stream)).collect();
    Ok(Reply::from(json!({ "logStreams": found, "nextToken": next })))
}

fn document(scope: &Scope, group: &str, stream: &Stream) -> Document {
    json!({
        "logStreamName": stream.name,
        "creationTime": stream.created_ms,
        "firstEventTimestamp": stream.first_event_ms,
        "lastEventTimestamp": stream.last_event_ms,
        "lastIngestionTime": stream.last_ingestion_ms,
        "arn": streams::arn(scope, group, &stream.name),
        // AWS has answered 0 for streams since 2019 and documents that the value is not to be used.
        "storedBytes": 0,
    })
}
