//! Sorting a sort's input.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use arrow::{
    array::{ArrayRef, RecordBatch},
    compute::SortOptions,
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use datafusion::{
    common::runtime::JoinSet,
    error::{DataFusionError, Result},
    execution::TaskContext,
    physical_expr::{LexOrdering, PhysicalExpr, expressions::Column},
    physical_plan::{
        ExecutionPlanProperties,
        metrics::{ExecutionPlanMetricsSet, MetricBuilder},
    },
};
use formats::order::Keys;
use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, Shared},
};

use super::{
    Limits, Plan,
    folders::Numbers,
    sorting::{Ordered, Sorting, lost},
};

/// An error is every stream's.
type Outcome = std::result::Result<Ordered, Arc<DataFusionError>>;

/// The input, which is loaded once, for all streams.
pub(super) struct Loading {
    input: Plan,
    layout: Arc<Layout>,
    limits: Limits,
    metrics: ExecutionPlanMetricsSet,
    outcome: Mutex<Option<Shared<BoxFuture<'static, Outcome>>>>,
}

impl fmt::Debug for Loading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loading").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Loading {
    pub(super) fn new(
        input: Plan,
        keys: &LexOrdering,
        folders: Option<Numbers>,
        limits: Limits,
    ) -> Result<Self> {
        let metrics = ExecutionPlanMetricsSet::new();
        let layout = Arc::new(Layout::new(&input.schema(), keys, folders)?);
        Ok(Self { input, layout, limits, metrics, outcome: Mutex::new(None) })
    }

    pub(super) fn input(&self) -> &Plan {
        &self.input
    }

    pub(super) fn metrics(&self) -> &ExecutionPlanMetricsSet {
        &self.metrics
    }

    /// What becomes of the input. Whoever asks first begins.
    pub(super) fn loaded(&self, context: &Arc<TaskContext>) -> Shared<BoxFuture<'static, Outcome>> {
        // Nothing panics while it is locked.
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = || {
            let (input, layout, limits) = (Arc::clone(&self.input), Arc::clone(&self.layout), self.limits);
            let (metrics, context) = (self.metrics.clone(), Arc::clone(context));
            let loaded =
                async move { load(&input, layout, limits, &metrics, context).await.map_err(Arc::new) };
            loaded.boxed().shared()
        };
        outcome.get_or_insert_with(begin).clone()
    }
}

async fn load(
    input: &Plan,
    layout: Arc<Layout>,
    limits: Limits,
    metrics: &ExecutionPlanMetricsSet,
    context: Arc<TaskContext>,
) -> Result<Ordered> {
    let parts = input.output_partitioning().partition_count();
    let sorting = Arc::new(Sorting::new(Arc::clone(&layout.schema), layout.keys.clone(), limits, parts));
    let mut tasks = JoinSet::new();
    for part in 0..parts {
        let mut incoming = sorting.part(part, &context, MetricBuilder::new(metrics).spilled_bytes(part));
        let mut stream = input.execute(part, Arc::clone(&context))?;
        let layout = Arc::clone(&layout);
        tasks.spawn(async move {
            while let Some(batch) = stream.next().await {
                incoming = incoming.push(layout.with_keys(&batch?)?).await?;
            }
            Ok::<_, DataFusionError>((part, incoming))
        });
    }
    let mut read = Vec::with_capacity(parts);
    while let Some(joined) = tasks.join_next().await {
        read.push(joined.map_err(lost)??);
    }
    read.sort_by_key(|(part, _)| *part);
    sorting.ordered(read.into_iter().map(|(_, incoming)| incoming).collect())
}

/// The columns that are sorted: those of the input, and behind them keys that are none of them.
struct Layout {
    schema: SchemaRef,
    keys: Keys,
    computed: Vec<Arc<dyn PhysicalExpr>>,
    /// The first key, behind all other columns.
    folders: Option<Numbers>,
}

impl Layout {
    fn new(input: &Schema, keys: &LexOrdering, folders: Option<Numbers>) -> Result<Self> {
        let kept = input.fields().len();
        let mut fields: Vec<_> = input.fields().iter().cloned().collect();
        let (mut columns, mut computed) = (Vec::new(), Vec::new());
        for key in keys.iter() {
            if let Some(column) = key.expr.downcast_ref::<Column>() {
                columns.push((column.index(), key.options));
                continue;
            }
            columns.push((fields.len(), key.options));
            let (of, nullable) = (key.expr.data_type(input)?, key.expr.nullable(input)?);
            fields.push(Arc::new(Field::new(format!("key {}", fields.len()), of, nullable)));
            computed.push(Arc::clone(&key.expr));
        }
        if folders.is_some() {
            columns.insert(0, (fields.len(), SortOptions::default()));
            fields.push(Arc::new(Field::new("folder", DataType::UInt32, false)));
        }
        Ok(Self { schema: Arc::new(Schema::new(fields)), keys: Keys { columns, kept }, computed, folders })
    }

    /// A batch of the input with its keys.
    fn with_keys(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let computed = self.computed.iter().map(|key| key.evaluate(batch)?.into_array(batch.num_rows()));
        let computed = computed.collect::<Result<Vec<ArrayRef>>>()?;
        let folders = self.folders.iter().map(|folders| folders.of(batch)).collect::<Result<Vec<_>>>()?;
        let columns = batch.columns().iter().cloned().chain(computed).chain(folders).collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}
