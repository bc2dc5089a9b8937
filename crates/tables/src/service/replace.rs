//! Files that leave a table with a commit: which manifests go on as they are, and which are written again without them.

use std::collections::BTreeSet;

use store::{Scope, Tx};

use super::Tables;
use super::scan::{broken, check_no_deletes};
use crate::avro::{Avro, AvroError};
use crate::error::TablesError;
use crate::manifest::{Count, ManifestFile, Rewritten, carried, rewritten};
use crate::metadata::TableMetadata;
use crate::partitioning::{PartitionValue, values_of};

/// Which data files leave the table when others are added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replaces {
    /// None: an append.
    Nothing,
    /// All of them.
    Everything,
    /// Those of the partitions that files are added to.
    Partitions,
}

/// The manifests of a table after a commit, but for that of the files that are added.
#[derive(Default)]
pub(super) struct Kept {
    /// Entries of the list that stay as they are.
    pub(super) entries: Vec<Avro>,
    /// Manifests that are written again.
    pub(super) rewritten: Vec<(ManifestFile, Vec<u8>)>,
    /// What leaves.
    pub(super) removed: Count,
}

/// Which files leave, for one commit.
pub(super) struct Leaving<'a> {
    pub(super) replaces: &'a Replaces,
    /// The partitions that files are added to.
    pub(super) partitions: BTreeSet<&'a [PartitionValue]>,
}

impl Leaving<'_> {
    fn leaves(&self, data: &Avro) -> Result<bool, AvroError> {
        match self.replaces {
            Replaces::Nothing => Ok(false),
            Replaces::Everything => Ok(true),
            Replaces::Partitions => {
                let values = data.field("partition").and_then(values_of);
                let values = values
                    .ok_or_else(|| AvroError("the partition of a data file cannot be read".to_owned()))?;
                Ok(self.partitions.contains(values.as_slice()))
            }
        }
    }
}

/// What the commit is, for the manifests that are written again.
pub(super) struct Commit<'a> {
    pub(super) before: &'a TableMetadata,
    pub(super) snapshot_id: i64,
    pub(super) sequence_number: i64,
    /// Where manifests go.
    pub(super) folder: &'a str,
}

impl Tables {
    /// Goes through the manifests of the current snapshot.
    /// Errors: `Unsupported` for tables with delete files, and for partitions of another spec than the default one.
    pub(super) async fn keep(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        commit: &Commit<'_>,
        leaving: &Leaving<'_>,
    ) -> Result<Kept, TablesError> {
        let mut kept = Kept::default();
        for entry in self.manifests(tx, scope, commit.before).await? {
            if *leaving.replaces == Replaces::Nothing {
                kept.entries.push(carried(&entry).map_err(invalid)?);
                continue;
            }
            let Some(path) = entry.text("manifest_path") else {
                return Err(broken("the list of manifests", "an entry has no manifest_path"));
            };
            check_no_deletes(entry.long("content"))?;
            let file = self.avro_file(tx, scope, path).await?;
            check_spec(&entry, commit.before, leaving.replaces)?;
            let (id, sequence) = (commit.snapshot_id, commit.sequence_number);
            let again = rewritten(&file, &entry, id, sequence, self.sync(), |data| leaving.leaves(data));
            match again.map_err(|error| TablesError::Unsupported { what: error.to_string() })? {
                None => kept.entries.push(carried(&entry).map_err(invalid)?),
                Some(again) => self.written_again(&mut kept, commit, &entry, again),
            }
        }
        Ok(kept)
    }

    fn written_again(&self, kept: &mut Kept, commit: &Commit<'_>, entry: &Avro, again: Rewritten) {
        let Rewritten { bytes, existing, deleted, min_sequence_number } = again;
        kept.removed.add(deleted);
        let file = ManifestFile {
            location: format!("{}/{}-m0.avro", commit.folder, self.store.ids().uuid()),
            bytes: bytes.len(),
            spec_id: spec_of(entry),
            sequence_number: commit.sequence_number,
            min_sequence_number,
            snapshot_id: commit.snapshot_id,
            added: Count::default(),
            existing,
            deleted,
            // Still true of fewer files.
            partitions: entry.field("partitions").cloned(),
        };
        kept.rewritten.push((file, bytes));
    }
}

fn invalid(error: AvroError) -> TablesError {
    TablesError::invalid(error.to_string())
}

fn spec_of(entry: &Avro) -> i32 {
    entry.long("partition_spec_id").and_then(|id| i32::try_from(id).ok()).unwrap_or(0)
}

/// Partitions of different specs cannot be compared.
fn check_spec(entry: &Avro, before: &TableMetadata, replaces: &Replaces) -> Result<(), TablesError> {
    let (own, default) = (spec_of(entry), before.default_spec_id);
    if *replaces != Replaces::Partitions || own == default {
        return Ok(());
    }
    Err(TablesError::Unsupported {
        what: format!(
            "it has files of its former partition spec {own}, which cannot be told by the partitions of its spec {default}: \
             overwrite the whole table, or rewrite its files"
        ),
    })
}
