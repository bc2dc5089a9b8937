//! Deleting the rows of events that nobody can see any more, and of metrics past their time.
//!
//! Reads hide events of deleted streams and events past their group's retention at once; this frees their rows
//! in batches small enough to share the store with requests. A crash between batches loses nothing.

use std::time::Duration;

use store::{Store, Tx, params};
use tokio_util::sync::CancellationToken;

use crate::{ObserveError, metrics};

const DAY_MS: i64 = 86_400_000;

/// Deletes up to `limit` (at least 1) rows of deleted streams and of expired events, and returns how many; less
/// than `limit` means that nothing is left. Call it in a transaction of its own until then.
///
/// # Errors
/// The store's.
pub async fn purge(tx: &mut Tx, limit: u32) -> Result<u64, ObserveError> {
    let mut left = u64::from(limit.max(1));
    let wanted = left;
    while left > 0 {
        let garbage = tx.query_opt("SELECT stream_no FROM observe_garbage LIMIT 1", &[]).await?;
        let Some(row) = garbage else { break };
        let stream: i64 = row.get(0)?;
        let deleted = delete_before(tx, stream, i64::MAX, left).await?;
        if deleted < left {
            tx.execute("DELETE FROM observe_garbage WHERE stream_no = $1", &params![stream]).await?;
        }
        left -= deleted;
    }
    if left > 0 {
        left -= expire(tx, left).await?;
    }
    Ok(wanted - left)
}

/// Deletes events past retention, up to `limit`.
async fn expire(tx: &mut Tx, limit: u64) -> Result<u64, ObserveError> {
    let groups = tx
        .query("SELECT group_no, retention_days FROM observe_groups WHERE retention_days IS NOT NULL", &[])
        .await?;
    let mut deleted = 0;
    for row in groups {
        let oldest_kept_ms = tx.now_ms() - row.get::<i64>(1)? * DAY_MS;
        let streams = tx
            .query(
                "SELECT stream_no FROM observe_streams WHERE group_no = $1 AND first_event_ms < $2",
                &params![row.get::<i64>(0)?, oldest_kept_ms],
            )
            .await?;
        for stream in streams {
            if deleted == limit {
                return Ok(deleted);
            }
            deleted += expire_stream(tx, stream.get(0)?, oldest_kept_ms, limit - deleted).await?;
        }
    }
    Ok(deleted)
}

async fn expire_stream(
    tx: &mut Tx,
    stream: i64,
    oldest_kept_ms: i64,
    limit: u64,
) -> Result<u64, ObserveError> {
    let deleted = delete_before(tx, stream, oldest_kept_ms, limit).await?;
    tx.execute(
        "UPDATE observe_streams SET
           first_event_ms = (SELECT min(e.ts_ms) FROM observe_events e WHERE e.stream_no = $1)
         WHERE stream_no = $1",
        &params![stream],
    )
    .await?;
    Ok(deleted)
}

/// Deletes a stream's events before `before_ms`, oldest first, up to `limit`.
async fn delete_before(tx: &mut Tx, stream: i64, before_ms: i64, limit: u64) -> Result<u64, ObserveError> {
    // The first event that stays because of the limit, if there is one.
    let bound = tx
        .query_opt(
            "SELECT ts_ms, seq FROM observe_events WHERE stream_no = $1 AND ts_ms < $2
             ORDER BY ts_ms, seq LIMIT 1 OFFSET $3",
            &params![stream, before_ms, i64::try_from(limit).unwrap_or(i64::MAX)],
        )
        .await?;
    let deleted = match bound {
        Some(row) => {
            tx.execute(
                "DELETE FROM observe_events WHERE stream_no = $1 AND (ts_ms, seq) < ($2, $3)",
                &params![stream, row.get::<i64>(0)?, row.get::<i64>(1)?],
            )
            .await?
        }
        None => {
            tx.execute(
                "DELETE FROM observe_events WHERE stream_no = $1 AND ts_ms < $2",
                &params![stream, before_ms],
            )
            .await?
        }
    };
    Ok(deleted)
}

/// Rows deleted per transaction: a few milliseconds' work.
const PURGE_ROWS: u32 = 2_000;
/// How long the loop rests once nothing is left.
const PAUSE: Duration = Duration::from_secs(600);
/// How long it rests after an error.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(10);

/// Purges for as long as the process lives: tests `stop` between batches. Errors are logged and tried again.
pub async fn run(store: Store, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let pause = match purge_once(&store).await {
            Ok(rows) if rows == u64::from(PURGE_ROWS) => continue,
            Ok(_) => PAUSE,
            Err(error) => {
                tracing::warn!(error = %error, "purging log events failed; trying again");
                PAUSE_AFTER_ERROR
            }
        };
        // Elapsed or stopped: the loop's condition tells.
        let _ = tokio::time::timeout(pause, stop.cancelled()).await;
    }
}

async fn purge_once(store: &Store) -> Result<u64, ObserveError> {
    // Looking first spares the writers a turn when there is nothing to do, which is nearly always.
    let mut look = store.read().await?;
    let expiring = "SELECT 1 FROM observe_groups WHERE retention_days IS NOT NULL LIMIT 1";
    let events = look.query_opt("SELECT 1 FROM observe_garbage LIMIT 1", &[]).await?.is_some()
        || look.query_opt(expiring, &[]).await?.is_some();
    let points = metrics::is_stale(&mut look).await?;
    drop(look);
    let mut rows = 0;
    if events {
        let mut tx = store.begin().await?;
        rows = purge(&mut tx, PURGE_ROWS).await?;
        tx.commit().await?;
    }
    if points {
        let mut tx = store.begin().await?;
        rows = rows.max(metrics::purge(&mut tx, PURGE_ROWS).await?);
        tx.commit().await?;
    }
    Ok(rows)
}
