//! What a bucket tells of its objects: which changes go to which queues, as S3's event messages.
//!
//! A configuration lies with the bucket's row, so that whoever changes objects finds it with the lookup that it makes
//! anyway. The messages are sent in the transaction that changes the object: one is there exactly when the change is.
//!
//! Source: Amazon S3 User Guide, Amazon S3 Event Notifications (supported events, event message structure).

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Tx, params};

use crate::index::bucket_id;
use crate::meta::{DOC_VERSION, Versioned, decode, encode};
use crate::{Bucket, BucketName, Lake, LakeError};

/// Takes the messages. The binary fills it in with the queues.
#[async_trait]
pub trait EventSink: Send + Sync {
    /// Whether there is a queue of this ARN.
    async fn exists(&self, tx: &mut Tx, queue_arn: &str) -> Result<bool, LakeError>;

    /// Sends texts to the queue in `tx`, in the name of `sender`; false, and nothing sent, when there is no such queue.
    async fn send(
        &self,
        tx: &mut Tx,
        queue_arn: &str,
        sender: &str,
        texts: Vec<String>,
    ) -> Result<bool, LakeError>;
}

/// Which changes one queue is told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueNotification {
    /// Unique in its bucket.
    pub id: String,
    /// The queue's ARN.
    pub queue_arn: String,
    /// Such as `s3:ObjectCreated:*`.
    pub events: Vec<String>,
    /// Keys that begin with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Keys that end with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
}

/// The configuration as it is stored, with what messages need of the bucket.
#[derive(Debug, Serialize, Deserialize)]
struct Watch {
    v: u32,
    name: String,
    account: String,
    region: String,
    queues: Vec<QueueNotification>,
}

impl Versioned for Watch {
    fn version(&self) -> u32 {
        self.v
    }
}

/// The events that can be asked for. Of some there never is one here: there are no versions, and no uploads by form.
const EVENTS: [&str; 8] = [
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
];
/// Longest prefix and suffix.
const MAX_FILTER_BYTES: usize = 1024;
/// Most configurations of a bucket.
const MAX_QUEUES: usize = 100;
/// Messages that are made at a time.
const AT_ONCE: usize = 500;

/// A change of an object.
pub(crate) struct Change<'a> {
    pub(crate) event: Event,
    pub(crate) key: &'a str,
    /// Size and ETag; none when it is gone.
    pub(crate) object: Option<(u64, &'a str)>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Put,
    Copy,
    Complete,
    Delete,
}

impl Event {
    /// As the messages name it.
    fn name(self) -> &'static str {
        match self {
            Self::Put => "ObjectCreated:Put",
            Self::Copy => "ObjectCreated:Copy",
            Self::Complete => "ObjectCreated:CompleteMultipartUpload",
            Self::Delete => "ObjectRemoved:Delete",
        }
    }

    /// As it is kept until it can be told.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Copy => "copy",
            Self::Complete => "complete",
            Self::Delete => "delete",
        }
    }

    /// What [`Event::word`] has named; none for any other text.
    pub(crate) fn of_word(word: &str) -> Option<Event> {
        [Self::Put, Self::Copy, Self::Complete, Self::Delete].into_iter().find(|event| event.word() == word)
    }
}

impl QueueNotification {
    fn wants(&self, change: &Change<'_>) -> bool {
        let name = change.event.name();
        let asked = |event: &String| {
            let event = event.strip_prefix("s3:").unwrap_or(event);
            event == name || event.strip_suffix('*').is_some_and(|kind| name.starts_with(kind))
        };
        let prefix = self.prefix.as_deref().unwrap_or_default();
        let suffix = self.suffix.as_deref().unwrap_or_default();
        change.key.starts_with(prefix) && change.key.ends_with(suffix) && self.events.iter().any(asked)
    }

    /// Whether some change could be for both.
    fn overlaps(&self, other: &Self) -> bool {
        let same = |a: &str, b: &str| {
            a == b
                || a.strip_suffix('*').is_some_and(|kind| b.starts_with(kind))
                || b.strip_suffix('*').is_some_and(|kind| a.starts_with(kind))
        };
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        let (a, b) = (text(&self.prefix), text(&other.prefix));
        let (c, d) = (text(&self.suffix), text(&other.suffix));
        self.events.iter().any(|event| other.events.iter().any(|also| same(event, also)))
            && (a.starts_with(&b) || b.starts_with(&a))
            && (c.ends_with(&d) || d.ends_with(&c))
    }
}

