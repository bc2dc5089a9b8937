//! MySQL and MariaDB: login and listings from `information_schema`, which shows what the user may see.
//!
//! Its text columns are binary in some versions, hence the casts.

use sqlx::mysql::{MySqlConnectOptions, MySqlRow, MySqlSslMode};
use sqlx::{ConnectOptions as _, Connection as _, MySqlConnection, Row as _};

use super::{Column, Config, SchemaName, TableKind, TableName, Tls, types};

pub(super) async fn login(config: &Config) -> Result<MySqlConnection, sqlx::Error> {
    let mode = match config.tls {
        Tls::Disable => MySqlSslMode::Disabled,
        Tls::Prefer => MySqlSslMode::Preferred,
        Tls::Require => MySqlSslMode::Required,
        Tls::VerifyCa => MySqlSslMode::VerifyCa,
        Tls::VerifyFull => MySqlSslMode::VerifyIdentity,
    };
    let mut options = MySqlConnectOptions::new()
        .host(&config.host)
        .port(config.port)
        .username(&config.user)
        .ssl_mode(mode)
        .disable_statement_logging();
    if let Some(secret) = &config.secret {
        options = options.password(secret.expose());
    }
    if let Some(database) = &config.database {
        options = options.database(database);
    }
    options.connect().await
}

pub(super) async fn ping(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    connection.ping().await
}

pub(super) async fn schemas(connection: &mut MySqlConnection) -> Result<Vec<SchemaName>, sqlx::Error> {
    let sql = "SELECT CAST(schema_name AS CHAR) FROM information_schema.schemata \
               WHERE LOWER(schema_name) NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys') \
               ORDER BY BINARY schema_name";
    let names: Vec<String> = sqlx::query_scalar(sql).fetch_all(connection).await?;
    Ok(names.into_iter().map(|name| SchemaName { name, usable: true }).collect())
}

pub(super) async fn tables(
    connection: &mut MySqlConnection,
    schema: &str,
) -> Result<Vec<TableName>, sqlx::Error> {
    let sql = "SELECT CAST(table_name AS CHAR), CAST(table_type AS CHAR), CAST(table_comment AS CHAR) \
               FROM information_schema.tables WHERE table_schema = ? AND table_type <> 'SEQUENCE' ORDER BY BINARY table_name";
    let rows = sqlx::query(sql).bind(schema).fetch_all(connection).await?;
    let entry = |row: &MySqlRow| {
        let view = row.try_get::<String, _>(1)?.contains("VIEW");
        let (kind, comment) = if view {
            // A view has the comment "VIEW" and no other.
            (TableKind::View, None)
        } else {
            (TableKind::Table, row.try_get::<Option<String>, _>(2)?.filter(|text| !text.is_empty()))
        };
        Ok(TableName { name: row.try_get(0)?, kind, comment, readable: true })
    };
    rows.iter().map(entry).collect()
}

pub(super) async fn columns(
    connection: &mut MySqlConnection,
    schema: &str,
    table: &str,
) -> Result<Vec<Column>, sqlx::Error> {
    let sql = "SELECT CAST(column_name AS CHAR), CAST(column_type AS CHAR), CAST(is_nullable AS CHAR), \
               CAST(column_comment AS CHAR) FROM information_schema.columns \
               WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position";
    let rows = sqlx::query(sql).bind(schema).bind(table).fetch_all(connection).await?;
    let column = |row: &MySqlRow| {
        let native_type: String = row.try_get(1)?;
        let comment = row.try_get::<Option<String>, _>(3)?.filter(|text| !text.is_empty());
        Ok(Column {
            name: row.try_get(0)?,
            hive_type: types::of_mysql(&native_type),
            native_type,
            nullable: row.try_get::<String, _>(2)? == "YES",
            comment,
        })
    };
    rows.iter().map(column).collect()
}

pub(super) async fn primary_key(
    connection: &mut MySqlConnection,
    schema: &str,
    table: &str,
) -> Result<Vec<String>, sqlx::Error> {
    let sql = "SELECT CAST(column_name AS CHAR) FROM information_schema.key_column_usage \
               WHERE constraint_name = 'PRIMARY' AND table_schema = ? AND table_name = ? ORDER BY ordinal_position";
    sqlx::query_scalar(sql).bind(schema).bind(table).fetch_all(connection).await
}
