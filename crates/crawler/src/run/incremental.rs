//! `CRAWL_NEW_FOLDERS_ONLY`: after the first crawl only folders that the catalog does not know are looked at. Where a crawl
//! of everything would make them partitions of a table of the crawler, and the table as it is can read them, they become its
//! partitions; nothing else is made, changed or deleted, and what is left out is named and counted. A folder is named as those
//! of the other partitions are: `backup/` beside `day=1/` or `2024-01/` is none.
//!
//! Source: Glue Developer Guide, Scheduling incremental crawls for adding new partitions.

use std::collections::{BTreeMap, HashMap};

use catalog::{Column, Parameters, Table, partition};
use formats::{InferredField, Seen};

use super::describe;
use super::known::Known;
use super::reads::{self, Dialect, Files};
use super::survey::{Found, Looked, Place, Surveyed, look_around};
use super::{Ended, Job, widened};
use crate::definition::Configuration;
use crate::error::CrawlerError;
use crate::plan::{Folder, Grouping, Part, Planned, Shape, TablePlan, Tree};

/// Partitions per page.
const PAGE: usize = 1_000;

/// Why files are left out, as it is counted.
const NO_PARTITION: &str = "new folder is no partition";

/// A location as a folder.
pub(super) fn with_slash(location: &str) -> String {
    format!("{}/", location.trim_end_matches('/'))
}

/// A new folder that would be a partition.
struct Candidate<'a> {
    table: &'a Table,
    values: Vec<String>,
    /// What lies in it, by path below it.
    folders: BTreeMap<String, Folder>,
}

impl Candidate<'_> {
    fn files(&self) -> u64 {
        self.folders.values().map(|folder| folder.recognised() + folder.counted.0).sum()
    }
}

/// New partitions of tables that are there, by table and dialect.
type New = BTreeMap<(String, bool, Option<u8>), (Found, Table)>;

/// New partitions of tables that are there.
pub(super) async fn tables(
    job: &Job<'_>,
    settings: &Configuration,
    known: &Known,
    place: &Place,
    looked: &mut Looked,
) -> Result<Vec<(Found, Table)>, Ended> {
    let grouping = Grouping { table_level: settings.table_level, combine: settings.combine };
    let Surveyed { prefix, folders, .. } = look_around(job, place, grouping, Some(known), looked).await?;
    let bucket = format!("s3://{}/", place.bucket.as_str());
    let mut candidates: BTreeMap<String, Candidate<'_>> = BTreeMap::new();
    for (path, folder) in folders.into_iter().filter(|(_, folder)| !folder.groups().is_empty()) {
        let slash = if path.is_empty() { "" } else { "/" };
        let whole = format!("{bucket}{prefix}{path}{slash}");
        let Some((table, values, home)) = known.home(&whole) else {
            let why = "the new folder is no partition of a table of this crawler (CRAWL_NEW_FOLDERS_ONLY makes no tables)";
            leave_out(job, looked, &whole, folder.recognised() + folder.counted.0, why);
            continue;
        };
        let below = whole[home.len()..].trim_end_matches('/').to_owned();
        let candidate =
            candidates.entry(home).or_insert_with(|| Candidate { table, values, folders: BTreeMap::new() });
        candidate.folders.insert(below, folder);
    }
    let taken = taken(job, &candidates).await?;
    let mut new = New::new();
    for (home, candidate) in candidates {
        job.go_on()?;
        let (files, table) = (candidate.files(), candidate.table);
        let key = (table.name.clone(), candidate.values.clone());
        let others = taken.get(&key).into_iter().flatten().find(|other| **other != home);
        let planned = match others {
            Some(other) => Err(format!("it stands for the same partition values as {other}")),
            None => {
                partition_of(settings, grouping, (place.bucket.as_str(), &home[bucket.len()..]), candidate)
            }
        };
        match planned {
            Ok((part, shape, notes)) => {
                notes.iter().for_each(|note| job.log.warn(format!("{home}: {note}")));
                add(job, place, &mut new, table, part, shape);
            }
            Err(why) => leave_out(job, looked, &home, files, &why),
        }
    }
    Ok(new.into_values().collect())
}

fn leave_out(job: &Job<'_>, looked: &mut Looked, folder: &str, files: u64, why: &str) {
    *looked.left_out.entry(NO_PARTITION.to_owned()).or_default() += files;
    job.log.error(format!("{folder}: {why}; its {files} files are left out"));
}

