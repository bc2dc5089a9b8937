//! Job definitions: what CreateJob and UpdateJob store and GetJob returns.
//!
//! The whole request is kept as it came (members that this crate does not know too); the members
//! that decide something here are typed. A definition is one row, replaced as a whole: UpdateJob
//! overwrites every member, what it leaves out falls back to its default, as on AWS.
//!
//! A job without `CodeGenConfigurationNodes` is its script. Whether that can be run is known only together with a
//! run's arguments, so any is stored, and tools which declare jobs can run.

mod check;
pub(crate) use check::{MAX_TIMEOUT_MINUTES, check_timeout, complete_capacity};
mod ops;
pub(crate) mod workers;

pub use ops::{batch_get, create, delete, get, list, update};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::graph::Graph;
use crate::{JobsError, arguments::ArgumentMap};

/// `JobCommand`: what kind of program the job is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobCommand {
    /// `glueetl`, `gluestreaming`, `pythonshell` or `glueray`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the script lies, or will lie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script_location: Option<String>,
    /// Members kept as they came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// `ExecutionProperty`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ExecutionProperty {
    /// How many runs of the job may be active at once; at least 1 and 1 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrent_runs: Option<i64>,
    /// Members kept as they came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The members of CreateJob (without its name and tags) and of `JobUpdate`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobSpec {
    /// `SCRIPT`, `VISUAL` or `NOTEBOOK`; `SCRIPT` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_mode: Option<String>,
    /// Whether a run past the concurrency limit waits instead of being refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_run_queuing_enabled: Option<bool>,
    /// The role's name or ARN; stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// How many runs may be active at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_property: Option<ExecutionProperty>,
    /// The kind of job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<JobCommand>,
    /// Arguments of every run that does not say otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_arguments: Option<ArgumentMap>,
    /// Arguments that a run cannot change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub non_overridable_arguments: Option<ArgumentMap>,
    /// How often a failed run is tried again, 0..=10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<i64>,
    /// Deprecated form of `MaxCapacity`, whole units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocated_capacity: Option<i64>,
    /// Minutes until a run is ended with `TIMEOUT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    /// Data processing units; stored and echoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_capacity: Option<f64>,
    /// `G.1X` and so on; stored and echoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_type: Option<String>,
    /// Stored and echoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number_of_workers: Option<i64>,
    /// Stored and echoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glue_version: Option<String>,
    /// `STANDARD` or `FLEX`; stored and echoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_class: Option<String>,
    /// The visual graph, exactly as it came; see [`crate::graph`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_gen_configuration_nodes: Option<Map<String, Value>>,
    /// Members kept as they came (`Description`, `Connections`, `LogUri`, …).
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl JobSpec {
    /// The runs that may be active at once.
    pub fn max_concurrent_runs(&self) -> u32 {
        let asked = self.execution_property.as_ref().and_then(|p| p.max_concurrent_runs);
        asked.and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0).unwrap_or(1)
    }

    /// How often a failed run is tried again.
    pub fn retries(&self) -> u32 {
        self.max_retries.and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
    }

    /// The parsed graph; `None` for a script job.
    ///
    /// # Errors
    /// `InvalidInput` naming the node, when the graph cannot be run.
    pub fn graph(&self) -> Result<Option<Graph>, JobsError> {
        match &self.code_gen_configuration_nodes {
            Some(nodes) if !nodes.is_empty() => Ok(Some(Graph::parse(nodes)?)),
            _ => Ok(None),
        }
    }
}

/// A stored job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The name, unique in its account and region.
    pub name: String,
    /// Changes when a job is deleted and made again under the same name.
    pub incarnation: String,
    /// When it was created.
    pub created_ms: i64,
    /// When it was created or last updated.
    pub modified_ms: i64,
    /// The definition with defaults filled in.
    pub spec: JobSpec,
}

impl Job {
    /// The job as Glue's `Job` structure, times in epoch seconds.
    ///
    /// # Errors
    /// `Damaged` when the definition does not serialize.
    pub fn to_document(&self) -> Result<Value, JobsError> {
        let spec = serde_json::to_value(&self.spec)
            .map_err(|source| JobsError::Damaged { what: "job definition", source })?;
        let mut document = Map::new();
        document.insert("Name".to_owned(), Value::from(self.name.clone()));
        if let Value::Object(members) = spec {
            document.extend(members);
        }
        document.insert("CreatedOn".to_owned(), seconds(self.created_ms));
        document.insert("LastModifiedOn".to_owned(), seconds(self.modified_ms));
        Ok(Value::Object(document))
    }
}

/// A time of the store as AWS's JSON protocols write it: epoch seconds with a fraction.
pub(crate) fn seconds(ms: i64) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "exact for every date before the year 285,000")]
    let value = ms as f64 / 1000.0;
    Value::from(value)
}

/// A page of names or jobs; `next` is the token of the following page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// In the order of the listing.
    pub items: Vec<T>,
    /// Absent on the last page.
    pub next: Option<String>,
}

/// Which jobs to list.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// The token of the previous page.
    pub token: Option<String>,
    /// 1..=1000, the service's page size; 100 when absent.
    pub limit: Option<u32>,
    /// Only jobs that carry all of these tags.
    pub tags: BTreeMap<String, String>,
}

/// The resource name of a job, under which its tags are kept.
pub fn arn(scope: &store::Scope, name: &str) -> String {
    format!("arn:aws:glue:{}:{}:job/{name}", scope.region, scope.account)
}
