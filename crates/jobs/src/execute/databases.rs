//! Tables of databases as sources: where they are, by the catalog or by a connection's name.
//!
//! A table of the catalog that a crawl has made says its engine (`classification`), its connection (`connectionName`) and
//! its place (`database.schema.table`). Its parameters `hashfield` and `hashpartitions` let it be read in parts.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use catalog::Table;
use engine::{EngineError, ScanStats};
use formats::hive::HiveType;
use sources::connection;
use sources::jdbc::{Config, Engine, parts_of};

use super::{RunFailure, Task};
use crate::graph::{Expected, JdbcSource, Node};
use crate::jdbc::{JdbcTable, MAX_PARTS, Place, has_schemas};
use crate::plan::PlanError;

/// In how many parts a table with a `hashfield` is read. Source: Glue Developer Guide, "Reading from JDBC tables in
/// parallel".
const DEFAULT_PARTS: u32 = 7;

/// A table of a database, not opened yet.
pub(super) struct Found {
    config: Config,
    schema: String,
    table: String,
    parts: Option<(String, u32)>,
    declared: Option<Schema>,
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
    let parts = parts_of(location).unwrap_or_default();
    let (database, schema, own) = match (has_schemas(config.engine), parts.as_slice()) {
        (true, [database, schema, own]) => (database, schema, own),
        (false, [database, own]) => (database, database, own),
        _ => {
            let what = format!(
                "the table {name} lies at {location:?}, which is no table of {}",
                config.engine.name()
            );
            return Err(refused(node, what));
        }
    };
    let mut fields = Vec::new();
    for column in table.columns() {
        let hive = column.hive_type();
        let data_type = hive.parse::<HiveType>().ok().and_then(|hive| hive.to_arrow().ok());
        let data_type =
            data_type.ok_or_else(|| refused(node, format!("column {} has the type {hive}", column.name)))?;
        fields.push(Field::new(&column.name, data_type, true));
    }
    Ok(Found {
        parts: in_parts(table).map_err(|what| refused(node, what))?,
        config: Config { database: Some(database.clone()), ..config },
        schema: schema.clone(),
        table: own.clone(),
        declared: Some(Schema::new(fields)),
        label: format!("{name} ({location})"),
    })
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
    if config.engine != source.engine {
        let (wanted, found) = (source.engine.name(), config.engine.name());
        let what =
            format!("ConnectionType is {wanted}, but the connection {} is to {found}", source.connection);
        return Err(refused(node, what));
    }
    let schema = match has_schemas(config.engine) {
        true => source.schema.clone().unwrap_or_else(|| "public".to_owned()),
        false => source.database.clone(),
    };
    Ok(Found {
        config: Config { database: Some(source.database.clone()), ..config },
        label: format!("{}.{schema}.{}", source.database, source.table),
        schema,
        table: source.table.clone(),
        parts: None,
        declared: None,
    })
}

async fn config(task: &Task<'_>, node: &Node, name: &str) -> Result<Config, RunFailure> {
    let Some(vault) = &task.context.vault else {
        return Err(refused(node, format!("there is no key to open the secrets of the connection {name}")));
    };
    let mut tx = task.context.store.read().await?;
    let connection = connection::get(&mut tx, &task.run.scope, name).await;
    let config = connection.and_then(|connection| connection.jdbc(vault));
    config.map_err(|error| match error {
        sources::SourceError::Store(error) => error.into(),
        other => refused(node, format!("connection {name}: {other}")),
    })
}

impl Found {
    /// Opens the table.
    pub(super) async fn open(&self, stats: Arc<ScanStats>) -> Result<JdbcTable, EngineError> {
        let place = Place {
            config: self.config.clone(),
            schema: self.schema.clone(),
            table: self.table.clone(),
            parts: self.parts.clone(),
            label: self.label.clone(),
        };
        JdbcTable::open(place, self.declared.as_ref(), stats).await
    }
}
