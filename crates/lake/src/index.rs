//! Rows of the object index, read and written in the caller's transaction. What an overlay changes of it: `overlay`.

use crate::layout::{ExtentId, Layout, id_lists, int_values, placeholders, release};
use crate::meta::{DOC_VERSION, ObjectDoc, decode, encode};
use crate::overlay::Over;
use crate::upload::{Content, Staged};
use crate::{BucketName, Conditions, Key, Lake, LakeError, ObjectInfo};
use std::collections::HashMap;
use store::{Row, Tx, Value, params};

/// The row of an object, its documents still as text.
pub(crate) struct Entry {
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) modified_ms: i64,
    doc: String,
    layout: String,
}

impl Entry {
    pub(crate) fn layout(&self) -> Result<Layout, LakeError> {
        decode(&self.layout)
    }

    pub(crate) fn info(&self, key: &Key, layout: &mut Layout) -> Result<ObjectInfo, LakeError> {
        let doc: ObjectDoc = decode(&self.doc)?;
        Ok(ObjectInfo {
            key: key.clone(),
            size: self.size,
            etag: self.etag.clone(),
            last_modified_ms: self.modified_ms,
            meta: doc.meta,
            checksums: doc.checksums,
            parts: std::mem::take(&mut layout.parts),
        })
    }
}

pub(crate) fn unsigned(row: &Row, index: usize) -> Result<u64, LakeError> {
    u64::try_from(row.get::<i64>(index)?).map_err(|_| LakeError::corrupt("a size is negative"))
}

pub(crate) fn no_such_bucket(bucket: &BucketName) -> LakeError {
    LakeError::NoSuchBucket { bucket: bucket.as_str().to_owned() }
}

pub(crate) fn no_such_key(key: &Key) -> LakeError {
    LakeError::NoSuchKey { key: key.as_str().to_owned() }
}

/// Id of a bucket; a bucket deleted and made again has another.
pub(crate) async fn bucket_id(tx: &mut Tx, bucket: &BucketName) -> Result<i64, LakeError> {
    Ok(bucket_and_events(tx, bucket).await?.0)
}

/// Id of a bucket, and what is told of its changes (see `notification`).
pub(crate) async fn bucket_and_events(
    tx: &mut Tx,
    bucket: &BucketName,
) -> Result<(i64, Option<String>), LakeError> {
    let sql = "SELECT id, events FROM lake_buckets WHERE name = $1";
    let row = tx.query_opt(sql, &params![bucket.as_str()]).await?;
    let row = row.ok_or_else(|| no_such_bucket(bucket))?;
    Ok((row.get(0)?, row.get(1)?))
}

const FIND: &str = "SELECT b.id, o.size, o.etag, o.modified_ms, o.doc, o.layout, e.bytes, b.account, b.events FROM lake_buckets b \
     LEFT JOIN lake_objects o ON o.bucket = b.id AND o.key = $2 \
     LEFT JOIN lake_extents e ON e.id = o.inline_id WHERE b.name = $1";

/// What one query tells of a bucket and a key.
pub(crate) struct Found {
    /// The bucket itself; where rows of a change go says [`Lake::enter`].
    pub(crate) bucket: i64,
    /// What the caller sees at the key.
    pub(crate) entry: Option<Entry>,
    /// The bytes, when the object is one inline extent.
    pub(crate) inline: Option<Vec<u8>>,
    /// What is told of the bucket's changes (see `notification`); nothing of those in an overlay.
    pub(crate) events: Option<String>,
    /// Of a caller with an overlay.
    pub(crate) over: Option<Over>,
}

impl Lake {
    /// Looks up bucket and object. Errors: `NoSuchBucket`, `NotOwner`, `OverlayEnded`.
    pub(crate) async fn find(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        key: &Key,
        conditions: &Conditions,
    ) -> Result<Found, LakeError> {
        if let Some(overlay) = self.overlay() {
            return overlay.find(tx, bucket, key, conditions).await;
        }
        let row = tx.query_opt(FIND, &params![bucket.as_str(), key.as_str().as_bytes()]).await?;
        let row = row.ok_or_else(|| no_such_bucket(bucket))?;
        conditions.check_owner(bucket, &row.get::<String>(7)?)?;
        let entry = entry_of(&row)?;
        Ok(Found { bucket: row.get(0)?, entry, inline: row.get(6)?, events: row.get(8)?, over: None })
    }
}

/// The entry in the columns that [`Lake::find`] reads.
pub(crate) fn entry_of(row: &Row) -> Result<Option<Entry>, LakeError> {
    let Some(etag) = row.get::<Option<String>>(2)? else { return Ok(None) };
    Ok(Some(Entry {
        size: unsigned(row, 1)?,
        etag,
        modified_ms: row.get(3)?,
        doc: row.get(4)?,
        layout: row.get(5)?,
    }))
}

/// The objects there are among `keys` in the bucket of this id, by key, with the bytes of those that are one inline extent.
pub(crate) async fn find_many(
    tx: &mut Tx,
    bucket: i64,
    keys: &[&Key],
) -> Result<HashMap<Vec<u8>, (Entry, Option<Vec<u8>>)>, LakeError> {
    let mut found = HashMap::with_capacity(keys.len());
    for list in id_lists(keys) {
        let sql = format!(
            "SELECT o.key, o.size, o.etag, o.modified_ms, o.doc, o.layout, e.bytes FROM lake_objects o \
             LEFT JOIN lake_extents e ON e.id = o.inline_id WHERE o.bucket = $1 AND o.key IN ({})",
            placeholders(2, list.len())
        );
        let mut values = vec![Value::Int(bucket)];
        values.extend(list.iter().map(|key| Value::Bytes(key.as_str().as_bytes().to_vec())));
        for row in tx.query(&sql, &values).await? {
            if let Some(entry) = entry_of(&row)? {
                found.insert(row.get(0)?, (entry, row.get(6)?));
            }
        }
    }
    Ok(found)
}

