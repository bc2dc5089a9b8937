//! Adding data files to a Delta table, in the place of others or not, inside a transaction of the caller's.
//!
//! The caller has staged the files of rows. [`Tables::prepare_delta`] decides the next entry of the log on what the table is
//! now and stages it; [`Tables::publish_delta`] puts it into the caller's transaction, where nothing is there yet. Between
//! both somebody else may have written an entry of that version: [`Tables::is_delta_current`] says so, and the caller
//! prepares again. What is overwritten is what is there then.
//!
//! # Omitted on purpose
//! Checkpoints, statistics of columns (an entry says how many rows a file has), features of writers beyond version 2.

use std::collections::{BTreeMap, BTreeSet};

use lake::{Conditions, EtagCondition, LakeError, Meta, Staged};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use store::{Scope, Tx};

use super::{DeltaField, DeltaFile, DeltaTable, LOG_FOLDER, schema};
use crate::error::TablesError;
use crate::files::Place;
use crate::{Replaces, Tables};

/// The protocol of tables that are made.
const READER_VERSION: i64 = 1;
const WRITER_VERSION: i64 = 2;
/// From this version on a protocol lists what a writer must know.
const LISTS_FEATURES: i64 = 7;
/// Features of a writer that are heeded, or need nothing of who only adds and removes files.
const KNOWN_FEATURES: [&str; 3] = ["appendOnly", "invariants", "timestampNtz"];
/// What stays as it is in the path of a file: paths are URIs.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b'=');

/// What a table looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeltaShape {
    /// The schema as the log has it: Spark's JSON.
    pub schema_text: String,
    /// Names of the columns that files are partitioned by.
    pub partition_columns: Vec<String>,
}

/// A file that is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedDeltaFile {
    /// Where it will be, below the table.
    pub location: String,
    /// Its size.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
    /// The values of the partition columns, in their order; `None` is NULL.
    pub partition: Vec<Option<String>>,
}

/// What a commit does to a table.
#[derive(Clone, Copy, Debug)]
pub struct DeltaChange<'a> {
    /// Files that are added.
    pub files: &'a [AddedDeltaFile],
    /// What the table looked like when they were made, and must still; `None`: it was not there.
    pub before: Option<&'a DeltaShape>,
    /// What it will look like.
    pub after: &'a DeltaShape,
    /// Files that leave.
    pub replaces: &'a Replaces,
    /// What is added to the entry's account of itself.
    pub info: &'a BTreeMap<String, String>,
}

/// An entry of a log that is decided and staged.
#[derive(Debug)]
pub struct PreparedDelta {
    /// The version that it makes.
    pub version: i64,
    place: Place,
    staged: Staged,
}

impl DeltaShape {
    /// A table of these columns.
    pub fn new(fields: &[DeltaField], partition_columns: Vec<String>) -> Result<Self, String> {
        Ok(Self { schema_text: schema::print(fields)?, partition_columns })
    }

    /// The same with more columns, which may be null. Errors: a type that Delta has not.
    pub fn with(&self, fields: &[DeltaField]) -> Result<Self, String> {
        let schema_text = schema::with(&self.schema_text, fields)?;
        Ok(Self { schema_text, partition_columns: self.partition_columns.clone() })
    }

    /// The names of columns that are moments (`timestamp`), not times without a zone (`timestamp_ntz`).
    pub fn moments(&self) -> Result<BTreeSet<String>, String> {
        schema::moments(&self.schema_text)
    }

    /// The columns.
    pub fn fields(&self) -> Result<Vec<DeltaField>, String> {
        schema::parse(&self.schema_text)
    }
}

impl DeltaTable {
    /// What it looks like.
    pub fn shape(&self) -> DeltaShape {
        DeltaShape {
            schema_text: self.schema_text.clone(),
            partition_columns: self.partition_columns.clone(),
        }
    }

