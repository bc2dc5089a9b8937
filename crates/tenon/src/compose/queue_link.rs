//! Joins the queues to those of our services that use them: buckets tell of their changes there.

use async_trait::async_trait;
use lake::LakeError;
use queues::{QueueError, Queues};
use store::Tx;

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
