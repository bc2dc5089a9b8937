//! Rulesets, runs and results as they are stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::quality::Evaluation;

/// A table of the catalog; names are lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableName {
    /// Its database.
    pub database: String,
    /// Its name.
    pub table: String,
}

impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.database, self.table)
    }
}

/// A ruleset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRuleset {
    /// Its name.
    pub name: String,
    /// What people say about it.
    pub description: Option<String>,
    /// In DQDL, as it was given.
    pub text: String,
    /// The table that it was made for.
    pub target: Option<TableName>,
    /// How many rules and analyzers it has.
    pub rules: usize,
    /// The run that recommended it.
    pub recommended_by: Option<String>,
    /// What a client gave to have its request carried out once.
    pub client_token: Option<String>,
    /// Epoch milliseconds.
    pub created_ms: i64,
    /// Epoch milliseconds.
    pub modified_ms: i64,
}

/// Data to read: a table, and what was said beside its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSource {
    /// The table.
    pub table: TableName,
    /// As the client gave it.
    pub given: Value,
    /// Only partitions that match this.
    pub predicate: Option<String>,
    /// SQL over the table, whose rows are read instead.
    pub query: Option<String>,
}

/// `TaskStatusType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RunStatus {
    /// Waits for a place.
    Starting,
    /// At work.
    Running,
    /// Was told to end.
    Stopping,
    /// Has ended because it was told to.
    Stopped,
    /// Its results are stored.
    Succeeded,
    /// It ended with an error.
    Failed,
    /// It took too long.
    Timeout,
}

impl RunStatus {
    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Stopping => "STOPPING",
            Self::Stopped => "STOPPED",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Timeout => "TIMEOUT",
        }
    }

    /// Whether it stays so.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Stopped | Self::Succeeded | Self::Failed | Self::Timeout)
    }
}

/// What a run does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Work {
    /// Evaluates rulesets.
    Evaluation {
        /// Their names, each once.
        rulesets: Vec<String>,
        /// Other data by the names that rules use.
        additional: BTreeMap<String, DataSource>,
        /// Whether composite rules are evaluated row by row.
        by_row: bool,
        /// A folder of a bucket that the results are written to as well.
        prefix: Option<String>,
        /// What was asked for, to be shown again.
        options: Option<Value>,
    },
    /// Recommends rules.
    Recommendation {
        /// The name of the ruleset to make of them.
        creates: Option<String>,
        /// What was recommended.
        recommended: Option<String>,
    },
}

impl Work {
    /// A word for each kind, by which runs are listed.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Evaluation { .. } => EVALUATION,
            Self::Recommendation { .. } => RECOMMENDATION,
        }
    }
}

pub(super) const EVALUATION: &str = "evaluation";
pub(super) const RECOMMENDATION: &str = "recommendation";

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QualityRun {
    /// `RunId`.
    pub id: String,
    /// What is read.
    pub source: DataSource,
    /// Kept and returned; nothing assumes it.
    pub role: String,
    /// Kept and returned.
    pub workers: Option<i64>,
    /// Minutes until it is ended.
    pub timeout_minutes: i64,
    /// What it does.
    pub work: Work,
    /// How far it is.
    pub status: RunStatus,
    /// Times that it was begun.
    pub attempts: i64,
    /// What a client gave to have its request carried out once.
    pub client_token: Option<String>,
    /// Epoch milliseconds.
    pub created_ms: i64,
    /// Epoch milliseconds of the newest change.
    pub modified_ms: i64,
    /// When it was first begun, epoch milliseconds.
    pub begun_ms: Option<i64>,
    /// Epoch milliseconds.
    pub ended_ms: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
    /// What it has stored.
    pub results: Vec<String>,
}

impl QualityRun {
    pub(super) fn end(&mut self, status: RunStatus, error: Option<String>, now_ms: i64) {
        self.status = status;
        self.error = error;
        self.ended_ms = Some(now_ms);
        self.modified_ms = now_ms;
    }
}

/// What a ruleset was found to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QualityResult {
    /// `ResultId`.
    pub id: String,
    /// What was read; a job reads frames, not tables.
    pub source: Option<DataSource>,
    /// The ruleset.
    pub ruleset: String,
    /// Where in a job it was evaluated.
    pub context: Option<String>,
    /// The job, and its run.
    pub job: Option<(String, String)>,
    /// The run of an evaluation.
    pub run: Option<String>,
    /// Epoch milliseconds.
    pub started_ms: i64,
    /// Epoch milliseconds.
    pub completed_ms: i64,
    /// What was found.
    pub evaluation: Evaluation,
}
