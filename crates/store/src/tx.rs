//! A transaction on either back end.

use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use sqlx::Transaction;
use tokio::sync::OwnedSemaphorePermit;

use crate::postgres;
use crate::sqlite::{self, Session};
use crate::{Ids, Row, StoreError, Value};

/// Something to do after a successful commit, in memory and without waiting (drop a cache entry, wake a loop).
/// What must not be lost in a crash is a row in the [`outbox`](crate::outbox) instead.
pub type Effect = Box<dyn FnOnce() + Send>;

/// Runs the effects of a transaction that is committed. A panic in one must take neither the others with it nor the
/// answer that somebody waits for: the commit holds.
pub(crate) fn run_effects(effects: Vec<Effect>) {
    for effect in effects {
        if std::panic::catch_unwind(AssertUnwindSafe(effect)).is_err() {
            tracing::error!("an effect of a committed transaction panicked");
        }
    }
}

/// A transaction. Dropping it without [`Tx::commit`] rolls it back; that holds at any await, too, as when a
/// client hangs up. After a statement failed, or its future was dropped half-way, every further call answers
/// [`StoreError::Failed`] on both back ends.
pub struct Tx {
    inner: Inner,
    state: State,
    effects: Vec<Effect>,
    now_ms: i64,
    ids: Arc<dyn Ids>,
}

