//! Sessions and statements as Glue's structures.

use serde_json::{Map, Value, json};

use super::documents::{Session, Statement};
use super::state::StatementState;
use crate::definition::seconds;

#[expect(clippy::cast_precision_loss, reason = "counts of statements and milliseconds")]
fn real(number: i64) -> f64 {
    number as f64
}

impl Session {
    /// As GetSession shows it, times in epoch seconds; `now_ms` counts for a session that goes on.
    pub fn to_document(&self, now_ms: i64) -> Value {
        let details = &self.details;
        let mut out: Map<String, Value> = details.echo.clone();
        let ran_ms = (details.completed_ms.unwrap_or(now_ms) - self.created_ms).max(0);
        let ran_seconds = real(ran_ms) / 1000.0;
        let units = out.get("MaxCapacity").and_then(Value::as_f64).unwrap_or_default();
        // What of the statements has ended.
        let progress =
            if details.statements == 0 { 0.0 } else { real(details.ended) / real(details.statements) };
        out.extend([
            ("Id".to_owned(), json!(self.id)),
            ("Status".to_owned(), json!(details.state.as_str())),
            ("CreatedOn".to_owned(), seconds(self.created_ms)),
            ("ExecutionTime".to_owned(), json!(ran_seconds)),
            ("DPUSeconds".to_owned(), json!(ran_seconds * units)),
            ("Progress".to_owned(), json!(progress)),
        ]);
        if let Some(message) = &details.error_message {
            out.insert("ErrorMessage".to_owned(), json!(message));
        }
        if let Some(ms) = details.completed_ms {
            out.insert("CompletedOn".to_owned(), seconds(ms));
        }
        Value::Object(out)
    }
}

impl Statement {
    /// As GetStatement shows it, times in epoch milliseconds. `Output` is there once the statement has ended; its `Status`
    /// is `ok` or `error`, as notebooks expect, not one of the model's states.
    pub fn to_document(&self) -> Value {
        let progress = if self.state.is_final() { 1.0 } else { 0.0 };
        let mut shown = json!({
            "Id": self.id,
            "Code": self.code,
            "State": self.state.as_str(),
            "Progress": progress,
        });
        for (name, ms) in [("StartedOn", self.started_ms), ("CompletedOn", self.completed_ms)] {
            if let Some(ms) = ms {
                shown[name] = json!(ms);
            }
        }
        if let Some(output) = &self.output {
            let is_ok = self.state == StatementState::Available && output.raised.is_none();
            let mut out = json!({
                "Data": { "TextPlain": output.text },
                "ExecutionCount": self.id,
                "Status": if is_ok { "ok" } else { "error" },
            });
            if let Some(raised) = &output.raised {
                out["ErrorName"] = json!(raised.name);
                out["ErrorValue"] = json!(raised.value);
                out["Traceback"] = json!(raised.traceback);
            }
            shown["Output"] = out;
        }
        shown
    }
}
