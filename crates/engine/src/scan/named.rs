//! Wraps DataFusion's Parquet source so that errors from decoding name their file.
//!
//! Everything else is passed on. A file that cannot be decoded fails its query as
//! [`EngineError::File`]; errors that are ours already, and errors of expressions that were pushed into the scan,
//! pass unchanged.

use std::{fmt, sync::Arc};

use arrow::{array::RecordBatch, error::ArrowError};
use datafusion::{
    common::{config::ConfigOptions, tree_node::TreeNodeRecursion},
    datasource::{
        listing::PartitionedFile,
        physical_plan::{FileOpener, FileScanConfig, FileSource, ParquetSource},
        table_schema::TableSchema,
    },
    error::{DataFusionError, Result},
    physical_expr::{EquivalenceProperties, PhysicalExpr, PhysicalSortExpr, projection::ProjectionExprs},
    physical_plan::{
        DisplayFormatType, SortOrderPushdownResult, filter_pushdown::FilterPushdownPropagation,
        metrics::ExecutionPlanMetricsSet,
    },
};
use datafusion_datasource::morsel::{Morsel, MorselPlan, MorselPlanner, Morselizer, PendingMorselPlanner};
use futures::{StreamExt, stream::BoxStream};
use object_store::ObjectStore;

use super::{
    Counters,
    spelling::{NotConforming, TwoMeanings},
    target,
};
use formats::ByteSource as _;

use crate::EngineError;

/// A Parquet source whose errors name their files.
pub(crate) struct NamedParquet {
    inner: Arc<dyn FileSource>,
    counters: Arc<Counters>,
}

impl NamedParquet {
    pub(crate) fn new(inner: ParquetSource, counters: Arc<Counters>) -> Self {
        Self { inner: Arc::new(inner), counters }
    }

    /// What the scan has read so far.
    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    fn wrap(&self, inner: Arc<dyn FileSource>) -> Arc<dyn FileSource> {
        Arc::new(Self { inner, counters: Arc::clone(&self.counters) })
    }
}

impl FileSource for NamedParquet {
    fn create_file_opener(
        &self,
        store: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        self.inner.create_file_opener(store, config, partition)
    }

    fn create_morselizer(
        &self,
        store: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Box<dyn Morselizer>> {
        let inner = self.inner.create_morselizer(store, config, partition)?;
        Ok(Box::new(NamedMorselizer { inner, counters: Arc::clone(&self.counters) }))
    }

    fn table_schema(&self) -> &TableSchema {
        self.inner.table_schema()
    }

    fn with_batch_size(&self, batch_size: usize) -> Arc<dyn FileSource> {
        self.wrap(self.inner.with_batch_size(batch_size))
    }

    fn filter(&self) -> Option<Arc<dyn PhysicalExpr>> {
        self.inner.filter()
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        self.inner.projection()
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        self.inner.metrics()
    }

    fn file_type(&self) -> &str {
        self.inner.file_type()
    }

    fn fmt_extra(&self, kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_extra(kind, f)
    }

    /// The scan's files are cut into ranges when it is planned.
    fn supports_repartitioning(&self) -> bool {
        false
    }

    fn try_pushdown_filters(
        &self,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn FileSource>>> {
        let pushed = self.inner.try_pushdown_filters(filters, config)?;
        let updated_node = pushed.updated_node.map(|inner| self.wrap(inner));
        Ok(FilterPushdownPropagation { filters: pushed.filters, updated_node })
    }

    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
        properties: &EquivalenceProperties,
    ) -> Result<SortOrderPushdownResult<Arc<dyn FileSource>>> {
        Ok(match self.inner.try_pushdown_sort(order, properties)? {
            SortOrderPushdownResult::Exact { inner } => {
                SortOrderPushdownResult::Exact { inner: self.wrap(inner) }
            }
            SortOrderPushdownResult::Inexact { inner } => {
                SortOrderPushdownResult::Inexact { inner: self.wrap(inner) }
            }
            SortOrderPushdownResult::Unsupported => SortOrderPushdownResult::Unsupported,
        })
    }

    fn reorder_files(&self, files: Vec<PartitionedFile>) -> Vec<PartitionedFile> {
        self.inner.reorder_files(files)
    }

    fn try_pushdown_projection(&self, projection: &ProjectionExprs) -> Result<Option<Arc<dyn FileSource>>> {
        Ok(self.inner.try_pushdown_projection(projection)?.map(|inner| self.wrap(inner)))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.inner.apply_expressions(f)
    }
}

/// Adds the file to an error from decoding it.
fn name(file: &Arc<str>, error: DataFusionError) -> DataFusionError {
    if let Some(what) = of_some_file(&error) {
        return EngineError::File { file: file.to_string(), what }.into_datafusion();
    }
    let what = match &error {
        DataFusionError::ParquetError(inner) if !is_external(inner) => inner.to_string(),
        DataFusionError::ArrowError(inner, _) => match inner.as_ref() {
            ArrowError::ParquetError(text) | ArrowError::CastError(text) => text.clone(),
            _ => return error,
        },
        _ => return error,
    };
    EngineError::File { file: file.to_string(), what }.into_datafusion()
}

/// What [`NotConforming`] or [`TwoMeanings`] says, wherever it is inside.
fn of_some_file(error: &DataFusionError) -> Option<String> {
    let mut inner: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(one) = inner {
        if let Some(found) = one.downcast_ref::<NotConforming>() {
            return Some(found.to_string());
        }
        if let Some(found) = one.downcast_ref::<TwoMeanings>() {
            return Some(found.to_string());
        }
        inner = one.source();
    }
    None
}

fn is_external(error: &datafusion::parquet::errors::ParquetError) -> bool {
    matches!(error, datafusion::parquet::errors::ParquetError::External(_))
}

/// What the wrappers of one file share.
#[derive(Clone, Debug)]
struct Named {
    file: Arc<str>,
    counters: Arc<Counters>,
}

impl Named {
    fn error(&self, error: DataFusionError) -> DataFusionError {
        name(&self.file, error)
    }