    /// Refuses a table that [`Tables::prepare_delta`] cannot write to. Errors: `Unsupported`, saying what it needs.
    pub fn check_writable(&self, replaces: &Replaces) -> Result<(), TablesError> {
        self.check_readable()?;
        let unsupported = |what: String| Err(TablesError::Unsupported { what });
        let version = self.min_writer_version;
        if version > WRITER_VERSION && version != LISTS_FEATURES {
            return unsupported(format!(
                "it needs a writer of version {version} of the Delta protocol; {WRITER_VERSION} is written"
            ));
        }
        let unknown = self.writer_features.iter().find(|name| !KNOWN_FEATURES.contains(&name.as_str()));
        if let Some(feature) = unknown {
            return unsupported(format!("it needs a writer that knows the Delta feature {feature}"));
        }
        if self.configuration.get("delta.appendOnly").is_some_and(|text| text.eq_ignore_ascii_case("true"))
            && *replaces != Replaces::Nothing
        {
            return unsupported("rows of it are never replaced (delta.appendOnly = true)".to_owned());
        }
        match schema::demands(&self.schema_text) {
            Some(what) => unsupported(what),
            None => Ok(()),
        }
    }
}

impl Tables {
    /// Decides and stages the next entry of the log of the table at a location.
    /// Errors: `Unsupported`, also when the table looks otherwise by now; `MetadataBroken`, `Location`.
    pub async fn prepare_delta(
        &self,
        scope: &Scope,
        location: &str,
        change: DeltaChange<'_>,
    ) -> Result<PreparedDelta, TablesError> {
        let mut tx = self.store().read().await?;
        let now_ms = tx.now_ms();
        let known = self.delta(&mut tx, scope, location).await?;
        drop(tx);
        if known.as_ref().map(DeltaTable::shape).as_ref() != change.before {
            let what = "it was made or its columns were changed while the files were written".to_owned();
            return Err(TablesError::Unsupported { what });
        }
        if let Some(known) = &known {
            known.check_writable(change.replaces)?;
        }
        let place = Place::parse(location)?;
        let root = match place.key.trim_end_matches('/') {
            "" => String::new(),
            root => format!("{root}/"),
        };
        let version = known.as_ref().map_or(0, |known| known.version + 1);
        let id = self.store().ids().uuid();
        let actions = actions(
            known.as_ref(),
            &change,
            (&id, now_ms),
            &format!("s3://{}/{root}", place.bucket.as_str()),
        )?;
        let lines: Vec<String> = actions.iter().map(Value::to_string).collect();
        let staged = self.lake().stage_bytes(lines.join("\n").into_bytes()).await?;
        let key = format!("{root}{LOG_FOLDER}/{version:020}.json");
        Ok(PreparedDelta { version, place: Place { key, ..place }, staged })
    }

