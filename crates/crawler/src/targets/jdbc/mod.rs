//! JDBC targets: tables and views of PostgreSQL, MySQL and MariaDB, as the catalogs of these databases describe them. No row
//! is read.
//!
//! One connection is opened per target and survey, and listed table by table. What cannot be described (no permission,
//! columns that the catalog cannot hold) is left out and named; the rest goes on. When the database goes away, what was
//! described until then stands, and nothing of the target counts as vanished.

mod describe;
mod path;

use std::collections::HashSet;

use async_trait::async_trait;
use catalog::Table;
use sources::jdbc::{Config, Database, Engine, TableName};
use sources::{SourceError, connection};

use super::{CONNECTION, Described, Target, Yield};
use crate::definition::JdbcTarget;
use crate::error::CrawlerError;
use crate::exclusion::Exclusions;
use crate::run::{Ended, Job};

pub(crate) use describe::Metadata;
pub(crate) use path::Include;

use describe::Frame;
use path::Place;

/// Tables of one target; beyond, a target is refused rather than held in memory.
const MAX_TABLES: usize = 100_000;

/// A JDBC target of a run.
pub(crate) struct Jdbc {
    target: JdbcTarget,
    /// What was found out, once the target was read to its end.
    read: Option<Read>,
}

/// What a whole reading of a target knows.
struct Read {
    include: Include,
    exclusions: Exclusions,
    has_schemas: bool,
    /// Locations of tables that are there, described or not.
    there: HashSet<String>,
}

/// Why a survey ends early.
enum Broken {
    /// The run cannot go on.
    Run(Ended),
    /// The target cannot be read any further.
    Target(String),
}

impl From<SourceError> for Broken {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Store(error) => Self::Run(CrawlerError::Store(error).into()),
            other => Self::Target(other.to_string()),
        }
    }
}

impl From<Ended> for Broken {
    fn from(ended: Ended) -> Self {
        Self::Run(ended)
    }
}

impl From<CrawlerError> for Broken {
    fn from(error: CrawlerError) -> Self {
        match error {
            CrawlerError::Invalid { message } => Self::Target(message),
            other => Self::Run(other.into()),
        }
    }
}

impl Jdbc {
    pub(crate) fn new(target: JdbcTarget) -> Self {
        Self { target, read: None }
    }

    async fn read(&self, job: &Job<'_>, found: &mut Yield) -> Result<Read, Broken> {
        let include = Include::parse(&self.target.path)?;
        let exclusions = Exclusions::new(&self.target.exclusions)?;
        let config = self.login(job, &include).await?;
        let database = Database::open(&config).await?;
        let metadata = self.target.enable_additional_metadata.iter();
        let mut reading = Reading {
            job,
            frame: Frame {
                crawler: &job.definition.name,
                connection: &self.target.connection_name,
                engine: config.engine,
                metadata: metadata.filter_map(|entry| Metadata::parse(entry)).collect(),
            },
            database,
            read: Read {
                include,
                exclusions,
                has_schemas: has_schemas(config.engine),
                there: HashSet::new(),
            },
            found,
        };
        reading.all().await?;
        let Reading { database, read, .. } = reading;
        database.close().await;
        Ok(read)
    }

    /// What it takes to log in to the path's database.
    async fn login(&self, job: &Job<'_>, include: &Include) -> Result<Config, Broken> {
        let mut tx = job.ground.store.read().await.map_err(CrawlerError::from)?;
        let stored = connection::get(&mut tx, job.scope, &self.target.connection_name).await?;
        drop(tx);
        let mut config = stored.jdbc(&job.ground.vault)?;
        let engine = config.engine.name();
        if !has_schemas(config.engine) {
            return match include.schema {
                Some(_) => {
                    Err(Broken::Target(format!("{engine} has no schemas: the path is database/table")))
                }
                None => Ok(config),
            };
        }
        // A connection of PostgreSQL sees one database.
        match &config.database {
            Some(own) if *own != include.database => Err(Broken::Target(format!(
                "the connection leads to the database {own}, the path to {}",
                include.database
            ))),
            _ => {
                config.database = Some(include.database.clone());
                Ok(config)
            }
        }
    }
}

fn has_schemas(engine: Engine) -> bool {
    engine == Engine::Postgres
}

#[async_trait]
impl Target for Jdbc {
    fn label(&self) -> String {
        format!("connection {}: {}", self.target.connection_name, self.target.path)
    }

    async fn survey(&mut self, job: &Job<'_>) -> Result<Yield, Ended> {
        let mut found = Yield::default();
        self.read = match self.read(job, &mut found).await {
            Ok(read) => Some(read),
            Err(Broken::Run(ended)) => return Err(ended),
            Err(Broken::Target(why)) => {
                found.failure = Some(why);
                None
            }
        };
        Ok(found)
    }

