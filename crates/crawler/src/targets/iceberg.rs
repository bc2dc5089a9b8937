//! Iceberg targets: the tables below some paths, each registered by its newest metadata file.
//!
//! A folder with `metadata/<version>….metadata.json` is a table; nothing deeper in it is looked at. The file with the
//! highest version in its name is the newest (of several, the one that was written last). Whoever writes to the table
//! otherwise than through this catalog makes a new file, and the next crawl moves the catalog on to it. A table that is
//! in the catalog already, and not by a crawler, is left to its own commits.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use catalog::{CatalogError, Table, table};
use lake::{BucketName, LakeError, ListQuery};
use tables::{Tables, TablesError};

use super::{Described, LABELLED, Target, Yield};
use crate::definition::{IcebergTarget, S3Target};
use crate::error::CrawlerError;
use crate::exclusion::Exclusions;
use crate::run::{Ended, Job, UPDATED_BY};
use crate::words::named_some;

/// Levels of folders when the target does not say.
const DEFAULT_DEPTH: usize = 10;
/// Entries of a page.
const PAGE: usize = 1_000;
const METADATA_FOLDER: &str = "metadata/";

/// An Iceberg target.
pub(crate) struct Iceberg {
    target: IcebergTarget,
    /// Locations (without a slash at the end) where a table is, whether it could be described or not.
    present: BTreeSet<String>,
    /// Paths that were read to their end.
    whole: Vec<String>,
}

impl Iceberg {
    pub(crate) fn new(target: IcebergTarget) -> Self {
        Self { target, present: BTreeSet::new(), whole: Vec::new() }
    }

    /// One path. Errors: it cannot be listed.
    async fn path(
        &mut self,
        job: &Job<'_>,
        path: &str,
        managed: &BTreeMap<String, String>,
        found: &mut Yield,
    ) -> Result<(), Ended> {
        let (bucket, prefix) = S3Target { path: path.to_owned(), ..S3Target::default() }.place()?;
        let prefix = match prefix.trim_end_matches('/') {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        let walk = Walk {
            job,
            bucket,
            exclusions: Exclusions::new(&self.target.exclusions)?,
            depth: self.target.maximum_traversal_depth.map_or(DEFAULT_DEPTH, |depth| depth as usize),
        };
        let roots = match walk.roots(&prefix).await? {
            Ok(roots) => roots,
            Err(why) => {
                found.failure.get_or_insert(why);
                return Ok(());
            }
        };
        if roots.is_empty() {
            found.notes.push(format!("no Iceberg table (metadata/*.metadata.json) was found below {path}"));
        }
        for (root, newest) in roots {
            job.go_on()?;
            let location = format!("s3://{}/{}", walk.bucket.as_str(), root.trim_end_matches('/'));
            let file = format!("s3://{}/{newest}", walk.bucket.as_str());
            self.present.insert(location.clone());
            match managed.get(&location) {
                Some(name) => found.notes.push(format!(
                    "{location}: table {name} of the catalog is here, which no crawler made: it is left to its own commits"
                )),
                None => match describe(job, &location, &file).await? {
                    Ok(table) => found.tables.push(table),
                    Err(why) => found.left_out.push((location, why)),
                },
            }
        }
        self.whole.push(format!("s3://{}/{prefix}", walk.bucket.as_str()));
        Ok(())
    }
}

#[async_trait]
impl Target for Iceberg {
    fn label(&self) -> String {
        format!("Iceberg tables below {}", named_some(&self.target.paths, LABELLED))
    }

    async fn survey(&mut self, job: &Job<'_>) -> Result<Yield, Ended> {
        let managed = managed(job).await?;
        let mut found = Yield::default();
        for path in self.target.paths.clone() {
            self.path(job, &path, &managed, &mut found).await?;
        }
        Ok(found)
    }

    fn is_gone(&self, table: &Table) -> bool {
        let Some(location) = table.location().filter(|_| tables::is_iceberg(table)) else { return false };
        let place = format!("{}/", location.trim_end_matches('/'));
        self.whole.iter().any(|path| place.starts_with(path))
            && !self.present.contains(place.trim_end_matches('/'))
    }
}

struct Walk<'a> {
    job: &'a Job<'a>,
    bucket: BucketName,
    exclusions: Exclusions,
    depth: usize,
}

/// Folders and files of one folder: prefixes with their slash, keys with the time they were written.
type Listed = (Vec<String>, Vec<(String, i64)>);

