//! The folder tree and its reduction to tables.

mod emit;
mod folder;
mod grouping;
mod lone;
mod siblings;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use formats::InferredField;

use super::headers::{Headers, take_header};
use super::names::key_value;
use super::shape::{Likeness, Shape};

use folder::FileEntry;
pub(crate) use folder::Folder;
pub(crate) use grouping::{Grouping, level};
pub(crate) use lone::{Lone, take_lone};
use siblings::Aside;
use words::{NAMED, apart, differing, is_series, unlike};

use crate::words::named_some;

/// One partition, or the whole of a table without keys.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) values: Vec<String>,
    /// Folder with its `/`, as a key prefix.
    pub(crate) folder: String,
    pub(crate) fields: Arc<Vec<InferredField>>,
    /// CSV: as [`Shape::titled`].
    pub(crate) titled: Option<Arc<Vec<InferredField>>>,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) records: u64,
    /// CSV: as [`Shape::quoted`] and [`Shape::escape`].
    pub(crate) quoted: bool,
    pub(crate) escape: Option<u8>,
}

/// A table to be.
#[derive(Debug, Clone)]
pub(crate) struct TablePlan {
    /// A folder with its `/`, or a file's key.
    pub(crate) path: String,
    pub(crate) shape: Shape,
    /// Partition keys.
    pub(crate) keys: Vec<String>,
    /// Partitions; empty without keys.
    pub(crate) parts: Vec<Part>,
}

/// A subtree that is one table.
#[derive(Debug, Clone)]
struct Unit {
    folder: String,
    /// Names of folders between the place of this unit in the tree and `folder`.
    chain: Vec<String>,
    shape: Shape,
    /// Per level, its key when it is `k=v`.
    keys: Vec<Option<String>>,
    parts: Vec<Part>,
}

enum Reduced {
    Empty,
    Unit(Box<Unit>),
    /// Its tables are emitted already.
    Split,
    /// So they are, and some of them are its own files: as a partition it could not be read as one.
    Mixed,
}

/// What became of the folders in a folder.
#[derive(Default)]
struct Children {
    /// Names and subtrees that are one table.
    units: Vec<(String, Unit)>,
    /// Names of those whose tables are emitted already.
    split: Vec<String>,
    /// How many of these hold files of several kinds.
    split_mixed: usize,
    /// Folders `k=v` whose own files are of several kinds, with what they have emitted.
    mixed: Vec<(String, Aside)>,
}

impl Children {
    fn any(&self) -> bool {
        !self.units.is_empty() || !self.split.is_empty() || !self.mixed.is_empty()
    }
}

/// What a tree comes to.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    pub(crate) tables: Vec<TablePlan>,
    /// Remarks for the log.
    pub(crate) notes: Vec<String>,
    /// Folders of partitions that mix formats, and how many files there are in no table although they were recognised.
    pub(crate) left_out: Vec<(String, u64)>,
    /// Paths and why they became what they are, when somebody wants to know.
    pub(crate) whys: Option<Vec<(String, String)>>,
}

#[derive(Debug, Default)]
struct Node {
    folder: Folder,
    children: BTreeMap<String, Node>,
}

/// All folders of one target.
pub(crate) struct Tree {
    root: Node,
    /// The target's folder with its `/`, as a key prefix.
    prefix: String,
    grouping: Grouping,
    done: Planned,
    /// The deepest level with files.
    deepest: usize,
    /// Folders with files that lie above the level of tables.
    above: Vec<String>,
}

impl Tree {
    /// `folders` are keyed by their path below `prefix`, without slashes at the ends.
    pub(crate) fn new(prefix: &str, folders: BTreeMap<String, Folder>, grouping: Grouping) -> Self {
        let mut root = Node::default();
        for (path, folder) in folders {
            let mut node = &mut root;
            for name in path.split('/').filter(|_| !path.is_empty()) {
                node = node.children.entry(name.to_owned()).or_default();
            }
            node.folder = folder;
        }
        Self {
            root,
            prefix: prefix.to_owned(),
            grouping,
            done: Planned::default(),
            deepest: 0,
            above: Vec::new(),
        }
    }

    /// The tables, with the reasons for each folder.
    pub(crate) fn explained(mut self) -> Planned {
        self.done.whys = Some(Vec::new());
        self.planned()
    }

    /// The tables.
    pub(crate) fn planned(mut self) -> Planned {
        let root = std::mem::take(&mut self.root);
        let level = level(&self.prefix);
        let prefix = self.prefix.clone();
        if let Reduced::Unit(unit) = self.reduce(root, prefix, level) {
            self.emit(*unit);
        }
        self.say_above();
        self.done.tables.sort_by(|a, b| a.path.cmp(&b.path));
        self.done
    }