/// The back end's part.
pub(crate) enum Inner {
    SqliteWrite(Session),
    SqliteRead(Transaction<'static, sqlx::Sqlite>),
    PostgresWrite(Transaction<'static, sqlx::Postgres>, OwnedSemaphorePermit, postgres::Commits),
    PostgresRead(Transaction<'static, sqlx::Postgres>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    /// A statement is under way, or was abandoned, or failed.
    Unsure,
}

/// Rows per statement of [`Tx::insert_many`]: enough to make the parsing cheap, few enough parameters for both
/// back ends (SQLite takes 32,766, PostgreSQL 65,535).
const INSERT_ROWS: usize = 256;
const MAX_PARAMETERS: usize = 30_000;

impl Tx {
    pub(crate) fn new(inner: Inner, now_ms: i64, ids: Arc<dyn Ids>) -> Self {
        Self { inner, state: State::Ready, effects: Vec::new(), now_ms, ids }
    }

    /// Runs a statement and returns the number of rows that it changed.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`], [`StoreError::Constraint`], [`StoreError::Conflict`],
    /// [`StoreError::Statement`], [`StoreError::Failed`].
    pub async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        check(params)?;
        self.start(true)?;
        let changed = match &mut self.inner {
            Inner::SqliteWrite(session) => sqlite::execute(session.connection()?, sql, params).await,
            Inner::PostgresWrite(tx, ..) => postgres::execute(tx, sql, params).await,
            Inner::SqliteRead(_) | Inner::PostgresRead(_) => Err(StoreError::ReadOnly),
        }?;
        self.state = State::Ready;
        Ok(changed)
    }

    /// Runs a query, or a change with `RETURNING`, and returns all of its rows; bound them in the SQL.
    ///
    /// # Errors
    /// As [`Tx::execute`]; [`StoreError::ColumnType`] for a type outside the portable SQL.
    pub async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        check(params)?;
        self.start(false)?;
        let rows = match &mut self.inner {
            Inner::SqliteWrite(session) => sqlite::query(session.connection()?, sql, params).await,
            Inner::SqliteRead(tx) => sqlite::query(tx, sql, params).await,
            Inner::PostgresWrite(tx, ..) | Inner::PostgresRead(tx) => postgres::query(tx, sql, params).await,
        }?;
        self.state = State::Ready;
        Ok(rows)
    }

    /// Runs a query and returns its first row, if any. All rows are read: write `LIMIT 1` where there are more.
    ///
    /// # Errors
    /// As [`Tx::query`].
    pub async fn query_opt(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Inserts rows in batches and returns how many. Nothing is inserted when a row has the wrong width; after
    /// any other error the transaction has failed.
    ///
    /// # Errors
    /// [`StoreError::Identifier`], [`StoreError::RowWidth`], and as [`Tx::execute`].
    pub async fn insert_many(
        &mut self,
        table: &str,
        columns: &[&str],
        rows: &[Vec<Value>],
    ) -> Result<u64, StoreError> {
        identifier(table)?;
        for column in columns {
            identifier(column)?;
        }
        for (index, row) in rows.iter().enumerate() {
            if row.len() != columns.len() || row.is_empty() {
                return Err(StoreError::RowWidth { row: index, wanted: columns.len(), found: row.len() });
            }
        }
        let per_statement = INSERT_ROWS.min(MAX_PARAMETERS / columns.len().max(1)).max(1);
        let mut inserted = 0;
        let mut full = String::new();
        for chunk in rows.chunks(per_statement) {
            let params: Vec<Value> = chunk.iter().flatten().cloned().collect();
            if chunk.len() == per_statement {
                if full.is_empty() {
                    full = insert_sql(table, columns, per_statement);
                }
                inserted += self.execute(&full, &params).await?;
            } else {
                inserted += self.execute(&insert_sql(table, columns, chunk.len()), &params).await?;
            }
        }
        Ok(inserted)
    }

    /// The clock's time when the transaction began, in milliseconds since the epoch.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Returns a new lower-case UUID (version 4).
    pub fn new_id(&self) -> String {
        self.ids.uuid()
    }

    /// Registers something to do once the transaction is committed and durable, in the order of registration,
    /// before [`Tx::commit`] returns. It runs even when the caller of `commit` went away; never after a
    /// rollback. After a commit of unknown result it does not run.
    pub fn on_commit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Commits: `Ok` means that the change is durable. The commit goes on when this future is dropped.
    ///
    /// # Errors
    /// Look at [`StoreError::outcome`]: [`StoreError::CommitUnknown`] may have happened; after
    /// [`StoreError::Conflict`], [`StoreError::CommitRefused`] and [`StoreError::Failed`] nothing changed.
    pub async fn commit(self) -> Result<(), StoreError> {
        if self.state != State::Ready {
            return Err(StoreError::Failed);
        }
        match self.inner {
            Inner::SqliteWrite(session) => session.commit(self.effects).await,
            Inner::PostgresWrite(tx, turn, commits) => commits.commit(tx, turn, self.effects).await,
            Inner::SqliteRead(_) | Inner::PostgresRead(_) => {
                run_effects(self.effects);
                Ok(())
            }
        }
    }

    /// Marks a statement as under way: if its future is dropped, the transaction stays unusable.
    fn start(&mut self, changes: bool) -> Result<(), StoreError> {
        if self.state != State::Ready {
            return Err(StoreError::Failed);
        }
        if changes && matches!(self.inner, Inner::SqliteRead(_) | Inner::PostgresRead(_)) {
            return Err(StoreError::ReadOnly);
        }
        self.state = State::Unsure;
        Ok(())
    }
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match &self.inner {
            Inner::SqliteWrite(_) => "sqlite write",
            Inner::SqliteRead(_) => "sqlite read",
            Inner::PostgresWrite(..) => "postgres write",
            Inner::PostgresRead(_) => "postgres read",
        };
        f.debug_struct("Tx").field("kind", &kind).field("now_ms", &self.now_ms).finish_non_exhaustive()
    }
}

/// Refuses values that one of the back ends cannot store, on both.
fn check(params: &[Value]) -> Result<(), StoreError> {
    for (index, value) in (1..).zip(params) {
        match value {
            Value::Text(text) if text.contains('\0') => return Err(StoreError::NulInText { index }),
            Value::Real(real) if real.is_nan() => return Err(StoreError::NotANumber { index }),
            _ => {}
        }
    }
    Ok(())
}

/// Accepts lower-case letters, digits and underscores, not starting with a digit; at most 63 bytes.
pub(crate) fn identifier(name: &str) -> Result<(), StoreError> {
    let starts_well = name.as_bytes().first().is_some_and(|b| b.is_ascii_lowercase() || *b == b'_');
    let all_well = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if starts_well && all_well && name.len() <= 63 {
        return Ok(());
    }
    Err(StoreError::Identifier { name: name.to_owned() })
}

fn insert_sql(table: &str, columns: &[&str], rows: usize) -> String {
    let mut sql = format!("INSERT INTO {table} ({}) VALUES ", columns.join(", "));
    let mut next = 1;
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns.len() {
            let separator = if column == 0 { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(sql, "{separator}${next}");
            next += 1;
        }
        sql.push(')');
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insert_statements_number_their_parameters() {
        assert_eq!(insert_sql("t", &["a", "b"], 2), "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)");
    }

    #[test]
    fn identifiers_cannot_carry_sql() {
        assert!(identifier("lake_objects2").is_ok());
        for name in ["", "A", "1a", "a b", "a;", "a\"", "a-b", &"a".repeat(64)] {
            assert!(identifier(name).is_err(), "{name}");
        }
    }
}
