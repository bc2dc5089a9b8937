//! A dialect of Ion: the encoding is found out from the file.

use std::collections::BTreeMap;

use crate::ion::path::IonPath;

/// How Ion files are read; the names are those of the Ion Hive SerDe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IonOptions {
    /// Whether names of fields match with their case (`ion.path_extractor.case_sensitive`).
    pub case_sensitive: bool,
    /// Whether an integer that its column cannot hold is a bad record; otherwise it is its low bits.
    pub fail_on_overflow: bool,
    /// The same for single columns, by their names in lower case.
    pub overflow: BTreeMap<String, bool>,
    /// Where columns are that are no fields of their own name, by their names in lower case.
    pub paths: BTreeMap<String, IonPath>,
    /// Whether records that are not well-formed are left out, and with them, where nothing says how long one is, the rest of
    /// the file.
    pub ignore_malformed: bool,
}

impl Default for IonOptions {
    fn default() -> Self {
        Self {
            case_sensitive: false,
            fail_on_overflow: true,
            overflow: BTreeMap::new(),
            paths: BTreeMap::new(),
            ignore_malformed: false,
        }
    }
}
