//! Jobs, runs and bookmarks.

use std::collections::BTreeMap;
use std::sync::Arc;

use jobs::definition::{self, JobSpec, ListQuery};
use jobs::run::{self, StartRequest, StopResult};
use jobs::{JobsError, bookmark};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::{Scope, Store, Tx};
use wire::{Call, Fault, Fields, Operation, Reply, Service};

use super::catalog::scope;
use super::errors;
use super::tags::{self, Taggable};

/// What the handlers of jobs work on.
pub struct Jobs {
    store: Store,
    jobs: jobs::Jobs,
}

/// Makes the face.
pub fn face(store: Store, jobs: jobs::Jobs) -> Service<Jobs> {
    Service { model: "glue", state: Jobs { store, jobs }, operations: OPERATIONS }
}

/// Tells the catalog's tag operations whether a job exists; its kind is `job`.
pub fn taggable() -> Taggable {
    Arc::new(|tx, scope, name| {
        Box::pin(async move {
            match definition::get(tx, scope, name).await {
                Ok(job) => Ok(Some(definition::arn(scope, &job.name))),
                Err(JobsError::JobNotFound { .. }) => Ok(None),
                Err(other) => Err(fault(other)),
            }
        })
    })
}

const PREDECESSORS: &str = "workflows, which would have predecessors, are not built";
const SECURITY: &str = "encryption by security configurations is not built";
const SESSION_POLICY: &str = "runs do not assume roles, so a session policy cannot limit them";
const DEFINITION: &[&str] = &[
    "Name",
    "Tags",
    "ExecutionProperty.MaxConcurrentRuns",
    "Command.Name",
    "Command.ScriptLocation",
    "DefaultArguments",
    "NonOverridableArguments",
    "MaxRetries",
    "Timeout",
    "WorkerType",
    "NumberOfWorkers",
    "MaxCapacity",
    "AllocatedCapacity",
    "CodeGenConfigurationNodes",
    "JobRunQueuingEnabled",
    "NotificationProperty.NotifyDelayAfter",
];
const UPDATE: &[&str] = &[
    "JobName",
    "JobUpdate.ExecutionProperty.MaxConcurrentRuns",
    "JobUpdate.Command.Name",
    "JobUpdate.Command.ScriptLocation",
    "JobUpdate.DefaultArguments",
    "JobUpdate.NonOverridableArguments",
    "JobUpdate.MaxRetries",
    "JobUpdate.Timeout",
    "JobUpdate.WorkerType",
    "JobUpdate.NumberOfWorkers",
    "JobUpdate.MaxCapacity",
    "JobUpdate.AllocatedCapacity",
    "JobUpdate.CodeGenConfigurationNodes",
    "JobUpdate.JobRunQueuingEnabled",
    "JobUpdate.NotificationProperty.NotifyDelayAfter",
];

macro_rules! operation {
    ($name:literal, $run:path, $acts:expr, $refused:expr) => {
        Operation {
            name: $name,
            fields: Fields { acts: $acts, refused: $refused, ignored: &[] },
            run: |state, call| Box::pin($run(state, call)),
        }
    };
}

const OPERATIONS: &[Operation<Jobs>] = &[
    operation!("CreateJob", create, DEFINITION, &[("SecurityConfiguration", SECURITY)]),
    operation!("GetJob", get, &["JobName"], &[]),
    operation!("GetJobs", list_whole, &["NextToken", "MaxResults"], &[]),
    operation!("ListJobs", list_names, &["NextToken", "MaxResults", "Tags"], &[]),
    operation!("BatchGetJobs", batch_get, &["JobNames"], &[]),
    operation!("UpdateJob", update, UPDATE, &[("JobUpdate.SecurityConfiguration", SECURITY)]),
    operation!("DeleteJob", delete, &["JobName"], &[]),
    operation!(
        "StartJobRun",
        start_run,
        &[
            "JobName",
            "JobRunId",
            "Arguments",
            "Timeout",
            "JobRunQueuingEnabled",
            "WorkerType",
            "NumberOfWorkers",
            "MaxCapacity",
            "AllocatedCapacity",
            "NotificationProperty.NotifyDelayAfter",
        ],
        &[("SecurityConfiguration", SECURITY), ("ExecutionRoleSessionPolicy", SESSION_POLICY)]
    ),
    operation!("GetJobRun", get_run, &["JobName", "RunId"], &[("PredecessorsIncluded", PREDECESSORS)]),
    operation!("GetJobRuns", list_runs, &["JobName", "NextToken", "MaxResults"], &[]),
    operation!("BatchStopJobRun", stop_runs, &["JobName", "JobRunIds"], &[]),
    operation!("GetJobBookmark", get_bookmark, &["JobName", "RunId"], &[]),
    operation!("ResetJobBookmark", reset_bookmark, &["JobName", "RunId"], &[]),
];

