//! Why a run ended without publishing. The text becomes its `ErrorMessage` and goes to its error log.

use catalog::CatalogError;
use engine::EngineError;
use store::StoreError;

use super::name_of;
use crate::JobsError;
use crate::bookmark::AdvanceError;
use crate::graph::Node;
use crate::plan::PlanError;

/// Why a run ended without publishing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunFailure {
    /// It was asked to: by a user, its timeout, or the end of the process.
    #[error("the run was cancelled")]
    Cancelled,
    /// Its row is gone: the job was deleted.
    #[error("the job was deleted")]
    Gone,
    /// Its lease or its state no longer allow it to publish.
    #[error("the run was ended elsewhere")]
    Ended,
    /// Something in the graph, or in the data that a node reads or writes.
    #[error("node {node}: {error}")]
    Node {
        /// Kind, id and name.
        node: String,
        /// What.
        error: PlanError,
    },
    /// More malformed records than allowed.
    #[error("{found} bad records are more than --max-bad-records {allowed} allows; for example: {}", examples.join("; "))]
    BadRecords {
        /// How many were met.
        found: u64,
        /// How many are allowed.
        allowed: u64,
        /// A few of them, with file and line.
        examples: Vec<String>,
    },
    /// Data quality rules that are a gate do not pass.
    #[error("node {node}: {} of {of} data quality rules did not pass: {}", not.len(), not.join("; "))]
    Quality {
        /// Kind, id and name.
        node: String,
        /// How many rules there are.
        of: usize,
        /// Those that did not pass, and why.
        not: Vec<String>,
    },
    /// The catalog refuses what a target wants of it.
    #[error("node {node}: {error}")]
    Catalog {
        /// Kind, id and name.
        node: String,
        /// What.
        error: CatalogError,
    },
    /// Others have changed a table after the run has read the rows that it replaces.
    #[error("node {node}: its table was changed by others while the run was replacing rows of it")]
    Overtaken {
        /// Kind, id and name.
        node: String,
    },
    /// Everything else is published, and what is decided to go to databases has not arrived there yet.
    #[error(
        "all other output is published, and rows for a database are still on their way: {what}; this is tried again"
    )]
    Undelivered {
        /// What was in the way.
        what: String,
    },
    /// The script failed, or could not be run.
    #[error("{0}")]
    Script(String),
    /// The bookmark moved meanwhile.
    #[error(transparent)]
    Bookmark(AdvanceError),
    /// A stored definition or argument that no longer makes sense.
    #[error(transparent)]
    Jobs(#[from] JobsError),
    /// The store failed before the run was committed.
    #[error("the metadata store failed: {0}")]
    Store(#[from] StoreError),
}

impl RunFailure {
    /// A failure of a node; a cancellation stays one.
    pub(crate) fn node(node: &Node, error: PlanError) -> Self {
        match error {
            PlanError::Engine(EngineError::Cancelled) => Self::Cancelled,
            error => Self::Node { node: name_of(node), error },
        }
    }

    /// A failure of the catalog for a node.
    pub(crate) fn catalog(node: &Node, error: CatalogError) -> Self {
        Self::Catalog { node: name_of(node), error }
    }

    /// The text for the user. Failures of the store itself are told in general terms, but for a full disk; the
    /// server's log has the rest.
    pub(crate) fn message(&self, run: &str) -> String {
        match self {
            Self::Store(StoreError::Full { .. }) | Self::Jobs(JobsError::Store(StoreError::Full { .. })) => {
                "The disk of the metadata store is full: make room on it, and run the job again.".to_owned()
            }
            Self::Store(error) | Self::Jobs(JobsError::Store(error)) => {
                tracing::error!(run, %error, "a job run failed on the metadata store");
                "The metadata store failed; see the server's log.".to_owned()
            }
            other => other.to_string(),
        }
    }
}

impl From<AdvanceError> for RunFailure {
    fn from(error: AdvanceError) -> Self {
        match error {
            AdvanceError::Jobs(error) => Self::Jobs(error),
            moved => Self::Bookmark(moved),
        }
    }
}
