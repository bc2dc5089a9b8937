//! The graph that a script's annotations describe.

use std::collections::BTreeSet;

use super::pieces::{is_name, items, pair};
use super::{Arg, Dag, DagEdge, DagNode};
use crate::JobsError;

/// The annotations of one node, with the lines that they stand on.
#[derive(Default)]
struct Block<'a> {
    line: i64,
    node_type: &'a str,
    args: Option<&'a str>,
    id: Option<&'a str>,
    inputs: Option<&'a str>,
}

/// Finds the nodes and edges of a script; none in one without annotations.
///
/// # Errors
/// `InvalidInput` naming the line of an annotation that cannot be read.
pub fn graph(script: &str) -> Result<Dag, JobsError> {
    let mut params = BTreeSet::new();
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut is_open = false;
    for (line, text) in (1_i64..).zip(script.lines()) {
        let Some((word, value)) = annotation(text) else {
            is_open = false;
            continue;
        };
        let failed = |what: String| at(line, &what);
        match (word, blocks.last_mut().filter(|_| is_open)) {
            ("params", _) => params.extend(items(value).map_err(failed)?),
            ("type", _) => {
                blocks.push(Block { line, node_type: value, ..Block::default() });
                is_open = true;
            }
            ("args", Some(block)) => block.args = Some(value),
            ("return", Some(block)) => block.id = Some(value),
            ("inputs", Some(block)) => block.inputs = Some(value),
            ("args" | "return" | "inputs", None) => {
                return Err(failed(format!("@{word} stands below no @type")));
            }
            // Others are free to mean something to somebody else.
            _ => {}
        }
    }
    let mut dag = Dag::default();
    for block in &blocks {
        read(block, &params, &mut dag)?;
    }
    check(&dag)?;
    Ok(dag)
}

fn at(line: i64, what: &str) -> JobsError {
    JobsError::invalid(format!("PythonScript, line {line}: {what}"))
}

/// Word and value of `## @word: value`.
fn annotation(line: &str) -> Option<(&str, &str)> {
    let rest = line.trim().strip_prefix("##")?.trim_start().strip_prefix('@')?;
    let (word, value) = rest.split_once(':')?;
    Some((word.trim(), value.trim()))
}

fn read(block: &Block<'_>, params: &BTreeSet<&str>, dag: &mut Dag) -> Result<(), JobsError> {
    let failed = |what: String| at(block.line, &what);
    let id = block.id.filter(|id| is_name(id));
    let id = id.ok_or_else(|| failed(format!("the {} has no @return that is a name", block.node_type)))?;
    if block.node_type.is_empty() {
        return Err(failed("@type is empty".to_owned()));
    }
    let mut args = Vec::new();
    for item in block.args.map_or_else(|| Ok(Vec::new()), items).map_err(failed)? {
        let (name, value) = pair(item).map_err(failed)?;
        let param = is_name(value) && params.contains(value);
        args.push(Arg { name: name.to_owned(), value: value.to_owned(), param });
    }
    for item in block.inputs.map_or_else(|| Ok(Vec::new()), items).map_err(failed)? {
        let (name, source) = pair(item).map_err(failed)?;
        dag.dag_edges.push(DagEdge {
            source: source.to_owned(),
            target: id.to_owned(),
            target_parameter: Some(name.to_owned()),
        });
    }
    let (id, node_type) = (id.to_owned(), block.node_type.to_owned());
    dag.dag_nodes.push(DagNode { id, node_type, args, line_number: Some(block.line) });
    Ok(())
}

/// Edges end at nodes, and ids are told apart.
fn check(dag: &Dag) -> Result<(), JobsError> {
    let mut ids = BTreeSet::new();
    for node in &dag.dag_nodes {
        if !ids.insert(node.id.as_str()) {
            return Err(at(node.line_number.unwrap_or(0), &format!("another node returns {}, too", node.id)));
        }
    }
    match dag.dag_edges.iter().find(|edge| !ids.contains(edge.source.as_str())) {
        Some(DagEdge { source, target, .. }) => Err(JobsError::invalid(format!(
            "PythonScript: the input {source} of {target} is returned by no annotated node"
        ))),
        None => Ok(()),
    }
}
