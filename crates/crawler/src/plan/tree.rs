//! The folder tree and its reduction to tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use formats::InferredField;

use super::names::{is_date_like, key_value};
use super::shape::Shape;

/// File names kept per folder; beyond, files of several kinds in one folder cannot all become tables.
const MAX_FILES_KEPT: usize = 10_000;

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
    groups: Vec<Shape>,
    files: Vec<FileEntry>,
    /// Files that were only counted: files, bytes.
    pub(crate) counted: (u64, u64),
    /// Files that are being looked at.
    pub(crate) pending: u64,
    dropped: u64,
}

impl Folder {
    /// Adds a recognised file.
    pub(crate) fn add(&mut self, key: String, shape: Shape) {
        match self.groups.iter_mut().find(|g| g.fits(&shape, false)) {
            Some(group) => {
                group.merge(&shape, false);
            }
            None => self.groups.push(shape.clone()),
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

    /// Files recognised so far.
    pub(crate) fn recognised(&self) -> u64 {
        self.groups.iter().map(|g| g.files).sum()
    }
}

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

/// A folder with those below.
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
    table_level: Option<usize>,
    plans: Vec<TablePlan>,
    notes: Vec<String>,
}

impl Tree {
    /// `folders` are keyed by their path below `prefix`, without slashes at the ends.
    pub(crate) fn new(prefix: &str, folders: BTreeMap<String, Folder>, table_level: Option<usize>) -> Self {
        let mut root = Node::default();
        for (path, folder) in folders {
            let mut node = &mut root;
            for name in path.split('/').filter(|_| !path.is_empty()) {
                node = node.children.entry(name.to_owned()).or_default();
            }
            node.folder = folder;
        }
        Self { root, prefix: prefix.to_owned(), table_level, plans: Vec::new(), notes: Vec::new() }
    }

