//! The history of a table's columns, where it was changed with identities (`hoodie.schema.on.read.enable`).
//!
//! Files are read by the names of their columns. That is right as long as a name has always been one column: after a renaming,
//! or a column that was dropped and made anew, older files say something else under it.

use std::collections::HashMap;

use serde_json::Value;

/// The folder of the histories below `.hoodie/`, with its slash. Each file in it has the whole history up to an instant.
pub(super) const FOLDER: &str = ".schema/";

/// Nesting that a schema may have.
const MAX_DEPTH: usize = 64;

/// The instant of a completed history, by its file's name.
pub(super) fn instant_of(name: &str) -> Option<&str> {
    let stamp = name.strip_suffix(".schemacommit")?;
    Some(stamp.split('_').next().unwrap_or(stamp))
}

/// Checks that every name has always been one column. The error says which was not.
pub(super) fn check(history: &[u8]) -> Result<(), String> {
    let document: Value = serde_json::from_slice(history).map_err(|error| error.to_string())?;
    let schemas = document.get("schemas").and_then(Value::as_array).ok_or("it has no schemas")?;
    let mut names = Names::default();
    schemas.iter().try_for_each(|schema| names.record(schema, "", 0))
}

#[derive(Default)]
struct Names {
    by_id: HashMap<i64, String>,
    by_name: HashMap<String, i64>,
}

impl Names {
    fn record(&mut self, record: &Value, parent: &str, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("it has more than {MAX_DEPTH} levels"));
        }
        let fields = record.get("fields").and_then(Value::as_array).ok_or("a record has no fields")?;
        for field in fields {
            let id = field.get("id").and_then(Value::as_i64).ok_or("a field has no id")?;
            let name = field.get("name").and_then(Value::as_str).ok_or("a field has no name")?;
            let path = if parent.is_empty() {
                name.to_lowercase()
            } else {
                format!("{parent}.{}", name.to_lowercase())
            };
            self.is_one(id, &path)?;
            self.inside(field.get("type").unwrap_or(&Value::Null), &path, depth)?;
        }
        Ok(())
    }

    fn inside(&mut self, ty: &Value, path: &str, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("it has more than {MAX_DEPTH} levels"));
        }
        match ty.get("type").and_then(Value::as_str) {
            Some("record") => self.record(ty, path, depth + 1),
            Some("array") => self.inside(&ty["element"], &format!("{path}[]"), depth + 1),
            Some("map") => {
                self.inside(&ty["key"], &format!("{path}[key]"), depth + 1)?;
                self.inside(&ty["value"], &format!("{path}[value]"), depth + 1)
            }
            _ => Ok(()),
        }
    }

    fn is_one(&mut self, id: i64, path: &str) -> Result<(), String> {
        let known = self.by_id.entry(id).or_insert_with(|| path.to_owned());
        if known != path {
            return Err(format!("its column {known} was renamed (to or from {path})"));
        }
        match self.by_name.entry(path.to_owned()).or_insert(id) {
            known if *known == id => Ok(()),
            _ => Err(format!("its column {path} was dropped and made anew")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn history(schemas: Value) -> Result<(), String> {
        check(json!({ "schemas": schemas }).to_string().as_bytes())
    }

    #[test]
    fn names_must_have_been_one_column() {
        let field =
            |id: i64, name: &str, ty: Value| json!({"id": id, "name": name, "optional": true, "type": ty});
        let schema = |fields: Value| json!({"version_id": 1, "type": "record", "fields": fields});
        let inner = |id: i64, name: &str| {
            let record = json!({"type": "record", "fields": [field(id, name, json!("int"))]});
            json!({"type": "array", "element-id": 3, "element": record, "element_optional": true})
        };
        let first = schema(json!([field(0, "a", json!("int")), field(1, "b", inner(4, "x"))]));
        let wider = schema(json!([
            field(0, "a", json!("long")),
            field(1, "B", inner(4, "x")),
            field(5, "c", json!("int"))
        ]));
        history(json!([wider, first])).unwrap();
        for (other, word) in [
            (schema(json!([field(0, "z", json!("int"))])), "renamed"),
            (schema(json!([field(7, "a", json!("int"))])), "made anew"),
            (schema(json!([field(0, "a", json!("int")), field(1, "b", inner(4, "y"))])), "b[].x was renamed"),
        ] {
            let error = history(json!([first, other])).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        assert!(check(b"{}").is_err() && check(b"x").is_err());
        assert_eq!(instant_of("001.schemacommit"), Some("001"));
        assert_eq!(instant_of("001_002.schemacommit"), Some("001"));
        assert_eq!(instant_of("001.schemacommit.inflight"), None);
    }
}
