//! What the crawler asks of the grouping.

use super::super::shape::Likeness;

/// How the crawler's `Configuration` wants folders to be grouped.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Grouping {
    /// `TableLevelConfiguration`
    pub(crate) table_level: Option<usize>,
    /// `CombineCompatibleSchemas`
    pub(crate) combine: bool,
}

/// The level of a folder, given as a key prefix with its `/`; the bucket is level 1.
pub(crate) fn level(folder: &str) -> usize {
    1 + folder.split('/').filter(|name| !name.is_empty()).count()
}

impl Grouping {
    /// Whether a folder lies above the level of tables.
    pub(crate) fn is_above_tables(self, folder: &str) -> bool {
        self.table_level.is_some_and(|wanted| level(folder) < wanted)
    }

    /// What files in one folder, or folders beside each other, must have in common.
    pub(crate) fn likeness(self) -> Likeness {
        if self.combine { Likeness::Compatible } else { Likeness::Similar }
    }
}
