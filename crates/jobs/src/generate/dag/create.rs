//! A script of nodes and edges.

use std::collections::{BTreeMap, BTreeSet};

use super::pieces::{check, is_name};
use super::{Arg, Dag, DagEdge, DagNode, TRANSFORMS, frames_of};
use crate::JobsError;
use crate::generate::python::text;

const IMPORTS: &str = "import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job

";
const SETUP: &str = "
sc = SparkContext()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args['JOB_NAME'], args)
";
/// Names that the script has already.
const TAKEN: [&str; 10] = [
    "sys",
    "getResolvedOptions",
    "SparkContext",
    "GlueContext",
    "Job",
    "args",
    "sc",
    "glueContext",
    "spark",
    "job",
];
/// The argument of a job that every script asks for.
const JOB_NAME: &str = "JOB_NAME";

/// Writes the script. Nodes stand after those whose frames they take, and otherwise in the order that they were given.
///
/// # Errors
/// `InvalidInput` naming the node or edge of which no script can be made.
pub fn create(dag: &Dag) -> Result<String, JobsError> {
    let inputs = inputs(dag)?;
    let mut params: Vec<&str> = Vec::new();
    for arg in dag.dag_nodes.iter().flat_map(|node| &node.args).filter(|arg| arg.param) {
        if arg.value != JOB_NAME && !params.contains(&arg.value.as_str()) {
            params.push(&arg.value);
        }
    }
    params.push(JOB_NAME);
    let quoted: Vec<String> = params.iter().map(|name| format!("'{name}'")).collect();
    let mut script = format!(
        "{IMPORTS}## @params: [{}]\nargs = getResolvedOptions(sys.argv, [{}])\n{SETUP}",
        params.join(", "),
        quoted.join(", ")
    );
    for node in ordered(dag)? {
        let own = inputs.get(node.id.as_str()).map_or(&[][..], Vec::as_slice);
        script.push_str(&statement(node, own)?);
    }
    script.push_str("job.commit()\n");
    Ok(script)
}

fn refused(node: &DagNode, what: impl std::fmt::Display) -> JobsError {
    JobsError::invalid(format!("node {} ({}): {what}", node.id, node.node_type))
}

/// Argument and node of each frame that a node takes, by the node's id.
type Inputs<'a> = BTreeMap<&'a str, Vec<(String, &'a str)>>;

/// What the nodes take, checked.
fn inputs(dag: &Dag) -> Result<Inputs<'_>, JobsError> {
    let mut nodes = BTreeMap::new();
    for node in &dag.dag_nodes {
        check_node(node)?;
        if nodes.insert(node.id.as_str(), node).is_some() {
            return Err(refused(node, "another node has the same id"));
        }
    }
    let mut inputs = Inputs::new();
    for DagEdge { source, target, target_parameter } in &dag.dag_edges {
        let (Some(_), Some(node)) = (nodes.get(source.as_str()), nodes.get(target.as_str())) else {
            let what = format!("the edge from {source} to {target} names a node that there is not");
            return Err(JobsError::invalid(what));
        };
        let frames = frames_of(&node.node_type).unwrap_or_default();
        if frames.is_empty() {
            return Err(refused(node, "a source takes no frame"));
        }
        let own = inputs.entry(target).or_default();
        let free = frames.iter().find(|frame| !own.iter().any(|(taken, _)| taken == *frame));
        let parameter = match target_parameter.as_deref().filter(|name| !name.is_empty()) {
            Some(name) => name.to_owned(),
            None => match free {
                Some(name) => (*name).to_owned(),
                None => return Err(refused(node, format!("it takes no frame more, such as {source}"))),
            },
        };
        if !is_name(&parameter) || own.iter().any(|(taken, _)| *taken == parameter) {
            return Err(refused(node, format!("its argument {parameter} cannot be {source}")));
        }
        own.push((parameter, source));
    }
    for node in &dag.dag_nodes {
        let own = inputs.get(node.id.as_str()).map_or(&[][..], Vec::as_slice);
        let frames = frames_of(&node.node_type).unwrap_or_default();
        if let Some(missing) = frames.iter().find(|frame| !own.iter().any(|(name, _)| name == *frame)) {
            return Err(refused(node, format!("no edge brings its {missing}")));
        }
    }
    Ok(inputs)
}

