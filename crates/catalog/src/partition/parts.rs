//! A filtered listing as walks, one after the other.
//!
//! Mostly there is one, under the ranges that hold every match. A filter whose alternatives limit different keys
//! (`a = 1 OR b = 2`) has no narrow ranges as a whole; where each alternative has, each is walked by itself, and a partition
//! is met by the walk of the first alternative that it matches. Which walks there are follows from the filter alone, so
//! that a token can number them.

use std::collections::BTreeSet;

use crate::error::CatalogError;
use crate::expression::{Expr, Ranges};
use crate::schema::INDEXED_POSITIONS;
use crate::table::Table;

/// The walks of a listing; at least one.
pub(crate) struct Parts(Vec<Part>);

struct Part {
    /// What its partitions match; all do without one.
    filter: Option<Expr>,
    ranges: Ranges,
}

impl Part {
    fn new(table: &Table, filter: Option<Expr>) -> Part {
        let ranges = filter.as_ref().map(|found| found.ranges(&table.layout)).unwrap_or_default();
        Part { filter, ranges }
    }

    /// The keys by which its walk may seek.
    fn sought(&self) -> BTreeSet<usize> {
        self.ranges.keys().copied().filter(|position| *position < INDEXED_POSITIONS).collect()
    }
}

impl Parts {
    /// The walks that suit a filter.
    pub(crate) fn new(table: &Table, filter: Option<Expr>) -> Parts {
        let alternatives = filter.as_ref().map(Expr::alternatives).unwrap_or_default();
        let whole = Part::new(table, filter);
        let parts: Vec<Part> = alternatives.into_iter().map(|one| Part::new(table, Some(one))).collect();
        let sought: Vec<BTreeSet<usize>> = parts.iter().map(Part::sought).collect();
        let all_seek = sought.iter().all(|keys| !keys.is_empty());
        let known = whole.sought();
        let seek_more = sought.iter().any(|keys| !keys.is_subset(&known));
        Parts(if all_seek && seek_more { parts } else { vec![whole] })
    }

    /// Where the matches of a walk are; `None` when there are not so many walks.
    pub(crate) fn ranges(&self, part: usize) -> Option<&Ranges> {
        self.0.get(part).map(|part| &part.ranges)
    }

    /// Whether all that a walk meets is selected.
    pub(crate) fn takes_all(&self) -> bool {
        self.0.iter().all(|part| part.filter.is_none())
    }

    /// Whether a partition of these values is for that walk.
    pub(crate) fn selects(&self, part: usize, values: &[String]) -> Result<bool, CatalogError> {
        for (position, one) in self.0.iter().enumerate().take(part + 1) {
            let matches = match &one.filter {
                Some(filter) => filter.matches(values)?,
                None => true,
            };
            if matches {
                return Ok(position == part);
            }
        }
        Ok(false)
    }
}
