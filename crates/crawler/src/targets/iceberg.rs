//! Iceberg targets: the tables below some paths, each registered by its newest metadata file.
//!
//! A folder with `metadata/<version>….metadata.json` is a table; nothing deeper in it is looked at. The file with the
//! highest version in its name is the newest (of several, the one that was written last). Whoever writes to the table
//! otherwise than through this catalog makes a new file, and the next crawl moves the catalog on to it. A table that is
//! in the catalog already, and not by a crawler, is left to its own commits.

use std::collections::BTreeMap;

use async_trait::async_trait;
use catalog::{CatalogError, Table, table};
use tables::{Tables, TablesError};

use super::walk::{Dated, Root, Sign, Walked};
use super::{Described, LABELLED, Target, Yield};
use crate::definition::FoldersTarget;
use crate::error::CrawlerError;
use crate::run::{Ended, Job, UPDATED_BY};
use crate::words::named_some;

/// Entries of a page.
const PAGE: usize = 1_000;
const SIGN: Sign =
    Sign { what: "Iceberg table (metadata/*.metadata.json)", folder: "metadata/", file: newest };

/// An Iceberg target.
pub(crate) struct Iceberg {
    target: FoldersTarget,
    walked: Walked,
}

impl Iceberg {
    pub(crate) fn new(target: FoldersTarget) -> Self {
        Self { target, walked: Walked::default() }
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
        for path in &self.target.paths {
            for Root { location, file } in
                self.walked.roots(job, &self.target, path, &SIGN, &mut found).await?
            {
                job.go_on()?;
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
        }
        Ok(found)
    }

    fn is_gone(&self, table: &Table) -> bool {
        tables::is_iceberg(table) && self.walked.is_gone(table)
    }
}

/// The newest metadata file of a folder.
fn newest(folder: &str, files: Vec<Dated>) -> Option<String> {
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
    let own = own.unwrap_or_default();
    let own = lake::s3_path(own).map_or_else(|| own.to_owned(), |path| format!("s3://{path}"));
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
