//! Partition indexes as clients define them.
//!
//! The first five keys of every table are always indexed ([`crate::schema`]), so that making an index builds nothing. An
//! index is `ACTIVE` exactly when a filter on its first key seeks and its keys' stored values can be compared as their
//! types; what stands in the way is found when the index is looked at, so that the status is never out of date.

use serde::{Deserialize, Serialize};
use store::{Scope, Tx, params};

use crate::error::{CatalogError, from_doc, to_doc};
use crate::expression::{DEFAULT_PARTITION, KeyType, readable};
use crate::model::{Column, TableInput};
use crate::names;
use crate::schema::INDEXED_POSITIONS;
use crate::table::{self, Table};

/// The most indexes of a table. Source: AWS Glue service quotas, "Number of partition indexes per table".
pub const MAX_INDEXES: i64 = 3;
/// Partitions that are named in an error.
const MAX_NAMED: usize = 10;
/// Partitions that are looked at to find those.
const MAX_LOOKED_AT: i64 = 10_000;

/// What an index is made of (`PartitionIndex`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct IndexInput {
    /// The partition keys, in the order of the index.
    pub keys: Vec<String>,
    /// The name.
    pub index_name: String,
}

/// An index with its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The name.
    pub name: String,
    /// The keys with their Hive types.
    pub keys: Vec<(String, String)>,
    /// Partitions with a value that is not of its key's type, some of them; empty when the index is active.
    pub bad_partitions: Vec<Vec<String>>,
    /// Whether filters use it.
    pub active: bool,
}

fn invalid(message: impl Into<String>) -> CatalogError {
    CatalogError::invalid(message)
}

/// Whether indexes are for keys of this Hive type.
fn is_indexed(declared: &str) -> bool {
    matches!(KeyType::parse(declared), KeyType::Text | KeyType::Integer | KeyType::Date)
}

/// Checks an index against the keys of its table; folds the names of keys.
fn check(table: &Table, input: &mut IndexInput) -> Result<(), CatalogError> {
    let name = &input.index_name;
    if name.trim().is_empty() || name.chars().count() > names::MAX_NAME_CHARS {
        return Err(invalid("IndexName has 1 to 255 characters."));
    }
    if input.keys.is_empty() {
        return Err(invalid("A partition index needs at least one key."));
    }
    for key in &mut input.keys {
        *key = names::fold(key);
    }
    for (place, key) in input.keys.iter().enumerate() {
        let Some(position) = table.partition_keys().iter().position(|column| column.name == *key) else {
            return Err(invalid(format!("{key} is not a partition key of table {}.", table.name)));
        };
        if input.keys[..place].contains(key) {
            return Err(invalid(format!("Key {key} is given more than once.")));
        }
        let declared = table.partition_keys().get(position).map_or("string", |column| column.hive_type());
        if !is_indexed(declared) {
            return Err(invalid(format!(
                "Key {key} is of type {declared}: partition indexes are for text, whole numbers and dates."
            )));
        }
        if place == 0 && position >= INDEXED_POSITIONS {
            return Err(invalid(format!(
                "Key {key} cannot lead an index on this server: only the first {INDEXED_POSITIONS} partition keys of a \
                 table are sought by."
            )));
        }
    }
    Ok(())
}

/// The keys that an index may be made of, in their order; empty when the first of them cannot lead one.
pub fn indexable(keys: &[Column]) -> Vec<String> {
    let fits = |key: &&Column| matches!(KeyType::parse(key.hive_type()), KeyType::Text | KeyType::Integer);
    let leads = keys.iter().position(|key| fits(&key)).is_some_and(|at| at < INDEXED_POSITIONS);
    keys.iter().filter(|key| leads && fits(key)).map(|key| key.name.clone()).collect()
}

async fn stored(tx: &mut Tx, table: &Table) -> Result<Vec<IndexInput>, CatalogError> {
    let sql = "SELECT doc FROM catalog_indexes WHERE table_uid = $1 ORDER BY name";
    let rows = tx.query(sql, &params![table.uid.0]).await?;
    rows.iter().map(|row| from_doc("partition index", &row.get::<String>(0)?)).collect()
}

/// Makes an index.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `Exists` for its name or keys, `LimitExceeded` beyond [`MAX_INDEXES`],
/// `InvalidInput`.
pub async fn create(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
    input: IndexInput,
) -> Result<(), CatalogError> {
    let table = table::get(tx, scope, database, name).await?;
    add(tx, &table, input).await
}

/// Makes the indexes of a table that is just being made.
/// Errors: as [`create`].
pub async fn create_all(tx: &mut Tx, table: &Table, inputs: Vec<IndexInput>) -> Result<(), CatalogError> {
    for input in inputs {
        add(tx, table, input).await?;
    }
    Ok(())
}