/// The folders that stand for a table's values: those in the catalog, and new ones.
async fn taken(
    job: &Job<'_>,
    candidates: &BTreeMap<String, Candidate<'_>>,
) -> Result<HashMap<(String, Vec<String>), Vec<String>>, Ended> {
    let mut taken: HashMap<(String, Vec<String>), Vec<String>> = HashMap::new();
    let mut by_table: BTreeMap<&str, (&Table, Vec<Vec<String>>)> = BTreeMap::new();
    for (home, Candidate { table, values, .. }) in candidates {
        taken.entry((table.name.clone(), values.clone())).or_default().push(home.clone());
        by_table.entry(&table.name).or_insert_with(|| (table, Vec::new())).1.push(values.clone());
    }
    for (table, values) in by_table.into_values() {
        for some in values.chunks(PAGE) {
            let mut tx = job.ground.store.read().await.map_err(CrawlerError::from)?;
            let found = partition::batch_get(&mut tx, job.scope, &table.database_name, &table.name, some);
            for old in found.await.map_err(CrawlerError::from)? {
                let place = old.location().map(with_slash).unwrap_or_default();
                taken.entry((table.name.clone(), old.values().to_vec())).or_default().push(place);
            }
        }
    }
    Ok(taken)
}

/// What a crawl of everything would make of a folder, with its remarks, when that is a partition that its table can read.
/// Errors: why not.
fn partition_of(
    settings: &Configuration,
    grouping: Grouping,
    (bucket, folder): (&str, &str),
    mut candidate: Candidate<'_>,
) -> Result<(Part, Shape, Vec<String>), String> {
    let table = candidate.table;
    for folder in candidate.folders.values_mut() {
        folder.take_headers(|shape| reads::names_columns(&table.input, shape), grouping.likeness());
    }
    let Planned { tables: mut plans, mut notes, .. } =
        Tree::new(folder, candidate.folders, grouping).planned();
    let plan = plans.pop().filter(|plan| plans.is_empty() && plan.keys.is_empty() && plan.path == folder);
    let Some(TablePlan { shape, .. }) = plan else {
        return Err(format!(
            "its files are not one folder of one table, as partitions of table {} are",
            table.name
        ));
    };
    let unfit = |why: String| format!("its files do not fit table {}: {why}", table.name);
    let files = Files::of(&shape);
    let (none, own) = (Parameters::new(), table.input.storage_descriptor.clone().unwrap_or_default());
    let parameters = table.input.parameters.as_ref().unwrap_or(&none);
    match reads::dialect(&own, parameters, &files) {
        // The partition gets a SerDe of its own.
        Dialect::Read | Dialect::Quotes => {}
        Dialect::Other(odd) => return Err(unfit(odd.why)),
    }
    if let Some(odd) = reads::columns(table.columns(), table.partition_keys(), &files) {
        return Err(unfit(odd.why));
    }
    notes.extend(reads::inexact(&shape, bucket, &table.input));
    let likeness = widened::likeness(table, settings);
    if !as_shape(table, &shape).fits(&shape, likeness) {
        return Err(unfit("too few of their columns are the same".to_owned()));
    }
    let part = Part {
        values: candidate.values,
        folder: folder.to_owned(),
        fields: shape.fields.clone(),
        titled: None,
        files: shape.files,
        bytes: shape.bytes,
        records: shape.records,
        quoted: shape.quoted,
        escape: shape.escape,
    };
    Ok((part, shape, notes))
}

/// The table's columns, in files like these.
fn as_shape(table: &Table, shape: &Shape) -> Shape {
    let keys: Vec<String> = table.partition_keys().iter().map(|key| key.name.to_lowercase()).collect();
    let repeated = shape.fields.iter().filter(|field| keys.contains(&field.name));
    let named = describe::named(&shape.kind, &keys, &shape.fields);
    // As the files call them: where a partition key has the name, the table has another one, or none.
    let field = |column: &Column| {
        let field = named.iter().find(|(name, _)| *name == column.name).map(|(_, field)| field.name.clone());
        Some(InferredField {
            name: field.unwrap_or_else(|| column.name.clone()),
            ty: column.hive_type().parse().ok()?,
            nullable: true,
            seen: Seen::Values,
        })
    };
    let mut fields: Vec<InferredField> = table.columns().iter().filter_map(field).collect();
    if shape.is_by_name() {
        fields.extend(repeated.cloned());
    }
    Shape { fields: fields.into(), ..shape.clone() }
}

fn add(job: &Job<'_>, place: &Place, new: &mut New, table: &Table, part: Part, shape: Shape) {
    let key = (table.name.clone(), part.quoted, part.escape);
    let (found, _) = new.entry(key).or_insert_with(|| {
        let keys = table.partition_keys().iter().map(|key| key.name.clone()).collect();
        let path = table.location().unwrap_or_default();
        let path = path.strip_prefix(&format!("s3://{}/", place.bucket.as_str())).unwrap_or_default();
        let none = Shape { files: 0, passed_over: 0, ..shape.clone() };
        let plan = TablePlan { path: path.to_owned(), shape: none, keys, parts: Vec::new() };
        let found = Found {
            bucket: place.bucket.clone(),
            plan,
            exclusions: Vec::new(),
            database: job.database().to_owned(),
            owner: None,
            sample: place.sample,
        };
        (found, table.clone())
    });
    found.plan.shape.files += shape.files;
    found.plan.shape.passed_over += shape.passed_over;
    found.plan.parts.push(part);
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
    if let Some(fact) = describe::passed_over(found) {
        job.log.info(format!("INFO : table {}: {fact}", table.name));
    }
    Ok(made)
}
