//! The service loop: finds runs to execute, executes them, and recovers those of processes that are gone.
//!
//! The loop wakes when a run is started or ends, and now and then by itself ([`Options::lease_ttl_ms`])
//! to look for runs of other processes. It keeps nothing in memory that is not in the store but which
//! runs it is executing right now; so a restarted process goes on where the old one was.
//!
//! A run is executed under a lease named after it. Every change of its state is a transaction that
//! reads the run, asks [`crate::run::step`], and stores the answer; the one that publishes checks the
//! lease too.

mod executor;
pub(crate) use executor::unknown;
mod recovery;

use std::sync::Arc;
use std::time::Duration;

use engine::Engine;
use lake::Lake;
use store::vault::Vault;
use store::{Scope, Store, StoreError, lease};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::executor::Next;
use crate::execute::explain::{self, Explained};
use crate::jobs::{Jobs, Shared};
use crate::lineage::events::Events;
use crate::log::Logs;
use crate::metrics::MetricSink;
use crate::run::{self, Event, RunState};
use crate::script::{Scripts, atomic};
use crate::{ArgumentMap, JobsError, retry};

/// How a service runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name of this process among those that share the store; leases are held under it. When the name is
    /// started again its predecessor is known to be gone, and its runs are recovered at once.
    pub holder: String,
    /// How many runs are executed at the same time.
    pub max_running: usize,
    /// How long a lease lasts without renewal, in milliseconds; the runs of another process that was killed are
    /// recovered after this time.
    pub lease_ttl_ms: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self { holder: "local".to_owned(), max_running: 4, lease_ttl_ms: 15_000 }
    }
}

/// How many runs are looked at in one turn of the loop.
const SCAN: i64 = 1_000;

/// What executing a run needs.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) lake: Lake,
    pub(crate) engine: Engine,
    pub(crate) logs: Arc<dyn Logs>,
    pub(crate) scripts: Arc<Scripts>,
    pub(crate) shared: Arc<Shared>,
    /// What opens the secrets of connections.
    pub(crate) vault: Option<Vault>,
    /// Who is told what becomes of runs.
    pub(crate) events: Option<Events>,
    /// Who is told what was measured of runs.
    pub(crate) metrics: Option<Arc<dyn MetricSink>>,
    pub(crate) options: Options,
}

/// Executes runs until it is told to stop.
#[derive(Clone)]
pub struct Service {
    context: Context,
}

/// Says what runs would do.
#[derive(Clone)]
pub struct Explainer {
    context: Context,
}

impl Explainer {
    /// Explains what a run of the job with these arguments would do; runs and changes nothing.
    ///
    /// # Errors
    /// `JobNotFound`; `InvalidInput` for a job without a graph, and for arguments that mean nothing.
    pub async fn explain(
        &self,
        scope: &Scope,
        job: &str,
        arguments: Option<&ArgumentMap>,
    ) -> Result<Explained, JobsError> {
        Box::pin(explain::explain(&self.context, scope, job, arguments)).await
    }
}

/// A new handle and service on one store.
pub fn new(
    store: Store,
    lake: Lake,
    engine: Engine,
    logs: Arc<dyn Logs>,
    scripts: Arc<Scripts>,
    options: Options,
) -> (Jobs, Service) {
    let shared = Arc::new(Shared::default());
    let jobs = Jobs { shared: Arc::clone(&shared) };
    (jobs, Service { context: context(store, lake, engine, logs, scripts, shared, options) })
}

/// A context without what is not needed.
fn context(
    store: Store,
    lake: Lake,
    engine: Engine,
    logs: Arc<dyn Logs>,
    scripts: Arc<Scripts>,
    shared: Arc<Shared>,
    options: Options,
) -> Context {
    let (vault, events, metrics) = (None, None, None);
    Context { store, lake, engine, logs, scripts, shared, vault, events, metrics, options }
}

impl Service {
    /// With what opens the secrets of connections: without it, graphs that need one fail.
    pub fn with_vault(mut self, vault: Vault) -> Self {
        self.context.vault = Some(vault);
        self
    }

    /// What explains jobs with what this service would execute them with.
    pub fn explainer(&self) -> Explainer {
        Explainer { context: self.context.clone() }
    }

    /// With who keeps what is measured of runs: without it nothing is.
    pub fn with_metrics(mut self, metrics: Arc<dyn MetricSink>) -> Self {
        self.context.metrics = Some(metrics);
        self
    }

    /// With who is told what becomes of runs.
    pub fn with_events(mut self, events: Events) -> Self {
        self.context.events = Some(events);
        self
    }

