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

/// The name of a record that has itself within, at any depth.
pub(super) fn recursive(schema: &Value) -> Option<String> {
    within_itself(schema, "", &mut Vec::new())
}

/// `open` are the full names of the records around `schema`, `space` is the namespace there.
fn within_itself(schema: &Value, space: &str, open: &mut Vec<String>) -> Option<String> {
    match schema {
        Value::String(name) => Some(full_name(name, space)).filter(|name| open.contains(name)),
        Value::Array(branches) => branches.iter().find_map(|branch| within_itself(branch, space, open)),
        Value::Object(object) => {
            let text = |key: &str| object.get(key).and_then(Value::as_str);
            let (Some("record"), Some(name)) = (text("type"), text("name")) else {
                let mut inner = ["type", "items", "values"].into_iter().filter_map(|key| object.get(key));
                return inner.find_map(|inner| within_itself(inner, space, open));
            };
            let name = full_name(name, text("namespace").unwrap_or(space));
            let space = name.rsplit_once('.').map_or("", |(space, _)| space).to_owned();
            open.push(name);
            let mut fields = object.get("fields").and_then(Value::as_array).into_iter().flatten();
            let found = fields.find_map(|field| within_itself(field.get("type")?, &space, open));
            open.pop();
            found
        }
        _ => None,
    }
}

/// A name with its namespace, of a type that is named within `space`.
pub(super) fn full_name(name: &str, space: &str) -> String {
    if space.is_empty() || name.contains('.') { name.to_owned() } else { format!("{space}.{name}") }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn records_within_themselves() {
        let record = |field: Value| json!({"type": "record", "name": "N", "namespace": "a", "fields": [{"name": "f", "type": field}]});
        let inner =
            |field: Value| json!({"type": "record", "name": "M", "fields": [{"name": "g", "type": field}]});
        for field in [
            json!(["null", "N"]),
            json!({"type": "array", "items": "a.N"}),
            inner(json!({"type": "map", "values": "N"})),
        ] {
            assert_eq!(recursive(&record(field.clone())), Some("a.N".to_owned()), "{field}");
        }
        assert_eq!(recursive(&record(inner(json!("M")))), Some("a.M".to_owned()));
        for field in [json!("int"), json!("b.N"), json!({"type": "string"}), inner(json!(["null", "int"]))] {
            assert_eq!(recursive(&record(field.clone())), None, "{field}");
        }
        // The same record twice, side by side.
        let twice = json!({"type": "record", "name": "N", "fields": [
            {"name": "a", "type": inner(json!("int"))}, {"name": "b", "type": "M"}]});
        assert_eq!(recursive(&twice), None);
    }
}
