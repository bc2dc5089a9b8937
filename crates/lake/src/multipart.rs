//! Multipart uploads. Parts are extents of their own from the start, so completing one moves their slices from the
//! part rows to an object row and reads or writes no byte of data.

use crate::index::{self, no_such_bucket, size_value, unsigned};
use crate::layout::{Layout, Slice, release, retain};
use crate::meta::{DOC_VERSION, PartDoc, UploadDoc, decode, encode};
use crate::read::Object;
use crate::{Algorithm, BucketName, Checksum, ChecksumType, Key, Lake, LakeError, Meta, Staged};
use std::collections::BTreeMap;
use std::ops::Range;
use store::{Row, Tx, params};

/// Least size of a part that is not the last. Source: Amazon S3 User Guide, "Multipart upload limits".
pub const MIN_PART_BYTES: u64 = 5 << 20;
/// Highest part number. Same source.
pub const MAX_PART_NUMBER: u32 = 10_000;

/// Largest object. Source: Amazon S3 User Guide, "Multipart upload limits".
pub const MAX_OBJECT_BYTES: u64 = 5 << 40;
/// Most slices of all parts of an upload, and so of an object. Parts that are copied out of objects of many parts have
/// as many slices as those; completing an upload reads them all within one transaction.
const MAX_SLICES: usize = 100_000;

/// A multipart upload in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadInfo {
    /// Its id; ids of one key order by the time they were made.
    pub id: String,
    /// The key it will become.
    pub key: Key,
    /// When it was started, epoch milliseconds.
    pub initiated_ms: i64,
    /// Metadata and tags of the object to be.
    pub meta: Meta,
    /// Checksum that the client chose.
    pub algorithm: Option<Algorithm>,
    /// Type of that checksum.
    pub kind: Option<ChecksumType>,
}

impl UploadInfo {
    /// The checksum that the object will have: the one chosen, or CRC64NVME of the whole, as S3 does.
    pub fn checksum(&self) -> (Algorithm, ChecksumType) {
        let algorithm = self.algorithm.unwrap_or(Algorithm::Crc64Nvme);
        (algorithm, self.kind.unwrap_or_else(|| algorithm.default_multipart_type()))
    }

    /// The checksum that each part has to be sent and named with: the one chosen, when it is made of the parts'.
    /// Source: Amazon S3 User Guide, "Checking object integrity", composite checksums.
    pub fn needs_part_checksums(&self) -> Option<Algorithm> {
        self.algorithm.filter(|_| self.checksum().1 == ChecksumType::Composite)
    }
}

/// A part that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadedPart {
    /// Its number.
    pub number: u32,
    /// Size in bytes.
    pub size: u64,
    /// ETag (MD5 in hexadecimal) without quotes.
    pub etag: String,
    /// When it was uploaded, epoch milliseconds.
    pub last_modified_ms: i64,
    /// Its checksums.
    pub checksums: Vec<Checksum>,
}

/// A range of an object, digested and ready to become a part.
pub struct CopiedRange {
    object: Object,
    slices: Vec<Slice>,
    size: u64,
    etag: String,
    checksums: Vec<Checksum>,
}

impl Object {
    /// Prepares bytes `range` to become a part: the bytes are shared, not copied; they are read once for their MD5 and
    /// checksums unless the index knows these. Errors: `InvalidRange` when it does not lie in the object; `Io`.
    pub async fn copy_range(
        &self,
        range: Range<u64>,
        algorithms: &[Algorithm],
    ) -> Result<CopiedRange, LakeError> {
        if range.end > self.info().size || range.start > range.end {
            return Err(LakeError::InvalidRange { size: self.info().size });
        }
        let digest = self.digest(range.clone(), algorithms).await;
        let (etag, checksums) = digest.map_err(|err| LakeError::io("reading the source of a copy", err))?;
        let size = range.end - range.start;
        Ok(CopiedRange { object: self.clone(), slices: self.cut(range), size, etag, checksums })
    }
}

pub(crate) fn no_such_upload(id: &str) -> LakeError {
    LakeError::NoSuchUpload { upload_id: id.to_owned() }
}

impl Lake {
    /// Starts a multipart upload. Errors: `NoSuchBucket`, `ChecksumTypeMismatch` when S3 does not offer the type with
    /// the algorithm.
    pub async fn create_upload(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        key: &Key,
        meta: Meta,
        checksum: Option<(Algorithm, Option<ChecksumType>)>,
    ) -> Result<UploadInfo, LakeError> {
        let layer = self.layer(tx, bucket).await?;
        let algorithm = checksum.map(|(algorithm, _)| algorithm);
        let kind =
            checksum.map(|(algorithm, kind)| kind.unwrap_or_else(|| algorithm.default_multipart_type()));
        if let (Some(algorithm), Some(kind)) = (algorithm, kind)
            && !algorithm.allows(kind)
        {
            return Err(LakeError::ChecksumTypeMismatch {
                created: algorithm.name().to_owned(),
                given: kind.name().to_owned(),
            });
        }
        let bucket = match self.overlay() {
            None => layer.bucket,
            Some(_) => self.shadow(tx, layer.bucket, layer.shadow).await?,
        };
        let id = format!("{:016x}{}", self.disk().new_id(), tx.new_id().replace('-', ""));
        let doc = UploadDoc { v: DOC_VERSION, meta: meta.clone(), algorithm, kind };
        let row = params![id.as_str(), bucket, key.as_str().as_bytes(), tx.now_ms(), encode(&doc)?];
        let sql = "INSERT INTO lake_uploads (id, bucket, key, initiated_ms, doc) VALUES ($1, $2, $3, $4, $5)";
        tx.execute(sql, &row).await?;
        Ok(UploadInfo { id, key: key.clone(), initiated_ms: tx.now_ms(), meta, algorithm, kind })
    }

