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

/// How far a run is, and what is known of the rest: what the log's lines `progress` say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Progress {
    #[serde(flatten)]
    pub(crate) totals: Totals,
    #[serde(flatten)]
    pub(crate) ahead: Option<Ahead>,
}

/// What a run is to read of its sources, where all of them are files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Ahead {
    /// Files of all sources.
    files_total: u64,
    /// Their bytes.
    bytes_total: u64,
    /// For how long it is likely to go on, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_left: Option<u64>,
    /// Bytes to read by all targets, each of which reads a source anew.
    #[serde(skip)]
    to_read: u64,
    /// How many of these are read.
    #[serde(skip)]
    read: u64,
}

impl Ahead {
    /// Adds a source of so many files and bytes, which each of `readers` targets reads, of which `read` bytes are read.
    pub(crate) fn add(&mut self, (files, bytes): (u64, u64), readers: u64, read: u64) {
        self.files_total += files;
        self.bytes_total += bytes;
        self.to_read = self.to_read.saturating_add(bytes.saturating_mul(readers));
        self.read = self.read.saturating_add(read);
    }

    /// With how long the rest takes, if it goes on as it did for so many milliseconds; not known before a hundredth is read.
    pub(crate) fn after(mut self, elapsed_ms: u64) -> Self {
        let rest = self.to_read.saturating_sub(self.read);
        if self.read > 0 && self.read >= self.to_read / 100 {
            let left_ms = u128::from(elapsed_ms) * u128::from(rest) / u128::from(self.read);
            self.seconds_left = u64::try_from(left_ms.div_ceil(1_000)).ok();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_what_is_read_did() {
        let mut ahead = Ahead::default();
        ahead.add((2, 1_000), 2, 500);
        assert_eq!(ahead.after(3_000).seconds_left, Some(9));
        ahead.add((1, 500), 1, 0);
        let after = ahead.after(3_000);
        assert_eq!((after.files_total, after.bytes_total, after.seconds_left), (3, 1_500, Some(12)));
        ahead.add((1, 1_000_000), 1, 0);
        assert_eq!(ahead.after(3_000).seconds_left, None);
        assert_eq!(Ahead::default().after(3_000).seconds_left, None);
    }
}
