//! Commits of bookmarks by scripts whose output is one commit: they are kept with the run, and made when its output is
//! published. So a run that fails after `job.commit()` has read nothing, as it has written nothing.

use store::{Tx, params};

use super::script::{Commit, CommitError, processed};
use super::{AdvanceError, Processed, advance, head};
use crate::JobsError;
use crate::execute::RunFailure;
use crate::run::Run;

/// Keeps a commit until the run is published; the version that the bookmark will have then. Errors: `Moved` when it
/// could not be made now.
pub(super) async fn hold(tx: &mut Tx, run: &Run, commit: &Commit) -> Result<i64, CommitError> {
    let current =
        head(tx, &run.incarnation).await.map_err(CommitError::Jobs)?.map_or(0, |entry| entry.version);
    let sql = "SELECT COUNT(*) FROM jobs_held_commits WHERE run_id = $1";
    let row = tx.query_opt(sql, &params![run.id.as_str()]).await.map_err(JobsError::from)?;
    let held: i64 = row.map_or(Ok(0), |row| row.get(0)).map_err(JobsError::from)?;
    let current = current + held;
    if commit.version != current {
        let moved = AdvanceError::Moved { planned: commit.version, current };
        return Err(CommitError::Moved(moved.to_string()));
    }
    let document = serde_json::to_string(commit).map_err(damaged)?;
    tx.execute(
        "INSERT INTO jobs_held_commits (run_id, number, incarnation, document) VALUES ($1, $2, $3, $4)",
        &params![run.id.as_str(), held, run.incarnation.as_str(), document],
    )
    .await
    .map_err(JobsError::from)?;
    Ok(current + 1)
}

/// Makes the commits that a run has held; the version that the bookmark has now, none when there were no commits.
pub(crate) async fn apply(tx: &mut Tx, run: &Run) -> Result<Option<i64>, RunFailure> {
    let sql = "SELECT document FROM jobs_held_commits WHERE run_id = $1 ORDER BY number";
    let mut version = None;
    for row in tx.query(sql, &params![run.id.as_str()]).await? {
        let commit: Commit = serde_json::from_str(&row.get::<String>(0)?).map_err(damaged)?;
        let planned = commit.version;
        version = Some(advance(tx, run, planned, &sources(commit)).await?);
    }
    forget(tx, &run.id).await?;
    Ok(version)
}

/// Forgets the commits that a run has held.
pub(crate) async fn forget(tx: &mut Tx, run: &str) -> Result<(), JobsError> {
    tx.execute("DELETE FROM jobs_held_commits WHERE run_id = $1", &params![run]).await?;
    Ok(())
}

/// What a commit says was read, by context.
pub(super) fn sources(commit: Commit) -> Vec<(String, Vec<Processed>)> {
    let read = commit.read.into_iter().map(|(context, objects)| {
        let objects = objects.into_iter();
        let read = objects.map(|(address, seen)| processed(address, seen.etag, seen.size, seen.modified_ms));
        (context, read.collect())
    });
    read.collect()
}

fn damaged(source: serde_json::Error) -> JobsError {
    JobsError::Damaged { what: "commit of a bookmark", source }
}