    /// The tables, and remarks for the log.
    pub(crate) fn tables(mut self) -> (Vec<TablePlan>, Vec<String>) {
        let root = std::mem::take(&mut self.root);
        let level = 1 + self.prefix.split('/').filter(|p| !p.is_empty()).count();
        let prefix = self.prefix.clone();
        if let Reduced::Unit(unit) = self.reduce(root, prefix, level) {
            self.emit(*unit);
        }
        self.plans.sort_by(|a, b| a.path.cmp(&b.path));
        (self.plans, self.notes)
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
        match (reduced, self.table_level) {
            (Reduced::Unit(unit), Some(wanted)) if wanted == level => {
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
        let above_tables = self.table_level.is_some_and(|wanted| level < wanted);
        if split || above_tables {
            self.emit_all(units);
            self.emit_files(folder, &path);
            return Reduced::Split;
        }
        if has_files {
            return self.join_files(folder, units, path, level);
        }
        let mut units = units;
        if let [(name, unit)] = units.as_mut_slice()
            && self.table_level.is_none()
            && !is_series(name)
        {
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
        folder: Folder,
        units: Vec<(String, Unit)>,
        path: String,
        level: usize,
    ) -> Reduced {
        if folder.groups.len() == 1 {
            let mut shape = folder.groups[0].clone();
            let plain = |(name, unit): &(String, Unit)| {
                unit.keys.is_empty()
                    && unit.chain.is_empty()
                    && key_value(name).is_none()
                    && folder.groups[0].fits(&unit.shape, false)
            };
            if units.iter().all(plain) {
                count(&mut shape, &folder);
                for (_, unit) in &units {
                    shape.merge(&unit.shape, true);
                }
                return Reduced::Unit(Box::new(leaf(path, shape)));
            }
        }
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

    /// One table whose partitions are the siblings; `None` when they are not similar.
    fn partitioned(&self, units: &[(String, Unit)], path: &str, level: usize) -> Option<Unit> {
        let pairs: Vec<_> = units.iter().map(|(name, _)| key_value(name)).collect();
        let first_key = pairs.first()?.as_ref().map(|(key, _)| key.clone());
        let named =
            first_key.is_some() && pairs.iter().all(|p| p.as_ref().map(|(key, _)| key) == first_key.as_ref());
        let lenient = named || self.table_level.is_some_and(|wanted| level >= wanted);
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
                    if table.keys != unit.keys || !table.shape.merge(&unit.shape, lenient) {
                        return None;
                    }
                    table.parts.append(&mut unit.parts);
                }
            }
        }
        joined
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
            keys.push(key.unwrap_or_else(|| {
                unnamed += 1;
                format!("partition_{}", unnamed - 1)
            }));
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

fn is_series(name: &str) -> bool {
    key_value(name).is_some() || is_date_like(name)
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
mod tests {
    use std::collections::BTreeSet;

    use formats::hive::HiveType;
    use proptest::prelude::*;

    use super::super::Kind;
    use super::*;

    fn shape(columns: &[&str]) -> Shape {
        let field = |n: &&str| InferredField { name: (*n).to_owned(), ty: HiveType::Int, nullable: false };
        Shape {
            kind: Kind::Json,
            fields: Arc::new(columns.iter().map(field).collect()),
            quoted: false,
            escape: None,
            files: 1,
            bytes: 10,
            records: 1,
            sampled: (10, 1),
            compressions: BTreeMap::from([("none", 1)]),
        }
    }

    fn plan(files: &[(&str, &[&str])]) -> Vec<String> {
        let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
        for (key, columns) in files {
            let place = key.rsplit_once('/').map_or("", |(p, _)| p).to_owned();
            folders.entry(place).or_default().add(format!("t/{key}"), shape(columns));
        }
        let (plans, _) = Tree::new("t/", folders, None).tables();
        plans.iter().map(|p| format!("{} [{}] {}", p.path, p.keys.join(","), p.parts.len())).collect()
    }

    #[test]
    fn the_guides_examples() {
        let same: &[&str] = &["a", "b"];
        assert_eq!(plan(&[("y=1/m=1/f", same), ("y=1/m=2/f", same), ("y=2/m=1/f", same)]), ["t/ [y,m] 3"]);
        assert_eq!(
            plan(&[("table1/p1/f", same), ("table1/p2/f", same), ("table2/p4/f", same)]),
            ["t/ [partition_0,partition_1] 3"]
        );
        let other: &[&str] = &["x", "y"];
        assert_eq!(
            plan(&[("table1/p1/f", same), ("table1/p2/f", same), ("table2/p4/f", other)]),
            ["t/table1/ [partition_0] 2", "t/table2/p4/ [] 0"]
        );
    }

    #[test]
    fn folders_alone_and_mixed() {
        let same: &[&str] = &["a", "b"];
        let other: &[&str] = &["x", "y"];
        assert_eq!(plan(&[("orders/raw/f", same)]), ["t/orders/raw/ [] 0"]);
        assert_eq!(plan(&[("2024/01/f", same)]), ["t/ [partition_0,partition_1] 1"]);
        assert_eq!(plan(&[("f", same), ("g", same)]), ["t/ [] 0"]);
        assert_eq!(plan(&[("f", same), ("g", other)]), ["t/f [] 0", "t/g [] 0"]);
        assert_eq!(plan(&[("f", same), ("sub/g", same)]), ["t/ [] 0"]);
        assert_eq!(plan(&[("f", same), ("sub/g", other)]), ["t/f [] 0", "t/sub/ [] 0"]);
        assert_eq!(plan(&[("f", same), ("k=1/g", same)]), ["t/ [k] 1", "t/f [] 0"]);
        // A key of k=v folders takes in schemas that grew.
        assert_eq!(plan(&[("k=1/g", same), ("k=2/g", &["a", "b", "c", "d", "e"])]), ["t/ [k] 2"]);
        // Unequal depths are no partitions.
        assert_eq!(
            plan(&[("a/f", same), ("b/x/f", same), ("b/y/f", same)]),
            ["t/a/ [] 0", "t/b/ [partition_0] 2"]
        );
    }

    proptest! {
        #[test]
        fn every_file_is_in_exactly_one_table(
            files in prop::collection::btree_map("(([ab]|k=[12]|[12])/){0,3}[fg]", 0usize..3, 1..12),
        ) {
            let kinds: [&[&str]; 3] = [&["a", "b"], &["x", "y"], &["a", "b", "c"]];
            let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
            for (key, kind) in &files {
                let place = key.rsplit_once('/').map_or("", |(p, _)| p).to_owned();
                folders.entry(place).or_default().add(format!("t/{key}"), shape(kinds[*kind]));
            }
            let (plans, _) = Tree::new("t/", folders, None).tables();
            for key in files.keys() {
                let key = format!("t/{key}");
                let covers = |plan: &&TablePlan| {
                    if plan.keys.is_empty() {
                        plan.path == key || (plan.path.ends_with('/') && key.starts_with(&plan.path))
                    } else {
                        plan.parts.iter().any(|p| key.starts_with(&p.folder))
                    }
                };
                prop_assert_eq!(plans.iter().filter(covers).count(), 1, "{} in {:?}", key, plans);
            }
            for plan in &plans {
                let values: BTreeSet<_> = plan.parts.iter().map(|p| &p.values).collect();
                prop_assert_eq!(values.len(), plan.parts.len());
                prop_assert!(plan.parts.iter().all(|p| p.values.len() == plan.keys.len()));
            }
        }
    }
}
