//! Physical scans: from a list of pinned objects to an execution plan.
//!
//! Files are cut into pieces where their format allows it, spread over the plan's partitions by size, and read by
//! DataFusion's file stream, which lets an idle partition take over pieces of a busy one. Parquet goes through
//! DataFusion's own source ([`parquet`], [`named`]), every other format through `formats` ([`text`]); a table whose
//! partitions differ in that becomes the union of both.
//!
//! Every piece carries its object and how to read it ([`Target`]). The path that DataFusion sees is a number.

pub(crate) mod by_id;
mod estimate;
mod keep;
pub(crate) mod named;
pub(crate) mod numbers;
pub(crate) mod parquet;
pub(crate) mod spelling;
pub(crate) mod split;
pub(crate) mod text;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arrow::datatypes::{FieldRef, SchemaRef};
use datafusion::{
    catalog::Session,
    common::{ScalarValue, Statistics, config::TableParquetOptions},
    datasource::{
        listing::PartitionedFile,
        physical_plan::{FileGroup, FileScanConfigBuilder, FileSource, ParquetSource},
        source::DataSourceExec,
        table_schema::TableSchema,
    },
    error::Result,
    physical_expr_adapter::PhysicalExprAdapterFactory,
    physical_plan::{ExecutionPlan, empty::EmptyExec, union::UnionExec},
};
use formats::{ByteSource as _, Format, OnBadRecord, RecordStarts, Strictness};

use crate::{EngineError, ScanStats, bad::BadLog, object::SourceObject, registry};

use parquet::ByName;

/// A file of a scan: what to read, how, and the partition that it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct ScanFile {
    pub(crate) object: Arc<SourceObject>,
    pub(crate) format: Arc<Format>,
    pub(crate) partition_values: Vec<ScalarValue>,
}

/// Whether there is nothing to read: programs mark folders, and work that has ended, with files of no bytes. (The readers
/// of `formats` find out by themselves. Of Delta and Iceberg no such file is part: there it is a damaged one.)
pub(crate) fn is_blank(object: &SourceObject, format: &Format) -> bool {
    object.size() == 0 && matches!(format, Format::Parquet(_))
}

/// What every piece of a scan carries.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) object: Arc<SourceObject>,
    pub(crate) format: Arc<Format>,
    /// What the readers of the object's pieces share.
    pub(crate) starts: Arc<RecordStarts>,
}

/// The target of a piece that this module planned.
pub(crate) fn target(file: &PartitionedFile) -> Result<&Target> {
    let missing = || EngineError::Internal("a scan met a file that it did not plan".to_owned());
    Ok(file.extension::<Target>().ok_or_else(missing)?)
}

/// What one scan has read. Shared by all pieces of it.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) files_planned: AtomicU64,
    pub(crate) partitions: AtomicU64,
    pub(crate) files_read: AtomicU64,
    pub(crate) bytes: AtomicU64,
    /// Rows that were read and left out at once.
    pub(crate) rows_left_out: AtomicU64,
    /// Where the caller watches the same.
    watched: Option<Arc<ScanStats>>,
}