    /// Says of which folders every file is a table, because tables are to begin below them.
    fn say_above(&mut self) {
        let Some(wanted) = self.grouping.table_level.filter(|_| !self.above.is_empty()) else { return };
        let note = if wanted > self.deepest {
            format!(
                "TableLevelConfiguration {wanted} lies deeper than the folders, whose files are at level {} at most: \
                 every file is a table of its own",
                self.deepest
            )
        } else {
            let named = named_some(&self.above, NAMED);
            format!(
                "TableLevelConfiguration {wanted} lies deeper than {named}: every file directly there is a table of its own"
            )
        };
        self.done.notes.push(note);
    }

    fn why(&mut self, path: &str, why: impl FnOnce() -> String) {
        if let Some(whys) = &mut self.done.whys {
            whys.push((path.to_owned(), why()));
        }
    }

    fn reduce(&mut self, mut node: Node, path: String, level: usize) -> Reduced {
        node.folder.compare_headers(self.grouping.likeness());
        let mut children = Children::default();
        for (name, child) in node.children {
            let child_path = format!("{path}{name}/");
            let mark = self.mark();
            match self.reduce(child, child_path, level + 1) {
                Reduced::Empty => {}
                Reduced::Unit(unit) => children.units.push((name, *unit)),
                Reduced::Mixed if key_value(&name).is_some() => {
                    children.mixed.push((name, self.take_since(mark)));
                }
                Reduced::Mixed => {
                    children.split_mixed += 1;
                    children.split.push(name);
                }
                Reduced::Split => children.split.push(name),
            }
        }
        if !node.folder.groups.is_empty() {
            self.deepest = self.deepest.max(level);
        }
        let reduced = self.join(node.folder, children, path.clone(), level);
        match (reduced, self.grouping.table_level) {
            (Reduced::Unit(unit), Some(wanted)) if wanted == level => {
                self.why(&path, || format!("TableLevelConfiguration {wanted} puts a table here"));
                let mut unit = lifted(*unit);
                unit.folder = path;
                self.emit(unit);
                Reduced::Split
            }
            (other, wanted) => {
                if matches!(other, Reduced::Split | Reduced::Mixed) && wanted == Some(level) {
                    let place = if path.is_empty() { "the bucket" } else { path.as_str() };
                    self.done.notes.push(format!(
                        "TableLevelConfiguration {level}: what lies in {place} is no one table; tables begin below it"
                    ));
                }
                other
            }
        }
    }

    fn join(&mut self, mut folder: Folder, mut children: Children, path: String, level: usize) -> Reduced {
        self.compare_headers(&mut folder, &mut children.units);
        let has_files = !folder.groups.is_empty();
        if self.grouping.is_above_tables(&path) && (has_files || children.any()) {
            self.why(&path, || "it lies above TableLevelConfiguration".to_owned());
            self.emit_children(children);
            if has_files {
                self.above.push(path.clone());
            }
            self.emit_files(folder, &path);
            return Reduced::Split;
        }
        if let Some(unit) = self.named(&mut children, &path, level) {
            self.beside(folder, children, &path);
            return Reduced::Unit(Box::new(unit));
        }
        self.put_back(&mut children);
        if !has_files && children.units.is_empty() {
            return match children.split.len() {
                0 => Reduced::Empty,
                all if all == children.split_mixed => Reduced::Mixed,
                _ => Reduced::Split,
            };
        }
        if !children.split.is_empty() {
            self.why(&path, || "folders below it are tables of their own".to_owned());
            self.emit_all(children.units);
            self.emit_files(folder, &path);
            return if has_files { Reduced::Mixed } else { Reduced::Split };
        }
        if has_files {
            return self.join_files(folder, children.units, path);
        }
        self.join_folders(children.units, &path, level)
    }

    /// Folders whose files' first rows are the headers of their neighbours have one, too.
    fn compare_headers(&self, folder: &mut Folder, units: &mut [(String, Unit)]) {
        if !folder.is_doubtful() && !units.iter().any(|(_, unit)| unit.shape.titled.is_some()) {
            return;
        }
        let headers = Headers::of(folder.groups.iter().chain(units.iter().map(|(_, unit)| &unit.shape)));
        for (_, unit) in units.iter_mut().filter(|(_, unit)| headers.name(&unit.shape)) {
            take_header(&mut unit.shape, &mut unit.parts);
        }
        folder.take_headers(|shape| headers.name(shape), self.grouping.likeness());
    }