/// Errors: `InvalidNotification`, `UnsupportedEvent`.
fn check(queues: &[QueueNotification]) -> Result<(), LakeError> {
    let refused = |what: String| Err(LakeError::InvalidNotification { what });
    if queues.len() > MAX_QUEUES {
        return refused(format!("A bucket can have at most {MAX_QUEUES} notification configurations"));
    }
    for (at, one) in queues.iter().enumerate() {
        if one.events.is_empty() {
            return refused("A configuration names no event".to_owned());
        }
        if let Some(event) = one.events.iter().find(|event| !EVENTS.contains(&event.as_str())) {
            return Err(LakeError::UnsupportedEvent { event: event.clone() });
        }
        let long = |part: &Option<String>| part.as_ref().is_some_and(|text| text.len() > MAX_FILTER_BYTES);
        if long(&one.prefix) || long(&one.suffix) {
            return refused("Size of filter rule value cannot exceed 1024 bytes in UTF-8".to_owned());
        }
        if queues[..at].iter().any(|before| before.id == one.id) {
            return refused("Same ID used for multiple configurations. IDs must be unique".to_owned());
        }
        if queues[..at].iter().any(|before| before.overlaps(one)) {
            return refused(
                "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes \
                 are overlapping for the same event type."
                    .to_owned(),
            );
        }
    }
    Ok(())
}

impl Lake {
    /// Sets which queues are told of a bucket's changes, in place of what was set before; none when empty. With `validate`
    /// the queues must be there, and each gets a test message. Errors: `NoSuchBucket`, `InvalidNotification`,
    /// `UnsupportedEvent`, `NoSuchQueue`. Source: Amazon S3 API Reference, PutBucketNotificationConfiguration.
    pub async fn set_notifications(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        queues: Vec<QueueNotification>,
        validate: bool,
    ) -> Result<(), LakeError> {
        self.only_for_all("configure a bucket")?;
        check(&queues)?;
        let found = self.bucket(tx, bucket).await?;
        for one in queues.iter().filter(|_| validate) {
            let at_home = format!("arn:aws:sqs:{}:{}:", found.scope.region, found.scope.account);
            let known =
                one.queue_arn.starts_with(&at_home) && self.sink()?.exists(tx, &one.queue_arn).await?;
            if !known {
                return Err(LakeError::NoSuchQueue { arn: one.queue_arn.clone() });
            }
            let test = test_message(tx, &found);
            self.sink()?.send(tx, &one.queue_arn, &found.scope.account, vec![test]).await?;
        }
        let doc = match queues.is_empty() {
            true => None,
            false => Some(encode(&Watch {
                v: DOC_VERSION,
                name: bucket.as_str().to_owned(),
                account: found.scope.account,
                region: found.scope.region,
                queues,
            })?),
        };
        let id = bucket_id(tx, bucket).await?;
        tx.execute("UPDATE lake_buckets SET events = $1 WHERE id = $2", &params![doc, id]).await?;
        Ok(())
    }

    /// Which queues are told of a bucket's changes. Errors: `NoSuchBucket`.
    pub async fn notifications(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
    ) -> Result<Vec<QueueNotification>, LakeError> {
        let (_, events) = crate::index::bucket_and_events(tx, bucket).await?;
        Ok(events.map(|doc| decode::<Watch>(&doc)).transpose()?.map(|watch| watch.queues).unwrap_or_default())
    }

    /// Tells of changes, in the transaction that makes them. `events` is the bucket's configuration as it is stored.
    pub(crate) async fn tell(
        &self,
        tx: &mut Tx,
        events: Option<&str>,
        changes: &[Change<'_>],
    ) -> Result<(), LakeError> {
        let Some(events) = events else { return Ok(()) };
        let watch: Watch = decode(events)?;
        for one in &watch.queues {
            let wanted: Vec<&Change<'_>> = changes.iter().filter(|change| one.wants(change)).collect();
            for some in wanted.chunks(AT_ONCE) {
                let first = next_sequencer(tx, some.len()).await?;
                let mut texts = Vec::with_capacity(some.len());
                for (change, sequencer) in some.iter().zip(first..) {
                    texts.push(message(tx, &watch, one, change, sequencer)?);
                }
                if !self.sink()?.send(tx, &one.queue_arn, &watch.account, texts).await? {
                    tracing::warn!(
                        bucket = watch.name,
                        queue = one.queue_arn,
                        "no queue for a bucket's events: dropped"
                    );
                    break;
                }
            }
        }
        Ok(())
    }

    fn sink(&self) -> Result<&dyn EventSink, LakeError> {
        self.events.as_deref().ok_or(LakeError::NoEvents)
    }
}

/// Numbers for so many messages, the first of them. They grow in the order of commits, so that of two messages about one
/// key the later has the larger one.
async fn next_sequencer(tx: &mut Tx, count: usize) -> Result<i64, LakeError> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let row = tx
        .query_opt(
            "INSERT INTO lake_state (name, value) VALUES ('sequencer', $1)
             ON CONFLICT (name) DO UPDATE SET value = lake_state.value + $1 RETURNING value",
            &params![count],
        )
        .await?;
    let row = row.ok_or_else(|| LakeError::corrupt("the sequencer is gone"))?;
    Ok(row.get::<i64>(0)? - count + 1)
}

