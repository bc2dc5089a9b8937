//! The one transaction that makes a run's output visible.
//!
//! In it, or not at all: the lease is still ours and the run still RUNNING; every staged file has its
//! index row; tables and partitions of the catalog follow; the bookmark moves; the run is SUCCEEDED.
//! A commit whose outcome is unknown is looked up afterwards.
//!
//! With rows for databases outside the run stays RUNNING: that they land is decided in the transaction, and they do after it
//! ([`super::outside`]).

use std::collections::BTreeMap;

use catalog::{PartitionInput, StorageDescriptor, Table};
use engine::write::{self, OutputPartition};
use store::{Tx, crash, lease};
use tables::PreparedWrite;
use tables::delta::PreparedDelta;

use super::delta;
use super::iceberg;
use super::lineage;
use super::outside::{self, Outside};
use super::quality;
use super::reconcile::{changed_table, new_table};
use super::registered;
use super::rejects;
use super::sources::Source;
use super::target::{Follows, Resolved};
use super::writer::Writer;
use super::{AFTER_COMMIT, BEFORE_COMMIT, RunFailure, Staged, Task, Written, name_of};
use crate::arguments::BookmarkOption;
use crate::bookmark;
use crate::delivery;
use crate::graph::Node;
use crate::lineage::Datasets;
use crate::metrics;
use crate::plan::PlanError;
use crate::run::{self, Event, Run, RunState};
use crate::service::{Context, unknown};

/// How often commits of tables of open formats are prepared again that others overtook.
const MAX_ATTEMPTS: usize = 12;

/// A commit of a table of an open format that is decided and staged.
pub(super) enum Prepared {
    Iceberg(Box<PreparedWrite>),
    Delta(PreparedDelta),
}

/// Publishes everything and marks the run SUCCEEDED.
/// Errors: `Overtaken`, after which nothing is published and `sources` are as they were.
pub(crate) async fn publish(
    task: &Task<'_>,
    sources: &mut BTreeMap<String, Source>,
    staged: Staged,
) -> Result<(), RunFailure> {
    let Staged { written, outside } = staged;
    let inputs = Box::pin(lineage::inputs(task, sources)).await?;
    let mut datasets = Datasets { inputs, outputs: Vec::new() };
    let rejects = rejects::stage(task).await?;
    let deliveries = outside.iter().map(|own| own.delivery.clone()).collect();
    let groups = Box::pin(outside::land(task.context, &task.run.scope, deliveries)).await?;
    let (mut tx, appends) = Box::pin(begin(&task.writer(), &written)).await?;
    let written = written.into_iter().zip(appends).collect();
    let sources = std::mem::take(sources).into_values().collect();
    let (mut lines, end) = Box::pin(fill(task, &mut tx, sources, written, &mut datasets, &outside)).await?;
    Box::pin(rejects::publish(task, &mut tx, rejects, &mut lines)).await?;
    crash::point(BEFORE_COMMIT);
    match tx.commit().await {
        Ok(()) => {}
        Err(error) if unknown(&error) => match is_published(task, &end, &outside).await {
            Ok(true) => {}
            // Not known: the lease runs out, and recovery looks at what is stored.
            _ => return Err(error.into()),
        },
        Err(error) => return Err(error.into()),
    }
    crash::point(AFTER_COMMIT);
    if let Some(events) = &task.context.events {
        let (state, message) = (end.0, end.1.as_deref());
        events.ended(task.run, state, task.context.store.clock().now_ms(), message, &datasets);
    }
    for line in lines {
        task.log.info(line);
    }
    match groups.is_empty() {
        true => Ok(()),
        false => Box::pin(outside::deliver(task.context, task.run, task.lease, task.log, groups)).await,
    }
}

/// Whether the transaction is committed after all.
async fn is_published(task: &Task<'_>, end: &End, outside: &[Outside]) -> Result<bool, RunFailure> {
    if outside.is_empty() {
        return published(task.context, task.run, end).await;
    }
    let mut tx = task.context.store.read().await?;
    Ok(!delivery::decided(&mut tx, &task.run.id).await?.is_empty())
}

/// Prepares commits of tables of open formats, and begins the transaction in which they still hold.
pub(super) async fn begin(
    writer: &Writer<'_>,
    written: &[Written],
) -> Result<(Tx, Vec<Option<Prepared>>), RunFailure> {
    for _ in 0..MAX_ATTEMPTS {
        let mut appends = Vec::new();
        for Written { node, resolved, output } in written {
            appends.push(match (&resolved.iceberg, &resolved.delta) {
                (Some(iceberg), _) => Box::pin(iceberg::prepare(writer, node, iceberg, output))
                    .await?
                    .map(Box::new)
                    .map(Prepared::Iceberg),
                (None, Some(delta)) => {
                    Box::pin(delta::prepare(writer, node, delta, output)).await?.map(Prepared::Delta)
                }
                (None, None) => None,
            });
        }
        let mut tx = writer.store.begin().await?;
        let mut current = true;
        for (Written { node, .. }, append) in written.iter().zip(&appends) {
            if let Some(append) = append {
                current = current && Box::pin(is_current(writer, &mut tx, node, append)).await?;
            }
        }
        if current {
            return Ok((tx, appends));
        }
    }
    let is_open = |resolved: &Resolved| resolved.iceberg.is_some() || resolved.delta.is_some();
    let node = written.iter().find(|written| is_open(&written.resolved));
    match node {
        Some(Written { node, .. }) => {
            let what =
                format!("its table was changed by others {MAX_ATTEMPTS} times while the run was publishing");
            Err(RunFailure::node(node, PlanError::Refused(what)))
        }
        None => Err(RunFailure::Ended),
    }
}

