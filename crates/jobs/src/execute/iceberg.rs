//! Iceberg targets: the columns and partitions of the table, and the commit that adds the files that were written.
//!
//! Files carry the table's column ids, and each belongs to one partition of the table's spec. The commit is prepared just
//! before the run's one transaction and is part of it; when somebody else has changed the table meanwhile, it is prepared
//! again on what the table is then, so an overwrite replaces what others have added until then. What cannot be written
//! rightly (nested columns, columns that must not be null, some partition fields) is refused before a row is read.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Schema, TimeUnit};
use catalog::CatalogError;
use engine::write::Output;
use formats::hive::HiveType;
use store::Tx;
use tables::metadata::{
    FIRST_PARTITION_FIELD_ID, NestedField, PartitionField, PartitionSpec, Primitive, TableMetadata,
    Transform, Type,
};
use tables::{
    AddedFile, Change, CreateTable, Identifier, LoadedTable, PreparedWrite, Replaces, StagedTable, Tables,
    TablesError,
};

use super::partitions::Divided;
use super::reconcile::{Shape, fitting};
use super::upsert::Upsert;
use super::writer::Writer;
use super::{RunFailure, name_of};
use crate::arguments::MIN_FILE_BYTES;
use crate::graph::{IcebergTarget, Node, SaveMode};
use crate::plan::PlanError;

/// The table that an output is added to.
#[derive(Debug)]
pub(crate) struct IcebergTable {
    table: Identifier,
    /// What it will begin with, when the run makes it.
    new: Option<StagedTable>,
    /// The folder of the table.
    pub(super) root: String,
    /// Where its data files go.
    pub(super) location: String,
    /// The ids of its columns.
    pub(super) ids: BTreeMap<String, i32>,
    /// The partition spec that its rows are divided by.
    spec_id: i32,
    /// How its rows are divided.
    pub(super) divided: Divided,
    /// Which of its files leave it.
    replaces: Replaces,
    /// Which rows take the place of others, when the node says so.
    pub(super) upsert: Option<Upsert>,
    /// At about how many bytes files are ended, when the node says so.
    pub(super) file_bytes: Option<u64>,
    /// The same, when the table says so.
    pub(super) own_file_bytes: Option<u64>,
}

/// What a node asks for is not done.
pub(super) fn refused(node: &Node, what: impl Into<String>) -> RunFailure {
    RunFailure::node(node, PlanError::Refused(what.into()))
}

/// The table's own words, or that the store has failed.
pub(super) fn failed(node: &Node, error: TablesError) -> RunFailure {
    match error {
        TablesError::Store(error) => error.into(),
        TablesError::Catalog(error @ CatalogError::Store(_)) => RunFailure::catalog(node, error),
        other => refused(node, other.to_string()),
    }
}

