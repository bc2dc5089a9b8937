//! The catalog on PostgreSQL: one server for all cases, a schema for each.

use std::sync::Arc;

use crate::common::{make_table, partition_input, scope, table_input};
use crate::model::{KEYS, agree, expression, row};
use crate::server::Server;
use catalog::partition::{self, PartitionQuery};
use catalog::table::Update;
use catalog::{database, purge, table};
use proptest::collection::{btree_set, vec};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use store::{Location, RandomIds, Store, SystemClock};

async fn open(server: &Server, schema: &str) -> Store {
    let location = Location::Postgres { url: server.url(), schema: schema.to_owned() };
    Store::open(
        location,
        &[catalog::MIGRATIONS, catalog::registry::MIGRATIONS],
        Arc::new(SystemClock),
        Arc::new(RandomIds),
    )
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    let server = Server::start();
    let store = open(&server, "whole_life").await;
    whole_life(&store).await;
    crate::registry::whole_life(&store).await;
    store.close().await;
    let mut runner = TestRunner::deterministic();
    for case in 0..6 {
        let store = open(&server, &format!("filters_{case}")).await;
        make_table(&store, &KEYS).await;
        let rows = btree_set(row(), 1..60).new_tree(&mut runner).unwrap().current();
        let expressions = vec(expression(), 20).new_tree(&mut runner).unwrap().current();
        agree(store.clone(), rows, expressions, 7).await;
        store.close().await;
    }
}

async fn whole_life(store: &Store) {
    make_table(store, &[("dt", "date"), ("n", "int")]).await;
    let mut tx = store.begin().await.unwrap();
    let inputs = (0..300).map(|n| partition_input(&["2024-01-01", &n.to_string()])).collect();
    assert!(partition::batch_create(&mut tx, &scope(), "db", "t", inputs).await.unwrap().is_empty());
    let again = vec![partition_input(&["2024-01-01", "7"]), partition_input(&["2024-01-02", "7"])];
    let done = partition::upsert(&mut tx, &scope(), "db", "t", again).await.unwrap();
    assert_eq!((done.created, done.updated), (1, 1));
    let how = Update { version_id: Some("0"), skip_archive: false };
    let input = table_input("T", &[("dt", "date"), ("n", "int")]);
    table::update(&mut tx, &scope(), "DB", input.clone(), how).await.unwrap();
    assert!(table::update(&mut tx, &scope(), "db", input, how).await.is_err());
    tx.commit().await.unwrap();
    let mut tx = store.read().await.unwrap();
    let query = PartitionQuery { expression: Some("n > 290 OR dt = '2024-01-02'"), ..Default::default() };
    let page = partition::list(&mut tx, &scope(), "db", "t", &query).await.unwrap();
    assert_eq!(page.items.len(), 10);
    drop(tx);
    let mut tx = store.begin().await.unwrap();
    database::delete(&mut tx, &scope(), "db").await.unwrap();
    tx.commit().await.unwrap();
    purge::all(store).await.unwrap();
    let mut tx = store.read().await.unwrap();
    for rows in ["catalog_partitions", "catalog_table_versions", "catalog_shapes", "catalog_value_kinds"] {
        let row = tx.query_opt(&format!("SELECT count(*) FROM {rows}"), &[]).await.unwrap().unwrap();
        assert_eq!(row.get::<i64>(0).unwrap(), 0, "{rows} is empty after the purge");
    }
}
