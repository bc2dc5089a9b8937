//! The queue of a crawler in `CRAWL_EVENT_MODE`: which objects have changed since somebody last looked.
//!
//! Messages are looked at without being taken, and deleted once what they led to is committed: a run that breaks off
//! leaves them, and the next one does the same again. A preview deletes nothing. While a run is at work its lease makes it
//! the queue's only reader.
//!
//! Source: Glue Developer Guide, Accelerating crawls using Amazon S3 event notifications.

use std::collections::BTreeSet;

use async_trait::async_trait;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use store::Tx;

use super::log::BoxError;
use super::{Ended, Job};
use crate::error::CrawlerError;

/// Most messages of one run, as on AWS; the next one goes on with what is left.
const MAX_MESSAGES: usize = 100_000;
/// Messages looked at, and deleted, at a time.
const PAGE: usize = 1_000;

/// A message as it lies in its queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventMessage {
    /// Its number; later messages have larger ones.
    pub number: i64,
    /// Its id, for the log.
    pub id: String,
    /// Its text.
    pub body: String,
}

/// The queues that buckets tell of their changes. The binary fills it in.
#[async_trait]
pub trait EventQueues: Send + Sync {
    /// Visible messages with a number above `after`, in their order, at most `limit`; changes nothing. `None` when there
    /// is no queue of this ARN.
    async fn peek(
        &self,
        tx: &mut Tx,
        queue_arn: &str,
        after: i64,
        limit: usize,
    ) -> Result<Option<Vec<EventMessage>>, BoxError>;

    /// Deletes messages by number, those that are there.
    async fn remove(&self, tx: &mut Tx, queue_arn: &str, numbers: &[i64]) -> Result<(), BoxError>;

    /// Puts a message aside that cannot be used: into the queue `dead_letter`, or without one counted as received, so that
    /// the queue's own policy takes it away in time. Returns whether it left the queue.
    async fn reject(
        &self,
        tx: &mut Tx,
        queue_arn: &str,
        number: i64,
        dead_letter: Option<&str>,
    ) -> Result<bool, BoxError>;
}

/// What the queue says.
#[derive(Debug, Default)]
pub(super) struct Changes {
    queue: String,
    dead_letter: Option<String>,
    /// Messages that were understood.
    used: Vec<i64>,
    /// Those that were not: number, id and why.
    unusable: Vec<(i64, String, String)>,
    /// Bucket and key of each object that was made or removed.
    pub(super) objects: BTreeSet<(String, String)>,
}

impl Changes {
    /// How many messages there are.
    pub(super) fn messages(&self) -> usize {
        self.used.len() + self.unusable.len()
    }

    fn take(&mut self, message: EventMessage) {
        match objects(&message.body) {
            Ok(objects) => {
                self.objects.extend(objects);
                self.used.push(message.number);
            }
            Err(why) => self.unusable.push((message.number, message.id, why)),
        }
    }
}

fn failed(error: BoxError) -> Ended {
    match error.downcast::<store::StoreError>() {
        Ok(error) => CrawlerError::Store(*error).into(),
        Err(error) => {
            tracing::error!(error = &*error as &dyn std::error::Error, "a crawl's queue failed");
            Ended::Failed("Internal service error; the server's log has the cause".to_owned())
        }
    }
}

/// Looks at the queue of the crawler's target. Errors: there is no such queue.
pub(super) async fn read(job: &Job<'_>) -> Result<Changes, Ended> {
    let targets = &job.definition.targets;
    let of_s3 = targets.s3_targets.iter().map(|t| (&t.event_queue_arn, &t.dlq_event_queue_arn));
    let of_tables = targets.catalog_targets.iter().map(|t| (&t.event_queue_arn, &t.dlq_event_queue_arn));
    let (queue, dead_letter) = of_s3.chain(of_tables).next().unwrap_or((&None, &None));
    let mut changes = Changes {
        queue: queue.clone().unwrap_or_default(),
        dead_letter: dead_letter.clone().filter(|arn| !arn.is_empty()),
        ..Changes::default()
    };
    let mut after = 0;
    while changes.messages() < MAX_MESSAGES {
        job.go_on()?;
        let mut tx = job.ground.store.read().await.map_err(CrawlerError::from)?;
        let page = match &job.ground.queues {
            Some(queues) => queues.peek(&mut tx, &changes.queue, after, PAGE).await.map_err(failed)?,
            None => None,
        };
        let Some(page) = page else {
            return Err(Ended::Failed(format!("The event queue {} does not exist", changes.queue)));
        };
        let Some(last) = page.last() else { break };
        after = last.number;
        page.into_iter().for_each(|message| changes.take(message));
    }
    job.log.info(format!(
        "INFO : {} messages in {}, about {} objects",
        changes.messages(),
        changes.queue,
        changes.objects.len()
    ));
    if changes.messages() >= MAX_MESSAGES {
        job.log.info(format!(
            "INFO : A crawl takes {MAX_MESSAGES} messages; the next one goes on with the rest"
        ));
    }
    Ok(changes)
}

