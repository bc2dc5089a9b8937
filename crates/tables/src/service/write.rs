//! Adding data files to a table, in the place of others or not, inside a transaction of the caller's.
//!
//! The caller has staged the files of rows. [`Tables::prepare_write`] decides the commit on what the table is now and
//! stages its manifests, list of manifests and metadata; [`Tables::publish_write`] makes them visible in the caller's
//! transaction, together with whatever else is in it. Between both somebody else may have changed the table:
//! [`Tables::is_current`] says so, and the caller prepares again. What is overwritten is what is there then.
//!
//! # What a crash leaves
//! Before the caller commits: nothing (staged files are swept). After it: the commit.

use std::collections::BTreeMap;

use lake::{Conditions, Meta, Staged};
use store::{Scope, Tx};

use super::commit::Plan;
use super::replace::{Commit, Kept, Leaving, Replaces};
use super::{Found, Identifier, LoadedTable, StagedTable, Tables, misplaced, not_found, refused};
use crate::apply::apply;
use crate::avro::{Avro, AvroError};
use crate::error::TablesError;
use crate::files::Place;
use crate::manifest::{self, AddedFile, Count, ManifestFile};
use crate::metadata::{MAIN, RefKind, Snapshot, TableMetadata};
use crate::update::TableUpdate;

/// The one format version whose manifests are written.
const FORMAT_VERSION: u8 = 2;

/// A commit that is decided and staged.
#[derive(Debug)]
pub struct PreparedWrite {
    plan: Plan,
    /// Manifest and list of manifests.
    files: Vec<(Place, Staged)>,
    metadata: Staged,
}

/// What a commit does to the data files of a table.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// Files that are added.
    pub files: &'a [AddedFile],
    /// The partition spec that they are divided by, which must still be the table's default one.
    pub spec_id: i32,
    /// Files that leave.
    pub replaces: &'a Replaces,
    /// The metadata that the files were made by, when the change holds for no other.
    pub base: Option<&'a str>,
    /// What is added to the snapshot's summary.
    pub summary: &'a BTreeMap<String, String>,
}

impl Tables {
    /// Refuses a table that [`Tables::prepare_write`] cannot write to.
    /// Errors: `Unsupported`.
    pub fn check_writable(metadata: &TableMetadata) -> Result<(), TablesError> {
        let version = metadata.format_version;
        if version != FORMAT_VERSION {
            let what = format!(
                "it has the format version {version}; only tables of version {FORMAT_VERSION} are written to"
            );
            return Err(TablesError::Unsupported { what });
        }
        metadata.partition_columns().map(drop)
    }

    /// Decides and stages a commit that changes the data files of the table of that name, or of one that is made by it
    /// (`new`).
    /// Errors: `NamespaceNotFound`, `TableNotFound`, `TableExists` when `new` is there by now, `CommitFailed` when the table
    /// has other metadata than the change's base, `Unsupported`, `MetadataBroken`, `Location`.
    pub async fn prepare_write(
        &self,
        scope: &Scope,
        table: &Identifier,
        new: Option<&StagedTable>,
        change: Change<'_>,
    ) -> Result<PreparedWrite, TablesError> {
        let mut tx = self.store.read().await?;
        let base = match (self.find(&mut tx, scope, table).await?, new) {
            (Found::Iceberg(found), None) => Some(self.open(&mut tx, scope, *found).await?),
            (Found::Nothing, Some(_)) => None,
            (Found::Nothing, None) => return Err(not_found(table, false)),
            (Found::OtherKind, None) => return Err(not_found(table, true)),
            (_, Some(_)) => {
                let Identifier { namespace, name } = table.clone();
                return Err(TablesError::TableExists { namespace, table: name });
            }
        };
        if change.base.is_some() && change.base != base.as_ref().map(|opened| opened.location.as_str()) {
            let what = format!("{}.{} was changed since its rows were read", table.namespace, table.name);
            return Err(TablesError::CommitFailed { what });
        }
        let now_ms = tx.now_ms();
        let before = match (&base, new) {
            (Some(base), _) => base.read().await?,
            (None, Some(new)) => new.metadata.clone(),
            (None, None) => return Err(not_found(table, false)),
        };
        Self::check_writable(&before)?;
        if change.spec_id != before.default_spec_id {
            let what = "its partition spec was changed while the files were written".to_owned();
            return Err(TablesError::Unsupported { what });
        }
        let (update, staged) = self.stage_snapshot(tx, scope, &before, change, now_ms).await?;
        let uuid = self.store.ids().uuid();
        let next = apply(Some(&before), &update, &uuid, now_ms).map_err(refused)?;
        let own = base.as_ref().map(|_| &before);
        let mut plan = Plan::new(table.clone(), next, &self.store.ids().uuid(), base.as_ref(), own)?;
        plan.base = base.map(|opened| opened.table);
        let metadata = self.lake.stage_bytes(crate::files::encode(&plan.metadata).map_err(refused)?).await?;
        Ok(PreparedWrite { plan, files: staged, metadata })
    }

