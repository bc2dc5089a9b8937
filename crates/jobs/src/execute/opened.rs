//! Sources that are no lists of files: tables of open formats, whose rows are what their log or metadata says, and tables
//! of databases.
//!
//! Such a table is opened once per run, and all targets read the version that it had then. Job bookmarks do not know tables
//! of open formats: every run reads the whole, as with Glue, which is logged. Of a table of a database a run with bookmarks
//! reads what is new by a key ([`crate::jdbc::Wish`]), unless it is to be read whole.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use catalog::Table;
use datafusion::catalog::TableProvider;
use datafusion::dataframe::DataFrame;
use engine::{EngineError, TableOptions};
use tokio::sync::OnceCell;

use super::{Reading, RunFailure, SourceCount, Task, databases, name_of};
use crate::arguments::BookmarkOption;
use crate::bookmark::{self, Keys, Window};
use crate::graph::{Bounds, CatalogSource, Expected, Node, NodeKind};
use crate::plan::PlanError;

/// A table that is read as a whole.
pub(super) struct Opened {
    what: What,
    /// Where its files are; of a table in a database, what logs call it.
    folder: String,
    /// Its address.
    place: String,
    provider: OnceCell<Provided>,
}

struct Provided {
    table: Arc<dyn TableProvider>,
    reading: Arc<Reading>,
    /// Up to which key it is read, when that is to be remembered.
    reached: Option<Keys>,
}

enum What {
    Catalog { database: String, table: String },
    Delta { location: String },
    Database(Box<databases::Found>),
}

fn refused(node: &Node, what: impl Into<String>) -> RunFailure {
    RunFailure::node(node, PlanError::Refused(what.into()))
}

/// The node's table, when it is one that is read as a whole; `None` for lists of files.
pub(super) async fn of(task: &Task<'_>, node: &Node) -> Result<Option<Opened>, RunFailure> {
    let (what, folder) = match &node.kind {
        NodeKind::Delta(path) => (What::Delta { location: path.to_string() }, path.to_string()),
        NodeKind::Catalog(source) => {
            let mut tx = task.context.store.read().await?;
            let found = catalog::table::get(&mut tx, &task.run.scope, &source.database, &source.table).await;
            let found = found.map_err(|error| RunFailure::catalog(node, error))?;
            drop(tx);
            check(source, &found).map_err(|what| refused(node, what))?;
            if databases::engine_of(&found).is_some() {
                let found = databases::of_catalog(task, node, &found).await?;
                return Ok(Some(of_database(task, node, found).await?));
            }
            if !is_open(&found) {
                return Ok(None);
            }
            let what = What::Catalog { database: source.database.clone(), table: source.table.clone() };
            (what, found.location().unwrap_or_default().to_owned())
        }
        NodeKind::Jdbc(source) => {
            let found = databases::of_node(task, node, source).await?;
            return Ok(Some(of_database(task, node, found).await?));
        }
        _ => return Ok(None),
    };
    let bookmark = match task.options.bookmark {
        BookmarkOption::Disable => "",
        _ => "; job bookmarks do not know it: every run reads all of it",
    };
    task.log.info(format!("{}: the table at {folder} is read as a whole{bookmark}", name_of(node)));
    Ok(Some(Opened { what, place: folder.clone(), folder, provider: OnceCell::new() }))
}

async fn of_database(
    task: &Task<'_>,
    node: &Node,
    mut found: databases::Found,
) -> Result<Opened, RunFailure> {
    let full = task.options.full_sources.iter().any(|name| *name == node.name || *name == node.id);
    let window = if full { Window::All } else { task.window };
    let mut tx = task.context.store.read().await?;
    found.since = bookmark::since(&mut tx, &task.run.incarnation, &node.id, window).await?;
    drop(tx);
    if found.since.is_none() {
        task.log.info(format!("{}: the table {} is read as a whole", name_of(node), found.label));
    }
    let (folder, place) = (found.label.clone(), found.address());
    Ok(Opened { what: What::Database(Box::new(found)), folder, place, provider: OnceCell::new() })
}

fn is_open(table: &Table) -> bool {
    matches!(table.open_format(), Some("iceberg" | "delta" | "hudi"))
}

/// Refuses a table that is not of the node's kind, and what cannot be asked of a table as a whole.
fn check(source: &CatalogSource, table: &Table) -> Result<(), String> {
    let name = format!("{}.{}", source.database, source.table);
    let engine = databases::engine_of(table);
    let found = match (table.open_format(), engine) {
        (Some(format), _) => format.to_owned(),
        (None, Some(engine)) => engine.name().to_owned(),
        (None, None) => "files".to_owned(),
    };
    let fits = match source.expected {
        Expected::Any => true,
        Expected::Delta => table.open_format() == Some("delta"),
        Expected::Iceberg => table.open_format() == Some("iceberg"),
        expected => engine.is_some_and(|engine| databases::takes(expected, engine)),
    };
    if !fits {
        return Err(format!("the table {name} is one of {found}, not of {}", wanted(source.expected)));
    }
    if !is_open(table) && engine.is_none() {
        return Ok(());
    }
    if source.predicate.is_some() {
        return Err(format!(
            "PartitionPredicate chooses partitions of the catalog, and {name} has none there"
        ));
    }
    if source.bounds != Bounds::default() {
        return Err(format!(
            "BoundedFiles and BoundedSize choose among files, and {name} is a table of {found}"
        ));
    }
    Ok(())
}

fn wanted(expected: Expected) -> &'static str {
    match expected {
        Expected::Any => "any kind",
        Expected::Delta => "delta",
        Expected::Iceberg => "iceberg",
        Expected::Database => "a database",
        Expected::MySql => "MySQL",
        Expected::Postgres => "PostgreSQL",
    }
}

impl Opened {
    /// A frame over the table. It is counted once for all targets, which read one version of it.
    pub(super) async fn frame(
        &self,
        task: &Task<'_>,
        count: &SourceCount,
        node: &Node,
    ) -> Result<(DataFrame, Arc<Reading>), EngineError> {
        let opened = self.provider.get_or_try_init(|| async {
            // How much there is, is not known beforehand.
            count.holds(u64::MAX, u64::MAX);
            let reading = count.reading();
            let stats = Some(Arc::clone(&reading.stats));
            let options = TableOptions { stats, ..TableOptions::default() };
            let mut reached = None;
            let table: Arc<dyn TableProvider> = match &self.what {
                What::Catalog { database, table } => task.session.provider(database, table, options).await?,
                What::Delta { location } => task.session.delta(location, options).await?,
                What::Database(found) => {
                    count.is_of_database();
                    let table = found.open(Arc::clone(&reading.stats)).await?;
                    if let Some(note) = table.note() {
                        task.log.info(format!("{}: {note}", name_of(node)));
                    }
                    reached = table.reached();
                    Arc::new(table)
                }
            };
            reading.scans.store(0, Ordering::Relaxed);
            Ok::<_, EngineError>(Provided { table, reading, reached })
        });
        let Provided { table, reading, .. } = opened.await?;
        Ok((task.session.read(Arc::clone(table))?, Arc::clone(reading)))
    }

    /// Up to which key the table was read, when it was and the bookmark is to move there.
    pub(super) fn reached(&self) -> Option<Keys> {
        self.provider.get()?.reached.clone()
    }

    /// Where the table is.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Whether the file is one of the table's.
    pub(super) fn reads(&self, file: &str) -> bool {
        file.starts_with(&self.folder)
    }

    /// Forgets what was opened: everything is read anew.
    pub(super) fn begin_again(&mut self) {
        self.provider = OnceCell::new();
    }
}
