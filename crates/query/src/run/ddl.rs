//! Runs statements on the catalog. Each is one transaction.

use std::collections::BTreeMap;

use catalog::{
    CatalogError, Column, DatabaseInput, SerDeInfo, StorageDescriptor, TableInput, database, table,
};
use formats::hive::HiveType;
use formats::serde_info;
use store::{Scope, Tx};

use super::statement::{Ground, Request};
use super::{RunError, repair, show};
use crate::execution::ResultColumn;
use crate::sql::{ColumnDef, CreateTable, Ddl, Name, RowFormat, StoredAs};

/// What a statement shows.
pub(super) struct Shown {
    pub(super) columns: Vec<ResultColumn>,
    pub(super) lines: Vec<String>,
}

impl Shown {
    pub(super) fn nothing() -> Self {
        Self { columns: Vec::new(), lines: Vec::new() }
    }

    pub(super) fn of(columns: &[&str], lines: Vec<String>) -> Self {
        let column = |name: &&str| ResultColumn {
            name: (*name).to_owned(),
            type_name: "string".to_owned(),
            precision: 0,
            scale: 0,
        };
        Self { columns: columns.iter().map(column).collect(), lines }
    }
}

/// Where a statement runs.
pub(super) struct Context<'a> {
    pub(super) scope: &'a Scope,
    pub(super) database: &'a str,
}

impl Context<'_> {
    /// The database of a name.
    pub(super) fn database_of<'n>(&'n self, name: &'n Name) -> &'n str {
        name.database.as_deref().unwrap_or(self.database)
    }

    pub(super) async fn table(&self, tx: &mut Tx, name: &Name) -> Result<catalog::Table, RunError> {
        Ok(table::get(tx, self.scope, self.database_of(name), &name.table).await?)
    }
}

pub(super) async fn run(ground: &Ground, request: &Request<'_>, ddl: Ddl) -> Result<Shown, RunError> {
    let context = Context { scope: request.scope, database: request.database };
    if let Ddl::Repair(name) = &ddl {
        return repair::run(ground, &context, name, &request.cancel).await;
    }
    let mut tx = ground.store.begin().await?;
    let shown = match ddl {
        Ddl::CreateDatabase { database, if_not_exists, comment, location, properties } => {
            let input = DatabaseInput {
                name: database,
                description: comment,
                location_uri: location,
                parameters: parameters(properties),
                ..DatabaseInput::default()
            };
            create_database(&mut tx, &context, input, if_not_exists).await?
        }
        Ddl::DropDatabase { database, if_exists, cascade } => {
            drop_database(&mut tx, &context, &database, if_exists, cascade).await?
        }
        Ddl::CreateTable(create) => create_table(&mut tx, &context, *create).await?,
        Ddl::DropTable { table, if_exists } => drop_table(&mut tx, &context, &table, if_exists).await?,
        other => show::run(&mut tx, &context, other).await?,
    };
    tx.commit().await?;
    Ok(shown)
}

fn parameters(pairs: Vec<(String, String)>) -> Option<BTreeMap<String, String>> {
    if pairs.is_empty() { None } else { Some(pairs.into_iter().collect()) }
}

async fn create_database(
    tx: &mut Tx,
    context: &Context<'_>,
    input: DatabaseInput,
    if_not_exists: bool,
) -> Result<Shown, RunError> {
    match database::create(tx, context.scope, input).await {
        Ok(_) => Ok(Shown::nothing()),
        Err(CatalogError::DatabaseExists { .. }) if if_not_exists => Ok(Shown::nothing()),
        Err(error) => Err(error.into()),
    }
}

async fn drop_database(
    tx: &mut Tx,
    context: &Context<'_>,
    name: &str,
    if_exists: bool,
    cascade: bool,
) -> Result<Shown, RunError> {
    match database::get(tx, context.scope, name).await {
        Err(CatalogError::DatabaseNotFound { .. }) if if_exists => return Ok(Shown::nothing()),
        other => other?,
    };
    let one = table::TableQuery { limit: 1, ..table::TableQuery::default() };
    if !cascade && !table::list(tx, context.scope, name, &one).await?.items.is_empty() {
        let message =
            format!("Database {name} is not empty. One or more tables exist. Use CASCADE to drop them.");
        return Err(RunError::refused("SCHEMA_NOT_EMPTY", message));
    }
    database::delete(tx, context.scope, name).await?;
    Ok(Shown::nothing())
}

async fn drop_table(
    tx: &mut Tx,
    context: &Context<'_>,
    name: &Name,
    if_exists: bool,
) -> Result<Shown, RunError> {
    match table::delete(tx, context.scope, context.database_of(name), &name.table).await {
        Ok(()) => Ok(Shown::nothing()),
        Err(CatalogError::TableNotFound { .. } | CatalogError::DatabaseNotFound { .. }) if if_exists => {
            Ok(Shown::nothing())
        }
        Err(error) => Err(error.into()),
    }
}