fn time(tx: &Tx) -> Result<String, LakeError> {
    let time = chrono::DateTime::from_timestamp_millis(tx.now_ms());
    let time = time.ok_or_else(|| LakeError::corrupt("the clock is out of range"))?;
    Ok(time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
}

/// Source: Amazon S3 User Guide, Event message structure, version 2.1. Who asked, from where and in which request is not
/// known here: the bucket's account stands for the first, ids of the message's own for the last.
fn message(
    tx: &Tx,
    watch: &Watch,
    to: &QueueNotification,
    change: &Change<'_>,
    sequencer: i64,
) -> Result<String, LakeError> {
    let mut object = json!({ "key": escaped(change.key) });
    if let Some((size, etag)) = change.object {
        object["size"] = json!(size);
        object["eTag"] = json!(etag);
    }
    object["sequencer"] = json!(format!("{sequencer:018X}"));
    let id = tx.new_id();
    let record = json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": watch.region,
        "eventTime": time(tx)?,
        "eventName": change.event.name(),
        "userIdentity": { "principalId": format!("AWS:{}", watch.account) },
        "requestParameters": { "sourceIPAddress": "127.0.0.1" },
        "responseElements": { "x-amz-request-id": id, "x-amz-id-2": id },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": to.id,
            "bucket": {
                "name": watch.name,
                "ownerIdentity": { "principalId": watch.account },
                "arn": format!("arn:aws:s3:::{}", watch.name),
            },
            "object": object,
        },
    });
    Ok(json!({ "Records": [record] }).to_string())
}

/// What a queue gets when it is configured.
fn test_message(tx: &Tx, bucket: &Bucket) -> String {
    let id = tx.new_id();
    json!({
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": time(tx).unwrap_or_default(),
        "Bucket": bucket.name.as_str(),
        "RequestId": id,
        "HostId": id,
    })
    .to_string()
}

/// A key as the messages have it: as in a form, but slashes stay.
fn escaped(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' | b'/' => {
                out.push(char::from(byte))
            }
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(id: &str, events: &[&str], prefix: &str, suffix: &str) -> QueueNotification {
        QueueNotification {
            id: id.to_owned(),
            queue_arn: "q".to_owned(),
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            prefix: Some(prefix.to_owned()),
            suffix: Some(suffix.to_owned()),
        }
    }

    #[test]
    fn events_and_filters_choose() {
        let change = |event, key| Change { event, key, object: None };
        let created = one("a", &["s3:ObjectCreated:*"], "in/", ".csv");
        assert!(created.wants(&change(Event::Put, "in/x.csv")));
        assert!(created.wants(&change(Event::Complete, "in/x.csv")));
        assert!(!created.wants(&change(Event::Delete, "in/x.csv")));
        assert!(!created.wants(&change(Event::Put, "in/x.json")));
        assert!(!created.wants(&change(Event::Put, "out/x.csv")));
        let copied = one("a", &["s3:ObjectCreated:Copy", "s3:ObjectRemoved:Delete"], "", "");
        assert!(copied.wants(&change(Event::Copy, "x")) && copied.wants(&change(Event::Delete, "x")));
        assert!(!copied.wants(&change(Event::Put, "x")));
    }

    #[test]
    fn one_change_is_for_one_configuration() {
        let created = ["s3:ObjectCreated:*"];
        let wrong = |queues: &[QueueNotification]| check(queues).unwrap_err().to_string();
        assert!(check(&[one("a", &created, "x/", ""), one("b", &created, "y/", "")]).is_ok());
        assert!(check(&[one("a", &created, "x/", ".a"), one("b", &created, "x/", ".b")]).is_ok());
        assert!(check(&[one("a", &created, "", ""), one("b", &["s3:ObjectRemoved:*"], "", "")]).is_ok());
        let both = [one("a", &created, "x/", ""), one("b", &["s3:ObjectCreated:Put"], "x/y/", ".b")];
        assert!(wrong(&both).contains("ambiguously"));
        assert!(wrong(&[one("a", &created, "x", ""), one("a", &created, "y", "")]).contains("Same ID"));
        assert!(wrong(&[one("a", &["s3:ObjectRestore:*"], "", "")]).contains("ObjectRestore"));
        assert!(wrong(&[one("a", &created, &"x".repeat(1025), "")]).contains("1024"));
    }

    #[test]
    fn keys_are_escaped_as_in_forms() {
        assert_eq!(escaped("a b/c+d=ü&.csv"), "a+b/c%2Bd%3D%C3%BC%26.csv");
    }
}
