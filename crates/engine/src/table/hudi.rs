//! Hudi tables as providers.
//!
//! A table's columns are those of the catalog, as of other tables of files; its files are those that its timeline says hold its
//! rows when it is opened, and no others, wherever they lie. Values of partition keys are those of the files' folders: the
//! partitions of the catalog are not looked at. Log files are not merged: a table of the real-time view is refused while there
//! are any.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use catalog::Table;
use datafusion::{
    catalog::{Session, TableProvider},
    common::ScalarValue,
    error::Result,
    logical_expr::{Expr, TableProviderFilterPushDown, TableType},
    physical_plan::ExecutionPlan,
};
use formats::Format;
use tables::{
    Tables,
    hudi::{HudiTable, META_FOLDER, PROPERTIES_FILE, is_read_optimised},
};

use crate::{
    EngineError,
    bad::BadLog,
    hive,
    object::Pinner,
    scan::{Scan, ScanFile},
    view::{CatalogView, Reading},
};

use super::definition::Definition;
use super::filters::Pruner;
use super::iceberg::{from_tables, locate};
use super::{TableOptions, names_of, pushdown, schema_of, typed_values};

/// A provider of a Hudi table of the catalog; `reading` is the snapshot that `table` was read from.
pub(super) async fn open(
    view: &CatalogView,
    mut reading: Reading,
    table: Table,
    options: TableOptions,
    bad: Arc<BadLog>,
) -> Result<Arc<dyn TableProvider>, EngineError> {
    let name = format!("{}.{}", table.database_name, table.name);
    let unsupported = |what: String| EngineError::TableUnsupported { table: name.clone(), what };
    if options.objects.is_some() {
        return Err(unsupported("objects of a Hudi table cannot be chosen (job bookmarks)".to_owned()));
    }
    if options.partition_predicate.as_deref().is_some_and(|text| !text.trim().is_empty()) {
        let what = "the partitions of a Hudi table are those of its timeline, not of the catalog: filter its rows instead";
        return Err(unsupported(what.to_owned()));
    }
    let Some(location) = table.location().filter(|location| !location.is_empty()) else {
        return Err(unsupported("it has no location".to_owned()));
    };
    let sources = view.sources();
    let tables = Tables::new(sources.store.clone(), sources.lake.clone());
    let found = tables.hudi(reading.tx(), &sources.scope, location).await;
    let Some(hudi) = found.map_err(|error| from_tables(error, &name))? else {
        let sign = format!("{META_FOLDER}/{PROPERTIES_FILE}");
        return Err(unsupported(format!("there is no Hudi table ({sign}) at its location {location}")));
    };
    reading.done();
    if !is_read_optimised(&table) {
        hudi.check_merged().map_err(|error| from_tables(error, &name))?;
    }
    let definition = Definition::of_columns(&table, name.clone(), options.fold_fields)?;
    check(&definition, &hudi).map_err(unsupported)?;
    let (schema, key_names) = (schema_of(&definition, options.path_column), names_of(&definition));
    Ok(Arc::new(HudiProvider { view: view.clone(), definition, hudi, options, bad, schema, key_names }))
}

/// Whether the catalog's columns are to be had of the files.
fn check(definition: &Definition, hudi: &HudiTable) -> Result<(), String> {
    if !matches!(*definition.format, Format::Parquet(_)) {
        return Err("the SerDe of a Hudi table must be that of Parquet".to_owned());
    }
    if definition.file_schema.fields().is_empty() {
        return Err("it has no columns in the catalog: crawl it as a HudiTarget".to_owned());
    }
    let fields = hudi.partition_fields.iter().map(|field| field.name.to_lowercase());
    let is_lost =
        |name: &String| hudi.drops_partition_fields && definition.file_schema.index_of(name).is_ok();
    match fields.into_iter().find(is_lost) {
        None => Ok(()),
        Some(name) => Err(format!(
            "its files do not hold its partition column {name}: make it a partition key of the catalog's table"
        )),
    }
}

/// A Hudi table at the snapshot that it was opened at.
#[derive(Debug)]
pub(super) struct HudiProvider {
    view: CatalogView,
    pub(super) definition: Definition,
    hudi: HudiTable,
    options: TableOptions,
    bad: Arc<BadLog>,
    schema: SchemaRef,
    key_names: HashSet<String>,
}

impl HudiProvider {
    /// The files that the filters leave, pinned, and the number of partitions they are in.
    async fn files(&self, state: &dyn Session, filters: &[Expr]) -> Result<(Vec<ScanFile>, u64)> {
        let pruner = Pruner::new(state, Arc::clone(&self.definition.key_schema), filters)?;
        let values = self.values()?;
        let accepted = pruner.accepts(&values)?;
        let mut reading = self.view.read().await?;
        let mut pinner = Pinner::new(self.view.sources());
        let (mut files, mut partitions) = (Vec::new(), BTreeSet::new());
        let listed = self.hudi.files.iter().zip(values).zip(accepted);
        for ((file, mut partition_values), _) in listed.filter(|(_, accepted)| *accepted) {
            partitions.insert(&file.partition);
            let known = locate(&self.view, &mut reading, &self.definition.name, &file.location).await?;
            let object = pinner.pin(reading.tx(), &known).await?;
            if self.options.path_column {
                partition_values.push(ScalarValue::Utf8(Some(known.uri())));
            }
            files.push(ScanFile { object, format: Arc::clone(&self.definition.format), partition_values });
        }
        reading.done();
        Ok((files, partitions.len() as u64))
    }

    /// The values of the partition keys, for each file.
    fn values(&self) -> Result<Vec<Vec<ScalarValue>>, EngineError> {
        let names: Vec<&str> = self.definition.keys.iter().map(|key| key.name.as_str()).collect();
        let of = |file| {
            let texts = self.hudi.partition_values(file, &names).map_err(|what| {
                EngineError::TableUnsupported { table: self.definition.name.clone(), what }
            })?;
            let texts = texts.iter().map(|text| text.as_deref().unwrap_or(hive::NULL_PARTITION));
            typed_values(&self.definition, texts)
        };
        self.hudi.files.iter().map(of).collect()
    }
}

#[async_trait]
impl TableProvider for HudiProvider {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(pushdown(filters, &self.key_names))
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (files, partitions) = self.files(state, filters).await?;
        Scan::new(&self.definition.file_schema, files, state, projection, limit)
            .partitioned(&self.schema, partitions)
            .watched(&self.bad, self.options.stats.as_ref())
            .plan()
            .await
    }
}
