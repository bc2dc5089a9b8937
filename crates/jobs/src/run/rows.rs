//! Rows of runs: reading, inserting, and applying an event.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::lease::{self, Lease};
use store::{Row, Scope, Tx, params};

use super::{Effect, Event, RunKind, RunState, StateFacts, Work, step};
use crate::arguments::ArgumentMap;
use crate::definition::Job;
use crate::execute::RunFailure;
use crate::graph::Graph;
use crate::metrics::Reported;
use crate::{JobsError, progress::Totals};

/// Format of `document` and `input`; raised when their meaning changes.
const VERSION: u32 = 1;
const COLUMNS: &str = "id, incarnation, account, region, seq, created_ms, document";

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// `jr_` and 64 hexadecimal digits; a retry has `_attempt_N` behind it.
    pub id: String,
    /// Which job, exactly; see [`crate::definition::Job::incarnation`].
    pub incarnation: String,
    /// Whose.
    pub scope: Scope,
    /// Counts the runs of the job, from 1.
    pub seq: i64,
    /// When it was asked for; AWS's `StartedOn`.
    pub created_ms: i64,
    /// Everything else.
    pub details: Details,
}

/// What of a run is kept as a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Details {
    pub(crate) version: u32,
    /// The job's name.
    pub job: String,
    /// What executes it.
    #[serde(default)]
    pub kind: RunKind,
    /// Where the run is.
    pub state: RunState,
    /// 0 for the first try.
    pub attempt: u32,
    /// How many retries its job allowed when it was started.
    pub max_retries: u32,
    /// The run that this one tries again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_run_id: Option<String>,
    /// It is not begun earlier: a retry waits, each one longer than the one before.
    #[serde(default)]
    pub(crate) not_before_ms: i64,
    /// When the execution that goes on began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begun_ms: Option<i64>,
    /// When its process was last known to be alive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_ms: Option<i64>,
    /// Milliseconds of executions that have ended: one, or more when a process stopped and the next went on.
    #[serde(default)]
    pub executed_ms: i64,
    /// When anything last changed.
    pub modified_ms: i64,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_ms: Option<i64>,
    /// Why it failed or was stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Why it is to fail once all of its output has arrived: a data quality gate after the loading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verdict: Option<String>,
    /// Why it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_detail: Option<String>,
    /// Minutes until it is ended.
    pub timeout_minutes: i64,
    /// Rows and bytes, at its end.
    #[serde(default)]
    pub totals: Totals,
    /// What of it is in metrics already.
    #[serde(default)]
    pub(crate) reported: Reported,
    /// Members that are echoed as AWS does (`Arguments`, `WorkerType`, `GlueVersion`, …).
    pub echo: Map<String, Value>,
}

/// What a run was given when it was started. Later changes of the job do not reach it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunInput {
    pub(crate) version: u32,
    /// The effective arguments.
    pub arguments: ArgumentMap,
    /// `CodeGenConfigurationNodes`; empty for a script.
    pub nodes: Map<String, Value>,
    /// Where the script lies; of a script that is generated from the nodes nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
}

impl RunInput {
    pub(super) fn new(arguments: ArgumentMap, work: Work) -> Self {
        let arguments = work.arguments(arguments);
        let (nodes, script) = match work {
            Work::Graph(nodes) | Work::Generated { nodes, .. } => (nodes, None),
            Work::Script { location, .. } => (Map::new(), Some(location)),
        };
        Self { version: VERSION, arguments, nodes, script }
    }

    /// The graph.
    ///
    /// # Errors
    /// `InvalidInput` when a later version of this program no longer accepts it.
    pub fn graph(&self) -> Result<Graph, JobsError> {
        Graph::parse(&self.nodes)
    }
}

impl Details {
    /// Of a run to which nothing has happened yet.
    pub(crate) fn new(job: &Job, state: RunState, now_ms: i64) -> Self {
        Self {
            version: VERSION,
            job: job.name.clone(),
            kind: RunKind::default(),
            state,
            attempt: 0,
            max_retries: job.spec.retries(),
            previous_run_id: None,
            not_before_ms: 0,
            begun_ms: None,
            seen_ms: None,
            executed_ms: 0,
            modified_ms: now_ms,
            completed_ms: None,
            error_message: None,
            verdict: None,
            state_detail: None,
            timeout_minutes: job.spec.timeout.unwrap_or(480),
            totals: Totals::default(),
            reported: Reported::default(),
            echo: Map::new(),
        }
    }

