//! Which name a table gets, and whether it has one already.

use std::collections::HashSet;

use catalog::{CatalogError, TableInput, table};
use store::Tx;

use super::Job;
use super::publish::Written;
use super::ready::Ready;
use crate::error::CrawlerError;
use crate::plan::with_suffix;
use crate::targets::CONNECTION;

/// The parameter of tables of open formats.
const OPEN_FORMAT: &str = "table_type";

/// The table's name, and the table that has it: the wanted one, or that with a hash when somebody else has it. A catalog
/// target has its own. Errors: others have both.
pub(super) async fn choose(
    job: &Job<'_>,
    tx: &mut Tx,
    one: &Ready,
    written: &HashSet<String>,
) -> Result<(String, Option<table::Table>), Written> {
    if let Some(owner) = &one.owner {
        let table = table::get(tx, job.scope, &owner.database_name, &owner.name);
        let table = table.await.map_err(CrawlerError::from)?;
        return Ok((owner.name.clone(), Some(table)));
    }
    let base = one.name.clone();
    let hashed = with_suffix(&base, &identity(one));
    let of_base = existing(job, tx, &base).await?;
    let of_hashed = existing(job, tx, &hashed).await?;
    let ours = |found: &Option<table::Table>| found.as_ref().is_some_and(|table| same_place(table, one));
    if ours(&of_hashed) && !written.contains(&hashed) {
        return Ok((hashed, of_hashed));
    }
    if (of_base.is_none() || ours(&of_base)) && !written.contains(&base) {
        return Ok((base, of_base));
    }
    if of_hashed.is_some() || written.contains(&hashed) {
        return Err(Written::Refused(format!("other tables have the names {base} and {hashed}")));
    }
    job.log.warn(format!("{}: the name {base} is another table's: it becomes {hashed}", one.location));
    Ok((hashed, None))
}

/// Tells what is behind a table from everything else.
fn identity(one: &Ready) -> String {
    match parameter(&one.input, CONNECTION).filter(|_| !is_file(&one.location)) {
        Some(connection) => format!("{connection} {}", one.location),
        None => one.location.clone(),
    }
}

/// Whether a table describes the same thing. One of an open format says itself what its files are: a crawl that found
/// plain files never takes it for its own.
fn same_place(table: &table::Table, one: &Ready) -> bool {
    let format = |found: Option<&str>| found.filter(|kind| !kind.is_empty()).map(str::to_ascii_uppercase);
    let location = table.location().unwrap_or_default();
    let mut same = location.trim_end_matches('/') == one.location.trim_end_matches('/');
    same &= format(table.parameter(OPEN_FORMAT)) == format(parameter(&one.input, OPEN_FORMAT));
    // Tables of files may name a connection that says how to reach them.
    same && (is_file(&one.location) || table.parameter(CONNECTION) == parameter(&one.input, CONNECTION))
}

fn is_file(location: &str) -> bool {
    location.starts_with("s3://")
}

fn parameter<'a>(input: &'a TableInput, name: &str) -> Option<&'a str> {
    input.parameters.as_ref()?.get(name).map(String::as_str)
}

/// A table of an open format says itself what its files are: a crawl of files never changes it.
pub(super) fn is_open(table: &table::Table) -> bool {
    table.open_format().is_some() || table.parameter(OPEN_FORMAT).is_some_and(|kind| !kind.is_empty())
}

async fn existing(job: &Job<'_>, tx: &mut Tx, name: &str) -> Result<Option<table::Table>, CrawlerError> {
    // A resource link is nothing that a crawl may change: as it has no place of its own, another name is taken.
    match table::get_entry(tx, job.scope, job.database(), name).await {
        Ok(table) => Ok(Some(table)),
        // A preview has not made the database.
        Err(CatalogError::TableNotFound { .. } | CatalogError::DatabaseNotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
