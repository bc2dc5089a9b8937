//! Databases that the tests start: PostgreSQL and MariaDB, over TCP with passwords.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at its first surprise")]

mod server;

use std::collections::BTreeMap;

use server::{MariaDb, PASSWORD, Postgres};
use sources::SourceError;
use sources::jdbc::{Config, Database, TableKind};

fn config(url: &str, password: &str) -> Config {
    let given = [("JDBC_CONNECTION_URL", url), ("USERNAME", "tester"), ("PASSWORD", password)];
    let properties: BTreeMap<String, String> =
        given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Config::from_properties("JDBC", &properties, None).unwrap()
}

async fn columns(database: &mut Database, schema: &str, table: &str) -> Vec<(String, String, bool)> {
    let found = database.columns(schema, table).await.unwrap();
    found.into_iter().map(|column| (column.name, column.hive_type, column.nullable)).collect()
}

async fn schemas(database: &mut Database) -> Vec<(String, bool)> {
    let found = database.schemas().await.unwrap();
    found.into_iter().map(|schema| (schema.name, schema.usable)).collect()
}

fn owned((name, usable): (&str, bool)) -> (String, bool) {
    (name.to_owned(), usable)
}

fn expected(columns: &[(&str, &str, bool)]) -> Vec<(String, String, bool)> {
    let owned =
        |(name, hive, nullable): &(&str, &str, bool)| ((*name).to_owned(), (*hive).to_owned(), *nullable);
    columns.iter().map(owned).collect()
}

/// What every engine must refuse clearly, without the password in the text.
async fn refusals(url: &str, nowhere: &str) {
    for (url, password) in [(url, "wrong-secret"), (nowhere, "wrong-secret")] {
        let error = Database::open(&config(url, password)).await.unwrap_err();
        assert!(matches!(error, SourceError::Connect { .. }), "{error}");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("wrong-secret") && text.contains("127.0.0.1"), "{text}");
    }
}

#[tokio::test]
async fn no_connection_goes_to_metadata_services() {
    for url in ["jdbc:postgresql://169.254.169.254:80/d", "jdbc:mysql://[fe80::1]:3306/d"] {
        let text = Database::open(&config(url, "wrong-secret")).await.unwrap_err().to_string();
        assert!(text.contains("is link-local"), "{text}");
    }
}

#[tokio::test]
async fn postgres_is_opened_and_listed() {
    let server = Postgres::start();
    server.sql(
        "CREATE SCHEMA shop; CREATE SCHEMA closed; CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE DOMAIN cents AS numeric(12,2);
         CREATE TABLE shop.orders (id bigint NOT NULL, total cents, at timestamptz, tags text[], \"Odd Name\" mood);
         COMMENT ON TABLE shop.orders IS 'all orders'; COMMENT ON COLUMN shop.orders.at IS 'when';
         CREATE VIEW shop.recent AS SELECT id FROM shop.orders;
         CREATE TABLE shop.secret (x int); CREATE TABLE shop._tenon_1 (x int); CREATE TABLE shop.parts (d date) PARTITION BY RANGE (d);
         CREATE TABLE shop.parts_2024 PARTITION OF shop.parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
         GRANT USAGE ON SCHEMA shop TO tester;
         GRANT SELECT ON shop.orders, shop.recent, shop.parts, shop.parts_2024 TO tester;",
    );
    let mut database = Database::open(&config(&server.url(), PASSWORD)).await.unwrap();
    assert_eq!(
        schemas(&mut database).await,
        [("closed", false), ("public", true), ("shop", true)].map(owned)
    );
    let tables = database.tables("shop").await.unwrap();
    let names: Vec<(&str, bool)> = tables.iter().map(|found| (found.name.as_str(), found.readable)).collect();
    let wanted = [("orders", true), ("parts", true), ("recent", true), ("secret", false)];
    assert_eq!(names, wanted, "no partitions");
    assert_eq!(tables[0].comment.as_deref(), Some("all orders"));
    assert_eq!((tables[0].kind, tables[2].kind), (TableKind::Table, TableKind::View));
    let wanted = [
        ("id", "bigint", false),
        ("total", "decimal(12,2)", true),
        ("at", "timestamp", true),
        ("tags", "array<string>", true),
        ("Odd Name", "string", true),
    ];
    assert_eq!(columns(&mut database, "shop", "orders").await, expected(&wanted));
    assert!(database.tables("none").await.unwrap().is_empty());
    assert!(database.columns("shop", "none").await.unwrap().is_empty());
    database.ping().await.unwrap();
    server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tester'");
    assert!(matches!(database.tables("shop").await, Err(SourceError::Query { .. })), "the server went away");
    refusals(&server.url(), &format!("jdbc:postgresql://127.0.0.1:{}/d", server::closed_port())).await;
    let enforced = format!("{}?sslmode=require", server.url());
    let error = Database::open(&config(&enforced, PASSWORD)).await.unwrap_err();
    assert!(matches!(error, SourceError::Connect { .. }), "this server has no TLS: {error}");
}

#[tokio::test]
async fn mariadb_is_opened_and_listed() {
    let server = MariaDb::start(
        "CREATE DATABASE shop; CREATE TABLE shop.orders (id INT UNSIGNED NOT NULL, total DECIMAL(12,2), at DATETIME \
         COMMENT 'when', paid TINYINT(1), mood ENUM('good','bad'), raw VARBINARY(9)) COMMENT 'all orders'; \
         CREATE VIEW shop.recent AS SELECT id FROM shop.orders; CREATE SEQUENCE shop.numbers; CREATE DATABASE hidden; CREATE TABLE hidden.x (a INT); \
         GRANT SELECT ON shop.* TO tester@'%';",
    );
    let mut database = Database::open(&config(&server.url(), PASSWORD)).await.unwrap();
    assert_eq!(schemas(&mut database).await, [("shop", true)].map(owned));
    let tables = database.tables("shop").await.unwrap();
    assert_eq!(tables.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(), ["orders", "recent"]);
    assert_eq!((tables[0].kind, tables[0].comment.as_deref()), (TableKind::Table, Some("all orders")));
    assert_eq!((tables[1].kind, tables[1].comment.as_deref()), (TableKind::View, None));
    let wanted = [
        ("id", "bigint", false),
        ("total", "decimal(12,2)", true),
        ("at", "timestamp", true),
        ("paid", "boolean", true),
        ("mood", "string", true),
        ("raw", "binary", true),
    ];
    assert_eq!(columns(&mut database, "shop", "orders").await, expected(&wanted));
    assert_eq!(database.columns("shop", "orders").await.unwrap()[2].comment.as_deref(), Some("when"));
    assert!(database.tables("hidden").await.unwrap().is_empty(), "what may not be read");
    database.ping().await.unwrap();
    database.close().await;
    refusals(&server.url(), &format!("jdbc:mysql://127.0.0.1:{}/shop", server::closed_port())).await;
}
