//! Commits: updates of one or several tables under their requirements, in one transaction.

use catalog::table::Update;
use catalog::{Table, TableInput};
use lake::{Conditions, Meta, Staged};
use store::{Scope, Tx};

use super::{
    Found, Identifier, LoadedTable, Opened, Tables, from_catalog, met_another, misplaced, not_found, refused,
};
use crate::apply::apply;
use crate::error::TablesError;
use crate::files::{self, Place};
use crate::glue;
use crate::metadata::TableMetadata;
use crate::requirement::TableRequirement;
use crate::update::TableUpdate;

/// How often a commit is prepared again that others overtook. Its requirements are checked again each time.
const MAX_ATTEMPTS: usize = 12;

/// The most tables of one commit.
const MAX_TABLES: usize = 100;

/// A change of one table.
#[derive(Clone, Debug)]
pub struct TableCommit {
    /// The table.
    pub table: Identifier,
    /// What must hold.
    pub requirements: Vec<TableRequirement>,
    /// What changes.
    pub updates: Vec<TableUpdate>,
}

/// A commit that is decided, and not yet published.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) table: Identifier,
    /// The catalog's table that the decision was made on.
    pub(super) base: Option<Table>,
    /// What the catalog's entry of a new table begins with.
    pub(super) entry: Option<Box<TableInput>>,
    pub(super) metadata: TableMetadata,
    /// Where the metadata goes; where it is when nothing changes.
    pub(super) location: String,
    /// Locations of files that must be there.
    needs: Vec<String>,
    /// Old metadata files to remove.
    obsolete: Vec<String>,
    changes: bool,
}

impl Tables {
    /// Changes tables: all of them or none. A change whose table was changed meanwhile is checked and applied again; it
    /// fails when its requirements do not hold any more. `warehouse` is where tables go that are made here and name no
    /// location; `caller` is the ARN of who makes them.
    /// Errors: `CommitFailed`, `Contended`, `NamespaceNotFound`, `TableNotFound`, `Location`, `Invalid`.
    pub async fn commit(
        &self,
        scope: &Scope,
        commits: &[TableCommit],
        warehouse: Option<&str>,
        caller: &str,
    ) -> Result<Vec<LoadedTable>, TablesError> {
        check_distinct(commits)?;
        for _ in 0..MAX_ATTEMPTS {
            let plans = self.plan(scope, commits, warehouse).await?;
            if let Some(done) = self.publish(scope, plans, caller).await? {
                return Ok(done);
            }
        }
        let Identifier { namespace, name } = commits
            .first()
            .map(|commit| commit.table.clone())
            .unwrap_or(Identifier { namespace: String::new(), name: String::new() });
        Err(TablesError::Contended { namespace, table: name })
    }

    /// Decides commits on one snapshot of the catalog.
    async fn plan(
        &self,
        scope: &Scope,
        commits: &[TableCommit],
        warehouse: Option<&str>,
    ) -> Result<Vec<Plan>, TablesError> {
        let mut tx = self.store.read().await?;
        let mut opened = Vec::new();
        for commit in commits {
            let base = match self.find(&mut tx, scope, &commit.table).await? {
                Found::Iceberg(table) => Some(self.open(&mut tx, scope, *table).await?),
                Found::OtherKind => return Err(not_found(&commit.table, true)),
                Found::Nothing => None,
            };
            let location = match &base {
                Some(_) => None,
                None if commit.requirements.contains(&TableRequirement::AssertCreate) => {
                    let named =
                        commit.updates.iter().any(|one| matches!(one, TableUpdate::SetLocation { .. }));
                    let default = self.default_location(&mut tx, scope, &commit.table, warehouse);
                    if named { None } else { Some(default.await?) }
                }
                None => return Err(not_found(&commit.table, false)),
            };
            opened.push((base, location));
        }
        let now_ms = tx.now_ms();
        drop(tx);
        let mut plans = Vec::new();
        for (commit, (base, location)) in commits.iter().zip(opened) {
            plans.push(self.decide(commit, base, location, now_ms).await?);
        }
        Ok(plans)
    }

    /// Decides one commit: pure, but for reading the metadata.
    async fn decide(
        &self,
        commit: &TableCommit,
        base: Option<Opened>,
        default_location: Option<String>,
        now_ms: i64,
    ) -> Result<Plan, TablesError> {
        let before = match &base {
            Some(opened) => Some(opened.read().await?),
            None => None,
        };
        for requirement in &commit.requirements {
            requirement.check(before.as_ref()).map_err(refused)?;
        }
        let mut updates = commit.updates.clone();
        if let Some(location) = default_location {
            updates.insert(0, TableUpdate::SetLocation { location });
        }
        let ids = self.store.ids();
        let next = apply(before.as_ref(), &updates, &ids.uuid(), now_ms).map_err(refused)?;
        let mut plan = Plan::new(commit.table.clone(), next, &ids.uuid(), base.as_ref(), before.as_ref())?;
        plan.needs = updates.iter().filter_map(manifest_list).map(str::to_owned).collect();
        plan.base = base.map(|opened| opened.table);
        Ok(plan)
    }

    /// Stages the metadata files, then publishes all plans in one transaction. `None`: a table is no longer what its plan
    /// was made on.
    pub(super) async fn publish(
        &self,
        scope: &Scope,
        plans: Vec<Plan>,
        caller: &str,
    ) -> Result<Option<Vec<LoadedTable>>, TablesError> {
        let mut staged = Vec::new();
        for plan in plans {
            let file = match plan.changes {
                true => Some(self.lake.stage_bytes(files::encode(&plan.metadata).map_err(refused)?).await?),
                false => None,
            };
            staged.push((plan, file));
        }
        match self.publish_staged(scope, staged, caller).await {
            Err(error) if met_another(&error) => Ok(None),
            published => published,
        }
    }

