//! Settings of statistics tasks: what to measure of a table, and when.
//!
//! They are kept with their table, as JSON documents ([`catalog::task_settings`]): whoever renames or drops it need not know
//! of them.
//!
//! # Invariants
//! - Whoever moves `next_ms` on makes the run, in one transaction: no moment starts two runs, with several nodes either.
//! - Moments that passed while no server ran start one run together, when one runs again.
//! - A moment at which a run of the table is at work starts none; the settings say so.

use std::time::Duration;

use catalog::task_settings::{self, Stored};
use catalog::{CatalogError, Table, names, table};
use serde::{Deserialize, Serialize};
use store::cron::Cron;
use store::{Scope, Tx};

use super::error::StatisticsError;
use super::service::{NewTask, StatisticsTasks, begin, check_sample};
use super::{measure, task::Attempt};

/// Settings started at one time; the rest follows at once.
const AT_ONCE: usize = 100;

/// The settings of one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The table's database, lower case.
    pub database: String,
    /// The table, lower case.
    pub table: String,
    /// Kept and returned; nothing assumes it.
    pub role: String,
    /// The columns; all when empty.
    pub columns: Vec<String>,
    /// Percent of rows.
    pub sample_size: Option<f64>,
    /// `cron(…)`
    pub schedule: Option<String>,
    /// Whether the schedule starts runs.
    pub scheduled: bool,
    /// The newest run that the schedule was to start.
    pub last: Option<Attempt>,
}

/// What a request says about settings; absent members stay as they are.
#[derive(Debug, Clone, Default)]
pub struct SettingsChange {
    /// `Role`
    pub role: Option<String>,
    /// `ColumnNameList`
    pub columns: Option<Vec<String>>,
    /// `SampleSize`
    pub sample_size: Option<f64>,
    /// `Schedule`; an empty one takes it away.
    pub schedule: Option<String>,
}

impl Settings {
    fn apply(&mut self, change: SettingsChange, now_ms: i64) -> Result<(), StatisticsError> {
        if let Some(role) = change.role {
            self.role = role;
        }
        if let Some(columns) = change.columns {
            self.columns = columns.iter().map(|name| names::fold(name)).collect();
        }
        if change.sample_size.is_some() {
            check_sample(change.sample_size)?;
            self.sample_size = change.sample_size;
        }
        if let Some(schedule) = change.schedule {
            let given = Some(schedule).filter(|text| !text.trim().is_empty());
            if let Some(text) = given.as_deref().filter(|_| given != self.schedule) {
                read(text, Cron::upcoming(text, now_ms))?;
            }
            self.scheduled = given.is_some();
            self.schedule = given;
        }
        Ok(())
    }

    fn next(&self, after_ms: i64) -> Result<Option<i64>, StatisticsError> {
        match self.schedule.as_deref().filter(|_| self.scheduled) {
            Some(schedule) => Ok(cron(schedule)?.next(after_ms)),
            None => Ok(None),
        }
    }

    fn task(&self) -> NewTask {
        NewTask {
            database: self.database.clone(),
            table: self.table.clone(),
            columns: self.columns.clone(),
            role: self.role.clone(),
            sample_size: self.sample_size,
        }
    }
}

/// An expression that is kept, whose moments may have passed.
fn cron(expression: &str) -> Result<Cron, StatisticsError> {
    read(expression, Cron::parse(expression))
}

fn read(expression: &str, cron: Result<Cron, String>) -> Result<Cron, StatisticsError> {
    cron.map_err(|why| {
        StatisticsError::invalid(format!("Schedule {expression:?} is not a valid cron expression: {why}"))
    })
}

impl StatisticsTasks {
    /// Makes the settings of a table. Errors: `SettingsExist`, those of the catalog, `Invalid`.
    pub async fn create_settings(
        &self,
        scope: &Scope,
        (database, name): (&str, &str),
        change: SettingsChange,
    ) -> Result<(), StatisticsError> {
        let mut tx = self.store().begin().await?;
        let entry = table::stored_entry(&mut tx, scope, database, name).await?;
        let mut settings = Settings {
            database: entry.database_name.clone(),
            table: entry.name.clone(),
            role: String::new(),
            columns: Vec::new(),
            sample_size: None,
            schedule: None,
            scheduled: false,
            last: None,
        };
        settings.apply(change, tx.now_ms())?;
        check_columns(&mut tx, scope, &settings).await?;
        if task_settings::find(&mut tx, &entry).await?.is_some() {
            return Err(StatisticsError::SettingsExist { table: place(&settings.database, &settings.table) });
        }
        self.save(tx, &entry, &settings).await
    }