    /// Milliseconds that the execution which goes on had taken at `now_ms`.
    pub(crate) fn executing_ms(&self, now_ms: i64) -> i64 {
        self.begun_ms.map_or(0, |begun| (now_ms - begun).max(0))
    }
}

impl Run {
    /// A run that is not stored, and never begins: what one of the job would be now.
    pub(crate) fn imagined(job: &Job, scope: &Scope, now_ms: i64) -> Self {
        let details = Details::new(job, RunState::Starting, now_ms);
        let (id, incarnation) = ("jr_imagined".to_owned(), job.incarnation.clone());
        Self { id, incarnation, scope: scope.clone(), seq: 0, created_ms: now_ms, details }
    }

    pub(crate) fn facts(&self) -> StateFacts {
        let d = &self.details;
        StateFacts { state: d.state, attempt: d.attempt, max_retries: d.max_retries }
    }

    /// After how many milliseconds of it people want to know that it goes on: `NotificationProperty.NotifyDelayAfter`.
    pub(crate) fn notify_after_ms(&self) -> Option<i64> {
        let minutes = self.details.echo.get("NotificationProperty")?.get("NotifyDelayAfter")?.as_i64()?;
        Some(minutes.saturating_mul(60_000))
    }

    /// The name of the lease that its executor holds.
    pub(crate) fn lease_name(&self) -> String {
        format!("jobs/run/{}", self.id)
    }
}

fn damaged(source: serde_json::Error) -> JobsError {
    JobsError::Damaged { what: "job run", source }
}

fn from_row(row: &Row) -> Result<Run, JobsError> {
    let document: String = row.get(6)?;
    Ok(Run {
        id: row.get(0)?,
        incarnation: row.get(1)?,
        scope: Scope { account: row.get(2)?, region: row.get(3)? },
        seq: row.get(4)?,
        created_ms: row.get(5)?,
        details: serde_json::from_str(&document).map_err(damaged)?,
    })
}

/// Reads a run of a job; `None` when the job has no such run.
pub(crate) async fn find(tx: &mut Tx, incarnation: &str, id: &str) -> Result<Option<Run>, JobsError> {
    let sql = format!("SELECT {COLUMNS} FROM jobs_runs WHERE id = $1 AND incarnation = $2");
    tx.query_opt(&sql, &params![id, incarnation]).await?.as_ref().map(from_row).transpose()
}

/// Reads a run by its id alone; `None` when it is gone (its job was deleted).
pub(crate) async fn load(tx: &mut Tx, id: &str) -> Result<Option<Run>, JobsError> {
    let sql = format!("SELECT {COLUMNS} FROM jobs_runs WHERE id = $1");
    tx.query_opt(&sql, &params![id]).await?.as_ref().map(from_row).transpose()
}

/// Reads a run that is being executed, whose lease is still held by `lease`: it may then publish.
pub(crate) async fn still_ours(tx: &mut Tx, lease: &Lease, id: &str) -> Result<Run, RunFailure> {
    match lease::check(tx, lease).await {
        Ok(()) => {}
        Err(store::StoreError::LeaseLost { .. }) => return Err(RunFailure::Ended),
        Err(error) => return Err(error.into()),
    }
    let run = load(tx, id).await?.ok_or(RunFailure::Gone)?;
    match run.details.state {
        RunState::Running => Ok(run),
        RunState::Stopping => Err(RunFailure::Cancelled),
        _ => Err(RunFailure::Ended),
    }
}

/// Reads what a run was given.
pub(crate) async fn input(tx: &mut Tx, id: &str) -> Result<Option<RunInput>, JobsError> {
    let row = tx.query_opt("SELECT input FROM jobs_runs WHERE id = $1", &params![id]).await?;
    match row {
        None => Ok(None),
        Some(row) => Ok(Some(serde_json::from_str(&row.get::<String>(0)?).map_err(damaged)?)),
    }
}

