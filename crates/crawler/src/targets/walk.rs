//! Looks for tables below a path: folders with a sign of their format in them.

use lake::{BucketName, LakeError, ListQuery};

use crate::definition::S3Target;
use crate::error::CrawlerError;
use crate::exclusion::Exclusions;
use crate::run::{Ended, Job};

/// Levels of folders when the target does not say.
const DEFAULT_DEPTH: usize = 10;
/// Entries of a page.
const PAGE: usize = 1_000;

/// The key of a file, and when it was written, epoch milliseconds.
pub(super) type Dated = (String, i64);

/// What tells a table from other folders.
pub(super) struct Sign {
    /// The folder in it, with its slash.
    pub(super) folder: &'static str,
    /// The file that makes it a table, of the files of that folder.
    pub(super) file: fn(&str, Vec<Dated>) -> Option<String>,
}

/// A walk through the folders below a path.
pub(super) struct Walk<'a> {
    job: &'a Job<'a>,
    pub(super) bucket: BucketName,
    /// The prefix where it begins, with its slash, or empty.
    pub(super) top: String,
    exclusions: Exclusions,
    depth: usize,
}

/// Folders and files of one folder: prefixes with their slash, and files.
type Listed = (Vec<String>, Vec<Dated>);

impl<'a> Walk<'a> {
    pub(super) fn new(
        job: &'a Job<'a>,
        path: &str,
        exclusions: &[String],
        depth: Option<u32>,
    ) -> Result<Self, Ended> {
        let (bucket, prefix) = S3Target { path: path.to_owned(), ..S3Target::default() }.place()?;
        let top = match prefix.trim_end_matches('/') {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        let exclusions = Exclusions::new(exclusions)?;
        Ok(Self { job, bucket, top, exclusions, depth: depth.map_or(DEFAULT_DEPTH, |depth| depth as usize) })
    }

    /// The tables, each by its prefix with its slash, with the key of the file that makes it one; nothing deeper in a table is
    /// looked at. The inner error: the bucket cannot be listed.
    pub(super) async fn roots(&self, sign: &Sign) -> Result<Result<Vec<(String, String)>, String>, Ended> {
        let top = self.top.as_str();
        let mut found = Vec::new();
        let mut folders = vec![(top.to_owned(), 1)];
        while let Some((folder, depth)) = folders.pop() {
            self.job.go_on()?;
            let relative = folder.strip_prefix(top).unwrap_or_default();
            if !relative.is_empty() && self.is_excluded(relative) {
                continue;
            }
            let (below, _) = match self.list(&folder).await? {
                Ok(listed) => listed,
                Err(why) => return Ok(Err(why)),
            };
            let inner = format!("{folder}{}", sign.folder);
            if below.contains(&inner) {
                let (_, files) = match self.list(&inner).await? {
                    Ok(listed) => listed,
                    Err(why) => return Ok(Err(why)),
                };
                if let Some(file) = (sign.file)(&inner, files) {
                    if !self.exclusions.exclude(file.strip_prefix(top).unwrap_or_default()) {
                        found.push((folder, file));
                    }
                    continue;
                }
            }
            if depth < self.depth {
                folders.extend(below.into_iter().map(|folder| (folder, depth + 1)));
            }
        }
        found.sort();
        Ok(Ok(found))
    }

    fn is_excluded(&self, folder: &str) -> bool {
        self.exclusions.exclude(folder) || self.exclusions.exclude(folder.trim_end_matches('/'))
    }

    async fn list(&self, folder: &str) -> Result<Result<Listed, String>, Ended> {
        let (mut folders, mut files) = (Vec::new(), Vec::new());
        let mut after = None;
        loop {
            let query =
                ListQuery { prefix: folder.to_owned(), delimiter: Some("/".to_owned()), after, limit: PAGE };
            let ground = self.job.ground;
            let mut tx = ground.store.read().await.map_err(CrawlerError::from)?;
            let page = match ground.lake.list(&mut tx, &self.bucket, &query).await {
                Ok(page) => page,
                Err(LakeError::NoSuchBucket { bucket }) => {
                    return Ok(Err(format!("The specified bucket does not exist: {bucket}")));
                }
                Err(error) => return Err(CrawlerError::from(error).into()),
            };
            folders.extend(page.common_prefixes);
            files.extend(page.objects.into_iter().map(|o| (o.key.as_str().to_owned(), o.last_modified_ms)));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(Ok((folders, files))),
            }
        }
    }
}
