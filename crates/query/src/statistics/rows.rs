//! Task runs in the metadata store: a JSON document each, with columns for what is searched.

use store::{Migrations, Row, Scope, Tx, params};

use super::error::StatisticsError;
use super::task::{Task, TaskState};

/// The tables of this module.
pub const STATISTICS_MIGRATIONS: Migrations = Migrations {
    owner: "query_statistics",
    steps: &[
        "CREATE TABLE query_statistics_runs (
  account {text} NOT NULL,
  region {text} NOT NULL,
  id {text} NOT NULL,
  database_name {text} NOT NULL,
  table_name {text} NOT NULL,
  state {text} NOT NULL,
  created_ms {int} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (account, region, id)
);
CREATE INDEX query_statistics_runs_by_time ON query_statistics_runs (account, region, created_ms, id);
CREATE INDEX query_statistics_runs_by_table
  ON query_statistics_runs (account, region, database_name, table_name, created_ms, id);
CREATE INDEX query_statistics_runs_by_state ON query_statistics_runs (state, created_ms);
",
        "CREATE TABLE query_statistics_settings (
  account {text} NOT NULL,
  region {text} NOT NULL,
  database_name {text} NOT NULL,
  table_name {text} NOT NULL,
  next_ms {int},
  doc {text} NOT NULL,
  PRIMARY KEY (account, region, database_name, table_name)
);
CREATE INDEX query_statistics_settings_next ON query_statistics_settings (next_ms);
",
        // Settings hang on their table, so that they are the catalog's (`catalog::task_settings`), whose steps come first.
        "INSERT INTO catalog_task_settings (table_uid, next_ms, doc)
  SELECT t.uid, s.next_ms, s.doc FROM query_statistics_settings s
  JOIN catalog_databases d ON d.account = s.account AND d.region = s.region AND d.name = s.database_name
  JOIN catalog_tables t ON t.database_uid = d.uid AND t.name = s.table_name;
DROP TABLE query_statistics_settings;
",
    ],
};

/// Where a list goes on: behind the run of this time and id.
pub(super) type Position<'a> = Option<(i64, &'a str)>;

fn decode(row: &Row, at: usize) -> Result<Task, StatisticsError> {
    serde_json::from_str(&row.get::<String>(at)?)
        .map_err(|source| StatisticsError::Corrupt { what: "statistics task run", source })
}

fn encode(task: &Task) -> Result<String, StatisticsError> {
    serde_json::to_string(task)
        .map_err(|source| StatisticsError::Corrupt { what: "statistics task run", source })
}

pub(super) async fn insert(tx: &mut Tx, scope: &Scope, task: &Task) -> Result<(), StatisticsError> {
    tx.execute(
        "INSERT INTO query_statistics_runs (account, region, id, database_name, table_name, state, created_ms, doc)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &params![
            scope.account.as_str(),
            scope.region.as_str(),
            task.id.as_str(),
            task.database.as_str(),
            task.table.as_str(),
            task.state.as_str(),
            task.created_ms,
            encode(task)?
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn replace(tx: &mut Tx, scope: &Scope, task: &Task) -> Result<(), StatisticsError> {
    tx.execute(
        "UPDATE query_statistics_runs SET state = $4, doc = $5 WHERE account = $1 AND region = $2 AND id = $3",
        &params![
            scope.account.as_str(),
            scope.region.as_str(),
            task.id.as_str(),
            task.state.as_str(),
            encode(task)?
        ],
    )
    .await?;
    Ok(())
}

/// The run of an id. Errors: `RunNotFound`.
pub(super) async fn get(tx: &mut Tx, scope: &Scope, id: &str) -> Result<Task, StatisticsError> {
    let row = tx
        .query_opt(
            "SELECT doc FROM query_statistics_runs WHERE account = $1 AND region = $2 AND id = $3",
            &params![scope.account.as_str(), scope.region.as_str(), id],
        )
        .await?;
    row.map_or_else(|| Err(StatisticsError::RunNotFound { id: id.to_owned() }), |row| decode(&row, 0))
}

/// Runs of a table, the newest first.
pub(super) async fn of_table(
    tx: &mut Tx,
    scope: &Scope,
    (database, table): (&str, &str),
    before: Position<'_>,
    limit: usize,
) -> Result<Vec<Task>, StatisticsError> {
    let (ms, id) = before.unwrap_or((i64::MAX, ""));
    let rows = tx
        .query(
            "SELECT doc FROM query_statistics_runs
             WHERE account = $1 AND region = $2 AND database_name = $3 AND table_name = $4
               AND (created_ms < $5 OR (created_ms = $5 AND id < $6))
             ORDER BY created_ms DESC, id DESC LIMIT $7",
            &params![scope.account.as_str(), scope.region.as_str(), database, table, ms, id, limit as i64],
        )
        .await?;
    rows.iter().map(|row| decode(row, 0)).collect()
}

/// Runs of an account, the newest first: time and id.
pub(super) async fn list(
    tx: &mut Tx,
    scope: &Scope,
    before: Position<'_>,
    limit: usize,
) -> Result<Vec<(i64, String)>, StatisticsError> {
    let (ms, id) = before.unwrap_or((i64::MAX, ""));
    let rows = tx
        .query(
            "SELECT created_ms, id FROM query_statistics_runs
             WHERE account = $1 AND region = $2 AND (created_ms < $3 OR (created_ms = $3 AND id < $4))
             ORDER BY created_ms DESC, id DESC LIMIT $5",
            &params![scope.account.as_str(), scope.region.as_str(), ms, id, limit as i64],
        )
        .await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// The run of a table that has not ended.
pub(super) async fn active(
    tx: &mut Tx,
    scope: &Scope,
    (database, table): (&str, &str),
) -> Result<Option<Task>, StatisticsError> {
    let row = tx
        .query_opt(
            "SELECT doc FROM query_statistics_runs
             WHERE account = $1 AND region = $2 AND database_name = $3 AND table_name = $4 AND state IN ($5, $6)
             LIMIT 1",
            &params![
                scope.account.as_str(),
                scope.region.as_str(),
                database,
                table,
                TaskState::Starting.as_str(),
                TaskState::Running.as_str()
            ],
        )
        .await?;
    row.map(|row| decode(&row, 0)).transpose()
}

/// Runs that have not ended, of all accounts, the oldest first.
pub(super) async fn unfinished(tx: &mut Tx, limit: usize) -> Result<Vec<(Scope, Task)>, StatisticsError> {
    let rows = tx
        .query(
            "SELECT account, region, doc FROM query_statistics_runs WHERE state IN ($1, $2)
             ORDER BY created_ms, id LIMIT $3",
            &params![TaskState::Starting.as_str(), TaskState::Running.as_str(), limit as i64],
        )
        .await?;
    let scoped = |row: &Row| Ok((Scope { account: row.get(0)?, region: row.get(1)? }, decode(row, 2)?));
    rows.iter().map(scoped).collect()
}
