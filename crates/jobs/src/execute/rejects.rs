//! Bad records that a run leaves out and keeps: JSON lines below `--bad-records-path`, part of the run's one transaction.
//!
//! While the run reads, the lines of a source go to a file of this process, without a name, where spill files are. A record
//! that several targets or scans meet is kept once, and no more of a source than `--max-bad-records`: a run that has more fails.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use formats::{BadRecordSink, FormatError};
use futures::stream;
use lake::{BucketName, Key, LakeError, Meta, Staged, UploadChecks};
use serde::Serialize;
use store::Tx;

use super::{RunFailure, Task};
use crate::JobsError;
use crate::graph::S3Path;

/// Bytes of a record that are kept, at most.
const MAX_TEXT_BYTES: usize = 64 << 10;
/// Bytes that go to the lake at a time.
const PIECE_BYTES: usize = 1 << 20;

/// The bad records of one source.
#[derive(Debug)]
pub(crate) struct Rejects {
    folder: PathBuf,
    most: u64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    file: Option<BufWriter<File>>,
    /// File and place of each record that is here.
    known: HashSet<(u32, u64)>,
    files: HashMap<String, u32>,
    failure: Option<io::Error>,
}

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// Where the record begins in the (decompressed) file.
    #[serde(skip_serializing_if = "Option::is_none")]
    byte: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<&'a str>,
    reason: String,
    text: String,
}

impl Rejects {
    /// Keeps nothing yet, and at most so many. `folder` is where files may be made.
    pub(crate) fn new(folder: PathBuf, most: u64) -> Self {
        Self { folder, most, kept: Mutex::default() }
    }

    /// Forgets what was kept: everything is read anew.
    pub(crate) fn begin_again(&self) {
        *self.lock() = Kept::default();
    }

    /// What was kept, from its start, and how many records that are; `None` when there are none.
    fn finish(&self) -> io::Result<Option<(File, usize)>> {
        let Kept { file, known, failure, .. } = std::mem::take(&mut *self.lock());
        if let Some(failure) = failure {
            return Err(failure);
        }
        let Some(file) = file else { return Ok(None) };
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(Some((file, known.len())))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BadRecordSink for Rejects {
    fn take(&self, error: &FormatError, text: &[u8]) {
        let mut kept = self.lock();
        if kept.failure.is_none()
            && let Err(failure) = kept.add((&*self.folder, self.most), error, text)
        {
            kept.failure = Some(failure);
        }
    }
}

impl Kept {
    fn add(&mut self, (folder, most): (&Path, u64), error: &FormatError, text: &[u8]) -> io::Result<()> {
        let place = &error.place;
        let next = u32::try_from(self.files.len()).map_err(io::Error::other)?;
        let number = *self.files.entry(place.source.clone()).or_insert(next);
        // Rows are counted from where a reader has begun; files that are read by rows have no bytes to speak of.
        let at = place.offset.or(place.row).unwrap_or_default();
        if !self.known.insert((number, at)) {
            return Ok(());
        }
        if self.known.len() as u64 > most {
            return Err(io::Error::other(format!("there are more than the {most} of --max-bad-records")));
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(BufWriter::new(tempfile::tempfile_in(folder)?)),
        };
        serde_json::to_writer(&mut *file, &line(error, text))?;
        file.write_all(b"\n")
    }
}

fn line<'a>(error: &'a FormatError, text: &[u8]) -> Line<'a> {
    let place = &error.place;
    // The break that ends a line is none of the record.
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let mut shown = String::from_utf8_lossy(&text[..text.len().min(MAX_TEXT_BYTES)]).into_owned();
    if text.len() > MAX_TEXT_BYTES {
        shown.push('…');
    }
    Line {
        file: &place.source,
        line: place.line,
        byte: place.offset,
        column: place.column.as_deref(),
        reason: error.problem.to_string(),
        text: shown,
    }
}

/// The lines of one source, staged.
pub(super) struct StagedRejects {
    bucket: BucketName,
    key: Key,
    staged: Staged,
    /// What the log says.
    told: String,
}

/// Fails a run before it reads when the bucket is not there that its bad records are to go to.
pub(super) async fn check(task: &Task<'_>) -> Result<(), RunFailure> {
    let Some(path) = &task.options.bad_records_path else { return Ok(()) };
    let mut tx = task.context.store.read().await?;
    let found = task.context.lake.bucket(&mut tx, &bucket(path)?).await;
    found.map(|_| ()).map_err(|error| failed(path, error))
}