async fn add(tx: &mut Tx, table: &Table, mut input: IndexInput) -> Result<(), CatalogError> {
    check(table, &mut input)?;
    let existing = stored(tx, table).await?;
    let taken = existing.iter().find(|one| one.index_name == input.index_name || one.keys == input.keys);
    if let Some(one) = taken {
        let name = if one.index_name == input.index_name {
            input.index_name
        } else {
            format!("{} with the keys {}", one.index_name, one.keys.join(", "))
        };
        return Err(CatalogError::Exists { what: "Partition index", name });
    }
    if existing.len() as i64 >= MAX_INDEXES {
        return Err(CatalogError::LimitExceeded { what: "partition indexes per table", limit: MAX_INDEXES });
    }
    tx.execute(
        "INSERT INTO catalog_indexes (table_uid, name, created_ms, doc) VALUES ($1, $2, $3, $4)",
        &params![table.uid.0, input.index_name.as_str(), tx.now_ms(), to_doc("partition index", &input)?],
    )
    .await?;
    Ok(())
}

/// Deletes an index.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `NotFound`.
pub async fn delete(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
    index: &str,
) -> Result<(), CatalogError> {
    let table = table::get(tx, scope, database, name).await?;
    let deleted = tx
        .execute(
            "DELETE FROM catalog_indexes WHERE table_uid = $1 AND name = $2",
            &params![table.uid.0, index],
        )
        .await?;
    match deleted {
        0 => Err(CatalogError::NotFound { what: "Partition index", name: index.to_owned() }),
        _ => Ok(()),
    }
}

/// Lists the indexes of a table by name.
/// Errors: `DatabaseNotFound`, `TableNotFound`.
pub async fn list(
    tx: &mut Tx,
    scope: &Scope,
    database: &str,
    name: &str,
) -> Result<Vec<Index>, CatalogError> {
    let table = table::get(tx, scope, database, name).await?;
    let mut indexes = Vec::new();
    for input in stored(tx, &table).await? {
        indexes.push(examined(tx, &table, input).await?);
    }
    Ok(indexes)
}

async fn examined(tx: &mut Tx, table: &Table, input: IndexInput) -> Result<Index, CatalogError> {
    let mut keys = Vec::new();
    let mut typed = Vec::new();
    for key in input.keys {
        let position = table.partition_keys().iter().position(|column| column.name == key);
        let declared =
            position.and_then(|at| table.partition_keys().get(at)).map_or("string", |c| c.hive_type());
        typed.push((position.unwrap_or(usize::MAX), KeyType::parse(declared)));
        keys.push((key, declared.to_owned()));
    }
    let seeks = typed.first().is_some_and(|(position, key_type)| {
        *position < INDEXED_POSITIONS && table.layout.can_seek(*position, key_type.encoding())
    });
    let bad_partitions = unreadable(tx, table, &typed).await?;
    let active = seeks && bad_partitions.is_empty();
    Ok(Index { name: input.index_name, keys, bad_partitions, active })
}

/// Partitions with a value that cannot be read as its key's type.
async fn unreadable(
    tx: &mut Tx,
    table: &Table,
    keys: &[(usize, KeyType)],
) -> Result<Vec<Vec<String>>, CatalogError> {
    let kinds = "SELECT pos, kind FROM catalog_value_kinds WHERE table_uid = $1 AND refs > 0";
    let mut any = false;
    for row in tx.query(kinds, &params![table.uid.0]).await? {
        let (position, kind): (i64, i64) = (row.get(0)?, row.get(1)?);
        any |= keys.iter().any(|(at, key_type)| *at as i64 == position && !readable(kind, key_type));
    }
    if !any {
        return Ok(Vec::new());
    }
    let sql = "SELECT vals FROM catalog_partitions WHERE table_uid = $1 ORDER BY vkey LIMIT $2";
    let mut found = Vec::new();
    for row in tx.query(sql, &params![table.uid.0, MAX_LOOKED_AT]).await? {
        let values: Vec<String> = from_doc("partition", &row.get::<String>(0)?)?;
        let bad = |(at, key_type): &(usize, KeyType)| {
            values.get(*at).is_some_and(|text| text != DEFAULT_PARTITION && key_type.read(text).is_err())
        };
        if keys.iter().any(bad) {
            found.push(values);
        }
        if found.len() == MAX_NAMED {
            break;
        }
    }
    // Some is bad, though not among those that were looked at.
    if found.is_empty() {
        found.push(Vec::new());
    }
    Ok(found)
}

/// Refuses an update of a table that takes a key from one of its indexes, or gives it a type that indexes are not for.
pub(crate) async fn check_keys(tx: &mut Tx, table: &Table, next: &TableInput) -> Result<(), CatalogError> {
    let keys = next.partition_keys.as_deref().unwrap_or_default();
    for index in stored(tx, table).await? {
        for key in &index.keys {
            let named = |column: &&Column| column.name == *key;
            let Some(column) = keys.iter().find(named) else {
                return Err(invalid(format!(
                    "Partition key {key} belongs to the partition index {}: delete the index first (DeletePartitionIndex).",
                    index.index_name
                )));
            };
            let (before, after) = (table.partition_keys().iter().find(named), column.hive_type());
            if !is_indexed(after) && before.is_none_or(|before| is_indexed(before.hive_type())) {
                return Err(invalid(format!(
                    "Partition key {key} belongs to the partition index {}, and partition indexes are for text, whole numbers \
                     and dates: it cannot become {after}. Delete the index first (DeletePartitionIndex).",
                    index.index_name
                )));
            }
        }
    }
    Ok(())
}
