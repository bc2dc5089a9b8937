//! Takes back what the newest run of a crawler that changed anything did to the catalog: in one transaction, newest
//! change first, and only if nobody has changed any of it since.

use std::collections::HashMap;

use catalog::{CatalogError, PartitionInput, TableInput, database, partition, table};
use serde::Serialize;
use store::{Scope, Tx};

use crate::error::CrawlerError;
use crate::journal::{self, Change, digest};

/// What was taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Undone {
    /// The run's id.
    pub crawl_id: String,
    /// Tables that the run had made, and are gone now.
    pub tables_removed: Vec<String>,
    /// Tables that have the definition again that they had before.
    pub tables_restored: Vec<String>,
    /// Partitions that the run had made.
    pub partitions_removed: u64,
    /// Partitions that it had changed or deleted.
    pub partitions_restored: u64,
}

/// Undoes in `tx`. Errors: `NothingToUndo`; `ChangedSince`, naming the table, when somebody else has changed what the
/// run wrote (the transaction must then be dropped).
pub(crate) async fn undo(tx: &mut Tx, scope: &Scope, crawler: &str) -> Result<Undone, CrawlerError> {
    let Some(run) = journal::newest(tx, scope, crawler).await? else {
        return Err(CrawlerError::NothingToUndo { name: crawler.to_owned() });
    };
    let mut undone = Undone { crawl_id: run.clone(), ..Undone::default() };
    let mut at = i64::MAX;
    while let Some((seq, change)) = journal::before(tx, scope, crawler, &run, at).await? {
        at = seq;
        Undo { tx, scope, undone: &mut undone }.one(change).await?;
    }
    journal::clear(tx, scope, crawler).await?;
    Ok(undone)
}

struct Undo<'a> {
    tx: &'a mut Tx,
    scope: &'a Scope,
    undone: &'a mut Undone,
}

fn since(database: &str, table: &str, what: impl Into<String>) -> CrawlerError {
    CrawlerError::ChangedSince { table: format!("{}.{table}", database.to_lowercase()), what: what.into() }
}

