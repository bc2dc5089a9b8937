//! Which tables of a crawl files belong to, and what a table that was not found again makes of those that are others' now.

use std::collections::{BTreeMap, HashMap};

use catalog::{Parameters, StorageDescriptor, partition, table};

use super::describe::location;
use super::incremental::with_slash;
use super::publish::Wrote;
use super::reads::Files;
use super::vanished::any_file;
use super::{Job, reads};
use crate::error::CrawlerError;
use crate::plan::{is_unnamed, partition_of};
use crate::words::named_some;

/// So many files are named.
const NAMED: usize = 20;

/// Which tables files belong to.
#[derive(Default)]
pub(super) struct Covers<'a> {
    /// By location, with a slash at its end.
    tables: HashMap<String, &'a Wrote>,
}

impl<'a> Covers<'a> {
    pub(super) fn of(written: &'a [Wrote]) -> Self {
        Self { tables: written.iter().map(|one| (with_slash(&one.location), one)).collect() }
    }

    /// The table that reads a file: the deepest around it, with partition keys only what lies in folders of theirs.
    fn table(&self, file: &str) -> Option<&'a Wrote> {
        let whole = format!("{file}/");
        let mut around = whole.match_indices('/').map(|(at, _)| at).rev();
        around.find_map(|at| {
            let one = self.tables.get(&whole[..=at])?;
            let keys = one.keys.iter().map(String::as_str);
            partition_of(keys, &whole[at + 1..], is_unnamed).map(|_| *one)
        })
    }
}

/// What lies at the location of a table that was not found.
pub(super) struct Left<'a> {
    /// Tables that files there belong to now, by name.
    pub(super) tables: BTreeMap<&'a str, &'a Wrote>,
    /// Whether there are files of no found table.
    pub(super) uncovered: bool,
}

/// Looks at what lies there.
pub(super) async fn left<'a>(
    job: &Job<'_>,
    location: &str,
    covers: &Covers<'a>,
) -> Result<Left<'a>, CrawlerError> {
    let mut left = Left { tables: BTreeMap::new(), uncovered: false };
    any_file(job, location, |file| {
        match covers.table(file) {
            Some(table) => {
                left.tables.insert(table.name.as_str(), table);
            }
            None => left.uncovered = true,
        }
        false
    })
    .await?;
    Ok(left)
}

/// Which files of others a table misreads as long as it stays as it is.
pub(super) async fn misread(
    job: &Job<'_>,
    found: &table::Table,
    tables: impl Iterator<Item = &Wrote>,
) -> Result<String, CrawlerError> {
    let (none, keys) = (Parameters::new(), found.partition_keys());
    let parameters = found.input.parameters.as_ref().unwrap_or(&none);
    let mut all = Vec::new();
    for one in tables {
        let Some((bucket, shape)) = &one.files else { continue };
        let Some(reader) = reader(job, found, &one.location).await? else { continue };
        if let Some(odd) = reads::why_not(&reader, parameters, keys, &Files::of(shape)) {
            let file = odd.file.map_or_else(|| one.location.clone(), |key| location(bucket.as_str(), &key));
            all.push(format!("{file} ({})", odd.why));
        }
    }
    let named = named_some(&all, NAMED);
    Ok(if all.is_empty() { String::new() } else { format!("; until it is dropped it misreads {named}") })
}

/// By what a table reads what lies at a place: its own definition, or that of its partition there; none when there is none.
async fn reader(
    job: &Job<'_>,
    found: &table::Table,
    place: &str,
) -> Result<Option<StorageDescriptor>, CrawlerError> {
    if found.partition_keys().is_empty() {
        return Ok(found.input.storage_descriptor.clone());
    }
    let home = with_slash(found.location().unwrap_or_default());
    let keys = found.partition_keys().iter().map(|key| key.name.as_str());
    let below = place.strip_prefix(&home).unwrap_or_default();
    let Some((values, _)) = partition_of(keys, below, is_unnamed) else { return Ok(None) };
    let mut tx = job.ground.store.read().await?;
    let read = partition::batch_get(&mut tx, job.scope, &found.database_name, &found.name, &[values]).await?;
    Ok(read.into_iter().next().and_then(|partition| partition.input.storage_descriptor))
}
