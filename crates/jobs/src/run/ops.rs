//! Starting, stopping and showing runs, each in the caller's transaction.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{Scope, Tx, params};

use super::rows::{self, Details};
use super::{Effect, Event, Run, RunInput, RunState, Work};
use crate::arguments::{ArgumentMap, BookmarkOption, Options, merge};
use crate::definition::{self, Job, JobSpec, check_timeout, complete_capacity};
use crate::metrics::Reported;
use crate::{JobsError, bookmark, progress::Totals};

const MAX_PAGE: u32 = 200;
/// How long after a failure the first retry begins; each further one after twice as long …
const FIRST_RETRY_MS: i64 = 1_000;
/// … but no longer than this.
const MAX_RETRY_MS: i64 = 300_000;

/// The members of StartJobRun.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StartRequest {
    /// A previous run to try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_run_id: Option<String>,
    /// Arguments of this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<ArgumentMap>,
    /// Whether to wait for a free slot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_run_queuing_enabled: Option<bool>,
    /// Deprecated form of `MaxCapacity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocated_capacity: Option<i64>,
    /// Minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    /// Echoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_capacity: Option<f64>,
    /// Echoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_type: Option<String>,
    /// Echoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number_of_workers: Option<i64>,
    /// Echoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_class: Option<String>,
    /// Echoed as they came (`SecurityConfiguration`, `NotificationProperty`, …).
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What stopping one run gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopResult {
    /// It is stopped or will be; whether its executor has to be told.
    Submitted {
        /// Whether it was being executed.
        cancel: bool,
    },
    /// The job has no such run.
    NotFound,
    /// It had already ended.
    Ended {
        /// How.
        state: RunState,
    },
}

/// A page of runs, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<Run>,
    /// The token of the next page.
    pub next: Option<String>,
}

/// Starts a run and returns its id. See [`crate::Jobs::start_run`].
pub(crate) async fn start(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    request: StartRequest,
) -> Result<String, JobsError> {
    let job = definition::get(tx, scope, name).await?;
    lock(tx, &job.incarnation).await?;
    let previous = previous(tx, &job, request.job_run_id.as_deref()).await?;
    let given = request.arguments.clone().or_else(|| previous.as_ref().and_then(arguments_of));
    let arguments = merge(
        job.spec.default_arguments.as_ref(),
        given.as_ref(),
        job.spec.non_overridable_arguments.as_ref(),
    );
    let work = Work::of(&job, &arguments)?;
    let options = Options::parse(&arguments)?;
    if let BookmarkOption::Pause { from, to } = &options.bookmark {
        bookmark::check_range(tx, &job.incarnation, from.as_deref(), to.as_deref()).await?;
    }
    if let Some(minutes) = request.timeout {
        check_timeout(minutes)?;
    }
    let state = admit(tx, &job, request.job_run_queuing_enabled).await?;
    let attempt = previous.as_ref().map_or(0, |run| run.details.attempt + 1);
    let id = match &previous {
        Some(run) => attempt_id(&run.id, attempt),
        None => new_id(tx),
    };
    let mut details = details(tx.now_ms(), &job, request, given, state, attempt, previous.map(|run| run.id))?;
    details.kind = work.kind();
    let run = Run {
        id: id.clone(),
        incarnation: job.incarnation.clone(),
        scope: scope.clone(),
        seq: rows::next_seq(tx, &job.incarnation).await?,
        created_ms: tx.now_ms(),
        details,
    };
    rows::insert(tx, &run, &RunInput::new(arguments, work)).await?;
    Ok(id)
}

/// Serialises starts of one job, also on PostgreSQL, so that slots and numbers are counted right.
pub(crate) async fn lock(tx: &mut Tx, incarnation: &str) -> Result<(), JobsError> {
    tx.execute(
        "UPDATE jobs_definitions SET incarnation = incarnation WHERE incarnation = $1",
        &params![incarnation],
    )
    .await?;
    Ok(())
}

