//! Removing extents that nothing refers to.
//!
//! ```text
//! last layout removed ──(same transaction)──► lake_garbage row ──► not pinned? file removed ──► row removed
//! ```
//! A crash between file and row leaves a row whose file is gone; the next round finds nothing to remove and drops the
//! row. Extents whose transaction ended without an answer are settled by asking the index, in a transaction that the
//! store orders after the one in doubt. Files that no row knows (crashed uploads) are swept at start.

use crate::disk::Disk;
use crate::layout::{ExtentId, id_lists, int_values, placeholders};
use crate::{Lake, LakeError};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use store::{Tx, params};
use tokio_util::sync::CancellationToken;

/// Extents per round of the collector.
const ROUND: i64 = 1000;
/// The collector also looks without being woken this often: pins end without a word.
const PERIOD: Duration = Duration::from_secs(20);
/// Pause after a failed round.
const PAUSE: Duration = Duration::from_secs(5);

/// What a call of the collector did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Extents removed.
    pub extents: u64,
    /// Bytes of disk freed.
    pub bytes: u64,
    /// Extents that readers still hold.
    pub pinned: u64,
}

impl Lake {
    /// Removes every unreferenced extent that nobody reads. Errors leave the rest for the next call.
    pub async fn collect_once(&self) -> Result<Collected, LakeError> {
        let mut total = self.settle_doubtful().await?;
        let mut after = i64::MIN;
        loop {
            let mut tx = self.store().read().await?;
            let sql = "SELECT id FROM lake_garbage WHERE id > $1 ORDER BY id LIMIT $2";
            let rows = tx.query(sql, &params![after, ROUND]).await?;
            drop(tx);
            let mut ids = Vec::with_capacity(rows.len());
            for row in &rows {
                ids.push(row.get::<i64>(0)?);
            }
            let Some(last) = ids.last().copied() else { return Ok(total) };
            after = last;
            let disk = self.disk();
            let free: Vec<ExtentId> = ids.iter().copied().filter(|id| disk.start_removal(*id)).collect();
            total.pinned += (ids.len() - free.len()) as u64;
            let removed = self.remove_round(&free).await;
            disk.end_removal(&free);
            total.bytes += removed?;
            total.extents += free.len() as u64;
        }
    }

    async fn remove_round(&self, ids: &[ExtentId]) -> Result<u64, LakeError> {
        let bytes = remove_files(self.disk(), ids.to_vec()).await?;
        store::crash::point("lake.gc.unlinked");
        if ids.is_empty() {
            return Ok(0);
        }
        let mut tx = self.store().begin().await?;
        for list in id_lists(ids) {
            let sql = format!("DELETE FROM lake_garbage WHERE id IN ({})", placeholders(1, list.len()));
            tx.execute(&sql, &int_values(&list)).await?;
        }
        tx.commit().await?;
        Ok(bytes)
    }

    /// Keeps the extents in doubt that the index names, removes the others.
    async fn settle_doubtful(&self) -> Result<Collected, LakeError> {
        let ids = self.disk().take_doubtful();
        if ids.is_empty() {
            return Ok(Collected::default());
        }
        let settled = match self.unclaimed(&ids).await {
            Ok(unclaimed) => {
                let extents = unclaimed.len() as u64;
                remove_files(self.disk(), unclaimed).await.map(|bytes| Collected {
                    extents,
                    bytes,
                    pinned: 0,
                })
            }
            Err(err) => Err(err),
        };
        if settled.is_err() {
            ids.into_iter().for_each(|id| self.disk().add_doubtful(id));
        }
        settled
    }

    /// Those of `ids` that no committed row names. Inserting a row of the same id waits for a transaction that holds
    /// one uncommitted (SQLite has one writer; PostgreSQL waits on the unique key); it is rolled back at once.
    async fn unclaimed(&self, ids: &[ExtentId]) -> Result<Vec<ExtentId>, LakeError> {
        let mut tx = self.store().begin().await?;
        let sql = "INSERT INTO lake_extents (id, refs, size) VALUES ($1, 0, 0) ON CONFLICT (id) DO NOTHING";
        let mut unclaimed = Vec::new();
        for id in ids {
            let garbage = tx.query_opt("SELECT id FROM lake_garbage WHERE id = $1", &params![*id]).await?;
            if garbage.is_none() && tx.execute(sql, &params![*id]).await? == 1 {
                unclaimed.push(*id);
            }
        }
        drop(tx);
        Ok(unclaimed)
    }

    /// Collects whenever there is something to collect, until `stop`.
    pub async fn run_gc(&self, stop: CancellationToken) {
        loop {
            let pause = match self.collect_once().await {
                Ok(_) => PERIOD,
                Err(err) => {
                    tracing::warn!(error = %err, "collecting unused extents failed, trying again");
                    PAUSE
                }
            };
            let disk = self.disk();
            tokio::select! {
                () = stop.cancelled() => return,
                () = disk.woken() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Removes files that no row knows; at start, before anybody else uses the lake. How many there were.
    pub(crate) async fn sweep(&self) -> Result<u64, LakeError> {
        let mut tx = self.store().begin().await?;
        let mark = tx.query_opt("SELECT value FROM lake_state WHERE name = 'swept'", &[]).await?;
        let mark: i64 = mark.map_or(Ok(0), |row| row.get(0))?;
        for table in ["lake_extents", "lake_garbage"] {
            let row = tx.query_opt(&format!("SELECT MAX(id) FROM {table}"), &[]).await?;
            let highest = row.map_or(Ok(None), |row| row.get::<Option<i64>>(0))?;
            self.disk().ids_above(highest.unwrap_or(0).max(mark));
        }
        self.disk().ids_above(tx.now_ms().saturating_mul(1 << 20));
        let disk = self.disk();
        let files = tokio::task::spawn_blocking(move || disk.files_from(mark)).await;
        let files = files.map_err(std::io::Error::other).and_then(|listed| listed);
        let files = files.map_err(|err| LakeError::io("listing the extents", err))?;
        if let Some(highest) = files.iter().max() {
            self.disk().ids_above(*highest);
        }
        let known = known_ids(&mut tx, &files).await?;
        let orphans: Vec<ExtentId> = files.into_iter().filter(|id| !known.contains(id)).collect();
        let count = orphans.len() as u64;
        let bytes = remove_files(self.disk(), orphans).await?;
        let sql = "INSERT INTO lake_state (name, value) VALUES ('swept', $1) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        tx.execute(sql, &params![self.disk().new_id()]).await?;
        tx.commit().await?;
        if count > 0 {
            tracing::info!(extents = count, bytes, "removed what unfinished uploads had left");
        }
        Ok(count)
    }
}

async fn known_ids(tx: &mut Tx, files: &[ExtentId]) -> Result<HashSet<ExtentId>, LakeError> {
    let mut known = HashSet::new();
    for list in id_lists(files) {
        for table in ["lake_extents", "lake_garbage"] {
            let sql = format!("SELECT id FROM {table} WHERE id IN ({})", placeholders(1, list.len()));
            for row in tx.query(&sql, &int_values(&list)).await? {
                known.insert(row.get::<i64>(0)?);
            }
        }
    }
    Ok(known)
}

async fn remove_files(disk: Arc<Disk>, ids: Vec<ExtentId>) -> Result<u64, LakeError> {
    let removed = tokio::task::spawn_blocking(move || {
        let mut bytes = 0;
        for id in ids {
            bytes += disk.remove(id)?;
        }
        Ok(bytes)
    });
    let removed = removed.await.map_err(std::io::Error::other).and_then(|done| done);
    removed.map_err(|err| LakeError::io("removing an extent", err))
}
