//! The shared back end: a schema of a PostgreSQL database.
//!
//! Writers take turns, as on SQLite: within a process by a semaphore (so that those who wait hold no connection),
//! between processes by a lock on an empty table, taken before the transaction's snapshot and freed with its end. The
//! services check and then write in one transaction, which needs transactions that are as if alone. `SERIALIZABLE` would
//! promise the same and was tried: a dozen clients that put objects met so many false conflicts (it locks pages, and
//! small tables have few) that requests had to be refused, and a streamed body cannot be asked for again. Whoever
//! writes holds the one lock from before its snapshot until its end, and readers lock no rows: among ourselves there is
//! neither a serialization failure nor a deadlock, and nobody has to run a transaction again on that account. Writers that
//! are not ours may bring one about; it surfaces as [`StoreError::Conflict`]: not applied, retry after a backoff. Readers run
//! `READ ONLY` at `REPEATABLE READ`: one snapshot, no waiting.
//!
//! Parameters: PostgreSQL caches a statement with the types of its first use, so each statement text carries a
//! comment with the kinds of its parameters and every combination is its own statement. NULL is sent without
//! a type, and the server takes the one that it needs there.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgConnectOptions, PgPoolOptions, PgRow, PgTypeInfo};
use sqlx::query::Query;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection as _, Decode, Encode, PgConnection, PgPool, Row as _,
    Transaction, Type, TypeInfo, ValueRef,
};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::task::TaskTracker;

use crate::error::sqlstate;
use crate::migrate::{self, Dialect};
use crate::tx::{Inner, identifier, run_effects};
use crate::{Effect, Migrations, Row, StoreError, Value, crash};

const MAX_CONNECTIONS: u32 = 32;
const MAX_WAIT: Duration = Duration::from_secs(30);
/// How long a look at the server takes at most, after a wait in vain.
const MAX_LOOK: Duration = Duration::from_secs(2);
const WAITED_MS: u64 = MAX_WAIT.as_secs() * 1_000;
/// The advisory lock that upgrades take: two processes that start together must not both create a table.
const UPGRADE_LOCK: i64 = 0x7465_6e6f_6e00;

/// Begins a transaction once it is this process's turn; its snapshot is taken afterwards, by its first statement.
const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE; SET LOCAL lock_timeout = '30s'; \
     LOCK TABLE store_turns IN EXCLUSIVE MODE";

/// A step of an upgrade takes its turn among the writers of processes that are at work already: what it changes under
/// them would be a conflict or a deadlock otherwise.
const BEGIN_UPGRADE: &str = "BEGIN; SET LOCAL lock_timeout = '30s'; LOCK TABLE store_turns IN EXCLUSIVE MODE";

/// A pool of connections to one schema.
pub(crate) struct Postgres {
    pool: PgPool,
    turn: Arc<Semaphore>,
    commits: Commits,
}

/// Carries out commits (and beginnings) apart from their callers, who may go away while one is under way.
#[derive(Clone)]
pub(crate) struct Commits {
    tasks: TaskTracker,
    runtime: Handle,
}

impl Postgres {
    pub(crate) async fn open(
        url: &str,
        schema: &str,
        migrations: &[Migrations],
        now_ms: i64,
    ) -> Result<Self, StoreError> {
        identifier(schema)?;
        let connect = |error| StoreError::connect(error, 0);
        let options = PgConnectOptions::from_str(url)
            .map_err(connect)?
            .options([("search_path", schema)])
            .application_name("tenon")
            .statement_cache_capacity(512)
            .disable_statement_logging();
        let mut connection = options.connect().await.map_err(connect)?;
        upgrade(&mut connection, schema, migrations, now_ms).await?;
        let pool = PgPoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(MAX_WAIT)
            .connect_lazy_with(options);
        let commits = Commits { tasks: TaskTracker::new(), runtime: Handle::current() };
        Ok(Self { pool, turn: Arc::new(Semaphore::new(1)), commits })
    }

    pub(crate) async fn begin(&self) -> Result<Inner, StoreError> {
        let waited = tokio::time::timeout(MAX_WAIT, Arc::clone(&self.turn).acquire_owned()).await;
        let Ok(turn) = waited else {
            // Whoever has the turn may be waiting for a server that is gone.
            return Err(in_vain(&self.pool).await);
        };
        let turn = turn.map_err(|_| StoreError::Closed)?;
        let (tx, turn) = self.start(BEGIN_WRITE, turn).await?;
        Ok(Inner::PostgresWrite(tx, turn, self.commits.clone()))
    }

    pub(crate) async fn read(&self) -> Result<Inner, StoreError> {
        let (tx, ()) = self.start("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", ()).await?;
        Ok(Inner::PostgresRead(tx))
    }

