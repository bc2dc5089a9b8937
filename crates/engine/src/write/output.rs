//! What a run has written: staged files that nobody sees until they are published.

use std::collections::{BTreeMap, HashMap};

use arrow::datatypes::SchemaRef;
use datafusion::common::ScalarValue;
use lake::{BucketName, Key, Lake, LakeError, Meta, Staged};
use store::Tx;

use crate::{EngineError, RunStats, location};

/// A finished file. Durable, invisible; dropping it removes its bytes.
#[derive(Debug)]
pub struct StagedFile {
    /// Where it will be.
    pub key: Key,
    /// Its bytes.
    pub staged: Staged,
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// The values of its partition, as the catalog stores them; empty when the output is not partitioned.
    pub partition: Vec<String>,
    /// The same values with their types; NULL and the empty text are told apart here.
    pub partition_values: Vec<ScalarValue>,
    /// Its content type.
    pub content_type: &'static str,
}

/// Everything that one run has written.
#[derive(Debug)]
pub struct Output {
    /// The files, in no particular order.
    pub files: Vec<StagedFile>,
    /// The columns in the files: without the partition columns, with the types that were written.
    pub schema: SchemaRef,
    /// The partition columns, in the order of the keys.
    pub partition_schema: SchemaRef,
    /// All rows written.
    pub rows: u64,
    /// All bytes written.
    pub bytes: u64,
    /// What the plan behind it did.
    pub stats: RunStats,
    pub(super) bucket: BucketName,
    pub(super) prefix: String,
}

/// The files of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputPartition {
    /// Values as the catalog stores them.
    pub values: Vec<String>,
    /// Key prefix of its files, ending in `/`.
    pub prefix: String,
    /// The same as a location, `s3://…/`.
    pub location: String,
    /// Rows written to it.
    pub rows: u64,
    /// Bytes written to it.
    pub bytes: u64,
    /// Files written to it.
    pub files: u64,
}

/// What [`publish`] made visible, once the caller commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Objects, in key order.
    pub keys: Vec<Key>,
    /// Rows in them.
    pub rows: u64,
    /// Bytes in them.
    pub bytes: u64,
}

impl Output {
    /// The partitions that the run wrote to, in the order of their values; none when the output is not partitioned.
    pub fn partitions(&self) -> Vec<OutputPartition> {
        if self.partition_schema.fields().is_empty() {
            return Vec::new();
        }
        let mut found: BTreeMap<&[String], OutputPartition> = BTreeMap::new();
        for file in &self.files {
            let partition = found.entry(&file.partition).or_insert_with(|| {
                let prefix = folder_of(file.key.as_str()).to_owned();
                let location = location::uri(self.bucket.as_str(), &prefix);
                OutputPartition {
                    values: file.partition.clone(),
                    prefix,
                    location,
                    rows: 0,
                    bytes: 0,
                    files: 0,
                }
            });
            partition.rows += file.rows;
            partition.bytes += file.bytes;
            partition.files += 1;
        }
        found.into_values().collect()
    }

    /// Lets the files of partitions, found by their values, lie in other folders below the output's own prefix. A folder
    /// ends in `/`.
    /// Errors: `Lake`.
    pub fn move_to(&mut self, folders: &HashMap<Vec<String>, String>) -> Result<(), EngineError> {
        for file in &mut self.files {
            let Some(folder) = folders.get(&file.partition) else { continue };
            let key = file.key.as_str();
            let name = key.strip_prefix(folder_of(key)).unwrap_or(key);
            let moved = Key::new(format!("{}{folder}{name}", self.prefix))?;
            file.key = moved;
        }
        Ok(())
    }
}

/// The folder that a key lies in, ending in `/`; empty for one that lies in none. Names of files have no `/`.
fn folder_of(key: &str) -> &str {
    key.rfind('/').and_then(|end| key.get(..=end)).unwrap_or_default()
}

/// Makes all files of the output visible in the caller's transaction, over whatever was at their keys. Nothing is
/// visible before the caller commits; if it does not, the bytes are removed.
/// Errors: `BucketMissing`, `Lake`, `Store`.
pub async fn publish(tx: &mut Tx, lake: &Lake, output: Output) -> Result<Published, EngineError> {
    let Output { mut files, bucket, prefix, rows, bytes, .. } = output;
    files.sort_by(|a, b| a.key.cmp(&b.key));
    let keys = files.iter().map(|file| file.key.clone()).collect();
    let objects =
        files.into_iter().map(|file| (file.key, file.staged, Meta::of_type(file.content_type))).collect();
    match lake.put_many(tx, &bucket, objects).await {
        Ok(_) => Ok(Published { keys, rows, bytes }),
        Err(LakeError::NoSuchBucket { bucket }) => {
            let location = location::uri(&bucket, &prefix);
            Err(EngineError::BucketMissing { table: None, bucket, location })
        }
        Err(error) => Err(error.into()),
    }
}
