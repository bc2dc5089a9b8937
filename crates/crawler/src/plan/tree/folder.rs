//! The files directly in one folder, by kind.

use std::sync::Arc;

use super::super::examples::Examples;
use super::super::headers::Headers;
use super::super::shape::{Likeness, Shape};
use super::lone::Lone;

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
    /// Files that were only counted: files, bytes; the key of the first.
    pub(crate) counted: (u64, u64),
    pub(super) first_counted: Option<Arc<str>>,
    /// Files that are being looked at.
    pub(crate) pending: u64,
    /// Files of one row, of which it is to be found out whether this is a record.
    pub(super) lone: Vec<Lone>,
    pub(super) dropped: u64,
    /// Whether first rows of files may be headers, as far as is known yet.
    is_doubtful: bool,
}

impl Folder {
    /// Adds a recognised file.
    pub(crate) fn add(&mut self, key: String, mut shape: Shape, likeness: Likeness) {
        shape.examples = Examples::of(&key, shape.quoted, shape.escape.is_some());
        self.is_doubtful |= shape.titled.is_some();
        group(&mut self.groups, &shape, likeness);
        if self.files.len() < MAX_FILES_KEPT {
            self.files.push(FileEntry { key, shape });
        } else {
            self.dropped += 1;
        }
    }

    /// Adds a file of one row.
    pub(crate) fn add_lone(&mut self, lone: Lone) {
        self.lone.push(lone);
    }

    /// Whether there are files of one row that are neither records nor left out yet.
    pub(crate) fn has_lone(&self) -> bool {
        !self.lone.is_empty()
    }

    /// Adds a file once all others are there; of a folder whose single files are forgotten only one that is like them. Returns
    /// whether it was added.
    pub(super) fn add_late(&mut self, key: &str, shape: &Shape, likeness: Likeness) -> bool {
        let settled = self.files.is_empty() && !self.groups.is_empty();
        if !settled {
            self.add(key.to_owned(), shape.clone(), likeness);
            return true;
        }
        let mut shape = shape.clone();
        shape.examples = Examples::of(key, shape.quoted, shape.escape.is_some());
        self.groups.iter_mut().any(|group| group.merge(&shape, likeness))
    }

    /// Counts a file that nobody looks at.
    pub(crate) fn count(&mut self, key: &str, size: u64) {
        self.counted = (self.counted.0 + 1, self.counted.1 + size);
        self.first_counted.get_or_insert_with(|| key.into());
    }

    /// Makes headers of the first rows of files where they are headers.
    pub(crate) fn take_headers(&mut self, is_header: impl Fn(&Shape) -> bool, likeness: Likeness) {
        if !self.is_doubtful {
            return;
        }
        let take = |shape: &mut Shape| match shape.with_header().filter(|_| is_header(shape)) {
            Some(titled) => {
                *shape = titled;
                true
            }
            None => false,
        };
        // Groups are what is left of files that are forgotten, or were too many.
        let is_whole = self.dropped == 0 && !self.files.is_empty();
        let groups = self.groups.iter_mut().filter(|_| !is_whole);
        let changed = self.files.iter_mut().map(|file| &mut file.shape).chain(groups).map(take);
        if changed.filter(|changed| *changed).count() == 0 {
            return;
        }
        let groups = std::mem::take(&mut self.groups);
        match is_whole {
            true => self.files.iter().for_each(|file| group(&mut self.groups, &file.shape, likeness)),
            false => groups.iter().for_each(|shape| group(&mut self.groups, shape, likeness)),
        }
    }

    /// Whether some first row may be a header.
    pub(super) fn is_doubtful(&self) -> bool {
        self.is_doubtful
    }

    /// Files whose first rows are the headers of others here have one, too.
    pub(super) fn compare_headers(&mut self, likeness: Likeness) {
        if self.is_doubtful && self.groups.len() > 1 {
            let headers = Headers::of(self.groups.iter());
            self.take_headers(|shape| headers.name(shape), likeness);
        }
    }

    /// The shape of a folder of one file.
    pub(crate) fn into_only(mut self) -> Option<Shape> {
        self.groups.pop()
    }

    /// Forgets single files once the folder is complete, has none below it and one kind of files: it will be one table.
    pub(crate) fn settle(&mut self, likeness: Likeness) {
        self.compare_headers(likeness);
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
    /// their table. Returns what was left out.
    pub(super) fn keep_majority(&mut self) -> Vec<FileEntry> {
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
        odd
    }

    /// Takes files back that were left out.
    pub(super) fn take_back(&mut self, odd: Vec<FileEntry>, likeness: Likeness) {
        odd.iter().for_each(|file| group(&mut self.groups, &file.shape, likeness));
        self.files.extend(odd);
        self.files.sort_by(|a, b| a.key.cmp(&b.key));
    }
}

/// Adds files to the group that they fit, or makes them one.
fn group(groups: &mut Vec<Shape>, shape: &Shape, likeness: Likeness) {
    if !groups.iter_mut().any(|group| group.merge(shape, likeness)) {
        groups.push(shape.clone());
    }
}