async fn previous(tx: &mut Tx, job: &Job, id: Option<&str>) -> Result<Option<Run>, JobsError> {
    let Some(id) = id else { return Ok(None) };
    let not_found = || JobsError::RunNotFound { job: job.name.clone(), run: id.to_owned() };
    let run = rows::find(tx, &job.incarnation, id).await?.ok_or_else(not_found)?;
    if !run.details.state.is_final() || run.details.state == RunState::Succeeded {
        return Err(JobsError::invalid(format!(
            "Job run {id} is {} and cannot be retried",
            run.details.state.as_str()
        )));
    }
    let next = attempt_id(id, run.details.attempt + 1);
    if rows::find(tx, &job.incarnation, &next).await?.is_some() {
        return Err(JobsError::invalid(format!("Job run {id} was already retried as {next}")));
    }
    Ok(Some(run))
}

fn arguments_of(run: &Run) -> Option<ArgumentMap> {
    let arguments = run.details.echo.get("Arguments")?;
    serde_json::from_value(arguments.clone()).ok()
}

async fn admit(tx: &mut Tx, job: &Job, queuing: Option<bool>) -> Result<RunState, JobsError> {
    let max = job.spec.max_concurrent_runs();
    if rows::count_active(tx, &job.incarnation).await? < max {
        return Ok(RunState::Starting);
    }
    if queuing.or(job.spec.job_run_queuing_enabled).unwrap_or(false) {
        return Ok(RunState::Waiting);
    }
    Err(JobsError::ConcurrentRunsExceeded { job: job.name.clone(), max })
}

fn new_id(tx: &Tx) -> String {
    let digits = |id: String| id.replace('-', "");
    format!("jr_{}{}", digits(tx.new_id()), digits(tx.new_id()))
}

/// `jr_x`, then `jr_x_attempt_1`, then `jr_x_attempt_2`.
fn attempt_id(id: &str, attempt: u32) -> String {
    let base = id.split("_attempt_").next().unwrap_or(id);
    format!("{base}_attempt_{attempt}")
}

fn details(
    now_ms: i64,
    job: &Job,
    request: StartRequest,
    arguments: Option<ArgumentMap>,
    state: RunState,
    attempt: u32,
    previous_run_id: Option<String>,
) -> Result<Details, JobsError> {
    let waits = state == RunState::Waiting;
    let new = Details::new(job, state, now_ms);
    Ok(Details {
        attempt,
        previous_run_id,
        state_detail: waits
            .then(|| "The run waits because the job has reached its maximum concurrency.".to_owned()),
        timeout_minutes: request.timeout.unwrap_or(new.timeout_minutes),
        echo: echo(job, request, arguments)?,
        ..new
    })
}

/// What GetJobRun repeats of the request and the job.
fn echo(
    job: &Job,
    request: StartRequest,
    arguments: Option<ArgumentMap>,
) -> Result<Map<String, Value>, JobsError> {
    let workers = request.worker_type.is_some() || request.number_of_workers.is_some();
    let capacity = request.max_capacity.is_some() || request.allocated_capacity.is_some();
    let mut spec = JobSpec {
        job_mode: job.spec.job_mode.clone(),
        command: None,
        glue_version: job.spec.glue_version.clone(),
        execution_class: request.execution_class.or_else(|| job.spec.execution_class.clone()),
        job_run_queuing_enabled: request.job_run_queuing_enabled.or(job.spec.job_run_queuing_enabled),
        ..JobSpec::default()
    };
    if capacity && !workers {
        (spec.max_capacity, spec.allocated_capacity) = (request.max_capacity, request.allocated_capacity);
    } else if capacity || workers || job.spec.worker_type.is_some() {
        spec.max_capacity = request.max_capacity;
        spec.worker_type = request.worker_type.or_else(|| job.spec.worker_type.clone());
        spec.number_of_workers = request.number_of_workers.or(job.spec.number_of_workers);
    } else {
        spec.max_capacity = job.spec.max_capacity;
    }
    complete_capacity(&mut spec)?;
    spec.other = request.other;
    for name in ["SecurityConfiguration", "NotificationProperty"] {
        if let Some(value) = job.spec.other.get(name) {
            spec.other.entry(name).or_insert_with(|| value.clone());
        }
    }
    let damaged = |source| JobsError::Damaged { what: "job run", source };
    let Value::Object(mut echo) = serde_json::to_value(spec).map_err(damaged)? else { return Ok(Map::new()) };
    if let Some(arguments) = arguments {
        echo.insert("Arguments".to_owned(), serde_json::to_value(arguments).map_err(damaged)?);
    }
    Ok(echo)
}

