//! What a target writes against the table that describes it.
//!
//! A column of an existing table keeps its name, place and type. With UPDATE_IN_DATABASE a type may
//! become wider (never so that rows already written could not be read) and new columns are added at the
//! end; otherwise the schema stays and columns that the table lacks are left out, which is logged. A
//! column whose type does not fit is an error: quietly written nulls would be worse.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use catalog::{Column, SerDeInfo, StorageDescriptor, Table, TableInput};
use datafusion::common::ScalarValue;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::{Expr, lit};
use formats::Format;
use formats::hive::HiveType;
use formats::serde_info;

use super::bounded;
use crate::plan::{Accused, PlanError, column, convert, fitted};

/// The columns to write, in order, partition keys last.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Shape {
    columns: Vec<Written>,
    /// Columns of the frame that are left out.
    pub(crate) left_out: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
struct Written {
    /// The frame's column; `None` = null.
    from: Option<String>,
    name: String,
    data_type: DataType,
    /// As the table declares it, where that says more than `data_type`: how long a text may be.
    hive: Option<HiveType>,
}

fn hive(name: &str, data_type: &DataType) -> Result<HiveType, String> {
    HiveType::from_arrow(data_type).map_err(|error| format!("column {name} cannot be written: {error}"))
}

fn declared(column: &Column) -> Result<HiveType, String> {
    let text = column.hive_type();
    text.parse().map_err(|error| format!("the table's column {} has the type {text}: {error}", column.name))
}

fn is_text(hive: &HiveType) -> bool {
    matches!(hive, HiveType::String | HiveType::Char(_) | HiveType::Varchar(_))
}

fn is_nested(hive: &HiveType) -> bool {
    matches!(hive, HiveType::Array(_) | HiveType::Map(..) | HiveType::Struct(_) | HiveType::Union(_))
}

/// The table's type after values of `new` were written; `None` when they do not fit.
pub(super) fn fitting(existing: &HiveType, new: &HiveType, widen: bool) -> Option<HiveType> {
    if existing == new || (is_text(existing) && !is_nested(new)) {
        return Some(existing.clone());
    }
    let merged = formats::merge_types(existing, new);
    let fits = merged == *existing || (widen && !is_text(&merged));
    fits.then_some(merged)
}

/// The type that a column of the frame is written as into a column of the table.
fn agreed(table: &Column, frame: &DataType, widen: bool) -> Result<HiveType, String> {
    let (existing, new) = (declared(table)?, hive(&table.name, frame)?);
    fitting(&existing, &new, widen).ok_or_else(|| {
        format!(
            "column {} is {new}, but the table has it as {existing}; cast it with ApplyMapping, or change the table",
            table.name
        )
    })
}

fn find<'s>(frame: &'s Schema, name: &str) -> Option<&'s arrow::datatypes::FieldRef> {
    frame.fields().iter().find(|field| field.name().eq_ignore_ascii_case(name))
}

