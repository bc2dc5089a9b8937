//! The PySpark script that does what a visual graph does, in the calls that people know from Glue.
//!
//! A pure function of the checked graph: nothing is read, nothing about the data is known. What a node means is what
//! [`crate::plan`] makes of it; where Glue's own call would mean something else (a filter that has to know types, a
//! union by position), the script goes through a data frame. A node whose meaning a script cannot have is refused by
//! name.
//!
//! Sources carry the node's id as `transformation_ctx`, which is what names a bookmark.

pub(crate) mod condition;
pub mod dag;
mod database;
mod nodes;
mod python;
mod quality;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::JobsError;
use crate::graph::{Graph, Node, NodeKind};

const HEAD: &str = r#"import sys

from awsglue import DynamicFrame
from awsglue.context import GlueContext
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

def spark_sql(query, frames, transformation_ctx):
    """Runs a query over frames by the names that it uses."""
    for name, frame in frames.items():
        frame.toDF().createOrReplaceTempView(name)
    return DynamicFrame.fromDF(spark.sql(query), glueContext, transformation_ctx)
"#;

/// The script of a graph.
///
/// # Errors
/// `InvalidInput` naming the node that no script can do.
pub fn pyspark(graph: &Graph) -> Result<String, JobsError> {
    let variables = variables(graph.needed());
    let mut script = HEAD.to_owned();
    if graph.needed().any(|node| matches!(node.kind, NodeKind::Sql { .. })) {
        script.push_str(QUERY);
    }
    let evaluates = graph.needed().any(|node| matches!(node.kind, NodeKind::Quality(_)));
    if evaluates {
        script.push_str(quality::HEAD);
    }
    let is_target = |node: &&Node| matches!(node.kind, NodeKind::Target(_));
    // What is written is written when everything else was said.
    for node in graph.needed().filter(|node| !is_target(node)).chain(graph.needed().filter(is_target)) {
        script.push_str(&format!("\n# {} {}\n", node.label, comment(&node.name)));
        let statements = nodes::statements(node, &variables).map_err(|what| {
            JobsError::invalid(format!("node {} {} ({}): {what}", node.label, node.id, node.name))
        })?;
        script.push_str(&statements);
    }
    script.push_str("\njob.commit()\n");
    if evaluates {
        script.push_str(quality::END);
    }
    Ok(script)
}

/// A name on one line.
fn comment(name: &str) -> String {
    name.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// The variable of each node: its name and id as an identifier, no two alike.
fn variables<'a>(nodes: impl Iterator<Item = &'a Node>) -> BTreeMap<String, String> {
    let mut taken = BTreeSet::new();
    let mut variables = BTreeMap::new();
    for node in nodes {
        let wanted = python::identifier(&format!("{}_{}", node.name, node.id));
        let mut name = wanted.clone();
        let mut number = 2;
        while !taken.insert(name.clone()) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        variables.insert(node.id.clone(), name);
    }
    variables
}
