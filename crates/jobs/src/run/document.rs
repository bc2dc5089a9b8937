//! A run as Glue's `JobRun` structure.

use serde_json::{Map, Value};

use super::Run;
use super::rows::Details;
use crate::definition::seconds;
use crate::definition::workers::Capacity;

/// The units of all workers times the seconds that they were there for, by the millisecond. AWS gives it for runs of class
/// FLEX and with auto scaling only; here it is the meter of every run.
fn dpu_seconds(details: &Details, executed_ms: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of days")]
    let seconds = executed_ms as f64 / 1000.0;
    seconds * Capacity::of(&details.echo).units
}

/// The run as GetJobRun shows it, times in epoch seconds; `now_ms` counts for a run that goes on.
pub fn to_document(run: &Run, now_ms: i64) -> Value {
    let details = &run.details;
    let mut out = Map::new();
    out.insert("Id".to_owned(), Value::from(run.id.clone()));
    out.insert("Attempt".to_owned(), Value::from(details.attempt));
    if let Some(previous) = &details.previous_run_id {
        out.insert("PreviousRunId".to_owned(), Value::from(previous.clone()));
    }
    out.insert("JobName".to_owned(), Value::from(details.job.clone()));
    out.insert("StartedOn".to_owned(), seconds(run.created_ms));
    out.insert("LastModifiedOn".to_owned(), seconds(details.modified_ms));
    if let Some(completed) = details.completed_ms {
        out.insert("CompletedOn".to_owned(), seconds(completed));
    }
    out.insert("JobRunState".to_owned(), Value::from(details.state.as_str()));
    if let Some(message) = &details.error_message {
        out.insert("ErrorMessage".to_owned(), Value::from(message.clone()));
    }
    if let Some(detail) = &details.state_detail {
        out.insert("StateDetail".to_owned(), Value::from(detail.clone()));
    }
    out.insert("PredecessorRuns".to_owned(), Value::Array(Vec::new()));
    let executed_ms = details.executed_ms + details.executing_ms(details.completed_ms.unwrap_or(now_ms));
    // Whole seconds, as AWS counts; a run that did something has used at least one.
    let executed = if executed_ms == 0 { 0 } else { (executed_ms / 1000).max(1) };
    out.insert("ExecutionTime".to_owned(), Value::from(executed));
    if executed_ms > 0 {
        out.insert("DPUSeconds".to_owned(), Value::from(dpu_seconds(details, executed_ms)));
    }
    out.insert("Timeout".to_owned(), Value::from(details.timeout_minutes));
    out.insert("LogGroupName".to_owned(), Value::from(details.kind.log_group()));
    out.extend(details.echo.clone());
    Value::Object(out)
}