/// Stages what was kept of all sources.
pub(super) async fn stage(task: &Task<'_>) -> Result<Vec<StagedRejects>, RunFailure> {
    let Some(path) = &task.options.bad_records_path else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for source in task.counters.sources() {
        let Some(rejects) = source.rejects() else { continue };
        let kept =
            rejects.finish().map_err(|error| failed(path, LakeError::io("keeping a bad record", error)))?;
        let Some((file, records)) = kept else { continue };
        let slash = if path.prefix.is_empty() || path.prefix.ends_with('/') { "" } else { "/" };
        let key = format!("{}{slash}{}/{}.json", path.prefix, task.run.id, source.node);
        let told = format!("{}: {records} bad records are in s3://{}/{key}", source.name, path.bucket);
        let key = Key::new(&key).map_err(|error| failed(path, error))?;
        let staged = task.context.lake.stage_stream(pieces(file), UploadChecks::default()).await;
        let staged = staged.map_err(|error| failed(path, error))?;
        all.push(StagedRejects { bucket: bucket(path)?, key, staged, told });
    }
    Ok(all)
}

/// Makes the lines visible with the transaction; what to log of it.
pub(super) async fn publish(
    task: &Task<'_>,
    tx: &mut Tx,
    staged: Vec<StagedRejects>,
    lines: &mut Vec<String>,
) -> Result<(), RunFailure> {
    let Some(path) = &task.options.bad_records_path else { return Ok(()) };
    for StagedRejects { bucket, key, staged, told } in staged {
        let object = (key, staged, Meta::of_type("application/json"));
        let put = task.context.lake.put_many(tx, &bucket, vec![object]).await;
        put.map_err(|error| failed(path, error))?;
        lines.push(told);
    }
    Ok(())
}

/// The bytes of a file. Blocks for as long as a disk takes for a piece.
fn pieces(file: File) -> impl futures::Stream<Item = io::Result<bytes::Bytes>> + Unpin {
    Box::pin(stream::try_unfold(file, |mut file| async move {
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            io::Read::read_to_end(&mut io::Read::take(&mut file, PIECE_BYTES as u64), &mut piece)?;
            Ok::<_, io::Error>((piece, file))
        });
        let (piece, file) = read.await.map_err(io::Error::other)??;
        Ok((!piece.is_empty()).then(|| (piece.into(), file)))
    }))
}

fn bucket(path: &S3Path) -> Result<BucketName, RunFailure> {
    BucketName::new(&path.bucket).map_err(|error| failed(path, error))
}

fn failed(path: &S3Path, error: LakeError) -> RunFailure {
    match error {
        LakeError::Store(error) => RunFailure::Store(error),
        LakeError::NoSuchBucket { bucket } => {
            let what = format!("--bad-records-path {path}: bucket {bucket} does not exist");
            RunFailure::Jobs(JobsError::invalid(what))
        }
        error => RunFailure::Jobs(JobsError::invalid(format!("--bad-records-path {path}: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use formats::{Place, Problem};

    use super::*;

    fn bad(offset: u64) -> FormatError {
        let place = Place {
            source: "s3://b/a.csv".to_owned(),
            line: Some(2),
            offset: Some(offset),
            ..Place::default()
        };
        FormatError { place: Box::new(place), problem: Problem::FieldCount { expected: 2, found: 1 } }
    }

    #[test]
    fn a_record_is_kept_once_and_cut() {
        let folder = tempfile::tempdir().unwrap();
        let rejects = Rejects::new(folder.path().to_owned(), 2);
        assert!(rejects.finish().unwrap().is_none());
        for offset in [5, 5, 9] {
            BadRecordSink::take(&rejects, &bad(offset), &b"\xffa".repeat(MAX_TEXT_BYTES));
        }
        let (mut file, records) = rejects.finish().unwrap().unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((records, lines.len()), (2, 2));
        assert_eq!(lines[1]["byte"], 9);
        assert_eq!((&lines[0]["file"], &lines[0]["line"]), (&"s3://b/a.csv".into(), &2.into()));
        assert_eq!(lines[0]["reason"], "expected 2 fields, found 1");
        let shown = lines[0]["text"].as_str().unwrap();
        assert!(shown.starts_with("\u{fffd}a") && shown.ends_with('…'));
        assert_eq!(shown.chars().count(), MAX_TEXT_BYTES + 1);
        assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "the file has no name");
    }

    #[test]
    fn what_cannot_be_kept_fails_the_run_at_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let rejects = Rejects::new(folder.path().join("gone"), 9);
        BadRecordSink::take(&rejects, &bad(1), b"x");
        assert!(rejects.finish().is_err());
        BadRecordSink::take(&rejects, &bad(1), b"x");
        rejects.begin_again();
        assert!(rejects.finish().unwrap().is_none());
        let few = Rejects::new(folder.path().to_owned(), 1);
        (1..3).for_each(|offset| BadRecordSink::take(&few, &bad(offset), b"x"));
        assert!(few.finish().unwrap_err().to_string().contains("more than the 1 of --max-bad-records"));
    }
}
