//! Statistics of columns, of tables and of partitions.
//!
//! A row per column, kept whole as the client gave it. Statistics go with their column: an update of the table that drops
//! a column or gives it another type takes them along, and a partition that is deleted takes its own. A partition that gets other
//! values keeps them, as in Hive.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{Scope, Tx, params};

use crate::error::{CatalogError, from_doc, to_doc};
use crate::expression::KeyType;
use crate::model::{Column, TableInput};
use crate::names;
use crate::partition::read_keys;
use crate::table::{self, Table};

/// The types that statistics are of, and the member that holds them. Source: `ColumnStatisticsType`.
const DATA_MEMBERS: [(&str, &str); 7] = [
    ("BOOLEAN", "BooleanColumnStatisticsData"),
    ("DATE", "DateColumnStatisticsData"),
    ("DECIMAL", "DecimalColumnStatisticsData"),
    ("DOUBLE", "DoubleColumnStatisticsData"),
    ("LONG", "LongColumnStatisticsData"),
    ("STRING", "StringColumnStatisticsData"),
    ("BINARY", "BinaryColumnStatisticsData"),
];

/// The statistics of one column (`ColumnStatistics`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ColumnStatistics {
    /// The column; lower case once stored.
    pub column_name: String,
    /// `Type`, and the member of that type.
    pub statistics_data: Map<String, Value>,
    /// Every other member (`ColumnType`, `AnalyzedTime`), as given.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Whose statistics: the table's, or those of the partition of these values.
#[derive(Debug, Clone, Copy)]
pub enum Of<'a> {
    /// The table as a whole.
    Table,
    /// One partition.
    Partition(&'a [String]),
}

/// What went wrong with one column of a batch; the others were done.
#[derive(Debug)]
pub struct ColumnError<T> {
    /// The statistics or the column's name, as given.
    pub given: T,
    /// Why.
    pub error: CatalogError,
}

/// The table, and the key of what the statistics are of; the table itself has the empty key, which no partition has.
async fn locate(
    tx: &mut Tx,
    scope: &Scope,
    (database, name): (&str, &str),
    of: Of<'_>,
) -> Result<(Table, Vec<u8>), CatalogError> {
    let table = table::get(tx, scope, database, name).await?;
    let key = match of {
        Of::Table => Vec::new(),
        Of::Partition(values) => {
            let wanted = [values.to_vec()];
            let found = read_keys(tx, &table, &wanted).await?.pop();
            found.ok_or_else(|| CatalogError::PartitionNotFound { values: values.to_vec() })?
        }
    };
    Ok((table, key))
}

fn column<'a>(table: &'a Table, name: &str) -> Option<&'a Column> {
    table.columns().iter().chain(table.partition_keys()).find(|column| column.name == name)
}

fn column_not_found(name: &str) -> CatalogError {
    CatalogError::NotFound { what: "Column", name: name.to_owned() }
}

/// The type of statistics that columns of a type have; `None` for types that have none of their own: they take any.
fn kind_of(column: &KeyType) -> Option<&'static str> {
    Some(match column {
        KeyType::Boolean => "BOOLEAN",
        KeyType::Date => "DATE",
        KeyType::Decimal => "DECIMAL",
        KeyType::Double => "DOUBLE",
        // Glue has no statistics of timestamps: these are seconds.
        KeyType::Integer | KeyType::Timestamp => "LONG",
        KeyType::Text => "STRING",
        KeyType::Other(name) if name == "binary" => "BINARY",
        KeyType::Other(_) => return None,
    })
}

/// A type as far as statistics go: its spelling, length and precision do not count.
fn type_of(declared: &str) -> KeyType {
    KeyType::parse(&declared.to_ascii_lowercase().replace(' ', ""))
}

/// Refuses statistics that cannot be of a column.
fn check_column(given: &ColumnStatistics, column: &Column) -> Result<(), CatalogError> {
    check(given)?;
    let (name, hive) = (&column.name, column.hive_type());
    let kind = given.statistics_data.get("Type").and_then(Value::as_str).unwrap_or_default();
    if let Some(wanted) = kind_of(&type_of(hive)).filter(|wanted| *wanted != kind) {
        return Err(CatalogError::invalid(format!(
            "Column {name} is of type {hive}: its statistics are of type {wanted}, not {kind}."
        )));
    }
    match given.other.get("ColumnType").and_then(Value::as_str) {
        Some(other) if type_of(other) != type_of(hive) => {
            Err(CatalogError::invalid(format!("Column {name} is of type {hive}, and ColumnType is {other}.")))
        }
        _ => Ok(()),
    }
}

/// Refuses data whose type and member do not belong together.
fn check(given: &ColumnStatistics) -> Result<(), CatalogError> {
    let kind = given.statistics_data.get("Type").and_then(Value::as_str).unwrap_or_default();
    let Some((_, member)) = DATA_MEMBERS.iter().find(|(name, _)| *name == kind) else {
        return Err(CatalogError::invalid(format!("{kind:?} is not a type of statistics.")));
    };
    if !given.statistics_data.contains_key(*member) {
        return Err(CatalogError::invalid(format!("Statistics of type {kind} need {member}.")));
    }
    let other = given.statistics_data.keys().find(|name| name.as_str() != "Type" && name.as_str() != *member);
    match other {
        Some(other) => Err(CatalogError::invalid(format!("Statistics of type {kind} have no {other}."))),
        None => Ok(()),
    }
}

