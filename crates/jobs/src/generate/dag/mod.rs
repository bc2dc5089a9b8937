//! Scripts as graphs of calls, the way Glue's script-generation API has them: [`create`] writes a script of nodes and edges,
//! [`graph`] finds these in a script again, [`plan`] makes those that carry one table into another.
//!
//! Between the two stand annotations, comments above each call:
//!
//! ```text
//! ## @params: [JOB_NAME]
//! ## @type: ApplyMapping
//! ## @args: [mapping = [("a", "string", "b", "string")], transformation_ctx = "applymapping1"]
//! ## @return: applymapping1
//! ## @inputs: [frame = datasource0]
//! ```
//!
//! A script's graph is what its annotations say; the calls below them are not looked at, as on AWS. Values of arguments
//! are pieces of Python and stay as they are.
//!
//! Source: AWS Glue Developer Guide, "Autogenerating ETL scripts API" and "Editing scripts".

mod create;
mod pieces;
mod plan;
mod read;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use create::create;
pub use plan::{Columns, Entry, Location, MappingEntry, Output, mappings, plan};
pub use read::graph;

/// An argument of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Arg {
    /// Its name.
    pub name: String,
    /// A piece of Python; the name of a job argument when `param` is set.
    pub value: String,
    /// Whether the value is one of the job's arguments.
    #[serde(default)]
    pub param: bool,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DagNode {
    /// The variable that holds its result.
    pub id: String,
    /// `DataSource`, `DataSink`, or a transform.
    pub node_type: String,
    /// Its arguments, without frames.
    #[serde(default)]
    pub args: Vec<Arg>,
    /// The line of its `@type` in the script, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_number: Option<i64>,
}

/// A frame that goes from one call to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DagEdge {
    /// The id of the node that gives it.
    pub source: String,
    /// The id of the node that takes it.
    pub target: String,
    /// The argument that it becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_parameter: Option<String>,
}

/// Nodes and edges.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Dag {
    /// The nodes.
    pub dag_nodes: Vec<DagNode>,
    /// The edges.
    pub dag_edges: Vec<DagEdge>,
}

/// The transforms that a script imports, with the arguments that are frames.
const TRANSFORMS: &[(&str, &[&str])] = &[
    ("ApplyMapping", &["frame"]),
    ("DropFields", &["frame"]),
    ("DropNullFields", &["frame"]),
    ("ErrorsAsDynamicFrame", &["frame"]),
    ("EvaluateDataQuality", &["frame"]),
    ("FillMissingValues", &["frame"]),
    ("Filter", &["frame"]),
    ("FindIncrementalMatches", &["existingFrame", "incrementalFrame"]),
    ("FindMatches", &["frame"]),
    ("FlatMap", &["dfc"]),
    ("Join", &["frame1", "frame2"]),
    ("Map", &["frame"]),
    ("MapToCollection", &["dfc"]),
    ("Relationalize", &["frame"]),
    ("RenameField", &["frame"]),
    ("ResolveChoice", &["frame"]),
    ("SelectFields", &["frame"]),
    ("SelectFromCollection", &["dfc"]),
    ("SimplifyDdbJson", &["frame"]),
    ("Spigot", &["frame"]),
    ("SplitFields", &["frame"]),
    ("SplitRows", &["frame"]),
    ("Unbox", &["frame"]),
    ("Union", &["frame1", "frame2"]),
    ("UnnestFrame", &["frame"]),
];

/// The arguments of a node that are frames; `None` for a type that no script has.
fn frames_of(node_type: &str) -> Option<&'static [&'static str]> {
    match node_type {
        "DataSource" => Some(&[]),
        "DataSink" => Some(&["frame"]),
        _ => TRANSFORMS.iter().find(|(name, _)| *name == node_type).map(|(_, frames)| *frames),
    }
}
