//! Writing a frame as files that nobody sees before they are published.
//!
//! ```text
//! plan ─┬─ task 0: Router ─► Files ◄─► Idle (open files per partition value) ─► lake::Upload ─► StagedFile ─┐
//!       └─ task 1: Router ─► Files ◄─┘                                                                      ├─► Output ─► publish(tx)
//! ```
//!
//! Every partition of the plan is a task on the engine's threads, so that all threads encode. With partition columns the
//! tasks share the open files: each file is written by one task at a time, and only as many are open of one partition value
//! as tasks write it at once. Without, and where the rows of the plan are sorted, each task has files of its own. Rows that the
//! plan sorts last are sorted by all threads, and each task then writes a range of the order (`ranges`).
//! Memory is bounded by [`Spec::memory_bytes`] over all tasks and accounted to the engine's pool: when the open files
//! hold more, the largest write what they have (Parquet as a row group). When that would give little, the rows that still come
//! are put aside, and written folder after folder in the end (`aside`); or files are ended early, where they are large already,
//! or there are hardly more of them than tasks (a partition then has several files). Partition columns are not in the files: they are in the folder names, escaped
//! as Hive does.
//!
//! A failed, cancelled or killed run leaves nothing: staged bytes that were not published are removed, at once or at
//! the next start of the lake.

mod aside;
mod files;
mod idle;
mod open;
mod output;
mod ranges;
mod schema;

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use arrow::{
    array::ArrayRef,
    datatypes::{DataType, Schema, SchemaRef},
    error::ArrowError,
};
use datafusion::{
    common::{Column, ScalarValue},
    dataframe::DataFrame,
    error::DataFusionError,
    execution::TaskContext,
    logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder},
    physical_plan::{
        ExecutionPlan, ExecutionPlanProperties, Partitioning, coalesce_partitions::CoalescePartitionsExec,
        repartition::RepartitionExec,
    },
};
use formats::{
    Format, Group, Router, WriteOptions,
    hive::{HiveType, shown},
};
use futures::StreamExt;
use lake::{BucketName, LakeError};
use tokio::task::JoinSet;

pub use output::{Output, OutputPartition, Published, StagedFile, publish};

use crate::{EngineError, RunStats, Session, WriteStats, hive, location, stats};
use files::{Files, Rows, Target};

/// What open files are granted at least.
const MIN_OUTPUT_BYTES: usize = 8 << 20;

/// What to write and where.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The files' format.
    pub format: Format,
    /// Compression, header and row group size.
    pub options: WriteOptions,
    /// Columns that become folders, outermost first; none for one flat folder. Found ignoring case.
    pub partition_keys: Vec<String>,
    /// Those of the partition keys that are in the files as well.
    pub kept_keys: Vec<String>,
    /// The bucket; it must exist.
    pub bucket: BucketName,
    /// Key prefix of everything that is written; a `/` is added when it is missing.
    pub prefix: String,
    /// Beginning of the files' names, which go on `-<task>-<number><extension>`. Must not begin with `_` or `.`, which
    /// readers hide, and must be unique to the run, or publishing replaces the files of another.
    pub file_prefix: String,
    /// A file is ended at about this size. At least 1 MiB.
    pub target_file_bytes: u64,
    /// At most so many tasks write, so many files into each folder then, but for those that are ended for their size or for
    /// want of memory; `None`: one for each thread. At least 1.
    pub max_tasks: Option<usize>,
    /// What open files may hold over all tasks, in bytes: no more than a quarter of the engine's memory in any case. At least 8 MiB.
    pub memory_bytes: usize,
    /// Counts for the caller, while the output is written.
    pub stats: Option<Arc<WriteStats>>,
    /// Ids of columns by their names, for Parquet files of tables that find columns by id.
    pub field_ids: BTreeMap<String, i32>,
}

/// The key under which the Parquet writer takes a column's id.
const FIELD_ID: &str = "PARQUET:field_id";

