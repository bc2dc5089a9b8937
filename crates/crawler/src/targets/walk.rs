//! Looks for tables below a path: folders with a sign of their format in them.

use std::collections::BTreeSet;

use catalog::Table;
use lake::{BucketName, LakeError, ListQuery};

use super::Yield;
use crate::definition::{FoldersTarget, S3Target};
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
    /// The kind of table and, in brackets, the file: for people.
    pub(super) what: &'static str,
    /// The folder in it, with its slash.
    pub(super) folder: &'static str,
    /// The file that makes it a table, of the files of that folder.
    pub(super) file: fn(&str, Vec<Dated>) -> Option<String>,
}

/// What the walks below the paths of a target came to.
#[derive(Default)]
pub(super) struct Walked {
    /// Locations (without a slash at the end) where a table is, whether it could be described or not.
    present: BTreeSet<String>,
    /// Paths that were read to their end, with their slash.
    whole: Vec<String>,
}

/// Where a table is.
pub(super) struct Root {
    /// `s3://bucket/prefix`, without a slash at the end.
    pub(super) location: String,
    /// The file that makes it a table, `s3://bucket/key`.
    pub(super) file: String,
}

impl Walked {
    /// The tables below one of the paths of `target`; remarks and failures go to `found`.
    pub(super) async fn roots(
        &mut self,
        job: &Job<'_>,
        target: &FoldersTarget,
        path: &str,
        sign: &Sign,
        found: &mut Yield,
    ) -> Result<Vec<Root>, Ended> {
        let walk = Walk::new(job, path, &target.exclusions, target.maximum_traversal_depth)?;
        let roots = match walk.roots(sign).await? {
            Ok(roots) => roots,
            Err(why) => {
                found.failure.get_or_insert(why);
                return Ok(Vec::new());
            }
        };
        if roots.is_empty() {
            found.notes.push(format!("no {} was found below {path}", sign.what));
        }
        let bucket = format!("s3://{}", walk.bucket.as_str());
        self.whole.push(format!("{bucket}/{}", walk.top));
        let roots = roots.into_iter().map(|(folder, file)| Root {
            location: format!("{bucket}/{}", folder.trim_end_matches('/')),
            file: format!("{bucket}/{file}"),
        });
        let roots: Vec<Root> = roots.collect();
        self.present.extend(roots.iter().map(|root| root.location.clone()));
        Ok(roots)
    }

    /// Whether a table of the catalog lay below a path that was read to its end, and is not there any more.
    pub(super) fn is_gone(&self, table: &Table) -> bool {
        let Some(location) = table.location().map(|location| location.trim_end_matches('/')) else {
            return false;
        };
        let place = format!("{location}/");
        self.whole.iter().any(|path| place.starts_with(path)) && !self.present.contains(location)
    }
}

/// A walk through the folders below a path.
struct Walk<'a> {
    job: &'a Job<'a>,
    bucket: BucketName,
    /// The prefix where it begins, with its slash, or empty.
    top: String,
    exclusions: Exclusions,
    depth: usize,
}

/// Folders and files of one folder: prefixes with their slash, and files.
type Listed = (Vec<String>, Vec<Dated>);

impl<'a> Walk<'a> {
    fn new(job: &'a Job<'a>, path: &str, exclusions: &[String], depth: Option<u32>) -> Result<Self, Ended> {
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
    async fn roots(&self, sign: &Sign) -> Result<Result<Vec<(String, String)>, String>, Ended> {
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
