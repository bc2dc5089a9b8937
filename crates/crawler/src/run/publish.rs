//! Writes the planned tables and partitions, a transaction per table and per few thousand partitions.
//!
//! Each transaction checks the run's lease and changes the run's counts together with what it counts, so that a run
//! that is taken up again neither loses nor doubles them.

use std::collections::{HashMap, HashSet};

use catalog::{CatalogError, Column, DatabaseInput, PartitionInput, TableInput, database, partition, table};
use store::Tx;

use super::describe::{self, DEPRECATED_BY, STATISTICS, UPDATED_BY};
use super::survey::Found;
use super::{Ended, Job, keys, vanished};
use crate::definition::{Configuration, UpdateBehavior};
use crate::error::CrawlerError;
use crate::history::Counts;
use crate::plan::{file_table, folder_table, with_suffix};
use crate::rows;

/// Partitions per transaction.
const PARTITIONS_AT_ONCE: usize = 2_000;

/// Writes everything that was found, then deals with what has vanished.
pub(super) async fn all(job: &Job<'_>, settings: &Configuration, found: Vec<Found>) -> Result<(), Ended> {
    ensure_database(job).await?;
    let mut written = HashSet::new();
    let mut locations = Vec::new();
    for one in &found {
        job.go_on()?;
        let name = match write_table(job, settings, one, &written).await {
            Ok(name) => name,
            Err(Written::Ended(ended)) => return Err(ended),
            Err(Written::Refused(why)) => {
                refused(job, one, &why).await?;
                continue;
            }
        };
        locations.push(describe::location(one.bucket.as_str(), &one.plan.path));
        if !one.plan.keys.is_empty() {
            write_partitions(job, settings, one, &name).await?;
        }
        written.insert(name);
        job.log.flush().await;
    }
    count(job, |counts| counts.tables_found = found.len() as u64).await?;
    vanished::tables(job, &written, &locations).await
}

