//! The handle to statistics tasks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use catalog::{names, table};
use engine::Engine;
use lake::Lake;
use store::{Scope, Store, Tx};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::error::StatisticsError;
use super::measure;
use super::rows;
use super::task::{Task, TaskState};
use crate::run::Ground;
use crate::service::{list_position, list_token};

/// Options of the service.
#[derive(Debug, Clone)]
pub struct StatisticsOptions {
    /// Name of this node. A restarted node takes up the runs that it held under the same name at once.
    pub node: String,
    /// Runs at work at the same time, at least 1; others wait.
    pub max_running: usize,
}

/// A run to start.
#[derive(Debug, Clone, Default)]
pub struct NewTask {
    /// The table's database.
    pub database: String,
    /// The table.
    pub table: String,
    /// The columns; all when empty.
    pub columns: Vec<String>,
    /// Kept.
    pub role: String,
    /// Percent of rows.
    pub sample_size: Option<f64>,
}

/// Handle to the service; cheap to clone.
#[derive(Clone)]
pub struct StatisticsTasks {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) ground: Ground,
    pub(super) options: StatisticsOptions,
    pub(super) wake: Notify,
    /// Runs at work here, and how to stop them.
    working: Mutex<HashMap<String, CancellationToken>>,
}

impl Inner {
    pub(super) fn working(&self) -> std::sync::MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.working.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StatisticsTasks {
    /// Makes the service; nothing runs before [`Self::run`].
    pub fn new(store: Store, lake: Lake, engine: Engine, options: StatisticsOptions) -> Self {
        let ground = Ground { store, lake, engine };
        let inner = Inner { ground, options, wake: Notify::new(), working: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    pub(super) fn store(&self) -> &Store {
        &self.inner.ground.store
    }

    /// Starts a run and returns its id; durable when it returns.
    /// Errors: those of the catalog for a table that is not there, `Running`, `Invalid` for columns or a sample that
    /// cannot be honoured.
    pub async fn start(&self, scope: &Scope, new: NewTask) -> Result<String, StatisticsError> {
        let mut tx = self.store().begin().await?;
        let id = begin(&mut tx, scope, new).await?;
        tx.commit().await?;
        self.inner.wake.notify_one();
        Ok(id)
    }

    /// What is known of a run. Errors: `RunNotFound`.
    pub async fn get(&self, scope: &Scope, id: &str) -> Result<Task, StatisticsError> {
        let mut tx = self.store().read().await?;
        rows::get(&mut tx, scope, id).await
    }

    /// Runs of a table, the newest first, `limit` from `token`, and the token of the next page; none for a table that
    /// is not there. Errors: `Invalid` for a token that is not ours.
    pub async fn of_table(
        &self,
        scope: &Scope,
        (database, table): (&str, &str),
        token: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Task>, Option<String>), StatisticsError> {
        let after = position(token)?;
        let after = after.as_ref().map(|(ms, id)| (*ms, id.as_str()));
        let mut tx = self.store().read().await?;
        let place = (&*names::fold(database), &*names::fold(table));
        let mut found = rows::of_table(&mut tx, scope, place, after, limit + 1).await?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|task| list_token(task.created_ms, &task.id));
        Ok((found, next))
    }

    /// Ids of an account's runs, the newest first, `limit` from `token`, and the token of the next page.
    /// Errors: `Invalid` for a token that is not ours.
    pub async fn list(
        &self,
        scope: &Scope,
        token: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<String>, Option<String>), StatisticsError> {
        let after = position(token)?;
        let after = after.as_ref().map(|(ms, id)| (*ms, id.as_str()));
        let mut tx = self.store().read().await?;
        let mut found = rows::list(&mut tx, scope, after, limit + 1).await?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|(ms, id)| list_token(*ms, id));
        Ok((found.into_iter().map(|(_, id)| id).collect(), next))
    }

    /// Tells the run of a table to end. One that nobody works on yet is STOPPED when this returns.
    /// Errors: `NotRunning`, `Stopping`.
    pub async fn stop(&self, scope: &Scope, (database, table): (&str, &str)) -> Result<(), StatisticsError> {
        let mut tx = self.store().begin().await?;
        let place = (names::fold(database), names::fold(table));
        let Some(mut task) = rows::active(&mut tx, scope, (&place.0, &place.1)).await? else {
            return Err(StatisticsError::NotRunning { table: format!("{}.{}", place.0, place.1) });
        };
        if task.stopping {
            return Err(StatisticsError::Stopping { table: task.name() });
        }
        task.stopping = true;
        task.updated_ms = tx.now_ms();
        if task.state == TaskState::Starting {
            task.end(TaskState::Stopped, None, tx.now_ms());
        }
        rows::replace(&mut tx, scope, &task).await?;
        tx.commit().await?;
        if let Some(token) = self.inner.working().get(&task.id) {
            token.cancel();
        }
        self.inner.wake.notify_one();
        Ok(())
    }
}

/// Makes a run that waits to be taken up. Errors: as [`StatisticsTasks::start`].
pub(super) async fn begin(tx: &mut Tx, scope: &Scope, new: NewTask) -> Result<String, StatisticsError> {
    let found = table::get(tx, scope, &new.database, &new.table).await?;
    let columns: Vec<String> = new.columns.iter().map(|name| names::fold(name)).collect();
    measure::chosen(&found, &columns).map_err(StatisticsError::invalid)?;
    check_sample(new.sample_size)?;
    let place = (names::fold(&new.database), names::fold(&new.table));
    if let Some(task) = rows::active(tx, scope, (&place.0, &place.1)).await? {
        return Err(StatisticsError::Running { table: task.name() });
    }
    let now_ms = tx.now_ms();
    let task = Task {
        id: tx.new_id(),
        database: place.0,
        table: place.1,
        columns,
        role: new.role,
        sample_size: new.sample_size,
        state: TaskState::Starting,
        stopping: false,
        attempts: 0,
        created_ms: now_ms,
        updated_ms: now_ms,
        started_ms: None,
        ended_ms: None,
        error: None,
    };
    rows::insert(tx, scope, &task).await?;
    Ok(task.id)
}

/// Errors: `Invalid`.
pub(super) fn check_sample(percent: Option<f64>) -> Result<(), StatisticsError> {
    match percent.filter(|percent| !(*percent > 0.0 && *percent <= 100.0)) {
        Some(percent) => Err(StatisticsError::invalid(format!(
            "SampleSize is {percent}, but it is a percentage: above 0 and at most 100"
        ))),
        None => Ok(()),
    }
}

fn position(token: Option<&str>) -> Result<Option<(i64, String)>, StatisticsError> {
    let read = token.filter(|token| !token.is_empty()).map(list_position).transpose();
    read.map_err(|error| StatisticsError::invalid(error.to_string()))
}
