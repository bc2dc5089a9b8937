//! PostgreSQL: login and listings from `pg_catalog`, which also knows materialised views and exact types.

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Row as _};

use super::{Column, Config, SchemaName, TableKind, TableName, Tls, types};

pub(super) async fn login(config: &Config) -> Result<PgConnection, sqlx::Error> {
    let mode = match config.tls {
        Tls::Disable => PgSslMode::Disable,
        Tls::Prefer => PgSslMode::Prefer,
        Tls::Require => PgSslMode::Require,
        Tls::VerifyCa => PgSslMode::VerifyCa,
        Tls::VerifyFull => PgSslMode::VerifyFull,
    };
    // A password that is not given must not be taken from a file of the server's own user.
    let options = PgConnectOptions::new_without_pgpass()
        .host(&config.host)
        .port(config.port)
        .username(&config.user)
        .password(config.secret.as_ref().map_or("", |secret| secret.expose()))
        .database(config.database.as_deref().unwrap_or(&config.user))
        .ssl_mode(mode)
        .application_name("tenon")
        .disable_statement_logging();
    options.connect().await
}

pub(super) async fn ping(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection.ping().await
}

pub(super) async fn schemas(connection: &mut PgConnection) -> Result<Vec<SchemaName>, sqlx::Error> {
    let sql = "SELECT nspname::text, COALESCE(has_schema_privilege(oid, 'USAGE'), false) FROM pg_namespace \
               WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' ORDER BY nspname COLLATE \"C\"";
    let rows = sqlx::query(sql).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(SchemaName { name: row.try_get(0)?, usable: row.try_get(1)? })).collect()
}

pub(super) async fn tables(
    connection: &mut PgConnection,
    schema: &str,
) -> Result<Vec<TableName>, sqlx::Error> {
    let sql = "SELECT c.relname::text, c.relkind IN ('v', 'm'), obj_description(c.oid, 'pg_class'), \
               COALESCE(has_any_column_privilege(c.oid, 'SELECT'), false) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'f', 'v', 'm') AND NOT c.relispartition \
               ORDER BY c.relname COLLATE \"C\"";
    let rows = sqlx::query(sql).bind(schema).fetch_all(connection).await?;
    let entry = |row: &sqlx::postgres::PgRow| {
        let kind = if row.try_get(1)? { TableKind::View } else { TableKind::Table };
        Ok(TableName { name: row.try_get(0)?, kind, comment: row.try_get(2)?, readable: row.try_get(3)? })
    };
    rows.iter().map(entry).collect()
}

/// A table's columns. A domain is shown as the type that it is made of, however many lie between, also as the element of an
/// array; digits and lengths are those of whoever says them last. Arrays are those types that their element's type names as
/// its own: `oidvector` and its like are none.
const COLUMNS: &str = "\
    WITH RECURSIVE found AS ( \
        SELECT a.attnum, a.attname, a.attrelid, a.attnotnull, a.atttypid, a.atttypmod \
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped \
        AND c.relkind IN ('r', 'p', 'f', 'v', 'm') \
    ), made_of (attnum, step, type, modifier, arrays) AS ( \
        SELECT attnum, 0, atttypid, atttypmod, 0 FROM found \
        UNION ALL \
        SELECT m.attnum, m.step + 1, CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END, \
            CASE WHEN t.typtype = 'd' AND t.typtypmod <> -1 THEN t.typtypmod ELSE m.modifier END, \
            m.arrays + CASE WHEN t.typtype = 'd' THEN 0 ELSE 1 END \
        FROM made_of m JOIN pg_type t ON t.oid = m.type \
        WHERE t.typtype = 'd' OR EXISTS (SELECT FROM pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid) \
    ), last AS (SELECT DISTINCT ON (attnum) * FROM made_of ORDER BY attnum, step DESC) \
    SELECT f.attname::text, format_type(l.type, l.modifier) || repeat('[]', l.arrays), NOT f.attnotnull, \
        col_description(f.attrelid, f.attnum) \
    FROM found f JOIN last l USING (attnum) ORDER BY f.attnum";

pub(super) async fn columns(
    connection: &mut PgConnection,
    schema: &str,
    table: &str,
) -> Result<Vec<Column>, sqlx::Error> {
    let rows = sqlx::query(COLUMNS).bind(schema).bind(table).fetch_all(connection).await?;
    let column = |row: &sqlx::postgres::PgRow| {
        let native_type: String = row.try_get(1)?;
        Ok(Column {
            name: row.try_get(0)?,
            hive_type: types::of_postgres(&native_type),
            native_type,
            nullable: row.try_get(2)?,
            comment: row.try_get(3)?,
        })
    };
    rows.iter().map(column).collect()
}

pub(super) async fn primary_key(
    connection: &mut PgConnection,
    schema: &str,
    table: &str,
) -> Result<Vec<String>, sqlx::Error> {
    let sql = "SELECT a.attname::text FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid \
               JOIN pg_namespace n ON n.oid = c.relnamespace \
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey) \
               WHERE k.contype = 'p' AND n.nspname = $1 AND c.relname = $2 ORDER BY array_position(k.conkey, a.attnum)";
    sqlx::query_scalar(sql).bind(schema).bind(table).fetch_all(connection).await
}
