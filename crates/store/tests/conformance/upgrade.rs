//! Schema steps across versions.

use std::sync::Arc;
use std::time::Duration;

use store::{Migrations, StoreError, params};
use tokio::task::JoinSet;

use crate::Fresh;

const ONE: Migrations =
    Migrations { owner: "app", steps: &["CREATE TABLE app_a (id {int} PRIMARY KEY, t {text});\n"] };
const TWO: Migrations = Migrations {
    owner: "app",
    steps: &[
        ONE.steps[0],
        "CREATE TABLE app_b (id {serial}, r {real});\nALTER TABLE app_a ADD COLUMN b {bytes};\n",
    ],
};
const BROKEN: Migrations = Migrations {
    owner: "app",
    steps: &[ONE.steps[0], "CREATE TABLE app_b (id {int});\nINSERT INTO nowhere VALUES (1);\n"],
};

pub(crate) async fn steps_go_on_where_they_ended(fresh: Fresh) {
    let store = fresh.open_with(&[ONE]).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.execute("INSERT INTO app_a (id, t) VALUES ($1, $2)", &params![1, "kept"]).await.unwrap();
    tx.commit().await.unwrap();
    store.close().await;
    for _ in 0..2 {
        let store = fresh.open_with(&[TWO]).await.unwrap();
        let rows = store.read().await.unwrap().query("SELECT t, b FROM app_a", &[]).await.unwrap();
        assert_eq!(rows[0].get::<String>(0).unwrap(), "kept");
        let mut tx = store.begin().await.unwrap();
        tx.execute("INSERT INTO app_b (r) VALUES ($1)", &params![1.5]).await.unwrap();
        tx.commit().await.unwrap();
        store.close().await;
    }
}

pub(crate) async fn a_newer_store_is_refused(fresh: Fresh) {
    fresh.open_with(&[TWO]).await.unwrap().close().await;
    let older = fresh.open_with(&[ONE]).await.unwrap_err();
    assert!(matches!(older, StoreError::NewerSchema { found: 2, known: 1, .. }), "{older:?}");
    let without = fresh.open_with(&[]).await.unwrap_err();
    assert!(matches!(without, StoreError::NewerSchema { known: 0, .. }), "{without:?}");
    let edited = fresh.open_with(&[BROKEN]).await.unwrap_err();
    assert!(matches!(edited, StoreError::MigrationChanged { step: 2, .. }), "{edited:?}");
    fresh.open_with(&[TWO]).await.unwrap().close().await;
}

pub(crate) async fn a_failing_step_leaves_nothing(fresh: Fresh) {
    let failed = fresh.open_with(&[BROKEN]).await.unwrap_err();
    assert!(matches!(failed, StoreError::Migration { step: 2, .. }), "{failed:?}");
    // Step 1 stayed; of step 2 not even the table that worked did.
    fresh.open_with(&[TWO]).await.unwrap().close().await;
}

/// A process that starts with a newer version waits for the writer of one that is at work, instead of changing tables
/// under it.
pub(crate) async fn a_step_takes_its_turn(fresh: Fresh) {
    let fresh = Arc::new(fresh);
    let store = fresh.open_with(&[ONE]).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let other = Arc::clone(&fresh);
    let mut newer = JoinSet::new();
    newer.spawn(async move { other.open_with(&[TWO]).await });
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'store_turns'::regclass";
    let until_it_waits = async {
        while tx.query(waiting, &[]).await.unwrap()[0].get::<i64>(0).unwrap() == 0 {
            assert!(newer.try_join_next().is_none(), "the upgrade did not wait");
        }
    };
    tokio::time::timeout(Duration::from_secs(60), until_it_waits).await.unwrap();
    tx.execute("INSERT INTO app_a (id, t) VALUES ($1, $2)", &params![1, "kept"]).await.unwrap();
    tx.commit().await.unwrap();
    let newer = newer.join_next().await.unwrap().unwrap().unwrap();
    let rows = newer.read().await.unwrap().query("SELECT t, b FROM app_a", &[]).await.unwrap();
    assert_eq!(rows.len(), 1);
    newer.close().await;
    store.close().await;
}
