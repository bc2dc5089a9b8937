//! Query executions: what is known of a query, and its states.
//!
//! ```text
//! QUEUED ──► RUNNING ──► SUCCEEDED
//!    │          ├──────► FAILED
//!    └──────────┴──────► CANCELLED
//! ```
//!
//! [`step`] decides; the last three states are final. A result is visible in the lake exactly when its execution is
//! SUCCEEDED: both are written by one transaction.

use serde::{Deserialize, Serialize};

/// The state of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// Waits for a place.
    Queued,
    /// Is being executed.
    Running,
    /// Its result is there.
    Succeeded,
    /// It ended with an error.
    Failed,
    /// A client stopped it.
    Cancelled,
}

impl State {
    /// The name in Athena's API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// Whether it stays in this state.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// What happens to a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A runner took it.
    Start,
    /// It gave its result.
    Finish,
    /// It failed.
    Fail,
    /// A client stopped it.
    Cancel,
}

/// The state after an event; `None` when the event comes too late or too early to count.
pub fn step(state: State, event: Event) -> Option<State> {
    match (state, event) {
        (State::Queued, Event::Start) => Some(State::Running),
        (State::Running, Event::Finish) => Some(State::Succeeded),
        (State::Queued | State::Running, Event::Fail) => Some(State::Failed),
        (State::Queued | State::Running, Event::Cancel) => Some(State::Cancelled),
        _ => None,
    }
}

/// Why a query failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Athena's `ErrorCategory`: 1 the system, 2 the user.
    pub category: i64,
    /// Trino's name of the error, for example `COLUMN_NOT_FOUND`.
    pub code: String,
    /// What was wrong and where.
    pub message: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultColumn {
    /// Its name.
    pub name: String,
    /// Trino's name of its type, without parameters.
    pub type_name: String,
    /// Digits, or the most characters.
    pub precision: i64,
    /// Digits after the point.
    pub scale: i64,
}

/// Counters of a query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statistics {
    /// Bytes read from the lake.
    pub scanned_bytes: u64,
    /// Rows of the result.
    pub rows: u64,
    /// Milliseconds from submission to start.
    pub queued_ms: i64,
    /// Milliseconds for parsing and planning.
    pub planning_ms: i64,
    /// Milliseconds from start to end.
    pub execution_ms: i64,
}

/// All that is known of a query. Times are epoch milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// The layout of this document.
    pub version: u32,
    /// A UUID.
    pub id: String,
    /// The statement as it was given.
    pub query: String,
    /// `DDL`, `DML` or `UTILITY`.
    pub statement_type: String,
    /// The database of unqualified tables.
    pub database: Option<String>,
    /// The catalog as it was given.
    pub catalog: Option<String>,
    /// Where the result is (to be) written: the whole `s3://bucket/key`.
    pub output_location: String,
    /// The work group that it runs in.
    pub work_group: String,
    /// Where it is.
    pub state: State,
    /// When it was submitted.
    pub submitted_ms: i64,
    /// When it ended.
    pub completed_ms: Option<i64>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Counters.
    pub statistics: Statistics,
    /// The columns of its result, once it succeeded.
    pub columns: Vec<ResultColumn>,
    /// Parameters of the statement, as given.
    pub parameters: Vec<String>,
}

/// The layout that this version writes.
pub(crate) const VERSION: u32 = 1;

impl Execution {
    /// Why it is in the state that it is in, as Athena words it.
    pub fn reason(&self) -> Option<String> {
        match self.state {
            State::Failed => self.failure.as_ref().map(Failure::to_string),
            State::Cancelled => Some("Query cancelled by user".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn final_states_are_final() {
        for state in [State::Succeeded, State::Failed, State::Cancelled] {
            for event in [Event::Start, Event::Finish, Event::Fail, Event::Cancel] {
                assert_eq!(step(state, event), None, "{state:?} {event:?}");
            }
        }
        assert_eq!(step(State::Queued, Event::Finish), None, "a result needs a start");
        assert_eq!(step(State::Running, Event::Start), None, "two runners");
    }
}
