//! Removing extents that nothing refers to.
//!
//! ```text
//! last layout removed ──(same transaction)──► lake_garbage row ──► not pinned? file removed ──► row removed
//! ```
//! A crash between file and row leaves a row whose file is gone; the next round finds nothing to remove and drops the
//! row. Extents whose transaction ended without an answer are settled by asking the index, in a transaction that the
//! store orders after the one in doubt. Files that no row knows (crashed uploads) are swept at start.
//!
//! A file that cannot be removed keeps its row, is counted in [`Collected::failed`] and tried again; it holds up no
//! other.

use crate::disk::Disk;
use crate::layout::{ExtentId, id_lists, int_values, placeholders};
use crate::{Lake, LakeError};
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use store::{Row, Tx, params};
use tokio_util::sync::CancellationToken;

/// Extents per round of the collector, and per transaction.
const ROUND: usize = 1000;
/// The collector also looks without being woken this often: pins end without a word.
const PERIOD: Duration = Duration::from_secs(20);
/// Pause after a failed round, whatever wakes the collector.
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
    /// Extents whose files could not be removed; the log says why.
    pub failed: u64,
}

/// What became of a list of files.
#[derive(Default)]
pub(crate) struct Removed {
    bytes: u64,
    pub(crate) gone: Vec<ExtentId>,
    pub(crate) failed: Vec<ExtentId>,
}

impl Collected {
    fn add(&mut self, removed: &Removed) {
        self.extents += removed.gone.len() as u64;
        self.bytes += removed.bytes;
        self.failed += removed.failed.len() as u64;
    }
}

impl Lake {
    /// Removes every unreferenced extent that nobody reads. Errors leave the rest for the next call.
    pub async fn collect_once(&self) -> Result<Collected, LakeError> {
        self.collect(&CancellationToken::new()).await
    }

    /// Collects until there is nothing left or `stop`, which is looked at between rounds.
    async fn collect(&self, stop: &CancellationToken) -> Result<Collected, LakeError> {
        let mut total = Collected::default();
        self.remove_unwanted(&mut total).await?;
        let dropped = self.collect_overlays(stop).await;
        let settled = self.settle_doubtful(stop, &mut total).await;
        let collected = self.collect_garbage(stop, &mut total).await;
        dropped.and(settled).and(collected).map(|()| total)
    }

    async fn collect_garbage(
        &self,
        stop: &CancellationToken,
        total: &mut Collected,
    ) -> Result<(), LakeError> {
        let mut after = i64::MIN;
        while !stop.is_cancelled() {
            let mut tx = self.store().read().await?;
            let sql = "SELECT id FROM lake_garbage WHERE id > $1 ORDER BY id LIMIT $2";
            let rows = tx.query(sql, &params![after, ROUND as i64]).await?;
            drop(tx);
            let mut ids = Vec::with_capacity(rows.len());
            for row in &rows {
                ids.push(row.get::<i64>(0)?);
            }
            let Some(last) = ids.last().copied() else { break };
            after = last;
            let disk = self.disk();
            let free: Vec<ExtentId> = ids.iter().copied().filter(|id| disk.start_removal(*id)).collect();
            total.pinned += (ids.len() - free.len()) as u64;
            let removed = self.remove_round(&free).await;
            disk.end_removal(&free);
            total.add(&removed?);
        }
        Ok(())
    }

    /// Removes files, then the rows of those that are gone.
    async fn remove_round(&self, ids: &[ExtentId]) -> Result<Removed, LakeError> {
        let removed = remove_files(self.disk(), ids.to_vec()).await?;
        store::crash::point("lake.gc.unlinked");
        if removed.gone.is_empty() {
            return Ok(removed);
        }
        let mut tx = self.store().begin().await?;
        for list in id_lists(&removed.gone) {
            let sql = format!("DELETE FROM lake_garbage WHERE id IN ({})", placeholders(1, list.len()));
            tx.execute(&sql, &int_values(&list)).await?;
        }
        tx.commit().await?;
        Ok(removed)
    }

