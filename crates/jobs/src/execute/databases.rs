//! Tables of databases, to read and to write: where they are, by the catalog or by a connection's name.
//!
//! A table of the catalog that a crawl has made says its engine (`classification`), its connection (`connectionName`) and
//! its place (`database.schema.table`). Its parameters `hashfield` and `hashpartitions` let it be read in parts.

use std::sync::Arc;

use arrow::datatypes::Schema;
use catalog::Table;
use engine::{EngineError, ScanStats};
use sources::connection;
use sources::jdbc::{Config, Engine, parts_of};
use store::{Scope, StoreError};

use super::{RunFailure, Task};
use crate::bookmark::Since;
use crate::graph::{DatabasePlace, DatabaseTarget, Expected, JdbcSource, Node};
use crate::jdbc::{self, DEFAULT_PARTS, JdbcTable, MAX_PARTS, Place, Wish, has_schemas};
use crate::plan::{self, PlanError};
use crate::service::Context;

/// A table of a database, not opened yet.
pub(super) struct Found {
    config: Config,
    schema: String,
    table: String,
    parts: Option<(String, u32)>,
    declared: Option<Schema>,
    /// Its key for bookmarks.
    wish: Wish,
    /// Which rows are read, by that key; all without it.
    pub(super) since: Option<Since>,
    /// What logs and errors call it.
    pub(super) label: String,
}

fn refused(node: &Node, what: impl Into<String>) -> RunFailure {
    RunFailure::node(node, PlanError::Refused(what.into()))
}

/// The engine of a table of the catalog, when it is one of a database that is reached.
pub(super) fn engine_of(table: &Table) -> Option<Engine> {
    match table.parameter("classification")?.to_ascii_lowercase().as_str() {
        "postgresql" => Some(Engine::Postgres),
        "mysql" | "mariadb" => Some(Engine::MySql),
        _ => None,
    }
}

/// Whether a node takes tables of that engine.
pub(super) fn takes(expected: Expected, engine: Engine) -> bool {
    match expected {
        Expected::Any | Expected::Database => true,
        Expected::MySql => engine == Engine::MySql,
        Expected::Postgres => engine == Engine::Postgres,
        Expected::Delta | Expected::Iceberg => false,
    }
}

/// The table behind one of the catalog.
pub(super) async fn of_catalog(task: &Task<'_>, node: &Node, table: &Table) -> Result<Found, RunFailure> {
    let name = format!("{}.{}", table.database_name, table.name);
    let Some(connection) = table.parameter("connectionName").filter(|name| !name.is_empty()) else {
        return Err(refused(
            node,
            format!("the table {name} has no parameter connectionName; crawl it again"),
        ));
    };
    let config = config(task, node, connection).await?;
    let location = table.location().unwrap_or_default();
    let [database, schema, own] =
        place(config.engine, location).map_err(|what| refused(node, format!("the table {name} {what}")))?;
    let columns = table.columns().iter().map(|column| (column.name.as_str(), column.hive_type()));
    let declared = plan::declared(columns).map_err(|error| RunFailure::node(node, error))?;
    Ok(Found {
        parts: in_parts(table).map_err(|what| refused(node, what))?,
        config: Config { database: Some(database), ..config },
        schema,
        table: own,
        declared: Some(declared),
        wish: Wish::default(),
        since: None,
        label: format!("{name} ({location})"),
    })
}

/// Database, schema and table in a location.
fn place(engine: Engine, location: &str) -> Result<[String; 3], String> {
    let parts = parts_of(location).unwrap_or_default();
    match (has_schemas(engine), parts.as_slice()) {
        (true, [database, schema, own]) => Ok([database.clone(), schema.clone(), own.clone()]),
        (false, [database, own]) => Ok([database.clone(), database.clone(), own.clone()]),
        _ => Err(format!("lies at {location:?}, which is no table of {}", engine.name())),
    }
}

fn in_parts(table: &Table) -> Result<Option<(String, u32)>, String> {
    if table.parameter("hashexpression").is_some() {
        return Err(
            "the table's parameter hashexpression is not supported; name a column in hashfield".to_owned()
        );
    }
    let Some(field) = table.parameter("hashfield").filter(|field| !field.is_empty()) else { return Ok(None) };
    let parts = match table.parameter("hashpartitions") {
        None => DEFAULT_PARTS,
        Some(text) => match text.parse() {
            Ok(parts @ 1..=MAX_PARTS) => parts,
            _ => {
                return Err(format!(
                    "the table's parameter hashpartitions is {text:?}, not 1 to {MAX_PARTS}"
                ));
            }
        },
    };
    Ok(Some((field.to_owned(), parts)))
}

/// The table that a node names itself.
pub(super) async fn of_node(task: &Task<'_>, node: &Node, source: &JdbcSource) -> Result<Found, RunFailure> {
    let config = config(task, node, &source.connection).await?;
    check_engine(node, &source.connection, source.engine, &config)?;
    let database = source.database.clone().or(config.database.clone());
    let schema = schema(node, &config, &source.connection, &source.schema, &database)?;
    Ok(Found {
        label: label(&database, &schema, &source.table),
        config: Config { database, ..config },
        schema,
        table: source.table.clone(),
        parts: None,
        declared: None,
        wish: Wish { columns: source.keys.clone(), descending: source.descending },
        since: None,
    })
}

