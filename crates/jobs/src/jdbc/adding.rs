//! Frames of scripts added to tables of databases: staged by the script as Parquet files, and written in one transaction of
//! the database.
//!
//! The script is the run, and what it writes is there when it is written, as on AWS. What a crash leaves: nothing of a frame
//! that was not committed (of MySQL: a table that was missing is there, and empty).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use engine::{EngineError, Session, WriteStats};
use sources::jdbc::{Database, parts_of};
use store::Scope;
use tokio_util::sync::CancellationToken;

use super::staged::{of_source, place};
use super::{Goal, Load, Login, Place, actions, shape};
use crate::JobsError;
use crate::plan::PlanError;
use crate::quality::service::StagedFrame;
use crate::staging::Stager;

/// Rows to add to a table.
#[derive(Clone)]
pub struct DatabaseWrite {
    /// Where it is.
    pub login: Login,
    /// `postgresql` or `mysql`, where the script says so.
    pub engine: Option<String>,
    /// The database, when it is not the connection's own.
    pub database: Option<String>,
    /// As [`super::DatabaseRead::table`]; made of the frame's columns when it is missing.
    pub table: String,
    /// The rows.
    pub frame: StagedFrame,
    /// Statements that run before the table is looked at, separated by semicolons.
    pub before: Option<String>,
    /// Statements that run when the rows are there.
    pub after: Option<String>,
}

/// What was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added {
    /// How many rows.
    pub rows: u64,
    /// Whether the table was made for them.
    pub made: bool,
}

impl Stager {
    /// Adds the rows of a frame to a table, all or none.
    /// Errors: `InvalidInput` for what cannot be opened, read or written, of which nothing is written; `Store`.
    pub async fn write_database(&self, scope: &Scope, write: &DatabaseWrite) -> Result<Added, JobsError> {
        let mut config = self.config(scope, &write.login, write.engine.as_deref()).await?;
        config.database = write.database.clone().or(config.database);
        let engine = config.engine;
        let checked = |what: &str, given: &Option<String>| {
            let checked = actions::checked(engine, given.as_deref()).map(|found| found.map(str::to_owned));
            checked.map_err(|error| JobsError::invalid(format!("{what} of {}: {error}", write.table)))
        };
        let before = checked("preactions", &write.before)?;
        let after = checked("postactions", &write.after)?;
        let mut place = place(config, &write.table)?;
        let stop = CancellationToken::new();
        // The script is gone when nobody waits for this any more; the connection goes with this future, and what it has
        // not committed.
        let _guard = stop.clone().drop_guard();
        let session = self.session(scope, stop);
        let mut database = Database::open(&place.config).await.map_err(of_source)?;
        let of_actions = |error| named("preactions", &write.table, error);
        database.begin_adding(before.as_deref()).await.map_err(of_actions)?;
        if has_no_schema(&write.table)
            && let Some(schema) = database.temporary_schema(&place.table).await.map_err(of_source)?
        {
            place.schema = schema;
        }
        let (load, added) = fill(&session, database, &place, &write.frame).await?;
        let mut database = load.database;
        let ended = database.end_adding(after.as_deref()).await;
        ended.map_err(|error| named("postactions or the commit", &write.table, error))?;
        database.close().await;
        Ok(added)
    }
}

fn has_no_schema(table: &str) -> bool {
    parts_of(table).is_some_and(|parts| parts.len() == 1)
}

/// An error of statements around the rows.
fn named(what: &str, table: &str, error: sources::SourceError) -> JobsError {
    JobsError::invalid(format!("{what} of {table}: {error}"))
}

/// Adds the rows, in the transaction that is open.
async fn fill(
    session: &Session,
    mut database: Database,
    place: &Place,
    frame: &StagedFrame,
) -> Result<(Load, Added), JobsError> {
    let frame = frame.open(session).await?;
    let goal = Goal { schema: &place.schema, table: &place.table, label: &place.label };
    let shaped = shape(&mut database, &goal, frame.schema().inner(), place.table.clone()).await;
    let (landing, fits) = shaped.map_err(JobsError::invalid)?;
    let made = landing.creates;
    database.open_table(&landing).await.map_err(of_source)?;
    let execution = session.execute(frame).await.map_err(PlanError::from)?;
    let stats = Arc::<WriteStats>::default();
    let label = format!("writing to {}", place.label);
    let mut load = Load { database, landing, fits, place: label, stats: Arc::clone(&stats) };
    let work = async move {
        load.fill(execution).await?;
        Ok::<_, EngineError>(load)
    };
    let load = session.engine().run(session.cancel_token(), work).await.map_err(PlanError::from)?;
    Ok((load, Added { rows: stats.rows.load(Ordering::Relaxed), made }))
}
