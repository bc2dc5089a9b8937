//! Delta targets: the columns and partitions of the table, and the entry of its log that adds the files that were written.
//!
//! The entry is prepared just before the run's one transaction and is part of it, as is the table of the catalog; when
//! somebody else has written one of its version meanwhile, it is prepared again on what the table is then, so an overwrite
//! replaces what others have added until then. What cannot be written rightly (nested columns, columns that must not be
//! null, features of later writers) is refused before a row is read.

mod entry;

use arrow::datatypes::{DataType, Schema, TimeUnit};
use catalog::{CatalogError, Table};
use formats::hive::HiveType;
use store::Tx;
use tables::Replaces;
use tables::delta::{DeltaField, DeltaShape, DeltaTable};

pub(super) use entry::{is_current, prepare, publish};

use super::RunFailure;
use super::iceberg::{check_keys, failed, refused};
use super::reconcile::{Shape, fitting};
use super::target::Follows;
use super::writer::Writer;
use crate::graph::{DeltaTarget, Node, SaveMode, UpdateBehavior};

/// The table that an output is added to.
#[derive(Debug)]
pub(crate) struct DeltaOutput {
    /// Its folder, with its slash.
    pub(super) location: String,
    /// What it looked like when the run began to write; `None` when the run makes it.
    before: Option<DeltaShape>,
    /// What it will look like.
    after: DeltaShape,
    /// Which of its files leave it.
    replaces: Replaces,
    /// The table of the catalog, if any.
    follows: Option<Follows>,
}

/// Looks the table up, or prepares to make it; which columns are written, and which of the frame's are left out.
pub(super) async fn resolve(
    writer: &Writer<'_>,
    node: &Node,
    (target, keys): (&DeltaTarget, &[String]),
    frame: &Schema,
) -> Result<(DeltaOutput, Shape), RunFailure> {
    let mut tx = writer.store.read().await?;
    let (location, follows) = place(writer, &mut tx, node, target).await?;
    let known = writer.tables().delta(&mut tx, writer.scope, &location).await;
    drop(tx);
    let known = known.map_err(|error| failed(node, error))?;
    if known.is_none() && target.path.is_none() {
        return Err(refused(
            node,
            format!("there is no Delta log (_delta_log) at the table's location {location}"),
        ));
    }
    let replaces = match target.mode {
        SaveMode::Overwrite => Replaces::Everything,
        SaveMode::OverwritePartitions => Replaces::Partitions,
        SaveMode::Append | SaveMode::Upsert => Replaces::Nothing,
    };
    if let Some(known) = &known {
        known.check_writable(&replaces).map_err(|error| failed(node, error))?;
        check_keys(&known.partition_columns, keys).map_err(|what| refused(node, what))?;
    }
    let before = known.as_ref().map(DeltaTable::shape);
    let (after, shape) = match &before {
        Some(before) => existing(before, frame, target.behavior).map_err(|what| refused(node, what))?,
        None => new(keys, frame).map_err(|what| refused(node, what))?,
    };
    check_partitions(&after).map_err(|what| refused(node, what))?;
    if replaces == Replaces::Partitions && after.partition_columns.is_empty() {
        return Err(refused(
            node,
            "the table has no partitions that partitionOverwriteMode dynamic could replace; without it the whole table is \
             overwritten",
        ));
    }
    Ok((DeltaOutput { location, before, after, replaces, follows }, shape))
}

/// Where the table lies, and its table of the catalog.
async fn place(
    writer: &Writer<'_>,
    tx: &mut Tx,
    node: &Node,
    target: &DeltaTarget,
) -> Result<(String, Option<Follows>), RunFailure> {
    let folder = |text: &str| format!("{}/", text.trim_end_matches('/'));
    let path = target.path.as_ref().map(|path| folder(&path.to_string()));
    let Some((database, table)) = &target.table else {
        return path
            .map(|path| (path, None))
            .ok_or_else(|| refused(node, "it names neither a path nor a table"));
    };
    let follows = target.behavior.map(|behavior| Follows {
        database: database.clone(),
        table: table.clone(),
        widen: behavior == UpdateBehavior::UpdateInDatabase,
        create: path.is_some(),
    });
    match catalog::table::get(tx, writer.scope, database, table).await {
        Ok(found) => {
            let own = folder(&checked(&found, path.as_deref()).map_err(|what| refused(node, what))?);
            Ok((own, follows))
        }
        Err(error @ CatalogError::TableNotFound { .. }) => {
            path.map(|path| (path, follows)).ok_or_else(|| RunFailure::catalog(node, error))
        }
        Err(error) => Err(RunFailure::catalog(node, error)),
    }
}

/// Where a table of the catalog lies, which must be a Delta table at the path, if one is named.
fn checked(table: &Table, path: Option<&str>) -> Result<String, String> {
    let name = format!("{}.{}", table.database_name, table.name);
    if !tables::delta::is_delta(table) {
        return Err(format!("the table {name} is not a Delta table"));
    }
    let own = table.location().unwrap_or_default();
    match path {
        Some(path) if own.trim_end_matches('/') != path.trim_end_matches('/') => {
            Err(format!("the table {name} lies at {own}, not at {path}"))
        }
        _ if own.is_empty() => Err(format!("the table {name} has no location")),
        _ => Ok(own.to_owned()),
    }
}

