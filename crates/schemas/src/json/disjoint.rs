//! Whether no value is on both sides.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::objects;
use super::prove::{Goal, Prover};
use super::side::{self, Side};

/// Properties within properties that are looked into.
const MAX_DEPTH: usize = 8;

/// Whether it is certain that no value of `side` satisfies the schema.
pub(super) fn disjoint(prover: &mut Prover, side: &Side<'_>, other: Goal<'_>) -> bool {
    apart(prover, side, &Side::of(other.doc, &[other.schema]), 0)
        // What one side is known not to be, the other is part of.
        || side.nots.iter().any(|not| {
            prover.aside(&Side::of(other.doc, &[other.schema]), Goal { doc: side.doc, schema: not })
        })
}

fn apart(prover: &mut Prover, a: &Side<'_>, b: &Side<'_>, depth: usize) -> bool {
    if prover.step().is_err() || depth > MAX_DEPTH {
        return false;
    }
    if a.types & b.types == 0 {
        return true;
    }
    if let (Some(one), Some(two)) = (a.finite(), b.finite())
        && one.iter().all(|value| !prover.among(&two, value))
        && !prover.spent()
    {
        return true;
    }
    if by_choice(prover, a, b, depth) || by_choice(prover, b, a, depth) {
        return true;
    }
    a.types & b.types == side::OBJECT && by_property(prover, a, b, depth)
}

/// Whether all alternatives of one side are apart from the other side.
fn by_choice(prover: &mut Prover, a: &Side<'_>, b: &Side<'_>, depth: usize) -> bool {
    a.choice().is_some_and(|choice| {
        (0..choice.branches.len()).all(|index| apart(prover, &a.with(&choice, index), b, depth + 1))
    })
}

/// Whether a property that has to be there cannot be the same on both sides.
fn by_property(prover: &mut Prover, a: &Side<'_>, b: &Side<'_>, depth: usize) -> bool {
    let names: BTreeSet<&str> = a
        .facts
        .iter()
        .chain(&b.facts)
        .flat_map(|fact: &&Map<String, Value>| objects::required(fact))
        .collect();
    names.into_iter().any(|name| {
        let (one, two) = (objects::known_of(a, name), objects::known_of(b, name));
        apart(prover, &one, &two, depth + 1)
    })
}
