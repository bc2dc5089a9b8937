//! Extent files on the local disk.
//!
//! ```text
//! <dir>/lock                        held with an exclusive lock while the lake is open
//! <dir>/extents/<ab>/<16 hex>       one immutable extent; <ab> = low byte of its id
//! ```
//! A file is written once, by one upload, and never changed after its row is committed. Between creation and commit it
//! belongs to an [`ExtentFile`], whose drop removes it. When a transaction that was told of the file ends without
//! saying that it committed, the file is *doubtful*: the collector asks the index and removes it if no row names it.
//! A crash leaves files without rows; `sweep` removes them at the next start. Ids grow for ever, so start only has to
//! look at the files above the mark of the last sweep.

use crate::LakeError;
use crate::layout::ExtentId;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Files up to this size are removed where they are dropped; larger ones by the collector, off the async threads.
const REMOVE_AT_ONCE_BYTES: u64 = 32 << 20;

pub(crate) struct Disk {
    dir: PathBuf,
    durable: bool,
    next_id: AtomicI64,
    pins: Mutex<Pins>,
    doubtful: Mutex<Vec<ExtentId>>,
    wake: Notify,
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
        let made = !extents.join("ff").is_dir();
        if made {
            for byte in 0..=255u8 {
                fs::create_dir_all(extents.join(format!("{byte:02x}"))).map_err(failed)?;
            }
            if durable {
                for folder in [extents.as_path(), dir] {
                    sync_folder(folder).map_err(failed)?;
                }
            }
        }
        let lock = File::create(dir.join("lock")).map_err(failed)?;
        lock.try_lock().map_err(|err| match err {
            fs::TryLockError::WouldBlock => LakeError::InUse { dir: dir.to_owned() },
            fs::TryLockError::Error(source) => failed(source),
        })?;
        Ok(Disk {
            dir: extents,
            durable,
            next_id: AtomicI64::new(1),
            pins: Mutex::default(),
            doubtful: Mutex::default(),
            wake: Notify::new(),
            _lock: lock,
        })
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
    /// Pins all of `ids`. Errors: `Changed` when one is being removed or is gone already; then none is pinned.
    pub(crate) fn new(disk: Arc<Disk>, ids: Vec<ExtentId>) -> Result<PinSet, LakeError> {
        {
            let mut pins = locked(&disk.pins);
            if ids.iter().any(|id| pins.dying.contains(id)) {
                return Err(LakeError::Changed);
            }
            for id in &ids {
                *pins.readers.entry(*id).or_insert(0) += 1;
            }
        }
        let set = PinSet { disk, ids };
        match set.ids.iter().all(|id| set.disk.path(*id).exists()) {
            true => Ok(set),
            false => Err(LakeError::Changed),
        }
    }
}

impl Drop for PinSet {
    fn drop(&mut self) {
        let mut pins = locked(&self.disk.pins);
        for id in &self.ids {
            if let Some(count) = pins.readers.get_mut(id) {
                *count -= 1;
                if *count == 0 {
                    pins.readers.remove(id);
                }
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
    size: u64,
    fate: Fate,
}

impl ExtentFile {
    /// Creates the (empty) file of a new extent.
    pub(crate) fn create(disk: &Arc<Disk>) -> io::Result<ExtentFile> {
        let id = disk.new_id();
        File::options().write(true).create_new(true).open(disk.path(id))?;
        Ok(ExtentFile { disk: Arc::clone(disk), id, size: 0, fate: Fate::Ours })
    }

    pub(crate) fn id(&self) -> ExtentId {
        self.id
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.disk.path(self.id)
    }

    /// Appends; opens and closes the file, so that many uploads may be open at once without a descriptor each.
    pub(crate) fn append(&mut self, data: &[u8]) -> io::Result<()> {
        let mut file = File::options().append(true).open(self.path())?;
        file.write_all(data)?;
        self.size += data.len() as u64;
        Ok(())
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

    /// Starts writing back what was appended, so that the last sync has little left to do.
    pub(crate) fn sync_some(&self) -> io::Result<()> {
        if self.disk.durable { File::open(self.path())?.sync_data() } else { Ok(()) }
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
        match self.fate {
            Fate::Kept => {}
            Fate::Ours if self.size <= REMOVE_AT_ONCE_BYTES => {
                if let Err(err) = self.disk.remove(self.id) {
                    tracing::warn!(extent = self.id, error = %err, "removing an unused extent failed, trying again later");
                    self.disk.add_doubtful(self.id);
                }
            }
            Fate::Ours | Fate::Submitted => self.disk.add_doubtful(self.id),
        }
    }
}
