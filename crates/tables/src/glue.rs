//! How an Iceberg table looks in the data catalog: the parameters that point to its metadata, and its columns as Glue's
//! clients see them.
//!
//! Sources: the documentation of Iceberg's AWS integration, and what the Glue catalogs of PyIceberg and of Iceberg for
//! Java write: `table_type`, `metadata_location`, `previous_metadata_location`; on columns `iceberg.field.id`,
//! `iceberg.field.optional` and `iceberg.field.current`, for columns of earlier schemas too.

use std::collections::HashSet;

use catalog::{Column, Parameters, StorageDescriptor, Table, TableInput};
use formats::hive::HiveType;

use crate::error::MetadataError;
use crate::metadata::{
    ListType, MapType, Nested, NestedField, Primitive, Schema, StructType, TableMetadata, Type,
};

pub(crate) const TABLE_TYPE: &str = "table_type";
pub(crate) const METADATA_LOCATION: &str = "metadata_location";
const PREVIOUS_METADATA_LOCATION: &str = "previous_metadata_location";

/// Whether a table of the catalog is an Iceberg table.
pub fn is_iceberg(table: &Table) -> bool {
    table.parameter(TABLE_TYPE).is_some_and(|kind| kind.eq_ignore_ascii_case("iceberg"))
}

/// The catalog's entry for metadata at a location: a new one, or `before` with everything of it kept that does not come
/// from the metadata.
pub(crate) fn table_input(
    name: &str,
    before: Option<&TableInput>,
    metadata: &TableMetadata,
    location: &str,
) -> TableInput {
    let mut input = before.cloned().unwrap_or_else(|| TableInput {
        name: name.to_owned(),
        table_type: Some("EXTERNAL_TABLE".to_owned()),
        ..TableInput::default()
    });
    let parameters = input.parameters.get_or_insert_default();
    let previous = parameters.insert(METADATA_LOCATION.to_owned(), location.to_owned());
    if let Some(previous) = previous.filter(|previous| previous != location) {
        parameters.insert(PREVIOUS_METADATA_LOCATION.to_owned(), previous);
    }
    parameters.insert(TABLE_TYPE.to_owned(), "ICEBERG".to_owned());
    if let Some(comment) = metadata.properties.get("comment") {
        input.description = Some(comment.clone());
    }
    if let Some(owner) = metadata.properties.get("owner") {
        input.owner = Some(owner.clone());
    }
    let descriptor = input.storage_descriptor.get_or_insert_with(StorageDescriptor::default);
    descriptor.columns = Some(columns(metadata));
    descriptor.location = Some(metadata.location.clone());
    input
}

/// The schema of columns with Hive types, for a new table. Iceberg has no types of fewer bits than `int`, and no limit on
/// the length of text.
/// Errors: `Invalid`: a column without a type, or with one that Iceberg has not.
pub fn schema_of(columns: &[Column]) -> Result<Schema, MetadataError> {
    let mut last = 0;
    let fields = columns.iter().map(|column| {
        let text = column.column_type.as_deref().unwrap_or_default();
        let wrong = |what: String| MetadataError::invalid(format!("column {}: {what}", column.name));
        let hive = text.parse::<HiveType>().map_err(|error| wrong(error.to_string()))?;
        let mut field = optional(&column.name, &hive, &mut last).map_err(wrong)?;
        field.doc = column.comment.clone();
        Ok(field)
    });
    Ok(Schema::new(0, fields.collect::<Result<_, MetadataError>>()?, Vec::new()))
}

fn optional(name: &str, hive: &HiveType, last: &mut i32) -> Result<NestedField, String> {
    let id = next(last);
    Ok(NestedField {
        id,
        name: name.to_owned(),
        required: false,
        field_type: iceberg_type(hive, last)?,
        doc: None,
        initial_default: None,
        write_default: None,
        other: serde_json::Map::new(),
    })
}

fn next(last: &mut i32) -> i32 {
    *last += 1;
    *last
}