/// Whether the table is still what the commit was prepared on.
async fn is_current(
    writer: &Writer<'_>,
    tx: &mut Tx,
    node: &Node,
    prepared: &Prepared,
) -> Result<bool, RunFailure> {
    match prepared {
        Prepared::Iceberg(prepared) => iceberg::is_current(writer, tx, node, prepared).await,
        Prepared::Delta(prepared) => delta::is_current(writer, tx, node, prepared).await,
    }
}

/// How the transaction ends the run: with a message when a gate after the loading does not let it succeed.
pub(crate) type End = (RunState, Option<String>);

/// Whether a run is stored as ended so: for a commit whose outcome is unknown.
pub(crate) async fn published(context: &Context, run: &Run, end: &End) -> Result<bool, RunFailure> {
    let mut tx = context.store.read().await?;
    let run = run::load(&mut tx, &run.id).await?;
    Ok(run.is_some_and(|run| (run.details.state, run.details.error_message) == *end))
}

/// Puts every change into the transaction; returns what to log once it is committed, and how the run ends. The outputs of
/// `datasets` are known only here.
async fn fill(
    task: &Task<'_>,
    tx: &mut Tx,
    sources: Vec<Source>,
    mut written: Vec<(Written, Option<Prepared>)>,
    datasets: &mut Datasets,
    outside: &[Outside],
) -> Result<(Vec<String>, End), RunFailure> {
    let mut run = run::still_ours(tx, task.lease, &task.run.id).await?;
    let mut lines = Vec::new();
    for (target, _) in &mut written {
        Box::pin(registered::settle(task, tx, target)).await?;
    }
    datasets.outputs = lineage::outputs(written.iter().map(|(target, _)| target), outside);
    for (target, append) in written {
        Box::pin(publish_target(task, tx, target, append, &mut lines)).await?;
    }
    if task.options.bookmark == BookmarkOption::Enable {
        lines.push(move_bookmark(task, tx, &run, sources).await?);
    }
    crate::lineage::record(tx, &run, datasets).await?;
    run.details.totals = task.counters.totals();
    if !outside.is_empty() {
        run.details.verdict = quality::store_all(task, tx).await?;
        run::keep(tx, &run).await?;
        for own in outside {
            if !delivery::decide(tx, &own.delivery).await? {
                // Only what belongs to a run that has ended is thrown away.
                return Err(RunFailure::Ended);
            }
            let rows = own.dataset.rows;
            lines.push(format!("{}: {rows} rows out to {}", own.delivery.node, own.label));
        }
        return Ok((lines, (run.details.state, None)));
    }
    let event = match quality::store_all(task, tx).await? {
        None => Event::Published,
        Some(why) => {
            lines.push(why.clone());
            run.details.error_message = Some(why);
            Event::Failed
        }
    };
    run::apply(tx, &mut run, event).await?.ok_or(RunFailure::Ended)?;
    metrics::report(task.context, tx, &mut run).await?;
    lines.push(format!("run {} {}: all output is published", task.run.id, run.details.state.as_str()));
    lease::release(tx, task.lease).await?;
    Ok((lines, (run.details.state, run.details.error_message)))
}

/// Moves the bookmark over what was read; says so for the log.
async fn move_bookmark(
    task: &Task<'_>,
    tx: &mut Tx,
    run: &Run,
    sources: Vec<Source>,
) -> Result<String, RunFailure> {
    let keys: Vec<_> = sources.iter().filter_map(Source::reached).collect();
    let processed: Vec<_> = sources.into_iter().filter_map(Source::processed).collect();
    let version = bookmark::advance(tx, run, task.planned_version, &processed).await?;
    let files: usize = processed.iter().map(|(_, files)| files.len()).sum();
    let mut line = format!("bookmark moved to version {version} over {files} files");
    for (node, keys) in keys {
        bookmark::remember_keys(tx, &run.incarnation, &node, version, Some(&keys)).await?;
        let (columns, values) = (keys.columns.join(", "), keys.values.join(", "));
        line.push_str(&format!(", of {} up to {columns} = {values}", keys.table));
    }
    Ok(line)
}

