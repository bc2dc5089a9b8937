//! The loop that works on runs: takes those that nobody works on, holds their leases, ends them.

use std::time::Duration;

use engine::EngineError;
use lake::{Conditions, Meta};
use store::lease::{self, Lease};
use store::{Scope, StoreError, Tx};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::documents::{QualityRun, RunStatus, Work};
use super::error::QualityError;
use super::publish::{Place, result_lines};
use super::work::{Found, WorkError, work};
use super::{MAX_ATTEMPTS, Quality, rows, rulesets};
use crate::plan::PlanError;

/// Unfinished runs looked at; more than can be at work in any installation of ours.
const LOOK: usize = 1_000;

/// How an attempt ended, unless well.
enum Ended {
    /// It was told to.
    Stopped,
    /// It took too long.
    Timeout,
    /// Somebody else holds its lease, or the run is over.
    Lost,
    Failed(String),
}

impl From<WorkError> for Ended {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Cancelled => Self::Stopped,
            WorkError::Quality(error) => error.into(),
            WorkError::Plan(PlanError::Engine(EngineError::Cancelled)) => Self::Stopped,
            WorkError::Plan(error) => Self::Failed(error.to_string()),
        }
    }
}

impl From<QualityError> for Ended {
    fn from(error: QualityError) -> Self {
        match error {
            QualityError::Store(StoreError::LeaseLost { .. }) | QualityError::RunNotFound { .. } => {
                Self::Lost
            }
            QualityError::Store(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a data quality run failed");
                Self::Failed("The metadata store failed; see the server's log.".to_owned())
            }
            other => Self::Failed(other.to_string()),
        }
    }
}