    /// The settings of a table. Errors: `SettingsNotFound`, those of the catalog.
    pub async fn settings(
        &self,
        scope: &Scope,
        (database, name): (&str, &str),
    ) -> Result<Settings, StatisticsError> {
        let mut tx = self.store().read().await?;
        Ok(get(&mut tx, scope, database, name).await?.1)
    }

    /// Changes the members that are given. Errors: `SettingsNotFound`, those of the catalog, `Invalid`.
    pub async fn update_settings(
        &self,
        scope: &Scope,
        (database, name): (&str, &str),
        change: SettingsChange,
    ) -> Result<(), StatisticsError> {
        let mut tx = self.store().begin().await?;
        let (entry, mut settings) = get(&mut tx, scope, database, name).await?;
        settings.apply(change, tx.now_ms())?;
        check_columns(&mut tx, scope, &settings).await?;
        self.save(tx, &entry, &settings).await
    }

    /// Deletes the settings of a table; its statistics and runs stay. Errors: `SettingsNotFound`, those of the catalog.
    pub async fn delete_settings(
        &self,
        scope: &Scope,
        (database, name): (&str, &str),
    ) -> Result<(), StatisticsError> {
        let mut tx = self.store().begin().await?;
        let (entry, _) = get(&mut tx, scope, database, name).await?;
        task_settings::remove(&mut tx, &entry).await?;
        Ok(tx.commit().await?)
    }

    /// Lets the schedule start runs, or keeps it from that. Errors: `SettingsNotFound`, those of the catalog;
    /// `Invalid` when there is no schedule, it is so already, or it is to start what never fires again.
    pub async fn set_schedule(
        &self,
        scope: &Scope,
        (database, name): (&str, &str),
        scheduled: bool,
    ) -> Result<(), StatisticsError> {
        let mut tx = self.store().begin().await?;
        let (entry, mut settings) = get(&mut tx, scope, database, name).await?;
        if settings.schedule.is_none() || settings.scheduled == scheduled {
            let state = match (&settings.schedule, scheduled) {
                (None, _) => "has no schedule",
                (Some(_), true) => "has a schedule that is running already",
                (Some(_), false) => "has a schedule that is not running",
            };
            let table = place(&settings.database, &settings.table);
            return Err(StatisticsError::invalid(format!(
                "The column statistics task of table {table} {state}"
            )));
        }
        settings.scheduled = scheduled;
        if scheduled && settings.next(tx.now_ms())?.is_none() {
            let table = place(&settings.database, &settings.table);
            return Err(StatisticsError::invalid(format!(
                "The schedule of the column statistics task of table {table} never fires again"
            )));
        }
        self.save(tx, &entry, &settings).await
    }

    /// Keeps the settings and lets the loop look at the schedule.
    async fn save(&self, mut tx: Tx, entry: &Table, settings: &Settings) -> Result<(), StatisticsError> {
        let next = settings.next(tx.now_ms())?;
        put(&mut tx, entry, settings, next).await?;
        tx.commit().await?;
        self.inner.wake.notify_one();
        Ok(())
    }