    fn is_gone(&self, table: &Table) -> bool {
        let Some(read) = &self.read else { return false };
        if table.parameter(CONNECTION) != Some(self.target.connection_name.as_str()) {
            return false;
        }
        let Some(location) = table.location().filter(|location| !read.there.contains(*location)) else {
            return false;
        };
        Place::parse(location, read.has_schemas).is_some_and(|place| read.wants(&place))
    }
}

impl Read {
    fn wants(&self, place: &Place) -> bool {
        place.database == self.include.database
            && place.schema.as_ref().is_none_or(|schema| self.include.takes_schema(schema))
            && self.include.table.matches(&place.table)
            && !place.is_excluded(&self.exclusions)
    }
}

/// A survey at work.
struct Reading<'a> {
    job: &'a Job<'a>,
    frame: Frame<'a>,
    database: Database,
    read: Read,
    found: &'a mut Yield,
}

impl Reading<'_> {
    async fn all(&mut self) -> Result<(), Broken> {
        for (schema, usable) in self.schemas().await? {
            if !usable {
                let why = "permission denied for the schema (the right USAGE is needed)";
                self.found.notes.push(format!("schema {schema}: {why}; its tables are left out"));
            }
            for entry in self.database.tables(&schema).await? {
                self.job.go_on()?;
                let place = Place {
                    database: self.read.include.database.clone(),
                    schema: self.read.has_schemas.then(|| schema.clone()),
                    table: entry.name.clone(),
                };
                if self.read.wants(&place) {
                    self.table(&schema, place, &entry, usable).await?;
                }
            }
        }
        if self.read.there.is_empty() {
            self.found.notes.push("no table matches the path".to_owned());
        }
        Ok(())
    }

    /// The schemas to look at, in the engine's own words, and whether the user may look into them. Errors: the one that
    /// the path names is not there.
    async fn schemas(&mut self) -> Result<Vec<(String, bool)>, Broken> {
        let all = self.database.schemas().await?.into_iter().map(|schema| (schema.name, schema.usable));
        let include = &self.read.include;
        let named = match (self.read.has_schemas, &include.schema) {
            (true, Some(schema)) if schema.is_exact() => ("schema", schema.as_str()),
            (true, _) => return Ok(all.filter(|(name, _)| include.takes_schema(name)).collect()),
            (false, _) => ("database", include.database.as_str()),
        };
        let found: Vec<_> = all.filter(|(name, _)| name == named.1).collect();
        if found.is_empty() {
            let (what, name) = named;
            return Err(Broken::Target(format!(
                "there is no {what} {name}, or the user of the connection may not see it"
            )));
        }
        Ok(found)
    }

    async fn table(
        &mut self,
        schema: &str,
        place: Place,
        entry: &TableName,
        usable: bool,
    ) -> Result<(), Broken> {
        if self.read.there.len() == MAX_TABLES {
            return Err(Broken::Target(format!("it has more than {MAX_TABLES} tables: crawl it by parts")));
        }
        if !usable || !entry.readable {
            let why =
                "permission denied: the user of the connection may not read it (the right SELECT is needed)";
            self.leave_out(&place, why.to_owned());
            return Ok(());
        }
        match self.describe(schema, &place, entry).await? {
            Ok(Some(described)) => {
                self.read.there.insert(place.location());
                self.found.tables.push(described);
            }
            Ok(None) => self.found.notes.push(format!("table {} was dropped meanwhile", place.path())),
            Err(why) => self.leave_out(&place, why),
        }
        Ok(())
    }

    fn leave_out(&mut self, place: &Place, why: String) {
        self.read.there.insert(place.location());
        self.found.left_out.push((place.path(), why));
    }

    /// `None` when the table is gone; the inner error says why this one cannot be described.
    async fn describe(
        &mut self,
        schema: &str,
        place: &Place,
        entry: &TableName,
    ) -> Result<Result<Option<Described>, String>, Broken> {
        let columns = match self.database.columns(schema, &place.table).await {
            Ok(columns) => columns,
            Err(error @ SourceError::Query { .. }) => {
                // The table's own trouble, or the end of the connection?
                return match self.database.ping().await {
                    Ok(()) => Ok(Err(error.to_string())),
                    Err(_) => Err(Broken::Target(format!(
                        "{error}; {} tables had been read until then",
                        self.found.tables.len()
                    ))),
                };
            }
            Err(error) => return Err(error.into()),
        };
        if !columns.is_empty() {
            return Ok(describe::table(&self.frame, place, entry, &columns).map(Some));
        }
        let still = self.database.tables(schema).await?.iter().any(|other| other.name == place.table);
        if still { Ok(Err("it has no columns that the user may see".to_owned())) } else { Ok(Ok(None)) }
    }
}
