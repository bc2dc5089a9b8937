//! Statements and values of SQLite.

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Decode, Row as _, SqliteConnection, TypeInfo, ValueRef};

use crate::{Row, StoreError, Value};

fn bound(sql: &str, params: &[Value]) -> Query<'static, sqlx::Sqlite, SqliteArguments> {
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for value in params {
        query = match value {
            Value::Null => query.bind(None::<i64>),
            Value::Int(int) => query.bind(*int),
            Value::Real(real) => query.bind(*real),
            Value::Text(text) => query.bind(text.clone()),
            Value::Bytes(bytes) => query.bind(bytes.clone()),
        };
    }
    query
}

/// Runs a statement and returns the number of rows that it changed.
pub(crate) async fn execute(
    connection: &mut SqliteConnection,
    sql: &str,
    params: &[Value],
) -> Result<u64, StoreError> {
    let done = bound(sql, params).execute(connection).await.map_err(classify)?;
    Ok(done.rows_affected())
}

/// Runs a query and returns all of its rows.
pub(crate) async fn query(
    connection: &mut SqliteConnection,
    sql: &str,
    params: &[Value],
) -> Result<Vec<Row>, StoreError> {
    let rows = bound(sql, params).fetch_all(connection).await.map_err(classify)?;
    rows.iter().map(convert).collect()
}

/// Sorts what only SQLite has: a change on a `query_only` connection fails as SQLITE_READONLY (8); SQLITE_BUSY
/// (5, with its extended codes) means that another process has the file, after the busy timeout.
pub(super) fn classify(error: sqlx::Error) -> StoreError {
    let code = error.as_database_error().and_then(|database| database.code()).map(|code| code.into_owned());
    match code.as_deref() {
        Some("8") => StoreError::ReadOnly,
        Some("5" | "261" | "517") => StoreError::Busy { waited_ms: super::MAX_WAIT.as_secs() * 1_000 },
        _ => StoreError::statement(error),
    }
}

fn convert(row: &SqliteRow) -> Result<Row, StoreError> {
    let mut values = Vec::with_capacity(row.len());
    for index in 0..row.len() {
        let raw = row.try_get_raw(index).map_err(StoreError::statement)?;
        if raw.is_null() {
            values.push(Value::Null);
            continue;
        }
        // The type of this value, not of the column: SQLite types each value by itself.
        let type_name = raw.type_info().name().to_owned();
        let value = match type_name.as_str() {
            "INTEGER" => <i64 as Decode<sqlx::Sqlite>>::decode(raw).map(Value::Int),
            "REAL" => <f64 as Decode<sqlx::Sqlite>>::decode(raw).map(Value::Real),
            "TEXT" => <String as Decode<sqlx::Sqlite>>::decode(raw).map(Value::Text),
            "BLOB" => <Vec<u8> as Decode<sqlx::Sqlite>>::decode(raw).map(Value::Bytes),
            _ => return Err(StoreError::ColumnType { index, type_name }),
        };
        values.push(value.map_err(|source| StoreError::statement(sqlx::Error::Decode(source)))?);
    }
    Ok(Row::new(values))
}
