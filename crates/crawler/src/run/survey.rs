//! Lists a target by pages and looks at its files, a few at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use formats::{ByteSource, FormatError, InferOptions, Inferred, InferredField, Problem, infer};
use futures::StreamExt;
use lake::{BucketName, Conditions, Key, LakeError, ListQuery, ObjectInfo};

use super::{Ended, Ground, Job};
use crate::bytes_of::LakeBytes;
use crate::definition::{Configuration, S3Target};
use crate::error::CrawlerError;
use crate::exclusion::Exclusions;
use crate::plan::{Folder, Shape, TablePlan, Tree};

/// Objects per listing page.
const PAGE: usize = 1000;
/// Files looked at at the same time.
const AT_ONCE: usize = 4;

/// A table found in a target.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) bucket: BucketName,
    pub(crate) plan: TablePlan,
    pub(crate) exclusions: Vec<String>,
}

/// What the surveys of a run looked at.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    pub(crate) files: u64,
    /// Files that were left out, by the kind of reason.
    pub(crate) left_out: BTreeMap<String, u64>,
}

/// Surveys one target. Errors: its bucket or path does not exist.
pub(crate) async fn target(
    job: &Job<'_>,
    target: &S3Target,
    settings: &Configuration,
    looked: &mut Looked,
) -> Result<Vec<Found>, Ended> {
    let (bucket, path) = target.place()?;
    let mut survey = Survey {
        job,
        bucket: bucket.clone(),
        exclusions: Exclusions::new(&target.exclusions)?,
        sample: target.sample_size.map(u64::from),
        folders: BTreeMap::new(),
        files: 0,
        looked,
        fields: None,
    };
    // A path without a slash at its end is a folder, or, when there is such an object, one file.
    let folder = if path.is_empty() || path.ends_with('/') { path.clone() } else { format!("{path}/") };
    let listed = survey.walk(&folder).await?;
    let single = if listed == 0 && !path.ends_with('/') { survey.single(&path).await? } else { None };
    if let Some(shape) = single {
        let plan = TablePlan { path, shape, keys: Vec::new(), parts: Vec::new() };
        return Ok(vec![Found { bucket, plan, exclusions: Vec::new() }]);
    }
    if listed == 0 && !path.is_empty() && survey.files == 0 {
        let message =
            format!("The S3 path s3://{}/{path} does not exist or holds no objects", bucket.as_str());
        return Err(Ended::Failed(message));
    }
    let (plans, notes) = Tree::new(&folder, survey.folders, settings.table_level).tables();
    for note in notes {
        job.log.warn(format!("s3://{}/: {note}", bucket.as_str()));
    }
    // Glue's parameter gives them as whole paths.
    let exclusions: Vec<String> = target
        .exclusions
        .iter()
        .map(|pattern| format!("s3://{}/{folder}{pattern}", bucket.as_str()))
        .collect();
    Ok(plans
        .into_iter()
        .map(|plan| Found { bucket: bucket.clone(), plan, exclusions: exclusions.clone() })
        .collect())
}

struct Survey<'a> {
    job: &'a Job<'a>,
    bucket: BucketName,
    exclusions: Exclusions,
    sample: Option<u64>,
    /// By path below the target, without slashes at the ends.
    folders: BTreeMap<String, Folder>,
    /// Files of this target.
    files: u64,
    looked: &'a mut Looked,
    /// Columns of the newest file: most files have those of the one before, and share them in memory.
    fields: Option<Arc<Vec<InferredField>>>,
}

/// Whether Hive hides the key: a part of it begins with `_` or `.`.
pub(super) fn is_hidden(relative: &str) -> bool {
    relative.is_empty() || relative.ends_with('/') || relative.split('/').any(|p| p.starts_with(['_', '.']))
}

