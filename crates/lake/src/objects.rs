//! Putting, deleting, copying and tagging objects: rows only, in the caller's transaction.

use crate::index::{self, EXTENT_COLUMNS, Found, OBJECT_COLUMNS, no_such_key};
use crate::layout::{Layout, release, retain};
use crate::notification::{Change, Event};
use crate::read::Object;
use crate::{
    BucketName, Checksum, Conditions, EtagCondition, Key, Lake, LakeError, Meta, ObjectInfo, Staged,
};
use std::collections::{BTreeMap, HashMap};
use store::{Tx, Value, params};

/// How a copy differs from its source.
#[derive(Clone, Debug, Default)]
pub struct CopyOptions {
    /// Metadata instead of the source's; its `tags` do not count, see `tags`.
    pub meta: Option<Meta>,
    /// Tags instead of the source's.
    pub tags: Option<BTreeMap<String, String>>,
    /// Checksums instead of the source's, from [`Object::digest`].
    pub checksums: Option<Vec<Checksum>>,
}

impl Lake {
    /// Makes staged bytes visible as `key`, over whatever was there. Atomic with the rest of `tx`; durable once it
    /// commits. Errors: `NoSuchBucket`, `PreconditionFailed`, `NoSuchKey` (If-Match on nothing); the staged bytes are
    /// then removed. Source: Amazon S3 API Reference, PutObject.
    pub async fn put(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        key: &Key,
        staged: Staged,
        meta: Meta,
        conditions: &Conditions,
    ) -> Result<ObjectInfo, LakeError> {
        let found = self.find(tx, bucket, key, conditions).await?;
        conditions.check_write(key.as_str(), found.etag())?;
        let bucket = self.enter(tx, &found, key, Some(Event::Put), conditions).await?;
        let info = staged_info(tx, key, &staged, meta);
        let layout = index::insert_staged(self, tx, staged).await?;
        index::write_object(tx, bucket, &info, &layout).await?;
        self.replaced(tx, found, made(Event::Put, &info)).await?;
        store::crash::point("lake.put.row");
        tx.on_commit(Box::new(|| store::crash::point("lake.put.committed")));
        Ok(info)
    }

    /// Says what [`Lake::put`] would refuse now, so that a large body need not be taken in vain. Errors: as there.
    pub async fn check_put(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        key: &Key,
        conditions: &Conditions,
    ) -> Result<(), LakeError> {
        let found = self.find(tx, bucket, key, conditions).await?;
        conditions.check_write(key.as_str(), found.etag())
    }

