//! The data folder: made, locked against a second server, and removed at the end when it is ephemeral.
//!
//! ```text
//! tenon.lock   held (flock) while a server runs; its text is that server's process id
//! node         name of this node, made once: leases that a process of that name left are its successor's
//! tenon.db     metadata, with its write-ahead log beside it
//! objects/     extents of objects
//! secrets.key  what secrets are encrypted with, mode 0600, unless the configuration has a key
//! scripts/     working folders of scripts that run; emptied at start
//! modules/     Python modules that jobs wanted besides what the environment has
//! spill/       what queries and jobs put down while they run; emptied at start
//! ```
//!
//! A crash leaves the lock file without its lock: the next server takes it over.
//!
//! A folder with files of somebody else's is refused before anything is written to it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use store::{Ids as _, RandomIds};
use tempfile::TempDir;

use crate::config::Place;

/// What only a data folder has.
const MARKS: [&str; 2] = ["tenon.lock", "tenon.db"];
/// What may lie in a folder before the first server: what an operator puts there, what an earlier start that failed left,
/// and what file systems keep.
const HARMLESS: [&str; 5] = ["secrets.key", "tenon.toml", "node", "objects", "lost+found"];
/// So many foreign files are named.
const NAMED: usize = 3;

/// A data folder that this process owns until it is dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    node: String,
    /// Holds the lock as long as it is open.
    _lock: File,
    /// Removed when dropped, after the lock.
    temporary: Option<TempDir>,
}

impl DataDir {
    /// Makes and locks the folder. Errors: it cannot be made or written, or another server has it.
    pub(crate) fn open(place: &Place) -> Result<Self> {
        let (path, temporary) = match place {
            Place::Dir(dir) => {
                fs::DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(dir)
                    .with_context(|| format!("cannot make the data folder {}", dir.display()))?;
                let path = dir.canonicalize().with_context(|| format!("cannot open {}", dir.display()))?;
                refuse_foreign(&path)?;
                (path, None)
            }
            Place::Ephemeral => {
                let dir = tempfile::Builder::new()
                    .prefix("tenon-")
                    .tempdir()
                    .context("cannot make a temporary folder")?;
                (dir.path().to_owned(), Some(dir))
            }
        };
        let lock = lock(&path)?;
        let node = node_name(&path)?;
        if temporary.is_none() {
            make_durable(&path)?;
        }
        Ok(Self { path, node, _lock: lock, temporary })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Name of this node, the same at every start with this folder.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    pub(crate) fn durable(&self) -> bool {
        self.temporary.is_none()
    }

    /// Removes an ephemeral folder now, for a process that ends without destructors. What cannot be removed stays.
    pub(crate) fn remove_ephemeral(&self) {
        if let Some(folder) = &self.temporary
            && let Err(error) = fs::remove_dir_all(folder.path())
        {
            tracing::warn!(%error, path = %folder.path().display(), "the temporary folder could not be removed");
        }
    }
}

/// Refuses a folder that is neither a data folder nor as good as empty.
fn refuse_foreign(path: &Path) -> Result<()> {
    let context = || format!("cannot read the folder {}", path.display());
    let mut foreign = Vec::new();
    for entry in fs::read_dir(path).with_context(context)? {
        let name = entry.with_context(context)?.file_name().to_string_lossy().into_owned();
        if MARKS.contains(&name.as_str()) {
            return Ok(());
        }
        if !name.starts_with('.') && !HARMLESS.contains(&name.as_str()) {
            foreign.push(name);
        }
    }
    if foreign.is_empty() {
        return Ok(());
    }
    foreign.sort();
    let more = if foreign.len() > NAMED { ", …" } else { "" };
    foreign.truncate(NAMED);
    bail!(
        "{} is no data folder of Tenon and holds other files ({}{more}): choose an empty or a new folder with --data-dir",
        path.display(),
        foreign.join(", ")
    );
}

/// The folder's entries, and its own entry in its parent, survive a power cut from here on.
fn make_durable(path: &Path) -> Result<()> {
    for folder in [Some(path), path.parent()].into_iter().flatten() {
        // A parent that we may not read has been there before us.
        match File::open(folder) {
            Ok(folder_file) => folder_file
                .sync_all()
                .with_context(|| format!("cannot write {} to disk", folder.display()))?,
            Err(error) if folder != path => {
                tracing::debug!(%error, path = %folder.display(), "the parent folder is not synced");
            }
            Err(error) => return Err(error).with_context(|| format!("cannot open {}", folder.display())),
        }
    }
    Ok(())
}

fn node_name(dir: &Path) -> Result<String> {
    let path = dir.join("node");
    match fs::read_to_string(&path) {
        Ok(name) if !name.trim().is_empty() => return Ok(name.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
    let name = RandomIds.uuid();
    fs::write(&path, &name).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(name)
}

fn lock(dir: &Path) -> Result<File> {
    let path = dir.join("tenon.lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            // Only for the message: an unreadable owner is no other error.
            let known = file.read_to_string(&mut owner).is_ok() && !owner.trim().is_empty();
            let owner = if known { format!(" (process {})", owner.trim()) } else { String::new() };
            bail!(
                "another server{owner} is using the data folder {}: stop it, or choose another --data-dir",
                dir.display()
            );
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_owner_at_a_time() {
        let parent = tempfile::tempdir().expect("a folder");
        let place = Place::Dir(parent.path().join("a/b"));
        let first = DataDir::open(&place).expect("free");
        assert!(first.durable());
        let text = format!("{:#}", DataDir::open(&place).expect_err("taken"));
        assert!(text.contains(&format!("(process {})", std::process::id())), "{text}");
        let node = first.node().to_owned();
        drop(first);
        assert_eq!(DataDir::open(&place).expect("free again").node(), node);
    }

    #[test]
    fn a_folder_of_other_files_is_left_alone() {
        let parent = tempfile::tempdir().expect("a folder");
        let place = Place::Dir(parent.path().to_owned());
        for name in [".gitkeep", ".DS_Store", "lost+found", "secrets.key"] {
            fs::write(parent.path().join(name), "").expect("written");
        }
        drop(DataDir::open(&place).expect("as good as empty"));
        fs::write(parent.path().join("notes.txt"), "").expect("written");
        drop(DataDir::open(&place).expect("a data folder, whatever else is in it"));
        fs::remove_file(parent.path().join("tenon.lock")).expect("removed");
        for name in ["b", "c", "a"] {
            fs::create_dir(parent.path().join(name)).expect("made");
        }
        let message = DataDir::open(&place).expect_err("foreign").to_string();
        assert!(message.contains("holds other files (a, b, c, …)"), "{message}");
        assert!(!parent.path().join("tenon.lock").exists());
    }

    #[test]
    fn an_ephemeral_folder_goes() {
        let dir = DataDir::open(&Place::Ephemeral).expect("made");
        let path = dir.path().to_owned();
        assert!(path.exists() && !dir.durable());
        drop(dir);
        assert!(!path.exists());
    }
}
