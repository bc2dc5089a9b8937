//! Finding the wanted columns by the names that a file uses.

use std::collections::{HashMap, HashSet};

use arrow::datatypes::Schema;

use super::quick::Spelling;
use crate::options::JsonOptions;

/// The name that a column has in files.
pub(crate) fn in_file<'n>(column: &'n str, options: &'n JsonOptions) -> &'n str {
    options.mapping.get(&column.to_lowercase()).map_or(column, String::as_str)
}

/// Finds a wanted column by the name that the file uses.
pub(crate) struct NameIndex {
    exact: HashMap<String, usize>,
    lower: HashMap<String, usize>,
    order: Vec<String>,
    spellings: Vec<Spelling>,
    /// All names that a file may have, where others are an error.
    among: Option<HashSet<String>>,
}

impl NameIndex {
    /// Errors: two columns that are both read from one name of the file; the text names them.
    pub(crate) fn new(schema: &Schema, options: &JsonOptions) -> Result<Self, String> {
        let among = options.among.as_ref().map(|names| {
            let spelled =
                |name: &String| if options.case_insensitive { name.to_lowercase() } else { name.clone() };
            names.iter().map(spelled).collect()
        });
        let mut index = Self {
            exact: HashMap::new(),
            lower: HashMap::new(),
            order: Vec::new(),
            spellings: Vec::new(),
            among,
        };
        for (i, field) in schema.fields().iter().enumerate() {
            let name = in_file(field.name(), options).to_owned();
            index.lower.entry(name.to_lowercase()).or_insert(i);
            if let Some(other) = index.exact.insert(name.clone(), i) {
                let other = schema.field(other).name();
                return Err(format!("the columns {other} and {} are both read from {name:?}", field.name()));
            }
            index.spellings.push(Spelling::new(&name));
            index.order.push(name);
        }
        Ok(index)
    }

    /// Whether a name that is no wanted column may be passed over.
    pub(super) fn knows(&self, name: &str, options: &JsonOptions) -> bool {
        match &self.among {
            None => true,
            Some(among) if options.case_insensitive => among.contains(&name.to_lowercase()),
            Some(among) => among.contains(name),
        }
    }

    /// How a column's name is mostly spelt.
    pub(super) fn spelling(&self, column: usize) -> Option<&Spelling> {
        self.spellings.get(column)
    }

    /// The column for the file's name; `hint` is tried first, since records repeat their order.
    pub(crate) fn find(&self, name: &str, options: &JsonOptions, hint: usize) -> Option<usize> {
        if self.order.get(hint).is_some_and(|n| n == name) {
            return Some(hint);
        }
        if let Some(at) = self.exact.get(name) {
            return Some(*at);
        }
        if !options.case_insensitive && !options.dots_in_keys {
            return None;
        }
        let mut folded = name.to_owned();
        if options.dots_in_keys {
            folded = folded.replace('.', "_");
        }
        if options.case_insensitive {
            return self.lower.get(&folded.to_lowercase()).copied();
        }
        self.exact.get(&folded).copied()
    }
}
