//! A file's schema and the table's, made ready to be resolved against each other.
//!
//! Of records, enumerations and fixed bytes the decoder compares names, and a type that is referred to by its name it
//! takes from one of the two without comparing anything. Java's resolver, with which Hive, Spark and Trino read, pairs
//! records by where they are: two programs that write one table need not agree on what they call a row. So each type is
//! written out where it is used, and those at the same place get one name that nothing else has.
//!
//! Of single values the decoder would take the file's numbers for what the table's schema says of them: thousandths of a
//! second for millionths, a decimal's digits with another scale. They are read as the file has them; what the table's columns
//! are they become afterwards, without loss or not at all.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::schema::full_name;

/// Types written out, of one schema; with more, it would not be one of a table.
const MAX_TYPES: usize = 100_000;
/// Types within each other.
const MAX_DEPTH: usize = 128;

/// Both schemas with every type written out, and with the same names at the same places. Neither may contain itself.
/// Errors: for people, a name that is not defined, or too many types.
pub(super) fn paired(writer: &Value, reader: &Value) -> Result<(Value, Value), String> {
    let mut writer = Expansion::new("writer").expand(writer, "", 0)?;
    let mut reader = Expansion::new("reader").expand(reader, "", 0)?;
    pair(&mut writer, &mut reader, false, &mut 0)?;
    Ok((writer, reader))
}

/// Writes types out.
struct Expansion {
    /// Goes before all names, which are thereby different from those of the other schema.
    whose: &'static str,
    /// Types by their full names.
    known: HashMap<String, Value>,
    left: usize,
}

impl Expansion {
    fn new(whose: &'static str) -> Self {
        Self { whose, known: HashMap::new(), left: MAX_TYPES }
    }

    /// The type with types in the place of their names; `space` is the namespace there.
    fn expand(&mut self, schema: &Value, space: &str, depth: usize) -> Result<Value, String> {
        let left = self.left.checked_sub(1).filter(|_| depth < MAX_DEPTH);
        self.left = left.ok_or("an Avro schema of so many types is not supported")?;
        match schema {
            Value::String(name) if is_kind(name) => Ok(schema.clone()),
            Value::String(name) => {
                let full = full_name(name, space);
                let found = self.known.get(&full).or_else(|| self.known.get(name)).cloned();
                let found = found.ok_or_else(|| format!("the Avro schema defines no type {name}"))?;
                let space = space_of(text(&found, "name")).to_owned();
                self.expand(&found, &space, depth + 1)
            }
            Value::Array(branches) => {
                branches.iter().map(|branch| self.expand(branch, space, depth + 1)).collect()
            }
            Value::Object(object) => self.expand_object(object, space, depth),
            other => Err(format!("{other} is no type of Avro")),
        }
    }

    fn expand_object(
        &mut self,
        object: &Map<String, Value>,
        space: &str,
        depth: usize,
    ) -> Result<Value, String> {
        let (mut made, mut space) = (object.clone(), space.to_owned());
        match object.get("type") {
            Some(Value::String(kind)) if is_kind(kind) => {}
            Some(inner) => {
                let inner = self.expand(inner, &space, depth + 1)?;
                if !object.contains_key("logicalType") {
                    return Ok(inner);
                }
                made.insert("type".to_owned(), inner);
            }
            None => return Err("an Avro type without a type".to_owned()),
        }
        if let Some(name) = object.get("name").and_then(Value::as_str) {
            let within = object.get("namespace").and_then(Value::as_str).unwrap_or(&space);
            let full = full_name(name, within);
            space = space_of(&full).to_owned();
            made.remove("namespace");
            made.remove("aliases");
            made.insert("name".to_owned(), json!(full));
            self.known.insert(full.clone(), Value::Object(made.clone()));
            made.insert("name".to_owned(), json!(format!("{}.{full}", self.whose)));
        }
        for key in ["items", "values"] {
            if let Some(inner) = made.get_mut(key) {
                *inner = self.expand(inner, &space, depth + 1)?;
            }
        }
        for field in made.get_mut("fields").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(inner) = field.get_mut("type") {
                *inner = self.expand(inner, &space, depth + 1)?;
            }
        }
        Ok(Value::Object(made))
    }
}