/// How long a retry waits: what made the run fail may pass, and passes sooner when it is not asked for all the time.
fn retry_after_ms(attempt: u32) -> i64 {
    let doublings = attempt.saturating_sub(1).min(16);
    (FIRST_RETRY_MS << doublings).min(MAX_RETRY_MS)
}

/// Inserts the next attempt of a run that has just failed.
pub(crate) async fn insert_retry(tx: &mut Tx, failed: &Run) -> Result<(), JobsError> {
    let Some(input) = rows::input(tx, &failed.id).await? else { return Ok(()) };
    lock(tx, &failed.incarnation).await?;
    let attempt = failed.details.attempt + 1;
    let now = tx.now_ms();
    let details = Details {
        state: RunState::Starting,
        attempt,
        previous_run_id: Some(failed.id.clone()),
        not_before_ms: now + retry_after_ms(attempt),
        begun_ms: None,
        seen_ms: None,
        executed_ms: 0,
        modified_ms: now,
        completed_ms: None,
        error_message: None,
        verdict: None,
        state_detail: None,
        totals: Totals::default(),
        reported: Reported::default(),
        ..failed.details.clone()
    };
    let run = Run {
        id: attempt_id(&failed.id, attempt),
        incarnation: failed.incarnation.clone(),
        scope: failed.scope.clone(),
        seq: rows::next_seq(tx, &failed.incarnation).await?,
        created_ms: now,
        details,
    };
    rows::insert(tx, &run, &input).await
}

/// Reads a run.
///
/// # Errors
/// `JobNotFound`, `RunNotFound`.
pub async fn get(tx: &mut Tx, scope: &Scope, name: &str, id: &str) -> Result<Run, JobsError> {
    let job = definition::get(tx, scope, name).await?;
    let run = rows::find(tx, &job.incarnation, id).await?;
    run.ok_or_else(|| JobsError::RunNotFound { job: name.to_owned(), run: id.to_owned() })
}

/// Lists the runs of a job, newest first.
///
/// # Errors
/// `JobNotFound`; `InvalidInput` for a page size or token that is none.
pub async fn list(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    token: Option<&str>,
    limit: Option<u32>,
) -> Result<RunPage, JobsError> {
    let job = definition::get(tx, scope, name).await?;
    let limit = limit.unwrap_or(MAX_PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(JobsError::invalid(format!("MaxResults {limit} is not between 1 and {MAX_PAGE}")));
    }
    let before = match token {
        None => i64::MAX,
        Some(text) => {
            text.parse().map_err(|_| JobsError::invalid("NextToken is not a token of this operation"))?
        }
    };
    let mut runs = rows::page(tx, &job.incarnation, before, i64::from(limit) + 1).await?;
    let more = runs.len() > limit as usize;
    runs.truncate(limit as usize);
    let next = if more { runs.last().map(|run| run.seq.to_string()) } else { None };
    Ok(RunPage { runs, next })
}

/// Asks a run to stop. See [`crate::Jobs::stop_runs`].
pub(crate) async fn stop(tx: &mut Tx, job: &Job, id: &str) -> Result<StopResult, JobsError> {
    let Some(mut run) = rows::find(tx, &job.incarnation, id).await? else { return Ok(StopResult::NotFound) };
    let state = run.details.state;
    match rows::apply(tx, &mut run, Event::StopRequested).await? {
        Some(effects) => Ok(StopResult::Submitted { cancel: effects.contains(&Effect::Cancel) }),
        None => Ok(StopResult::Ended { state }),
    }
}
