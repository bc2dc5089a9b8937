//! The keywords for arrays.

use serde_json::{Map, Value};

use super::prove::{Goal, Prover};
use super::side::{self, Side};
use super::{Doc, numbers};
use crate::Mismatch;

/// The schema of the element at a position, if there is one for it.
pub(super) fn schema_at(schema: &Map<String, Value>, index: usize) -> Option<&Value> {
    match schema.get("items") {
        Some(Value::Array(tuple)) => tuple.get(index).or_else(|| schema.get("additionalItems")),
        items => items,
    }
}

/// The most elements that an array has.
fn most(side: &Side<'_>) -> u64 {
    let limits = side.each("maxItems").filter_map(Value::as_u64);
    let closed = side.facts.iter().filter_map(|fact| match fact.get("items") {
        Some(Value::Array(tuple)) if fact.get("additionalItems") == Some(&Value::Bool(false)) => {
            Some(tuple.len() as u64)
        }
        _ => None,
    });
    limits.chain(closed).min().unwrap_or(u64::MAX)
}

fn known_at<'a>(side: &Side<'a>, index: usize) -> Side<'a> {
    let found: Vec<&Value> = side.facts.iter().filter_map(|fact| schema_at(fact, index)).collect();
    Side::of(side.doc, &found)
}

/// Proves the keywords for arrays.
pub(super) fn prove(
    prover: &mut Prover,
    side: &Side<'_>,
    doc: &Doc,
    goal: &Map<String, Value>,
) -> Result<(), Mismatch> {
    if !side.may_be(side::ARRAY) {
        return Ok(());
    }
    let most = most(side);
    match goal.get("items") {
        Some(Value::Array(tuple)) => {
            for (index, schema) in tuple.iter().enumerate() {
                prover.step()?;
                if (index as u64) < most {
                    prover.part(&format!("[{index}]"), &known_at(side, index), Goal { doc, schema })?;
                }
            }
            if let Some(schema) = goal.get("additionalItems") {
                from(prover, side, tuple.len(), most, Goal { doc, schema })?;
            }
        }
        Some(schema) => from(prover, side, 0, most, Goal { doc, schema })?,
        None => {}
    }
    let least = u64::from(side.each("contains").next().is_some());
    numbers::at_least(prover, side, goal, "minItems", least)?;
    numbers::at_most(prover, side, goal, "maxItems", most)?;
    let unique = side.each("uniqueItems").any(|given| given == &Value::Bool(true));
    if goal.get("uniqueItems") == Some(&Value::Bool(true)) && !unique && most > 1 {
        return Err(prover.fails("the reader demands different elements, the writer does not"));
    }
    contains(prover, side, doc, goal)
}

/// Proves that all elements from a position on satisfy the goal. The positions that the writer lists are looked at one
/// by one, the rest at once.
fn from(
    prover: &mut Prover,
    side: &Side<'_>,
    start: usize,
    most: u64,
    goal: Goal<'_>,
) -> Result<(), Mismatch> {
    if most <= start as u64 {
        return Ok(());
    }
    let tuple = |fact: &&Map<String, Value>| fact.get("items").and_then(Value::as_array).map_or(0, Vec::len);
    let listed = side.facts.iter().map(tuple).max().unwrap_or(0).max(start);
    for index in start..listed {
        prover.step()?;
        if (index as u64) < most {
            prover.part(&format!("[{index}]"), &known_at(side, index), goal)?;
        }
    }
    if most <= listed as u64 {
        return Ok(());
    }
    prover.part("[]", &known_at(side, listed), goal)
}

fn contains(
    prover: &mut Prover,
    side: &Side<'_>,
    doc: &Doc,
    goal: &Map<String, Value>,
) -> Result<(), Mismatch> {
    let Some(schema) = doc.keyword(goal, "contains") else {
        return Ok(());
    };
    let given: Vec<&Value> = side.each("contains").collect();
    for one in given {
        if prover.aside(&Side::of(side.doc, &[one]), Goal { doc, schema }) {
            return Ok(());
        }
    }
    Err(prover.fails("the reader demands an element (\"contains\") that the writer may leave out"))
}
