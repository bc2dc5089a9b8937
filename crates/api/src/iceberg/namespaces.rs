//! Namespaces: one level, the databases of the catalog.

use std::collections::BTreeMap;

use ::tables::Tables;
use serde::Deserialize;
use serde_json::json;

use super::errors::Problem;
use super::{Answer, Asked};

/// What parts the levels of a namespace in a path.
const SEPARATOR: char = '\u{1f}';

#[derive(Deserialize)]
struct Create {
    namespace: Vec<String>,
    #[serde(default)]
    properties: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Update {
    #[serde(default)]
    removals: Vec<String>,
    #[serde(default)]
    updates: BTreeMap<String, String>,
}

/// A namespace in a path; there is none of several levels.
pub(super) fn in_path(text: &str) -> Result<&str, Problem> {
    if text.contains(SEPARATOR) {
        return Err(Problem::NestedNamespace { levels: text.split(SEPARATOR).map(str::to_owned).collect() });
    }
    Ok(text)
}

/// A namespace in a document.
pub(super) fn in_document(levels: &[String]) -> Result<&str, Problem> {
    match levels {
        [one] => in_path(one),
        [] => Err(Problem::BadRequest("A namespace needs a name.".to_owned())),
        several => Err(Problem::NestedNamespace { levels: several.to_vec() }),
    }
}

pub(super) async fn list(tables: &Tables, asked: &Asked) -> Result<Answer, Problem> {
    let scope = &asked.context.scope;
    if let Some(parent) = asked.parameter("parent") {
        // Nothing is below a database.
        tables.namespace(scope, in_path(parent)?).await?;
        return Ok(Answer::document(json!({ "namespaces": [], "next-page-token": null })));
    }
    let (token, limit) = asked.page()?;
    let page = tables.list_namespaces(scope, token, limit).await?;
    let names: Vec<[String; 1]> = page.names.into_iter().map(|name| [name]).collect();
    Ok(Answer::document(json!({ "namespaces": names, "next-page-token": asked.next(page.next) })))
}

pub(super) async fn create(tables: &Tables, asked: &Asked) -> Result<Answer, Problem> {
    let request: Create = asked.document()?;
    let name = match in_document(&request.namespace) {
        Err(Problem::NestedNamespace { .. }) => {
            let message =
                "Namespaces of several levels are not supported: a namespace is a database of the catalog.";
            return Err(Problem::BadRequest(message.to_owned()));
        }
        named => named?,
    };
    let made = tables.create_namespace(&asked.context.scope, name, request.properties).await?;
    Ok(Answer::document(json!({ "namespace": [made.name], "properties": made.properties })))
}

pub(super) async fn load(tables: &Tables, asked: &Asked, name: &str) -> Result<Answer, Problem> {
    let found = tables.namespace(&asked.context.scope, in_path(name)?).await?;
    Ok(Answer::document(json!({ "namespace": [found.name], "properties": found.properties })))
}

pub(super) async fn exists(tables: &Tables, asked: &Asked, name: &str) -> Result<Answer, Problem> {
    tables.namespace(&asked.context.scope, in_path(name)?).await?;
    Ok(Answer::empty())
}

pub(super) async fn delete(tables: &Tables, asked: &Asked, name: &str) -> Result<Answer, Problem> {
    tables.drop_namespace(&asked.context.scope, in_path(name)?).await?;
    Ok(Answer::empty())
}

pub(super) async fn update(tables: &Tables, asked: &Asked, name: &str) -> Result<Answer, Problem> {
    let request: Update = asked.document()?;
    let scope = &asked.context.scope;
    let change = tables.update_namespace(scope, in_path(name)?, request.updates, &request.removals).await?;
    Ok(Answer::document(json!({
        "updated": change.updated,
        "removed": change.removed,
        "missing": change.missing,
    })))
}
