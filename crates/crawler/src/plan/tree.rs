//! The folder tree and its reduction to tables.

mod folder;
mod grouping;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use formats::InferredField;

use super::names::key_value;
use super::shape::{Likeness, Shape};

pub(crate) use folder::Folder;
use folder::MAX_FILES_KEPT;
pub(crate) use grouping::Grouping;
use words::{is_series, unlike, unused};

/// One partition, or the whole of a table without keys.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) values: Vec<String>,
    /// Folder with its `/`, as a key prefix.
    pub(crate) folder: String,
    pub(crate) fields: Arc<Vec<InferredField>>,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) records: u64,
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
    plans: Vec<TablePlan>,
    notes: Vec<String>,
    /// Paths and why they became what they are, when somebody wants to know.
    whys: Option<Vec<(String, String)>>,
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
        Self { root, prefix: prefix.to_owned(), grouping, plans: Vec::new(), notes: Vec::new(), whys: None }
    }

    /// The tables, remarks for the log, and per folder the reasons.
    pub(crate) fn explained(mut self) -> (Vec<TablePlan>, Vec<String>, Vec<(String, String)>) {
        self.whys = Some(Vec::new());
        let whys = self.plan().unwrap_or_default();
        (self.plans, self.notes, whys)
    }

    /// The tables, and remarks for the log.
    pub(crate) fn tables(mut self) -> (Vec<TablePlan>, Vec<String>) {
        self.plan();
        (self.plans, self.notes)
    }

    fn plan(&mut self) -> Option<Vec<(String, String)>> {
        let root = std::mem::take(&mut self.root);
        let level = 1 + self.prefix.split('/').filter(|p| !p.is_empty()).count();
        let prefix = self.prefix.clone();
        if let Reduced::Unit(unit) = self.reduce(root, prefix, level) {
            self.emit(*unit);
        }
        self.plans.sort_by(|a, b| a.path.cmp(&b.path));
        self.whys.take()
    }

    fn why(&mut self, path: &str, why: impl FnOnce() -> String) {
        if let Some(whys) = &mut self.whys {
            whys.push((path.to_owned(), why()));
        }
    }

    fn reduce(&mut self, node: Node, path: String, level: usize) -> Reduced {
        let mut units = Vec::new();
        let mut split = false;
        for (name, child) in node.children {
            let child_path = format!("{path}{name}/");
            match self.reduce(child, child_path, level + 1) {
                Reduced::Empty => {}
                Reduced::Unit(unit) => units.push((name, *unit)),
                Reduced::Split => split = true,
            }
        }
        let reduced = self.join(node.folder, units, split, path.clone(), level);
        match (reduced, self.grouping.table_level) {
            (Reduced::Unit(unit), Some(wanted)) if wanted == level => {
                self.why(&path, || format!("TableLevelConfiguration {wanted} puts a table here"));
                let mut unit = lifted(*unit);
                unit.folder = path;
                self.emit(unit);
                Reduced::Split
            }
            (other, _) => other,
        }
    }

    fn join(
        &mut self,
        folder: Folder,
        units: Vec<(String, Unit)>,
        split: bool,
        path: String,
        level: usize,
    ) -> Reduced {
        let has_files = !folder.groups.is_empty();
        if !has_files && units.is_empty() {
            return if split { Reduced::Split } else { Reduced::Empty };
        }
        let above_tables = self.grouping.table_level.is_some_and(|wanted| level < wanted);
        if split || above_tables {
            self.why(&path, || match above_tables {
                true => "it lies above TableLevelConfiguration".to_owned(),
                false => "folders below it are tables of their own".to_owned(),
            });
            self.emit_all(units);
            self.emit_files(folder, &path);
            return Reduced::Split;
        }
        if has_files {
            return self.join_files(folder, units, path, level);
        }
        let mut units = units;
        if let [(name, unit)] = units.as_mut_slice()
            && self.grouping.table_level.is_none()
            && !is_series(name)
        {
            self.why(&path, || {
                format!("its only folder {name} is no k=v, number or date: the data lies there")
            });
            unit.chain.insert(0, std::mem::take(name));
            return Reduced::Unit(Box::new(unit.clone()));
        }
        match self.partitioned(&units, &path, level) {
            Some(unit) => Reduced::Unit(Box::new(unit)),
            None => {
                self.emit_all(units);
                Reduced::Split
            }
        }
    }

    /// A folder with files of its own.
    fn join_files(
        &mut self,
        mut folder: Folder,
        units: Vec<(String, Unit)>,
        path: String,
        level: usize,
    ) -> Reduced {
        self.odd_files(&folder.keep_majority(), &path);
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
                count(&mut shape, &folder);
                for (_, unit) in &units {
                    shape.merge(&unit.shape, Likeness::Compatible);
                }
                return Reduced::Unit(Box::new(leaf(path, shape)));
            }
        }
        self.why(&path, || format!("its files are of {} kinds: a table each", folder.groups.len()));
        if !units.is_empty() {
            self.notes.push(format!(
                "folder {path} holds both files and folders that differ from them: its files become tables of their own"
            ));
            match self.partitioned(&units, &path, level) {
                Some(unit) if unit.keys.iter().all(Option::is_some) => self.emit(unit),
                _ => self.emit_all(units),
            }
        }
        self.emit_files(folder, &path);
        Reduced::Split
    }

    fn odd_files(&mut self, odd: &[String], path: &str) {
        const NAMED: usize = 20;
        if odd.is_empty() {
            return;
        }
        let more = odd.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named = odd[..odd.len().min(NAMED)].join(", ");
        self.notes.push(format!(
            "{named}{more}: columns differ from those of most files in {path}; no table is made for them, and queries on \
             the folder's table read them, too"
        ));
    }

    /// One table whose partitions are the siblings; `None` when they are not similar, or when two folders stand for
    /// the same values (`Day=1` and `day=1`): of two partitions of the same values one would be lost.
    fn partitioned(&mut self, units: &[(String, Unit)], path: &str, level: usize) -> Option<Unit> {
        let pairs: Vec<_> = units.iter().map(|(name, _)| key_value(name)).collect();
        let first_key = pairs.first()?.as_ref().map(|(key, _)| key.clone());
        let named =
            first_key.is_some() && pairs.iter().all(|p| p.as_ref().map(|(key, _)| key) == first_key.as_ref());
        let within_table = self.grouping.table_level.is_some_and(|wanted| level >= wanted);
        let likeness = match self.grouping.likeness() {
            _ if within_table => Likeness::Compatible,
            Likeness::Similar if named => Likeness::Grown,
            other => other,
        };
        let mut joined: Option<Unit> = None;
        for ((name, unit), pair) in units.iter().zip(&pairs) {
            let mut unit = lifted(unit.clone());
            let value =
                pair.as_ref().filter(|_| named).map_or_else(|| name.clone(), |(_, value)| value.clone());
            unit.keys.insert(0, first_key.clone().filter(|_| named));
            for part in &mut unit.parts {
                part.values.insert(0, value.clone());
            }
            match &mut joined {
                None => joined = Some(Unit { folder: path.to_owned(), ..unit }),
                Some(table) => {
                    if table.keys != unit.keys || !table.shape.merge(&unit.shape, likeness) {
                        self.why(path, || {
                            format!("folder {name} does not fit those before it: {}", misfit(table, &unit))
                        });
                        return None;
                    }
                    table.parts.append(&mut unit.parts);
                }
            }
        }
        let table = joined?;
        if self.has_doubles(&table) {
            return None;
        }
        self.why(path, || match &first_key {
            Some(key) if named => {
                format!("its {} folders {key}=… fit together: a partition key", units.len())
            }
            _ => format!("its {} folders fit together and are equally deep: a partition key", units.len()),
        });
        Some(table)
    }

    /// Whether two folders stand for the same values.
    fn has_doubles(&mut self, table: &Unit) -> bool {
        let mut seen: HashMap<&[String], &str> = HashMap::with_capacity(table.parts.len());
        for part in &table.parts {
            if let Some(other) = seen.insert(&part.values, &part.folder) {
                self.notes.push(format!(
                    "folders {other} and {} stand for the same partition values: they become tables of their own",
                    part.folder
                ));
                return true;
            }
        }
        false
    }

    fn emit_all(&mut self, units: Vec<(String, Unit)>) {
        for (_, unit) in units {
            self.emit(unit);
        }
    }

    fn emit(&mut self, unit: Unit) {
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
        self.plans.push(TablePlan { path: unit.folder, shape: unit.shape, keys, parts });
    }

    /// A folder's own files, a table each.
    fn emit_files(&mut self, folder: Folder, path: &str) {
        if folder.dropped > 0 {
            self.notes.push(format!(
                "folder {path} holds more than {MAX_FILES_KEPT} files of different kinds: {} of them get no table",
                folder.dropped
            ));
        }
        for file in folder.files {
            self.plans.push(TablePlan {
                path: file.key,
                shape: file.shape,
                keys: Vec::new(),
                parts: Vec::new(),
            });
        }
    }
}

/// Why a folder is no partition beside others.
fn misfit(table: &Unit, unit: &Unit) -> String {
    if table.keys == unit.keys {
        unlike(&table.shape, &unit.shape)
    } else {
        "it is not equally deep, or has other keys".to_owned()
    }
}

/// Adds the files that were only counted.
fn count(shape: &mut Shape, folder: &Folder) {
    let (files, bytes) = folder.counted;
    shape.files += files;
    shape.records += bytes / shape.average_record().max(1);
    shape.bytes += bytes;
}

fn leaf(folder: String, shape: Shape) -> Unit {
    let part = Part {
        values: Vec::new(),
        folder: folder.clone(),
        fields: Arc::clone(&shape.fields),
        files: shape.files,
        bytes: shape.bytes,
        records: shape.records,
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
