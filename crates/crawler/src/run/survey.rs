//! Lists a target by pages and looks at its files, a few at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use formats::InferredField;
use formats::hive::is_hidden;
use futures::StreamExt;
use lake::{BucketName, Conditions, Key, LakeError, ListQuery, ObjectInfo};

use super::known::Known;
use super::look::{Looking, Ways, batches, look_together, own, passed_over, unlisted};
use super::open::OpenTables;
use super::place::emptied;
pub(crate) use super::place::{Found, Place};
use super::{Ended, Job, headless};
use crate::error::CrawlerError;
use crate::exclusion::Exclusions;
use crate::memory::{Look, Memory, Seen};
use crate::plan::{Folder, Grouping, Lone, Shape};
use crate::preview::TargetReport;

/// Objects per listing page.
const PAGE: usize = 1000;
/// Batches of files looked at at the same time.
const AT_ONCE: usize = 4;

/// What the surveys of a run share: how they look at files, and what they have looked at.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    pub(crate) ways: Ways,
    pub(crate) files: u64,
    /// Of these, files whose bytes were read.
    pub(crate) read: u64,
    /// Files that were left out, by the kind of reason.
    pub(crate) left_out: BTreeMap<String, u64>,
    /// For a preview: what each file voted for.
    pub(crate) report: Option<TargetReport>,
}

/// What lies at a place.
pub(crate) struct Surveyed {
    /// The place's folder with its `/`, as a key prefix.
    pub(crate) prefix: String,
    /// By path below the prefix, without slashes at the ends.
    pub(crate) folders: BTreeMap<String, Folder>,
    /// The place is one file.
    pub(crate) single: Option<Shape>,
}

/// Lists a place and looks at its files; those in folders that `known` holds are passed over. Errors: its bucket
/// does not exist, or its path holds nothing and never did.
pub(crate) async fn look_around(
    job: &Job<'_>,
    place: &Place,
    grouping: Grouping,
    known: Option<&Known>,
    looked: &mut Looked,
) -> Result<Surveyed, Ended> {
    let path = &place.path;
    own(job, &place.bucket).await?;
    let mut survey = Survey::new(job, place, grouping, known, looked)?;
    let prefix = place.prefix();
    let listed = survey.walk(&prefix).await?;
    survey.say_passed_over();
    survey.tables.leave_out(
        job,
        &format!("s3://{}/{prefix}", place.bucket.as_str()),
        &mut survey.folders,
        survey.looked,
    );
    survey.settle_lone(&prefix).await?;
    let single = if listed == 0 && !path.ends_with('/') { survey.single(path).await? } else { None };
    if single.is_none() && listed == 0 && !path.is_empty() && survey.files == 0 {
        let bucket = place.bucket.as_str();
        let whole = format!("s3://{bucket}/{path}");
        if known.is_some() || !emptied(job, &whole).await? {
            return Err(Ended::Failed(format!("The S3 path {whole} does not exist or holds no objects")));
        }
        job.log
            .warn(format!("The S3 path {whole} holds no objects any more: its tables follow DeleteBehavior"));
    }
    Ok(Surveyed { prefix, folders: survey.folders, single })
}

/// Lists one folder (a key prefix) of a place and looks at its files; what lies there, by path below the folder. Nothing is
/// no error.
pub(crate) async fn look_below(
    job: &Job<'_>,
    place: &Place,
    folder: &str,
    grouping: Grouping,
    looked: &mut Looked,
) -> Result<BTreeMap<String, Folder>, Ended> {
    let mut survey = Survey::new(job, place, grouping, None, looked)?;
    survey.walk(folder).await?;
    survey.say_passed_over();
    survey.settle_lone(folder).await?;
    Ok(survey.folders)
}

struct Survey<'a> {
    job: &'a Job<'a>,
    bucket: BucketName,
    /// The place's folder, which exclusions are relative to.
    prefix: String,
    exclusions: Exclusions,
    sample: Option<u64>,
    grouping: Grouping,
    known: Option<&'a Known>,
    /// By path below the target, without slashes at the ends.
    folders: BTreeMap<String, Folder>,
    /// Folders that the listing may come back to.
    open: BTreeSet<String>,
    memory: Memory,
    /// Files of this target.
    files: u64,
    /// Of these, files that were not looked at because others of their folders were.
    passed_over: u64,
    /// Tables of open formats among the folders.
    tables: OpenTables,
    looked: &'a mut Looked,
    /// Columns of the newest file: most files have those of the one before, and share them in memory.
    fields: Option<Arc<Vec<InferredField>>>,
}

