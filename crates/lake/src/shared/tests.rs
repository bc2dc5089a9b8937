//! Two servers, one store, one outside: as far as that can be seen without a network.

use super::*;
use crate::{BucketName, Conditions, Key, MIGRATIONS, Meta, Object, Staged};
use object_store::memory::InMemory;
use std::path::Path;
use store::Scope;
use tempfile::TempDir;

const BIG: usize = 3 << 20;
const CACHE: u64 = 64 << 20;

struct World {
    store: Store,
    outside: Outside,
    folder: TempDir,
    _store_folder: TempDir,
}

fn outside() -> Outside {
    Outside::over(Arc::new(InMemory::new()), "a/b".to_owned(), "memory".to_owned())
}

impl World {
    async fn new() -> World {
        let (store, store_folder) = store::testing::temp(&[MIGRATIONS]).await;
        World { store, outside: outside(), folder: TempDir::new().unwrap(), _store_folder: store_folder }
    }

    fn dir(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    async fn try_open(&self, name: &str, cache: u64) -> Result<Lake, LakeError> {
        let options = Options { dir: self.dir(name), durable: false };
        Lake::open_shared(self.store.clone(), options, self.outside.clone(), cache).await
    }

    async fn open(&self, name: &str) -> Lake {
        self.try_open(name, CACHE).await.unwrap()
    }
}

fn bucket() -> BucketName {
    BucketName::new("bucket").unwrap()
}

async fn make_bucket(lake: &Lake) {
    let mut tx = lake.store().begin().await.unwrap();
    lake.create_bucket(&mut tx, &Scope::new("000000000000", "us-east-1").unwrap(), &bucket()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn put(lake: &Lake, key: &str, staged: Staged) {
    let mut tx = lake.store().begin().await.unwrap();
    let key = Key::new(key).unwrap();
    lake.put(&mut tx, &bucket(), &key, staged, Meta::default(), &Conditions::NONE).await.unwrap();
    tx.commit().await.unwrap();
}

async fn put_bytes(lake: &Lake, key: &str, byte: u8) {
    put(lake, key, lake.stage_bytes(vec![byte; BIG]).await.unwrap()).await;
}

async fn get(lake: &Lake, key: &str) -> Result<Object, LakeError> {
    let mut tx = lake.store().read().await.unwrap();
    lake.get(&mut tx, &bucket(), &Key::new(key).unwrap(), &Conditions::NONE).await
}

async fn bytes(object: &Object) -> Vec<u8> {
    object.read_range(0..BIG as u64).await.unwrap().to_vec()
}

async fn delete(lake: &Lake, key: &str) {
    let mut tx = lake.store().begin().await.unwrap();
    lake.delete(&mut tx, &bucket(), &Key::new(key).unwrap(), &Conditions::NONE).await.unwrap();
    tx.commit().await.unwrap();
}

fn files(dir: &Path) -> usize {
    let shards = std::fs::read_dir(dir.join("extents")).unwrap();
    shards.map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count()).sum()
}

#[tokio::test]
async fn what_one_puts_the_other_reads_replaces_and_removes() {
    let world = World::new().await;
    let (a, b) = (world.open("a").await, world.open("b").await);
    make_bucket(&a).await;
    put_bytes(&a, "x", 1).await;
    put_bytes(&b, "y", 2).await;
    assert_eq!(bytes(&get(&b, "x").await.unwrap()).await, vec![1; BIG]);
    assert_eq!(bytes(&get(&a, "y").await.unwrap()).await, vec![2; BIG]);
    put_bytes(&b, "x", 3).await;
    assert_eq!(bytes(&get(&a, "x").await.unwrap()).await, vec![3; BIG]);
    delete(&a, "y").await;
    assert_eq!(b.collect_once().await.unwrap().extents, 2, "b's collector removes what a released");
    assert_eq!(world.outside.extents().await.len(), 1);
    assert!(matches!(get(&b, "y").await, Err(LakeError::NoSuchKey { .. })));
}

#[tokio::test]
async fn a_reader_keeps_what_another_server_collects() {
    let world = World::new().await;
    let (a, b) = (world.open("a").await, world.open("b").await);
    make_bucket(&a).await;
    put_bytes(&a, "x", 1).await;
    let held = get(&b, "x").await.unwrap();
    delete(&a, "x").await;
    a.collect_once().await.unwrap();
    assert!(world.outside.extents().await.is_empty());
    assert_eq!(bytes(&held).await, vec![1; BIG]);
}

#[tokio::test]
async fn a_start_removes_what_its_own_crash_left_and_nothing_of_others() {
    let world = World::new().await;
    let (a, b) = (world.open("a").await, world.open("b").await);
    make_bucket(&a).await;
    put_bytes(&a, "kept", 1).await;
    // As a crash leaves it: bytes here and outside, and no row.
    let dir = world.dir("a");
    let file = dir.join("extents/05/0000000000000005");
    std::fs::write(&file, vec![2; BIG]).unwrap();
    world.outside.send(5, &file).await.unwrap();
    let in_flight = b.stage_bytes(vec![3; BIG]).await.unwrap();
    assert_eq!(world.outside.extents().await.len(), 3);
    drop(a);
    let a = world.open("a").await;
    assert_eq!(world.outside.extents().await.len(), 2, "the crashed upload is gone, b's is not");
    assert_eq!(files(&dir), 0, "copies are not trusted after a restart");
    assert_eq!(bytes(&get(&a, "kept").await.unwrap()).await, vec![1; BIG]);
    put(&b, "in-flight", in_flight).await;
    assert_eq!(bytes(&get(&a, "in-flight").await.unwrap()).await, vec![3; BIG]);
}

#[tokio::test]
async fn uploads_that_are_given_up_are_removed_outside_too() {
    let world = World::new().await;
    let a = world.open("a").await;
    drop(a.stage_bytes(vec![1; BIG]).await.unwrap());
    assert_eq!(world.outside.extents().await.len(), 1);
    assert_eq!(a.collect_once().await.unwrap().extents, 1);
    assert!(world.outside.extents().await.is_empty());
}

#[tokio::test]
async fn copies_beyond_the_limit_go_unless_they_are_read() {
    let world = World::new().await;
    let a = world.try_open("a", 3 * BIG as u64).await.unwrap();
    make_bucket(&a).await;
    put_bytes(&a, "held", 1).await;
    let held = get(&a, "held").await.unwrap();
    for key in ["b", "c", "d"] {
        put_bytes(&a, key, 2).await;
    }
    let disk = a.disk();
    assert_eq!(disk.trim().unwrap(), 2 * BIG as u64, "down to seven eighths of the limit");
    assert_eq!(files(&world.dir("a")), 2);
    assert_eq!(disk.trim().unwrap(), 0);
    assert_eq!(bytes(&held).await, vec![1; BIG]);
    for key in ["b", "c", "d"] {
        assert_eq!(bytes(&get(&a, key).await.unwrap()).await, vec![2; BIG], "fetched again");
    }
    assert_eq!(world.outside.extents().await.len(), 4);
}

#[tokio::test]
async fn only_what_belongs_together_is_opened() {
    let world = World::new().await;
    drop(world.open("a").await);
    let options = |name: &str| Options { dir: world.dir(name), durable: false };
    let alone = Lake::open(world.store.clone(), options("alone")).await;
    assert!(matches!(alone, Err(LakeError::WrongPlace { .. })), "the store's bytes are outside");
    let emptied = Lake::open_shared(world.store.clone(), options("b"), outside(), CACHE).await;
    assert!(matches!(emptied, Err(LakeError::WrongPlace { .. })), "another place, or one that was emptied");
    let (other, _folder) = store::testing::temp(&[MIGRATIONS]).await;
    let taken = Lake::open_shared(other, options("c"), world.outside.clone(), CACHE).await;
    assert!(matches!(taken, Err(LakeError::WrongPlace { .. })), "the place is another store's");
    let (local, _folder) = store::testing::temp(&[MIGRATIONS]).await;
    drop(Lake::open(local.clone(), options("d")).await.unwrap());
    let moved = Lake::open_shared(local, options("e"), outside(), CACHE).await;
    assert!(matches!(moved, Err(LakeError::WrongPlace { .. })), "its bytes are in a folder");
    let (third, _folder) = store::testing::temp(&[MIGRATIONS]).await;
    let folder = Lake::open_shared(third, options("a"), outside(), CACHE).await;
    assert!(matches!(folder, Err(LakeError::OtherFolder { .. })), "the folder has another lake's copies");
    world.open("a").await;
}

#[tokio::test]
async fn a_claim_that_was_cut_off_goes_on() {
    let world = World::new().await;
    let mut tx = world.store.begin().await.unwrap();
    set_state(&mut tx, "folder", 7).await.unwrap();
    set_state(&mut tx, "outside", JOINING).await.unwrap();
    tx.commit().await.unwrap();
    drop(world.open("a").await);
    assert_eq!(world.outside.identity().await.unwrap(), Some(7));
    let mut tx = world.store.read().await.unwrap();
    assert_eq!(state(&mut tx, "outside").await.unwrap(), Some(JOINED));
}

#[tokio::test]
async fn an_overlay_is_published_for_all_servers_or_leaves_nothing_outside() {
    let world = World::new().await;
    let (one, two) = (world.open("one").await, world.open("two").await);
    make_bucket(&one).await;
    for (name, key) in [("kept", "a"), ("dropped", "b")] {
        let overlay = crate::Overlay::new(name);
        let mut tx = one.store().begin().await.unwrap();
        one.begin_overlay(&mut tx, &overlay).await.unwrap();
        tx.commit().await.unwrap();
        put_bytes(&one.seen_by(overlay.clone()), key, 7).await;
        assert!(matches!(get(&two, key).await, Err(LakeError::NoSuchKey { .. })));
        assert_eq!(bytes(&get(&two.seen_by(overlay), key).await.unwrap()).await, vec![7; BIG]);
    }
    assert_eq!(world.outside.extents().await.len(), 2);
    let mut tx = two.store().begin().await.unwrap();
    two.publish_overlay(&mut tx, &crate::Overlay::new("kept")).await.unwrap();
    assert!(two.drop_overlay(&mut tx, &crate::Overlay::new("dropped")).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(bytes(&get(&one, "a").await.unwrap()).await, vec![7; BIG]);
    assert!(matches!(get(&one, "b").await, Err(LakeError::NoSuchKey { .. })));
    two.collect_once().await.unwrap();
    assert_eq!(world.outside.extents().await.len(), 1);
}
