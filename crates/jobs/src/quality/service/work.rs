//! What a run reads and evaluates.

use std::collections::BTreeMap;

use ::quality::Ruleset;
use datafusion::dataframe::DataFrame;
use engine::{EngineError, Session, SessionOptions, Sources, SqlDialect, TableOptions};
use store::{Scope, Tx};
use tokio_util::sync::CancellationToken;

use super::documents::{DataSource, QualityResult, QualityRun, TableName, Work};
use super::error::QualityError;
use super::publish::Place;
use super::{Inner, NewRun, recommend, result_id, rulesets};
use crate::plan::{self, PlanError};
use crate::quality::{self, Input};

/// Why a run ended without results.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkError {
    /// It was told to, or somebody else works on it.
    #[error("cancelled")]
    Cancelled,
    /// A frame cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Anything else.
    #[error(transparent)]
    Quality(#[from] QualityError),
}

impl From<EngineError> for WorkError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Cancelled => Self::Cancelled,
            other => Self::Plan(PlanError::Engine(other)),
        }
    }
}

/// What a run has found.
pub(super) enum Found {
    Results(Vec<QualityResult>),
    Ruleset(String),
}

/// Refuses a run that could only fail.
pub(super) async fn check(tx: &mut Tx, scope: &Scope, new: &NewRun) -> Result<(), QualityError> {
    source(tx, scope, &new.source).await?;
    match &new.work {
        Work::Evaluation { rulesets, additional, prefix, .. } => {
            for (at, name) in rulesets.iter().enumerate() {
                if rulesets[..at].contains(name) {
                    return Err(QualityError::invalid(format!("RulesetNames has {name} twice")));
                }
                rulesets::get(tx, scope, name).await?;
            }
            for (alias, other) in additional {
                if alias == "primary" {
                    let what = "primary is the name of the data that is evaluated, and of no additional data";
                    return Err(QualityError::invalid(what));
                }
                source(tx, scope, other).await?;
            }
            prefix.as_deref().map(Place::parse).transpose().map(|_| ())
        }
        Work::Recommendation { creates, .. } => match creates {
            Some(name) if super::rows::find_ruleset(tx, scope, name).await?.is_some() => {
                Err(QualityError::RulesetExists { name: name.clone() })
            }
            _ => Ok(()),
        },
    }
}

async fn source(tx: &mut Tx, scope: &Scope, source: &DataSource) -> Result<(), QualityError> {
    catalog::table::get(tx, scope, &source.table.database, &source.table.table).await?;
    match &source.query {
        Some(query) => plan::check_sql(query)
            .map_err(|error| QualityError::invalid(format!("PreProcessingQuery: {error}"))),
        None => Ok(()),
    }
}

/// Does what a run asks for.
pub(super) async fn work(
    inner: &Inner,
    scope: &Scope,
    run: &QualityRun,
    cancel: &CancellationToken,
) -> Result<Found, WorkError> {
    let sources = Sources { store: inner.store.clone(), lake: inner.lake.clone(), scope: scope.clone() };
    let options = SessionOptions {
        default_database: Some(run.source.table.database.clone()),
        cancel: cancel.clone(),
        dialect: SqlDialect::Spark,
        ..SessionOptions::default()
    };
    let session = inner.engine.session(sources, options);
    match &run.work {
        Work::Recommendation { .. } => {
            let primary = frame(&session, &run.source).await?;
            let now_ms = inner.store.clock().now_ms();
            Ok(Found::Ruleset(recommend::ruleset(&session, primary, now_ms).await?))
        }
        Work::Evaluation { rulesets, additional, by_row, .. } => {
            let texts = texts(inner, scope, rulesets).await?;
            let mut results = Vec::new();
            for (name, text) in texts {
                results.push(evaluate(inner, &session, run, (name, text), additional, *by_row).await?);
            }
            Ok(Found::Results(results))
        }
    }
}

async fn texts(
    inner: &Inner,
    scope: &Scope,
    names: &[String],
) -> Result<Vec<(String, String)>, QualityError> {
    let mut tx = inner.store.read().await?;
    let mut texts = Vec::new();
    for name in names {
        texts.push((name.clone(), rulesets::get(&mut tx, scope, name).await?.text));
    }
    Ok(texts)
}

async fn evaluate(
    inner: &Inner,
    session: &Session,
    run: &QualityRun,
    (name, text): (String, String),
    additional: &BTreeMap<String, DataSource>,
    by_row: bool,
) -> Result<QualityResult, WorkError> {
    let started_ms = inner.store.clock().now_ms();
    let ruleset = quality::parse(&text).map_err(QualityError::from)?;
    let primary = frame(session, &run.source).await?;
    let mut others = BTreeMap::new();
    for (alias, source) in additional {
        others.insert(alias.clone(), frame(session, source).await?);
    }
    add_tables(session, &ruleset, &mut others).await?;
    let input = Input { session, primary, others, now_ms: started_ms, by_row };
    let evaluation = quality::evaluate(input, &ruleset).await?;
    Ok(QualityResult {
        id: result_id(&inner.store),
        source: Some(run.source.clone()),
        ruleset: name,
        context: None,
        job: None,
        run: Some(run.id.clone()),
        started_ms,
        completed_ms: inner.store.clock().now_ms(),
        evaluation,
    })
}

/// Adds the tables of the catalog that rules name: they need no other name than `database.table`.
pub(super) async fn add_tables(
    session: &Session,
    ruleset: &Ruleset,
    others: &mut BTreeMap<String, DataFrame>,
) -> Result<(), PlanError> {
    for alias in quality::references(ruleset) {
        if let Some((database, table)) = alias.split_once('.')
            && !others.contains_key(&alias)
        {
            let table = TableName { database: database.to_owned(), table: table.to_owned() };
            match named(session, &table, None).await {
                Ok(frame) => {
                    others.insert(alias, frame);
                }
                // The rule that names it says so.
                Err(PlanError::Engine(
                    EngineError::TableNotFound { .. } | EngineError::DatabaseNotFound { .. },
                )) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

async fn frame(session: &Session, source: &DataSource) -> Result<DataFrame, PlanError> {
    match &source.query {
        None => named(session, &source.table, source.predicate.clone()).await,
        Some(query) => plan::plain(plan::select(session, query, Vec::new()).await?),
    }
}

async fn named(
    session: &Session,
    table: &TableName,
    partition_predicate: Option<String>,
) -> Result<DataFrame, PlanError> {
    let options = TableOptions { partition_predicate, ..TableOptions::default() };
    plan::plain(session.table(&table.database, &table.table, options).await?)
}