async fn config(task: &Task<'_>, node: &Node, name: &str) -> Result<Config, RunFailure> {
    config_of(task.context, &task.run.scope, name).await.map_err(|error| match error {
        NoConfig::Store(error) => error.into(),
        NoConfig::Refused(what) => refused(node, what),
    })
}

/// Why there is no way into a database.
pub(super) enum NoConfig {
    Store(StoreError),
    Refused(String),
}

/// What it takes to log in to the database behind a connection.
pub(super) async fn config_of(context: &Context, scope: &Scope, name: &str) -> Result<Config, NoConfig> {
    let Some(vault) = &context.vault else {
        let what = format!("there is no key to open the secrets of the connection {name}");
        return Err(NoConfig::Refused(what));
    };
    let mut tx = context.store.read().await.map_err(NoConfig::Store)?;
    let connection = connection::get(&mut tx, scope, name).await;
    let config = connection.and_then(|connection| connection.jdbc(vault));
    config.map_err(|error| match error {
        sources::SourceError::Store(error) => NoConfig::Store(error),
        other => NoConfig::Refused(format!("connection {name}: {other}")),
    })
}

/// A table to write to.
pub(super) struct Goal {
    /// The connection's name.
    pub(super) connection: String,
    pub(super) config: Config,
    pub(super) schema: String,
    pub(super) table: String,
    /// What logs and errors call it.
    pub(super) label: String,
}

/// The table that a node writes to.
pub(super) async fn goal(task: &Task<'_>, node: &Node, to: &DatabaseTarget) -> Result<Goal, RunFailure> {
    match &to.place {
        DatabasePlace::Catalog { database, table } => {
            let mut tx = task.context.store.read().await?;
            let found = catalog::table::get(&mut tx, &task.run.scope, database, table).await;
            let found = found.map_err(|error| RunFailure::catalog(node, error))?;
            drop(tx);
            let name = format!("{database}.{table}");
            if engine_of(&found) != Some(to.engine) {
                let what = format!("the table {name} is not one of {}", to.engine.name());
                return Err(refused(node, what));
            }
            let own = of_catalog(task, node, &found).await?;
            let connection = found.parameter("connectionName").unwrap_or_default().to_owned();
            let Found { config, schema, table, label, .. } = own;
            Ok(Goal { connection, config, schema, table, label })
        }
        DatabasePlace::Connection { connection, schema, table } => {
            let config = config(task, node, connection).await?;
            check_engine(node, connection, to.engine, &config)?;
            let database = config.database.clone();
            let schema = self::schema(node, &config, connection, schema, &database)?;
            let label = format!("{} (connection {connection})", label(&database, &schema, table));
            Ok(Goal { connection: connection.clone(), config, schema, table: table.clone(), label })
        }
    }
}

/// The schema that is meant: of MySQL, the database.
fn schema(
    node: &Node,
    config: &Config,
    connection: &str,
    schema: &Option<String>,
    database: &Option<String>,
) -> Result<String, RunFailure> {
    match (has_schemas(config.engine), database) {
        (true, _) => Ok(schema.clone().unwrap_or_else(|| "public".to_owned())),
        (false, Some(database)) => Ok(database.clone()),
        (false, None) => {
            Err(refused(node, format!("the address of the connection {connection} names no database")))
        }
    }
}

fn label(database: &Option<String>, schema: &str, table: &str) -> String {
    match database {
        Some(database) => format!("{database}.{schema}.{table}"),
        None => format!("{schema}.{table}"),
    }
}

fn check_engine(node: &Node, connection: &str, wanted: Engine, config: &Config) -> Result<(), RunFailure> {
    if config.engine == wanted {
        return Ok(());
    }
    let (wanted, found) = (wanted.name(), config.engine.name());
    Err(refused(node, format!("ConnectionType is {wanted}, but the connection {connection} is to {found}")))
}

/// The address of a table, without who logs in: what lineage calls it.
fn address(config: &Config, schema: &str, table: &str) -> String {
    let Config { engine, host, port, database, .. } = config;
    let database = database.as_deref().unwrap_or_default();
    let (scheme, path) = match engine {
        Engine::Postgres => ("postgres", format!("{database}.{schema}.{table}")),
        Engine::MySql => ("mysql", format!("{schema}.{table}")),
    };
    format!("{scheme}://{host}:{port}/{path}")
}

impl Goal {
    /// The table within the database.
    pub(super) fn table(&self) -> jdbc::Goal<'_> {
        jdbc::Goal { schema: &self.schema, table: &self.table, label: &self.label }
    }

    pub(super) fn address(&self) -> String {
        address(&self.config, &self.schema, &self.table)
    }
}

impl Found {
    pub(super) fn address(&self) -> String {
        address(&self.config, &self.schema, &self.table)
    }

    /// Opens the table.
    pub(super) async fn open(&self, stats: Arc<ScanStats>) -> Result<JdbcTable, EngineError> {
        let place = Place {
            config: self.config.clone(),
            schema: self.schema.clone(),
            table: self.table.clone(),
            parts: self.parts.clone(),
            label: self.label.clone(),
        };
        let new = self.since.clone().map(|since| (self.wish.clone(), since));
        JdbcTable::open(place, self.declared.as_ref(), new.as_ref(), stats).await
    }
}
