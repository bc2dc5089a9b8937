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

impl Grouping {
    /// What files in one folder, or folders beside each other, must have in common.
    pub(crate) fn likeness(self) -> Likeness {
        if self.combine { Likeness::Compatible } else { Likeness::Similar }
    }
}
