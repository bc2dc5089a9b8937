//! Names of keys and levels, and why shapes are unlike.

use std::collections::HashSet;

use super::super::names::{is_date_like, key_value};
use super::super::shape::Shape;

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
    let names: HashSet<&str> = a.fields.iter().map(|f| f.name.as_str()).collect();
    let shared = b.fields.iter().filter(|f| names.contains(f.name.as_str())).count();
    format!(
        "{shared} columns are the same, of {} and {}{}",
        a.fields.len(),
        b.fields.len(),
        if a.is_by_name() { "" } else { ", and CSV is read by position" }
    )
}

/// Whether a folder is surely one of several beside each other.
pub(super) fn is_series(name: &str) -> bool {
    key_value(name).is_some() || is_date_like(name)
}
