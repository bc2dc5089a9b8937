//! The PySpark script that does what a visual graph does, in the calls that people know from Glue.
//!
//! A pure function of the checked graph: nothing is read, nothing about the data is known. What a node means is what
//! [`crate::plan`] makes of it; where Glue's own call would mean something else (a filter that has to know types, a
//! union by position), the script goes through a data frame. A node whose meaning a script cannot have is refused by
//! name.
//!
//! Sources carry the node's id as `transformation_ctx`, which is what names a bookmark.

mod builtin;
mod condition;
mod custom;
pub mod dag;
mod database;
mod documents;
mod keys;
mod mapping;
mod nodes;
mod open;
mod python;
mod quality;
mod rows;
mod sensitive;
mod sets;
mod sources;
mod studio;
mod targets;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::JobsError;
use crate::graph::{Condition, Graph, Node, NodeKind};
use nodes::Names;

const HEAD: &str = r#"import sys

from awsglue import DynamicFrame
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrameCollection
from awsglue.job import Job
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import functions as F

args = getResolvedOptions(sys.argv, ["JOB_NAME"])
sc = SparkContext()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args["JOB_NAME"], args)
"#;

const QUERY: &str = r#"

_VIEWS = []


def _spark_sql(query, frames, transformation_ctx):
    """Runs a query over frames by the names that it uses. Views are read when rows are, so each has a name of its own."""
    views = []
    for name, frame in frames.items():
        view = f"view_{len(_VIEWS)}_of_this_script"
        _VIEWS.append(view)
        frame.toDF().createOrReplaceTempView(view)
        views.append(f"`{name}` AS (SELECT * FROM `{view}`)")
    query = f"WITH {', '.join(views)} SELECT * FROM ({query}\n)" if views else query
    return DynamicFrame.fromDF(spark.sql(query), glueContext, transformation_ctx)
"#;

/// Whether a node needs what a script begins with.
type IsNeeded = fn(&NodeKind) -> bool;

/// What a script begins with for the kinds of nodes that it has, in this order: what others use comes before them.
const HELPERS: [(IsNeeded, &str); 20] = [
    (looks_for_fields, keys::PATH_HEAD),
    (keys::puts_aside, keys::ASIDE_HEAD),
    (keys::is_distinct_by_paths, keys::DISTINCT_HEAD),
    (keys::joins_by_paths, keys::JOIN_HEAD),
    (mapping::keeps_types, mapping::HEAD),
    (has_constant, condition::HEAD),
    (|kind| matches!(kind, NodeKind::Union { .. } | NodeKind::Merge { .. }), sets::UNION_HEAD),
    (|kind| matches!(kind, NodeKind::Merge { .. }), sets::MERGE_HEAD),
    (targets::has_table, targets::TABLE_HEAD),
    (|kind| matches!(kind, NodeKind::DropNullFields(_)), rows::NULLS_HEAD),
    (|kind| matches!(kind, NodeKind::Pii(_)), sensitive::HEAD),
    (|kind| matches!(kind, NodeKind::Code(_)), custom::CODE_HEAD),
    (|kind| matches!(kind, NodeKind::Dynamic(_)), custom::DYNAMIC_HEAD),
    (studio::flattens, studio::FLATTEN_HEAD),
    (studio::leaves_rows_out, studio::NULL_ROWS_HEAD),
    (studio::pivots, studio::PIVOT_HEAD),
    (studio::unpivots, studio::UNPIVOT_HEAD),
    (studio::looks_up, studio::LOOKUP_HEAD),
    (studio::reads_documents, documents::HEAD),
    (studio::looks_for_a_type, documents::TYPE_HEAD),
];

/// The script of a graph.
///
/// # Errors
/// `InvalidInput` naming the node that no script can do.
pub fn pyspark(graph: &Graph) -> Result<String, JobsError> {
    let variables = variables(graph);
    let mut script = custom::imports(graph) + HEAD;
    if graph.needed().any(|node| matches!(node.kind, NodeKind::Sql { .. })) {
        script.push_str(QUERY);
    }
    if graph.needed().any(|node| sources::has_one_type(graph, node)) {
        script.push_str(sources::TYPES_HEAD);
    }
    for (is_needed, text) in HELPERS {
        if graph.needed().any(|node| is_needed(&node.kind)) {
            script.push_str(text);
        }
    }
    let evaluates = graph.needed().any(|node| matches!(node.kind, NodeKind::Quality(_)));
    if evaluates {
        script.push_str(quality::HEAD);
    }
    let lines = |node: &Node, of: fn(&Names<'_>) -> Result<String, String>| {
        let lines = of(&Names { node, graph, variables: &variables }).map_err(|what| {
            JobsError::invalid(format!("node {} {} ({}): {what}", node.label, node.id, node.name))
        })?;
        let head = if lines.is_empty() { String::new() } else { head(node) };
        Ok::<String, JobsError>(head + &lines)
    };
    for node in graph.needed() {
        script.push_str(&lines(node, nodes::statements)?);
    }
    // What is written is written when everything else was said.
    for node in graph.needed() {
        script.push_str(&lines(node, nodes::writes)?);
    }
    script.push_str("\njob.commit()\n");
    if evaluates {
        script.push_str(quality::END);
    }
    Ok(script)
}

/// The conditions of a node.
fn conditions(kind: &NodeKind) -> Vec<&Condition> {
    match kind {
        NodeKind::Filter { conditions, .. } => conditions.iter().collect(),
        NodeKind::Route(groups) => {
            groups.iter().filter_map(|group| group.filter.as_ref()).flat_map(|(_, all)| all).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a node compares a field with a constant.
fn has_constant(kind: &NodeKind) -> bool {
    conditions(kind).into_iter().any(condition::has_constant)
}

/// Whether a node has fields of which only the data tells what they are.
fn looks_for_fields(kind: &NodeKind) -> bool {
    let of_conditions = || conditions(kind).into_iter().flat_map(condition::fields).any(keys::is_open);
    match kind {
        NodeKind::Aggregate { groups, aggregations } => {
            groups.iter().chain(aggregations.iter().map(|one| &one.column)).any(keys::is_open)
        }
        _ => keys::puts_aside(kind) || of_conditions(),
    }
}

/// A line that says which node follows.
fn head(node: &Node) -> String {
    let name: String =
        node.name.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    format!("\n# {} {name}\n", node.label)
}

/// The variable of each node: its name and id as an identifier, no two alike, and none that the script or a function of the
/// user's has.
fn variables(graph: &Graph) -> BTreeMap<String, String> {
    let mut taken: BTreeSet<String> = custom::functions(graph).map(str::to_owned).collect();
    let mut variables = BTreeMap::new();
    for node in graph.needed() {
        let wanted = python::identifier(&format!("{}_{}", node.name, node.id));
        let mut name = wanted.clone();
        let mut number = 2;
        while custom::is_taken(&name) || !taken.insert(name.clone()) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        variables.insert(node.id.clone(), name);
    }
    variables
}
