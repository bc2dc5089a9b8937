//! Giving an overlay up.

use super::publish::forget;
use super::{Overlay, remove_uploads};
use crate::layout::{Layout, release};
use crate::meta::decode;
use crate::{Lake, LakeError};
use store::{Tx, params};
use tokio_util::sync::CancellationToken;

/// Objects that are removed in one transaction.
const ROUND: i64 = 500;

impl Lake {
    /// Gives up all that an overlay has changed; whether there was such an overlay. From the commit on nobody can use it,
    /// and the collector removes what it held.
    pub async fn drop_overlay(&self, tx: &mut Tx, overlay: &Overlay) -> Result<bool, LakeError> {
        let sql = "DELETE FROM lake_overlays WHERE name = $1";
        if tx.execute(sql, &params![overlay.as_str()]).await? == 0 {
            return Ok(false);
        }
        let disk = self.disk();
        tx.on_commit(Box::new(move || disk.wake_collector()));
        Ok(true)
    }

    /// Removes the rows of overlays that were given up, until there are none left or `stop`.
    pub(crate) async fn collect_overlays(&self, stop: &CancellationToken) -> Result<(), LakeError> {
        const SQL: &str = "SELECT s.id FROM lake_shadows s LEFT JOIN lake_overlays l ON l.name = s.overlay \
             WHERE l.name IS NULL ORDER BY s.id LIMIT 1";
        while !stop.is_cancelled() {
            let mut tx = self.store().read().await?;
            let Some(row) = tx.query_opt(SQL, &[]).await? else { return Ok(()) };
            drop(tx);
            let shadow: i64 = row.get(0)?;
            while self.remove_some(shadow).await? {
                if stop.is_cancelled() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Removes some of a shadow's objects, or, when there are none left, the rest of it; whether there is more.
    async fn remove_some(&self, shadow: i64) -> Result<bool, LakeError> {
        let mut tx = self.store().begin().await?;
        let sql = "DELETE FROM lake_objects WHERE bucket = $1 AND key IN \
                   (SELECT key FROM lake_objects WHERE bucket = $1 ORDER BY key LIMIT $2) RETURNING layout";
        let rows = tx.query(sql, &params![shadow, ROUND]).await?;
        let mut slices = Vec::new();
        for row in &rows {
            slices.extend(decode::<Layout>(&row.get::<String>(0)?)?.slices);
        }
        release(self, &mut tx, &slices).await?;
        if rows.is_empty() {
            remove_uploads(self, &mut tx, shadow).await?;
            forget(&mut tx, shadow).await?;
        }
        tx.commit().await?;
        Ok(!rows.is_empty())
    }
}
