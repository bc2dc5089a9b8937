//! Reading the catalog and the lake's index, from one snapshot while a statement is planned.
//!
//! Outside planning, every reader gets a snapshot of its own and gives it back. While a [`Snapshot`] guard lives, the
//! first reader's snapshot is kept for the next ones, which take turns. It is never held while data is read: an old
//! snapshot keeps the store from cleaning up.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use store::Tx;
use tokio::sync::OwnedMutexGuard;

use crate::{EngineError, Sources};

/// The catalog and the lake of one session.
#[derive(Clone)]
pub(crate) struct CatalogView {
    sources: Sources,
    turn: Arc<tokio::sync::Mutex<()>>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    /// Guards that are alive.
    holders: usize,
    tx: Option<Tx>,
}

fn locked(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    // No invariant spans two statements under this lock.
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for CatalogView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatalogView").field("scope", &self.sources.scope).finish_non_exhaustive()
    }
}

/// While it lives, all readers of the view see one snapshot.
pub(crate) struct Snapshot {
    kept: Arc<Mutex<Kept>>,
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        let mut kept = locked(&self.kept);
        kept.holders -= 1;
        if kept.holders == 0 {
            kept.tx = None;
        }
    }
}

/// A reader's turn with the snapshot.
pub(crate) struct Reading {
    tx: Tx,
    kept: Arc<Mutex<Kept>>,
    _turn: OwnedMutexGuard<()>,
}

impl Reading {
    /// The snapshot.
    pub(crate) fn tx(&mut self) -> &mut Tx {
        &mut self.tx
    }

    /// Hands the snapshot to the next reader, if there is to be one. A reader that failed just drops it: a
    /// transaction is not usable after a failed statement.
    pub(crate) fn done(self) {
        let mut kept = locked(&self.kept);
        if kept.holders > 0 {
            kept.tx = Some(self.tx);
        }
    }
}

impl CatalogView {
    pub(crate) fn new(sources: Sources) -> Self {
        Self { sources, turn: Arc::default(), kept: Arc::default() }
    }

    pub(crate) fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Makes all readers see one snapshot, until the guard is dropped.
    pub(crate) fn hold_snapshot(&self) -> Snapshot {
        locked(&self.kept).holders += 1;
        Snapshot { kept: Arc::clone(&self.kept) }
    }

    /// Waits for a turn, and continues the snapshot that is kept or begins one.
    pub(crate) async fn read(&self) -> Result<Reading, EngineError> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let waiting = locked(&self.kept).tx.take();
        let tx = match waiting {
            Some(tx) => tx,
            None => self.sources.store.read().await?,
        };
        Ok(Reading { tx, kept: Arc::clone(&self.kept), _turn: turn })
    }
}
