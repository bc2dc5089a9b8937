//! Overlays: what one writer changes and alone sees, until all of it becomes visible at once or none of it ever does.
//!
//! ```text
//! lake_overlays  a row while the overlay may be read and written
//! lake_shadows   per bucket that it has changed something of: the id under which its own rows are kept
//! lake_veils     per key that it has written or deleted: the bucket's own row of that key is hidden from it
//! ```
//! A shadow is a bucket without a name. What is put into an overlay is rows like any other, of `lake_objects` and
//! `lake_uploads`, with the shadow's id instead of the bucket's: nobody comes across them, and extents are counted,
//! pinned and collected as always. Who has the overlay ([`Lake::seen_by`]) sees at a veiled key what the shadow has there,
//! and at any other what the bucket has at that moment. Of multipart uploads it sees its own.
//!
//! Publishing ([`Lake::publish_overlay`]) removes the bucket's rows below the veils and gives the shadow's rows the
//! bucket's id, in the caller's transaction. A write with a condition (`If-Match`, `If-None-Match`) has noted what it
//! found in the bucket; when that is not there any more, nothing is published. Of plain writes the last published wins.
//!
//! Dropping ([`Lake::drop_overlay`]) removes one row; the collector removes the rest in small transactions. From then on
//! every use of the overlay is `OverlayEnded`: a request that comes late is never carried out where all would see it.
//!
//! # What a crash leaves
//! The overlay as it was. Whoever began it decides after the restart what becomes of it ([`Lake::overlays`]).

mod dropping;
mod publish;
mod see;

pub use publish::PublishedOverlay;

use crate::index::{self, Entry, Found};
use crate::layout::{Layout, release};
use crate::meta::decode;
use crate::notification::Event;
use crate::{BucketName, Conditions, Key, Lake, LakeError};
use std::fmt;
use std::sync::Arc;
use store::{Tx, Value, params};

/// The name of an overlay, such as the id of the run that writes through it. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Overlay(Arc<str>);

