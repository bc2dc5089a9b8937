//! The loop that works on runs: takes those that nobody works on, holds their leases, ends them.

use std::time::Duration;

use catalog::statistics::{self, ColumnStatistics, Of};
use catalog::{Table, table};
use store::lease::{self, Lease};
use store::{Scope, StoreError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::error::StatisticsError;
use super::measure::{self, chosen};
use super::service::StatisticsTasks;
use super::task::{Task, TaskState};
use super::{MAX_ATTEMPTS, rows};
use crate::run::RunError;

/// How long a run's lease lasts without being renewed.
const LEASE_MS: i64 = 30_000;
/// How often it is renewed, and how often runs of nodes that are gone are looked for.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// Unfinished runs looked at; more than can be at work in any installation of ours.
const LOOK: usize = 1_000;

/// How an attempt ended, unless well.
enum Ended {
    /// It was told to.
    Stopped,
    /// Somebody else holds its lease, or the run is over.
    Lost,
    Failed(String),
}

impl From<RunError> for Ended {
    fn from(error: RunError) -> Self {
        if let RunError::Cancelled | RunError::Engine(engine::EngineError::Cancelled) = error {
            return Self::Stopped;
        }
        tracing::info!(error = &error as &dyn std::error::Error, "computing column statistics failed");
        Self::Failed(error.failure().message)
    }
}

impl From<StatisticsError> for Ended {
    fn from(error: StatisticsError) -> Self {
        match error {
            StatisticsError::Store(StoreError::LeaseLost { .. }) | StatisticsError::RunNotFound { .. } => {
                Self::Lost
            }
            StatisticsError::Catalog(error) => RunError::from(error).into(),
            StatisticsError::Store(error) => RunError::from(error).into(),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl StatisticsTasks {
    /// Works on runs until `stop`; then runs at work are left for the next start of this node.
    /// Errors: the store's, when the leases of an earlier process cannot be given up.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), StatisticsError> {
        let mut tx = self.store().begin().await?;
        lease::release_all(&mut tx, &self.inner.options.node).await?;
        tx.commit().await?;
        // Whatever an earlier loop of this process worked on is gone with it.
        self.inner.working().clear();
        let mut tasks = JoinSet::new();
        while !stop.is_cancelled() {
            if let Err(error) = self.fire_due().await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "starting scheduled statistics tasks failed"
                );
            }
            let free = self.inner.options.max_running.max(1).saturating_sub(tasks.len());
            // A store that is busy for a moment is no reason to break off the runs at work: the next turn asks again.
            let taken = self.take(free).await.unwrap_or_else(|error| {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "looking for statistics tasks failed"
                );
                Vec::new()
            });
            for (scope, task, lease) in taken {
                let cancel = stop.child_token();
                self.inner.working().insert(task.id.clone(), cancel.clone());
                let (service, stopped) = (self.clone(), stop.clone());
                tasks.spawn(async move { Box::pin(service.work(scope, task, lease, cancel, stopped)).await });
            }
            let pause = self.until_due(HEARTBEAT).await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.inner.wake.notified() => {}
                Some(_) = tasks.join_next() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        while tasks.join_next().await.is_some() {}
        Ok(())
    }

    /// Takes up to `limit` runs that nobody works on.
    async fn take(&self, limit: usize) -> Result<Vec<(Scope, Task, Lease)>, StatisticsError> {
        let mut read = self.store().read().await?;
        let mut waiting = rows::unfinished(&mut read, LOOK).await?;
        drop(read);
        let working = self.inner.working().clone();
        waiting.retain(|(_, task)| !working.contains_key(&task.id));
        let mut taken = Vec::new();
        if limit == 0 || waiting.is_empty() {
            return Ok(taken);
        }
        let mut tx = self.store().begin().await?;
        for (scope, task) in waiting {
            if taken.len() == limit {
                break;
            }
            let name = format!("statistics/{}", task.id);
            let Some(lease) = lease::acquire(&mut tx, &name, &self.inner.options.node, LEASE_MS).await?
            else {
                continue;
            };
            let mut task = rows::get(&mut tx, &scope, &task.id).await?;
            if task.state.is_final() {
                lease::release(&mut tx, &lease).await?;
                continue;
            }
            task.state = TaskState::Running;
            task.attempts += 1;
            task.updated_ms = tx.now_ms();
            task.started_ms.get_or_insert(tx.now_ms());
            rows::replace(&mut tx, &scope, &task).await?;
            taken.push((scope, task, lease));
        }
        tx.commit().await?;
        Ok(taken)
    }

    async fn work(
        &self,
        scope: Scope,
        task: Task,
        lease: Lease,
        cancel: CancellationToken,
        stopped: CancellationToken,
    ) {
        let outcome = tokio::select! {
            outcome = self.attempt(&scope, &task, &lease, &cancel) => outcome,
            ended = self.heartbeat(&scope, &task, &lease) => {
                cancel.cancel();
                Err(ended)
            }
        };
        self.inner.working().remove(&task.id);
        let ended = match outcome {
            Ok(()) | Err(Ended::Lost) => Ok(()),
            // The node stops: the run stays RUNNING, and whoever takes it up next begins again.
            Err(_) if stopped.is_cancelled() => self.give_up(&lease).await,
            Err(Ended::Stopped) => self.end(&scope, &task, &lease, TaskState::Stopped, None).await,
            Err(Ended::Failed(why)) => self.end(&scope, &task, &lease, TaskState::Failed, Some(why)).await,
        };
        if let Err(error) = ended {
            tracing::error!(
                task = task.id,
                error = &error as &dyn std::error::Error,
                "the end of a statistics task could not be recorded"
            );
        }
        self.inner.wake.notify_one();
    }

    async fn attempt(
        &self,
        scope: &Scope,
        task: &Task,
        lease: &Lease,
        cancel: &CancellationToken,
    ) -> Result<(), Ended> {
        if task.stopping {
            return Err(Ended::Stopped);
        }
        if task.attempts > MAX_ATTEMPTS {
            let why = format!("The run was interrupted {MAX_ATTEMPTS} times and is given up");
            return Err(Ended::Failed(why));
        }
        let mut tx = self.store().read().await.map_err(StatisticsError::from)?;
        let table = table::get(&mut tx, scope, &task.database, &task.table).await;
        drop(tx);
        let table = table.map_err(StatisticsError::from)?;
        let columns = chosen(&table, &task.columns).map_err(Ended::Failed)?;
        let measured = measure::measure(&self.inner.ground, scope, task, &columns, cancel).await?;
        if cancel.is_cancelled() {
            return Err(Ended::Stopped);
        }
        store::crash::point("statistics.measured");
        self.publish(scope, task, lease, &table, measured).await
    }

    /// Writes the statistics and ends the run, together.
    async fn publish(
        &self,
        scope: &Scope,
        task: &Task,
        lease: &Lease,
        read: &Table,
        measured: Vec<ColumnStatistics>,
    ) -> Result<(), Ended> {
        let written = async {
            let mut tx = self.store().begin().await?;
            lease::check(&mut tx, lease).await?;
            let mut done = rows::get(&mut tx, scope, &task.id).await?;
            if done.stopping {
                return Ok(Err(Ended::Stopped));
            }
            let now = table::get(&mut tx, scope, &task.database, &task.table).await?;
            if let Some(why) = changed(read, &now, &measured) {
                return Ok(Err(Ended::Failed(why)));
            }
            let place = (task.database.as_str(), task.table.as_str());
            let refused = statistics::update(&mut tx, scope, place, Of::Table, measured).await?;
            if let Some(one) = refused.into_iter().next() {
                return Err(one.error.into());
            }
            done.end(TaskState::Succeeded, None, tx.now_ms());
            rows::replace(&mut tx, scope, &done).await?;
            lease::release(&mut tx, lease).await?;
            store::crash::point("statistics.before_commit");
            tx.commit().await?;
            store::crash::point("statistics.committed");
            Ok::<_, StatisticsError>(Ok(()))
        };
        written.await?
    }

    async fn give_up(&self, lease: &Lease) -> Result<(), StatisticsError> {
        let mut tx = self.store().begin().await?;
        lease::release(&mut tx, lease).await?;
        Ok(tx.commit().await?)
    }

    async fn end(
        &self,
        scope: &Scope,
        task: &Task,
        lease: &Lease,
        state: TaskState,
        error: Option<String>,
    ) -> Result<(), StatisticsError> {
        let mut tx = self.store().begin().await?;
        lease::check(&mut tx, lease).await?;
        let mut done = rows::get(&mut tx, scope, &task.id).await?;
        done.end(state, error, tx.now_ms());
        rows::replace(&mut tx, scope, &done).await?;
        lease::release(&mut tx, lease).await?;
        Ok(tx.commit().await?)
    }

    /// Renews the lease; returns when it is lost or the run was told to stop through another node.
    async fn heartbeat(&self, scope: &Scope, task: &Task, lease: &Lease) -> Ended {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            let renewed = async {
                let mut tx = self.store().begin().await?;
                let held = lease::renew(&mut tx, lease).await?;
                let stopping = rows::get(&mut tx, scope, &task.id).await?.stopping;
                tx.commit().await?;
                Ok::<_, StatisticsError>((held, stopping))
            };
            match renewed.await {
                Ok((false, _)) => return Ended::Lost,
                Ok((true, true)) => return Ended::Stopped,
                Ok((true, false)) => {}
                Err(error) => tracing::warn!(%error, "the lease of a statistics task could not be renewed"),
            }
        }
    }
}

/// What of the table is not as it was when it was read.
fn changed(read: &Table, now: &Table, measured: &[ColumnStatistics]) -> Option<String> {
    if read.uid != now.uid {
        return Some(format!("Table {} was dropped and made anew while it was read", now.name));
    }
    let type_in = |table: &Table, name: &str| {
        let mut all = table.columns().iter().chain(table.partition_keys());
        all.find(|column| column.name == name).map(|column| column.hive_type().to_owned())
    };
    let other = measured.iter().map(|one| one.column_name.as_str());
    let mut other = other.filter(|name| type_in(read, name) != type_in(now, name));
    other.next().map(|name| format!("Column {name} of table {} was changed while it was read", now.name))
}
