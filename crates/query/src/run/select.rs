//! Runs a query on the engine and writes its rows as CSV.

use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;
use engine::{Session, SessionOptions, Sources, SqlDialect};
use sqlparser::ast::Statement as Ast;

use super::RunError;
use super::statement::{Ground, Outcome, Request};
use crate::results::{CsvResult, columns};
use crate::sql::Select;
use crate::{sql, types, values};

pub(super) async fn run(ground: &Ground, request: &Request<'_>, select: Select) -> Result<Outcome, RunError> {
    let clock = ground.store.clock();
    let started_ms = clock.now_ms();
    let session = session(ground, request);
    let plan = plan(&session, select).await?;
    let mut execution = session.execute_plan(plan).await.map_err(RunError::of_planning)?;
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
