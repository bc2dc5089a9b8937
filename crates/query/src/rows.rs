//! Executions, work groups and client tokens in the metadata store.
//!
//! An execution is a JSON document with columns for what is searched. `holder` names the process that runs it, so
//! that a process that starts can tell which queries died with another one.

use store::{Migrations, Scope, Tx, params};

use crate::error::{QueryError, decode, encode};
use crate::execution::{Execution, State};
use crate::workgroup::WorkGroup;

/// The tables of this crate.
pub const MIGRATIONS: Migrations = Migrations {
    owner: "query",
    steps: &["CREATE TABLE query_executions (
  account {text} NOT NULL,
  region {text} NOT NULL,
  id {text} NOT NULL,
  work_group {text} NOT NULL,
  state {text} NOT NULL,
  holder {text},
  submitted_ms {int} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (account, region, id)
);
CREATE INDEX query_executions_by_time ON query_executions (account, region, work_group, submitted_ms, id);
CREATE INDEX query_executions_by_state ON query_executions (state, submitted_ms);
CREATE TABLE query_work_groups (
  account {text} NOT NULL,
  region {text} NOT NULL,
  name {text} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (account, region, name)
);
CREATE TABLE query_tokens (
  account {text} NOT NULL,
  region {text} NOT NULL,
  token {text} NOT NULL,
  request {text} NOT NULL,
  id {text} NOT NULL,
  PRIMARY KEY (account, region, token)
);
"],
};

pub(crate) async fn insert(tx: &mut Tx, scope: &Scope, execution: &Execution) -> Result<(), QueryError> {
    tx.execute(
        "INSERT INTO query_executions (account, region, id, work_group, state, submitted_ms, doc)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &params![
            scope.account.as_str(),
            scope.region.as_str(),
            execution.id.as_str(),
            execution.work_group.as_str(),
            execution.state.as_str(),
            execution.submitted_ms,
            encode("query execution", execution)?
        ],
    )
    .await?;
    Ok(())
}

/// Writes an execution over the state `from`; tells whether it was still in that state.
pub(crate) async fn replace(
    tx: &mut Tx,
    scope: &Scope,
    execution: &Execution,
    from: State,
    holder: Option<&str>,
) -> Result<bool, QueryError> {
    let changed = tx
        .execute(
            "UPDATE query_executions SET state = $5, holder = $6, doc = $7
             WHERE account = $1 AND region = $2 AND id = $3 AND state = $4",
            &params![
                scope.account.as_str(),
                scope.region.as_str(),
                execution.id.as_str(),
                from.as_str(),
                execution.state.as_str(),
                holder,
                encode("query execution", execution)?
            ],
        )
        .await?;
    Ok(changed == 1)
}

pub(crate) async fn get(tx: &mut Tx, scope: &Scope, id: &str) -> Result<Execution, QueryError> {
    let row = tx
        .query_opt(
            "SELECT doc FROM query_executions WHERE account = $1 AND region = $2 AND id = $3",
            &params![scope.account.as_str(), scope.region.as_str(), id],
        )
        .await?
        .ok_or_else(|| QueryError::ExecutionNotFound { id: id.to_owned() })?;
    decode("query execution", &row.get::<String>(0)?)
}

/// Ids of a work group's executions, the newest first, `after` a submission time and id.
pub(crate) async fn list(
    tx: &mut Tx,
    scope: &Scope,
    work_group: &str,
    after: Option<(i64, String)>,
    limit: usize,
) -> Result<Vec<(i64, String)>, QueryError> {
    let (before_ms, before_id) = after.unwrap_or((i64::MAX, String::new()));
    let rows = tx
        .query(
            "SELECT submitted_ms, id FROM query_executions
             WHERE account = $1 AND region = $2 AND work_group = $3
               AND (submitted_ms < $4 OR (submitted_ms = $4 AND id < $5))
             ORDER BY submitted_ms DESC, id DESC LIMIT $6",
            &params![
                scope.account.as_str(),
                scope.region.as_str(),
                work_group,
                before_ms,
                before_id,
                limit as i64
            ],
        )
        .await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// The oldest queued executions of all accounts.
pub(crate) async fn queued(tx: &mut Tx, limit: usize) -> Result<Vec<(Scope, Execution)>, QueryError> {
    let found = in_state(tx, State::Queued, limit).await?;
    Ok(found.into_iter().map(|(scope, execution, _)| (scope, execution)).collect())
}

/// An execution at work, and the process that runs it.
pub(crate) struct Running {
    pub(crate) scope: Scope,
    pub(crate) execution: Execution,
    pub(crate) holder: String,
}

/// The executions that are running, of all accounts and processes.
pub(crate) async fn running(tx: &mut Tx) -> Result<Vec<Running>, QueryError> {
    let found = in_state(tx, State::Running, 10_000).await?;
    Ok(found.into_iter().map(|(scope, execution, holder)| Running { scope, execution, holder }).collect())
}

async fn in_state(
    tx: &mut Tx,
    state: State,
    limit: usize,
) -> Result<Vec<(Scope, Execution, String)>, QueryError> {
    let rows = tx
        .query(
            "SELECT account, region, doc, holder FROM query_executions WHERE state = $1 \
             ORDER BY submitted_ms LIMIT $2",
            &params![state.as_str(), limit as i64],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let scope = Scope::new(row.get::<String>(0)?, row.get::<String>(1)?)
                .map_err(|error| QueryError::invalid(error.to_string()))?;
            let holder: Option<String> = row.get(3)?;
            Ok((scope, decode("query execution", &row.get::<String>(2)?)?, holder.unwrap_or_default()))
        })
        .collect()
}