    async fn publish_staged(
        &self,
        scope: &Scope,
        staged: Vec<(Plan, Option<Staged>)>,
        caller: &str,
    ) -> Result<Option<Vec<LoadedTable>>, TablesError> {
        let mut tx = self.store.begin().await?;
        for (plan, _) in &staged {
            if !self.is_as_planned(&mut tx, scope, plan).await? {
                return Ok(None);
            }
        }
        let mut done = Vec::new();
        for (plan, file) in staged {
            if let Some(file) = file {
                self.publish_one(&mut tx, scope, &plan, file, caller).await?;
            }
            done.push(LoadedTable { metadata_location: plan.location, metadata: plan.metadata });
        }
        tx.commit().await?;
        Ok(Some(done))
    }

    pub(super) async fn is_as_planned(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        plan: &Plan,
    ) -> Result<bool, TablesError> {
        let found = self.find(tx, scope, &plan.table).await?;
        Ok(match (found, &plan.base) {
            (Found::Iceberg(found), Some(base)) => found.uid == base.uid && found.version == base.version,
            (Found::Nothing, None) => true,
            _ => false,
        })
    }

    pub(super) async fn publish_one(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        plan: &Plan,
        file: Staged,
        caller: &str,
    ) -> Result<(), TablesError> {
        self.check_location(tx, scope, &plan.metadata.location).await?;
        for needed in &plan.needs {
            self.open_file(tx, scope, needed).await.map_err(|error| match error {
                TablesError::Location { location, what } => TablesError::invalid(format!(
                    "The manifest list {location} of the new snapshot is not on this server: {what}"
                )),
                other => other,
            })?;
        }
        let place = Place::parse(&plan.location)?;
        let conditions = Conditions { owner: Some(scope.account.clone()), ..Conditions::NONE };
        let (key, meta) = (place.object_key()?, Meta::of_type("application/json"));
        let put = self.lake.put(tx, &place.bucket, &key, file, meta, &conditions).await;
        put.map_err(|error| misplaced(&plan.location, error))?;
        let database = &plan.table.namespace;
        let before = plan.base.as_ref().map(|base| &base.input).or(plan.entry.as_deref());
        let input = glue::table_input(&plan.table.name, before, &plan.metadata, &plan.location);
        match &plan.base {
            None => {
                drop(catalog::table::create(tx, scope, database, input, caller).await.map_err(from_catalog)?)
            }
            Some(base) => {
                let version = base.version.to_string();
                let how = Update { version_id: Some(&version), skip_archive: true };
                // Where the table is, which a resource link may call otherwise.
                catalog::table::update(tx, scope, &base.database_name, input, how)
                    .await
                    .map_err(from_catalog)?;
            }
        }
        self.remove_obsolete(tx, scope, &plan.obsolete).await
    }

    /// Removes metadata files that the table has forgotten; those outside this account's buckets stay.
    async fn remove_obsolete(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        locations: &[String],
    ) -> Result<(), TablesError> {
        for location in locations {
            match self.check_location(tx, scope, location).await {
                Ok(place) => {
                    self.lake.delete(tx, &place.bucket, &place.object_key()?, &Conditions::NONE).await?;
                }
                Err(TablesError::Location { what, .. }) => {
                    tracing::info!(location, what, "an old metadata file is not on this server and stays");
                }
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }
}

impl Plan {
    /// A plan to write `next` over what is there.
    pub(super) fn new(
        table: Identifier,
        mut next: TableMetadata,
        uuid: &str,
        base: Option<&Opened>,
        before: Option<&TableMetadata>,
    ) -> Result<Plan, TablesError> {
        if let (Some(base), Some(before)) = (base, before)
            && *before == next
        {
            let location = base.location.clone();
            return Ok(Plan {
                table,
                base: None,
                entry: None,
                metadata: next,
                location,
                needs: Vec::new(),
                obsolete: Vec::new(),
                changes: false,
            });
        }
        let mut obsolete = Vec::new();
        if let (Some(base), Some(before)) = (base, before) {
            let forgotten = next.log_previous(&base.location, before.last_updated_ms);
            let remove = next.properties.get("write.metadata.delete-after-commit.enabled");
            if remove.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
                obsolete = forgotten;
            }
        }
        let previous = base.map(|base| base.location.as_str());
        let location = files::next_location(&next, previous, uuid).map_err(refused)?;
        Ok(Plan {
            table,
            base: None,
            entry: None,
            metadata: next,
            location,
            needs: Vec::new(),
            obsolete,
            changes: true,
        })
    }
}

fn manifest_list(update: &TableUpdate) -> Option<&str> {
    match update {
        TableUpdate::AddSnapshot { snapshot } => snapshot.manifest_list.as_deref(),
        _ => None,
    }
}

/// Refuses a table that is named twice: which change is the later one?
fn check_distinct(commits: &[TableCommit]) -> Result<(), TablesError> {
    if commits.len() > MAX_TABLES {
        let count = commits.len();
        return Err(TablesError::invalid(format!(
            "{count} tables are more than the {MAX_TABLES} of one commit"
        )));
    }
    let key = |table: &Identifier| (table.namespace.to_lowercase(), table.name.to_lowercase());
    for (position, commit) in commits.iter().enumerate() {
        if commits[..position].iter().any(|other| key(&other.table) == key(&commit.table)) {
            let Identifier { namespace, name } = &commit.table;
            return Err(TablesError::invalid(format!("{namespace}.{name} is named twice in one commit")));
        }
    }
    Ok(())
}
