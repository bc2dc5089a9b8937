//! What the machine offers, for defaults.

use std::fs;

/// Memory when it cannot be found out.
const FALLBACK_BYTES: u64 = 4 << 30;

/// Bytes of memory that this process may use: the machine's, or less when a control group says so.
pub(crate) fn memory_bytes() -> u64 {
    let total =
        fs::read_to_string("/proc/meminfo").ok().and_then(|text| mem_total(&text)).unwrap_or(FALLBACK_BYTES);
    let limit =
        fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    limit.map_or(total, |limit: u64| limit.min(total))
}

fn mem_total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// Processors that this process may use.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_meminfo() {
        assert_eq!(mem_total("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16384 * 1024));
        assert_eq!(mem_total("MemFree: 1 kB\n"), None);
        assert!(memory_bytes() > 0 && processors() > 0);
    }
}
