//! Native Delta tables as providers.
//!
//! A table's log is read when it is opened, as are its columns: the catalog says where the table is, and nothing else. The
//! files of that version are pinned and scanned as those of other tables, columns matched by name; a file that the
//! version has not is never read, wherever it lies. What would need more than these files (deletion vectors, column
//! mapping, later features) is refused.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use catalog::Table;
use datafusion::{
    catalog::{Session, TableProvider},
    common::ScalarValue,
    error::Result,
    logical_expr::{Expr, TableType},
    physical_plan::ExecutionPlan,
};
use formats::{Format, ParquetOptions, hive::shown};
use tables::{
    Tables,
    delta::{DeltaField, DeltaFile, DeltaTable},
};

use crate::{
    EngineError,
    bad::BadLog,
    hive,
    object::Pinner,
    scan::{Scan, ScanFile, spelling},
    view::{CatalogView, Reading},
};

use super::iceberg::{from_tables, locate};
use super::{PATH_COLUMN, TableOptions};

/// A provider of a Delta table of the catalog; `reading` is the snapshot that `table` was read from.
pub(super) async fn open(
    view: &CatalogView,
    reading: Reading,
    table: Table,
    options: TableOptions,
    bad: Arc<BadLog>,
) -> Result<Arc<dyn TableProvider>, EngineError> {
    let name = format!("{}.{}", table.database_name, table.name);
    let Some(location) = table.location().filter(|location| !location.is_empty()) else {
        return Err(EngineError::TableUnsupported { table: name, what: "it has no location".to_owned() });
    };
    open_at(view, reading, (name, location), options, bad).await
}

/// A provider of the Delta table at a location, under a name for messages.
pub(super) async fn open_at(
    view: &CatalogView,
    mut reading: Reading,
    (name, location): (String, &str),
    options: TableOptions,
    bad: Arc<BadLog>,
) -> Result<Arc<dyn TableProvider>, EngineError> {
    let unsupported = |what: String| EngineError::TableUnsupported { table: name.clone(), what };
    if options.objects.is_some() {
        return Err(unsupported("objects of a Delta table cannot be chosen (job bookmarks)".to_owned()));
    }
    if options.partition_predicate.as_deref().is_some_and(|text| !text.trim().is_empty()) {
        return Err(unsupported("a Delta table has no partitions in the catalog to choose from".to_owned()));
    }
    let sources = view.sources();
    let tables = Tables::new(sources.store.clone(), sources.lake.clone());
    let found = tables.delta(reading.tx(), &sources.scope, location).await;
    let found = found.map_err(|error| from_tables(error, &name))?;
    let Some(delta) = found else {
        return Err(unsupported(format!("there is no Delta log (_delta_log) at its location {location}")));
    };
    delta.check_readable().map_err(|error| from_tables(error, &name))?;
    reading.done();
    let file_schema = schema_of(delta.file_fields(), options.fold_fields).map_err(unsupported)?;
    let key_schema = schema_of(delta.partition_fields(), false).map_err(unsupported)?;
    if let Some(key) = key_schema.fields().iter().find(|key| !hive::is_partition_type(key.data_type())) {
        return Err(unsupported(format!(
            "its partition column {} has the type {}",
            key.name(),
            key.data_type()
        )));
    }
    let mut fields: Vec<_> = file_schema.fields().iter().chain(key_schema.fields()).cloned().collect();
    if options.path_column {
        fields.push(Arc::new(Field::new(PATH_COLUMN, DataType::Utf8, false)));
    }
    let schema = Arc::new(Schema::new(fields));
    Ok(Arc::new(NativeDelta {
        view: view.clone(),
        name,
        delta,
        options,
        bad,
        file_schema,
        key_schema,
        schema,
    }))
}

#[derive(Debug)]
struct NativeDelta {
    view: CatalogView,
    name: String,
    delta: DeltaTable,
    options: TableOptions,
    bad: Arc<BadLog>,
    file_schema: SchemaRef,
    key_schema: SchemaRef,
    schema: SchemaRef,
}

impl NativeDelta {
    async fn files(&self) -> Result<Vec<ScanFile>, EngineError> {
        let mut reading = self.view.read().await?;
        let format = Arc::new(Format::Parquet(ParquetOptions {}));
        let mut pinner = Pinner::new(self.view.sources());
        let mut files = Vec::with_capacity(self.delta.files.len());
        for file in &self.delta.files {
            let mut partition_values = self.values(file)?;
            let known = locate(&self.view, &mut reading, &self.name, &file.location).await?;
            let object = pinner.pin(reading.tx(), &known).await?;
            if self.options.path_column {
                partition_values.push(ScalarValue::Utf8(Some(known.uri())));
            }
            files.push(ScanFile { object, format: Arc::clone(&format), partition_values });
        }
        reading.done();
        Ok(files)
    }

    fn values(&self, file: &DeltaFile) -> Result<Vec<ScalarValue>, EngineError> {
        let columns = self.delta.partition_columns.iter().zip(self.key_schema.fields());
        let typed = columns.map(|(name, field)| {
            let text = file.partition_values.get(name).and_then(Option::as_deref);
            let text = text.unwrap_or(hive::NULL_PARTITION);
            hive::parse(text, field.data_type()).ok_or_else(|| EngineError::PartitionValueInvalid {
                table: self.name.clone(),
                key: name.clone(),
                value: text.to_owned(),
                wanted: shown(field.data_type()),
            })
        });
        typed.collect()
    }
}

#[async_trait]
impl TableProvider for NativeDelta {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files = self.files().await?;
        Scan::new(&self.file_schema, files, state, projection, limit)
            .partitioned(&self.schema, 1)
            .watched(&self.bad, self.options.stats.as_ref())
            .plan()
            .await
    }
}

/// The columns as arrow has them; `Err` says what cannot be read.
fn schema_of<'a>(
    columns: impl Iterator<Item = &'a DeltaField>,
    fold_fields: bool,
) -> Result<SchemaRef, String> {
    let mut fields: Vec<Field> = Vec::new();
    for column in columns {
        let name = column.name.to_lowercase();
        if fields.iter().any(|field| *field.name() == name) {
            return Err(format!("it has two columns named {name}, but for upper and lower case"));
        }
        let mut data_type = column.ty.to_arrow().map_err(|error| format!("column {name}: {error}"))?;
        if fold_fields {
            data_type = spelling::folded(&data_type)
                .ok_or_else(|| format!("column {name} has two fields whose names differ in case only"))?;
        }
        fields.push(Field::new(name, data_type, true));
    }
    Ok(Arc::new(Schema::new(fields)))
}
