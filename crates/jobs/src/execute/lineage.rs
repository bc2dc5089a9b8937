//! What a run has read and written, gathered just before it is published.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;

use super::iceberg::split;
use super::outside::Outside;
use super::sources::Source;
use super::{RunFailure, Task, Written};
use crate::graph::{DatabasePlace, DatabaseTarget, Destination, Node, NodeKind};
use crate::lineage::{Dataset, Object, folder_of};

/// The tables of the catalog that queries of nodes have named themselves; no source stands for them.
#[derive(Debug, Default)]
pub(crate) struct Named(Mutex<Vec<(String, String)>>);

impl Named {
    /// Notes the tables that a node's plan reads by name.
    pub(super) fn note(&self, node: &Node, plan: &LogicalPlan) -> datafusion::error::Result<()> {
        let mut tables = Vec::new();
        plan.apply_with_subqueries(|inner| {
            if let LogicalPlan::TableScan(scan) = inner
                && let Some(database) = scan.table_name.schema()
            {
                tables.push(name(database, scan.table_name.table()));
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for table in tables {
            // What reads the node's rows has its plan within its own.
            if !known.iter().any(|(_, other)| *other == table) {
                known.push((node.id.clone(), table));
            }
        }
        Ok(())
    }
}

fn name(database: &str, table: &str) -> String {
    format!("{database}.{table}").to_lowercase()
}

/// Everything that was read.
pub(super) async fn inputs(
    task: &Task<'_>,
    sources: &BTreeMap<String, Source>,
) -> Result<Vec<Dataset>, RunFailure> {
    let mut inputs = Vec::new();
    for source in sources.values() {
        if let Some(node) = task.graph.node(&source.node) {
            inputs.append(&mut of_source(task, node, source).await?);
        }
    }
    let named = task.named.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for (node, table) in named {
        let location = match table.split_once('.') {
            Some((database, table)) => location(task, database, table).await?,
            None => None,
        };
        inputs.push(Dataset { node, table: Some(table), location, ..Dataset::default() });
    }
    Ok(inputs)
}

/// Everything that is about to be published. Files are named as they are then.
pub(super) fn outputs<'w>(written: impl Iterator<Item = &'w Written>, outside: &[Outside]) -> Vec<Dataset> {
    written.map(output).chain(outside.iter().map(|own| own.dataset.clone())).collect()
}

async fn of_source(task: &Task<'_>, node: &Node, source: &Source) -> Result<Vec<Dataset>, RunFailure> {
    let counts = source.counts();
    let whole = Dataset {
        node: node.id.clone(),
        files: counts.files,
        bytes: counts.bytes,
        rows: counts.rows,
        ..Dataset::default()
    };
    if let Some(place) = source.place() {
        // A table that is read as a whole: what it is made of is its own affair.
        let table = catalog_table(node);
        return Ok(vec![Dataset { table, location: Some(folder_of(place)), ..whole }]);
    }
    match &node.kind {
        NodeKind::Files(files) => {
            let paths: Vec<String> = files.paths.iter().map(ToString::to_string).collect();
            Ok(of_paths(&paths, source, &whole))
        }
        NodeKind::Catalog(catalog) => {
            let location = location(task, &catalog.database, &catalog.table).await?;
            let dataset = Dataset { table: catalog_table(node), location, ..whole };
            Ok(vec![dataset.with_objects(source.objects())])
        }
        _ => Ok(vec![whole]),
    }
}

/// A dataset per path. An object below several of them is the first one's.
fn of_paths(paths: &[String], source: &Source, whole: &Dataset) -> Vec<Dataset> {
    let is_below = |path: &str, object: &Object| {
        object.location == path || object.location.starts_with(&folder_of(path))
    };
    let mut found = Vec::new();
    for (at, path) in paths.iter().enumerate() {
        let earlier = paths.get(..at).unwrap_or_default();
        let own = source.objects().filter(|(object, _)| {
            is_below(path, object) && !earlier.iter().any(|path| is_below(path, object))
        });
        let is_object = own.clone().any(|(object, _)| object.location == *path);
        let location = Some(if is_object { path.clone() } else { folder_of(path) });
        // How many rows came from which path, nobody has counted.
        let rows = if paths.len() == 1 { whole.rows } else { 0 };
        found.push(Dataset { location, rows, ..whole.clone() }.with_objects(own));
    }
    found
}

fn catalog_table(node: &Node) -> Option<String> {
    match &node.kind {
        NodeKind::Catalog(source) => Some(name(&source.database, &source.table)),
        _ => None,
    }
}

/// Where a table lies now; `None` when it is gone, or lies nowhere.
async fn location(task: &Task<'_>, database: &str, table: &str) -> Result<Option<String>, RunFailure> {
    let mut tx = task.context.store.read().await?;
    match catalog::table::get(&mut tx, &task.run.scope, database, table).await {
        Ok(table) => Ok(table.location().filter(|location| !location.is_empty()).map(folder_of)),
        Err(catalog::CatalogError::Store(error)) => Err(error.into()),
        Err(_) => Ok(None),
    }
}

/// What rows for a database are: how many, for which table.
pub(super) fn outside_of(node: &Node, to: &DatabaseTarget, address: String, rows: u64) -> Dataset {
    let table = match &to.place {
        DatabasePlace::Catalog { database, table } => Some(name(database, table)),
        DatabasePlace::Connection { .. } => None,
    };
    Dataset { node: node.id.clone(), table, location: Some(address), rows, ..Dataset::default() }
}

fn output(written: &Written) -> Dataset {
    let Written { node, resolved, output } = written;
    let table = match node.kind.target().map(|target| &target.destination) {
        Some(Destination::Path { catalog: Some(update), .. }) => Some(name(&update.database, &update.table)),
        Some(Destination::Table { database, table, .. }) => Some(name(database, table)),
        Some(Destination::Iceberg(target)) => Some(name(&target.database, &target.table)),
        Some(Destination::Delta(target)) => {
            target.table.as_ref().map(|(database, table)| name(database, table))
        }
        // A table of a database has no files here: see `outside_of`.
        Some(Destination::Path { catalog: None, .. } | Destination::Database(_)) | None => None,
    };
    let location = resolved.location();
    let (bucket, _) = split(&location);
    let objects = output.files.iter().map(|file| {
        let location = format!("s3://{bucket}/{}", file.key.as_str());
        (Object { location, etag: file.staged.etag().to_owned() }, file.bytes)
    });
    let dataset = Dataset { node: node.id.clone(), table, rows: output.rows, ..Dataset::default() };
    Dataset { location: Some(location.clone()), ..dataset }.with_objects(objects)
}
