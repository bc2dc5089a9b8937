//! Every format but Parquet: a file source of DataFusion's over `formats`.
//!
//! The reader parses only the columns that are wanted; partition columns and expressions are added by DataFusion's
//! projection on top. A record that does not fit is the dialect's affair; what `formats` calls an error names
//! file and line and fails the query, or is counted where the session says so.

use std::{fmt, sync::Arc};

use arrow::datatypes::SchemaRef;

use datafusion::{
    common::tree_node::TreeNodeRecursion,
    datasource::{
        listing::PartitionedFile,
        physical_plan::{FileOpenFuture, FileOpener, FileScanConfig, FileSource},
        projection::{ProjectionOpener, SplitProjection},
        table_schema::TableSchema,
    },
    error::Result,
    physical_expr::{PhysicalExpr, projection::ProjectionExprs},
    physical_plan::{DisplayFormatType, apply_expression_roots, metrics::ExecutionPlanMetricsSet},
};
use formats::{OnBadRecord, ReadOptions};
use futures::{FutureExt, StreamExt};
use object_store::ObjectStore;

use super::{Counters, target};
use crate::{EngineError, object::CountedSource};

/// Rows per batch until the scan is told.
const DEFAULT_BATCH_ROWS: usize = 8192;

/// Files as a source of DataFusion's.
#[derive(Clone)]
pub(crate) struct TextSource {
    schema: TableSchema,
    projection: SplitProjection,
    batch_rows: usize,
    on_bad_record: OnBadRecord,
    counters: Arc<Counters>,
    metrics: ExecutionPlanMetricsSet,
}

impl TextSource {
    pub(crate) fn new(schema: TableSchema, on_bad_record: OnBadRecord, counters: Arc<Counters>) -> Self {
        Self {
            projection: SplitProjection::unprojected(&schema),
            schema,
            batch_rows: DEFAULT_BATCH_ROWS,
            on_bad_record,
            counters,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// What the scan has read so far.
    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }
}

impl FileSource for TextSource {
    fn create_file_opener(
        &self,
        _store: Arc<dyn ObjectStore>,
        _config: &FileScanConfig,
        _partition: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        let file_schema = self.schema.file_schema();
        let opener = Arc::new(TextOpener {
            wanted: Arc::new(file_schema.project(&self.projection.file_indices)?),
            options: ReadOptions {
                batch_rows: self.batch_rows,
                on_bad_record: self.on_bad_record.clone(),
                ..ReadOptions::default()
            },
            counters: Arc::clone(&self.counters),
        });
        ProjectionOpener::try_new(self.projection.clone(), opener, file_schema)
    }

    fn table_schema(&self) -> &TableSchema {
        &self.schema
    }

    fn with_batch_size(&self, batch_rows: usize) -> Arc<dyn FileSource> {
        Arc::new(Self { batch_rows, ..self.clone() })
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        Some(&self.projection.source)
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        &self.metrics
    }

    fn file_type(&self) -> &str {
        "text"
    }

    fn fmt_extra(&self, _kind: DisplayFormatType, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }

    /// The scan's files are cut into ranges when it is planned.
    fn supports_repartitioning(&self) -> bool {
        false
    }

    fn try_pushdown_projection(&self, projection: &ProjectionExprs) -> Result<Option<Arc<dyn FileSource>>> {
        let merged = self.projection.source.try_merge(projection)?;
        let projection = SplitProjection::new(self.schema.file_schema(), &merged);
        Ok(Some(Arc::new(Self { projection, ..self.clone() })))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        apply_expression_roots(self.projection.source.iter(), f)
    }
}

struct TextOpener {
    wanted: SchemaRef,
    options: ReadOptions,
    counters: Arc<Counters>,
}

impl FileOpener for TextOpener {
    fn open(&self, file: PartitionedFile) -> Result<FileOpenFuture> {
        let target = target(&file)?.clone();
        let (start, end) = file.range();
        let wanted = Arc::clone(&self.wanted);
        let options = self.options.clone();
        let counters = Arc::clone(&self.counters);
        Ok(async move {
            counters.opened(&target.object);
            let source = Arc::new(CountedSource::new(Arc::clone(&target.object), Arc::clone(&counters)));
            let stream = formats::read(source, start..end, &target.format, wanted, options);
            let counted = stream.map(move |batch| match batch {
                Ok(batch) => {
                    counters.add_rows(batch.num_rows() as u64);
                    Ok(batch)
                }
                Err(error) => Err(EngineError::from(error).into_datafusion()),
            });
            Ok(counted.boxed())
        }
        .boxed())
    }
}
