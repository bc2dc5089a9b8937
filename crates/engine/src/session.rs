//! A session: one query's, or one job run's, view of the catalog and the lake.
//!
//! Plans are made on [`Session::context`], or by [`Session::sql`], and run by [`Session::execute`] and its
//! neighbours, never by DataFusion's own `collect`: only these hop onto the engine's threads, read from one snapshot,
//! watch the token and convert errors.
//!
//! While a statement is planned, all its scans list partitions and objects from one snapshot of the store and pin what
//! they found. The snapshot is given back before the first byte is read; a source object that is replaced meanwhile is
//! still read as it was.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use catalog::CatalogError;
use datafusion::{
    catalog::TableProvider,
    common::{config::ConfigNonZeroUsize, tree_node::TreeNodeRecursion},
    dataframe::DataFrame,
    execution::session_state::SessionStateBuilder,
    logical_expr::LogicalPlan,
    physical_plan::{ExecutionPlan, displayable},
    prelude::{SessionConfig, SessionContext},
};
use formats::{FormatError, Strictness};
use lake::{Conditions, Lake};
use store::{Scope, Store};
use tokio_util::sync::CancellationToken;

use crate::{
    Engine, EngineError, Execution, ObjectRef, PathSource, RunStats, TableOptions, bad::BadLog, names, path,
    sql, table, view::CatalogView,
};

/// Where a session reads from.
#[derive(Clone)]
pub struct Sources {
    /// The metadata store.
    pub store: Store,
    /// The objects.
    pub lake: Lake,
    /// Account and region whose catalog is meant.
    pub scope: Scope,
}

impl Sources {
    /// That a bucket is the account's own.
    pub(crate) fn own(&self) -> Conditions {
        Conditions { owner: Some(self.scope.account.clone()), ..Conditions::NONE }
    }
}

/// What records that do not fit their table do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BadRecordPolicy {
    /// The first one fails the query.
    #[default]
    Fail,
    /// They are left out and counted; [`Session::bad_record_examples`] keeps the first few.
    Skip,
}

/// Whose habits [`Session::sql`] follows where DataFusion leaves a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SqlDialect {
    /// Spark: backticks quote names, double quotes quote text, names match ignoring case, NULLs are smallest.
    #[default]
    Spark,
    /// Trino: double quotes quote names, unquoted names are lower case, NULLs come last.
    Trino,
}

/// Options of one session.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    /// The database of names without one; `default` when absent.
    pub default_database: Option<String>,
    /// Stops everything that the session runs.
    pub cancel: CancellationToken,
    /// Bad records of text files.
    pub on_bad_record: BadRecordPolicy,
    /// Which records of delimited text are bad, beyond what the table's SerDe says.
    pub strictness: Strictness,
    /// The dialect of [`Session::sql`].
    pub dialect: SqlDialect,
}

/// A session on an engine. Clones share views, functions, counters and the token.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    context: SessionContext,
    names: Arc<names::Names>,
    options: SessionOptions,
    /// Whether all joins are to be of the kind that spills.
    spills_joins: AtomicBool,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

/// A statement's plans as text.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The optimized logical plan.
    pub logical: String,
    /// The physical plan.
    pub physical: String,
}

impl Session {
    pub(crate) fn new(engine: Engine, sources: Sources, options: SessionOptions) -> Self {
        let names = Arc::new(names::Names {
            view: CatalogView::new(sources),
            views: Arc::default(),
            default_database: options.default_database.clone().unwrap_or_else(|| "default".to_owned()),
            fold_fields: options.dialect == SqlDialect::Trino,
            bad: Arc::new(BadLog::new(options.on_bad_record, options.strictness)),
        });
        let state = SessionStateBuilder::new()
            .with_config(config(&engine, &options, &names.default_database))
            .with_runtime_env(Arc::clone(engine.env()))
            .with_default_features()
            .with_catalog_list(Arc::new(names::Catalogs(Arc::clone(&names))))
            .build();
        let context = SessionContext::new_with_state(state);
        Self {
            inner: Arc::new(Inner { engine, context, names, options, spills_joins: AtomicBool::new(false) }),
        }
    }