impl Walk<'_> {
    /// The tables below a prefix, each with the key of its newest metadata. The inner error: the bucket cannot be listed.
    async fn roots(&self, top: &str) -> Result<Result<Vec<(String, String)>, String>, Ended> {
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
            let metadata = format!("{folder}{METADATA_FOLDER}");
            if below.contains(&metadata) {
                let (_, files) = match self.list(&metadata).await? {
                    Ok(listed) => listed,
                    Err(why) => return Ok(Err(why)),
                };
                if let Some(newest) = newest(&metadata, files) {
                    if !self.exclusions.exclude(newest.strip_prefix(top).unwrap_or_default()) {
                        found.push((folder, newest));
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

/// The newest metadata file of a folder.
fn newest(folder: &str, files: Vec<(String, i64)>) -> Option<String> {
    let versions = files.into_iter().filter_map(|(key, written_ms)| {
        let version = version(key.strip_prefix(folder)?)?;
        Some((version, written_ms, key))
    });
    versions.max().map(|(_, _, key)| key)
}

/// The version in the name of a metadata file: `v3.metadata.json`, `00003-….metadata.json`, either compressed.
pub(crate) fn version(name: &str) -> Option<u64> {
    let endings = [".gz.metadata.json", ".metadata.json.gz", ".metadata.json"];
    let stem = endings.iter().find_map(|ending| name.strip_suffix(ending))?;
    let number = match stem.strip_prefix('v') {
        Some(number) => number,
        None => stem.split_once('-')?.0,
    };
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok()).flatten()
}

/// The table; the inner error says why it cannot be described.
async fn describe(job: &Job<'_>, location: &str, file: &str) -> Result<Result<Described, String>, Ended> {
    let ground = job.ground;
    let tables = Tables::new(ground.store.clone(), ground.lake.clone());
    let mut tx = ground.store.read().await.map_err(CrawlerError::from)?;
    let mut input = match tables.describe(&mut tx, job.scope, file).await {
        Ok(input) => input,
        Err(TablesError::Store(error)) => return Err(CrawlerError::from(error).into()),
        Err(TablesError::Lake(error)) => return Err(CrawlerError::from(error).into()),
        Err(error) => return Ok(Err(error.to_string())),
    };
    for column in input.storage_descriptor.iter_mut().flat_map(|found| found.columns.iter_mut().flatten()) {
        column.name = column.name.to_lowercase();
    }
    let own = input.storage_descriptor.as_ref().and_then(|found| found.location.as_deref());
    let own = own.unwrap_or_default().replacen("s3a://", "s3://", 1).replacen("s3n://", "s3://", 1);
    if own.trim_end_matches('/') != location {
        return Ok(Err(format!("its metadata says that the table is at {own}: it was copied or moved")));
    }
    let parameters = input.parameters.get_or_insert_default();
    for (name, value) in [
        ("CrawlerSchemaDeserializerVersion", "1.0"),
        ("CrawlerSchemaSerializerVersion", "1.0"),
        ("EXTERNAL", "TRUE"),
        ("classification", "iceberg"),
        (UPDATED_BY, job.definition.name.as_str()),
    ] {
        parameters.insert(name.to_owned(), value.to_owned());
    }
    Ok(Ok(Described {
        name: location.rsplit('/').next().unwrap_or_default().to_owned(),
        path: location.to_owned(),
        input,
        facts: vec![format!("its newest metadata is {file}")],
        notes: Vec::new(),
    }))
}

/// Iceberg tables of the crawler's database that no crawler made, by location.
async fn managed(job: &Job<'_>) -> Result<BTreeMap<String, String>, Ended> {
    let mut found = BTreeMap::new();
    let mut token: Option<String> = None;
    loop {
        job.go_on()?;
        let mut tx = job.ground.store.read().await.map_err(CrawlerError::from)?;
        let query = table::TableQuery { pattern: None, token: token.as_deref(), limit: PAGE };
        let page = match table::list(&mut tx, job.scope, job.database(), &query).await {
            Ok(page) => page,
            Err(CatalogError::DatabaseNotFound { .. }) => return Ok(found),
            Err(error) => return Err(CrawlerError::from(error).into()),
        };
        for table in page.items {
            if tables::is_iceberg(&table)
                && table.parameter(UPDATED_BY).is_none()
                && let Some(location) = table.location()
            {
                found.insert(location.trim_end_matches('/').to_owned(), table.name.clone());
            }
        }
        match page.next {
            Some(next) => token = Some(next),
            None => return Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_version_is_the_newest() {
        assert_eq!(version("v12.metadata.json"), Some(12));
        assert_eq!(version("00003-aa-bb.gz.metadata.json"), Some(3));
        assert_eq!(version("v3.metadata.json.gz"), Some(3));
        for name in ["x.metadata.json", "00003.metadata.json", "v.json", "snap-1.avro", "v1x.metadata.json"] {
            assert_eq!(version(name), None, "{name}");
        }
        let files =
            [("m/00009-a.metadata.json", 9), ("m/00010-b.metadata.json", 3), ("m/00010-a.metadata.json", 4)];
        let files = files.map(|(key, ms)| (key.to_owned(), ms)).to_vec();
        assert_eq!(newest("m/", files).as_deref(), Some("m/00010-a.metadata.json"));
    }
}