    /// Looks up a multipart upload. Errors: `NoSuchBucket`, `NoSuchUpload` (also for another key's).
    pub async fn open_upload(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        key: &Key,
        id: &str,
    ) -> Result<UploadInfo, LakeError> {
        self.find_upload(tx, bucket, key, id).await
    }

    /// Adds staged bytes as a part, over an earlier one of its number. Errors: `NoSuchUpload`, `InvalidPartNumber`.
    pub async fn put_part(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        key: &Key,
        upload_id: &str,
        number: u32,
        staged: Staged,
    ) -> Result<UploadedPart, LakeError> {
        self.find_upload(tx, bucket, key, upload_id).await?;
        let part = UploadedPart {
            number: valid_number(number)?,
            size: staged.size,
            etag: staged.etag().to_owned(),
            last_modified_ms: tx.now_ms(),
            checksums: staged.checksums.clone(),
        };
        let layout = index::insert_staged(self, tx, staged).await?;
        self.write_part(tx, upload_id, part, layout).await
    }

    /// Adds a range of an object as a part; rows only. Errors: as [`Lake::put_part`], `Changed` when the source was
    /// replaced or deleted meanwhile, and `TooManyPieces`.
    pub async fn put_part_copy(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        key: &Key,
        upload_id: &str,
        number: u32,
        source: CopiedRange,
    ) -> Result<UploadedPart, LakeError> {
        self.find_upload(tx, bucket, key, upload_id).await?;
        let part = UploadedPart {
            number: valid_number(number)?,
            size: source.size,
            etag: source.etag,
            last_modified_ms: tx.now_ms(),
            checksums: source.checksums.clone(),
        };
        if source.slices.len() > 1 {
            check_slices(tx, upload_id, number, source.slices.len()).await?;
        }
        retain(tx, &source.slices).await?;
        drop(source.object);
        self.write_part(tx, upload_id, part, Layout::new(source.slices)).await
    }

    async fn write_part(
        &self,
        tx: &mut Tx,
        upload_id: &str,
        part: UploadedPart,
        layout: Layout,
    ) -> Result<UploadedPart, LakeError> {
        let number = i64::from(part.number);
        let old = tx
            .query_opt(
                "DELETE FROM lake_parts WHERE upload = $1 AND number = $2 RETURNING layout",
                &params![upload_id, number],
            )
            .await?;
        if let Some(old) = old {
            release(self, tx, &decode::<Layout>(&old.get::<String>(0)?)?.slices).await?;
        }
        let doc = PartDoc { v: DOC_VERSION, checksums: part.checksums.clone() };
        let size = size_value(part.size)?;
        let time = part.last_modified_ms;
        let (etag, slices) = (part.etag.as_str(), layout.slices.len() as i64);
        let row = params![upload_id, number, size, etag, time, encode(&doc)?, encode(&layout)?, slices];
        let sql = "INSERT INTO lake_parts (upload, number, size, etag, modified_ms, doc, layout, slices) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        tx.execute(sql, &row).await?;
        Ok(part)
    }

    /// Ends a multipart upload without an object; its parts are released. Errors: `NoSuchUpload`.
    pub async fn abort_upload(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        key: &Key,
        upload_id: &str,
    ) -> Result<(), LakeError> {
        self.find_upload(tx, bucket, key, upload_id).await?;
        let slices: Vec<Slice> = part_slices(tx, upload_id).await?.into_values().flatten().collect();
        release(self, tx, &slices).await?;
        remove_upload(tx, upload_id).await
    }

    /// Parts of an upload in order of number, after number `after`, at most `limit`. Errors: `NoSuchUpload`.
    pub async fn list_parts(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        key: &Key,
        upload_id: &str,
        after: u32,
        limit: usize,
    ) -> Result<(UploadInfo, Vec<UploadedPart>), LakeError> {
        let upload = self.find_upload(tx, bucket, key, upload_id).await?;
        let parts = part_rows(tx, upload_id, after, i64::try_from(limit).unwrap_or(i64::MAX)).await?;
        Ok((upload, parts))
    }
}

fn valid_number(number: u32) -> Result<u32, LakeError> {
    if (1..=MAX_PART_NUMBER).contains(&number) {
        Ok(number)
    } else {
        Err(LakeError::InvalidPartNumber { number })
    }
}

