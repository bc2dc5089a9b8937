//! SparkSQL: one SELECT over the node's inputs.
//!
//! The text is parsed in the engine's Spark dialect; its inputs are the only tables that it sees by
//! their aliases, besides tables of the catalog as `database.table`. Then [`super::spark`] makes operators
//! mean what they mean in Spark and refuses functions that would mean something else.

use datafusion::dataframe::DataFrame;
use engine::{EngineError, Session};

use super::PlanError;
use super::blame::Accused;
use super::spark;

/// The frames by the names that the text uses.
pub(super) fn views(
    inputs: &[String],
    frames: Vec<DataFrame>,
    aliases: &[(String, String)],
) -> Result<Vec<(String, DataFrame)>, PlanError> {
    let by_input: Vec<_> = inputs.iter().zip(frames).collect();
    let mut views = Vec::new();
    for (from, alias) in aliases {
        let frame = by_input.iter().find(|(input, _)| *input == from).map(|(_, frame)| frame.clone());
        let frame = frame.ok_or_else(|| PlanError::Refused(format!("the alias {alias} has no input")))?;
        views.push((alias.clone(), frame));
    }
    Ok(views)
}

/// Plans the text. The names of the views are taken back afterwards: another node may use them for its own inputs.
pub(super) async fn query(
    session: &Session,
    text: &str,
    views: Vec<(String, DataFrame)>,
    accused: &Accused,
) -> Result<DataFrame, PlanError> {
    let statement = spark::parse(session.context(), text)?;
    let names: Vec<String> = views.iter().map(|(name, _)| name.clone()).collect();
    let plans: Vec<_> = views.iter().map(|(_, frame)| frame.logical_plan().clone()).collect();
    for (name, frame) in views {
        session.register_view(&name, frame);
    }
    let frame = session.sql_statement(statement).await;
    for name in &names {
        session.drop_view(name);
    }
    let (state, plan) = frame.map_err(|error| explained(error, &names))?.into_parts();
    let plan = spark::adapt(plan, &plans, accused)?;
    // What cannot be computed is said now, while it is known whose it is.
    session.explain(plan.clone()).await?;
    Ok(DataFrame::new(state, plan))
}

/// A table that is not found is often an alias that is spelled differently.
fn explained(error: EngineError, names: &[String]) -> PlanError {
    match error {
        EngineError::DatabaseNotFound { .. } | EngineError::TableNotFound { .. } => {
            PlanError::Refused(format!("{error}; its inputs are known as {}", names.join(", ")))
        }
        other => PlanError::Engine(other),
    }
}
