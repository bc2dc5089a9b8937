//! The files directly in one folder, by kind.

use super::super::shape::{Likeness, Shape};

/// File names kept per folder; beyond, files of several kinds in one folder cannot all become tables.
pub(super) const MAX_FILES_KEPT: usize = 10_000;

/// A file that was recognised.
#[derive(Debug, Clone)]
pub(crate) struct FileEntry {
    /// Its key, whole.
    pub(crate) key: String,
    pub(crate) shape: Shape,
}

/// The files directly in one folder.
#[derive(Debug, Clone, Default)]
pub(crate) struct Folder {
    pub(super) groups: Vec<Shape>,
    pub(super) files: Vec<FileEntry>,
    /// Files that were only counted: files, bytes.
    pub(crate) counted: (u64, u64),
    /// Files that are being looked at.
    pub(crate) pending: u64,
    pub(super) dropped: u64,
}

impl Folder {
    /// Adds a recognised file.
    pub(crate) fn add(&mut self, key: String, mut shape: Shape, likeness: Likeness) {
        shape.example = Some(key.as_str().into());
        if !self.groups.iter_mut().any(|group| group.merge(&shape, likeness)) {
            self.groups.push(shape.clone());
        }
        if self.files.len() < MAX_FILES_KEPT {
            self.files.push(FileEntry { key, shape });
        } else {
            self.dropped += 1;
        }
    }

    /// The shape of a folder of one file.
    pub(crate) fn into_only(mut self) -> Option<Shape> {
        self.groups.pop()
    }

    /// Forgets single files once the folder is complete, has none below it and one kind of files: it will be one table.
    pub(crate) fn settle(&mut self) {
        if self.groups.len() == 1 {
            self.files = Vec::new();
            self.dropped = 0;
        }
    }

    /// The kinds of its files.
    pub(crate) fn groups(&self) -> &[Shape] {
        &self.groups
    }

    /// Files recognised so far.
    pub(crate) fn recognised(&self) -> u64 {
        self.groups.iter().map(|g| g.files).sum()
    }

    /// Leaves out the files that differ from most of the others, where columns are found by name: those still make
    /// their table. Returns the keys of what was left out.
    pub(super) fn keep_majority(&mut self) -> Vec<String> {
        let total = self.recognised();
        let Some(most) = self.groups.iter().max_by_key(|g| g.files) else { return Vec::new() };
        let alike = self.groups.iter().all(|g| g.kind == most.kind && g.is_by_name());
        if self.groups.len() < 2 || !alike || most.files * 2 <= total {
            return Vec::new();
        }
        let most = most.clone();
        let (kept, odd) =
            std::mem::take(&mut self.files).into_iter().partition(|f| most.fits(&f.shape, Likeness::Similar));
        self.files = kept;
        self.groups = vec![most];
        let odd: Vec<FileEntry> = odd;
        odd.into_iter().map(|file| file.key).collect()
    }
}
