//! Places with files, and the tables that are found there.

use catalog::Table;
use lake::BucketName;

use super::changed::tables_of;
use super::describe::UPDATED_BY;
use super::incremental::with_slash;
use super::{Ended, Job};
use crate::definition::S3Target;
use crate::error::CrawlerError;
use crate::plan::TablePlan;

/// A table found in a target.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) bucket: BucketName,
    pub(crate) plan: TablePlan,
    pub(crate) exclusions: Vec<String>,
    /// Where the table goes.
    pub(crate) database: String,
    /// The table that a catalog target names.
    pub(crate) owner: Option<Box<Table>>,
    /// How many files of a folder were looked at, at most.
    pub(crate) sample: Option<u32>,
}

/// A place to look at.
pub(crate) struct Place {
    pub(crate) bucket: BucketName,
    pub(crate) path: String,
    pub(crate) exclusions: Vec<String>,
    pub(crate) sample: Option<u32>,
}

impl Place {
    /// Of an S3 target.
    pub(crate) fn of(target: &S3Target) -> Result<Self, CrawlerError> {
        let (bucket, path) = target.place()?;
        let sample = target.sample_size.and_then(|most| u32::try_from(most).ok());
        Ok(Self { bucket, path, exclusions: target.exclusions.clone(), sample })
    }

    /// Its folder with a `/`, as a key prefix. A path without a slash at its end is a folder, or, when there is such an
    /// object, one file.
    pub(crate) fn prefix(&self) -> String {
        let path = &self.path;
        if path.is_empty() || path.ends_with('/') { path.clone() } else { format!("{path}/") }
    }

    /// A table in it, of the crawler's database.
    pub(crate) fn found(&self, job: &Job<'_>, plan: TablePlan) -> Found {
        // Glue's parameter gives them as whole paths.
        let whole = format!("s3://{}/{}", self.bucket.as_str(), self.prefix());
        Found {
            bucket: self.bucket.clone(),
            plan,
            exclusions: self.exclusions.iter().map(|pattern| format!("{whole}{pattern}")).collect(),
            database: job.database().to_owned(),
            owner: None,
            sample: self.sample,
        }
    }
}

/// Whether a path that holds nothing did: a table of the crawler says so. Tables that are targets themselves say nothing.
pub(super) async fn emptied(job: &Job<'_>, path: &str) -> Result<bool, Ended> {
    if !job.definition.targets.catalog_targets.is_empty() {
        return Ok(false);
    }
    let within = |table: &Table| {
        table.parameter(UPDATED_BY) == Some(job.definition.name.as_str())
            && table.location().is_some_and(|location| with_slash(location).starts_with(&with_slash(path)))
    };
    Ok(!tables_of(job, job.database(), within).await?.is_empty())
}
