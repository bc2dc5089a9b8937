//! Where crawls and job runs write their logs: the log service's tables, in a transaction of their own.

use async_trait::async_trait;
use store::{Scope, Store};
use wire::BoxError;

/// Fills the `Logs` traits of the services.
pub(super) struct LogSink {
    store: Store,
}

impl LogSink {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }

    async fn write(
        &self,
        scope: &Scope,
        group: &str,
        stream: &str,
        messages: &[(i64, String)],
    ) -> Result<(), BoxError> {
        let mut tx = self.store.begin().await?;
        observe::events::append(&mut tx, scope, group, stream, messages).await?;
        tx.commit().await?;
        Ok(())
    }
}

#[async_trait]
impl crawler::Logs for LogSink {
    async fn append(
        &self,
        scope: &Scope,
        group: &str,
        stream: &str,
        messages: &[(i64, String)],
    ) -> Result<(), BoxError> {
        self.write(scope, group, stream, messages).await
    }
}

#[async_trait]
impl jobs::Logs for LogSink {
    async fn append(
        &self,
        scope: &Scope,
        group: &str,
        stream: &str,
        messages: &[(i64, String)],
    ) -> Result<(), BoxError> {
        self.write(scope, group, stream, messages).await
    }
}
