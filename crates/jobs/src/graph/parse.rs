//! From the wire's nodes to [`Node`]s; every error names the node.

mod sources;
mod targets;
mod transforms;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{FieldPath, Node, NodeKind, S3Path, fields};
use crate::JobsError;

/// What is wrong with a node; the caller adds the node's name.
type Parsed<T> = Result<T, String>;

/// Parses one entry of the graph.
pub(super) fn node(id: &str, value: &Value) -> Result<Node, JobsError> {
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return Err(JobsError::invalid(format!("node id {id:?} may hold letters, digits, _ and - only")));
    }
    let (kind, members) = the_kind(value).map_err(|what| fault(id, "", &what))?;
    let Some((label, table)) = fields::field_table(kind) else {
        let known: Vec<_> = fields::node_kinds().collect();
        return Err(fault(
            id,
            kind,
            &format!("this kind of node is not supported; supported are {}", known.join(", ")),
        ));
    };
    let parsed = fields::check(table, members).and_then(|()| body(label, members));
    let (inputs, kind) = parsed.map_err(|what| fault(id, label, &what))?;
    let name = members.get("Name").and_then(Value::as_str).unwrap_or_default().to_owned();
    if name.is_empty() {
        return Err(fault(id, label, "Name is missing"));
    }
    Ok(Node { id: id.to_owned(), name, label, inputs, kind })
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

fn body(label: &str, members: &Map<String, Value>) -> Parsed<(Vec<String>, NodeKind)> {
    let inputs = match members.get("Inputs") {
        None | Some(Value::Null) => Vec::new(),
        Some(value) => read_value(value.clone())?,
    };
    let kind = match label {
        "CatalogSource" | "S3CatalogSource" => sources::catalog(read(members)?)?,
        "S3CsvSource" | "S3JsonSource" | "S3ParquetSource" | "S3ExcelSource" => {
            sources::files(label, read(members)?)?
        }
        "ApplyMapping" => transforms::apply_mapping(read(members)?)?,
        "SelectFields" => NodeKind::SelectFields(transforms::paths(read(members)?)?),
        "DropFields" => NodeKind::DropFields(transforms::paths(read(members)?)?),
        "RenameField" => transforms::rename_field(read(members)?)?,
        "Filter" => transforms::filter(read(members)?)?,
        "Join" => transforms::join(read(members)?, &inputs)?,
        "SparkSQL" => transforms::sql(read(members)?, &inputs)?,
        "Aggregate" => transforms::aggregate(read(members)?)?,
        "DropDuplicates" => transforms::drop_duplicates(read(members)?)?,
        "Union" => transforms::union(read(members)?)?,
        "EvaluateDataQuality" => super::quality::parse(read(members)?)?,
        "S3DirectTarget" | "S3GlueParquetTarget" => targets::path(label, read(members)?)?,
        "S3CatalogTarget" | "CatalogTarget" => targets::table(read(members)?)?,
        other => return Err(format!("{other} has fields but no parser")),
    };
    let expected = match &kind {
        NodeKind::Catalog(_) | NodeKind::Files(_) => 0..=0,
        NodeKind::Join { .. } | NodeKind::Union { .. } => 2..=2,
        NodeKind::Sql { .. } => 1..=usize::MAX,
        _ => 1..=1,
    };
    if !expected.contains(&inputs.len()) {
        let wanted = match (*expected.start(), *expected.end()) {
            (least, usize::MAX) => format!("at least {least}"),
            (exactly, _) => exactly.to_string(),
        };
        return Err(format!("it takes {wanted} inputs and has {}", inputs.len()));
    }
    Ok((inputs, kind))
}

fn read<T: DeserializeOwned>(members: &Map<String, Value>) -> Parsed<T> {
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

fn s3_path(field: &str, text: &str) -> Parsed<S3Path> {
    let rest = ["s3://", "s3a://", "s3n://"].iter().find_map(|scheme| text.strip_prefix(scheme));
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
