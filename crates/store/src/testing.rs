//! For the tests of the crates above: a store in a folder that vanishes with the test.

use std::sync::Arc;

use tempfile::TempDir;

use crate::{Clock, Ids, Location, Migrations, RandomIds, Store, SystemClock};

/// Opens an empty SQLite store in a new folder, with the host's clock and random ids. It is not synced to disk.
/// Keep the folder for as long as the store. Panics when that fails: for tests only.
pub async fn temp(migrations: &[Migrations]) -> (Store, TempDir) {
    temp_with(migrations, Arc::new(SystemClock), Arc::new(RandomIds)).await
}

/// Like [`temp`] with a clock and ids of the test's own.
#[expect(clippy::expect_used, reason = "a test cannot go on without its store")]
pub async fn temp_with(
    migrations: &[Migrations],
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
) -> (Store, TempDir) {
    let folder = TempDir::new().expect("a temporary folder");
    let location = Location::Sqlite { path: folder.path().join("store.db"), durable: false };
    let store = Store::open(location, migrations, clock, ids).await.expect("an empty store");
    (store, folder)
}
