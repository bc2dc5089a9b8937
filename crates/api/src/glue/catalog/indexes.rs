//! Partition indexes.

use catalog::partition::index::{self, Index, IndexInput};
use serde_json::{Value, json};
use wire::{Call, Fault, Reply};

use super::partitions::table;
use super::{Catalog, commit, required, scope, structure};
use crate::glue::errors;

pub(super) async fn create(catalog: &Catalog, mut call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let input: IndexInput = structure(&mut call, "PartitionIndex")?;
    let (database, name) = table(&call);
    let mut tx = catalog.begin().await?;
    index::create(&mut tx, &scope, database, name, input).await.map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

pub(super) async fn delete(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    let (database, name) = table(&call);
    let mut tx = catalog.begin().await?;
    index::delete(&mut tx, &scope, database, name, required(&call, "IndexName"))
        .await
        .map_err(errors::catalog)?;
    commit(tx).await?;
    Ok(Reply::empty())
}

/// There are three at most, so that one page holds them all.
pub(super) async fn list(catalog: &Catalog, call: Call) -> Result<Reply, Fault> {
    let scope = scope(&call)?;
    if call.text("NextToken").is_some_and(|token| !token.is_empty()) {
        return Err(errors::catalog(::catalog::CatalogError::InvalidToken));
    }
    let (database, name) = table(&call);
    let mut tx = catalog.read().await?;
    let found = index::list(&mut tx, &scope, database, name).await.map_err(errors::catalog)?;
    let list: Vec<Value> = found.into_iter().map(shown).collect();
    Ok(Reply::from(json!({ "PartitionIndexDescriptorList": list })))
}

fn shown(found: Index) -> Value {
    let keys: Vec<Value> =
        found.keys.iter().map(|(name, hive)| json!({ "Name": name, "Type": hive })).collect();
    let mut value = json!({
        "IndexName": found.name, "Keys": keys, "IndexStatus": if found.active { "ACTIVE" } else { "FAILED" },
    });
    if !found.active {
        let (code, partitions) = match found.bad_partitions.is_empty() {
            true => ("INTERNAL_ERROR", Vec::new()),
            false => ("INVALID_PARTITION_TYPE_DATA_ERROR", found.bad_partitions),
        };
        let named = partitions.iter().filter(|values| !values.is_empty());
        let named: Vec<Value> = named.map(|values| json!({ "Values": values })).collect();
        value["BackfillErrors"] = json!([{ "Code": code, "Partitions": named }]);
    }
    value
}
