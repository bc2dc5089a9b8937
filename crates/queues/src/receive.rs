//! Receiving messages, and what holders of their receipts may do.

use store::{Row, Scope, Tx, params};

use crate::attributes::{MAX_VISIBILITY_S, MAX_WAIT_S, Redrive};
use crate::content::Content;
use crate::handle::Handle;
use crate::queues::{self, Queue};
use crate::{MAX_BATCH, QueueError, Queues};

/// How to receive.
#[derive(Debug, Clone, Copy, Default)]
pub struct Receive {
    /// Most messages, 1..=10; 1 when absent.
    pub max: Option<i64>,
    /// How long they stay hidden, in seconds, 0..=43200; as the queue says when absent.
    pub visibility_s: Option<i64>,
    /// How long to wait for the first, in seconds, 0..=20; as the queue says when absent.
    pub wait_s: Option<i64>,
}

/// A message that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its id.
    pub id: String,
    /// Deletes it, and changes its visibility.
    pub handle: String,
    /// Its text.
    pub body: String,
    /// Attributes, sender and the like.
    pub content: Content,
    /// When it was sent, epoch milliseconds.
    pub sent_ms: i64,
    /// How often it has been received, this time included.
    pub receives: i64,
    /// When it was first received, epoch milliseconds.
    pub first_received_ms: i64,
    /// ARN of the queue that it came from as a dead letter.
    pub source: Option<String>,
}

