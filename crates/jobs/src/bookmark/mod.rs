//! Bookmarks: which object versions each source node of a job has processed.
//!
//! A file is known by bucket, key and ETag, not by its time: a file that arrives late (an old time, a
//! name before the last one read) is still new, and one that was rewritten with other bytes is read
//! again. Nothing is ever skipped because of a clock.
//!
//! Each commit that moves the bookmark gets the next version of its job. A run remembers the version
//! that it planned from; publishing checks that it is still the newest. So of two concurrent runs that
//! read the same new files, one publishes and the other fails and leaves nothing behind: no row is
//! processed twice. Versions are never used again, not even after a reset.
//!
//! An operator looks into it and changes it by hand with [`edit`].
//!
//! Of tables of databases it is known up to which key they were read ([`Keys`]): rows with later keys are new, whatever lies
//! between. A row that becomes visible with an earlier key (a transaction that took its number early and ended late) is
//! not seen, and one that was changed is not read again.
//!
//! Scripts keep their own books while they run ([`script`]): the nodes are their transformation contexts. What a script
//! commits whose output is one commit is kept until that ([`held`]).
//!
//! Resetting to a run forgets the files and keys of later versions and those versions themselves.

pub mod edit;
mod filter;
pub(crate) mod held;
mod keys;
pub mod script;
#[cfg(test)]
mod tests;

pub(crate) use filter::{Versioned, Window, filter};
pub(crate) use keys::{Keys, Since, remember as remember_keys, since};

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use store::{Row, Tx, Value as Sql, params};

use crate::run::Run;
use crate::{JobsError, definition, definition::Job};

const COLUMNS: &str = "version, run_number, attempt, run_id, previous_run_id";
const ROWS_PER_INSERT: usize = 1_000;

/// The state of a job's bookmark after one run (or reset).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Grows with each change of the job's bookmark.
    pub version: i64,
    /// Which run of the job it was, from 1; 0 after a reset to the beginning, and when it was set by hand.
    pub run_number: i64,
    /// The run's attempt.
    pub attempt: i64,
    /// The run; empty after a reset to the beginning, and when it was set by hand.
    pub run_id: String,
    /// The run whose bookmark it continued.
    pub previous_run_id: Option<String>,
}

impl Entry {
    /// The run that the next version continues.
    fn last_run(self) -> Option<String> {
        if self.run_id.is_empty() { self.previous_run_id } else { Some(self.run_id) }
    }
}

/// An object that a source node has read completely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Processed {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) etag: String,
    pub(crate) modified_ms: i64,
    pub(crate) size: u64,
}

/// Why a bookmark was not moved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdvanceError {
    /// Another run or a reset moved it since this run was planned.
    #[error(
        "the job's bookmark moved from version {planned} to {current} while the run was going on; \
         another run of the job may have processed the same files, so this one publishes nothing"
    )]
    Moved {
        /// The version that the run was planned from.
        planned: i64,
        /// The version now.
        current: i64,
    },
    #[error(transparent)]
    Jobs(#[from] JobsError),
}

/// The newest entry of a job.
pub(crate) async fn head(tx: &mut Tx, incarnation: &str) -> Result<Option<Entry>, JobsError> {
    let sql =
        format!("SELECT {COLUMNS} FROM jobs_bookmarks WHERE incarnation = $1 ORDER BY version DESC LIMIT 1");
    tx.query_opt(&sql, &params![incarnation]).await?.as_ref().map(entry).transpose()
}

async fn of_run(tx: &mut Tx, incarnation: &str, run_id: &str) -> Result<Option<Entry>, JobsError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM jobs_bookmarks WHERE incarnation = $1 AND run_id = $2 ORDER BY version DESC LIMIT 1"
    );
    tx.query_opt(&sql, &params![incarnation, run_id]).await?.as_ref().map(entry).transpose()
}

fn entry(row: &Row) -> Result<Entry, JobsError> {
    Ok(Entry {
        version: row.get(0)?,
        run_number: row.get(1)?,
        attempt: row.get(2)?,
        run_id: row.get(3)?,
        previous_run_id: row.get(4)?,
    })
}

