//! One SELECT as text, planned by DataFusion: the SQL of jobs.
//!
//! What the text says and DataFusion's planner would silently leave out (samples, table versions, locks) is refused
//! ([`refuse`]). In the Spark dialect, names match ignoring case ([`spelling`]): the planner itself compares bytes.
//! What a function or operator of the same name means differently in Spark is not looked at here; the limits are
//! documented with the job nodes that offer SQL.

mod correlated;
mod distinct;
mod expansion;
mod named_cast;
mod refuse;
mod size;
mod spelling;

pub use correlated::{OneRow, fault as correlation_fault, one_row};
pub use distinct::regroup_distinct;
pub use expansion::check_expansion;
pub use named_cast::NamedCast;
pub use size::{check_size, on_large_stack};

use std::collections::HashSet;

use datafusion::{
    common::{TableReference, config::ConfigOptions, config::Dialect},
    execution::SessionState,
    logical_expr::LogicalPlan,
    sql::parser::Statement,
};
use sqlparser::ast::Statement as Ast;

use crate::{EngineError, Session, SqlDialect};

/// Sets the session's parser and planner to the dialect.
pub(crate) fn configure(dialect: SqlDialect, settings: &mut ConfigOptions) {
    let parser = &mut settings.sql_parser;
    match dialect {
        SqlDialect::Spark => {
            parser.dialect = Dialect::Spark;
            parser.enable_ident_normalization = false;
            parser.default_null_ordering = "nulls_min".to_owned();
            // Rows of a sorted query stay sorted, and a limit outside takes the first of them.
            parser.enable_subquery_sort_elimination = false;
            // The optimizer's pushdown of field accesses mixes up a scan's qualified columns with the unqualified
            // ones that frames of jobs have, and then calls them ambiguous.
            settings.optimizer.enable_leaf_expression_pushdown = false;
        }
        SqlDialect::Trino => {
            parser.dialect = Dialect::Generic;
            parser.enable_ident_normalization = true;
            parser.parse_float_as_decimal = true;
            parser.default_null_ordering = "nulls_last".to_owned();
        }
    }
}

/// Parses and plans one SELECT.
pub(crate) async fn plan(session: &Session, text: &str) -> Result<LogicalPlan, EngineError> {
    check_size(text)?;
    let state = session.context().state();
    let dialect = state.config_options().sql_parser.dialect;
    let statement = session.converted(state.sql_to_statement(text.trim().trim_end_matches(';'), &dialect))?;
    let Statement::Statement(ast) = statement else {
        return Err(only_select());
    };
    plan_statement(session, *ast).await
}

/// Plans one SELECT that was parsed already.
pub(crate) async fn plan_statement(session: &Session, ast: Ast) -> Result<LogicalPlan, EngineError> {
    if !matches!(ast, Ast::Query(_)) {
        return Err(only_select());
    }
    on_large_stack(|| refuse::check(&ast))?;
    check_expansion(&ast, &|name| session.view_weight(name))?;
    let state = session.context().state();
    let mut statement = Statement::Statement(Box::new(ast));
    if !state.config_options().sql_parser.enable_ident_normalization {
        let columns = known_columns(session, &state, &statement).await?;
        if let Statement::Statement(ast) = &mut statement {
            on_large_stack(|| spelling::unify(ast, columns));
        }
    }
    let engine = session.engine().clone();
    let cancel = session.cancel_token().clone();
    let converting = engine.clone();
    let planned =
        async move { state.statement_to_plan(statement).await.map_err(|error| converting.convert(&error)) };
    engine.run_apart(&cancel, planned).await
}

fn only_select() -> EngineError {
    EngineError::Unsupported { message: "only a single SELECT statement can be run here".to_owned() }
}

/// The columns of all tables and views that the statement names.
async fn known_columns(
    session: &Session,
    state: &SessionState,
    statement: &Statement,
) -> Result<HashSet<String>, EngineError> {
    let mut known = HashSet::new();
    for reference in session.converted(state.resolve_table_references(statement))? {
        // What is not found is a CTE, or else the planner's error.
        let Ok(schema) = state.schema_for_ref(reference.clone()) else { continue };
        let table = TableReference::table(&reference).to_owned();
        if let Ok(Some(provider)) = schema.table(&table).await {
            known.extend(provider.schema().fields().iter().map(|field| field.name().clone()));
        }
    }
    Ok(known)
}
