//! Records that were left out, over all scans of a session.

use std::sync::{Arc, Mutex, PoisonError};

use formats::{BadRecords, FormatError, OnBadRecord, Strictness};

use crate::{BadRecordPolicy, ScanStats};

/// A session's policy on bad records, and what came of it.
#[derive(Debug)]
pub(crate) struct BadLog {
    policy: BadRecordPolicy,
    strictness: Strictness,
    /// The counter of scans that nobody watches.
    shared: Arc<BadRecords>,
    /// The counters of scans that somebody watches, each once.
    watched: Mutex<Vec<Arc<BadRecords>>>,
}

impl BadLog {
    pub(crate) fn new(policy: BadRecordPolicy, strictness: Strictness) -> Self {
        Self { policy, strictness, shared: Arc::default(), watched: Mutex::default() }
    }

    /// Which records of delimited text are bad.
    pub(crate) fn strictness(&self) -> Strictness {
        self.strictness
    }

    /// Whether bad records are left out.
    pub(crate) fn skips(&self) -> bool {
        self.policy == BadRecordPolicy::Skip
    }

    /// What a scan does on a bad record; counted in `stats`, too, when somebody watches the scan.
    pub(crate) fn policy(&self, stats: Option<&ScanStats>) -> OnBadRecord {
        match (self.policy, stats) {
            (BadRecordPolicy::Fail, _) => OnBadRecord::Fail,
            (BadRecordPolicy::Skip, None) => OnBadRecord::Skip(Arc::clone(&self.shared)),
            (BadRecordPolicy::Skip, Some(stats)) => {
                let counter = &stats.bad_records;
                let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
                if !watched.iter().any(|known| Arc::ptr_eq(known, counter)) {
                    watched.push(Arc::clone(counter));
                }
                OnBadRecord::Skip(Arc::clone(counter))
            }
        }
    }

    pub(crate) fn count(&self) -> u64 {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.count() + watched.iter().map(|counter| counter.count()).sum::<u64>()
    }

    pub(crate) fn examples(&self) -> Vec<FormatError> {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let all = std::iter::once(&self.shared).chain(watched.iter());
        all.flat_map(|counter| counter.examples()).take(BadRecords::MAX_EXAMPLES).collect()
    }
}
