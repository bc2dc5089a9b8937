//! Targets: where exactly, in which format, and with which columns.

mod files;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::datatypes::Schema;
use catalog::{CatalogError, Table};
use datafusion::dataframe::DataFrame;
use engine::write::Spec;
use formats::{Compression, Format, WriteOptions};
use lake::BucketName;

pub(crate) use self::files::formats_of;
use self::files::{has_header, table_format};
use super::delta::{self, DeltaOutput};
use super::iceberg::{self, IcebergTable};
use super::reconcile::{self, Shape, Storage};
use super::writer::Writer;
use super::{RunFailure, Task, Written};
use crate::graph::{
    CatalogUpdate, DeltaTarget, Destination, IcebergTarget, Node, S3Path, Target, UpdateBehavior, WriteFormat,
};
use crate::lineage::folder_of;
use crate::plan::{Accused, PlanError, plain};

/// About how large an output file becomes.
const FILE_BYTES: u64 = 128 << 20;

/// A target whose table, if any, was looked at.
#[derive(Debug)]
pub(crate) struct Resolved {
    bucket: BucketName,
    prefix: String,
    format: Format,
    options: WriteOptions,
    keys: Vec<String>,
    /// Those of the keys that are in the files as well.
    kept_keys: Vec<String>,
    shape: Option<Shape>,
    /// The table that follows the output; `None` when the catalog is left alone.
    pub(crate) follows: Option<Follows>,
    /// The Iceberg table that the output is added to.
    pub(crate) iceberg: Option<IcebergTable>,
    /// The Delta table that the output is added to.
    pub(crate) delta: Option<DeltaOutput>,
    /// How many files a folder gets at most, whatever their size.
    most_files: Option<NonZeroUsize>,
    /// Lines for the log.
    pub(crate) notes: Vec<String>,
}

/// The table that follows an output.
#[derive(Debug, Clone)]
pub(crate) struct Follows {
    pub(crate) database: String,
    pub(crate) table: String,
    /// Whether its schema may change.
    pub(crate) widen: bool,
    /// Whether it may be created.
    pub(crate) create: bool,
}

fn refused(node: &Node, what: impl Into<String>) -> RunFailure {
    RunFailure::node(node, PlanError::Refused(what.into()))
}

/// Columns of what is written are told apart without their case: of two that differ in nothing else one would be lost.
pub(super) fn refuse_alike(node: &Node, frame: &Schema) -> Result<(), RunFailure> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for field in frame.fields() {
        if let Some(other) = seen.insert(field.name().to_lowercase(), field.name()) {
            let what = format!(
                "its input has the columns {other} and {}, which differ in case only; rename or drop one",
                field.name()
            );
            return Err(refused(node, what));
        }
    }
    Ok(())
}

/// Looks at the table and decides on format and columns. `frame` is the schema of what will be written.
pub(crate) async fn resolve(
    task: &Task<'_>,
    node: &Node,
    target: &Target,
    frame: &Arc<Schema>,
) -> Result<Resolved, RunFailure> {
    match &target.destination {
        Destination::Path { path, format, catalog, most_files } => {
            let resolved = of_path(task, node, target, (path, *format, catalog.as_ref()), frame).await?;
            Ok(Resolved { most_files: *most_files, ..resolved })
        }
        // Such a target has no files.
        Destination::Database(_) => Err(refused(node, "it writes to a database, not files")),
        Destination::Iceberg(_) | Destination::Delta(_) => of_open(&task.writer(), node, target, frame).await,
        Destination::Table { database, table, update } => {
            let widen = *update == Some(UpdateBehavior::UpdateInDatabase);
            let follows = Follows { database: database.clone(), table: table.clone(), widen, create: false };
            let Some(found) = existing(task, node, &follows).await? else {
                let missing =
                    CatalogError::TableNotFound { database: database.clone(), table: table.clone() };
                return Err(RunFailure::catalog(node, missing));
            };
            refuse_alike(node, frame)?;
            of_table(node, target, &found, frame, widen, update.is_some().then_some(follows))
        }
    }
}