    /// Begins apart from the caller, who may go away: a `BEGIN` that is abandoned half-way would leave a connection in
    /// the pool with a transaction (and the lock) that nobody ends. `held` is kept as long as that takes.
    async fn start<T: Send + 'static>(
        &self,
        sql: &'static str,
        held: T,
    ) -> Result<(Transaction<'static, sqlx::Postgres>, T), StoreError> {
        let (reply, answer) = oneshot::channel();
        let pool = self.pool.clone();
        let task = async move {
            let begun = match pool.begin_with(sql).await {
                Err(sqlx::Error::PoolTimedOut) => Err(in_vain(&pool).await),
                other => other.map_err(|error| StoreError::connect(error, WAITED_MS)),
            };
            // If nobody waits any more, it is rolled back here.
            drop(reply.send(begun.map(|tx| (tx, held))));
        };
        self.commits.tasks.spawn_on(task, &self.commits.runtime);
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    pub(crate) async fn close(&self) {
        self.commits.tasks.close();
        self.commits.tasks.wait().await;
        self.pool.close().await;
    }
}

/// Why there was no connection or no turn in all the time: the pool tries a server that is gone again and again, and then
/// says the same as when all of its connections are at work.
async fn in_vain(pool: &PgPool) -> StoreError {
    let looked = tokio::time::timeout(MAX_LOOK, pool.connect_options().connect()).await;
    match looked {
        Ok(Ok(connection)) => {
            // Its end is not waited for.
            drop(connection);
            StoreError::Busy { waited_ms: WAITED_MS }
        }
        Ok(Err(error)) => StoreError::connect(error, WAITED_MS),
        Err(_) => StoreError::connect(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()), WAITED_MS),
    }
}

impl Commits {
    /// Commits, runs the effects and answers; goes on when the caller stops waiting.
    pub(crate) async fn commit(
        &self,
        tx: Transaction<'static, sqlx::Postgres>,
        turn: OwnedSemaphorePermit,
        effects: Vec<Effect>,
    ) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        let task = async move {
            crash::point(crash::BEFORE_COMMIT);
            let result = tx.commit().await.map_err(commit_error);
            if result.is_ok() {
                crash::point(crash::AFTER_COMMIT);
                run_effects(effects);
            }
            drop(turn);
            // The caller may have gone away; its commit holds all the same.
            let _ = reply.send(result);
        };
        self.tasks.spawn_on(task, &self.runtime);
        answer.await.unwrap_or(Err(StoreError::CommitUnknown { source: None }))
    }
}

/// Sorts the error of a COMMIT: only a verdict of the server says that it did not happen.
fn commit_error(error: sqlx::Error) -> StoreError {
    let code = sqlstate(&error).unwrap_or_default();
    let source = Arc::new(error);
    match code.as_str() {
        // statement_completion_unknown
        "40003" => StoreError::CommitUnknown { source: Some(source) },
        code if code.starts_with("40") => StoreError::Conflict { source },
        // A deferred constraint.
        code if code.starts_with("23") => StoreError::CommitRefused { source },
        _ => StoreError::CommitUnknown { source: Some(source) },
    }
}

/// SQL NULL without a type.
struct Untyped;

