//! Lineage: what each run of a graph has read and written, and what follows from it.
//!
//! The transaction that publishes a run's output records its datasets ([`Dataset`]): a folder of a bucket, a table of the
//! catalog, a table of a database. Nothing is recorded of a run that publishes nothing, and nothing is lost of one that
//! does. [`walk`] goes from a table, a path, an object or a job to the jobs before and behind it; [`events`] tells others,
//! in the words of OpenLineage.
//!
//! # Layout
//! - `jobs_lineage`: a row per run, direction and dataset; `document` is the [`Dataset`] without its objects. `location` is
//!   a folder with its `/` at the end, an object, or a table of a database.
//! - `jobs_lineage_objects`: the objects of a dataset with their ETags, while the dataset has at most [`MAX_OBJECTS`]; of
//!   the last [`KEPT_RUNS`] runs of each job.
//!
//! Both go with their job.
//!
//! # Omitted on purpose
//! Scripts: the server does not know what their processes read and write. Columns: a dataset is the least that is known.

pub mod events;
mod start;
pub mod walk;

use std::collections::BTreeSet;

pub use start::Start;
pub(crate) use start::folder_of;

use serde::{Deserialize, Serialize};
use store::{Tx, Value, params};

use crate::JobsError;
use crate::run::Run;

/// The most objects of a dataset that are listed by name; of more, the count and the folder are kept.
pub const MAX_OBJECTS: usize = 1_000;
/// The most partitions of a dataset that are listed.
pub const MAX_PARTITIONS: usize = 100;
/// Runs of a job whose objects are kept by name.
pub const KEPT_RUNS: i64 = 100;

/// An object that was read or written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Object {
    /// `s3://bucket/key`.
    pub location: String,
    /// Its ETag then.
    pub etag: String,
}

/// What a node of a run has read or written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Dataset {
    /// The node.
    pub node: String,
    /// The table of the catalog, `database.table`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// `s3://bucket/folder/`, `s3://bucket/key`, or the address of a table in a database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Files; 0 when that is not known.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Rows.
    pub rows: u64,
    /// How many partitions (folders `key=value`) the files lie in.
    pub partition_count: u64,
    /// The first [`MAX_PARTITIONS`] of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<String>,
    /// All of its objects; none when there are more than [`MAX_OBJECTS`], or their names are not kept any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Object>,
}

impl Dataset {
    /// Takes the objects with their sizes, as far as they are kept, and the partitions that they lie in. An object that is
    /// there several times (partitions of a table may lie in one folder) is kept by name once.
    pub(crate) fn with_objects(mut self, objects: impl Iterator<Item = (Object, u64)> + Clone) -> Self {
        let mut partitions = BTreeSet::new();
        (self.files, self.bytes) = (0, 0);
        for (object, bytes) in objects.clone() {
            self.files += 1;
            self.bytes += bytes;
            if let Some(partition) = partition(&object.location) {
                partitions.insert(partition.to_owned());
            }
        }
        self.partition_count = partitions.len() as u64;
        self.partitions = partitions.into_iter().take(MAX_PARTITIONS).collect();
        if self.files <= MAX_OBJECTS as u64 {
            let mut kept = BTreeSet::new();
            let named = objects.map(|(object, _)| object);
            self.objects = named.filter(|object| kept.insert(object.location.clone())).collect();
        }
        self
    }
}

/// The folders `key=value` that an object lies in, without those above the first of them.
fn partition(location: &str) -> Option<&str> {
    let (folders, _) = location.rsplit_once('/')?;
    let mut at = 0;
    for folder in folders.split('/') {
        if folder.contains('=') {
            return folders.get(at..);
        }
        at += folder.len() + 1;
    }
    None
}

/// Everything that a run has read and written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Datasets {
    /// What it has read.
    pub inputs: Vec<Dataset>,
    /// What it has written.
    pub outputs: Vec<Dataset>,
}

/// Which way data went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Written,
}

impl Direction {
    fn number(self) -> i64 {
        match self {
            Self::Read => 0,
            Self::Written => 1,
        }
    }
}

fn damaged(source: serde_json::Error) -> JobsError {
    JobsError::Damaged { what: "lineage", source }
}

