//! The handle that services hold.

use std::path::PathBuf;
use std::sync::Arc;

use crate::postgres::Postgres;
use crate::sqlite::Sqlite;
use crate::tx::Tx;
use crate::{Clock, Ids, Migrations, StoreError, migrate};

/// Where the store lives.
#[derive(Clone)]
pub enum Location {
    /// A database file, with its write-ahead log beside it. One process at a time.
    Sqlite {
        /// The file; it and its folder are created when missing.
        path: PathBuf,
        /// Whether commits are synced to disk. `false` only for data that may be lost.
        durable: bool,
    },
    /// A schema of a PostgreSQL database (14 or later); several processes may share it.
    Postgres {
        /// `postgres://user:password@host:port/database?…`. Never printed.
        url: String,
        /// A plain lower-case identifier; created when missing.
        schema: String,
    },
}

impl std::fmt::Debug for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite { path, durable } => {
                f.debug_struct("Sqlite").field("path", path).field("durable", durable).finish()
            }
            // The address holds a password.
            Self::Postgres { schema, .. } => {
                f.debug_struct("Postgres").field("schema", schema).finish_non_exhaustive()
            }
        }
    }
}

/// The transactional metadata store. Clones share connections.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

#[derive(Clone)]
enum Backend {
    Sqlite(Arc<Sqlite>),
    Postgres(Arc<Postgres>),
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match &self.backend {
            Backend::Sqlite(_) => "sqlite",
            Backend::Postgres(_) => "postgres",
        };
        f.debug_struct("Store").field("backend", &name).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens or creates the store and brings its tables up to date. Call within a Tokio runtime that
    /// outlives the store: commits are carried out by its tasks.
    ///
    /// # Errors
    /// [`StoreError::Connect`] or [`StoreError::Directory`] when it cannot be reached or made;
    /// [`StoreError::NewerSchema`] and [`StoreError::MigrationChanged`] when another version wrote it;
    /// [`StoreError::Migration`] when a step fails (the steps before it stay).
    pub async fn open(
        location: Location,
        migrations: &[Migrations],
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Result<Self, StoreError> {
        let mut all = vec![migrate::OWN];
        all.extend_from_slice(migrations);
        let now_ms = clock.now_ms();
        let backend = match location {
            Location::Sqlite { path, durable } => {
                Backend::Sqlite(Arc::new(Sqlite::open(&path, durable, &all, now_ms).await?))
            }
            Location::Postgres { url, schema } => {
                Backend::Postgres(Arc::new(Postgres::open(&url, &schema, &all, now_ms).await?))
            }
        };
        Ok(Self { backend, clock, ids })
    }

    /// Begins a read-write transaction.
    ///
    /// Writers take turns, so keep transactions short and never begin a second one while holding
    /// one: the inner `begin` would wait for the outer one until it gives up as [`StoreError::Busy`].
    ///
    /// # Errors
    /// [`StoreError::Busy`] when no turn came within 30 s; [`StoreError::Connect`]; [`StoreError::Closed`].
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let inner = match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.begin().await?,
            Backend::Postgres(postgres) => postgres.begin().await?,
        };
        Ok(Tx::new(inner, self.clock.now_ms(), Arc::clone(&self.ids)))
    }

    /// Begins a read-only transaction on one snapshot, which holds everything that was acknowledged before
    /// this call. Never waits for writers. Changes in it fail as [`StoreError::ReadOnly`].
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn read(&self) -> Result<Tx, StoreError> {
        let inner = match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.read().await?,
            Backend::Postgres(postgres) => postgres.read().await?,
        };
        Ok(Tx::new(inner, self.clock.now_ms(), Arc::clone(&self.ids)))
    }

    /// The clock that the store was opened with.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The source of ids that the store was opened with.
    pub fn ids(&self) -> &Arc<dyn Ids> {
        &self.ids
    }

    /// Waits for commits under way, then closes the connections. Later calls fail as
    /// [`StoreError::Closed`]. Correctness does not depend on it; it makes the next start faster.
    pub async fn close(&self) {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.close().await,
            Backend::Postgres(postgres) => postgres.close().await,
        }
    }
}
