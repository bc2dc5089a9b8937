//! The log of a run: lines for people and `progress` lines for programs.
//!
//! Lines go to `/aws-glue/jobs/output` and `/aws-glue/jobs/error`, stream = run id. They are buffered
//! and written in order, at most [`FLUSH_MS`] after they were made and whenever [`RunLog::flush`] is
//! awaited. A log that cannot be written does not fail the run: its data matters more; the failure is
//! reported to the server's own log.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use store::{Clock, Scope};

use crate::progress::Totals;

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Where log lines go; the binary joins it to the log service.
#[async_trait]
pub trait Logs: Send + Sync {
    /// Appends `messages` (epoch milliseconds, text), in order, and creates group and stream when missing.
    ///
    /// # Errors
    /// When the lines are not stored.
    async fn append(
        &self,
        scope: &Scope,
        group: &str,
        stream: &str,
        messages: &[(i64, String)],
    ) -> Result<(), BoxError>;
}

/// The group of what runs report.
pub const OUTPUT_GROUP: &str = "/aws-glue/jobs/output";
/// The group of what went wrong.
pub const ERROR_GROUP: &str = "/aws-glue/jobs/error";
/// How old a buffered line may become, in milliseconds.
pub(crate) const FLUSH_MS: u64 = 500;
/// The longest line; CloudWatch Logs takes 256 KiB with its overhead.
const MAX_LINE_BYTES: usize = 200_000;

/// The log of one run. Cheap to clone.
#[derive(Clone)]
pub(crate) struct RunLog {
    shared: Arc<Shared>,
}

struct Shared {
    logs: Arc<dyn Logs>,
    clock: Arc<dyn Clock>,
    scope: Scope,
    stream: String,
    buffers: Mutex<Buffers>,
    /// Keeps two flushes from writing lines out of order.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Buffers {
    output: Vec<(i64, String)>,
    error: Vec<(i64, String)>,
}

impl RunLog {
    pub(crate) fn new(logs: Arc<dyn Logs>, clock: Arc<dyn Clock>, scope: Scope, stream: String) -> Self {
        let (buffers, writing) = (Mutex::default(), tokio::sync::Mutex::new(()));
        Self { shared: Arc::new(Shared { logs, clock, scope, stream, buffers, writing }) }
    }

    /// Adds a line to the output log.
    pub(crate) fn info(&self, line: impl Into<String>) {
        let entry = self.entry(line.into());
        self.lock().output.push(entry);
    }

    /// Adds a line to the error log, and to the output log, where people look first.
    pub(crate) fn error(&self, line: impl Into<String>) {
        let entry = self.entry(line.into());
        let mut buffers = self.lock();
        buffers.error.push(entry.clone());
        buffers.output.push((entry.0, format!("ERROR {}", entry.1)));
    }

    /// Adds a line that programs read: `progress ` and a JSON object of [`Totals`].
    pub(crate) fn progress(&self, totals: &Totals) {
        match serde_json::to_string(totals) {
            Ok(json) => self.info(format!("progress {json}")),
            Err(error) => tracing::warn!(%error, "progress could not be written"),
        }
    }

    /// Writes what is buffered.
    pub(crate) async fn flush(&self) {
        let _writing = self.shared.writing.lock().await;
        let Buffers { output, error } = std::mem::take(&mut *self.lock());
        for (group, lines) in [(OUTPUT_GROUP, output), (ERROR_GROUP, error)] {
            if lines.is_empty() {
                continue;
            }
            let shared = &self.shared;
            if let Err(error) = shared.logs.append(&shared.scope, group, &shared.stream, &lines).await {
                tracing::warn!(run = shared.stream, group, %error, lines = lines.len(), "log lines were lost");
            }
        }
    }

    fn entry(&self, mut line: String) -> (i64, String) {
        if line.len() > MAX_LINE_BYTES {
            let end = (0..=MAX_LINE_BYTES).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
            line.truncate(end);
            line.push_str(" … (cut)");
        }
        (self.shared.clock.now_ms(), line)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Buffers> {
        self.shared.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
