//! Runs as events of OpenLineage, for whoever gathers lineage elsewhere.
//!
//! A run gives START when it begins, and COMPLETE, FAIL or ABORT (it was stopped) when it ends; the last event of a graph's run
//! has its datasets. Events are told after the fact: a process that dies between the commit and the event tells nothing,
//! and a receiver that is away misses some. What counts is in the store.
//!
//! Source: the OpenLineage specification 2-0-2, `RunEvent`, and its naming conventions for datasets.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Dataset, Datasets};
use crate::run::{Run, RunKind, RunState};

const SCHEMA: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const PRODUCER: &str = concat!("urn:tenon:", env!("CARGO_PKG_VERSION"));

/// Where events go.
pub trait Sink: Send + Sync {
    /// Takes an event. Never waits, and handles its own failures: no run depends on it.
    fn take(&self, event: Value);
}

/// Tells what becomes of runs.
#[derive(Clone)]
pub struct Events {
    /// The namespace of the jobs.
    pub namespace: String,
    /// Where events go.
    pub sink: Arc<dyn Sink>,
}

/// What happens to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Start,
    Complete,
    Fail,
    Abort,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Start => "START",
            Self::Complete => "COMPLETE",
            Self::Fail => "FAIL",
            Self::Abort => "ABORT",
        }
    }

    /// The event of a run that is in this state now; `None` for a run that has not ended.
    fn of(state: RunState) -> Option<Self> {
        match state {
            RunState::Succeeded => Some(Self::Complete),
            RunState::Stopped => Some(Self::Abort),
            state if state.is_final() => Some(Self::Fail),
            _ => None,
        }
    }
}

impl Events {
    /// A run begins.
    pub(crate) fn begun(&self, run: &Run, now_ms: i64) {
        self.sink.take(self.event(Kind::Start, run, now_ms, None, &Datasets::default()));
    }

    /// A run has ended in this state; nothing when it has not.
    pub(crate) fn ended(
        &self,
        run: &Run,
        state: RunState,
        now_ms: i64,
        message: Option<&str>,
        datasets: &Datasets,
    ) {
        if let Some(kind) = Kind::of(state) {
            self.sink.take(self.event(kind, run, now_ms, message, datasets));
        }
    }

    fn event(&self, kind: Kind, run: &Run, now_ms: i64, message: Option<&str>, datasets: &Datasets) -> Value {
        let time = DateTime::from_timestamp_millis(now_ms).unwrap_or_default();
        let mut facets = Map::new();
        let own = json!({ "jobRunId": run.id, "attempt": run.details.attempt });
        facets.insert("tenon_jobRun".to_owned(), facet("2-0-2/OpenLineage.json#/$defs/RunFacet", own));
        if let Some(message) = message {
            let language = if run.details.kind == RunKind::Graph { "Rust" } else { "Python" };
            let error = json!({ "message": message, "programmingLanguage": language });
            facets.insert("errorMessage".to_owned(), named("1-0-0", "ErrorMessageRunFacet", error));
        }
        let job = json!({ "processingType": "BATCH", "integration": "TENON", "jobType": "JOB" });
        json!({
            "eventType": kind.as_str(),
            "eventTime": time.to_rfc3339_opts(SecondsFormat::Millis, true),
            "producer": PRODUCER,
            "schemaURL": SCHEMA,
            "run": { "runId": uuid(&run.id), "facets": facets },
            "job": {
                "namespace": self.namespace,
                "name": run.details.job,
                "facets": { "jobType": named("2-0-3", "JobTypeJobFacet", job) },
            },
            "inputs": datasets.inputs.iter().map(|read| input(run, read)).collect::<Vec<_>>(),
            "outputs": datasets.outputs.iter().map(|written| output(run, written)).collect::<Vec<_>>(),
        })
    }
}

