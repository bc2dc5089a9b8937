//! `tenon job run NAME`: starts a run; with `--watch` follows its log to its end.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use super::progress::{Poll, Progress};
use super::{Outcome, print, remark};
use crate::client::{Client, ClientError, GLUE, LOGS};

/// Group of a run's log when the run names none.
const DEFAULT_GROUP: &str = "/aws-glue/jobs";

/// What to run.
pub(crate) struct Run {
    pub(crate) name: String,
    pub(crate) arguments: BTreeMap<String, String>,
    pub(crate) watch: bool,
    pub(crate) json: bool,
}

impl Run {
    pub(crate) async fn execute(self, client: &Client) -> Result<Outcome> {
        let input = json!({ "JobName": self.name, "Arguments": self.arguments });
        let started = client.call(GLUE, "StartJobRun", &input).await?;
        let missing = ClientError::Member { operation: "StartJobRun", member: "JobRunId" };
        let id = started.get("JobRunId").and_then(Value::as_str).ok_or(missing)?.to_owned();
        if !self.watch {
            let text = if self.json { format!("{started:#}\n") } else { format!("{id}\n") };
            print(&text)?;
            return Ok(Outcome::Succeeded);
        }
        let run = self.watch(client, &id).await?;
        if self.json {
            print(&format!("{run:#}\n"))?;
        } else {
            print(&summary(&self.name, &id, &run))?;
        }
        Ok(outcome(state(&run)?))
    }

    /// Follows the run to its end and returns it.
    async fn watch(&self, client: &Client, id: &str) -> Result<Value> {
        let progress = Progress::new(&format!("{} {id}", self.name));
        let mut poll = Poll::new();
        let mut logs = [Tail::new("output"), Tail::new("error")];
        let mut far = String::new();
        loop {
            let input = json!({ "JobName": self.name, "RunId": id });
            let reply = client.call(GLUE, "GetJobRun", &input).await?;
            let run = reply.get("JobRun").cloned().unwrap_or_default();
            let state = state(&run)?.to_owned();
            // The state first, the log after: what was logged before the end is then surely read.
            for log in &mut logs {
                let lines = log.next(client, &run, id).await?;
                if let Some(last) = lines.iter().rev().find_map(|line| how_far(line)) {
                    far = last;
                }
                progress.aside(|| self.show(&lines))?;
            }
            if is_final(&state) {
                return Ok(run);
            }
            progress.say(format!("{} {id}: {state}{far}", self.name));
            poll.pause().await;
        }
    }

    /// Log lines go to standard output, unless that is for JSON.
    fn show(&self, lines: &[String]) -> Result<()> {
        for line in lines {
            if self.json {
                remark(line);
            } else {
                print(&format!("{line}\n"))?;
            }
        }
        Ok(())
    }
}

/// How far a run is by a line `progress {…}` of its log: `, 45 % read, about 12 s left`.
fn how_far(line: &str) -> Option<String> {
    let counts: Value = serde_json::from_str(line.strip_prefix("progress ")?).ok()?;
    let count = |member: &str| counts.get(member).and_then(Value::as_u64);
    let read = match (count("bytes_in"), count("bytes_total")) {
        (Some(read), Some(total @ 1..)) => format!(", {} % read", u128::from(read) * 100 / u128::from(total)),
        _ => format!(", {} rows read", count("rows_in")?),
    };
    Some(match count("seconds_left") {
        Some(left) => format!("{read}, about {left} s left"),
        None => read,
    })
}

/// `tenon job script NAME`: prints the PySpark script that does what a visual job does.
pub(crate) async fn script(client: &Client, name: &str) -> Result<Outcome> {
    let reply = client.call(GLUE, "GetJob", &json!({ "JobName": name })).await?;
    let nodes = reply.pointer("/Job/CodeGenConfigurationNodes").and_then(Value::as_object);
    let Some(nodes) = nodes.filter(|nodes| !nodes.is_empty()) else {
        anyhow::bail!("job {name} has no visual graph; its script is where its ScriptLocation says");
    };
    print(&jobs::generate::pyspark(&jobs::graph::Graph::parse(nodes)?)?)?;
    Ok(Outcome::Succeeded)
}

/// The end of one log stream, read on from page to page.
struct Tail {
    kind: &'static str,
    token: Option<String>,
}

