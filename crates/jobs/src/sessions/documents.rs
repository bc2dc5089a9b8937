//! What is stored of sessions and statements, and what is asked for.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::Scope;

use super::state::{SessionState, StatementState};
use crate::ArgumentMap;
use crate::definition::JobCommand;

/// The members of CreateSession but for id, tags and origin.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SessionSpec {
    /// What runs statements: `glueetl` with Python 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<JobCommand>,
    /// Minutes until the session is ended, 1..=10,080; 2,880 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    /// Minutes without a statement until the session is ended; as `timeout` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<i64>,
    /// As those of script jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_arguments: Option<ArgumentMap>,
    /// Data processing units; stored and echoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_capacity: Option<f64>,
    /// Stored and echoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number_of_workers: Option<i64>,
    /// Says how much memory there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_type: Option<String>,
    /// 2.0 and later; stored and echoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glue_version: Option<String>,
    /// `LIVY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_type: Option<String>,
    /// Members kept as they came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A stored session.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Whose it is.
    pub scope: Scope,
    /// The name that the client has given it.
    pub id: String,
    /// Tells it from others that had this id before.
    pub uid: String,
    /// When it was asked for.
    pub created_ms: i64,
    /// All else.
    pub details: SessionDetails,
}

/// What of a session changes, and what it was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionDetails {
    /// Where it is.
    pub state: SessionState,
    /// Whether a server has begun to make its process.
    pub begun: bool,
    /// The number of its last statement; they count from 1.
    pub statements: i64,
    /// How many of them have ended.
    pub ended: i64,
    /// Why it ended, unless that was asked for.
    pub error_message: Option<String>,
    /// When it ended.
    pub completed_ms: Option<i64>,
    /// Minutes that it may take.
    pub timeout_minutes: i64,
    /// Minutes that it may be idle.
    pub idle_minutes: i64,
    /// Its arguments.
    pub arguments: ArgumentMap,
    /// What GetSession repeats of the request.
    pub echo: Map<String, Value>,
}

/// A stored statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// Its number in its session, from 1.
    pub id: i64,
    /// What was to be run.
    pub code: String,
    /// Where it is.
    pub state: StatementState,
    /// When it was begun.
    pub started_ms: Option<i64>,
    /// When it ended.
    pub completed_ms: Option<i64>,
    /// What came of it; set once it has ended.
    pub output: Option<Output>,
}

/// What came of a statement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// What it printed, its last expression's value included; not all of it if that is much.
    pub text: String,
    /// What it raised.
    pub raised: Option<Raised>,
}

/// An exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raised {
    /// Its type.
    pub name: String,
    /// Its text.
    pub value: String,
    /// Lines, each with its end.
    pub traceback: Vec<String>,
}

impl Raised {
    /// What is no exception of Python's.
    pub(super) fn ours(name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        Self { name: name.to_owned(), traceback: vec![format!("{name}: {value}\n")], value }
    }
}
