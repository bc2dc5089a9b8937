//! Extent files on the local disk.
//!
//! ```text
//! <dir>/lock                        held with an exclusive lock while the lake is open
//! <dir>/identity                    which store the folder belongs to, see `identity`
//! <dir>/extents/<ab>/<16 hex>       one immutable extent; <ab> = low byte of its id
//! <dir>/fetching/                   with an outside store: extents on their way here, see `cache`
//! ```
//! A file is written once, by one upload, and never changed after its row is committed. Between creation and commit it
//! belongs to an [`ExtentFile`], whose drop leaves it to the collector. When a transaction that was told of the file ends without
//! saying that it committed, the file is *doubtful*: the collector asks the index and removes it if no row names it.
//! A crash leaves files without rows; `sweep` removes them at the next start. Ids grow for ever, so start only has to
//! look at the files above the mark of the last sweep.

mod cache;

use crate::LakeError;
use crate::layout::ExtentId;
use crate::outside::Outside;
use cache::Cache;
use futures::{StreamExt, TryStreamExt};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Up to so many files are looked for on the calling thread; more on a thread that may block.
const LOOK_AT_ONCE: usize = 4;
/// Extents that a reader fetches at the same time.
const FETCHES: usize = 4;

pub(crate) struct Disk {
    folder: PathBuf,
    /// Where the extents are.
    dir: PathBuf,
    /// Whether the folders in `dir` are known to be there for good.
    sharded: Mutex<bool>,
    durable: bool,
    next_id: AtomicI64,
    pins: Mutex<Pins>,
    doubtful: Mutex<Vec<ExtentId>>,
    unwanted: Mutex<Vec<ExtentId>>,
    wake: Notify,
    /// Where the extents really are, when this folder only has copies.
    cache: Option<Cache>,
    _lock: File,
}

#[derive(Default)]
struct Pins {
    readers: HashMap<ExtentId, usize>,
    /// Being removed by the collector: no longer to be pinned.
    dying: HashSet<ExtentId>,
}

