//! The difference of two definitions as a JSON Patch (RFC 6902).

use serde_json::{Value, json};

use crate::{Kind, Schema};

/// The patch that turns `first` into `second`; `[]` when they say the same. A Protobuf definition has no JSON form: it is
/// a JSON text as a whole, which the patch replaces.
pub fn patch(first: &Schema, second: &Schema, second_definition: &str) -> String {
    let mut steps = Vec::new();
    match (&first.0, &second.0) {
        (Kind::Avro(a), Kind::Avro(b)) => compare("", &a.json, &b.json, &mut steps),
        (Kind::Json(a), Kind::Json(b)) => compare("", &a.root, &b.root, &mut steps),
        _ if first.canonical() == second.canonical() => {}
        _ => steps.push(json!({ "op": "replace", "path": "", "value": second_definition })),
    }
    Value::Array(steps).to_string()
}

fn compare(path: &str, first: &Value, second: &Value, steps: &mut Vec<Value>) {
    match (first, second) {
        (a, b) if a == b => {}
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().filter(|key| !b.contains_key(*key)) {
                steps.push(json!({ "op": "remove", "path": below(path, key) }));
            }
            for (key, value) in b {
                match a.get(key) {
                    Some(before) => compare(&below(path, key), before, value, steps),
                    None => steps.push(json!({ "op": "add", "path": below(path, key), "value": value })),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for (index, (before, after)) in a.iter().zip(b).enumerate() {
                compare(&below(path, &index.to_string()), before, after, steps);
            }
            // From the end, so that the indexes before stay true.
            for index in (b.len()..a.len()).rev() {
                steps.push(json!({ "op": "remove", "path": below(path, &index.to_string()) }));
            }
            for value in b.iter().skip(a.len()) {
                steps.push(json!({ "op": "add", "path": below(path, "-"), "value": value }));
            }
        }
        (_, after) => steps.push(json!({ "op": "replace", "path": path, "value": after })),
    }
}

/// A JSON pointer one level down (RFC 6901).
fn below(path: &str, key: &str) -> String {
    format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"))
}