impl Type<sqlx::Postgres> for Untyped {
    fn type_info() -> PgTypeInfo {
        // 0 asks the server to infer the type.
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, sqlx::Postgres> for Untyped {
    fn encode_by_ref(
        &self,
        _: &mut PgArgumentBuffer,
    ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
        Ok(sqlx::encode::IsNull::Yes)
    }
}

fn bound(sql: &str, params: &[Value]) -> Query<'static, sqlx::Postgres, PgArguments> {
    let mut text = String::with_capacity(sql.len() + params.len() + 6);
    text.push_str(sql);
    if !params.is_empty() {
        text.push_str(" /*");
        text.extend(params.iter().map(kind));
        text.push_str("*/");
    }
    let mut query = sqlx::query(AssertSqlSafe(text));
    for value in params {
        query = match value {
            Value::Null => query.bind(Untyped),
            Value::Int(int) => query.bind(*int),
            Value::Real(real) => query.bind(*real),
            Value::Text(text) => query.bind(text.clone()),
            Value::Bytes(bytes) => query.bind(bytes.clone()),
        };
    }
    query
}

fn kind(value: &Value) -> char {
    match value {
        Value::Null => 'n',
        Value::Int(_) => 'i',
        Value::Real(_) => 'r',
        Value::Text(_) => 't',
        Value::Bytes(_) => 'b',
    }
}

/// Runs a statement and returns the number of rows that it changed.
pub(crate) async fn execute(
    connection: &mut PgConnection,
    sql: &str,
    params: &[Value],
) -> Result<u64, StoreError> {
    let done = bound(sql, params).execute(connection).await.map_err(StoreError::statement)?;
    Ok(done.rows_affected())
}

/// Runs a query and returns all of its rows.
pub(crate) async fn query(
    connection: &mut PgConnection,
    sql: &str,
    params: &[Value],
) -> Result<Vec<Row>, StoreError> {
    let rows = bound(sql, params).fetch_all(connection).await.map_err(StoreError::statement)?;
    rows.iter().map(convert).collect()
}

fn convert(row: &PgRow) -> Result<Row, StoreError> {
    (0..row.len()).map(|index| column(row, index)).collect::<Result<_, _>>().map(Row::new)
}

fn column(row: &PgRow, index: usize) -> Result<Value, StoreError> {
    type P = sqlx::Postgres;
    let raw = row.try_get_raw(index).map_err(StoreError::statement)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let type_name = raw.type_info().name().to_owned();
    let value = match type_name.as_str() {
        "INT8" => <i64 as Decode<P>>::decode(raw).map(Value::Int),
        "INT4" => <i32 as Decode<P>>::decode(raw).map(|int| Value::Int(int.into())),
        "INT2" => <i16 as Decode<P>>::decode(raw).map(|int| Value::Int(int.into())),
        "BOOL" => <bool as Decode<P>>::decode(raw).map(|truth| Value::Int(truth.into())),
        "FLOAT8" => <f64 as Decode<P>>::decode(raw).map(Value::Real),
        "FLOAT4" => <f32 as Decode<P>>::decode(raw).map(|real| Value::Real(real.into())),
        "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "UNKNOWN" => {
            <String as Decode<P>>::decode(raw).map(Value::Text)
        }
        "BYTEA" => <Vec<u8> as Decode<P>>::decode(raw).map(Value::Bytes),
        "NUMERIC" => match raw.as_bytes().map(whole_number) {
            Ok(Some(int)) => Ok(Value::Int(int)),
            Ok(None) => return Err(StoreError::ColumnType { index, type_name }),
            Err(source) => Err(source),
        },
        _ => return Err(StoreError::ColumnType { index, type_name }),
    };
    value.map_err(|source| StoreError::statement(sqlx::Error::Decode(source)))
}

/// Reads a binary NUMERIC, which sums of integers are, when it is a whole number of 64 bits: counts of digits
/// (base 10,000), weight of the first, sign (0 or 0x4000) and scale as 16-bit numbers, then the digits.
fn whole_number(bytes: &[u8]) -> Option<i64> {
    let mut words = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let count = i32::from(words.next()?);
    let weight = i32::from(words.next()?.cast_signed());
    let sign = words.next()?;
    let _scale = words.next()?;
    let mut magnitude: i128 = 0;
    for position in 0..=weight.max(count - 1) {
        let digit = if position < count { i128::from(words.next()?) } else { 0 };
        if position <= weight {
            magnitude = magnitude.checked_mul(10_000)?.checked_add(digit)?;
        } else if digit != 0 {
            return None;
        }
    }
    match sign {
        0 => i64::try_from(magnitude).ok(),
        0x4000 => i64::try_from(-magnitude).ok(),
        _ => None,
    }
}

/// Brings the tables up to date, one process at a time.
async fn upgrade(
    connection: &mut PgConnection,
    schema: &str,
    migrations: &[Migrations],
    now_ms: i64,
) -> Result<(), StoreError> {
    run(connection, format!("SELECT pg_advisory_lock({UPGRADE_LOCK})")).await?;
    // Ending the session would free the lock as well; so an error needs no care here.
    run(connection, format!("CREATE SCHEMA IF NOT EXISTS {schema}")).await?;
    run(connection, format!("CREATE TABLE IF NOT EXISTS {schema}.store_turns ()")).await?;
    migrate::upgrade!(&mut *connection, Dialect::Postgres, BEGIN_UPGRADE, migrations, now_ms)?;
    run(connection, format!("SELECT pg_advisory_unlock({UPGRADE_LOCK})")).await
}

async fn run(connection: &mut PgConnection, sql: String) -> Result<(), StoreError> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map_err(StoreError::statement).map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// The pool tries a port at which nobody listens until its time is up, as it waits for a connection.
    #[tokio::test]
    async fn a_server_that_is_gone_is_not_taken_for_a_busy_one() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let url = format!("postgres://nobody@127.0.0.1:{port}/none");
        let pool =
            PgPoolOptions::new().acquire_timeout(Duration::from_millis(100)).connect_lazy(&url).unwrap();
        let commits = Commits { tasks: TaskTracker::new(), runtime: Handle::current() };
        let store = Postgres { pool, turn: Arc::new(Semaphore::new(1)), commits };
        for error in [store.read().await.err(), store.begin().await.err()] {
            assert!(matches!(error, Some(StoreError::Connect { .. })), "{error:?}");
        }
    }
}
