//! Work groups: where queries of a team run, and what they may choose.
//!
//! `primary` is always there; it is stored once it is changed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{Scope, Tx};

use crate::error::QueryError;
use crate::rows;

/// The name of the work group that every account has.
pub const PRIMARY: &str = "primary";

/// A work group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkGroup {
    /// 1 to 128 letters, digits, `.`, `_`, `-`.
    pub name: String,
    /// Whether queries may be started in it.
    pub enabled: bool,
    /// Free text.
    pub description: Option<String>,
    /// The request's `Configuration`, every member as given.
    pub configuration: Map<String, Value>,
    /// Epoch milliseconds.
    pub created_ms: i64,
}

impl WorkGroup {
    fn primary(created_ms: i64) -> Self {
        Self {
            name: PRIMARY.to_owned(),
            enabled: true,
            description: None,
            configuration: Map::new(),
            created_ms,
        }
    }

    /// `Configuration.ResultConfiguration.OutputLocation`.
    pub fn output_location(&self) -> Option<&str> {
        self.configuration
            .get("ResultConfiguration")?
            .get("OutputLocation")?
            .as_str()
            .filter(|text| !text.is_empty())
    }

    /// Whether the group's configuration wins over the query's; true unless said otherwise, as on AWS. Only a group
    /// that has an output location can enforce it.
    pub fn enforces(&self) -> bool {
        let said = self.configuration.get("EnforceWorkGroupConfiguration").and_then(Value::as_bool);
        // `primary` was never configured by anybody: it leaves the choice to its queries.
        said.unwrap_or(self.name != PRIMARY) && self.output_location().is_some()
    }
}

/// Looks a work group up. Errors: `WorkGroupNotFound`.
pub async fn get(tx: &mut Tx, scope: &Scope, name: &str) -> Result<WorkGroup, QueryError> {
    match rows::work_group(tx, scope, name).await? {
        Some(found) => Ok(found),
        None if name == PRIMARY => Ok(WorkGroup::primary(0)),
        None => Err(QueryError::WorkGroupNotFound { name: name.to_owned() }),
    }
}

/// Makes a work group. Errors: `WorkGroupExists`.
pub async fn create(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    description: Option<String>,
    configuration: Map<String, Value>,
) -> Result<WorkGroup, QueryError> {
    if name == PRIMARY || rows::work_group(tx, scope, name).await?.is_some() {
        return Err(QueryError::WorkGroupExists { name: name.to_owned() });
    }
    let created_ms = tx.now_ms();
    let group = WorkGroup { name: name.to_owned(), enabled: true, description, configuration, created_ms };
    rows::put_work_group(tx, scope, &group).await?;
    Ok(group)
}

/// What to change of a work group; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// `State`.
    pub enabled: Option<bool>,
    /// `Description`.
    pub description: Option<String>,
    /// Members of the configuration to set.
    pub configuration: Map<String, Value>,
    /// Members of the configuration to remove; a path of names.
    pub remove: Vec<&'static [&'static str]>,
}

/// Changes a work group. Errors: `WorkGroupNotFound`.
pub async fn update(tx: &mut Tx, scope: &Scope, name: &str, changes: Changes) -> Result<(), QueryError> {
    let mut group = get(tx, scope, name).await?;
    group.enabled = changes.enabled.unwrap_or(group.enabled);
    group.description = changes.description.or(group.description);
    for path in changes.remove {
        remove(&mut group.configuration, path);
    }
    merge(&mut group.configuration, changes.configuration);
    rows::put_work_group(tx, scope, &group).await
}

fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

fn remove(from: &mut Map<String, Value>, path: &[&str]) {
    match path {
        [] => {}
        [last] => {
            from.shift_remove(*last);
        }
        [first, rest @ ..] => {
            if let Some(Value::Object(inner)) = from.get_mut(*first) {
                remove(inner, rest);
            }
        }
    }
}

/// Deletes a work group; with `recursive` its executions go too, without it there may be none.
/// Errors: `WorkGroupNotFound`, `Invalid` for `primary` and for a group that is not empty.
pub async fn delete(tx: &mut Tx, scope: &Scope, name: &str, recursive: bool) -> Result<(), QueryError> {
    if name == PRIMARY {
        return Err(QueryError::invalid("Primary workgroup cannot be deleted"));
    }
    get(tx, scope, name).await?;
    if !recursive && rows::any_in(tx, scope, name).await? {
        return Err(QueryError::invalid(format!("WorkGroup {name} is not empty")));
    }
    rows::forget(tx, scope, name).await?;
    rows::delete_work_group(tx, scope, name).await
}

/// Work groups by name, up to `limit` after the name `after`; `primary` is always among them.
pub async fn list(
    tx: &mut Tx,
    scope: &Scope,
    after: &str,
    limit: usize,
) -> Result<Vec<WorkGroup>, QueryError> {
    let mut found = rows::work_groups(tx, scope, after, limit).await?;
    let stored = rows::work_group(tx, scope, PRIMARY).await?.is_some();
    if !stored && PRIMARY > after {
        let at = found.partition_point(|group| group.name.as_str() < PRIMARY);
        found.insert(at, WorkGroup::primary(0));
        found.truncate(limit);
    }
    Ok(found)
}