impl Lake {
    /// Looks an upload up among those that the caller sees: in an overlay its own. Errors: `NoSuchBucket`,
    /// `NoSuchUpload`, `OverlayEnded`.
    pub(crate) async fn find_upload(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        key: &Key,
        id: &str,
    ) -> Result<UploadInfo, LakeError> {
        const SQL: &str = "SELECT b.id, u.key, u.initiated_ms, u.doc FROM lake_buckets b \
             LEFT JOIN lake_uploads u ON u.bucket = b.id AND u.id = $2 WHERE b.name = $1";
        const APART: &str = "SELECT s.id, u.key, u.initiated_ms, u.doc FROM lake_shadows s \
             LEFT JOIN lake_uploads u ON u.bucket = s.id AND u.id = $2 WHERE s.id = $1";
        // Ids are our own hexadecimal text; anything else, such as a NUL that no store takes, is no upload.
        let asked = if id.bytes().all(|b| b.is_ascii_alphanumeric()) { id } else { "" };
        let row = match self.overlay() {
            None => {
                let row = tx.query_opt(SQL, &params![bucket.as_str(), asked]).await?;
                row.ok_or_else(|| no_such_bucket(bucket))?
            }
            Some(_) => {
                let shadow = self.layer(tx, bucket).await?.shadow.ok_or_else(|| no_such_upload(id))?;
                let row = tx.query_opt(APART, &params![shadow, asked]).await?;
                row.ok_or_else(|| no_such_upload(id))?
            }
        };
        match row.get::<Option<Vec<u8>>>(1)? {
            Some(found) if found == key.as_str().as_bytes() => upload_of(&row, id, key),
            _ => Err(no_such_upload(id)),
        }
    }
}

fn upload_of(row: &Row, id: &str, key: &Key) -> Result<UploadInfo, LakeError> {
    let doc: UploadDoc = decode(&row.get::<String>(3)?)?;
    Ok(UploadInfo {
        id: id.to_owned(),
        key: key.clone(),
        initiated_ms: row.get(2)?,
        meta: doc.meta,
        algorithm: doc.algorithm,
        kind: doc.kind,
    })
}

pub(crate) async fn remove_upload(tx: &mut Tx, id: &str) -> Result<(), LakeError> {
    tx.execute("DELETE FROM lake_parts WHERE upload = $1", &params![id]).await?;
    tx.execute("DELETE FROM lake_uploads WHERE id = $1", &params![id]).await?;
    Ok(())
}

/// Refuses a part of `adding` slices that would give the upload too many.
async fn check_slices(tx: &mut Tx, upload_id: &str, number: u32, adding: usize) -> Result<(), LakeError> {
    let sql = "SELECT COALESCE(SUM(slices), 0) FROM lake_parts WHERE upload = $1 AND number <> $2";
    let row = tx.query_opt(sql, &params![upload_id, i64::from(number)]).await?;
    let others: i64 = row.map_or(Ok(0), |row| row.get(0))?;
    let pieces = usize::try_from(others).unwrap_or(usize::MAX).saturating_add(adding);
    if pieces > MAX_SLICES { Err(LakeError::TooManyPieces { pieces, max: MAX_SLICES }) } else { Ok(()) }
}

/// Parts after number `after`, without their slices.
async fn part_rows(
    tx: &mut Tx,
    upload_id: &str,
    after: u32,
    limit: i64,
) -> Result<Vec<UploadedPart>, LakeError> {
    let sql = "SELECT number, size, etag, modified_ms, doc FROM lake_parts \
               WHERE upload = $1 AND number > $2 ORDER BY number LIMIT $3";
    let rows = tx.query(sql, &params![upload_id, i64::from(after), limit]).await?;
    let mut parts = Vec::with_capacity(rows.len());
    for row in rows {
        let doc: PartDoc = decode(&row.get::<String>(4)?)?;
        parts.push(UploadedPart {
            number: part_number(&row)?,
            size: unsigned(&row, 1)?,
            etag: row.get(2)?,
            last_modified_ms: row.get(3)?,
            checksums: doc.checksums,
        });
    }
    Ok(parts)
}

fn part_number(row: &Row) -> Result<u32, LakeError> {
    u32::try_from(row.get::<i64>(0)?).map_err(|_| LakeError::corrupt("a part number is negative"))
}

pub(crate) async fn all_parts(
    tx: &mut Tx,
    upload_id: &str,
) -> Result<BTreeMap<u32, UploadedPart>, LakeError> {
    let parts = part_rows(tx, upload_id, 0, i64::from(MAX_PART_NUMBER)).await?;
    Ok(parts.into_iter().map(|part| (part.number, part)).collect())
}

/// The slices of all parts; [`check_slices`] has bounded how many there are.
pub(crate) async fn part_slices(
    tx: &mut Tx,
    upload_id: &str,
) -> Result<BTreeMap<u32, Vec<Slice>>, LakeError> {
    let sql = "SELECT number, layout FROM lake_parts WHERE upload = $1 ORDER BY number";
    let mut slices = BTreeMap::new();
    for row in tx.query(sql, &params![upload_id]).await? {
        slices.insert(part_number(&row)?, decode::<Layout>(&row.get::<String>(1)?)?.slices);
    }
    Ok(slices)
}
