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
    let crawl = crawl(client, name, &last).await?;
    if as_json {
        print(&format!("{:#}\n", json!({ "LastCrawl": last, "Crawl": crawl })))?;
    } else {
        print(&text(name, &last, &crawl))?;
    }
    Ok(match last.get("Status").and_then(Value::as_str) {
        Some("SUCCEEDED") => Outcome::Succeeded,
        Some("CANCELLED") => Outcome::Stopped,
        _ => Outcome::Failed,
    })
}

/// What the crawl wrote down as errors: files and tables that it could not read, and why. A crawl goes on with the rest, as on AWS.
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

/// This run as the history has it, its `Summary` (JSON in a text) taken apart.
async fn crawl(client: &Client, name: &str, last: &Value) -> Result<Value, ClientError> {
    let id = last.get("MessagePrefix").and_then(Value::as_str).unwrap_or_default();
    let filter = json!({ "FieldName": "CRAWL_ID", "FilterOperator": "EQ", "FieldValue": id });
    let input = json!({ "CrawlerName": name, "Filters": [filter] });
    let reply = client.call(GLUE, "ListCrawls", &input).await?;
    let missing = || ClientError::Member { operation: "ListCrawls", member: "Crawls" };
    let mut crawl = reply.pointer("/Crawls/0").cloned().ok_or_else(missing)?;
    let summary = crawl.get("Summary").and_then(Value::as_str).and_then(|s| serde_json::from_str(s).ok());
    crawl["Summary"] = summary.unwrap_or_else(|| json!({}));
    Ok(crawl)
}

/// What this run did; further lines when it left files or tables out.
fn text(name: &str, last: &Value, crawl: &Value) -> String {
    let count = |kind: &str, action: &str| {
        let place = format!("/Summary/{kind}/{action}/Count");
        crawl.pointer(&place).and_then(Value::as_i64).unwrap_or(0)
    };
    let status = last.get("Status").and_then(Value::as_str).unwrap_or("UNKNOWN");
    let mut out = format!("{name}: {status}");
    for (kind, noun) in [("TABLE", "tables"), ("PARTITION", "partitions")] {
        out.push_str(&format!(
            "{} {noun} created {}, updated {}, deleted {}",
            if kind == "TABLE" { "," } else { ";" },
            count(kind, "ADD"),
            count(kind, "UPDATE"),
            count(kind, "DELETE")
        ));
    }
    out.push('\n');
    let left_out = count("FILE", "LEFT_OUT");
    if left_out > 0 {
        let reasons = crawl.pointer("/Summary/FILE/LEFT_OUT/Details/reasons").and_then(Value::as_object);
        let reasons: Vec<String> =
            reasons.into_iter().flatten().map(|(reason, files)| format!("{files} {reason}")).collect();
        let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
        out.push_str(&format!("  files left out: {left_out}{reasons}\n"));
    }
    let left_out = count("TABLE", "LEFT_OUT");
    if left_out > 0 {
        out.push_str(&format!("  tables left out: {left_out}\n"));
    }
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
        let crawl = json!({ "Summary": { "TABLE": { "ADD": { "Count": 2 } } } });
        let shown = text("c", &last, &crawl);
        assert_eq!(
            shown,
            "c: FAILED, tables created 2, updated 0, deleted 0; partitions created 0, updated 0, deleted 0\n  \
             s3://b/k: truncated\n"
        );
    }

    #[test]
    fn what_was_left_out_is_counted() {
        let crawl = json!({ "Summary": {
            "PARTITION": { "ADD": { "Count": 3 } },
            "FILE": { "LEFT_OUT": { "Count": 3, "Details": { "reasons": { "not UTF-8": 2, "empty": 1 } } } },
            "TABLE": { "LEFT_OUT": { "Count": 2 } },
        } });
        let shown = text("c", &json!({ "Status": "SUCCEEDED" }), &crawl);
        assert_eq!(
            shown,
            "c: SUCCEEDED, tables created 0, updated 0, deleted 0; partitions created 3, updated 0, deleted 0\n  \
             files left out: 3 (2 not UTF-8, 1 empty)\n  tables left out: 2\n"
        );
    }
}
