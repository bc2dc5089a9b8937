//! Adding rows to tables, so that they arrive once or not at all, whatever ends when.
//!
//! ```text
//! stage  ─► a table beside the target is made and filled ([`Database::stage`], [`Database::append`]), and committed:
//!           who asks for the target sees nothing of it
//! land   ─► one transaction over all tables of the database: the target is made if it is missing, the staged rows are put
//!           into it, and what says that they wait is taken away ([`Database::land`]); every constraint has spoken now
//! commit ─► [`Database::commit`]
//! ```
//!
//! What says that rows wait is the staging table itself on PostgreSQL, where tables come and go with transactions, and on
//! MySQL the one row of a table beside it ([`Landing::mark`]). So landing again what has landed does nothing
//! ([`Database::land`] says so), also while a transaction of somebody who is gone has not ended yet: it is waited for.
//!
//! What a crash leaves: before the commit of staging nothing (of MySQL: empty tables, also the target, when that was
//! missing); after it the staging table, until somebody lands it or calls [`Database::discard`]. A landing that was not
//! committed is taken back by the database.

mod direct;
mod lines;
mod statements;

use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Executor as _, Row as _};
use std::time::Duration;
use tokio::time::timeout;

pub use lines::{Cell, Lines};

use super::database::{Inner, reason};
use super::{Database, Engine};
use crate::SourceError;

/// How names of staging tables begin. Tables of such names are not listed ([`Database::tables`]).
pub const STAGING_PREFIX: &str = "_tenon_";

/// How long one statement that stages may take.
const MAX_STATEMENT: Duration = Duration::from_secs(600);
/// How long landing may take: all rows of a run are moved, and every index and constraint of the table is looked at.
const MAX_LANDING: Duration = Duration::from_secs(3_600);
/// PostgreSQL's word for a table that is not there.
const UNDEFINED_TABLE: &str = "42P01";

/// A column that rows are given for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landed {
    /// The name as the database has it.
    pub name: String,
    /// The type in the database's words.
    pub native_type: String,
}

/// Rows on their way into a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landing {
    /// The schema (of MySQL: the database) of both tables.
    pub schema: String,
    /// The table that gets the rows.
    pub table: String,
    /// The table that they wait in; its name is nobody else's.
    pub staging: String,
    /// The columns, in the order of the cells.
    pub columns: Vec<Landed>,
    /// Whether the table is missing, and made of these columns.
    pub creates: bool,
}

impl Landing {
    /// The table of MySQL whose one row says that rows wait.
    pub fn mark(&self) -> String {
        format!("{}m", self.staging)
    }
}

impl Database {
    /// Whether rows can be added to the table within a transaction; not to views of MySQL, to tables of its engines without
    /// transactions, and to tables that lie elsewhere. `true` when there is no such table.
    ///
    /// # Errors
    /// [`SourceError::Query`], [`SourceError::Timeout`].
    pub async fn takes_transactions(&mut self, schema: &str, table: &str) -> Result<bool, SourceError> {
        let Database { label, inner } = self;
        let asked = async {
            match inner {
                Inner::Postgres(connection) => {
                    let sql = "SELECT c.relkind IN ('r', 'p', 'v') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                               WHERE n.nspname = $1 AND c.relname = $2";
                    let query = sqlx::query_scalar::<_, bool>(sql).bind(schema).bind(table);
                    query.fetch_optional(connection).await
                }
                Inner::MySql(connection) => {
                    let sql = "SELECT CAST(COALESCE(MAX(e.transactions), 'NO') AS CHAR) FROM information_schema.tables t \
                               LEFT JOIN information_schema.engines e ON e.engine = t.engine \
                               WHERE t.table_schema = ? AND t.table_name = ? GROUP BY t.table_name";
                    let query = sqlx::query_scalar::<_, String>(sql).bind(schema).bind(table);
                    Ok(query.fetch_optional(connection).await?.map(|found| found == "YES"))
                }
            }
        };
        Ok(ended(label, MAX_STATEMENT, asked).await?.unwrap_or(true))
    }

    /// Makes the staging table, an old one of its name gone, and begins to fill it; of MySQL makes the target, too, if it
    /// is missing. Nothing of it lasts before [`Database::commit`] (of MySQL: no row).
    ///
    /// # Errors
    /// [`SourceError::Refused`], also when a table that was missing is there now; [`SourceError::Query`],
    /// [`SourceError::Timeout`].
    pub async fn stage(&mut self, landing: &Landing) -> Result<(), SourceError> {
        let engine = self.engine();
        for statement in statements::stage(engine, landing) {
            self.change(MAX_STATEMENT, statement).await?;
        }
        Ok(())
    }

    /// Adds rows to the staging table; `lines` is empty afterwards.
    ///
    /// # Errors
    /// As [`Database::stage`].
    pub async fn append(&mut self, landing: &Landing, lines: &mut Lines) -> Result<(), SourceError> {
        let Some(rows) = lines.take() else { return Ok(()) };
        let statement = statements::fill(self.engine(), landing);
        let Database { label, inner } = self;
        let filled = async {
            match inner {
                Inner::Postgres(connection) => {
                    let mut copy = connection.copy_in_raw(&statement).await?;
                    copy.send(rows.as_bytes()).await?;
                    copy.finish().await.map(|_| ())
                }
                Inner::MySql(connection) => {
                    let sql = AssertSqlSafe(statement + &rows);
                    connection.execute(sqlx::raw_sql(sql)).await.map(|_| ())
                }
            }
        };
        ended(label, MAX_STATEMENT, filled).await
    }

