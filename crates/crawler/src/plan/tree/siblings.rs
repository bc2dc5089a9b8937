//! Folders beside each other: which of them are partitions of one table.
//!
//! Folders `k=v` of one key whose contents are alike are partitions of the folder above whatever else lies there: queries
//! read a partition by its own location, and nothing beside it. The others stand for themselves.

use std::collections::{BTreeMap, HashMap};

use super::super::names::key_value;
use super::super::shape::{Likeness, Shape};
use super::words::{NAMED, differing, unlike};
use super::{Children, Folder, TablePlan, Tree, Unit, lifted};
use crate::words::named_some;

/// What the folder of a partition has emitted, as long as nobody knows whether it stays.
pub(super) struct Aside {
    pub(super) tables: Vec<TablePlan>,
    pub(super) notes: Vec<String>,
    pub(super) left_out: Vec<(String, u64)>,
    pub(super) whys: Vec<(String, String)>,
}

fn key_of(name: &str) -> Option<String> {
    key_value(name).map(|(key, _)| key)
}

impl Tree {
    /// The table whose partitions are the folders `k=v` of one key; they are taken out of `children`, and so are those of
    /// the key that mix formats. The key is the one that most folders have, and more than half of these must be alike.
    pub(super) fn named(&mut self, children: &mut Children, path: &str, level: usize) -> Option<Unit> {
        let key = most_common_key(&children.units)?;
        let of_key = |name: &str| key_of(name).as_ref() == Some(&key);
        let (candidates, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut children.units).into_iter().partition(|(name, _)| of_key(name));
        let all = candidates.len() + children.split.iter().filter(|name| of_key(name)).count();
        let alike = alike(candidates, self.likeness(true, level));
        let is_most = alike.members.len() * 2 > all;
        let table = match is_most {
            // That they fit is decided, whatever the order.
            true => self.partitioned(&alike.members, Some(&key), Likeness::Compatible, path),
            false => {
                self.why(path, || format!("no more than half of its folders {key}=… fit together"));
                None
            }
        };
        if let Some(shape) = alike.shape.as_ref().filter(|_| table.is_some()) {
            for (name, unit) in &alike.others {
                let why = misfit(&alike.keys, shape, unit);
                self.why(&format!("{path}{name}/"), || {
                    format!("it is no partition like its neighbours: {why}")
                });
            }
        } else {
            if !is_most {
                self.say_unlike(&alike, path, &key);
            }
            children.units = alike.members.into_iter().chain(alike.others).chain(others).collect();
            children.units.sort_by(|a, b| a.0.cmp(&b.0));
            return None;
        }
        let (mixed, rest) =
            std::mem::take(&mut children.mixed).into_iter().partition(|(name, _)| of_key(name));
        children.mixed = rest;
        children.units = alike.others.into_iter().chain(others).collect();
        self.leave_out(mixed, path);
        table
    }

    /// Folders of one key that become tables of their own, although their names say that they are partitions.
    fn say_unlike(&mut self, alike: &Alike, path: &str, key: &str) {
        let (Some((_, member)), Some((_, other))) = (alike.members.first(), alike.others.first()) else {
            return;
        };
        let why = differing(&member.shape, &other.shape, &misfit(&alike.keys, &member.shape, other));
        self.done.notes.push(format!(
            "folder {path}: no more than half of its folders {key}=… fit together, so that they become tables of their \
             own; {why}"
        ));
    }

    /// What lies beside partitions: tables of its own.
    pub(super) fn beside(&mut self, folder: Folder, children: Children, path: &str) {
        let mut names: Vec<String> = children.units.iter().map(|(name, _)| name.clone()).collect();
        names.extend(children.split.iter().cloned());
        names.extend(children.mixed.iter().map(|(name, _)| name.clone()));
        if !names.is_empty() {
            names.sort();
            let named = named_some(&names, NAMED);
            self.why(path, || format!("beside them lie {named}: they are tables of their own"));
            self.done.notes.push(format!(
                "folder {path} holds, beside the partitions of a table, {named}: they are no partitions of it and become \
                 tables of their own; queries of the partitioned table do not read them"
            ));
        }
        self.emit_children(children);
        if !folder.groups.is_empty() {
            self.done.notes.push(format!(
                "folder {path} holds files beside the partitions of a table: they become tables of their own; queries of \
                 the partitioned table do not read them"
            ));
            self.why(path, || "its own files are tables of their own".to_owned());
            self.emit_files(folder, path);
        }
    }

    /// Partitions that no one format can read.
    fn leave_out(&mut self, mixed: Vec<(String, Aside)>, path: &str) {
        for (name, aside) in mixed {
            let files: Vec<String> = aside.tables.iter().map(|table| table.path.clone()).collect();
            let place = format!("{path}{name}/");
            self.why(&place, || "it mixes files that no one table can read: it is left out".to_owned());
            self.done.notes.push(format!(
                "folder {place} mixes files that no one table can read ({}): it is left out of the table of {path}, and \
                 no tables are made of its files",
                named_some(&files, NAMED)
            ));
            let count = aside.tables.iter().map(|table| table.shape.files).sum();
            self.done.left_out.push((place, count));
            self.done.left_out.extend(aside.left_out);
        }
    }