impl Undo<'_> {
    async fn one(&mut self, change: Change) -> Result<(), CrawlerError> {
        match change {
            Change::Database { name } => self.database(&name).await,
            Change::TableMade { database, table, after } => self.table_made(&database, &table, &after).await,
            Change::TableChanged { database, before, after } => {
                self.table_changed(&database, *before, &after).await
            }
            Change::TableGone { aside } => self.table_gone(&aside).await,
            Change::PartitionsMade { database, table, made } => self.made(&database, &table, made).await,
            Change::PartitionsChanged { database, table, changed } => {
                self.changed(&database, &table, changed).await
            }
            Change::PartitionsGone { database, table, gone } => self.gone(&database, &table, gone).await,
        }
    }

    /// A database that others use by now stays.
    async fn database(&mut self, name: &str) -> Result<(), CrawlerError> {
        let query = table::TableQuery { limit: 1, ..table::TableQuery::default() };
        match table::list(self.tx, self.scope, name, &query).await {
            Ok(page) if page.items.is_empty() => Ok(database::delete(self.tx, self.scope, name).await?),
            Ok(_) | Err(CatalogError::DatabaseNotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The table, if it still is what the run wrote.
    async fn expect(
        &mut self,
        database: &str,
        name: &str,
        after: &str,
    ) -> Result<table::Table, CrawlerError> {
        let table = match table::get(self.tx, self.scope, database, name).await {
            Ok(table) => table,
            Err(
                CatalogError::TableNotFound { .. }
                | CatalogError::DatabaseNotFound { .. }
                | CatalogError::TargetNotFound { .. },
            ) => {
                return Err(since(database, name, "it was deleted"));
            }
            Err(error) => return Err(error.into()),
        };
        if digest(&table.input)? == after { Ok(table) } else { Err(since(database, name, "its definition")) }
    }

    async fn table_made(&mut self, database: &str, name: &str, after: &str) -> Result<(), CrawlerError> {
        self.expect(database, name, after).await?;
        let query = partition::PartitionQuery { limit: 1, ..partition::PartitionQuery::default() };
        let left = partition::list(self.tx, self.scope, database, name, &query).await?;
        if let Some(other) = left.items.first() {
            return Err(since(database, name, format!("partition {:?} was added", other.values())));
        }
        table::delete(self.tx, self.scope, database, name).await?;
        self.undone.tables_removed.push(name.to_owned());
        Ok(())
    }

    async fn table_changed(
        &mut self,
        database: &str,
        before: TableInput,
        after: &str,
    ) -> Result<(), CrawlerError> {
        let name = before.name.clone();
        let version = self.expect(database, &name, after).await?.version.to_string();
        let how = table::Update { version_id: Some(&version), skip_archive: false };
        table::update(self.tx, self.scope, database, before, how).await?;
        self.restored(name);
        Ok(())
    }

    fn restored(&mut self, name: String) {
        // A table that was made anew is no longer removed once its predecessor is back.
        self.undone.tables_removed.retain(|removed| *removed != name);
        if !self.undone.tables_restored.contains(&name) {
            self.undone.tables_restored.push(name);
        }
    }

    async fn table_gone(&mut self, aside: &table::Aside) -> Result<(), CrawlerError> {
        match table::put_back(self.tx, self.scope, aside).await {
            Ok(()) => {}
            Err(CatalogError::TableExists { .. }) => {
                return Err(since(aside.database(), aside.name(), "a table of that name was made"));
            }
            Err(CatalogError::DatabaseNotFound { .. }) => {
                return Err(since(aside.database(), aside.name(), "its database was deleted"));
            }
            Err(error) => return Err(error.into()),
        }
        self.restored(aside.name().to_owned());
        Ok(())
    }

    /// Partitions as they are now. Errors: `ChangedSince` when the table is gone.
    async fn current(
        &mut self,
        database: &str,
        name: &str,
        wanted: &[Vec<String>],
    ) -> Result<Vec<PartitionInput>, CrawlerError> {
        match partition::batch_get(self.tx, self.scope, database, name, wanted).await {
            Ok(found) => Ok(found.into_iter().map(|p| p.input).collect()),
            Err(CatalogError::TableNotFound { .. } | CatalogError::DatabaseNotFound { .. }) => {
                Err(since(database, name, "it was deleted"))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn expect_parts(
        &mut self,
        database: &str,
        name: &str,
        wanted: &[Vec<String>],
        digests: &[&str],
    ) -> Result<(), CrawlerError> {
        let current = self.current(database, name, wanted).await?;
        let current: HashMap<&[String], &PartitionInput> =
            current.iter().map(|p| (p.values.as_slice(), p)).collect();
        for (values, after) in wanted.iter().zip(digests) {
            let now = current.get(values.as_slice()).copied();
            let same = now.map(digest).transpose()?.is_some_and(|now| now == **after);
            if !same {
                return Err(since(database, name, format!("partition {values:?}")));
            }
        }
        Ok(())
    }

    async fn made(
        &mut self,
        database: &str,
        name: &str,
        made: Vec<(Vec<String>, String)>,
    ) -> Result<(), CrawlerError> {
        let digests: Vec<&str> = made.iter().map(|(_, after)| after.as_str()).collect();
        let values: Vec<Vec<String>> = made.iter().map(|(values, _)| values.clone()).collect();
        self.expect_parts(database, name, &values, &digests).await?;
        self.undone.partitions_removed += values.len() as u64;
        partition::batch_delete(self.tx, self.scope, database, name, &values).await?;
        Ok(())
    }

    async fn changed(
        &mut self,
        database: &str,
        name: &str,
        changed: Vec<(PartitionInput, String)>,
    ) -> Result<(), CrawlerError> {
        let digests: Vec<&str> = changed.iter().map(|(_, after)| after.as_str()).collect();
        let values: Vec<Vec<String>> = changed.iter().map(|(before, _)| before.values.clone()).collect();
        self.expect_parts(database, name, &values, &digests).await?;
        self.undone.partitions_restored += values.len() as u64;
        let before = changed.into_iter().map(|(before, _)| before).collect();
        partition::upsert(self.tx, self.scope, database, name, before).await?;
        Ok(())
    }

    async fn gone(
        &mut self,
        database: &str,
        name: &str,
        gone: Vec<PartitionInput>,
    ) -> Result<(), CrawlerError> {
        let values: Vec<Vec<String>> = gone.iter().map(|p| p.values.clone()).collect();
        if let Some(now) = self.current(database, name, &values).await?.first() {
            return Err(since(database, name, format!("partition {:?} was made anew", now.values)));
        }
        self.undone.partitions_restored += gone.len() as u64;
        partition::upsert(self.tx, self.scope, database, name, gone).await?;
        Ok(())
    }
}
