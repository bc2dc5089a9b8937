//! Rows and bytes of a run while it goes on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::LogicalPlan;
use engine::{ScanStats, WriteStats};
use formats::BadRecords;

use super::rejects::Rejects;
use crate::progress::{Ahead, Progress, Totals};

/// The counts of one run, filled by the engine and read by whoever watches.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    sources: Mutex<Vec<Arc<SourceCount>>>,
    targets: Mutex<Vec<Arc<WriteStats>>>,
}

/// One source of a run. Each target that needs it reads it anew, so its counts are those of the target that has read
/// the most of it.
#[derive(Debug)]
pub(crate) struct SourceCount {
    /// Kind, id and name.
    pub(crate) name: String,
    /// The node's id.
    pub(crate) node: String,
    /// Keeps its bad records, when they are to be kept.
    rejects: Option<Arc<Rejects>>,
    /// Files and bytes of the objects that are to be read. Pieces of a file are read with some overlap, and its footer
    /// for each of them; what the source gave is no more than it has.
    most: (AtomicU64, AtomicU64),
    /// How many targets are to read it.
    readers: AtomicU64,
    /// Whether it is a table of a database.
    is_database: AtomicBool,
    readings: Mutex<Vec<Arc<Reading>>>,
}

/// A source as one target reads it.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// What all scans of the source in the target's plan have read together.
    pub(crate) stats: Arc<ScanStats>,
    /// How many these are; none while it is planned.
    pub(crate) scans: AtomicU64,
}

/// Counts of one source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) files: u64,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) bad_records: u64,
}

impl SourceCount {
    /// Counts for one more target.
    pub(crate) fn reading(&self) -> Arc<Reading> {
        let bad_records = match &self.rejects {
            Some(rejects) => BadRecords::with_sink(Arc::<Rejects>::clone(rejects)),
            None => BadRecords::default(),
        };
        let stats = Arc::new(ScanStats { bad_records: Arc::new(bad_records), ..ScanStats::default() });
        let reading = Arc::new(Reading { stats, scans: AtomicU64::default() });
        self.lock().push(Arc::clone(&reading));
        reading
    }

    /// The bad records that were kept.
    pub(crate) fn rejects(&self) -> Option<&Rejects> {
        self.rejects.as_deref()
    }

    /// Notes how many targets are to read it.
    pub(crate) fn is_read_by(&self, targets: usize) {
        self.readers.store(targets as u64, Ordering::Relaxed);
    }

    /// Notes what there is to read.
    pub(crate) fn holds(&self, files: u64, bytes: u64) {
        self.most.0.store(files, Ordering::Relaxed);
        self.most.1.store(bytes, Ordering::Relaxed);
    }

    /// Notes that it is a table of a database.
    pub(crate) fn is_of_database(&self) {
        self.is_database.store(true, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> Counts {
        let mut most = Counts::default();
        let (files, bytes) = (self.most.0.load(Ordering::Relaxed), self.most.1.load(Ordering::Relaxed));
        for reading in self.lock().iter() {
            let (stats, scans) = (&reading.stats, reading.scans.load(Ordering::Relaxed).max(1));
            // Objects that were listed once for all scans count once, however many of these read them.
            let openings = if files == u64::MAX { scans } else { 1 };
            most.files = most.files.max(stats.files.load(Ordering::Relaxed) / openings);
            most.rows = most.rows.max(stats.rows.load(Ordering::Relaxed) / scans);
            most.bytes = most.bytes.max(stats.bytes.load(Ordering::Relaxed) / openings);
            most.bad_records = most.bad_records.max(stats.bad_records.count() / scans);
        }
        Counts { files: most.files.min(files), bytes: most.bytes.min(bytes), ..most }
    }

    /// The first bad records, with file and line.
    pub(crate) fn examples(&self) -> Vec<String> {
        let readings = self.lock();
        let most = readings.iter().max_by_key(|reading| reading.stats.bad_records.count());
        most.map(|reading| reading.stats.bad_records.examples().iter().map(ToString::to_string).collect())
            .unwrap_or_default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Reading>>> {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counters {
    /// Adds a source: how it is called, its node's id, and what keeps its bad records.
    pub(crate) fn source(
        &self,
        name: String,
        node: String,
        rejects: Option<Arc<Rejects>>,
    ) -> Arc<SourceCount> {
        let source = Arc::new(SourceCount {
            name,
            node,
            rejects,
            most: Default::default(),
            readers: AtomicU64::new(1),
            is_database: AtomicBool::default(),
            readings: Mutex::default(),
        });
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&source));
        source
    }

    /// Adds a target.
    pub(crate) fn target(&self) -> Arc<WriteStats> {
        let stats = Arc::new(WriteStats::default());
        self.targets.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&stats));
        stats
    }

    /// Forgets what was read and written so far, because all of it is done anew.
    pub(crate) fn begin_again(&self) {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner).clear();
        for source in self.sources() {
            source.lock().clear();
            if let Some(rejects) = source.rejects() {
                rejects.begin_again();
            }
        }
    }

    /// Whether anything is read by this process.
    pub(crate) fn has_sources(&self) -> bool {
        !self.sources().is_empty()
    }

    /// Bytes read so far of objects, not of tables of databases.
    pub(crate) fn object_bytes_in(&self) -> u64 {
        let sources = self.sources();
        let of_objects = sources.iter().filter(|source| !source.is_database.load(Ordering::Relaxed));
        of_objects.map(|source| source.counts().bytes).sum()
    }

    /// The sources in the order they were added.
    pub(crate) fn sources(&self) -> Vec<Arc<SourceCount>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The counts so far, of a run that has been executed for so many milliseconds.
    pub(crate) fn progress(&self, elapsed_ms: u64) -> Progress {
        Progress { totals: self.totals(), ahead: self.ahead().map(|ahead| ahead.after(elapsed_ms)) }
    }

    /// What the sources have; `None` when that is not known of all, or there are none.
    fn ahead(&self) -> Option<Ahead> {
        let mut ahead = None;
        for source in self.sources() {
            let (files, bytes) =
                (source.most.0.load(Ordering::Relaxed), source.most.1.load(Ordering::Relaxed));
            if files == u64::MAX {
                return None;
            }
            let read = source
                .lock()
                .iter()
                .map(|reading| reading.stats.bytes.load(Ordering::Relaxed).min(bytes))
                .sum();
            let readers = source.readers.load(Ordering::Relaxed);
            ahead.get_or_insert_with(Ahead::default).add((files, bytes), readers, read);
        }
        ahead
    }

    /// The counts so far.
    pub(crate) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for source in self.sources() {
            let counts = source.counts();
            totals.files_in += counts.files;
            totals.rows_in += counts.rows;
            totals.bytes_in += counts.bytes;
            totals.bad_records += counts.bad_records;
        }
        for target in self.targets.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            totals.files_out += target.files.load(Ordering::Relaxed);
            totals.rows_out += target.rows.load(Ordering::Relaxed);
            totals.bytes_out += target.bytes.load(Ordering::Relaxed);
        }
        totals
    }
}

/// How often a plan has the scan of a source, which a join or a subquery may repeat.
pub(super) fn scans_of(source: &LogicalPlan, plan: &LogicalPlan) -> datafusion::error::Result<u64> {
    let mut tables = Vec::new();
    source.apply(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            tables.push(Arc::clone(&scan.source));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let mut scans = 0;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && tables.iter().any(|table| Arc::ptr_eq(table, &scan.source))
        {
            scans += 1;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(scans)
}