/// How a frame of the schema `frame` is written to an existing table. `keys` are the node's partition keys.
pub(crate) fn shape(table: &Table, frame: &Schema, keys: &[String], widen: bool) -> Result<Shape, String> {
    if let Some(format) = table.open_format() {
        return Err(format!(
            "it is a table of the open format {format}: files that a job writes there would not be its rows"
        ));
    }
    check_keys(table, keys)?;
    let mut columns = Vec::new();
    for own in table.columns() {
        let field = find(frame, &own.name);
        let hive = match field {
            Some(field) => agreed(own, field.data_type(), widen)?,
            None => declared(own)?,
        };
        let from = field.map(|field| field.name().clone());
        let data_type = arrow_type(&own.name, &hive)?;
        columns.push(Written { from, name: own.name.clone(), data_type, hive: Some(hive) });
    }
    let mut left_out = Vec::new();
    for field in frame.fields() {
        let same = |column: &Column| column.name.eq_ignore_ascii_case(field.name());
        if table.columns().iter().any(same) || table.partition_keys().iter().any(same) {
            continue;
        }
        let name = field.name().clone();
        if widen {
            let data_type = field.data_type().clone();
            columns.push(Written { from: Some(name.clone()), name, data_type, hive: None });
        } else {
            left_out.push(name);
        }
    }
    if !left_out.is_empty() && columns.iter().all(|written| written.from.is_none()) {
        let own: Vec<&str> = table.columns().iter().map(|column| column.name.as_str()).collect();
        return Err(format!(
            "none of its input's columns ({}) is one of the table's ({}): every row would be nothing but nulls; map them \
             with ApplyMapping",
            left_out.join(", "),
            own.join(", ")
        ));
    }
    for key in table.partition_keys() {
        let Some(field) = find(frame, &key.name) else {
            return Err(format!("the table is partitioned by {}, which its input lacks", key.name));
        };
        let hive = agreed(key, field.data_type(), false)?;
        let data_type = arrow_type(&key.name, &hive)?;
        let from = Some(field.name().clone());
        columns.push(Written { from, name: key.name.clone(), data_type, hive: Some(hive) });
    }
    Ok(Shape { columns, left_out })
}

fn arrow_type(name: &str, hive: &HiveType) -> Result<DataType, String> {
    hive.to_arrow().map_err(|error| format!("column {name}: {error}"))
}

fn check_keys(table: &Table, keys: &[String]) -> Result<(), String> {
    let own: Vec<String> = table.partition_keys().iter().map(|key| key.name.to_lowercase()).collect();
    let asked: Vec<String> = keys.iter().map(|key| key.to_lowercase()).collect();
    if asked.is_empty() || asked == own {
        return Ok(());
    }
    let of = |names: &[String]| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    Err(format!("PartitionKeys are {}, but the table is partitioned by {}", of(&asked), of(&own)))
}

/// Whether both are nested, and not the same.
fn is_other(from: &DataType, to: &DataType) -> bool {
    from.is_nested() && to.is_nested() && from != to
}

impl Shape {
    /// Adds a column that is written: the frame's, or null.
    pub(super) fn push(&mut self, from: Option<String>, name: &str, data_type: DataType) {
        self.columns.push(Written { from, name: name.to_owned(), data_type, hive: None });
    }

    /// The frame with these columns. A value that one cannot hold fails the plan of the accused.
    pub(crate) fn apply(&self, frame: DataFrame, accused: &Accused) -> Result<DataFrame, PlanError> {
        let schema = Arc::clone(frame.schema().inner());
        let mut exprs: Vec<Expr> = Vec::new();
        for written in &self.columns {
            let value = match written.from.as_ref().and_then(|from| schema.field_with_name(from).ok()) {
                Some(field) if is_other(field.data_type(), &written.data_type) => {
                    fitted(column(field.name()), &written.name, &written.data_type, accused)
                }
                Some(field) => {
                    let value = convert(column(field.name()), field.data_type(), &written.data_type);
                    match &written.hive {
                        Some(hive) => bounded::checked(value, &written.name, hive, accused),
                        None => value,
                    }
                }
                None => lit(ScalarValue::try_from(&written.data_type)?),
            };
            exprs.push(value.alias(written.name.as_str()));
        }
        Ok(frame.select(exprs)?)
    }
}

/// Where and how the files of a table lie.
pub(crate) struct Storage<'a> {
    pub(crate) location: &'a str,
    pub(crate) format: &'a Format,
    pub(crate) header: bool,
    pub(crate) compressed: bool,
}

