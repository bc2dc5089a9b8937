//! Tables of databases as providers: projected and filtered by the database, read row by row.
//!
//! All readings of one provider see one snapshot: the first of them is kept open, and PostgreSQL shows its snapshot to
//! the others, so that a table may be read in parts beside each other, and by several targets. MySQL cannot show one; its
//! tables are read in one part, each reading on the snapshot of its own beginning. With a bookmark the last key of a reading
//! is chosen once, when the table is opened, so that what is read is the same on later snapshots.
//!
//! What a crash leaves: nothing here; the database ends transactions whose client is gone.

mod actions;
mod adding;
mod cells;
mod filters;
mod fit;
mod goal;
mod keys;
mod load;
mod rows;
mod staged;

pub(crate) use goal::{Goal, shape};
pub(crate) use keys::Wish;
pub(crate) use load::Load;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use engine::{EngineError, ScanStats};
use futures::StreamExt;
use sources::SourceError;
use sources::jdbc::{Column, Config, Database, Engine, Part, Select, Snapshot};

pub use adding::{Added, DatabaseWrite};
pub use staged::{After, DatabaseRead, Login};

use cells::Cells;
use fit::{Fit, declared, fit};
use keys::Span;
use rows::Rows;

use crate::bookmark::{Keys, Since};

/// The most parts of a table that are read beside each other: each is a connection.
pub(crate) const MAX_PARTS: u32 = 64;
/// In how many parts a table with a `hashfield` is read. Source: Glue Developer Guide, "Reading from JDBC tables in
/// parallel".
pub const DEFAULT_PARTS: u32 = 7;
/// Batches that wait for who takes them.
const BATCHES_AHEAD: usize = 2;

/// Where a table is and how it is read.
#[derive(Debug)]
pub(crate) struct Place {
    /// The database, with the login.
    pub(crate) config: Config,
    /// The schema; of MySQL: the database.
    pub(crate) schema: String,
    /// The table.
    pub(crate) table: String,
    /// The column by whose values it is read in parts, and how many.
    pub(crate) parts: Option<(String, u32)>,
    /// What errors call it.
    pub(crate) label: String,
}

/// A table that is opened.
#[derive(Debug)]
pub(crate) struct JdbcTable {
    place: Arc<Place>,
    /// As the database has them, in the order of the schema.
    columns: Vec<Column>,
    schema: SchemaRef,
    snapshot: Option<Snapshot>,
    /// Keeps the snapshot.
    _first: Mutex<Option<Database>>,
    /// Which of its rows; all without it.
    span: Option<Span>,
    stats: Arc<ScanStats>,
}

impl Place {
    /// What has gone wrong with the table, as an error of the engine that names it.
    fn error(&self, what: impl ToString) -> EngineError {
        EngineError::File { file: self.label.clone(), what: what.to_string() }
    }

    /// The table's columns as the database has them.
    pub(crate) async fn columns(&self, database: &mut Database) -> Result<Vec<Column>, SourceError> {
        database.columns(&self.schema, &self.table).await
    }
}

impl JdbcTable {
    /// Opens the table: its columns by the catalog's names and types (`declared`), or all of the database's; all of its rows,
    /// or those that are `new` by a key.
    pub(crate) async fn open(
        place: Place,
        declared: Option<&Schema>,
        new: Option<&(Wish, Since)>,
        stats: Arc<ScanStats>,
    ) -> Result<Self, EngineError> {
        let failed = |error: SourceError| place.error(error);
        let mut database = Database::open(&place.config).await.map_err(failed)?;
        let found = place.columns(&mut database).await.map_err(failed)?;
        if found.is_empty() {
            return Err(place.error("there is no such table, or its columns may not be read"));
        }
        database.begin_reading(None).await.map_err(failed)?;
        let span = match new {
            None => None,
            Some((wish, since)) => {
                let span = keys::span(&mut database, &place, &found, wish, since).await;
                Some(span.map_err(|what| place.error(what))?)
            }
        };
        let (columns, schema) = rows::columns(found, declared).map_err(|what| place.error(what))?;
        let snapshot = database.share().await.map_err(failed)?;
        let first = snapshot.is_some().then_some(database);
        let (place, first) = (Arc::new(place), Mutex::new(first));
        Ok(Self { place, columns, schema, snapshot, _first: first, span, stats })
    }

