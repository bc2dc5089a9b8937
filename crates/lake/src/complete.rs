//! Completing multipart uploads: the parts are chosen and checked, their slices become the object's, and what no part
//! of the object needs is released. Rows only, in one transaction.

use crate::checksum::{combine, multipart_etag};
use crate::index;
use crate::layout::{Layout, Slice, merge, release};
use crate::meta::PartInfo;
use crate::multipart::{
    MAX_OBJECT_BYTES, MIN_PART_BYTES, all_parts, no_such_upload, part_slices, remove_upload,
};
use crate::notification::Event;
use crate::objects::made;
use crate::{
    Algorithm, BucketName, Checksum, ChecksumType, Conditions, Key, Lake, LakeError, ObjectInfo, UploadInfo,
    UploadedPart,
};
use std::collections::BTreeMap;
use store::Tx;

/// A part as a completion names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletePart {
    /// Its number.
    pub number: u32,
    /// Its ETag, without quotes.
    pub etag: String,
    /// Its checksums, when the client sends them.
    pub checksums: Vec<Checksum>,
}

/// What a completion announces about the whole.
#[derive(Clone, Debug, Default)]
pub struct CompleteChecks {
    /// Size in bytes.
    pub size: Option<u64>,
    /// Checksum type.
    pub kind: Option<ChecksumType>,
    /// Checksums: algorithm and value as sent, composite ones with or without `-<parts>`.
    pub checksums: Vec<(Algorithm, String)>,
}

impl Lake {
    /// Makes the object out of the parts named, in the order named; other parts are released. Asked again after it
    /// succeeded, with the same parts and while the object is unchanged, it answers the same. Errors: `NoSuchUpload`,
    /// `InvalidPartOrder`, `InvalidPart`, `EntityTooSmall`, `EntityTooLarge`, `ObjectSizeMismatch`,
    /// `ChecksumTypeMismatch`, `PartChecksumMissing`, `BadChecksum`, and those of the conditions. Source: Amazon S3 API
    /// Reference, CompleteMultipartUpload.
    #[expect(clippy::too_many_arguments, reason = "the operation's own parameters, each of another type")]
    pub async fn complete_upload(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        key: &Key,
        upload_id: &str,
        named: &[CompletePart],
        checks: &CompleteChecks,
        conditions: &Conditions,
    ) -> Result<ObjectInfo, LakeError> {
        let upload = match self.find_upload(tx, bucket, key, upload_id).await {
            Err(LakeError::NoSuchUpload { .. }) => {
                return completed_before(self, tx, bucket, key, upload_id, named, conditions).await;
            }
            other => other?,
        };
        if named.windows(2).any(|pair| pair[0].number >= pair[1].number) {
            return Err(LakeError::InvalidPartOrder);
        }
        require_checksums(&upload, named)?;
        let mut stored = all_parts(tx, upload_id).await?;
        let chosen = choose(&mut stored, named)?;
        let info = assemble(tx, key, &upload, &chosen, checks)?;
        let found = self.find(tx, bucket, key, conditions).await?;
        conditions.check_write(key.as_str(), found.etag())?;
        let bucket = self.enter(tx, &found, key, Some(Event::Complete), conditions).await?;
        let mut slices = part_slices(tx, upload_id).await?;
        let wanted = chosen.iter().flat_map(|part| slices.remove(&part.number).unwrap_or_default()).collect();
        let (wanted, merged) = merge(wanted);
        let mut layout = Layout::new(wanted);
        layout.parts = info.parts.clone();
        layout.upload = Some(upload_id.to_owned());
        index::write_object(tx, bucket, &info, &layout).await?;
        self.replaced(tx, found, made(Event::Complete, &info)).await?;
        let unused: Vec<Slice> = slices.into_values().flatten().chain(merged).collect();
        release(self, tx, &unused).await?;
        remove_upload(tx, upload_id).await?;
        store::crash::point("lake.complete.rows");
        Ok(info)
    }
}

/// Every part of an upload that was created with a composite checksum is named with its own.
fn require_checksums(upload: &UploadInfo, named: &[CompletePart]) -> Result<(), LakeError> {
    let Some(algorithm) = upload.needs_part_checksums() else { return Ok(()) };
    let lacks = |part: &&CompletePart| part.checksums.iter().all(|sum| sum.algorithm != algorithm);
    match named.iter().find(lacks) {
        None => Ok(()),
        Some(part) => Err(LakeError::PartChecksumMissing {
            algorithm: algorithm.name().to_lowercase(),
            number: part.number,
        }),
    }
}

