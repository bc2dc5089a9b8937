//! Checks between nodes: inputs exist, no cycle, something is written.

use std::collections::{BTreeMap, BTreeSet};

use super::parse::fault;
use super::{COLLECTION, DatabasePlace, DeltaTarget, Destination, IcebergTarget, Node, NodeKind, S3Path};
use crate::JobsError;

/// The most nodes of a graph: plans are walked recursively, and planning time grows with the square of a chain.
const MAX_NODES: usize = 500;

/// Orders the nodes that targets need so that every node follows its inputs.
pub(super) fn order(nodes: &BTreeMap<String, Node>) -> Result<Vec<String>, JobsError> {
    if nodes.len() > MAX_NODES {
        let message = format!("a graph has at most {MAX_NODES} nodes, not {}", nodes.len());
        return Err(JobsError::invalid(message));
    }
    for node in nodes.values() {
        for input in &node.inputs {
            match nodes.get(input) {
                None => return Err(fault(&node.id, node.label, &format!("its input {input} is not a node"))),
                Some(other) if matches!(other.kind, NodeKind::Target(_)) => {
                    return Err(fault(&node.id, node.label, &format!("its input {input} is a target")));
                }
                Some(other) => {
                    collection(node, other).map_err(|what| fault(&node.id, node.label, &what))?;
                }
            }
        }
    }
    refuse_cycles(nodes)?;
    refuse_shared_tables(nodes)?;
    refuse_shared_folders(nodes)?;
    let mut needed = Vec::new();
    let mut seen = BTreeSet::new();
    // Rules are evaluated whether their outcome is written or not.
    let is_root = |node: &&Node| node.kind.target().is_some() || matches!(node.kind, NodeKind::Quality(_));
    for node in nodes.values().filter(is_root) {
        visit(node, nodes, &mut seen, &mut needed);
    }
    if needed.is_empty() {
        return Err(JobsError::invalid(
            "CodeGenConfigurationNodes has no target: the job would write nothing",
        ));
    }
    Ok(needed)
}

/// Each target of an Iceberg table would commit on what the table was before the other; of a database, make the table
/// that is missing.
fn refuse_shared_tables(nodes: &BTreeMap<String, Node>) -> Result<(), JobsError> {
    let mut tables = BTreeMap::new();
    for node in nodes.values() {
        let (kind, table) = match node.kind.target().map(|target| &target.destination) {
            Some(Destination::Iceberg(target)) => {
                ("Iceberg table", [target.database.to_lowercase(), target.table.to_lowercase()])
            }
            Some(Destination::Delta(target)) => ("Delta table", of_delta(target)),
            Some(Destination::Database(target)) => ("table of a database", of_database(&target.place)),
            _ => continue,
        };
        if let Some(other) = tables.insert((kind, table), &node.id) {
            let what = format!("it writes to the same {kind} as node {other}; unite their inputs (Union)");
            return Err(fault(&node.id, node.label, &what));
        }
    }
    Ok(())
}

/// Files of one target are no part of a table of an open format that another keeps in the same folder, and whoever reads the
/// folder takes the table's own files for data.
fn refuse_shared_folders(nodes: &BTreeMap<String, Node>) -> Result<(), JobsError> {
    let mut folders: Vec<(&Node, &S3Path, bool)> = Vec::new();
    for node in nodes.values() {
        let (path, is_open) = match node.kind.target().map(|target| &target.destination) {
            Some(Destination::Path { path, .. }) => (path, false),
            Some(Destination::Iceberg(IcebergTarget { path: Some(path), .. })) => (path, true),
            Some(Destination::Delta(DeltaTarget { path: Some(path), .. })) => (path, true),
            _ => continue,
        };
        let other = folders.iter().find(|(_, other, open)| (is_open || *open) && path.overlaps(other));
        if let Some((other, place, _)) = other {
            let what = format!(
                "it writes to {path}, and node {} to {place}: a table of an open format has a folder of its own",
                other.id
            );
            return Err(fault(&node.id, node.label, &what));
        }
        folders.push((node, path, is_open));
    }
    Ok(())
}

fn of_delta(target: &DeltaTarget) -> [String; 2] {
    match (&target.path, &target.table) {
        (Some(path), _) => ["path".to_owned(), path.to_string().trim_end_matches('/').to_owned()],
        (None, Some((database, table))) => [database.to_lowercase(), table.to_lowercase()],
        (None, None) => [String::new(), String::new()],
    }
}