/// Glue's fault for an error of jobs.
pub(super) fn fault(error: JobsError) -> Fault {
    match &error {
        JobsError::JobNotFound { .. }
        | JobsError::RunNotFound { .. }
        | JobsError::BookmarkNotFound { .. } => errors::not_found(error.to_string()),
        JobsError::DifferentDefinition { .. } => {
            Fault::new("IdempotentParameterMismatchException", error.to_string())
        }
        JobsError::ConcurrentRunsExceeded { .. } => {
            Fault::new("ConcurrentRunsExceededException", error.to_string())
        }
        JobsError::InvalidInput { .. } | JobsError::RunActive { .. } => errors::invalid(error.to_string()),
        JobsError::Store(inner) => errors::store(inner),
        JobsError::Damaged { .. } => {
            Fault::new("InternalServiceException", "The service could not carry out the request.")
                .with_cause(format!("{error}: {:?}", std::error::Error::source(&error)))
        }
    }
}

impl Jobs {
    async fn read(&self) -> Result<Tx, Fault> {
        self.store.read().await.map_err(|error| errors::store(&error))
    }

    async fn begin(&self) -> Result<Tx, Fault> {
        self.store.begin().await.map_err(|error| errors::store(&error))
    }
}

async fn commit(tx: Tx) -> Result<(), Fault> {
    tx.commit().await.map_err(|error| errors::store(&error))
}

fn required<'a>(call: &'a Call, member: &str) -> &'a str {
    call.text(member).unwrap_or_default()
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Fault> {
    serde_json::from_value(value).map_err(|error| Fault::new("SerializationException", error.to_string()))
}

fn page_size(call: &Call) -> Result<Option<u32>, Fault> {
    let given = call.integer("MaxResults").map(u32::try_from).transpose();
    given.map_err(|_| errors::invalid("MaxResults is out of range"))
}

