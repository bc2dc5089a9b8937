//! Tables with partition keys some of whose partitions have changed, by the events of their bucket.
//!
//! The table's columns take in those of the changed partitions, its statistics are corrected by what these held before and
//! hold now, and nothing else of it changes. What the catalog's definition does not tell for sure, or could not be
//! read by it (another format, other quotes), is no business of this module: the target is listed then.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use catalog::{Column, PartitionInput, StorageDescriptor, Table, TableInput, partition, table};
use formats::{InferredField, Seen as OfValues};

use super::changed::{Area, Seen, is_whole};
use super::covers::Covers;
use super::decide::{self, Fate};
use super::describe::{self, DEPRECATED_BY, UPDATED_BY};
use super::incremental::with_slash;
use super::reads::{self, OF_KIND};
use super::sizes::Sizes;
use super::survey::{Found, Place};
use super::takes::gives_up_digits;
use super::vanished::{self, Gone};
use super::{Ended, Job, keys, publish, written};
use crate::definition::Configuration;
use crate::error::CrawlerError;
use crate::plan::{Examples, Kind, Likeness, Part, Shape, TablePlan, is_unnamed, key_value};

/// What becomes of one table.
pub(super) struct Changed {
    /// As it was when the folders were looked at.
    table: Table,
    /// As it is to be.
    input: TableInput,
    /// Partitions with files; none when all that changed are gone.
    found: Option<Found>,
    /// Partitions without.
    gone: Vec<PartitionInput>,
    /// Whether there are partitions that were not there, or had no files.
    comes: bool,
}

/// What becomes of the tables that areas lie in. The inner error: why the target has to be listed.
pub(super) async fn plan(
    job: &Job<'_>,
    settings: &Configuration,
    place: &Place,
    own: &[Table],
    seen: Vec<Seen>,
) -> Result<Result<Vec<Changed>, String>, Ended> {
    let mut by_table: BTreeMap<String, Vec<Seen>> = BTreeMap::new();
    for one in seen {
        by_table.entry(one.area.table.name.clone()).or_default().push(one);
    }
    let mut all = Vec::with_capacity(by_table.len());
    for seen in by_table.into_values() {
        let Some(table) = seen.first().map(|one| one.area.table.clone()) else { continue };
        let values: Vec<Vec<String>> = seen.iter().map(|one| one.area.values.clone()).collect();
        let mut known = BTreeMap::new();
        for some in values.chunks(1_000) {
            let mut tx = job.ground.store.read().await.map_err(CrawlerError::from)?;
            let found =
                partition::batch_get(&mut tx, job.scope, &table.database_name, &table.name, some).await;
            known.extend(
                found.map_err(CrawlerError::from)?.into_iter().map(|p| (p.input.values.clone(), p.input)),
            );
        }
        let contested = is_contested(&table, own);
        let changed = match one(job, settings, place, table, seen, known) {
            Ok(changed) => changed,
            Err(why) => return Ok(Err(why)),
        };
        match regrouped(job, place, &changed, contested).await? {
            None => all.push(changed),
            Some(why) => return Ok(Err(why)),
        }
    }
    Ok(Ok(all))
}

/// Whether which folders are a table's partitions hangs on how many there are: its keys say no names, or a folder of a key
/// is a table of its own.
fn is_contested(table: &Table, own: &[Table]) -> bool {
    let keys: Vec<&str> = table.partition_keys().iter().map(|key| key.name.as_str()).collect();
    if keys.iter().any(|key| is_unnamed(key)) {
        return true;
    }
    let home = with_slash(table.location().unwrap_or_default());
    own.iter().filter_map(|other| with_slash(other.location()?).strip_prefix(&home).map(str::to_owned)).any(
        |below| {
            let level = below.split('/').filter(|name| !name.is_empty()).take(keys.len()).last();
            level.and_then(key_value).is_some_and(|(key, _)| keys.contains(&key.as_str()))
        },
    )
}

