//! Rulesets, the runs that evaluate them, and their results.
//!
//! ```text
//! start ─► STARTING ─► RUNNING ─► SUCCEEDED   (with its results, in one transaction)
//!             │           ├─────► FAILED, TIMEOUT
//!             │           └─► STOPPING ─► STOPPED
//!             └─────────────────────────► STOPPED
//! ```
//!
//! # What it owns
//! The tables `jobs_quality_*` ([`rows`]); the loop that works on runs ([`runner`]).
//!
//! # Invariants
//! - Whoever works on a run holds its lease, and stores its results only while it does.
//! - A run's results, the objects it writes and its end become visible together or not at all.
//! - A stored ruleset can be parsed and evaluated: what cannot is refused when it is created.
//!
//! # What a crash leaves
//! A run whose lease runs out, or is given up at once by the restarted node of the same name. It is taken up again from
//! its beginning; after [`MAX_ATTEMPTS`] starts it is FAILED instead.

mod documents;
mod error;
mod listing;
mod publish;
mod recommend;
mod rows;
mod rulesets;
mod runner;
mod staged;
mod work;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use engine::Engine;
use lake::{Lake, Overlay};
use store::{Scope, Store};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use documents::{DataSource, QualityResult, QualityRun, RunStatus, StoredRuleset, TableName, Work};
pub use error::QualityError;
pub use listing::{ResultFilter, RulesetFilter, RunFilter};
pub(crate) use publish::{Place, result_lines};
pub use rows::QUALITY_MIGRATIONS;
pub(crate) use rows::insert_result;
pub use rulesets::{NewRuleset, RulesetChange, ruleset_arn};
pub use staged::{Publishing, Staged, StagedFrame};

use documents::{EVALUATION, RECOMMENDATION};

/// A run that was interrupted so many times is given up.
pub const MAX_ATTEMPTS: i64 = 3;
/// Minutes until a run is ended, unless it says so. Source: AWS Glue API Reference,
/// StartDataQualityRulesetEvaluationRun.
const DEFAULT_TIMEOUT_MINUTES: i64 = 2_880;
const MAX_TIMEOUT_MINUTES: i64 = 10_080;

/// The named crash points of this module (see [`store::crash`]).
pub const QUALITY_CRASH_POINTS: &[&str] =
    &["quality.evaluated", "quality.before_commit", "quality.committed"];

/// A new id of a result, as AWS writes them.
pub(crate) fn result_id(store: &Store) -> String {
    format!("dqresult-{}", store.ids().uuid().replace('-', ""))
}

/// Options of the service.
#[derive(Debug, Clone)]
pub struct QualityOptions {
    /// Name of this node. A restarted node takes up the runs that it held under the same name at once.
    pub node: String,
    /// Runs at work at the same time, at least 1; others wait.
    pub max_running: usize,
    /// How long a run's lease lasts without being renewed, in milliseconds.
    pub lease_ms: i64,
}

/// A run to start.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// What to read.
    pub source: DataSource,
    /// Kept.
    pub role: String,
    /// Kept.
    pub workers: Option<i64>,
    /// Minutes until it is ended.
    pub timeout_minutes: Option<i64>,
    /// What to do.
    pub work: Work,
    /// A request with the same token is the same request.
    pub client_token: Option<String>,
}

/// Handle to the service; cheap to clone.
#[derive(Clone)]
pub struct Quality {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    lake: Lake,
    engine: Engine,
    options: QualityOptions,
    wake: Notify,
    /// Runs at work here, and how to stop them.
    working: Mutex<HashMap<String, CancellationToken>>,
}