    /// Starts the runs that are due; how many it started. The loop of [`StatisticsTasks::run`] calls it in time. A table whose run
    /// cannot be started holds up no other.
    /// Errors: the first of these, when all others have had their turn.
    pub async fn fire_due(&self) -> Result<usize, StatisticsError> {
        let mut tx = self.store().read().await?;
        let now_ms = tx.now_ms();
        let due = task_settings::due(&mut tx, now_ms, AT_ONCE).await?;
        drop(tx);
        let (mut started, mut failed) = (0, None);
        for one in due {
            match self.fire(&one.scope, &one.database, &one.table).await {
                Ok(fired) => started += usize::from(fired),
                Err(error) => {
                    let table = place(&one.database, &one.table);
                    tracing::error!(%error, table, "a scheduled run of column statistics could not be started");
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(started), Err)
    }

    async fn fire(&self, scope: &Scope, database: &str, name: &str) -> Result<bool, StatisticsError> {
        let mut tx = self.store().begin().await?;
        let now_ms = tx.now_ms();
        let entry = match table::stored_entry(&mut tx, scope, database, name).await {
            // It went meanwhile, and its settings with it.
            Err(CatalogError::TableNotFound { .. } | CatalogError::DatabaseNotFound { .. }) => {
                return Ok(false);
            }
            other => other?,
        };
        let Some((mut settings, due_ms)) = find(&mut tx, &entry).await? else {
            return Ok(false);
        };
        // Another node was faster.
        if due_ms.is_none_or(|due_ms| due_ms > now_ms) {
            return Ok(false);
        }
        let (id, error) = match begin(&mut tx, scope, settings.task()).await {
            Ok(id) => (Some(id), None),
            Err(
                error @ (StatisticsError::Running { .. }
                | StatisticsError::Invalid { .. }
                // A link to a table that is not there; a table of a schema version that is not, or has no columns.
                | StatisticsError::Catalog(CatalogError::TargetNotFound { .. } | CatalogError::Registry(_))),
            ) => (None, Some(error.to_string())),
            Err(error) => return Err(error),
        };
        let started = id.is_some();
        settings.last = Some(Attempt { run: id, at_ms: now_ms, error });
        let next = settings.next(now_ms)?;
        put(&mut tx, &entry, &settings, next).await?;
        tx.commit().await?;
        Ok(started)
    }

    /// How long the loop may sleep before a schedule is due.
    pub(super) async fn until_due(&self, most: Duration) -> Duration {
        let soonest = async {
            let mut tx = self.store().read().await?;
            let next = task_settings::next_due(&mut tx).await?;
            Ok::<_, StatisticsError>(next.map(|ms| (ms - tx.now_ms()).max(0)))
        };
        match soonest.await {
            Ok(Some(ms)) => most.min(Duration::from_millis(u64::try_from(ms).unwrap_or(0))),
            Ok(None) => most,
            Err(error) => {
                tracing::warn!(%error, "the schedules of statistics tasks could not be read");
                most
            }
        }
    }
}

fn place(database: &str, name: &str) -> String {
    format!("{database}.{name}")
}

async fn check_columns(tx: &mut Tx, scope: &Scope, settings: &Settings) -> Result<(), StatisticsError> {
    let found = table::get(tx, scope, &settings.database, &settings.table).await?;
    measure::chosen(&found, &settings.columns).map(|_| ()).map_err(StatisticsError::invalid)
}

/// The settings of a table, under the names that it has today, and when they are due.
async fn find(tx: &mut Tx, entry: &Table) -> Result<Option<(Settings, Option<i64>)>, StatisticsError> {
    let Some(Stored { doc, next_ms }) = task_settings::find(tx, entry).await? else {
        return Ok(None);
    };
    let mut settings: Settings = serde_json::from_str(&doc)
        .map_err(|source| StatisticsError::Corrupt { what: "statistics settings", source })?;
    settings.database.clone_from(&entry.database_name);
    settings.table.clone_from(&entry.name);
    Ok(Some((settings, next_ms)))
}

async fn get(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
) -> Result<(Table, Settings), StatisticsError> {
    let entry = table::stored_entry(tx, scope, database, name).await?;
    match find(tx, &entry).await? {
        Some((settings, _)) => Ok((entry, settings)),
        None => Err(StatisticsError::SettingsNotFound { table: place(&entry.database_name, &entry.name) }),
    }
}

async fn put(
    tx: &mut Tx,
    entry: &Table,
    settings: &Settings,
    next_ms: Option<i64>,
) -> Result<(), StatisticsError> {
    let doc = serde_json::to_string(settings)
        .map_err(|source| StatisticsError::Corrupt { what: "statistics settings", source })?;
    Ok(task_settings::put(tx, entry, Stored { doc, next_ms }).await?)
}