/// Gives what is at the same place the same name; `within` an array or a map, or not. Errors: for people, what the
/// decoder would take for something else.
fn pair(writer: &mut Value, reader: &mut Value, within: bool, next: &mut usize) -> Result<(), String> {
    let is_nothing = |schema: &Value| *schema == json!("null") || *schema == json!(["null"]);
    if is_single(writer) && is_single(reader) || is_nothing(reader) && !is_nothing(writer) {
        if let Some(name) = writer.get_mut("name") {
            *next += 1;
            *name = json!(format!("both.t{next}"));
        }
        *reader = writer.clone();
        return Ok(());
    }
    // Of a value that the file has as a union and the table has not, the decoder takes the branch's number for a value
    // where there are many: the table's type may be NULL, then, too.
    if let (Some(writers), false) = (writer.as_array(), reader.is_array()) {
        if writers.len() == 2 && writers.contains(&json!("null")) {
            *reader = json!([reader.take(), "null"]);
        } else if within {
            return Err(
                "a union of several types, within an array or a map, is not read as one of them".to_owned()
            );
        }
    }
    match (writer, reader) {
        (Value::Array(writers), Value::Array(readers)) => {
            for (one, other) in partners(writers, readers) {
                pair(&mut writers[one], &mut readers[other], within, next)?;
            }
        }
        (Value::Array(writers), reader) => {
            if let Some((one, _)) = partners(writers, std::slice::from_ref(reader)).first() {
                pair(&mut writers[*one], reader, within, next)?;
            }
        }
        (writer, Value::Array(readers)) => {
            if let Some((_, other)) = partners(std::slice::from_ref(writer), readers).first() {
                pair(writer, &mut readers[*other], within, next)?;
            }
        }
        (Value::Object(writer), Value::Object(reader)) if writer.get("type") == reader.get("type") => {
            if writer.contains_key("name") && reader.contains_key("name") {
                *next += 1;
                for schema in [&mut *writer, &mut *reader] {
                    schema.insert("name".to_owned(), json!(format!("both.t{next}")));
                }
            }
            for key in ["items", "values"] {
                if let (Some(writer), Some(reader)) = (writer.get_mut(key), reader.get_mut(key)) {
                    pair(writer, reader, true, next)?;
                }
            }
            pair_fields(writer, reader, within, next)?;
        }
        _ => {}
    }
    Ok(())
}

fn pair_fields(
    writer: &mut Map<String, Value>,
    reader: &mut Map<String, Value>,
    within: bool,
    next: &mut usize,
) -> Result<(), String> {
    let fields = |schema| Map::get_mut(schema, "fields").and_then(Value::as_array_mut);
    let (Some(writers), Some(readers)) = (fields(writer), fields(reader)) else { return Ok(()) };
    for reader in readers {
        let aliases = reader.get("aliases").and_then(Value::as_array).into_iter().flatten();
        let names: Vec<&str> =
            std::iter::once(text(reader, "name")).chain(aliases.filter_map(Value::as_str)).collect();
        let found = names.iter().find_map(|name| writers.iter().position(|w| text(w, "name") == *name));
        let Some(writer) = found.and_then(|at| writers.get_mut(at)) else { continue };
        if let Some(reader) = reader.as_object_mut() {
            // Of the type as it was, and not needed.
            reader.remove("default");
        }
        if let (Some(writer), Some(reader)) = (writer.get_mut("type"), reader.get_mut("type")) {
            pair(writer, reader, within, next)?;
        }
    }
    Ok(())
}

/// The branches that are each other's: by full name, by name, because they are the only ones of their kind, or the only single
/// values.
fn partners(writers: &[Value], readers: &[Value]) -> Vec<(usize, usize)> {
    let full = |schema: &Value| text(schema, "name").split_once('.').map(|(_, full)| full.to_owned());
    let short = |schema: &Value| text(schema, "name").rsplit_once('.').map(|(_, name)| name.to_owned());
    let only =
        |of: &[Value], like: &dyn Fn(&Value) -> bool| of.iter().filter(|schema| like(schema)).count() == 1;
    let is_value = |schema: &Value| is_single(schema) && kind(schema) != "null";
    let mut found: Vec<(usize, usize)> = Vec::new();
    for rule in 0..4 {
        for (one, writer) in writers.iter().enumerate() {
            for (other, reader) in readers.iter().enumerate() {
                let same_kind = !kind(writer).is_empty() && kind(writer) == kind(reader);
                let alike = match rule {
                    0 => same_kind && full(writer) == full(reader),
                    1 => same_kind && short(writer) == short(reader),
                    2 => {
                        let is_it = |schema: &Value| kind(schema) == kind(writer);
                        same_kind && only(writers, &is_it) && only(readers, &is_it)
                    }
                    _ => {
                        is_value(writer)
                            && is_value(reader)
                            && only(writers, &is_value)
                            && only(readers, &is_value)
                    }
                };
                if alike && found.iter().all(|(a, b)| *a != one && *b != other) {
                    found.push((one, other));
                }
            }
        }
    }
    found
}

