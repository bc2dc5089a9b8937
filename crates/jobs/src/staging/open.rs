//! Tables of open formats (Iceberg, Delta) that the library in scripts does not write itself: the script stages a frame as Parquet,
//! and its rows are committed to the table, as the members of a target node say.

use serde_json::{Map, Value};
use store::Scope;
use tokio_util::sync::CancellationToken;

use super::Stager;
use super::written::staged;
use crate::JobsError;
use crate::execute::{RunFailure, Writer, write_apart};
use crate::graph::{self, Destination};
use crate::quality::service::StagedFrame;

const HELD_BACK: &str = "runs with --output-commit atomic do not write into Iceberg tables: their metadata would name objects that \
                         nobody else sees; run without it, or write Parquet or Delta";

/// Rows to write into a table of an open format.
#[derive(Debug, Clone, PartialEq)]
pub struct TableWrite {
    /// The rows.
    pub frame: StagedFrame,
    /// The kind of the target node (`S3DeltaDirectTarget`).
    pub kind: String,
    /// Its members, but for its name and inputs.
    pub members: Map<String, Value>,
    /// The job that the script is; empty for none.
    pub job: String,
    /// Its run; empty for none.
    pub run: String,
    /// Whether what the script does to objects is seen by its run alone until that has succeeded.
    pub is_held_back: bool,
}

impl Stager {
    /// Commits the rows of a frame to a table, all or none; how many rows were written, of an upsert all that the table has.
    /// Errors: `InvalidInput` for members that are no such node, and for what cannot be read or written, of which nothing is
    /// there; `Store`.
    pub async fn write_table(&self, scope: &Scope, asked: &TableWrite) -> Result<u64, JobsError> {
        let node = graph::of_script(&asked.kind, &asked.members)?;
        let target = node
            .kind
            .target()
            .filter(|target| matches!(target.destination, Destination::Iceberg(_) | Destination::Delta(_)));
        let Some(target) = target else {
            return Err(JobsError::invalid(format!("{} writes to no table of an open format", asked.kind)));
        };
        if asked.is_held_back && matches!(target.destination, Destination::Iceberg(_)) {
            return Err(JobsError::invalid(HELD_BACK));
        }
        let stop = CancellationToken::new();
        // The script is gone when nobody waits for this any more.
        let _guard = stop.clone().drop_guard();
        let session = self.session(scope, stop);
        let (frame, most_files) = staged(&session, &asked.frame).await?;
        let writer = Writer {
            store: &self.store,
            lake: &self.lake,
            scope,
            session: &session,
            job: &asked.job,
            run: &asked.run,
        };
        Box::pin(write_apart(&writer, (&node, target), (&frame, most_files))).await.map_err(refused)
    }
}

/// What a script is told: the reason, without the node that it knows nothing of.
fn refused(failure: RunFailure) -> JobsError {
    match failure {
        RunFailure::Node { error, .. } => error.into(),
        RunFailure::Catalog { error: catalog::CatalogError::Store(error), .. } | RunFailure::Store(error) => {
            JobsError::Store(error)
        }
        RunFailure::Catalog { error, .. } => JobsError::invalid(error.to_string()),
        RunFailure::Overtaken { .. } => JobsError::invalid(
            "the table was changed by others again and again while rows of it were replaced; nothing is written",
        ),
        RunFailure::Jobs(error) => error,
        other => JobsError::invalid(other.to_string()),
    }
}
