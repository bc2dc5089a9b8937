//! For services of ours that work on the messages of a queue in their own transactions: they look without taking, and
//! delete together with what they did about it. Whoever uses this must be the queue's only worker.

use store::{Tx, params};

use crate::queues;
use crate::receive::is_dead;
use crate::{QueueError, Queues};

/// A message as it lies in its queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peeked {
    /// Its number; later messages have larger ones.
    pub number: i64,
    /// Its id.
    pub id: String,
    /// Its text.
    pub body: String,
}

impl Queues {
    /// Visible messages with a number above `after`, in their order, at most `limit`; changes nothing. `None` when there
    /// is no queue of this ARN.
    pub async fn peek(
        &self,
        tx: &mut Tx,
        arn: &str,
        after: i64,
        limit: usize,
    ) -> Result<Option<Vec<Peeked>>, QueueError> {
        let Some(queue) = queues::of_arn(tx, arn).await? else { return Ok(None) };
        let now_ms = tx.now_ms();
        let rows = tx
            .query(
                "SELECT message_no, id, body FROM queues_messages
                 WHERE queue_no = $1 AND message_no > $2 AND visible_ms <= $3 AND sent_ms > $4
                 ORDER BY message_no LIMIT $5",
                &params![queue.number, after, now_ms, queue.oldest_kept_ms(now_ms), limit as i64],
            )
            .await?;
        let found = rows
            .into_iter()
            .map(|mut row| Ok(Peeked { number: row.get(0)?, id: row.take(1)?, body: row.take(2)? }));
        found.collect::<Result<_, QueueError>>().map(Some)
    }

    /// Deletes messages of the queue by number, those that are there.
    pub async fn remove(&self, tx: &mut Tx, arn: &str, numbers: &[i64]) -> Result<(), QueueError> {
        let Some(queue) = queues::of_arn(tx, arn).await? else { return Ok(()) };
        for some in numbers.chunks(500) {
            let names: Vec<String> = (2..some.len() + 2).map(|n| format!("${n}")).collect();
            let sql = format!(
                "DELETE FROM queues_messages WHERE queue_no = $1 AND message_no IN ({})",
                names.join(", ")
            );
            let mut values = params![queue.number].to_vec();
            values.extend(some.iter().map(|number| store::Value::from(*number)));
            tx.execute(&sql, &values).await?;
        }
        Ok(())
    }

    /// Puts a message aside that its reader cannot use: into the queue `dead_letter` when it is given, else it counts as
    /// received once more and goes where the queue's own policy sends messages that are received too often. Returns
    /// whether it left the queue.
    pub async fn reject(
        &self,
        tx: &mut Tx,
        arn: &str,
        number: i64,
        dead_letter: Option<&str>,
    ) -> Result<bool, QueueError> {
        let Some(queue) = queues::of_arn(tx, arn).await? else { return Ok(false) };
        if let Some(dead_letter) = dead_letter {
            return self.bury(tx, &queue, number, dead_letter).await;
        }
        let row = tx
            .query_opt(
                "UPDATE queues_messages SET receives = receives + 1 WHERE message_no = $1 AND queue_no = $2
                 RETURNING receives",
                &params![number, queue.number],
            )
            .await?;
        let Some(row) = row else { return Ok(false) };
        match is_dead(queue.settings.redrive.as_ref(), row.get(0)?) {
            Some(to) => self.bury(tx, &queue, number, to).await,
            None => Ok(false),
        }
    }
}
