//! What an engine is started with.

use std::path::PathBuf;

/// Options of one engine; a process has one engine.
#[derive(Clone, Debug)]
pub struct Options {
    /// Memory that all queries and jobs together may hold in operators and open output files, in bytes.
    pub memory_bytes: usize,
    /// Folder for spill files. Created when missing; what an earlier process left there is the caller's to remove.
    pub spill_dir: PathBuf,
    /// Upper bound of all spill files together, in bytes.
    pub max_spill_bytes: u64,
    /// Worker threads, and the number of partitions that a plan aims at. At least one.
    pub threads: usize,
    /// Rows of a record batch between operators. At least one.
    pub batch_rows: usize,
}

impl Options {
    /// The defaults: half a gibibyte of memory, 64 GiB of spill, the machine's threads, 8192 rows.
    pub fn new(spill_dir: PathBuf) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { memory_bytes: 512 << 20, spill_dir, max_spill_bytes: 64 << 30, threads, batch_rows: 8192 }
    }
}
