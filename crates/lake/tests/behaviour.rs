//! What the lake promises beyond single operations: pins, broken uploads, checks, big listings.

#![expect(clippy::unwrap_used, reason = "a test stops at its first surprise")]

use bytes::Bytes;
use lake::{
    Algorithm, BucketName, Checksum, ChecksumType, CompleteChecks, CompletePart, Conditions, Key, Lake,
    LakeError, ListQuery, Meta, Options, UploadChecks, UploadsQuery,
};
use std::path::Path;
use store::{Scope, testing};
use tempfile::TempDir;

struct World {
    lake: Lake,
    bucket: BucketName,
    folder: TempDir,
}

async fn world() -> World {
    let (store, folder) = testing::temp(&[lake::MIGRATIONS]).await;
    let lake = Lake::open(store, options(folder.path())).await.unwrap();
    let bucket = BucketName::new("bucket").unwrap();
    let mut tx = lake.store().begin().await.unwrap();
    lake.create_bucket(&mut tx, &scope("000000000000"), &bucket).await.unwrap();
    tx.commit().await.unwrap();
    World { lake, bucket, folder }
}

fn options(folder: &Path) -> Options {
    Options { dir: folder.join("lake"), durable: false }
}

fn scope(account: &str) -> Scope {
    Scope::new(account, "us-east-1").unwrap()
}

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

impl World {
    async fn put(&self, name: &str, bytes: Vec<u8>) -> lake::ObjectInfo {
        let staged = self.lake.stage_bytes(bytes).await.unwrap();
        let mut tx = self.lake.store().begin().await.unwrap();
        let (meta, none) = (Meta::default(), Conditions::NONE);
        let info = self.lake.put(&mut tx, &self.bucket, &key(name), staged, meta, &none).await.unwrap();
        tx.commit().await.unwrap();
        info
    }

    async fn get(&self, name: &str) -> Result<lake::Object, LakeError> {
        let mut tx = self.lake.store().read().await.unwrap();
        self.lake.get(&mut tx, &self.bucket, &key(name), &Conditions::NONE).await
    }

    async fn delete(&self, name: &str) {
        let mut tx = self.lake.store().begin().await.unwrap();
        assert!(self.lake.delete(&mut tx, &self.bucket, &key(name), &Conditions::NONE).await.unwrap());
        tx.commit().await.unwrap();
    }

    fn files(&self) -> usize {
        let shards = std::fs::read_dir(self.folder.path().join("lake/extents")).unwrap();
        shards.map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count()).sum()
    }
}

const BIG: usize = 3 << 20;

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
    // A blocking thread may still hold the piece it was writing: its end removes the file.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while w.files() > 0 {
        assert!(std::time::Instant::now() < deadline, "{} files left", w.files());
        tokio::task::yield_now().await;
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

struct Multipart<'a> {
    w: &'a World,
    id: String,
}

impl Multipart<'_> {
    async fn part(&self, number: u32, bytes: Vec<u8>, algorithm: Algorithm) -> CompletePart {
        let mut upload =
            self.w.lake.upload(UploadChecks { compute: vec![algorithm], ..UploadChecks::default() }).unwrap();
        upload.write(bytes.into()).await.unwrap();
        let staged = upload.finish().await.unwrap();
        let mut tx = self.w.lake.store().begin().await.unwrap();
        let part =
            self.w.lake.put_part(&mut tx, &self.w.bucket, &key("k"), &self.id, number, staged).await.unwrap();
        tx.commit().await.unwrap();
        CompletePart { number, etag: part.etag, checksums: part.checksums }
    }

    async fn complete(&self, named: &[CompletePart]) -> Result<lake::ObjectInfo, LakeError> {
        let mut tx = self.w.lake.store().begin().await.unwrap();
        let (bucket, checks, none) = (&self.w.bucket, CompleteChecks::default(), Conditions::NONE);
        let done =
            self.w.lake.complete_upload(&mut tx, bucket, &key("k"), &self.id, named, &checks, &none).await?;
        tx.commit().await.unwrap();
        Ok(done)
    }
}

