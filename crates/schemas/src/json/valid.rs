//! Whether a value satisfies a schema: yes, no, or not for certain (`None`).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::side;
use super::{Doc, numbers, objects};

/// Comparisons that one proof may spend on values.
pub(super) struct Fuel(pub(super) u32);

impl Fuel {
    fn burn(&mut self) -> Option<()> {
        self.0 = self.0.checked_sub(1)?;
        Some(())
    }
}

/// Values within values.
const MAX_DEPTH: usize = 150;

/// Joins answers that all have to be yes: a certain no wins over an unknown.
fn all(answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = true;
    for answer in answers {
        match answer {
            Some(false) => return Some(false),
            Some(true) => {}
            None => known = false,
        }
    }
    known.then_some(true)
}

/// Whether `value` satisfies the schema.
pub(super) fn valid(doc: &Doc, schema: &Map<String, Value>, value: &Value, fuel: &mut Fuel) -> Option<bool> {
    object(doc, schema, value, fuel, 0)
}

/// [`valid`] for a whole document.
#[cfg(test)]
pub(super) fn whole(doc: &Doc, value: &Value) -> Option<bool> {
    any(doc, &doc.root, value, &mut Fuel(100_000), 0)
}

fn any(doc: &Doc, schema: &Value, value: &Value, fuel: &mut Fuel, depth: usize) -> Option<bool> {
    match doc.node(schema) {
        Value::Object(members) => object(doc, members, value, fuel, depth),
        Value::Bool(allowed) => Some(*allowed),
        _ => None,
    }
}

fn object(
    doc: &Doc,
    schema: &Map<String, Value>,
    value: &Value,
    fuel: &mut Fuel,
    depth: usize,
) -> Option<bool> {
    fuel.burn()?;
    if depth > MAX_DEPTH {
        return None;
    }
    if side::of_value(value) & side::of_schema(schema) == 0 {
        return Some(false);
    }
    if let Some(values) = side::enumerated(doc, schema) {
        let mut found = false;
        for one in values {
            fuel.burn()?;
            found = found || same(one, value);
        }
        if !found {
            return Some(false);
        }
    }
    let depth = depth + 1;
    let own = match value {
        Value::Object(members) => properties(doc, schema, members, fuel, depth),
        Value::Array(items) => elements(doc, schema, items, fuel, depth),
        Value::String(text) => string(schema, text),
        Value::Number(number) => numbers::allows(schema, number),
        _ => Some(true),
    };
    let combined = combined(doc, schema, value, fuel, depth);
    all([own, combined].into_iter())
}

fn combined(
    doc: &Doc,
    schema: &Map<String, Value>,
    value: &Value,
    fuel: &mut Fuel,
    depth: usize,
) -> Option<bool> {
    let mut answers = Vec::new();
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let Some(branches) = schema.get(keyword).and_then(Value::as_array) else { continue };
        let each: Vec<Option<bool>> = branches.iter().map(|one| any(doc, one, value, fuel, depth)).collect();
        let yes = each.iter().filter(|answer| **answer == Some(true)).count();
        let unknown = each.iter().filter(|answer| answer.is_none()).count();
        answers.push(match (keyword, yes, unknown) {
            ("allOf", ..) => all(each.into_iter()),
            ("anyOf", 1.., _) => Some(true),
            ("oneOf", 2.., _) => Some(false),
            (_, _, 0) => Some(yes == 1),
            _ => None,
        });
    }
    if let Some(not) = schema.get("not") {
        answers.push(any(doc, not, value, fuel, depth).map(|answer| !answer));
    }
    if let Some(condition) = doc.keyword(schema, "if") {
        let branch = match any(doc, condition, value, fuel, depth) {
            Some(true) => Some("then"),
            Some(false) => Some("else"),
            None => None,
        };
        answers.push(match branch {
            None => None,
            Some(keyword) => match doc.keyword(schema, keyword) {
                Some(then) => any(doc, then, value, fuel, depth),
                None => Some(true),
            },
        });
    }
    all(answers.into_iter())
}

fn string(schema: &Map<String, Value>, text: &str) -> Option<bool> {
    let length = text.chars().count() as u64;
    let above = |keyword| schema.get(keyword).and_then(Value::as_u64).is_some_and(|most| length > most);
    let below = |keyword| schema.get(keyword).and_then(Value::as_u64).is_some_and(|least| length < least);
    if above("maxLength") || below("minLength") {
        return Some(false);
    }
    // Patterns and formats of single values are not looked at.
    let open = schema.contains_key("pattern") || schema.contains_key("format");
    (!open).then_some(true)
}

fn properties(
    doc: &Doc,
    schema: &Map<String, Value>,
    members: &Map<String, Value>,
    fuel: &mut Fuel,
    depth: usize,
) -> Option<bool> {
    let count = members.len() as u64;
    let above = schema.get("maxProperties").and_then(Value::as_u64).is_some_and(|most| count > most);
    let below = schema.get("minProperties").and_then(Value::as_u64).is_some_and(|least| count < least);
    let missing = objects::required(schema).any(|name| !members.contains_key(name));
    if above || below || missing {
        return Some(false);
    }
    let mut answers = Vec::new();
    for (name, value) in members {
        match objects::schemas_of(doc, schema, name) {
            Some(schemas) => {
                answers.extend(schemas.into_iter().map(|one| any(doc, one, value, fuel, depth)));
            }
            None => answers.push(None),
        }
        if let Some(names) = doc.keyword(schema, "propertyNames") {
            answers.push(any(doc, names, &Value::from(name.as_str()), fuel, depth));
        }
    }
    let dependencies = schema.get("dependencies").and_then(Value::as_object).into_iter().flatten();
    for (_, needs) in dependencies.filter(|(name, _)| members.contains_key(*name)) {
        answers.push(match needs {
            Value::Array(names) => {
                Some(names.iter().filter_map(Value::as_str).all(|name| members.contains_key(name)))
            }
            // Rare, and the value at hand is not: left open.
            _ => None,
        });
    }
    all(answers.into_iter())
}

fn elements(
    doc: &Doc,
    schema: &Map<String, Value>,
    items: &[Value],
    fuel: &mut Fuel,
    depth: usize,
) -> Option<bool> {
    let count = items.len() as u64;
    let above = schema.get("maxItems").and_then(Value::as_u64).is_some_and(|most| count > most);
    let below = schema.get("minItems").and_then(Value::as_u64).is_some_and(|least| count < least);
    if above || below {
        return Some(false);
    }
    let mut answers = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(one) = super::arrays::schema_at(schema, index) {
            answers.push(any(doc, one, item, fuel, depth));
        }
    }
    if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
        let texts: BTreeSet<String> = items.iter().map(crate::strict::canonical).collect();
        // Texts that differ may still be the same number.
        answers.push(if texts.len() < items.len() {
            Some(false)
        } else if items.len() < 2 {
            Some(true)
        } else {
            None
        });
    }
    if let Some(wanted) = doc.keyword(schema, "contains") {
        let each: Vec<Option<bool>> = items.iter().map(|item| any(doc, wanted, item, fuel, depth)).collect();
        answers.push(if each.contains(&Some(true)) {
            Some(true)
        } else if each.contains(&None) {
            None
        } else {
            Some(false)
        });
    }
    all(answers.into_iter())
}

/// Equality of JSON values: numbers by their value, objects without order.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => numbers::order(a, b).is_eq(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}
