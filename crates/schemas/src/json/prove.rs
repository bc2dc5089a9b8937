//! The proof that a value known by a [`Side`] satisfies a schema.

use serde_json::{Map, Value};

use super::side::{self, Side};
use super::valid::{Fuel, same, valid};
use super::{Doc, arrays, disjoint, numbers, objects};
use crate::Mismatch;

/// Steps of one proof: some hundred thousand take a fraction of a second.
const MAX_STEPS: u32 = 100_000;
/// Values that one proof compares.
const MAX_VALUES: u32 = 2_000_000;
/// Schemas within schemas, as the proof goes down.
const MAX_DEPTH: usize = 100;

/// The schema that a value shall satisfy.
#[derive(Clone, Copy)]
pub(super) struct Goal<'a> {
    pub(super) doc: &'a Doc,
    pub(super) schema: &'a Value,
}

type Key = (Vec<usize>, Vec<usize>, side::Types, usize);

/// A proof under way.
///
/// `open` are the goals further up. One that comes back is true as long as a value lies in between: then it speaks of a
/// smaller value, and parsing has refused schemas that come back to themselves on the same value.
pub(super) struct Prover {
    steps: u32,
    fuel: Fuel,
    open: Vec<Key>,
    pub(super) path: Vec<String>,
    pub(super) depth: usize,
}

impl Prover {
    pub(super) fn new() -> Prover {
        Prover { steps: MAX_STEPS, fuel: Fuel(MAX_VALUES), open: Vec::new(), path: Vec::new(), depth: 0 }
    }

    /// Proves that every value of `side` satisfies the goal.
    pub(super) fn contained(&mut self, side: &Side<'_>, goal: Goal<'_>) -> Result<(), Mismatch> {
        self.step_by(side.facts.len() / 4 + 1)?;
        if side.types == 0 {
            return Ok(());
        }
        let members = match goal.doc.node(goal.schema) {
            Value::Object(members) => members,
            Value::Bool(false) => return Err(self.fails("the reader allows no value here")),
            _ => return Ok(()),
        };
        if self.depth >= MAX_DEPTH {
            return Err(self.fails("the schemas are nested too deeply to be compared"));
        }
        let (facts, nots, types) = side.key();
        let key = (facts, nots, types, std::ptr::from_ref(members).addr());
        if self.open.contains(&key) {
            return Ok(());
        }
        self.open.push(key);
        self.depth += 1;
        let answer = self.attempt(side, goal.doc, members);
        self.depth -= 1;
        self.open.pop();
        answer
    }

    /// [`Prover::contained`] for a part of the value, named in errors.
    pub(super) fn part(&mut self, name: &str, side: &Side<'_>, goal: Goal<'_>) -> Result<(), Mismatch> {
        self.path.push(name.to_owned());
        let answer = self.contained(side, goal);
        self.path.pop();
        answer
    }

    /// The same, for a question whose answer is not part of this proof: what is assumed here does not hold there.
    pub(super) fn aside(&mut self, side: &Side<'_>, goal: Goal<'_>) -> bool {
        let open = std::mem::take(&mut self.open);
        let answer = self.contained(side, goal).is_ok();
        self.open = open;
        answer
    }

    pub(super) fn step(&mut self) -> Result<(), Mismatch> {
        self.step_by(1)
    }

