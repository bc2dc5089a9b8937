//! Schemas as the decoder takes them.

use serde_json::{Map, Value};

/// Parses a schema, which must be a record, and takes out what Hive has no type for: the logical types that are then read
/// as what they are stored as. Errors: for people, what is wrong.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let mut schema: Value = serde_json::from_str(text).map_err(|e| format!("the schema is not JSON: {e}"))?;
    let is_record = schema.get("type").and_then(Value::as_str) == Some("record");
    if !is_record || !schema.get("fields").is_some_and(Value::is_array) {
        return Err("the schema is not a record's, so that it has no columns".to_owned());
    }
    plain(&mut schema);
    Ok(schema)
}

/// The names of a record's fields.
pub(super) fn names(schema: &Value) -> Vec<String> {
    let fields = schema.get("fields").and_then(Value::as_array).into_iter().flatten();
    fields.map(|field| field.get("name").and_then(Value::as_str).unwrap_or_default().to_owned()).collect()
}

fn plain(schema: &mut Value) {
    match schema {
        Value::Array(branches) => branches.iter_mut().for_each(plain),
        Value::Object(object) => {
            let logical = object.get("logicalType").and_then(Value::as_str).unwrap_or_default();
            let kept = match logical {
                "decimal" => has_precision(object),
                "date" | "timestamp-millis" | "timestamp-micros" | "timestamp-nanos" => true,
                other => other.starts_with("local-timestamp-"),
            };
            if !kept {
                object.remove("logicalType");
            }
            for key in ["type", "items", "values"] {
                object.get_mut(key).into_iter().for_each(plain);
            }
            let fields = object.get_mut("fields").and_then(Value::as_array_mut);
            fields.into_iter().flatten().for_each(plain);
        }
        _ => {}
    }
}

/// The specification: a decimal with an invalid precision is what it is stored as.
fn has_precision(object: &Map<String, Value>) -> bool {
    object.get("precision").and_then(Value::as_u64).is_some_and(|precision| precision > 0)
}
