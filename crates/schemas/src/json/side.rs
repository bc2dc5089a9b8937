//! What is known of a value: the writer's half of a proof.

use serde_json::{Map, Value};

use super::{Doc, refs};

/// A set of JSON types; `number` is `INTEGER | FRACTION`.
pub(super) type Types = u8;

pub(super) const NULL: Types = 1;
pub(super) const BOOLEAN: Types = 2;
pub(super) const OBJECT: Types = 4;
pub(super) const ARRAY: Types = 8;
pub(super) const STRING: Types = 16;
pub(super) const INTEGER: Types = 32;
pub(super) const FRACTION: Types = 64;
pub(super) const NUMBER: Types = INTEGER | FRACTION;
pub(super) const ANY: Types = 127;

/// The types of a set, one at a time.
pub(super) fn each(types: Types) -> impl Iterator<Item = Types> {
    (0..7).map(|bit| 1 << bit).filter(move |one| types & one != 0)
}

fn named(name: &str) -> Types {
    match name {
        "null" => NULL,
        "boolean" => BOOLEAN,
        "object" => OBJECT,
        "array" => ARRAY,
        "string" => STRING,
        "integer" => INTEGER,
        "number" => NUMBER,
        _ => 0,
    }
}

/// The type of a value.
pub(super) fn of_value(value: &Value) -> Types {
    match value {
        Value::Null => NULL,
        Value::Bool(_) => BOOLEAN,
        Value::Object(_) => OBJECT,
        Value::Array(_) => ARRAY,
        Value::String(_) => STRING,
        Value::Number(number) if number.is_i64() || number.is_u64() => INTEGER,
        Value::Number(number) => {
            if number.as_f64().is_some_and(|real| real.fract() == 0.0) {
                INTEGER
            } else {
                FRACTION
            }
        }
    }
}

/// What the keyword `type` allows.
pub(super) fn of_schema(schema: &Map<String, Value>) -> Types {
    match schema.get("type") {
        Some(Value::String(name)) => named(name),
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).fold(0, |all, name| all | named(name))
        }
        _ => ANY,
    }
}

/// A conjunction of schemas of one document.
#[derive(Debug, Clone)]
pub(super) struct Side<'a> {
    pub(super) doc: &'a Doc,
    /// Schemas that the value satisfies: no references, and what `allOf` holds stands here by itself.
    pub(super) facts: Vec<&'a Map<String, Value>>,
    /// Schemas that the value does not satisfy.
    pub(super) nots: Vec<&'a Value>,
    /// The types that it may have; none: there is no such value.
    pub(super) types: Types,
    /// Alternatives (`anyOf`, `oneOf`) of which one was taken already, by identity.
    taken: Vec<usize>,
}

/// Alternatives of a value.
pub(super) struct Choice<'a> {
    pub(super) branches: &'a [Value],
    /// Whether exactly one of them holds.
    pub(super) exclusive: bool,
    id: usize,
}

impl<'a> Side<'a> {
    /// A value that satisfies all of these.
    pub(super) fn of(doc: &'a Doc, schemas: &[&'a Value]) -> Side<'a> {
        let mut side = Side { doc, facts: Vec::new(), nots: Vec::new(), types: ANY, taken: Vec::new() };
        schemas.iter().for_each(|schema| side.add(schema));
        side
    }

    /// Adds a schema that the value satisfies.
    pub(super) fn add(&mut self, schema: &'a Value) {
        let mut work = vec![schema];
        while let Some(schema) = work.pop() {
            match self.doc.node(schema) {
                Value::Object(members) if self.fact(members) => {
                    work.extend(members.get("allOf").and_then(Value::as_array).into_iter().flatten());
                }
                Value::Bool(false) => self.types = 0,
                _ => {}
            }
        }
    }

    /// Adds one schema by itself; tells whether it is new.
    fn fact(&mut self, members: &'a Map<String, Value>) -> bool {
        if self.facts.iter().any(|known| std::ptr::eq(*known, members)) {
            return false;
        }
        self.facts.push(members);
        self.types &= of_schema(members);
        if let Some(values) = enumerated(self.doc, members) {
            self.types &= values.iter().fold(0, |all, value| all | of_value(value));
        }
        self.nots.extend(members.get("not"));
        true
    }

    /// The same value when it is known to be of one of these types.
    pub(super) fn of_types(&self, types: Types) -> Side<'a> {
        Side { types: self.types & types, ..self.clone() }
    }

    /// Whether the value may be of one of these types.
    pub(super) fn may_be(&self, types: Types) -> bool {
        self.types & types != 0
    }

    /// Alternatives that were not looked at yet.
    pub(super) fn choice(&self) -> Option<Choice<'a>> {
        self.facts.iter().find_map(|fact| {
            ["oneOf", "anyOf"].into_iter().find_map(|keyword| {
                let value = fact.get(keyword)?;
                let id = refs::id(value);
                if self.taken.contains(&id) {
                    return None;
                }
                let branches = value.as_array()?;
                Some(Choice { branches, exclusive: keyword == "oneOf", id })
            })
        })
    }

    /// The same value when it satisfies one of the alternatives, and, if they exclude each other, none of the others.
    pub(super) fn with(&self, choice: &Choice<'a>, index: usize) -> Side<'a> {
        let mut side = self.clone();
        side.taken.push(choice.id);
        for (n, branch) in choice.branches.iter().enumerate() {
            if n == index {
                side.add(branch);
            } else if choice.exclusive {
                side.nots.push(branch);
            }
        }
        side
    }

    /// A keyword's values, one for each fact that has it.
    pub(super) fn each(&self, keyword: &'static str) -> impl Iterator<Item = &'a Value> {
        let doc = self.doc;
        self.facts.iter().filter_map(move |fact| doc.keyword(fact, keyword))
    }

    /// All values that it can be, when these are few enough to list.
    pub(super) fn finite(&self) -> Option<Vec<Value>> {
        if let Some(values) = self.facts.iter().find_map(|fact| enumerated(self.doc, fact)) {
            return Some(values.into_iter().cloned().collect());
        }
        if self.types & !(NULL | BOOLEAN) != 0 {
            return None;
        }
        let mut values = Vec::new();
        if self.may_be(NULL) {
            values.push(Value::Null);
        }
        if self.may_be(BOOLEAN) {
            values.extend([Value::Bool(false), Value::Bool(true)]);
        }
        Some(values)
    }

    /// What tells two sides apart, beside the document.
    pub(super) fn key(&self) -> (Vec<usize>, Vec<usize>, Types) {
        let sorted = |mut ids: Vec<usize>| {
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        let facts = self.facts.iter().map(|fact| std::ptr::from_ref(*fact).addr()).collect();
        let nots = self.nots.iter().map(|not| refs::id(not)).collect();
        (sorted(facts), sorted(nots), self.types)
    }
}

/// The values that `enum` or `const` lists.
pub(super) fn enumerated<'a>(doc: &Doc, schema: &'a Map<String, Value>) -> Option<Vec<&'a Value>> {
    if let Some(only) = doc.keyword(schema, "const") {
        return Some(vec![only]);
    }
    schema.get("enum").and_then(Value::as_array).map(|values| values.iter().collect())
}
