//! What the lake promises beyond single operations: pins, broken uploads, checks, big listings.

#![expect(clippy::unwrap_used, reason = "a test stops at its first surprise")]

mod damage;
mod multipart;
mod overlay;
mod told;
mod world;

use bytes::Bytes;
use lake::{Algorithm, Checksum, Conditions, ETagKind, LakeError, ListQuery, Meta, UploadChecks};
use world::{BIG, key, scope, world};

#[tokio::test]
async fn readers_keep_what_they_opened() {
    let w = world().await;
    w.put("k", vec![7; BIG]).await;
    let object = w.get("k").await.unwrap();
    w.delete("k").await;
    let collected = w.lake.collect_once().await.unwrap();
    assert_eq!((collected.extents, collected.pinned), (0, 1));
    assert_eq!(object.read_range(0..u64::MAX).await.unwrap(), vec![7; BIG]);
    let stream = object.read(0..u64::MAX);
    drop(object);
    assert_eq!(w.lake.collect_once().await.unwrap().pinned, 1);
    drop(stream);
    assert_eq!(w.lake.collect_once().await.unwrap().pinned, 0);
    assert_eq!(w.files(), 0);
}

#[tokio::test]
async fn many_objects_open_at_once_each_with_its_own_answer() {
    let world = world().await;
    world.put("small", b"abc".to_vec()).await;
    world.put("big", vec![7; BIG]).await;
    world.put("empty", Vec::new()).await;
    let names = ["big", "gone", "small", "empty"].map(key);
    let mut tx = world.lake.store().read().await.unwrap();
    let keys: Vec<&lake::Key> = names.iter().collect();
    let objects = world.lake.get_many(&mut tx, &world.bucket, &keys).await.unwrap();
    drop(tx);
    let mut sizes = Vec::new();
    for (key, object) in keys.iter().zip(objects) {
        sizes.push(match object {
            Ok(object) => {
                assert_eq!(object.info().key, **key);
                object.read_range(0..u64::MAX).await.unwrap().len()
            }
            Err(error) => {
                assert!(matches!(error, LakeError::NoSuchKey { key } if key == "gone"));
                usize::MAX
            }
        });
    }
    assert_eq!(sizes, [BIG, usize::MAX, 3, 0]);
}

#[tokio::test]
async fn a_snapshot_older_than_the_collection_says_so() {
    let w = world().await;
    w.put("k", vec![7; BIG]).await;
    let mut old = w.lake.store().read().await.unwrap();
    old.query("SELECT id FROM lake_buckets", &[]).await.unwrap();
    w.delete("k").await;
    assert_eq!(w.lake.collect_once().await.unwrap().extents, 1);
    let read = w.lake.get(&mut old, &w.bucket, &key("k"), &Conditions::NONE).await;
    assert!(matches!(read, Err(LakeError::Changed)));
}

#[tokio::test]
async fn dropped_and_refused_uploads_leave_nothing() {
    let w = world().await;
    let mut upload = w.lake.upload(UploadChecks::default()).unwrap();
    upload.write(Bytes::from(vec![1; BIG])).await.unwrap();
    assert_eq!(w.files(), 1);
    drop(upload);
    let checks = UploadChecks { md5: Some([0; 16]), ..UploadChecks::default() };
    let mut upload = w.lake.upload(checks).unwrap();
    upload.write(Bytes::from(vec![1; BIG])).await.unwrap();
    assert!(matches!(upload.finish().await, Err(LakeError::BadMd5 { .. })));
    let staged = w.lake.stage_bytes(vec![1; BIG]).await.unwrap();
    drop(staged);
    // A blocking thread may still hold the piece it was writing: its end gives the file up.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while w.files() > 0 {
        assert!(std::time::Instant::now() < deadline, "{} files left", w.files());
        assert_eq!(w.lake.collect_once().await.unwrap().failed, 0);
    }
}

#[tokio::test]
async fn an_etag_of_crcs_tells_bodies_apart_and_is_no_md5() {
    let w = world().await;
    let etag = |size: usize, last: u8| {
        let checks = UploadChecks { etag: ETagKind::Crcs, ..UploadChecks::default() };
        let mut upload = w.lake.upload(checks).unwrap();
        async move {
            upload.write(Bytes::from(vec![1; size - 1])).await.unwrap();
            upload.write(Bytes::from(vec![last])).await.unwrap();
            upload.finish().await.unwrap().etag().to_owned()
        }
    };
    for size in [100, BIG] {
        let first = etag(size, 1).await;
        assert_eq!((first.len(), &first[32..]), (34, "-1"));
        assert_eq!(etag(size, 1).await, first);
        assert_ne!(etag(size, 2).await, first);
    }
}

#[tokio::test]
async fn transactions_rolled_back_leave_nothing() {
    let w = world().await;
    let staged = w.lake.stage_bytes(vec![1; BIG]).await.unwrap();
    let mut tx = w.lake.store().begin().await.unwrap();
    w.lake.put(&mut tx, &w.bucket, &key("k"), staged, Meta::default(), &Conditions::NONE).await.unwrap();
    drop(tx);
    assert_eq!(w.files(), 1);
    assert_eq!(w.lake.collect_once().await.unwrap().extents, 1);
    assert_eq!(w.files(), 0);
    assert!(matches!(w.get("k").await, Err(LakeError::NoSuchKey { .. })));
}

