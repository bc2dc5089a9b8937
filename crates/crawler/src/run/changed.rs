//! A later crawl in `CRAWL_EVENT_MODE`: only the folders of changed objects are looked at.
//!
//! Each folder must lie in a table of this crawler, and within a partition of it when the table has keys. What the folder
//! holds now becomes that partition's, or that table's, definition; what has no file any more follows `DeleteBehavior`.
//! Where that does not decide it all (a folder in no table, files that do not fit, keys that the path does not give) the
//! whole target is listed instead, as by `CRAWL_EVERYTHING`: nothing is guessed.
//!
//! A table that is the whole target takes in new columns; of any other one its siblings decide, too, what belongs together:
//! where its definition changes, or no file is left, everything is listed. So it is where a partition comes or goes in a
//! table whose keys say no names, or beside a folder of its key that is a table of its own.
//!
//! A table's columns only grow by events: a column whose files are all gone, and a type that was wider than what is left
//! needs, go with the next crawl of everything.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use catalog::{Table, TableInput, table};
use formats::hive::is_hidden;

use super::covers::Covers;
use super::decide;
use super::describe::{self, UPDATED_BY};
use super::events::Changes;
use super::incremental::with_slash;
use super::ready::{Discovery, Ready};
use super::survey::{Looked, Place, look_below};
use super::vanished::Gone;
use super::{Done, Ended, Job, count_files, existing, naming, publish, say_left_out, widened};
use crate::definition::{CatalogTarget, Configuration};
use crate::error::CrawlerError;
use crate::exclusion::Exclusions;
use crate::plan::{Grouping, Planned, TablePlan, Tree, is_unnamed, partition_of};

/// Tables per page.
const PAGE: usize = 1_000;

/// A part of a table that has changed.
pub(super) struct Area {
    pub(super) table: Table,
    /// The partition's values; none when the whole table is meant.
    pub(super) values: Vec<String>,
    /// The folder with its `/`, as a key prefix.
    pub(super) folder: String,
}

/// An area as it is now.
pub(super) struct Seen {
    pub(super) area: Area,
    /// The one table that its files make; none when it holds none that could be read.
    pub(super) plan: Option<TablePlan>,
}

/// Why the target has to be listed.
struct Unclear(String);

/// Carries the changes out. `None`: the targets have to be listed; nothing was written.
pub(super) async fn crawl(
    job: &Job<'_>,
    settings: &Configuration,
    changes: &Changes,
    mut looked: Looked,
) -> Result<Option<Done>, Ended> {
    job.log.info("INFO : The crawl is running by consuming Amazon S3 events.");
    let grouping = Grouping { table_level: settings.table_level, combine: settings.combine };
    let done =
        match (job.definition.targets.s3_targets.first(), job.definition.targets.catalog_targets.first()) {
            (Some(target), _) => {
                Box::pin(s3(job, settings, grouping, &Place::of(target)?, changes, &mut looked)).await?
            }
            (None, Some(target)) => tables_of_catalog(job, settings, target, changes, &mut looked).await?,
            (None, None) => Ok(()),
        };
    if let Err(Unclear(why)) = done {
        job.log.info(format!("INFO : Crawl is not running in S3 event mode: {why}"));
        return Ok(None);
    }
    job.log.info("BENCHMARK : Finished writing to Catalog");
    say_left_out(job).await?;
    Ok(Some(Done::default()))
}

