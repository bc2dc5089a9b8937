//! `k=v` folders below a path as columns.

use arrow::datatypes::Schema;

use crate::hive;

/// The keys of all `k=v` folders, in order of first appearance, without those that are columns of the files.
#[derive(Debug, Default)]
pub(super) struct Folders {
    keys: Vec<String>,
}

impl Folders {
    /// Looks at all objects, each given as the folder of its path and its key.
    pub(super) fn new<'a>(objects: impl Iterator<Item = (&'a str, &'a str)>, columns: &Schema) -> Self {
        let mut keys: Vec<String> = Vec::new();
        for (folder, key) in objects {
            for (name, _) in pairs(folder, key) {
                let known = keys.iter().any(|known| known.eq_ignore_ascii_case(&name));
                let column = columns.fields().iter().any(|field| field.name().eq_ignore_ascii_case(&name));
                if !known && !column {
                    keys.push(name);
                }
            }
        }
        Self { keys }
    }

    pub(super) fn keys(&self) -> &[String] {
        &self.keys
    }

    /// An object's values in the order of the keys; NULL where its folders say so, or nothing.
    pub(super) fn values(&self, folder: &str, key: &str) -> Vec<Option<String>> {
        let found = pairs(folder, key);
        let value = |wanted: &String| {
            let (_, value) = found.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
            (value != hive::NULL_PARTITION).then(|| value.clone())
        };
        self.keys.iter().map(value).collect()
    }
}

/// The `k=v` folders of a key below `folder`, unescaped.
fn pairs(folder: &str, key: &str) -> Vec<(String, String)> {
    let below = key.strip_prefix(folder).unwrap_or(key);
    let mut parts: Vec<&str> = below.split('/').collect();
    parts.pop();
    let pair = |part: &str| {
        let (name, value) = part.split_once('=')?;
        (!name.is_empty()).then(|| (hive::unescape(name), hive::unescape(value)))
    };
    parts.into_iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::{DataType, Field};

    #[test]
    fn finds_keys_and_values() {
        let schema = Schema::new(vec![Field::new("Id", DataType::Int64, true)]);
        let objects =
            [("t/", "t/day=1/k=a%2Fb/x.csv"), ("t/", "t/day=__HIVE_DEFAULT_PARTITION__/id=7/x=1.csv")];
        let folders = Folders::new(objects.into_iter(), &schema);
        assert_eq!(folders.keys(), ["day", "k"]);
        assert_eq!(folders.values("t/", objects[0].1), [Some("1".to_owned()), Some("a/b".to_owned())]);
        assert_eq!(folders.values("t/", objects[1].1), [None, None]);
    }
}