    /// Whether the table is still what the commit was decided on, as the transaction sees it.
    pub async fn is_current(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        prepared: &PreparedWrite,
    ) -> Result<bool, TablesError> {
        self.is_as_planned(tx, scope, &prepared.plan).await
    }

    /// Makes the commit visible in the caller's transaction, in which [`Tables::is_current`] was true.
    /// Errors: `Location`, `Catalog`, `Lake`, `Store`.
    pub async fn publish_write(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        prepared: PreparedWrite,
        caller: &str,
    ) -> Result<LoadedTable, TablesError> {
        for (place, staged) in prepared.files {
            let location = format!("s3://{}/{}", place.bucket.as_str(), place.key);
            let conditions = Conditions { owner: Some(scope.account.clone()), ..Conditions::NONE };
            let (key, meta) = (place.object_key()?, Meta::of_type("avro/binary"));
            let put = self.lake.put(tx, &place.bucket, &key, staged, meta, &conditions).await;
            put.map_err(|error| misplaced(&location, error))?;
        }
        self.publish_one(tx, scope, &prepared.plan, prepared.metadata, caller).await?;
        Ok(LoadedTable { metadata_location: prepared.plan.location, metadata: prepared.plan.metadata })
    }

    /// The entries of the current snapshot's list of manifests.
    pub(super) async fn manifests(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        metadata: &TableMetadata,
    ) -> Result<Vec<Avro>, TablesError> {
        let Some(current) = metadata.current_snapshot_id() else { return Ok(Vec::new()) };
        let list = metadata.snapshot(current).and_then(|snapshot| snapshot.manifest_list.as_deref());
        match list {
            Some(list) => self.records(tx, scope, list).await,
            None => {
                Err(TablesError::Unsupported { what: format!("snapshot {current} has no manifest list") })
            }
        }
    }

    /// Stages manifests and their list; the updates that make them the current snapshot. None of that where nothing is added or
    /// replaced. The transaction is only read.
    async fn stage_snapshot(
        &self,
        mut tx: Tx,
        scope: &Scope,
        before: &TableMetadata,
        change: Change<'_>,
        now_ms: i64,
    ) -> Result<(Vec<TableUpdate>, Vec<(Place, Staged)>), TablesError> {
        if change.files.is_empty() && *change.replaces == Replaces::Nothing {
            return Ok((Vec::new(), Vec::new()));
        }
        let folder = before.properties.get("write.metadata.path").map(|path| path.trim_end_matches('/'));
        let folder = folder
            .map_or_else(|| format!("{}/metadata", before.location.trim_end_matches('/')), str::to_owned);
        let snapshot_id = self.snapshot_id(before);
        let sequence_number = before.last_sequence_number + 1;
        let commit = Commit { before, snapshot_id, sequence_number, folder: &folder };
        let partitions = change.files.iter().map(|file| file.partition.as_slice()).collect();
        let leaving = Leaving { replaces: change.replaces, partitions };
        let kept = self.keep(&mut tx, scope, &commit, &leaving).await?;
        drop(tx);
        let removed = kept.removed;
        let (list_location, staged) = self.stage_manifests(&commit, change.files, kept).await?;
        let snapshot = Snapshot {
            snapshot_id,
            parent_snapshot_id: before.current_snapshot_id(),
            sequence_number: Some(sequence_number),
            timestamp_ms: now_ms.max(before.last_updated_ms),
            manifest_list: Some(list_location),
            summary: Some(summary(before, change, removed)),
            schema_id: before.current_schema().map(crate::metadata::Schema::id),
            first_row_id: None,
            added_rows: None,
            other: serde_json::Map::new(),
        };
        Ok((as_current(before, snapshot), staged))
    }

    /// Stages the manifest of the files that are added, those that are written again, and their list; where the list is.
    async fn stage_manifests(
        &self,
        commit: &Commit<'_>,
        files: &[AddedFile],
        kept: Kept,
    ) -> Result<(String, Vec<(Place, Staged)>), TablesError> {
        let invalid = |error: AvroError| TablesError::invalid(error.to_string());
        let &Commit { before, snapshot_id, sequence_number, folder } = commit;
        let uuid = self.store.ids().uuid();
        let mut manifests = Vec::new();
        if !files.is_empty() {
            let (file, bytes) = self.added(commit, files, format!("{folder}/{uuid}-m0.avro"))?;
            manifests.push((file, bytes));
        }
        manifests.extend(kept.rewritten);
        let entries: Vec<Avro> = manifests.iter().map(|(file, _)| file.entry()).chain(kept.entries).collect();
        let of = (snapshot_id, before.current_snapshot_id());
        let list = manifest::list(&entries, of, sequence_number, self.sync()).map_err(invalid)?;
        let location = format!("{folder}/snap-{snapshot_id}-1-{uuid}.avro");
        let mut staged = vec![(Place::parse(&location)?, self.lake.stage_bytes(list).await?)];
        for (file, bytes) in manifests {
            staged.push((Place::parse(&file.location)?, self.lake.stage_bytes(bytes).await?));
        }
        Ok((location, staged))
    }