    /// Puts many objects into one bucket with few statements; unconditional. Of a key named twice the last counts.
    /// Atomic with the rest of `tx`. Errors: `NoSuchBucket`.
    pub async fn put_many(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        objects: Vec<(Key, Staged, Meta)>,
    ) -> Result<Vec<ObjectInfo>, LakeError> {
        let layer = self.layer(tx, bucket).await?;
        let mut last: HashMap<Key, usize> = HashMap::new();
        for (position, (key, _, _)) in objects.iter().enumerate() {
            last.insert(key.clone(), position);
        }
        let keys: Vec<&Key> = last.keys().collect();
        let bucket = match self.overlay() {
            None => layer.bucket,
            Some(_) => self.shadow(tx, layer.bucket, layer.shadow).await?,
        };
        index::remove_objects(self, tx, bucket, &keys).await?;
        if self.overlay().is_some() {
            self.veil(tx, bucket, &keys).await?;
        }
        let (mut infos, mut extents, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for (position, (key, staged, meta)) in objects.into_iter().enumerate() {
            if last.get(&key) != Some(&position) {
                continue;
            }
            let info = staged_info(tx, &key, &staged, meta);
            let (extent, layout) = index::adopt(self, tx, staged)?;
            extents.extend(extent);
            rows.push(index::object_row(bucket, &info, &layout)?);
            infos.push(info);
        }
        tx.insert_many("lake_extents", &EXTENT_COLUMNS, &extents).await?;
        tx.insert_many("lake_objects", &OBJECT_COLUMNS, &rows).await?;
        if layer.events.is_some() {
            let changes: Vec<Change<'_>> = infos.iter().map(|info| made(Event::Put, info)).collect();
            self.tell(tx, layer.events.as_deref(), &changes).await?;
        }
        store::crash::point("lake.put.row");
        Ok(infos)
    }

    /// Removes an object; whether there was one. Errors: `NoSuchBucket`; with `If-Match` also `NoSuchKey` and
    /// `PreconditionFailed`. Source: Amazon S3 API Reference, DeleteObject.
    pub async fn delete(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        key: &Key,
        conditions: &Conditions,
    ) -> Result<bool, LakeError> {
        let found = self.find(tx, bucket, key, conditions).await?;
        conditions.check_write(key.as_str(), found.etag())?;
        if found.entry.is_none() {
            return Ok(false);
        }
        let bucket = self.enter(tx, &found, key, None, conditions).await?;
        if !found.is_below() {
            self.remove(tx, bucket, found.events.as_deref(), &[key]).await?;
        }
        Ok(true)
    }

    /// Removes many objects; how many there were. Errors: `NoSuchBucket`.
    pub async fn delete_many(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        keys: &[Key],
    ) -> Result<u64, LakeError> {
        let layer = self.layer(tx, bucket).await?;
        let keys: Vec<&Key> = keys.iter().collect();
        match self.overlay() {
            None => self.remove(tx, layer.bucket, layer.events.as_deref(), &keys).await,
            Some(_) => self.hide(tx, &layer, &keys).await,
        }
    }

    /// Removes objects, and tells of those that were there; how many.
    async fn remove(
        &self,
        tx: &mut Tx,
        bucket: i64,
        events: Option<&str>,
        keys: &[&Key],
    ) -> Result<u64, LakeError> {
        let removed = index::remove_objects(self, tx, bucket, keys).await?;
        if events.is_some() {
            let change = |key| Change { event: Event::Delete, key, object: None };
            let changes: Vec<Change<'_>> = removed.iter().map(String::as_str).map(change).collect();
            self.tell(tx, events, &changes).await?;
        }
        Ok(removed.len() as u64)
    }

    /// Makes the bytes of `source` visible as `key` too, without moving a byte: both name the same extents. The copy
    /// keeps the source's ETag and parts. `source` may come from an earlier transaction. Errors: `NoSuchBucket`,
    /// `Changed` when the source was replaced or deleted meanwhile (read it again), `PreconditionFailed`.
    pub async fn copy(
        &self,
        tx: &mut Tx,
        source: &Object,
        bucket: &BucketName,
        key: &Key,
        options: CopyOptions,
        conditions: &Conditions,
    ) -> Result<ObjectInfo, LakeError> {
        let found = self.find(tx, bucket, key, conditions).await?;
        conditions.check_write(key.as_str(), found.etag())?;
        let bucket = self.enter(tx, &found, key, Some(Event::Copy), conditions).await?;
        let from = source.info();
        let mut meta = options.meta.unwrap_or_else(|| from.meta.clone());
        meta.tags = options.tags.unwrap_or_else(|| from.meta.tags.clone());
        let info = ObjectInfo {
            key: key.clone(),
            last_modified_ms: tx.now_ms(),
            meta,
            checksums: options.checksums.unwrap_or_else(|| from.checksums.clone()),
            ..from.clone()
        };
        let mut layout = Layout::new(source.slices().to_vec());
        layout.parts = from.parts.clone();
        retain(tx, &layout.slices).await?;
        index::write_object(tx, bucket, &info, &layout).await?;
        self.replaced(tx, found, made(Event::Copy, &info)).await?;
        Ok(info)
    }

    /// What follows on the writing of an object's row: the bytes it had are released, and the change is told.
    pub(crate) async fn replaced(
        &self,
        tx: &mut Tx,
        found: Found,
        change: Change<'_>,
    ) -> Result<(), LakeError> {
        let events = found.events.clone();
        if let Some(old) = found.replaced() {
            release(self, tx, &old.layout()?.slices).await?;
        }
        self.tell(tx, events.as_deref(), &[change]).await
    }

    /// Replaces the tags of an object; nothing else of it changes, not even its time. Errors: `NoSuchBucket`,
    /// `NoSuchKey`. Source: Amazon S3 API Reference, PutObjectTagging.
    pub async fn set_tags(
        &self,
        tx: &mut Tx,
        bucket: &BucketName,
        key: &Key,
        tags: BTreeMap<String, String>,
    ) -> Result<(), LakeError> {
        let found = self.find(tx, bucket, key, &Conditions::NONE).await?;
        let entry = found.entry.as_ref().ok_or_else(|| no_such_key(key))?;
        let mut layout = entry.layout()?;
        let mut info = entry.info(key, &mut layout)?;
        info.meta.tags = tags;
        if found.is_below() {
            return self.tag_apart(tx, &found, &info, layout).await;
        }
        let bucket = found.lies_in();
        let doc = index::object_row(bucket, &info, &layout)?.swap_remove(6);
        let key = Value::Bytes(key.as_str().as_bytes().to_vec());
        tx.execute(
            "UPDATE lake_objects SET doc = $1 WHERE bucket = $2 AND key = $3",
            &params![doc, bucket, key],
        )
        .await?;
        Ok(())
    }
}

impl Lake {
    /// Gives an overlay an object of its own with other tags, of the bytes of the bucket's. It is published only over
    /// the very object that it was made of.
    async fn tag_apart(
        &self,
        tx: &mut Tx,
        found: &Found,
        info: &ObjectInfo,
        mut layout: Layout,
    ) -> Result<(), LakeError> {
        let unchanged = Conditions { if_match: Some(EtagCondition::Any), ..Conditions::NONE };
        let bucket = self.enter(tx, found, &info.key, None, &unchanged).await?;
        layout.parts = info.parts.clone();
        retain(tx, &layout.slices).await?;
        index::write_object(tx, bucket, info, &layout).await
    }
}

/// The change that made an object.
pub(crate) fn made(event: Event, info: &ObjectInfo) -> Change<'_> {
    Change { event, key: info.key.as_str(), object: Some((info.size, &info.etag)) }
}

fn staged_info(tx: &Tx, key: &Key, staged: &Staged, meta: Meta) -> ObjectInfo {
    ObjectInfo {
        key: key.clone(),
        size: staged.size,
        etag: staged.etag().to_owned(),
        last_modified_ms: tx.now_ms(),
        meta,
        checksums: staged.checksums.clone(),
        parts: Vec::new(),
    }
}
