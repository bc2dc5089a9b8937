//! Partitions.

use catalog::partition::{self, Partition, PartitionError, PartitionQuery, Segment};
use catalog::{CatalogError, Page, PartitionInput};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Scope, Tx};
use wire::{Call, Fault, Reply};

use super::{Catalog, commit, limit, required, scope, structure};
use crate::glue::errors;

/// A list of values, as batches wrap it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ValueList {
    values: Vec<String>,
}

/// An entry of BatchUpdatePartition.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateEntry {
    partition_value_list: Vec<String>,
    partition_input: PartitionInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SegmentInput {
    segment_number: u32,
    total_segments: u32,
}

fn value_lists(call: &mut Call, member: &str) -> Result<Vec<Vec<String>>, Fault> {
    let lists: Vec<ValueList> = structure(call, member)?;
    Ok(lists.into_iter().map(|list| list.values).collect())
}

/// The database and the table of a call.
pub(super) fn table(call: &Call) -> (&str, &str) {
    (required(call, "DatabaseName"), required(call, "TableName"))
}

fn all_shown(partitions: &[Partition], scope: &Scope) -> Vec<Value> {
    partitions.iter().map(|found| found.to_json(scope)).collect()
}

fn failures(failed: Vec<PartitionError>) -> Reply {
    let entry = |one: PartitionError| json!({ "PartitionValues": one.values, "ErrorDetail": errors::detail(&errors::catalog(one.error)) });
    Reply::from(json!({ "Errors": failed.into_iter().map(entry).collect::<Vec<_>>() }))
}

pub(super) async fn create(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let input: PartitionInput = structure(&mut call, "PartitionInput")?;
    let (database, name) = table(&call);
    let mut tx = catalog.begin().await?;
    partition::create(&mut tx, &scope, database, name, input).await.map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn batch_create(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let inputs: Vec<PartitionInput> = structure(&mut call, "PartitionInputList")?;
    let (database, name) = table(&call);
    let mut tx = catalog.begin().await?;
    let failed =
        partition::batch_create(&mut tx, &scope, database, name, inputs).await.map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(failures(failed))
}

pub(super) async fn get(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let values: Vec<String> = structure(&mut call, "PartitionValues")?;
    let (database, name) = table(&call);
    let mut tx = catalog.read().await?;
    let found = partition::get(&mut tx, &scope, database, name, &values).await.map_err(errors::catalog)?;
    Ok(Reply::from(json!({ "Partition": found.to_json(&scope) })))
}

pub(super) async fn batch_get(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let wanted = value_lists(&mut call, "PartitionsToGet")?;
    let (database, name) = table(&call);
    let mut tx = catalog.read().await?;
    let found =
        partition::batch_get(&mut tx, &scope, database, name, &wanted).await.map_err(errors::catalog)?;
    Ok(Reply::from(json!({ "Partitions": all_shown(&found, &scope), "UnprocessedKeys": [] })))
}

/// The page of partitions that a call asks for; `fault` says what becomes of errors.
pub(super) async fn page(
    tx: &mut Tx,
    scope: &Scope,
    call: &mut Call,
    fault: fn(CatalogError) -> Fault,
) -> Result<Page<Partition>, Fault> {
    let segment = match call.input.contains_key("Segment") {
        true => Some(structure::<SegmentInput>(call, "Segment")?),
        false => None,
    };
    let query = PartitionQuery {
        expression: call.text("Expression"),
        segment: segment.map(|given| Segment { number: given.segment_number, total: given.total_segments }),
        after: call.text("NextToken"),
        limit: limit(call, partition::MAX_PAGE),
        exclude_column_schema: call.flag("ExcludeColumnSchema"),
    };
    let (database, name) = table(call);
    partition::list(tx, scope, database, name, &query).await.map_err(fault)
}

pub(super) async fn list(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = catalog.read().await?;
    let page = page(&mut tx, &scope, &mut call, errors::catalog).await?;
    Ok(Reply::from(json!({ "Partitions": all_shown(&page.items, &scope), "NextToken": page.next })))
}

pub(super) async fn update(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let values: Vec<String> = structure(&mut call, "PartitionValueList")?;
    let input: PartitionInput = structure(&mut call, "PartitionInput")?;
    let (database, name) = table(&call);
    let mut tx = catalog.begin().await?;
    partition::update(&mut tx, &scope, database, name, &values, input)
        .await
        .map_err(errors::update_partition)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn batch_update(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let entries: Vec<UpdateEntry> = structure(&mut call, "Entries")?;
    let updates =
        entries.into_iter().map(|entry| (entry.partition_value_list, entry.partition_input)).collect();
    let (database, name) = table(&call);
    let mut tx = catalog.begin().await?;
    let failed =
        partition::batch_update(&mut tx, &scope, database, name, updates).await.map_err(errors::catalog)?;
    commit(tx).await?;
    let entry = |one: PartitionError| {
        let detail = errors::detail(&errors::catalog(one.error));
        json!({ "PartitionValueList": one.values, "ErrorDetail": detail })
    };
    Ok(Reply::from(json!({ "Errors": failed.into_iter().map(entry).collect::<Vec<_>>() })))
}

pub(super) async fn delete(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let values: Vec<String> = structure(&mut call, "PartitionValues")?;
    let (database, name) = table(&call);
    let mut tx = catalog.begin().await?;
    partition::delete(&mut tx, &scope, database, name, &values).await.map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn batch_delete(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let wanted = value_lists(&mut call, "PartitionsToDelete")?;
    let (database, name) = table(&call);
    let mut tx = catalog.begin().await?;
    let failed =
        partition::batch_delete(&mut tx, &scope, database, name, &wanted).await.map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(failures(failed))
}