/// Takes the named parts out of the stored ones. Errors: `InvalidPart`, `EntityTooSmall`.
fn choose(
    stored: &mut BTreeMap<u32, UploadedPart>,
    named: &[CompletePart],
) -> Result<Vec<UploadedPart>, LakeError> {
    let mut chosen = Vec::with_capacity(named.len());
    for (position, wanted) in named.iter().enumerate() {
        let invalid = || LakeError::InvalidPart { number: wanted.number, etag: wanted.etag.clone() };
        let part = stored.remove(&wanted.number).ok_or_else(invalid)?;
        if !part.etag.eq_ignore_ascii_case(&wanted.etag) {
            return Err(invalid());
        }
        for sum in &wanted.checksums {
            let same = part.checksums.iter().any(|c| c.algorithm == sum.algorithm && c.value == sum.value);
            if !same {
                return Err(invalid());
            }
        }
        if position + 1 < named.len() && part.size < MIN_PART_BYTES {
            let UploadedPart { number, size, etag, .. } = part;
            return Err(LakeError::EntityTooSmall { number, size, min: MIN_PART_BYTES, etag });
        }
        chosen.push(part);
    }
    match chosen.is_empty() {
        true => Err(LakeError::InvalidPart { number: 0, etag: String::new() }),
        false => Ok(chosen),
    }
}

/// The object that the chosen parts make, checked against what the client announced.
fn assemble(
    tx: &Tx,
    key: &Key,
    upload: &UploadInfo,
    chosen: &[UploadedPart],
    checks: &CompleteChecks,
) -> Result<ObjectInfo, LakeError> {
    let size: u64 = chosen.iter().map(|part| part.size).sum();
    if size > MAX_OBJECT_BYTES {
        return Err(LakeError::EntityTooLarge { proposed: size, max: MAX_OBJECT_BYTES });
    }
    if let Some(expected) = checks.size.filter(|expected| *expected != size) {
        return Err(LakeError::ObjectSizeMismatch { expected, actual: size });
    }
    let (algorithm, kind) = upload.checksum();
    if let Some(given) = checks.kind.filter(|given| *given != kind) {
        return Err(LakeError::ChecksumTypeMismatch {
            created: kind.name().into(),
            given: given.name().into(),
        });
    }
    let mut sums = Vec::with_capacity(chosen.len());
    for part in chosen {
        let sum = part.checksums.iter().find(|c| c.algorithm == algorithm);
        let sum = sum.ok_or_else(|| LakeError::corrupt("a part lacks the checksum of its upload"))?;
        sums.push((sum.clone(), part.size));
    }
    let checksum = combine(algorithm, kind, &sums)?;
    for (given, value) in &checks.checksums {
        check_whole(&checksum, *given, value)?;
    }
    let parts = chosen.iter().map(|part| PartInfo {
        number: part.number,
        size: part.size,
        checksums: part.checksums.clone(),
    });
    Ok(ObjectInfo {
        key: key.clone(),
        size,
        etag: multipart_etag(chosen.iter().map(|part| part.etag.as_str()))?,
        last_modified_ms: tx.now_ms(),
        meta: upload.meta.clone(),
        checksums: vec![checksum],
        parts: parts.collect(),
    })
}

fn check_whole(calculated: &Checksum, algorithm: Algorithm, value: &str) -> Result<(), LakeError> {
    if calculated.algorithm != algorithm {
        return Err(LakeError::ChecksumTypeMismatch {
            created: calculated.algorithm.name().into(),
            given: algorithm.name().into(),
        });
    }
    let bare = calculated.value.split('-').next().unwrap_or_default();
    if value == calculated.value || value == bare {
        return Ok(());
    }
    Err(LakeError::BadChecksum { algorithm, expected: value.into(), calculated: calculated.value.clone() })
}

/// The answer to a completion that was carried out before: clients repeat it when the reply was lost.
async fn completed_before(
    lake: &Lake,
    tx: &mut Tx,
    bucket: &BucketName,
    key: &Key,
    upload_id: &str,
    named: &[CompletePart],
    conditions: &Conditions,
) -> Result<ObjectInfo, LakeError> {
    let Some(entry) = lake.find(tx, bucket, key, conditions).await?.entry else {
        return Err(no_such_upload(upload_id));
    };
    let mut layout = entry.layout()?;
    let etags: Vec<&str> = named.iter().map(|part| part.etag.as_str()).collect();
    let same_parts = multipart_etag(etags.into_iter()).is_ok_and(|etag| etag == entry.etag);
    if layout.upload.as_deref() != Some(upload_id) || !same_parts {
        return Err(no_such_upload(upload_id));
    }
    entry.info(key, &mut layout)
}