/// Why what happened to a table may group its folders, or those beside it, otherwise than before.
async fn regrouped(
    job: &Job<'_>,
    place: &Place,
    one: &Changed,
    contested: bool,
) -> Result<Option<String>, Ended> {
    let name = &one.table.name;
    if contested && (one.comes || !one.gone.is_empty()) {
        return Ok(Some(format!(
            "partitions of table {name} come or go, and folders beside them decide, too"
        )));
    }
    let is_bare = one.found.is_none() && Sizes::of(one.input.parameters.as_ref()).files == 0;
    let location = one.table.location().unwrap_or_default();
    let holds_files = one.found.is_some() || vanished::holds_files(job, location).await?;
    if is_bare && holds_files {
        return Ok(Some(format!(
            "table {name} has no partition any more, and files that were left out of it"
        )));
    }
    if is_whole(place, &one.table) {
        return Ok(None);
    }
    if decide::is_changed(&one.table, &one.input) {
        return Ok(Some(format!("the files of table {name} are others than before")));
    }
    Ok((!holds_files).then(|| format!("table {name} has no files any more")))
}

fn one(
    job: &Job<'_>,
    settings: &Configuration,
    place: &Place,
    table: Table,
    seen: Vec<Seen>,
    mut known: BTreeMap<Vec<String>, PartitionInput>,
) -> Result<Changed, String> {
    let mut sizes = Sizes::of(table.input.parameters.as_ref());
    let (mut parts, mut gone, mut shape) = (Vec::new(), Vec::new(), None);
    let mut values = HashSet::new();
    let mut comes = false;
    let likeness = likeness(&table, settings);
    for Seen { area, plan } in seen {
        let old = known.remove(&area.values);
        let whole = describe::location(place.bucket.as_str(), &area.folder);
        let moved = old.as_ref().and_then(location).is_some_and(|location| with_slash(location) != whole);
        if moved || !values.insert(area.values.clone()) {
            return Err(format!("{whole} stands for the same partition values as another folder"));
        }
        if let Some(old) = old.as_ref().filter(|old| !is_deprecated(old)) {
            sizes.subtract(Sizes::of(old.parameters.as_ref()));
        }
        let Some(plan) = plan else {
            gone.extend(old.filter(|old| is_own(job, old) && !is_deprecated(old)));
            continue;
        };
        comes |= old.as_ref().is_none_or(is_deprecated);
        sizes.add(plan.shape.files, plan.shape.records, plan.shape.bytes);
        let merged = shape.get_or_insert_with(|| as_table(&table, &plan.shape));
        if !merged.as_mut().is_some_and(|shape| shape.merge(&plan.shape, likeness)) {
            return Err(format!("the files in {whole} do not fit table {} as it is", table.name));
        }
        parts.push(part(area, plan));
    }
    let shape = shape.flatten();
    if let Some(column) = shape.as_ref().and_then(|shape| given_up(&table, shape)) {
        let name = &table.name;
        return Err(format!(
            "column {column} of table {name} is double now, and its other files tell whether digits are lost"
        ));
    }
    let found = shape.map(|shape| found(job, place, &table, shape, parts));
    let input = input(job, settings, &table, found.as_ref(), sizes);
    Ok(Changed { table, input, found, gone, comes })
}

/// A column that becomes `double`, and was of a type with more digits.
fn given_up<'a>(table: &'a Table, shape: &Shape) -> Option<&'a str> {
    let field = |name: &str| shape.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
    let is_given_up = |column: &&Column| {
        let was = column.hive_type().parse().ok();
        was.zip(field(&column.name)).is_some_and(|(was, field)| gives_up_digits(&was, &field.ty))
    };
    table.columns().iter().find(is_given_up).map(|column| column.name.as_str())
}

fn location(input: &PartitionInput) -> Option<&str> {
    input.storage_descriptor.as_ref()?.location.as_deref()
}

fn is_own(job: &Job<'_>, input: &PartitionInput) -> bool {
    let by = input.parameters.as_ref().and_then(|all| all.get(UPDATED_BY));
    by.map(String::as_str) == Some(job.definition.name.as_str())
}

fn is_deprecated(input: &PartitionInput) -> bool {
    input.parameters.as_ref().is_some_and(|all| all.contains_key(DEPRECATED_BY))
}

