//! Names of keys and levels, and why shapes are unlike.

use std::collections::HashSet;

use formats::hive::HiveType;
use formats::merge_types;

use super::super::names::{is_date_like, key_value};
use super::super::shape::{Likeness, Shape};
use super::Unit;

/// So many names are given of very many.
pub(super) const NAMED: usize = 20;

/// `key`, with a number when a level above has it already.
pub(super) fn unused(keys: &[String], key: String) -> String {
    if !keys.contains(&key) {
        return key;
    }
    (1..).map(|n: usize| format!("{key}_{n}")).find(|k| !keys.contains(k)).unwrap_or(key)
}

/// Why two shapes are not one table.
pub(super) fn unlike(a: &Shape, b: &Shape) -> String {
    if a.kind != b.kind {
        return format!("other format or dialect ({} and {})", a.kind.words(), b.kind.words());
    }
    if let (Some(one), Some(other)) = (a.escape, b.escape)
        && one != other
    {
        return "a backslash escapes in one and stands for itself in the other".to_owned();
    }
    let places = || a.fields.iter().zip(b.fields.iter()).zip(1..).filter(|_| !a.is_by_name());
    let by_position = |place: usize, one: &str, other: &str| {
        format!("column {place} is {one} in one and {other} in the other, and CSV is read by position")
    };
    if let Some(((one, other), place)) = places().find(|((one, other), _)| one.name != other.name) {
        return by_position(place, &one.name, &other.name);
    }
    let is_other =
        |one: &HiveType, other: &HiveType| one != other && merge_types(one, other) == HiveType::String;
    if let Some(((one, other), place)) = places().find(|((one, other), _)| is_other(&one.ty, &other.ty))
        && a.fields.len() == b.fields.len()
    {
        return by_position(place, &one.ty.to_string(), &other.ty.to_string());
    }
    let names: HashSet<&str> = a.fields.iter().map(|f| f.name.as_str()).collect();
    let shared = b.fields.iter().filter(|f| names.contains(f.name.as_str())).count();
    format!(
        "{shared} columns are the same, of {} and {}{}",
        a.fields.len(),
        b.fields.len(),
        if a.is_by_name() { "" } else { ", and CSV is read by position" }
    )
}

/// What two groups of files that are not one table differ in, each by a file of it.
pub(super) fn differing(a: &Shape, b: &Shape, why: &str) -> String {
    match (&a.examples.first, &b.examples.first) {
        (Some(one), Some(other)) => format!("{one} and {other} differ: {why}"),
        _ => format!("they differ: {why}"),
    }
}

/// Why files of these kinds and the folders beside them are not one table.
pub(super) fn apart(path: &str, groups: &[Shape], units: &[(String, Unit)], likeness: Likeness) -> String {
    let alike = |(_, unit): &(String, Unit)| groups.iter().all(|group| group.fits(&unit.shape, likeness));
    let what = match groups.len() == 1 && units.iter().all(alike) {
        true => "folders of the same columns at another depth",
        false => "folders that differ from them",
    };
    format!("folder {path} holds both files and {what}: its files become tables of their own")
}

/// Whether a folder is surely one of several beside each other.
pub(super) fn is_series(name: &str) -> bool {
    key_value(name).is_some() || is_date_like(name)
}
