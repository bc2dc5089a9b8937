//! Spark's schemas in JSON, as Hive types.

use formats::hive::HiveType;
use serde_json::Value;

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
