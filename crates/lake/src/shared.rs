//! Opening a lake whose extents are in an outside store.
//!
//! Three must belong together: the metadata store (row `folder` of `lake_state`, the identity, and row `outside`), the
//! outside store (its object `identity`) and this server's folder (its file `identity`). The first server of a new
//! metadata store writes the row, then the object, then says in the row that it is there; a crash in between leaves
//! what the next start goes on with. An outside store of another metadata store is refused, and so is one that was
//! emptied since.
//!
//! # Ids
//! Each start takes a block of ids that no other start has: a file of one server never has the name of another's.
//!
//! # What a crash leaves
//! Extents outside without a row. Their files are in the folder of the server that crashed, which removes both at its
//! next start. A folder that is lost leaves its unfinished extents outside for good: bytes that nothing names.

#[cfg(test)]
mod tests;

use crate::disk::Disk;
use crate::gc::{known_ids, remove_files};
use crate::identity::{self, Verdict};
use crate::layout::ExtentId;
use crate::outside::Outside;
use crate::{Lake, LakeError, Options, random_number};
use std::io;
use std::sync::Arc;
use store::{Store, Tx, params};

/// Ids that a start takes: far more than one process can use.
const BLOCK: i64 = 1 << 40;
/// Values of row `outside`: the outside store is being claimed, is claimed.
const JOINING: i64 = 1;
const JOINED: i64 = 2;

impl Lake {
    /// Opens a lake that other servers may have open, too: the store is theirs as well, extents are kept in `outside`,
    /// and the folder, this server's alone, holds copies of at most about `cache_bytes`. Errors: as [`Lake::open`];
    /// `WrongPlace` when store and outside do not belong together.
    pub async fn open_shared(
        store: Store,
        options: Options,
        outside: Outside,
        cache_bytes: u64,
    ) -> Result<Lake, LakeError> {
        let there = outside.clone();
        let opened = tokio::task::spawn_blocking(move || {
            Disk::open(&options.dir, options.durable)?.with_outside(there, cache_bytes)
        });
        let opened =
            opened.await.map_err(|err| LakeError::io("opening the object folder", io::Error::other(err)))?;
        let lake = Lake { store, disk: Arc::new(opened?), events: None, overlay: None };
        let id = lake.join_outside(&outside).await?;
        lake.join_copies(id)?;
        lake.start_afresh().await?;
        Ok(lake)
    }

    /// The identity that store and outside share, made if neither has one.
    async fn join_outside(&self, outside: &Outside) -> Result<i64, LakeError> {
        let failed = |source| LakeError::io(format!("reading the identity of {}", outside.name()), source);
        let mut tx = self.store().begin().await?;
        let (id, joined) = match (state(&mut tx, "folder").await?, state(&mut tx, "outside").await?) {
            (Some(id), Some(joined)) => (id, joined),
            (None, None) => {
                let id = random_number(&tx.new_id())?;
                set_state(&mut tx, "folder", id).await?;
                set_state(&mut tx, "outside", JOINING).await?;
                (id, JOINING)
            }
            _ => {
                return Err(LakeError::WrongPlace {
                    what: "the objects of this metadata store are in the folder of one server: an outside store needs \
                           a metadata store of its own"
                        .to_owned(),
                });
            }
        };
        tx.commit().await?;
        if joined == JOINING {
            outside.claim(id).await.map_err(failed)?;
        }
        let found = outside.identity().await.map_err(failed)?;
        if found != Some(id) {
            return Err(LakeError::WrongPlace {
                what: format!(
                    "{} (identity {}) does not belong to this metadata store (identity {}): use the two that were made \
                     together, or an empty place with an empty store",
                    outside.name(),
                    found.map_or_else(|| "none".to_owned(), identity::text),
                    identity::text(id)
                ),
            });
        }
        if joined == JOINING {
            let mut tx = self.store().begin().await?;
            set_state(&mut tx, "outside", JOINED).await?;
            tx.commit().await?;
        }
        Ok(id)
    }

    /// Makes sure that the copies in the folder are of this lake.
    fn join_copies(&self, id: i64) -> Result<(), LakeError> {
        let disk = self.disk();
        let dir = disk.folder();
        let failed = |source| LakeError::io(format!("reading the identity of {}", dir.display()), source);
        let found = identity::read(dir).map_err(failed)?;
        match identity::verdict(found, Some(id)) {
            Verdict::Same => return Ok(()),
            Verdict::Rename => {}
            Verdict::Join | Verdict::Refuse if found.joined.is_none() => {
                identity::begin(dir, id).map_err(failed)?;
            }
            Verdict::Join | Verdict::Refuse => return Err(identity::refused(dir, found, Some(id))),
        }
        identity::end(dir).map_err(failed)
    }

    /// Takes a block of ids, removes what an earlier process of this folder left unfinished, and drops its copies.
    async fn start_afresh(&self) -> Result<(), LakeError> {
        let disk = self.disk();
        let files = tokio::task::spawn_blocking(move || disk.files_from(ExtentId::MIN)).await;
        let files = files.map_err(io::Error::other).and_then(|listed| listed);
        let files = files.map_err(|err| LakeError::io("listing the extents", err))?;
        let mut tx = self.store().begin().await?;
        let last = state(&mut tx, "block").await?.unwrap_or(0);
        let base = tx.now_ms().saturating_mul(1 << 20).max(last.saturating_add(BLOCK));
        set_state(&mut tx, "block", base).await?;
        let known = known_ids(&mut tx, &files).await?;
        tx.commit().await?;
        self.disk().ids_above(base);
        let (copies, orphans): (Vec<ExtentId>, Vec<ExtentId>) =
            files.into_iter().partition(|id| known.contains(id));
        let removed = remove_files(self.disk(), orphans).await?;
        self.disk().keep_unwanted(&removed.failed);
        if !removed.gone.is_empty() {
            tracing::info!(extents = removed.gone.len(), "removed what unfinished uploads had left");
        }
        let disk = self.disk();
        let dropped =
            tokio::task::spawn_blocking(move || copies.iter().try_for_each(|id| disk.remove(*id).map(drop)));
        let dropped = dropped.await.map_err(io::Error::other).and_then(|dropped| dropped);
        dropped.map_err(|err| LakeError::io("removing copies of extents", err))
    }
}

/// Refuses a store whose extents are in an outside store.
pub(crate) async fn check_local(tx: &mut Tx) -> Result<(), LakeError> {
    match state(tx, "outside").await? {
        None => Ok(()),
        Some(_) => Err(LakeError::WrongPlace {
            what: "the objects of this metadata store are in an outside store: name it (objects.store)"
                .to_owned(),
        }),
    }
}

async fn state(tx: &mut Tx, name: &str) -> Result<Option<i64>, LakeError> {
    let row = tx.query_opt("SELECT value FROM lake_state WHERE name = $1", &params![name]).await?;
    Ok(row.map(|row| row.get(0)).transpose()?)
}

async fn set_state(tx: &mut Tx, name: &str, value: i64) -> Result<(), LakeError> {
    let sql = "INSERT INTO lake_state (name, value) VALUES ($1, $2) \
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    tx.execute(sql, &params![name, value]).await?;
    Ok(())
}
