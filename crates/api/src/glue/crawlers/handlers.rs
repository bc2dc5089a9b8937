//! The operations: decode, one call, encode.

use std::collections::BTreeMap;

use ::crawler::{Crawler, CrawlerError, Filter};
use serde_json::{Value, json};
use wire::{Call, Fault, Reply};

use super::{CrawlerFace, fault, render, scope};
use crate::glue::{errors, tags};

/// Entries of a page when the request does not say. Source: the console's own page size.
const PAGE: usize = 100;
/// Source: AWS Glue API Reference, GetCrawlers (MaxResults).
const MAX_PAGE: usize = 1000;

fn name(call: &Call) -> &str {
    call.text("Name").unwrap_or_default()
}

fn limit(call: &Call, most: usize) -> usize {
    let asked = call.integer("MaxResults").and_then(|n| usize::try_from(n).ok());
    asked.unwrap_or(PAGE).clamp(1, most)
}

fn names(call: &Call, member: &str) -> Vec<String> {
    let listed = call.input.get(member).and_then(Value::as_array).into_iter().flatten();
    listed.filter_map(|n| n.as_str().map(str::to_owned)).collect()
}

pub(super) async fn create(face: &CrawlerFace, call: Call) -> Result<Reply, Fault> {
    tags::check(&tags::given(&call, "Tags"))?;
    let scope = scope(&call)?;
    face.crawlers.create(&scope, call.input).await.map_err(fault)?;
    Ok(Reply::empty())
}

pub(super) async fn update(face: &CrawlerFace, call: Call) -> Result<Reply, Fault> {
    face.crawlers.update(&scope(&call)?, &call.input).await.map_err(fault)?;
    Ok(Reply::empty())
}

pub(super) async fn delete(face: &CrawlerFace, call: Call) -> Result<Reply, Fault> {
    face.crawlers.delete(&scope(&call)?, name(&call)).await.map_err(fault)?;
    Ok(Reply::empty())
}

pub(super) async fn get(face: &CrawlerFace, call: Call) -> Result<Reply, Fault> {
    let crawler = face.crawlers.get(&scope(&call)?, name(&call)).await.map_err(fault)?;
    Ok(Reply::from(json!({ "Crawler": render::crawler(&crawler) })))
}

async fn page(face: &CrawlerFace, call: &Call, most: usize) -> Result<(Vec<Crawler>, Option<String>), Fault> {
    let after = call.text("NextToken").unwrap_or_default();
    let (crawlers, more) =
        face.crawlers.list(&scope(call)?, after, limit(call, most)).await.map_err(fault)?;
    let next = crawlers.last().filter(|_| more).map(|c| c.definition.name.clone());
    Ok((crawlers, next))
}

pub(super) async fn get_many(face: &CrawlerFace, call: Call) -> Result<Reply, Fault> {
    let (crawlers, next) = page(face, &call, MAX_PAGE).await?;
    let crawlers: Vec<Value> = crawlers.iter().map(render::crawler).collect();
    Ok(Reply::from(json!({ "Crawlers": crawlers, "NextToken": next })))
}

pub(super) async fn list(face: &CrawlerFace, call: Call) -> Result<Reply, Fault> {
    let wanted: BTreeMap<String, String> = tags::given(&call, "Tags");
    let (crawlers, next) = page(face, &call, PAGE).await?;
    let mut found = Vec::with_capacity(crawlers.len());
    for crawler in crawlers {
        let name = crawler.definition.name;
        let has = if wanted.is_empty() {
            true
        } else {
            let tags = face.crawlers.tags(&scope(&call)?, &name).await.map_err(fault)?;
            wanted.iter().all(|(key, value)| tags.get(key) == Some(value))
        };
        if has {
            found.push(name);
        }
    }
    Ok(Reply::from(json!({ "CrawlerNames": found, "NextToken": next })))
}