impl Inner {
    fn working(&self) -> std::sync::MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.working.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Quality {
    /// Makes the service; nothing runs before [`Self::run`].
    pub fn new(store: Store, lake: Lake, engine: Engine, options: QualityOptions) -> Self {
        let inner = Inner { store, lake, engine, options, wake: Notify::new(), working: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// What evaluates frames for who sees the lake through `overlay`. It has no runs, and is not to be run.
    pub fn seen_by(&self, overlay: Overlay) -> Self {
        let Inner { store, lake, engine, options, .. } = &*self.inner;
        Self::new(store.clone(), lake.seen_by(overlay), engine.clone(), options.clone())
    }

    fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Starts a run and returns its id; durable when it returns. A request whose token was seen returns the run that it
    /// started.
    /// Errors: those of the catalog for a table that is not there; `RulesetNotFound`, `RulesetExists`; `Invalid`.
    pub async fn start(&self, scope: &Scope, new: NewRun) -> Result<String, QualityError> {
        let mut tx = self.store().begin().await?;
        if let Some(token) = &new.client_token
            && let Some(run) = rows::run_by_token(&mut tx, scope, token).await?
        {
            return match run.source == new.source && run.work.kind() == new.work.kind() {
                true => Ok(run.id),
                false => {
                    Err(QualityError::invalid(format!("ClientToken {token} was used for another request")))
                }
            };
        }
        work::check(&mut tx, scope, &new).await?;
        let timeout_minutes = new.timeout_minutes.unwrap_or(DEFAULT_TIMEOUT_MINUTES);
        if !(1..=MAX_TIMEOUT_MINUTES).contains(&timeout_minutes) {
            let what = format!("Timeout is {timeout_minutes}, but it is 1 to {MAX_TIMEOUT_MINUTES} minutes");
            return Err(QualityError::invalid(what));
        }
        let now_ms = tx.now_ms();
        let run = QualityRun {
            id: format!("dqrun-{}", tx.new_id()),
            source: new.source,
            role: new.role,
            workers: new.workers,
            timeout_minutes,
            work: new.work,
            status: RunStatus::Starting,
            attempts: 0,
            client_token: new.client_token,
            created_ms: now_ms,
            modified_ms: now_ms,
            begun_ms: None,
            ended_ms: None,
            error: None,
            results: Vec::new(),
        };
        rows::insert_run(&mut tx, scope, &run).await?;
        tx.commit().await?;
        self.inner.wake.notify_one();
        Ok(run.id)
    }

    /// A run that evaluates. Errors: `RunNotFound`.
    pub async fn evaluation(&self, scope: &Scope, id: &str) -> Result<QualityRun, QualityError> {
        rows::run(&mut self.store().read().await?, scope, EVALUATION, id).await
    }

    /// A run that recommends. Errors: `RunNotFound`.
    pub async fn recommendation(&self, scope: &Scope, id: &str) -> Result<QualityRun, QualityError> {
        rows::run(&mut self.store().read().await?, scope, RECOMMENDATION, id).await
    }

    /// Tells a run that evaluates to end; one that nobody works on yet is STOPPED when this returns.
    /// Errors: `RunNotFound`; `Invalid` for one that has ended.
    pub async fn cancel_evaluation(&self, scope: &Scope, id: &str) -> Result<(), QualityError> {
        self.cancel(scope, EVALUATION, id).await
    }

    /// The same for a run that recommends.
    pub async fn cancel_recommendation(&self, scope: &Scope, id: &str) -> Result<(), QualityError> {
        self.cancel(scope, RECOMMENDATION, id).await
    }

    async fn cancel(&self, scope: &Scope, kind: &str, id: &str) -> Result<(), QualityError> {
        let mut tx = self.store().begin().await?;
        let mut run = rows::run(&mut tx, scope, kind, id).await?;
        match run.status {
            RunStatus::Starting => run.end(RunStatus::Stopped, None, tx.now_ms()),
            RunStatus::Running => {
                run.status = RunStatus::Stopping;
                run.modified_ms = tx.now_ms();
            }
            RunStatus::Stopping => return Ok(()),
            ended => {
                let what = format!("Data quality run {id} has ended: it is {}", ended.as_str());
                return Err(QualityError::invalid(what));
            }
        }
        rows::replace_run(&mut tx, scope, &run).await?;
        tx.commit().await?;
        if let Some(token) = self.inner.working().get(id) {
            token.cancel();
        }
        self.inner.wake.notify_one();
        Ok(())
    }

    /// A result. Errors: `ResultNotFound`.
    pub async fn result(&self, scope: &Scope, id: &str) -> Result<QualityResult, QualityError> {
        let found = rows::result(&mut self.store().read().await?, scope, id).await?;
        found.ok_or_else(|| QualityError::ResultNotFound { id: id.to_owned() })
    }
}
