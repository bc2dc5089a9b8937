//! Which folder of extents belongs to which store.
//!
//! ```text
//! <dir>/identity               a random number in hexadecimal; the store has the same in lake_state, row `folder`
//! <dir>/identity.new           the same, while a folder and a store are being joined
//! ```
//! Rows without their files are lost objects, and files without their rows are swept: a folder that is opened with
//! another folder's store would lose both. So [`crate::Lake::open`] compares the two before it touches anything.
//!
//! Joining writes `identity.new`, commits the row, then renames. A crash in between leaves a row and an `identity.new`
//! that agree, or no row; both go on at the next start. A folder and a store that both come from before this check have
//! neither, and are joined as they are.

use crate::LakeError;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const FILE: &str = "identity";
const JOINING: &str = "identity.new";

/// What a folder says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// Of a joined folder.
    pub(crate) joined: Option<i64>,
    /// Of one whose joining was cut off.
    pub(crate) joining: Option<i64>,
}

/// What to do about a folder and a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// They belong together.
    Same,
    /// They do, and only the rename is missing.
    Rename,
    /// Neither belongs to anything yet.
    Join,
    /// One of them belongs to something else.
    Refuse,
}

/// Compares what the folder and the store say.
pub(crate) fn verdict(folder: Found, store: Option<i64>) -> Verdict {
    match (folder.joined, store) {
        (Some(folder), Some(store)) if folder == store => Verdict::Same,
        (None, Some(store)) if folder.joining == Some(store) => Verdict::Rename,
        (None, None) => Verdict::Join,
        _ => Verdict::Refuse,
    }
}

/// Reads the folder's files. Errors: they cannot be read, or hold something else.
pub(crate) fn read(dir: &Path) -> io::Result<Found> {
    Ok(Found { joined: read_one(&dir.join(FILE))?, joining: read_one(&dir.join(JOINING))? })
}

fn read_one(path: &Path) -> io::Result<Option<i64>> {
    let text = match fs::read_to_string(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    // A file that a crash left empty was never agreed upon; only a file that is being written can be one.
    if text.trim().is_empty() && path.ends_with(JOINING) {
        return Ok(None);
    }
    let number = i64::from_str_radix(text.trim(), 16);
    number.map(Some).map_err(|_| io::Error::other(format!("{} holds no identity", path.display())))
}

/// Writes the number that the folder and the store are about to share, durably.
pub(crate) fn begin(dir: &Path, identity: i64) -> io::Result<()> {
    let mut file = File::create(dir.join(JOINING))?;
    writeln!(file, "{}", text(identity))?;
    file.sync_all()?;
    File::open(dir)?.sync_all()
}

/// The store has the number too.
pub(crate) fn end(dir: &Path) -> io::Result<()> {
    fs::rename(dir.join(JOINING), dir.join(FILE))?;
    File::open(dir)?.sync_all()
}

pub(crate) fn text(identity: i64) -> String {
    format!("{identity:016x}")
}

/// The refusal, with what a person needs to sort it out.
pub(crate) fn refused(dir: &Path, folder: Found, store: Option<i64>) -> LakeError {
    let file: PathBuf = dir.join(FILE);
    LakeError::OtherFolder {
        dir: dir.to_owned(),
        folder: folder.joined.or(folder.joining).map(text),
        store: store.map(text),
        file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_belongs_together_is_opened() {
        let found = |joined, joining| Found { joined, joining };
        for (folder, store, expected) in [
            (found(None, None), None, Verdict::Join),
            (found(None, Some(7)), None, Verdict::Join),
            (found(None, Some(7)), Some(7), Verdict::Rename),
            (found(Some(7), None), Some(7), Verdict::Same),
            (found(Some(7), Some(8)), Some(7), Verdict::Same),
            (found(Some(7), None), Some(8), Verdict::Refuse),
            (found(Some(7), None), None, Verdict::Refuse),
            (found(None, None), Some(8), Verdict::Refuse),
            (found(None, Some(7)), Some(8), Verdict::Refuse),
        ] {
            assert_eq!(verdict(folder, store), expected, "{folder:?} {store:?}");
        }
    }

    #[test]
    fn a_cut_off_joining_goes_on() {
        let dir = tempfile::TempDir::new().unwrap();
        assert_eq!(read(dir.path()).unwrap(), Found { joined: None, joining: None });
        begin(dir.path(), 255).unwrap();
        assert_eq!(read(dir.path()).unwrap(), Found { joined: None, joining: Some(255) });
        end(dir.path()).unwrap();
        assert_eq!(read(dir.path()).unwrap(), Found { joined: Some(255), joining: None });
        fs::write(dir.path().join(JOINING), "").unwrap();
        assert_eq!(read(dir.path()).unwrap(), Found { joined: Some(255), joining: None });
        fs::write(dir.path().join(FILE), "").unwrap();
        assert!(read(dir.path()).is_err());
    }
}
