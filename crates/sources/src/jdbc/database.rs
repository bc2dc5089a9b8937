//! An open database of either engine.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, MySqlConnection, PgConnection};
use tokio::time::timeout;

use super::{Column, Config, Engine, STAGING_PREFIX, mysql, postgres};
use crate::SourceError;
use crate::http::Reach;

/// How long a login may take.
const MAX_LOGIN: Duration = Duration::from_secs(15);
/// How long one listing may take.
const MAX_LISTING: Duration = Duration::from_secs(60);

/// What a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// A table that holds rows, also a partitioned or foreign one.
    Table,
    /// A view, also a materialised one.
    View,
}

/// An entry of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    /// The name as the database has it.
    pub name: String,
    /// What it is.
    pub kind: TableKind,
    /// The comment, if there is one.
    pub comment: Option<String>,
    /// Whether the user may read at least one of its columns.
    pub readable: bool,
}

/// A schema of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaName {
    /// The name as the database has it.
    pub name: String,
    /// Whether the user may look into it.
    pub usable: bool,
}

/// A database that somebody is logged in to. Dropping it closes the connection.
pub struct Database {
    pub(super) label: String,
    pub(super) inner: Inner,
}

pub(super) enum Inner {
    Postgres(PgConnection),
    MySql(MySqlConnection),
}

impl Inner {
    /// Runs one statement as it is, whatever it answers.
    pub(super) async fn run(&mut self, statement: String) -> Result<(), sqlx::Error> {
        let statement = sqlx::raw_sql(AssertSqlSafe(statement));
        match self {
            Self::Postgres(connection) => connection.execute(statement).await.map(|_| ()),
            Self::MySql(connection) => connection.execute(statement).await.map(|_| ()),
        }
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("label", &self.label).finish_non_exhaustive()
    }
}

/// Runs one listing on whichever engine, by a deadline.
macro_rules! listing {
    ($database:ident, $function:ident $(, $argument:expr)*) => {{
        let Database { label, inner } = $database;
        let listed = async {
            match inner {
                Inner::Postgres(connection) => postgres::$function(connection $(, $argument)*).await,
                Inner::MySql(connection) => mysql::$function(connection $(, $argument)*).await,
            }
        };
        match timeout(MAX_LISTING, listed).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => Err(SourceError::Query { database: label.clone(), reason: reason(&error) }),
            Err(_) => Err(SourceError::Timeout { database: label.clone(), seconds: MAX_LISTING.as_secs() }),
        }
    }};
}

impl Database {
    /// Logs in, within fifteen seconds. Databases are not at addresses that [`Reach`] refuses; on this machine they may
    /// be, because they ask who comes, not where from. (The driver resolves a name once more: what a name server answers
    /// differently then is not seen here.)
    ///
    /// # Errors
    /// [`SourceError::Connect`] when the server cannot be reached or refuses, [`SourceError::Timeout`].
    pub async fn open(config: &Config) -> Result<Database, SourceError> {
        let label = config.label();
        let login = async {
            Reach::guarded(true).admit(&config.host).await.map_err(|error| error.to_string())?;
            let inner = match config.engine {
                Engine::Postgres => postgres::login(config).await.map(Inner::Postgres),
                Engine::MySql => mysql::login(config).await.map(Inner::MySql),
            };
            inner.map_err(|error| reason(&error))
        };
        match timeout(MAX_LOGIN, login).await {
            Ok(Ok(inner)) => Ok(Database { label, inner }),
            Ok(Err(reason)) => Err(SourceError::Connect { database: label, reason }),
            Err(_) => Err(SourceError::Timeout { database: label, seconds: MAX_LOGIN.as_secs() }),
        }
    }

    /// The schemas by name, without those of the system. MySQL's schemas are its databases; it hides those that the user
    /// has no right to.
    ///
    /// # Errors
    /// [`SourceError::Query`], [`SourceError::Timeout`].
    pub async fn schemas(&mut self) -> Result<Vec<SchemaName>, SourceError> {
        listing!(self, schemas)
    }

    /// The tables and views of a schema by name, also those that the user may not read; MySQL hides those that the user
    /// has no right to. Partitions of PostgreSQL are part of their table and not listed, nor is what jobs have staged
    /// ([`STAGING_PREFIX`]). Empty when there is no such schema.
    ///
    /// # Errors
    /// As [`Database::schemas`].
    pub async fn tables(&mut self, schema: &str) -> Result<Vec<TableName>, SourceError> {
        let mut found: Vec<TableName> = listing!(self, tables, schema)?;
        found.retain(|table| !table.name.starts_with(STAGING_PREFIX));
        Ok(found)
    }

    /// The columns of a table in their order. Empty when there is no such table.
    ///
    /// # Errors
    /// As [`Database::schemas`].
    pub async fn columns(&mut self, schema: &str, table: &str) -> Result<Vec<Column>, SourceError> {
        listing!(self, columns, schema, table)
    }

    /// Whether the server still answers.
    ///
    /// # Errors
    /// As [`Database::schemas`].
    pub async fn ping(&mut self) -> Result<(), SourceError> {
        listing!(self, ping)
    }

    /// Says goodbye to the server. It does not matter when that fails.
    pub async fn close(self) {
        let goodbye = async {
            match self.inner {
                Inner::Postgres(connection) => connection.close().await.is_ok(),
                Inner::MySql(connection) => connection.close().await.is_ok(),
            }
        };
        // A server that does not take leave has no say: the connection is dropped either way.
        let _ = timeout(MAX_LOGIN, goodbye).await;
    }
}

/// The server's or system's words. Of our own configuration they never hold the password.
pub(super) fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(database) => database.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::Tls(error) => format!("TLS: {error}"),
        sqlx::Error::Protocol(text) => {
            format!("the server does not speak its protocol: {}", without_place(text))
        }
        other => without_place(&other.to_string()).to_owned(),
    }
}

/// The driver ends some of its messages with a place in its own source: ` (sqlx_postgres::message::response:21)`.
fn without_place(text: &str) -> &str {
    match text.rsplit_once(" (sqlx_") {
        Some((message, place)) if place.ends_with(')') => message,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_name_no_place_in_the_driver() {
        let protocol = |text: &str| reason(&sqlx::Error::Protocol(text.to_owned()));
        let odd = protocol("unexpected message: 'H' (sqlx_postgres::connection::stream:120)");
        assert_eq!(odd, "the server does not speak its protocol: unexpected message: 'H'");
        assert!(
            protocol("packets out of order (sqlx_mysql::connection::stream:9)").ends_with("out of order")
        );
        assert!(protocol("a value (of sorts)").ends_with("a value (of sorts)"));
    }
}
