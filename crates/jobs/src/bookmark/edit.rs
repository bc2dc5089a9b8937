//! Looking into a bookmark, and changing it by hand: what Glue's API has not.
//!
//! A bookmark is shown file by file, and of tables of databases by the last key ([`Table`]), in pages that all name its
//! version, so that a reader sees when it moved in between.
//! Changing it makes the next version, which belongs to no run: files that stay as they were keep the version of the run
//! that has read them, others get the new one, those left out are forgotten. Rewinding to a run later forgets what was
//! changed after that run; what was forgotten before is not brought back, and is read again.
//!
//! Both are refused while a run of the job has not ended: it was planned from the bookmark as it was, and would fail at
//! its end.

mod tables;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use store::{Row, Scope, Tx, params};

use super::script::{address, processed};
use super::{Entry, Processed, head, insert, of_run, remember};
use crate::definition::Job;
use crate::{JobsError, definition, run};

pub use tables::{Table, Tables};

/// Files in a page.
const PAGE: i64 = 20_000;
/// Versions that are shown, the newest.
const SHOWN_VERSIONS: i64 = 100;
/// The most files of a bookmark that is changed by hand: all of them are compared in memory.
const MAX_FILES: i64 = 500_000;

/// A file that was read, as it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct File {
    /// Its ETag.
    pub etag: String,
    /// Bytes.
    #[serde(default)]
    pub size: u64,
    /// When it was last changed, epoch milliseconds.
    #[serde(default)]
    pub modified_ms: i64,
    /// The version of the bookmark since which it is known; says nothing when a bookmark is set.
    #[serde(default)]
    pub version: i64,
}

/// By source node (or transformation context), then address (`s3://bucket/key`, or a script's local path).
pub type Sources = BTreeMap<String, BTreeMap<String, File>>;

/// A version of a bookmark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Version {
    /// Its number.
    pub version: i64,
    /// Which run of the job made it, from 1; 0 when it was set by hand or reset.
    pub run: i64,
    /// The run's attempt.
    pub attempt: i64,
    /// The run; empty when it was none.
    pub run_id: String,
    /// When, epoch milliseconds.
    pub committed_ms: i64,
}

/// Where the next page begins: after this file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct After {
    node: String,
    bucket: String,
    key: String,
}

/// What a bookmark is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Shown {
    /// The job.
    pub job_name: String,
    /// The version now; 0 when no run has moved it.
    pub version: i64,
    /// The newest versions, newest first, on every page.
    pub versions: Vec<Version>,
    /// The files of this page.
    pub sources: Sources,
    /// How far tables of databases were read, on every page.
    pub tables: Tables,
    /// Where the next page begins; `None` on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<After>,
}

/// What a bookmark is to be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Wanted {
    /// The job.
    pub job_name: String,
    /// The version that was looked at: it must be the present one.
    pub version: i64,
    /// All files that are to count as read.
    pub sources: Sources,
    /// Up to which key tables of databases are to count as read, all of them.
    pub tables: Tables,
}

/// What became of a bookmark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Changed {
    /// The job.
    pub job_name: String,
    /// The version now.
    pub version: i64,
    /// Files that count as read and did not, or with another ETag.
    pub added: u64,
    /// Files that count as read no more; they are read again.
    pub removed: u64,
    /// Tables of databases that count as read up to another key than before.
    pub tables: u64,
}

