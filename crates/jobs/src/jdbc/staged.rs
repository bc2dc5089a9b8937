//! Tables of databases for scripts: read here, and staged as Parquet files in a folder that the script names.
//!
//! A reading is one snapshot. What a crash leaves: nothing; the files become visible together, when all are written.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::dataframe::DataFrame;
use datafusion::prelude::{Expr, cast, lit};
use engine::{EngineError, Session};
use sources::SourceError;
use sources::connection;
use sources::jdbc::{Config, Database, parts_of};
use store::Scope;
use tokio_util::sync::CancellationToken;

use super::{JdbcTable, MAX_PARTS, Place, has_schemas};
use crate::JobsError;
use crate::plan::{self, PlanError};
use crate::staging::{self, Staged, Stager};

/// Which database. Never printed, for it may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// A connection, by its name.
    Connection(String),
    /// The properties of a connection of type `JDBC`.
    Properties(BTreeMap<String, String>),
}

/// A table to read.
#[derive(Clone)]
pub struct DatabaseRead {
    /// Where it is.
    pub login: Login,
    /// `postgresql` or `mysql`, where the script says so.
    pub engine: Option<String>,
    /// `table`, `schema.table` (of MySQL: `database.table`), or `database.schema.table`, with quotes as in SQL.
    pub table: String,
    /// The columns to read, and their types as the catalog writes them; all of the database's when absent.
    pub columns: Option<Vec<(String, String)>>,
    /// The column by whose values it is read in parts, and how many.
    pub parts: Option<(String, u32)>,
    /// Which rows were read before.
    pub after: Option<After>,
    /// Whether the table's primary key is to be looked for.
    pub find_key: bool,
    /// Where the files are to be; nobody else may write there.
    pub folder: String,
}

/// The end of an earlier reading: what is to be read lies beyond it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// Columns, the weightiest first, and their values as text.
    pub keys: Vec<(String, String)>,
    /// Whether later rows have smaller values.
    pub descending: bool,
}

pub(super) fn of_source(error: SourceError) -> JobsError {
    match error {
        SourceError::Store(error) => error.into(),
        other => JobsError::invalid(other.to_string()),
    }
}

impl Stager {
    /// Reads a table of a database into files.
    /// Errors: `InvalidInput` for what cannot be opened, read or written; `Store`.
    pub async fn read_database(&self, scope: &Scope, read: &DatabaseRead) -> Result<Staged, JobsError> {
        let folder = staging::folder(&read.folder)?;
        let config = self.config(scope, &read.login, read.engine.as_deref()).await?;
        let place = Place { parts: parts(read)?, ..place(config, &read.table)? };
        let columns = read.columns.as_ref();
        let columns = columns.map(|all| all.iter().map(|(name, hive)| (name.as_str(), hive.as_str())));
        let declared = columns.map(plan::declared).transpose()?;
        let key = match read.find_key {
            true => primary_key(&place).await.map_err(PlanError::from)?,
            false => Vec::new(),
        };
        let stop = CancellationToken::new();
        // The script is gone when nobody waits for this any more.
        let _guard = stop.clone().drop_guard();
        let session = self.session(scope, stop);
        // Kept until all is read: it holds the snapshot.
        let table =
            JdbcTable::open(place, declared.as_ref(), None, Arc::default()).await.map_err(PlanError::from)?;
        let table = Arc::new(table);
        let frame = opened(&session, &table, read.after.as_ref())?;
        let staged = self.write(&session, frame, folder).await?;
        drop(table);
        Ok(Staged { key, ..staged })
    }

    /// What it takes to log in; an error when the database is not one of `engine`.
    pub(super) async fn config(
        &self,
        scope: &Scope,
        login: &Login,
        engine: Option<&str>,
    ) -> Result<Config, JobsError> {
        let config = match login {
            Login::Properties(properties) => {
                Config::from_properties("JDBC", properties, None).map_err(of_source)?
            }
            Login::Connection(name) => {
                let mut tx = self.store.read().await?;
                let found = connection::get(&mut tx, scope, name).await;
                found.and_then(|connection| connection.jdbc(&self.vault)).map_err(|error| match error {
                    SourceError::Store(error) => error.into(),
                    other => JobsError::invalid(format!("connection {name}: {other}")),
                })?
            }
        };
        match engine {
            Some(engine) if !engine.eq_ignore_ascii_case(config.engine.glue_name()) => {
                let what =
                    format!("the connection type is {engine}, but the address is one of {}", config.label());
                Err(JobsError::invalid(what))
            }
            _ => Ok(config),
        }
    }
}

/// In how many parts the table is read, and by which column.
fn parts(read: &DatabaseRead) -> Result<Option<(String, u32)>, JobsError> {
    match &read.parts {
        Some((_, parts)) if !(1..=MAX_PARTS).contains(parts) => {
            Err(JobsError::invalid(format!("hashpartitions is {parts}, not 1 to {MAX_PARTS}")))
        }
        parts => Ok(parts.clone()),
    }
}