#[tokio::test]
async fn hundreds_of_small_uploads_publish_together() {
    let w = world().await;
    let mut open = Vec::new();
    for n in 0..300usize {
        let checks = UploadChecks { piece_bytes: Some(1), ..UploadChecks::default() };
        open.push((n, w.lake.upload(checks).unwrap()));
    }
    for _ in 0..5 {
        for (n, upload) in &mut open {
            upload.write(Bytes::from(vec![*n as u8; *n * 40])).await.unwrap();
        }
    }
    let mut objects = Vec::new();
    for (n, upload) in open {
        objects.push((key(&format!("p={n}/file")), upload.finish().await.unwrap(), Meta::default()));
    }
    let mut tx = w.lake.store().begin().await.unwrap();
    let infos = w.lake.put_many(&mut tx, &w.bucket, objects).await.unwrap();
    assert_eq!(infos.len(), 300);
    tx.commit().await.unwrap();
    for n in [0, 1, 81, 82, 83, 163, 164, 299usize] {
        let object = w.get(&format!("p={n}/file")).await.unwrap();
        assert_eq!(object.read_range(0..u64::MAX).await.unwrap(), vec![n as u8; n * 200]);
    }
}

#[tokio::test]
async fn bodies_are_checked() {
    let w = world().await;
    let announced = UploadChecks { content_length: Some(5), ..UploadChecks::default() };
    let mut short = w.lake.upload(announced.clone()).unwrap();
    short.write(Bytes::from_static(b"1234")).await.unwrap();
    assert!(matches!(short.finish().await, Err(LakeError::IncompleteBody { expected: 5, received: 4 })));
    let mut long = w.lake.upload(announced).unwrap();
    assert!(matches!(long.write(Bytes::from_static(b"123456")).await, Err(LakeError::IncompleteBody { .. })));
    let wrong = Checksum::parse(Algorithm::Crc32, "AAAAAA==").unwrap();
    let checks = UploadChecks { expected: vec![wrong], ..UploadChecks::default() };
    let mut bad = w.lake.upload(checks).unwrap();
    bad.write(Bytes::from_static(b"123456789")).await.unwrap();
    let Err(LakeError::BadChecksum { calculated, .. }) = bad.finish().await else { panic!("accepted") };
    assert_eq!(calculated, "y/Q5Jg==");
    let limit = UploadChecks { max_bytes: Some(3), ..UploadChecks::default() };
    let mut large = w.lake.upload(limit).unwrap();
    assert!(matches!(
        large.write(Bytes::from_static(b"1234")).await,
        Err(LakeError::EntityTooLarge { max: 3, .. })
    ));
}

#[tokio::test]
async fn buckets_are_global_and_must_be_empty() {
    let w = world().await;
    let mut tx = w.lake.store().begin().await.unwrap();
    let again = w.lake.create_bucket(&mut tx, &scope("000000000000"), &w.bucket).await;
    assert!(matches!(again, Err(LakeError::BucketAlreadyOwnedByYou { .. })));
    let other = w.lake.create_bucket(&mut tx, &scope("111111111111"), &w.bucket).await;
    assert!(matches!(other, Err(LakeError::BucketAlreadyExists { .. })));
    drop(tx);
    w.put("k", vec![]).await;
    let mut tx = w.lake.store().begin().await.unwrap();
    assert!(matches!(w.lake.delete_bucket(&mut tx, &w.bucket).await, Err(LakeError::BucketNotEmpty { .. })));
    drop(tx);
    w.delete("k").await;
    let mut tx = w.lake.store().begin().await.unwrap();
    w.lake.create_upload(&mut tx, &w.bucket, &key("k"), Meta::default(), None).await.unwrap();
    w.lake.delete_bucket(&mut tx, &w.bucket).await.unwrap();
    let left = w.lake.list_buckets(&mut tx, "000000000000", "", 10).await.unwrap();
    assert!(left.is_empty());
}

#[tokio::test]
async fn delimiter_listings_jump_over_prefixes() {
    let w = world().await;
    let mut tx = w.lake.store().begin().await.unwrap();
    let mut rows = Vec::new();
    let id = tx.query("SELECT id FROM lake_buckets", &[]).await.unwrap()[0].get::<i64>(0).unwrap();
    let doc = r#"{"v":1,"meta":{},"checksums":[]}"#;
    for n in 0..100_000u32 {
        let key = format!("p{}/{n:06}", n % 20).into_bytes();
        rows.push(vec![id.into(), key.into(), 0i64.into(), "e".into(), 0i64.into(), doc.into(), "{}".into()]);
    }
    let columns = ["bucket", "key", "size", "etag", "modified_ms", "doc", "layout"];
    tx.insert_many("lake_objects", &columns, &rows).await.unwrap();
    let query = ListQuery { delimiter: Some("/".into()), limit: 1000, ..ListQuery::default() };
    let begun = std::time::Instant::now();
    let page = w.lake.list(&mut tx, &w.bucket, &query).await.unwrap();
    assert_eq!((page.common_prefixes.len(), page.objects.len(), page.next), (20, 0, None));
    assert!(begun.elapsed() < std::time::Duration::from_millis(500), "{:?}", begun.elapsed());
}
