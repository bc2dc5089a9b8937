//! Files of the engine's spill folder, for what sorting does not hold in memory.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
    sync::Arc,
};

use datafusion::execution::{SpillFile, disk_manager::DiskManager};
use formats::order::{ReadAt, Spill};

/// Makes files that count towards what the engine may spill, and are deleted with whoever reads them.
pub(super) struct SpillFolder(pub(super) Arc<DiskManager>);

/// A file, and what deletes it.
struct Spilled {
    file: File,
    _kept: Arc<dyn SpillFile>,
}

impl Spill for SpillFolder {
    fn file(&self) -> io::Result<(Box<dyn Write + Send>, Arc<dyn ReadAt>)> {
        let made = self.0.create_tmp_file("sorting").map_err(io::Error::other)?;
        let path = made.path().ok_or_else(|| io::Error::other("a spill file has no path"))?;
        let file = File::open(path)?;
        let writer = made.open_writer().map_err(io::Error::other)?;
        Ok((Box::new(writer), Arc::new(Spilled { file, _kept: made })))
    }
}

impl ReadAt for Spilled {
    fn read_exact_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.file.read_exact_at(bytes, at)
    }
}
