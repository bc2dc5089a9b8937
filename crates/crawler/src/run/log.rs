//! The log of a run: lines in the crawler's stream, each with the run's id in front.
//!
//! A log that cannot be written does not fail the run; the failure goes to the server's own log.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use store::{Clock, Scope};

use super::Ground;
use crate::LOG_GROUP;
use crate::history::{Crawl, RunState};

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Where log lines go; the binary joins it to the log service.
#[async_trait]
pub trait Logs: Send + Sync {
    /// Appends `messages` (epoch milliseconds, text), in order, and creates group and stream when missing.
    /// Errors: the lines are not stored.
    async fn append(
        &self,
        scope: &Scope,
        group: &str,
        stream: &str,
        messages: &[(i64, String)],
    ) -> Result<(), BoxError>;
}

/// The log of one run.
pub(crate) struct RunLog {
    logs: Arc<dyn Logs>,
    clock: Arc<dyn Clock>,
    scope: Scope,
    stream: String,
    prefix: String,
    waiting: Mutex<Vec<(i64, String)>>,
    /// A preview's lines go to whoever asked for it.
    kept: bool,
}

impl RunLog {
    pub(crate) fn new(ground: &Ground, scope: &Scope, crawl: &Crawl) -> Self {
        Self {
            logs: Arc::clone(&ground.logs),
            clock: Arc::clone(ground.store.clock()),
            scope: scope.clone(),
            stream: crawl.crawler.clone(),
            prefix: crawl.id.clone(),
            waiting: Mutex::default(),
            kept: false,
        }
    }

    /// A log that is read by [`RunLog::lines`] and written nowhere.
    pub(crate) fn kept(ground: &Ground, scope: &Scope, crawl: &Crawl) -> Self {
        Self { kept: true, prefix: String::new(), ..Self::new(ground, scope, crawl) }
    }

    /// The lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.iter().map(|(_, line)| line.clone()).collect()
    }

    /// Adds a line, such as `INFO : Created table t in database d`.
    pub(crate) fn info(&self, line: impl AsRef<str>) {
        let entry = (
            self.clock.now_ms(),
            match self.kept {
                true => line.as_ref().to_owned(),
                false => format!("[{}] {}", self.prefix, line.as_ref()),
            },
        );
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    pub(crate) fn warn(&self, line: impl AsRef<str>) {
        self.info(format!("WARN : {}", line.as_ref()));
    }

    pub(crate) fn error(&self, line: impl AsRef<str>) {
        self.info(format!("ERROR : {}", line.as_ref()));
    }

    pub(crate) fn ended(&self, state: RunState, error: Option<&str>) {
        match (state, error) {
            (RunState::Failed, Some(error)) => self.error(error),
            (RunState::Stopped, _) => self.info("INFO : The crawl was stopped"),
            _ => {}
        }
        self.info("BENCHMARK : Crawler has finished running and is in state READY");
    }

    pub(crate) async fn flush(&self) {
        if self.kept {
            return;
        }
        let lines = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if lines.is_empty() {
            return;
        }
        if let Err(error) = self.logs.append(&self.scope, LOG_GROUP, &self.stream, &lines).await {
            tracing::warn!(crawler = self.stream, %error, lines = lines.len(), "log lines were lost");
        }
    }
}
