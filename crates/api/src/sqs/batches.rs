//! Messages, up to ten at a time: each entry succeeds or fails by itself, in one transaction.

use std::collections::HashSet;

use queues::{MAX_BATCH, MAX_BYTES, QueueError};
use serde_json::{Map, json};
use wire::{Call, Document, Fault, Reply};

use super::messages::{described, message};
use super::{Sqs, commit, errors, queue_name, scope};

/// An entry of a batch, with its id.
type Entry<'a> = (&'a str, &'a Map<String, Document>);

/// The entries with their ids, which are distinct.
fn entries<'a>(call: &'a Call, kind: &'static str) -> Result<Vec<Entry<'a>>, Fault> {
    let given = call.input.get("Entries").and_then(Document::as_array);
    let given: Vec<_> = given.into_iter().flatten().filter_map(Document::as_object).collect();
    let refused = |error| Err(errors::queue(error));
    if given.is_empty() {
        return refused(QueueError::EmptyBatch { entry: kind });
    }
    if given.len() > MAX_BATCH {
        return refused(QueueError::TooManyEntries { count: given.len() });
    }
    let mut ids = HashSet::new();
    let mut entries = Vec::with_capacity(given.len());
    for entry in given {
        let id = entry.get("Id").and_then(Document::as_str).unwrap_or_default();
        let well_formed = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if id.is_empty() || id.len() > 80 || !well_formed {
            return refused(QueueError::InvalidBatchId);
        }
        if !ids.insert(id) {
            return refused(QueueError::IdsNotDistinct { id: id.to_owned() });
        }
        entries.push((id, entry));
    }
    Ok(entries)
}

/// What became of entries.
#[derive(Default)]
struct Answers {
    successful: Vec<Document>,
    failed: Vec<Document>,
}

impl Answers {
    /// Errors: what is not the entry's fault, but the queue's or the store's.
    fn add(&mut self, id: &str, answer: Result<Document, QueueError>) -> Result<(), Fault> {
        match answer {
            Ok(mut document) => {
                document["Id"] = Document::from(id);
                self.successful.push(document);
            }
            Err(error @ (QueueError::NotFound | QueueError::Store(_) | QueueError::Corrupt { .. })) => {
                return Err(errors::queue(error));
            }
            Err(error) => {
                let fault = errors::queue(error);
                self.failed.push(json!({
                    "Id": id, "SenderFault": true, "Code": fault.code(), "Message": fault.message(),
                }));
            }
        }
        Ok(())
    }

    fn reply(self) -> Reply {
        Reply::from(json!({ "Successful": self.successful, "Failed": self.failed }))
    }
}

pub(super) async fn send(sqs: &Sqs, call: Call) -> Result<Reply, Fault> {
    let (scope, name) = (scope(&call)?, queue_name(&call)?);
    let entries = entries(&call, "SendMessageBatchRequestEntry")?;
    let messages: Vec<_> = entries.iter().map(|(_, entry)| message(&call, entry)).collect();
    let bytes: usize = messages.iter().map(::queues::NewMessage::size).sum();
    if bytes > MAX_BYTES {
        return Err(errors::queue(QueueError::BatchTooLong { bytes }));
    }
    let mut tx = sqs.begin().await?;
    let sent = sqs.queues.send_batch(&mut tx, &scope, name, &messages).await.map_err(errors::queue)?;
    let mut answers = Answers::default();
    for ((id, _), answer) in entries.iter().zip(sent) {
        answers.add(id, answer.map(|sent| described(&sent)))?;
    }
    commit(tx).await?;
    Ok(answers.reply())
}

fn handle(entry: &Map<String, Document>) -> &str {
    entry.get("ReceiptHandle").and_then(Document::as_str).unwrap_or_default()
}

pub(super) async fn delete(sqs: &Sqs, call: Call) -> Result<Reply, Fault> {
    let (scope, name) = (scope(&call)?, queue_name(&call)?);
    let entries = entries(&call, "DeleteMessageBatchRequestEntry")?;
    let mut tx = sqs.begin().await?;
    let mut answers = Answers::default();
    for (id, entry) in entries {
        let done = sqs.queues.delete_message(&mut tx, &scope, name, handle(entry)).await;
        answers.add(id, done.map(|()| json!({})))?;
    }
    commit(tx).await?;
    Ok(answers.reply())
}

pub(super) async fn change_visibility(sqs: &Sqs, call: Call) -> Result<Reply, Fault> {
    let (scope, name) = (scope(&call)?, queue_name(&call)?);
    let entries = entries(&call, "ChangeMessageVisibilityBatchRequestEntry")?;
    let mut tx = sqs.begin().await?;
    let mut answers = Answers::default();
    for (id, entry) in entries {
        let seconds = entry.get("VisibilityTimeout").and_then(Document::as_i64).unwrap_or_default();
        let done = sqs.queues.change_visibility(&mut tx, &scope, name, handle(entry), seconds).await;
        answers.add(id, done.map(|()| json!({})))?;
    }
    commit(tx).await?;
    Ok(answers.reply())
}