/// The kind of a type that is written out; nothing for a union.
fn kind(schema: &Value) -> &str {
    schema.as_str().unwrap_or_else(|| text(schema, "type"))
}

/// Whether values of a type are neither made of others nor, as those of an enumeration, names of the schema's.
fn is_single(schema: &Value) -> bool {
    const SINGLE: [&str; 9] =
        ["null", "boolean", "int", "long", "float", "double", "bytes", "string", "fixed"];
    SINGLE.contains(&kind(schema))
}

fn is_kind(name: &str) -> bool {
    const KINDS: [&str; 14] = [
        "null", "boolean", "int", "long", "float", "double", "bytes", "string", "record", "error", "enum",
        "array", "map", "fixed",
    ];
    KINDS.contains(&name)
}

fn space_of(full: &str) -> &str {
    full.rsplit_once('.').map_or("", |(space, _)| space)
}

fn text<'a>(schema: &'a Value, key: &str) -> &'a str {
    schema.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, fields: &[(&str, Value)]) -> Value {
        let fields: Vec<Value> =
            fields.iter().map(|(name, inner)| json!({"name": name, "type": inner})).collect();
        json!({"type": "record", "name": name, "fields": fields})
    }

    #[test]
    fn the_same_places_have_the_same_names() {
        let inner = || record("In", &[("x", json!("int"))]);
        let writer = record("a.Row", &[("p", json!(["null", inner()])), ("q", json!("In"))]);
        let other = record("Other", &[("x", json!("int"))]);
        let reader = record("Table", &[("q", json!(["null", inner()])), ("p", other)]);
        let (writer, reader) = paired(&writer, &reader).unwrap();
        assert_eq!(writer["name"], reader["name"]);
        assert_eq!(writer["fields"][0]["type"][1]["name"], reader["fields"][1]["type"][0]["name"]);
        assert_eq!(reader["fields"][1]["type"][1], "null");
        assert_eq!(writer["fields"][1]["type"]["name"], reader["fields"][0]["type"][1]["name"]);
        assert_ne!(writer["fields"][0]["type"][1]["name"], writer["fields"][1]["type"]["name"]);
        let unknown = record("R", &[("p", json!("Elsewhere"))]);
        assert!(paired(&unknown, &unknown).unwrap_err().contains("defines no type Elsewhere"));
    }

    #[test]
    fn single_values_are_those_of_the_file() {
        let millis = json!({"type": "long", "logicalType": "timestamp-millis"});
        let micros = json!({"type": "long", "logicalType": "timestamp-micros"});
        let fixed = json!({"type": "fixed", "name": "F", "size": 4, "logicalType": "decimal", "precision": 5, "scale": 2});
        let field = |ty: Value| record("R", &[("x", ty)]);
        for (writer, reader) in [
            (millis.clone(), micros.clone()),
            (json!(["null", millis]), json!([micros, "null"])),
            (json!("long"), json!(["null", "double"])),
            (json!({"type": "array", "items": fixed}), json!({"type": "array", "items": "bytes"})),
            (json!("null"), json!("long")),
        ] {
            let of = |schema: &Value| match schema {
                Value::Array(branches) => branches.iter().find(|one| **one != json!("null")).cloned(),
                other => Some(other.clone()),
            };
            let (writer, reader) = paired(&field(writer), &field(reader)).unwrap();
            assert_eq!(of(&writer["fields"][0]["type"]), of(&reader["fields"][0]["type"]));
        }
    }

    #[test]
    fn branches_of_unions_go_by_name() {
        let branch = |name: &str| record(name, &[("x", json!("int"))]);
        let writer = record("R", &[("u", json!([branch("B"), branch("A"), branch("C")]))]);
        let reader = record("S", &[("u", json!([branch("n.A"), branch("B"), branch("D")]))]);
        let (writer, reader) = paired(&writer, &reader).unwrap();
        let name = |schema: &Value, at: usize| schema["fields"][0]["type"][at]["name"].clone();
        assert_eq!(name(&writer, 0), name(&reader, 1));
        assert_eq!(name(&writer, 1), name(&reader, 0));
        assert_ne!(name(&writer, 2), name(&reader, 2));
    }
}