/// Checks that both runs of a paused range have moved the bookmark, in this order.
pub(crate) async fn check_range(
    tx: &mut Tx,
    incarnation: &str,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<(), JobsError> {
    window(tx, incarnation, from, to).await.map(|_| ())
}

/// The window of versions between two runs; without both of them, what no run has processed.
pub(crate) async fn window(
    tx: &mut Tx,
    incarnation: &str,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<Window, JobsError> {
    let (Some(from), Some(to)) = (from, to) else { return Ok(Window::New) };
    let (mut versions, mut missing) = (Vec::new(), Vec::new());
    for id in [from, to] {
        match of_run(tx, incarnation, id).await? {
            Some(entry) => versions.push(entry.version),
            None => missing.push(id),
        }
    }
    match versions.as_slice() {
        [after, up_to] if after <= up_to => Ok(Window::Between { after: *after, up_to: *up_to }),
        [_, _] => Err(JobsError::invalid("--job-bookmark-from is a later run than --job-bookmark-to")),
        _ => Err(JobsError::invalid(format!(
            "run {} has not moved the bookmark of this job",
            missing.join(" and ")
        ))),
    }
}

/// Records what a run has processed as the next version.
pub(crate) async fn advance(
    tx: &mut Tx,
    run: &Run,
    planned: i64,
    sources: &[(String, Vec<Processed>)],
) -> Result<i64, AdvanceError> {
    let head = head(tx, &run.incarnation).await?;
    let current = head.as_ref().map_or(0, |entry| entry.version);
    if current != planned {
        return Err(AdvanceError::Moved { planned, current });
    }
    let entry = Entry {
        version: current + 1,
        run_number: run.seq,
        attempt: i64::from(run.details.attempt),
        run_id: run.id.clone(),
        previous_run_id: head.and_then(Entry::last_run),
    };
    insert(tx, &run.incarnation, &entry).await?;
    for (node, files) in sources {
        for chunk in files.chunks(ROWS_PER_INSERT) {
            remember(tx, &run.incarnation, node, chunk, entry.version).await?;
        }
    }
    Ok(entry.version)
}

async fn insert(tx: &mut Tx, incarnation: &str, entry: &Entry) -> Result<(), JobsError> {
    tx.execute(
        "INSERT INTO jobs_bookmarks \
         (incarnation, version, run_number, attempt, run_id, previous_run_id, committed_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &params![
            incarnation,
            entry.version,
            entry.run_number,
            entry.attempt,
            entry.run_id.as_str(),
            entry.previous_run_id.clone(),
            tx.now_ms()
        ],
    )
    .await?;
    Ok(())
}

/// Replaces the rows of these files: the version of a rewritten file is the newest only. A file may be given several
/// times: partitions of a table may lie in one folder.
async fn remember(
    tx: &mut Tx,
    incarnation: &str,
    node: &str,
    files: &[Processed],
    version: i64,
) -> Result<(), JobsError> {
    let files: BTreeMap<_, _> = files.iter().map(|file| ((&file.bucket, &file.key), file)).collect();
    for file in files.values() {
        tx.execute(
            "DELETE FROM jobs_bookmark_files WHERE incarnation = $1 AND node = $2 AND bucket = $3 AND object_key = $4",
            &params![incarnation, node, file.bucket.as_str(), file.key.as_bytes()],
        )
        .await?;
    }
    let rows: Vec<Vec<Sql>> = files
        .values()
        .map(|file| {
            params![
                incarnation,
                node,
                file.bucket.as_str(),
                file.key.as_bytes(),
                file.etag.as_str(),
                file.modified_ms,
                i64::try_from(file.size).unwrap_or(i64::MAX),
                version
            ]
            .to_vec()
        })
        .collect();
    let columns = ["incarnation", "node", "bucket", "object_key", "etag", "modified_ms", "size", "version"];
    tx.insert_many("jobs_bookmark_files", &columns, &rows).await?;
    Ok(())
}

/// Reads a job's bookmark: the newest, or as `run_id` left it; with it, per source node what it covers.
///
/// # Errors
/// `JobNotFound`; `BookmarkNotFound` when no run has moved it (or not that run).
pub async fn get(
    tx: &mut Tx,
    scope: &store::Scope,
    name: &str,
    run_id: Option<&str>,
) -> Result<(Entry, Value), JobsError> {
    let job = definition::get(tx, scope, name).await?;
    let entry = match run_id {
        None => head(tx, &job.incarnation).await?,
        Some(id) => of_run(tx, &job.incarnation, id).await?,
    };
    let entry = entry.ok_or_else(|| JobsError::BookmarkNotFound { job: name.to_owned() })?;
    let summary = summary(tx, &job, entry.version).await?;
    Ok((entry, summary))
}

/// Resets a job's bookmark: to how `run_id` left it, or to the beginning.
///
/// # Errors
/// `JobNotFound`; `BookmarkNotFound` when there is none (or that run did not move it).
pub async fn reset(
    tx: &mut Tx,
    scope: &store::Scope,
    name: &str,
    run_id: Option<&str>,
) -> Result<(Entry, Value), JobsError> {
    let job = definition::get(tx, scope, name).await?;
    let not_found = || JobsError::BookmarkNotFound { job: name.to_owned() };
    let head = head(tx, &job.incarnation).await?.ok_or_else(not_found)?;
    let target = match run_id {
        None => None,
        Some(id) => Some(of_run(tx, &job.incarnation, id).await?.ok_or_else(not_found)?),
    };
    let keep = target.as_ref().map_or(0, |entry| entry.version);
    for table in ["jobs_bookmark_files", "jobs_bookmark_keys", "jobs_bookmarks"] {
        let sql = format!("DELETE FROM {table} WHERE incarnation = $1 AND version > $2");
        tx.execute(&sql, &params![job.incarnation.as_str(), keep]).await?;
    }
    let start = Entry { version: 0, run_number: 0, attempt: 0, run_id: String::new(), previous_run_id: None };
    let entry = Entry { version: head.version + 1, ..target.unwrap_or(start) };
    insert(tx, &job.incarnation, &entry).await?;
    let summary = summary(tx, &job, entry.version).await?;
    Ok((entry, summary))
}

async fn summary(tx: &mut Tx, job: &Job, version: i64) -> Result<Value, JobsError> {
    let rows = tx
        .query(
            "SELECT node, COUNT(*), CAST(SUM(size) AS BIGINT), MAX(modified_ms) FROM jobs_bookmark_files \
             WHERE incarnation = $1 AND version <= $2 GROUP BY node ORDER BY node",
            &params![job.incarnation.as_str(), version],
        )
        .await?;
    let mut nodes = Map::new();
    for row in &rows {
        let mut node = Map::new();
        node.insert("files".to_owned(), Value::from(row.get::<i64>(1)?));
        node.insert("bytes".to_owned(), Value::from(row.get::<i64>(2)?));
        node.insert("latestModifiedMs".to_owned(), Value::from(row.get::<i64>(3)?));
        nodes.insert(row.get(0)?, Value::Object(node));
    }
    for (node, keys) in keys::all(tx, &job.incarnation, version).await? {
        nodes.insert(node, keys.summary());
    }
    Ok(Value::Object(nodes))
}

/// An entry as Glue's `JobBookmarkEntry`; `JobBookmark` is JSON text: per source node the number and bytes of the
/// files that it has processed and the time of the newest, or the key up to which it has read a table of a database.
pub fn to_document(job: &str, entry: &Entry, summary: &Value) -> Value {
    let mut out = Map::new();
    out.insert("JobName".to_owned(), Value::from(job));
    out.insert("Version".to_owned(), Value::from(entry.version));
    out.insert("Run".to_owned(), Value::from(entry.run_number));
    out.insert("Attempt".to_owned(), Value::from(entry.attempt));
    if let Some(previous) = &entry.previous_run_id {
        out.insert("PreviousRunId".to_owned(), Value::from(previous.clone()));
    }
    if !entry.run_id.is_empty() {
        out.insert("RunId".to_owned(), Value::from(entry.run_id.clone()));
    }
    out.insert("JobBookmark".to_owned(), Value::from(summary.to_string()));
    Value::Object(out)
}
