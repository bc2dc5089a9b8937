//! Settings of statistics tasks: what to measure of a table, and when.
//!
//! # Layout
//! A row of `query_statistics_settings` per table with settings: a JSON document, and the next moment at which it is due.
//!
//! # Invariants
//! - Whoever moves `next_ms` on makes the run, in one transaction: no moment starts two runs, with several nodes either.
//! - Moments that passed while no server ran start one run together, when one runs again.
//! - A moment at which a run of the table is at work starts none; the settings say so. Settings of a table that is gone go,
//!   too, when they are due.

use std::time::Duration;

use catalog::{CatalogError, names, table};
use serde::{Deserialize, Serialize};
use store::cron::Cron;
use store::{Row, Scope, Tx, params};

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
        let mut settings = Settings {
            database: names::fold(database),
            table: names::fold(name),
            role: String::new(),
            columns: Vec::new(),
            sample_size: None,
            schedule: None,
            scheduled: false,
            last: None,
        };
        settings.apply(change, tx.now_ms())?;
        check_columns(&mut tx, scope, &settings).await?;
        if find(&mut tx, scope, &settings.database, &settings.table).await?.is_some() {
            return Err(StatisticsError::SettingsExist { table: place(&settings.database, &settings.table) });
        }
        self.save(tx, scope, &settings).await
    }

    /// The settings of a table. Errors: `SettingsNotFound`.
    pub async fn settings(
        &self,
        scope: &Scope,
        (database, name): (&str, &str),
    ) -> Result<Settings, StatisticsError> {
        let mut tx = self.store().read().await?;
        get(&mut tx, scope, database, name).await
    }

    /// Changes the members that are given. Errors: `SettingsNotFound`, those of the catalog, `Invalid`.
    pub async fn update_settings(
        &self,
        scope: &Scope,
        (database, name): (&str, &str),
        change: SettingsChange,
    ) -> Result<(), StatisticsError> {
        let mut tx = self.store().begin().await?;
        let mut settings = get(&mut tx, scope, database, name).await?;
        settings.apply(change, tx.now_ms())?;
        check_columns(&mut tx, scope, &settings).await?;
        self.save(tx, scope, &settings).await
    }

    /// Deletes the settings of a table; its statistics and runs stay. Errors: `SettingsNotFound`.
    pub async fn delete_settings(
        &self,
        scope: &Scope,
        (database, name): (&str, &str),
    ) -> Result<(), StatisticsError> {
        let mut tx = self.store().begin().await?;
        let settings = get(&mut tx, scope, database, name).await?;
        remove(&mut tx, scope, &settings).await?;
        Ok(tx.commit().await?)
    }

    /// Lets the schedule start runs, or keeps it from that. Errors: `SettingsNotFound`; `Invalid` when there is no schedule,
    /// it is so already, or it is to start what never fires again.
    pub async fn set_schedule(
        &self,
        scope: &Scope,
        (database, name): (&str, &str),
        scheduled: bool,
    ) -> Result<(), StatisticsError> {
        let mut tx = self.store().begin().await?;
        let mut settings = get(&mut tx, scope, database, name).await?;
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
        self.save(tx, scope, &settings).await
    }

    /// Keeps the settings and lets the loop look at the schedule.
    async fn save(&self, mut tx: Tx, scope: &Scope, settings: &Settings) -> Result<(), StatisticsError> {
        let next = settings.next(tx.now_ms())?;
        put(&mut tx, scope, settings, next).await?;
        tx.commit().await?;
        self.inner.wake.notify_one();
        Ok(())
    }

    /// Starts the runs that are due; how many it started. The loop of [`StatisticsTasks::run`] calls it in time.
    pub async fn fire_due(&self) -> Result<usize, StatisticsError> {
        let mut tx = self.store().read().await?;
        let rows = tx
            .query(
                "SELECT account, region, database_name, table_name FROM query_statistics_settings
                 WHERE next_ms <= $1 ORDER BY next_ms LIMIT $2",
                &params![tx.now_ms(), AT_ONCE as i64],
            )
            .await?;
        drop(tx);
        let mut started = 0;
        for row in rows {
            let scope = Scope { account: row.get(0)?, region: row.get(1)? };
            let (database, name): (String, String) = (row.get(2)?, row.get(3)?);
            started += usize::from(self.fire(&scope, &database, &name).await?);
        }
        Ok(started)
    }

    async fn fire(&self, scope: &Scope, database: &str, name: &str) -> Result<bool, StatisticsError> {
        let mut tx = self.store().begin().await?;
        let now_ms = tx.now_ms();
        let Some((mut settings, due_ms)) = find(&mut tx, scope, database, name).await? else {
            return Ok(false);
        };
        // Another node was faster.
        if due_ms.is_none_or(|due_ms| due_ms > now_ms) {
            return Ok(false);
        }
        let (id, error) = match begin(&mut tx, scope, settings.task()).await {
            Ok(id) => (Some(id), None),
            Err(StatisticsError::Catalog(
                CatalogError::TableNotFound { .. }
                | CatalogError::DatabaseNotFound { .. }
                | CatalogError::TargetNotFound { .. },
            )) => {
                remove(&mut tx, scope, &settings).await?;
                tx.commit().await?;
                return Ok(false);
            }
            Err(error @ (StatisticsError::Running { .. } | StatisticsError::Invalid { .. })) => {
                (None, Some(error.to_string()))
            }
            Err(error) => return Err(error),
        };
        let started = id.is_some();
        settings.last = Some(Attempt { run: id, at_ms: now_ms, error });
        let next = settings.next(now_ms)?;
        put(&mut tx, scope, &settings, next).await?;
        tx.commit().await?;
        Ok(started)
    }

    /// How long the loop may sleep before a schedule is due.
    pub(super) async fn until_due(&self, most: Duration) -> Duration {
        let soonest = async {
            let mut tx = self.store().read().await?;
            let row = tx
                .query_opt(
                    "SELECT next_ms FROM query_statistics_settings WHERE next_ms IS NOT NULL
                     ORDER BY next_ms LIMIT 1",
                    &[],
                )
                .await?;
            let next: Option<i64> = row.map(|row| row.get(0)).transpose()?;
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

fn decode(row: &Row) -> Result<(Settings, Option<i64>), StatisticsError> {
    let settings = serde_json::from_str(&row.get::<String>(0)?)
        .map_err(|source| StatisticsError::Corrupt { what: "statistics settings", source })?;
    Ok((settings, row.get(1)?))
}

async fn find(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
) -> Result<Option<(Settings, Option<i64>)>, StatisticsError> {
    let (database, name) = (names::fold(database), names::fold(name));
    let row = tx
        .query_opt(
            "SELECT doc, next_ms FROM query_statistics_settings
             WHERE account = $1 AND region = $2 AND database_name = $3 AND table_name = $4",
            &params![scope.account.as_str(), scope.region.as_str(), database, name],
        )
        .await?;
    row.as_ref().map(decode).transpose()
}

async fn get(tx: &mut Tx, scope: &Scope, database: &str, name: &str) -> Result<Settings, StatisticsError> {
    let found = find(tx, scope, database, name).await?;
    let missing = || StatisticsError::SettingsNotFound { table: place(database, name) };
    found.map(|(settings, _)| settings).ok_or_else(missing)
}

async fn put(
    tx: &mut Tx,
    scope: &Scope,
    settings: &Settings,
    next_ms: Option<i64>,
) -> Result<(), StatisticsError> {
    let doc = serde_json::to_string(settings)
        .map_err(|source| StatisticsError::Corrupt { what: "statistics settings", source })?;
    tx.execute(
        "INSERT INTO query_statistics_settings (account, region, database_name, table_name, next_ms, doc)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (account, region, database_name, table_name)
           DO UPDATE SET next_ms = excluded.next_ms, doc = excluded.doc",
        &params![
            scope.account.as_str(),
            scope.region.as_str(),
            settings.database.as_str(),
            settings.table.as_str(),
            next_ms,
            doc
        ],
    )
    .await?;
    Ok(())
}

async fn remove(tx: &mut Tx, scope: &Scope, settings: &Settings) -> Result<(), StatisticsError> {
    tx.execute(
        "DELETE FROM query_statistics_settings
         WHERE account = $1 AND region = $2 AND database_name = $3 AND table_name = $4",
        &params![
            scope.account.as_str(),
            scope.region.as_str(),
            settings.database.as_str(),
            settings.table.as_str()
        ],
    )
    .await?;
    Ok(())
}
