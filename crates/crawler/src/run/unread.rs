//! Folders with files that a run could not read: nobody knows what these hold, so that nothing is taken away for them.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The folders, as `s3://bucket/folder/`.
#[derive(Debug, Default)]
pub(crate) struct Unread(Mutex<BTreeSet<String>>);

impl Unread {
    /// Takes note of a file by its place, `s3://bucket/key`.
    pub(super) fn add(&self, file: &str) {
        let folder = file.rfind('/').map_or(file, |at| &file[..=at]);
        let mut folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !folders.contains(folder) {
            folders.insert(folder.to_owned());
        }
    }

    /// Whether such a file lies in `folder`, with its slash, or below.
    pub(super) fn any_in(&self, folder: &str) -> bool {
        let folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        folders.range(folder.to_owned()..).next().is_some_and(|first| first.starts_with(folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_files() {
        let unread = Unread::default();
        unread.add("s3://b/t/d=2/x/a.parquet");
        unread.add("s3://b/root.csv");
        for (folder, wanted) in [
            ("s3://b/t/d=2/", true),
            ("s3://b/t/d=2/x/", true),
            ("s3://b/t/d=1/", false),
            ("s3://b/t/d=20/", false),
        ] {
            assert_eq!(unread.any_in(folder), wanted, "{folder}");
        }
    }
}
