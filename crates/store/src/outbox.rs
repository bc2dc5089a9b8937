//! Effects that must not be lost: rows written in the transaction that causes them, delivered afterwards.
//!
//! Delivery is at least once, in the order of ids within a topic: a consumer takes messages, does the work, and
//! acknowledges them, best in the transaction that records the work. A crash in between delivers them again.
//! Two consumers of one topic would see the same messages, so a consumer holds a [lease](crate::lease).

use std::sync::Arc;

use crate::{StoreError, Tx, params};

/// A message that waits for delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Ascending within the store.
    pub id: i64,
    /// The name of the queue.
    pub topic: String,
    /// What was pushed.
    pub body: serde_json::Value,
    /// When it was pushed, in milliseconds since the epoch.
    pub created_ms: i64,
}

/// Adds a message to `topic` and returns its id.
///
/// # Errors
/// The store's.
pub async fn push(tx: &mut Tx, topic: &str, body: &serde_json::Value) -> Result<i64, StoreError> {
    let created_ms = tx.now_ms();
    let rows = tx
        .query(
            "INSERT INTO store_outbox (topic, body, created_ms) VALUES ($1, $2, $3) RETURNING id",
            &params![topic, body.to_string(), created_ms],
        )
        .await?;
    let row = rows.first().ok_or(StoreError::Column { index: 0, wanted: "int", found: "none" })?;
    row.get(0)
}

/// Returns up to `limit` messages of `topic`, oldest first; they stay until acknowledged.
///
/// # Errors
/// The store's.
pub async fn take(tx: &mut Tx, topic: &str, limit: u32) -> Result<Vec<Message>, StoreError> {
    let rows = tx
        .query(
            "SELECT id, body, created_ms FROM store_outbox WHERE topic = $1 ORDER BY id LIMIT $2",
            &params![topic, limit],
        )
        .await?;
    let mut messages = Vec::with_capacity(rows.len());
    for row in rows {
        let body = serde_json::from_str(&row.get::<String>(1)?)
            .map_err(|source| StoreError::Document { what: "outbox message", source: Arc::new(source) })?;
        messages.push(Message { id: row.get(0)?, topic: topic.to_owned(), body, created_ms: row.get(2)? });
    }
    Ok(messages)
}

/// Removes a delivered message; does nothing when it is gone already.
///
/// # Errors
/// The store's.
pub async fn ack(tx: &mut Tx, id: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM store_outbox WHERE id = $1", &params![id]).await?;
    Ok(())
}