/// The same of a table of an open format.
pub(super) async fn of_open(
    writer: &Writer<'_>,
    node: &Node,
    target: &Target,
    frame: &Schema,
) -> Result<Resolved, RunFailure> {
    refuse_alike(node, frame)?;
    match &target.destination {
        Destination::Iceberg(iceberg) => {
            Box::pin(of_iceberg(writer, node, (iceberg, &target.partition_keys), frame)).await
        }
        Destination::Delta(delta) => {
            Box::pin(of_delta(writer, node, (delta, &target.partition_keys), frame)).await
        }
        _ => Err(refused(node, "it writes to no table of an open format")),
    }
}

async fn of_path(
    task: &Task<'_>,
    node: &Node,
    target: &Target,
    (path, format, catalog): (&S3Path, WriteFormat, Option<&CatalogUpdate>),
    frame: &Arc<Schema>,
) -> Result<Resolved, RunFailure> {
    let follows = catalog.map(|update| Follows {
        database: update.database.clone(),
        table: update.table.clone(),
        widen: update.behavior == UpdateBehavior::UpdateInDatabase,
        create: true,
    });
    let (format, options) = formats_of(format);
    let mut resolved = Resolved {
        bucket: bucket(node, &path.bucket)?,
        prefix: folder(&path.prefix),
        format,
        options,
        keys: target.partition_keys.clone(),
        kept_keys: Vec::new(),
        shape: None,
        follows,
        iceberg: None,
        delta: None,
        most_files: None,
        notes: Vec::new(),
    };
    resolved.check_keys(node, frame)?;
    refuse_alike(node, frame)?;
    if let Some(follows) = resolved.follows.clone()
        && let Some(table) = existing(task, node, &follows).await?
    {
        resolved.join_table(node, &table, frame, follows.widen)?;
    }
    Ok(resolved)
}

async fn existing(task: &Task<'_>, node: &Node, follows: &Follows) -> Result<Option<Table>, RunFailure> {
    let mut tx = task.context.store.read().await?;
    match catalog::table::get(&mut tx, &task.run.scope, &follows.database, &follows.table).await {
        Ok(table) => Ok(Some(table)),
        Err(CatalogError::TableNotFound { .. }) => Ok(None),
        Err(error) => Err(RunFailure::catalog(node, error)),
    }
}

/// A target that writes into an existing table as the table says.
fn of_table(
    node: &Node,
    target: &Target,
    table: &Table,
    frame: &Schema,
    widen: bool,
    follows: Option<Follows>,
) -> Result<Resolved, RunFailure> {
    let format = table_format(table).map_err(|what| refused(node, what))?;
    let (bucket, prefix) = location(node, table)?;
    let shape =
        reconcile::shape(table, frame, &target.partition_keys, widen).map_err(|what| refused(node, what))?;
    let mut notes = Vec::new();
    if !shape.left_out.is_empty() {
        notes.push(format!("the table has no column {}; left out", shape.left_out.join(", ")));
    }
    if follows.is_none() && !table.partition_keys().is_empty() {
        notes.push(
            "EnableUpdateCatalog is off: new partitions are written but not added to the catalog".to_owned(),
        );
    }
    let options = WriteOptions { header: has_header(&format), ..WriteOptions::default() };
    let keys = table.partition_keys().iter().map(|key| key.name.clone()).collect();
    let (iceberg, delta, kept_keys, most_files) = (None, None, Vec::new(), None);
    let shape = Some(shape);
    Ok(Resolved {
        bucket,
        prefix,
        format,
        options,
        keys,
        kept_keys,
        shape,
        follows,
        iceberg,
        delta,
        most_files,
        notes,
    })
}