async fn s3(
    job: &Job<'_>,
    settings: &Configuration,
    grouping: Grouping,
    place: &Place,
    changes: &Changes,
    looked: &mut Looked,
) -> Result<Result<(), Unclear>, Ended> {
    let bucket = place.bucket.as_str();
    if changes.objects.iter().any(|(of, key)| of == bucket && *key == place.path) {
        return Ok(Err(Unclear(format!("s3://{bucket}/{} is an object, no folder", place.path))));
    }
    let folders = folders(place, changes)?;
    let own = own_tables(job).await?;
    let areas = match areas(place, &folders, &own) {
        Ok(areas) => areas,
        Err(unclear) => return Ok(Err(unclear)),
    };
    let mut seen = Vec::with_capacity(areas.len());
    for area in areas {
        match look(job, grouping, place, area, looked).await? {
            Ok(one) if stays(settings, job, place, &one) => seen.push(one),
            Ok(one) => {
                let what = format!("the files of table {} are others than before", one.area.table.name);
                return Ok(Err(Unclear(what)));
            }
            Err(unclear) => return Ok(Err(unclear)),
        }
    }
    count_files(job, looked, 0).await?;
    let (parts, whole): (Vec<Seen>, Vec<Seen>) =
        seen.into_iter().partition(|one| !one.area.table.partition_keys().is_empty());
    let changed = match widened::plan(job, settings, place, &own, parts).await? {
        Ok(changed) => changed,
        Err(why) => return Ok(Err(Unclear(why))),
    };
    store::crash::point("crawl.surveyed");
    let gone = Gone { surveyed: job.definition.targets.s3_targets.clone(), ..Gone::default() };
    write_whole(job, settings, place, whole, &gone).await?;
    for one in changed {
        job.go_on()?;
        Box::pin(widened::write(job, settings, one, &gone)).await?;
        job.log.flush().await;
    }
    Ok(Ok(()))
}