    fn planner(&self, inner: Box<dyn MorselPlanner>) -> Box<dyn MorselPlanner> {
        Box::new(NamedPlanner { inner, named: self.clone() })
    }

    fn morsel(&self, inner: Box<dyn Morsel>) -> Box<dyn Morsel> {
        Box::new(NamedMorsel { inner, named: self.clone() })
    }

    async fn pending(self, pending: PendingMorselPlanner) -> Result<Box<dyn MorselPlanner>> {
        let planner = pending.await.map_err(|error| self.error(error))?;
        Ok(self.planner(planner))
    }
}

#[derive(Debug)]
struct NamedMorselizer {
    inner: Box<dyn Morselizer>,
    counters: Arc<Counters>,
}

impl Morselizer for NamedMorselizer {
    fn plan_file(&self, file: PartitionedFile) -> Result<Box<dyn MorselPlanner>> {
        let named =
            Named { file: Arc::from(target(&file)?.object.name()), counters: Arc::clone(&self.counters) };
        let inner = self.inner.plan_file(file).map_err(|error| named.error(error))?;
        Ok(named.planner(inner))
    }
}

#[derive(Debug)]
struct NamedPlanner {
    inner: Box<dyn MorselPlanner>,
    named: Named,
}

impl MorselPlanner for NamedPlanner {
    fn plan(self: Box<Self>) -> Result<Option<MorselPlan>> {
        let named = self.named;
        let Some(mut plan) = self.inner.plan().map_err(|error| named.error(error))? else {
            return Ok(None);
        };
        let morsels = plan.take_morsels().into_iter().map(|morsel| named.morsel(morsel)).collect();
        let ready = plan.take_ready_planners().into_iter().map(|planner| named.planner(planner)).collect();
        let mut out = MorselPlan::new().with_morsels(morsels).with_planners(ready);
        if let Some(pending) = plan.take_pending_planner() {
            out.set_pending_planner(named.pending(pending));
        }
        Ok(Some(out))
    }
}

#[derive(Debug)]
struct NamedMorsel {
    inner: Box<dyn Morsel>,
    named: Named,
}

impl Morsel for NamedMorsel {
    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<RecordBatch>> {
        let named = self.named;
        let counted = self.inner.into_stream().map(move |item| match item {
            Ok(batch) => {
                named.counters.add_rows(batch.num_rows() as u64);
                Ok(batch)
            }
            Err(error) => Err(named.error(error)),
        });
        counted.boxed()
    }
}
