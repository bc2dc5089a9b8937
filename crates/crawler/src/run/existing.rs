//! Catalog targets: the locations of tables that are there are crawled, and these tables brought up to date.
//!
//! Source: Glue Developer Guide, Crawling existing Data Catalog tables. Files are grouped as by `CombineCompatibleSchemas`;
//! no table is made or deleted.

use catalog::{CatalogError, Table, table};
use lake::BucketName;

use super::grouped::planned;
use super::naming::is_open;
use super::survey::{Found, Looked, Place};
use super::{Ended, Job};
use crate::definition::CatalogTarget;
use crate::error::CrawlerError;
use crate::plan::{Grouping, is_unnamed, key_value};
use crate::words::named_some;

/// So many folders are named.
const NAMED: usize = 20;

/// Surveys the tables of a target. Errors: one of them does not exist.
pub(super) async fn survey(
    job: &Job<'_>,
    target: &CatalogTarget,
    looked: &mut Looked,
) -> Result<Vec<Found>, Ended> {
    let mut all = Vec::new();
    for name in &target.tables {
        job.go_on()?;
        let mut tx = job.ground.store.read().await.map_err(CrawlerError::from)?;
        let table = match table::get(&mut tx, job.scope, &target.database_name, name).await {
            Ok(table) => table,
            Err(
                error @ (CatalogError::TableNotFound { .. }
                | CatalogError::DatabaseNotFound { .. }
                | CatalogError::TargetNotFound { .. }),
            ) => {
                let place = format!("{}.{name}", target.database_name);
                return Err(Ended::Failed(format!("The table {place} of a catalog target: {error}")));
            }
            Err(error) => return Err(CrawlerError::from(error).into()),
        };
        drop(tx);
        all.extend(one(job, table, looked).await?);
    }
    Ok(all)
}

async fn one(job: &Job<'_>, table: Table, looked: &mut Looked) -> Result<Option<Found>, Ended> {
    if is_open(&table) {
        job.log.error(format!(
            "Table {}: it says itself what its files are (an open format); it is left as it is",
            table.name
        ));
        return Ok(None);
    }
    let Some(place) = place(&table) else {
        let location = table.location().unwrap_or_default();
        job.log.error(format!(
            "Table {}: its location {location:?} is no S3 path; it is left as it is",
            table.name
        ));
        return Ok(None);
    };
    let location = format!("s3://{}/{}", place.bucket.as_str(), place.path);
    let grouping = Grouping { table_level: None, combine: true };
    let (found, notes) = match planned(job, &place, grouping, looked).await {
        // Nothing there is a reason to say so, not to fail: the other tables are crawled all the same.
        Err(Ended::Failed(why)) => {
            job.log.warn(format!("Table {}: {why}; it is left as it is", table.name));
            return Ok(None);
        }
        other => other?,
    };
    let count = found.len();
    let paths: Vec<String> = found.iter().map(|found| found.plan.path.clone()).collect();
    let mut whole = found.into_iter().filter(|f| {
        let path = f.plan.path.trim_end_matches('/');
        path == place.path.trim_end_matches('/')
    });
    let (Some(mut found), 1) = (whole.next(), count) else {
        job.log.error(format!(
            "Table {}: the files below {location} would be {count} tables, or lie deeper ({}); it is left as it is",
            table.name,
            named_some(&paths, NAMED)
        ));
        return Ok(None);
    };
    for note in notes {
        job.log.warn(note);
    }
    name_keys(&mut found, &table);
    found.database.clone_from(&table.database_name);
    found.owner = Some(Box::new(table));
    Ok(Some(found))
}

fn place(table: &Table) -> Option<Place> {
    let (bucket, path) = table.location()?.strip_prefix("s3://")?.split_once('/').or_else(|| {
        let bucket = table.location()?.strip_prefix("s3://")?;
        Some((bucket, ""))
    })?;
    let bucket = BucketName::new(bucket).ok()?;
    Some(Place { bucket, path: path.to_owned(), exclusions: Vec::new(), sample: None })
}

/// Levels whose folders say no name have the names that the table gives them. Where some folder says one, it is another
/// than its neighbours'.
fn name_keys(found: &mut Found, table: &Table) {
    let known = table.partition_keys();
    if known.len() != found.plan.keys.len() {
        return;
    }
    let parts = &found.plan.parts;
    for (at, (key, known)) in found.plan.keys.iter_mut().zip(known).enumerate() {
        let mut values = parts.iter().filter_map(|part| part.values.get(at));
        if is_unnamed(key) && values.all(|value| key_value(value).is_none()) {
            key.clone_from(&known.name);
        }
    }
}