async fn publish_target(
    task: &Task<'_>,
    tx: &mut Tx,
    target: Written,
    append: Option<Prepared>,
    lines: &mut Vec<String>,
) -> Result<(), RunFailure> {
    let Written { node, resolved, output } = &target;
    let partitions = output.partitions();
    if let Some(follows) = &resolved.follows {
        let table =
            follow(task, tx, node, resolved, follows, &output.schema, &output.partition_schema).await?;
        let added = add_partitions(task, tx, node, &table, &partitions).await?;
        lines.push(format!(
            "{}: table {}.{} is at version {}, {added} partitions added",
            name_of(node),
            table.database_name,
            table.name,
            table.version
        ));
    }
    publish_files(&task.writer(), tx, target, append, lines).await?;
    Ok(())
}

/// Makes the files of an output visible, and the commit of its table; how many rows there are.
pub(super) async fn publish_files(
    writer: &Writer<'_>,
    tx: &mut Tx,
    target: Written,
    append: Option<Prepared>,
    lines: &mut Vec<String>,
) -> Result<u64, RunFailure> {
    let Written { node, resolved, output } = target;
    let published = write::publish(tx, writer.lake, output).await;
    let published = published.map_err(|error| RunFailure::node(&node, PlanError::Engine(error)))?;
    lines.push(format!(
        "{}: {} rows out in {} objects, {} bytes, under {}",
        name_of(&node),
        published.rows,
        published.keys.len(),
        published.bytes,
        resolved.location()
    ));
    let line = match (append, &resolved.delta) {
        (Some(Prepared::Iceberg(append)), _) => {
            Box::pin(iceberg::publish(writer, tx, &node, *append)).await?
        }
        (Some(Prepared::Delta(entry)), Some(delta)) => {
            Box::pin(delta::publish(writer, tx, &node, delta, entry)).await?
        }
        _ => return Ok(published.rows),
    };
    lines.push(format!("{}: {line}", name_of(&node)));
    Ok(published.rows)
}

/// Creates the table, or changes its schema, as far as the node wants that.
async fn follow(
    task: &Task<'_>,
    tx: &mut Tx,
    node: &Node,
    resolved: &Resolved,
    follows: &Follows,
    columns: &arrow::datatypes::Schema,
    keys: &arrow::datatypes::Schema,
) -> Result<Table, RunFailure> {
    let scope = &task.run.scope;
    let refused = |what: String| RunFailure::node(node, PlanError::Refused(what));
    let failed = |error| RunFailure::catalog(node, error);
    let database = &follows.database;
    match catalog::table::get(tx, scope, database, &follows.table).await {
        Ok(table) => match changed_table(&table, columns, keys, follows.widen).map_err(refused)? {
            None => Ok(table),
            Some(input) => {
                // The table may have been found through a resource link.
                let database = &table.database_name;
                catalog::table::update(tx, scope, database, input, catalog::table::Update::default())
                    .await
                    .map_err(failed)
            }
        },
        Err(catalog::CatalogError::TableNotFound { .. }) if follows.create => {
            let location = resolved.location();
            let by = BTreeMap::from([
                ("CreatedByJob".to_owned(), task.run.details.job.clone()),
                ("CreatedByJobRun".to_owned(), task.run.id.clone()),
            ]);
            let storage = resolved.storage(&location);
            let input = new_table(&follows.table, &storage, columns, keys, by).map_err(refused)?;
            let creator = format!("arn:aws:iam::{}:root", scope.account);
            catalog::table::create(tx, scope, database, input, &creator).await.map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Adds the partitions that the table does not have; those it has must lie where the run has written.
async fn add_partitions(
    task: &Task<'_>,
    tx: &mut Tx,
    node: &Node,
    table: &Table,
    partitions: &[OutputPartition],
) -> Result<usize, RunFailure> {
    if partitions.is_empty() {
        return Ok(0);
    }
    let scope = &task.run.scope;
    let failed = |error| RunFailure::catalog(node, error);
    // Another target of the run may have added some since they were settled.
    let known = registered::known(tx, scope, table, partitions).await.map_err(failed)?;
    let mut inputs = Vec::new();
    for partition in partitions {
        match known.get(&partition.values) {
            None => inputs.push(partition_input(table, partition)),
            Some(Some(own)) => registered::check(node, table, partition, own)?,
            Some(None) => {}
        }
    }
    let added = inputs.len();
    let (database, name) = (&table.database_name, &table.name);
    let mut errors =
        catalog::partition::batch_create(tx, scope, database, name, inputs).await.map_err(failed)?;
    match errors.pop() {
        None => Ok(added),
        Some(first) => Err(failed(first.error)),
    }
}

fn partition_input(table: &Table, partition: &OutputPartition) -> PartitionInput {
    let own = table.storage_descriptor().cloned().unwrap_or_default();
    let descriptor = StorageDescriptor { location: Some(partition.location.clone()), ..own };
    PartitionInput {
        values: partition.values.clone(),
        storage_descriptor: Some(descriptor),
        ..PartitionInput::default()
    }
}
