//! Schema steps across versions.

use store::{Migrations, StoreError, params};

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
