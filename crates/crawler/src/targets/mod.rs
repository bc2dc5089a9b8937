//! Targets that are no files. Each kind has a module that turns one target into whole tables; how tables are named,
//! written, journalled, counted and taken away again is the business of [`crate::run`], the same for all kinds.
//!
//! A kind implements [`Target`] and is listed in [`of`]. Its definition is a type of [`crate::definition`].
//!
//! # Invariants
//! - `Location`, and `connectionName` where there is one, tell the tables of all targets apart: the next crawl finds a
//!   table again by them.
//! - Only what a target is sure about counts as vanished ([`Target::is_gone`]): never after it could not be read, and never
//!   a table that is there but could not be described.

pub(crate) mod api;
mod delta;
pub(crate) mod dynamodb;
mod hudi;
pub(crate) mod iceberg;
pub(crate) mod jdbc;
mod walk;

use async_trait::async_trait;
use catalog::{Column, Parameters, SerDeInfo, StorageDescriptor, Table, TableInput};

use crate::definition::Definition;
use crate::error::CrawlerError;
use crate::preview::TargetReport;
use crate::run::{Ended, Job};

/// The parameter that names the connection of a table that is no files.
pub(crate) const CONNECTION: &str = "connectionName";

/// A table as a target describes it: whole but for the name that it gets in the catalog.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    /// What to call it, before the crawler's prefix. Any text: characters that no table's name can have are replaced.
    pub(crate) name: String,
    /// What it is within the target, for people: `shop/public/orders`.
    pub(crate) path: String,
    /// The definition. Its `name` is not looked at; its `Location` must be there.
    pub(crate) input: TableInput,
    /// What the log says of it.
    pub(crate) facts: Vec<String>,
    /// Remarks for the log.
    pub(crate) notes: Vec<String>,
}

/// The definition of a table whose rows are in no file, as Glue's crawlers write it.
pub(crate) fn without_files(location: String, columns: Vec<Column>, parameters: Parameters) -> TableInput {
    TableInput {
        owner: Some("owner".to_owned()),
        retention: Some(0),
        storage_descriptor: Some(StorageDescriptor {
            columns: Some(columns),
            location: Some(location),
            compressed: Some(false),
            number_of_buckets: Some(-1),
            serde_info: Some(SerDeInfo { parameters: Some(Parameters::new()), ..SerDeInfo::default() }),
            bucket_columns: Some(Vec::new()),
            sort_columns: Some(Vec::new()),
            parameters: Some(parameters.clone()),
            stored_as_sub_directories: Some(false),
            ..StorageDescriptor::default()
        }),
        partition_keys: Some(Vec::new()),
        table_type: Some("EXTERNAL_TABLE".to_owned()),
        parameters: Some(parameters),
        ..TableInput::default()
    }
}

/// What a target yielded.
#[derive(Debug, Default)]
pub(crate) struct Yield {
    /// Tables, in a lasting order.
    pub(crate) tables: Vec<Described>,
    /// Tables that are there but could not be described: their paths and why.
    pub(crate) left_out: Vec<(String, String)>,
    /// Other remarks for the log.
    pub(crate) notes: Vec<String>,
    /// Why the target could not be read to its end. `tables` are good all the same; the run will be FAILED.
    pub(crate) failure: Option<String>,
}

/// So many places are named by the label of a target that has several.
const LABELLED: usize = 3;

/// One target of a run.
#[async_trait]
pub(crate) trait Target: Send + Sync {
    /// The target, for people: `connection shop: shop/public/%`.
    fn label(&self) -> String;

    /// Reads everything there is. Errors: the run cannot go on (it was stopped, the store failed); what is wrong with the
    /// target itself is [`Yield::failure`].
    async fn survey(&mut self, job: &Job<'_>) -> Result<Yield, Ended>;

    /// Whether `table`, which an earlier run of this crawler wrote, was of this target and is surely gone from it. Asked
    /// after [`Target::survey`], of tables only that this run did not write.
    fn is_gone(&self, table: &Table) -> bool;
}

/// The targets of a definition that are no files.
/// Errors: `Invalid`, when the definition's `Configuration` is not valid.
pub(crate) fn of(definition: &Definition) -> Result<Vec<Box<dyn Target>>, CrawlerError> {
    let targets = &definition.targets;
    let mut all: Vec<Box<dyn Target>> = Vec::new();
    all.extend(targets.jdbc_targets.iter().map(|one| Box::new(jdbc::Jdbc::new(one.clone())) as _));
    all.extend(targets.dynamodb_targets.iter().map(|one| Box::new(dynamodb::Dynamo::new(one.clone())) as _));
    all.extend(targets.delta_targets.iter().map(|one| Box::new(delta::Delta::new(one.clone())) as _));
    all.extend(targets.iceberg_targets.iter().map(|one| Box::new(iceberg::Iceberg::new(one.clone())) as _));
    all.extend(targets.hudi_targets.iter().map(|one| Box::new(hudi::Hudi::new(one.clone())) as _));
    let apis = definition.settings()?.api_targets.into_iter();
    all.extend(apis.map(|one| Box::new(api::ApiTable::new(one)) as Box<dyn Target>));
    Ok(all)
}

/// Surveys one target, tells the log, and, for a preview, makes its report. Tables that were left out are counted by the
/// caller.
pub(crate) async fn survey(
    job: &Job<'_>,
    target: &mut dyn Target,
) -> Result<(Yield, Option<TargetReport>), Ended> {
    let found = target.survey(job).await?;
    for note in &found.notes {
        job.log.warn(format!("{}: {note}", target.label()));
    }
    for (path, why) in &found.left_out {
        job.log.error(format!("{}: {path}: {why}; the table is left out", target.label()));
    }
    let tables = found.tables.len();
    job.log.info(format!("INFO : {}: {tables} tables found", target.label()));
    let report = job.is_preview().then(|| {
        let mut report = TargetReport { path: target.label(), ..TargetReport::default() };
        found.tables.iter().for_each(|table| report.table(&table.path, &table.input));
        found.left_out.iter().for_each(|(path, why)| report.leave_out(path, why));
        report
    });
    Ok((found, report))
}