    /// A service beside the one that a handle came with, as another process on the same store would have.
    #[cfg(test)]
    pub(crate) fn joined(
        jobs: &Jobs,
        store: Store,
        lake: Lake,
        engine: Engine,
        logs: Arc<dyn Logs>,
        scripts: Arc<Scripts>,
        options: Options,
    ) -> Self {
        let shared = Arc::clone(&jobs.shared);
        Self { context: context(store, lake, engine, logs, scripts, shared, options) }
    }

    /// Executes runs until `stop` fires; then ends the work under way at its next safe point and puts the runs of graphs
    /// back to the queue, so that the next process executes them again. Those of scripts fail.
    ///
    /// # Errors
    /// When the store fails for good; the supervisor decides what that means.
    pub async fn run(self, stop: CancellationToken) -> Result<(), JobsError> {
        let context = self.context;
        retry::backoff(|| release_predecessor(&context)).await?;
        retry::backoff(|| atomic::give_up_orphans(&context)).await?;
        let mut tasks: JoinSet<()> = JoinSet::new();
        // What follows runs: it takes no place of one, as it may wait for a database.
        let mut late: JoinSet<()> = JoinSet::new();
        let pause =
            Duration::from_millis(u64::try_from(context.options.lease_ttl_ms / 2).unwrap_or(1_000).max(50));
        while !stop.is_cancelled() {
            let soonest = match turn(&context, &mut tasks, &mut late, &stop).await {
                Ok(soonest) => soonest.map_or(pause, |wait_ms| pause.min(Duration::from_millis(wait_ms))),
                Err(error) => {
                    tracing::error!(%error, source = ?std::error::Error::source(&error), "looking for job runs failed");
                    pause
                }
            };
            context.scripts.retire();
            tokio::select! {
                () = stop.cancelled() => {}
                () = context.shared.wake.notified() => {}
                Some(ended) = tasks.join_next(), if !tasks.is_empty() => report(ended),
                Some(ended) = late.join_next(), if !late.is_empty() => report(ended),
                () = tokio::time::sleep(soonest) => {}
            }
        }
        for tasks in [&mut tasks, &mut late] {
            while let Some(ended) = tasks.join_next().await {
                report(ended);
            }
        }
        Ok(())
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        // The run's lease is no longer renewed; the next turns recover it as lost.
        tracing::error!(%error, "the task of a job run ended abnormally");
    }
}

async fn release_predecessor(context: &Context) -> Result<(), JobsError> {
    let mut tx = context.store.begin().await?;
    lease::release_all(&mut tx, &context.options.holder).await?;
    tx.commit().await?;
    Ok(())
}

/// Looks at every run that has not ended once. Returns in how many milliseconds the first retry is to begin that waits for its
/// time.
async fn turn(
    context: &Context,
    tasks: &mut JoinSet<()>,
    late: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> Result<Option<u64>, JobsError> {
    let mut tx = context.store.read().await?;
    let runs = run::active_ids(&mut tx, SCAN).await?;
    drop(tx);
    let mut soonest: Option<u64> = None;
    for (id, state) in runs {
        if stop.is_cancelled() {
            break;
        }
        if context.shared.is_active(&id) {
            continue;
        }
        match state.as_str() {
            "WAITING" => admit(context, &id).await?,
            "STARTING" if tasks.len() < context.options.max_running => {
                match executor::begin(context, &id).await? {
                    Next::Begun(begun) => {
                        tasks.spawn(executor::execute(context.clone(), *begun, stop.clone()));
                    }
                    Next::Later(wait_ms) => {
                        soonest = Some(soonest.map_or(wait_ms, |first| first.min(wait_ms)))
                    }
                    Next::Gone => {}
                }
            }
            "RUNNING" | "STOPPING" => match executor::resume(context, &id).await? {
                Some(begun) => drop(late.spawn(executor::execute(context.clone(), begun, stop.clone()))),
                None => recovery::recover(context, &id, late).await?,
            },
            _ => {}
        }
    }
    Ok(soonest)
}

/// Lets a waiting run in when its job has a free slot.
async fn admit(context: &Context, id: &str) -> Result<(), JobsError> {
    let mut tx = context.store.begin().await?;
    let Some(mut run) = run::load(&mut tx, id).await? else { return Ok(()) };
    if run.details.state != RunState::Waiting {
        return Ok(());
    }
    let max = crate::definition::get(&mut tx, &run.scope, &run.details.job).await?.spec.max_concurrent_runs();
    if run::count_active(&mut tx, &run.incarnation).await? < max {
        run::apply(&mut tx, &mut run, Event::Admitted).await?;
        tx.commit().await?;
        context.shared.wake.notify_one();
    }
    Ok(())
}

/// Whether a store error may pass when the transaction is tried again.
pub(crate) fn may_pass(error: &StoreError) -> bool {
    matches!(error.retry(), store::Retry::Backoff)
}
