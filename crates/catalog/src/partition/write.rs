//! Making, changing and deleting partitions.

use std::collections::{BTreeMap, BTreeSet};

use store::{Scope, Tx, Value, params};

use crate::error::{CatalogError, to_doc};
use crate::layout::bucket;
use crate::model::PartitionInput;
use crate::names;
use crate::partition::PartitionError;
use crate::partition::delta::Delta;
use crate::partition::read::{Stored, check_count, keys, load};
use crate::partition::shape::{Split, split};
use crate::schema::INDEXED_POSITIONS;
use crate::statistics;
use crate::table::{self, Table};

const COLUMNS: [&str; 11] =
    ["table_uid", "vkey", "seg", "k1", "k2", "k3", "k4", "vals", "shape", "created_ms", "doc"];

/// Makes one partition.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `PartitionExists`, `InvalidInput`.
pub async fn create(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
    input: PartitionInput,
) -> Result<(), CatalogError> {
    let mut errors = batch_create(tx, scope, database, name, vec![input]).await?;
    errors.pop().map_or(Ok(()), |failed| Err(failed.error))
}

/// Makes partitions, any number of them; those that exist are reported and left as they are.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `InvalidInput` (nothing is made then).
pub async fn batch_create(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
    inputs: Vec<PartitionInput>,
) -> Result<Vec<PartitionError>, CatalogError> {
    let table = table::stored(tx, scope, database, name).await?;
    let (keyed, existing) = keyed(tx, &table, inputs).await?;
    let mut batch = Batch::new(&table, tx.now_ms());
    let mut errors = Vec::new();
    for (vkey, input) in keyed {
        if existing.contains_key(&vkey) || !batch.seen.insert(vkey.clone()) {
            let values = input.values;
            let error = CatalogError::PartitionExists { values: values.clone() };
            errors.push(PartitionError { values, error });
        } else {
            batch.add(vkey, input, None)?;
        }
    }
    batch.write(tx).await?;
    Ok(errors)
}

/// What [`upsert`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upserted {
    /// Partitions that are new.
    pub created: usize,
    /// Partitions that existed and were replaced.
    pub updated: usize,
}

/// Makes partitions or replaces those that exist, any number of them; the last of the same values
/// counts.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `InvalidInput` (nothing is changed then).
pub async fn upsert(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
    inputs: Vec<PartitionInput>,
) -> Result<Upserted, CatalogError> {
    let table = table::stored(tx, scope, database, name).await?;
    let (keyed, mut existing) = keyed(tx, &table, inputs).await?;
    let last: BTreeMap<Vec<u8>, PartitionInput> = keyed.into_iter().collect();
    let mut batch = Batch::new(&table, tx.now_ms());
    let mut done = Upserted::default();
    for (vkey, input) in last {
        match existing.remove(&vkey) {
            Some(old) => {
                done.updated += 1;
                batch.replace(old, vkey, input)?;
            }
            None => {
                done.created += 1;
                batch.add(vkey, input, None)?;
            }
        }
    }
    batch.write(tx).await?;
    Ok(done)
}

/// Replaces one partition; other values in `input` move it.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `PartitionNotFound`, `PartitionExists` where it would
/// move to, `InvalidInput`.
pub async fn update(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
    values: &[String],
    input: PartitionInput,
) -> Result<(), CatalogError> {
    let table = table::stored(tx, scope, database, name).await?;
    replace_one(tx, &table, values, input).await
}

