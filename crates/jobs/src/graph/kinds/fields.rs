//! What happens to the fields of a node.
//!
//! The tables of the kinds are enforced when a graph is parsed, so what they say is what happens: a field that is
//! not in its kind's table, or that is refused, makes CreateJob and UpdateJob fail with the node's name. A nested
//! member is written with dots.

use serde_json::{Map, Value};

/// What happens to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldUse {
    /// It changes what a run does.
    Acts,
    /// It changes what a run does, and is refused beside another field; the text says beside which, and why.
    ActsAlone(&'static str),
    /// It is kept and returned and cannot change a result; the text says why.
    Stored(&'static str),
    /// Only these values are taken, because they ask for nothing; the text says why.
    Only(&'static [&'static str], &'static str),
    /// It is refused; the text says why.
    Refused(&'static str),
}

use FieldUse::{Acts, ActsAlone, Only, Refused, Stored};

pub(super) type Fields = &'static [(&'static str, FieldUse)];

/// Checks that every given field of a node may be given; the error says which and why.
pub(in crate::graph) fn check(fields: Fields, node: &Map<String, Value>) -> Result<(), String> {
    walk(fields, "", node)
}

/// The entry of a member: its own, or that of all members of the map it is in (`AdditionalOptions.*`), whose names may have dots.
fn entry<'f>(fields: &'f [(&'static str, FieldUse)], path: &str) -> Option<&'f FieldUse> {
    let known = |name: &str| fields.iter().find(|(field, _)| *field == name).map(|(_, used)| used);
    let of_map = || path.match_indices('.').find_map(|(at, _)| known(&format!("{}.*", &path[..at])));
    known(path).or_else(of_map)
}

fn walk(fields: Fields, prefix: &str, members: &Map<String, Value>) -> Result<(), String> {
    for (name, value) in members {
        let path = format!("{prefix}{name}");
        match (entry(fields, &path), value) {
            (_, Value::Null) => {}
            (Some(Acts | ActsAlone(_) | Stored(_)), _) => {}
            (Some(Only(values, why)), _) => {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                if !values.contains(&text.as_str()) {
                    return Err(format!("{path} {text} is refused: {why}"));
                }
            }
            (Some(Refused(why)), _) => return Err(format!("{path} is refused: {why}")),
            (None, Value::Object(inner)) => walk(fields, &format!("{path}."), inner)?,
            (None, Value::Array(items)) if has_members(fields, &path) => {
                for item in items {
                    let Value::Object(inner) = item else {
                        return Err(format!("{path} must be a list of structures"));
                    };
                    walk(fields, &format!("{path}."), inner)?;
                }
            }
            (None, _) => return Err(format!("{path} is not a field of this kind of node")),
        }
    }
    Ok(())
}

/// Whether the table has members of the field, so that it is a structure or a list of them.
fn has_members(fields: Fields, path: &str) -> bool {
    fields.iter().any(|(field, _)| field.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}