    fn step_by(&mut self, cost: usize) -> Result<(), Mismatch> {
        match self.steps.checked_sub(u32::try_from(cost).unwrap_or(u32::MAX)) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => Err(self.fails("the schemas are too tangled to be compared")),
        }
    }

    pub(super) fn fails(&self, reason: impl Into<String>) -> Mismatch {
        Mismatch::new(self.path.join("."), reason)
    }

    fn attempt(&mut self, side: &Side<'_>, doc: &Doc, goal: &Map<String, Value>) -> Result<(), Mismatch> {
        if let Some(values) = side.finite()
            && let Some(answer) = self.by_values(side, doc, goal, &values)
        {
            return answer;
        }
        let direct = self.keywords(side, doc, goal);
        if direct.is_ok() {
            return Ok(());
        }
        let Some(choice) = side.choice() else {
            return direct;
        };
        if self.depth >= MAX_DEPTH {
            return direct;
        }
        for index in 0..choice.branches.len() {
            self.step_by(side.facts.len() / 4 + 1)?;
            let branch = side.with(&choice, index);
            if branch.types != 0 {
                self.depth += 1;
                let answer = self.attempt(&branch, doc, goal);
                self.depth -= 1;
                answer?;
            }
        }
        Ok(())
    }

    /// Looks at each of few values. `None` when that does not decide it.
    fn by_values(
        &mut self,
        side: &Side<'_>,
        doc: &Doc,
        goal: &Map<String, Value>,
        values: &[Value],
    ) -> Option<Result<(), Mismatch>> {
        if self.step_by(values.len() / 8).is_err() {
            return None;
        }
        for value in values {
            let mut certain = side::of_value(value) & side.types != 0;
            let mut possible = certain;
            for fact in &side.facts {
                let answer = valid(side.doc, fact, value, &mut self.fuel);
                possible &= answer != Some(false);
                certain &= answer == Some(true);
            }
            match valid(doc, goal, value, &mut self.fuel) {
                Some(true) => {}
                _ if !possible => {}
                Some(false) if certain && side.nots.is_empty() => {
                    return Some(Err(self.fails(format!("the reader does not allow the value {value}"))));
                }
                _ => return None,
            }
        }
        Some(Ok(()))
    }

    /// Proves every keyword of the goal.
    fn keywords(&mut self, side: &Side<'_>, doc: &Doc, goal: &Map<String, Value>) -> Result<(), Mismatch> {
        let allowed = side::of_schema(goal);
        if side.types & !allowed != 0 {
            let reason = format!(
                "the writer may write {}, which the reader does not allow",
                type_names(side.types & !allowed)
            );
            return Err(self.fails(reason));
        }
        if side::enumerated(doc, goal).is_some() {
            self.listed(side, doc, goal)?;
        }
        objects::prove(self, side, doc, goal)?;
        arrays::prove(self, side, doc, goal)?;
        numbers::prove(self, side, goal)?;
        self.texts(side, goal)?;
        self.combined(side, doc, goal)
    }

    /// `enum` and `const`, when the writer's values could not be looked at one by one.
    fn listed(&mut self, side: &Side<'_>, doc: &Doc, goal: &Map<String, Value>) -> Result<(), Mismatch> {
        let wanted: Vec<Value> =
            side::enumerated(doc, goal).unwrap_or_default().into_iter().cloned().collect();
        for fact in &side.facts {
            let listed = side::enumerated(side.doc, fact);
            if listed.is_some_and(|values| values.into_iter().all(|value| self.among(&wanted, value))) {
                return Ok(());
            }
        }
        Err(self.fails("the reader allows listed values only, and the writer may write others"))
    }

    /// Whether a value is in a list. When the proof has compared too much already it is neither in nor out: the caller
    /// that hopes for no asks with [`Prover::spent`], too.
    pub(super) fn among(&mut self, values: &[Value], value: &Value) -> bool {
        values.iter().any(|one| {
            self.fuel.0 = self.fuel.0.saturating_sub(1);
            self.fuel.0 > 0 && same(one, value)
        })
    }

    /// Whether the proof has compared too much, so that its comparisons say nothing any more.
    pub(super) fn spent(&self) -> bool {
        self.fuel.0 == 0
    }

    fn texts(&mut self, side: &Side<'_>, goal: &Map<String, Value>) -> Result<(), Mismatch> {
        if !side.may_be(side::STRING) {
            return Ok(());
        }
        numbers::at_least(self, side, goal, "minLength", 0)?;
        numbers::at_most(self, side, goal, "maxLength", u64::MAX)?;
        for keyword in ["pattern", "format"] {
            let Some(wanted) = goal.get(keyword) else { continue };
            if !side.each(keyword).any(|given| given == wanted) {
                let reason = format!("the reader demands the {keyword} {wanted}, the writer does not");
                return Err(self.fails(reason));
            }
        }
        Ok(())
    }

    fn combined(&mut self, side: &Side<'_>, doc: &Doc, goal: &Map<String, Value>) -> Result<(), Mismatch> {
        let list = |keyword: &str| goal.get(keyword).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for schema in list("allOf") {
            self.contained(side, Goal { doc, schema })?;
        }
        for keyword in ["anyOf", "oneOf"] {
            if goal.contains_key(keyword) && !same_keyword(side, doc, goal, keyword) {
                self.one_of(side, doc, list(keyword), keyword == "oneOf")?;
            }
        }
        if let Some(schema) = goal.get("not")
            && !same_keyword(side, doc, goal, "not")
            && !disjoint::disjoint(self, side, Goal { doc, schema })
        {
            return Err(self
                .fails("it is not certain that the writer never writes what the reader's \"not\" forbids"));
        }
        let conditional = doc.keyword(goal, "if").is_some()
            && (doc.keyword(goal, "then").is_some() || doc.keyword(goal, "else").is_some());
        if conditional && !same_condition(side, doc, goal) {
            return Err(self.fails("conditions (\"if\") that differ cannot be compared"));
        }
        Ok(())
    }

    /// Proves `anyOf` or `oneOf`: one branch for all values, else one for the values of each type.
    fn one_of(
        &mut self,
        side: &Side<'_>,
        doc: &Doc,
        branches: &[Value],
        exclusive: bool,
    ) -> Result<(), Mismatch> {
        self.step()?;
        for (index, schema) in branches.iter().enumerate() {
            if self.contained(side, Goal { doc, schema }).is_ok() {
                let mut others = branches.iter().enumerate().filter(|(other, _)| *other != index);
                let alone = !exclusive
                    || others.all(|(_, schema)| disjoint::disjoint(self, side, Goal { doc, schema }));
                if alone {
                    return Ok(());
                }
            }
        }
        let types: Vec<side::Types> = side::each(side.types).collect();
        if types.len() > 1 {
            return types
                .into_iter()
                .try_for_each(|one| self.one_of(&side.of_types(one), doc, branches, exclusive));
        }
        let which = if exclusive { "exactly one of" } else { "any of" };
        Err(self.fails(format!(
            "it is not certain that what the writer writes is {which} the reader's alternatives"
        )))
    }
}