/// The first crawl makes the database, as Glue's does.
async fn ensure_database(job: &Job<'_>) -> Result<(), Ended> {
    let made = async {
        let mut tx = begin(job).await?;
        match database::get(&mut tx, job.scope, job.database()).await {
            Ok(_) => return Ok(false),
            Err(CatalogError::DatabaseNotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let input = DatabaseInput { name: job.database().to_owned(), ..DatabaseInput::default() };
        database::create(&mut tx, job.scope, input).await?;
        tx.commit().await?;
        Ok::<_, CrawlerError>(true)
    };
    if made.await? {
        job.log.info(format!("INFO : Created database {}", job.database()));
    }
    Ok(())
}

/// A transaction under the run's lease.
pub(super) async fn begin(job: &Job<'_>) -> Result<Tx, CrawlerError> {
    let mut tx = job.ground.store.begin().await?;
    store::lease::check(&mut tx, job.lease).await?;
    Ok(tx)
}

/// Changes the run's counts in `tx`.
pub(super) async fn count_in(
    job: &Job<'_>,
    tx: &mut Tx,
    change: impl FnOnce(&mut Counts),
) -> Result<(), CrawlerError> {
    if let Some(mut crawl) = rows::run(tx, job.scope, job.crawl).await? {
        change(&mut crawl.counts);
        rows::replace_run(tx, job.scope, &crawl).await?;
    }
    Ok(())
}

pub(super) async fn count(job: &Job<'_>, change: impl FnOnce(&mut Counts)) -> Result<(), CrawlerError> {
    let mut tx = begin(job).await?;
    count_in(job, &mut tx, change).await?;
    Ok(tx.commit().await?)
}

/// Why a table was not written.
enum Written {
    /// The run cannot go on.
    Ended(Ended),
    /// The catalog does not take this definition; others may do.
    Refused(String),
}

impl From<CrawlerError> for Written {
    fn from(error: CrawlerError) -> Self {
        match error {
            CrawlerError::Catalog(CatalogError::InvalidInput { message }) => Self::Refused(message),
            other => Self::Ended(other.into()),
        }
    }
}

/// A table that the catalog refuses costs its own files only.
async fn refused(job: &Job<'_>, found: &Found, why: &str) -> Result<(), CrawlerError> {
    let location = describe::location(found.bucket.as_str(), &found.plan.path);
    let files = found.plan.shape.files;
    job.log.error(format!("{location}: no table can be made: {why}; its {files} files are left out"));
    count(job, |counts| *counts.left_out.entry("no table possible".to_owned()).or_default() += files).await
}

/// What happened to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Created,
    Updated,
    Remade,
    Unchanged,
    Logged,
}

async fn write_table(
    job: &Job<'_>,
    settings: &Configuration,
    found: &Found,
    written: &HashSet<String>,
) -> Result<String, Written> {
    let mut tx = begin(job).await?;
    let (name, existing) = choose_name(job, &mut tx, found, written).await?;
    let (mut input, mut notes) = describe::table(&job.definition.name, &name, found, settings);
    let done = match existing {
        None => {
            table::create(&mut tx, job.scope, job.database(), input, &creator(job))
                .await
                .map_err(CrawlerError::from)?;
            Done::Created
        }
        Some(old) => {
            notes.extend(keys::keep_types(&mut input, old.partition_keys(), &found.plan.parts));
            if settings.merge_new_columns {
                keep_columns(&mut input, old.columns());
            }
            change_table(job, &mut tx, &old, input).await?
        }
    };
    count_in(job, &mut tx, |counts| {
        let list = match done {
            Done::Created => &mut counts.tables_created,
            Done::Updated | Done::Remade => &mut counts.tables_updated,
            Done::Unchanged | Done::Logged => return,
        };
        if !list.contains(&name) {
            list.push(name.clone());
        }
    })
    .await?;
    store::crash::point("crawl.table.before_commit");
    tx.commit().await.map_err(CrawlerError::from)?;
    store::crash::point("crawl.table.committed");
    say(job, found, &name, done);
    for note in notes {
        job.log.warn(format!("table {name}: {note}"));
    }
    Ok(name)
}

/// The crawler's ARN.
fn creator(job: &Job<'_>) -> String {
    format!("arn:aws:glue:{}:{}:crawler/{}", job.scope.region, job.scope.account, job.definition.name)
}

fn say(job: &Job<'_>, found: &Found, name: &str, done: Done) {
    let database = job.database();
    let location = describe::location(found.bucket.as_str(), &found.plan.path);
    job.log.info(match done {
        Done::Created => format!("INFO : Created table {name} in database {database} ({location})"),
        Done::Updated => format!("INFO : Updated table {name} in database {database} ({location})"),
        Done::Remade => format!("INFO : Made table {name} anew: its partition keys changed ({location})"),
        Done::Unchanged => format!("INFO : Table {name} has not changed ({location})"),
        Done::Logged => format!("INFO : Table {name} has changed and is left as it is (UpdateBehavior LOG)"),
    });
}

/// The table's name: its folder's, or that with a hash when somebody else has it.
async fn choose_name(
    job: &Job<'_>,
    tx: &mut Tx,
    found: &Found,
    written: &HashSet<String>,
) -> Result<(String, Option<table::Table>), CrawlerError> {
    let location = describe::location(found.bucket.as_str(), &found.plan.path);
    let prefix = job.definition.table_prefix.as_deref().unwrap_or_default();
    let path = &found.plan.path;
    let base = if path.ends_with('/') || path.is_empty() {
        folder_table(prefix, found.bucket.as_str(), path)
    } else {
        file_table(prefix, path)
    };
    let hashed = with_suffix(&base, &location);
    let of_base = existing(job, tx, &base).await?;
    let of_hashed = existing(job, tx, &hashed).await?;
    // A table of an open format says itself what its files are: a crawl never changes it.
    let is_open = |t: &table::Table| t.parameter("table_type").is_some_and(|kind| !kind.is_empty());
    let same_place = |t: &table::Table| !is_open(t) && same_location(t.location(), &location);
    if of_hashed.as_ref().is_some_and(same_place) {
        return Ok((hashed, of_hashed));
    }
    match of_base {
        None if !written.contains(&base) => Ok((base, None)),
        Some(t) if same_place(&t) && !written.contains(&base) => Ok((base, Some(t))),
        _ => Ok((hashed, of_hashed)),
    }
}

fn same_location(a: Option<&str>, b: &str) -> bool {
    a.is_some_and(|a| a.trim_end_matches('/') == b.trim_end_matches('/'))
}

async fn existing(job: &Job<'_>, tx: &mut Tx, name: &str) -> Result<Option<table::Table>, CrawlerError> {
    match table::get(tx, job.scope, job.database(), name).await {
        Ok(table) => Ok(Some(table)),
        Err(CatalogError::TableNotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// `MergeNewColumns`: the table's columns stay, new ones follow.
fn keep_columns(input: &mut TableInput, old: &[Column]) {
    let Some(columns) = input.storage_descriptor.as_mut().and_then(|d| d.columns.as_mut()) else { return };
    let new = columns.iter().filter(|c| !old.iter().any(|o| o.name == c.name)).cloned();
    *columns = old.iter().cloned().chain(new.collect::<Vec<_>>()).collect();
}

async fn change_table(
    job: &Job<'_>,
    tx: &mut Tx,
    old: &table::Table,
    input: TableInput,
) -> Result<Done, CrawlerError> {
    let names =
        |c: Option<&[Column]>| c.unwrap_or_default().iter().map(|c| c.name.clone()).collect::<Vec<_>>();
    let changed = definition_of(&old.input) != definition_of(&input);
    if changed && job.definition.schema_change_policy.update_behavior == UpdateBehavior::Log {
        return Ok(Done::Logged);
    }
    if names(Some(old.partition_keys())) != names(input.partition_keys.as_deref()) {
        table::delete(tx, job.scope, job.database(), &old.name).await?;
        let by = old.created_by.clone();
        table::create(tx, job.scope, job.database(), input, &by).await?;
        return Ok(Done::Remade);
    }
    if !changed && old.input.parameters == input.parameters {
        return Ok(Done::Unchanged);
    }
    // Statistics alone make no version.
    let how = table::Update { version_id: None, skip_archive: !changed };
    table::update(tx, job.scope, job.database(), input, how).await?;
    Ok(if changed { Done::Updated } else { Done::Unchanged })
}

/// A table's definition without what changes with every file.
fn definition_of(input: &TableInput) -> serde_json::Value {
    let mut copy = input.clone();
    strip(copy.parameters.as_mut());
    strip(copy.storage_descriptor.as_mut().and_then(|d| d.parameters.as_mut()));
    serde_json::json!(copy)
}

/// A partition's definition without what changes with every file.
fn partition_definition(input: &PartitionInput) -> serde_json::Value {
    let mut copy = input.clone();
    strip(copy.parameters.as_mut());
    strip(copy.storage_descriptor.as_mut().and_then(|d| d.parameters.as_mut()));
    serde_json::json!(copy)
}

fn strip(parameters: Option<&mut catalog::Parameters>) {
    let Some(parameters) = parameters else { return };
    for name in STATISTICS {
        parameters.remove(name);
    }
    parameters.remove(UPDATED_BY);
}

async fn write_partitions(
    job: &Job<'_>,
    settings: &Configuration,
    found: &Found,
    name: &str,
) -> Result<(), Ended> {
    let mut created = 0;
    for parts in found.plan.parts.chunks(PARTITIONS_AT_ONCE) {
        job.go_on()?;
        let inputs: Vec<PartitionInput> = parts
            .iter()
            .map(|part| describe::partition(&job.definition.name, found, part, settings.inherit_from_table))
            .collect();
        created += upsert(job, name, inputs).await?;
    }
    job.log.info(format!(
        "INFO : Added {created} partitions to table {name}, it has {} now",
        found.plan.parts.len()
    ));
    let values: HashSet<Vec<String>> = found.plan.parts.iter().map(|p| p.values.clone()).collect();
    vanished::partitions(job, name, &values).await
}

/// Makes the partitions that are new, replaces those that changed; returns how many are new.
async fn upsert(job: &Job<'_>, name: &str, inputs: Vec<PartitionInput>) -> Result<u64, CrawlerError> {
    let mut tx = begin(job).await?;
    let wanted: Vec<Vec<String>> = inputs.iter().map(|i| i.values.clone()).collect();
    let known = partition::batch_get(&mut tx, job.scope, job.database(), name, &wanted).await?;
    let known: HashMap<Vec<String>, PartitionInput> =
        known.into_iter().map(|p| (p.input.values.clone(), p.input)).collect();
    let log_only = job.definition.schema_change_policy.update_behavior == UpdateBehavior::Log;
    let (mut new, mut changed, mut write) = (0, 0, Vec::new());
    for input in inputs {
        match known.get(&input.values) {
            None => new += 1,
            Some(old) if *old == input => continue,
            Some(old) if partition_definition(old) != partition_definition(&input) => {
                if log_only && !is_deprecated(old) {
                    continue;
                }
                changed += 1;
            }
            Some(_) => {}
        }
        write.push(input);
    }
    partition::upsert(&mut tx, job.scope, job.database(), name, write).await?;
    count_in(job, &mut tx, |counts| {
        counts.partitions_created += new;
        counts.partitions_updated += changed;
    })
    .await?;
    tx.commit().await?;
    Ok(new)
}

fn is_deprecated(input: &PartitionInput) -> bool {
    input.parameters.as_ref().is_some_and(|p| p.contains_key(DEPRECATED_BY))
}
