//! Adding rows to a table in one transaction of the database, where nothing else is to happen with them or not at all.
//!
//! ```text
//! begin ─► statements of the caller ([`Database::begin_adding`]) ─► [`Database::open_table`] ─► [`Database::append`]
//!       ─► statements of the caller, and the commit ([`Database::end_adding`])
//! ```
//!
//! PostgreSQL has all of it in the transaction. On MySQL whatever makes, alters or drops a table commits what came before
//! it, also where the target is made because it is missing.
//!
//! What a crash leaves: nothing that was not committed, which the database takes back.

use super::super::database::Inner;
use super::super::{Database, Engine};
use super::{Landing, MAX_LANDING, MAX_STATEMENT, ended, statements};
use crate::SourceError;

/// Marks the place in a transaction from which the caller's statements run.
const MARK: &str = "SAVEPOINT tenon_actions";
const UNMARK: &str = "RELEASE SAVEPOINT tenon_actions";

impl Database {
    /// Begins the transaction and runs statements in it, separated by semicolons.
    ///
    /// # Errors
    /// [`SourceError::Refused`], also for statements that end the transaction of PostgreSQL; [`SourceError::Query`],
    /// [`SourceError::Timeout`].
    pub async fn begin_adding(&mut self, before: Option<&str>) -> Result<(), SourceError> {
        self.begin_writing().await?;
        self.change(MAX_STATEMENT, statements::BEGIN.to_owned()).await?;
        match before {
            Some(before) => {
                self.act(before).await?;
                // They may have changed how texts are read.
                self.begin_writing().await
            }
            None => Ok(()),
        }
    }

    /// The schema of this session's temporary table of that name, which goes before others where a name has no schema; of
    /// PostgreSQL alone, for MySQL does not tell.
    ///
    /// # Errors
    /// [`SourceError::Query`], [`SourceError::Timeout`].
    pub async fn temporary_schema(&mut self, table: &str) -> Result<Option<String>, SourceError> {
        let Database { label, inner } = self;
        let Inner::Postgres(connection) = inner else { return Ok(None) };
        let sql = "SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                   WHERE n.oid = pg_my_temp_schema() AND c.relname = $1";
        let query = sqlx::query_scalar::<_, String>(sql).bind(table);
        ended(label, MAX_STATEMENT, query.fetch_optional(connection)).await
    }

    /// Makes the table if it is missing, and sees that it stays as it is until the transaction ends. The rows that
    /// [`Database::append`] is given go straight into it: `landing.staging` is `landing.table`.
    ///
    /// # Errors
    /// As [`Database::begin_adding`]; [`SourceError::Refused`] also when the table is not as it was looked at.
    pub async fn open_table(&mut self, landing: &Landing) -> Result<(), SourceError> {
        let engine = self.engine();
        if landing.creates && engine == Engine::MySql {
            self.change(MAX_STATEMENT, statements::create(engine, landing, &landing.table)).await?;
            self.change(MAX_STATEMENT, statements::BEGIN.to_owned()).await?;
        }
        for statement in statements::land(engine, landing).0 {
            self.change(MAX_STATEMENT, statement).await?;
        }
        self.check_unchanged(landing).await
    }

    /// Runs statements, separated by semicolons, and commits. [`SourceError::Refused`] says that nothing was added.
    ///
    /// # Errors
    /// As [`Database::begin_adding`]. Errors of the commit other than `Refused` leave open whether the rows are there.
    pub async fn end_adding(&mut self, after: Option<&str>) -> Result<(), SourceError> {
        if let Some(after) = after {
            self.act(after).await?;
        }
        self.change(MAX_LANDING, "COMMIT".to_owned()).await
    }

    /// Runs statements of the caller. The transaction goes on afterwards; of MySQL a new one may begin.
    async fn act(&mut self, actions: &str) -> Result<(), SourceError> {
        self.change(MAX_STATEMENT, MARK.to_owned()).await?;
        self.change(MAX_LANDING, actions.to_owned()).await?;
        let gone = match self.change(MAX_STATEMENT, UNMARK.to_owned()).await {
            Ok(()) => return Ok(()),
            Err(gone) => gone,
        };
        match self.engine() {
            // Their statements about tables end transactions.
            Engine::MySql => self.change(MAX_STATEMENT, statements::BEGIN.to_owned()).await,
            Engine::Postgres => {
                let reason = format!(
                    "the statements have ended the transaction that they run in, and what came before may stay ({gone})"
                );
                Err(SourceError::Refused { database: self.label.clone(), reason })
            }
        }
    }
}
