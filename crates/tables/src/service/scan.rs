//! The data files of a table: what a reader that is not an Iceberg client reads.
//!
//! A snapshot names a list of manifests, each of which names data files. Tables with delete files, whose rows are in
//! files and yet not in the table, are refused: reading the data files alone would bring deleted rows back.
//! Source: Apache Iceberg table specification, "Manifests" and "Manifest Lists".

use std::collections::BTreeSet;

use catalog::Table;
use lake::Object;
use store::{Scope, Tx};

use super::Tables;
use crate::avro::{self, Avro, AvroFile};
use crate::error::TablesError;
use crate::metadata::{TableMetadata, Transform};

/// The most bytes of a manifest or of a list of manifests.
const MAX_MANIFEST_BYTES: u64 = 256 << 20;

/// A file with rows of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// Where it is.
    pub location: String,
    /// `PARQUET`, `ORC` or `AVRO`.
    pub format: String,
}

impl Tables {
    /// The metadata of a table of the catalog, as the transaction sees it.
    /// Errors: `MetadataBroken`.
    pub async fn metadata(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        table: Table,
    ) -> Result<TableMetadata, TablesError> {
        self.open(tx, scope, table).await?.read().await
    }

    /// The data files of the current snapshot, in the order of its manifests.
    /// Errors: `Unsupported` for tables with delete files and for snapshots of old tables that have no manifest list;
    /// `MetadataBroken` when a manifest is missing or cannot be read.
    pub async fn data_files(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        metadata: &TableMetadata,
    ) -> Result<Vec<DataFile>, TablesError> {
        let Some(current) = metadata.current_snapshot_id() else { return Ok(Vec::new()) };
        let list = metadata.snapshot(current).and_then(|snapshot| snapshot.manifest_list.as_deref());
        let Some(list) = list else {
            let what = format!("snapshot {current} has no manifest list");
            return Err(TablesError::Unsupported { what });
        };
        let mut files = Vec::new();
        for manifest in self.records(tx, scope, list).await? {
            let Some(path) = manifest.text("manifest_path") else {
                return Err(broken(list, "an entry has no manifest_path"));
            };
            check_no_deletes(manifest.long("content"))?;
            for entry in self.records(tx, scope, path).await? {
                // 0 existing, 1 added, 2 deleted.
                if entry.long("status") == Some(2) {
                    continue;
                }
                files.push(data_file(&entry, path)?);
            }
        }
        Ok(files)
    }

    pub(super) async fn records(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        location: &str,
    ) -> Result<Vec<Avro>, TablesError> {
        Ok(self.avro_file(tx, scope, location).await?.records)
    }

    pub(super) async fn avro_file(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        location: &str,
    ) -> Result<AvroFile, TablesError> {
        let object = self.open_file(tx, scope, location).await.map_err(|error| match error {
            TablesError::Location { location, what } => TablesError::MetadataBroken { location, what },
            other => other,
        })?;
        let bytes = whole(&object, location).await?;
        avro::read_file(&bytes).map_err(|error| broken(location, &error.to_string()))
    }
}

impl TableMetadata {
    /// Columns whose values are those of their partition, in some partition spec of the table.
    pub fn identity_partition_columns(&self) -> BTreeSet<i32> {
        let fields = self.partition_specs.iter().flat_map(|spec| &spec.fields);
        let identity = fields.filter(|field| field.transform == Transform::Identity);
        identity.map(|field| field.source_id).collect()
    }
}

async fn whole(object: &Object, location: &str) -> Result<Vec<u8>, TablesError> {
    let size = object.info().size;
    if size > MAX_MANIFEST_BYTES {
        return Err(broken(location, &format!("it has {size} bytes, more than {MAX_MANIFEST_BYTES}")));
    }
    let read = object.read_range(0..size).await;
    read.map(|bytes| bytes.to_vec()).map_err(|error| broken(location, &error.to_string()))
}

/// Refuses what has another content than data.
pub(super) fn check_no_deletes(content: Option<i64>) -> Result<(), TablesError> {
    if content.unwrap_or(0) == 0 {
        return Ok(());
    }
    let what = "it has delete files (merge-on-read), which are not read: rewrite its data files (compaction), or \
                delete with copy-on-write";
    Err(TablesError::Unsupported { what: what.to_owned() })
}

fn data_file(entry: &Avro, manifest: &str) -> Result<DataFile, TablesError> {
    let Some(file) = entry.field("data_file") else {
        return Err(broken(manifest, "an entry has no data_file"));
    };
    check_no_deletes(file.long("content"))?;
    match (file.text("file_path"), file.text("file_format")) {
        (Some(location), Some(format)) => {
            Ok(DataFile { location: location.to_owned(), format: format.to_ascii_uppercase() })
        }
        _ => Err(broken(manifest, "a data file has no path or format")),
    }
}

pub(super) fn broken(location: &str, what: &str) -> TablesError {
    TablesError::MetadataBroken { location: location.to_owned(), what: what.to_owned() }
}
