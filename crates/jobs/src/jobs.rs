//! The handle that others hold: starts and stops runs and tells the service about it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use engine::Engine;
use store::{Scope, Tx};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::definition::workers::Capacity;
use crate::execute::Counters;
use crate::progress::Totals;
use crate::run::{self, Run, StartRequest, StopResult};
use crate::script::Traffic;
use crate::{JobsError, definition};

/// What the handle and the service share: who is being executed here, and a bell.
#[derive(Default)]
pub(crate) struct Shared {
    /// Rung when a run was started or has ended.
    pub(crate) wake: Notify,
    active: Mutex<HashMap<String, Active>>,
}

/// A run that this process executes.
#[derive(Clone)]
pub(crate) struct Active {
    /// Ends the work.
    pub(crate) cancel: CancellationToken,
    /// How far it is.
    pub(crate) counters: Arc<Counters>,
    /// The part of the engine that its workers stand for.
    pub(crate) engine: Engine,
    /// What its script's requests move, if it has one and metrics are wanted.
    pub(crate) traffic: Arc<Traffic>,
}

impl Active {
    /// Of a run that has done nothing yet.
    pub(crate) fn new(engine: &Engine, run: &Run) -> Self {
        let engine = Capacity::of(&run.details.echo).part_of(engine);
        Self {
            cancel: CancellationToken::new(),
            counters: Arc::new(Counters::default()),
            engine,
            traffic: Arc::default(),
        }
    }
}

impl Shared {
    pub(crate) fn enter(&self, run: &str, active: Active) {
        self.lock().insert(run.to_owned(), active);
    }

    pub(crate) fn leave(&self, run: &str) {
        self.lock().remove(run);
    }

    pub(crate) fn is_active(&self, run: &str) -> bool {
        self.lock().contains_key(run)
    }

    pub(crate) fn get(&self, run: &str) -> Option<Active> {
        self.lock().get(run).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts and stops runs. Cheap to clone; definitions, runs and bookmarks are read and written by the functions of
/// [`crate::definition`], [`crate::run`] and [`crate::bookmark`].
#[derive(Clone)]
pub struct Jobs {
    pub(crate) shared: Arc<Shared>,
}

impl Jobs {
    /// Starts a run and returns its id. It is executed once the transaction is committed.
    ///
    /// # Errors
    /// `JobNotFound`; `RunNotFound` for a run to retry; `ConcurrentRunsExceeded`; `InvalidInput` for a script job,
    /// a graph that this version cannot run, or arguments that mean nothing.
    pub async fn start_run(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        job: &str,
        request: StartRequest,
    ) -> Result<String, JobsError> {
        let id = run::start(tx, scope, job, request).await?;
        self.wake_on_commit(tx);
        Ok(id)
    }

    /// Asks runs of a job to stop. A run that has not begun is stopped at once; a running one is STOPPING until its
    /// work has ended, which publishes nothing. A job that does not exist has none of the runs.
    ///
    /// # Errors
    /// Only those of the store; what became of each run is in the result, in the order of `ids`.
    pub async fn stop_runs(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        job: &str,
        ids: &[String],
    ) -> Result<Vec<(String, StopResult)>, JobsError> {
        let job = match definition::get(tx, scope, job).await {
            Ok(job) => job,
            Err(JobsError::JobNotFound { .. }) => {
                return Ok(ids.iter().map(|id| (id.clone(), StopResult::NotFound)).collect());
            }
            Err(other) => return Err(other),
        };
        let mut results = Vec::new();
        for id in ids {
            let result = run::stop(tx, &job, id).await?;
            if result == (StopResult::Submitted { cancel: true }) {
                let (shared, id) = (Arc::clone(&self.shared), id.clone());
                tx.on_commit(Box::new(move || {
                    if let Some(active) = shared.get(&id) {
                        active.cancel.cancel();
                    }
                }));
            }
            results.push((id.clone(), result));
        }
        self.wake_on_commit(tx);
        Ok(results)
    }

    /// How far a run is that this process executes; `None` when it does not.
    pub fn progress(&self, run: &str) -> Option<Totals> {
        self.shared.get(run).map(|active| active.counters.totals())
    }

    fn wake_on_commit(&self, tx: &mut Tx) {
        let shared = Arc::clone(&self.shared);
        tx.on_commit(Box::new(move || shared.wake.notify_one()));
    }
}