/// A target that adds its files to an Iceberg table. `keys` are the node's partition keys.
async fn of_iceberg(
    writer: &Writer<'_>,
    node: &Node,
    (target, keys): (&IcebergTarget, &[String]),
    frame: &Schema,
) -> Result<Resolved, RunFailure> {
    let (iceberg, shape) = iceberg::resolve(writer, node, (target, keys), frame).await?;
    let (name, key) = iceberg::split(&iceberg.location);
    let (bucket, prefix) = (bucket(node, name)?, folder(key));
    let (format, options) = formats_of(WriteFormat::Parquet(target.codec));
    let mut notes = Vec::new();
    if !shape.left_out.is_empty() {
        notes.push(format!("the table has no column {}; left out", shape.left_out.join(", ")));
    }
    let (keys, kept_keys) = iceberg.divided.keys();
    Ok(Resolved {
        bucket,
        prefix,
        format,
        options,
        keys,
        kept_keys,
        shape: Some(shape),
        follows: None,
        iceberg: Some(iceberg),
        delta: None,
        most_files: None,
        notes,
    })
}

/// A target that adds its files to a Delta table. `keys` are the node's partition keys.
async fn of_delta(
    writer: &Writer<'_>,
    node: &Node,
    (target, keys): (&DeltaTarget, &[String]),
    frame: &Schema,
) -> Result<Resolved, RunFailure> {
    let (delta, shape) = delta::resolve(writer, node, (target, keys), frame).await?;
    let (name, key) = iceberg::split(&delta.location);
    let (bucket, prefix) = (bucket(node, name)?, folder(key));
    let (format, options) = formats_of(WriteFormat::Parquet(target.codec));
    let mut notes = Vec::new();
    if !shape.left_out.is_empty() {
        notes.push(format!("the table has no column {}; left out", shape.left_out.join(", ")));
    }
    Ok(Resolved {
        bucket,
        prefix,
        format,
        options,
        keys: delta.keys(),
        kept_keys: Vec::new(),
        shape: Some(shape),
        follows: None,
        iceberg: None,
        delta: Some(delta),
        most_files: target.most_files,
        notes,
    })
}

fn bucket(node: &Node, name: &str) -> Result<BucketName, RunFailure> {
    BucketName::new(name).map_err(|error| refused(node, error.to_string()))
}

fn folder(prefix: &str) -> String {
    if prefix.is_empty() || prefix.ends_with('/') { prefix.to_owned() } else { format!("{prefix}/") }
}

fn location(node: &Node, table: &Table) -> Result<(BucketName, String), RunFailure> {
    let text = table.location().unwrap_or_default();
    let rest = lake::s3_path(text);
    let Some(rest) = rest else {
        return Err(refused(node, format!("the table's location {text:?} does not start with s3://")));
    };
    let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    Ok((bucket(node, name)?, folder(prefix)))
}

impl Resolved {
    /// Refuses a folder that another target writes to as well, if one of them writes a table of an open format there. Graphs
    /// with such paths are refused when they are made; here the places of tables are known, too.
    pub(crate) fn refuse_shared(&self, node: &Node, other: &Written) -> Result<(), RunFailure> {
        let is_open = |resolved: &Self| resolved.iceberg.is_some() || resolved.delta.is_some();
        if !(is_open(self) || is_open(&other.resolved)) {
            return Ok(());
        }
        for own in self.folders() {
            for theirs in other.resolved.folders() {
                if own.starts_with(&theirs) || theirs.starts_with(&own) {
                    let what = format!(
                        "it writes to {own}, and node {} to {theirs}: a table of an open format has a folder of its own",
                        other.node.id
                    );
                    return Err(refused(node, what));
                }
            }
        }
        Ok(())
    }

    /// The folders that are its own: where its files go, and where its table is.
    fn folders(&self) -> Vec<String> {
        let root = self.iceberg.as_ref().map(|table| folder_of(&table.root));
        root.into_iter().chain([self.location()]).collect()
    }

    fn check_keys(&mut self, node: &Node, frame: &Schema) -> Result<(), RunFailure> {
        for key in &self.keys {
            if !frame.fields().iter().any(|field| field.name().eq_ignore_ascii_case(key)) {
                let known = frame.fields().iter().map(|field| field.name().clone()).collect();
                return Err(RunFailure::node(node, PlanError::NoField { field: key.clone(), known }));
            }
        }
        Ok(())
    }