    /// Removes the files of uploads that were given up before a transaction knew of them.
    async fn remove_unwanted(&self, total: &mut Collected) -> Result<(), LakeError> {
        let ids = self.disk().take_unwanted();
        if ids.is_empty() {
            return Ok(());
        }
        let removed = remove_files(self.disk(), ids).await?;
        self.disk().keep_unwanted(&removed.failed);
        total.add(&removed);
        Ok(())
    }

    /// Keeps the extents in doubt that the index names, removes the others.
    async fn settle_doubtful(
        &self,
        stop: &CancellationToken,
        total: &mut Collected,
    ) -> Result<(), LakeError> {
        let ids = self.disk().take_doubtful();
        let mut rounds = ids.chunks(ROUND);
        while let Some(round) = rounds.next() {
            let settled = match stop.is_cancelled() {
                true => Ok(None),
                false => self.settle_round(round).await.map(Some),
            };
            if let Ok(Some(removed)) = settled {
                self.disk().keep_doubtful(&removed.failed);
                total.add(&removed);
                continue;
            }
            self.disk().keep_doubtful(round);
            rounds.for_each(|later| self.disk().keep_doubtful(later));
            return settled.map(|_| ());
        }
        Ok(())
    }

    async fn settle_round(&self, ids: &[ExtentId]) -> Result<Removed, LakeError> {
        let unclaimed = self.unclaimed(ids).await?;
        remove_files(self.disk(), unclaimed).await
    }

    /// Those of `ids` that no committed row names. Inserting a row of the same id waits for a transaction that holds
    /// one uncommitted (SQLite has one writer; PostgreSQL waits on the unique key); it is rolled back at once.
    async fn unclaimed(&self, ids: &[ExtentId]) -> Result<Vec<ExtentId>, LakeError> {
        let mut tx = self.store().begin().await?;
        let mut unclaimed = Vec::new();
        for list in id_lists(ids) {
            let sql = format!("SELECT id FROM lake_garbage WHERE id IN ({})", placeholders(1, list.len()));
            let garbage = column(&tx.query(&sql, &int_values(&list)).await?)?;
            let rows: Vec<String> = (1..=list.len()).map(|n| format!("(${n}, 0, 0)")).collect();
            let sql = format!(
                "INSERT INTO lake_extents (id, refs, size) VALUES {} ON CONFLICT (id) DO NOTHING RETURNING id",
                rows.join(",")
            );
            let free = column(&tx.query(&sql, &int_values(&list)).await?)?;
            unclaimed.extend(free.difference(&garbage));
        }
        drop(tx);
        Ok(unclaimed)
    }

    /// Removes copies of extents that take too much room; what goes wrong is tried again with the next turn.
    async fn trim(&self) {
        let disk = self.disk();
        let trimmed = tokio::task::spawn_blocking(move || disk.trim()).await;
        match trimmed.map_err(io::Error::other).and_then(|trimmed| trimmed) {
            Ok(0) => {}
            Ok(bytes) => tracing::debug!(bytes, "removed copies of extents"),
            Err(error) => tracing::warn!(%error, "removing copies of extents failed"),
        }
    }

