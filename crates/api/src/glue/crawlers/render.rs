//! Crawlers and runs as Glue's structures.

use ::crawler::{Crawl, Crawler, LOG_GROUP, Metrics};
use serde_json::{Value, json};
use wire::epoch_seconds;

use crate::glue::errors;

/// Members of a request that the crawler itself does not show.
const NOT_SHOWN: [&str; 2] = ["Tags", "Schedule"];

pub(super) fn crawler(crawler: &Crawler) -> Value {
    let mut shown = json!(crawler.definition);
    if let Some(members) = shown.as_object_mut() {
        for name in NOT_SHOWN {
            members.remove(name);
        }
    }
    shown["State"] = json!(crawler.state.as_str());
    shown["Version"] = json!(crawler.version);
    shown["CreationTime"] = epoch_seconds(crawler.created_ms);
    shown["LastUpdated"] = epoch_seconds(crawler.updated_ms);
    shown["CrawlElapsedTime"] = json!(crawler.elapsed_ms);
    if shown.get("LineageConfiguration").is_none() {
        shown["LineageConfiguration"] = json!({ "CrawlerLineageSettings": "DISABLE" });
    }
    if let Some(schedule) = &crawler.schedule {
        shown["Schedule"] =
            json!({ "ScheduleExpression": schedule.expression, "State": schedule.state.as_str() });
    }
    if let Some(last) = &crawler.last_crawl {
        shown["LastCrawl"] = json!({
            "Status": last.status,
            "LogGroup": LOG_GROUP,
            "LogStream": crawler.definition.name,
            "MessagePrefix": last.message_prefix,
            "StartTime": epoch_seconds(last.started_ms),
        });
        if let Some(error) = &last.error {
            shown["LastCrawl"]["ErrorMessage"] = json!(errors::cut(error));
        }
    }
    shown
}

pub(super) fn crawl(crawl: &Crawl) -> Value {
    let mut shown = json!({
        "CrawlId": crawl.id,
        "State": crawl.state.as_str(),
        "StartTime": epoch_seconds(crawl.started_ms),
        "Summary": crawl.counts.summary(),
        "LogGroup": LOG_GROUP,
        "LogStream": crawl.crawler,
        "MessagePrefix": crawl.id,
        "DPUHour": 0.0,
    });
    if let Some(ended) = crawl.ended_ms {
        shown["EndTime"] = epoch_seconds(ended);
    }
    if let Some(error) = &crawl.error {
        shown["ErrorMessage"] = json!(errors::cut(error));
    }
    shown
}

pub(super) fn metrics(metrics: &Metrics) -> Value {
    json!({
        "CrawlerName": metrics.name,
        "TimeLeftSeconds": 0.0,
        "StillEstimating": metrics.still_estimating,
        "LastRuntimeSeconds": metrics.last_runtime_secs,
        "MedianRuntimeSeconds": metrics.median_runtime_secs,
        "TablesCreated": metrics.tables_created,
        "TablesUpdated": metrics.tables_updated,
        "TablesDeleted": metrics.tables_deleted,
    })
}
