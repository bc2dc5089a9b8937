//! `CRAWL_NEW_FOLDERS_ONLY`: after the first crawl only folders that the catalog does not know are looked at. Where they
//! fit a table of the crawler they become its partitions; nothing else is made, changed or deleted.
//!
//! Source: Glue Developer Guide, Scheduling incremental crawls for adding new partitions.

use std::collections::{BTreeMap, HashMap, HashSet};

use catalog::{Table, partition, table};
use formats::InferredField;

use super::describe::{self, UPDATED_BY};
use super::naming::is_open;
use super::survey::{Found, Looked, Place, Surveyed, look_around};
use super::{Ended, Job};
use crate::error::CrawlerError;
use crate::plan::{Likeness, Part, Shape, TablePlan, partition_of};

/// Tables and partitions per page.
const PAGE: usize = 1_000;

/// What the catalog holds of this crawler.
#[derive(Default)]
pub(super) struct Known {
    /// Tables with partition keys.
    tables: Vec<Table>,
    /// Locations of partitions and of tables without keys, each with a slash at its end.
    places: HashSet<String>,
}

/// A location as a folder.
pub(super) fn with_slash(location: &str) -> String {
    format!("{}/", location.trim_end_matches('/'))
}

impl Known {
    /// Reads the catalog; memory grows with partitions.
    pub(super) async fn read(job: &Job<'_>) -> Result<Self, Ended> {
        let mut known = Self::default();
        let mut token: Option<String> = None;
        loop {
            job.go_on()?;
            let mut tx = job.ground.store.read().await.map_err(CrawlerError::from)?;
            let query = table::TableQuery { pattern: None, token: token.as_deref(), limit: PAGE };
            let page =
                table::list(&mut tx, job.scope, job.database(), &query).await.map_err(CrawlerError::from)?;
            drop(tx);
            for table in page.items {
                let own = table.parameter(UPDATED_BY) == Some(job.definition.name.as_str());
                let Some(location) = table.location().filter(|_| own).map(with_slash) else { continue };
                if table.partition_keys().is_empty() || is_open(&table) {
                    known.places.insert(location);
                    continue;
                }
                known.partitions(job, &table).await?;
                known.tables.push(table);
            }
            match page.next {
                Some(next) => token = Some(next),
                None => return Ok(known),
            }
        }
    }