impl Quality {
    /// How often leases are renewed, and how often runs of nodes that are gone are looked for.
    fn heartbeat_every(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.inner.options.lease_ms / 3).unwrap_or(5_000).max(50))
    }

    /// Works on runs until `stop`; then runs at work are left for the next start of this node.
    /// Errors: the store's, when the leases of an earlier process cannot be given up.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), QualityError> {
        let mut tx = self.store().begin().await?;
        lease::release_all(&mut tx, &self.inner.options.node).await?;
        tx.commit().await?;
        // Whatever an earlier loop of this process worked on is gone with it.
        self.inner.working().clear();
        let mut tasks = JoinSet::new();
        while !stop.is_cancelled() {
            let free = self.inner.options.max_running.max(1).saturating_sub(tasks.len());
            // A store that is busy for a moment is no reason to break off the runs at work: the next turn asks again.
            let taken = self.take(free).await.unwrap_or_else(|error| {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "looking for data quality runs failed"
                );
                Vec::new()
            });
            for (scope, run, lease) in taken {
                let cancel = stop.child_token();
                self.inner.working().insert(run.id.clone(), cancel.clone());
                let (service, stopped) = (self.clone(), stop.clone());
                tasks.spawn(async move { Box::pin(service.work(scope, run, lease, cancel, stopped)).await });
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.inner.wake.notified() => {}
                Some(_) = tasks.join_next() => {}
                () = tokio::time::sleep(self.heartbeat_every()) => {}
            }
        }
        while tasks.join_next().await.is_some() {}
        Ok(())
    }

    /// Takes up to `limit` runs that nobody works on.
    async fn take(&self, limit: usize) -> Result<Vec<(Scope, QualityRun, Lease)>, QualityError> {
        let mut waiting = rows::unfinished(&mut self.store().read().await?, LOOK).await?;
        let working = self.inner.working().clone();
        waiting.retain(|(_, run)| !working.contains_key(&run.id));
        let mut taken = Vec::new();
        if limit == 0 || waiting.is_empty() {
            return Ok(taken);
        }
        let mut tx = self.store().begin().await?;
        for (scope, run) in waiting {
            if taken.len() == limit {
                break;
            }
            let options = &self.inner.options;
            let name = format!("quality/{}", run.id);
            let Some(lease) = lease::acquire(&mut tx, &name, &options.node, options.lease_ms).await? else {
                continue;
            };
            let mut run = rows::run(&mut tx, &scope, run.work.kind(), &run.id).await?;
            if run.status.is_final() {
                lease::release(&mut tx, &lease).await?;
                continue;
            }
            if run.status == RunStatus::Starting {
                run.status = RunStatus::Running;
            }
            run.attempts += 1;
            run.modified_ms = tx.now_ms();
            run.begun_ms.get_or_insert(tx.now_ms());
            rows::replace_run(&mut tx, &scope, &run).await?;
            taken.push((scope, run, lease));
        }
        tx.commit().await?;
        Ok(taken)
    }

    async fn work(
        &self,
        scope: Scope,
        run: QualityRun,
        lease: Lease,
        cancel: CancellationToken,
        stopped: CancellationToken,
    ) {
        let outcome = tokio::select! {
            outcome = self.attempt(&scope, &run, &lease, &cancel) => outcome,
            ended = self.heartbeat(&scope, &run, &lease) => {
                cancel.cancel();
                Err(ended)
            }
        };
        self.inner.working().remove(&run.id);
        let ended = match outcome {
            Ok(()) | Err(Ended::Lost) => Ok(()),
            // The node stops: the run stays as it is, and whoever takes it up next begins again.
            Err(_) if stopped.is_cancelled() => self.give_up(&lease).await,
            Err(Ended::Stopped) => self.end(&scope, &run, &lease, RunStatus::Stopped, None).await,
            Err(Ended::Timeout) => {
                let why = format!("The run took longer than its timeout of {} minutes.", run.timeout_minutes);
                self.end(&scope, &run, &lease, RunStatus::Timeout, Some(why)).await
            }
            Err(Ended::Failed(why)) => {
                self.end(&scope, &run, &lease, RunStatus::Failed, Some(why.replace('\0', "\u{fffd}"))).await
            }
        };
        if let Err(error) = ended {
            let error = &error as &dyn std::error::Error;
            tracing::error!(run = run.id, error, "the end of a data quality run could not be recorded");
        }
        self.inner.wake.notify_one();
    }

    async fn attempt(
        &self,
        scope: &Scope,
        run: &QualityRun,
        lease: &Lease,
        cancel: &CancellationToken,
    ) -> Result<(), Ended> {
        if run.status == RunStatus::Stopping {
            return Err(Ended::Stopped);
        }
        if run.attempts > MAX_ATTEMPTS {
            let why = format!("The run was interrupted {MAX_ATTEMPTS} times and is given up");
            return Err(Ended::Failed(why));
        }
        let found = work(&self.inner, scope, run, cancel).await?;
        if cancel.is_cancelled() {
            return Err(Ended::Stopped);
        }
        store::crash::point("quality.evaluated");
        self.publish(scope, run, lease, found).await
    }

    /// Stores what was found and ends the run, together.
    async fn publish(
        &self,
        scope: &Scope,
        run: &QualityRun,
        lease: &Lease,
        found: Found,
    ) -> Result<(), Ended> {
        let written = async {
            let mut tx = self.store().begin().await?;
            lease::check(&mut tx, lease).await?;
            let mut done = rows::run(&mut tx, scope, run.work.kind(), &run.id).await?;
            if done.status == RunStatus::Stopping {
                return Ok(Err(Ended::Stopped));
            }
            match found {
                Found::Results(results) => {
                    for result in &results {
                        rows::insert_result(&mut tx, scope, result).await?;
                        done.results.push(result.id.clone());
                    }
                    if let Work::Evaluation { prefix: Some(prefix), .. } = &run.work
                        && let Some(why) = self.write(&mut tx, scope, prefix, &results).await?
                    {
                        return Ok(Err(Ended::Failed(why)));
                    }
                }
                Found::Ruleset(text) => create(&mut tx, scope, &mut done, text).await?,
            }
            done.end(RunStatus::Succeeded, None, tx.now_ms());
            rows::replace_run(&mut tx, scope, &done).await?;
            lease::release(&mut tx, lease).await?;
            store::crash::point("quality.before_commit");
            tx.commit().await?;
            store::crash::point("quality.committed");
            Ok::<_, QualityError>(Ok(()))
        };
        written.await?
    }

    /// Writes results as objects below a folder; returns why it cannot.
    pub(super) async fn write(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        prefix: &str,
        results: &[super::QualityResult],
    ) -> Result<Option<String>, QualityError> {
        let place = Place::parse(prefix)?;
        let conditions = Conditions { owner: Some(scope.account.clone()), ..Conditions::NONE };
        for result in results {
            let lake = &self.inner.lake;
            let written = async {
                let staged = lake.stage_bytes(result_lines(result)).await?;
                let meta = Meta::of_type("application/json");
                lake.put(tx, &place.bucket, &place.key(&result.id)?, staged, meta, &conditions).await?;
                Ok::<_, Unwritten>(())
            };
            match written.await {
                Ok(()) => {}
                Err(Unwritten::Quality(error)) => return Err(error),
                Err(Unwritten::Lake(error)) => return Ok(Some(format!("{prefix}: {error}"))),
            }
        }
        Ok(None)
    }

    async fn give_up(&self, lease: &Lease) -> Result<(), QualityError> {
        let mut tx = self.store().begin().await?;
        lease::release(&mut tx, lease).await?;
        Ok(tx.commit().await?)
    }

    async fn end(
        &self,
        scope: &Scope,
        run: &QualityRun,
        lease: &Lease,
        status: RunStatus,
        error: Option<String>,
    ) -> Result<(), QualityError> {
        let mut tx = self.store().begin().await?;
        lease::check(&mut tx, lease).await?;
        let mut done = rows::run(&mut tx, scope, run.work.kind(), &run.id).await?;
        done.end(status, error, tx.now_ms());
        rows::replace_run(&mut tx, scope, &done).await?;
        lease::release(&mut tx, lease).await?;
        Ok(tx.commit().await?)
    }

    /// Renews the lease; returns when it is lost, the time is over, or the run was told to stop through another node.
    async fn heartbeat(&self, scope: &Scope, run: &QualityRun, lease: &Lease) -> Ended {
        loop {
            tokio::time::sleep(self.heartbeat_every()).await;
            let begun_ms = run.begun_ms.unwrap_or(run.created_ms);
            if self.store().clock().now_ms().saturating_sub(begun_ms)
                >= run.timeout_minutes.saturating_mul(60_000)
            {
                return Ended::Timeout;
            }
            let renewed = async {
                let mut tx = self.store().begin().await?;
                let held = lease::renew(&mut tx, lease).await?;
                let status = rows::status(&mut tx, scope, run).await?;
                tx.commit().await?;
                Ok::<_, QualityError>((held, status))
            };
            match renewed.await {
                Ok((false, _)) => return Ended::Lost,
                Ok((true, RunStatus::Stopping)) => return Ended::Stopped,
                Ok((true, _)) => {}
                Err(error) => tracing::warn!(%error, "the lease of a data quality run could not be renewed"),
            }
        }
    }
}

/// Why a result was not written.
enum Unwritten {
    Lake(lake::LakeError),
    Quality(QualityError),
}

impl From<QualityError> for Unwritten {
    fn from(error: QualityError) -> Self {
        Self::Quality(error)
    }
}

impl From<lake::LakeError> for Unwritten {
    fn from(error: lake::LakeError) -> Self {
        match error {
            lake::LakeError::Store(error) => Self::Quality(QualityError::Store(error)),
            other => Self::Lake(other),
        }
    }
}

/// Keeps what was recommended, and makes the ruleset that the run names.
async fn create(tx: &mut Tx, scope: &Scope, run: &mut QualityRun, text: String) -> Result<(), QualityError> {
    if let Work::Recommendation { creates, recommended } = &mut run.work {
        *recommended = Some(text.clone());
        if let Some(name) = creates.clone() {
            let new = rulesets::NewRuleset {
                name,
                text,
                target: Some(run.source.table.clone()),
                ..rulesets::NewRuleset::default()
            };
            rulesets::create(tx, scope, new, Some(run.id.clone())).await?;
        }
    }
    Ok(())
}
