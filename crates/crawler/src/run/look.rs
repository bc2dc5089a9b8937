//! Looks at one file.

use std::sync::Arc;

use formats::{ByteSource, Format, FormatError, InferOptions, Inferred, Problem, Search, infer};
use lake::{BucketName, Key, LakeError, ObjectInfo};
use tables::LakeBytes;

use super::{Ended, Ground, Job};
use crate::error::CrawlerError;
use crate::memory::Look;
use crate::plan::Shape;

/// How many bytes of a file are searched for quotes beyond the sample that says what it is, and of all files of a run.
const SEARCHED_BYTES: (u64, u64) = (64 << 20, 1 << 30);

/// Files of one batch, and how many bytes they may have together: what costs most of a small file is to ask for it.
const BATCH: (usize, u64) = (32, 64 << 10);

/// How the files of a run are looked at.
#[derive(Debug, Clone)]
pub(crate) struct Ways {
    /// Those of the crawler's own classifiers, tried in their order before the built-in one.
    pub(crate) own: Arc<Vec<InferOptions>>,
    built_in: InferOptions,
    /// The same for a file of which it found one row alone.
    one_row: InferOptions,
}

impl Default for Ways {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Ways {
    pub(crate) fn new(own: Vec<InferOptions>) -> Self {
        let beyond = Some(Arc::new(Search::new(SEARCHED_BYTES.0, SEARCHED_BYTES.1)));
        let built_in = InferOptions { beyond, ..InferOptions::default() };
        let one_row = InferOptions { one_row: true, ..built_in.clone() };
        Self { own: Arc::new(own), built_in, one_row }
    }
}

/// What looking at a file brought.
pub(super) struct Looking {
    pub(super) look: Look,
    /// Its bytes were asked for.
    pub(super) read: bool,
    /// The same ETag would look the same again.
    pub(super) lasting: bool,
}

/// What each of some files looks like, in their order: opened in one snapshot, examined one after the other. Errors: the
/// bucket is gone, or a store does not answer, which is no fault of the files.
pub(super) async fn look_together(
    ground: &Ground,
    bucket: &BucketName,
    objects: &[&ObjectInfo],
    ways: &Ways,
) -> Result<Vec<Looking>, Ended> {
    let opened = open(ground, bucket, objects).await?;
    let facts: Vec<(bool, bool)> =
        opened.iter().map(|opened| (opened.is_ok(), opened.as_ref().is_ok_and(|(_, same)| *same))).collect();
    let inferred = match examine(opened, ways).await {
        Some(inferred) => inferred,
        // One of them brought a decoder down: which one shows when each is alone.
        None if objects.len() > 1 => {
            let mut each = Vec::with_capacity(objects.len());
            for object in objects {
                each.extend(Box::pin(look_together(ground, bucket, &[object], ways)).await?);
            }
            return Ok(each);
        }
        None => objects
            .iter()
            .map(|object| Err(failed(bucket, object, "the file could not be examined").into()))
            .collect(),
    };
    let looked = objects.iter().zip(inferred).zip(facts);
    Ok(looked.map(|((object, inferred), facts)| looking(object, inferred, facts)).collect())
}

/// Why a file is no table, and what it is if its only row is a record.
struct Unfit {
    why: Box<FormatError>,
    row: Option<Box<Inferred>>,
}

impl From<FormatError> for Unfit {
    fn from(why: FormatError) -> Self {
        Self { why: Box::new(why), row: None }
    }
}

fn looking(
    object: &ObjectInfo,
    inferred: Result<Inferred, Unfit>,
    (read, unchanged): (bool, bool),
) -> Looking {
    let (look, lasting) = match inferred {
        Ok(inferred) => {
            let remarks = inferred.problems.iter().map(ToString::to_string).collect();
            (Look::Recognised(Box::new(Shape::of(inferred, object.size)), remarks), unchanged)
        }
        Err(Unfit { why, .. }) if matches!(why.problem, Problem::Empty) => {
            (Look::Empty(why.to_string()), unchanged)
        }
        Err(Unfit { why, row }) => {
            let (kind, message) = (why.kind().to_owned(), why.to_string());
            let look = match row {
                Some(row) => Look::Lone(Box::new(Shape::of(*row, object.size)), kind, message),
                None => Look::Refused(kind, message),
            };
            (look, unchanged && !why.is_io())
        }
    };
    Looking { look, read, lasting }
}

fn failed(bucket: &BucketName, object: &ObjectInfo, why: &str) -> FormatError {
    let name = format!("s3://{}/{}", bucket.as_str(), object.key.as_str());
    FormatError::io_of(&name, std::io::Error::other(why))
}

/// A file and whether its bytes are still those that were listed.
type Opened = Result<(Arc<dyn ByteSource>, bool), FormatError>;

async fn open(ground: &Ground, bucket: &BucketName, listed: &[&ObjectInfo]) -> Result<Vec<Opened>, Ended> {
    let keys: Vec<&Key> = listed.iter().map(|object| &object.key).collect();
    let mut tx = ground.store.read().await.map_err(CrawlerError::from)?;
    let objects = ground.lake.get_many(&mut tx, bucket, &keys).await.map_err(unlisted)?;
    drop(tx);
    let mut opened = Vec::with_capacity(objects.len());
    for (listed, object) in listed.iter().zip(objects) {
        opened.push(match object {
            Ok(object) => {
                let unchanged = object.info().etag == listed.etag && object.info().size == listed.size;
                Ok((Arc::new(LakeBytes::new(bucket.as_str(), object)) as Arc<dyn ByteSource>, unchanged))
            }
            Err(error @ (LakeError::Outside { .. } | LakeError::Store(_))) => return Err(unlisted(error)),
            Err(error) => Err(failed(bucket, listed, &error.to_string())),
        });
    }
    Ok(opened)
}

/// Reads on a thread where parsing holds up nobody; none when a decoder broke down.
async fn examine(opened: Vec<Opened>, ways: &Ways) -> Option<Vec<Result<Inferred, Unfit>>> {
    let (runtime, ways) = (tokio::runtime::Handle::current(), ways.clone());
    let examined = tokio::task::spawn_blocking(move || {
        let each = opened.into_iter().map(|opened| runtime.block_on(classified(opened?.0, &ways)));
        each.collect()
    });
    examined.await.ok()
}

/// Looks at a file in the given ways, one after the other: the first that knows it says what it is. That a header of one does not
/// fit is of interest when no other one takes the file.
/// Errors: those of the built-in way; of a given one that knows the file, when the file is at fault, or has no records.
async fn classified(source: Arc<dyn ByteSource>, ways: &Ways) -> Result<Inferred, Unfit> {
    let (mut remarks, mut misfits) = (Vec::new(), Vec::new());
    for way in ways.own.iter() {
        match infer(Arc::clone(&source), way).await {
            Ok(mut inferred) => {
                inferred.problems.extend(remarks);
                return Ok(inferred);
            }
            Err(error) if error.is_io() || matches!(error.problem, Problem::Empty) => {
                return Err(error.into());
            }
            Err(error) if matches!(error.problem, Problem::Unrecognised { .. }) => {}
            Err(error) if matches!(error.problem, Problem::HeaderWidth { .. }) => misfits.push(error),
            Err(error) if holds_list(way) && matches!(error.problem, Problem::NoRecords { .. }) => {
                return Err(error.into());
            }
            Err(error) => remarks.push(error),
        }
    }
    remarks.extend(misfits);
    match infer(Arc::clone(&source), &ways.built_in).await {
        Ok(mut inferred) => {
            inferred.problems.extend(remarks);
            Ok(inferred)
        }
        // What a classifier says of it is not to be doubted.
        Err(error) if remarks.is_empty() && matches!(error.problem, Problem::NoRecords { .. }) => {
            let row = infer(source, &ways.one_row).await.ok();
            Err(Unfit { why: Box::new(error), row: row.map(Box::new) })
        }
        Err(error) => Err(remarks.into_iter().next().unwrap_or(error).into()),
    }
}

/// Whether files have their records in a list at a JSON path: the built-in way would take the whole for a record.
fn holds_list(way: &InferOptions) -> bool {
    matches!(&way.format, Some(Format::Json(json)) if json.path.is_some())
}

/// What the log says of files that `SampleSize` passed over.
pub(super) fn passed_over(bucket: &BucketName, prefix: &str, sample: u64, files: u64) -> String {
    let bucket = bucket.as_str();
    format!(
        "INFO : s3://{bucket}/{prefix}: with SampleSize {sample}, {files} files were not looked at: they are taken to be \
         like the others of their folders"
    )
}

/// A crawler may read what its account may.
pub(super) async fn own(job: &Job<'_>, bucket: &BucketName) -> Result<(), Ended> {
    let mut tx = job.ground.store.read().await.map_err(CrawlerError::from)?;
    match job.ground.lake.check_owner(&mut tx, bucket, &job.scope.account).await {
        Ok(()) => Ok(()),
        Err(error) => Err(unlisted(error)),
    }
}

/// Why a place cannot be listed.
pub(super) fn unlisted(error: LakeError) -> Ended {
    match error {
        LakeError::NoSuchBucket { bucket } => {
            Ended::Failed(format!("The specified bucket does not exist: {bucket}"))
        }
        LakeError::NotOwner { .. } => Ended::Failed(format!("Access Denied: {error}")),
        other => CrawlerError::from(other).into(),
    }
}

/// Numbers of files in batches: small files together, others alone.
pub(super) fn batches(files: impl Iterator<Item = usize>, size: impl Fn(usize) -> u64) -> Vec<Vec<usize>> {
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut bytes = 0;
    for file in files {
        bytes += size(file);
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH.0 && bytes <= BATCH.1 => batch.push(file),
            _ => {
                bytes = size(file);
                batches.push(vec![file]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_go_together_and_large_ones_alone() {
        let sizes = [10, 20, BATCH.1, 5, 5, BATCH.1 * 3, 1];
        let found = batches(0..sizes.len(), |at| sizes[at]);
        assert_eq!(found, [vec![0, 1], vec![2], vec![3, 4], vec![5], vec![6]]);
        let many = batches(0..100, |_| 1);
        assert_eq!(many.iter().map(Vec::len).collect::<Vec<_>>(), [32, 32, 32, 4]);
    }
}
