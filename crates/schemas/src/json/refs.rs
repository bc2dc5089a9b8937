//! References inside a document.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::Doc;
use super::check;
use crate::Invalid;

/// What a schema refers to, if it is a reference and leads somewhere.
pub(super) fn target<'a>(doc: &'a Doc, schema: &Value) -> Option<&'a Value> {
    resolve(doc, schema.get("$ref")?.as_str()?)
}

fn resolve<'a>(doc: &'a Doc, reference: &str) -> Option<&'a Value> {
    if let Some(pointer) = doc.ids.get(reference.trim_end_matches('#')) {
        return doc.root.pointer(pointer);
    }
    let (base, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    let start = if base.is_empty() { "" } else { doc.ids.get(base)?.as_str() };
    let pointer = percent_decode_str(fragment).decode_utf8().ok()?;
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return None;
    }
    doc.root.pointer(start)?.pointer(&pointer)
}

/// Refuses references that lead nowhere, outside, or to themselves without a value in between.
pub(super) fn check(doc: &Doc) -> Result<(), Invalid> {
    let mut schemas = BTreeSet::new();
    check::each_schema(doc, &mut |schema, _| {
        schemas.insert(id(schema));
    });
    let mut done = BTreeSet::new();
    let mut found = Ok(());
    check::each_schema(doc, &mut |schema, place| {
        if found.is_ok() {
            found = one(doc, schema, place, &schemas, &mut done);
        }
    });
    found
}

fn one(
    doc: &Doc,
    schema: &Value,
    place: &str,
    schemas: &BTreeSet<usize>,
    done: &mut BTreeSet<usize>,
) -> Result<(), Invalid> {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let Some(target) = resolve(doc, reference) else {
            let reason = "only references inside the definition can be followed, and this one leads nowhere";
            return Err(Invalid::new(format!("{place}: $ref {reference:?}: {reason}")));
        };
        // What is no schema to the standard was not checked either.
        if !schemas.contains(&id(target)) {
            let reason = "leads to something that is not a schema of this definition";
            return Err(Invalid::new(format!("{place}: $ref {reference:?} {reason}")));
        }
    }
    if circular(doc, schema, done) {
        return Err(Invalid::new(format!("{place}: the schema refers to itself without end")));
    }
    Ok(())
}

/// Whether a schema comes back to itself by keywords that look at the same value. `done` holds schemas that do not.
fn circular(doc: &Doc, start: &Value, done: &mut BTreeSet<usize>) -> bool {
    enum Step<'a> {
        Enter(&'a Value),
        Leave(usize),
    }
    let mut open = BTreeSet::new();
    let mut work = vec![Step::Enter(start)];
    while let Some(step) = work.pop() {
        match step {
            Step::Leave(id) => {
                open.remove(&id);
                done.insert(id);
            }
            Step::Enter(schema) => {
                let id = id(schema);
                if done.contains(&id) {
                    continue;
                }
                if !open.insert(id) {
                    return true;
                }
                work.push(Step::Leave(id));
                work.extend(in_place(doc, schema).into_iter().map(Step::Enter));
            }
        }
    }
    false
}

/// A schema's identity within its document.
pub(super) fn id(schema: &Value) -> usize {
    std::ptr::from_ref(schema).addr()
}

/// The schemas that a schema applies to the very value that it is applied to.
fn in_place<'a>(doc: &'a Doc, schema: &'a Value) -> Vec<&'a Value> {
    if let Some(target) = target(doc, schema) {
        return vec![target];
    }
    let Value::Object(members) = schema else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for keyword in ["allOf", "anyOf", "oneOf"] {
        found.extend(members.get(keyword).and_then(Value::as_array).into_iter().flatten());
    }
    for keyword in ["not", "if", "then", "else"] {
        found.extend(doc.keyword(members, keyword));
    }
    let dependencies = members.get("dependencies").and_then(Value::as_object);
    found.extend(dependencies.into_iter().flat_map(|all| all.values()).filter(|one| !one.is_array()));
    found
}
