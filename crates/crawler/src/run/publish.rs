//! Writes the planned tables and partitions, a transaction per table and per few hundred partitions.
//!
//! Each transaction checks the run's lease and changes the run's counts together with what it counts, so that a run
//! that is taken up again neither loses nor doubles them.

use std::collections::{HashMap, HashSet};

use catalog::{CatalogError, PartitionInput, TableInput, database, partition, table};
use lake::BucketName;
use store::Tx;

use super::decide::{self, Fate, Part, keep_columns};
use super::describe::UPDATED_BY;
use super::ready::{Discovery, Ready};
use super::survey::Found;
use super::takes::kept_types;
use super::{Ended, Job, describe, keys, naming, reads, vanished, written};
use crate::definition::Configuration;
use crate::error::CrawlerError;
use crate::plan::{self, Shape};
use crate::words::named_some;

/// So many partitions are named.
const NAMED: usize = 20;
/// Partitions per transaction: each is held as it was and as it will be, with its undoing, until the commit.
const PARTITIONS_AT_ONCE: usize = 500;

/// A table that a run wrote or found unchanged.
pub(super) struct Wrote {
    pub(super) name: String,
    pub(super) location: String,
    /// Names of its partition keys, when it is made of files.
    pub(super) keys: Vec<String>,
    /// What these are, and the bucket that they are in.
    pub(super) files: Option<(BucketName, Shape)>,
}

/// Writes everything that was found.
pub(super) async fn all(
    job: &Job<'_>,
    settings: &Configuration,
    found: Vec<Discovery>,
) -> Result<Vec<Wrote>, Ended> {
    ensure_database(job).await?;
    let count = found.len() as u64;
    let mut names = HashSet::new();
    let mut written = Vec::new();
    for one in found {
        job.go_on()?;
        let mut one = Ready::of(job, settings, one);
        let table = match write_table(job, settings, &mut one, &names).await {
            Ok(table) => table,
            Err(Written::Ended(ended)) => return Err(ended),
            Err(Written::Refused(why)) => {
                refused(job, &one, &why).await?;
                continue;
            }
        };
        if let Some(files) = one.files.as_ref().filter(|files| !files.plan.keys.is_empty()) {
            write_partitions(job, settings, files, &table).await?;
        }
        let name = table.input.name;
        names.insert(name.clone());
        let (mut keys, mut files) = (Vec::new(), None);
        if let Some(found) = one.files {
            keys = found.plan.keys;
            files = Some((found.bucket, found.plan.shape));
        }
        written.push(Wrote { name, location: one.location, keys, files });
        job.log.flush().await;
    }
    job.count(|counts| counts.tables_found = count).await?;
    Ok(written)
}

