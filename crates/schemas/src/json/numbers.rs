//! Bounds: of numbers, and of the lengths of texts, arrays and objects.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use super::prove::Prover;
use super::side::{self, Side};
use crate::Mismatch;

/// Orders numbers by value: whole ones exactly, others as doubles.
pub(super) fn order(a: &Number, b: &Number) -> Ordering {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => real(a).total_cmp(&real(b)),
    }
}

fn real(number: &Number) -> f64 {
    let found = number.as_f64().unwrap_or(f64::NAN);
    // Negative zero is zero.
    if found == 0.0 { 0.0 } else { found }
}

/// A bound, and whether it is itself left out.
type Bound<'a> = (&'a Number, bool);

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Low,
    High,
}

/// The bounds that a schema sets at one end. An exclusive bound is a flag in draft 4, a number of its own later.
fn bounds(schema: &Map<String, Value>, end: End) -> Vec<Bound<'_>> {
    let (plain, exclusive) = match end {
        End::Low => ("minimum", "exclusiveMinimum"),
        End::High => ("maximum", "exclusiveMaximum"),
    };
    let flag = schema.get(exclusive);
    let mut found = Vec::new();
    if let Some(Value::Number(bound)) = schema.get(plain) {
        found.push((bound, flag == Some(&Value::Bool(true))));
    }
    if let Some(Value::Number(bound)) = flag {
        found.push((bound, true));
    }
    found
}

/// Whether everything within `given` is within `wanted`.
fn within(given: Bound<'_>, wanted: Bound<'_>, end: End) -> bool {
    let order = match end {
        End::Low => order(given.0, wanted.0),
        End::High => order(wanted.0, given.0),
    };
    match order {
        Ordering::Greater => true,
        Ordering::Equal => given.1 || !wanted.1,
        Ordering::Less => false,
    }
}

/// Proves the keywords for numbers.
pub(super) fn prove(prover: &mut Prover, side: &Side<'_>, goal: &Map<String, Value>) -> Result<(), Mismatch> {
    if !side.may_be(side::NUMBER) {
        return Ok(());
    }
    for end in [End::Low, End::High] {
        let name = if end == End::Low { "minimum" } else { "maximum" };
        for wanted in bounds(goal, end) {
            let mut given = side.facts.iter().flat_map(|fact| bounds(fact, end));
            if !given.any(|given| within(given, wanted, end)) {
                let reason = format!("the reader's {name} {} is narrower than the writer's", wanted.0);
                return Err(prover.fails(reason));
            }
        }
    }
    let Some(Value::Number(wanted)) = goal.get("multipleOf") else {
        return Ok(());
    };
    let whole = wanted.as_u64() == Some(1) && !side.may_be(side::FRACTION);
    let given = side.each("multipleOf").any(|given| match given {
        Value::Number(given) => divides(wanted, given),
        _ => false,
    });
    if whole || given {
        return Ok(());
    }
    Err(prover.fails(format!("the reader demands multiples of {wanted}, the writer may write others")))
}

/// Whether multiples of `given` are multiples of `wanted`. Fractions only when they are the same: others have no exact
/// form.
fn divides(wanted: &Number, given: &Number) -> bool {
    match (wanted.as_u64(), given.as_u64()) {
        (Some(wanted), Some(given)) => given.checked_rem(wanted) == Some(0),
        _ => wanted == given,
    }
}

/// Whether a schema's bounds allow a number; `None` for multiples of fractions, which have no exact form.
pub(super) fn allows(schema: &Map<String, Value>, number: &Number) -> Option<bool> {
    let beyond = |end| {
        bounds(schema, end).into_iter().any(|(bound, exclusive)| {
            let order = if end == End::Low { order(number, bound) } else { order(bound, number) };
            order.is_lt() || (exclusive && order.is_eq())
        })
    };
    if beyond(End::Low) || beyond(End::High) {
        return Some(false);
    }
    match schema.get("multipleOf") {
        Some(Value::Number(step)) => match (number.as_i128(), step.as_i128()) {
            (Some(number), Some(step)) => Some(number.checked_rem(step) == Some(0)),
            _ => None,
        },
        _ => Some(true),
    }
}

/// Proves a lower limit such as `minLength`; `known` is what holds anyway.
pub(super) fn at_least(
    prover: &mut Prover,
    side: &Side<'_>,
    goal: &Map<String, Value>,
    keyword: &'static str,
    known: u64,
) -> Result<(), Mismatch> {
    let Some(wanted) = goal.get(keyword).and_then(Value::as_u64) else {
        return Ok(());
    };
    let given = side.each(keyword).filter_map(Value::as_u64).max().unwrap_or(0).max(known);
    if given >= wanted {
        return Ok(());
    }
    Err(prover.fails(format!("{keyword} is {wanted} for the reader, {given} for the writer")))
}

/// Proves an upper limit such as `maxLength`; `known` is what holds anyway.
pub(super) fn at_most(
    prover: &mut Prover,
    side: &Side<'_>,
    goal: &Map<String, Value>,
    keyword: &'static str,
    known: u64,
) -> Result<(), Mismatch> {
    let Some(wanted) = goal.get(keyword).and_then(Value::as_u64) else {
        return Ok(());
    };
    let given = side.each(keyword).filter_map(Value::as_u64).min().unwrap_or(u64::MAX).min(known);
    if given <= wanted {
        return Ok(());
    }
    let given = if given == u64::MAX { "without a limit".to_owned() } else { given.to_string() };
    Err(prover.fails(format!("{keyword} is {wanted} for the reader, {given} for the writer")))
}