    /// A folder without files of its own, all of whose folders are one table each.
    fn join_folders(&mut self, mut units: Vec<(String, Unit)>, path: &str, level: usize) -> Reduced {
        if let [(name, unit)] = units.as_mut_slice()
            && self.grouping.table_level.is_none()
            && !is_series(name)
        {
            self.why(path, || {
                format!("its only folder {name} is no k=v, number or date: the data lies there")
            });
            unit.chain.insert(0, std::mem::take(name));
            return Reduced::Unit(Box::new(unit.clone()));
        }
        // Those of one key that are alike would be one table by now.
        let keys: Vec<_> = units.iter().map(|(name, _)| key_value(name).map(|(key, _)| key)).collect();
        let of_one_key = keys[0].is_some() && keys.iter().all(|key| *key == keys[0]);
        let likeness = self.likeness(false, level);
        let joined = if of_one_key { None } else { self.partitioned(&units, None, likeness, path) };
        match joined {
            Some(unit) => Reduced::Unit(Box::new(unit)),
            None => {
                self.emit_all(units);
                Reduced::Split
            }
        }
    }

    /// A folder with files of its own.
    fn join_files(&mut self, mut folder: Folder, units: Vec<(String, Unit)>, path: String) -> Reduced {
        let odd = folder.keep_majority();
        if folder.groups.len() == 1 {
            let mut shape = folder.groups[0].clone();
            let plain = |(name, unit): &(String, Unit)| {
                unit.keys.is_empty()
                    && unit.chain.is_empty()
                    && key_value(name).is_none()
                    && folder.groups[0].fits(&unit.shape, self.grouping.likeness())
            };
            if units.iter().all(plain) {
                self.why(&path, || {
                    let also = if units.is_empty() { "" } else { ", and so do those in the folders below" };
                    format!("its {} files fit together{also}", folder.recognised())
                });
                self.odd_files(odd, &path);
                count(&mut shape, &folder);
                for (_, unit) in &units {
                    shape.merge(&unit.shape, Likeness::Compatible);
                }
                return Reduced::Unit(Box::new(leaf(path, shape)));
            }
        }
        // They are tables of their own, too, where the others are.
        folder.take_back(odd, self.grouping.likeness());
        self.why(&path, || match folder.groups.len() {
            1 => "its files and those in the folders below do not fit together: a table each".to_owned(),
            kinds => format!("its files are of {kinds} kinds: a table each"),
        });
        if let [one, other, ..] = folder.groups.as_slice() {
            let (kinds, why) = (folder.groups.len(), differing(one, other, &unlike(one, other)));
            let note =
                format!("folder {path}: its files are of {kinds} kinds, and each becomes a table; {why}");
            self.done.notes.push(note);
        }
        if !units.is_empty() {
            self.done.notes.push(apart(&path, &folder.groups, &units, self.grouping.likeness()));
            self.emit_all(units);
        }
        self.emit_files(folder, &path);
        Reduced::Mixed
    }

    fn odd_files(&mut self, odd: Vec<FileEntry>, path: &str) {
        if odd.is_empty() {
            return;
        }
        let odd: Vec<String> = odd.into_iter().map(|file| file.key).collect();
        let named = named_some(&odd, NAMED);
        self.done.notes.push(format!(
            "{named}: columns differ from those of most files in {path}; no table is made for them, and queries on \
             the folder's table read them, too"
        ));
    }
}

/// Adds the files that were only counted.
fn count(shape: &mut Shape, folder: &Folder) {
    let (files, bytes) = folder.counted;
    shape.files += files;
    shape.passed_over += files;
    shape.examples.passed_over.clone_from(&folder.first_counted);
    shape.records += bytes / shape.average_record().max(1);
    shape.bytes += bytes;
}

fn leaf(folder: String, shape: Shape) -> Unit {
    let part = Part {
        values: Vec::new(),
        folder: folder.clone(),
        fields: Arc::clone(&shape.fields),
        titled: shape.titled.clone(),
        files: shape.files,
        bytes: shape.bytes,
        records: shape.records,
        quoted: shape.quoted,
        escape: shape.escape,
    };
    Unit { folder, chain: Vec::new(), shape, keys: Vec::new(), parts: vec![part] }
}

/// Makes the folders that were passed over levels of their own.
fn lifted(mut unit: Unit) -> Unit {
    while let Some(name) = unit.chain.pop() {
        unit.keys.insert(0, None);
        for part in &mut unit.parts {
            part.values.insert(0, name.clone());
        }
    }
    unit
}

#[cfg(test)]
mod tests;
