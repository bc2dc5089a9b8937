//! The entry of a Delta table's log, and its table of the catalog, as parts of the run's transaction.

use std::collections::BTreeMap;

use catalog::{CatalogError, Column, SerDeInfo, StorageDescriptor, Table, TableInput};
use datafusion::common::ScalarValue;
use engine::write::{Output, StagedFile};
use store::Tx;
use tables::Replaces;
use tables::delta::{AddedDeltaFile, DeltaChange, DeltaField, PreparedDelta};

use super::super::RunFailure;
use super::super::iceberg::split;
use super::super::target::Follows;
use super::super::writer::Writer;
use super::{DeltaOutput, failed, refused};
use crate::graph::Node;

/// The values of a file's partition, as the log has them: the empty text is no value there.
fn partition(file: &StagedFile) -> Vec<Option<String>> {
    let each = file.partition.iter().zip(&file.partition_values);
    each.map(|(text, value)| Some(text.clone()).filter(|_| !is_nothing(value))).collect()
}

/// The text of an empty text is Hive's word for NULL by now, so that the value itself is asked.
fn is_nothing(value: &ScalarValue) -> bool {
    value.is_null() || matches!(value.try_as_str(), Some(Some("")))
}

/// Prepares the entry for an output; `None` when there is nothing to commit.
pub(in crate::execute) async fn prepare(
    writer: &Writer<'_>,
    node: &Node,
    delta: &DeltaOutput,
    output: &Output,
) -> Result<Option<PreparedDelta>, RunFailure> {
    let unchanged = delta.before.as_ref() == Some(&delta.after);
    if output.files.is_empty() && unchanged && delta.replaces != Replaces::Everything {
        return Ok(None);
    }
    let (bucket, _) = split(&delta.location);
    let files = output.files.iter().map(|file| AddedDeltaFile {
        location: format!("s3://{bucket}/{}", file.key.as_str()),
        bytes: file.bytes,
        rows: file.rows,
        partition: partition(file),
    });
    let files: Vec<AddedDeltaFile> = files.collect();
    let by = writer.summary();
    let change = DeltaChange {
        files: &files,
        before: delta.before.as_ref(),
        after: &delta.after,
        replaces: &delta.replaces,
        info: &by,
    };
    let prepared = writer.tables().prepare_delta(writer.scope, &delta.location, change).await;
    prepared.map(Some).map_err(|error| failed(node, error))
}

/// Whether nobody has written the entry's version.
pub(in crate::execute) async fn is_current(
    writer: &Writer<'_>,
    tx: &mut Tx,
    node: &Node,
    prepared: &PreparedDelta,
) -> Result<bool, RunFailure> {
    let current = writer.tables().is_delta_current(tx, writer.scope, prepared).await;
    current.map_err(|error| failed(node, error))
}

/// Puts the entry and the table of the catalog into the run's transaction; the line for the log.
pub(in crate::execute) async fn publish(
    writer: &Writer<'_>,
    tx: &mut Tx,
    node: &Node,
    delta: &DeltaOutput,
    prepared: PreparedDelta,
) -> Result<String, RunFailure> {
    let version = prepared.version;
    let done = writer.tables().publish_delta(tx, writer.scope, prepared).await;
    done.map_err(|error| failed(node, error))?;
    let Some(follows) = &delta.follows else { return Ok(format!("its table is at version {version}")) };
    let (scope, database) = (writer.scope, &follows.database);
    let failed = |error| RunFailure::catalog(node, error);
    let input = input(writer, delta, follows).map_err(|what| refused(node, what))?;
    match catalog::table::get(tx, scope, database, &follows.table).await {
        Ok(table) if follows.widen && is_other(&table, &input) => {
            let changed = with_columns(&table, input);
            let update = catalog::table::Update::default();
            catalog::table::update(tx, scope, &table.database_name, changed, update).await.map_err(failed)?;
        }
        Ok(_) => {}
        Err(CatalogError::TableNotFound { .. }) if follows.create => {
            let creator = format!("arn:aws:iam::{}:root", scope.account);
            catalog::table::create(tx, scope, database, input, &creator).await.map_err(failed)?;
        }
        Err(error) => return Err(failed(error)),
    }
    Ok(format!("its table {database}.{} is at version {version}", follows.table))
}

fn columns(input: &TableInput) -> Vec<(&str, Option<&str>)> {
    let columns = input.storage_descriptor.as_ref().and_then(|descriptor| descriptor.columns.as_deref());
    let each = columns.unwrap_or_default().iter();
    each.map(|column| (column.name.as_str(), column.column_type.as_deref())).collect()
}

fn is_other(table: &Table, input: &TableInput) -> bool {
    columns(&table.input) != columns(input)
}

/// The table's entry with the columns of `new`.
fn with_columns(table: &Table, new: TableInput) -> TableInput {
    let mut input = table.input.clone();
    let columns = new.storage_descriptor.and_then(|descriptor| descriptor.columns);
    input.storage_descriptor.get_or_insert_with(StorageDescriptor::default).columns = columns;
    input
}

/// The entry of the catalog, as crawlers of AWS make it of native Delta tables.
fn input(writer: &Writer<'_>, delta: &DeltaOutput, follows: &Follows) -> Result<TableInput, String> {
    let fields = delta.after.fields()?;
    let column = |field: &DeltaField| Column::new(field.name.to_lowercase(), field.ty.to_string());
    let is_key = |field: &&DeltaField| delta.after.partition_columns.contains(&field.name);
    let keys =
        delta.after.partition_columns.iter().filter_map(|name| fields.iter().find(|f| f.name == *name));
    let of_path = BTreeMap::from([
        ("path".to_owned(), delta.location.clone()),
        ("serialization.format".to_owned(), "1".to_owned()),
    ]);
    let descriptor = StorageDescriptor {
        columns: Some(fields.iter().filter(|field| !is_key(field)).map(column).collect()),
        location: Some(delta.location.clone()),
        input_format: Some("org.apache.hadoop.mapred.SequenceFileInputFormat".to_owned()),
        output_format: Some("org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat".to_owned()),
        serde_info: Some(SerDeInfo {
            serialization_library: Some("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe".to_owned()),
            parameters: Some(of_path),
            ..SerDeInfo::default()
        }),
        ..StorageDescriptor::default()
    };
    let own = [
        ("EXTERNAL", "TRUE"),
        ("classification", "delta"),
        ("spark.sql.partitionProvider", "catalog"),
        ("spark.sql.sources.provider", "delta"),
        ("table_type", "DELTA"),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter();
    Ok(TableInput {
        name: follows.table.clone(),
        storage_descriptor: Some(descriptor),
        partition_keys: Some(keys.map(column).collect()),
        table_type: Some("EXTERNAL_TABLE".to_owned()),
        parameters: Some(own.chain(writer.creator()).collect()),
        ..TableInput::default()
    })
}
