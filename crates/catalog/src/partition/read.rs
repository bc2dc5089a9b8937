//! Reading partitions by their values.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use store::{Row, Scope, Tx, Value, params};

use crate::error::{CatalogError, from_doc};
use crate::model::StorageDescriptor;
use crate::partition::Partition;
use crate::partition::shape::{ShapeHash, join};
use crate::table::{self, Table};

/// Keys that one query asks for; well below the bind limit of every back end.
pub(crate) const KEYS_PER_QUERY: usize = 500;

/// A partition's row, before its shape is joined.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) vkey: Vec<u8>,
    pub(crate) values: Vec<String>,
    pub(crate) shape: Option<ShapeHash>,
    pub(crate) created_ms: i64,
    pub(crate) doc: String,
}

pub(crate) const STORED: &str = "vkey, vals, shape, created_ms, doc";

impl Stored {
    /// Reads the columns [`STORED`].
    pub(crate) fn from_row(row: &Row) -> Result<Stored, CatalogError> {
        Ok(Stored {
            vkey: row.get(0)?,
            values: from_doc("partition", &row.get::<String>(1)?)?,
            shape: row.get(2)?,
            created_ms: row.get(3)?,
            doc: row.get(4)?,
        })
    }
}

impl Stored {
    /// About how much the partition weighs in an answer.
    pub(crate) fn bytes(&self) -> usize {
        self.doc.len() + self.values.iter().map(String::len).sum::<usize>()
    }
}

/// Refuses values that do not fit a table's keys.
pub(crate) fn check_count(table: &Table, values: &[String]) -> Result<(), CatalogError> {
    if values.len() == table.partition_keys().len() {
        return Ok(());
    }
    Err(CatalogError::invalid("The number of partition keys do not match the number of partition values"))
}

/// The keys of partitions by their values. Errors: `InvalidInput` for a wrong number of values.
pub(crate) fn keys(table: &Table, wanted: &[Vec<String>]) -> Result<Vec<Vec<u8>>, CatalogError> {
    let key =
        |values: &Vec<String>| check_count(table, values).map(|()| table.layout.vkey(values.as_slice()));
    wanted.iter().map(key).collect()
}

/// The keys of those partitions that exist. Errors: `InvalidInput` for a wrong number of values.
pub(crate) async fn read_keys(
    tx: &mut Tx,
    table: &Table,
    wanted: &[Vec<String>],
) -> Result<Vec<Vec<u8>>, CatalogError> {
    let keys = keys(table, wanted)?;
    Ok(load(tx, table, &keys).await?.into_iter().map(|row| row.vkey).collect())
}

/// Reads the rows of keys, in the order of the keys; those that do not exist are left out.
pub(crate) async fn load(tx: &mut Tx, table: &Table, keys: &[Vec<u8>]) -> Result<Vec<Stored>, CatalogError> {
    let mut found = BTreeMap::new();
    for chunk in keys.chunks(KEYS_PER_QUERY) {
        let mut sql = format!("SELECT {STORED} FROM catalog_partitions WHERE table_uid = $1 AND vkey IN (");
        let mut parameters = vec![Value::from(table.uid.0)];
        for (index, key) in chunk.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(sql, "{comma}${}", index + 2);
            parameters.push(Value::from(key.clone()));
        }
        sql.push(')');
        for row in tx.query(&sql, &parameters).await? {
            let stored = Stored::from_row(&row)?;
            found.insert(stored.vkey.clone(), stored);
        }
    }
    Ok(keys.iter().filter_map(|key| found.get(key).cloned()).collect())
}

/// The shapes of one table that a reader has seen.
#[derive(Default)]
pub(crate) struct Shapes {
    known: BTreeMap<ShapeHash, StorageDescriptor>,
    without_columns: bool,
}

impl Shapes {
    /// Shapes whose columns are left out.
    pub(crate) fn new(without_columns: bool) -> Shapes {
        Shapes { known: BTreeMap::new(), without_columns }
    }

    /// Joins rows with their shapes.
    pub(crate) async fn join(
        &mut self,
        tx: &mut Tx,
        table: &Table,
        rows: Vec<Stored>,
    ) -> Result<Vec<Partition>, CatalogError> {
        let wanted: BTreeSet<&ShapeHash> = rows.iter().filter_map(|row| row.shape.as_ref()).collect();
        for hash in wanted {
            if self.known.contains_key(hash) {
                continue;
            }
            let row = tx
                .query_opt(
                    "SELECT doc FROM catalog_shapes WHERE table_uid = $1 AND hash = $2",
                    &params![table.uid.0, hash.clone()],
                )
                .await?;
            if let Some(row) = row {
                let mut shape: StorageDescriptor = from_doc("storage descriptor", &row.get::<String>(0)?)?;
                if self.without_columns {
                    shape.columns = None;
                }
                self.known.insert(hash.clone(), shape);
            }
        }
        rows.into_iter().map(|row| self.partition(table, row)).collect()
    }

    fn partition(&self, table: &Table, row: Stored) -> Result<Partition, CatalogError> {
        let shape = row.shape.as_ref().and_then(|hash| self.known.get(hash));
        Ok(Partition {
            database_name: table.database_name.clone(),
            table_name: table.name.clone(),
            created_ms: row.created_ms,
            input: join(&row.doc, shape, row.values)?,
        })
    }
}

/// Reads one partition.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `PartitionNotFound`, `InvalidInput` when the number
/// of values is not that of the keys.
pub async fn get(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
    values: &[String],
) -> Result<Partition, CatalogError> {
    let table = table::stored(tx, scope, database, name).await?;
    check_count(&table, values)?;
    let rows = load(tx, &table, &[table.layout.vkey(values)]).await?;
    let found = Shapes::default().join(tx, &table, rows).await?.pop();
    found.ok_or_else(|| CatalogError::PartitionNotFound { values: values.to_vec() })
}

/// Reads several partitions, in the order asked for; those that do not exist are left out, as Glue
/// does.
/// Errors: as [`get`], without `PartitionNotFound`.
pub async fn batch_get(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
    wanted: &[Vec<String>],
) -> Result<Vec<Partition>, CatalogError> {
    let table = table::stored(tx, scope, database, name).await?;
    let keys = keys(&table, wanted)?;
    let rows = load(tx, &table, &keys).await?;
    Shapes::default().join(tx, &table, rows).await
}
