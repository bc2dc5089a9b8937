//! Reading through an overlay.

use super::{Layer, Over, Overlay};
use crate::index::{self, Entry, Found, entry_of, no_such_bucket};
use crate::{BucketName, Conditions, Key, LakeError};
use std::collections::{HashMap, HashSet};
use store::{Row, Tx, Value, params};

use crate::layout::{id_lists, placeholders};

/// The columns of `index::find`, then the overlay's: whether it is open, its shadow, whether the key is veiled.
const FIND: &str = "SELECT b.id, o.size, o.etag, o.modified_ms, o.doc, o.layout, e.bytes, b.account, \
     l.name, s.id, v.shadow FROM lake_buckets b \
     LEFT JOIN lake_overlays l ON l.name = $3 \
     LEFT JOIN lake_shadows s ON s.overlay = l.name AND s.bucket = b.id \
     LEFT JOIN lake_veils v ON v.shadow = s.id AND v.key = $2 \
     LEFT JOIN lake_objects o ON o.bucket = COALESCE(v.shadow, b.id) AND o.key = $2 \
     LEFT JOIN lake_extents e ON e.id = o.inline_id WHERE b.name = $1";

const LAYER: &str = "SELECT b.id, l.name, s.id FROM lake_buckets b \
     LEFT JOIN lake_overlays l ON l.name = $2 \
     LEFT JOIN lake_shadows s ON s.overlay = l.name AND s.bucket = b.id WHERE b.name = $1";

/// Rows of a listing, each branch cut to what the page can take: the overlay's own, and those of the bucket that are not
/// veiled.
const SCAN: &str = "SELECT key, size, etag, modified_ms, doc FROM ( \
       SELECT key, size, etag, modified_ms, doc FROM lake_objects \
       WHERE bucket = $5 AND key >= $2 AND key < $3 ORDER BY key LIMIT $4) AS own \
     UNION ALL SELECT key, size, etag, modified_ms, doc FROM ( \
       SELECT o.key, o.size, o.etag, o.modified_ms, o.doc FROM lake_objects o \
       WHERE o.bucket = $1 AND o.key >= $2 AND o.key < $3 AND NOT EXISTS ( \
         SELECT 1 FROM lake_veils v WHERE v.shadow = $5 AND v.key = o.key) \
       ORDER BY o.key LIMIT $4) AS below \
     ORDER BY key LIMIT $4";

impl Overlay {
    /// `index::find` through this overlay. Errors: also `OverlayEnded`.
    pub(crate) async fn find(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        key: &Key,
        conditions: &Conditions,
    ) -> Result<Found, LakeError> {
        let values = params![bucket.as_str(), key.as_str().as_bytes(), self.as_str()];
        let row = tx.query_opt(FIND, &values).await?.ok_or_else(|| no_such_bucket(bucket))?;
        conditions.check_owner(bucket, &row.get::<String>(7)?)?;
        self.check_open(&row, 8)?;
        let over = Over { shadow: row.get(9)?, veiled: row.get::<Option<i64>>(10)?.is_some() };
        let entry = entry_of(&row)?;
        Ok(Found { bucket: row.get(0)?, entry, inline: row.get(6)?, events: None, over: Some(over) })
    }

    pub(super) async fn layer(&self, tx: &mut Tx, bucket: &BucketName) -> Result<Layer, LakeError> {
        let row = tx.query_opt(LAYER, &params![bucket.as_str(), self.as_str()]).await?;
        let row = row.ok_or_else(|| no_such_bucket(bucket))?;
        self.check_open(&row, 1)?;
        Ok(Layer { bucket: row.get(0)?, shadow: row.get(2)?, events: None })
    }

    fn check_open(&self, row: &Row, column: usize) -> Result<(), LakeError> {
        row.get::<Option<String>>(column)?.map(drop).ok_or_else(|| self.ended())
    }
}

impl Layer {
    /// What the caller sees of `keys`, by key; see `index::find_many`.
    pub(crate) async fn find_many(
        &self,
        tx: &mut Tx,
        keys: &[&Key],
    ) -> Result<HashMap<Vec<u8>, (Entry, Option<Vec<u8>>)>, LakeError> {
        let Some(shadow) = self.shadow else { return index::find_many(tx, self.bucket, keys).await };
        let mut found = index::find_many(tx, shadow, keys).await?;
        let veiled = veiled(tx, shadow, keys).await?;
        let below: Vec<&Key> =
            keys.iter().copied().filter(|key| !veiled.contains(key.as_str().as_bytes())).collect();
        found.extend(index::find_many(tx, self.bucket, &below).await?);
        Ok(found)
    }

    /// Rows of a listing in the order of keys: key, size, ETag, time, document.
    pub(crate) async fn scan(
        &self,
        tx: &mut Tx,
        lower: &[u8],
        upper: &[u8],
        limit: usize,
    ) -> Result<Vec<Row>, LakeError> {
        const ALONE: &str = "SELECT key, size, etag, modified_ms, doc FROM lake_objects \
             WHERE bucket = $1 AND key >= $2 AND key < $3 ORDER BY key LIMIT $4";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut values = vec![
            Value::Int(self.bucket),
            Value::Bytes(lower.to_vec()),
            Value::Bytes(upper.to_vec()),
            Value::Int(limit),
        ];
        values.extend(self.shadow.map(Value::Int));
        Ok(tx.query(if self.shadow.is_some() { SCAN } else { ALONE }, &values).await?)
    }
}

/// Those of `keys` that are veiled.
async fn veiled(tx: &mut Tx, shadow: i64, keys: &[&Key]) -> Result<HashSet<Vec<u8>>, LakeError> {
    let mut veiled = HashSet::new();
    for list in id_lists(keys) {
        let sql = format!(
            "SELECT key FROM lake_veils WHERE shadow = $1 AND key IN ({})",
            placeholders(2, list.len())
        );
        let mut values = vec![Value::Int(shadow)];
        values.extend(list.iter().map(|key| Value::Bytes(key.as_str().as_bytes().to_vec())));
        for row in tx.query(&sql, &values).await? {
            veiled.insert(row.get(0)?);
        }
    }
    Ok(veiled)
}