    /// Whether nobody has written the version of the entry, as the transaction sees it.
    pub async fn is_delta_current(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        prepared: &PreparedDelta,
    ) -> Result<bool, TablesError> {
        let PreparedDelta { place, .. } = prepared;
        let conditions = Conditions { owner: Some(scope.account.clone()), ..Conditions::NONE };
        match self.lake().head(tx, &place.bucket, &place.object_key()?, &conditions).await {
            Err(LakeError::NoSuchKey { .. }) => Ok(true),
            Ok(_) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the entry visible in the caller's transaction, in which [`Tables::is_delta_current`] was true.
    /// Errors: `Location`, `Lake` (also when the version is there after all), `Store`.
    pub async fn publish_delta(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        prepared: PreparedDelta,
    ) -> Result<(), TablesError> {
        let PreparedDelta { place, staged, .. } = prepared;
        let conditions = Conditions {
            owner: Some(scope.account.clone()),
            if_none_match: Some(EtagCondition::Any),
            ..Conditions::NONE
        };
        let (key, meta) = (place.object_key()?, Meta::of_type("application/json"));
        self.lake().put(tx, &place.bucket, &key, staged, meta, &conditions).await?;
        Ok(())
    }
}

/// The lines of an entry. `id` and `now_ms` are for what is new; `root` is the table's folder with its slash.
fn actions(
    known: Option<&DeltaTable>,
    change: &DeltaChange<'_>,
    (id, now_ms): (&str, i64),
    root: &str,
) -> Result<Vec<Value>, TablesError> {
    let mut actions = vec![info(change, now_ms)];
    if known.is_none() {
        actions.push(
            json!({"protocol": {"minReaderVersion": READER_VERSION, "minWriterVersion": WRITER_VERSION}}),
        );
    }
    if change.before != Some(change.after) {
        actions.push(metadata(known, change.after, (id, now_ms)));
    }
    let columns = &change.after.partition_columns;
    let partitions: BTreeSet<&[Option<String>]> =
        change.files.iter().map(|file| file.partition.as_slice()).collect();
    for file in known.into_iter().flat_map(|known| &known.files) {
        if leaves(file, columns, change.replaces, &partitions) {
            actions.push(remove(file, now_ms));
        }
    }
    for file in change.files {
        actions.push(add(file, columns, now_ms, root)?);
    }
    Ok(actions)
}

fn info(change: &DeltaChange<'_>, now_ms: i64) -> Value {
    let is_append = *change.replaces == Replaces::Nothing;
    let mode = if is_append { "Append" } else { "Overwrite" };
    let by = json!(change.after.partition_columns).to_string();
    json!({"commitInfo": {
        "timestamp": now_ms, "operation": "WRITE", "operationParameters": {"mode": mode, "partitionBy": by},
        "isBlindAppend": is_append, "engineInfo": "Tenon", "userMetadata": json!(change.info).to_string(),
    }})
}

fn metadata(known: Option<&DeltaTable>, after: &DeltaShape, (id, now_ms): (&str, i64)) -> Value {
    let mut metadata = json!({
        "id": known.and_then(|known| known.id.as_deref()).unwrap_or(id),
        "format": {"provider": "parquet", "options": {}},
        "schemaString": after.schema_text,
        "partitionColumns": after.partition_columns,
        "configuration": known.map(|known| known.configuration.clone()).unwrap_or_default(),
        "createdTime": known.and_then(|known| known.created_ms).unwrap_or(now_ms),
    });
    let own = [
        ("name", known.and_then(|known| known.name.clone())),
        ("description", known.and_then(|known| known.description.clone())),
    ];
    for (name, text) in own {
        if let Some(text) = text {
            metadata[name] = text.into();
        }
    }
    json!({"metaData": metadata})
}

fn leaves(
    file: &DeltaFile,
    columns: &[String],
    replaces: &Replaces,
    partitions: &BTreeSet<&[Option<String>]>,
) -> bool {
    match replaces {
        Replaces::Nothing => false,
        Replaces::Everything => true,
        Replaces::Partitions => {
            let values: Vec<Option<String>> =
                columns.iter().map(|name| file.partition_values.get(name).cloned().flatten()).collect();
            partitions.contains(values.as_slice())
        }
    }
}

fn remove(file: &DeltaFile, now_ms: i64) -> Value {
    json!({"remove": {
        "path": file.path, "deletionTimestamp": now_ms, "dataChange": true, "extendedFileMetadata": true,
        "partitionValues": file.partition_values, "size": file.size,
    }})
}

fn add(file: &AddedDeltaFile, columns: &[String], now_ms: i64, root: &str) -> Result<Value, TablesError> {
    let path = file.location.strip_prefix(root).ok_or_else(|| TablesError::Location {
        location: file.location.clone(),
        what: format!("it is not below the table's folder {root}"),
    })?;
    let values: BTreeMap<&String, &Option<String>> = columns.iter().zip(&file.partition).collect();
    Ok(json!({"add": {
        "path": utf8_percent_encode(path, PLAIN).to_string(), "partitionValues": values, "size": file.bytes,
        "modificationTime": now_ms, "dataChange": true,
        "stats": json!({"numRecords": file.rows}).to_string(),
    }}))
}