/// What a lock guards stays consistent when a holder panics: no invariant spans statements.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk {
    /// Takes the folder for this process, creating what is missing.
    pub(crate) fn open(dir: &Path, durable: bool) -> Result<Disk, LakeError> {
        let failed = |source| LakeError::io(format!("opening the object folder {}", dir.display()), source);
        let extents = dir.join("extents");
        fs::create_dir_all(&extents).map_err(failed)?;
        if durable {
            // At every start: an earlier one may have been cut off between making the folders and syncing them.
            for folder in [Some(dir), dir.parent()].into_iter().flatten() {
                let named = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
                sync_folder(named).map_err(failed)?;
            }
        }
        let lock = File::create(dir.join("lock")).map_err(failed)?;
        lock.try_lock().map_err(|err| match err {
            fs::TryLockError::WouldBlock => LakeError::InUse { dir: dir.to_owned() },
            fs::TryLockError::Error(source) => failed(source),
        })?;
        Ok(Disk {
            folder: dir.to_owned(),
            dir: extents,
            sharded: Mutex::new(false),
            durable,
            next_id: AtomicI64::new(1),
            pins: Mutex::default(),
            doubtful: Mutex::default(),
            unwanted: Mutex::default(),
            wake: Notify::new(),
            cache: None,
            _lock: lock,
        })
    }

    /// Makes the folders that extents are in, before the first of them is written: 256 folders would be the longest part
    /// of a new server's start. Blocks.
    fn make_shards(&self) -> io::Result<()> {
        let mut sharded = locked(&self.sharded);
        if *sharded {
            return Ok(());
        }
        for byte in 0..=255u8 {
            fs::create_dir_all(self.dir.join(format!("{byte:02x}")))?;
        }
        if self.durable {
            // Also when all were there: an earlier process may have been cut off before it synced them.
            sync_folder(&self.dir)?;
        }
        *sharded = true;
        Ok(())
    }

    /// The same folder, holding copies of an outside store.
    pub(crate) fn with_outside(mut self, outside: Outside, cache_bytes: u64) -> Result<Disk, LakeError> {
        let made = self.clear_fetching().and_then(|()| self.make_shards());
        made.map_err(|err| LakeError::io("making the folders of fetched extents", err))?;
        self.cache = Some(Cache::new(outside, cache_bytes));
        Ok(self)
    }

    pub(crate) fn outside(&self) -> Option<&Outside> {
        self.cache.as_ref().map(|cache| &cache.outside)
    }

    /// The folder that was opened.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ids from now on are above `id`.
    pub(crate) fn ids_above(&self, id: ExtentId) {
        self.next_id.fetch_max(id + 1, Ordering::Relaxed);
    }

    pub(crate) fn new_id(&self) -> ExtentId {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn path(&self, id: ExtentId) -> PathBuf {
        self.dir.join(format!("{:02x}", id & 0xff)).join(format!("{id:016x}"))
    }

    pub(crate) fn wake_collector(&self) {
        self.wake.notify_one();
    }

    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    pub(crate) fn take_doubtful(&self) -> Vec<ExtentId> {
        std::mem::take(&mut *locked(&self.doubtful))
    }

    pub(crate) fn add_doubtful(&self, id: ExtentId) {
        locked(&self.doubtful).push(id);
        self.wake_collector();
    }

    /// Puts extents back that could not be settled. The collector comes back to them by itself: woken at once, it would
    /// only fail again.
    pub(crate) fn keep_doubtful(&self, ids: &[ExtentId]) {
        locked(&self.doubtful).extend_from_slice(ids);
    }

    pub(crate) fn take_unwanted(&self) -> Vec<ExtentId> {
        std::mem::take(&mut *locked(&self.unwanted))
    }

    /// Takes back unwanted extents that could not be removed; like [`Disk::keep_doubtful`].
    pub(crate) fn keep_unwanted(&self, ids: &[ExtentId]) {
        locked(&self.unwanted).extend_from_slice(ids);
    }

    /// Leaves a file that no transaction knows of to the collector: removing a large one takes its time.
    fn add_unwanted(&self, id: ExtentId) {
        locked(&self.unwanted).push(id);
        self.wake_collector();
    }

    /// Marks an extent as going; false when a reader has it pinned.
    pub(crate) fn start_removal(&self, id: ExtentId) -> bool {
        let mut pins = locked(&self.pins);
        !pins.readers.contains_key(&id) && pins.dying.insert(id)
    }

    pub(crate) fn end_removal(&self, ids: &[ExtentId]) {
        let mut pins = locked(&self.pins);
        for id in ids {
            pins.dying.remove(id);
        }
    }

    /// Removes the file of an extent; how many bytes that freed. A missing file is fine: an earlier removal was cut
    /// off before its row went.
    pub(crate) fn remove(&self, id: ExtentId) -> io::Result<u64> {
        let path = self.path(id);
        let size = match fs::metadata(&path) {
            Ok(found) => found.len(),
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(err) => return Err(err),
        };
        match fs::remove_file(&path) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
            _ => Ok(size),
        }
    }

    /// Ids of the files on disk at or above `from`. Files of other names are not ours and left alone.
    pub(crate) fn files_from(&self, from: ExtentId) -> io::Result<Vec<ExtentId>> {
        let mut ids = Vec::new();
        for shard in fs::read_dir(&self.dir)? {
            for entry in fs::read_dir(shard?.path())? {
                let name = entry?.file_name();
                let id =
                    name.to_str().filter(|n| n.len() == 16).and_then(|n| i64::from_str_radix(n, 16).ok());
                ids.extend(id.filter(|id| *id >= from));
            }
        }
        Ok(ids)
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Keeps extents from being collected while somebody reads them.
pub(crate) struct PinSet {
    disk: Arc<Disk>,
    ids: Vec<ExtentId>,
}

impl PinSet {
    /// Pins all of `ids`. Errors: `Missing` when one is being removed or is gone already, `Io` when that cannot be
    /// found out; then none is pinned.
    pub(crate) async fn new(disk: Arc<Disk>, ids: Vec<ExtentId>) -> Result<PinSet, PinError> {
        {
            let mut pins = locked(&disk.pins);
            if let Some(dying) = ids.iter().find(|id| pins.dying.contains(id)) {
                return Err(PinError::Missing(*dying));
            }
            for id in &ids {
                *pins.readers.entry(*id).or_insert(0) += 1;
            }
        }
        let set = PinSet { disk, ids };
        if let Some(cache) = &set.disk.cache {
            set.bring(cache).await?;
            return Ok(set);
        }
        if set.ids.len() <= LOOK_AT_ONCE {
            return set.look();
        }
        let looked = tokio::task::spawn_blocking(move || set.look()).await;
        looked.unwrap_or_else(|err| Err(PinError::Io(io::Error::other(err))))
    }

    /// Fetches those that are not here.
    async fn bring(&self, cache: &Cache) -> Result<(), PinError> {
        let fetched = futures::stream::iter(self.ids.iter().copied()).map(|id| async move {
            match self.disk.bring(cache, id).await {
                Err(err) if err.kind() == io::ErrorKind::NotFound => Err(PinError::Missing(id)),
                other => other.map_err(PinError::Io),
            }
        });
        fetched.buffer_unordered(FETCHES).try_collect().await
    }

    /// Makes sure that the files are there.
    fn look(self) -> Result<PinSet, PinError> {
        for id in &self.ids {
            match self.disk.path(*id).try_exists() {
                Ok(true) => {}
                Ok(false) => return Err(PinError::Missing(*id)),
                Err(err) => return Err(PinError::Io(err)),
            }
        }
        Ok(self)
    }
}

/// Why extents cannot be pinned.
pub(crate) enum PinError {
    /// This one is being removed, or is not there.
    Missing(ExtentId),
    /// The disk does not say whether it is there.
    Io(io::Error),
}

impl Drop for PinSet {
    fn drop(&mut self) {
        let mut pins = locked(&self.disk.pins);
        self.ids.iter().for_each(|id| pins.unpin(*id));
    }
}

impl Pins {
    fn unpin(&mut self, id: ExtentId) {
        if let Some(count) = self.readers.get_mut(&id) {
            *count -= 1;
            if *count == 0 {
                self.readers.remove(&id);
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// No transaction knows of it.
    Ours,
    /// A transaction holds its row and has not said how it ended.
    Submitted,
    /// Its row is committed.
    Kept,
}

/// An extent file that is not (yet) part of the index. Dropping it removes the file, see the module's text.
pub(crate) struct ExtentFile {
    disk: Arc<Disk>,
    id: ExtentId,
    fate: Fate,
}

impl ExtentFile {
    /// Creates the (empty) file of a new extent.
    pub(crate) fn create(disk: &Arc<Disk>) -> io::Result<ExtentFile> {
        disk.make_shards()?;
        let id = disk.new_id();
        File::options().write(true).create_new(true).open(disk.path(id))?;
        if disk.cache.is_some() {
            // No copy yet, but the only one: it is not to be trimmed.
            *locked(&disk.pins).readers.entry(id).or_insert(0) += 1;
        }
        Ok(ExtentFile { disk: Arc::clone(disk), id, fate: Fate::Ours })
    }

    pub(crate) fn id(&self) -> ExtentId {
        self.id
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.disk.path(self.id)
    }

    /// Appends; opens and closes the file, so that many uploads may be open at once without a descriptor each.
    pub(crate) fn append(&self, data: &[u8]) -> io::Result<()> {
        let mut file = File::options().append(true).open(self.path())?;
        file.write_all(data)
    }

    /// Makes bytes and name durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        store::crash::point("lake.extent.written");
        if self.disk.durable {
            let path = self.path();
            File::open(&path)?.sync_data()?;
            if let Some(folder) = path.parent() {
                sync_folder(folder)?;
            }
        }
        store::crash::point("lake.extent.synced");
        Ok(())
    }

    /// What makes the bytes so far durable, beside the next work, so that the last sync has little left to do.
    pub(crate) fn sync_some(&self) -> Option<impl FnOnce() -> io::Result<()> + Send + 'static> {
        let path = self.disk.durable.then(|| self.path())?;
        Some(move || File::open(path)?.sync_data())
    }

    /// Its row is in a transaction that may commit from now on.
    pub(crate) fn submitted(&mut self) {
        self.fate = Fate::Submitted;
    }

    /// Its row is committed.
    pub(crate) fn keep(mut self) {
        self.fate = Fate::Kept;
    }
}

impl Drop for ExtentFile {
    fn drop(&mut self) {
        if self.disk.cache.is_some() {
            locked(&self.disk.pins).unpin(self.id);
        }
        match self.fate {
            Fate::Kept => {}
            Fate::Ours => self.disk.add_unwanted(self.id),
            Fate::Submitted => self.disk.add_doubtful(self.id),
        }
    }
}