/// Where the table of that name is: what the name does not say, the connection does.
pub(super) fn place(config: Config, name: &str) -> Result<Place, JobsError> {
    let parts = parts_of(name).unwrap_or_default();
    let names: Vec<&str> = parts.iter().map(String::as_str).collect();
    let schemas = has_schemas(config.engine);
    let (database, schema, table) = match (schemas, names.as_slice()) {
        (_, names) if names.iter().any(|name| name.is_empty()) => {
            return Err(JobsError::invalid(format!("{name:?} is no name of a table")));
        }
        (true, [table]) => (config.database.clone(), Some("public".to_owned()), *table),
        (true, [schema, table]) => (config.database.clone(), Some((*schema).to_owned()), *table),
        (true, [database, schema, table]) => {
            (Some((*database).to_owned()), Some((*schema).to_owned()), *table)
        }
        (false, [table]) => (config.database.clone(), config.database.clone(), *table),
        (false, [database, table]) => (Some((*database).to_owned()), Some((*database).to_owned()), *table),
        _ => {
            let what = format!("{name:?} is no table of {}", config.engine.name());
            return Err(JobsError::invalid(what));
        }
    };
    let missing = || JobsError::invalid(format!("neither the address nor {name:?} names a database"));
    Ok(Place {
        label: format!("{name} of {}", config.label()),
        config: Config { database, ..config },
        schema: schema.ok_or_else(missing)?,
        table: table.to_owned(),
        parts: None,
    })
}

async fn primary_key(place: &Place) -> Result<Vec<String>, EngineError> {
    let mut database = Database::open(&place.config).await.map_err(|error| place.error(error))?;
    let found = database.primary_key(&place.schema, &place.table).await;
    database.close().await;
    found.map_err(|error| place.error(error))
}

fn opened(session: &Session, table: &Arc<JdbcTable>, after: Option<&After>) -> Result<DataFrame, PlanError> {
    let frame = plan::plain(session.read(Arc::clone(table) as _)?)?;
    match after {
        Some(after) => {
            let beyond = beyond(&frame, after)?;
            Ok(frame.filter(beyond)?)
        }
        None => Ok(frame),
    }
}

/// The rows that come after others: by the first key, among those that are equal there by the second, …
fn beyond(frame: &DataFrame, after: &After) -> Result<Expr, PlanError> {
    let mut all = lit(false);
    let mut equal = lit(true);
    for (name, value) in &after.keys {
        let fields = frame.schema().fields();
        let field = fields.iter().find(|field| field.name() == name);
        let field = field.or_else(|| fields.iter().find(|field| field.name().eq_ignore_ascii_case(name)));
        let field = field.ok_or_else(|| PlanError::NoField {
            field: name.clone(),
            known: fields.iter().map(|field| field.name().clone()).collect(),
        })?;
        let value = match field.data_type() {
            DataType::Utf8 => lit(value.as_str()),
            other => cast(lit(value.as_str()), other.clone()),
        };
        let own = plan::column(field.name());
        let later =
            if after.descending { own.clone().lt(value.clone()) } else { own.clone().gt(value.clone()) };
        all = all.or(equal.clone().and(later));
        equal = equal.and(own.eq(value));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, Date32Array, Int64Array, RecordBatch};
    use engine::{SessionOptions, Sources};
    use sources::jdbc::Tls;

    use super::*;
    use crate::tests::{World, scope};

    fn found(engine: sources::jdbc::Engine, table: &str) -> Result<(Option<String>, String, String), String> {
        let config = Config {
            engine,
            host: "h".to_owned(),
            port: 1,
            database: Some("d".to_owned()),
            user: "u".to_owned(),
            secret: None,
            tls: Tls::Prefer,
        };
        let place = place(config, table).map_err(|error| error.to_string())?;
        Ok((place.config.database, place.schema, place.table))
    }

    #[test]
    fn tables_are_where_their_names_say() {
        use sources::jdbc::Engine::{MySql, Postgres};
        let at = |database: &str, schema: &str, table: &str| {
            Ok((Some(database.to_owned()), schema.to_owned(), table.to_owned()))
        };
        assert_eq!(found(Postgres, "t"), at("d", "public", "t"));
        assert_eq!(found(Postgres, "s.t"), at("d", "s", "t"));
        assert_eq!(found(Postgres, "x.\"My.Schema\".\"T\""), at("x", "My.Schema", "T"));
        assert_eq!(found(MySql, "t"), at("d", "d", "t"));
        assert_eq!(found(MySql, "x.t"), at("x", "x", "t"));
        for (engine, table) in [(MySql, "a.b.c"), (Postgres, "a.b.c.d"), (Postgres, ""), (MySql, "a.")] {
            assert!(found(engine, table).unwrap_err().contains(&format!("{table:?} is no")), "{table}");
        }
    }

    #[tokio::test]
    async fn rows_beyond_others_follow_by_all_keys() {
        let world = World::idle().await;
        let sources = Sources { store: world.store.clone(), lake: world.lake.clone(), scope: scope() };
        let session = world.engine.session(sources, SessionOptions::default());
        let day = Date32Array::from(vec![1, 2, 2, 3]);
        let id = Int64Array::from(vec![9, 1, 10, 1]);
        let columns: Vec<(&str, Arc<dyn Array>)> = vec![("Day", Arc::new(day)), ("id", Arc::new(id))];
        let frame = session.context().read_batch(RecordBatch::try_from_iter(columns).unwrap()).unwrap();
        let count = async |keys: &[(&str, &str)], descending: bool| {
            let keys = keys.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let beyond = beyond(&frame, &After { keys, descending }).unwrap();
            session.count(frame.clone().filter(beyond).unwrap()).await.unwrap()
        };
        assert_eq!(count(&[("day", "1970-01-03")], false).await, 1);
        assert_eq!(count(&[("day", "1970-01-03"), ("id", "9")], false).await, 2);
        assert_eq!(count(&[("day", "1970-01-03"), ("id", "9")], true).await, 2);
        assert_eq!(count(&[("id", "9")], false).await, 1, "numbers are compared as such");
        let keys = vec![("no".to_owned(), "1".to_owned())];
        let error = beyond(&frame, &After { keys, descending: false }).unwrap_err();
        assert_eq!(error.to_string(), "field no is not in its input, which has Day, id");
    }
}