/// Records what a run has read and written, in the transaction that publishes it.
pub(crate) async fn record(tx: &mut Tx, run: &Run, datasets: &Datasets) -> Result<(), JobsError> {
    let inputs = datasets.inputs.iter().map(|dataset| (Direction::Read, dataset));
    let outputs = datasets.outputs.iter().map(|dataset| (Direction::Written, dataset));
    let (mut rows, mut objects) = (Vec::new(), Vec::new());
    for (ordinal, (direction, dataset)) in (0_i64..).zip(inputs.chain(outputs)) {
        rows.push(row(tx, run, ordinal, direction, dataset)?);
        objects.extend(dataset.objects.iter().map(|object| {
            params![
                run.incarnation.as_str(),
                run.seq,
                ordinal,
                object.location.as_bytes(),
                object.etag.as_str()
            ]
            .to_vec()
        }));
    }
    tx.insert_many("jobs_lineage", COLUMNS, &rows).await?;
    let columns = ["incarnation", "seq", "ordinal", "location", "etag"];
    tx.insert_many("jobs_lineage_objects", &columns, &objects).await?;
    let sql = "DELETE FROM jobs_lineage_objects WHERE incarnation = $1 AND seq <= $2";
    tx.execute(sql, &params![run.incarnation.as_str(), run.seq - KEPT_RUNS]).await?;
    Ok(())
}

/// What a run has recorded.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    pub(crate) run_id: String,
    /// When that was published, epoch milliseconds.
    pub(crate) published_ms: i64,
    pub(crate) datasets: Datasets,
}

/// Reads what a run of a job has recorded; nothing of one that has published nothing.
pub(crate) async fn recorded(tx: &mut Tx, incarnation: &str, seq: i64) -> Result<Recorded, JobsError> {
    let sql = "SELECT ordinal, direction, run_id, published_ms, document FROM jobs_lineage \
               WHERE incarnation = $1 AND seq = $2 ORDER BY ordinal";
    let mut recorded = Recorded::default();
    for row in &tx.query(sql, &params![incarnation, seq]).await? {
        let document: String = row.get(4)?;
        let mut dataset: Dataset = serde_json::from_str(&document).map_err(damaged)?;
        dataset.objects = objects(tx, incarnation, seq, row.get(0)?).await?;
        (recorded.run_id, recorded.published_ms) = (row.get(2)?, row.get(3)?);
        match row.get::<i64>(1)? {
            0 => recorded.datasets.inputs.push(dataset),
            _ => recorded.datasets.outputs.push(dataset),
        }
    }
    Ok(recorded)
}

async fn objects(tx: &mut Tx, incarnation: &str, seq: i64, ordinal: i64) -> Result<Vec<Object>, JobsError> {
    let sql = "SELECT location, etag FROM jobs_lineage_objects \
               WHERE incarnation = $1 AND seq = $2 AND ordinal = $3 ORDER BY location";
    let rows = tx.query(sql, &params![incarnation, seq, ordinal]).await?;
    rows.iter()
        .map(|row| {
            let location: Vec<u8> = row.get(0)?;
            Ok(Object { location: String::from_utf8_lossy(&location).into_owned(), etag: row.get(1)? })
        })
        .collect()
}

const COLUMNS: &[&str] = &[
    "incarnation",
    "seq",
    "ordinal",
    "account",
    "region",
    "job",
    "run_id",
    "direction",
    "table_name",
    "location",
    "published_ms",
    "files",
    "document",
];

fn row(
    tx: &Tx,
    run: &Run,
    ordinal: i64,
    direction: Direction,
    dataset: &Dataset,
) -> Result<Vec<Value>, JobsError> {
    let document = Dataset { objects: Vec::new(), ..dataset.clone() };
    Ok(params![
        run.incarnation.as_str(),
        run.seq,
        ordinal,
        run.scope.account.as_str(),
        run.scope.region.as_str(),
        run.details.job.as_str(),
        run.id.as_str(),
        direction.number(),
        dataset.table.as_deref().unwrap_or_default(),
        dataset.location.as_deref().unwrap_or_default().as_bytes(),
        tx.now_ms(),
        i64::try_from(dataset.files).unwrap_or(i64::MAX),
        serde_json::to_string(&document).map_err(damaged)?
    ]
    .to_vec())
}

#[cfg(test)]
mod tests;
