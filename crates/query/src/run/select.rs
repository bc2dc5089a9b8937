//! Runs a query on the engine and writes its rows as CSV.

use datafusion::logical_expr::{LogicalPlan, ScalarUDF};
use datafusion::sql::parser::Statement;
use engine::{EngineError, Session, SessionOptions, Sources, SqlDialect};
use sqlparser::ast::Statement as Ast;

use super::RunError;
use super::statement::{Ground, Outcome, Request};
use crate::results::{CsvResult, columns};
use crate::sql::{Position, Probe, Search, Select, SqlError, SqlErrorKind};
use crate::{sql, types, values};

pub(super) async fn run(ground: &Ground, request: &Request<'_>, select: Select) -> Result<Outcome, RunError> {
    let clock = ground.store.clock();
    let started_ms = clock.now_ms();
    let session = session(ground, request);
    let plan = match plan(&session, select).await {
        Ok(plan) => plan,
        Err(error) => return Err(placed(&session, request.query, error).await),
    };
    let correlated = sql::is_correlated(&plan);
    let mut execution = session.execute_plan(plan).await.map_err(|error| match error {
        // A subquery that our engine cannot make a join of; what it says then is of its own insides.
        EngineError::Unsupported { .. } | EngineError::ColumnNotFound { .. } if correlated => {
            RunError::Sql(SqlError::unsupported(Position::default(), CORRELATED))
        }
        other => RunError::of_planning(other),
    })?;
    let planning_ms = clock.now_ms() - started_ms;
    let schema = execution.schema();
    let names = sql::shown(schema.fields().iter().map(|field| field.name().as_str()));
    for (field, name) in schema.fields().iter().zip(&names) {
        // Trino gives a bare NULL the type unknown; every other type without a name cannot be shown.
        if types::name(field.data_type()) == "unknown" && !field.data_type().is_null() {
            let message = format!("column {name} has a type that results cannot hold");
            return Err(RunError::refused("NOT_SUPPORTED", message));
        }
    }
    let mut result = CsvResult::new(&ground.lake, names.iter().map(String::as_str))?;
    while let Some(batch) = execution.next().await {
        result.write(&batch?).await?;
    }
    let scanned_bytes = execution.stats().bytes_scanned;
    let (file, rows) = result.finish().await?;
    Ok(Outcome { file, columns: columns(&schema, names), rows, scanned_bytes, planning_ms })
}

fn session(ground: &Ground, request: &Request<'_>) -> Session {
    let sources =
        Sources { store: ground.store.clone(), lake: ground.lake.clone(), scope: request.scope.clone() };
    let options = SessionOptions {
        default_database: Some(request.database.to_owned()),
        cancel: request.cancel.clone(),
        dialect: SqlDialect::Trino,
        ..SessionOptions::default()
    };
    ground.engine.session(sources, options)
}

/// Why a statement cannot be run that is right as far as it was looked at.
const CORRELATED: &str = "a subquery that refers to the query outside otherwise than by = in its WHERE";

/// The most places of a statement that are tried for an error.
const MAX_SPOTS: usize = 64;

/// The error with its place in the statement, where that can be told.
async fn placed(session: &Session, text: &str, error: RunError) -> RunError {
    match &error {
        RunError::Sql(SqlError { position, kind }) if position.line == 0 => {
            let found = located(session, text, kind).await;
            found.map_or(error, RunError::Sql)
        }
        RunError::Engine(EngineError::Plan { message }) => {
            let found = match sql::ungrouped(text) {
                Some(found) => Some(found),
                None => probed(session, text, message).await,
            };
            found.map_or(error, RunError::Sql)
        }
        _ => error,
    }
}

/// Finds an error's place: the only one that it may be about, else the one without which it is gone.
async fn located(session: &Session, text: &str, kind: &SqlErrorKind) -> Option<SqlError> {
    let search = Search::Of(kind);
    let spots = sql::spots(text, &search);
    if let [only] = &spots[..] {
        return Some(SqlError::at(kind.clone(), only));
    }
    if spots.len() > MAX_SPOTS {
        return None;
    }
    let is_column = matches!(kind, SqlErrorKind::NoColumn { .. } | SqlErrorKind::Ambiguous(_));
    for step in 0..spots.len() {
        // Of columns the first one in the text is looked for; of operators the innermost.
        let at = if is_column { spots.len() - 1 - step } else { step };
        let gone = |other: usize| if is_column { other >= at } else { other <= at };
        let error = plan(session, sql::without(text, &search, gone)?).await.err();
        if session.cancel_token().is_cancelled() {
            return None;
        }
        if !matches!(&error, Some(RunError::Sql(SqlError { kind: other, .. })) if other == kind) {
            return Some(SqlError::at(kind.clone(), spots.get(at)?));
        }
    }
    None
}

/// Finds what our engine refuses in words of its own, and asks it for the types of the operands.
async fn probed(session: &Session, text: &str, message: &str) -> Option<SqlError> {
    let spots = sql::spots(text, &Search::Operands);
    for (at, spot) in spots.iter().enumerate().take(MAX_SPOTS) {
        let error = plan(session, sql::without(text, &Search::Operands, |other| other == at)?).await.err();
        if session.cancel_token().is_cancelled() {
            return None;
        }
        if matches!(&error, Some(RunError::Engine(EngineError::Plan { message: other })) if other == message)
        {
            continue;
        }
        let probe = Probe::of(spot.called.as_deref()?);
        session.context().register_udf(ScalarUDF::from(probe));
        return match plan(session, sql::probing(text, at)?).await {
            Err(RunError::Sql(SqlError { kind, .. })) => Some(SqlError::at(kind, spot)),
            _ => None,
        };
    }
    None
}

/// Binds a checked query and brings it in line with Trino.
async fn plan(session: &Session, select: Select) -> Result<LogicalPlan, RunError> {
    values::register(session.context());
    let statement = Statement::Statement(Box::new(Ast::Query(Box::new(select.query))));
    let state = session.context().state();
    let engine = session.engine().clone();
    let bind = async move {
        let bound = state.statement_to_plan(statement).await;
        // An error of ours inside is one of the statement, not of the engine: it comes out as it went in.
        Ok(bound.and_then(|bound| engine::on_large_stack(|| sql::conform(bound))))
    };
    let bound = engine.run_apart(session.cancel_token(), bind).await?;
    let plan = bound.map_err(|error| RunError::from_planning(session.engine(), &error))?;
    let names = plan.schema().fields().iter().map(|field| field.name().as_str());
    sql::check_order(&select.ordered_by, &sql::shown(names))?;
    Ok(plan)
}
