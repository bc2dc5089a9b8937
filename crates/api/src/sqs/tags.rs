//! Tags of queues.

use std::collections::BTreeMap;

use serde_json::json;
use store::Tx;
use wire::{Call, Fault, Reply};

use super::{Sqs, commit, errors, map, queue_name, scope, texts};

/// Most tags of a queue. Source: Amazon SQS Developer Guide, Quotas.
const MAX_TAGS: usize = 50;

/// The ARN of the request's queue, which must be there.
async fn resource(tx: &mut Tx, call: &Call) -> Result<String, Fault> {
    let queue = ::queues::get(tx, &scope(call)?, queue_name(call)?).await.map_err(errors::queue)?;
    Ok(queue.arn())
}

pub(super) async fn add(tx: &mut Tx, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), Fault> {
    let wrong = |(key, value): (&String, &String)| {
        let (key_length, value_length) = (key.chars().count(), value.chars().count());
        key_length == 0
            || key_length > 128
            || value_length > 256
            || key.contains('\0')
            || value.contains('\0')
    };
    if tags.iter().any(wrong) {
        return Err(errors::invalid("A tag has a key of 1 to 128 and a value of up to 256 characters."));
    }
    store::tags::set(tx, arn, tags).await.map_err(errors::store)?;
    if store::tags::get(tx, arn).await.map_err(errors::store)?.len() > MAX_TAGS {
        return Err(errors::invalid(format!("Too many tags: a queue can have at most {MAX_TAGS}.")));
    }
    Ok(())
}

pub(super) async fn set(sqs: &Sqs, call: Call) -> Result<Reply, Fault> {
    let mut tx = sqs.begin().await?;
    let arn = resource(&mut tx, &call).await?;
    add(&mut tx, &arn, &map(&call, "Tags")).await?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn remove(sqs: &Sqs, call: Call) -> Result<Reply, Fault> {
    let mut tx = sqs.begin().await?;
    let arn = resource(&mut tx, &call).await?;
    let keys: Vec<&str> = texts(&call, "TagKeys").into_iter().filter(|key| !key.contains('\0')).collect();
    store::tags::remove(&mut tx, &arn, &keys).await.map_err(errors::store)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn list(sqs: &Sqs, call: Call) -> Result<Reply, Fault> {
    let mut tx = sqs.read().await?;
    let arn = resource(&mut tx, &call).await?;
    let tags = store::tags::get(&mut tx, &arn).await.map_err(errors::store)?;
    Ok(Reply::from(json!({ "Tags": tags })))
}