/// Whether a fact has the very same keyword. Only schemas without references can be told to be the same by their text.
pub(super) fn same_keyword(side: &Side<'_>, doc: &Doc, goal: &Map<String, Value>, keyword: &str) -> bool {
    side.facts.iter().any(|fact| same_in(side.doc, fact, doc, goal, keyword))
}

fn same_in(
    writer: &Doc,
    fact: &Map<String, Value>,
    reader: &Doc,
    goal: &Map<String, Value>,
    keyword: &str,
) -> bool {
    let (given, wanted) = (writer.keyword(fact, keyword), reader.keyword(goal, keyword));
    let comparable = std::ptr::eq(writer, reader)
        || (writer.draft == reader.draft && wanted.is_none_or(|wanted| !holds_reference(wanted)));
    given == wanted && comparable
}

fn same_condition(side: &Side<'_>, doc: &Doc, goal: &Map<String, Value>) -> bool {
    let keywords = ["if", "then", "else"];
    side.facts.iter().any(|fact| keywords.iter().all(|keyword| same_in(side.doc, fact, doc, goal, keyword)))
}

fn holds_reference(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.contains_key("$ref") || members.values().any(holds_reference),
        Value::Array(items) => items.iter().any(holds_reference),
        _ => false,
    }
}

fn type_names(types: side::Types) -> String {
    let name = |one| match one {
        side::NULL => "null",
        side::BOOLEAN => "booleans",
        side::OBJECT => "objects",
        side::ARRAY => "arrays",
        side::STRING => "strings",
        side::INTEGER => "integers",
        _ => "numbers with a fraction",
    };
    side::each(types).map(name).collect::<Vec<_>>().join(", ")
}
