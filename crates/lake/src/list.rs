//! Listing in the byte order of keys, with common prefixes.
//!
//! A listing is a walk over the primary key. When a key belongs to a common prefix, the walk notes the prefix and jumps
//! to the first key after all that share it, so a delimiter listing costs one short query per common prefix, however
//! many keys are below it.

use crate::index::unsigned;
use crate::meta::{ObjectDoc, decode};
use crate::{BucketName, Key, Lake, LakeError, ObjectInfo};
use store::{Row, Tx};

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// Only keys that start with this.
    pub prefix: String,
    /// Keys with this text after the prefix are rolled up to common prefixes; empty counts as none.
    pub delimiter: Option<String>,
    /// Only keys and common prefixes greater than this, in byte order.
    pub after: Option<String>,
    /// At most this many keys and common prefixes together.
    pub limit: usize,
}

/// A page of a listing.
#[derive(Clone, Debug, Default)]
pub struct ListPage {
    /// Objects in key order; their `parts` are left empty.
    pub objects: Vec<ObjectInfo>,
    /// Common prefixes in order, each once.
    pub common_prefixes: Vec<String>,
    /// The last key or common prefix of this page when there is more: `after` of the next query.
    pub next: Option<String>,
}

/// Rows of the first query when there is a delimiter, and the least later.
const FIRST_ROWS: usize = 64;
const FEWEST_ROWS: usize = 8;
const MOST_ROWS: usize = 1000;

/// The first byte string after all that start with `prefix`; UTF-8 has no byte 0xff, so incrementing the last one is
/// enough. `[0xff]`, after every key, for the empty prefix.
pub(crate) fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    match prefix.split_last() {
        Some((last, rest)) => [rest, &[last.saturating_add(1)]].concat(),
        None => vec![0xff],
    }
}

/// The first byte string after `key`.
pub(crate) fn after_key(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

/// Rolls keys up to common prefixes, for objects and multipart uploads alike.
pub(crate) struct Roll<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
}

impl<'a> Roll<'a> {
    pub(crate) fn new(prefix: &'a str, delimiter: Option<&'a str>) -> Roll<'a> {
        Roll { prefix, delimiter: delimiter.filter(|d| !d.is_empty()) }
    }

    /// The common prefix that `key` belongs to.
    pub(crate) fn common<'k>(&self, key: &'k str) -> Option<&'k str> {
        let rest = key.strip_prefix(self.prefix)?;
        let delimiter = self.delimiter?;
        let at = rest.find(delimiter)?;
        Some(&key[..self.prefix.len() + at + delimiter.len()])
    }

    /// Where a walk that continues after `after` starts.
    pub(crate) fn start(&self, after: Option<&str>) -> Vec<u8> {
        let prefix = self.prefix.as_bytes();
        match after {
            Some(after) if after.as_bytes() >= prefix => match self.common(after) {
                Some(common) => after_prefix(common.as_bytes()),
                None => after_key(after.as_bytes()),
            },
            _ => prefix.to_vec(),
        }
    }
}

impl Lake {
    /// Lists objects. Errors: `NoSuchBucket`. Source: Amazon S3 API Reference, ListObjectsV2.
    pub async fn list(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        query: &ListQuery,
    ) -> Result<ListPage, LakeError> {
        let layer = self.layer(tx, bucket).await?;
        let mut page = ListPage::default();
        if query.limit == 0 {
            return Ok(page);
        }
        let roll = Roll::new(&query.prefix, query.delimiter.as_deref());
        let upper = after_prefix(query.prefix.as_bytes());
        let mut lower = roll.start(query.after.as_deref());
        let mut rows_wanted =
            (query.limit + 1).min(if roll.delimiter.is_some() { FIRST_ROWS } else { MOST_ROWS });
        let mut last = None;
        loop {
            let rows = layer.scan(tx, &lower, &upper, rows_wanted).await?;
            let mut skipped = 0;
            let mut skipping: Option<String> = None;
            for row in &rows {
                let key = Key::from_bytes(row.get(0)?)?;
                if skipping.as_ref().is_some_and(|common| key.as_str().starts_with(common.as_str())) {
                    skipped += 1;
                    continue;
                }
                if page.objects.len() + page.common_prefixes.len() == query.limit {
                    page.next = last;
                    return Ok(page);
                }
                skipping = roll.common(key.as_str()).map(str::to_owned);
                last = Some(skipping.clone().unwrap_or_else(|| key.as_str().to_owned()));
                lower = match &skipping {
                    Some(common) => after_prefix(common.as_bytes()),
                    None => after_key(key.as_str().as_bytes()),
                };
                match &skipping {
                    Some(common) => page.common_prefixes.push(common.clone()),
                    None => page.objects.push(listed(key, row)?),
                }
            }
            if rows.len() < rows_wanted {
                return Ok(page);
            }
            rows_wanted = match skipped * 2 > rows.len() {
                true => (rows_wanted / 2).max(FEWEST_ROWS),
                false => (rows_wanted * 2).min(MOST_ROWS),
            };
        }
    }
}

fn listed(key: Key, row: &Row) -> Result<ObjectInfo, LakeError> {
    let doc: ObjectDoc = decode(&row.get::<String>(4)?)?;
    Ok(ObjectInfo {
        key,
        size: unsigned(row, 1)?,
        etag: row.get(2)?,
        last_modified_ms: row.get(3)?,
        meta: doc.meta,
        checksums: doc.checksums,
        parts: Vec::new(),
    })
}