impl Survey<'_> {
    /// Goes through all objects below `folder`; returns how many there are, hidden ones included.
    async fn walk(&mut self, folder: &str) -> Result<u64, Ended> {
        let mut listed = 0;
        let mut after = None;
        loop {
            self.job.go_on()?;
            let query = ListQuery { prefix: folder.to_owned(), delimiter: None, after, limit: PAGE };
            let ground = self.job.ground;
            let mut tx = ground.store.read().await.map_err(CrawlerError::from)?;
            let page = ground.lake.list(&mut tx, &self.bucket, &query).await.map_err(|e| self.listing(e))?;
            drop(tx);
            listed += page.objects.len() as u64;
            self.page(folder, page.objects).await?;
            self.job.log.flush().await;
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(listed),
            }
        }
    }

    fn listing(&self, error: LakeError) -> Ended {
        match error {
            LakeError::NoSuchBucket { bucket } => {
                Ended::Failed(format!("The specified bucket does not exist: {bucket}"))
            }
            other => CrawlerError::from(other).into(),
        }
    }

    async fn page(&mut self, folder: &str, objects: Vec<ObjectInfo>) -> Result<(), Ended> {
        let mut chosen = Vec::new();
        for object in objects {
            let relative = object.key.as_str().strip_prefix(folder).unwrap_or_default().to_owned();
            if is_hidden(&relative) || self.exclusions.exclude(&relative) {
                continue;
            }
            self.count_file();
            let place = relative.rsplit_once('/').map_or("", |(place, _)| place).to_owned();
            if place.split('/').any(str::is_empty) && !place.is_empty() {
                self.unusable(&object.key, "its key holds an empty folder name");
                continue;
            }
            chosen.push((place, object));
        }
        let wanted: Vec<_> = chosen
            .into_iter()
            .filter_map(|(place, object)| {
                let folder = self.folders.entry(place.clone()).or_default();
                if self.sample.is_some_and(|limit| folder.recognised() + folder.pending >= limit)
                    && object.size > 0
                {
                    folder.counted = (folder.counted.0 + 1, folder.counted.1 + object.size);
                    return None;
                }
                folder.pending += 1;
                Some((place, object))
            })
            .collect();
        let (ground, bucket) = (self.job.ground.clone(), self.bucket.clone());
        let mut looked = futures::stream::iter(wanted)
            .map(|(place, object)| {
                let (ground, bucket) = (ground.clone(), bucket.clone());
                async move { (place, look(&ground, &bucket, &object.key).await, object) }
            })
            .buffered(AT_ONCE);
        let mut results = Vec::new();
        while let Some(result) = looked.next().await {
            self.job.go_on()?;
            results.push(result);
        }
        drop(looked);
        for (place, result, object) in results {
            self.take(&place, &object, result);
        }
        Ok(())
    }

    fn take(&mut self, place: &str, object: &ObjectInfo, result: Result<Inferred, FormatError>) {
        let folder = self.folders.entry(place.to_owned()).or_default();
        folder.pending = folder.pending.saturating_sub(1);
        match result {
            Ok(inferred) => {
                for problem in &inferred.problems {
                    self.job.log.warn(problem.to_string());
                }
                let mut shape = Shape::of(inferred, object.size);
                match &self.fields {
                    Some(known) if **known == *shape.fields => shape.fields = Arc::clone(known),
                    _ => self.fields = Some(Arc::clone(&shape.fields)),
                }
                folder.add(object.key.as_str().to_owned(), shape);
            }
            // Glue passes over empty files without a word; we say it.
            Err(error) if matches!(error.problem, Problem::Empty) => {
                self.job.log.info(format!("INFO : {error}, it is left out"));
            }
            Err(error) => {
                self.leave_out(error.kind());
                self.job.log.error(format!("{error}; the file is left out"));
            }
        }
    }

    fn count_file(&mut self) {
        self.files += 1;
        self.looked.files += 1;
    }

    fn leave_out(&mut self, kind: &str) {
        *self.looked.left_out.entry(kind.to_owned()).or_default() += 1;
    }

    fn unusable(&mut self, key: &Key, why: &str) {
        self.leave_out("key not usable");
        self.job.log.error(format!(
            "s3://{}/{}: {why}; the file is left out",
            self.bucket.as_str(),
            key.as_str()
        ));
    }

    /// A path that is one object.
    async fn single(&mut self, path: &str) -> Result<Option<Shape>, Ended> {
        let Ok(key) = Key::new(path) else { return Ok(None) };
        let ground = self.job.ground;
        let mut tx = ground.store.read().await.map_err(CrawlerError::from)?;
        let info = match ground.lake.head(&mut tx, &self.bucket, &key, &Conditions::default()).await {
            Ok(info) => info,
            Err(LakeError::NoSuchKey { .. }) => return Ok(None),
            Err(error) => return Err(self.listing(error)),
        };
        drop(tx);
        self.count_file();
        let result = look(ground, &self.bucket, &key).await;
        self.take("", &info, result);
        Ok(self.folders.remove("").and_then(Folder::into_only))
    }
}

/// Looks at one file, on a thread where parsing holds up nobody.
async fn look(ground: &Ground, bucket: &BucketName, key: &Key) -> Result<Inferred, FormatError> {
    let name = format!("s3://{}/{}", bucket.as_str(), key.as_str());
    let opened = async {
        let mut tx = ground.store.read().await?;
        Ok::<_, CrawlerError>(ground.lake.get(&mut tx, bucket, key, &Conditions::default()).await?)
    };
    let object = opened.await.map_err(|e| FormatError::io_of(&name, std::io::Error::other(e.to_string())))?;
    let source: Arc<dyn ByteSource> = Arc::new(LakeBytes::new(bucket.as_str(), object));
    let runtime = tokio::runtime::Handle::current();
    let looked =
        tokio::task::spawn_blocking(move || runtime.block_on(infer(source, &InferOptions::default())));
    match looked.await {
        Ok(inferred) => inferred,
        // A defect of a decoder on damaged input.
        Err(_) => Err(FormatError::io_of(&name, std::io::Error::other("the file could not be examined"))),
    }
}
