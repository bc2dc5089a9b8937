//! Whether a document is a schema: the keywords have values of their kinds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Doc, Draft};
use crate::Invalid;

/// What was found on the way through a document.
#[derive(Default)]
pub(super) struct Found {
    pub(super) ids: BTreeMap<String, String>,
    pub(super) patterns: BTreeSet<String>,
}

/// Checks all schemas of a document.
pub(super) fn document(doc: &Doc) -> Result<Found, Invalid> {
    let mut found = Found::default();
    let mut answer = Ok(());
    each_schema(doc, &mut |schema, place| {
        if answer.is_ok() {
            answer = one(doc, schema, place, &mut found);
        }
    });
    answer.map(|()| found)
}

/// Visits a document's schemas with their JSON pointers, from the root down. References are not followed.
pub(super) fn each_schema(doc: &Doc, visit: &mut dyn FnMut(&Value, &str)) {
    let mut work = vec![(&doc.root, String::new())];
    while let Some((schema, place)) = work.pop() {
        visit(schema, &place);
        let Value::Object(members) = schema else { continue };
        for (keyword, value) in members {
            let inner = format!("{place}/{}", escaped(keyword));
            match (keyword.as_str(), value) {
                (
                    "properties" | "patternProperties" | "definitions" | "$defs" | "dependencies",
                    Value::Object(all),
                ) => {
                    let schemas = all.iter().filter(|(_, one)| keyword != "dependencies" || !one.is_array());
                    work.extend(schemas.map(|(key, one)| (one, format!("{inner}/{}", escaped(key)))));
                }
                ("allOf" | "anyOf" | "oneOf" | "items", Value::Array(all)) => {
                    work.extend(all.iter().enumerate().map(|(n, one)| (one, format!("{inner}/{n}"))));
                }
                ("additionalProperties" | "additionalItems" | "items" | "not", _) => {
                    work.push((value, inner));
                }
                ("if" | "then" | "else" | "contains" | "propertyNames", _)
                    if doc.keyword(members, keyword).is_some() =>
                {
                    work.push((value, inner));
                }
                _ => {}
            }
        }
    }
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn one(doc: &Doc, schema: &Value, place: &str, found: &mut Found) -> Result<(), Invalid> {
    let members = match schema {
        Value::Object(members) => members,
        // Draft 4 knows true and false only for what is additional.
        Value::Bool(_) if doc.draft > Draft::D4 || is_additional(place) => return Ok(()),
        other => return Err(Invalid::new(format!("{place}: {other} is not a schema"))),
    };
    identify(doc, members, place, found)?;
    if let Some(reference) = members.get("$ref") {
        // Whatever else is beside a reference does not count.
        let is_text = reference.is_string();
        return if is_text { Ok(()) } else { Err(Invalid::new(format!("{place}: \"$ref\" must be a text"))) };
    }
    for (keyword, value) in members {
        if doc.keyword(members, keyword).is_some()
            && let Some(wanted) = wrong(doc, members, keyword, value)
        {
            return Err(Invalid::new(format!("{place}: {keyword:?} must be {wanted}")));
        }
    }
    if let Some(text) = members.get("pattern").and_then(Value::as_str) {
        found.patterns.insert(text.to_owned());
    }
    let keys = members.get("patternProperties").and_then(Value::as_object).into_iter().flatten();
    found.patterns.extend(keys.map(|(key, _)| key.clone()));
    Ok(())
}

fn is_additional(place: &str) -> bool {
    place.ends_with("/additionalProperties") || place.ends_with("/additionalItems")
}

/// Notes a schema's identifier. One that moves the base of the references below it is refused.
fn identify(doc: &Doc, members: &Map<String, Value>, place: &str, found: &mut Found) -> Result<(), Invalid> {
    let keyword = if doc.draft == Draft::D4 { "id" } else { "$id" };
    let Some(id) = members.get(keyword) else {
        return Ok(());
    };
    let Some(id) = id.as_str() else {
        return Err(Invalid::new(format!("{place}: {keyword:?} must be a text")));
    };
    if !place.is_empty() && !id.starts_with('#') && holds_reference(members) {
        let reason = "references below an identifier that is not at the top are not supported";
        return Err(Invalid::new(format!("{place}: {reason}")));
    }
    let id = id.trim_end_matches('#');
    if !id.is_empty() && found.ids.insert(id.to_owned(), place.to_owned()).is_some() {
        return Err(Invalid::new(format!("{place}: the identifier {id:?} is given twice")));
    }
    Ok(())
}

fn holds_reference(members: &Map<String, Value>) -> bool {
    let mut work: Vec<&Value> = members.values().collect();
    if members.get("$ref").is_some_and(Value::is_string) {
        return true;
    }
    while let Some(value) = work.pop() {
        match value {
            Value::Object(inner) if inner.get("$ref").is_some_and(Value::is_string) => return true,
            Value::Object(inner) => work.extend(inner.values()),
            Value::Array(inner) => work.extend(inner),
            _ => {}
        }
    }
    false
}

const TYPES: [&str; 7] = ["null", "boolean", "object", "array", "number", "string", "integer"];

fn is_type(value: &Value) -> bool {
    value.as_str().is_some_and(|name| TYPES.contains(&name))
}

fn is_unique_list(value: &Value, least: usize, fits: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|items| {
        let texts: BTreeSet<String> = items.iter().map(ToString::to_string).collect();
        items.len() >= least && texts.len() == items.len() && items.iter().all(fits)
    })
}

