//! The tables: a JSON document a row, with columns for what is searched.

use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Migrations, Row, Scope, Tx, params};

use super::documents::{Session, Statement};
use super::error::SessionError;

/// The tables of this module.
pub const SESSION_MIGRATIONS: Migrations = Migrations {
    owner: "jobs_sessions",
    steps: &["CREATE TABLE jobs_sessions (
  account {text} NOT NULL,
  region {text} NOT NULL,
  id {text} NOT NULL,
  uid {text} NOT NULL,
  active {int} NOT NULL,
  created_ms {int} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (account, region, id)
);
CREATE UNIQUE INDEX jobs_sessions_by_uid ON jobs_sessions (uid);
CREATE INDEX jobs_sessions_active ON jobs_sessions (active, created_ms);
CREATE TABLE jobs_sessions_statements (
  session {text} NOT NULL,
  id {int} NOT NULL,
  open {int} NOT NULL,
  doc {text} NOT NULL,
  PRIMARY KEY (session, id)
);
CREATE INDEX jobs_sessions_statements_open ON jobs_sessions_statements (session, open, id);
"],
};

const SESSION: &str = "session";
const STATEMENT: &str = "statement";
const COLUMNS: &str = "account, region, id, uid, created_ms, doc";

fn decode<T: DeserializeOwned>(what: &'static str, row: &Row, at: usize) -> Result<T, SessionError> {
    serde_json::from_str(&row.get::<String>(at)?).map_err(|source| SessionError::Damaged { what, source })
}

fn encode<T: Serialize>(what: &'static str, document: &T) -> Result<String, SessionError> {
    serde_json::to_string(document).map_err(|source| SessionError::Damaged { what, source })
}

fn session(row: &Row) -> Result<Session, SessionError> {
    let scope = Scope { account: row.get(0)?, region: row.get(1)? };
    let (id, uid, created_ms) = (row.get(2)?, row.get(3)?, row.get(4)?);
    Ok(Session { scope, id, uid, created_ms, details: decode(SESSION, row, 5)? })
}

pub(super) async fn insert(tx: &mut Tx, session: &Session) -> Result<(), SessionError> {
    tx.execute(
        "INSERT INTO jobs_sessions (account, region, id, uid, active, created_ms, doc)
         VALUES ($1, $2, $3, $4, 1, $5, $6)",
        &params![
            session.scope.account.as_str(),
            session.scope.region.as_str(),
            session.id.as_str(),
            session.uid.as_str(),
            session.created_ms,
            encode(SESSION, &session.details)?
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn replace(tx: &mut Tx, session: &Session) -> Result<(), SessionError> {
    tx.execute(
        "UPDATE jobs_sessions SET active = $2, doc = $3 WHERE uid = $1",
        &params![
            session.uid.as_str(),
            i64::from(!session.details.state.is_final()),
            encode(SESSION, &session.details)?
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn find(tx: &mut Tx, scope: &Scope, id: &str) -> Result<Option<Session>, SessionError> {
    let row = tx
        .query_opt(
            &format!("SELECT {COLUMNS} FROM jobs_sessions WHERE account = $1 AND region = $2 AND id = $3"),
            &params![scope.account.as_str(), scope.region.as_str(), id],
        )
        .await?;
    row.as_ref().map(session).transpose()
}

pub(super) async fn by_uid(tx: &mut Tx, uid: &str) -> Result<Option<Session>, SessionError> {
    let sql = format!("SELECT {COLUMNS} FROM jobs_sessions WHERE uid = $1");
    let row = tx.query_opt(&sql, &params![uid]).await?;
    row.as_ref().map(session).transpose()
}

/// Sessions behind an id, in the order of their ids.
pub(super) async fn after(
    tx: &mut Tx,
    scope: &Scope,
    id: &str,
    limit: usize,
) -> Result<Vec<Session>, SessionError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM jobs_sessions WHERE account = $1 AND region = $2 AND id > $3
                 ORDER BY id LIMIT $4"
            ),
            &params![scope.account.as_str(), scope.region.as_str(), id, limit as i64],
        )
        .await?;
    rows.iter().map(session).collect()
}

/// Sessions that have not ended, of all accounts, the oldest first.
pub(super) async fn active(tx: &mut Tx, limit: usize) -> Result<Vec<Session>, SessionError> {
    let rows = tx
        .query(
            &format!("SELECT {COLUMNS} FROM jobs_sessions WHERE active = 1 ORDER BY created_ms LIMIT $1"),
            &params![limit as i64],
        )
        .await?;
    rows.iter().map(session).collect()
}

/// How many sessions have not ended, of all accounts.
pub(super) async fn count_active(tx: &mut Tx) -> Result<usize, SessionError> {
    let row = tx.query_opt("SELECT count(*) FROM jobs_sessions WHERE active = 1", &params![]).await?;
    let count: i64 = row.map_or(Ok(0), |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// Deletes a session and its statements.
pub(super) async fn delete(tx: &mut Tx, uid: &str) -> Result<(), SessionError> {
    tx.execute("DELETE FROM jobs_sessions_statements WHERE session = $1", &params![uid]).await?;
    tx.execute("DELETE FROM jobs_sessions WHERE uid = $1", &params![uid]).await?;
    Ok(())
}

/// Writes a statement, in the place of one of its number.
pub(super) async fn put(tx: &mut Tx, uid: &str, statement: &Statement) -> Result<(), SessionError> {
    tx.execute(
        "INSERT INTO jobs_sessions_statements (session, id, open, doc) VALUES ($1, $2, $3, $4)
         ON CONFLICT (session, id) DO UPDATE SET open = excluded.open, doc = excluded.doc",
        &params![uid, statement.id, i64::from(!statement.state.is_final()), encode(STATEMENT, statement)?],
    )
    .await?;
    Ok(())
}

pub(super) async fn statement(tx: &mut Tx, uid: &str, id: i64) -> Result<Option<Statement>, SessionError> {
    let sql = "SELECT doc FROM jobs_sessions_statements WHERE session = $1 AND id = $2";
    let row = tx.query_opt(sql, &params![uid, id]).await?;
    row.map(|row| decode(STATEMENT, &row, 0)).transpose()
}

/// Statements behind a number, in order.
pub(super) async fn statements(
    tx: &mut Tx,
    uid: &str,
    after: i64,
    limit: usize,
) -> Result<Vec<Statement>, SessionError> {
    let sql = "SELECT doc FROM jobs_sessions_statements WHERE session = $1 AND id > $2 ORDER BY id LIMIT $3";
    let rows = tx.query(sql, &params![uid, after, limit as i64]).await?;
    rows.iter().map(|row| decode(STATEMENT, row, 0)).collect()
}

/// Statements that have not ended, in order.
pub(super) async fn open(tx: &mut Tx, uid: &str, limit: usize) -> Result<Vec<Statement>, SessionError> {
    let sql = "SELECT doc FROM jobs_sessions_statements WHERE session = $1 AND open = 1 ORDER BY id LIMIT $2";
    let rows = tx.query(sql, &params![uid, limit as i64]).await?;
    rows.iter().map(|row| decode(STATEMENT, row, 0)).collect()
}
