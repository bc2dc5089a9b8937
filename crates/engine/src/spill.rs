//! Files for what the engine does not hold in memory. All of them together have one bound; each is deleted with the last who needs it.
//!
//! A file is open only while it is written or read. DataFusion's own stay open for as long as they live, and an exchange has a file for
//! each batch that waits in it (see `session`): there would be more of them than a process may have open.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use datafusion::{
    common::Result,
    error::DataFusionError,
    execution::{SpillFile, SpillWriter, TempFileFactory},
};
use futures::{Stream, TryFutureExt, TryStreamExt};
use tempfile::{TempDir, TempPath};
use tokio_util::io::ReaderStream;

/// Bytes that are read of a file at once.
const READ_BYTES: usize = 128 << 10;

/// A folder of its own below the engine's spill folder, deleted with the engine.
pub(crate) struct SpillFolder(Arc<Shared>);

struct Shared {
    folder: TempDir,
    most_bytes: u64,
    used_bytes: AtomicU64,
}

impl SpillFolder {
    /// A folder below `parent` whose files may hold `most_bytes` together.
    pub(crate) fn new(parent: &Path, most_bytes: u64) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("spill-").tempdir_in(parent)?;
        Ok(Self(Arc::new(Shared { folder, most_bytes, used_bytes: AtomicU64::new(0) })))
    }

    /// Bytes of all files now.
    pub(crate) fn used_bytes(&self) -> u64 {
        self.0.used_bytes.load(Ordering::Relaxed)
    }
}

impl TempFileFactory for SpillFolder {
    fn create_temp_file(&self, _description: &str) -> Result<Arc<dyn SpillFile>> {
        let path = tempfile::Builder::new().tempfile_in(self.0.folder.path())?.into_temp_path();
        Ok(Arc::new(Spilled(Arc::new(Written {
            path,
            bytes: AtomicU64::new(0),
            shared: Arc::clone(&self.0),
        }))))
    }
}

/// A file, held by whoever reads it later.
struct Spilled(Arc<Written>);

/// A file on disk and what it holds of the bound.
struct Written {
    path: TempPath,
    bytes: AtomicU64,
    shared: Arc<Shared>,
}

impl Drop for Written {
    fn drop(&mut self) {
        self.shared.used_bytes.fetch_sub(*self.bytes.get_mut(), Ordering::Relaxed);
    }
}

impl SpillFile for Spilled {
    fn path(&self) -> Option<&Path> {
        Some(&self.0.path)
    }

    fn size(&self) -> Option<u64> {
        Some(self.0.bytes.load(Ordering::Relaxed))
    }

    fn read_stream(&self) -> Result<Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>> {
        // Who reads it keeps the file.
        let path: PathBuf = self.0.path.to_path_buf();
        let opened = tokio::fs::File::open(path).map_ok(|file| ReaderStream::with_capacity(file, READ_BYTES));
        Ok(Box::pin(opened.try_flatten_stream().map_err(DataFusionError::IoError)))
    }

    fn open_writer(&self) -> Result<Box<dyn SpillWriter>> {
        let file = OpenOptions::new().append(true).open(&self.0.path)?;
        Ok(Box::new(Writer { file, written: Arc::clone(&self.0) }))
    }
}

struct Writer {
    file: File,
    written: Arc<Written>,
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Shared { most_bytes, used_bytes, .. } = &*self.written.shared;
        let length = bytes.len() as u64;
        let used = used_bytes.fetch_add(length, Ordering::Relaxed).saturating_add(length);
        if used > *most_bytes {
            used_bytes.fetch_sub(length, Ordering::Relaxed);
            return Err(io::Error::other(format!(
                "what does not fit in memory takes more than the {most_bytes} bytes of disk that there are for it: give the engine more \
                 memory (engine.memory), or it less to do at once"
            )));
        }
        self.written.bytes.fetch_add(length, Ordering::Relaxed);
        self.file.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl SpillWriter for Writer {
    fn finish(&mut self) -> Result<()> {
        // Nothing is kept back, and what a crash takes is not needed after it.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(most_bytes: u64) -> (TempDir, SpillFolder) {
        let parent = tempfile::tempdir().expect("dir");
        let folder = SpillFolder::new(parent.path(), most_bytes).expect("folder");
        (parent, folder)
    }

    fn file_of(folder: &SpillFolder, bytes: &[u8]) -> Arc<dyn SpillFile> {
        let file = folder.create_temp_file("testing").expect("file");
        file.open_writer().expect("writer").write_all(bytes).expect("written");
        file
    }

    #[tokio::test]
    async fn what_was_written_is_read_and_gone_with_its_file() {
        let (parent, folder) = folder(100);
        let file = file_of(&folder, b"spilled");
        let read: Vec<Bytes> = file.read_stream().expect("stream").try_collect().await.expect("read");
        assert_eq!(read.concat(), b"spilled");
        assert_eq!((file.size(), folder.used_bytes()), (Some(7), 7));
        let path = file.path().expect("path").to_path_buf();
        drop(file);
        assert!(!path.exists());
        assert_eq!(folder.used_bytes(), 0);
        drop(folder);
        assert_eq!(std::fs::read_dir(parent.path()).expect("parent").count(), 0);
    }

    #[test]
    fn files_share_one_bound_and_give_their_part_back() {
        let (_parent, folder) = folder(10);
        let first = file_of(&folder, b"seven b");
        let second = folder.create_temp_file("testing").expect("file");
        let full = second.open_writer().expect("writer").write_all(b"four").expect_err("full");
        assert!(full.to_string().contains("more than the 10 bytes"), "{full}");
        assert_eq!(folder.used_bytes(), 7);
        drop((first, second));
        file_of(&folder, b"ten bytes.");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn files_that_wait_are_not_open() {
        let (parent, folder) = folder(1000);
        let _files: Vec<_> = (0..50).map(|_| file_of(&folder, b"x")).collect();
        let open = std::fs::read_dir("/proc/self/fd").expect("descriptors").filter(|entry| {
            let target = std::fs::read_link(entry.as_ref().expect("entry").path());
            target.is_ok_and(|target| target.starts_with(parent.path()))
        });
        assert_eq!(open.count(), 0);
    }
}
