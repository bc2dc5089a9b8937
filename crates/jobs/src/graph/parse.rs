//! From the wire's nodes to [`Node`]s; every error names the node.

pub(super) mod nulls;
pub(super) mod pii;
pub(super) mod rows;
pub(super) mod sources;
pub(super) mod targets;
pub(super) mod transforms;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::kinds::{self, Given};
use super::{FieldPath, Node, NodeKind, S3Path};
use crate::JobsError;

/// What is wrong with a node; the caller adds the node's name.
pub(super) type Parsed<T> = Result<T, String>;

/// Parses one entry of the graph.
pub(super) fn node(id: &str, value: &Value) -> Result<Node, JobsError> {
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return Err(JobsError::invalid(format!("node id {id:?} may hold letters, digits, _ and - only")));
    }
    let (kind, members) = the_kind(value).map_err(|what| fault(id, "", &what))?;
    let Some(declared) = kinds::find(kind) else { return Err(fault(id, kind, &unknown(kind))) };
    let label = declared.name;
    let parsed = kinds::check(declared.fields, members).and_then(|()| body(declared, members));
    let (inputs, kind) = parsed.map_err(|what| fault(id, label, &what))?;
    let name = members.get("Name").and_then(Value::as_str).unwrap_or_default().to_owned();
    if name.is_empty() {
        return Err(fault(id, label, "Name is missing"));
    }
    Ok(Node { id: id.to_owned(), name, label, inputs, kind })
}

/// Why a kind does not run.
fn unknown(kind: &str) -> String {
    match kinds::refusal(kind) {
        Some(why) => format!("this kind of node is not supported: {why}"),
        None => {
            let known: Vec<_> = kinds::node_kinds().collect();
            format!("this kind of node is not known; supported are {}", known.join(", "))
        }
    }
}

/// An error that names its node.
pub(super) fn fault(id: &str, kind: &str, what: &str) -> JobsError {
    let of_kind = if kind.is_empty() { String::new() } else { format!(" ({kind})") };
    JobsError::invalid(format!("node {id}{of_kind}: {what}"))
}

fn the_kind(value: &Value) -> Parsed<(&str, &Map<String, Value>)> {
    let members = value.as_object().ok_or("it must be a structure")?;
    let given: Vec<_> = members.iter().filter(|(_, value)| !value.is_null()).collect();
    match given.as_slice() {
        [(kind, Value::Object(members))] => Ok((kind.as_str(), members)),
        [(kind, _)] => Err(format!("{kind} must be a structure")),
        [] => Err("it has no kind".to_owned()),
        several => {
            let names: Vec<_> = several.iter().map(|(kind, _)| kind.as_str()).collect();
            Err(format!("it has several kinds: {}", names.join(", ")))
        }
    }
}

fn body(declared: &kinds::Kind, members: &Map<String, Value>) -> Parsed<(Vec<String>, NodeKind)> {
    let inputs: Vec<String> = match members.get("Inputs") {
        None | Some(Value::Null) => Vec::new(),
        Some(value) => read_value(value.clone())?,
    };
    let kind = (declared.parse)(&Given { members, inputs: &inputs })?;
    if !declared.inputs.contains(&inputs.len()) {
        let wanted = match (*declared.inputs.start(), *declared.inputs.end()) {
            (least, usize::MAX) => format!("at least {least}"),
            (exactly, _) => exactly.to_string(),
        };
        return Err(format!("it takes {wanted} inputs and has {}", inputs.len()));
    }
    Ok((inputs, kind))
}

/// Reads the members that are given; null is as good as nothing.
pub(super) fn read_members<T: DeserializeOwned>(members: &Map<String, Value>) -> Parsed<T> {
    let given = members.iter().filter(|(_, value)| !value.is_null());
    read_value(Value::Object(given.map(|(name, value)| (name.clone(), value.clone())).collect()))
}

fn read_value<T: DeserializeOwned>(value: Value) -> Parsed<T> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// A field path as AWS sends it: a list of names, or one name.
fn field_path(field: &str, path: Vec<String>) -> Parsed<FieldPath> {
    if path.is_empty() || path.iter().any(String::is_empty) {
        return Err(format!("{field} has an empty path"));
    }
    Ok(path)
}

pub(crate) fn s3_path(field: &str, text: &str) -> Parsed<S3Path> {
    let rest = lake::s3_path(text);
    let (bucket, prefix) = match rest {
        Some(rest) => rest.split_once('/').unwrap_or((rest, "")),
        None => return Err(format!("{field} {text} does not start with s3://")),
    };
    if bucket.is_empty() {
        return Err(format!("{field} {text} names no bucket"));
    }
    if prefix.contains(['*', '?', '[', '{']) {
        return Err(format!(
            "{field} {text} has wildcards, which are not supported; use Recurse and Exclusions"
        ));
    }
    Ok(S3Path { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
}
