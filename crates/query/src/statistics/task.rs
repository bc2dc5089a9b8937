//! A task run: what was asked for, and how far it is.

use serde::{Deserialize, Serialize};

/// `ColumnStatisticsState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TaskState {
    /// Waits for a place.
    Starting,
    /// The table is being read.
    Running,
    /// The statistics are in the catalog.
    Succeeded,
    /// It ended with an error.
    Failed,
    /// A client stopped it.
    Stopped,
}

impl TaskState {
    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Stopped => "STOPPED",
        }
    }

    /// Whether it stays in this state.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Stopped)
    }
}

/// A run of a statistics task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// `ColumnStatisticsTaskRunId`.
    pub id: String,
    /// The table's database, lower case.
    pub database: String,
    /// The table, lower case.
    pub table: String,
    /// The chosen columns, lower case; all when empty.
    pub columns: Vec<String>,
    /// Kept and returned; nothing assumes it.
    pub role: String,
    /// Percent of rows, above 0 and up to 100; all when absent.
    pub sample_size: Option<f64>,
    /// How far it is.
    pub state: TaskState,
    /// A client has told it to stop.
    pub stopping: bool,
    /// Times that it was begun.
    pub attempts: i64,
    /// Epoch milliseconds.
    pub created_ms: i64,
    /// Epoch milliseconds of the newest change.
    pub updated_ms: i64,
    /// When it was first begun, epoch milliseconds.
    pub started_ms: Option<i64>,
    /// Epoch milliseconds.
    pub ended_ms: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
}

/// What became of a moment of a schedule (`ExecutionAttempt`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The run, when one was started.
    pub run: Option<String>,
    /// Epoch milliseconds.
    pub at_ms: i64,
    /// Why none was.
    pub error: Option<String>,
}

impl Task {
    /// `database.table`, for messages.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.database, self.table)
    }

    /// Ends it.
    pub(super) fn end(&mut self, state: TaskState, error: Option<String>, now_ms: i64) {
        self.state = state;
        self.error = error;
        self.ended_ms = Some(now_ms);
        self.updated_ms = now_ms;
    }
}
