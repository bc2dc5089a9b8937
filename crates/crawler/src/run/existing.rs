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

/// Surveys the tables of a target. Errors: those of [`table_of`].
pub(super) async fn survey(
    job: &Job<'_>,
    target: &CatalogTarget,
    looked: &mut Looked,
) -> Result<Vec<Found>, Ended> {
    let mut all = Vec::new();
    for name in &target.tables {
        all.extend(table_of(job, &target.database_name, name, looked).await?);
    }
    Ok(all)
}

/// Surveys one table that a target names. Errors: it does not exist, or is of a kind that is not crawled by way of the catalog.
pub(super) async fn table_of(
    job: &Job<'_>,
    database: &str,
    name: &str,
    looked: &mut Looked,
) -> Result<Option<Found>, Ended> {
    job.go_on()?;
    let mut tx = job.ground.store.read().await.map_err(CrawlerError::from)?;
    match table::get(&mut tx, job.scope, database, name).await {
        Ok(table) => {
            drop(tx);
            one(job, table, looked).await
        }
        Err(
            error @ (CatalogError::TableNotFound { .. }
            | CatalogError::DatabaseNotFound { .. }
            | CatalogError::TargetNotFound { .. }),
        ) => Err(Ended::Failed(format!("The table {database}.{name} of a catalog target: {error}"))),
        Err(error) => Err(CrawlerError::from(error).into()),
    }
}

/// Where a table's files are. Errors: it has none, or says itself what they are.
fn files_of(table: &Table) -> Result<Place, Ended> {
    let refused = |why: String| {
        Err(Ended::Failed(format!(
            "The table {}.{} of a catalog target {why}",
            table.database_name, table.name
        )))
    };
    if let Some(kind) = table.stream() {
        return refused(format!(
            "is a table of a {kind} stream: streams are not crawled. Give the table its columns (UpdateTable, or a schema of \
             the Schema Registry), or crawl the files that the stream is delivered to"
        ));
    }
    if is_open(table) {
        return refused(
            "says itself what its files are (an open format): use a target of that format (DeltaTargets, IcebergTargets, HudiTargets)"
                .to_owned(),
        );
    }
    match place(table) {
        Some(place) => Ok(place),
        None => {
            let location = table.location().unwrap_or_default();
            refused(format!(
                "has the location {location:?}, which is no S3 path: only tables of files are crawled"
            ))
        }
    }
}

async fn one(job: &Job<'_>, table: Table, looked: &mut Looked) -> Result<Option<Found>, Ended> {
    let place = files_of(&table)?;
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
