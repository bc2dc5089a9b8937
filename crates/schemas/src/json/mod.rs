//! JSON Schema, drafts 4, 6 and 7.
//!
//! `can_read` is containment: every instance that the writer's schema allows is allowed by the reader's. It is proven
//! keyword by keyword: a schema is the conjunction of its keywords, so that the writer is contained in the reader when
//! it is contained in each keyword of the reader. What is known of the writer is a [`side::Side`]. Where there is no
//! proof the answer is no, with the keyword that it failed at.
//!
//! Numbers are what they are mathematically (`1.0` is an integer, in draft 4 too). A `format` is taken for a demand,
//! as Glue's validator takes it. A schema that names no draft is read as draft 7.

mod arrays;
mod check;
mod columns;
mod disjoint;
mod numbers;
mod objects;
mod pattern;
mod prove;
mod refs;
mod side;
mod valid;

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value};

use crate::{Invalid, Mismatch, strict};

pub(crate) use columns::columns;

/// Which edition of the standard a schema follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Draft {
    D4,
    D6,
    D7,
}

/// A schema document.
#[derive(Debug, Clone)]
pub(crate) struct Doc {
    pub(crate) root: Value,
    draft: Draft,
    /// `$id` or `id` → JSON pointer of the schema that has it.
    ids: BTreeMap<String, String>,
    /// Patterns whose meaning here is the same as in ECMA 262; the others are compared as texts only.
    patterns: BTreeMap<String, Regex>,
    /// A pattern that is no regular expression, and why. Definitions that are stored may have some.
    bad_pattern: Option<(String, &'static str)>,
}

impl Doc {
    /// Follows references. Parsing has seen that every one leads somewhere, and none in a circle.
    fn node<'a>(&'a self, mut schema: &'a Value) -> &'a Value {
        while let Some(target) = refs::target(self, schema) {
            schema = target;
        }
        schema
    }

    /// A keyword's value, if the draft knows the keyword.
    fn keyword<'a>(&self, schema: &'a Map<String, Value>, keyword: &str) -> Option<&'a Value> {
        if self.draft < since(keyword) { None } else { schema.get(keyword) }
    }
}

/// The first draft that knows a keyword.
fn since(keyword: &str) -> Draft {
    match keyword {
        "const" | "contains" | "propertyNames" => Draft::D6,
        "if" | "then" | "else" => Draft::D7,
        _ => Draft::D4,
    }
}

/// Reads a schema.
pub(crate) fn parse(text: &str) -> Result<Doc, Invalid> {
    let root = strict::parse(text)?;
    let draft = draft(&root)?;
    let mut doc = Doc { root, draft, ids: BTreeMap::new(), patterns: BTreeMap::new(), bad_pattern: None };
    let found = check::document(&doc)?;
    doc.ids = found.ids;
    for text in found.patterns {
        if let Some(why) = pattern::problem(&text) {
            doc.bad_pattern = Some((text, why));
            continue;
        }
        if let Some(regex) = pattern::compile(&text) {
            doc.patterns.insert(text, regex);
        }
    }
    refs::check(&doc)?;
    Ok(doc)
}

/// Refuses what a definition that is not stored yet may not have.
pub(crate) fn check_new(doc: &Doc) -> Result<(), Invalid> {
    match &doc.bad_pattern {
        Some((text, why)) => Err(Invalid::new(format!("{text:?} is no regular expression: {why}"))),
        None => Ok(()),
    }
}

fn draft(root: &Value) -> Result<Draft, Invalid> {
    let Some(given) = root.get("$schema") else {
        return Ok(Draft::D7);
    };
    let Some(text) = given.as_str() else {
        return Err(Invalid::new("\"$schema\" must be a text"));
    };
    let bare = text.trim_end_matches('#').trim_start_matches("https://").trim_start_matches("http://");
    match bare {
        "json-schema.org/draft-04/schema" => Ok(Draft::D4),
        "json-schema.org/draft-06/schema" => Ok(Draft::D6),
        "json-schema.org/draft-07/schema" | "json-schema.org/schema" => Ok(Draft::D7),
        _ => Err(Invalid::new(format!("{text} is not JSON Schema draft 4, 6 or 7"))),
    }
}

/// Whether `reader` allows everything that `writer` allows.
pub(crate) fn can_read(reader: &Doc, writer: &Doc) -> Result<(), Mismatch> {
    if strict::canonical(&reader.root) == strict::canonical(&writer.root) {
        return Ok(());
    }
    let side = side::Side::of(writer, &[&writer.root]);
    let mut prover = prove::Prover::new();
    prover.contained(&side, prove::Goal { doc: reader, schema: &reader.root })
}

/// Whether a value satisfies a schema, if that is certain.
#[cfg(test)]
pub(crate) fn allows(doc: &Doc, value: &Value) -> Option<bool> {
    valid::whole(doc, value)
}
