//! Waiting for messages without asking again and again.
//!
//! Who waits registers under the queue's ARN before it looks, and is woken once a transaction that sent something there
//! is durable: nothing falls between the look and the wait. Messages that become visible by themselves, and those that
//! another server on the same store sends, are found by looking again, at most a second later.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use store::{Scope, Store, Tx, params};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::queues::{self, Queue};
use crate::{QueueError, Receive, Received};

/// How long somebody waits before looking again unwoken.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Handle to the queues; cheap to clone.
#[derive(Clone)]
pub struct Queues {
    store: Store,
    waiting: Arc<Mutex<HashMap<String, Arc<Notify>>>>,
    closing: CancellationToken,
}

impl std::fmt::Debug for Queues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queues").finish_non_exhaustive()
    }
}

/// A place among those that wait for a queue.
struct Seat {
    queues: Queues,
    arn: String,
    notify: Arc<Notify>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut waiting = self.queues.waiting();
        // The map's and this one: nobody else waits.
        if Arc::strong_count(&self.notify) <= 2 {
            waiting.remove(&self.arn);
        }
    }
}

impl Queues {
    /// Makes the handle over a store that was opened with [`crate::MIGRATIONS`]. One per process: a sender wakes only
    /// those that wait by the same handle or a clone of it.
    pub fn new(store: Store) -> Self {
        Self { store, waiting: Arc::default(), closing: CancellationToken::new() }
    }

    /// The metadata store that the queues are in.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Ends all waiting, for good: receives answer with what there is. For a process that is about to end.
    pub fn close(&self) {
        self.closing.cancel();
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Notify>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seat(&self, arn: String) -> Seat {
        let notify = Arc::clone(self.waiting().entry(arn.clone()).or_default());
        Seat { queues: self.clone(), arn, notify }
    }

    /// Wakes those that wait for the queue once `tx` is durable.
    pub(crate) fn wake_on_commit(&self, tx: &mut Tx, arn: String) {
        let queues = self.clone();
        tx.on_commit(Box::new(move || {
            if let Some(notify) = queues.waiting().get(&arn) {
                notify.notify_waiters();
            }
        }));
    }

    /// Receives messages, in a transaction of its own; waits for the first as long as asked for. Empty when none came.
    /// Errors: `NotFound` (also when the queue goes meanwhile), `InvalidParameter`.
    pub async fn receive(
        &self,
        scope: &Scope,
        name: &str,
        wanted: Receive,
    ) -> Result<Vec<Received>, QueueError> {
        wanted.check()?;
        let seat = self.seat(queues::arn(scope, name));
        let started = Instant::now();
        loop {
            let mut woken = pin!(seat.notify.notified());
            woken.as_mut().enable();
            let (queue, next_ms) = self.look(scope, name).await?;
            if next_ms == Some(0) {
                let mut tx = self.store.begin().await?;
                // As it is now: it may have been purged since.
                let queue = queues::get(&mut tx, scope, name).await?;
                let taken = self.take(&mut tx, &queue, wanted).await?;
                tx.commit().await?;
                if !taken.is_empty() {
                    return Ok(taken);
                }
            }
            let wait_s = wanted.wait_s.unwrap_or(queue.settings.wait_s);
            let wait = Duration::from_secs(u64::try_from(wait_s).unwrap_or_default());
            let Some(left) = wait.checked_sub(started.elapsed()).filter(|left| !left.is_zero()) else {
                return Ok(Vec::new());
            };
            let next = next_ms.filter(|ms| *ms > 0).map_or(LOOK_AGAIN, Duration::from_millis);
            tokio::select! {
                () = self.closing.cancelled() => return Ok(Vec::new()),
                // Woken or not: the next look tells.
                _ = tokio::time::timeout(left.min(next).min(LOOK_AGAIN), woken) => {}
            }
        }
    }

    /// The queue, and in how many milliseconds its next message is visible: 0 for now, `None` without any.
    async fn look(&self, scope: &Scope, name: &str) -> Result<(Queue, Option<u64>), QueueError> {
        let mut tx = self.store.read().await?;
        let queue = queues::get(&mut tx, scope, name).await?;
        let now_ms = tx.now_ms();
        let row = tx
            .query_opt(
                "SELECT visible_ms FROM queues_messages WHERE queue_no = $1 AND sent_ms > $2
                 ORDER BY visible_ms, message_no LIMIT 1",
                &params![queue.number, queue.oldest_kept_ms(now_ms)],
            )
            .await?;
        let next: Option<i64> = row.map(|row| row.get(0)).transpose()?;
        Ok((queue, next.map(|ms| u64::try_from(ms - now_ms).unwrap_or(0))))
    }
}
