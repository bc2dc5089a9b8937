//! Appending data files to a table, inside a transaction of the caller's.
//!
//! The caller has staged the files of rows. [`Tables::prepare_append`] decides the commit on what the table is now and
//! stages its manifest, list of manifests and metadata; [`Tables::publish_append`] makes them visible in the caller's
//! transaction, together with whatever else is in it. Between both somebody else may have changed the table:
//! [`Tables::is_current`] says so, and the caller prepares again.
//!
//! # What a crash leaves
//! Before the caller commits: nothing (staged files are swept). After it: the commit.

use std::collections::BTreeMap;

use lake::{Conditions, Meta, Staged};
use store::{Scope, Tx};

use super::commit::Plan;
use super::{Found, Identifier, LoadedTable, StagedTable, Tables, misplaced, not_found, refused};
use crate::apply::apply;
use crate::avro::{Avro, AvroError};
use crate::error::TablesError;
use crate::files::Place;
use crate::manifest::{self, AddedFile, ManifestFile};
use crate::metadata::{MAIN, RefKind, Snapshot, TableMetadata};
use crate::update::TableUpdate;

/// The one format version whose manifests are written.
const FORMAT_VERSION: u8 = 2;

/// A commit that is decided and staged.
#[derive(Debug)]
pub struct Append {
    plan: Plan,
    /// Manifest and list of manifests.
    files: Vec<(Place, Staged)>,
    metadata: Staged,
}

/// What a commit adds to a table.
struct Added<'a> {
    files: &'a [AddedFile],
    summary: &'a BTreeMap<String, String>,
}

impl Tables {
    /// Refuses a table that [`Tables::prepare_append`] cannot append to.
    /// Errors: `Unsupported`.
    pub fn check_appendable(metadata: &TableMetadata) -> Result<(), TablesError> {
        let version = metadata.format_version;
        let what = if version != FORMAT_VERSION {
            format!(
                "it has the format version {version}; only tables of version {FORMAT_VERSION} are written to"
            )
        } else if metadata.spec(metadata.default_spec_id).is_some_and(|spec| !spec.fields.is_empty()) {
            "it is partitioned; only tables without partitions are written to".to_owned()
        } else {
            return Ok(());
        };
        Err(TablesError::Unsupported { what })
    }

    /// Decides and stages a commit that adds data files, to the table of that name, or to one that is made by it
    /// (`new`). `summary` is added to the snapshot's.
    /// Errors: `NamespaceNotFound`, `TableNotFound`, `TableExists` when `new` is there by now, `Unsupported`,
    /// `MetadataBroken`, `Location`.
    pub async fn prepare_append(
        &self,
        scope: &Scope,
        table: &Identifier,
        new: Option<&StagedTable>,
        files: &[AddedFile],
        summary: &BTreeMap<String, String>,
    ) -> Result<Append, TablesError> {
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
        let now_ms = tx.now_ms();
        let before = match (&base, new) {
            (Some(base), _) => base.read().await?,
            (None, Some(new)) => new.metadata.clone(),
            (None, None) => return Err(not_found(table, false)),
        };
        Self::check_appendable(&before)?;
        let manifests = self.manifests(&mut tx, scope, &before).await?;
        drop(tx);
        let added = Added { files, summary };
        let (update, staged) = self.stage_snapshot(&before, &manifests, &added, now_ms).await?;
        let uuid = self.store.ids().uuid();
        let next = apply(Some(&before), &update, &uuid, now_ms).map_err(refused)?;
        let own = base.as_ref().map(|_| &before);
        let mut plan = Plan::new(table.clone(), next, &self.store.ids().uuid(), base.as_ref(), own)?;
        plan.base = base.map(|opened| opened.table);
        let metadata = self.lake.stage_bytes(crate::files::encode(&plan.metadata).map_err(refused)?).await?;
        Ok(Append { plan, files: staged, metadata })
    }

    /// Whether the table is still what the commit was decided on, as the transaction sees it.
    pub async fn is_current(&self, tx: &mut Tx, scope: &Scope, append: &Append) -> Result<bool, TablesError> {
        self.is_as_planned(tx, scope, &append.plan).await
    }