pub(super) async fn batch_get(face: &CrawlerFace, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for name in names(&call, "CrawlerNames") {
        match face.crawlers.get(&scope, &name).await {
            Ok(crawler) => found.push(render::crawler(&crawler)),
            Err(CrawlerError::NotFound { name }) => missing.push(name),
            Err(error) => return Err(fault(error)),
        }
    }
    Ok(Reply::from(json!({ "Crawlers": found, "CrawlersNotFound": missing })))
}

pub(super) async fn start(face: &CrawlerFace, call: Call) -> Result<Reply, Fault> {
    face.crawlers.start(&scope(&call)?, name(&call)).await.map_err(fault)?;
    Ok(Reply::empty())
}

pub(super) async fn stop(face: &CrawlerFace, call: Call) -> Result<Reply, Fault> {
    face.crawlers.stop(&scope(&call)?, name(&call)).await.map_err(fault)?;
    Ok(Reply::empty())
}

pub(super) async fn update_schedule(face: &CrawlerFace, call: Call) -> Result<Reply, Fault> {
    let (name, expression) = (call.text("CrawlerName").unwrap_or_default(), call.text("Schedule"));
    let scope = scope(&call)?;
    face.crawlers.update_schedule(&scope, name, expression.unwrap_or_default()).await.map_err(fault)?;
    Ok(Reply::empty())
}

pub(super) async fn start_schedule(face: &CrawlerFace, call: Call) -> Result<Reply, Fault> {
    let name = call.text("CrawlerName").unwrap_or_default();
    face.crawlers.start_schedule(&scope(&call)?, name).await.map_err(fault)?;
    Ok(Reply::empty())
}

pub(super) async fn stop_schedule(face: &CrawlerFace, call: Call) -> Result<Reply, Fault> {
    let name = call.text("CrawlerName").unwrap_or_default();
    face.crawlers.stop_schedule(&scope(&call)?, name).await.map_err(fault)?;
    Ok(Reply::empty())
}

pub(super) async fn metrics(face: &CrawlerFace, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut wanted = names(&call, "CrawlerNameList");
    let mut next = None;
    if wanted.is_empty() {
        let (crawlers, token) = page(face, &call, MAX_PAGE).await?;
        wanted = crawlers.into_iter().map(|c| c.definition.name).collect();
        next = token;
    }
    let mut found = Vec::with_capacity(wanted.len());
    for name in wanted {
        match face.crawlers.metrics(&scope, &name).await {
            Ok(metrics) => found.push(render::metrics(&metrics)),
            // The operation has no fault for it: an unknown name has no metrics.
            Err(CrawlerError::NotFound { .. }) => {}
            Err(error) => return Err(fault(error)),
        }
    }
    Ok(Reply::from(json!({ "CrawlerMetricsList": found, "NextToken": next })))
}

pub(super) async fn crawls(face: &CrawlerFace, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut filters = Vec::new();
    for filter in call.input.get("Filters").and_then(Value::as_array).into_iter().flatten() {
        let text = |member: &str| filter.get(member).and_then(Value::as_str).unwrap_or_default();
        filters.push(
            Filter::parse(text("FieldName"), text("FilterOperator"), text("FieldValue")).map_err(fault)?,
        );
    }
    let before = call.text("NextToken").filter(|t| !t.is_empty()).map(position).transpose()?;
    let name = call.text("CrawlerName").unwrap_or_default();
    let found = face.crawlers.crawls(&scope, name, &filters, before, limit(&call, MAX_PAGE)).await;
    let (crawls, more) = found.map_err(fault)?;
    let next = crawls.last().filter(|_| more).map(|c| format!("{}/{}", c.started_ms, c.id));
    let crawls: Vec<Value> = crawls.iter().map(render::crawl).collect();
    Ok(Reply::from(json!({ "Crawls": crawls, "NextToken": next })))
}

/// Where a page of runs ended: start and id of its last run.
fn position(token: &str) -> Result<(i64, String), Fault> {
    let parts = token.split_once('/').and_then(|(ms, id)| Some((ms.parse().ok()?, id.to_owned())));
    parts.ok_or_else(|| errors::invalid("The pagination token is not valid."))
}