/// Partition values are written as text, and only these types have one text for each value.
fn check_partitions(shape: &DeltaShape) -> Result<(), String> {
    let fields = shape.fields()?;
    for name in &shape.partition_columns {
        let ty = fields.iter().find(|field| field.name == *name).map(|field| &field.ty);
        match ty {
            Some(
                HiveType::String
                | HiveType::Date
                | HiveType::Boolean
                | HiveType::BigInt
                | HiveType::Int
                | HiveType::SmallInt
                | HiveType::TinyInt,
            ) => {}
            Some(other) => {
                return Err(format!(
                    "the partition column {name} is of type {other}; Delta tables are partitioned here by texts, whole \
                     numbers, dates and truth values"
                ));
            }
            None => {
                return Err(format!("the table is partitioned by {name}, which is not one of its columns"));
            }
        }
    }
    Ok(())
}

/// The type that a column of files is written as: a moment says that it is one.
fn written(field: &DeltaField, is_moment: bool) -> Result<DataType, String> {
    if is_moment && field.ty == HiveType::Timestamp {
        return Ok(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    }
    match &field.ty {
        HiveType::Array(_) | HiveType::Map(..) | HiveType::Struct(_) | HiveType::Union(_) => Err(format!(
            "column {} is nested ({}), which is not written to Delta tables here",
            field.name, field.ty
        )),
        plain => plain.to_arrow().map_err(|error| format!("column {}: {error}", field.name)),
    }
}

fn of_frame(name: &str, data_type: &DataType) -> Result<DeltaField, String> {
    let ty = HiveType::from_arrow(data_type).map_err(|error| format!("column {name}: {error}"))?;
    // Times of a frame are moments in UTC.
    let ty = if ty == HiveType::TimestampTz { HiveType::Timestamp } else { ty };
    Ok(DeltaField { name: name.to_owned(), ty, comment: None })
}

/// A table that is made of the frame.
fn new(keys: &[String], frame: &Schema) -> Result<(DeltaShape, Shape), String> {
    let fields: Vec<DeltaField> = frame
        .fields()
        .iter()
        .map(|field| of_frame(field.name(), field.data_type()))
        .collect::<Result<_, _>>()?;
    let mut partition_columns = Vec::new();
    for key in keys {
        let field = fields.iter().find(|field| field.name.eq_ignore_ascii_case(key));
        let field = field.ok_or_else(|| format!("PartitionKeys names {key}, which is not in its input"))?;
        partition_columns.push(field.name.clone());
    }
    let mut shape = Shape::default();
    for field in &fields {
        shape.push(Some(field.name.clone()), &field.name, written(field, true)?);
    }
    Ok((DeltaShape::new(&fields, partition_columns)?, shape))
}

/// Every column of the table, null where the frame lacks it; and those that are added to it.
fn existing(
    before: &DeltaShape,
    frame: &Schema,
    behavior: Option<UpdateBehavior>,
) -> Result<(DeltaShape, Shape), String> {
    let (fields, moments) = (before.fields()?, before.moments()?);
    let mut shape = Shape::default();
    for field in &fields {
        let name = &field.name;
        let data_type = written(field, moments.contains(name))?;
        let from = frame.fields().iter().find(|from| from.name().eq_ignore_ascii_case(name));
        match from {
            Some(from) => {
                let new = of_frame(name, from.data_type())?.ty;
                if fitting(&field.ty, &new, false).is_none() {
                    return Err(format!(
                        "column {name} is {new}, but the table has it as {}; cast it with ApplyMapping",
                        field.ty
                    ));
                }
            }
            None if before.partition_columns.contains(name) => {
                return Err(format!("the table is partitioned by {name}, which its input lacks"));
            }
            None => {}
        }
        shape.push(from.map(|from| from.name().clone()), name, data_type);
    }
    let others = frame
        .fields()
        .iter()
        .filter(|from| !fields.iter().any(|own| own.name.eq_ignore_ascii_case(from.name())));
    let others: Vec<DeltaField> =
        others.map(|field| of_frame(field.name(), field.data_type())).collect::<Result<_, _>>()?;
    if !others.is_empty() && others.len() == frame.fields().len() {
        return Err(
            "none of its input's columns is one of the table's; map them with ApplyMapping".to_owned()
        );
    }
    match behavior {
        _ if others.is_empty() => Ok((before.clone(), shape)),
        Some(UpdateBehavior::UpdateInDatabase) => {
            for field in &others {
                shape.push(Some(field.name.clone()), &field.name, written(field, true)?);
            }
            Ok((before.with(&others)?, shape))
        }
        Some(UpdateBehavior::Log) => {
            shape.left_out = others.into_iter().map(|field| field.name).collect();
            Ok((before.clone(), shape))
        }
        None => Err(format!(
            "the table has no column {}: drop it, or say by SchemaChangePolicy with EnableUpdateCatalog whether it is added \
             (UPDATE_IN_DATABASE) or left out (LOG)",
            others.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ")
        )),
    }
}

impl DeltaOutput {
    /// The columns that become folders.
    pub(super) fn keys(&self) -> Vec<String> {
        self.after.partition_columns.clone()
    }
}