impl Spec {
    /// Parquet with Snappy into one folder, files of about 256 MiB, 112 MiB of memory.
    pub fn parquet(bucket: BucketName, prefix: impl Into<String>, file_prefix: impl Into<String>) -> Self {
        Self {
            format: Format::Parquet(formats::ParquetOptions::default()),
            options: WriteOptions::default(),
            partition_keys: Vec::new(),
            kept_keys: Vec::new(),
            bucket,
            prefix: prefix.into(),
            file_prefix: file_prefix.into(),
            target_file_bytes: 256 << 20,
            max_tasks: None,
            memory_bytes: 112 << 20,
            stats: None,
            field_ids: BTreeMap::new(),
        }
    }

    /// The columns of the files with their ids.
    fn with_ids(&self, files: &Schema) -> SchemaRef {
        let fields = files.fields().iter().map(|field| match self.field_ids.get(field.name()) {
            Some(id) => {
                let metadata = [(FIELD_ID.to_owned(), id.to_string())].into();
                Arc::new(field.as_ref().clone().with_metadata(metadata))
            }
            None => Arc::clone(field),
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}

/// Runs `frame` and stages its rows as files. Nothing is visible until [`publish`]; dropping the output, or this
/// future, removes what was written.
/// Errors: `OptionsInvalid`, `ColumnNotFound` for a partition key that is no column, `BucketMissing`, and whatever the
/// plan meets.
pub async fn write_partitioned(
    session: &Session,
    frame: DataFrame,
    spec: &Spec,
) -> Result<Output, EngineError> {
    check(spec)?;
    check_bucket(session, spec).await?;
    let logical = session.converted(as_storable(frame))?;
    let shape = Shape::new(logical.schema().as_arrow(), spec)?;
    let plan = session.physical_plan(logical).await?;
    let limits = session.engine().options();
    let planned = ranges::in_ranges(plan, &shape.keys, ranges::Limits::of(limits, spec));
    let ranges::Planned { plan, is_sorted, is_by_folder } = session.converted(planned)?;
    let plan = session.converted(spread((plan, is_sorted), limits.threads, spec.max_tasks))?;
    let tasks = plan.output_partitioning().partition_count();
    let rows = Rows { tasks, is_sorted, is_by_folder };
    let context = session.context().task_ctx();
    let worker = session.clone();
    let spec = spec.clone();
    let output = async move { run(&worker, (plan, rows), context, &spec, shape).await };
    session.engine().run(session.cancel_token(), output).await
}

fn check(spec: &Spec) -> Result<(), EngineError> {
    let invalid = |what: &str| Err(EngineError::OptionsInvalid { what: what.to_owned() });
    if spec.file_prefix.is_empty()
        || spec.file_prefix.starts_with(['_', '.'])
        || spec.file_prefix.contains('/')
    {
        return invalid("a file name must not be empty, begin with _ or . or contain /");
    }
    if spec.target_file_bytes < 1 << 20 || spec.memory_bytes < MIN_OUTPUT_BYTES {
        return invalid("files of at least 1 MiB and memory of at least 8 MiB are needed for writing");
    }
    if spec.max_tasks == Some(0) {
        return invalid("at least one task is needed for writing");
    }
    Ok(())
}

async fn check_bucket(session: &Session, spec: &Spec) -> Result<(), EngineError> {
    let mut reading = session.view().read().await?;
    let account = &session.view().sources().scope.account;
    match session.lake().check_owner(reading.tx(), &spec.bucket, account).await {
        Ok(()) => {
            reading.done();
            Ok(())
        }
        Err(LakeError::NoSuchBucket { bucket }) => {
            let location = location::uri(&bucket, &spec.prefix);
            Err(EngineError::BucketMissing { table: None, bucket, location })
        }
        Err(error) => Err(error.into()),
    }
}

/// The frame's plan with every column cast to a type that files may hold.
fn as_storable(frame: DataFrame) -> datafusion::error::Result<LogicalPlan> {
    let plan = frame.into_unoptimized_plan();
    let schema = Arc::clone(plan.schema());
    let mut exprs = Vec::with_capacity(schema.fields().len());
    let mut changed = false;
    for (qualifier, field) in schema.iter() {
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        let wanted = schema::storable(field.data_type());
        if &wanted == field.data_type() {
            exprs.push(column);
            continue;
        }
        changed = true;
        exprs.push(column.cast_to(&wanted, schema.as_ref())?.alias(field.name()));
    }
    if !changed {
        return Ok(plan);
    }
    LogicalPlanBuilder::from(plan).project(exprs)?.build()
}

/// Which columns go where.
#[derive(Clone)]
struct Shape {
    keys: Vec<usize>,
    data: Vec<usize>,
    schema: SchemaRef,
    partition_schema: SchemaRef,
}

impl Shape {
    fn new(schema: &Schema, spec: &Spec) -> Result<Self, EngineError> {
        check_columns(schema)?;
        let mut keys = Vec::with_capacity(spec.partition_keys.len());
        for key in &spec.partition_keys {
            keys.push(find_key(schema, key, &keys)?);
        }
        let is_kept = |column: usize| {
            let name = schema.field(column).name();
            spec.kept_keys.iter().any(|kept| kept.eq_ignore_ascii_case(name))
        };
        let in_files = |column: &usize| !keys.contains(column) || is_kept(*column);
        let data: Vec<usize> = (0..schema.fields().len()).filter(in_files).collect();
        if data.is_empty() {
            let what = "every column is a partition key: there is nothing to write into files".to_owned();
            return Err(EngineError::OptionsInvalid { what });
        }
        let project = |columns: &[usize]| {
            let fields: Vec<_> = columns.iter().map(|column| Arc::clone(&schema.fields()[*column])).collect();
            Arc::new(Schema::new(fields))
        };
        let files = spec.with_ids(&project(&data));
        formats::check_writable(&spec.format, &files).map_err(|what| EngineError::OptionsInvalid { what })?;
        Ok(Self { schema: files, partition_schema: project(&keys), keys, data })
    }
}

fn check_columns(schema: &Schema) -> Result<(), EngineError> {
    let mut seen = HashSet::new();
    for field in schema.fields() {
        if !seen.insert(field.name().to_lowercase()) {
            let what =
                format!("column {} would be written twice (names are compared ignoring case)", field.name());
            return Err(EngineError::OptionsInvalid { what });
        }
        if let Err(error) = HiveType::from_arrow(field.data_type()) {
            let what = format!("column {} cannot be written: {error}", field.name());
            return Err(EngineError::OptionsInvalid { what });
        }
    }
    Ok(())
}

fn find_key(schema: &Schema, key: &str, taken: &[usize]) -> Result<usize, EngineError> {
    let position = schema.fields().iter().position(|field| field.name().eq_ignore_ascii_case(key));
    let Some(position) = position else {
        let candidates = schema.fields().iter().map(|field| field.name().clone()).collect();
        return Err(EngineError::ColumnNotFound { column: key.to_owned(), relation: None, candidates });
    };
    let data_type: &DataType = schema.field(position).data_type();
    if taken.contains(&position) || !hive::is_partition_type(data_type) {
        let what = format!("column {key} of type {} cannot be a partition key here", shown(data_type));
        return Err(EngineError::OptionsInvalid { what });
    }
    Ok(position)
}

/// Gives every thread a part of a plan that has fewer, unless its rows are sorted; and brings the parts down to `most`.
fn spread(
    (plan, is_sorted): (Arc<dyn ExecutionPlan>, bool),
    threads: usize,
    most: Option<usize>,
) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
    let parts = plan.output_partitioning().partition_count();
    let most = most.unwrap_or(usize::MAX);
    let wanted = if is_sorted { parts } else { parts.max(threads) }.min(most);
    match wanted {
        same if same == parts => Ok(plan),
        1 => Ok(Arc::new(CoalescePartitionsExec::new(plan))),
        other => Ok(Arc::new(RepartitionExec::try_new(plan, Partitioning::RoundRobinBatch(other))?)),
    }
}

async fn run(
    session: &Session,
    (plan, rows): (Arc<dyn ExecutionPlan>, Rows),
    context: Arc<TaskContext>,
    spec: &Spec,
    shape: Shape,
) -> Result<Output, EngineError> {
    let target = Arc::new(Target::new(session, spec, &shape, rows, &context));
    let mut tasks = JoinSet::new();
    for part in 0..rows.tasks {
        tasks.spawn(write_part(
            session.clone(),
            Arc::clone(&plan),
            Arc::clone(&context),
            Arc::clone(&target),
            shape.clone(),
            part,
        ));
    }
    let mut files = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        let done =
            joined.map_err(|error| EngineError::Internal(format!("a writing task was lost: {error}")))?;
        files.extend(done?);
    }
    let (rows, bytes) =
        files.iter().fold((0, 0), |(rows, bytes), file| (rows + file.rows, bytes + file.bytes));
    let bad_records = session.bad_records();
    let mut stats = RunStats { rows_out: rows, bad_records, ..stats::gather(&plan) };
    stats.spilled_bytes += target.spilled_bytes();
    let (bucket, prefix) = (spec.bucket.clone(), target.prefix.clone());
    Ok(Output {
        files,
        schema: shape.schema,
        partition_schema: shape.partition_schema,
        rows,
        bytes,
        stats,
        bucket,
        prefix,
    })
}

async fn write_part(
    session: Session,
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    target: Arc<Target>,
    shape: Shape,
    part: usize,
) -> Result<Vec<StagedFile>, EngineError> {
    let arrow_error = |error| session.engine().convert(&DataFusionError::from(error));
    let mut router =
        Router::new(&plan.schema(), shape.keys, shape.data, target.task_bytes).map_err(arrow_error)?;
    let mut files = Files::new(target, part);
    let mut stream = session.converted(plan.execute(part, context))?;
    let text = hive::ValueText::default();
    // The values of each partition, in the order in which the router numbers them.
    let mut partitions: Vec<Vec<ScalarValue>> = Vec::new();
    while let Some(batch) = stream.next().await {
        let batch = session.converted(batch)?;
        let mut name = |columns: &[ArrayRef], row: usize| {
            let values = columns.iter().map(|column| ScalarValue::try_from_array(column.as_ref(), row));
            let values = values.collect::<Result<_, _>>();
            partitions.push(values.map_err(|error| ArrowError::ExternalError(Box::new(error)))?);
            columns.iter().map(|column| text.text(column.as_ref(), row)).collect()
        };
        router.push(&batch, &mut name).map_err(arrow_error)?;
        if router.is_full() || files.aside().is_some() {
            hand_on(&session, &mut router, &partitions, &mut files).await?;
        }
        files.balance(router.window_bytes()).await?;
    }
    hand_on(&session, &mut router, &partitions, &mut files).await?;
    files.finish(&session).await
}

/// Gives all waiting rows to their files, or puts them aside.
async fn hand_on(
    session: &Session,
    router: &mut Router,
    partitions: &[Vec<ScalarValue>],
    files: &mut Files,
) -> Result<(), EngineError> {
    let values = |group: Group| partitions.get(group).map(Vec::as_slice).unwrap_or_default();
    while files.aside().is_none()
        && let Some(group) = session.converted(router.next_group().map_err(DataFusionError::from))?
    {
        let slot = files.slot(group, (router.values(group), values(group)));
        files.write(slot, &router.parts(group)).await?;
        files.balance(router.window_bytes()).await?;
    }
    let Some(aside) = files.aside() else {
        router.clear();
        return Ok(());
    };
    for (rows, groups) in session.converted(router.rest().map_err(DataFusionError::from))? {
        let slot = |group: &Group| files.slot(*group, (router.values(*group), values(*group))) as u32;
        let slots = groups.iter().map(slot).collect();
        session.converted(files.put_aside(&aside, &rows, slots).await)?;
    }
    files.balance(0).await
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;

    use super::*;

    #[test]
    fn what_the_format_cannot_hold_is_refused_before_anything_is_read() {
        let schema = Schema::new(vec![
            Field::new("id", DataType::Int64, true),
            Field::new("b", DataType::Binary, true),
        ]);
        let bucket = BucketName::new("bucket").expect("bucket");
        let parquet = Spec::parquet(bucket, "o/", "part");
        let json = Spec { format: Format::Json(formats::JsonOptions::default()), ..parquet.clone() };
        let message = |spec: &Spec| Shape::new(&schema, spec).err().map(|error| error.to_string());
        assert_eq!(message(&parquet), None);
        let expected = "column b (binary) cannot be written as JSON; use parquet, or drop it";
        assert_eq!(message(&json).as_deref(), Some(expected));
    }
}