fn part(area: Area, plan: TablePlan) -> Part {
    Part {
        values: area.values,
        folder: area.folder,
        fields: plan.shape.fields,
        titled: plan.shape.titled,
        files: plan.shape.files,
        bytes: plan.shape.bytes,
        records: plan.shape.records,
        quoted: plan.shape.quoted,
        escape: plan.shape.escape,
    }
}

/// What a partition must have in common with its table, as in a crawl of everything.
pub(super) fn likeness(table: &Table, settings: &Configuration) -> Likeness {
    let named = table.partition_keys().iter().all(|key| !is_unnamed(&key.name));
    match (settings.combine, named) {
        (true, _) => Likeness::Compatible,
        (false, true) => Likeness::Grown,
        (false, false) => Likeness::Similar,
    }
}

/// The table's definition as a shape to merge with; none when files of this shape cannot be read by it, or when it does
/// not say all that a shape holds.
fn as_table(table: &Table, shape: &Shape) -> Option<Shape> {
    let written = describe::parameters_of_kind(&shape.kind);
    if OF_KIND.iter().any(|name| table.parameter(name) != written.get(*name).map(String::as_str)) {
        return None;
    }
    let descriptor = table.input.storage_descriptor.as_ref();
    let serde = descriptor.and_then(|d| d.serde_info.as_ref()?.parameters.as_ref());
    let said = |name: &str| serde.and_then(|all| all.get(name)).map(String::as_str);
    let quoted = table.parameter("areColumnsQuoted") == Some("true");
    let mut escape = None;
    if let Kind::Csv { quote, .. } = &shape.kind {
        let byte = |name: &str| said(name).and_then(|text| text.bytes().next());
        if quoted && byte("quoteChar") != Some(*quote) {
            return None;
        }
        escape = byte("escapeChar").filter(|_| quoted);
        // A table without quotes takes backslashes as they are.
        let known = escape.or(Some(*quote));
        if (shape.quoted && !quoted) || shape.escape.is_some_and(|seen| Some(seen) != known) {
            return None;
        }
    }
    let avro_schema = said("avro.schema.literal").map(str::to_owned);
    if avro_schema.is_some() && avro_schema != shape.avro_schema {
        return None;
    }
    let field = |column: &Column| {
        let ty = column.hive_type().parse().ok()?;
        Some(InferredField { name: column.name.clone(), ty, nullable: true, seen: OfValues::Values })
    };
    let fields = table.columns().iter().map(field).collect::<Option<Vec<_>>>()?;
    let compression = table.parameter("compressionType").unwrap_or("none").to_owned();
    Some(Shape {
        kind: shape.kind.clone(),
        fields: fields.into(),
        titled: None,
        quoted,
        escape,
        avro_schema,
        files: 0,
        bytes: 0,
        records: 0,
        sampled: (0, 0),
        unseen: 0,
        certainty: 1.0,
        // It has far more files than any partition: their compression is the table's.
        compressions: [(compression, u64::from(u32::MAX))].into(),
        contradicting: BTreeSet::new(),
        passed_over: 0,
        examples: Examples::default(),
    })
}

/// The table as it is to be.
fn input(
    job: &Job<'_>,
    settings: &Configuration,
    table: &Table,
    found: Option<&Found>,
    sizes: Sizes,
) -> TableInput {
    let mut input = TableInput { name: table.name.clone(), ..table.input.clone() };
    if let Some(found) = found {
        let described = describe::table(&job.definition.name, found, settings).0.storage_descriptor;
        take_columns(&mut input, table, described.unwrap_or_default());
        if let Some(parameters) = input.parameters.as_mut() {
            parameters.remove(DEPRECATED_BY);
        }
        for key in input.partition_keys.iter_mut().flatten() {
            key.column_type = Some("string".to_owned());
        }
        for note in keys::keep_types(&mut input, table.partition_keys(), &found.plan.parts) {
            job.log.warn(format!("table {}: {note}", table.name));
        }
    }
    sizes.write(input.parameters.as_mut());
    sizes.write(input.storage_descriptor.as_mut().and_then(|d| d.parameters.as_mut()));
    input
}