impl Tail {
    fn new(kind: &'static str) -> Self {
        Self { kind, token: None }
    }

    /// Lines that came since; none while the stream does not exist.
    async fn next(&mut self, client: &Client, run: &Value, id: &str) -> Result<Vec<String>, ClientError> {
        let group = run.get("LogGroupName").and_then(Value::as_str).unwrap_or(DEFAULT_GROUP);
        let mut lines = Vec::new();
        loop {
            let mut input = json!({
                "logGroupName": format!("{group}/{}", self.kind),
                "logStreamName": id,
                "startFromHead": true,
            });
            if let (Some(token), Some(input)) = (&self.token, input.as_object_mut()) {
                input.insert("nextToken".to_owned(), Value::from(token.clone()));
            }
            let page = match client.call(LOGS, "GetLogEvents", &input).await {
                Err(error) if error.is("ResourceNotFoundException") => return Ok(lines),
                other => other?,
            };
            let events = page.get("events").and_then(Value::as_array).cloned().unwrap_or_default();
            let messages = events.iter().filter_map(|event| event.get("message").and_then(Value::as_str));
            lines.extend(messages.map(str::to_owned));
            let next = page.get("nextForwardToken").and_then(Value::as_str).map(str::to_owned);
            // At the end of a stream AWS gives the same token back.
            if next.is_none() || next == self.token {
                return Ok(lines);
            }
            self.token = next;
            if events.is_empty() {
                return Ok(lines);
            }
        }
    }
}

fn state(run: &Value) -> Result<&str, ClientError> {
    let missing = ClientError::Member { operation: "GetJobRun", member: "JobRun.JobRunState" };
    run.get("JobRunState").and_then(Value::as_str).ok_or(missing)
}

fn is_final(state: &str) -> bool {
    matches!(state, "SUCCEEDED" | "FAILED" | "STOPPED" | "TIMEOUT" | "ERROR" | "EXPIRED")
}

fn outcome(state: &str) -> Outcome {
    match state {
        "SUCCEEDED" => Outcome::Succeeded,
        "STOPPED" => Outcome::Stopped,
        "TIMEOUT" => Outcome::TimedOut,
        _ => Outcome::Failed,
    }
}

fn summary(name: &str, id: &str, run: &Value) -> String {
    let state = run.get("JobRunState").and_then(Value::as_str).unwrap_or("UNKNOWN");
    let seconds = run.get("ExecutionTime").and_then(Value::as_i64).unwrap_or(0);
    let mut out = format!("{name} {id}: {state} after {seconds} s\n");
    if let Some(message) = run.get("ErrorMessage").and_then(Value::as_str) {
        out.push_str(&format!("  {message}\n"));
    }
    out
}

/// `key=value`, with the two dashes that Glue's arguments begin with added where they are missing.
pub(crate) fn argument(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not key=value"))?;
    if key.trim_start_matches('-').is_empty() {
        return Err(format!("{text:?} has no key"));
    }
    let key = if key.starts_with("--") { key.to_owned() } else { format!("--{key}") };
    Ok((key, value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_in_words() {
        let line = r#"progress {"rows_in":3,"bytes_in":45,"bytes_total":100,"seconds_left":12}"#;
        assert_eq!(how_far(line).unwrap(), ", 45 % read, about 12 s left");
        assert_eq!(how_far(r#"progress {"rows_in":3,"bytes_in":45}"#).unwrap(), ", 3 rows read");
        assert_eq!(how_far("node a: 3 rows in"), None);
    }

    #[test]
    fn arguments_get_their_dashes() {
        assert_eq!(argument("day=2026-01-01"), Ok(("--day".to_owned(), "2026-01-01".to_owned())));
        assert_eq!(argument("--q=a=b"), Ok(("--q".to_owned(), "a=b".to_owned())));
        assert!(argument("day").is_err() && argument("=x").is_err() && argument("--=x").is_err());
    }

    #[test]
    fn exit_codes_follow_the_state() {
        for (state, code) in [("SUCCEEDED", 0), ("FAILED", 1), ("ERROR", 1), ("STOPPED", 3), ("TIMEOUT", 4)] {
            assert!(is_final(state));
            assert_eq!(outcome(state).code(), code, "{state}");
        }
        assert!(!is_final("RUNNING") && !is_final("STOPPING") && !is_final("WAITING"));
    }
}