async fn create_table(tx: &mut Tx, context: &Context<'_>, create: CreateTable) -> Result<Shown, RunError> {
    let database = context.database_of(&create.name).to_owned();
    let if_not_exists = create.if_not_exists;
    let input = table_input(create)?;
    let owner = format!("arn:aws:iam::{}:root", context.scope.account);
    match table::create(tx, context.scope, &database, input, &owner).await {
        Ok(_) => Ok(Shown::nothing()),
        Err(CatalogError::TableExists { .. }) if if_not_exists => Ok(Shown::nothing()),
        Err(error) => Err(error.into()),
    }
}

fn table_input(create: CreateTable) -> Result<TableInput, RunError> {
    if !create.location.starts_with("s3://") {
        let message = format!("LOCATION '{}' does not begin with s3://", create.location);
        return Err(RunError::refused("INVALID_TABLE_PROPERTY", message));
    }
    if create
        .properties
        .iter()
        .any(|(name, value)| name == "table_type" && value.eq_ignore_ascii_case("iceberg"))
    {
        // Nothing here would look at the metadata that such a table is made of.
        let message = "CREATE EXTERNAL TABLE makes no Iceberg tables (table_type): use an Iceberg catalog, or Glue's \
                       CreateTable";
        return Err(RunError::refused("NOT_SUPPORTED", message));
    }
    if let Some(twice) =
        create.partition_keys.iter().find(|key| create.columns.iter().any(|c| c.name == key.name))
    {
        let message = format!("column '{}' is also a partition key", twice.name);
        return Err(RunError::refused("DUPLICATE_COLUMN_NAME", message));
    }
    let (input_format, output_format, default_library) = classes(create.stored_as)?;
    let (library, serde_parameters) = match create.row_format {
        Some(RowFormat::SerDe { library, properties }) => (library, properties),
        Some(RowFormat::Delimited(parameters)) => (LAZY_SIMPLE.to_owned(), parameters),
        None => (default_library.to_owned(), vec![("serialization.format".to_owned(), "1".to_owned())]),
    };
    let descriptor = StorageDescriptor {
        columns: Some(columns(create.columns)?),
        location: Some(create.location),
        input_format: Some(input_format),
        output_format: Some(output_format),
        compressed: Some(false),
        number_of_buckets: Some(-1),
        serde_info: Some(SerDeInfo {
            serialization_library: Some(library),
            parameters: parameters(serde_parameters),
            ..SerDeInfo::default()
        }),
        ..StorageDescriptor::default()
    };
    let mut table_parameters: BTreeMap<String, String> = create.properties.into_iter().collect();
    table_parameters.insert("EXTERNAL".to_owned(), "TRUE".to_owned());
    Ok(TableInput {
        name: create.name.table,
        description: create.comment,
        storage_descriptor: Some(descriptor),
        partition_keys: Some(columns(create.partition_keys)?),
        table_type: Some("EXTERNAL_TABLE".to_owned()),
        parameters: Some(table_parameters),
        ..TableInput::default()
    })
}

fn columns(defined: Vec<ColumnDef>) -> Result<Vec<Column>, RunError> {
    defined
        .into_iter()
        .map(|column| {
            column.data_type.parse::<HiveType>().map_err(|error| {
                RunError::refused("TYPE_NOT_FOUND", format!("column '{}': {error}", column.name))
            })?;
            Ok(Column { comment: column.comment, ..Column::new(column.name, column.data_type) })
        })
        .collect()
}

const LAZY_SIMPLE: &str = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe";
const TEXT_INPUT: &str = "org.apache.hadoop.mapred.TextInputFormat";
const TEXT_OUTPUT: &str = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat";
const PARQUET_INPUT: &str = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat";
const PARQUET_OUTPUT: &str = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat";
const PARQUET_SERDE: &str = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe";
const ORC_INPUT: &str = "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat";
const ORC_OUTPUT: &str = "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat";
const ORC_SERDE: &str = "org.apache.hadoop.hive.ql.io.orc.OrcSerde";
const AVRO_INPUT: &str = "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat";
const AVRO_OUTPUT: &str = "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat";
const AVRO_SERDE: &str = "org.apache.hadoop.hive.serde2.avro.AvroSerDe";

/// Input format, output format and default SerDe of `STORED AS`.
fn classes(stored_as: Option<StoredAs>) -> Result<(String, String, &'static str), RunError> {
    let (input, output, library) = match stored_as {
        None => (TEXT_INPUT, TEXT_OUTPUT, LAZY_SIMPLE),
        Some(StoredAs::Classes { input, output }) => return Ok((input, output, LAZY_SIMPLE)),
        Some(StoredAs::Named(name)) => match name.as_str() {
            "TEXTFILE" => (TEXT_INPUT, TEXT_OUTPUT, LAZY_SIMPLE),
            "PARQUET" => (PARQUET_INPUT, PARQUET_OUTPUT, PARQUET_SERDE),
            "ORC" => (ORC_INPUT, ORC_OUTPUT, ORC_SERDE),
            "AVRO" => (AVRO_INPUT, AVRO_OUTPUT, AVRO_SERDE),
            "ION" => (serde_info::ION_INPUT, serde_info::ION_OUTPUT, serde_info::ION),
            _ => {
                return Err(RunError::refused(
                    "NOT_SUPPORTED",
                    format!("STORED AS {name} is not supported by Tenon"),
                ));
            }
        },
    };
    Ok((input.to_owned(), output.to_owned(), library))
}