    /// Up to which key reading the table comes, when that is to be remembered.
    pub(crate) fn reached(&self) -> Option<Keys> {
        self.span.as_ref()?.reached.clone()
    }

    /// Which of its rows are read, for the log; `None` when all are.
    pub(crate) fn note(&self) -> Option<&str> {
        self.span.as_ref().map(|span| span.note.as_str())
    }

    /// The parts to read; one where nothing tells parts apart, or no snapshot keeps them together.
    fn parts(&self) -> Vec<Option<Part>> {
        match (&self.place.parts, &self.snapshot) {
            (Some((by, of)), Some(_)) if *of > 1 => {
                (0..*of).map(|number| Some(Part { by: by.clone(), number, of: *of })).collect()
            }
            _ => vec![None],
        }
    }
}

#[async_trait]
impl TableProvider for JdbcTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // The rows are filtered again: the database may compare otherwise (collations), and then gives more of them.
        let support = |filter: &&Expr| match filters::condition(filter, &self.schema, &self.columns) {
            Some(_) => TableProviderFilterPushDown::Inexact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let chosen = projection.unwrap_or(&all);
        let schema = Arc::new(self.schema.project(chosen)?);
        let columns: Vec<Column> = chosen.iter().filter_map(|at| self.columns.get(*at).cloned()).collect();
        let conditions: Vec<_> = filters
            .iter()
            .filter_map(|filter| filters::condition(filter, &self.schema, &self.columns))
            .flatten()
            .collect();
        let mut streams: Vec<Arc<dyn PartitionStream>> = Vec::new();
        for part in self.parts() {
            let select = Select {
                schema: self.place.schema.clone(),
                table: self.place.table.clone(),
                columns: columns.clone(),
                conditions: conditions.clone(),
                range: self.span.as_ref().map(|span| span.range.clone()),
                part,
            };
            streams.push(Arc::new(Reading {
                place: Arc::clone(&self.place),
                select,
                schema: Arc::clone(&schema),
                snapshot: self.snapshot.clone(),
                stats: Arc::clone(&self.stats),
            }));
        }
        let plan = StreamingTableExec::try_new(schema, streams, None, None, false, limit)?;
        Ok(Arc::new(plan))
    }
}

/// One part of a table, read when it is executed.
#[derive(Debug)]
struct Reading {
    place: Arc<Place>,
    select: Select,
    schema: SchemaRef,
    snapshot: Option<Snapshot>,
    stats: Arc<ScanStats>,
}

impl PartitionStream for Reading {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStream::builder(Arc::clone(&self.schema), BATCHES_AHEAD);
        let sender = builder.tx();
        let (place, select, snapshot) = (Arc::clone(&self.place), self.select.clone(), self.snapshot.clone());
        let (schema, stats) = (Arc::clone(&self.schema), Arc::clone(&self.stats));
        builder.spawn(async move {
            let failed = |error: SourceError| place.error(error).into_datafusion();
            let mut database = Database::open(&place.config).await.map_err(failed)?;
            database.begin_reading(snapshot.as_ref()).await.map_err(failed)?;
            let mut rows = Rows::new(&select.columns, schema);
            let mut texts = database.rows(&select);
            stats.files.fetch_add(1, Ordering::Relaxed);
            while let Some(row) = texts.next().await {
                let bytes = rows.push(row.map_err(failed)?);
                stats.rows.fetch_add(1, Ordering::Relaxed);
                stats.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
                if rows.is_full() {
                    let batch = rows.take().map_err(|what| place.error(what).into_datafusion())?;
                    if sender.send(Ok(batch)).await.is_err() {
                        // Nobody wants more.
                        return Ok(());
                    }
                }
            }
            if !rows.is_empty() {
                let batch = rows.take().map_err(|what| place.error(what).into_datafusion())?;
                // Where nobody wants it, nothing is to be done.
                let _ = sender.send(Ok(batch)).await;
            }
            Ok(())
        });
        builder.build()
    }
}

/// Whether the engine has schemas beside databases.
pub(crate) fn has_schemas(engine: Engine) -> bool {
    engine == Engine::Postgres
}
