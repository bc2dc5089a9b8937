//! What a name means that a walk is to begin at.

use serde::Serialize;
use store::{Scope, Tx, params};

use crate::JobsError;
use crate::definition::{self, Job};

/// Where a walk begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "Kind", rename_all_fields = "PascalCase")]
pub enum Start {
    /// A table of the catalog.
    Table {
        /// `database.table`.
        name: String,
        /// Where its files are.
        #[serde(skip_serializing_if = "Option::is_none")]
        location: Option<String>,
    },
    /// A folder, an object, or a table of a database.
    Path {
        /// `s3://bucket/…`, `postgres://…`, `mysql://…`.
        location: String,
    },
    /// A job.
    Job {
        /// Its name.
        name: String,
    },
}

/// What a name means.
pub(super) async fn start(tx: &mut Tx, scope: &Scope, name: &str) -> Result<(Start, Option<Job>), JobsError> {
    let rest = lake::s3_path(name);
    if let Some(rest) = rest {
        let (location, folder) = (format!("s3://{rest}"), folder_of(&format!("s3://{rest}")));
        // Without a slash at its end a folder looks like an object.
        let location = if is_folder(tx, scope, &folder).await? { folder } else { location };
        return Ok((Start::Path { location }, None));
    }
    if name.contains("://") {
        // The address of a table in a database, as it is recorded.
        return Ok((Start::Path { location: name.to_owned() }, None));
    }
    if let Some((database, table)) = name.split_once('.') {
        let name = name.to_lowercase();
        let location = match catalog::table::get(tx, scope, database, table).await {
            Ok(table) => Some(folder_of(table.location().unwrap_or_default())),
            Err(catalog::CatalogError::Store(error)) => return Err(error.into()),
            Err(_) => None,
        };
        if location.is_some() || is_known(tx, scope, &name).await? {
            let location = location.filter(|location| !location.is_empty());
            return Ok((Start::Table { name, location }, None));
        }
    }
    let job = definition::get(tx, scope, name).await?;
    Ok((Start::Job { name: job.name.clone() }, Some(job)))
}

/// A location of files as it is recorded: a folder ends in `/`.
pub(crate) fn folder_of(location: &str) -> String {
    let rest = lake::s3_path(location);
    match rest {
        Some(rest) if !rest.is_empty() => format!("s3://{}/", rest.trim_end_matches('/')),
        _ => location.to_owned(),
    }
}

/// Whether runs have read or written anything in a folder.
async fn is_folder(tx: &mut Tx, scope: &Scope, folder: &str) -> Result<bool, JobsError> {
    let datasets = "SELECT 1 FROM jobs_lineage WHERE account = $1 AND region = $2 \
                    AND location >= $3 AND location < $4 LIMIT 1";
    let objects = "SELECT 1 FROM jobs_lineage_objects o JOIN jobs_lineage l ON l.incarnation = o.incarnation \
                   AND l.seq = o.seq AND l.ordinal = o.ordinal WHERE l.account = $1 AND l.region = $2 \
                   AND o.location >= $3 AND o.location < $4 LIMIT 1";
    let end = end_of(folder);
    let values = params![scope.account.as_str(), scope.region.as_str(), folder.as_bytes(), end.as_bytes()];
    for sql in [datasets, objects] {
        if tx.query_opt(sql, &values).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What comes after everything in a folder, in the order of bytes.
pub(super) fn end_of(folder: &str) -> String {
    format!("{}0", folder.trim_end_matches('/'))
}

async fn is_known(tx: &mut Tx, scope: &Scope, table: &str) -> Result<bool, JobsError> {
    let sql = "SELECT 1 FROM jobs_lineage WHERE account = $1 AND region = $2 AND table_name = $3 LIMIT 1";
    let row = tx.query_opt(sql, &params![scope.account.as_str(), scope.region.as_str(), table]).await?;
    Ok(row.is_some())
}
