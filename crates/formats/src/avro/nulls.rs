//! Values whose type is `null` alone: items of an array, values of a map, fields of a record within the row.
//!
//! The decoder takes a place for one that has no NULLs unless a union says so, and then finds nothing else there. Resolved
//! against a schema that has a union in such a place, the same bytes read.

use serde_json::{Value, json};

/// The schema of a file or a table with a union wherever only `null` can be, below the row; nothing where there is no such place.
pub(super) fn allowed(schema: &Value) -> Option<Value> {
    let mut made = schema.clone();
    let fields = made.get_mut("fields").and_then(Value::as_array_mut).into_iter().flatten();
    let changed =
        fields.filter_map(|field| field.get_mut("type")).map(within).filter(|changed| *changed).count();
    (changed > 0).then_some(made)
}

/// Changes what is within a type; whether there was anything to change. Types that are named again were changed where they
/// are defined.
fn within(ty: &mut Value) -> bool {
    match ty {
        Value::Array(branches) => branches.iter_mut().map(within).fold(false, |any, one| any | one),
        Value::Object(object) => {
            let mut changed = false;
            for key in ["items", "values"] {
                changed |= object.get_mut(key).is_some_and(allow);
            }
            for field in object.get_mut("fields").and_then(Value::as_array_mut).into_iter().flatten() {
                changed |= field.get_mut("type").is_some_and(allow);
            }
            // `{"type": {"type": "array", …}}`.
            changed | object.get_mut("type").is_some_and(|inner| inner.is_object() && within(inner))
        }
        _ => false,
    }
}

fn allow(place: &mut Value) -> bool {
    let is_null = |ty: &Value| *ty == json!("null") || (ty.is_object() && ty["type"] == json!("null"));
    if is_null(place) {
        *place = json!(["null"]);
        return true;
    }
    within(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_below_the_row_change() {
        let row = |ty: Value| json!({"type": "record", "name": "R", "fields": [{"name": "c", "type": ty}]});
        let both = || json!(["null"]);
        for (ty, wanted) in [
            (json!("null"), None),
            (json!({"type": "array", "items": ["null", "long"]}), None),
            (json!({"type": "array", "items": "null"}), Some(json!({"type": "array", "items": both()}))),
            (
                json!(["null", {"type": "map", "values": {"type": "map", "values": {"type": "null"}}}]),
                Some(json!(["null", {"type": "map", "values": {"type": "map", "values": both()}}])),
            ),
            (
                json!({"type": {"type": "record", "name": "I", "fields": [{"name": "x", "type": "null"}]}}),
                Some(
                    json!({"type": {"type": "record", "name": "I", "fields": [{"name": "x", "type": both()}]}}),
                ),
            ),
        ] {
            assert_eq!(allowed(&row(ty)), wanted.map(row));
        }
    }
}
