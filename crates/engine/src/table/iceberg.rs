//! Iceberg tables as providers.
//!
//! A table's metadata is read when it is opened; its current snapshot then is what every scan of the provider reads. The
//! snapshot's manifests name the data files, which are pinned and scanned as those of other tables, but for one thing:
//! columns are matched by field id, not by name, since Iceberg renames columns without rewriting files (see
//! [`crate::scan::by_id`]). What would need more than data files (delete files, default values) is refused, and so are
//! types that have no equal here.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use catalog::Table;
use datafusion::{
    catalog::{Session, TableProvider},
    common::ScalarValue,
    error::Result,
    logical_expr::{Expr, TableType},
    physical_plan::ExecutionPlan,
};
use formats::{Format, ParquetOptions};
use lake::LakeError;
use tables::{
    DataFile, Tables, TablesError,
    files::Place,
    metadata::{Nested, NestedField, Primitive, TableMetadata, Type},
};

use crate::{
    EngineError, ObjectRef,
    bad::BadLog,
    object::Pinner,
    scan::{Scan, ScanFile, by_id::ById, spelling},
    session::from_catalog,
    view::{CatalogView, Reading},
};

use super::{PATH_COLUMN, TableOptions};

/// A provider of an Iceberg table; `reading` is the snapshot that `table` was read from.
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
        return Err(unsupported("objects of an Iceberg table cannot be chosen (job bookmarks)".to_owned()));
    }
    if options.partition_predicate.as_deref().is_some_and(|text| !text.trim().is_empty()) {
        return Err(unsupported(
            "an Iceberg table has no partitions in the catalog to choose from".to_owned(),
        ));
    }
    let sources = view.sources();
    let tables = Tables::new(sources.store.clone(), sources.lake.clone());
    let metadata = tables.metadata(reading.tx(), &sources.scope, table).await;
    let metadata = metadata.map_err(|error| from_tables(error, &name))?;
    reading.done();
    let Some(schema) = metadata.current_schema() else {
        return Err(unsupported("its metadata has no current schema".to_owned()));
    };
    let file_schema = file_schema(&schema.fields, options.fold_fields).map_err(unsupported)?;
    let adapter = Arc::new(ById::new(&name, schema, &file_schema, metadata.identity_partition_columns()));
    let mut fields = file_schema.fields().to_vec();
    if options.path_column {
        fields.push(Arc::new(Field::new(PATH_COLUMN, DataType::Utf8, false)));
    }
    let schema = Arc::new(Schema::new(fields));
    Ok(Arc::new(IcebergTable {
        view: view.clone(),
        name,
        metadata,
        options,
        bad,
        file_schema,
        schema,
        adapter,
    }))
}

#[derive(Debug)]
struct IcebergTable {
    view: CatalogView,
    name: String,
    metadata: TableMetadata,
    options: TableOptions,
    bad: Arc<BadLog>,
    file_schema: SchemaRef,
    schema: SchemaRef,
    adapter: Arc<ById>,
}

impl IcebergTable {
    async fn files(&self) -> Result<Vec<ScanFile>, EngineError> {
        let sources = self.view.sources();
        let tables = Tables::new(sources.store.clone(), sources.lake.clone());
        let mut reading = self.view.read().await?;
        let listed = tables.data_files(reading.tx(), &sources.scope, &self.metadata).await;
        let listed = listed.map_err(|error| from_tables(error, &self.name))?;
        let format = Arc::new(Format::Parquet(ParquetOptions {}));
        let mut pinner = Pinner::new(sources);
        let mut files = Vec::with_capacity(listed.len());
        for file in &listed {
            self.check_format(file)?;
            let known = locate(&self.view, &mut reading, &self.name, &file.location).await?;
            let object = pinner.pin(reading.tx(), &known).await?;
            let path = self.options.path_column.then(|| ScalarValue::Utf8(Some(known.uri())));
            let partition_values = path.into_iter().collect();
            files.push(ScanFile { object, format: Arc::clone(&format), partition_values });
        }
        reading.done();
        Ok(files)
    }

    fn check_format(&self, file: &DataFile) -> Result<(), EngineError> {
        if file.format == "PARQUET" {
            return Ok(());
        }
        let what = format!("it has files in the format {}; only PARQUET is read", file.format);
        Err(EngineError::TableUnsupported { table: self.name.clone(), what })
    }
}

