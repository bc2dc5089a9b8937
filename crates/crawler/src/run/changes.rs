//! What a run does to the catalog, one kind of change per function: made and journalled when it is carried out, only noted
//! when it is a preview. Everything else in a run is the same for both.

use std::sync::{Mutex, PoisonError};

use catalog::partition::index::{self, IndexInput};
use catalog::{DatabaseInput, PartitionInput, TableInput, database, partition, table};
use store::Tx;
use store::lease::Lease;

use super::Job;
use crate::error::CrawlerError;
use crate::history::Counts;
use crate::journal::{Change, Journal, digest};
use crate::preview::{Diff, TableDiff};
use crate::rows;

/// The name that Glue's crawlers give the index that they make.
const INDEX_NAME: &str = "crawler_partition_index";

/// What a run is for.
pub(crate) enum Aim<'a> {
    /// To change the catalog, under the run's lease.
    Carry { lease: &'a Lease, journal: Journal },
    /// To say what would change.
    Preview(Mutex<Diff>),
}

impl Job<'_> {
    /// A transaction: for changes under the run's lease, or for reading only.
    pub(crate) async fn begin(&self) -> Result<Tx, CrawlerError> {
        match &self.aim {
            Aim::Carry { lease, .. } => {
                let mut tx = self.ground.store.begin().await?;
                store::lease::check(&mut tx, lease).await?;
                Ok(tx)
            }
            Aim::Preview(_) => Ok(self.ground.store.read().await?),
        }
    }

    /// Commits what [`Job::begin`] began.
    pub(crate) async fn commit(&self, tx: Tx) -> Result<(), CrawlerError> {
        match &self.aim {
            Aim::Carry { .. } => Ok(tx.commit().await?),
            Aim::Preview(_) => Ok(()),
        }
    }

    /// What a preview has noted.
    pub(crate) fn diff(&self) -> Diff {
        match &self.aim {
            Aim::Preview(diff) => diff.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            Aim::Carry { .. } => Diff::default(),
        }
    }

    /// Whether nothing may be written.
    pub(crate) fn is_preview(&self) -> bool {
        matches!(self.aim, Aim::Preview(_))
    }

    fn note(&self, note: impl FnOnce(&mut Diff)) {
        if let Aim::Preview(diff) = &self.aim {
            note(&mut diff.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Changes the run's counts in `tx`.
    pub(crate) async fn count_in(
        &self,
        tx: &mut Tx,
        change: impl FnOnce(&mut Counts),
    ) -> Result<(), CrawlerError> {
        if let Aim::Carry { .. } = self.aim
            && let Some(mut crawl) = rows::run(tx, self.scope, self.crawl).await?
        {
            change(&mut crawl.counts);
            rows::replace_run(tx, self.scope, &crawl).await?;
        }
        Ok(())
    }

    /// Changes the run's counts alone.
    pub(crate) async fn count(&self, change: impl FnOnce(&mut Counts)) -> Result<(), CrawlerError> {
        let mut tx = self.begin().await?;
        self.count_in(&mut tx, change).await?;
        self.commit(tx).await
    }

    async fn journal(&self, tx: &mut Tx, change: Change) -> Result<(), CrawlerError> {
        match &self.aim {
            Aim::Carry { journal, .. } => journal.add(tx, self.scope, &change).await,
            Aim::Preview(_) => Ok(()),
        }
    }

    pub(super) async fn make_database(&self, tx: &mut Tx, name: &str) -> Result<(), CrawlerError> {
        self.note(|diff| diff.databases.push(name.to_owned()));
        if self.is_preview() {
            return Ok(());
        }
        let input = DatabaseInput { name: name.to_owned(), ..DatabaseInput::default() };
        let made = database::create(tx, self.scope, input).await?;
        self.journal(tx, Change::Database { name: made.name }).await
    }

    /// Makes a table, with the index on its partition keys unless the crawler's configuration says otherwise. The index
    /// goes with the table when the run is undone.
    pub(super) async fn make_table(
        &self,
        tx: &mut Tx,
        database: &str,
        input: TableInput,
    ) -> Result<(), CrawlerError> {
        let index = self.index_of(&input)?;
        if self.is_preview() {
            let mut noted = TableDiff::new(database, "CREATE", None, Some(&input));
            let named = index.map(|i| format!("+ partition index {}: {}", i.index_name, i.keys.join(", ")));
            noted.changes.extend(named);
            self.note(|diff| diff.tables.push(noted));
            return Ok(());
        }
        let made = table::create(tx, self.scope, database, input, &self.creator()).await?;
        index::create_all(tx, &made, index.into_iter().collect()).await?;
        let after = digest(&made.input)?;
        self.journal(tx, Change::TableMade { database: made.database_name, table: made.name, after }).await
    }

    /// `versioned` is false where only statistics change: that makes no version.
    pub(super) async fn replace_table(
        &self,
        tx: &mut Tx,
        old: &table::Table,
        input: TableInput,
        versioned: bool,
        action: &'static str,
    ) -> Result<(), CrawlerError> {
        let database = old.database_name.clone();
        if self.is_preview() {
            let noted = TableDiff::new(&database, action, Some(&old.input), Some(&input));
            self.note(|diff| diff.tables.push(noted));
            return Ok(());
        }
        let read = old.version.to_string();
        let how = table::Update { version_id: Some(&read), skip_archive: !versioned };
        let new = table::update(tx, self.scope, &database, input, how).await?;
        let before = TableInput { name: old.name.clone(), ..old.input.clone() };
        let after = digest(&new.input)?;
        self.journal(tx, Change::TableChanged { database, before: Box::new(before), after }).await
    }

    /// Removes a table; it stays stored until the journal forgets it.
    pub(super) async fn remove_table(
        &self,
        tx: &mut Tx,
        old: &table::Table,
        action: &'static str,
    ) -> Result<(), CrawlerError> {
        if self.is_preview() {
            let noted = TableDiff::new(&old.database_name, action, Some(&old.input), None);
            self.note(|diff| diff.tables.push(noted));
            return Ok(());
        }
        let aside = table::set_aside(tx, self.scope, &old.database_name, &old.name).await?;
        self.journal(tx, Change::TableGone { aside: Box::new(aside) }).await
    }

    /// A table that stays as it is, for the preview.
    pub(super) fn leave_table(&self, old: &table::Table, new: Option<&TableInput>, action: &'static str) {
        self.note(|diff| {
            diff.tables.push(TableDiff::new(&old.database_name, action, Some(&old.input), new));
        });
    }

    /// Makes and replaces partitions; of those to be replaced `before` is given.
    pub(super) async fn put_partitions(
        &self,
        tx: &mut Tx,
        place: (&str, &str),
        made: Vec<PartitionInput>,
        changed: Vec<(PartitionInput, PartitionInput)>,
    ) -> Result<(), CrawlerError> {
        if self.is_preview() {
            self.note(|diff| diff.partitions(place, &made, &changed));
            return Ok(());
        }
        let (database, table) = (place.0.to_owned(), place.1.to_owned());
        if !made.is_empty() {
            let digests = made.iter().map(|p| Ok((p.values.clone(), digest(p)?)));
            let digests = digests.collect::<Result<_, CrawlerError>>()?;
            let (database, table) = (database.clone(), table.clone());
            self.journal(tx, Change::PartitionsMade { database, table, made: digests }).await?;
        }
        let mut write = made;
        if !changed.is_empty() {
            let mut before = Vec::with_capacity(changed.len());
            for (old, new) in changed {
                before.push((old, digest(&new)?));
                write.push(new);
            }
            self.journal(tx, Change::PartitionsChanged { database, table, changed: before }).await?;
        }
        partition::upsert(tx, self.scope, place.0, place.1, write).await?;
        Ok(())
    }

    pub(super) async fn remove_partitions(
        &self,
        tx: &mut Tx,
        place: (&str, &str),
        gone: &[PartitionInput],
    ) -> Result<(), CrawlerError> {
        if self.is_preview() {
            self.note(|diff| diff.partitions_gone(place, gone));
            return Ok(());
        }
        let values: Vec<Vec<String>> = gone.iter().map(|p| p.values.clone()).collect();
        partition::batch_delete(tx, self.scope, place.0, place.1, &values).await?;
        let (database, table) = (place.0.to_owned(), place.1.to_owned());
        self.journal(tx, Change::PartitionsGone { database, table, gone: gone.to_vec() }).await
    }

    /// The index of a new table. Source: AWS Big Data Blog, Efficiently crawl your data lake (…) using partition indexes:
    /// all its keys that are text or whole numbers.
    fn index_of(&self, input: &TableInput) -> Result<Option<IndexInput>, CrawlerError> {
        if !self.definition.settings()?.creates_partition_index() {
            return Ok(None);
        }
        let keys = index::indexable(input.partition_keys.as_deref().unwrap_or_default());
        let index_name = INDEX_NAME.to_owned();
        Ok(Some(IndexInput { keys, index_name }).filter(|index| !index.keys.is_empty()))
    }

    /// The crawler's ARN.
    fn creator(&self) -> String {
        format!("arn:aws:glue:{}:{}:crawler/{}", self.scope.region, self.scope.account, self.definition.name)
    }
}