/// Shows a page of a job's bookmark.
///
/// # Errors
/// `JobNotFound`.
pub async fn show(tx: &mut Tx, scope: &Scope, name: &str, after: Option<After>) -> Result<Shown, JobsError> {
    let job = definition::get(tx, scope, name).await?;
    let version = head(tx, &job.incarnation).await?.map_or(0, |entry| entry.version);
    let (at, first) = match after {
        Some(after) => (after, false),
        None => (After { node: String::new(), bucket: String::new(), key: String::new() }, true),
    };
    let rows = tx
        .query(
            "SELECT node, bucket, object_key, etag, size, modified_ms, version FROM jobs_bookmark_files \
             WHERE incarnation = $1 AND ($2 = 1 OR node > $3 OR (node = $3 AND (bucket > $4 \
             OR (bucket = $4 AND object_key > $5)))) ORDER BY node, bucket, object_key LIMIT $6",
            &params![
                job.incarnation.as_str(),
                i64::from(first),
                at.node.as_str(),
                at.bucket.as_str(),
                at.key.as_bytes(),
                PAGE
            ],
        )
        .await?;
    let full = i64::try_from(rows.len()).unwrap_or(PAGE) == PAGE;
    let mut sources = Sources::new();
    for row in &rows {
        sources.entry(row.get(0)?).or_default().insert(address(row, 1)?, file(row)?);
    }
    let next = match rows.last() {
        Some(row) if full => Some(After {
            node: row.get(0)?,
            bucket: row.get(1)?,
            key: String::from_utf8_lossy(&row.get::<Vec<u8>>(2)?).into_owned(),
        }),
        _ => None,
    };
    let versions = versions(tx, &job).await?;
    let tables = tables::read(tx, &job).await?;
    Ok(Shown { job_name: name.to_owned(), version, versions, sources, tables, next })
}

fn file(row: &Row) -> Result<File, JobsError> {
    let size: i64 = row.get(4)?;
    Ok(File {
        etag: row.get(3)?,
        size: u64::try_from(size).unwrap_or(0),
        modified_ms: row.get(5)?,
        version: row.get(6)?,
    })
}

async fn versions(tx: &mut Tx, job: &Job) -> Result<Vec<Version>, JobsError> {
    let rows = tx
        .query(
            "SELECT version, run_number, attempt, run_id, committed_ms FROM jobs_bookmarks \
             WHERE incarnation = $1 ORDER BY version DESC LIMIT $2",
            &params![job.incarnation.as_str(), SHOWN_VERSIONS],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Version {
                version: row.get(0)?,
                run: row.get(1)?,
                attempt: row.get(2)?,
                run_id: row.get(3)?,
                committed_ms: row.get(4)?,
            })
        })
        .collect()
}

/// Makes a job's bookmark what is wanted.
///
/// # Errors
/// `JobNotFound`; `RunActive`; `InvalidInput` when the bookmark has moved since it was looked at, or for files and sources
/// that cannot be.
pub async fn set(tx: &mut Tx, scope: &Scope, wanted: Wanted) -> Result<Changed, JobsError> {
    let job = definition::get(tx, scope, &wanted.job_name).await?;
    check_idle(tx, &job).await?;
    let head = head(tx, &job.incarnation).await?;
    let current = head.as_ref().map_or(0, |entry| entry.version);
    if current != wanted.version {
        return Err(JobsError::invalid(format!(
            "the bookmark of job {} is at version {current}, not at version {}: show it again",
            job.name, wanted.version
        )));
    }
    let mut known = known(tx, &job).await?;
    check(&job, &wanted.sources, &known)?;
    let read = tables::read(tx, &job).await?;
    tables::check(&job, &wanted.tables, &read)?;
    let version = current + 1;
    let mut changed = Changed { job_name: wanted.job_name, version, added: 0, removed: 0, tables: 0 };
    for (node, files) in wanted.sources {
        let mut seen = known.remove(&node).unwrap_or_default();
        let mut new = Vec::new();
        for (address, file) in files {
            if seen.remove(&address).is_none_or(|etag| etag != file.etag) {
                new.push(processed(address, file.etag, file.size, file.modified_ms));
            }
        }
        changed.added += new.len() as u64;
        remember(tx, &job.incarnation, &node, &new, version).await?;
        changed.removed += forget(tx, &job, &node, seen).await?;
    }
    for (node, seen) in known {
        changed.removed += forget(tx, &job, &node, seen).await?;
    }
    changed.tables = tables::set(tx, &job, version, &wanted.tables, &read).await?;
    let previous_run_id = head.and_then(|head| head.last_run());
    let entry = Entry { version, run_number: 0, attempt: 0, run_id: String::new(), previous_run_id };
    insert(tx, &job.incarnation, &entry).await?;
    Ok(changed)
}

