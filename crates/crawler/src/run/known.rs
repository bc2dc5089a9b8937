//! What the catalog has of a crawler, for crawls of new folders only: which places it covers, and how the folders of its
//! partitions are named.

use std::collections::{BTreeSet, HashSet};

use catalog::{Table, partition, table};

use super::describe::UPDATED_BY;
use super::incremental::with_slash;
use super::naming::is_open;
use super::{Ended, Job};
use crate::error::CrawlerError;
use crate::plan::{is_date_like, is_unnamed, key_value};

/// Tables and partitions per page.
const PAGE: usize = 1_000;

/// What the catalog holds of this crawler.
#[derive(Default)]
pub(super) struct Known {
    /// Tables with partition keys.
    tables: Vec<Keyed>,
    /// Locations of partitions and of tables without keys, each with a slash at its end.
    places: HashSet<String>,
}

/// A table with partition keys.
struct Keyed {
    table: Table,
    /// How the folders of its partitions are named, level by level.
    levels: Vec<Names>,
}

/// What folders of one level are called. Keys may have names that people gave them, folders have not.
#[derive(Default)]
struct Names {
    /// Keys of those that are `k=v`.
    keys: BTreeSet<String>,
    /// Others, all of them numbers or dates.
    dates: bool,
    /// Others.
    words: bool,
}

impl Names {
    fn note(&mut self, folder: &str) {
        match key_value(folder) {
            Some((key, _)) => {
                self.keys.insert(key);
            }
            None if is_date_like(folder) => self.dates = true,
            None => self.words = true,
        }
    }

    /// The value of the key that a folder stands for, when it is named as the others are.
    fn value(&self, key: &str, folder: &str) -> Option<String> {
        let none = self.keys.is_empty() && !self.dates && !self.words;
        match key_value(folder) {
            Some((named, value)) => (self.keys.contains(&named) || (none && named == key)).then_some(value),
            None if none => is_unnamed(key).then(|| folder.to_owned()),
            None => (self.words || (self.dates && is_date_like(folder))).then(|| folder.to_owned()),
        }
    }
}

impl Keyed {
    /// The partition that a folder below the table lies in: its values, and its own folder.
    fn home(&self, folder: &str) -> Option<(Vec<String>, String)> {
        let mut home = with_slash(self.table.location()?);
        let mut names = folder.strip_prefix(&home)?.split('/').filter(|name| !name.is_empty());
        let mut values = Vec::with_capacity(self.levels.len());
        for (key, level) in self.table.partition_keys().iter().zip(&self.levels) {
            let name = names.next()?;
            values.push(level.value(&key.name, name)?);
            home = format!("{home}{name}/");
        }
        Some((values, home))
    }
}

impl Known {
    /// Reads the catalog; memory grows with partitions.
    pub(super) async fn read(job: &Job<'_>) -> Result<Self, Ended> {
        let mut known = Self::default();
        let mut token: Option<String> = None;
        loop {
            job.go_on()?;
            let mut tx = job.ground.store.read().await.map_err(CrawlerError::from)?;
            let query = table::TableQuery { pattern: None, token: token.as_deref(), limit: PAGE };
            let page =
                table::list(&mut tx, job.scope, job.database(), &query).await.map_err(CrawlerError::from)?;
            drop(tx);
            for table in page.items {
                let own = table.parameter(UPDATED_BY) == Some(job.definition.name.as_str());
                let Some(location) = table.location().filter(|_| own).map(with_slash) else { continue };
                if table.partition_keys().is_empty() || is_open(&table) {
                    known.places.insert(location);
                    continue;
                }
                known.partitions(job, table).await?;
            }
            match page.next {
                Some(next) => token = Some(next),
                None => return Ok(known),
            }
        }
    }

    async fn partitions(&mut self, job: &Job<'_>, table: Table) -> Result<(), Ended> {
        let levels = table.partition_keys().iter().map(|_| Names::default()).collect();
        let mut keyed = Keyed { table, levels };
        let home = keyed.table.location().map(with_slash).unwrap_or_default();
        let mut token: Option<String> = None;
        loop {
            job.go_on()?;
            let mut tx = job.ground.store.read().await.map_err(CrawlerError::from)?;
            let query =
                partition::PartitionQuery { after: token.as_deref(), limit: PAGE, ..Default::default() };
            let (database, name) = (&keyed.table.database_name, &keyed.table.name);
            let page = partition::list(&mut tx, job.scope, database, name, &query)
                .await
                .map_err(CrawlerError::from)?;
            drop(tx);
            for place in page.items.iter().filter_map(|p| p.location()).map(with_slash) {
                let below = place.strip_prefix(&home).unwrap_or_default();
                for (level, name) in keyed.levels.iter_mut().zip(below.split('/').filter(|n| !n.is_empty())) {
                    level.note(name);
                }
                self.places.insert(place);
            }
            match page.next {
                Some(next) => token = Some(next),
                None => break,
            }
        }
        self.tables.push(keyed);
        Ok(())
    }

    /// Whether an object lies in a folder that the catalog knows, or is a table by itself.
    pub(super) fn holds(&self, bucket: &str, key: &str) -> bool {
        let whole = format!("s3://{bucket}/{key}/");
        whole.match_indices('/').skip(2).any(|(at, _)| self.places.contains(&whole[..=at]))
    }

    /// The table that a folder is in, the partition's values and its own folder; none when it is no partition.
    pub(super) fn home(&self, folder: &str) -> Option<(&Table, Vec<String>, String)> {
        let keyed = self.table_around(folder)?;
        let (values, home) = keyed.home(folder)?;
        Some((&keyed.table, values, home))
    }

    /// The table that a folder would be in: the deepest one around it.
    fn table_around(&self, folder: &str) -> Option<&Keyed> {
        let location = |keyed: &Keyed| keyed.table.location().map(with_slash);
        let around =
            self.tables.iter().filter(|t| location(t).is_some_and(|location| folder.starts_with(&location)));
        around.max_by_key(|t| t.table.location().map_or(0, str::len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(known: &[&str], key: &str, folder: &str) -> Option<String> {
        let mut names = Names::default();
        known.iter().for_each(|name| names.note(name));
        names.value(key, folder)
    }

    #[test]
    fn folders_are_named_as_those_beside_them() {
        for (known, key, folder, wanted) in [
            (&["p=1", "P=2"][..], "p", "p=3", Some("3")),
            (&["p=1"], "p", "P=3", Some("3")),
            (&["p=1"], "p", "backup", None),
            (&["p=1"], "p", "q=3", None),
            // Somebody gave the key another name.
            (&["p=1"], "day", "p=3", Some("3")),
            (&["2024-01"], "day", "2024-02", Some("2024-02")),
            (&["2024-01"], "partition_0", "backup", None),
            (&["2024-01"], "partition_0", "p=1", None),
            (&["eu", "us"], "partition_0", "asia", Some("asia")),
            (&[], "p", "p=1", Some("1")),
            (&[], "p", "1", None),
            (&[], "partition_0", "x", Some("x")),
        ] {
            assert_eq!(value(known, key, folder).as_deref(), wanted, "{folder} beside {known:?}");
        }
    }
}