impl Receive {
    /// Errors: `InvalidParameter` for what is out of range.
    pub(crate) fn check(&self) -> Result<(), QueueError> {
        if let Some(max) = self.max.filter(|max| !(1..=MAX_BATCH as i64).contains(max)) {
            return Err(QueueError::out_of(
                max,
                "MaxNumberOfMessages",
                "Must be between 1 and 10, if provided.",
            ));
        }
        if let Some(wait) = self.wait_s.filter(|wait| !(0..=MAX_WAIT_S).contains(wait)) {
            return Err(QueueError::out_of(wait, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided."));
        }
        self.visibility_s.map_or(Ok(()), check_visibility)
    }
}

fn check_visibility(seconds: i64) -> Result<(), QueueError> {
    if (0..=MAX_VISIBILITY_S).contains(&seconds) {
        return Ok(());
    }
    Err(QueueError::out_of(seconds, "VisibilityTimeout", "Must be between 0 and 43200, if provided."))
}

const COLUMNS: &str = "message_no, id, body, doc, sent_ms, receives, first_received_ms, source, visible_ms";

fn from_row(row: &Row, queue: &Queue, receipt: &str, now_ms: i64) -> Result<Received, QueueError> {
    let doc: String = row.get(3)?;
    let content =
        serde_json::from_str(&doc).map_err(|source| QueueError::Corrupt { what: "message", source })?;
    Ok(Received {
        id: row.get(1)?,
        handle: Handle::text(&queue.name, row.get(0)?, receipt),
        body: row.get(2)?,
        content,
        sent_ms: row.get(4)?,
        receives: row.get::<i64>(5)? + 1,
        first_received_ms: row.get::<Option<i64>>(6)?.unwrap_or(now_ms),
        source: row.get(7)?,
    })
}

impl Queues {
    /// Takes what is visible now, the longest visible first; those that were received too often become dead letters
    /// instead.
    pub(crate) async fn take(
        &self,
        tx: &mut Tx,
        queue: &Queue,
        wanted: Receive,
    ) -> Result<Vec<Received>, QueueError> {
        let now_ms = tx.now_ms();
        let limit = usize::try_from(wanted.max.unwrap_or(1)).unwrap_or(1);
        let hidden_ms = wanted.visibility_s.unwrap_or(queue.settings.visibility_s) * 1000;
        let sql = format!(
            "SELECT {COLUMNS} FROM queues_messages WHERE queue_no = $1 AND visible_ms <= $2 AND sent_ms > $3
               AND (visible_ms, message_no) > ($4, $5) ORDER BY visible_ms, message_no LIMIT $6"
        );
        let mut taken = Vec::new();
        let mut after = (i64::MIN, 0);
        while taken.len() < limit {
            let room = (limit - taken.len()) as i64;
            let oldest_ms = queue.oldest_kept_ms(now_ms);
            let rows =
                tx.query(&sql, &params![queue.number, now_ms, oldest_ms, after.0, after.1, room]).await?;
            let Some(last) = rows.last() else { break };
            after = (last.get(8)?, last.get(0)?);
            for row in &rows {
                let (message, receives): (i64, i64) = (row.get(0)?, row.get(5)?);
                if let Some(dead_letter) = is_dead(queue.settings.redrive.as_ref(), receives)
                    && self.bury(tx, queue, message, dead_letter).await?
                {
                    continue;
                }
                let receipt = tx.new_id();
                hide(tx, message, now_ms, hidden_ms, &receipt).await?;
                taken.push(from_row(row, queue, &receipt, now_ms)?);
            }
        }
        Ok(taken)
    }

    /// Moves a message to another queue, where it is visible at once; false when there is no such queue.
    pub(crate) async fn bury(
        &self,
        tx: &mut Tx,
        queue: &Queue,
        message: i64,
        to: &str,
    ) -> Result<bool, QueueError> {
        let Some(target) = queues::of_arn(tx, to).await? else { return Ok(false) };
        let now_ms = tx.now_ms();
        tx.execute(
            "UPDATE queues_messages SET queue_no = $1, visible_ms = $2, receipt = '', source = $3
             WHERE message_no = $4 AND queue_no = $5",
            &params![target.number, now_ms, queue.arn(), message, queue.number],
        )
        .await?;
        self.wake_on_commit(tx, target.arn());
        Ok(true)
    }

    /// Deletes a received message. An older handle than its newest one deletes nothing, and that is no error, as on AWS.
    /// Errors: `NotFound`, `InvalidHandle`.
    pub async fn delete_message(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        name: &str,
        handle: &str,
    ) -> Result<(), QueueError> {
        let queue = queues::get(tx, scope, name).await?;
        let Handle { message, receipt } = Handle::parse(name, handle)?;
        tx.execute(
            "DELETE FROM queues_messages WHERE message_no = $1 AND queue_no = $2 AND receipt = $3",
            &params![message, queue.number, receipt],
        )
        .await?;
        Ok(())
    }

    /// Hides a message in flight for so many seconds from now, 0..=43200; 0 makes it visible. Errors: `NotFound`,
    /// `InvalidHandle`, `InvalidParameter`; `NotInFlight` when it is visible, was received again, or is gone.
    pub async fn change_visibility(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        name: &str,
        handle: &str,
        seconds: i64,
    ) -> Result<(), QueueError> {
        check_visibility(seconds)?;
        let queue = queues::get(tx, scope, name).await?;
        let Handle { message, receipt } = Handle::parse(name, handle)?;
        let now_ms = tx.now_ms();
        let changed = tx
            .execute(
                "UPDATE queues_messages SET visible_ms = $1
                 WHERE message_no = $2 AND queue_no = $3 AND receipt = $4 AND visible_ms > $5",
                &params![now_ms + seconds * 1000, message, queue.number, receipt, now_ms],
            )
            .await?;
        if changed == 0 {
            return Err(QueueError::NotInFlight);
        }
        self.wake_on_commit(tx, queue.arn());
        Ok(())
    }
}

async fn hide(
    tx: &mut Tx,
    message: i64,
    now_ms: i64,
    hidden_ms: i64,
    receipt: &str,
) -> Result<(), QueueError> {
    tx.execute(
        "UPDATE queues_messages SET visible_ms = $1, receives = receives + 1, receipt = $2,
           first_received_ms = COALESCE(first_received_ms, $3) WHERE message_no = $4",
        &params![now_ms + hidden_ms, receipt, now_ms, message],
    )
    .await?;
    Ok(())
}

/// Where a message that was received so often belongs, when it is a dead letter.
pub(crate) fn is_dead(redrive: Option<&Redrive>, receives: i64) -> Option<&str> {
    redrive.filter(|redrive| receives >= redrive.max_receives).map(|redrive| redrive.dead_letter.as_str())
}
