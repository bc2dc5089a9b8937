//! Buckets and objects: bytes in immutable extent files, their index in the metadata store.
//!
//! ```text
//! body ─► Upload ─► Staged (durable, invisible) ─► put(tx) ─► lake_objects row ─► visible when tx commits
//!                     │ dropped: bytes removed        └─ the row replaced: its extents become garbage in the same tx
//! ```
//!
//! # What it owns
//! The folder of extents ([`Lake::open`] locks it) and the `lake_*` tables. An object is a list of slices of extents;
//! putting, copying, completing a multipart upload and publishing a job's output change rows only, in the caller's
//! transaction, which is the commit point. Small bodies live in the row of their extent (see `upload`).
//!
//! # Invariants
//! - What a committed row names is on disk, synced, file and folder.
//! - An extent is never changed. It goes when no layout names it and no reader has it pinned.
//! - Bytes of uploads that broke off, were refused or crashed are removed: at once, by the collector, or at the next
//!   start.
//! - Keys are kept exactly as given and order by their bytes.
//! - Memory per upload and per read is bounded: two pieces of 1 MiB, two of 512 KiB.
//!
//! # Overlays
//! A writer may have its changes held back until they become visible all at once: see `overlay`.
//!
//! # What a crash leaves
//! Before the commit: files that no row names, swept by the next `open`. After it: the object. While collecting: rows
//! of `lake_garbage` whose files are gone already.
//!
//! # Omitted on purpose
//! Versions, encryption, configurations of buckets other than notifications: not built yet.
//!
//! # Several servers
//! With an outside store ([`Lake::open_shared`]) the extents are there and the folder holds copies of them: see
//! `outside`, `shared` and `disk::cache`.

mod buckets;
mod checksum;
mod complete;
mod conditions;
mod disk;
mod error;
mod gc;
mod identity;
mod index;
mod layout;
mod list;
mod meta;
mod multipart;
mod names;
mod notification;
mod objects;
mod outside;
mod overlay;
mod read;
mod schema;
mod shared;
mod upload;
mod uploads;

pub use buckets::Bucket;
pub use checksum::{Algorithm, Checksum, ChecksumType, ETagKind};
pub use complete::{CompleteChecks, CompletePart};
pub use conditions::{Conditions, EtagCondition};
pub use error::LakeError;
pub use gc::Collected;
pub use list::{ListPage, ListQuery};
pub use meta::{Meta, ObjectInfo, PartInfo};
pub use multipart::{
    CopiedRange, MAX_OBJECT_BYTES, MAX_PART_NUMBER, MIN_PART_BYTES, UploadInfo, UploadedPart,
};
pub use names::{BucketName, Key, MAX_KEY_BYTES, s3_path};
pub use notification::{EventSink, QueueNotification};
pub use objects::CopyOptions;
pub use outside::{Outside, S3Place};
pub use overlay::{Overlay, PublishedOverlay};
pub use read::{Object, OpenObject, Place, Segment};
pub use schema::MIGRATIONS;
pub use upload::{INLINE_BYTES, Staged, Upload, UploadChecks};
pub use uploads::{UploadsPage, UploadsQuery};

/// Names of the crash points in this crate (see `store::crash`).
pub const CRASH_POINTS: &[&str] = &[
    "lake.extent.written",
    "lake.extent.synced",
    "lake.put.row",
    "lake.put.committed",
    "lake.complete.rows",
    "lake.gc.unlinked",
    "lake.overlay.rows",
];

use disk::Disk;
use identity::Verdict;
use std::path::PathBuf;
use std::sync::Arc;
use store::{Store, params};

/// Where and how extents are kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of the extents; made if missing, locked while open.
    pub dir: PathBuf,
    /// Whether uploads are synced to disk. False only for data that may be lost.
    pub durable: bool,
}

/// Handle to the lake; cheap to clone.
#[derive(Clone)]
pub struct Lake {
    store: Store,
    disk: Arc<Disk>,
    /// Takes what buckets tell of their changes.
    events: Option<Arc<dyn EventSink>>,
    /// Through which this handle reads and writes.
    overlay: Option<Overlay>,
}

impl Lake {
    /// Opens the lake on a store that was opened with [`MIGRATIONS`], and removes what crashed uploads left. Errors:
    /// `InUse` when another process has the folder, `OtherFolder` when folder and store do not belong together, `Io`,
    /// `Store`.
    pub async fn open(store: Store, options: Options) -> Result<Lake, LakeError> {
        let opened = tokio::task::spawn_blocking(move || Disk::open(&options.dir, options.durable)).await;
        let opened =
            opened.map_err(|err| LakeError::io("opening the object folder", std::io::Error::other(err)))?;
        let lake = Lake { store, disk: Arc::new(opened?), events: None, overlay: None };
        lake.join_folder().await?;
        lake.sweep().await?;
        Ok(lake)
    }

    /// Makes sure that the folder and the store belong together; see `identity`.
    async fn join_folder(&self) -> Result<(), LakeError> {
        let disk = self.disk();
        let dir = disk.folder();
        let failed = |source| LakeError::io(format!("reading the identity of {}", dir.display()), source);
        let found = identity::read(dir).map_err(failed)?;
        let mut tx = self.store.begin().await?;
        shared::check_local(&mut tx).await?;
        let row = tx.query_opt("SELECT value FROM lake_state WHERE name = 'folder'", &[]).await?;
        let known: Option<i64> = row.map(|row| row.get(0)).transpose()?;
        match identity::verdict(found, known) {
            Verdict::Same => return Ok(()),
            Verdict::Refuse => return Err(identity::refused(dir, found, known)),
            Verdict::Rename => {}
            Verdict::Join => {
                let id = random_number(&tx.new_id())?;
                identity::begin(dir, id).map_err(failed)?;
                tx.execute("INSERT INTO lake_state (name, value) VALUES ('folder', $1)", &params![id])
                    .await?;
                tx.commit().await?;
            }
        }
        identity::end(dir).map_err(failed)
    }

    /// The same lake, and every clone of it, with a taker of what buckets tell of their changes.
    #[must_use]
    pub fn with_events(self, events: Arc<dyn EventSink>) -> Lake {
        Lake { events: Some(events), ..self }
    }

    /// The metadata store that the lake's rows are in.
    pub fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn disk(&self) -> Arc<Disk> {
        Arc::clone(&self.disk)
    }
}

/// The last 48 bits of a UUID, all of them random.
fn random_number(uuid: &str) -> Result<i64, LakeError> {
    let digits = uuid.rsplit('-').next().unwrap_or_default();
    i64::from_str_radix(digits, 16).map_err(|_| LakeError::corrupt(format!("{uuid:?} is no UUID")))
}

impl std::fmt::Debug for Lake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lake").finish_non_exhaustive()
    }
}