/// The folders of changed objects that a crawl would look at, as key prefixes.
fn folders(place: &Place, changes: &Changes) -> Result<BTreeSet<String>, CrawlerError> {
    let exclusions = Exclusions::new(&place.exclusions)?;
    let prefix = place.prefix();
    let mut folders = BTreeSet::new();
    for (bucket, key) in &changes.objects {
        let Some(relative) = key.strip_prefix(&prefix).filter(|_| bucket == place.bucket.as_str()) else {
            continue;
        };
        if !is_hidden(relative) && !exclusions.exclude(relative) {
            folders.insert(key.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/")));
        }
    }
    Ok(folders)
}

/// Whether a table is the whole of the target: no other folder is beside it.
pub(super) fn is_whole(place: &Place, table: &Table) -> bool {
    let whole = format!("s3://{}/{}", place.bucket.as_str(), place.prefix());
    table.location().is_some_and(|location| with_slash(location) == with_slash(&whole))
}

/// Whether a table without keys is still what it was, so that nothing around it is to be grouped anew.
fn stays(settings: &Configuration, job: &Job<'_>, place: &Place, seen: &Seen) -> bool {
    let table = &seen.area.table;
    if !table.partition_keys().is_empty() || is_whole(place, table) {
        return true;
    }
    let Some(plan) = &seen.plan else { return false };
    let found = Discovery::Files(Box::new(place.found(job, plan.clone())));
    let one = Ready::of(job, settings, found);
    let input = TableInput { name: table.name.clone(), ..one.input.clone() };
    let (input, _) = publish::prepared(settings, &one, table, input);
    !decide::is_changed(table, &input)
}

/// Tables of this crawler that say where their files are, and have any as far as is known.
async fn own_tables(job: &Job<'_>) -> Result<Vec<Table>, Ended> {
    let mine = |table: &Table| {
        table.parameter(UPDATED_BY) == Some(job.definition.name.as_str())
            && table.parameter(describe::DEPRECATED_BY).is_none()
            && !naming::is_open(table)
    };
    tables_of(job, job.database(), mine).await
}

/// Tables of a database, which may not be there.
pub(super) async fn tables_of(
    job: &Job<'_>,
    database: &str,
    wanted: impl Fn(&Table) -> bool,
) -> Result<Vec<Table>, Ended> {
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    loop {
        job.go_on()?;
        let mut tx = job.ground.store.read().await.map_err(CrawlerError::from)?;
        let query = table::TableQuery { pattern: None, token: token.as_deref(), limit: PAGE };
        let page = match table::list(&mut tx, job.scope, database, &query).await {
            Ok(page) => page,
            Err(catalog::CatalogError::DatabaseNotFound { .. }) => return Ok(found),
            Err(error) => return Err(CrawlerError::from(error).into()),
        };
        found.extend(page.items.into_iter().filter(&wanted));
        match page.next {
            Some(next) => token = Some(next),
            None => return Ok(found),
        }
    }
}

/// Where each folder belongs.
fn areas(place: &Place, folders: &BTreeSet<String>, own: &[Table]) -> Result<Vec<Area>, Unclear> {
    let bucket = place.bucket.as_str();
    let home = format!("s3://{bucket}/");
    let mut areas: BTreeMap<(String, String), Area> = BTreeMap::new();
    for folder in folders {
        let around = own.iter().filter_map(|table| {
            let location = table.location()?.strip_prefix(&home)?;
            let location = if location.is_empty() { String::new() } else { with_slash(location) };
            folder.starts_with(&location).then_some((location, table))
        });
        let Some((location, table)) = around.max_by_key(|(location, _)| location.len()) else {
            return Err(Unclear(format!("{home}{folder} is in no table of this crawler")));
        };
        let keys = table.partition_keys().iter().map(|key| key.name.as_str());
        let Some((values, below)) = partition_of(keys, &folder[location.len()..], is_unnamed) else {
            return Err(Unclear(format!("{home}{folder} is no partition of table {}", table.name)));
        };
        let path = format!("{location}{below}");
        areas.entry((table.name.clone(), path.clone())).or_insert_with(|| Area {
            table: table.clone(),
            values,
            folder: path,
        });
    }
    Ok(areas.into_values().collect())
}

/// Looks at an area: its files must make at most one table, which lies in its folder.
async fn look(
    job: &Job<'_>,
    grouping: Grouping,
    place: &Place,
    area: Area,
    looked: &mut Looked,
) -> Result<Result<Seen, Unclear>, Ended> {
    let surveyed = look_below(job, place, &area.folder, grouping, looked).await?;
    let Planned { tables: mut plans, notes, .. } = Tree::new(&area.folder, surveyed, grouping).planned();
    let whole = format!("s3://{}/{}", place.bucket.as_str(), area.folder);
    let plan = plans.pop();
    let is_one = plan.as_ref().is_none_or(|plan| plan.keys.is_empty() && plan.path == area.folder);
    if !plans.is_empty() || !is_one {
        return Ok(Err(Unclear(format!("the files below {whole} are no longer one folder of one table"))));
    }
    for note in notes {
        job.log.warn(format!("{whole}: {note}"));
    }
    Ok(Ok(Seen { area, plan }))
}

/// Tables without keys: they are written as by a crawl of everything.
async fn write_whole(
    job: &Job<'_>,
    settings: &Configuration,
    place: &Place,
    whole: Vec<Seen>,
    gone: &Gone,
) -> Result<(), Ended> {
    let mut found = Vec::new();
    for Seen { area, plan } in whole {
        match plan {
            Some(plan) => found.push(Discovery::Files(Box::new(place.found(job, plan)))),
            None => gone.judge(job, &area.table, &Covers::default()).await?,
        }
    }
    if !found.is_empty() {
        Box::pin(publish::all(job, settings, found)).await?;
    }
    Ok(())
}

/// A catalog target: its tables that hold changed objects are crawled, each whole.
async fn tables_of_catalog(
    job: &Job<'_>,
    settings: &Configuration,
    target: &CatalogTarget,
    changes: &Changes,
    looked: &mut Looked,
) -> Result<Result<(), Unclear>, Ended> {
    let changed: HashSet<String> =
        changes.objects.iter().map(|(bucket, key)| format!("s3://{bucket}/{key}")).collect();
    let mut affected = Vec::new();
    for name in &target.tables {
        let mut tx = job.ground.store.read().await.map_err(CrawlerError::from)?;
        let holds = match table::get(&mut tx, job.scope, &target.database_name, name).await {
            Ok(table) => table.location().is_some_and(|location| {
                let folder = with_slash(location);
                changed.iter().any(|object| object.starts_with(&folder) || object == location)
            }),
            // What to say of it is the survey's business.
            Err(
                catalog::CatalogError::TableNotFound { .. }
                | catalog::CatalogError::DatabaseNotFound { .. }
                | catalog::CatalogError::TargetNotFound { .. },
            ) => true,
            Err(error) => return Err(CrawlerError::from(error).into()),
        };
        affected.extend(holds.then(|| name.clone()));
    }
    let target = CatalogTarget { tables: affected, ..target.clone() };
    let found = existing::survey(job, &target, looked).await?;
    count_files(job, looked, 0).await?;
    store::crash::point("crawl.surveyed");
    let found = found.into_iter().map(|found| Discovery::Files(Box::new(found))).collect();
    Box::pin(publish::all(job, settings, found)).await?;
    Ok(Ok(()))
}
