//! Bookmarks of scripts: the library in the script's process asks what earlier runs have read, and tells what this one
//! has read when the script says so (`job.commit()`), which is at once and for good, as on AWS; of a run whose output is
//! one commit, with that ([`super::held`]).
//!
//! A commit names its run and the fence of the lease that the run is executed under. So a process whose run was stopped,
//! has ended, or is executed elsewhere by now moves nothing, however late it comes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use store::lease::Lease;
use store::{Row, Scope, Tx, crash, params};

use super::{AdvanceError, Processed, Window, advance, head, held, window};
use crate::execute::RunFailure;
use crate::{JobsError, definition, run, script};

/// A commit of a bookmark is in the transaction.
pub(crate) const BEFORE_COMMIT: &str = "jobs.bookmark.before_commit";
/// It is committed, and the script does not know.
pub(crate) const AFTER_COMMIT: &str = "jobs.bookmark.after_commit";

/// What earlier runs have read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Known {
    /// The bookmark's version; 0 when it has none.
    pub version: i64,
    /// Whether the objects are those to be read again (a range of runs was asked for), instead of those to be left out.
    pub again: bool,
    /// By context, then address (`s3://bucket/key`, or a local path): the ETag.
    pub contexts: BTreeMap<String, BTreeMap<String, String>>,
}

/// What a run has read, to be remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Commit {
    /// The job's name.
    pub job_name: String,
    /// The run.
    pub run_id: String,
    /// The fence of its lease, as the run was told.
    pub fence: i64,
    /// The version that it was loaded with.
    pub version: i64,
    /// By context, then address.
    pub read: BTreeMap<String, BTreeMap<String, Seen>>,
}

/// An object as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Seen {
    /// Its ETag.
    pub etag: String,
    /// Bytes.
    pub size: u64,
    /// When it was last changed, epoch milliseconds.
    pub modified_ms: i64,
}

/// Why a bookmark was not moved.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Another run or a reset has moved it since it was loaded.
    #[error("{0}")]
    Moved(String),
    /// The run is not, or no longer, executed by this process.
    #[error(
        "run {run} of job {job} is not being executed by this process any more: its bookmark stays as it is"
    )]
    Stale {
        /// The run.
        run: String,
        /// Its job.
        job: String,
    },
    /// No such job, or the store failed.
    #[error(transparent)]
    Jobs(#[from] JobsError),
}

/// Reads what runs of a job have read: all of them, or those after the run `from` up to the run `to`.
///
/// # Errors
/// `JobNotFound`; `InvalidInput` for runs that have not moved the bookmark, or one of them alone.
pub async fn known(
    tx: &mut Tx,
    scope: &Scope,
    job: &str,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<Known, JobsError> {
    let job = definition::get(tx, scope, job).await?;
    if from.is_some() != to.is_some() {
        return Err(JobsError::invalid("--job-bookmark-from and --job-bookmark-to must be given together"));
    }
    let version = head(tx, &job.incarnation).await?.map_or(0, |entry| entry.version);
    let range = match window(tx, &job.incarnation, from, to).await? {
        Window::Between { after, up_to } => Some((after, up_to)),
        Window::All | Window::New => None,
    };
    let (after, up_to) = range.unwrap_or((0, version));
    let rows = tx
        .query(
            "SELECT node, bucket, object_key, etag FROM jobs_bookmark_files \
             WHERE incarnation = $1 AND version > $2 AND version <= $3",
            &params![job.incarnation.as_str(), after, up_to],
        )
        .await?;
    let mut contexts: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for row in &rows {
        contexts.entry(row.get(0)?).or_default().insert(address(row, 1)?, row.get(3)?);
    }
    Ok(Known { version, again: range.is_some(), contexts })
}

/// The address of a file whose bucket is in the column `at` and whose key is in the next.
pub(super) fn address(row: &Row, at: usize) -> Result<String, JobsError> {
    let (bucket, key): (String, Vec<u8>) = (row.get(at)?, row.get(at + 1)?);
    let key = String::from_utf8_lossy(&key).into_owned();
    Ok(if bucket.is_empty() { key } else { format!("s3://{bucket}/{key}") })
}

/// Moves the bookmark and returns its new version, in the caller's transaction; of a run whose output is one commit, keeps
/// what is to be moved, and returns the version that it will have.
///
/// # Errors
/// [`CommitError`]; nothing is changed then.
pub async fn commit(tx: &mut Tx, scope: &Scope, commit: Commit) -> Result<i64, CommitError> {
    let job = definition::get(tx, scope, &commit.job_name).await?;
    let stale = || CommitError::Stale { run: commit.run_id.clone(), job: commit.job_name.clone() };
    let found = run::load(tx, &commit.run_id).await?.filter(|run| run.incarnation == job.incarnation);
    let name = found.ok_or_else(stale)?.lease_name();
    let lease = Lease { name, holder: String::new(), fence: commit.fence, ttl_ms: 0 };
    let run = run::still_ours(tx, &lease, &commit.run_id).await.map_err(|failure| match failure {
        RunFailure::Store(error) => CommitError::Jobs(error.into()),
        RunFailure::Jobs(error) => CommitError::Jobs(error),
        _ => stale(),
    })?;
    let input = run::input(tx, &run.id).await?.ok_or_else(stale)?;
    if script::atomic::wanted(&input.arguments)? {
        return held::hold(tx, &run, &commit).await;
    }
    let version = commit.version;
    match advance(tx, &run, version, &held::sources(commit)).await {
        Ok(version) => Ok(version),
        Err(AdvanceError::Jobs(error)) => Err(error.into()),
        Err(moved @ AdvanceError::Moved { .. }) => Err(CommitError::Moved(moved.to_string())),
    }
}

/// Commits the transaction of [`commit`], with the crash points around it.
///
/// # Errors
/// The store's.
pub async fn publish(tx: Tx) -> Result<(), JobsError> {
    crash::point(BEFORE_COMMIT);
    tx.commit().await?;
    crash::point(AFTER_COMMIT);
    Ok(())
}

/// A file by its address.
pub(super) fn processed(address: String, etag: String, size: u64, modified_ms: i64) -> Processed {
    let place = address.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
    let (bucket, key) = place.unwrap_or(("", &address));
    Processed { bucket: bucket.to_owned(), key: key.to_owned(), etag, modified_ms, size }
}