fn of_database(place: &DatabasePlace) -> [String; 2] {
    match place {
        DatabasePlace::Catalog { database, table } => [database.to_lowercase(), table.to_lowercase()],
        // A connection is none of the catalog's databases.
        DatabasePlace::Connection { connection, schema, table } => {
            [format!("connection {connection}"), format!("{schema:?} {table}")]
        }
    }
}

/// A collection of frames is read by SelectFromCollection, and nothing else is.
fn collection(node: &Node, input: &Node) -> Result<(), String> {
    let (id, label) = (&input.id, input.label);
    match (&node.kind, input.kind.collection()) {
        (NodeKind::SelectFromCollection(index), Some(frames)) if *index >= frames => {
            Err(format!("Index is {index}, but its input {id} ({label}) gives {frames} frames, from 0"))
        }
        (NodeKind::SelectFromCollection(index), Some(_)) => match meant(node, input) {
            Some(meant) if meant != *index => Err(format!(
                "its name {} is that of the frame {meant} of its input {id} ({label}), and Index is {index}",
                node.name
            )),
            _ => Ok(()),
        },
        (NodeKind::SelectFromCollection(_), None) => {
            Err(format!("its input {id} ({label}) gives one frame, not a collection"))
        }
        (_, Some(_)) => Err(format!(
            "its input {id} ({label}) gives a collection of frames; choose one with SelectFromCollection"
        )),
        (_, None) => Ok(()),
    }
}

/// Which frame of rules' outcomes a node is named after, as Glue Studio names those that choose one. Its `Index` is not
/// documented: of another order it would silently be another frame.
fn meant(node: &Node, input: &Node) -> Option<usize> {
    let NodeKind::Quality(_) = &input.kind else { return None };
    COLLECTION.iter().position(|name| *name == node.name)
}

/// Takes away nodes without open inputs until none is left; what stays is on a cycle or behind one.
fn refuse_cycles(nodes: &BTreeMap<String, Node>) -> Result<(), JobsError> {
    let mut open: BTreeMap<&str, &Node> = nodes.iter().map(|(id, node)| (id.as_str(), node)).collect();
    let mut waiting: BTreeMap<&str, usize> = BTreeMap::new();
    let mut readers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, node) in nodes {
        waiting.insert(id, node.inputs.len());
        for input in &node.inputs {
            readers.entry(input).or_default().push(id);
        }
    }
    let mut ready: Vec<&str> =
        waiting.iter().filter(|(_, inputs)| **inputs == 0).map(|(id, _)| *id).collect();
    while let Some(id) = ready.pop() {
        open.remove(id);
        for reader in readers.get(id).into_iter().flatten() {
            if let Some(inputs) = waiting.get_mut(reader) {
                *inputs -= 1;
                if *inputs == 0 {
                    ready.push(reader);
                }
            }
        }
    }
    let Some(first) = open.values().next() else { return Ok(()) };
    let cycle = walk_back(first, &open);
    Err(fault(&first.id, first.label, &format!("the graph has a cycle: {}", cycle.join(" <- "))))
}

/// Follows open inputs from `start` until a node comes again.
fn walk_back(start: &Node, open: &BTreeMap<&str, &Node>) -> Vec<String> {
    let mut path = vec![start.id.clone()];
    let mut at = start;
    while let Some(next) = at.inputs.iter().find_map(|input| open.get(input.as_str())) {
        let again = path.iter().position(|id| *id == next.id);
        path.push(next.id.clone());
        if let Some(again) = again {
            return path.split_off(again);
        }
        at = next;
    }
    path
}

/// Depth first, inputs before the node. Not recursive: a graph may be a long chain.
fn visit(
    target: &Node,
    nodes: &BTreeMap<String, Node>,
    seen: &mut BTreeSet<String>,
    order: &mut Vec<String>,
) {
    // A spigot may have been visited as the input of another node.
    if !seen.insert(target.id.clone()) {
        return;
    }
    let mut stack = vec![(target, 0_usize)];
    while let Some((node, next)) = stack.pop() {
        match node.inputs.get(next).and_then(|input| nodes.get(input)) {
            None => order.push(node.id.clone()),
            Some(input) => {
                stack.push((node, next + 1));
                if seen.insert(input.id.clone()) {
                    stack.push((input, 0));
                }
            }
        }
    }
}
