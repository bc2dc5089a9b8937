//! Tables and partitions of this crawler whose files are gone, by the crawler's `DeleteBehavior`.
//!
//! A table is judged only when it is this crawler's own, lies within a target that could be read, and was not found by this
//! run. If there are still files below its location that no found table covers (files that could not be read), it is left
//! alone. If found tables cover them all (folders are grouped otherwise than before), it is deprecated and never deleted: what
//! people wrote about it is not lost. Of targets that are no files these say themselves what is gone.
//!
//! A partition is no more than its folder: whether this is empty, or holds what its table cannot read any more, it goes the
//! way of `DeleteBehavior`; the log tells which. Where a file could not be read (damaged, unknown) it stays: a query names the file.

use std::collections::HashSet;

use catalog::{CatalogError, Parameters, PartitionInput, TableInput, partition, table};
use formats::hive::is_hidden;
use lake::{BucketName, LakeError, ListQuery};

use super::covers::{Covers, Left, left, misread};
use super::describe::{DEPRECATED_BY, UPDATED_BY};
use super::incremental::with_slash;
use super::publish::Wrote;
use super::{Ended, Job};
use crate::definition::{DeleteBehavior, S3Target};
use crate::error::CrawlerError;
use crate::targets::Target;
use crate::words::named_some;

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
    pub(super) async fn tables(&self, job: &Job<'_>, written: &[Wrote]) -> Result<(), Ended> {
        let names: HashSet<&str> = written.iter().map(|one| one.name.as_str()).collect();
        let covers = Covers::of(written);
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
                if own && !names.contains(found.name.as_str()) && is_to_judge(job, &found) {
                    self.judge(job, &found, &covers).await?;
                }
            }
            match page.next {
                Some(next) => token = Some(next),
                None => return Ok(()),
            }
        }
    }

    pub(super) async fn judge(
        &self,
        job: &Job<'_>,
        found: &table::Table,
        covers: &Covers<'_>,
    ) -> Result<(), Ended> {
        let policy = job.definition.schema_change_policy.delete_behavior;
        if let Some(target) = self.others.iter().find(|target| target.is_gone(found)) {
            return Ok(remove(job, found, policy, &format!("{} has it no longer", target.label())).await?);
        }
        let Some(location) = found.location() else { return Ok(()) };
        if !self.within_files(location)? {
            return Ok(());
        }
        let name = &found.name;
        let Left { tables, uncovered } = left(job, location, covers).await?;
        if tables.is_empty() && !uncovered {
            return Ok(remove(job, found, policy, "its files are gone, or hold no byte").await?);
        }
        if found.parameter(DEPRECATED_BY).is_some() {
            return Ok(());
        }
        let misread = misread(job, found, tables.values().copied()).await?;
        if uncovered {
            job.log
                .warn(format!("Table {name} was not found again, but {location} still holds files{misread}"));
            return Ok(());
        }
        let tables: Vec<&str> = tables.into_keys().collect();
        let why = format!("its files belong to {} now", tables.join(", "));
        job.log.warn(format!("Table {name} was not found again: {why} ({location}){misread}"));
        let kept = match policy {
            DeleteBehavior::DeleteFromDatabase => DeleteBehavior::DeprecateInDatabase,
            other => other,
        };
        Ok(remove(job, found, kept, &why).await?)
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

/// Whether a table is not known to be gone already; where such are deleted, those that an earlier crawl marked are, too.
fn is_to_judge(job: &Job<'_>, found: &table::Table) -> bool {
    deletes(job) || found.parameter(DEPRECATED_BY).is_none()
}

fn deletes(job: &Job<'_>) -> bool {
    job.definition.schema_change_policy.delete_behavior == DeleteBehavior::DeleteFromDatabase
}

/// Whether a file that a crawl would look at lies at or below `location`.
pub(super) async fn holds_files(job: &Job<'_>, location: &str) -> Result<bool, CrawlerError> {
    any_file(job, location, |_| true).await
}

/// Whether `wanted` is true of some file at or below `location` that a crawl would look at.
pub(super) async fn any_file(
    job: &Job<'_>,
    location: &str,
    mut wanted: impl FnMut(&str) -> bool,
) -> Result<bool, CrawlerError> {
    let rest = location.strip_prefix("s3://").unwrap_or_default();
    let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let bucket = BucketName::new(name)?;
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
            if visible && object.size > 0 && wanted(&format!("s3://{name}/{key}")) {
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
async fn remove(
    job: &Job<'_>,
    found: &table::Table,
    policy: DeleteBehavior,
    why: &str,
) -> Result<(), CrawlerError> {
    let (name, database) = (&found.name, job.database());
    let mut tx = job.begin().await?;
    let what = match policy {
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
                Err(CrawlerError::Catalog(
                    CatalogError::TableNotFound { .. } | CatalogError::VersionConflict { .. },
                )) => return Ok(()),
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
            if own && !found.contains(partition.values()) && (deletes(job) || !known_gone(&partition)) {
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

/// Does with partitions that were not found as the crawler says: with empty ones, and with those whose files their table
/// cannot read any more, or that lie elsewhere. Those with files that this run could not read stay.
pub(super) async fn remove_partitions(
    job: &Job<'_>,
    place: (&str, &str),
    gone: &[PartitionInput],
) -> Result<(), CrawlerError> {
    let (mut empty, mut other, mut folders, mut unread) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for partition in gone {
        let location = partition.storage_descriptor.as_ref().and_then(|d| d.location.as_deref());
        match location {
            Some(location) if job.unread.any_in(&with_slash(location)) => unread.push(location.to_owned()),
            Some(location) if holds_files(job, location).await? => {
                folders.push(location.to_owned());
                other.push(partition.clone());
            }
            _ => empty.push(partition.clone()),
        }
    }
    if !unread.is_empty() {
        job.log.warn(format!(
            "table {}: files in {} could not be read (lines above name them): these partitions stay as they are, and queries \
             on them may fail",
            place.1,
            named_some(&unread, 20)
        ));
    }
    if !folders.is_empty() {
        job.log.warn(format!(
            "table {}: {} hold files, but are no partitions of it any more: its definition does not read them, or \
             they belong to other tables",
            place.1,
            named_some(&folders, 20)
        ));
    }
    remove_some(job, place, &empty, "their files are gone, or hold no byte").await?;
    remove_some(job, place, &other, "what lies there is none of its rows").await
}

async fn remove_some(
    job: &Job<'_>,
    place: (&str, &str),
    gone: &[PartitionInput],
    why: &str,
) -> Result<(), CrawlerError> {
    if gone.is_empty() {
        return Ok(());
    }
    let (name, count) = (place.1, gone.len());
    let mut tx = job.begin().await?;
    let what = match job.definition.schema_change_policy.delete_behavior {
        DeleteBehavior::Log => {
            job.log
                .info(format!("INFO : {count} partitions of table {name} stay (DeleteBehavior LOG): {why}"));
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
                (p.clone(), PartitionInput { parameters, ..p.clone() })
            });
            job.put_partitions(&mut tx, place, Vec::new(), marked.collect()).await?;
            "Deprecated"
        }
    };
    job.count_in(&mut tx, |counts| counts.partitions_deleted += count as u64).await?;
    job.commit(tx).await?;
    job.log.info(format!("INFO : {what} {count} partitions of table {name}: {why}"));
    Ok(())
}
