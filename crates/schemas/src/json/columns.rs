//! The Hive columns of JSON objects.

use serde_json::{Map, Value};

use super::Doc;
use super::side::{self, Side};
use crate::{Column, Invalid};

/// Types within types.
const MAX_DEPTH: usize = 64;

/// The properties of the object as columns, in the order of the schema.
pub(crate) fn columns(doc: &Doc) -> Result<Vec<Column>, Invalid> {
    let side = Side::of(doc, &[&doc.root]);
    if side.types != side::OBJECT || properties(&side).is_empty() {
        return Err(Invalid::new("only a JSON Schema of type \"object\" with properties has columns"));
    }
    let column = |(name, schema): (&String, &Value)| {
        let hive_type =
            hive(doc, schema, 0).map_err(|error| Invalid::new(format!("{name}: {}", error.message)))?;
        let comment = doc.node(schema).get("description").and_then(Value::as_str).map(str::to_owned);
        Ok(Column { name: name.clone(), hive_type, comment })
    };
    properties(&side).into_iter().map(column).collect()
}

fn properties<'a>(side: &Side<'a>) -> Vec<(&'a String, &'a Value)> {
    let mut found: Vec<(&String, &Value)> = Vec::new();
    let listed = |fact: &&'a Map<String, Value>| fact.get("properties").and_then(Value::as_object);
    for (name, schema) in side.facts.iter().filter_map(listed).flatten() {
        if !found.iter().any(|(known, _)| *known == name) {
            found.push((name, schema));
        }
    }
    found
}

fn hive(doc: &Doc, schema: &Value, depth: usize) -> Result<String, Invalid> {
    if depth > MAX_DEPTH {
        return Err(Invalid::new("a schema that holds itself has no Hive type"));
    }
    let mut side = Side::of(doc, &[schema]);
    // A value or null is the type of the value; with alternatives, if all that are not null agree.
    if let Some(choice) = side.choice() {
        let mut types = Vec::new();
        for branch in choice.branches {
            let is_null = Side::of(doc, &[branch]).types == side::NULL;
            let found = hive(doc, branch, depth + 1)?;
            if !is_null && !types.contains(&found) {
                types.push(found);
            }
        }
        return match types.as_slice() {
            [only] => Ok(only.clone()),
            _ => Err(Invalid::new("alternatives of different types have no Hive type")),
        };
    }
    if side.types != side::NULL {
        side.types &= !side::NULL;
    }
    let text = |keyword: &'static str| side.each(keyword).find_map(Value::as_str);
    Ok(match side.types {
        side::NULL => "void".to_owned(),
        side::BOOLEAN => "boolean".to_owned(),
        side::INTEGER => "bigint".to_owned(),
        side::FRACTION | side::NUMBER => "double".to_owned(),
        side::STRING if text("format") == Some("date") => "date".to_owned(),
        side::STRING if text("format") == Some("date-time") => "timestamp".to_owned(),
        side::STRING => "string".to_owned(),
        side::ARRAY => match side.each("items").next() {
            Some(items) if !items.is_array() => format!("array<{}>", hive(doc, items, depth + 1)?),
            _ => return Err(Invalid::new("an array without one schema for its items has no Hive type")),
        },
        side::OBJECT => object(doc, &side, depth)?,
        _ => return Err(Invalid::new("a value of several types has no Hive type")),
    })
}

fn object(doc: &Doc, side: &Side<'_>, depth: usize) -> Result<String, Invalid> {
    let listed = properties(side);
    if !listed.is_empty() {
        let members: Result<Vec<String>, Invalid> = listed
            .into_iter()
            .map(|(name, schema)| Ok(format!("{name}:{}", hive(doc, schema, depth + 1)?)))
            .collect();
        return Ok(format!("struct<{}>", members?.join(",")));
    }
    match side.each("additionalProperties").find(|value| value.is_object()) {
        Some(values) => Ok(format!("map<string,{}>", hive(doc, values, depth + 1)?)),
        None => Err(Invalid::new("an object without properties has no Hive type")),
    }
}