impl Counters {
    /// Counts bytes read of an object, up to its size: pieces of a file overlap a little, and readers look twice.
    pub(crate) fn read(&self, object: &SourceObject, bytes: u64) {
        let bytes = object.count(bytes);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if let Some(watched) = &self.watched {
            watched.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    pub(crate) fn add_rows(&self, rows: u64) {
        if let Some(watched) = &self.watched {
            watched.rows.fetch_add(rows, Ordering::Relaxed);
        }
    }

    /// Counts rows that the scan read and did not keep.
    pub(crate) fn leave_out(&self, rows: u64) {
        self.rows_left_out.fetch_add(rows, Ordering::Relaxed);
        self.add_rows(rows);
    }

    /// Counts an object once, however many pieces of it are opened.
    pub(crate) fn opened(&self, object: &SourceObject) {
        if object.mark_opened() {
            self.files_read.fetch_add(1, Ordering::Relaxed);
            if let Some(watched) = &self.watched {
                watched.files.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// A scan to be planned.
pub(crate) struct Scan<'a> {
    pub(crate) file_schema: SchemaRef,
    pub(crate) partition_fields: Vec<FieldRef>,
    pub(crate) files: Vec<ScanFile>,
    /// Partitions that the files come from.
    pub(crate) partitions: u64,
    pub(crate) projection: Option<&'a Vec<usize>>,
    pub(crate) limit: Option<usize>,
    pub(crate) on_bad_record: OnBadRecord,
    /// Which records of delimited text are bad.
    pub(crate) strictness: Strictness,
    /// Partitions of the plan to aim at.
    pub(crate) target_partitions: usize,
    /// Counts for the caller, while the scan runs.
    pub(crate) stats: Option<Arc<ScanStats>>,
    /// How columns of Parquet files are matched to the table's.
    pub(crate) columns: Arc<dyn PhysicalExprAdapterFactory>,
    /// What Parquet files may have, where other columns are an error.
    pub(crate) among: Option<SchemaRef>,
}

impl<'a> Scan<'a> {
    /// A scan of `files` that belong to no partition, columns of Parquet matched by name; set what differs.
    pub(crate) fn new(
        file_schema: &SchemaRef,
        files: Vec<ScanFile>,
        state: &dyn Session,
        projection: Option<&'a Vec<usize>>,
        limit: Option<usize>,
    ) -> Self {
        Self {
            file_schema: Arc::clone(file_schema),
            partition_fields: Vec::new(),
            files,
            partitions: 1,
            projection,
            limit,
            on_bad_record: OnBadRecord::Fail,
            strictness: Strictness::Dialect,
            target_partitions: state.config().target_partitions(),
            stats: None,
            columns: Arc::new(ByName),
            among: None,
        }
    }

    /// Counts for the caller, and does with bad records what its session says.
    pub(crate) fn watched(self, bad: &BadLog, stats: Option<&Arc<ScanStats>>) -> Self {
        let on_bad_record = bad.policy(stats.map(Arc::as_ref));
        Self { on_bad_record, strictness: bad.strictness(), stats: stats.cloned(), ..self }
    }

    /// The fields of `schema` behind those of the files are partition keys, of `partitions` partitions.
    pub(crate) fn partitioned(self, schema: &SchemaRef, partitions: u64) -> Self {
        let columns = self.file_schema.fields().len();
        let partition_fields = schema.fields().iter().skip(columns).cloned().collect();
        Self { partition_fields, partitions, ..self }
    }

    /// Plans the scan. The plan's schema is the projected table schema.
    pub(crate) async fn plan(self) -> Result<Arc<dyn ExecutionPlan>> {
        let (columnar, text): (Vec<ScanFile>, Vec<ScanFile>) =
            self.files.iter().cloned().partition(|file| matches!(*file.format, Format::Parquet(_)));
        let mut plans = Vec::with_capacity(2);
        if !columnar.is_empty() {
            plans.push(self.plan_parquet(columnar).await?);
        }
        if !text.is_empty() {
            plans.push(self.plan_text(text).await?);
        }
        match (plans.pop(), plans.pop()) {
            (Some(second), Some(first)) => UnionExec::try_new(vec![first, second]),
            (Some(only), None) => Ok(only),
            (None, _) => self.plan_empty(),
        }
    }

    fn table_schema(&self) -> TableSchema {
        TableSchema::builder(Arc::clone(&self.file_schema))
            .with_table_partition_cols(self.partition_fields.clone())
            .build()
    }

    fn counters(&self, files: usize) -> Arc<Counters> {
        let counters = Counters { watched: self.stats.clone(), ..Counters::default() };
        counters.files_planned.store(files as u64, Ordering::Relaxed);
        counters.partitions.store(self.partitions, Ordering::Relaxed);
        Arc::new(counters)
    }

    async fn plan_parquet(&self, files: Vec<ScanFile>) -> Result<Arc<dyn ExecutionPlan>> {
        let counters = self.counters(files.len());
        let readers = parquet::LakeReaders::new(Arc::clone(&counters), self.among.clone(), &self.file_schema);
        let readers = Arc::new(readers);
        let mut options = TableParquetOptions::new();
        // Spark writes timestamps far outside what nanoseconds reach.
        options.global.coerce_int96 = Some("us".to_owned());
        let source = ParquetSource::new(self.table_schema())
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::clone(&readers) as _);
        let source = Arc::new(named::NamedParquet::new(source, counters));
        let statistics = estimate::of_parquet(source.table_schema(), &files, &readers).await;
        self.plan_source(source, files, statistics).await
    }

    async fn plan_text(&self, files: Vec<ScanFile>) -> Result<Arc<dyn ExecutionPlan>> {
        let counters = self.counters(files.len());
        let is_delimited = files.iter().all(|file| matches!(*file.format, Format::Csv(_)));
        let source = text::TextSource::new(self.table_schema(), self.on_bad_record.clone(), counters)
            .delimited(is_delimited)
            .strict(self.strictness);
        let statistics = estimate::of_text(source.table_schema(), &files);
        self.plan_source(Arc::new(source), files, statistics).await
    }

    async fn plan_source(
        &self,
        source: Arc<dyn FileSource>,
        files: Vec<ScanFile>,
        statistics: Statistics,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let groups = split::groups(files, self.target_partitions).await?;
        let config = FileScanConfigBuilder::new(registry::scan_url()?, source)
            .with_file_groups(groups.into_iter().map(FileGroup::new).collect())
            .with_statistics(statistics)
            .with_limit(self.limit)
            .with_expr_adapter(Some(Arc::clone(&self.columns)))
            .with_projection_indices(self.projection.cloned())?
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    fn plan_empty(&self) -> Result<Arc<dyn ExecutionPlan>> {
        let table = self.table_schema();
        let schema = match self.projection {
            Some(indices) => Arc::new(table.table_schema().project(indices)?),
            None => Arc::clone(table.table_schema()),
        };
        Ok(Arc::new(EmptyExec::new(schema)))
    }
}
