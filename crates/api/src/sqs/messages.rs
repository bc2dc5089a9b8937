//! Messages, one at a time.

use std::collections::BTreeMap;

use queues::{AttributeValue, Content, NewMessage, Receive, Received, Sent, md5_of_attributes, md5_of_body};
use serde_json::{Map, json};
use wire::{Call, Document, Fault, Reply};

use super::{Sqs, commit, errors, queue_name, scope, texts};

/// The message of a request, or of an entry of a batch.
pub(super) fn message(call: &Call, given: &Map<String, Document>) -> NewMessage {
    let text = |name: &str| given.get(name).and_then(Document::as_str).map(str::to_owned);
    NewMessage {
        body: text("MessageBody").unwrap_or_default(),
        content: Content {
            attributes: values(given.get("MessageAttributes")),
            system: values(given.get("MessageSystemAttributes")),
            group: text("MessageGroupId"),
            sender: call.access_key.clone().unwrap_or_else(|| call.scope_account.clone()),
        },
        delay_s: given.get("DelaySeconds").and_then(Document::as_i64),
    }
}

fn values(given: Option<&Document>) -> BTreeMap<String, AttributeValue> {
    let given = given.and_then(Document::as_object).into_iter().flatten();
    let value = |given: &Document| {
        let text = |name: &str| given.get(name).and_then(Document::as_str).map(str::to_owned);
        AttributeValue {
            data_type: text("DataType").unwrap_or_default(),
            string: text("StringValue"),
            binary: text("BinaryValue"),
        }
    };
    given.map(|(name, one)| (name.clone(), value(one))).collect()
}

pub(super) fn described(sent: &Sent) -> Document {
    json!({
        "MessageId": sent.id,
        "MD5OfMessageBody": sent.md5_of_body,
        "MD5OfMessageAttributes": sent.md5_of_attributes,
        "MD5OfMessageSystemAttributes": sent.md5_of_system,
    })
}

pub(super) async fn send(sqs: &Sqs, call: Call) -> Result<Reply, Fault> {
    let (scope, name) = (scope(&call)?, queue_name(&call)?);
    let mut tx = sqs.begin().await?;
    let message = message(&call, &call.input);
    let sent = sqs.queues.send(&mut tx, &scope, name, &message).await.map_err(errors::queue)?;
    commit(tx).await?;
    Ok(Reply::from(described(&sent)))
}

pub(super) async fn receive(sqs: &Sqs, call: Call) -> Result<Reply, Fault> {
    let (scope, name) = (scope(&call)?, queue_name(&call)?);
    let wanted = Receive {
        max: call.integer("MaxNumberOfMessages"),
        visibility_s: call.integer("VisibilityTimeout"),
        wait_s: call.integer("WaitTimeSeconds"),
    };
    let received = sqs.queues.receive(&scope, name, wanted).await.map_err(errors::queue)?;
    let mut system = texts(&call, "MessageSystemAttributeNames");
    system.extend(texts(&call, "AttributeNames"));
    let own = texts(&call, "MessageAttributeNames");
    let found: Vec<Document> = received.into_iter().map(|one| shown(one, &system, &own)).collect();
    Ok(Reply::from(json!({ "Messages": Some(found).filter(|found| !found.is_empty()) })))
}

/// A message with those of its attributes that were asked for.
fn shown(received: Received, system: &[&str], own: &[&str]) -> Document {
    let wanted = |name: &str| {
        own.iter().any(|asked| {
            *asked == "All"
                || *asked == name
                || asked.strip_suffix(".*").is_some_and(|prefix| name.starts_with(prefix))
        })
    };
    let attributes: BTreeMap<String, AttributeValue> =
        received.content.attributes.clone().into_iter().filter(|(name, _)| wanted(name)).collect();
    let values: Map<String, Document> = attributes
        .iter()
        .map(|(name, value)| {
            let value = json!({
                "DataType": value.data_type,
                "StringValue": value.string,
                "BinaryValue": value.binary,
            });
            (name.clone(), value)
        })
        .collect();
    let mut facts = facts(&received);
    facts.retain(|name, _| system.contains(&"All") || system.contains(&name.as_str()));
    json!({
        "MessageId": received.id,
        "ReceiptHandle": received.handle,
        "MD5OfBody": md5_of_body(&received.body),
        "Body": received.body,
        "Attributes": Some(facts).filter(|facts| !facts.is_empty()),
        "MD5OfMessageAttributes": md5_of_attributes(&attributes),
        "MessageAttributes": Some(values).filter(|values| !values.is_empty()),
    })
}

fn facts(received: &Received) -> Map<String, Document> {
    let content = &received.content;
    let trace = content.system.get("AWSTraceHeader").and_then(|trace| trace.string.clone());
    [
        ("SenderId", Some(content.sender.clone())),
        ("SentTimestamp", Some(received.sent_ms.to_string())),
        ("ApproximateReceiveCount", Some(received.receives.to_string())),
        ("ApproximateFirstReceiveTimestamp", Some(received.first_received_ms.to_string())),
        ("MessageGroupId", content.group.clone()),
        ("AWSTraceHeader", trace),
        ("DeadLetterQueueSourceArn", received.source.clone()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), Document::from(value?))))
    .collect()
}

pub(super) async fn delete(sqs: &Sqs, call: Call) -> Result<Reply, Fault> {
    let (scope, name) = (scope(&call)?, queue_name(&call)?);
    let handle = call.text("ReceiptHandle").unwrap_or_default();
    let mut tx = sqs.begin().await?;
    sqs.queues.delete_message(&mut tx, &scope, name, handle).await.map_err(errors::queue)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn change_visibility(sqs: &Sqs, call: Call) -> Result<Reply, Fault> {
    let (scope, name) = (scope(&call)?, queue_name(&call)?);
    let handle = call.text("ReceiptHandle").unwrap_or_default();
    let seconds = call.integer("VisibilityTimeout").unwrap_or_default();
    let mut tx = sqs.begin().await?;
    let changed = sqs.queues.change_visibility(&mut tx, &scope, name, handle, seconds).await;
    changed.map_err(errors::queue)?;
    commit(tx).await?;
    Ok(Reply::empty())
}