    /// DataFusion's context, to plan on and to register functions with. Running its frames directly would compute on
    /// the caller's threads and lose error types: use [`Self::execute`].
    pub fn context(&self) -> &SessionContext {
        &self.inner.context
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// The token that stops the session's work.
    pub fn cancel_token(&self) -> &CancellationToken {
        &self.inner.options.cancel
    }

    /// Records that were left out so far, over all scans of the session.
    pub fn bad_records(&self) -> u64 {
        self.inner.names.bad.count()
    }

    /// The first few records that were left out, with file and line.
    pub fn bad_record_examples(&self) -> Vec<FormatError> {
        self.inner.names.bad.examples()
    }

    pub(crate) fn bad(&self) -> &Arc<BadLog> {
        &self.inner.names.bad
    }

    /// The database of names without one.
    pub fn default_database(&self) -> &str {
        &self.inner.names.default_database
    }

    pub(crate) fn lake(&self) -> &Lake {
        &self.inner.names.view.sources().lake
    }

    pub(crate) fn view(&self) -> &CatalogView {
        &self.inner.names.view
    }

    /// A provider of a catalog table, for the caller's own planner. Reads the table's definition now, its partitions
    /// and objects when a plan that scans it is executed.
    /// Errors: `DatabaseNotFound`, `TableNotFound`, `TableUnsupported`, `LocationInvalid`, `PredicateInvalid`.
    pub async fn provider(
        &self,
        database: &str,
        table: &str,
        options: TableOptions,
    ) -> Result<Arc<dyn TableProvider>, EngineError> {
        let names = &self.inner.names;
        table::open(&names.view, database, table, options, Arc::clone(&names.bad)).await
    }

    /// A provider of the Delta table at a location, in its newest version: the catalog need not know it.
    /// Errors: `TableUnsupported`, also when there is no Delta table; `LocationInvalid`.
    pub async fn delta(
        &self,
        location: &str,
        options: TableOptions,
    ) -> Result<Arc<dyn TableProvider>, EngineError> {
        let names = &self.inner.names;
        table::open_delta(&names.view, location, options, Arc::clone(&names.bad)).await
    }

    /// A provider as a frame.
    pub fn read(&self, provider: Arc<dyn TableProvider>) -> Result<DataFrame, EngineError> {
        self.converted(self.inner.context.read_table(provider))
    }

    /// A catalog table as a frame; see [`Self::provider`].
    pub async fn table(
        &self,
        database: &str,
        table: &str,
        options: TableOptions,
    ) -> Result<DataFrame, EngineError> {
        self.read(self.provider(database, table, options).await?)
    }

    /// The objects of a catalog table, in the order of partitions and keys; with a Glue partition expression, of the
    /// partitions that match it.
    pub async fn list_table(
        &self,
        database: &str,
        table: &str,
        predicate: Option<&str>,
    ) -> Result<Vec<ObjectRef>, EngineError> {
        table::list_objects(&self.inner.names.view, database, table, predicate).await
    }

    /// The objects that a path source names, in key order, each once.
    /// Errors: `LocationInvalid`, `BucketMissing`, `OptionsInvalid` for an exclusion that is no glob.
    pub async fn list_path(&self, source: &PathSource) -> Result<Vec<ObjectRef>, EngineError> {
        path::list(&self.inner.names.view, source).await
    }

    /// The objects of a path source as a frame; its schema is inferred from a sample and merged unless given.
    /// Errors: as [`Self::list_path`]; `Format` for a sampled file that cannot be read; `OptionsInvalid` when there is
    /// nothing to infer a schema from.
    pub async fn read_path(&self, source: PathSource) -> Result<DataFrame, EngineError> {
        let session = self.clone();
        let provider = self
            .inner
            .engine
            .run(&self.inner.options.cancel, async move {
                let names = &session.inner.names;
                path::open(&names.view, source, Arc::clone(&names.bad)).await
            })
            .await?;
        self.read(provider)
    }

    /// Makes `frame` known as `name` to [`Self::sql`], before any table of that name.
    pub fn register_view(&self, name: &str, frame: DataFrame) {
        self.inner.names.views.set(name, frame.into_view());
    }

    /// Forgets a view; whether there was one.
    pub fn drop_view(&self, name: &str) -> bool {
        self.inner.names.views.remove(name).is_some()
    }

    /// Plans one SELECT in the session's dialect, over views and catalog tables.
    /// Errors: `Sql` for text that does not parse; `Unsupported` for any other statement; `TableNotFound`,
    /// `ColumnNotFound`, `Plan`.
    pub async fn sql(&self, text: &str) -> Result<DataFrame, EngineError> {
        let plan = sql::plan(self, text).await?;
        Ok(DataFrame::new(self.inner.context.state(), plan))
    }

    /// Plans one SELECT that the caller has parsed (after [`crate::check_size`]), over views and catalog tables.
    /// Errors: as [`Self::sql`], but for the text.
    pub async fn sql_statement(
        &self,
        statement: datafusion::sql::sqlparser::ast::Statement,
    ) -> Result<DataFrame, EngineError> {
        let plan = sql::plan_statement(self, statement).await?;
        Ok(DataFrame::new(self.inner.context.state(), plan))
    }

    /// Starts a frame's plan; its rows come from [`Execution::next`].
    pub async fn execute(&self, frame: DataFrame) -> Result<Execution, EngineError> {
        self.execute_plan(frame.into_unoptimized_plan()).await
    }

    /// Starts a logical plan made on this session's context.
    pub async fn execute_plan(&self, plan: LogicalPlan) -> Result<Execution, EngineError> {
        let plan = self.physical_plan(plan).await?;
        let inner = &self.inner;
        let context = inner.context.task_ctx();
        let cancel = inner.options.cancel.clone();
        Execution::start(&inner.engine, plan, context, cancel, Arc::clone(self.bad()))
    }

    /// Runs a frame and returns all its rows: for small results only, they are all held in memory.
    pub async fn collect(&self, frame: DataFrame) -> Result<(Vec<RecordBatch>, RunStats), EngineError> {
        let mut execution = self.execute(frame).await?;
        let mut batches = Vec::new();
        while let Some(batch) = execution.next().await {
            batches.push(batch?);
        }
        Ok((batches, execution.stats()))
    }

    /// Runs a frame and counts its rows.
    pub async fn count(&self, frame: DataFrame) -> Result<u64, EngineError> {
        let mut execution = self.execute(frame).await?;
        let mut rows = 0;
        while let Some(batch) = execution.next().await {
            rows += batch?.num_rows() as u64;
        }
        Ok(rows)
    }

    /// The optimized logical and the physical plan of a logical plan. Lists what it would scan, reads nothing but a footer.
    pub async fn explain(&self, plan: LogicalPlan) -> Result<Explained, EngineError> {
        let optimized = self.converted(self.inner.context.state().optimize(&plan))?;
        let physical = self.physical_plan(plan).await?;
        Ok(Explained {
            logical: optimized.display_indent().to_string(),
            physical: displayable(physical.as_ref()).indent(false).to_string(),
        })
    }

    /// Lets whatever is planned from now on join by sorting, which spills, for when a statement failed with
    /// [`EngineError::MemoryExhausted`]; false when it was so already.
    pub fn spill_joins(&self) -> bool {
        !self.inner.spills_joins.swap(true, Ordering::Relaxed)
    }

    /// Optimizes and plans on the engine's threads, with all scans on one snapshot.
    pub(crate) async fn physical_plan(
        &self,
        plan: LogicalPlan,
    ) -> Result<Arc<dyn ExecutionPlan>, EngineError> {
        let session = self.clone();
        let work = async move {
            let inner = &session.inner;
            let _snapshot = inner.names.view.hold_snapshot();
            let mut state = inner.context.state();
            if inner.spills_joins.load(Ordering::Relaxed) {
                state.config_mut().options_mut().optimizer.prefer_hash_join = false;
            }
            crate::planner::plan(&inner.engine, state, &plan, &inner.options.cancel).await
        };
        self.inner.engine.run_apart(&self.inner.options.cancel, work).await
    }

    /// How many tables a view holds; `None` when there is no view of that name.
    pub(crate) fn view_weight(&self, name: &str) -> Option<usize> {
        let view = self.inner.names.views.get(name)?;
        let plan = view.get_logical_plan()?;
        let mut weight = 0_usize;
        let counted = plan.apply_with_subqueries(|node| {
            weight += usize::from(node.inputs().is_empty());
            Ok(TreeNodeRecursion::Continue)
        });
        // The closure never fails.
        counted.ok().map(|_| weight)
    }

    pub(crate) fn converted<T>(&self, result: datafusion::error::Result<T>) -> Result<T, EngineError> {
        result.map_err(|error| self.inner.engine.convert(&error))
    }
}

fn config(engine: &Engine, options: &SessionOptions, database: &str) -> SessionConfig {
    let limits = engine.options();
    let mut config = SessionConfig::new()
        .with_target_partitions(limits.threads)
        .with_batch_size(limits.batch_rows)
        .with_default_catalog_and_schema(names::CATALOG, database)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(false);
    let settings = config.options_mut();
    // Text is Utf8 everywhere: one type for providers, writers and results.
    settings.sql_parser.map_string_types_to_utf8view = false;
    let share = limits.memory_bytes / (limits.threads * 8);
    settings.execution.sort_spill_reservation_bytes = share.min(10 << 20);
    settings.execution.sort_pushdown_buffer_capacity = share;
    // Each batch that an exchange has no memory for gets a file of its own, which is complete when the next begins. Readers wait for the
    // oldest file that is not, for good where what they need has come to another: apache/datafusion#24883.
    if let Ok(one) = ConfigNonZeroUsize::try_new(1) {
        settings.execution.max_spill_file_size_bytes = one;
    }
    sql::configure(options.dialect, settings);
    config
}

/// The catalog's errors with the engine's names for what is missing.
pub(crate) fn from_catalog(error: CatalogError) -> EngineError {
    match error {
        CatalogError::DatabaseNotFound { database } => EngineError::DatabaseNotFound { database },
        CatalogError::TableNotFound { database, table } => EngineError::TableNotFound { database, table },
        CatalogError::Store(error) => error.into(),
        other => EngineError::Catalog(Arc::new(other)),
    }
}

/// The schema of a frame as arrow has it.
pub fn frame_schema(frame: &DataFrame) -> SchemaRef {
    Arc::clone(frame.schema().inner())
}