/// The texts of a list member.
fn texts(call: &Call, member: &str) -> Vec<String> {
    let list = call.input.get(member).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

async fn create(state: &Jobs, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let name = required(&call, "Name").to_owned();
    let tags: BTreeMap<String, String> = tags::given(&call, "Tags");
    tags::check(&tags)?;
    call.input.remove("Name");
    call.input.remove("Tags");
    let spec: JobSpec = typed(Value::Object(std::mem::take(&mut call.input)))?;
    let mut tx = state.begin().await?;
    definition::create(&mut tx, &scope, &name, spec, &tags).await.map_err(fault)?;
    commit(tx).await?;
    Ok(Reply::from(json!({ "Name": name })))
}

async fn get(state: &Jobs, call: Call) -> Result<Reply, Fault> {
    let mut tx = state.read().await?;
    let job = definition::get(&mut tx, &scope(&call)?, required(&call, "JobName")).await.map_err(fault)?;
    Ok(Reply::from(json!({ "Job": job.to_document().map_err(fault)? })))
}

async fn page(state: &Jobs, call: &Call) -> Result<definition::Page<definition::Job>, Fault> {
    let scope: Scope = scope(call)?;
    let query = ListQuery {
        token: call.text("NextToken").map(str::to_owned),
        limit: page_size(call)?,
        tags: tags::given(call, "Tags"),
    };
    let mut tx = state.read().await?;
    definition::list(&mut tx, &scope, &query).await.map_err(fault)
}

fn documents(found: &[definition::Job]) -> Result<Vec<Value>, Fault> {
    found.iter().map(|job| job.to_document().map_err(fault)).collect()
}

async fn list_whole(state: &Jobs, call: Call) -> Result<Reply, Fault> {
    let page = page(state, &call).await?;
    Ok(Reply::from(json!({ "Jobs": documents(&page.items)?, "NextToken": page.next })))
}

async fn list_names(state: &Jobs, call: Call) -> Result<Reply, Fault> {
    let page = page(state, &call).await?;
    let names: Vec<&str> = page.items.iter().map(|job| job.name.as_str()).collect();
    Ok(Reply::from(json!({ "JobNames": names, "NextToken": page.next })))
}

async fn batch_get(state: &Jobs, call: Call) -> Result<Reply, Fault> {
    let mut tx = state.read().await?;
    let names = texts(&call, "JobNames");
    let (found, missing) = definition::batch_get(&mut tx, &scope(&call)?, &names).await.map_err(fault)?;
    Ok(Reply::from(json!({ "Jobs": documents(&found)?, "JobsNotFound": missing })))
}

async fn update(state: &Jobs, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let spec: JobSpec = typed(call.input.remove("JobUpdate").unwrap_or_else(|| json!({})))?;
    let name = required(&call, "JobName");
    let mut tx = state.begin().await?;
    definition::update(&mut tx, &scope, name, spec).await.map_err(fault)?;
    commit(tx).await?;
    Ok(Reply::from(json!({ "JobName": name })))
}

async fn delete(state: &Jobs, call: Call) -> Result<Reply, Fault> {
    let name = required(&call, "JobName");
    let mut tx = state.begin().await?;
    definition::delete(&mut tx, &scope(&call)?, name).await.map_err(fault)?;
    commit(tx).await?;
    Ok(Reply::from(json!({ "JobName": name })))
}

async fn start_run(state: &Jobs, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let name = required(&call, "JobName").to_owned();
    call.input.remove("JobName");
    let request: StartRequest = typed(Value::Object(std::mem::take(&mut call.input)))?;
    let mut tx = state.begin().await?;
    let id = state.jobs.start_run(&mut tx, &scope, &name, request).await.map_err(fault)?;
    commit(tx).await?;
    Ok(Reply::from(json!({ "JobRunId": id })))
}

async fn get_run(state: &Jobs, call: Call) -> Result<Reply, Fault> {
    let mut tx = state.read().await?;
    let found = run::get(&mut tx, &scope(&call)?, required(&call, "JobName"), required(&call, "RunId"))
        .await
        .map_err(fault)?;
    Ok(Reply::from(json!({ "JobRun": run::to_document(&found, tx.now_ms()) })))
}

async fn list_runs(state: &Jobs, call: Call) -> Result<Reply, Fault> {
    let mut tx = state.read().await?;
    let (name, token) = (required(&call, "JobName"), call.text("NextToken"));
    let page = run::list(&mut tx, &scope(&call)?, name, token, page_size(&call)?).await.map_err(fault)?;
    let now = tx.now_ms();
    let runs: Vec<Value> = page.runs.iter().map(|found| run::to_document(found, now)).collect();
    Ok(Reply::from(json!({ "JobRuns": runs, "NextToken": page.next })))
}

async fn stop_runs(state: &Jobs, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let name = required(&call, "JobName");
    let mut tx = state.begin().await?;
    let results =
        state.jobs.stop_runs(&mut tx, &scope, name, &texts(&call, "JobRunIds")).await.map_err(fault)?;
    commit(tx).await?;
    let (mut submitted, mut failed) = (Vec::new(), Vec::new());
    for (id, result) in results {
        let refusal = match result {
            StopResult::Submitted { .. } => {
                submitted.push(json!({ "JobName": name, "JobRunId": id }));
                continue;
            }
            StopResult::NotFound => errors::not_found(format!("Job run {id} not found for job {name}.")),
            StopResult::Ended { state } => Fault::new(
                "JobRunInvalidStateTransitionException",
                format!("Job run {id} is {} and cannot be stopped.", state.as_str()),
            ),
        };
        failed.push(json!({ "JobName": name, "JobRunId": id, "ErrorDetail": errors::detail(&refusal) }));
    }
    Ok(Reply::from(json!({ "SuccessfulSubmissions": submitted, "Errors": failed })))
}

async fn get_bookmark(state: &Jobs, call: Call) -> Result<Reply, Fault> {
    let name = required(&call, "JobName");
    let mut tx = state.read().await?;
    let (entry, summary) =
        bookmark::get(&mut tx, &scope(&call)?, name, call.text("RunId")).await.map_err(fault)?;
    Ok(Reply::from(json!({ "JobBookmarkEntry": bookmark::to_document(name, &entry, &summary) })))
}

async fn reset_bookmark(state: &Jobs, call: Call) -> Result<Reply, Fault> {
    let name = required(&call, "JobName");
    let mut tx = state.begin().await?;
    let (entry, summary) =
        bookmark::reset(&mut tx, &scope(&call)?, name, call.text("RunId")).await.map_err(fault)?;
    commit(tx).await?;
    Ok(Reply::from(json!({ "JobBookmarkEntry": bookmark::to_document(name, &entry, &summary) })))
}