    /// The manifest of files that are added.
    fn added(
        &self,
        commit: &Commit<'_>,
        files: &[AddedFile],
        location: String,
    ) -> Result<(ManifestFile, Vec<u8>), TablesError> {
        let Commit { before, snapshot_id, sequence_number, .. } = *commit;
        let Some(schema) = before.current_schema() else {
            return Err(TablesError::Unsupported { what: "its metadata has no current schema".to_owned() });
        };
        let columns = before.partition_columns()?;
        let bytes = manifest::manifest(before, schema, &columns, snapshot_id, files, self.sync());
        let bytes = bytes.map_err(|error| TablesError::invalid(error.to_string()))?;
        let file = ManifestFile {
            location,
            bytes: bytes.len(),
            spec_id: before.default_spec_id,
            sequence_number,
            min_sequence_number: sequence_number,
            snapshot_id,
            added: counted(files),
            ..ManifestFile::default()
        };
        Ok((file, bytes))
    }

    /// An id that no snapshot of the table has.
    fn snapshot_id(&self, metadata: &TableMetadata) -> i64 {
        loop {
            let [a, b, c, d, e, f, g, h, ..] = self.sync();
            let id = i64::from_be_bytes([a, b, c, d, e, f, g, h]) & i64::MAX;
            if id != 0 && metadata.snapshot(id).is_none() {
                return id;
            }
        }
    }

    /// Sixteen bytes that nobody has used.
    pub(super) fn sync(&self) -> [u8; 16] {
        let digits: Vec<u8> = self.store.ids().uuid().bytes().filter(u8::is_ascii_hexdigit).collect();
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = std::str::from_utf8(pair)
                .ok()
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
                .unwrap_or(0);
        }
        bytes
    }
}

/// The updates that add a snapshot and make it the current one; how many are kept stays as it is.
fn as_current(before: &TableMetadata, snapshot: Snapshot) -> Vec<TableUpdate> {
    let known = before.refs.get(MAIN);
    let main = TableUpdate::SetSnapshotRef {
        ref_name: MAIN.to_owned(),
        kind: RefKind::Branch,
        snapshot_id: snapshot.snapshot_id,
        min_snapshots_to_keep: known.and_then(|known| known.min_snapshots_to_keep),
        max_snapshot_age_ms: known.and_then(|known| known.max_snapshot_age_ms),
        max_ref_age_ms: known.and_then(|known| known.max_ref_age_ms),
    };
    vec![TableUpdate::AddSnapshot { snapshot }, main]
}

fn counted(files: &[AddedFile]) -> Count {
    let mut count = Count::default();
    for file in files {
        count.add(Count { files: 1, rows: file.rows, bytes: file.bytes });
    }
    count
}

/// What the snapshot says of itself. Totals go on from the parent's, where it has them.
fn summary(before: &TableMetadata, change: Change<'_>, removed: Count) -> BTreeMap<String, String> {
    let mut summary = change.summary.clone();
    let parent = before.current_snapshot_id().and_then(|id| before.snapshot(id));
    let added = counted(change.files);
    let counts = [
        ("total-data-files", ("added-data-files", added.files), ("deleted-data-files", removed.files)),
        ("total-records", ("added-records", added.rows), ("deleted-records", removed.rows)),
        ("total-files-size", ("added-files-size", added.bytes), ("removed-files-size", removed.bytes)),
    ];
    for (total, (name, added), (of_removed, removed)) in counts {
        summary.insert(name.to_owned(), added.to_string());
        if *change.replaces != Replaces::Nothing {
            summary.insert(of_removed.to_owned(), removed.to_string());
        }
        let known = match parent {
            None => Some(0),
            Some(parent) => parent.summary.as_ref().and_then(|own| own.get(total)?.parse::<u64>().ok()),
        };
        if let Some(known) = known {
            summary.insert(total.to_owned(), (known + added).saturating_sub(removed).to_string());
        }
    }
    let operation = if *change.replaces == Replaces::Nothing { "append" } else { "overwrite" };
    summary.insert("operation".to_owned(), operation.to_owned());
    summary
}
