//! The operations on definitions. Each runs in the caller's transaction.

use std::collections::BTreeMap;

use store::{Row, Scope, Tx, params};

use super::{Job, JobSpec, ListQuery, Page, arn, check};
use crate::{JobsError, delivery};

const DEFAULT_PAGE: u32 = 100;
const MAX_NAME_BYTES: usize = 255;
const COLUMNS: &str = "name, incarnation, created_ms, modified_ms, document";

/// Creates a job; `tags` are kept under its ARN.
///
/// Sending the same definition again succeeds and changes nothing, as on AWS.
///
/// # Errors
/// `InvalidInput` naming field or node; `DifferentDefinition` when the name is taken.
pub async fn create(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    spec: JobSpec,
    tags: &BTreeMap<String, String>,
) -> Result<(), JobsError> {
    if name.trim().is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        return Err(JobsError::invalid(format!(
            "Name must be 1 to {MAX_NAME_BYTES} bytes of one line that is not blank"
        )));
    }
    let spec = check::complete(spec)?;
    match get(tx, scope, name).await {
        Ok(job) if job.spec == spec => return Ok(()),
        Ok(_) => return Err(JobsError::DifferentDefinition { name: name.to_owned() }),
        Err(JobsError::JobNotFound { .. }) => {}
        Err(other) => return Err(other),
    }
    let (now, incarnation, document) = (tx.now_ms(), tx.new_id(), to_json(&spec)?);
    tx.execute(
        "INSERT INTO jobs_definitions (account, region, name, incarnation, created_ms, modified_ms, document) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &params![scope.account.as_str(), scope.region.as_str(), name, incarnation, now, now, document],
    )
    .await?;
    if !tags.is_empty() {
        store::tags::set(tx, &arn(scope, name), tags).await?;
    }
    Ok(())
}

/// Reads one job.
///
/// # Errors
/// `JobNotFound`.
pub async fn get(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Job, JobsError> {
    let row = tx
        .query_opt(
            &format!(
                "SELECT {COLUMNS} FROM jobs_definitions WHERE account = $1 AND region = $2 AND name = $3"
            ),
            &params![scope.account.as_str(), scope.region.as_str(), name],
        )
        .await?;
    match row {
        Some(row) => from_row(&row),
        None => Err(JobsError::JobNotFound { name: name.to_owned() }),
    }
}

/// Reads the jobs of these names; the second part are the names that do not exist.
///
/// # Errors
/// Only those of the store.
pub async fn batch_get(
    tx: &mut Tx,
    scope: &Scope,
    names: &[String],
) -> Result<(Vec<Job>, Vec<String>), JobsError> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for name in names {
        match get(tx, scope, name).await {
            Ok(job) => found.push(job),
            Err(JobsError::JobNotFound { name }) => missing.push(name),
            Err(other) => return Err(other),
        }
    }
    Ok((found, missing))
}

/// Lists jobs in the order of their names.
///
/// # Errors
/// `InvalidInput` for a page size out of range.
pub async fn list(tx: &mut Tx, scope: &Scope, query: &ListQuery) -> Result<Page<Job>, JobsError> {
    let limit = query.limit.unwrap_or(DEFAULT_PAGE);
    if !(1..=1000).contains(&limit) {
        return Err(JobsError::invalid(format!("MaxResults {limit} is not between 1 and 1000")));
    }
    let limit = limit as usize;
    let mut items: Vec<Job> = Vec::new();
    let mut after = query.token.clone().unwrap_or_default();
    loop {
        let batch = page_after(tx, scope, &after, limit).await?;
        let exhausted = batch.len() <= limit;
        for job in batch {
            if items.len() == limit {
                let next = items.last().map(|last| last.name.clone());
                return Ok(Page { items, next });
            }
            after.clone_from(&job.name);
            if carries(tx, scope, &job.name, &query.tags).await? {
                items.push(job);
            }
        }
        if exhausted {
            return Ok(Page { items, next: None });
        }
    }
}

async fn page_after(tx: &mut Tx, scope: &Scope, after: &str, limit: usize) -> Result<Vec<Job>, JobsError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM jobs_definitions \
                 WHERE account = $1 AND region = $2 AND name > $3 ORDER BY name LIMIT $4"
            ),
            &params![scope.account.as_str(), scope.region.as_str(), after, limit as i64 + 1],
        )
        .await?;
    rows.iter().map(from_row).collect()
}

async fn carries(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    wanted: &BTreeMap<String, String>,
) -> Result<bool, JobsError> {
    if wanted.is_empty() {
        return Ok(true);
    }
    let tags = store::tags::get(tx, &arn(scope, name)).await?;
    Ok(wanted.iter().all(|(key, value)| tags.get(key) == Some(value)))
}

/// Replaces the definition of a job as a whole; name, tags, runs and bookmark stay.
///
/// # Errors
/// `JobNotFound`; `InvalidInput` naming field or node.
pub async fn update(tx: &mut Tx, scope: &Scope, name: &str, spec: JobSpec) -> Result<(), JobsError> {
    let job = get(tx, scope, name).await?;
    let spec = check::complete(spec)?;
    let (now, document) = (tx.now_ms(), to_json(&spec)?);
    tx.execute(
        "UPDATE jobs_definitions SET modified_ms = $1, document = $2 \
         WHERE account = $3 AND region = $4 AND name = $5 AND incarnation = $6",
        &params![now, document, scope.account.as_str(), scope.region.as_str(), name, job.incarnation],
    )
    .await?;
    Ok(())
}

/// The tables that hold rows of a job.
const TABLES: [&str; 8] = [
    "jobs_held_commits",
    "jobs_lineage_objects",
    "jobs_lineage",
    "jobs_bookmark_files",
    "jobs_bookmark_keys",
    "jobs_bookmarks",
    "jobs_runs",
    "jobs_definitions",
];

/// Deletes a job with its runs, bookmark and tags; a name that does not exist is no error, as on AWS.
///
/// A run that is being executed loses its row and with it the right to publish.
///
/// # Errors
/// `InvalidInput` while rows of a run, whose other output is published, are on their way to a database.
pub async fn delete(tx: &mut Tx, scope: &Scope, name: &str) -> Result<(), JobsError> {
    let job = match get(tx, scope, name).await {
        Ok(job) => job,
        Err(JobsError::JobNotFound { .. }) => return Ok(()),
        Err(other) => return Err(other),
    };
    if let Some(run) = delivery::on_its_way(tx, &job.incarnation).await? {
        return Err(JobsError::invalid(format!(
            "Job {name} cannot be deleted yet: rows of its run {run} are on their way to a database"
        )));
    }
    for table in TABLES {
        let sql = format!("DELETE FROM {table} WHERE incarnation = $1");
        tx.execute(&sql, &params![job.incarnation.as_str()]).await?;
    }
    store::tags::clear(tx, &arn(scope, name)).await?;
    Ok(())
}

fn to_json(spec: &JobSpec) -> Result<String, JobsError> {
    serde_json::to_string(spec).map_err(|source| JobsError::Damaged { what: "job definition", source })
}

fn from_row(row: &Row) -> Result<Job, JobsError> {
    let document: String = row.get(4)?;
    let spec = serde_json::from_str(&document)
        .map_err(|source| JobsError::Damaged { what: "job definition", source })?;
    Ok(Job {
        name: row.get(0)?,
        incarnation: row.get(1)?,
        created_ms: row.get(2)?,
        modified_ms: row.get(3)?,
        spec,
    })
}