/// Looks the table up, or prepares to make it; which columns are written, and which of the frame's are left out.
pub(super) async fn resolve(
    writer: &Writer<'_>,
    node: &Node,
    (target, keys): (&IcebergTarget, &[String]),
    frame: &Schema,
) -> Result<(IcebergTable, Shape), RunFailure> {
    let table = Identifier { namespace: target.database.clone(), name: target.table.clone() };
    let mut base = None;
    let (metadata, new) = match writer.tables().load(writer.scope, &table).await {
        Ok(loaded) => {
            base = Some(loaded.metadata_location.clone());
            (existing(target, loaded).map_err(|what| refused(node, what))?, None)
        }
        Err(TablesError::TableNotFound { other_kind: false, .. }) if target.path.is_some() => {
            let staged = stage(writer, node, (target, keys), &table, frame).await?;
            (staged.metadata.clone(), Some(staged))
        }
        Err(error) => return Err(failed(node, error)),
    };
    Tables::check_writable(&metadata).map_err(|error| failed(node, error))?;
    let divided = Divided::by(metadata.partition_columns().map_err(|error| failed(node, error))?);
    check_keys(&divided.described(), keys).map_err(|what| refused(node, what))?;
    let replaces = replaces(target, &divided).map_err(|what| refused(node, what))?;
    let fields = metadata.current_schema().map(|schema| schema.fields.as_slice()).unwrap_or_default();
    let shape = shape(fields, frame, target.leave_out).map_err(|what| refused(node, what))?;
    let ids = fields.iter().map(|field| (field.name.clone(), field.id)).collect();
    let data = metadata.properties.get("write.data.path").map(|path| path.trim_end_matches('/').to_owned());
    let location = data.unwrap_or_else(|| format!("{}/data", metadata.location.trim_end_matches('/')));
    let spec_id = metadata.default_spec_id;
    let file_bytes = target.file_bytes;
    // As other writers, we take what it says for what we can do of it.
    let own_file_bytes = metadata.properties.get("write.target-file-size-bytes");
    let own_file_bytes =
        own_file_bytes.and_then(|text| text.parse().ok()).map(|bytes: u64| bytes.max(MIN_FILE_BYTES));
    let upsert = match target.mode {
        SaveMode::Upsert => Some(upsert(writer, node, (target, fields), &table, base).await?),
        _ => None,
    };
    let table = IcebergTable {
        table,
        new,
        root: metadata.location.clone(),
        location,
        ids,
        spec_id,
        divided,
        replaces,
        upsert,
        file_bytes,
        own_file_bytes,
    };
    Ok((table, shape))
}

/// The rows of a table that others are to take the place of.
async fn upsert(
    writer: &Writer<'_>,
    node: &Node,
    (target, fields): (&IcebergTarget, &[NestedField]),
    table: &Identifier,
    base: Option<String>,
) -> Result<Upsert, RunFailure> {
    let columns: Vec<_> =
        fields.iter().filter_map(|field| Some((field.name.clone(), written(field)?))).collect();
    let mut upsert = Upsert::by(&target.keys, &columns, base).map_err(|what| refused(node, what))?;
    upsert.open(writer, node, table).await?;
    Ok(upsert)
}

/// The node's partition keys are those of the table, or it leaves them to the table.
pub(super) fn check_keys(own: &[String], keys: &[String]) -> Result<(), String> {
    let same =
        own.len() == keys.len() && own.iter().zip(keys).all(|(own, key)| own.eq_ignore_ascii_case(key));
    if keys.is_empty() || same {
        return Ok(());
    }
    let own = if own.is_empty() { "nothing".to_owned() } else { own.join(", ") };
    Err(format!("PartitionKeys are {}, but the table is partitioned by {own}", keys.join(", ")))
}

fn replaces(target: &IcebergTarget, divided: &Divided) -> Result<Replaces, String> {
    match target.mode {
        SaveMode::Append => Ok(Replaces::Nothing),
        SaveMode::Overwrite | SaveMode::Upsert => Ok(Replaces::Everything),
        SaveMode::OverwritePartitions if divided.is_divided() => Ok(Replaces::Partitions),
        SaveMode::OverwritePartitions => Err(format!(
            "the table {} has no partitions that partitionOverwriteMode dynamic could replace; without it the whole table \
             is overwritten",
            target.table
        )),
    }
}

fn existing(target: &IcebergTarget, loaded: LoadedTable) -> Result<TableMetadata, String> {
    let metadata = loaded.metadata;
    if let Some(path) = &target.path {
        let (own, ours) = (metadata.location.trim_end_matches('/'), path.to_string());
        if own != ours.trim_end_matches('/') {
            return Err(format!("the table {} lies at {own}, not at {ours}", target.table));
        }
    }
    Ok(metadata)
}