/// Gives a table the columns that are described, and what its SerDe has to know of them. A column that stays keeps what
/// people wrote about it.
fn take_columns(input: &mut TableInput, table: &Table, described: StorageDescriptor) {
    let mut columns = described.columns.unwrap_or_default();
    written::columns(&mut columns, table.columns());
    let Some(descriptor) = input.storage_descriptor.as_mut().filter(|_| columns != table.columns()) else {
        return;
    };
    descriptor.columns = Some(columns);
    let told = described.serde_info.and_then(|serde| serde.parameters).unwrap_or_default();
    if let Some(serde) = descriptor.serde_info.as_mut() {
        serde.parameters.get_or_insert_default().extend(told);
    }
}

fn found(job: &Job<'_>, place: &Place, table: &Table, shape: Shape, parts: Vec<Part>) -> Found {
    let keys = table.partition_keys().iter().map(|key| key.name.clone()).collect();
    let home = format!("s3://{}/", place.bucket.as_str());
    let path = table.location().and_then(|location| location.strip_prefix(&home)).unwrap_or_default();
    place.found(job, TablePlan { path: path.to_owned(), shape, keys, parts })
}

/// Writes one table, then its partitions; then deals with those that are gone.
pub(super) async fn write(
    job: &Job<'_>,
    settings: &Configuration,
    one: Changed,
    gone: &Gone,
) -> Result<(), Ended> {
    let location = one.table.location().unwrap_or_default();
    if one.found.is_none() && !vanished::holds_files(job, location).await? {
        return gone.judge(job, &one.table, &Covers::default()).await;
    }
    let input = write_table(job, settings, &one).await?;
    let table = publish::Table { input, fresh: false, crawler: job.definition.name.clone(), as_found: false };
    if let Some(found) = &one.found {
        publish::put_partitions(job, settings, found, &table).await?;
    }
    let place = (one.table.database_name.as_str(), one.table.name.as_str());
    Ok(vanished::remove_partitions(job, place, &one.gone).await?)
}

/// Returns the definition that the table has then.
async fn write_table(job: &Job<'_>, settings: &Configuration, one: &Changed) -> Result<TableInput, Ended> {
    let (name, database) = (&one.table.name, &one.table.database_name);
    let mut tx = job.begin().await?;
    let old = table::get(&mut tx, job.scope, database, name).await.map_err(CrawlerError::from)?;
    if old.input != one.table.input {
        return Err(Ended::Failed(format!(
            "Table {name} was changed while the crawl was at work; crawl again"
        )));
    }
    let mut input = one.input.clone();
    let mut notes = Vec::new();
    if let (true, Some(found), Some(descriptor)) =
        (settings.merge_new_columns, &one.found, input.storage_descriptor.as_mut())
    {
        notes.extend(decide::keep_columns(descriptor, old.columns(), Some(&found.plan.shape)));
    }
    let fate = decide::table(&old, &input, job.definition.schema_change_policy.update_behavior);
    publish::change(job, &mut tx, &old, input.clone(), fate).await?;
    if fate == Fate::Updated {
        job.count_in(&mut tx, |counts| publish::add(&mut counts.tables_updated, name)).await?;
    }
    store::crash::point("crawl.table.before_commit");
    job.commit(tx).await?;
    store::crash::point("crawl.table.committed");
    job.log.info(match fate {
        Fate::Updated => format!("INFO : Updated table {name} in database {database}"),
        Fate::Logged => format!("INFO : Table {name} has changed and is left as it is (UpdateBehavior LOG)"),
        Fate::Unchanged | Fate::Statistics | Fate::Remade => format!("INFO : Table {name} has not changed"),
    });
    // What is only logged stays as it was, and new partitions belong to that.
    let input = if fate == Fate::Logged { old.input } else { input };
    if let Some(found) = &one.found {
        notes.extend(reads::remark(found, &input).into_iter().chain(reads::inexact_of(found, &input)));
    }
    for note in notes {
        job.log.warn(format!("table {name}: {note}"));
    }
    Ok(input)
}
