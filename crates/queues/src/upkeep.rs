//! Removing the rows of messages that nobody can see any more: of queues that were deleted or purged, and past the
//! retention. Reads hide them at once; this frees their rows in batches small enough to share the store with requests.
//! A crash between batches loses nothing.

use std::time::Duration;

use store::{Store, Tx, params};
use tokio_util::sync::CancellationToken;

use crate::QueueError;
use crate::attributes::Settings;

/// Rows removed per transaction: a few milliseconds' work.
const ROWS: i64 = 2_000;
/// How long the loop rests once nothing is left.
const PAUSE: Duration = Duration::from_secs(300);
/// How long it rests after an error.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(10);

/// Removes some rows, in a transaction of its own; false when nothing is left. Errors: the store's.
pub async fn once(store: &Store) -> Result<bool, QueueError> {
    // Looking first spares the writers a turn when there is nothing to do, which is nearly always.
    let mut look = store.read().await?;
    let garbage = look.query_opt("SELECT queue_no FROM queues_garbage LIMIT 1", &[]).await?;
    let garbage: Option<i64> = garbage.map(|row| row.get(0)).transpose()?;
    let expired = match garbage {
        None => expired(&mut look).await?,
        Some(_) => None,
    };
    drop(look);
    let Some((queue, before_ms)) = garbage.map(|queue| (queue, i64::MAX)).or(expired) else {
        return Ok(false);
    };
    let mut tx = store.begin().await?;
    let removed = tx
        .execute(
            "DELETE FROM queues_messages WHERE message_no IN (SELECT message_no FROM queues_messages
               WHERE queue_no = $1 AND sent_ms <= $2 ORDER BY sent_ms LIMIT $3)",
            &params![queue, before_ms, ROWS],
        )
        .await?;
    if garbage.is_some() && removed < ROWS.unsigned_abs() {
        tx.execute("DELETE FROM queues_garbage WHERE queue_no = $1", &params![queue]).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// A queue with messages past its retention, and when they must have been sent.
async fn expired(tx: &mut Tx) -> Result<Option<(i64, i64)>, QueueError> {
    let now_ms = tx.now_ms();
    let oldest = tx
        .query(
            "SELECT q.queue_no, q.doc, (SELECT min(m.sent_ms) FROM queues_messages m
               WHERE m.queue_no = q.queue_no) FROM queues_queues q",
            &[],
        )
        .await?;
    for row in oldest {
        let Some(sent_ms) = row.get::<Option<i64>>(2)? else { continue };
        let settings: Settings = serde_json::from_str(&row.get::<String>(1)?)
            .map_err(|source| QueueError::Corrupt { what: "settings", source })?;
        let before_ms = now_ms - settings.retention_s * 1000;
        if sent_ms <= before_ms {
            return Ok(Some((row.get(0)?, before_ms)));
        }
    }
    Ok(None)
}

/// Removes for as long as the process lives: looks at `stop` between batches. Errors are logged and tried again.
pub async fn run(store: Store, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let pause = match once(&store).await {
            Ok(true) => continue,
            Ok(false) => PAUSE,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "removing messages failed; trying again"
                );
                PAUSE_AFTER_ERROR
            }
        };
        // Elapsed or stopped: the loop's condition tells.
        let _ = tokio::time::timeout(pause, stop.cancelled()).await;
    }
}
