//! The keywords for objects.
//!
//! A property that one side does not list falls under its `additionalProperties`; without that the object is open, and
//! anything may stand there. So a reader cannot add a property to an open object: earlier data may hold another value
//! under that name.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::prove::{Goal, Prover, same_keyword};
use super::side::{self, Side};
use super::{Doc, numbers};
use crate::Mismatch;

/// The names in `required`.
pub(super) fn required(schema: &Map<String, Value>) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn object<'a>(
    schema: &'a Map<String, Value>,
    keyword: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    schema.get(keyword).and_then(Value::as_object).into_iter().flatten()
}

/// Whether a pattern matches a name; `None` when that is not certain.
fn matches(doc: &Doc, pattern: &str, name: &str) -> Option<bool> {
    doc.patterns.get(pattern).map(|regex| regex.is_match(name))
}

/// All schemas that a property has to satisfy; `None` when a pattern leaves it open.
pub(super) fn schemas_of<'a>(
    doc: &Doc,
    schema: &'a Map<String, Value>,
    name: &str,
) -> Option<Vec<&'a Value>> {
    let mut found: Vec<&Value> = schema.get("properties").and_then(|all| all.get(name)).into_iter().collect();
    for (pattern, value) in object(schema, "patternProperties") {
        if matches(doc, pattern, name)? {
            found.push(value);
        }
    }
    if found.is_empty() {
        found.extend(schema.get("additionalProperties"));
    }
    Some(found)
}

/// What is known of a property for certain.
pub(super) fn known_of<'a>(side: &Side<'a>, name: &str) -> Side<'a> {
    let mut found = Vec::new();
    for fact in &side.facts {
        match schemas_of(side.doc, fact, name) {
            Some(schemas) => found.extend(schemas),
            // Which pattern matches is open, but what is listed by name holds anyway.
            None => found.extend(fact.get("properties").and_then(|all| all.get(name))),
        }
    }
    Side::of(side.doc, &found)
}

/// Proves the keywords for objects.
pub(super) fn prove(
    prover: &mut Prover,
    side: &Side<'_>,
    doc: &Doc,
    goal: &Map<String, Value>,
) -> Result<(), Mismatch> {
    if !side.may_be(side::OBJECT) {
        return Ok(());
    }
    let given: BTreeSet<&str> = side.facts.iter().flat_map(|fact| required(fact)).collect();
    if let Some(missing) = required(goal).find(|name| !given.contains(name)) {
        let reason = format!("the reader requires the property {missing:?}, which the writer may leave out");
        return Err(prover.fails(reason));
    }
    for (name, schema) in object(goal, "properties") {
        prover.step()?;
        property(prover, side, name, Goal { doc, schema })?;
    }
    for (pattern, schema) in object(goal, "patternProperties") {
        by_pattern(prover, side, pattern, Goal { doc, schema })?;
    }
    if let Some(schema) = goal.get("additionalProperties") {
        additional(prover, side, goal, Goal { doc, schema })?;
    }
    let most = side.facts.iter().filter_map(|fact| closed(fact)).min().unwrap_or(u64::MAX);
    numbers::at_least(prover, side, goal, "minProperties", given.len() as u64)?;
    numbers::at_most(prover, side, goal, "maxProperties", most)?;
    names(prover, side, doc, goal)?;
    dependencies(prover, side, doc, goal, &given)
}

/// How many properties a closed object may have.
fn closed(schema: &Map<String, Value>) -> Option<u64> {
    let is_closed = schema.get("additionalProperties") == Some(&Value::Bool(false))
        && object(schema, "patternProperties").next().is_none();
    is_closed.then(|| object(schema, "properties").count() as u64)
}

fn property(prover: &mut Prover, side: &Side<'_>, name: &str, goal: Goal<'_>) -> Result<(), Mismatch> {
    let known = known_of(side, name);
    if !known.facts.is_empty() || known.types == 0 {
        return prover.part(name, &known, goal);
    }
    prover.part(name, &known, goal).map_err(|error| {
        let reason =
            "the writer's object is open: it may hold anything under this name, which the reader restricts";
        Mismatch::new(error.path, reason)
    })
}

fn by_pattern(prover: &mut Prover, side: &Side<'_>, pattern: &str, goal: Goal<'_>) -> Result<(), Mismatch> {
    let listed: BTreeSet<&String> =
        side.facts.iter().flat_map(|fact| object(fact, "properties")).map(|(name, _)| name).collect();
    for name in listed {
        prover.step()?;
        // Where it is open whether the name matches, it has to fit as if it did.
        if matches(goal.doc, pattern, name) != Some(false) {
            prover.part(name, &known_of(side, name), goal)?;
        }
    }
    let path = format!("/{pattern}/");
    let mut failed = None;
    for fact in &side.facts {
        match unlisted(prover, side, fact, pattern, &path, goal) {
            Ok(()) => return Ok(()),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) => Err(error),
        None => prover.part(&path, &Side::of(side.doc, &[]), goal),
    }
}