/// Writes the row of an object over what was there; the caller releases the old layout.
pub(crate) async fn write_object(
    tx: &mut Tx,
    bucket: i64,
    info: &ObjectInfo,
    layout: &Layout,
) -> Result<(), LakeError> {
    const SQL: &str = "INSERT INTO lake_objects (bucket, key, size, etag, modified_ms, inline_id, doc, layout) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (bucket, key) DO UPDATE SET size = excluded.size, \
         etag = excluded.etag, modified_ms = excluded.modified_ms, inline_id = excluded.inline_id, \
         doc = excluded.doc, layout = excluded.layout";
    let row = object_row(bucket, info, layout)?;
    tx.execute(SQL, &row).await?;
    Ok(())
}

pub(crate) const OBJECT_COLUMNS: [&str; 8] =
    ["bucket", "key", "size", "etag", "modified_ms", "inline_id", "doc", "layout"];

pub(crate) fn object_row(bucket: i64, info: &ObjectInfo, layout: &Layout) -> Result<Vec<Value>, LakeError> {
    let doc = ObjectDoc { v: DOC_VERSION, meta: info.meta.clone(), checksums: info.checksums.clone() };
    Ok(vec![
        Value::Int(bucket),
        Value::Bytes(info.key.as_str().as_bytes().to_vec()),
        size_value(info.size)?,
        Value::Text(info.etag.clone()),
        Value::Int(info.last_modified_ms),
        layout.inline_id().map_or(Value::Null, Value::Int),
        Value::Text(encode(&doc)?),
        Value::Text(encode(layout)?),
    ])
}

pub(crate) fn size_value(size: u64) -> Result<Value, LakeError> {
    i64::try_from(size).map(Value::Int).map_err(|_| LakeError::corrupt("a size does not fit the index"))
}

/// Row of `lake_extents` for staged bytes and the layout that names it; none when there are no bytes. The file's fate
/// is tied to the transaction from here on.
pub(crate) fn adopt(
    lake: &Lake,
    tx: &mut Tx,
    staged: Staged,
) -> Result<(Option<Vec<Value>>, Layout), LakeError> {
    use crate::layout::Slice;
    let size = staged.size;
    let (extent, inline, bytes) = match staged.content {
        Content::Empty => return Ok((None, Layout::new(Vec::new()))),
        Content::Inline(bytes) => (lake.disk().new_id(), true, Value::Bytes(bytes)),
        Content::File(mut file) => {
            let id = file.id();
            file.submitted();
            tx.on_commit(Box::new(move || file.keep()));
            (id, false, Value::Null)
        }
    };
    let row = vec![Value::Int(extent), Value::Int(1), size_value(size)?, bytes];
    Ok((Some(row), Layout::new(vec![Slice { extent, offset: 0, len: size, inline }])))
}

pub(crate) const EXTENT_COLUMNS: [&str; 4] = ["id", "refs", "size", "bytes"];

/// Writes the extent of staged bytes. The caller writes the row that holds the layout.
pub(crate) async fn insert_staged(lake: &Lake, tx: &mut Tx, staged: Staged) -> Result<Layout, LakeError> {
    let (row, layout) = adopt(lake, tx, staged)?;
    if let Some(row) = row {
        tx.execute("INSERT INTO lake_extents (id, refs, size, bytes) VALUES ($1, $2, $3, $4)", &row).await?;
    }
    Ok(layout)
}

/// Bytes of the inline extents among `layout`.
pub(crate) async fn inline_bytes(
    tx: &mut Tx,
    layout: &Layout,
) -> Result<HashMap<ExtentId, Vec<u8>>, LakeError> {
    let ids: Vec<ExtentId> = layout.slices.iter().filter(|s| s.inline).map(|s| s.extent).collect();
    let mut found = HashMap::new();
    for list in id_lists(&ids) {
        let sql = format!("SELECT id, bytes FROM lake_extents WHERE id IN ({})", placeholders(1, list.len()));
        for row in tx.query(&sql, &int_values(&list)).await? {
            found.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(found)
}

/// Removes the rows of objects and releases their bytes; the keys of those that were there.
pub(crate) async fn remove_objects(
    lake: &Lake,
    tx: &mut Tx,
    bucket: i64,
    keys: &[&Key],
) -> Result<Vec<String>, LakeError> {
    let mut removed = Vec::new();
    for chunk in keys.chunks(500) {
        let mut values = vec![Value::Int(bucket)];
        values.extend(chunk.iter().map(|key| Value::Bytes(key.as_str().as_bytes().to_vec())));
        let names = placeholders(2, chunk.len());
        let sql =
            format!("DELETE FROM lake_objects WHERE bucket = $1 AND key IN ({names}) RETURNING layout, key");
        let mut slices = Vec::new();
        for row in tx.query(&sql, &values).await? {
            slices.extend(decode::<Layout>(&row.get::<String>(0)?)?.slices);
            let key = String::from_utf8(row.get(1)?);
            removed.push(key.map_err(|_| LakeError::corrupt("a key is not UTF-8"))?);
        }
        release(lake, tx, &slices).await?;
    }
    Ok(removed)
}