async fn stage(
    writer: &Writer<'_>,
    node: &Node,
    (target, keys): (&IcebergTarget, &[String]),
    table: &Identifier,
    frame: &Schema,
) -> Result<StagedTable, RunFailure> {
    let mut fields = Vec::new();
    for (id, field) in (1..).zip(frame.fields()) {
        let primitive = primitive(field.data_type()).ok_or_else(|| {
            let what = format!(
                "column {} ({}) cannot be written into an Iceberg table here; cast or drop it",
                field.name(),
                field.data_type()
            );
            refused(node, what)
        })?;
        fields.push(NestedField {
            id,
            name: field.name().clone(),
            required: false,
            field_type: Type::Primitive(primitive),
            doc: None,
            initial_default: None,
            write_default: None,
            other: serde_json::Map::new(),
        });
    }
    let spec = spec(&fields, keys);
    let partition_spec = spec.map_err(|field| {
        let known = frame.fields().iter().map(|field| field.name().clone()).collect();
        RunFailure::node(node, PlanError::NoField { field, known })
    })?;
    let request = CreateTable {
        table: table.clone(),
        location: target.path.as_ref().map(|path| path.to_string().trim_end_matches('/').to_owned()),
        schema: tables::metadata::Schema::new(0, fields, Vec::new()),
        partition_spec: Some(partition_spec),
        write_order: None,
        properties: BTreeMap::new(),
        entry: None,
    };
    writer.tables().stage_create(writer.scope, request, None).await.map_err(|error| failed(node, error))
}

/// The partition spec of a new table: the values of its keys. `Err` is the key that is no column.
fn spec(fields: &[NestedField], keys: &[String]) -> Result<PartitionSpec, String> {
    let mut spec = PartitionSpec::unpartitioned(0);
    for (id, key) in (FIRST_PARTITION_FIELD_ID..).zip(keys) {
        let source =
            fields.iter().find(|field| field.name.eq_ignore_ascii_case(key)).ok_or_else(|| key.clone())?;
        spec.fields.push(PartitionField {
            source_id: source.id,
            field_id: Some(id),
            name: source.name.clone(),
            transform: Transform::Identity,
            other: serde_json::Map::new(),
        });
    }
    Ok(spec)
}

/// The type of a new column; `None` for what is not written.
fn primitive(data_type: &DataType) -> Option<Primitive> {
    Some(match data_type {
        DataType::Boolean => Primitive::Boolean,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => {
            Primitive::Int
        }
        DataType::Int64 | DataType::UInt32 => Primitive::Long,
        DataType::Float16 | DataType::Float32 => Primitive::Float,
        DataType::Float64 => Primitive::Double,
        DataType::Decimal128(precision, scale) if *scale >= 0 => {
            Primitive::Decimal(*precision, scale.cast_unsigned())
        }
        DataType::Date32 => Primitive::Date,
        DataType::Timestamp(_, None) => Primitive::Timestamp,
        DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Primitive::String,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Primitive::Binary,
        _ => return None,
    })
}

/// The type that a column of a table is written as; `None` for what is not written.
fn written(field: &NestedField) -> Option<DataType> {
    let Type::Primitive(primitive) = &field.field_type else { return None };
    Some(match primitive {
        Primitive::Boolean => DataType::Boolean,
        Primitive::Int => DataType::Int32,
        Primitive::Long => DataType::Int64,
        Primitive::Float => DataType::Float32,
        Primitive::Double => DataType::Float64,
        Primitive::Decimal(precision, scale) => DataType::Decimal128(*precision, scale.cast_signed()),
        Primitive::Date => DataType::Date32,
        Primitive::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        Primitive::String => DataType::Utf8,
        Primitive::Binary => DataType::Binary,
        _ => return None,
    })
}

fn hive(name: &str, data_type: &DataType) -> Result<HiveType, String> {
    HiveType::from_arrow(data_type).map_err(|error| format!("column {name}: {error}"))
}