/// Makes or replaces the statistics of columns; those of columns that the table does not have, or whose type does
/// not have this data, are reported.
/// Errors: `DatabaseNotFound`, `TableNotFound`, `PartitionNotFound`, `InvalidInput` for the number of values.
pub async fn update(
    tx: &mut Tx,
    scope: &Scope,
    table: (&str, &str),
    of: Of<'_>,
    statistics: Vec<ColumnStatistics>,
) -> Result<Vec<ColumnError<ColumnStatistics>>, CatalogError> {
    let (table, key) = locate(tx, scope, table, of).await?;
    let mut failed = Vec::new();
    for mut one in statistics {
        let name = names::fold(&one.column_name);
        let checked = match column(&table, &name) {
            Some(column) => check_column(&one, column),
            None => Err(column_not_found(&name)),
        };
        if let Err(error) = checked {
            failed.push(ColumnError { given: one, error });
            continue;
        }
        one.column_name = name;
        tx.execute(
            "INSERT INTO catalog_statistics (table_uid, vkey, column_name, doc) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (table_uid, vkey, column_name) DO UPDATE SET doc = excluded.doc",
            &params![table.uid.0, key.clone(), one.column_name.as_str(), to_doc("statistics", &one)?],
        )
        .await?;
    }
    Ok(failed)
}

/// What [`get`] found, and what went wrong per column.
pub type Found = (Vec<ColumnStatistics>, Vec<ColumnError<String>>);

/// Reads the statistics of columns, in the order asked for; columns without any are reported.
/// Errors: as [`update`].
pub async fn get(
    tx: &mut Tx,
    scope: &Scope,
    table: (&str, &str),
    of: Of<'_>,
    columns: &[String],
) -> Result<Found, CatalogError> {
    let (table, key) = locate(tx, scope, table, of).await?;
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    for given in columns {
        let name = names::fold(given);
        let row = tx
            .query_opt(
                "SELECT doc FROM catalog_statistics WHERE table_uid = $1 AND vkey = $2 AND column_name = $3",
                &params![table.uid.0, key.clone(), name.as_str()],
            )
            .await?;
        let error = match row {
            Some(row) => {
                found.push(from_doc("statistics", &row.get::<String>(0)?)?);
                continue;
            }
            None if column(&table, &name).is_some() => {
                CatalogError::NotFound { what: "Statistics of column", name: name.clone() }
            }
            None => column_not_found(&name),
        };
        failed.push(ColumnError { given: given.clone(), error });
    }
    Ok((found, failed))
}

/// Deletes the statistics of a column.
/// Errors: as [`update`]; `NotFound` when there are none.
pub async fn delete(
    tx: &mut Tx,
    scope: &Scope,
    table: (&str, &str),
    of: Of<'_>,
    column: &str,
) -> Result<(), CatalogError> {
    let (table, key) = locate(tx, scope, table, of).await?;
    let name = names::fold(column);
    let deleted = tx
        .execute(
            "DELETE FROM catalog_statistics WHERE table_uid = $1 AND vkey = $2 AND column_name = $3",
            &params![table.uid.0, key, name.as_str()],
        )
        .await?;
    match deleted {
        0 => Err(CatalogError::NotFound { what: "Statistics of column", name }),
        _ => Ok(()),
    }
}

/// Moves the statistics of a partition that gets other values; those of its keys, which were of the values before, go.
pub(crate) async fn carry(tx: &mut Tx, table: &Table, from: &[u8], to: &[u8]) -> Result<(), CatalogError> {
    for key in table.partition_keys() {
        tx.execute(
            "DELETE FROM catalog_statistics WHERE table_uid = $1 AND vkey = $2 AND column_name = $3",
            &params![table.uid.0, from.to_vec(), key.name.as_str()],
        )
        .await?;
    }
    tx.execute(
        "UPDATE catalog_statistics SET vkey = $3 WHERE table_uid = $1 AND vkey = $2",
        &params![table.uid.0, from.to_vec(), to.to_vec()],
    )
    .await?;
    Ok(())
}

/// Removes the statistics of partitions that go.
pub(crate) async fn forget(tx: &mut Tx, table: &Table, gone: Vec<Vec<u8>>) -> Result<(), CatalogError> {
    if gone.is_empty() {
        return Ok(());
    }
    // Partitions mostly have none: then one look is all.
    let any = tx
        .query_opt(
            "SELECT 1 FROM catalog_statistics WHERE table_uid = $1 AND vkey > $2 LIMIT 1",
            &params![table.uid.0, Vec::<u8>::new()],
        )
        .await?;
    if any.is_none() {
        return Ok(());
    }
    for vkey in gone {
        tx.execute(
            "DELETE FROM catalog_statistics WHERE table_uid = $1 AND vkey = $2",
            &params![table.uid.0, vkey],
        )
        .await?;
    }
    Ok(())
}

/// Removes the statistics of columns that the next version drops or gives another type.
pub(crate) async fn keep_of(tx: &mut Tx, table: &Table, next: &TableInput) -> Result<(), CatalogError> {
    let next_columns = next.storage_descriptor.as_ref().and_then(|found| found.columns.as_deref());
    let next_keys = next.partition_keys.as_deref().unwrap_or_default();
    let stays = |column: &Column| {
        let same = |other: &Column| other.name == column.name && other.hive_type() == column.hive_type();
        next_columns.unwrap_or_default().iter().chain(next_keys).any(same)
    };
    let gone = table.columns().iter().chain(table.partition_keys()).filter(|column| !stays(column));
    let gone: Vec<String> = gone.map(|column| column.name.clone()).collect();
    for name in gone {
        tx.execute(
            "DELETE FROM catalog_statistics WHERE table_uid = $1 AND column_name = $2",
            &params![table.uid.0, name],
        )
        .await?;
    }
    Ok(())
}
