//! Takes queued queries, runs them and records how they end.

use std::time::Duration;

use store::lease::{self, Lease};
use store::{Scope, Tx};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use lake::{Key, Meta};

use super::Queries;
use super::request::{split, unquoted};
use crate::error::QueryError;
use crate::execution::{Event, Execution, Failure, State, step};
use crate::results::metadata;
use crate::rows;
use crate::run::{self, Outcome, Request, RunError};

/// The database of a query that names none.
const DEFAULT_DATABASE: &str = "default";

/// After the store failed.
const RETRY: Duration = Duration::from_millis(500);

impl Queries {
    /// Runs queries until `stop`; then what runs is cancelled and marked FAILED.
    /// Errors: the store's, when what an earlier process left cannot be marked.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), QueryError> {
        let lease = self.begin().await?;
        let mut tasks = JoinSet::new();
        let third = u64::try_from(lease.ttl_ms / 3).unwrap_or(1).max(1);
        let mut beat = interval(Duration::from_millis(third));
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !stop.is_cancelled() {
            let free = self.inner.options.max_running.max(1).saturating_sub(tasks.len());
            // A store that is busy for a moment is no reason to break off the queries at work: the next turn asks again.
            let (taken, pause) = match self.take(free, &lease).await {
                Ok(taken) => (taken, None),
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "looking for queries failed");
                    (Vec::new(), Some(RETRY))
                }
            };
            for (scope, execution) in taken {
                let cancel = stop.child_token();
                self.inner.tokens().insert(execution.id.clone(), cancel.clone());
                let queries = self.clone();
                let stopped = stop.clone();
                tasks.spawn(async move { queries.execute(scope, execution, cancel, stopped).await });
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.inner.wake.notified() => {}
                Some(_) = tasks.join_next() => {}
                _ = beat.tick() => self.beat(&lease, !tasks.is_empty()).await,
                () = async { tokio::time::sleep(pause.unwrap_or_default()).await }, if pause.is_some() => {}
            }
        }
        while tasks.join_next().await.is_some() {}
        let mut tx = self.inner.ground.store.begin().await?;
        lease::release(&mut tx, &lease).await?;
        Ok(tx.commit().await?)
    }

    /// Marks what an earlier process of this name left running, and says that this one lives.
    async fn begin(&self) -> Result<Lease, QueryError> {
        let options = &self.inner.options;
        let mut tx = self.inner.ground.store.begin().await?;
        lease::release_all(&mut tx, &options.holder).await?;
        self.recover(&mut tx).await?;
        let name = lease_name(&options.holder);
        let lease = lease::acquire(&mut tx, &name, &options.holder, options.lease_ms).await?;
        tx.commit().await?;
        lease.ok_or_else(|| QueryError::Store(store::StoreError::LeaseLost { name }))
    }

    /// Says again that this process lives, if it is at work, and looks after those that do not.
    async fn beat(&self, lease: &Lease, at_work: bool) {
        let beaten = async {
            let mut read = self.inner.ground.store.read().await?;
            // An idle node only reads.
            if !at_work && rows::running(&mut read).await?.is_empty() {
                return Ok(());
            }
            drop(read);
            let mut tx = self.inner.ground.store.begin().await?;
            lease::renew(&mut tx, lease).await?;
            self.recover(&mut tx).await?;
            Ok::<_, QueryError>(tx.commit().await?)
        };
        if let Err(error) = beaten.await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the lease of queries could not be renewed"
            );
        }
    }

    /// Marks what processes without a lease left running: nobody will finish it, or be allowed to.
    async fn recover(&self, tx: &mut Tx) -> Result<(), QueryError> {
        for rows::Running { scope, execution, holder } in rows::running(tx).await? {
            if !lease::held(tx, &lease_name(&holder)).await? {
                self.end(tx, &scope, execution, Event::Fail, Some(stopped_failure())).await?;
            }
        }
        Ok(())
    }

    /// Moves up to `limit` queued executions to RUNNING.
    async fn take(&self, limit: usize, lease: &Lease) -> Result<Vec<(Scope, Execution)>, QueryError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut read = self.inner.ground.store.read().await?;
        if rows::queued(&mut read, 1).await?.is_empty() {
            return Ok(Vec::new());
        }
        drop(read);
        let mut tx = self.inner.ground.store.begin().await?;
        let mut taken = Vec::new();
        // Others may have taken this process for gone while it had nothing to do.
        lease::renew(&mut tx, lease).await?;
        for (scope, mut execution) in rows::queued(&mut tx, limit).await? {
            let Some(to) = step(execution.state, Event::Start) else { continue };
            execution.state = to;
            execution.statistics.queued_ms = tx.now_ms() - execution.submitted_ms;
            if rows::replace(&mut tx, &scope, &execution, State::Queued, Some(&self.inner.options.holder))
                .await?
            {
                taken.push((scope, execution));
            }
        }
        tx.commit().await?;
        Ok(taken)
    }

    async fn execute(
        &self,
        scope: Scope,
        execution: Execution,
        cancel: CancellationToken,
        stop: CancellationToken,
    ) {
        let id = execution.id.clone();
        let database = execution.database.as_deref().map_or(DEFAULT_DATABASE, unquoted);
        let request = Request { scope: &scope, query: &execution.query, database, cancel: cancel.clone() };
        let outcome = run::run(&self.inner.ground, &request).await;
        let ended = match outcome {
            Ok(outcome) => self.publish(&scope, &execution, outcome).await,
            Err(error) => Err(error),
        };
        self.inner.tokens().remove(&id);
        let Err(error) = ended else { return };
        let failure = if stop.is_cancelled() { stopped_failure() } else { error.failure() };
        tracing::info!(
            query = id,
            code = failure.code,
            error = &error as &dyn std::error::Error,
            "query failed"
        );
        if let Err(error) = self.fail(&scope, execution, failure).await {
            tracing::error!(
                query = id,
                error = &error as &dyn std::error::Error,
                "cannot record a failed query"
            );
        }
    }

    /// Makes the result visible and the execution SUCCEEDED, together.
    async fn publish(&self, scope: &Scope, execution: &Execution, outcome: Outcome) -> Result<(), RunError> {
        let (bucket, key) = split(&execution.output_location)?;
        let columns_file = self.inner.ground.lake.stage_bytes(metadata(&outcome.columns)).await?;
        store::crash::point("query.result.staged");
        let mut tx = self.inner.ground.store.begin().await?;
        let mut done = execution.clone();
        let Some(to) = step(done.state, Event::Finish) else { return Err(RunError::Cancelled) };
        done.state = to;
        done.completed_ms = Some(tx.now_ms());
        done.columns = outcome.columns;
        done.statistics.rows = outcome.rows;
        done.statistics.scanned_bytes = outcome.scanned_bytes;
        done.statistics.planning_ms = outcome.planning_ms;
        done.statistics.execution_ms = tx.now_ms() - done.submitted_ms - done.statistics.queued_ms;
        if !rows::replace(&mut tx, scope, &done, State::Running, None).await? {
            return Err(RunError::Cancelled);
        }
        let content = if key.ends_with(".csv") { "text/csv" } else { "text/plain" };
        let files = vec![
            (Key::new(key.clone())?, outcome.file, Meta::of_type(content)),
            (Key::new(format!("{key}.metadata"))?, columns_file, Meta::of_type("application/octet-stream")),
        ];
        self.inner.ground.lake.put_many(&mut tx, &bucket, files).await?;
        store::crash::point("query.result.before_commit");
        tx.commit().await?;
        store::crash::point("query.result.committed");
        Ok(())
    }

    async fn fail(&self, scope: &Scope, execution: Execution, failure: Failure) -> Result<(), QueryError> {
        let mut tx = self.inner.ground.store.begin().await?;
        if self.end(&mut tx, scope, execution, Event::Fail, Some(failure)).await? {
            tx.commit().await?;
        }
        Ok(())
    }
}

/// The named crash points of this crate (see [`store::crash`]).
pub const CRASH_POINTS: &[&str] =
    &["query.result.staged", "query.result.before_commit", "query.result.committed"];

/// Held by a process that runs queries, as long as it lives.
fn lease_name(holder: &str) -> String {
    format!("queries/{holder}")
}

fn stopped_failure() -> Failure {
    Failure {
        category: 1,
        code: "GENERIC_INTERNAL_ERROR".to_owned(),
        message: "the server stopped while the query ran; start it again".to_owned(),
    }
}
