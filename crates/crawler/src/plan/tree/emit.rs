//! Tables that are decided, what is said of them, and how both are taken back.

use super::folder::MAX_FILES_KEPT;
use super::siblings::Aside;
use super::words::unused;
use super::{Children, Folder, TablePlan, Tree, Unit};

/// How far a tree has come.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    tables: usize,
    notes: usize,
    left_out: usize,
    whys: usize,
}

impl Tree {
    pub(super) fn mark(&self) -> Mark {
        let done = &self.done;
        Mark {
            tables: done.tables.len(),
            notes: done.notes.len(),
            left_out: done.left_out.len(),
            whys: done.whys.as_ref().map_or(0, Vec::len),
        }
    }

    /// Takes back what was emitted and said since.
    pub(super) fn take_since(&mut self, mark: Mark) -> Aside {
        let done = &mut self.done;
        Aside {
            tables: done.tables.split_off(mark.tables),
            notes: done.notes.split_off(mark.notes),
            left_out: done.left_out.split_off(mark.left_out),
            whys: done.whys.as_mut().map(|whys| whys.split_off(mark.whys)).unwrap_or_default(),
        }
    }

    /// Folders that mix formats are like any others where their siblings are no partitions.
    pub(super) fn put_back(&mut self, children: &mut Children) {
        for (name, aside) in children.mixed.drain(..) {
            self.done.tables.extend(aside.tables);
            self.done.notes.extend(aside.notes);
            self.done.left_out.extend(aside.left_out);
            if let Some(whys) = &mut self.done.whys {
                whys.extend(aside.whys);
            }
            children.split_mixed += 1;
            children.split.push(name);
        }
    }

    pub(super) fn emit_children(&mut self, mut children: Children) {
        self.put_back(&mut children);
        self.emit_all(children.units);
    }

    pub(super) fn emit_all(&mut self, units: Vec<(String, Unit)>) {
        for (_, unit) in units {
            self.emit(unit);
        }
    }

    pub(super) fn emit(&mut self, unit: Unit) {
        let mut unnamed = 0;
        let mut keys = Vec::with_capacity(unit.keys.len());
        for key in unit.keys {
            let key = key.unwrap_or_else(|| {
                unnamed += 1;
                format!("partition_{}", unnamed - 1)
            });
            keys.push(unused(&keys, key));
        }
        let parts = if keys.is_empty() { Vec::new() } else { unit.parts };
        self.done.tables.push(TablePlan { path: unit.folder, shape: unit.shape, keys, parts });
    }

    /// A folder's own files, a table each.
    pub(super) fn emit_files(&mut self, folder: Folder, path: &str) {
        if folder.dropped > 0 {
            self.done.notes.push(format!(
                "folder {path} holds more than {MAX_FILES_KEPT} files of different kinds: {} of them get no table",
                folder.dropped
            ));
        }
        if folder.counted.0 > 0 {
            self.done.notes.push(format!(
                "folder {path}: {} of its files were not looked at (SampleSize), and no tables are made of them",
                folder.counted.0
            ));
        }
        for file in folder.files {
            self.done.tables.push(TablePlan {
                path: file.key,
                shape: file.shape,
                keys: Vec::new(),
                parts: Vec::new(),
            });
        }
    }
}
