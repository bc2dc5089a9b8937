//! What the shared commit of SQLite promises its members.

#![expect(clippy::unwrap_used, reason = "a test stops at its first surprise")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use store::{Location, Migrations, Outcome, RandomIds, Retry, Store, StoreError, SystemClock, params};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// The deferred reference lets a test make the shared COMMIT itself fail.
const TABLES: Migrations = Migrations {
    owner: "test",
    steps: &["CREATE TABLE test_parents (id {int} PRIMARY KEY);
CREATE TABLE test_children (
  id {int} PRIMARY KEY,
  parent {int} REFERENCES test_parents (id) DEFERRABLE INITIALLY DEFERRED
);
"],
};

async fn open(folder: &TempDir) -> Store {
    let location = Location::Sqlite { path: folder.path().join("store.db"), durable: true };
    Store::open(location, &[TABLES], Arc::new(SystemClock), Arc::new(RandomIds)).await.unwrap()
}

async fn insert(store: &Store, sql: &str, id: i64) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    tx.execute(sql, &params![id]).await?;
    tx.commit().await
}

const PARENT: &str = "INSERT INTO test_parents (id) VALUES ($1)";
const ORPHAN: &str = "INSERT INTO test_children (id, parent) VALUES ($1, -1)";

async fn parents(store: &Store) -> i64 {
    let mut tx = store.read().await.unwrap();
    tx.query("SELECT count(*) FROM test_parents", &[]).await.unwrap()[0].get(0).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_commit_tells_every_member_and_the_writer_goes_on() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    insert(&store, PARENT, 1).await.unwrap();
    // The first turn is held until the others wait, so that all of them share one COMMIT.
    let mut first = store.begin().await.unwrap();
    let mut tasks = JoinSet::new();
    for id in 10..15 {
        let store = store.clone();
        tasks.spawn(async move { insert(&store, if id == 12 { ORPHAN } else { PARENT }, id).await });
    }
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    first.execute(PARENT, &params![2]).await.unwrap();
    let mut results = vec![first.commit().await];
    while let Some(result) = tasks.join_next().await {
        results.push(result.unwrap());
    }
    let mut kept = 1;
    let mut failed = 0;
    for result in results {
        match result {
            Ok(()) => kept += 1,
            Err(error) => {
                assert!(matches!(error, StoreError::CommitUnknown { .. }), "{error:?}");
                assert_eq!((error.outcome(), error.retry()), (Outcome::Unknown, Retry::Never));
                failed += 1;
            }
        }
    }
    assert!(failed >= 1);
    assert_eq!(parents(&store).await, kept);
    insert(&store, PARENT, 99).await.unwrap();
    assert_eq!(parents(&store).await, kept + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolled_back_turn_leaves_its_neighbours_alone() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let mut tasks = JoinSet::new();
    for id in 0..200 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut tx = store.begin().await.unwrap();
            tx.execute(PARENT, &params![id]).await.unwrap();
            match id % 4 {
                0 => drop(tx),
                1 => assert!(tx.execute(PARENT, &params![id]).await.is_err()),
                _ => tx.commit().await.unwrap(),
            }
        });
    }
    while let Some(result) = tasks.join_next().await {
        result.unwrap();
    }
    assert_eq!(parents(&store).await, 100);
}

/// A writer that holds its turn for good must not keep the others' answers for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vanished_waiter_does_not_keep_the_group_open() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let mut first = store.begin().await.unwrap();
    first.execute(PARENT, &params![1]).await.unwrap();
    let waiter = store.clone();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { waiter.begin().await.map(drop) });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let commit = first.commit();
    tasks.abort_all();
    let started = Instant::now();
    commit.await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(parents(&store).await, 1);
}

/// SQLite rolls the whole transaction back by itself then, and the next writer gets a new connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_as_one_and_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    insert(&store, PARENT, 1).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let pages = tx.query("PRAGMA page_count", &[]).await.unwrap()[0].get::<i64>(0).unwrap();
    tx.query(&format!("PRAGMA max_page_count = {pages}"), &[]).await.unwrap();
    let mut refused = None;
    for id in 2..10_000 {
        if let Err(error) = tx.execute(PARENT, &params![id]).await {
            refused = Some(error);
            break;
        }
    }
    let refused = refused.unwrap();
    assert!(matches!(refused, StoreError::Full { .. }), "{refused:?}");
    assert_eq!((refused.outcome(), refused.retry()), (Outcome::NotApplied, Retry::Backoff));
    assert!(matches!(tx.commit().await, Err(StoreError::Failed)));
    assert_eq!(parents(&store).await, 1);
    insert(&store, PARENT, 2).await.unwrap();
    assert_eq!(parents(&store).await, 2);
}