/// The first crawl makes the database, as Glue's does. Tables of catalog targets have theirs.
async fn ensure_database(job: &Job<'_>) -> Result<(), Ended> {
    if !job.definition.targets.catalog_targets.is_empty() {
        return Ok(());
    }
    let made = async {
        let mut tx = job.begin().await?;
        match database::get(&mut tx, job.scope, job.database()).await {
            Ok(_) => return Ok(false),
            Err(CatalogError::DatabaseNotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        job.make_database(&mut tx, job.database()).await?;
        job.commit(tx).await?;
        Ok::<_, CrawlerError>(true)
    };
    if made.await? {
        job.log.info(format!("INFO : Created database {}", job.database()));
    }
    Ok(())
}

/// Why a table was not written.
pub(super) enum Written {
    /// The run cannot go on.
    Ended(Ended),
    /// The catalog does not take this definition; others may do.
    Refused(String),
}

impl From<CrawlerError> for Written {
    fn from(error: CrawlerError) -> Self {
        match error {
            CrawlerError::Catalog(CatalogError::InvalidInput { message }) => Self::Refused(message),
            // Somebody drops what we write, or was faster to make it: the next crawl sees how it ended.
            CrawlerError::Catalog(
                gone @ (CatalogError::TableNotFound { .. }
                | CatalogError::TableExists { .. }
                | CatalogError::VersionConflict { .. }),
            ) => Self::Refused(format!("it was changed while the crawl was at work: {gone}")),
            other => Self::Ended(other.into()),
        }
    }
}

/// A table that the catalog refuses costs what it is made of, and nothing else.
async fn refused(job: &Job<'_>, one: &Ready, why: &str) -> Result<(), CrawlerError> {
    let location = &one.location;
    let Some(files) = one.files.as_ref().map(|found| found.plan.shape.files) else {
        job.log.error(format!("{location}: no table can be made: {why}; it is left out"));
        return job.count(|counts| counts.tables_left_out += 1).await;
    };
    job.log.error(format!("{location}: no table can be made: {why}; its {files} files are left out"));
    job.count(|counts| *counts.left_out.entry("no table possible".to_owned()).or_default() += files).await
}

/// A table as the catalog has it now.
pub(super) struct Table {
    pub(super) input: TableInput,
    /// Nothing of it was there before, so that it has no partitions yet.
    pub(super) fresh: bool,
    /// The crawler that its partitions are of: this one, or another of the same folder that nothing is to be changed for.
    pub(super) crawler: String,
    /// The definition is what the files are, and nothing that was there before.
    pub(super) as_found: bool,
}

async fn write_table(
    job: &Job<'_>,
    settings: &Configuration,
    one: &mut Ready,
    names: &HashSet<String>,
) -> Result<Table, Written> {
    let mut tx = job.begin().await?;
    let (name, existing) = naming::choose(job, &mut tx, one, names).await?;
    if let Some(old) = &existing {
        one.take_header(job, settings, old);
    }
    let one = &*one;
    let input = TableInput { name: name.clone(), ..one.input.clone() };
    let mut crawler = job.definition.name.clone();
    let Some(old) = existing else {
        // An earlier crawler table of the name may be deprecated; here there is none.
        job.make_table(&mut tx, &one.database, input.clone()).await?;
        job.count_in(&mut tx, |counts| add(&mut counts.tables_created, &name)).await?;
        let mut notes = one.notes.clone();
        notes.extend(one.files.as_ref().and_then(|files| reads::inexact_of(files, &input)));
        let table = Table { input, fresh: true, crawler, as_found: true };
        return done(job, tx, one, table, None, notes).await;
    };
    let (mut input, mut notes) = prepared(settings, one, &old, input);
    let behavior = job.definition.schema_change_policy.update_behavior;
    let mut fate = decide::table(&old, &input, behavior);
    if let Some(other) = decide::neighbour(job, &mut tx, &old.input).await? {
        // Two crawlers of one folder: their names alone are no reason to write it again and again.
        let shared = decide::of_crawler(&input, &other);
        if decide::table(&old, &shared, behavior) == Fate::Unchanged {
            (input, fate, crawler) = (shared, Fate::Unchanged, other);
        }
    }
    if (fate == Fate::Remade && one.owner.is_some())
        || (fate == Fate::Logged && !decide::same_keys(&old, &input))
    {
        return Err(Written::Refused(decide::other_keys(&old, &input)));
    }
    if fate != Fate::Unchanged && one.owner.is_none() && old.parameter(UPDATED_BY).is_none() {
        notes.push(
            "it was made by hand at this place; the crawler treats it as its own from now on".to_owned(),
        );
    }
    change(job, &mut tx, &old, input.clone(), fate).await?;
    if matches!(fate, Fate::Updated | Fate::Remade) {
        job.count_in(&mut tx, |counts| add(&mut counts.tables_updated, &name)).await?;
    }
    // What is only logged stays as it was, and new partitions belong to that.
    let input = if fate == Fate::Logged { old.input } else { input };
    match &one.files {
        Some(files) => {
            notes.extend(reads::remark(files, &input).filter(|_| fate != Fate::Remade));
            notes.extend(reads::inexact_of(files, &input));
        }
        None => notes.extend(kept_types(&one.input, &input)),
    }
    let fresh = fate == Fate::Remade;
    let as_found = fate != Fate::Logged && !settings.merge_new_columns;
    let table = Table { input: TableInput { name, ..input }, fresh, crawler, as_found };
    done(job, tx, one, table, Some(fate), notes).await
}

/// What was found as it is written over the table that is there, with what people wrote about that; and remarks.
pub(super) fn prepared(
    settings: &Configuration,
    one: &Ready,
    old: &table::Table,
    mut input: TableInput,
) -> (TableInput, Vec<String>) {
    let mut notes = one.notes.clone();
    written::keep(&mut input, &old.input);
    if let (Some(known), Some(descriptor)) = (&one.owner, input.storage_descriptor.as_mut()) {
        descriptor.location = known.location().map(str::to_owned);
    }
    if let Some(files) = &one.files {
        notes.extend(keys::keep_types(&mut input, old.partition_keys(), &files.plan.parts));
    }
    if let (true, Some(descriptor)) = (settings.merge_new_columns, input.storage_descriptor.as_mut()) {
        let shape = one.files.as_ref().map(|files| &files.plan.shape);
        notes.extend(keep_columns(descriptor, old.columns(), shape));
    }
    (input, notes)
}

pub(super) fn add(names: &mut Vec<String>, name: &str) {
    if !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}

pub(super) async fn change(
    job: &Job<'_>,
    tx: &mut Tx,
    old: &table::Table,
    input: TableInput,
    fate: Fate,
) -> Result<(), CrawlerError> {
    match fate {
        Fate::Unchanged => job.leave_table(old, None, "UNCHANGED"),
        Fate::Logged => job.leave_table(old, Some(&input), "LOG"),
        Fate::Statistics => job.replace_table(tx, old, input, false, "STATISTICS").await?,
        Fate::Updated => job.replace_table(tx, old, input, true, "UPDATE").await?,
        Fate::Remade => {
            job.remove_table(tx, old, "REMAKE").await?;
            job.make_table(tx, &old.database_name, input).await?;
        }
    }
    Ok(())
}

async fn done(
    job: &Job<'_>,
    tx: Tx,
    one: &Ready,
    table: Table,
    fate: Option<Fate>,
    notes: Vec<String>,
) -> Result<Table, Written> {
    store::crash::point("crawl.table.before_commit");
    job.commit(tx).await?;
    store::crash::point("crawl.table.committed");
    let (name, database, location) = (&table.input.name, &one.database, &one.location);
    job.log.info(match fate {
        None => format!("INFO : Created table {name} in database {database} ({location})"),
        Some(Fate::Updated) => format!("INFO : Updated table {name} in database {database} ({location})"),
        Some(Fate::Remade) => {
            format!("INFO : Made table {name} anew: its partition keys changed ({location})")
        }
        Some(Fate::Unchanged | Fate::Statistics) => {
            format!("INFO : Table {name} has not changed ({location})")
        }
        Some(Fate::Logged) => {
            format!("INFO : Table {name} has changed and is left as it is (UpdateBehavior LOG)")
        }
    });
    for fact in &one.facts {
        job.log.info(format!("INFO : table {name}: {fact}"));
    }
    for note in notes {
        job.log.warn(format!("table {name}: {note}"));
    }
    Ok(table)
}

/// Writes all partitions of a table, then deals with those that have vanished.
async fn write_partitions(
    job: &Job<'_>,
    settings: &Configuration,
    found: &Found,
    table: &Table,
) -> Result<(), Ended> {
    put_partitions(job, settings, found, table).await?;
    if table.fresh {
        return Ok(());
    }
    let values: HashSet<Vec<String>> = found.plan.parts.iter().map(|p| p.values.clone()).collect();
    vanished::partitions(job, (&found.database, &table.input.name), &values).await
}

/// Writes partitions that were found; others stay as they are.
pub(super) async fn put_partitions(
    job: &Job<'_>,
    settings: &Configuration,
    found: &Found,
    table: &Table,
) -> Result<(), Ended> {
    let mut created = 0;
    let mut odd = Vec::new();
    let name = &table.input.name;
    for parts in found.plan.parts.chunks(PARTITIONS_AT_ONCE) {
        job.go_on()?;
        let inputs = parts.iter().map(|part| {
            if settings.inherit_from_table {
                describe::inherited(&table.crawler, found, part, &table.input)
            } else {
                describe::partition(&table.crawler, found, part)
            }
        });
        created += match upsert(job, settings, found, table, inputs.zip(parts).collect()).await {
            Ok((created, misread)) => {
                odd.extend(misread);
                created
            }
            Err(CrawlerError::Catalog(CatalogError::TableNotFound { .. })) => {
                job.log.warn(format!("Table {name} was deleted while its partitions were written"));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
    }
    if !odd.is_empty() {
        let named = named_some(&odd, NAMED);
        job.log.warn(format!("table {name}: partitions misread their files as they are: {named}"));
    }
    let looked_at = found.plan.parts.len();
    job.log.info(format!("INFO : Added {created} partitions to table {name}; {looked_at} have files now"));
    Ok(())
}

/// Makes the partitions that are new, replaces those that changed. Returns how many are new, and those that read their files
/// wrongly as they are now: they are left as they were, or have what is the table's.
async fn upsert(
    job: &Job<'_>,
    settings: &Configuration,
    found: &Found,
    table: &Table,
    inputs: Vec<(PartitionInput, &plan::Part)>,
) -> Result<(u64, Vec<String>), CrawlerError> {
    let (database, name) = (found.database.as_str(), table.input.name.as_str());
    let mut tx = job.begin().await?;
    let wanted: Vec<Vec<String>> = inputs.iter().map(|(i, _)| i.values.clone()).collect();
    let known = match table.fresh {
        true => Vec::new(),
        false => partition::batch_get(&mut tx, job.scope, database, name, &wanted).await?,
    };
    let mut known: HashMap<Vec<String>, PartitionInput> =
        known.into_iter().map(|p| (p.input.values.clone(), p.input)).collect();
    let behavior = job.definition.schema_change_policy.update_behavior;
    let (mut made, mut changed, mut definitions, mut odd) = (Vec::new(), Vec::new(), 0, Vec::new());
    for (mut input, part) in inputs {
        let Some(old) = known.remove(&input.values) else {
            if settings.inherit_from_table || !table.as_found {
                odd.extend(reads::remark_on_part(found, &table.input, &input, part));
            }
            made.push(input);
            continue;
        };
        if let (true, false, Some(descriptor)) =
            (settings.merge_new_columns, settings.inherit_from_table, input.storage_descriptor.as_mut())
        {
            let of_old = old.storage_descriptor.as_ref().and_then(|d| d.columns.as_deref());
            keep_columns(descriptor, of_old.unwrap_or_default(), Some(&found.plan.shape));
        }
        written::keep_of_partition(&mut input, &old);
        let fate = decide::partition(&old, &input, behavior);
        let stays = if fate == Part::Kept { &old } else { &input };
        if settings.inherit_from_table || !table.as_found || old != input {
            odd.extend(reads::remark_on_part(found, &table.input, stays, part));
        }
        match fate {
            Part::Kept => continue,
            Part::Statistics => {}
            Part::Changed => definitions += 1,
        }
        changed.push((old, input));
    }
    let created = made.len() as u64;
    if created > 0 || !changed.is_empty() {
        job.put_partitions(&mut tx, (database, name), made, changed).await?;
        job.count_in(&mut tx, |counts| {
            counts.partitions_created += created;
            counts.partitions_updated += definitions;
        })
        .await?;
        job.commit(tx).await?;
    }
    Ok((created, odd))
}