/// Deletes the messages of a run that has written what they led to, and puts those aside that say nothing.
pub(super) async fn finish(job: &Job<'_>, changes: &Changes) -> Result<(), Ended> {
    for (_, id, why) in &changes.unusable {
        job.log.error(format!("Message {id} in {} cannot be used: {why}", changes.queue));
    }
    let Some(queues) = job.ground.queues.as_ref().filter(|_| !job.is_preview()) else { return Ok(()) };
    for some in changes.used.chunks(PAGE) {
        let mut tx = job.begin().await?;
        queues.remove(&mut tx, &changes.queue, some).await.map_err(failed)?;
        job.commit(tx).await?;
    }
    let mut moved = 0;
    for some in changes.unusable.chunks(PAGE) {
        let mut tx = job.begin().await?;
        for (number, ..) in some {
            let left = queues.reject(&mut tx, &changes.queue, *number, changes.dead_letter.as_deref());
            moved += u64::from(left.await.map_err(failed)?);
        }
        job.commit(tx).await?;
    }
    let count = changes.unusable.len() as u64;
    if count > 0 {
        job.log.warn(format!("{count} messages could not be used; {moved} went to a dead-letter queue"));
    }
    Ok(())
}

/// The objects that a message is about: none for S3's test message, and for events that change no object. Errors: why it is
/// no message of S3's.
fn objects(body: &str) -> Result<Vec<(String, String)>, String> {
    let message: Value = serde_json::from_str(body).map_err(|error| format!("it is no JSON: {error}"))?;
    let inner = match (message.get("Type").and_then(Value::as_str), message.get("Message")) {
        // As a topic hands them on.
        (Some("Notification"), Some(Value::String(inner))) => {
            serde_json::from_str(inner).map_err(|error| format!("its Message is no JSON: {error}"))?
        }
        _ => message,
    };
    if inner.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(Vec::new());
    }
    let records = inner.get("Records").and_then(Value::as_array).ok_or("it has no Records")?;
    let mut found = Vec::with_capacity(records.len());
    for record in records {
        let text = |path: &str| record.pointer(path).and_then(Value::as_str);
        if text("/eventSource") != Some("aws:s3") {
            return Err("a record of it is not from aws:s3".to_owned());
        }
        let event = text("/eventName").ok_or("a record of it has no eventName")?;
        let event = event.strip_prefix("s3:").unwrap_or(event);
        if !["ObjectCreated:", "ObjectRemoved:", "LifecycleExpiration:"]
            .iter()
            .any(|kind| event.starts_with(kind))
        {
            continue;
        }
        let bucket = text("/s3/bucket/name").ok_or("a record of it names no bucket")?;
        let key = text("/s3/object/key").ok_or("a record of it names no object")?.replace('+', " ");
        let key = percent_decode_str(&key).decode_utf8().map_err(|_| "a key in it is not UTF-8")?;
        found.push((bucket.to_owned(), key.into_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(event: &str, key: &str) -> Value {
        json!({"eventSource": "aws:s3", "eventName": event, "s3": {"bucket": {"name": "b"}, "object": {"key": key}}})
    }

    #[test]
    fn messages_are_read() {
        let both = json!({"Records": [
            record("ObjectCreated:Put", "a+b/c%2Bd%C3%BC"),
            record("ObjectTagging:Put", "x"),
            record("ObjectRemoved:Delete", "e"),
        ]})
        .to_string();
        let expected = vec![("b".to_owned(), "a b/c+dü".to_owned()), ("b".to_owned(), "e".to_owned())];
        assert_eq!(objects(&both).unwrap(), expected);
        let handed_on = json!({"Type": "Notification", "Message": both}).to_string();
        assert_eq!(objects(&handed_on).unwrap(), expected);
        assert_eq!(objects(r#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#).unwrap(), Vec::new());
    }

    #[test]
    fn what_is_no_message_of_s3_says_why() {
        let nobody = json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}]});
        let other = json!({"Records": [{"eventSource": "aws:sns"}]});
        for (body, word) in [
            ("hello", "no JSON"),
            ("{}", "no Records"),
            (r#"{"Type":"Notification","Message":"x"}"#, "Message"),
            (&nobody.to_string(), "no bucket"),
            (&other.to_string(), "aws:s3"),
            (&json!({"Records": [record("ObjectCreated:Put", "%ff")]}).to_string(), "UTF-8"),
        ] {
            assert!(objects(body).unwrap_err().contains(word), "{body}");
        }
    }
}
