//! `MSCK REPAIR TABLE`: adds the partitions whose `key=value` folders are there. It removes none, as on Athena.
//!
//! Folders are found level by level with delimiter listings, so the cost is that of the folders, not of the files.
//! Partitions are added in batches, each one transaction; a repair that was cut off can simply be run again.

use std::collections::HashMap;

use catalog::{PartitionInput, StorageDescriptor, Table, partition};
use lake::{BucketName, ListQuery};
use tokio_util::sync::CancellationToken;

use super::RunError;
use super::ddl::{Context, Shown};
use super::statement::Ground;
use crate::sql::Name;

/// Partitions added by one transaction.
const BATCH: usize = 500;

struct Found {
    values: Vec<String>,
    prefix: String,
}

pub(super) async fn run(
    ground: &Ground,
    context: &Context<'_>,
    name: &Name,
    cancel: &CancellationToken,
) -> Result<Shown, RunError> {
    let mut tx = ground.store.read().await?;
    let table = context.table(&mut tx, name).await?;
    drop(tx);
    let keys: Vec<&str> = table.partition_keys().iter().map(|key| key.name.as_str()).collect();
    if keys.is_empty() {
        return Err(RunError::refused(
            "INVALID_TABLE",
            format!("Table {} is not a partitioned table", table.name),
        ));
    }
    let (bucket, prefix) = location(&table)?;
    let mut tx = ground.store.read().await?;
    ground.lake.check_owner(&mut tx, &bucket, &context.scope.account).await?;
    drop(tx);
    let mut level = vec![Found { values: Vec::new(), prefix }];
    for key in &keys {
        let mut next = Vec::new();
        for folder in level {
            if cancel.is_cancelled() {
                return Err(RunError::Cancelled);
            }
            subfolders(ground, &bucket, key, &folder, &mut next).await?;
        }
        level = next;
    }
    let mut lines = Vec::new();
    let level = without_doubles(level, &mut lines);
    for batch in level.chunks(BATCH) {
        if cancel.is_cancelled() {
            return Err(RunError::Cancelled);
        }
        add(ground, context, &table, &bucket, batch, &mut lines).await?;
    }
    Ok(Shown::of(&["result"], lines))
}

/// Of folders that stand for the same values (`k=` and Hive's folder for NULL, `Day=1` and `day=1`) the first; the result
/// names the others.
fn without_doubles(found: Vec<Found>, lines: &mut Vec<String>) -> Vec<Found> {
    let mut first: HashMap<Vec<String>, String> = HashMap::with_capacity(found.len());
    let mut kept = Vec::with_capacity(found.len());
    for folder in found {
        if let Some(other) = first.get(&folder.values) {
            lines.push(format!(
                "Repair: Folder {} stands for the same values as {other}; it is left out",
                folder.prefix
            ));
            continue;
        }
        first.insert(folder.values.clone(), folder.prefix.clone());
        kept.push(folder);
    }
    kept
}

fn location(table: &Table) -> Result<(BucketName, String), RunError> {
    let text = table.location().unwrap_or_default();
    let invalid =
        || RunError::refused("HIVE_FILESYSTEM_ERROR", format!("location '{text}' is no s3:// folder"));
    let (bucket, prefix) = text
        .strip_prefix("s3://")
        .map(|rest| rest.split_once('/').unwrap_or((rest, "")))
        .ok_or_else(invalid)?;
    let bucket = BucketName::new(bucket).map_err(|_| invalid())?;
    let slash = if prefix.is_empty() || prefix.ends_with('/') { "" } else { "/" };
    Ok((bucket, format!("{prefix}{slash}")))
}

/// Adds the folders `key=value` in `folder` to `out`; Hive compares the key without regard to case.
async fn subfolders(
    ground: &Ground,
    bucket: &BucketName,
    key: &str,
    folder: &Found,
    out: &mut Vec<Found>,
) -> Result<(), RunError> {
    let mut query = ListQuery {
        prefix: folder.prefix.clone(),
        delimiter: Some("/".to_owned()),
        after: None,
        limit: 1_000,
    };
    loop {
        let mut tx = ground.store.read().await?;
        let page = ground.lake.list(&mut tx, bucket, &query).await?;
        for prefix in page.common_prefixes {
            let name = &prefix[folder.prefix.len()..].trim_end_matches('/');
            let Some((found, value)) = name.split_once('=') else { continue };
            if unescape(found).eq_ignore_ascii_case(key) {
                let values = folder.values.iter().cloned().chain([value_of(value)]).collect();
                out.push(Found { values, prefix: prefix.clone() });
            }
        }
        query.after = page.next;
        if query.after.is_none() {
            return Ok(());
        }
    }
}

