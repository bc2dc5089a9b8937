//! GetBucketNotificationConfiguration, PutBucketNotificationConfiguration: queues only.

use super::S3;
use super::errors::{fault, invalid_argument};
use super::input::{begin, commit, read, require_bucket};
use lake::QueueNotification;
use serde_json::json;
use store::Tx;
use wire::{Call, Document, Fault, Fields, Operation, Reply};

const NO_TOPICS: &str = "notifications go to queues only: name a queue in QueueConfigurations";

pub(super) const GET: Operation<S3> = Operation {
    name: "GetBucketNotificationConfiguration",
    fields: Fields { acts: &["Bucket", "ExpectedBucketOwner"], refused: &[], ignored: &[] },
    run: |s3, call| Box::pin(get(s3, call)),
};

pub(super) const PUT: Operation<S3> = Operation {
    name: "PutBucketNotificationConfiguration",
    fields: Fields {
        acts: &[
            "Bucket",
            "ExpectedBucketOwner",
            "SkipDestinationValidation",
            "NotificationConfiguration.QueueConfigurations.Id",
            "NotificationConfiguration.QueueConfigurations.QueueArn",
            "NotificationConfiguration.QueueConfigurations.Events",
            "NotificationConfiguration.QueueConfigurations.Filter.Key.FilterRules",
        ],
        refused: &[
            ("NotificationConfiguration.TopicConfigurations", NO_TOPICS),
            ("NotificationConfiguration.LambdaFunctionConfigurations", NO_TOPICS),
            ("NotificationConfiguration.EventBridgeConfiguration", NO_TOPICS),
        ],
        ignored: &[],
    },
    run: |s3, call| Box::pin(put(s3, call)),
};

async fn put(s3: &S3, call: Call) -> Result<Reply, Fault> {
    let configuration = call.input.get("NotificationConfiguration").cloned().unwrap_or_default();
    // Its mere presence asks for it: the structure has no members.
    if configuration.get("EventBridgeConfiguration").is_some() {
        return Err(Fault::not_implemented(format!(
            "s3 PutBucketNotificationConfiguration: NotificationConfiguration.EventBridgeConfiguration: {NO_TOPICS}"
        )));
    }
    let mut tx = begin(&s3.lake).await?;
    let (bucket, _) = require_bucket(&s3.lake, &mut tx, &call).await?;
    let given = configuration.get("QueueConfigurations").and_then(Document::as_array);
    let queues = given.into_iter().flatten().map(|one| queue(&tx, one)).collect::<Result<Vec<_>, _>>()?;
    let validate = !call.flag("SkipDestinationValidation");
    s3.lake.set_notifications(&mut tx, &bucket, queues, validate).await.map_err(fault)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

fn queue(tx: &Tx, given: &Document) -> Result<QueueNotification, Fault> {
    let text = |name: &str| given.get(name).and_then(Document::as_str).map(str::to_owned);
    let events = given.get("Events").and_then(Document::as_array);
    let events = events.into_iter().flatten().filter_map(Document::as_str).map(str::to_owned);
    let mut queue = QueueNotification {
        id: text("Id").filter(|id| !id.is_empty()).unwrap_or_else(|| tx.new_id()),
        queue_arn: text("QueueArn").unwrap_or_default(),
        events: events.collect(),
        prefix: None,
        suffix: None,
    };
    let rules = given.pointer("/Filter/Key/FilterRules").and_then(Document::as_array);
    for rule in rules.into_iter().flatten() {
        let of = |name: &str| rule.get(name).and_then(Document::as_str).unwrap_or_default();
        let slot = match of("Name") {
            "prefix" => &mut queue.prefix,
            "suffix" => &mut queue.suffix,
            other => {
                let message = "filter rule name must be either prefix or suffix";
                return Err(invalid_argument("FilterRule.Name", other, message));
            }
        };
        if slot.replace(of("Value").to_owned()).is_some() {
            let message = format!("Cannot specify more than one {} rule in a filter.", of("Name"));
            return Err(invalid_argument("FilterRule.Name", of("Name"), message));
        }
    }
    Ok(queue)
}

async fn get(s3: &S3, call: Call) -> Result<Reply, Fault> {
    let mut tx = read(&s3.lake).await?;
    let (bucket, _) = require_bucket(&s3.lake, &mut tx, &call).await?;
    let queues = s3.lake.notifications(&mut tx, &bucket).await.map_err(fault)?;
    let queues: Vec<Document> = queues.iter().map(described).collect();
    Ok(Reply::from(match queues.is_empty() {
        true => json!({}),
        false => json!({ "QueueConfigurations": queues }),
    }))
}

fn described(queue: &QueueNotification) -> Document {
    let mut out = json!({ "Id": queue.id, "QueueArn": queue.queue_arn, "Events": queue.events });
    let rules: Vec<Document> = [("prefix", &queue.prefix), ("suffix", &queue.suffix)]
        .into_iter()
        .filter_map(|(name, value)| Some(json!({ "Name": name, "Value": value.as_ref()? })))
        .collect();
    if !rules.is_empty() {
        out["Filter"] = json!({ "Key": { "FilterRules": rules } });
    }
    out
}