/// Every column of the table, null where the frame lacks it.
fn shape(fields: &[NestedField], frame: &Schema, leave_out: bool) -> Result<Shape, String> {
    let mut shape = Shape::default();
    let known = |name: &str| frame.fields().iter().find(|field| field.name().eq_ignore_ascii_case(name));
    for field in fields {
        let name = &field.name;
        if field.required {
            return Err(format!("the table's column {name} must not be null, which is not checked here"));
        }
        let data_type = written(field)
            .ok_or_else(|| format!("the table's column {name} is of a type that is not written here"))?;
        let from = known(name);
        if let Some(from) = from {
            let (own, new) = (hive(name, &data_type)?, hive(name, from.data_type())?);
            if fitting(&own, &new, false).is_none() {
                return Err(format!(
                    "column {name} is {new}, but the table has it as {own}; cast it with ApplyMapping"
                ));
            }
        }
        shape.push(from.map(|from| from.name().clone()), name, data_type);
    }
    for field in frame.fields() {
        if !fields.iter().any(|own| own.name.eq_ignore_ascii_case(field.name())) {
            shape.left_out.push(field.name().clone());
        }
    }
    if !shape.left_out.is_empty() && !leave_out {
        return Err(format!(
            "the table has no column {}, and adding columns to Iceberg tables is not built: drop them, or leave them \
             out with UpdateBehavior LOG",
            shape.left_out.join(", ")
        ));
    }
    if fields.iter().all(|field| known(&field.name).is_none()) {
        return Err(
            "none of its input's columns is one of the table's; map them with ApplyMapping".to_owned()
        );
    }
    Ok(shape)
}

/// Prepares the commit of an output; `None` when there is nothing to commit.
pub(super) async fn prepare(
    writer: &Writer<'_>,
    node: &Node,
    iceberg: &IcebergTable,
    output: &Output,
) -> Result<Option<PreparedWrite>, RunFailure> {
    if output.files.is_empty() && iceberg.new.is_none() && iceberg.replaces != Replaces::Everything {
        return Ok(None);
    }
    if iceberg.new.is_none() && iceberg.upsert.as_ref().is_some_and(Upsert::is_nothing) {
        return Ok(None);
    }
    let (bucket, _) = split(&iceberg.location);
    let mut files = Vec::with_capacity(output.files.len());
    for file in &output.files {
        let location = format!("s3://{bucket}/{}", file.key.as_str());
        let partition =
            iceberg.divided.partition(&file.partition_values).map_err(|what| refused(node, what))?;
        files.push(AddedFile { location, bytes: file.bytes, rows: file.rows, partition });
    }
    let by = writer.summary();
    let scope = writer.scope;
    let (spec_id, replaces) = (iceberg.spec_id, &iceberg.replaces);
    let base = iceberg.upsert.as_ref().and_then(|upsert| upsert.base.as_deref());
    let change = Change { files: &files, spec_id, replaces, base, summary: &by };
    match writer.tables().prepare_write(scope, &iceberg.table, iceberg.new.as_ref(), change).await {
        Ok(prepared) => Ok(Some(prepared)),
        Err(TablesError::CommitFailed { .. }) if base.is_some() => {
            Err(RunFailure::Overtaken { node: name_of(node) })
        }
        Err(error) => Err(failed(node, error)),
    }
}

/// Whether the table is still what the commit was prepared on.
pub(super) async fn is_current(
    writer: &Writer<'_>,
    tx: &mut Tx,
    node: &Node,
    prepared: &PreparedWrite,
) -> Result<bool, RunFailure> {
    writer.tables().is_current(tx, writer.scope, prepared).await.map_err(|error| failed(node, error))
}

/// Puts the commit into the run's transaction; the line for the log.
pub(super) async fn publish(
    writer: &Writer<'_>,
    tx: &mut Tx,
    node: &Node,
    prepared: PreparedWrite,
) -> Result<String, RunFailure> {
    let scope = writer.scope;
    let caller = format!("arn:aws:iam::{}:root", scope.account);
    let done = writer.tables().publish_write(tx, scope, prepared, &caller).await;
    let done = done.map_err(|error| failed(node, error))?;
    Ok(format!("its table is at {}", done.metadata_location))
}

/// Bucket and key of a location in a bucket.
pub(super) fn split(location: &str) -> (&str, &str) {
    let rest = location.split_once("://").map_or(location, |(_, rest)| rest);
    rest.split_once('/').unwrap_or((rest, ""))
}