    /// Takes format and columns of the table that the output is to join.
    fn join_table(
        &mut self,
        node: &Node,
        table: &Table,
        frame: &Schema,
        widen: bool,
    ) -> Result<(), RunFailure> {
        let (bucket, prefix) = location(node, table)?;
        if bucket != self.bucket || prefix != self.prefix {
            let (own, ours) = (table.location().unwrap_or_default(), self.location());
            return Err(refused(node, format!("the table {} lies at {own}, not at {ours}", table.name)));
        }
        let format = table_format(table).map_err(|what| refused(node, what))?;
        let (own, ours) = (format.classification(), self.format.classification());
        if own != ours {
            return Err(refused(
                node,
                format!("the table {} holds {own}, and the node writes {ours}", table.name),
            ));
        }
        if self.keys.is_empty() && !table.partition_keys().is_empty() {
            return Err(refused(
                node,
                format!("the table {} is partitioned, and the node has no PartitionKeys", table.name),
            ));
        }
        let shape = reconcile::shape(table, frame, &self.keys, widen).map_err(|what| refused(node, what))?;
        if !shape.left_out.is_empty() {
            self.notes.push(format!("the table has no column {}; left out", shape.left_out.join(", ")));
        }
        self.options.header = has_header(&format);
        self.format = format;
        self.shape = Some(shape);
        Ok(())
    }

    /// The frame with the columns that are written.
    pub(crate) fn conform(&self, frame: DataFrame, accused: &Accused) -> Result<DataFrame, PlanError> {
        let Some(shape) = &self.shape else { return Ok(frame) };
        let frame = plain(shape.apply(frame, accused)?)?;
        let Some(iceberg) = &self.iceberg else { return Ok(frame) };
        let frame = match &iceberg.upsert {
            Some(upsert) => upsert.apply(frame, accused)?,
            None => frame,
        };
        iceberg.divided.apply(frame)
    }

    /// `s3://bucket/folder/`.
    pub(crate) fn location(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }

    /// How a table for the output stores it.
    pub(crate) fn storage<'a>(&'a self, location: &'a str) -> Storage<'a> {
        let compressed = self.options.compression != Compression::None;
        Storage { location, format: &self.format, header: self.options.header, compressed }
    }

    /// At about how many bytes files are ended: as the node says, else the run, else the table.
    fn file_bytes(&self, run: Option<u64>) -> u64 {
        if self.most_files.is_some() {
            return u64::MAX;
        }
        let iceberg = self.iceberg.as_ref();
        let node = iceberg.and_then(|table| table.file_bytes).or(run);
        node.or(iceberg.and_then(|table| table.own_file_bytes)).unwrap_or(FILE_BYTES)
    }

    /// What the engine is to write. The names of the files are the run's own: two runs never meet in one.
    pub(crate) fn spec(&self, task: &Task<'_>, index: usize) -> Spec {
        let run = task.run;
        let id = run.id.strip_prefix("jr_").unwrap_or(&run.id);
        let short = id.get(..16).unwrap_or(id);
        let names = format!("run-{}-{short}-{}-part-{index}", run.created_ms, run.details.attempt);
        let stats = Some(task.counters.target());
        Spec { stats, ..self.spec_of(names, task.options.target_file_bytes) }
    }

    /// The same for files whose names begin so; `file_bytes` counts where the node does not say how large they become.
    pub(super) fn spec_of(&self, names: String, file_bytes: Option<u64>) -> Spec {
        Spec {
            format: self.format.clone(),
            options: self.options.clone(),
            partition_keys: self.keys.clone(),
            kept_keys: self.kept_keys.clone(),
            target_file_bytes: self.file_bytes(file_bytes),
            max_tasks: self.most_files.map(NonZeroUsize::get),
            field_ids: self.iceberg.as_ref().map(|iceberg| iceberg.ids.clone()).unwrap_or_default(),
            ..Spec::parquet(self.bucket.clone(), self.prefix.clone(), names)
        }
    }
}
