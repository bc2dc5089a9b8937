//! The log of a run: lines for people and `progress` lines for programs.
//!
//! Lines go to `/aws-glue/jobs/output` and `/aws-glue/jobs/error` (`/aws-glue/python-jobs/…` for Python shell
//! jobs), stream = run id. They are buffered and written in order, at most [`FLUSH_MS`] after they were made and
//! whenever [`RunLog::flush`] is awaited; a script that prints faster than lines are written waits. A log that cannot be written does not fail the run: its data matters more; the failure is
//! reported to the server's own log.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use scripts::Output;
use store::{Clock, Scope};

use crate::progress::Progress;
use crate::run::Run;

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
/// How many bytes of a script's lines are held before it has to wait.
const MAX_BUFFERED_BYTES: usize = 1 << 20;
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
    /// Of output and of errors.
    groups: [String; 2],
    stream: String,
    buffers: Mutex<Buffers>,
    /// Keeps two flushes from writing lines out of order.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Buffers {
    output: Vec<(i64, String)>,
    error: Vec<(i64, String)>,
    /// Of a script's lines among them.
    bytes: usize,
}

impl RunLog {
    pub(crate) fn new(logs: Arc<dyn Logs>, clock: Arc<dyn Clock>, run: &Run) -> Self {
        Self::of(logs, clock, run.scope.clone(), run.details.kind.log_group(), run.id.clone())
    }

    /// That of a stream in `group`/output and `group`/error.
    pub(crate) fn of(
        logs: Arc<dyn Logs>,
        clock: Arc<dyn Clock>,
        scope: Scope,
        group: &str,
        stream: String,
    ) -> Self {
        let groups = [format!("{group}/output"), format!("{group}/error")];
        let (buffers, writing) = (Mutex::default(), tokio::sync::Mutex::new(()));
        Self { shared: Arc::new(Shared { logs, clock, scope, groups, stream, buffers, writing }) }
    }

    /// Adds a line to the output log.
    pub(crate) fn info(&self, line: impl Into<String>) {
        let entry = self.entry(line.into());
        self.lock().output.push(entry);
    }

    /// Adds a line to the output log that somebody should see.
    pub(crate) fn warn(&self, line: impl AsRef<str>) {
        self.info(format!("WARN {}", line.as_ref()));
    }

    /// Adds a line to the error log, and to the output log, where people look first.
    pub(crate) fn error(&self, line: impl Into<String>) {
        let entry = self.entry(line.into());
        let mut buffers = self.lock();
        buffers.error.push(entry.clone());
        buffers.output.push((entry.0, format!("ERROR {}", entry.1)));
    }

    /// Adds what a script has printed, to the log of that output alone; waits when much is there to be written.
    pub(crate) async fn printed(&self, output: Output, lines: Vec<String>) {
        let now_ms = self.shared.clock.now_ms();
        let is_full = {
            let mut buffers = self.lock();
            buffers.bytes += lines.iter().map(String::len).sum::<usize>();
            let buffer = match output {
                Output::Standard => &mut buffers.output,
                Output::Error => &mut buffers.error,
            };
            buffer.extend(lines.into_iter().map(|line| (now_ms, line)));
            buffers.bytes >= MAX_BUFFERED_BYTES
        };
        if is_full {
            self.flush().await;
        }
    }

    /// Adds a line that programs read: `progress ` and a JSON object.
    pub(crate) fn progress(&self, progress: &Progress) {
        match serde_json::to_string(progress) {
            Ok(json) => self.info(format!("progress {json}")),
            Err(error) => tracing::warn!(%error, "progress could not be written"),
        }
    }

    /// Writes what is buffered.
    pub(crate) async fn flush(&self) {
        let _writing = self.shared.writing.lock().await;
        let Buffers { output, error, bytes: _ } = std::mem::take(&mut *self.lock());
        let shared = &self.shared;
        for (group, lines) in shared.groups.iter().zip([output, error]) {
            if lines.is_empty() {
                continue;
            }
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
