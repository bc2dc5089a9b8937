//! `tenon crawl NAME`: starts a crawler, waits until it is done and says what it found.

use anyhow::Result;
use serde_json::{Value, json};

use super::progress::{Poll, Progress};
use super::{Outcome, print, remark};
use crate::client::{Client, ClientError, GLUE, LOGS};

/// Problems that are shown; the log has them all.
const SHOWN_PROBLEMS: usize = 20;

/// Runs the crawler to its end.
pub(crate) async fn run(client: &Client, name: &str, as_json: bool) -> Result<Outcome> {
    client.call(GLUE, "StartCrawler", &json!({ "Name": name })).await?;
    let progress = Progress::new(&format!("crawler {name}: RUNNING"));
    let mut poll = Poll::new();
    let last = loop {
        poll.pause().await;
        let reply = client.call(GLUE, "GetCrawler", &json!({ "Name": name })).await?;
        let missing = ClientError::Member { operation: "GetCrawler", member: "Crawler.State" };
        let crawler = reply.get("Crawler").cloned().unwrap_or_default();
        let state = crawler.get("State").and_then(Value::as_str).ok_or(missing)?;
        if state == "READY" {
            break crawler.get("LastCrawl").cloned().unwrap_or_default();
        }
        progress.say(format!("crawler {name}: {state}"));
    };
    drop(progress);
    let problems = problems(client, &last).await?;
    for line in problems.iter().take(SHOWN_PROBLEMS) {
        remark(&format!("tenon: {line}"));
    }
    if problems.len() > SHOWN_PROBLEMS {
        remark(&format!("tenon: … and {} more problems in the crawl's log", problems.len() - SHOWN_PROBLEMS));
    }
    let metrics = metrics(client, name).await?;
    if as_json {
        print(&format!("{:#}\n", json!({ "LastCrawl": last, "Metrics": metrics })))?;
    } else {
        print(&text(name, &last, &metrics))?;
    }
    Ok(match last.get("Status").and_then(Value::as_str) {
        Some("SUCCEEDED") => Outcome::Succeeded,
        Some("CANCELLED") => Outcome::Stopped,
        _ => Outcome::Failed,
    })
}

/// What the crawl wrote down as errors: files that it could not read, and why. A crawl goes on with the rest, as on AWS.
async fn problems(client: &Client, last: &Value) -> Result<Vec<String>, ClientError> {
    let text = |member: &str| last.get(member).and_then(Value::as_str).unwrap_or_default();
    let input = json!({ "logGroupName": text("LogGroup"), "logStreamName": text("LogStream") });
    let page = match client.call(LOGS, "GetLogEvents", &input).await {
        Err(error) if error.is("ResourceNotFoundException") => return Ok(Vec::new()),
        other => other?,
    };
    let start = format!("[{}] ERROR : ", text("MessagePrefix"));
    let events = page.get("events").and_then(Value::as_array).into_iter().flatten();
    let messages = events.filter_map(|event| event.get("message")?.as_str());
    Ok(messages.filter_map(|line| line.strip_prefix(start.as_str())).map(str::to_owned).collect())
}

async fn metrics(client: &Client, name: &str) -> Result<Value, ClientError> {
    let reply = client.call(GLUE, "GetCrawlerMetrics", &json!({ "CrawlerNameList": [name] })).await?;
    Ok(reply.pointer("/CrawlerMetricsList/0").cloned().unwrap_or_default())
}

fn text(name: &str, last: &Value, metrics: &Value) -> String {
    let count = |member: &str| metrics.get(member).and_then(Value::as_i64).unwrap_or(0);
    let status = last.get("Status").and_then(Value::as_str).unwrap_or("UNKNOWN");
    let mut out = format!(
        "{name}: {status}, tables created {}, updated {}, deleted {}\n",
        count("TablesCreated"),
        count("TablesUpdated"),
        count("TablesDeleted")
    );
    if let Some(message) = last.get("ErrorMessage").and_then(Value::as_str) {
        out.push_str(&format!("  {message}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_show_their_message() {
        let last = json!({ "Status": "FAILED", "ErrorMessage": "s3://b/k: truncated" });
        let shown = text("c", &last, &json!({ "TablesCreated": 2 }));
        assert_eq!(shown, "c: FAILED, tables created 2, updated 0, deleted 0\n  s3://b/k: truncated\n");
    }
}