/// Exclusive bounds are numbers from draft 6 on; in draft 4 they say what the plain bound means. Without a draft both are
/// understood.
fn fits_exclusive(doc: &Doc, members: &Map<String, Value>, value: &Value, bound: &str) -> bool {
    match (doc.draft, value.is_boolean(), doc.root.get("$schema")) {
        (Draft::D4, boolean, _) => boolean && members.contains_key(bound),
        (_, true, None) => members.contains_key(bound),
        _ => value.is_number(),
    }
}

/// What a keyword's value should be, if it is not.
fn wrong(doc: &Doc, members: &Map<String, Value>, keyword: &str, value: &Value) -> Option<&'static str> {
    let is_schema = |value: &Value| value.is_object() || value.is_boolean();
    let is_exclusive = |bound| fits_exclusive(doc, members, value, bound);
    let least = usize::from(doc.draft == Draft::D4);
    let (fits, wanted) = match keyword {
        "type" => (
            is_type(value) || is_unique_list(value, 1, is_type),
            "a type's name, or a list of different ones",
        ),
        "enum" => (value.as_array().is_some_and(|values| !values.is_empty()), "a list of values"),
        "required" => (is_unique_list(value, least, Value::is_string), "a list of different names"),
        "properties" | "patternProperties" | "definitions" | "$defs" => {
            (value.as_object().is_some_and(|all| all.values().all(is_schema)), "an object of schemas")
        }
        "dependencies" => (
            value.as_object().is_some_and(|all| {
                all.values().all(|one| is_schema(one) || is_unique_list(one, least, Value::is_string))
            }),
            "an object of schemas and lists of names",
        ),
        "allOf" | "anyOf" | "oneOf" => (
            value.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(is_schema)),
            "a list of schemas",
        ),
        "items" => (
            is_schema(value) || value.as_array().is_some_and(|all| all.iter().all(is_schema)),
            "a schema or a list of schemas",
        ),
        "additionalProperties"
        | "additionalItems"
        | "not"
        | "if"
        | "then"
        | "else"
        | "contains"
        | "propertyNames" => (is_schema(value), "a schema"),
        "minimum" | "maximum" => (value.is_number(), "a number"),
        "exclusiveMinimum" => (is_exclusive("minimum"), "of the kind that the draft wants"),
        "exclusiveMaximum" => (is_exclusive("maximum"), "of the kind that the draft wants"),
        "multipleOf" => (value.as_f64().is_some_and(|number| number > 0.0), "a number above 0"),
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
            (value.as_u64().is_some(), "a whole number, not negative")
        }
        "uniqueItems" => (value.is_boolean(), "true or false"),
        "pattern" | "format" | "title" | "description" => (value.is_string(), "a text"),
        _ => (true, ""),
    };
    (!fits).then_some(wanted)
}