/// Brings a job's bookmark back to how a run left it.
///
/// # Errors
/// `JobNotFound`; `RunActive`; `InvalidInput` for a run that has not moved the bookmark, or whose move was undone.
pub async fn rewind(tx: &mut Tx, scope: &Scope, name: &str, run_id: &str) -> Result<Changed, JobsError> {
    let job = definition::get(tx, scope, name).await?;
    check_idle(tx, &job).await?;
    let Some(target) = of_run(tx, &job.incarnation, run_id).await? else {
        return Err(JobsError::invalid(format!("run {run_id} has not moved the bookmark of job {name}")));
    };
    let sql = "SELECT COUNT(*) FROM jobs_bookmark_files WHERE incarnation = $1 AND version > $2";
    let row = tx.query_opt(sql, &params![job.incarnation.as_str(), target.version]).await?;
    let removed: i64 = row.map_or(Ok(0), |row| row.get(0))?;
    let before = tables::read(tx, &job).await?;
    let (entry, _) = super::reset(tx, scope, name, Some(run_id)).await?;
    let removed = u64::try_from(removed).unwrap_or(0);
    let tables = tables::differing(&before, &tables::read(tx, &job).await?).len() as u64;
    Ok(Changed { job_name: name.to_owned(), version: entry.version, added: 0, removed, tables })
}

/// Fails while a run of the job has not ended; none begins before the transaction ends.
async fn check_idle(tx: &mut Tx, job: &Job) -> Result<(), JobsError> {
    run::lock(tx, &job.incarnation).await?;
    match run::any_active(tx, &job.incarnation).await? {
        None => Ok(()),
        Some(run) => Err(JobsError::RunActive { job: job.name.clone(), run }),
    }
}

/// By node, then address: the ETag.
type Etags = BTreeMap<String, HashMap<String, String>>;

async fn known(tx: &mut Tx, job: &Job) -> Result<Etags, JobsError> {
    let rows = tx
        .query(
            "SELECT node, bucket, object_key, etag FROM jobs_bookmark_files WHERE incarnation = $1 LIMIT $2",
            &params![job.incarnation.as_str(), MAX_FILES + 1],
        )
        .await?;
    if i64::try_from(rows.len()).unwrap_or(i64::MAX) > MAX_FILES {
        return Err(JobsError::invalid(format!(
            "the bookmark of job {} holds more than {MAX_FILES} files: it can be rewound and reset, not set",
            job.name
        )));
    }
    let mut known = Etags::new();
    for row in &rows {
        known.entry(row.get(0)?).or_default().insert(address(row, 1)?, row.get(3)?);
    }
    Ok(known)
}

/// A name that is nobody's would silently do nothing.
fn check(job: &Job, sources: &Sources, known: &Etags) -> Result<(), JobsError> {
    let Some(graph) = job.spec.graph()? else { return Ok(()) };
    for (node, files) in sources {
        let is_source = graph.node(node).is_some_and(|node| node.kind.is_source());
        if !is_source && !known.contains_key(node) {
            return Err(JobsError::invalid(format!("{node} is not a source of job {}", job.name)));
        }
        for address in files.keys() {
            let rest = address.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
            if rest.is_none_or(|(bucket, key)| bucket.is_empty() || key.is_empty()) {
                return Err(JobsError::invalid(format!("{node}: {address:?} is no s3://bucket/key")));
            }
        }
    }
    Ok(())
}

async fn forget(
    tx: &mut Tx,
    job: &Job,
    node: &str,
    addresses: HashMap<String, String>,
) -> Result<u64, JobsError> {
    let count = addresses.len() as u64;
    for (address, etag) in addresses {
        let Processed { bucket, key, .. } = processed(address, etag, 0, 0);
        tx.execute(
            "DELETE FROM jobs_bookmark_files WHERE incarnation = $1 AND node = $2 AND bucket = $3 AND object_key = $4",
            &params![job.incarnation.as_str(), node, bucket, key.as_bytes()],
        )
        .await?;
    }
    Ok(count)
}