/// Replaces partitions; those that fail are reported.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `InvalidInput` when values do not fit the keys (what
/// was done before must then be rolled back by dropping the transaction).
pub async fn batch_update(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
    updates: Vec<(Vec<String>, PartitionInput)>,
) -> Result<Vec<PartitionError>, CatalogError> {
    let table = table::stored(tx, scope, database, name).await?;
    for (values, _) in &updates {
        check_count(&table, values)?;
    }
    let mut errors = Vec::new();
    for (values, input) in updates {
        match replace_one(tx, &table, &values, input).await {
            Ok(()) => {}
            Err(error @ (CatalogError::PartitionNotFound { .. } | CatalogError::PartitionExists { .. })) => {
                errors.push(PartitionError { values, error });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(errors)
}

async fn replace_one(
    tx: &mut Tx,
    table: &Table,
    values: &[String],
    mut input: PartitionInput,
) -> Result<(), CatalogError> {
    check_count(table, values)?;
    if input.values.is_empty() {
        input.values = values.to_vec();
    }
    check_count(table, &input.values)?;
    let (from, to) = (table.layout.vkey(values), table.layout.vkey(&input.values));
    let Some(old) = load(tx, table, std::slice::from_ref(&from)).await?.pop() else {
        return Err(CatalogError::PartitionNotFound { values: values.to_vec() });
    };
    if from != to && !load(tx, table, std::slice::from_ref(&to)).await?.is_empty() {
        return Err(CatalogError::PartitionExists { values: input.values });
    }
    if from != to {
        statistics::carry(tx, table, &from, &to).await?;
    }
    let mut batch = Batch::new(table, tx.now_ms());
    batch.replace(old, to, input)?;
    batch.write(tx).await
}

/// Deletes one partition.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `PartitionNotFound`, `InvalidInput`.
pub async fn delete(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
    values: &[String],
) -> Result<(), CatalogError> {
    let wanted = [values.to_vec()];
    let mut errors = batch_delete(tx, scope, database, name, &wanted).await?;
    errors.pop().map_or(Ok(()), |failed| Err(failed.error))
}

/// Deletes partitions, any number of them; those that do not exist are reported.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `InvalidInput` (nothing is deleted then).
pub async fn batch_delete(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
    wanted: &[Vec<String>],
) -> Result<Vec<PartitionError>, CatalogError> {
    let table = table::stored(tx, scope, database, name).await?;
    let keys = keys(&table, wanted)?;
    let rows = load(tx, &table, &keys).await?;
    let mut existing: BTreeMap<_, _> = rows.into_iter().map(|row| (row.vkey.clone(), row)).collect();
    let mut batch = Batch::new(&table, tx.now_ms());
    let mut errors = Vec::new();
    for (values, key) in wanted.iter().zip(&keys) {
        match existing.remove(key) {
            Some(row) => batch.remove(row),
            None => errors.push(PartitionError {
                values: values.clone(),
                error: CatalogError::PartitionNotFound { values: values.clone() },
            }),
        }
    }
    batch.write(tx).await?;
    Ok(errors)
}

type Keyed = Vec<(Vec<u8>, PartitionInput)>;

/// Checks inputs and finds which of them exist.
async fn keyed(
    tx: &mut Tx,
    table: &Table,
    inputs: Vec<PartitionInput>,
) -> Result<(Keyed, BTreeMap<Vec<u8>, Stored>), CatalogError> {
    if table.partition_keys().is_empty() && !inputs.is_empty() {
        return Err(CatalogError::invalid(format!(
            "Table {} has no partition keys, so that it can have no partitions.",
            table.name
        )));
    }
    let mut keyed = Vec::with_capacity(inputs.len());
    for input in inputs {
        check_count(table, &input.values)?;
        keyed.push((table.layout.vkey(&input.values), input));
    }
    let keys: Vec<_> = keyed.iter().map(|(key, _)| key.clone()).collect();
    let rows = load(tx, table, &keys).await?;
    Ok((keyed, rows.into_iter().map(|row| (row.vkey.clone(), row)).collect()))
}

/// Rows that go and rows that come, with the counts that change along.
struct Batch<'a> {
    table: &'a Table,
    now_ms: i64,
    seen: BTreeSet<Vec<u8>>,
    gone: Vec<Vec<u8>>,
    rows: Vec<Vec<Value>>,
    delta: Delta,
}

impl Batch<'_> {
    fn new(table: &Table, now_ms: i64) -> Batch<'_> {
        let (seen, gone, rows) = (BTreeSet::new(), Vec::new(), Vec::new());
        Batch { table, now_ms, seen, gone, rows, delta: Delta::default() }
    }

    fn add(
        &mut self,
        vkey: Vec<u8>,
        mut input: PartitionInput,
        created_ms: Option<i64>,
    ) -> Result<(), CatalogError> {
        names::fold_descriptor(input.storage_descriptor.as_mut());
        let values = std::mem::take(&mut input.values);
        let Split { doc, shape } = split(input)?;
        self.delta.add(&values, shape.as_ref());
        self.seen.insert(vkey.clone());
        let mut row = vec![Value::from(self.table.uid.0), vkey.into(), bucket(&values).into()];
        row.extend((1..INDEXED_POSITIONS).map(|position| self.index_value(position, &values)));
        row.push(to_doc("partition", &values)?.into());
        row.push(shape.map(|(hash, _)| hash).into());
        row.push(created_ms.unwrap_or(self.now_ms).into());
        row.push(doc.into());
        self.rows.push(row);
        Ok(())
    }

    fn index_value(&self, position: usize, values: &[String]) -> Value {
        let value = values.get(position);
        value.map(|value| self.table.layout.component(position, value)).into()
    }

    fn remove(&mut self, row: Stored) {
        self.delta.remove(&row.values, row.shape);
        self.gone.push(row.vkey);
    }

    fn replace(&mut self, old: Stored, vkey: Vec<u8>, input: PartitionInput) -> Result<(), CatalogError> {
        let created_ms = old.created_ms;
        self.remove(old);
        self.add(vkey, input, Some(created_ms))
    }

    async fn write(self, tx: &mut Tx) -> Result<(), CatalogError> {
        // A partition that is replaced keeps its statistics, as a table does.
        let mut gone_for_good = self.gone.clone();
        gone_for_good.retain(|vkey| !self.seen.contains(vkey));
        statistics::forget(tx, self.table, gone_for_good).await?;
        for vkey in self.gone {
            tx.execute(
                "DELETE FROM catalog_partitions WHERE table_uid = $1 AND vkey = $2",
                &params![self.table.uid.0, vkey],
            )
            .await?;
        }
        if !self.rows.is_empty() {
            tx.insert_many("catalog_partitions", &COLUMNS, &self.rows).await?;
        }
        self.delta.apply(tx, self.table.uid).await
    }
}