    async fn partitions(&mut self, job: &Job<'_>, table: &Table) -> Result<(), Ended> {
        let mut token: Option<String> = None;
        loop {
            job.go_on()?;
            let mut tx = job.ground.store.read().await.map_err(CrawlerError::from)?;
            let query =
                partition::PartitionQuery { after: token.as_deref(), limit: PAGE, ..Default::default() };
            let page = partition::list(&mut tx, job.scope, &table.database_name, &table.name, &query)
                .await
                .map_err(CrawlerError::from)?;
            drop(tx);
            self.places.extend(page.items.iter().filter_map(|p| p.location()).map(with_slash));
            match page.next {
                Some(next) => token = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Whether an object lies in a folder that the catalog knows, or is a table by itself.
    pub(super) fn holds(&self, bucket: &str, key: &str) -> bool {
        let whole = format!("s3://{bucket}/{key}/");
        whole.match_indices('/').skip(2).any(|(at, _)| self.places.contains(&whole[..=at]))
    }

    /// The table that a folder would be in: the deepest one around it.
    fn table_around(&self, folder: &str) -> Option<&Table> {
        let around = self
            .tables
            .iter()
            .filter(|t| t.location().is_some_and(|location| folder.starts_with(&with_slash(location))));
        around.max_by_key(|t| t.location().map_or(0, str::len))
    }
}

/// New partitions of tables that are there.
pub(super) async fn tables(
    job: &Job<'_>,
    known: &Known,
    place: &Place,
    looked: &mut Looked,
) -> Result<Vec<(Found, Table)>, Ended> {
    let surveyed = look_around(job, place, Likeness::Similar, Some(known), looked).await?;
    let bucket = place.bucket.as_str();
    let Surveyed { prefix, folders, .. } = surveyed;
    let mut new: BTreeMap<(String, Vec<String>), (Table, Part, Shape)> = BTreeMap::new();
    for (path, folder) in &folders {
        let slash = if path.is_empty() { "" } else { "/" };
        let whole = format!("s3://{bucket}/{prefix}{path}{slash}");
        for shape in folder.groups() {
            job.go_on()?;
            let Some((table, values, home)) = home(known, &whole) else {
                job.log.warn(format!(
                    "{whole}: the new folder is no partition of a table of this crawler; it is left out \
                     (CRAWL_NEW_FOLDERS_ONLY makes no tables)"
                ));
                continue;
            };
            if !fits(table, shape) {
                job.log.error(format!("{whole}: its files do not fit table {}; it is left out", table.name));
                continue;
            }
            let folder = home[format!("s3://{bucket}/").len()..].to_owned();
            let part = Part {
                values: values.clone(),
                folder,
                fields: shape.fields.clone(),
                files: 0,
                bytes: 0,
                records: 0,
            };
            let (_, part, merged) = new
                .entry((table.name.clone(), values))
                .or_insert_with(|| (table.clone(), part, Shape { files: 0, ..shape.clone() }));
            part.files += shape.files;
            part.bytes += shape.bytes;
            part.records += shape.records;
            merged.files += shape.files;
        }
    }
    Ok(gathered(job, place, new))
}

/// The new partitions, by table.
fn gathered(
    job: &Job<'_>,
    place: &Place,
    new: BTreeMap<(String, Vec<String>), (Table, Part, Shape)>,
) -> Vec<(Found, Table)> {
    let mut by_table: BTreeMap<String, (Found, Table)> = BTreeMap::new();
    for ((name, _), (table, part, shape)) in new {
        let keys = table.partition_keys().iter().map(|key| key.name.clone()).collect();
        let (found, _) = by_table.entry(name).or_insert_with(|| {
            let path = table.location().unwrap_or_default();
            let path = path.strip_prefix(&format!("s3://{}/", place.bucket.as_str())).unwrap_or_default();
            let plan = TablePlan { path: path.to_owned(), shape, keys, parts: Vec::new() };
            let found = Found {
                bucket: place.bucket.clone(),
                plan,
                exclusions: Vec::new(),
                database: job.database().to_owned(),
                owner: None,
            };
            (found, table)
        });
        found.plan.parts.push(part);
    }
    by_table.into_values().collect()
}

/// The table around a folder, the values that the folder stands for, and the partition's own folder.
fn home<'a>(known: &'a Known, folder: &str) -> Option<(&'a Table, Vec<String>, String)> {
    let table = known.table_around(folder)?;
    let mut home = with_slash(table.location()?);
    let below = &folder[home.len()..];
    let keys = table.partition_keys().iter().map(|key| key.name.as_str());
    // Keys may have names that people gave them.
    let (values, path) = partition_of(keys, below, |_| true)?;
    home.push_str(&path);
    Some((table, values, home))
}

/// Whether files of this shape can be read with the table's definition.
fn fits(table: &Table, shape: &Shape) -> bool {
    let written = describe::parameters_of_kind(shape);
    let same_kind = written.iter().all(|(name, value)| table.parameter(name) == Some(value.as_str()));
    let fields = table.columns().iter().filter_map(|column| {
        Some(InferredField {
            name: column.name.clone(),
            ty: column.hive_type().parse().ok()?,
            nullable: true,
            untyped: false,
        })
    });
    let as_table = Shape { fields: std::sync::Arc::new(fields.collect()), ..shape.clone() };
    same_kind && as_table.fits(shape, Likeness::Grown)
}

/// The partitions of one table, in batches.
pub(super) async fn publish(job: &Job<'_>, found: &Found, table: &Table) -> Result<u64, Ended> {
    const AT_ONCE: usize = 2_000;
    let place = (table.database_name.as_str(), table.name.as_str());
    let mut made = 0;
    for parts in found.plan.parts.chunks(AT_ONCE) {
        job.go_on()?;
        let inputs: Vec<_> = parts
            .iter()
            .map(|part| describe::inherited(&job.definition.name, found, part, &table.input))
            .collect();
        let mut tx = job.begin().await?;
        let wanted: Vec<Vec<String>> = inputs.iter().map(|i| i.values.clone()).collect();
        let known = partition::batch_get(&mut tx, job.scope, place.0, place.1, &wanted)
            .await
            .map_err(CrawlerError::from)?;
        let known: HashMap<&[String], ()> = known.iter().map(|p| (p.values(), ())).collect();
        let new: Vec<_> = inputs.into_iter().filter(|i| !known.contains_key(i.values.as_slice())).collect();
        let count = new.len() as u64;
        if count == 0 {
            continue;
        }
        job.put_partitions(&mut tx, place, new, Vec::new()).await?;
        job.count_in(&mut tx, |counts| counts.partitions_created += count).await?;
        job.commit(tx).await?;
        made += count;
    }
    job.log.info(format!("INFO : Added {made} partitions to table {} (new folders only)", table.name));
    Ok(made)
}