/// A folder's value. Hive writes NULL and the empty text alike, and no request could name an empty value: `k=` stands
/// for NULL.
fn value_of(text: &str) -> String {
    if text.is_empty() { engine::hive::NULL_PARTITION.to_owned() } else { unescape(text) }
}

/// Reads `%41` as `A`, as Hive does with folder names; anything else stays.
fn unescape(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().map_or_else(|_| text.to_owned(), Into::into)
}

async fn add(
    ground: &Ground,
    context: &Context<'_>,
    table: &Table,
    bucket: &BucketName,
    batch: &[Found],
    lines: &mut Vec<String>,
) -> Result<(), RunError> {
    let mut tx = ground.store.begin().await?;
    let wanted: Vec<Vec<String>> = batch.iter().map(|found| found.values.clone()).collect();
    let (database, name) = (&table.database_name, &table.name);
    let there = partition::batch_get(&mut tx, context.scope, database, name, &wanted).await?;
    let missing = batch.iter().filter(|found| !there.iter().any(|known| known.values() == found.values));
    let inputs: Vec<PartitionInput> = missing.map(|found| input(table, bucket, found)).collect();
    let keys: Vec<String> = table.partition_keys().iter().map(|key| key.name.clone()).collect();
    lines.extend(inputs.iter().map(|made| added(name, &keys, &made.values)));
    let failed = partition::batch_create(&mut tx, context.scope, database, name, inputs).await?;
    if let Some(first) = failed.into_iter().next() {
        return Err(first.error.into());
    }
    tx.commit().await?;
    Ok(())
}

/// What Hive prints of a partition that it has added.
fn added(table: &str, keys: &[String], values: &[String]) -> String {
    let folder = engine::hive::folder(keys, values);
    format!("Repair: Added partition to metastore {table}:{}", folder.trim_end_matches('/'))
}

fn input(table: &Table, bucket: &BucketName, found: &Found) -> PartitionInput {
    let location = format!("s3://{}/{}", bucket.as_str(), found.prefix);
    let descriptor = table.storage_descriptor().cloned().unwrap_or_default();
    PartitionInput {
        values: found.values.clone(),
        storage_descriptor: Some(StorageDescriptor { location: Some(location), ..descriptor }),
        ..PartitionInput::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, added, value_of, without_doubles};

    #[test]
    fn folders_without_a_value_are_null() {
        assert_eq!(value_of(""), "__HIVE_DEFAULT_PARTITION__");
        assert_eq!(value_of("a%20b"), "a b");
        let found = |folder: &str, value: &str| Found {
            values: vec![value_of(value)],
            prefix: format!("t/{folder}/"),
        };
        let mut lines = Vec::new();
        let folders =
            vec![found("k=", ""), found("k=1", "1"), found("k=__HIVE", "__HIVE_DEFAULT_PARTITION__")];
        let kept = without_doubles(folders, &mut lines);
        assert_eq!(kept.iter().map(|f| f.prefix.as_str()).collect::<Vec<_>>(), ["t/k=/", "t/k=1/"]);
        assert_eq!(lines, ["Repair: Folder t/k=__HIVE/ stands for the same values as t/k=/; it is left out"]);
    }

    #[test]
    fn partitions_are_named_by_their_keys_and_values() {
        let texts = |list: [&str; 2]| list.map(str::to_owned);
        let (keys, values) = (texts(["dt", "hour"]), texts(["2026-01-03", "07"]));
        let line = "Repair: Added partition to metastore clicks:dt=2026-01-03";
        assert_eq!(added("clicks", &keys[..1], &values[..1]), line);
        assert_eq!(added("clicks", &keys, &values), format!("{line}/hour=07"));
    }
}
