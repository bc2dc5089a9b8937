//! With an outside store the files of this folder are copies: of what was uploaded through this server, and of what was
//! read through it. Readers find local files either way.
//!
//! A copy goes when the copies together take more than they may, the longest unused first; one that a reader has pinned
//! stays. A reader pins before it looks, and a copy is removed while the pins are locked: so what a reader has found
//! stays. Copies are not trusted after a restart (a power cut may have left one with its name and without its bytes).

use super::{Disk, locked};
use crate::layout::ExtentId;
use crate::outside::Outside;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use tokio::sync::Mutex;

/// Fetches of one extent at the same time wait for each other; of different ones, seldom.
const LOCKS: usize = 64;

/// The outside store, and how much of it is here.
pub(crate) struct Cache {
    pub(super) outside: Outside,
    max_bytes: u64,
    /// Bytes here, roughly: what was removed since the last look still counts.
    held: AtomicU64,
    fetching: Vec<Mutex<()>>,
    /// Tells files that are being fetched apart.
    serial: AtomicU64,
}

impl Cache {
    pub(super) fn new(outside: Outside, max_bytes: u64) -> Cache {
        let fetching = (0..LOCKS).map(|_| Mutex::new(())).collect();
        Cache { outside, max_bytes, held: AtomicU64::new(0), fetching, serial: AtomicU64::new(0) }
    }
}

/// A file that is being fetched; goes when that is given up.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %self.0.display(), %error, "an unfinished copy cannot be removed");
            }
            _ => {}
        }
    }
}

impl Disk {
    /// Sends a finished file outside, if there is an outside.
    pub(crate) async fn send(&self, id: ExtentId) -> io::Result<()> {
        let Some(cache) = &self.cache else { return Ok(()) };
        let size = cache.outside.send(id, &self.path(id)).await?;
        self.count(cache, size);
        Ok(())
    }

    fn count(&self, cache: &Cache, size: u64) {
        if cache.held.fetch_add(size, Ordering::Relaxed).saturating_add(size) > cache.max_bytes {
            self.wake_collector();
        }
    }

    /// Makes sure that the extent is in this folder. Errors: `NotFound` when it is not outside either.
    pub(super) async fn bring(&self, cache: &Cache, id: ExtentId) -> io::Result<()> {
        let path = self.path(id);
        if tokio::fs::try_exists(&path).await? {
            return Ok(());
        }
        let lock = usize::try_from(id).map_or(0, |id| id % LOCKS);
        let _turn = match cache.fetching.get(lock) {
            Some(lock) => lock.lock().await,
            None => return Err(io::Error::other("no such lock")),
        };
        if tokio::fs::try_exists(&path).await? {
            return Ok(());
        }
        let serial = cache.serial.fetch_add(1, Ordering::Relaxed);
        let unfinished = Unfinished(self.fetching().join(format!("{id:016x}.{serial}")));
        let size = cache.outside.fetch(id, &unfinished.0).await?;
        tokio::fs::rename(&unfinished.0, &path).await?;
        self.count(cache, size);
        Ok(())
    }

    /// Folder of files that are being fetched.
    fn fetching(&self) -> PathBuf {
        self.folder.join("fetching")
    }

    /// An empty folder for files that are being fetched.
    pub(super) fn clear_fetching(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.fetching()) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
            _ => {}
        }
        fs::create_dir_all(self.fetching())
    }

    /// Removes copies until the rest takes at most what it may; how many bytes that freed. Blocks.
    pub(crate) fn trim(&self) -> io::Result<u64> {
        let Some(cache) = &self.cache else { return Ok(0) };
        if cache.held.load(Ordering::Relaxed) <= cache.max_bytes {
            return Ok(0);
        }
        let mut copies = Vec::new();
        for id in self.files_from(ExtentId::MIN)? {
            match fs::metadata(self.path(id)) {
                Ok(found) => copies.push((last_used(&found)?, id, found.len())),
                Err(err) if err.kind() == io::ErrorKind::NotFound => {}
                Err(err) => return Err(err),
            }
        }
        copies.sort_unstable();
        let mut held: u64 = copies.iter().map(|(_, _, size)| size).sum();
        let (before, aim) = (held, cache.max_bytes / 8 * 7);
        for (_, id, size) in copies {
            if held <= aim {
                break;
            }
            let pins = locked(&self.pins);
            if !pins.readers.contains_key(&id) {
                self.remove(id)?;
                held -= size;
            }
        }
        cache.held.store(held, Ordering::Relaxed);
        Ok(before - held)
    }
}

/// Where the file system keeps no time of reading, the time of writing.
fn last_used(found: &fs::Metadata) -> io::Result<SystemTime> {
    let written = found.modified()?;
    Ok(found.accessed().map_or(written, |read| read.max(written)))
}
