//! Tables and partitions of this crawler whose files are gone, by the crawler's `DeleteBehavior`.
//!
//! A table is judged only when it is this crawler's own, lies within a target that could be read, and was not found by this
//! run. If there are still files below its location that no found table covers (files that could not be read), it is left
//! alone. Of targets that are no files these say themselves what is gone.

use std::collections::HashSet;

use catalog::{CatalogError, Parameters, TableInput, partition, table};
use lake::{BucketName, LakeError, ListQuery};

use super::describe::{DEPRECATED_BY, UPDATED_BY};
use super::survey::is_hidden;
use super::{Ended, Job};
use crate::definition::{DeleteBehavior, S3Target};
use crate::error::CrawlerError;
use crate::targets::Target;

/// Tables and partitions per page.
const PAGE: usize = 500;

/// What vanished tables are judged by.
#[derive(Default)]
pub(super) struct Gone {
    /// Targets whose files were listed to the end.
    pub(super) surveyed: Vec<S3Target>,
    /// Targets that are no files, after their survey.
    pub(super) others: Vec<Box<dyn Target>>,
}

impl Gone {
    /// Deals with tables that this run did not find.
    pub(super) async fn tables(
        &self,
        job: &Job<'_>,
        written: &HashSet<String>,
        locations: &[String],
    ) -> Result<(), Ended> {
        let mut token: Option<String> = None;
        loop {
            job.go_on()?;
            let mut tx = job.ground.store.read().await.map_err(CrawlerError::from)?;
            let query = table::TableQuery { pattern: None, token: token.as_deref(), limit: PAGE };
            let page = match table::list(&mut tx, job.scope, job.database(), &query).await {
                Ok(page) => page,
                // A preview has not made the database, and somebody may have deleted it.
                Err(CatalogError::DatabaseNotFound { .. }) => return Ok(()),
                Err(error) => return Err(CrawlerError::from(error).into()),
            };
            drop(tx);
            for found in page.items {
                let own = found.parameter(UPDATED_BY) == Some(job.definition.name.as_str());
                if own && !written.contains(&found.name) && found.parameter(DEPRECATED_BY).is_none() {
                    self.judge(job, &found, locations).await?;
                }
            }
            match page.next {
                Some(next) => token = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn judge(&self, job: &Job<'_>, found: &table::Table, locations: &[String]) -> Result<(), Ended> {
        if let Some(target) = self.others.iter().find(|target| target.is_gone(found)) {
            return Ok(remove(job, found, &format!("{} has it no longer", target.label())).await?);
        }
        let Some(location) = found.location() else { return Ok(()) };
        if !self.within_files(location)? {
            return Ok(());
        }
        let covered = locations.iter().any(|l| l.starts_with(location) || location.starts_with(l.as_str()));
        if !covered && holds_files(job, location).await? {
            job.log
                .warn(format!("Table {} was not found again, but {location} still holds files", found.name));
            return Ok(());
        }
        Ok(remove(job, found, "its files are gone").await?)
    }

    fn within_files(&self, location: &str) -> Result<bool, CrawlerError> {
        for target in &self.surveyed {
            let (bucket, path) = target.place()?;
            let target = format!("s3://{}/{path}", bucket.as_str());
            if location.starts_with(&target) || location.trim_end_matches('/') == target.trim_end_matches('/')
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether a file that a crawl would look at lies at or below `location`.
async fn holds_files(job: &Job<'_>, location: &str) -> Result<bool, CrawlerError> {
    let rest = location.strip_prefix("s3://").unwrap_or_default();
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let bucket = BucketName::new(bucket)?;
    let mut after = None;
    loop {
        let mut tx = job.ground.store.read().await?;
        let query = ListQuery { prefix: prefix.to_owned(), delimiter: None, after, limit: PAGE };
        let page = match job.ground.lake.list(&mut tx, &bucket, &query).await {
            Ok(page) => page,
            Err(LakeError::NoSuchBucket { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        for object in &page.objects {
            let key = object.key.as_str();
            let relative = key.strip_prefix(prefix).unwrap_or_default();
            let visible =
                key == prefix || (prefix.is_empty() || prefix.ends_with('/')) && !is_hidden(relative);
            if visible && object.size > 0 {
                return Ok(true);
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(false),
        }
    }
}

fn deprecated(parameters: Option<Parameters>, now_ms: i64) -> Option<Parameters> {
    let mut parameters = parameters.unwrap_or_default();
    parameters.insert(DEPRECATED_BY.to_owned(), now_ms.to_string());
    Some(parameters)
}

/// Does with a vanished table as the crawler says. `why`: how it is known to be gone.
async fn remove(job: &Job<'_>, found: &table::Table, why: &str) -> Result<(), CrawlerError> {
    let (name, database) = (&found.name, job.database());
    let mut tx = job.begin().await?;
    let what = match job.definition.schema_change_policy.delete_behavior {
        DeleteBehavior::Log => {
            job.leave_table(found, None, "LOG");
            job.log.info(format!("INFO : Table {name}: {why}; it is left as it is (DeleteBehavior LOG)"));
            return Ok(());
        }
        DeleteBehavior::DeleteFromDatabase => match job.remove_table(&mut tx, found, "DELETE").await {
            // Somebody was faster.
            Err(CrawlerError::Catalog(CatalogError::TableNotFound { .. })) => return Ok(()),
            other => {
                other?;
                "Deleted"
            }
        },
        DeleteBehavior::DeprecateInDatabase => {
            let parameters = deprecated(found.input.parameters.clone(), tx.now_ms());
            let input = TableInput { parameters, name: name.clone(), ..found.input.clone() };
            match job.replace_table(&mut tx, found, input, true, "DEPRECATE").await {
                Err(CrawlerError::Catalog(CatalogError::TableNotFound { .. })) => return Ok(()),
                other => {
                    other?;
                    "Deprecated"
                }
            }
        }
    };
    job.count_in(&mut tx, |counts| counts.tables_deleted.push(name.clone())).await?;
    job.commit(tx).await?;
    job.log.info(format!("INFO : {what} table {name} in database {database}: {why}"));
    Ok(())
}

/// Deals with partitions of table `name` that are not among `found`.
pub(super) async fn partitions(
    job: &Job<'_>,
    (database, name): (&str, &str),
    found: &HashSet<Vec<String>>,
) -> Result<(), Ended> {
    let mut token: Option<String> = None;
    let mut gone = Vec::new();
    loop {
        job.go_on()?;
        let mut tx = job.ground.store.read().await.map_err(CrawlerError::from)?;
        let query = partition::PartitionQuery { after: token.as_deref(), limit: PAGE, ..Default::default() };
        let page = match partition::list(&mut tx, job.scope, database, name, &query).await {
            Ok(page) => page,
            Err(CatalogError::TableNotFound { .. } | CatalogError::DatabaseNotFound { .. }) => return Ok(()),
            Err(error) => return Err(CrawlerError::from(error).into()),
        };
        drop(tx);
        let known_gone = |p: &partition::Partition| {
            p.input.parameters.as_ref().is_some_and(|parameters| parameters.contains_key(DEPRECATED_BY))
        };
        for partition in page.items {
            let own = partition.input.parameters.as_ref().and_then(|p| p.get(UPDATED_BY));
            let own = own.map(String::as_str) == Some(job.definition.name.as_str());
            if own && !found.contains(partition.values()) && !known_gone(&partition) {
                gone.push(partition.input);
            }
        }
        match page.next {
            Some(next) => token = Some(next),
            None => break,
        }
    }
    for some in gone.chunks(PAGE) {
        job.go_on()?;
        match remove_partitions(job, (database, name), some).await {
            // Somebody drops the table.
            Err(CrawlerError::Catalog(CatalogError::TableNotFound { .. })) => return Ok(()),
            other => other?,
        }
    }
    Ok(())
}

async fn remove_partitions(
    job: &Job<'_>,
    place: (&str, &str),
    gone: &[catalog::PartitionInput],
) -> Result<(), CrawlerError> {
    let (name, count) = (place.1, gone.len());
    let mut tx = job.begin().await?;
    let what = match job.definition.schema_change_policy.delete_behavior {
        DeleteBehavior::Log => {
            job.log
                .info(format!("INFO : {count} partitions of table {name} have no files any more and stay"));
            return Ok(());
        }
        DeleteBehavior::DeleteFromDatabase => {
            job.remove_partitions(&mut tx, place, gone).await?;
            "Deleted"
        }
        DeleteBehavior::DeprecateInDatabase => {
            let now_ms = tx.now_ms();
            let marked = gone.iter().map(|p| {
                let parameters = deprecated(p.parameters.clone(), now_ms);
                (p.clone(), catalog::PartitionInput { parameters, ..p.clone() })
            });
            job.put_partitions(&mut tx, place, Vec::new(), marked.collect()).await?;
            "Deprecated"
        }
    };
    job.count_in(&mut tx, |counts| counts.partitions_deleted += count as u64).await?;
    job.commit(tx).await?;
    job.log.info(format!("INFO : {what} {count} partitions of table {name}: their files are gone"));
    Ok(())
}
