//! The kinds of nodes, each declared once: its name, role and inputs, what happens to each of its fields, and how it
//! is parsed. What a kind does is the match on [`NodeKind`] in `plan` (transforms) and `execute` (sources, targets),
//! which the compiler keeps complete.
//!
//! Kinds of the public model that do not run are listed too, with the reason ([`REFUSED`]): a graph that has one is
//! refused when its job is made. docs/job-nodes.md is written from these tables ([`markdown`]).

mod fields;
mod refused;
mod sources;
mod table;
mod targets;
mod transforms;

use std::ops::RangeInclusive;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::NodeKind;
use super::parse::{Parsed, read_members};
pub use fields::FieldUse;
pub(super) use fields::check;
pub use refused::REFUSED;
pub use table::markdown;

use fields::Fields;

/// A kind of node that runs.
pub(super) struct Kind {
    /// As AWS writes it (`S3CsvSource`).
    pub(super) name: &'static str,
    role: Role,
    /// How many nodes it reads.
    pub(super) inputs: RangeInclusive<usize>,
    /// Each member, nested ones with dots, and what happens to it.
    pub(super) fields: Fields,
    /// Reads the members; an error says what is wrong without naming the node.
    pub(super) parse: fn(&Given<'_>) -> Parsed<NodeKind>,
}

/// What a node is to others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Source,
    Transform,
    Target,
}

/// What was given for a node.
pub(super) struct Given<'a> {
    pub(super) members: &'a Map<String, Value>,
    /// The nodes it reads.
    pub(super) inputs: &'a [String],
}

impl Given<'_> {
    fn read<T: DeserializeOwned>(&self) -> Parsed<T> {
        read_members(self.members)
    }
}

/// All kinds that run: sources, transforms, targets, each in the order of their names.
fn kinds() -> impl Iterator<Item = &'static Kind> {
    [sources::KINDS, transforms::KINDS, targets::KINDS].into_iter().flatten()
}

/// The kind of that name, if it runs.
pub(super) fn find(name: &str) -> Option<&'static Kind> {
    kinds().find(|kind| kind.name == name)
}

/// Why a kind of the public model does not run.
pub(super) fn refusal(name: &str) -> Option<&'static str> {
    REFUSED.iter().find(|(kind, _)| *kind == name).map(|(_, why)| *why)
}

/// The names of the kinds that run.
pub fn node_kinds() -> impl Iterator<Item = &'static str> {
    kinds().map(|kind| kind.name)
}

/// Each member of a kind and what happens to it; `None` for a kind that does not run.
pub fn field_table(kind: &str) -> Option<&'static [(&'static str, FieldUse)]> {
    find(kind).map(|kind| kind.fields)
}
