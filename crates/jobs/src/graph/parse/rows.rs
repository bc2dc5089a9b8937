//! Transforms of whole rows: collections, merges and samples.

use super::super::{Destination, Group, NodeKind, Spigot, Target, WriteFormat, raw};
use super::transforms::conditions;
use super::{Parsed, field_path, s3_path};

/// The group of a Route for the rows that no other group takes.
const DEFAULT_GROUP: &str = "default_group";

pub(in crate::graph) fn merge(raw: raw::Merge, inputs: &[String]) -> Parsed<NodeKind> {
    if !inputs.contains(&raw.source) {
        return Err(format!("Source {} is not one of its inputs", raw.source));
    }
    if let [first, second] = inputs
        && first == second
    {
        return Err("both inputs are the same node".to_owned());
    }
    if raw.primary_keys.is_empty() {
        return Err("PrimaryKeys is empty".to_owned());
    }
    let keys = raw.primary_keys.into_iter().map(|key| field_path("PrimaryKeys", key));
    Ok(NodeKind::Merge { source: raw.source, keys: keys.collect::<Parsed<_>>()? })
}

/// The groups in their order. The default group comes last unless it is listed.
pub(in crate::graph) fn route(raw: raw::Route) -> Parsed<NodeKind> {
    let mut groups: Vec<Group> = Vec::new();
    for group in raw.group_filters_list {
        let name = group.group_name;
        if name.is_empty() || groups.iter().any(|known| known.name == name) {
            return Err(format!("GroupFiltersList.GroupName {name:?} is empty or given twice"));
        }
        let filter = match group.filters.is_empty() && name == DEFAULT_GROUP {
            true => None,
            false => Some(
                conditions(&group.logical_operator, group.filters)
                    .map_err(|what| format!("group {name}: {what}"))?,
            ),
        };
        groups.push(Group { name, filter });
    }
    if !groups.iter().any(|group| group.filter.is_some()) {
        return Err("GroupFiltersList has no group with Filters".to_owned());
    }
    if !groups.iter().any(|group| group.name == DEFAULT_GROUP) {
        groups.push(Group { name: DEFAULT_GROUP.to_owned(), filter: None });
    }
    Ok(NodeKind::Route(groups))
}

pub(in crate::graph) fn select_from_collection(raw: raw::SelectFromCollection) -> Parsed<NodeKind> {
    let index = usize::try_from(raw.index).map_err(|_| format!("Index {} is negative", raw.index))?;
    Ok(NodeKind::SelectFromCollection(index))
}

pub(in crate::graph) fn spigot(raw: raw::Spigot) -> Parsed<NodeKind> {
    let rows = match raw.topk {
        None => None,
        Some(rows @ 1..=100) => usize::try_from(rows).ok(),
        Some(rows) => return Err(format!("Topk {rows} is not between 1 and 100")),
    };
    let path = s3_path("Path", &raw.path)?;
    let destination =
        Destination::Path { path, format: WriteFormat::Json(None), catalog: None, most_files: None };
    let target = Target { destination, partition_keys: Vec::new() };
    let probability = fraction("Prob", raw.prob)?;
    Ok(NodeKind::Spigot(Box::new(Spigot { target, rows, probability })))
}

/// A number from 0 to 1.
pub(super) fn fraction(field: &str, given: Option<f64>) -> Parsed<Option<f64>> {
    match given {
        Some(number) if !(0.0..=1.0).contains(&number) => {
            Err(format!("{field} {number} is not between 0 and 1"))
        }
        given => Ok(given),
    }
}