async fn multipart(w: &World, checksum: Option<(Algorithm, Option<ChecksumType>)>) -> Multipart<'_> {
    let mut tx = w.lake.store().begin().await.unwrap();
    let upload =
        w.lake.create_upload(&mut tx, &w.bucket, &key("k"), Meta::default(), checksum).await.unwrap();
    tx.commit().await.unwrap();
    Multipart { w, id: upload.id }
}

#[tokio::test]
async fn completions_are_checked_and_repeatable() {
    let w = world().await;
    let m = multipart(&w, Some((Algorithm::Crc32, Some(ChecksumType::FullObject)))).await;
    let one = m.part(1, vec![1; 5 << 20], Algorithm::Crc32).await;
    let two = m.part(2, vec![2; 100], Algorithm::Crc32).await;
    let three = m.part(3, vec![3; 100], Algorithm::Crc32).await;
    let swapped = m.complete(&[two.clone(), one.clone()]).await;
    assert!(matches!(swapped, Err(LakeError::InvalidPartOrder)));
    let small = m.complete(&[one.clone(), two.clone(), three.clone()]).await;
    assert!(matches!(small, Err(LakeError::EntityTooSmall { number: 2, size: 100, .. })));
    let wrong = CompletePart { etag: one.etag.clone(), ..two.clone() };
    assert!(matches!(m.complete(&[one.clone(), wrong]).await, Err(LakeError::InvalidPart { number: 2, .. })));
    assert!(matches!(m.complete(&[]).await, Err(LakeError::InvalidPart { .. })));
    let info = m.complete(&[one.clone(), two.clone()]).await.unwrap();
    assert_eq!(info.size, (5 << 20) + 100);
    let object = w.get("k").await.unwrap();
    let (_, sums) = object.digest(0..5 << 21, &[Algorithm::Crc32]).await.unwrap();
    assert_eq!(info.checksums, sums);
    let again = m.complete(&[one.clone(), two.clone()]).await.unwrap();
    assert_eq!(again, info);
    assert!(matches!(m.complete(&[one]).await, Err(LakeError::NoSuchUpload { .. })));
    assert_eq!(w.files(), 1);
}

#[tokio::test]
async fn composite_checksums_count_their_parts() {
    let w = world().await;
    let m = multipart(&w, Some((Algorithm::Sha256, None))).await;
    let one = m.part(1, vec![1; 10], Algorithm::Sha256).await;
    let info = m.complete(&[one]).await.unwrap();
    assert!(info.checksums[0].value.ends_with("-1"));
    assert_eq!(info.checksums[0].kind, ChecksumType::Composite);
    let mut tx = w.lake.store().begin().await.unwrap();
    let bad = Some((Algorithm::Sha1, Some(ChecksumType::FullObject)));
    let refused = w.lake.create_upload(&mut tx, &w.bucket, &key("k"), Meta::default(), bad).await;
    assert!(matches!(refused, Err(LakeError::ChecksumTypeMismatch { .. })));
}

#[tokio::test]
async fn uploads_list_by_key_and_time() {
    let w = world().await;
    let mut tx = w.lake.store().begin().await.unwrap();
    for name in ["a", "b/1", "b/2", "a", "c"] {
        w.lake.create_upload(&mut tx, &w.bucket, &key(name), Meta::default(), None).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut query = UploadsQuery { delimiter: Some("/".into()), limit: 1, ..UploadsQuery::default() };
    loop {
        let page = w.lake.list_uploads(&mut tx, &w.bucket, &query).await.unwrap();
        seen.extend(page.uploads.iter().map(|u| u.key.to_string()));
        seen.extend(page.common_prefixes);
        let Some((key, id)) = page.next else { break };
        (query.after_key, query.after_id) = (Some(key), Some(id));
    }
    assert_eq!(seen, ["a", "a", "b/", "c"]);
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