    /// Collects whenever there is something to collect, until `stop`.
    pub async fn run_gc(&self, stop: CancellationToken) {
        loop {
            let failed = match self.collect(&stop).await {
                Ok(collected) => collected.failed > 0,
                Err(err) => {
                    tracing::warn!(error = %err, "collecting unused extents failed, trying again");
                    true
                }
            };
            self.trim().await;
            let disk = self.disk();
            tokio::select! {
                () = stop.cancelled() => return,
                () = disk.woken(), if !failed => {}
                () = tokio::time::sleep(if failed { PAUSE } else { PERIOD }) => {}
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
        let removed = remove_files(self.disk(), orphans).await?;
        // What cannot be removed now is tried again while the lake is open.
        self.disk().keep_unwanted(&removed.failed);
        let (count, bytes) = (removed.gone.len() as u64, removed.bytes);
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

pub(crate) async fn known_ids(tx: &mut Tx, files: &[ExtentId]) -> Result<HashSet<ExtentId>, LakeError> {
    let mut known = HashSet::new();
    for list in id_lists(files) {
        for table in ["lake_extents", "lake_garbage"] {
            let sql = format!("SELECT id FROM {table} WHERE id IN ({})", placeholders(1, list.len()));
            known.extend(column(&tx.query(&sql, &int_values(&list)).await?)?);
        }
    }
    Ok(known)
}

/// The ids in the first column.
fn column(rows: &[Row]) -> Result<HashSet<ExtentId>, LakeError> {
    let mut ids = HashSet::with_capacity(rows.len());
    for row in rows {
        ids.insert(row.get::<i64>(0)?);
    }
    Ok(ids)
}

/// Removes what can be removed, outside too. Errors: the blocking thread was lost.
pub(crate) async fn remove_files(disk: Arc<Disk>, ids: Vec<ExtentId>) -> Result<Removed, LakeError> {
    let there = Arc::clone(&disk);
    let mut removed = remove_local(disk, ids).await?;
    if let Some(outside) = there.outside() {
        for (id, error) in outside.remove(&removed.gone).await {
            tracing::warn!(extent = id, %error, "an unused extent cannot be removed from the outside store");
            removed.gone.retain(|gone| *gone != id);
            removed.failed.push(id);
        }
    }
    Ok(removed)
}

async fn remove_local(disk: Arc<Disk>, ids: Vec<ExtentId>) -> Result<Removed, LakeError> {
    let removed = tokio::task::spawn_blocking(move || {
        let mut removed = Removed::default();
        for id in ids {
            match disk.remove(id) {
                Ok(bytes) => {
                    removed.bytes += bytes;
                    removed.gone.push(id);
                }
                Err(err) => {
                    let path = disk.path(id);
                    tracing::warn!(path = %path.display(), error = %err, "an unused extent cannot be removed");
                    removed.failed.push(id);
                }
            }
        }
        removed
    });
    removed.await.map_err(|err| LakeError::io("removing extents", io::Error::other(err)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MIGRATIONS, Options};
    use futures::FutureExt;

    #[tokio::test]
    async fn what_cannot_be_settled_does_not_wake_the_collector() {
        let (store, folder) = store::testing::temp(&[MIGRATIONS]).await;
        let options = Options { dir: folder.path().join("lake"), durable: false };
        let lake = Lake::open(store.clone(), options).await.unwrap();
        let disk = lake.disk();
        disk.add_doubtful(1);
        assert!(disk.woken().now_or_never().is_some());
        store.close().await;
        assert!(lake.collect_once().await.is_err());
        assert!(disk.woken().now_or_never().is_none(), "it would try again at once, for ever");
        assert_eq!(disk.take_doubtful(), [1], "and nothing is forgotten");
    }

    #[tokio::test]
    async fn a_stop_is_seen_between_rounds() {
        let (store, folder) = store::testing::temp(&[MIGRATIONS]).await;
        let options = Options { dir: folder.path().join("lake"), durable: false };
        let lake = Lake::open(store, options).await.unwrap();
        lake.disk().add_doubtful(1);
        let mut tx = lake.store().begin().await.unwrap();
        tx.execute("INSERT INTO lake_garbage (id, since_ms) VALUES (2, 0)", &[]).await.unwrap();
        tx.commit().await.unwrap();
        let stop = CancellationToken::new();
        stop.cancel();
        assert_eq!(lake.collect(&stop).await.unwrap(), Collected::default());
        assert_eq!(lake.disk().take_doubtful(), [1]);
        assert_eq!(lake.collect_once().await.unwrap().extents, 1);
    }
}