    /// Makes the commit visible in the caller's transaction, in which [`Tables::is_current`] was true.
    /// Errors: `Location`, `Catalog`, `Lake`, `Store`.
    pub async fn publish_append(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        append: Append,
        caller: &str,
    ) -> Result<LoadedTable, TablesError> {
        for (place, staged) in append.files {
            let location = format!("s3://{}/{}", place.bucket.as_str(), place.key);
            let conditions = Conditions { owner: Some(scope.account.clone()), ..Conditions::NONE };
            let (key, meta) = (place.object_key()?, Meta::of_type("avro/binary"));
            let put = self.lake.put(tx, &place.bucket, &key, staged, meta, &conditions).await;
            put.map_err(|error| misplaced(&location, error))?;
        }
        self.publish_one(tx, scope, &append.plan, append.metadata, caller).await?;
        Ok(LoadedTable { metadata_location: append.plan.location, metadata: append.plan.metadata })
    }

    /// The entries of the current snapshot's list of manifests.
    async fn manifests(
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

    /// Stages the manifest of the files and the list of manifests; the updates that make them the current snapshot. None of
    /// that without files.
    async fn stage_snapshot(
        &self,
        before: &TableMetadata,
        manifests: &[Avro],
        added: &Added<'_>,
        now_ms: i64,
    ) -> Result<(Vec<TableUpdate>, Vec<(Place, Staged)>), TablesError> {
        let Some(schema) = before.current_schema() else {
            return Err(TablesError::Unsupported { what: "its metadata has no current schema".to_owned() });
        };
        if added.files.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let invalid = |error: AvroError| TablesError::invalid(error.to_string());
        let folder =
            before.properties.get("write.metadata.path").map(|path| path.trim_end_matches('/').to_owned());
        let folder = folder.unwrap_or_else(|| format!("{}/metadata", before.location.trim_end_matches('/')));
        let (snapshot_id, parent) = (self.snapshot_id(before), before.current_snapshot_id());
        let sequence_number = before.last_sequence_number + 1;
        let uuid = self.store.ids().uuid();
        let location = format!("{folder}/{uuid}-m0.avro");
        let bytes =
            manifest::manifest(before, schema, snapshot_id, added.files, self.sync()).map_err(invalid)?;
        let file = ManifestFile {
            location: location.clone(),
            bytes: bytes.len(),
            spec_id: before.default_spec_id,
            sequence_number,
            snapshot_id,
            files: added.files.len(),
            rows: added.files.iter().map(|file| file.rows).sum(),
        };
        let list_location = format!("{folder}/snap-{snapshot_id}-1-{uuid}.avro");
        let list = manifest::list(manifests, &file, parent, self.sync()).map_err(invalid)?;
        let staged = vec![
            (Place::parse(&location)?, self.lake.stage_bytes(bytes).await?),
            (Place::parse(&list_location)?, self.lake.stage_bytes(list).await?),
        ];
        let snapshot = Snapshot {
            snapshot_id,
            parent_snapshot_id: parent,
            sequence_number: Some(sequence_number),
            timestamp_ms: now_ms.max(before.last_updated_ms),
            manifest_list: Some(list_location),
            summary: Some(summary(before, added)),
            schema_id: Some(schema.id()),
            first_row_id: None,
            added_rows: None,
            other: serde_json::Map::new(),
        };
        Ok((as_current(before, snapshot), staged))
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
    fn sync(&self) -> [u8; 16] {
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

/// What the snapshot says of itself. Totals go on from the parent's, where it has them.
fn summary(before: &TableMetadata, added: &Added<'_>) -> BTreeMap<String, String> {
    let mut summary = added.summary.clone();
    let parent = before.current_snapshot_id().and_then(|id| before.snapshot(id));
    let counts = [
        ("data-files", "added-data-files", added.files.len() as u64),
        ("records", "added-records", added.files.iter().map(|file| file.rows).sum()),
        ("files-size", "added-files-size", added.files.iter().map(|file| file.bytes).sum()),
    ];
    for (total, name, count) in counts {
        summary.insert(name.to_owned(), count.to_string());
        let total = format!("total-{total}");
        let known = match parent {
            None => Some(0),
            Some(parent) => parent.summary.as_ref().and_then(|own| own.get(&total)?.parse::<u64>().ok()),
        };
        if let Some(known) = known {
            summary.insert(total, (known + count).to_string());
        }
    }
    summary.insert("operation".to_owned(), "append".to_owned());
    summary
}
