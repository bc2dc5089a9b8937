//! Log events.

use observe::events::{self, EventQuery, Rejected};
use observe::filter::{self, FilterQuery};
use observe::pattern;
use serde_json::{Value, json};
use wire::{Call, Document, Fault, Reply};

use super::{Logs, errors, group_name, limit, scope};

pub(super) async fn put(logs: &Logs, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let group = group_name(&call, &scope)?;
    let stream = call.text("logStreamName").unwrap_or_default();
    let given = call.input.get("logEvents").and_then(Value::as_array);
    let given: Vec<(i64, String)> = given.into_iter().flatten().map(event).collect();
    let mut tx = logs.store.begin().await.map_err(errors::store)?;
    let rejected = events::put(&mut tx, &scope, group, stream, &given).await.map_err(errors::observe)?;
    tx.commit().await.map_err(errors::store)?;
    let mut output = json!({ "nextSequenceToken": call.request_id });
    if rejected != Rejected::default() {
        output["rejectedLogEventsInfo"] = json!({
            "tooNewLogEventStartIndex": rejected.too_new_start,
            "tooOldLogEventEndIndex": rejected.too_old_end,
            "expiredLogEventEndIndex": rejected.expired_end,
        });
    }
    if call.input.contains_key("entity") {
        // The events are kept and the entity is not: the operation has its own way to say so.
        output["rejectedEntityInfo"] = json!({ "errorType": "UnsupportedLogGroupType" });
    }
    Ok(Reply::from(output))
}

fn event(given: &Value) -> (i64, String) {
    let ts_ms = given.get("timestamp").and_then(Value::as_i64).unwrap_or_default();
    let message = given.get("message").and_then(Value::as_str).unwrap_or_default();
    (ts_ms, message.to_owned())
}

pub(super) async fn get(logs: &Logs, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let group = group_name(&call, &scope)?;
    let stream = call.text("logStreamName").unwrap_or_default();
    let query = EventQuery {
        start_ms: call.integer("startTime"),
        end_ms: call.integer("endTime"),
        from_head: call.flag("startFromHead"),
        token: call.text("nextToken"),
        limit: Some(limit(&call, events::MAX_EVENTS)),
    };
    let mut tx = logs.store.read().await.map_err(errors::store)?;
    let page = events::get(&mut tx, &scope, group, stream, &query).await.map_err(errors::observe)?;
    let found: Vec<Document> = page
        .events
        .into_iter()
        .map(|event| {
            json!({ "timestamp": event.ts_ms, "message": event.message, "ingestionTime": event.ingestion_ms })
        })
        .collect();
    Ok(Reply::from(json!({
        "events": found,
        "nextForwardToken": page.next_forward,
        "nextBackwardToken": page.next_backward,
    })))
}

pub(super) async fn filter(logs: &Logs, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let group = group_name(&call, &scope)?;
    let names = call.input.get("logStreamNames").and_then(Value::as_array);
    let names: Vec<String> =
        names.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let query = FilterQuery {
        streams: &names,
        stream_prefix: call.text("logStreamNamePrefix"),
        start_ms: call.integer("startTime"),
        end_ms: call.integer("endTime"),
        pattern: pattern::parse(call.text("filterPattern").unwrap_or_default()).map_err(errors::observe)?,
        token: call.text("nextToken"),
        limit: Some(limit(&call, events::MAX_EVENTS)),
    };
    let mut tx = logs.store.read().await.map_err(errors::store)?;
    let page = filter::find(&mut tx, &scope, group, &query).await.map_err(errors::observe)?;
    let found: Vec<Document> = page
        .events
        .into_iter()
        .map(|event| {
            json!({
                "logStreamName": event.stream,
                "timestamp": event.ts_ms,
                "message": event.message,
                "ingestionTime": event.ingestion_ms,
                "eventId": event.id,
            })
        })
        .collect();
    // AWS no longer fills the list of searched streams.
    Ok(Reply::from(json!({ "events": found, "nextToken": page.next, "searchedLogStreams": [] })))
}