impl<'a> Survey<'a> {
    fn new(
        job: &'a Job<'a>,
        place: &Place,
        grouping: Grouping,
        known: Option<&'a Known>,
        looked: &'a mut Looked,
    ) -> Result<Self, CrawlerError> {
        let of = (job.scope, job.definition.name.as_str(), place.bucket.as_str());
        Ok(Self {
            job,
            bucket: place.bucket.clone(),
            prefix: place.prefix(),
            exclusions: Exclusions::new(&place.exclusions)?,
            sample: place.sample.map(u64::from),
            grouping,
            known,
            folders: BTreeMap::new(),
            open: BTreeSet::new(),
            memory: Memory::new(of, &job.ground.build, &looked.ways.own),
            files: 0,
            passed_over: 0,
            tables: OpenTables::default(),
            looked,
            fields: None,
        })
    }

    /// Goes through all objects below `folder`; returns how many there are, hidden ones included.
    async fn walk(&mut self, folder: &str) -> Result<u64, Ended> {
        let mut listed = 0;
        let mut after = None;
        loop {
            self.job.go_on()?;
            let query = ListQuery { prefix: folder.to_owned(), delimiter: None, after, limit: PAGE };
            let ground = self.job.ground;
            let mut tx = ground.store.read().await.map_err(CrawlerError::from)?;
            let page = ground.lake.list(&mut tx, &self.bucket, &query).await.map_err(unlisted)?;
            drop(tx);
            listed += page.objects.len() as u64;
            self.page(folder, page.objects, page.next.is_some()).await?;
            self.job.log.flush().await;
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(listed),
            }
        }
    }

    async fn page(&mut self, folder: &str, objects: Vec<ObjectInfo>, more: bool) -> Result<(), Ended> {
        let (Some(first), Some(last)) = (objects.first(), objects.last()) else { return Ok(()) };
        let (first, last) = (first.key.as_str().to_owned(), last.key.as_str().to_owned());
        let mut tx = self.job.ground.store.read().await.map_err(CrawlerError::from)?;
        self.memory.load(&mut tx, &first, &last).await?;
        drop(tx);
        let wanted = self.choose(folder, objects);
        let seen = self.look_at(wanted).await?;
        if !self.job.is_preview()
            && let Some(doc) = self.memory.row(&first, &seen)?
        {
            let mut tx = self.job.begin().await?;
            self.memory.store(&mut tx, &first, &last, doc).await?;
            self.job.commit(tx).await?;
        }
        self.settle(folder, last.strip_prefix(folder).unwrap_or_default(), more);
        Ok(())
    }

    /// The objects to look at, with the folders that they are in.
    fn choose(&mut self, folder: &str, objects: Vec<ObjectInfo>) -> Vec<(String, ObjectInfo)> {
        let mut wanted = Vec::with_capacity(objects.len());
        for object in objects {
            let relative = object.key.as_str().strip_prefix(folder).unwrap_or_default().to_owned();
            let below = object.key.as_str().strip_prefix(&self.prefix).unwrap_or(&relative);
            self.tables.notice(&relative);
            if is_hidden(&relative) || self.exclusions.exclude(below) {
                continue;
            }
            let place = relative.rsplit_once('/').map_or("", |(place, _)| place).to_owned();
            if self.known.is_some_and(|known| known.holds(self.bucket.as_str(), object.key.as_str())) {
                continue;
            }
            self.count_file();
            if place.split('/').any(str::is_empty) && !place.is_empty() {
                self.unusable(&object.key, "its key holds an empty folder name");
                continue;
            }
            self.open.insert(place.clone());
            let folder = self.folders.entry(place.clone()).or_default();
            if self.sample.is_some_and(|limit| folder.recognised() + folder.pending >= limit)
                && object.size > 0
            {
                folder.count(object.key.as_str(), object.size);
                self.passed_over += 1;
                continue;
            }
            folder.pending += 1;
            wanted.push((place, object));
        }
        wanted
    }

    /// Looks at files, a few at a time; what is remembered is not read. Returns what there is to remember.
    async fn look_at(&mut self, wanted: Vec<(String, ObjectInfo)>) -> Result<Vec<Seen>, Ended> {
        let recalled = wanted.iter().map(|(_, object)| {
            let known = self.memory.recall(object.key.as_str(), &object.etag, object.size);
            known.map(|look| Looking { look, read: false, lasting: true })
        });
        let mut looks: Vec<Option<Looking>> = recalled.collect();
        let new = (0..wanted.len()).filter(|at| looks[*at].is_none());
        let (ground, bucket, ways) = (self.job.ground, &self.bucket, &self.looked.ways);
        let mut looking = futures::stream::iter(batches(new, |at| wanted[at].1.size))
            .map(|batch| {
                let objects: Vec<&ObjectInfo> = batch.iter().map(|at| &wanted[*at].1).collect();
                async move { (batch, look_together(ground, bucket, &objects, ways).await) }
            })
            .buffer_unordered(AT_ONCE);
        while let Some((batch, found)) = looking.next().await {
            self.job.go_on()?;
            for (at, look) in batch.into_iter().zip(found?) {
                looks[at] = Some(look);
            }
        }
        drop(looking);
        let mut seen = Vec::with_capacity(wanted.len());
        for ((place, object), looking) in wanted.iter().zip(looks) {
            let Some(Looking { look, read, lasting }) = looking else { continue };
            self.looked.read += u64::from(read);
            if lasting {
                seen.push((object.key.as_str().to_owned(), object.etag.clone(), object.size, look.clone()));
            }
            self.take(place, object, look);
        }
        Ok(seen)
    }

    /// Keys come in order, so a folder that the listing has left is complete. `walked`: the folder that is listed.
    fn settle(&mut self, walked: &str, last: &str, more: bool) {
        let left = |place: &String| !more || !(last.starts_with(&format!("{place}/")) || place.is_empty());
        let (closed, open): (BTreeSet<String>, BTreeSet<String>) =
            std::mem::take(&mut self.open).into_iter().partition(left);
        self.open = open;
        for place in closed {
            let below = format!("{place}/");
            let is_leaf = !place.is_empty()
                // Above the level of tables every file is one.
                && !self.grouping.is_above_tables(&format!("{walked}{below}"))
                && !self
                    .folders
                    .range(below.clone()..)
                    .next()
                    .is_some_and(|(next, _)| next.starts_with(&below));
            if let Some(folder) = self.folders.get_mut(&place).filter(|_| is_leaf) {
                folder.settle(self.grouping.likeness());
            }
        }
    }

    fn take(&mut self, place: &str, object: &ObjectInfo, look: Look) {
        let folder = self.folders.entry(place.to_owned()).or_default();
        folder.pending = folder.pending.saturating_sub(1);
        let key = object.key.as_str();
        match look {
            Look::Recognised(mut shape, remarks) => {
                for remark in remarks {
                    self.job.log.warn(remark);
                }
                match &self.fields {
                    Some(known) if **known == *shape.fields => shape.fields = Arc::clone(known),
                    _ => self.fields = Some(Arc::clone(&shape.fields)),
                }
                if let Some(report) = &mut self.looked.report {
                    report.vote(key, &shape);
                }
                folder.add(key.to_owned(), *shape, self.grouping.likeness());
            }
            Look::Lone(shape, kind, why) => {
                folder.add_lone(Lone { key: key.to_owned(), shape: *shape, kind, why });
            }
            // Glue passes over empty files without a word; we say it.
            Look::Empty(message) => {
                if let Some(report) = &mut self.looked.report {
                    report.leave_out(key, &message);
                }
                self.job.log.info(format!("INFO : {message}, it is left out"));
            }
            Look::Refused(kind, message) => self.refuse(key, &kind, &message),
        }
    }

    fn refuse(&mut self, key: &str, kind: &str, message: &str) {
        if let Some(report) = &mut self.looked.report {
            report.leave_out(key, message);
        }
        self.leave_out(kind);
        self.job.unread.add(&format!("s3://{}/{key}", self.bucket.as_str()));
        self.job.log.error(format!("{message}; the file is left out"));
    }

    /// Takes in the files of one row for which the catalog's table or the files beside them say that it is a record; the others are
    /// left out. `walked`: the folder that was listed, or the file.
    async fn settle_lone(&mut self, walked: &str) -> Result<(), Ended> {
        let home = format!("s3://{}/{walked}", self.bucket.as_str());
        let likeness = self.grouping.likeness();
        let (taken, left) = headless::settle(self.job, &mut self.folders, likeness, &home).await?;
        if let Some(report) = &mut self.looked.report {
            taken.iter().for_each(|(key, shape)| report.vote(key, shape));
        }
        left.iter().for_each(|lone| self.refuse(&lone.key, &lone.kind, &lone.why));
        Ok(())
    }

    fn say_passed_over(&self) {
        let Some(sample) = self.sample.filter(|_| self.passed_over > 0) else { return };
        self.job.log.info(passed_over(&self.bucket, &self.prefix, sample, self.passed_over));
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
            Err(error) => return Err(unlisted(error)),
        };
        drop(tx);
        self.count_file();
        for looking in look_together(ground, &self.bucket, &[&info], &self.looked.ways).await? {
            self.looked.read += u64::from(looking.read);
            self.take("", &info, looking.look);
        }
        self.settle_lone(path).await?;
        Ok(self.folders.remove("").and_then(Folder::into_only))
    }
}
