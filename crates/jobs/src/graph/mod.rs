//! The visual graph of a job (`CodeGenConfigurationNodes`): parsed, checked, put in order.
//!
//! [`Graph::parse`] is the only way to a graph, so that whoever holds one may rely on this:
//! - every node has a kind that this crate runs and only fields that act or may safely be ignored
//!   (`kinds` has the tables);
//! - inputs name existing nodes, in the number that the kind takes; there is no cycle; no node reads
//!   from a target;
//! - there is at least one target; [`Graph::order`] lists what targets need, inputs first;
//! - paths, patterns, operators and aliases are well formed.
//!
//! A graph with a node that is Python of the user's ([`Graph::is_python`]) is not planned: its run is one of the script that
//! [`crate::generate`] writes.
//!
//! What depends on data (does a column exist, can it be compared) is checked when a run is planned.
//! Nothing in here does I/O.

mod builtin;
mod check;
mod custom;
mod glob;
mod kinds;
mod modules;
mod node;
mod parse;
mod pii;
mod quality;
mod raw;
mod source;
mod studio;
mod target;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod transform_tests;

pub use builtin::{Action, BuiltIn, Resolution, ResolveChoice, Spec};
pub use custom::{CustomCode, DynamicTransform, Literal};
pub use glob::Glob;
pub use kinds::{FieldUse, REFUSED, field_table, markdown, node_kinds};
pub use node::{
    AggFunction, Aggregation, Condition, FieldPath, FillMissing, Group, JoinKind, JoinSide, Mapping, Node,
    NodeKind, NullValues, Operand, Operation, Spigot,
};
pub(crate) use parse::{s3_path, targets::write_format};
pub use pii::{EntityType, Pii, PiiAction, PiiScope};
pub use quality::{COLLECTION, Gate, HandsOn, QualityNode};
pub use source::{Bounds, CatalogSource, Compression, Expected, FileFormat, FileSource, JdbcSource, S3Path};
pub use studio::{Computed, FromJson, Lookup, Pivot, Studio, Unpivot};
pub use target::{
    BlockCodec, CatalogUpdate, DatabasePlace, DatabaseTarget, DeltaTarget, Destination, IcebergTarget,
    ParquetCodec, SaveMode, Target, UpdateBehavior, WriteFormat,
};

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::JobsError;

/// A node of one input that stands in no graph: what a script asks the engine to do with a frame. Errors: `InvalidInput` for
/// members that are none of the kind's.
pub(crate) fn of_script(kind: &str, members: &Map<String, Value>) -> Result<Node, JobsError> {
    let mut members = members.clone();
    members.insert("Name".to_owned(), Value::from(kind));
    members.insert("Inputs".to_owned(), Value::from(vec!["frame"]));
    let node = Map::from_iter([(kind.to_owned(), Value::Object(members))]);
    parse::node("script", &Value::Object(node))
}

/// A checked graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    nodes: BTreeMap<String, Node>,
    order: Vec<String>,
}

impl Graph {
    /// Parses and checks `CodeGenConfigurationNodes`.
    ///
    /// # Errors
    /// `InvalidInput` naming the node (and its kind and field) that cannot be run.
    pub fn parse(document: &Map<String, Value>) -> Result<Self, JobsError> {
        let mut nodes = BTreeMap::new();
        for (id, value) in document {
            nodes.insert(id.clone(), parse::node(id, value)?);
        }
        let order = check::order(&nodes)?;
        quality::check(&nodes)?;
        custom::check(&nodes)?;
        Ok(Self { nodes, order })
    }

    /// The ids of the nodes that some target needs, targets included, every node after its inputs.
    pub fn order(&self) -> &[String] {
        &self.order
    }

    /// The node of that id.
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// The needed nodes in order.
    pub fn needed(&self) -> impl Iterator<Item = &Node> {
        self.order.iter().filter_map(|id| self.nodes.get(id))
    }

    /// How often a run reads what the node gives: once for each target, Spigot and look at its rows or their quality, and each way to
    /// it.
    pub(crate) fn reads_of(&self, node: &Node) -> usize {
        let mut reads: BTreeMap<&str, usize> = BTreeMap::new();
        // What reads a node stands behind it.
        for reader in self.order.iter().rev().filter_map(|id| self.nodes.get(id)) {
            let own =
                reads.get(reader.id.as_str()).copied().unwrap_or(0).saturating_add(reader.kind.own_reads());
            for input in &reader.inputs {
                let of_input = reads.entry(input.as_str()).or_default();
                *of_input = of_input.saturating_add(own);
            }
        }
        reads.get(node.id.as_str()).copied().unwrap_or(0)
    }

    /// Whether a run of it is one of its generated script: some node is Python of the user's.
    pub fn is_python(&self) -> bool {
        self.needed().any(|node| node.kind.is_python())
    }

    /// Whether a node's fields of several types stay choices, rather than get one type each: some node that resolves choices
    /// reads it, directly or not.
    pub fn keeps_choices(&self, id: &str) -> bool {
        let mut readers = BTreeSet::from([id]);
        self.needed().any(|node| {
            let reads = node.inputs.iter().any(|input| readers.contains(input.as_str()));
            if reads {
                readers.insert(node.id.as_str());
            }
            reads
                && matches!(&node.kind, NodeKind::BuiltIn(own) if matches!(**own, BuiltIn::ResolveChoice(_)))
        })
    }

    /// The addresses of the modules that its generated script imports, each once.
    pub fn modules(&self) -> BTreeSet<&str> {
        let mut modules = BTreeSet::new();
        for node in self.needed() {
            if let NodeKind::Dynamic(own) = &node.kind {
                modules.insert(own.location.as_str());
            }
        }
        modules
    }

    /// The nodes that write, in order: targets, and spigots beside what they hand on.
    pub fn targets(&self) -> impl Iterator<Item = (&Node, &Target)> {
        self.needed().filter_map(|node| node.kind.target().map(|target| (node, target)))
    }

    /// The nodes that no target reads, directly or not; they do nothing.
    pub fn unused(&self) -> impl Iterator<Item = &Node> {
        let needed: BTreeSet<&str> = self.order.iter().map(String::as_str).collect();
        self.nodes.values().filter(move |node| !needed.contains(node.id.as_str()))
    }
}
