//! What a run has done, gathered from its physical plan.

use std::{
    ops::AddAssign,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use datafusion::{
    datasource::{physical_plan::FileScanConfig, source::DataSourceExec},
    physical_plan::ExecutionPlan,
};

use formats::BadRecords;

use crate::scan::{Counters, named::NamedParquet, text::TextSource};

/// Counts of one run. Complete once its stream has ended; a lower bound before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunStats {
    /// Rows that the run returned or wrote.
    pub rows_out: u64,
    /// Rows that scans produced, after pruning inside files.
    pub rows_scanned: u64,
    /// Bytes of objects that were read.
    pub bytes_scanned: u64,
    /// Objects that the scans planned to read, after pruning partitions.
    pub files_planned: u64,
    /// Objects that were opened.
    pub files_read: u64,
    /// Partitions (of the catalog) that the scans covered, after pruning; a table without partition keys counts as one.
    pub partitions_read: u64,
    /// Records left out because they did not fit, over the whole session.
    pub bad_records: u64,
    /// Bytes written to spill files.
    pub spilled_bytes: u64,
}

impl AddAssign for RunStats {
    fn add_assign(&mut self, other: Self) {
        self.rows_out += other.rows_out;
        self.rows_scanned += other.rows_scanned;
        self.bytes_scanned += other.bytes_scanned;
        self.files_planned += other.files_planned;
        self.files_read += other.files_read;
        self.partitions_read += other.partitions_read;
        self.bad_records += other.bad_records;
        self.spilled_bytes += other.spilled_bytes;
    }
}

/// The counts of a plan and everything below it. Leaves `rows_out` and `bad_records` to the caller.
pub(crate) fn gather(plan: &Arc<dyn ExecutionPlan>) -> RunStats {
    let mut stats = RunStats::default();
    visit(plan, &mut stats);
    stats
}

fn visit(plan: &Arc<dyn ExecutionPlan>, stats: &mut RunStats) {
    if let Some(metrics) = plan.metrics() {
        stats.spilled_bytes += metrics.spilled_bytes().unwrap_or(0) as u64;
    }
    if let Some(counters) = scan_counters(plan.as_ref()) {
        let rows = plan.metrics().and_then(|metrics| metrics.output_rows()).unwrap_or(0);
        stats.rows_scanned += rows as u64 + counters.rows_left_out.load(Ordering::Relaxed);
        stats.bytes_scanned += counters.bytes.load(Ordering::Relaxed);
        stats.files_planned += counters.files_planned.load(Ordering::Relaxed);
        stats.files_read += counters.files_read.load(Ordering::Relaxed);
        stats.partitions_read += counters.partitions.load(Ordering::Relaxed);
    }
    for child in plan.children() {
        visit(child, stats);
    }
}

fn scan_counters(plan: &dyn ExecutionPlan) -> Option<Arc<Counters>> {
    let scan = plan.downcast_ref::<DataSourceExec>()?;
    let source = scan.data_source().downcast_ref::<FileScanConfig>()?.file_source();
    if let Some(text) = source.downcast_ref::<TextSource>() {
        return Some(Arc::clone(text.counters()));
    }
    source.downcast_ref::<NamedParquet>().map(|parquet| Arc::clone(parquet.counters()))
}

/// What one source has given so far, for whoever watches it while it is read.
#[derive(Debug, Default)]
pub struct ScanStats {
    /// Objects opened.
    pub files: AtomicU64,
    /// Rows read, after pruning inside files.
    pub rows: AtomicU64,
    /// Bytes read.
    pub bytes: AtomicU64,
    /// Records left out, under [`crate::BadRecordPolicy::Skip`].
    pub bad_records: Arc<BadRecords>,
}

/// What an output has taken so far, for whoever watches it while it is written.
#[derive(Debug, Default)]
pub struct WriteStats {
    /// Files ended.
    pub files: AtomicU64,
    /// Rows taken.
    pub rows: AtomicU64,
    /// Bytes of ended files.
    pub bytes: AtomicU64,
}