fn iceberg_type(hive: &HiveType, last: &mut i32) -> Result<Type, String> {
    let other = serde_json::Map::new;
    Ok(match hive {
        HiveType::Struct(fields) => {
            let fields = fields.iter().map(|(name, hive)| optional(name, hive, last));
            Type::Nested(Nested::Struct(StructType {
                fields: fields.collect::<Result<_, _>>()?,
                other: other(),
            }))
        }
        HiveType::Array(element) => Type::Nested(Nested::List(ListType {
            element_id: next(last),
            element: Box::new(iceberg_type(element, last)?),
            element_required: false,
            other: other(),
        })),
        HiveType::Map(key, value) => Type::Nested(Nested::Map(MapType {
            key_id: next(last),
            key: Box::new(iceberg_type(key, last)?),
            value_id: next(last),
            value: Box::new(iceberg_type(value, last)?),
            value_required: false,
            other: other(),
        })),
        primitive => Type::Primitive(iceberg_primitive(primitive)?),
    })
}

fn iceberg_primitive(hive: &HiveType) -> Result<Primitive, String> {
    Ok(match hive {
        HiveType::Boolean => Primitive::Boolean,
        HiveType::TinyInt | HiveType::SmallInt | HiveType::Int => Primitive::Int,
        HiveType::BigInt => Primitive::Long,
        HiveType::Float => Primitive::Float,
        HiveType::Double => Primitive::Double,
        HiveType::Decimal(precision, scale) => Primitive::Decimal(*precision, *scale),
        HiveType::String | HiveType::Char(_) | HiveType::Varchar(_) => Primitive::String,
        HiveType::Binary => Primitive::Binary,
        HiveType::Date => Primitive::Date,
        HiveType::Timestamp => Primitive::Timestamp,
        HiveType::TimestampTz => Primitive::Timestamptz,
        HiveType::Array(_) | HiveType::Map(..) | HiveType::Struct(_) | HiveType::Union(_) => {
            return Err(format!("Iceberg has no type {hive}"));
        }
    })
}

/// The columns of the current schema, then those that only earlier schemas have. The catalog folds names to lower case:
/// of columns that become the same, the first is listed.
fn columns(metadata: &TableMetadata) -> Vec<Column> {
    let mut seen = HashSet::new();
    let current = metadata.current_schema().into_iter();
    let current = current.flat_map(|schema| &schema.fields).map(|field| (field, true));
    let earlier = metadata.schemas.iter().rev().filter(|schema| schema.id() != metadata.current_schema_id);
    let earlier = earlier.flat_map(|schema| &schema.fields).map(|field| (field, false));
    let mut columns = Vec::new();
    for (field, is_current) in current.chain(earlier) {
        if seen.insert(field.name.to_lowercase()) {
            columns.push(column(field, is_current));
        }
    }
    columns
}

fn column(field: &NestedField, is_current: bool) -> Column {
    let parameters = [
        ("iceberg.field.id", field.id.to_string()),
        ("iceberg.field.optional", (!field.required).to_string()),
        ("iceberg.field.current", is_current.to_string()),
    ];
    let parameters: Parameters = parameters.map(|(name, value)| (name.to_owned(), value)).into();
    Column {
        name: field.name.clone(),
        column_type: Some(hive_type(&field.field_type)),
        comment: field.doc.clone(),
        parameters: Some(parameters),
        ..Column::default()
    }
}

fn hive_type(field_type: &Type) -> String {
    match field_type {
        Type::Primitive(primitive) => hive_primitive(primitive),
        Type::Nested(Nested::Struct(inner)) => {
            let field = |field: &NestedField| format!("{}:{}", field.name, hive_type(&field.field_type));
            format!("struct<{}>", inner.fields.iter().map(field).collect::<Vec<_>>().join(","))
        }
        Type::Nested(Nested::List(list)) => format!("array<{}>", hive_type(&list.element)),
        Type::Nested(Nested::Map(map)) => format!("map<{},{}>", hive_type(&map.key), hive_type(&map.value)),
    }
}

fn hive_primitive(primitive: &Primitive) -> String {
    let name = match primitive {
        Primitive::Long => "bigint",
        Primitive::Decimal(precision, scale) => return format!("decimal({precision},{scale})"),
        Primitive::Time | Primitive::Uuid => "string",
        Primitive::Timestamptz => "timestamp",
        Primitive::Fixed(_) => "binary",
        other => return other.to_string(),
    };
    name.to_owned()
}
