//! Removing the rows of deleted tables, a small batch per transaction.
//!
//! A deleted table is gone at once, because nothing leads to its incarnation any more; its rows
//! wait in `catalog_purge`. [`run`] is the background loop. A batch holds the writer for a few
//! milliseconds; between batches other writers have their turn. A crash loses nothing: the
//! incarnation stays listed until its last row is gone.

use std::time::Duration;

use store::{Store, Tx, params};
use tokio_util::sync::CancellationToken;

use crate::error::CatalogError;

/// Rows that one transaction removes.
pub const BATCH_ROWS: i64 = 1_000;
/// How long [`run`] waits when there was nothing to do.
const IDLE: Duration = Duration::from_secs(5);
/// The crash point after a batch was committed.
pub(crate) const CRASH_AFTER_BATCH: &str = "catalog.purge.after_batch";

/// Removes one batch; tells whether anything was left to do.
/// Errors: `Store`.
pub async fn batch(tx: &mut Tx) -> Result<bool, CatalogError> {
    let next = tx.query_opt("SELECT table_uid FROM catalog_purge ORDER BY table_uid LIMIT 1", &[]).await?;
    let Some(row) = next else {
        return Ok(false);
    };
    let table: i64 = row.get(0)?;
    let keyed = [
        ("catalog_partitions", "vkey"),
        ("catalog_table_versions", "version"),
        ("catalog_shapes", "hash"),
        ("catalog_value_kinds", "pos"),
        ("catalog_statistics", "vkey"),
        ("catalog_indexes", "name"),
        ("catalog_optimizers", "kind"),
        ("catalog_task_settings", "table_uid"),
    ];
    for (rows, key) in keyed {
        let sql = format!(
            "DELETE FROM {rows} WHERE table_uid = $1 AND {key} IN \
             (SELECT {key} FROM {rows} WHERE table_uid = $1 ORDER BY {key} LIMIT $2)"
        );
        if tx.execute(&sql, &params![table, BATCH_ROWS]).await? > 0 {
            return Ok(true);
        }
    }
    tx.execute("DELETE FROM catalog_purge WHERE table_uid = $1", &params![table]).await?;
    Ok(true)
}

/// Removes everything that waits; returns the number of batches.
/// Errors: `Store`. What was removed before stays removed.
pub async fn all(store: &Store) -> Result<u64, CatalogError> {
    let mut batches = 0;
    while step(store).await? {
        batches += 1;
    }
    Ok(batches)
}

async fn step(store: &Store) -> Result<bool, CatalogError> {
    let mut reader = store.read().await?;
    if reader.query_opt("SELECT 1 FROM catalog_purge LIMIT 1", &[]).await?.is_none() {
        return Ok(false);
    }
    drop(reader);
    let mut tx = store.begin().await?;
    let worked = batch(&mut tx).await?;
    tx.commit().await?;
    store::crash::point(CRASH_AFTER_BATCH);
    Ok(worked)
}

/// Removes what waits until `stop`; looks again every five seconds. An error is logged and tried
/// again.
pub async fn run(store: Store, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match step(&store).await {
            Ok(true) => {}
            Ok(false) => pause(&stop).await,
            Err(error) => {
                tracing::warn!(error = %error, cause = ?error, "purging deleted tables failed");
                pause(&stop).await;
            }
        }
    }
}

async fn pause(stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(IDLE) => {}
    }
}