/// The ids of runs that have not ended, in the order they were asked for, at most `limit`.
pub(crate) async fn active_ids(tx: &mut Tx, limit: i64) -> Result<Vec<(String, String)>, JobsError> {
    let rows = tx
        .query(
            "SELECT id, state FROM jobs_runs WHERE active = 1 ORDER BY created_ms, id LIMIT $1",
            &params![limit],
        )
        .await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// How many runs of a job hold a slot.
pub(crate) async fn count_active(tx: &mut Tx, incarnation: &str) -> Result<u32, JobsError> {
    let row = tx
        .query_opt(
            "SELECT COUNT(*) FROM jobs_runs WHERE incarnation = $1 AND active = 1 AND state <> 'WAITING'",
            &params![incarnation],
        )
        .await?;
    let count = row.map_or(Ok(0), |row| row.get::<i64>(0))?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The oldest run of a job that has not ended.
pub(crate) async fn any_active(tx: &mut Tx, incarnation: &str) -> Result<Option<String>, JobsError> {
    let sql = "SELECT id FROM jobs_runs WHERE incarnation = $1 AND active = 1 ORDER BY seq LIMIT 1";
    let row = tx.query_opt(sql, &params![incarnation]).await?;
    Ok(row.map(|row| row.get(0)).transpose()?)
}

/// Reads runs of a job, newest first, those with a `seq` below `before`.
pub(super) async fn page(
    tx: &mut Tx,
    incarnation: &str,
    before: i64,
    limit: i64,
) -> Result<Vec<Run>, JobsError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM jobs_runs WHERE incarnation = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3"
    );
    tx.query(&sql, &params![incarnation, before, limit]).await?.iter().map(from_row).collect()
}

/// The next `seq` of a job. The caller has locked the job's row.
pub(super) async fn next_seq(tx: &mut Tx, incarnation: &str) -> Result<i64, JobsError> {
    let row = tx
        .query_opt(
            "SELECT COALESCE(MAX(seq), 0) + 1 FROM jobs_runs WHERE incarnation = $1",
            &params![incarnation],
        )
        .await?;
    Ok(row.map_or(Ok(1), |row| row.get::<i64>(0))?)
}

/// Inserts a new run.
pub(super) async fn insert(tx: &mut Tx, run: &Run, input: &RunInput) -> Result<(), JobsError> {
    let document = serde_json::to_string(&run.details).map_err(damaged)?;
    let input = serde_json::to_string(input).map_err(damaged)?;
    tx.execute(
        "INSERT INTO jobs_runs (id, incarnation, account, region, seq, created_ms, state, active, document, input) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &params![
            run.id.as_str(),
            run.incarnation.as_str(),
            run.scope.account.as_str(),
            run.scope.region.as_str(),
            run.seq,
            run.created_ms,
            run.details.state.as_str(),
            i64::from(!run.details.state.is_final()),
            document,
            input
        ],
    )
    .await?;
    Ok(())
}

/// Notes that the process which executes the run, read in this transaction, is alive.
pub(crate) async fn note_alive(tx: &mut Tx, run: &mut Run) -> Result<(), JobsError> {
    run.details.seen_ms = Some(tx.now_ms());
    keep(tx, run).await
}

/// Stores the details of a run that was read in this transaction, whose state stays.
pub(crate) async fn keep(tx: &mut Tx, run: &Run) -> Result<(), JobsError> {
    let document = serde_json::to_string(&run.details).map_err(damaged)?;
    tx.execute("UPDATE jobs_runs SET document = $1 WHERE id = $2", &params![document, run.id.as_str()])
        .await?;
    Ok(())
}

/// Applies an event to a run that was read in this transaction and stores the result.
///
/// Returns what is to be done; `None` when the event cannot happen in the run's state, and then
/// nothing is stored. A retry is already inserted.
pub(crate) async fn apply(
    tx: &mut Tx,
    run: &mut Run,
    event: Event,
) -> Result<Option<Vec<Effect>>, JobsError> {
    let Ok((next, effects)) = step(run.facts(), event) else { return Ok(None) };
    let now = tx.now_ms();
    let details = &mut run.details;
    details.state = next;
    details.modified_ms = now;
    if event == Event::Begun {
        (details.begun_ms, details.seen_ms) = (Some(now), Some(now));
    }
    if event == Event::Interrupted || effects.contains(&Effect::Finish) {
        // A process that is gone has worked until it was last seen, not until somebody noticed.
        let until = if event == Event::Lost { details.seen_ms } else { None };
        details.executed_ms += details.executing_ms(until.unwrap_or(now));
        (details.begun_ms, details.seen_ms) = (None, None);
    }
    if next != RunState::Waiting {
        details.state_detail = None;
    }
    if effects.contains(&Effect::Finish) {
        details.completed_ms = Some(now);
    }
    let document = serde_json::to_string(&run.details).map_err(damaged)?;
    tx.execute(
        "UPDATE jobs_runs SET state = $1, active = $2, document = $3 WHERE id = $4",
        &params![next.as_str(), i64::from(!next.is_final()), document, run.id.as_str()],
    )
    .await?;
    if effects.contains(&Effect::Retry) {
        super::insert_retry(tx, run).await?;
    }
    Ok(Some(effects))
}
