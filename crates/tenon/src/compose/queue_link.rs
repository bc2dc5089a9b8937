//! Joins the queues to those of our services that use them: buckets tell of their changes there, crawls read it.

use async_trait::async_trait;
use crawler::EventMessage;
use lake::LakeError;
use queues::{QueueError, Queues};
use store::Tx;
use wire::BoxError;

/// Fills the traits of the services.
pub(super) struct QueueLink {
    queues: Queues,
}

impl QueueLink {
    pub(super) fn new(queues: Queues) -> Self {
        Self { queues }
    }
}

/// The store's own errors stay what they are: whether to try again hangs on them.
fn for_lake(error: QueueError) -> LakeError {
    match error {
        QueueError::Store(error) => LakeError::Store(error),
        other => LakeError::Events(other.into()),
    }
}

#[async_trait]
impl lake::EventSink for QueueLink {
    async fn exists(&self, tx: &mut Tx, queue_arn: &str) -> Result<bool, LakeError> {
        Ok(self.queues.peek(tx, queue_arn, 0, 0).await.map_err(for_lake)?.is_some())
    }

    async fn send(
        &self,
        tx: &mut Tx,
        queue_arn: &str,
        sender: &str,
        texts: Vec<String>,
    ) -> Result<bool, LakeError> {
        self.queues.send_texts(tx, queue_arn, sender, texts).await.map_err(for_lake)
    }
}

#[async_trait]
impl crawler::EventQueues for QueueLink {
    async fn peek(
        &self,
        tx: &mut Tx,
        queue_arn: &str,
        after: i64,
        limit: usize,
    ) -> Result<Option<Vec<EventMessage>>, BoxError> {
        let found = self.queues.peek(tx, queue_arn, after, limit).await?;
        let message = |one: queues::Peeked| EventMessage { number: one.number, id: one.id, body: one.body };
        Ok(found.map(|found| found.into_iter().map(message).collect()))
    }

    async fn remove(&self, tx: &mut Tx, queue_arn: &str, numbers: &[i64]) -> Result<(), BoxError> {
        Ok(self.queues.remove(tx, queue_arn, numbers).await?)
    }

    async fn reject(
        &self,
        tx: &mut Tx,
        queue_arn: &str,
        number: i64,
        dead_letter: Option<&str>,
    ) -> Result<bool, BoxError> {
        Ok(self.queues.reject(tx, queue_arn, number, dead_letter).await?)
    }
}