fn check_node(node: &DagNode) -> Result<(), JobsError> {
    let is_taken = TAKEN.contains(&node.id.as_str()) || TRANSFORMS.iter().any(|(name, _)| *name == node.id);
    if !is_name(&node.id) || is_taken {
        return Err(refused(node, "its id cannot be a variable of the script"));
    }
    if frames_of(&node.node_type).is_none() {
        let names: Vec<&str> = TRANSFORMS.iter().map(|(name, _)| *name).collect();
        let what = format!("its NodeType is none of DataSource, DataSink, {}", names.join(", "));
        return Err(refused(node, what));
    }
    let mut seen = BTreeSet::new();
    for Arg { name, value, param } in &node.args {
        if !is_name(name) || !seen.insert(name) {
            return Err(refused(node, format!("its argument {name:?} is no name, or comes twice")));
        }
        let found = match param {
            true if !is_name(value) => Err("the name of a job's argument is expected".to_owned()),
            true => Ok(()),
            false => check(value),
        };
        found.map_err(|what| refused(node, format!("its argument {name} is {value:?}: {what}")))?;
    }
    Ok(())
}

/// The nodes, each after those whose frames it takes.
fn ordered(dag: &Dag) -> Result<Vec<&DagNode>, JobsError> {
    let mut rest: Vec<&DagNode> = dag.dag_nodes.iter().collect();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let mut order = Vec::new();
    while !rest.is_empty() {
        let is_ready = |node: &DagNode| {
            let mut edges = dag.dag_edges.iter().filter(|edge| edge.target == node.id);
            edges.all(|edge| done.contains(edge.source.as_str()))
        };
        let Some(at) = rest.iter().position(|node| is_ready(node)) else {
            let ids: Vec<&str> = rest.iter().map(|node| node.id.as_str()).collect();
            return Err(JobsError::invalid(format!("the edges go round in a circle: {}", ids.join(", "))));
        };
        let node = rest.remove(at);
        done.insert(&node.id);
        order.push(node);
    }
    Ok(order)
}

/// Annotations and call of a node.
fn statement(node: &DagNode, inputs: &[(String, &str)]) -> Result<String, JobsError> {
    let context = ("transformation_ctx".to_owned(), text(&node.id), text(&node.id));
    // Name, as annotated, as called.
    let mut args: Vec<(String, String, String)> = node
        .args
        .iter()
        .map(|arg| {
            let called = if arg.param { format!("args['{}']", arg.value) } else { arg.value.clone() };
            (arg.name.clone(), arg.value.clone(), called)
        })
        .collect();
    if node.node_type != "ErrorsAsDynamicFrame" && !args.iter().any(|(name, ..)| *name == context.0) {
        args.push(context);
    }
    let annotated: Vec<String> = args.iter().map(|(name, value, _)| format!("{name} = {value}")).collect();
    let frames: Vec<String> = inputs.iter().map(|(name, source)| format!("{name} = {source}")).collect();
    let called = args.iter().map(|(name, _, value)| format!("{} = {value}", parameter(node, name)));
    let arguments: Vec<String> = frames.iter().cloned().chain(called).collect();
    let DagNode { id, node_type, .. } = node;
    Ok(format!(
        "## @type: {node_type}\n## @args: [{}]\n## @return: {id}\n## @inputs: [{}]\n{id} = {}({})\n",
        annotated.join(", "),
        frames.join(", "),
        function(node)?,
        arguments.join(", ")
    ))
}

/// What the call names an argument: the diagram's word for the mappings is another one.
fn parameter<'a>(node: &DagNode, name: &'a str) -> &'a str {
    match (node.node_type.as_str(), name) {
        ("ApplyMapping", "mapping") => "mappings",
        _ => name,
    }
}

fn function(node: &DagNode) -> Result<String, JobsError> {
    let has = |name: &str| node.args.iter().any(|arg| arg.name == name);
    let of_table = has("database") && has("table_name");
    let call = match node.node_type.as_str() {
        "DataSource" if has("connection_type") => "glueContext.create_dynamic_frame.from_options",
        "DataSource" if of_table => "glueContext.create_dynamic_frame.from_catalog",
        "DataSource" => {
            return Err(refused(node, "it has neither database and table_name nor connection_type"));
        }
        "DataSink" if has("catalog_connection") => "glueContext.write_dynamic_frame.from_jdbc_conf",
        "DataSink" if has("connection_type") => "glueContext.write_dynamic_frame.from_options",
        "DataSink" if of_table => "glueContext.write_dynamic_frame.from_catalog",
        "DataSink" => {
            let what = "it has neither database and table_name nor connection_type nor catalog_connection";
            return Err(refused(node, what));
        }
        transform => return Ok(format!("{transform}.apply")),
    };
    Ok(call.to_owned())
}