impl Overlay {
    /// Of this name.
    pub fn new(name: impl Into<Arc<str>>) -> Overlay {
        Overlay(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn ended(&self) -> LakeError {
        LakeError::OverlayEnded { overlay: self.0.to_string() }
    }
}

impl fmt::Debug for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What a lookup tells of the caller's overlay.
#[derive(Clone, Debug)]
pub(crate) struct Over {
    /// Its id for the bucket, when it has changed something there.
    pub(crate) shadow: Option<i64>,
    /// Whether the key is veiled: what was found, or that nothing was, is the overlay's own.
    pub(crate) veiled: bool,
}

/// A bucket as the caller sees it.
pub(crate) struct Layer {
    /// The bucket's own id.
    pub(crate) bucket: i64,
    /// The id of the overlay's rows, when there are some.
    pub(crate) shadow: Option<i64>,
    /// What is told of its changes; nothing of those in an overlay.
    pub(crate) events: Option<String>,
}

impl Found {
    /// The ETag of what the caller sees at the key.
    pub(crate) fn etag(&self) -> Option<&str> {
        self.entry.as_ref().map(|entry| entry.etag.as_str())
    }

    /// What a write replaces for good: in an overlay only what the overlay has written itself.
    pub(crate) fn replaced(self) -> Option<Entry> {
        let own = self.over.as_ref().is_none_or(|over| over.veiled);
        self.entry.filter(|_| own)
    }

    /// The id of the bucket that the row of the entry lies under.
    pub(crate) fn lies_in(&self) -> i64 {
        self.over.as_ref().filter(|over| over.veiled).and_then(|over| over.shadow).unwrap_or(self.bucket)
    }

    /// Whether the entry is the bucket's own, seen through an overlay that must leave it as it is.
    pub(crate) fn is_below(&self) -> bool {
        self.over.as_ref().is_some_and(|over| !over.veiled)
    }
}

impl Lake {
    /// The same lake as who writes through `overlay` sees it: every function that is given this handle, or a clone of it,
    /// reads and writes through the overlay. Buckets cannot be made, removed or configured with it (`NotInOverlay`).
    #[must_use]
    pub fn seen_by(&self, overlay: Overlay) -> Lake {
        Lake { overlay: Some(overlay), ..self.clone() }
    }

    pub(crate) fn overlay(&self) -> Option<&Overlay> {
        self.overlay.as_ref()
    }

    /// Refuses what cannot be held back until an overlay is published.
    pub(crate) fn only_for_all(&self, what: &'static str) -> Result<(), LakeError> {
        if self.overlay.is_some() { Err(LakeError::NotInOverlay { what }) } else { Ok(()) }
    }

    /// Begins an overlay of a name that no other has. Errors: `Corrupt` when there is one already.
    pub async fn begin_overlay(&self, tx: &mut Tx, overlay: &Overlay) -> Result<(), LakeError> {
        let sql = "INSERT INTO lake_overlays (name, begun_ms) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
        match tx.execute(sql, &params![overlay.as_str(), tx.now_ms()]).await? {
            1 => Ok(()),
            _ => Err(LakeError::corrupt(format!("overlay {} was begun before", overlay.as_str()))),
        }
    }

    /// The overlays that were neither published nor dropped, in the order of their names.
    pub async fn overlays(&self, tx: &mut Tx) -> Result<Vec<Overlay>, LakeError> {
        let rows = tx.query("SELECT name FROM lake_overlays ORDER BY name", &[]).await?;
        rows.iter().map(|row| Ok(Overlay::new(row.get::<String>(0)?))).collect()
    }

    /// The id that rows of a change at `key` are written under. In an overlay the key is veiled from now on; `event` is
    /// what will be told of it, and of a write with conditions what was found is kept in mind until it is published.
    pub(crate) async fn enter(
        &self,
        tx: &mut Tx,
        found: &Found,
        key: &Key,
        event: Option<Event>,
        conditions: &Conditions,
    ) -> Result<i64, LakeError> {
        let Some(over) = &found.over else { return Ok(found.bucket) };
        let shadow = self.shadow(tx, found.bucket, over.shadow).await?;
        let guarded = conditions.if_match.is_some() || conditions.if_none_match.is_some();
        let expected = match guarded && !over.veiled {
            false => Value::Null,
            true => Value::Text(found.entry.as_ref().map_or_else(String::new, |entry| entry.etag.clone())),
        };
        let sql = "INSERT INTO lake_veils (shadow, key, event, expected) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (shadow, key) DO UPDATE SET event = excluded.event";
        let event = event.map_or("", Event::word);
        tx.execute(sql, &params![shadow, key.as_str().as_bytes(), event, expected]).await?;
        Ok(shadow)
    }

    /// The id of the overlay's rows of a bucket, made when `known` has none.
    pub(crate) async fn shadow(
        &self,
        tx: &mut Tx,
        bucket: i64,
        known: Option<i64>,
    ) -> Result<i64, LakeError> {
        if let Some(shadow) = known {
            return Ok(shadow);
        }
        let overlay = self.overlay().map_or("", Overlay::as_str);
        let id = self.disk().new_id();
        let sql = "INSERT INTO lake_shadows (id, overlay, bucket, bucket_name) \
                   SELECT $1, $2, id, name FROM lake_buckets WHERE id = $3";
        tx.execute(sql, &params![id, overlay, bucket]).await?;
        Ok(id)
    }

    /// Veils keys, and removes what the overlay itself has there; how many of them the caller saw.
    pub(crate) async fn hide(&self, tx: &mut Tx, layer: &Layer, keys: &[&Key]) -> Result<u64, LakeError> {
        let shadow = self.shadow(tx, layer.bucket, layer.shadow).await?;
        let mut seen = index::remove_objects(self, tx, shadow, keys).await?.len() as u64;
        for chunk in keys.chunks(500) {
            let mut values = vec![Value::Int(shadow), Value::Int(layer.bucket)];
            values.extend(chunk.iter().map(|key| Value::Bytes(key.as_str().as_bytes().to_vec())));
            let sql = format!(
                "INSERT INTO lake_veils (shadow, key, event) SELECT s.id, o.key, '' FROM lake_shadows s, \
                 lake_objects o WHERE s.id = $1 AND o.bucket = $2 AND o.key IN ({}) \
                 ON CONFLICT (shadow, key) DO NOTHING",
                crate::layout::placeholders(3, chunk.len())
            );
            seen += tx.execute(&sql, &values).await?;
        }
        Ok(seen)
    }

    /// Veils keys that are about to be written, whatever is there.
    pub(crate) async fn veil(&self, tx: &mut Tx, shadow: i64, keys: &[&Key]) -> Result<(), LakeError> {
        for chunk in keys.chunks(500) {
            let mut values = vec![Value::Int(shadow), Value::Text(Event::Put.word().to_owned())];
            values.extend(chunk.iter().map(|key| Value::Bytes(key.as_str().as_bytes().to_vec())));
            let rows: Vec<String> = (3..3 + chunk.len()).map(|at| format!("($1, ${at}, $2)")).collect();
            let sql = format!(
                "INSERT INTO lake_veils (shadow, key, event) VALUES {} \
                 ON CONFLICT (shadow, key) DO UPDATE SET event = excluded.event",
                rows.join(",")
            );
            tx.execute(&sql, &values).await?;
        }
        Ok(())
    }
}

/// Removes the multipart uploads in progress under the id of a bucket or shadow, and releases their parts.
pub(crate) async fn remove_uploads(lake: &Lake, tx: &mut Tx, bucket: i64) -> Result<(), LakeError> {
    let sql = "DELETE FROM lake_parts WHERE upload IN (SELECT id FROM lake_uploads WHERE bucket = $1) \
               RETURNING layout";
    for part in tx.query(sql, &params![bucket]).await? {
        release(lake, tx, &decode::<Layout>(&part.get::<String>(0)?)?.slices).await?;
    }
    tx.execute("DELETE FROM lake_uploads WHERE bucket = $1", &params![bucket]).await?;
    Ok(())
}

impl Layer {
    /// The id that multipart uploads are kept under; none where the overlay has none yet.
    pub(crate) fn uploads(&self, lake: &Lake) -> Option<i64> {
        if lake.overlay().is_some() { self.shadow } else { Some(self.bucket) }
    }
}

impl Lake {
    /// Looks a bucket up. Errors: `NoSuchBucket`, `OverlayEnded`.
    pub(crate) async fn layer(&self, tx: &mut Tx, bucket: &BucketName) -> Result<Layer, LakeError> {
        match self.overlay() {
            Some(overlay) => overlay.layer(tx, bucket).await,
            None => {
                let (bucket, events) = index::bucket_and_events(tx, bucket).await?;
                Ok(Layer { bucket, shadow: None, events })
            }
        }
    }
}
