//! The names that a header record gives to columns: the same ones when a file is inferred and when it is read.

use std::collections::HashSet;

/// The longest name of a column. Source: Glue's `NameString`.
const MAX_NAME_CHARS: usize = 255;

/// A value as a column's name, which the catalog wants on one line.
pub(crate) fn of_value(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    text.trim().chars().take(MAX_NAME_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The name of a column whose header is empty or missing.
pub(crate) fn of_place(index: usize) -> String {
    format!("col{index}")
}

/// The names of a header's columns: by place where they have none, each once whatever its case.
pub(crate) fn of_header(values: Vec<String>) -> Vec<String> {
    let named = values.into_iter().enumerate();
    let mut names: Vec<String> =
        named.map(|(i, name)| if name.is_empty() { of_place(i) } else { name }).collect();
    number_repeats(names.iter_mut(), str::to_lowercase);
    names
}

/// Gives later names that are `same` as an earlier one a number: `a`, `a_1`, `a_2`.
pub(crate) fn number_repeats<'n>(names: impl Iterator<Item = &'n mut String>, same: impl Fn(&str) -> String) {
    let mut taken: HashSet<String> = HashSet::new();
    for name in names {
        let base = name.clone();
        let mut n = 1;
        while !taken.insert(same(name)) {
            *name = format!("{base}_{n}");
            n += 1;
        }
    }
}