/// A table for what was written. `parameters` are added to its own.
pub(crate) fn new_table(
    name: &str,
    storage: &Storage<'_>,
    columns: &Schema,
    keys: &Schema,
    mut parameters: BTreeMap<String, String>,
) -> Result<TableInput, String> {
    let columns = catalog_columns(columns)?;
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let serde = serde_info::describe(storage.format, &names);
    // A table of XML has none of these.
    let named = |name: String| Some(name).filter(|name| !name.is_empty());
    parameters.insert("classification".to_owned(), storage.format.classification().to_owned());
    parameters.insert("typeOfData".to_owned(), "file".to_owned());
    if let Format::Xml(xml) = storage.format {
        // As crawlers do.
        parameters.insert("rowTag".to_owned(), xml.row_tag.clone());
    }
    if storage.header && matches!(storage.format, Format::Csv(_)) {
        parameters.insert("skip.header.line.count".to_owned(), "1".to_owned());
    }
    let descriptor = StorageDescriptor {
        columns: Some(columns),
        location: Some(storage.location.to_owned()),
        input_format: named(serde.input_format),
        output_format: named(serde.output_format),
        compressed: Some(storage.compressed),
        serde_info: Some(SerDeInfo {
            serialization_library: named(serde.library),
            parameters: Some(serde.parameters),
            ..SerDeInfo::default()
        }),
        ..StorageDescriptor::default()
    };
    Ok(TableInput {
        name: name.to_owned(),
        storage_descriptor: Some(descriptor),
        partition_keys: Some(catalog_columns(keys)?),
        table_type: Some("EXTERNAL_TABLE".to_owned()),
        parameters: Some(parameters),
        ..TableInput::default()
    })
}

fn catalog_columns(schema: &Schema) -> Result<Vec<Column>, String> {
    let columns = schema.fields().iter().map(|field| {
        let hive = hive(field.name(), field.data_type())?;
        Ok(Column::new(field.name().to_lowercase(), hive.to_string()))
    });
    columns.collect()
}

/// The table after `columns` were written to it; `None` when it stays as it is.
///
/// Checks again what [`shape`] checked: another run may have changed the table since.
pub(crate) fn changed_table(
    table: &Table,
    columns: &Schema,
    keys: &Schema,
    widen: bool,
) -> Result<Option<TableInput>, String> {
    let key_names: Vec<String> = keys.fields().iter().map(|field| field.name().clone()).collect();
    if key_names.is_empty() != table.partition_keys().is_empty() {
        return Err("the partition keys of the table changed while the run was going on".to_owned());
    }
    check_keys(table, &key_names)?;
    let mut own = table.columns().to_vec();
    let mut changed = false;
    for field in columns.fields() {
        match own.iter_mut().find(|column| column.name.eq_ignore_ascii_case(field.name())) {
            Some(column) => {
                let agreed = agreed(column, field.data_type(), widen)?;
                if agreed != declared(column)? {
                    column.column_type = Some(agreed.to_string());
                    changed = true;
                }
            }
            None if widen => {
                let hive = hive(field.name(), field.data_type())?;
                own.push(Column::new(field.name().to_lowercase(), hive.to_string()));
                changed = true;
            }
            None => {
                return Err(format!("the table lost its column {} while the run was going on", field.name()));
            }
        }
    }
    if !changed {
        return Ok(None);
    }
    let mut input = table.input.clone();
    input.storage_descriptor.get_or_insert_with(StorageDescriptor::default).columns = Some(own);
    Ok(Some(input))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_widen_only_where_old_rows_stay_readable() {
        let cases = [
            (HiveType::Int, HiveType::Int, false, Some(HiveType::Int)),
            (HiveType::BigInt, HiveType::Int, false, Some(HiveType::BigInt)),
            (HiveType::Int, HiveType::BigInt, false, None),
            (HiveType::Int, HiveType::BigInt, true, Some(HiveType::BigInt)),
            (HiveType::String, HiveType::Int, false, Some(HiveType::String)),
            (HiveType::Int, HiveType::String, true, None),
        ];
        for (existing, new, widen, expected) in cases {
            assert_eq!(fitting(&existing, &new, widen), expected, "{existing} <- {new}");
        }
    }
}
