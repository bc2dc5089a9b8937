//! Spark's schemas in JSON, as Hive types, and back.

use std::collections::BTreeSet;

use formats::hive::HiveType;
use serde_json::{Value, json};

/// Nesting that a schema may have.
const MAX_DEPTH: usize = 64;

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct DeltaField {
    /// The name, as the log spells it.
    pub name: String,
    /// The type. Delta's `timestamp`, a moment, is [`HiveType::Timestamp`], its time of day in UTC, as in Parquet files of
    /// plain tables.
    pub ty: HiveType,
    /// What the column is described as.
    pub comment: Option<String>,
}

/// Reads the text of a schema. The error says which column cannot be read.
pub(super) fn parse(text: &str) -> Result<Vec<DeltaField>, String> {
    let schema: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    fields_of(&schema)?.iter().map(top_field).collect()
}

fn fields_of(structure: &Value) -> Result<&Vec<Value>, String> {
    structure.get("fields").and_then(Value::as_array).ok_or_else(|| "a struct has no fields".to_owned())
}

fn name_of(field: &Value) -> Result<&str, String> {
    field.get("name").and_then(Value::as_str).ok_or_else(|| "a field has no name".to_owned())
}

fn top_field(field: &Value) -> Result<DeltaField, String> {
    let name = name_of(field)?;
    let ty = type_of(member(field, "type")?, 0).map_err(|what| format!("column {name}: {what}"))?;
    let comment = field.get("metadata").and_then(|all| all.get("comment")).and_then(Value::as_str);
    Ok(DeltaField { name: name.to_owned(), ty, comment: comment.map(str::to_owned) })
}

fn member<'a>(value: &'a Value, name: &str) -> Result<&'a Value, String> {
    value.get(name).ok_or_else(|| format!("{name} is missing"))
}

fn type_of(ty: &Value, depth: usize) -> Result<HiveType, String> {
    if depth > MAX_DEPTH {
        return Err(format!("it has more than {MAX_DEPTH} levels"));
    }
    if let Some(name) = ty.as_str() {
        return primitive(name);
    }
    let inner = |name: &str| Ok::<_, String>(Box::new(type_of(member(ty, name)?, depth + 1)?));
    match ty.get("type").and_then(Value::as_str) {
        Some("array") => Ok(HiveType::Array(inner("elementType")?)),
        Some("map") => Ok(HiveType::Map(inner("keyType")?, inner("valueType")?)),
        Some("struct") => {
            let field =
                |field: &Value| Ok((name_of(field)?.to_owned(), type_of(member(field, "type")?, depth + 1)?));
            Ok(HiveType::Struct(fields_of(ty)?.iter().map(field).collect::<Result<_, String>>()?))
        }
        other => Err(format!("the type {} is not known", other.unwrap_or("without a name"))),
    }
}

fn primitive(name: &str) -> Result<HiveType, String> {
    Ok(match name {
        "string" => HiveType::String,
        "long" => HiveType::BigInt,
        "integer" => HiveType::Int,
        "short" => HiveType::SmallInt,
        "byte" => HiveType::TinyInt,
        "float" => HiveType::Float,
        "double" => HiveType::Double,
        "boolean" => HiveType::Boolean,
        "binary" => HiveType::Binary,
        "date" => HiveType::Date,
        "timestamp" | "timestamp_ntz" => HiveType::Timestamp,
        // Decimals, and text of a length.
        other if other.starts_with("decimal") || other.contains("char(") => {
            other.parse().map_err(|_| format!("the type {other} is not known"))?
        }
        other => return Err(format!("the type {other} is not known")),
    })
}

/// The text of a schema of columns that may be null. Errors: a type that Delta has not.
pub(super) fn print(fields: &[DeltaField]) -> Result<String, String> {
    let fields: Vec<Value> = fields.iter().map(printed).collect::<Result<_, String>>()?;
    Ok(json!({"type": "struct", "fields": fields}).to_string())
}

/// The text of a schema with more columns at its end.
pub(super) fn with(text: &str, fields: &[DeltaField]) -> Result<String, String> {
    let mut schema: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let own = schema.get_mut("fields").and_then(Value::as_array_mut).ok_or("a struct has no fields")?;
    for field in fields {
        own.push(printed(field)?);
    }
    Ok(schema.to_string())
}

fn printed(field: &DeltaField) -> Result<Value, String> {
    let ty = printed_type(&field.ty).map_err(|what| format!("column {}: {what}", field.name))?;
    let metadata = field.comment.as_ref().map_or_else(|| json!({}), |comment| json!({"comment": comment}));
    Ok(json!({"name": field.name, "type": ty, "nullable": true, "metadata": metadata}))
}

fn printed_type(ty: &HiveType) -> Result<Value, String> {
    Ok(match ty {
        HiveType::String | HiveType::Char(_) | HiveType::Varchar(_) => json!("string"),
        HiveType::BigInt => json!("long"),
        HiveType::Int => json!("integer"),
        HiveType::SmallInt => json!("short"),
        HiveType::TinyInt => json!("byte"),
        HiveType::Float => json!("float"),
        HiveType::Double => json!("double"),
        HiveType::Boolean => json!("boolean"),
        HiveType::Binary => json!("binary"),
        HiveType::Date => json!("date"),
        HiveType::Timestamp | HiveType::TimestampTz => json!("timestamp"),
        HiveType::Decimal(precision, scale) => json!(format!("decimal({precision},{scale})")),
        other => return Err(format!("columns of type {other} are not written to Delta tables")),
    })
}

/// What a schema demands of rows that is not checked when they are written; `None` when there is nothing.
pub(super) fn demands(text: &str) -> Option<String> {
    let schema: Value = serde_json::from_str(text).ok()?;
    demanded(&schema, 0)
}

fn demanded(ty: &Value, depth: usize) -> Option<String> {
    if depth > MAX_DEPTH {
        return Some(format!("its schema has more than {MAX_DEPTH} levels"));
    }
    for name in ["containsNull", "valueContainsNull"] {
        if ty.get(name) == Some(&Value::Bool(false)) {
            return Some(format!(
                "elements of a column must not be null ({name} is false), which is not checked here"
            ));
        }
    }
    let fields = ty.get("fields").and_then(Value::as_array);
    for field in fields.into_iter().flatten() {
        let name = field.get("name").and_then(Value::as_str).unwrap_or_default();
        if field.get("nullable") == Some(&Value::Bool(false)) {
            return Some(format!("its column {name} must not be null, which is not checked here"));
        }
        let metadata = field.get("metadata").and_then(Value::as_object);
        let known = ["delta.invariants", "__CHAR_VARCHAR_TYPE_STRING"];
        let demand =
            metadata.into_iter().flat_map(|all| all.keys()).find(|name| known.contains(&name.as_str()));
        if let Some(demand) = demand {
            return Some(format!(
                "its column {name} has a demand on values ({demand}), which is not checked here"
            ));
        }
        if let Some(what) = field.get("type").and_then(|inner| demanded(inner, depth + 1)) {
            return Some(what);
        }
    }
    ["elementType", "keyType", "valueType"].iter().find_map(|name| demanded(ty.get(*name)?, depth + 1))
}

/// The top-level columns that are moments, not times of day without a zone.
pub(super) fn moments(text: &str) -> Result<BTreeSet<String>, String> {
    let schema: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let fields = fields_of(&schema)?.iter().filter(|field| field.get("type") == Some(&json!("timestamp")));
    fields.map(|field| name_of(field).map(str::to_owned)).collect()
}