    pub(super) fn likeness(&self, named: bool, level: usize) -> Likeness {
        let within_table = self.grouping.table_level.is_some_and(|wanted| level >= wanted);
        match self.grouping.likeness() {
            _ if within_table => Likeness::Compatible,
            Likeness::Similar if named => Likeness::Grown,
            other => other,
        }
    }

    /// One table whose partitions are these folders. `None` when they are not similar, or when two of them stand for the
    /// same values (`Day=1` and `day=1`): of two partitions of the same values one would be lost. `key`: what folders `k=v`
    /// have in common.
    pub(super) fn partitioned(
        &mut self,
        units: &[(String, Unit)],
        key: Option<&str>,
        likeness: Likeness,
        path: &str,
    ) -> Option<Unit> {
        let mut joined: Option<Unit> = None;
        for (name, unit) in units {
            let mut unit = lifted(unit.clone());
            let value = key.and_then(|_| key_value(name)).map_or_else(|| name.clone(), |(_, value)| value);
            unit.keys.insert(0, key.map(str::to_owned));
            for part in &mut unit.parts {
                part.values.insert(0, value.clone());
            }
            match &mut joined {
                None => joined = Some(Unit { folder: path.to_owned(), ..unit }),
                Some(table) => {
                    if table.keys != unit.keys || !table.shape.merge(&unit.shape, likeness) {
                        let why = misfit(&table.keys, &table.shape, &unit);
                        self.why(path, || format!("folder {name} does not fit those before it: {why}"));
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
        self.why(path, || match key {
            Some(key) => format!("its {} folders {key}=… fit together: a partition key", units.len()),
            None => format!("its {} folders fit together and are equally deep: a partition key", units.len()),
        });
        Some(table)
    }

    /// Whether two folders stand for the same values.
    fn has_doubles(&mut self, table: &Unit) -> bool {
        let mut seen: HashMap<&[String], &str> = HashMap::with_capacity(table.parts.len());
        for part in &table.parts {
            if let Some(other) = seen.insert(&part.values, &part.folder) {
                self.done.notes.push(format!(
                    "folders {other} and {} stand for the same partition values: they become tables of their own",
                    part.folder
                ));
                return true;
            }
        }
        false
    }
}

/// The key that most folders have; none when there is no `k=v`, or two keys are equally common.
fn most_common_key(units: &[(String, Unit)]) -> Option<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for key in units.iter().filter_map(|(name, _)| key_of(name)) {
        *counts.entry(key).or_default() += 1;
    }
    let most = *counts.values().max()?;
    let mut of_most = counts.into_iter().filter(|(_, count)| *count == most);
    let (key, _) = of_most.next()?;
    if of_most.next().is_some() { None } else { Some(key) }
}

/// Folders `k=v` of one key: those that are one table, and the others.
struct Alike {
    members: Vec<(String, Unit)>,
    others: Vec<(String, Unit)>,
    /// What the members are, together.
    keys: Vec<Option<String>>,
    shape: Option<Shape>,
}

/// The largest group that is one table. The widest folders come first: what a group takes in does not hang on names then.
fn alike(units: Vec<(String, Unit)>, likeness: Likeness) -> Alike {
    let mut order: Vec<usize> = (0..units.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(units[*at].1.shape.fields.len()));
    let mut groups: Vec<(Vec<Option<String>>, Shape, usize)> = Vec::new();
    let mut group_of = vec![0; units.len()];
    for at in order {
        let unit = &units[at].1;
        let keys = levels(unit);
        let fitting =
            groups.iter_mut().position(|(of, shape, _)| *of == keys && shape.merge(&unit.shape, likeness));
        group_of[at] = fitting.unwrap_or(groups.len());
        match fitting {
            Some(group) => groups[group].2 += 1,
            None => groups.push((keys, unit.shape.clone(), 1)),
        }
    }
    let most = (0..groups.len()).rev().max_by_key(|at| groups[*at].2).unwrap_or_default();
    let (mut members, mut others) = (Vec::new(), Vec::new());
    for (at, unit) in units.into_iter().enumerate() {
        let side = if group_of[at] == most { &mut members } else { &mut others };
        side.push(unit);
    }
    let (keys, shape) = match groups.into_iter().nth(most) {
        Some((keys, shape, _)) => (keys, Some(shape)),
        None => (Vec::new(), None),
    };
    Alike { members, others, keys, shape }
}

/// The levels that a subtree has below its place, as [`lifted`] makes them.
fn levels(unit: &Unit) -> Vec<Option<String>> {
    unit.chain.iter().map(|_| None).chain(unit.keys.iter().cloned()).collect()
}

/// Why a folder is no partition beside others, which have these keys and this shape.
fn misfit(keys: &[Option<String>], shape: &Shape, unit: &Unit) -> String {
    if keys == levels(unit) || keys == unit.keys {
        unlike(shape, &unit.shape)
    } else {
        "it is not equally deep, or has other keys".to_owned()
    }
}
