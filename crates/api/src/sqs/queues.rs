//! Queues and their attributes.

use queues::{Page, Queue};
use serde_json::{Map, json};
use wire::{Call, Document, Fault, Reply};

use super::{Sqs, commit, errors, map, queue_name, scope, tags, texts, url};

/// Most names of a page.
const MAX_RESULTS: i64 = 1000;

pub(super) async fn create(sqs: &Sqs, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let name = call.text("QueueName").unwrap_or_default();
    let mut tx = sqs.begin().await?;
    let made = ::queues::create(&mut tx, &scope, name, &map(&call, "Attributes")).await;
    let (queue, new) = made.map_err(errors::queue)?;
    let given = map(&call, "tags");
    if new && !given.is_empty() {
        tags::add(&mut tx, &queue.arn(), &given).await?;
    }
    if new {
        commit(tx).await?;
    }
    Ok(Reply::from(json!({ "QueueUrl": url(&call, name) })))
}

pub(super) async fn get_url(sqs: &Sqs, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    if call.text("QueueOwnerAWSAccountId").is_some_and(|owner| owner != call.scope_account) {
        return Err(errors::queue(::queues::QueueError::NotFound));
    }
    let name = call.text("QueueName").unwrap_or_default();
    let mut tx = sqs.read().await?;
    ::queues::get(&mut tx, &scope, name).await.map_err(errors::queue)?;
    Ok(Reply::from(json!({ "QueueUrl": url(&call, name) })))
}

/// How many names are wanted, and whether in pages.
fn limit(call: &Call) -> Result<(usize, bool), Fault> {
    match call.integer("MaxResults") {
        None => Ok((MAX_RESULTS as usize, false)),
        Some(limit @ 1..=MAX_RESULTS) => Ok((usize::try_from(limit).unwrap_or(1), true)),
        Some(limit) => Err(errors::invalid(format!(
            "Value {limit} for parameter MaxResults is invalid. Reason: Must be between 1 and 1000, if provided."
        ))),
    }
}

fn urls(call: &Call, page: &Page) -> Vec<String> {
    page.names.iter().map(|name| url(call, name)).collect()
}

/// As on AWS, a list that asks for no pages ends after the first thousand without a word.
fn next(page: Page, paged: bool) -> Option<String> {
    page.next.filter(|_| paged)
}

pub(super) async fn list(sqs: &Sqs, call: Call) -> Result<Reply, Fault> {
    let (scope, (limit, paged)) = (scope(&call)?, limit(&call)?);
    let prefix = call.text("QueueNamePrefix").unwrap_or_default();
    let after = call.text("NextToken").unwrap_or_default();
    if prefix.contains('\0') || after.contains('\0') {
        return Err(errors::invalid("A name holds the character U+0000."));
    }
    let mut tx = sqs.read().await?;
    let page = ::queues::list(&mut tx, &scope, prefix, after, limit).await.map_err(errors::queue)?;
    let urls = urls(&call, &page);
    let urls = Some(urls).filter(|urls| !urls.is_empty());
    Ok(Reply::from(json!({ "QueueUrls": urls, "NextToken": next(page, paged) })))
}

pub(super) async fn sources(sqs: &Sqs, call: Call) -> Result<Reply, Fault> {
    let (scope, (limit, paged)) = (scope(&call)?, limit(&call)?);
    let (name, after) = (queue_name(&call)?, call.text("NextToken").unwrap_or_default());
    if after.contains('\0') {
        return Err(errors::invalid("The token is not valid."));
    }
    let mut tx = sqs.read().await?;
    let page = ::queues::sources(&mut tx, &scope, name, after, limit).await.map_err(errors::queue)?;
    Ok(Reply::from(json!({ "queueUrls": urls(&call, &page), "NextToken": next(page, paged) })))
}

pub(super) async fn delete(sqs: &Sqs, call: Call) -> Result<Reply, Fault> {
    let (scope, name) = (scope(&call)?, queue_name(&call)?);
    let mut tx = sqs.begin().await?;
    ::queues::delete(&mut tx, &scope, name).await.map_err(errors::queue)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn purge(sqs: &Sqs, call: Call) -> Result<Reply, Fault> {
    let (scope, name) = (scope(&call)?, queue_name(&call)?);
    let mut tx = sqs.begin().await?;
    ::queues::purge(&mut tx, &scope, name).await.map_err(errors::queue)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn set_attributes(sqs: &Sqs, call: Call) -> Result<Reply, Fault> {
    let (scope, name) = (scope(&call)?, queue_name(&call)?);
    let mut tx = sqs.begin().await?;
    let given = map(&call, "Attributes");
    ::queues::set_attributes(&mut tx, &scope, name, &given).await.map_err(errors::queue)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn attributes(sqs: &Sqs, call: Call) -> Result<Reply, Fault> {
    let (scope, name) = (scope(&call)?, queue_name(&call)?);
    let wanted = texts(&call, "AttributeNames");
    let mut tx = sqs.read().await?;
    let queue = ::queues::get(&mut tx, &scope, name).await.map_err(errors::queue)?;
    let mut all = described(&queue);
    if wanted.iter().any(|name| *name == "All" || name.starts_with("Approximate")) {
        let counts = ::queues::counts(&mut tx, &queue).await.map_err(errors::queue)?;
        for (name, count) in [
            ("ApproximateNumberOfMessages", counts.visible),
            ("ApproximateNumberOfMessagesNotVisible", counts.in_flight),
            ("ApproximateNumberOfMessagesDelayed", counts.delayed),
        ] {
            all.insert(name.to_owned(), Document::from(count.to_string()));
        }
    }
    if !wanted.contains(&"All") {
        all.retain(|name, _| wanted.contains(&name.as_str()));
    }
    let all = Some(all).filter(|all| !all.is_empty());
    Ok(Reply::from(json!({ "Attributes": all })))
}

fn described(queue: &Queue) -> Map<String, Document> {
    let settings = queue.settings.attributes();
    let mut all: Map<String, Document> =
        settings.into_iter().map(|(name, value)| (name.to_owned(), Document::from(value))).collect();
    for (name, value) in [
        ("QueueArn", queue.arn()),
        ("CreatedTimestamp", (queue.created_ms / 1000).to_string()),
        ("LastModifiedTimestamp", (queue.modified_ms / 1000).to_string()),
    ] {
        all.insert(name.to_owned(), Document::from(value));
    }
    all
}