/// Whether any execution of a work group is there.
pub(crate) async fn any_in(tx: &mut Tx, scope: &Scope, work_group: &str) -> Result<bool, QueryError> {
    Ok(!list(tx, scope, work_group, None, 1).await?.is_empty())
}

/// Forgets the executions of a work group.
pub(crate) async fn forget(tx: &mut Tx, scope: &Scope, work_group: &str) -> Result<(), QueryError> {
    tx.execute(
        "DELETE FROM query_executions WHERE account = $1 AND region = $2 AND work_group = $3",
        &params![scope.account.as_str(), scope.region.as_str(), work_group],
    )
    .await?;
    Ok(())
}

/// The request and the execution for which a client token was used.
pub(crate) async fn token(
    tx: &mut Tx,
    scope: &Scope,
    token: &str,
) -> Result<Option<(String, String)>, QueryError> {
    let row = tx
        .query_opt(
            "SELECT request, id FROM query_tokens WHERE account = $1 AND region = $2 AND token = $3",
            &params![scope.account.as_str(), scope.region.as_str(), token],
        )
        .await?;
    row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}

pub(crate) async fn insert_token(
    tx: &mut Tx,
    scope: &Scope,
    token: &str,
    request: &str,
    id: &str,
) -> Result<(), QueryError> {
    tx.execute(
        "INSERT INTO query_tokens (account, region, token, request, id) VALUES ($1, $2, $3, $4, $5)",
        &params![scope.account.as_str(), scope.region.as_str(), token, request, id],
    )
    .await?;
    Ok(())
}

pub(crate) async fn work_group(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
) -> Result<Option<WorkGroup>, QueryError> {
    let row = tx
        .query_opt(
            "SELECT doc FROM query_work_groups WHERE account = $1 AND region = $2 AND name = $3",
            &params![scope.account.as_str(), scope.region.as_str(), name],
        )
        .await?;
    row.map(|row| decode("work group", &row.get::<String>(0)?)).transpose()
}

pub(crate) async fn put_work_group(tx: &mut Tx, scope: &Scope, group: &WorkGroup) -> Result<(), QueryError> {
    tx.execute(
        "INSERT INTO query_work_groups (account, region, name, doc) VALUES ($1, $2, $3, $4)
         ON CONFLICT (account, region, name) DO UPDATE SET doc = excluded.doc",
        &params![
            scope.account.as_str(),
            scope.region.as_str(),
            group.name.as_str(),
            encode("work group", group)?
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn delete_work_group(tx: &mut Tx, scope: &Scope, name: &str) -> Result<(), QueryError> {
    tx.execute(
        "DELETE FROM query_work_groups WHERE account = $1 AND region = $2 AND name = $3",
        &params![scope.account.as_str(), scope.region.as_str(), name],
    )
    .await?;
    Ok(())
}

/// Work groups by name, `after` one of them.
pub(crate) async fn work_groups(
    tx: &mut Tx,
    scope: &Scope,
    after: &str,
    limit: usize,
) -> Result<Vec<WorkGroup>, QueryError> {
    let rows = tx
        .query(
            "SELECT doc FROM query_work_groups WHERE account = $1 AND region = $2 AND name > $3
             ORDER BY name LIMIT $4",
            &params![scope.account.as_str(), scope.region.as_str(), after, limit as i64],
        )
        .await?;
    rows.iter().map(|row| decode("work group", &row.get::<String>(0)?)).collect()
}
