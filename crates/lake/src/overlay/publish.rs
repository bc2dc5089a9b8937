//! Making an overlay visible to all.

use super::{Overlay, remove_uploads};
use crate::index::{self, unsigned};
use crate::notification::{Change, Event};
use crate::{Key, Lake, LakeError};
use std::collections::HashSet;
use store::{Row, Tx, params};

/// Keys that are looked at together.
const AT_ONCE: i64 = 500;

/// What publishing an overlay has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublishedOverlay {
    /// Objects that are new or have replaced others.
    pub written: u64,
    /// Objects that are gone, those replaced not among them.
    pub removed: u64,
}

/// What the overlay has of one bucket.
struct Shadow {
    id: i64,
    bucket: i64,
    name: String,
    events: Option<String>,
}

/// A key that the overlay has changed, and what is at it: the object to be, and the ETag of the one below.
struct Veil {
    key: Key,
    event: Option<Event>,
    expected: Option<String>,
    below: Option<String>,
    own: Option<(u64, String)>,
}

impl Lake {
    /// Makes all that an overlay has changed visible, in the caller's transaction, and ends the overlay. Objects are as
    /// old as this transaction; multipart uploads that it has not completed are given up. Errors: `OverlayEnded`;
    /// `Overtaken` when what a conditional write has found is not there any more, or a bucket is gone: then nothing must
    /// be committed.
    pub async fn publish_overlay(
        &self,
        tx: &mut Tx,
        overlay: &Overlay,
    ) -> Result<PublishedOverlay, LakeError> {
        if tx.execute("DELETE FROM lake_overlays WHERE name = $1", &params![overlay.as_str()]).await? == 0 {
            return Err(overlay.ended());
        }
        let sql = "SELECT s.id, s.bucket, s.bucket_name, b.events, b.id FROM lake_shadows s \
                   LEFT JOIN lake_buckets b ON b.id = s.bucket WHERE s.overlay = $1 ORDER BY s.bucket";
        let mut total = PublishedOverlay::default();
        for row in tx.query(sql, &params![overlay.as_str()]).await? {
            let shadow =
                Shadow { id: row.get(0)?, bucket: row.get(1)?, name: row.get(2)?, events: row.get(3)? };
            let there = row.get::<Option<i64>>(4)?.is_some();
            self.publish_shadow(tx, &shadow, there, &mut total).await?;
            store::crash::point("lake.overlay.rows");
        }
        Ok(total)
    }

    async fn publish_shadow(
        &self,
        tx: &mut Tx,
        shadow: &Shadow,
        there: bool,
        total: &mut PublishedOverlay,
    ) -> Result<(), LakeError> {
        let mut after = Vec::new();
        loop {
            let veils = veils(tx, shadow, &after).await?;
            let Some(last) = veils.last() else { break };
            after = last.key.as_str().as_bytes().to_vec();
            if !there {
                let what = format!("bucket {} was deleted", shadow.name);
                return Err(LakeError::Overtaken { what });
            }
            self.uncover(tx, shadow, &veils, total).await?;
        }
        // Only their tags have changed: such objects are as old as they were.
        let sql = "UPDATE lake_objects SET bucket = $1 WHERE bucket = $2 AND key IN \
                   (SELECT key FROM lake_veils WHERE shadow = $2 AND event = '')";
        let mut written = tx.execute(sql, &params![shadow.bucket, shadow.id]).await?;
        let sql = "UPDATE lake_objects SET bucket = $1, modified_ms = $3 WHERE bucket = $2";
        written += tx.execute(sql, &params![shadow.bucket, shadow.id, tx.now_ms()]).await?;
        total.written += written;
        remove_uploads(self, tx, shadow.id).await?;
        forget(tx, shadow.id).await
    }

    /// Removes what lies below some veils, and tells of what becomes of their keys.
    async fn uncover(
        &self,
        tx: &mut Tx,
        shadow: &Shadow,
        veils: &[Veil],
        total: &mut PublishedOverlay,
    ) -> Result<(), LakeError> {
        for veil in veils {
            let there = veil.below.as_deref().unwrap_or_default();
            if veil.expected.as_deref().is_some_and(|expected| expected != there) {
                let (key, bucket) = (veil.key.as_str(), &shadow.name);
                let what =
                    format!("s3://{bucket}/{key}, written on a condition, was changed by somebody else");
                return Err(LakeError::Overtaken { what });
            }
        }
        let below: Vec<&Key> =
            veils.iter().filter(|veil| veil.below.is_some()).map(|veil| &veil.key).collect();
        let removed: HashSet<String> =
            index::remove_objects(self, tx, shadow.bucket, &below).await?.into_iter().collect();
        let mut changes = Vec::new();
        for veil in veils {
            let key = veil.key.as_str();
            match &veil.own {
                Some((size, etag)) => {
                    let object = Some((*size, etag.as_str()));
                    changes.extend(veil.event.map(|event| Change { event, key, object }));
                }
                None if removed.contains(key) => {
                    total.removed += 1;
                    changes.push(Change { event: Event::Delete, key, object: None });
                }
                None => {}
            }
        }
        self.tell(tx, shadow.events.as_deref(), &changes).await
    }
}

/// Removes the last rows of a shadow, whose objects and uploads are gone.
pub(super) async fn forget(tx: &mut Tx, shadow: i64) -> Result<(), LakeError> {
    tx.execute("DELETE FROM lake_veils WHERE shadow = $1", &params![shadow]).await?;
    tx.execute("DELETE FROM lake_shadows WHERE id = $1", &params![shadow]).await?;
    Ok(())
}

async fn veils(tx: &mut Tx, shadow: &Shadow, after: &[u8]) -> Result<Vec<Veil>, LakeError> {
    const SQL: &str = "SELECT v.key, v.event, v.expected, b.etag, o.size, o.etag FROM lake_veils v \
         LEFT JOIN lake_objects b ON b.bucket = $1 AND b.key = v.key \
         LEFT JOIN lake_objects o ON o.bucket = $2 AND o.key = v.key \
         WHERE v.shadow = $2 AND v.key > $3 ORDER BY v.key LIMIT $4";
    let rows = tx.query(SQL, &params![shadow.bucket, shadow.id, after, AT_ONCE]).await?;
    rows.iter().map(veil).collect()
}

fn veil(row: &Row) -> Result<Veil, LakeError> {
    let own = match row.get::<Option<String>>(5)? {
        Some(etag) => Some((unsigned(row, 4)?, etag)),
        None => None,
    };
    Ok(Veil {
        key: Key::from_bytes(row.get(0)?)?,
        event: Event::of_word(&row.get::<String>(1)?),
        expected: row.get(2)?,
        below: row.get(3)?,
        own,
    })
}
