//! What the disk may do to a lake, and which disk it may be.

use crate::world::{BIG, World, key, options, world};
use lake::{BucketName, Conditions, Lake, LakeError};
use store::testing;
use tempfile::TempDir;

/// Paths of the extent files.
fn extents(w: &World) -> Vec<std::path::PathBuf> {
    let shards = std::fs::read_dir(w.folder.path().join("lake/extents")).unwrap();
    let files = shards.flat_map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

#[tokio::test]
async fn a_lost_extent_is_damage_and_no_passing_state() {
    let w = world().await;
    w.put("k", vec![7; BIG]).await;
    let file = extents(&w).pop().unwrap();
    let bytes = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let lost = w.get("k").await;
    assert!(matches!(lost, Err(LakeError::Corrupt { .. })), "{lost:?}");
    // A disk that cannot say whether the file is there says nothing of the object.
    let shard = file.parent().unwrap();
    std::fs::remove_dir(shard).unwrap();
    std::fs::write(shard, "in the way").unwrap();
    let unknown = w.get("k").await;
    assert!(matches!(unknown, Err(LakeError::Io { .. })), "{unknown:?}");
    std::fs::remove_file(shard).unwrap();
    std::fs::create_dir(shard).unwrap();
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(w.get("k").await.unwrap().read_range(0..9).await.unwrap(), vec![7; 9]);
}

#[tokio::test]
async fn a_file_that_cannot_be_removed_holds_up_no_other() {
    let w = world().await;
    w.put("bad", vec![1; BIG]).await;
    let bad = extents(&w).pop().unwrap();
    w.put("good", vec![2; BIG]).await;
    w.delete("bad").await;
    w.delete("good").await;
    std::fs::remove_file(&bad).unwrap();
    std::fs::create_dir(&bad).unwrap();
    let collected = w.lake.collect_once().await.unwrap();
    assert_eq!((collected.extents, collected.failed), (1, 1));
    assert_eq!(extents(&w), std::slice::from_ref(&bad));
    let collected = w.lake.collect_once().await.unwrap();
    assert_eq!((collected.extents, collected.failed), (0, 1), "only the bad one is left");
    std::fs::remove_dir(&bad).unwrap();
    let collected = w.lake.collect_once().await.unwrap();
    assert_eq!((collected.extents, collected.failed), (1, 0));
}

#[tokio::test]
async fn a_store_and_a_folder_belong_together() {
    let w = world().await;
    w.put("k", vec![7; BIG]).await;
    let store = w.lake.store().clone();
    let dir = options(w.folder.path()).dir;
    let World { lake, folder, .. } = w;
    drop(lake);
    let (other_store, other_folder) = testing::temp(&[lake::MIGRATIONS]).await;
    let opened = Lake::open(other_store.clone(), options(folder.path())).await;
    let error = opened.unwrap_err();
    assert!(matches!(error, LakeError::OtherFolder { store: None, .. }), "{error}");
    assert!(error.to_string().contains(&dir.display().to_string()), "{error}");
    let opened = Lake::open(store.clone(), options(other_folder.path())).await;
    assert!(matches!(opened, Err(LakeError::OtherFolder { folder: None, .. })));
    Lake::open(other_store, options(&other_folder.path().join("third"))).await.unwrap();
    let lake = Lake::open(store, options(folder.path())).await.unwrap();
    let mut tx = lake.store().read().await.unwrap();
    let bucket = BucketName::new("bucket").unwrap();
    lake.get(&mut tx, &bucket, &key("k"), &Conditions::NONE).await.unwrap();
}

#[tokio::test]
async fn a_folder_from_before_identities_is_adopted() {
    let w = world().await;
    w.put("k", vec![7; BIG]).await;
    let World { lake, folder, .. } = w;
    let mut tx = lake.store().begin().await.unwrap();
    tx.execute("DELETE FROM lake_state WHERE name = 'folder'", &[]).await.unwrap();
    tx.commit().await.unwrap();
    let store = lake.store().clone();
    drop(lake);
    let file = folder.path().join("lake/identity");
    std::fs::remove_file(&file).unwrap();
    drop(Lake::open(store.clone(), options(folder.path())).await.unwrap());
    // A crash before the rename.
    std::fs::rename(&file, folder.path().join("lake/identity.new")).unwrap();
    drop(Lake::open(store, options(folder.path())).await.unwrap());
    assert!(file.exists());
}

#[tokio::test]
async fn start_removes_orphans_and_only_these() {
    let w = world().await;
    w.put("k", vec![7; BIG]).await;
    let staged = w.lake.stage_bytes(vec![1; BIG]).await.unwrap();
    std::mem::forget(staged);
    assert_eq!(w.files(), 2);
    let World { lake, folder, bucket } = w;
    let second = Lake::open(lake.store().clone(), options(folder.path())).await;
    assert!(matches!(second, Err(LakeError::InUse { .. })));
    let store = lake.store().clone();
    // The forgotten upload still holds the folder, as a crashed process would not: copy it.
    let copy = TempDir::new().unwrap();
    let status =
        std::process::Command::new("cp").arg("-r").arg(folder.path().join("lake")).arg(copy.path()).status();
    assert!(status.unwrap().success());
    let lake = Lake::open(store, options(copy.path())).await.unwrap();
    let w = World { lake, bucket, folder: copy };
    assert_eq!(w.files(), 1);
    assert_eq!(w.get("k").await.unwrap().read_range(0..1).await.unwrap(), vec![7]);
    w.put("k2", vec![7; BIG]).await;
    assert_eq!(w.files(), 2);
}