/// Whether one of the writer's schemas alone shows that names it does not list fit, where they match a pattern.
fn unlisted(
    prover: &mut Prover,
    side: &Side<'_>,
    fact: &Map<String, Value>,
    pattern: &str,
    path: &str,
    goal: Goal<'_>,
) -> Result<(), Mismatch> {
    let patterns = fact.get("patternProperties");
    if let Some(schema) = patterns.and_then(|all| all.get(pattern)) {
        return prover.part(path, &Side::of(side.doc, &[schema]), goal);
    }
    for (_, schema) in object(fact, "patternProperties") {
        prover.part(path, &Side::of(side.doc, &[schema]), goal)?;
    }
    let rest: Vec<&Value> = fact.get("additionalProperties").into_iter().collect();
    prover.part(path, &Side::of(side.doc, &rest), goal)
}

/// Proves `additionalProperties`: it is for names that the reader neither lists nor has a pattern for.
fn additional(
    prover: &mut Prover,
    side: &Side<'_>,
    reader: &Map<String, Value>,
    goal: Goal<'_>,
) -> Result<(), Mismatch> {
    if goal.doc.node(goal.schema) == &Value::Bool(true) {
        return Ok(());
    }
    let mut failed = None;
    for fact in &side.facts {
        match additional_of(prover, side, fact, reader, goal) {
            Ok(()) => return Ok(()),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) => Err(error),
        None => prover.part("*", &Side::of(side.doc, &[]), goal),
    }
}

fn additional_of(
    prover: &mut Prover,
    side: &Side<'_>,
    fact: &Map<String, Value>,
    reader: &Map<String, Value>,
    goal: Goal<'_>,
) -> Result<(), Mismatch> {
    let listed = reader.get("properties");
    for (name, _) in object(fact, "properties") {
        prover.step()?;
        let known = listed.is_some_and(|all| all.get(name).is_some())
            || object(reader, "patternProperties")
                .any(|(pattern, _)| matches(goal.doc, pattern, name) == Some(true));
        if !known {
            prover.part(name, &known_of(side, name), goal).map_err(|error| {
                let reason = format!(
                    "the reader does not list this property, and its object is closed: {}",
                    error.reason
                );
                Mismatch::new(error.path, reason)
            })?;
        }
    }
    for (pattern, schema) in object(fact, "patternProperties") {
        let same = reader.get("patternProperties").is_some_and(|all| all.get(pattern).is_some());
        if !same {
            prover.part(&format!("/{pattern}/"), &Side::of(side.doc, &[schema]), goal)?;
        }
    }
    let rest: Vec<&Value> = fact.get("additionalProperties").into_iter().collect();
    prover.part("*", &Side::of(side.doc, &rest), goal).map_err(|error| {
        let reason =
            format!("the writer may add properties that the reader does not allow: {}", error.reason);
        Mismatch::new(error.path, reason)
    })
}

fn names(prover: &mut Prover, side: &Side<'_>, doc: &Doc, goal: &Map<String, Value>) -> Result<(), Mismatch> {
    let Some(schema) = doc.keyword(goal, "propertyNames") else {
        return Ok(());
    };
    let given: Vec<&Value> = side.each("propertyNames").collect();
    let known = Side::of(side.doc, &given).of_types(side::STRING);
    prover.part("(names)", &known, Goal { doc, schema })
}

fn dependencies(
    prover: &mut Prover,
    side: &Side<'_>,
    doc: &Doc,
    goal: &Map<String, Value>,
    given: &BTreeSet<&str>,
) -> Result<(), Mismatch> {
    if same_keyword(side, doc, goal, "dependencies") {
        return Ok(());
    }
    for (name, needs) in object(goal, "dependencies") {
        prover.step()?;
        if known_of(side, name).types == 0 {
            continue;
        }
        match needs {
            Value::Array(names) => {
                let missing = names.iter().filter_map(Value::as_str).find(|one| !given.contains(one));
                if let Some(missing) = missing {
                    let reason =
                        format!("the reader requires {missing:?} wherever {name:?} is, the writer may not");
                    return Err(prover.fails(reason));
                }
            }
            schema => prover.contained(side, Goal { doc, schema })?,
        }
    }
    Ok(())
}
