//! Multipart uploads: completing, listing, bounds.

use crate::world::{World, key, world};
use lake::{
    Algorithm, ChecksumType, CompleteChecks, CompletePart, Conditions, LakeError, Meta, UploadChecks,
    UploadsQuery,
};

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
    let bare = m.complete(&[CompletePart { checksums: Vec::new(), ..one.clone() }]).await;
    assert!(matches!(bare, Err(LakeError::PartChecksumMissing { number: 1, .. })), "{bare:?}");
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

struct Copied {
    id: String,
    parts: Vec<CompletePart>,
}

impl World {
    async fn start(&self) -> Copied {
        let mut tx = self.lake.store().begin().await.unwrap();
        let meta = Meta::default();
        let upload = self.lake.create_upload(&mut tx, &self.bucket, &key("big"), meta, None).await.unwrap();
        tx.commit().await.unwrap();
        Copied { id: upload.id, parts: vec![] }
    }

    /// Adds a range of `k` as the next part.
    async fn copy_part(&self, to: &mut Copied, range: std::ops::Range<u64>) -> Result<(), LakeError> {
        let copied = self.get("k").await.unwrap().copy_range(range, &[Algorithm::Crc64Nvme]).await.unwrap();
        let number = to.parts.len() as u32 + 1;
        let mut tx = self.lake.store().begin().await.unwrap();
        let key = key("big");
        let part = self.lake.put_part_copy(&mut tx, &self.bucket, &key, &to.id, number, copied).await?;
        tx.commit().await.unwrap();
        to.parts.push(CompletePart { number, etag: part.etag, checksums: vec![] });
        Ok(())
    }

    async fn complete(&self, upload: &Copied) -> Result<lake::ObjectInfo, LakeError> {
        let mut tx = self.lake.store().begin().await.unwrap();
        let (checks, none) = (CompleteChecks::default(), Conditions::NONE);
        let (id, parts, key) = (&upload.id, &upload.parts, key("big"));
        let done = self.lake.complete_upload(&mut tx, &self.bucket, &key, id, parts, &checks, &none);
        let info = done.await?;
        tx.commit().await.unwrap();
        Ok(info)
    }

    async fn change(&self, sql: &str) {
        let mut tx = self.lake.store().begin().await.unwrap();
        tx.execute(sql, &[]).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn parts_that_lie_side_by_side_become_one_slice() {
    const PART: u64 = 5 << 20;
    let w = world().await;
    w.put("k", vec![7; 2 * PART as usize]).await;
    let mut upload = w.start().await;
    w.copy_part(&mut upload, 0..PART).await.unwrap();
    w.copy_part(&mut upload, PART..2 * PART).await.unwrap();
    w.complete(&upload).await.unwrap();
    let object = w.get("big").await.unwrap();
    assert_eq!(object.segments(0..u64::MAX).unwrap().len(), 1);
    assert_eq!(object.info().parts.len(), 2);
    drop(object);
    w.delete("k").await;
    assert_eq!(w.lake.collect_once().await.unwrap().extents, 0);
    w.delete("big").await;
    assert_eq!(w.lake.collect_once().await.unwrap().extents, 1, "the references were counted right");
}

#[tokio::test]
async fn uploads_have_a_largest_size_and_a_largest_number_of_slices() {
    const PART: u64 = 5 << 20;
    let w = world().await;
    w.put("k", vec![7; 2 * PART as usize]).await;
    let mut upload = w.start().await;
    w.copy_part(&mut upload, 1..PART + 1).await.unwrap();
    w.copy_part(&mut upload, PART..2 * PART).await.unwrap();
    w.change("UPDATE lake_parts SET size = 5497558138880 WHERE number = 1").await;
    let refused = w.complete(&upload).await;
    assert!(matches!(refused, Err(LakeError::EntityTooLarge { max: lake::MAX_OBJECT_BYTES, .. })));
    w.change("UPDATE lake_parts SET size = 5242880 WHERE number = 1").await;
    w.complete(&upload).await.unwrap();
    // Two slices, which do not lie side by side.
    assert_eq!(w.get("big").await.unwrap().segments(0..u64::MAX).unwrap().len(), 2);
    w.delete("k").await;
    w.change("UPDATE lake_objects SET key = CAST('k' AS BLOB) WHERE key = CAST('big' AS BLOB)").await;
    let mut upload = w.start().await;
    w.copy_part(&mut upload, 0..2 * PART).await.unwrap();
    w.change("UPDATE lake_parts SET slices = 99999").await;
    let refused = w.copy_part(&mut upload, 0..2 * PART).await;
    assert!(matches!(refused, Err(LakeError::TooManyPieces { pieces: 100_001, max: 100_000 })));
    w.copy_part(&mut upload, 0..9).await.unwrap();
}