    /// Begins a transaction and moves what waits into its tables; `false` when it had landed before, and then there is no
    /// transaction. What lands together in a database is given together: either all of it waits, or none.
    ///
    /// # Errors
    /// As [`Database::stage`]; [`SourceError::Refused`] also when a table is not as it was when its rows were staged.
    pub async fn land(&mut self, landings: &[Landing]) -> Result<bool, SourceError> {
        let engine = self.engine();
        self.begin_landing().await?;
        for landing in landings {
            if !self.take_mark(landing).await? {
                self.change(MAX_STATEMENT, "ROLLBACK".to_owned()).await?;
                return Ok(false);
            }
            let (before, after) = statements::land(engine, landing);
            for statement in before {
                self.change(MAX_LANDING, statement).await?;
            }
            self.check_unchanged(landing).await?;
            for statement in after {
                self.change(MAX_LANDING, statement).await?;
            }
        }
        Ok(true)
    }

    /// Commits what was staged or landed. Errors leave open whether it is committed.
    ///
    /// # Errors
    /// [`SourceError::Query`], [`SourceError::Timeout`].
    pub async fn commit(&mut self) -> Result<(), SourceError> {
        self.change(MAX_LANDING, "COMMIT".to_owned()).await
    }

    /// Takes away staging tables, with their rows.
    ///
    /// # Errors
    /// As [`Database::stage`].
    pub async fn discard(&mut self, landing: &Landing) -> Result<(), SourceError> {
        for statement in statements::discard(self.engine(), landing) {
            self.change(MAX_STATEMENT, statement).await?;
        }
        Ok(())
    }

    /// Sets the session up so that a value is taken as it is or refused, and nobody is waited for without end.
    ///
    /// # Errors
    /// [`SourceError::Query`], [`SourceError::Timeout`].
    pub async fn begin_writing(&mut self) -> Result<(), SourceError> {
        for statement in statements::session(self.engine()) {
            self.change(MAX_STATEMENT, (*statement).to_owned()).await?;
        }
        Ok(())
    }

    /// The engine that is spoken to.
    pub fn engine(&self) -> Engine {
        match &self.inner {
            Inner::Postgres(_) => Engine::Postgres,
            Inner::MySql(_) => Engine::MySql,
        }
    }

    async fn begin_landing(&mut self) -> Result<(), SourceError> {
        self.change(MAX_STATEMENT, statements::BEGIN.to_owned()).await
    }

    /// Whether the rows wait. If so nobody else lands them until this transaction ends.
    async fn take_mark(&mut self, landing: &Landing) -> Result<bool, SourceError> {
        let statement = AssertSqlSafe(statements::take_mark(self.engine(), landing));
        let Database { label, inner } = self;
        let taken = async {
            match inner {
                Inner::Postgres(connection) => match connection.execute(sqlx::raw_sql(statement)).await {
                    Ok(_) => Ok(true),
                    Err(error) if is_code(&error, UNDEFINED_TABLE) => Ok(false),
                    Err(error) => Err(error),
                },
                Inner::MySql(connection) => {
                    let sql = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = ? AND table_name = ?";
                    let query = sqlx::query(sql).bind(&landing.schema).bind(landing.mark());
                    if query.fetch_one(&mut *connection).await?.try_get::<i64, _>(0)? == 0 {
                        return Ok(false);
                    }
                    Ok(connection.execute(sqlx::raw_sql(statement)).await?.rows_affected() > 0)
                }
            }
        };
        ended(label, MAX_STATEMENT, taken).await
    }

    /// Refuses a table that was changed since the types of its columns were looked at.
    async fn check_unchanged(&mut self, landing: &Landing) -> Result<(), SourceError> {
        if landing.creates {
            return Ok(());
        }
        let found = self.columns(&landing.schema, &landing.table).await?;
        for column in &landing.columns {
            let same =
                found.iter().any(|own| own.name == column.name && own.native_type == column.native_type);
            if !same {
                return Err(SourceError::Refused {
                    database: self.label.clone(),
                    reason: format!("column {} of {} is not as it was any more", column.name, landing.table),
                });
            }
        }
        Ok(())
    }

    async fn change(&mut self, limit: Duration, statement: String) -> Result<(), SourceError> {
        let Database { label, inner } = self;
        ended(label, limit, inner.run(statement)).await
    }
}

fn is_code(error: &sqlx::Error, code: &str) -> bool {
    matches!(error, sqlx::Error::Database(found) if found.code().as_deref() == Some(code))
}

/// Whether the change itself is what is wrong: its data, a constraint, its names or rights. Source: SQLSTATE classes.
fn is_refusal(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(found) = error else { return false };
    found.code().is_some_and(|code| ["22", "23", "42"].iter().any(|class| code.starts_with(class)))
}

async fn ended<T>(
    label: &str,
    limit: Duration,
    change: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, SourceError> {
    let database = label.to_owned();
    match timeout(limit, change).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) if is_refusal(&error) => {
            Err(SourceError::Refused { database, reason: reason(&error) })
        }
        Ok(Err(error)) => Err(SourceError::Query { database, reason: reason(&error) }),
        Err(_) => Err(SourceError::Timeout { database, seconds: limit.as_secs() }),
    }
}
