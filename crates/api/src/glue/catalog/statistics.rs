//! Statistics of columns, of tables and of partitions.

use catalog::statistics::{self, ColumnError, ColumnStatistics, Of};
use serde_json::{Value, json};
use wire::{Call, Fault, Reply};

use super::partitions::table;
use super::{Catalog, commit, required, scope, structure};
use crate::glue::errors;

/// The values of the partition that a call names.
fn partition(call: &mut Call) -> Result<Vec<String>, Fault> {
    structure(call, "PartitionValues")
}

pub(super) async fn update_table(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    update(catalog, call, Of::Table).await
}

pub(super) async fn update_partition(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let values = partition(&mut call)?;
    update(catalog, call, Of::Partition(&values)).await
}

async fn update(catalog: &Catalog, mut call: Call, of: Of<'_>) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let given: Vec<ColumnStatistics> = structure(&mut call, "ColumnStatisticsList")?;
    let mut tx = catalog.begin().await?;
    let failed =
        statistics::update(&mut tx, &scope, table(&call), of, given).await.map_err(errors::catalog)?;
    commit(tx).await?;
    let entry = |one: ColumnError<ColumnStatistics>| {
        let detail = errors::detail(&errors::catalog(one.error));
        json!({ "ColumnStatistics": one.given, "Error": detail })
    };
    Ok(Reply::from(json!({ "Errors": failed.into_iter().map(entry).collect::<Vec<Value>>() })))
}

pub(super) async fn get_table(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    get(catalog, call, Of::Table).await
}

pub(super) async fn get_partition(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let values = partition(&mut call)?;
    get(catalog, call, Of::Partition(&values)).await
}

async fn get(catalog: &Catalog, mut call: Call, of: Of<'_>) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let columns: Vec<String> = structure(&mut call, "ColumnNames")?;
    let mut tx = catalog.read().await?;
    let (found, failed) =
        statistics::get(&mut tx, &scope, table(&call), of, &columns).await.map_err(errors::catalog)?;
    let entry = |one: ColumnError<String>| json!({ "ColumnName": one.given, "Error": errors::detail(&errors::catalog(one.error)) });
    let failed: Vec<Value> = failed.into_iter().map(entry).collect();
    Ok(Reply::from(json!({ "ColumnStatisticsList": found, "Errors": failed })))
}

pub(super) async fn delete_table(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    delete(catalog, call, Of::Table).await
}

pub(super) async fn delete_partition(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let values = partition(&mut call)?;
    delete(catalog, call, Of::Partition(&values)).await
}

async fn delete(catalog: &Catalog, call: Call, of: Of<'_>) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let mut tx = catalog.begin().await?;
    statistics::delete(&mut tx, &scope, table(&call), of, required(&call, "ColumnName"))
        .await
        .map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(Reply::empty())
}