/// Looks a data file of the named table up in the lake.
pub(super) async fn locate(
    view: &CatalogView,
    reading: &mut Reading,
    table: &str,
    location: &str,
) -> Result<ObjectRef, EngineError> {
    let sources = view.sources();
    let place = Place::parse(location).map_err(|error| from_tables(error, table))?;
    let key = place.object_key().map_err(|error| from_tables(error, table))?;
    match sources.lake.head(reading.tx(), &place.bucket, &key, &sources.own()).await {
        Ok(info) => Ok(ObjectRef::new(&place.bucket, info)),
        Err(LakeError::NoSuchKey { .. }) => Err(EngineError::ObjectMissing { file: location.to_owned() }),
        Err(error) => Err(error.into()),
    }
}

#[async_trait]
impl TableProvider for IcebergTable {
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
        let scan = Scan::new(&self.file_schema, files, state, projection, limit)
            .partitioned(&self.schema, 1)
            .watched(&self.bad, self.options.stats.as_ref());
        Scan { columns: Arc::clone(&self.adapter) as _, ..scan }.plan().await
    }
}

pub(super) fn from_tables(error: TablesError, table: &str) -> EngineError {
    match error {
        TablesError::Store(error) => error.into(),
        TablesError::Lake(error) => error.into(),
        TablesError::Catalog(error) => from_catalog(error),
        other => EngineError::TableUnsupported { table: table.to_owned(), what: other.to_string() },
    }
}

/// The columns as arrow has them; `Err` says what cannot be read.
fn file_schema(columns: &[NestedField], fold_fields: bool) -> Result<SchemaRef, String> {
    let mut fields: Vec<Field> = Vec::with_capacity(columns.len());
    for column in columns {
        let name = column.name.to_lowercase();
        if fields.iter().any(|field| *field.name() == name) {
            return Err(format!("it has two columns named {name}, but for upper and lower case"));
        }
        let mut data_type = field_type(column).map_err(|what| format!("column {name}: {what}"))?;
        if fold_fields {
            data_type = spelling::folded(&data_type)
                .ok_or_else(|| format!("column {name} has two fields whose names differ in case only"))?;
        }
        fields.push(Field::new(name, data_type, true));
    }
    Ok(Arc::new(Schema::new(fields)))
}

fn field_type(field: &NestedField) -> Result<DataType, String> {
    if field.initial_default.as_ref().is_some_and(|value| !value.is_null()) {
        return Err(format!("the default value of {} for older rows is not supported", field.name));
    }
    data_type(&field.field_type)
}

fn data_type(field_type_of: &Type) -> Result<DataType, String> {
    Ok(match field_type_of {
        Type::Primitive(primitive) => return primitive_type(primitive),
        Type::Nested(Nested::Struct(inner)) => {
            let fields = inner.fields.iter();
            let fields = fields.map(|field| Ok(Field::new(&field.name, field_type(field)?, true)));
            DataType::Struct(fields.collect::<Result<Fields, String>>()?)
        }
        Type::Nested(Nested::List(list)) => {
            DataType::List(Arc::new(Field::new("element", data_type(&list.element)?, true)))
        }
        Type::Nested(Nested::Map(map)) => {
            let pair = Fields::from(vec![
                Field::new("key", data_type(&map.key)?, false),
                Field::new("value", data_type(&map.value)?, true),
            ]);
            DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(pair), false)), false)
        }
    })
}

/// The same types that the catalog's types have here.
fn primitive_type(primitive: &Primitive) -> Result<DataType, String> {
    Ok(match primitive {
        Primitive::Boolean => DataType::Boolean,
        Primitive::Int => DataType::Int32,
        Primitive::Long => DataType::Int64,
        Primitive::Float => DataType::Float32,
        Primitive::Double => DataType::Float64,
        Primitive::Decimal(precision, scale) => DataType::Decimal128(*precision, scale.cast_signed()),
        Primitive::Date => DataType::Date32,
        // A moment is read as its time of day in UTC, as in Parquet files of plain tables.
        Primitive::Timestamp | Primitive::Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, None),
        Primitive::String => DataType::Utf8,
        Primitive::Binary | Primitive::Fixed(_) => DataType::Binary,
        other => return Err(format!("values of type {other} are not supported")),
    })
}
