//! How far a run is: rows and bytes in and out.

use serde::{Deserialize, Serialize};

/// Counts of a run, so far or at its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// Rows read by all sources.
    pub rows_in: u64,
    /// Bytes read by all sources, as stored (compressed).
    pub bytes_in: u64,
    /// Files read by all sources.
    pub files_in: u64,
    /// Malformed records left out.
    pub bad_records: u64,
    /// Rows written by all targets.
    pub rows_out: u64,
    /// Bytes written by all targets.
    pub bytes_out: u64,
    /// Files written by all targets.
    pub files_out: u64,
}

impl Totals {
    /// The larger of both, count by count.
    pub(crate) fn or_more(self, other: Self) -> Self {
        Self {
            rows_in: self.rows_in.max(other.rows_in),
            bytes_in: self.bytes_in.max(other.bytes_in),
            files_in: self.files_in.max(other.files_in),
            bad_records: self.bad_records.max(other.bad_records),
            rows_out: self.rows_out.max(other.rows_out),
            bytes_out: self.bytes_out.max(other.bytes_out),
            files_out: self.files_out.max(other.files_out),
        }
    }
}
