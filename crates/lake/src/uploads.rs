//! Listing multipart uploads in progress: by key in byte order, uploads of one key by the time they were started.

use crate::list::{Roll, after_prefix};
use crate::meta::{UploadDoc, decode};
use crate::{BucketName, Key, Lake, LakeError, UploadInfo};
use store::{Row, Tx, params};

/// Which uploads to list.
#[derive(Clone, Debug, Default)]
pub struct UploadsQuery {
    /// Only keys that start with this.
    pub prefix: String,
    /// Keys with this text after the prefix are rolled up to common prefixes.
    pub delimiter: Option<String>,
    /// Only keys (and common prefixes) greater than this; with `after_id` also later uploads of this very key.
    pub after_key: Option<String>,
    /// Counts only with `after_key`.
    pub after_id: Option<String>,
    /// At most this many uploads and common prefixes together.
    pub limit: usize,
}

/// A page of uploads.
#[derive(Clone, Debug, Default)]
pub struct UploadsPage {
    /// The uploads.
    pub uploads: Vec<UploadInfo>,
    /// Common prefixes.
    pub common_prefixes: Vec<String>,
    /// `after_key` and `after_id` of the next query when there is more; the id is empty after a common prefix.
    pub next: Option<(String, String)>,
}

const ROWS: usize = 256;

const SQL: &str = "SELECT key, id, initiated_ms, doc FROM lake_uploads WHERE bucket = $1 \
     AND key >= $2 AND key < $3 AND (key > $2 OR id > $4) ORDER BY key, id LIMIT $5";

impl Lake {
    /// Lists uploads in progress. Errors: `NoSuchBucket`. Source: Amazon S3 API Reference, ListMultipartUploads.
    pub async fn list_uploads(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        query: &UploadsQuery,
    ) -> Result<UploadsPage, LakeError> {
        let layer = self.layer(tx, bucket).await?;
        let roll = Roll::new(&query.prefix, query.delimiter.as_deref());
        let upper = after_prefix(query.prefix.as_bytes());
        let (mut lower, mut after_id) = start(&roll, query);
        let mut page = UploadsPage::default();
        let Some(bucket) = layer.uploads(self).filter(|_| query.limit > 0) else { return Ok(page) };
        loop {
            let values = params![bucket, lower.as_slice(), upper.as_slice(), after_id.as_str(), ROWS as i64];
            let rows = tx.query(SQL, &values).await?;
            for row in &rows {
                let upload = upload_of(row)?;
                let common = roll.common(upload.key.as_str()).map(str::to_owned);
                if common.is_some() && page.common_prefixes.last() == common.as_ref() {
                    continue;
                }
                if page.uploads.len() + page.common_prefixes.len() == query.limit {
                    page.next = Some(last_entry(&page));
                    return Ok(page);
                }
                (lower, after_id) = match &common {
                    Some(common) => (after_prefix(common.as_bytes()), String::new()),
                    None => (upload.key.as_str().as_bytes().to_vec(), upload.id.clone()),
                };
                match common {
                    Some(common) => page.common_prefixes.push(common),
                    None => page.uploads.push(upload),
                }
            }
            if rows.len() < ROWS {
                return Ok(page);
            }
        }
    }
}

fn start(roll: &Roll<'_>, query: &UploadsQuery) -> (Vec<u8>, String) {
    let after_id = query.after_id.as_deref().unwrap_or_default();
    match &query.after_key {
        Some(key)
            if !after_id.is_empty()
                && key.as_bytes() >= query.prefix.as_bytes()
                && roll.common(key).is_none() =>
        {
            (key.as_bytes().to_vec(), after_id.to_owned())
        }
        after => (roll.start(after.as_deref()), String::new()),
    }
}

/// The greater of the last upload and the last common prefix.
fn last_entry(page: &UploadsPage) -> (String, String) {
    let upload = page.uploads.last().map(|u| (u.key.as_str().to_owned(), u.id.clone()));
    let common = page.common_prefixes.last().map(|c| (c.clone(), String::new()));
    upload.into_iter().chain(common).max().unwrap_or_default()
}

fn upload_of(row: &Row) -> Result<UploadInfo, LakeError> {
    let doc: UploadDoc = decode(&row.get::<String>(3)?)?;
    Ok(UploadInfo {
        id: row.get(1)?,
        key: Key::from_bytes(row.get(0)?)?,
        initiated_ms: row.get(2)?,
        meta: doc.meta,
        algorithm: doc.algorithm,
        kind: doc.kind,
    })
}
