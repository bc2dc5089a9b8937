//! `tenon status`: what a running server says about itself.

use anyhow::Result;
use comfy_table::{Table, presets};
use serde_json::Value;

use super::{Outcome, print};
use crate::client::Client;

/// Prints the status. Fails when the server cannot be reached or is not ready.
pub(crate) async fn run(client: &Client, json: bool) -> Result<Outcome> {
    let status = client.get("/_/status").await?;
    if json {
        print(&format!("{status:#}\n"))?;
    } else {
        print(&text(client.endpoint(), &status))?;
    }
    let ready = status.get("ready").and_then(Value::as_bool).unwrap_or(false);
    Ok(if ready { Outcome::Succeeded } else { Outcome::Failed })
}

fn text(endpoint: &str, status: &Value) -> String {
    let field = |name: &str| match status.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => "unknown".to_owned(),
        Some(other) => other.to_string(),
    };
    let durable = if status.get("durable") == Some(&Value::Bool(true)) { "durable" } else { "ephemeral" };
    let ready = if status.get("ready") == Some(&Value::Bool(true)) { "ready" } else { "not ready" };
    let resident = status.get("resident_bytes").and_then(Value::as_u64).map_or(0, |bytes| bytes >> 20);
    let mut out = format!(
        "Tenon {} at {endpoint}: {ready}\n  data     {} ({durable})\n  access   {}\n  uptime   {} s\n  memory   \
         {resident} MiB\n\n",
        field("version"),
        field("data"),
        field("access"),
        field("uptime_seconds"),
    );
    out.push_str(&rows(status, "services", &["name", "built", "known"]));
    out.push('\n');
    out.push_str(&rows(status, "tasks", &["name", "state", "restarts", "last_error"]));
    out
}

fn rows(status: &Value, list: &str, columns: &[&str]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(columns.iter().copied());
    for row in status.get(list).and_then(Value::as_array).into_iter().flatten() {
        table.add_row(columns.iter().map(|column| match row.get(*column) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        }));
    }
    format!("{table}\n")
}