/// The run's id as the UUID (of version 8) that the specification asks for.
fn uuid(id: &str) -> String {
    let digest = Sha256::digest(id.as_bytes());
    let mut bytes: Vec<u8> = digest.iter().take(16).copied().collect();
    for (at, keep, set) in [(6, 0x0f, 0x80), (8, 0x3f, 0x80)] {
        if let Some(byte) = bytes.get_mut(at) {
            *byte = (*byte & keep) | set;
        }
    }
    let text = hex::encode(bytes);
    let piece = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    [piece(0, 8), piece(8, 12), piece(12, 16), piece(16, 20), piece(20, 32)].join("-")
}

fn facet(schema: &str, mut members: Value) -> Value {
    if let Some(members) = members.as_object_mut() {
        members.insert("_producer".to_owned(), Value::from(PRODUCER));
        members.insert("_schemaURL".to_owned(), Value::from(format!("https://openlineage.io/spec/{schema}")));
    }
    members
}

fn named(version: &str, name: &str, members: Value) -> Value {
    facet(&format!("facets/{version}/{name}.json#/$defs/{name}"), members)
}

fn input(run: &Run, dataset: &Dataset) -> Value {
    let mut document = identity(run, dataset);
    let counts = counts(dataset);
    if let Some(document) = document.as_object_mut() {
        let facet = named("1-0-0", "InputStatisticsInputDatasetFacet", counts);
        document.insert("inputFacets".to_owned(), json!({ "inputStatistics": facet }));
    }
    document
}

fn output(run: &Run, dataset: &Dataset) -> Value {
    let mut document = identity(run, dataset);
    let counts = counts(dataset);
    if let Some(document) = document.as_object_mut() {
        let facet = named("1-0-2", "OutputStatisticsOutputDatasetFacet", counts);
        document.insert("outputFacets".to_owned(), json!({ "outputStatistics": facet }));
    }
    document
}

fn counts(dataset: &Dataset) -> Value {
    json!({ "rowCount": dataset.rows, "size": dataset.bytes, "fileCount": dataset.files })
}

/// Namespace and name by the specification's conventions; a table of the catalog whose place is known has its place's, and
/// its own as another one.
fn identity(run: &Run, dataset: &Dataset) -> Value {
    let table = dataset.table.as_deref().map(|table| {
        let namespace = format!("arn:aws:glue:{}:{}", run.scope.region, run.scope.account);
        (namespace, format!("table/{}", table.replacen('.', "/", 1)))
    });
    let place = dataset.location.as_deref().and_then(|location| {
        let (scheme, rest) = location.split_once("://")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.trim_end_matches('/');
        Some((format!("{scheme}://{host}"), if path.is_empty() { "/".to_owned() } else { path.to_owned() }))
    });
    match (place, table) {
        (Some((namespace, name)), None) | (None, Some((namespace, name))) => {
            json!({ "namespace": namespace, "name": name })
        }
        (Some((namespace, name)), Some((catalog, table))) => {
            let other = json!([{ "namespace": catalog, "name": table, "type": "TABLE" }]);
            let symlinks = named("1-0-1", "SymlinksDatasetFacet", json!({ "identifiers": other }));
            json!({ "namespace": namespace, "name": name, "facets": { "symlinks": symlinks } })
        }
        (None, None) => json!({ "namespace": "unknown", "name": dataset.node }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_runs_are_uuids_and_differ_by_attempt() {
        let (first, second) = (uuid("jr_1"), uuid("jr_1_attempt_1"));
        assert_ne!(first, second);
        assert_eq!(first, uuid("jr_1"));
        let lengths: Vec<usize> = first.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(first.chars().nth(14), Some('8'));
    }

    #[test]
    fn states_that_are_no_end_give_no_event() {
        for (state, kind) in [
            (RunState::Succeeded, Some("COMPLETE")),
            (RunState::Failed, Some("FAIL")),
            (RunState::Timeout, Some("FAIL")),
            (RunState::Stopped, Some("ABORT")),
            (RunState::Starting, None),
            (RunState::Running, None),
        ] {
            assert_eq!(Kind::of(state).map(Kind::as_str), kind, "{state:?}");
        }
    }
}
