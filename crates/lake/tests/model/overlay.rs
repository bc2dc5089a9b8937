//! Random operations through an overlay, over what random operations have left: nobody else sees them, then all do or
//! nobody ever does.

use super::{KEYS, Op, World, ops, runtime};
use lake::{BucketName, Lake, Options, Overlay};
use proptest::prelude::*;
use std::collections::BTreeMap;
use store::{Scope, Store, testing};
use tempfile::TempDir;

/// Operations of everybody, then those of the overlay, and whether these are published.
pub(super) type Case = (Vec<Op>, Vec<Op>, bool);

pub(super) fn cases() -> impl Strategy<Value = Case> {
    (ops(), ops(), prop::bool::weighted(0.7))
}

async fn check(world: &World) {
    for k in 0..KEYS.len() {
        world.read(k, 0, 1 << 30).await;
    }
    for (prefix, delimiter, limit) in [("", true, 1), ("", false, 2), ("a/", true, 2), ("", false, 1000)] {
        world.list(prefix, delimiter, limit).await;
    }
}

pub(super) async fn run(store: Store, folder: &TempDir, (below, own, publish): Case) {
    let dir = folder.path().join("lake");
    let lake = Lake::open(store, Options { dir: dir.clone(), durable: false }).await.unwrap();
    let bucket = BucketName::new("bucket").unwrap();
    let mut tx = lake.store().begin().await.unwrap();
    let scope = Scope::new("000000000000", "us-east-1").unwrap();
    lake.create_bucket(&mut tx, &scope, &bucket).await.unwrap();
    let overlay = Overlay::new("run");
    lake.begin_overlay(&mut tx, &overlay).await.unwrap();
    tx.commit().await.unwrap();
    let mut all = World { lake: lake.clone(), bucket: bucket.clone(), model: BTreeMap::new() };
    for op in below {
        all.apply(op).await;
    }
    let mut writer = World { lake: lake.seen_by(overlay.clone()), bucket, model: all.model.clone() };
    for op in own {
        writer.apply(op).await;
    }
    check(&writer).await;
    check(&all).await;
    let mut tx = lake.store().begin().await.unwrap();
    if publish {
        lake.publish_overlay(&mut tx, &overlay).await.unwrap();
        all.model = writer.model;
    } else {
        assert!(lake.drop_overlay(&mut tx, &overlay).await.unwrap());
    }
    tx.commit().await.unwrap();
    check(&all).await;
    all.check_disk(&dir).await;
    all.apply(Op::DeleteMany { keys: (0..KEYS.len()).collect() }).await;
    all.check_disk(&dir).await;
    let mut tx = lake.store().read().await.unwrap();
    for table in ["overlays", "shadows", "veils", "objects", "uploads", "parts", "extents"] {
        let rows = tx.query(&format!("SELECT COUNT(*) FROM lake_{table}"), &[]).await.unwrap();
        assert_eq!(rows[0].get::<i64>(0).unwrap(), 0, "{table}");
    }
}

proptest! {
    #![proptest_config(super::config(12))]
    #[test]
    fn an_overlay_is_seen_by_its_writer_then_by_all_or_nobody(case in cases()) {
        runtime().block_on(async {
            let (store, folder) = testing::temp(&[lake::MIGRATIONS]).await;
            run(store, &folder, case).await;
        });
    }
}
