//! A lake with a bucket.

use lake::{BucketName, Conditions, Key, Lake, LakeError, Meta, Options};
use std::path::Path;
use store::{Scope, testing};
use tempfile::TempDir;

pub(crate) struct World {
    pub(crate) lake: Lake,
    pub(crate) bucket: BucketName,
    pub(crate) folder: TempDir,
}

pub(crate) async fn world() -> World {
    let (store, folder) = testing::temp(&[lake::MIGRATIONS]).await;
    let lake = Lake::open(store, options(folder.path())).await.unwrap();
    let bucket = BucketName::new("bucket").unwrap();
    let mut tx = lake.store().begin().await.unwrap();
    lake.create_bucket(&mut tx, &scope("000000000000"), &bucket).await.unwrap();
    tx.commit().await.unwrap();
    World { lake, bucket, folder }
}

pub(crate) fn options(folder: &Path) -> Options {
    Options { dir: folder.join("lake"), durable: false }
}

pub(crate) fn scope(account: &str) -> Scope {
    Scope::new(account, "us-east-1").unwrap()
}

pub(crate) fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

impl World {
    pub(crate) async fn put(&self, name: &str, bytes: Vec<u8>) -> lake::ObjectInfo {
        let staged = self.lake.stage_bytes(bytes).await.unwrap();
        let mut tx = self.lake.store().begin().await.unwrap();
        let (meta, none) = (Meta::default(), Conditions::NONE);
        let info = self.lake.put(&mut tx, &self.bucket, &key(name), staged, meta, &none).await.unwrap();
        tx.commit().await.unwrap();
        info
    }

    pub(crate) async fn get(&self, name: &str) -> Result<lake::Object, LakeError> {
        let mut tx = self.lake.store().read().await.unwrap();
        self.lake.get(&mut tx, &self.bucket, &key(name), &Conditions::NONE).await
    }

    pub(crate) async fn delete(&self, name: &str) {
        let mut tx = self.lake.store().begin().await.unwrap();
        assert!(self.lake.delete(&mut tx, &self.bucket, &key(name), &Conditions::NONE).await.unwrap());
        tx.commit().await.unwrap();
    }

    pub(crate) fn files(&self) -> usize {
        let shards = std::fs::read_dir(self.folder.path().join("lake/extents")).unwrap();
        shards.map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count()).sum()
    }
}

pub(crate) const BIG: usize = 3 << 20;
