//! Reading rows: one after the other, on one snapshot, never more of them in memory than the caller takes.
//!
//! A reading is a transaction that only reads. PostgreSQL can show several of them one snapshot ([`Database::share`],
//! [`Database::begin_reading`]), so that the parts of a table read beside each other belong together; MySQL cannot, and
//! one reading there is one part.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use sqlx::{AssertSqlSafe, ColumnIndex, Decode, Executor as _, Row};
use tokio::time::timeout;

use super::database::{Inner, reason};
use super::{Database, Engine, Select};
use crate::SourceError;

/// How long the next row may take: a view may have to be computed first.
const MAX_WAIT: Duration = Duration::from_secs(600);
/// How long beginning a reading may take.
const MAX_BEGIN: Duration = Duration::from_secs(60);

/// A row: a text per column, or null.
pub type Texts = Vec<Option<String>>;

/// A snapshot that readings share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot(String);

impl Database {
    /// Begins a transaction that only reads, on one snapshot: the given one, or what is there now.
    ///
    /// # Errors
    /// [`SourceError::Query`], also when the snapshot is gone; [`SourceError::Timeout`].
    pub async fn begin_reading(&mut self, snapshot: Option<&Snapshot>) -> Result<(), SourceError> {
        let statements = match &self.inner {
            Inner::Postgres(_) => {
                let mut statements = vec![
                    "SET TIME ZONE 'UTC'".to_owned(),
                    "SET datestyle = 'ISO'".to_owned(),
                    "SET extra_float_digits = 1".to_owned(),
                    "SET standard_conforming_strings = on".to_owned(),
                    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned(),
                ];
                statements.extend(snapshot.map(|Snapshot(id)| format!("SET TRANSACTION SNAPSHOT '{id}'")));
                statements
            }
            Inner::MySql(_) => [
                "SET time_zone = '+00:00'",
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            ]
            .map(str::to_owned)
            .to_vec(),
        };
        for statement in statements {
            self.run(statement).await?;
        }
        Ok(())
    }

    /// The snapshot of the reading at hand, for others to begin on while this one lasts; `None` where the engine cannot.
    ///
    /// # Errors
    /// As [`Database::begin_reading`].
    pub async fn share(&mut self) -> Result<Option<Snapshot>, SourceError> {
        let Database { label, inner } = self;
        let Inner::Postgres(connection) = inner else { return Ok(None) };
        let asked = async {
            let row = connection.fetch_one("SELECT pg_export_snapshot()").await?;
            row.try_get::<String, _>(0)
        };
        let id = answered(label, asked).await?;
        // It goes into a statement as it is.
        let fits = id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        Ok(fits.then_some(Snapshot(id)))
    }

    pub(super) async fn run(&mut self, statement: String) -> Result<(), SourceError> {
        let Database { label, inner } = self;
        answered(label, inner.run(statement)).await
    }

    /// The rows of a statement, as they come.
    ///
    /// # Errors
    /// [`SourceError::Query`]; [`SourceError::Timeout`] when the next row takes more than ten minutes.
    pub fn rows<'d>(&'d mut self, select: &Select) -> BoxStream<'d, Result<Texts, SourceError>> {
        let width = select.columns.len();
        let Database { label, inner } = self;
        let label: &'d str = label;
        let rows: BoxStream<'d, Result<Texts, sqlx::Error>> = match inner {
            Inner::Postgres(connection) => {
                let sql = AssertSqlSafe(select.sql(Engine::Postgres));
                sqlx::query(sql).fetch(connection).map(move |row| texts(width, &row?)).boxed()
            }
            Inner::MySql(connection) => {
                let sql = AssertSqlSafe(select.sql(Engine::MySql));
                sqlx::query(sql).fetch(connection).map(move |row| texts(width, &row?)).boxed()
            }
        };
        let next = move |rows: Option<BoxStream<'d, _>>| async move {
            let mut rows = rows?;
            match timeout(MAX_WAIT, rows.next()).await {
                Ok(None) => None,
                Ok(Some(Ok(row))) => Some((Ok(row), Some(rows))),
                Ok(Some(Err(error))) => Some((Err(failed(label, &error)), None)),
                Err(_) => Some((Err(late(label, MAX_WAIT)), None)),
            }
        };
        futures::stream::unfold(Some(rows), next).boxed()
    }
}

/// The first columns of a row.
fn texts<R>(width: usize, row: &R) -> Result<Texts, sqlx::Error>
where
    R: Row,
    usize: ColumnIndex<R>,
    for<'r> String: Decode<'r, R::Database>,
{
    (0..width).map(|at| row.try_get_unchecked::<Option<String>, _>(at)).collect()
}

fn failed(label: &str, error: &sqlx::Error) -> SourceError {
    SourceError::Query { database: label.to_owned(), reason: reason(error) }
}

fn late(label: &str, limit: Duration) -> SourceError {
    SourceError::Timeout { database: label.to_owned(), seconds: limit.as_secs() }
}

/// The answer to a statement at the beginning of a reading.
pub(super) async fn answered<T>(
    label: &str,
    asked: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, SourceError> {
    match timeout(MAX_BEGIN, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(failed(label, &error)),
        Err(_) => Err(late(label, MAX_BEGIN)),
    }
}
