//! The embedded back end: SQLite in WAL mode.
//!
//! One connection writes ([`writer`]), a pool of others reads snapshots. `synchronous=FULL` syncs the log at
//! every commit, and SQLite shows a commit to readers only after that sync, so a reader never sees what a power
//! cut could take back. A crash leaves the log; the next open replays its whole commits.

mod rows;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection as _, Row as _, SqlitePool};

use crate::migrate::{self, Dialect};
use crate::tx::Inner;
use crate::{Migrations, StoreError};

pub(crate) use rows::{execute, query};
pub(crate) use writer::Session;
use writer::Writer;

/// Reader connections: enough for the requests that wait on other things between two queries.
const MAX_READERS: u32 = 16;
/// Page cache of a reader (negative: KiB). Readers take turns, so each comes to hold the same pages, and all caches fill
/// up with the database: small ones hold the upper pages of the trees, the system's cache has the rest.
const READER_CACHE: &str = "-1024";
/// How long to wait for a connection or a turn before answering [`StoreError::Busy`].
const MAX_WAIT: Duration = Duration::from_secs(30);
/// Pages in the log that trigger a checkpoint (16 MiB): fewer syncs of the main file than the default 1,000.
const CHECKPOINT_PAGES: &str = "4000";
/// The log file is cut back to this size after a checkpoint.
const MAX_LOG_BYTES: &str = "67108864";

/// An open database.
pub(crate) struct Sqlite {
    writer: Writer,
    readers: SqlitePool,
}

impl Sqlite {
    pub(crate) async fn open(
        path: &Path,
        durable: bool,
        migrations: &[Migrations],
        now_ms: i64,
    ) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            tokio::fs::create_dir_all(folder).await.map_err(|source| StoreError::Directory {
                path: folder.display().to_string(),
                source: Arc::new(source),
            })?;
        }
        let options = options(path, durable);
        let connect = |error| StoreError::connect(error, 0);
        let mut connection = options.connect().await.map_err(connect)?;
        migrate::upgrade!(&mut connection, Dialect::Sqlite, "BEGIN IMMEDIATE", migrations, now_ms)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(MAX_READERS)
            .acquire_timeout(MAX_WAIT)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(options.clone().pragma("query_only", "ON").pragma("cache_size", READER_CACHE));
        Ok(Self { writer: Writer::new(connection, options), readers })
    }

    pub(crate) async fn begin(&self) -> Result<Inner, StoreError> {
        Ok(Inner::SqliteWrite(self.writer.begin().await?))
    }

    pub(crate) async fn read(&self) -> Result<Inner, StoreError> {
        let waited_ms = MAX_WAIT.as_secs() * 1_000;
        let tx = self.readers.begin().await.map_err(|error| StoreError::connect(error, waited_ms))?;
        Ok(Inner::SqliteRead(tx))
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn options(path: &Path, durable: bool) -> SqliteConnectOptions {
    let synchronous = if durable { SqliteSynchronous::Full } else { SqliteSynchronous::Off };
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .foreign_keys(true)
        .busy_timeout(MAX_WAIT)
        .statement_cache_capacity(512)
        .row_buffer_size(1_024)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("journal_size_limit", MAX_LOG_BYTES)
        .pragma("cache_size", "-32768")
        .pragma("temp_store", "MEMORY")
        .thread_name(|id| format!("store-{id}"))
        .disable_statement_logging()
}
