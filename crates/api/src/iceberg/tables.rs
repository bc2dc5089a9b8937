//! Tables: listing, making, loading, committing, renaming, dropping.

use std::collections::BTreeMap;

use ::tables::metadata::{PartitionSpec, Schema, SortOrder};
use ::tables::{CreateTable, Identifier, LoadedTable, TableCommit, TableRequirement, TableUpdate, Tables};
use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::Problem;
use super::namespaces::{in_document, in_path};
use super::{Answer, Asked};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Create {
    name: String,
    location: Option<String>,
    schema: Schema,
    partition_spec: Option<PartitionSpec>,
    write_order: Option<SortOrder>,
    #[serde(default)]
    stage_create: Option<bool>,
    #[serde(default)]
    properties: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Named {
    namespace: Vec<String>,
    name: String,
}

#[derive(Deserialize)]
struct Commit {
    identifier: Option<Named>,
    requirements: Vec<TableRequirement>,
    updates: Vec<TableUpdate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Commits {
    table_changes: Vec<Commit>,
}

#[derive(Deserialize)]
struct Rename {
    source: Named,
    destination: Named,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Register {
    name: String,
    metadata_location: String,
    #[serde(default)]
    overwrite: Option<bool>,
}

impl Named {
    fn identifier(&self) -> Result<Identifier, Problem> {
        Ok(Identifier { namespace: in_document(&self.namespace)?.to_owned(), name: self.name.clone() })
    }
}

fn identifier(namespace: &str, name: &str) -> Result<Identifier, Problem> {
    Ok(Identifier { namespace: in_path(namespace)?.to_owned(), name: name.to_owned() })
}

/// The specification's `LoadTableResult`.
fn loaded(table: &LoadedTable) -> Result<Answer, Problem> {
    Ok(Answer::document(json!({
        "metadata-location": table.metadata_location,
        "metadata": document(&table.metadata)?,
        "config": {},
    })))
}

fn document(metadata: &::tables::metadata::TableMetadata) -> Result<Value, Problem> {
    metadata.to_value().map_err(|error| Problem::Internal(error.to_string()))
}

pub(super) async fn list(tables: &Tables, asked: &Asked, namespace: &str) -> Result<Answer, Problem> {
    let (token, limit) = asked.page()?;
    let namespace = in_path(namespace)?.to_lowercase();
    let page = tables.list(&asked.context.scope, &namespace, token, limit).await?;
    let named = |name| json!({ "namespace": [namespace], "name": name });
    let identifiers: Vec<Value> = page.names.into_iter().map(named).collect();
    Ok(Answer::document(json!({ "identifiers": identifiers, "next-page-token": asked.next(page.next) })))
}

pub(super) async fn create(tables: &Tables, asked: &Asked, namespace: &str) -> Result<Answer, Problem> {
    let request: Create = asked.document()?;
    let staged = request.stage_create == Some(true);
    let request = CreateTable {
        entry: None,
        table: identifier(namespace, &request.name)?,
        location: request.location,
        schema: request.schema,
        partition_spec: request.partition_spec,
        write_order: request.write_order,
        properties: request.properties.unwrap_or_default(),
    };
    let context = &asked.context;
    let warehouse = context.warehouse.as_deref();
    if staged {
        let staged = tables.stage_create(&context.scope, request, warehouse).await?;
        let metadata = document(&staged.metadata)?;
        return Ok(Answer::document(
            json!({ "metadata-location": null, "metadata": metadata, "config": {} }),
        ));
    }
    loaded(&tables.create(&context.scope, request, warehouse, &context.caller).await?)
}

pub(super) async fn register(tables: &Tables, asked: &Asked, namespace: &str) -> Result<Answer, Problem> {
    let request: Register = asked.document()?;
    if request.overwrite == Some(true) {
        let message = "Registering over a table is not built: drop the table first.";
        return Err(Problem::NotBuilt(message.to_owned()));
    }
    let table = identifier(namespace, &request.name)?;
    let context = &asked.context;
    let location = &request.metadata_location;
    loaded(&tables.register(&context.scope, &table, location, &context.caller).await?)
}

pub(super) async fn load(
    tables: &Tables,
    asked: &Asked,
    namespace: &str,
    name: &str,
) -> Result<Answer, Problem> {
    let mut table = tables.load(&asked.context.scope, &identifier(namespace, name)?).await?;
    match asked.parameter("snapshots") {
        None | Some("all") => {}
        Some("refs") => table.metadata = table.metadata.with_referenced_snapshots(),
        Some(_) => return Err(Problem::BadRequest("snapshots must be all or refs".to_owned())),
    }
    loaded(&table)
}

pub(super) async fn exists(
    tables: &Tables,
    asked: &Asked,
    namespace: &str,
    name: &str,
) -> Result<Answer, Problem> {
    tables.check_exists(&asked.context.scope, &identifier(namespace, name)?).await?;
    Ok(Answer::empty())
}

pub(super) async fn delete(
    tables: &Tables,
    asked: &Asked,
    namespace: &str,
    name: &str,
) -> Result<Answer, Problem> {
    let purge = asked.parameter("purgeRequested").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    tables.drop_table(&asked.context.scope, &identifier(namespace, name)?, purge).await?;
    Ok(Answer::empty())
}

pub(super) async fn commit(
    tables: &Tables,
    asked: &Asked,
    namespace: &str,
    name: &str,
) -> Result<Answer, Problem> {
    let request: Commit = asked.document()?;
    let table = identifier(namespace, name)?;
    if let Some(named) = &request.identifier {
        let named = named.identifier()?;
        let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
        if !same(&named.namespace, &table.namespace) || !same(&named.name, &table.name) {
            let message = "The identifier in the request is not the table in its path.";
            return Err(Problem::BadRequest(message.to_owned()));
        }
    }
    let commit = TableCommit { table, requirements: request.requirements, updates: request.updates };
    let context = &asked.context;
    let done =
        tables.commit(&context.scope, &[commit], context.warehouse.as_deref(), &context.caller).await?;
    let Some(table) = done.first() else {
        return Err(Problem::Internal("a commit of one table gave none back".to_owned()));
    };
    Ok(Answer::document(json!({
        "metadata-location": table.metadata_location,
        "metadata": document(&table.metadata)?,
    })))
}

pub(super) async fn commit_many(tables: &Tables, asked: &Asked) -> Result<Answer, Problem> {
    let request: Commits = asked.document()?;
    let mut commits = Vec::new();
    for change in request.table_changes {
        let Some(named) = &change.identifier else {
            return Err(Problem::BadRequest("Every table change needs an identifier.".to_owned()));
        };
        let table = named.identifier()?;
        commits.push(TableCommit { table, requirements: change.requirements, updates: change.updates });
    }
    let context = &asked.context;
    tables.commit(&context.scope, &commits, context.warehouse.as_deref(), &context.caller).await?;
    Ok(Answer::empty())
}

pub(super) async fn rename(tables: &Tables, asked: &Asked) -> Result<Answer, Problem> {
    let request: Rename = asked.document()?;
    let (from, to) = (request.source.identifier()?, request.destination.identifier()?);
    tables.rename(&asked.context.scope, &from, &to).await?;
    Ok(Answer::empty())
}

/// Takes a report of a client about a scan or commit of its own: it is logged, nothing else.
pub(super) async fn report_metrics(
    tables: &Tables,
    asked: &Asked,
    namespace: &str,
    name: &str,
) -> Result<Answer, Problem> {
    let report: Value = asked.document()?;
    let table = identifier(namespace, name)?;
    tables.check_exists(&asked.context.scope, &table).await?;
    tracing::debug!(namespace = table.namespace, table = table.name, %report, "a client's metrics");
    Ok(Answer::empty())
}
