//! What a run changed in the catalog, kept until the next run of the crawler that changes something, so that it can be
//! undone.
//!
//! # Layout
//! Rows of `crawler_changes`: entries of a run, numbered in the order in which they happened, each a [`Change`] as
//! compressed JSON. An entry is written by the transaction that makes the change, so the two never part.
//!
//! # Invariants
//! - Only the newest run that changed anything has entries.
//! - A table that a run removed is only set aside; forgetting its entry discards it.

use std::sync::atomic::{AtomicI64, Ordering};

use catalog::table::Aside;
use catalog::{PartitionInput, TableInput, table};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use store::{Scope, Tx, params};

use crate::error::{CrawlerError, pack, unpack};

/// One change. What came after is kept as a digest only: enough to see whether somebody has changed it since.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Change {
    /// A database was made.
    Database { name: String },
    /// A table was made.
    TableMade { database: String, table: String, after: String },
    /// A table's definition or parameters changed.
    TableChanged { database: String, before: Box<TableInput>, after: String },
    /// A table was removed.
    TableGone { aside: Box<Aside> },
    /// Partitions were made: values and digests.
    PartitionsMade { database: String, table: String, made: Vec<(Vec<String>, String)> },
    /// Partitions were replaced: what was before, and digests.
    PartitionsChanged { database: String, table: String, changed: Vec<(PartitionInput, String)> },
    /// Partitions were deleted.
    PartitionsGone { database: String, table: String, gone: Vec<PartitionInput> },
}

/// The kind of entry that must not be forgotten without discarding a table.
const GONE: &str = "table_gone";

impl Change {
    fn kind(&self) -> &'static str {
        match self {
            Self::TableGone { .. } => GONE,
            Self::Database { .. }
            | Self::TableMade { .. }
            | Self::TableChanged { .. }
            | Self::PartitionsMade { .. }
            | Self::PartitionsChanged { .. }
            | Self::PartitionsGone { .. } => "change",
        }
    }
}

/// A short digest of a definition.
pub(crate) fn digest<T: Serialize>(value: &T) -> Result<String, CrawlerError> {
    let text = crate::error::encode("definition", value)?;
    Ok(hex::encode(&Md5::digest(text.as_bytes())[..8]))
}

/// The journal of one run at work.
pub(crate) struct Journal {
    crawler: String,
    run: String,
    /// The number of the newest entry; 0 before the first.
    newest: AtomicI64,
}

impl Journal {
    /// Goes on after the entries that an earlier attempt of the run has written.
    pub(crate) async fn open(
        tx: &mut Tx,
        scope: &Scope,
        crawler: &str,
        run: &str,
    ) -> Result<Self, CrawlerError> {
        let row = tx
            .query_opt(
                "SELECT seq FROM crawler_changes WHERE account = $1 AND region = $2 AND crawler = $3 AND run = $4
                 ORDER BY seq DESC LIMIT 1",
                &params![scope.account.as_str(), scope.region.as_str(), crawler, run],
            )
            .await?;
        let newest = row.map(|row| row.get(0)).transpose()?.unwrap_or(0);
        Ok(Self { crawler: crawler.to_owned(), run: run.to_owned(), newest: AtomicI64::new(newest) })
    }

    /// Adds an entry in the transaction of its change. The first entry of a run takes the place of all of earlier runs.
    pub(crate) async fn add(&self, tx: &mut Tx, scope: &Scope, change: &Change) -> Result<(), CrawlerError> {
        let seq = self.newest.fetch_add(1, Ordering::Relaxed) + 1;
        forget(tx, scope, &self.crawler, Some(&self.run)).await?;
        tx.execute(
            "INSERT INTO crawler_changes (account, region, crawler, run, seq, kind, doc)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            &params![
                scope.account.as_str(),
                scope.region.as_str(),
                self.crawler.as_str(),
                self.run.as_str(),
                seq,
                change.kind(),
                pack("change", change)?
            ],
        )
        .await?;
        Ok(())
    }
}

/// Forgets the entries of all runs of a crawler but `keep`; tables that those removed are gone for good.
pub(crate) async fn forget(
    tx: &mut Tx,
    scope: &Scope,
    crawler: &str,
    keep: Option<&str>,
) -> Result<(), CrawlerError> {
    let keep = keep.unwrap_or_default();
    let place = params![scope.account.as_str(), scope.region.as_str(), crawler, keep, GONE];
    let rows = tx
        .query(
            "SELECT doc FROM crawler_changes
             WHERE account = $1 AND region = $2 AND crawler = $3 AND run <> $4 AND kind = $5",
            &place,
        )
        .await?;
    for row in rows {
        if let Change::TableGone { aside } = unpack("change", &row.get::<Vec<u8>>(0)?)? {
            table::discard(tx, &aside).await?;
        }
    }
    tx.execute(
        "DELETE FROM crawler_changes WHERE account = $1 AND region = $2 AND crawler = $3 AND run <> $4",
        &place[..4],
    )
    .await?;
    Ok(())
}

/// Drops the entries of an undone run; its tables are back, so nothing is discarded.
pub(crate) async fn clear(tx: &mut Tx, scope: &Scope, crawler: &str) -> Result<(), CrawlerError> {
    tx.execute(
        "DELETE FROM crawler_changes WHERE account = $1 AND region = $2 AND crawler = $3",
        &params![scope.account.as_str(), scope.region.as_str(), crawler],
    )
    .await?;
    Ok(())
}

/// The run that entries are of; `None` when there are none.
pub(crate) async fn newest(
    tx: &mut Tx,
    scope: &Scope,
    crawler: &str,
) -> Result<Option<String>, CrawlerError> {
    let row = tx
        .query_opt(
            "SELECT run FROM crawler_changes WHERE account = $1 AND region = $2 AND crawler = $3 LIMIT 1",
            &params![scope.account.as_str(), scope.region.as_str(), crawler],
        )
        .await?;
    Ok(row.map(|row| row.get(0)).transpose()?)
}

/// The newest entry of a run before number `before`, with its number.
pub(crate) async fn before(
    tx: &mut Tx,
    scope: &Scope,
    crawler: &str,
    run: &str,
    before: i64,
) -> Result<Option<(i64, Change)>, CrawlerError> {
    let row = tx
        .query_opt(
            "SELECT seq, doc FROM crawler_changes
             WHERE account = $1 AND region = $2 AND crawler = $3 AND run = $4 AND seq < $5
             ORDER BY seq DESC LIMIT 1",
            &params![scope.account.as_str(), scope.region.as_str(), crawler, run, before],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some((row.get(0)?, unpack("change", &row.get::<Vec<u8>>(1)?)?)))
}
